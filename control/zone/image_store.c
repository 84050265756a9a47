/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model test brings its own version of the three stores, which dies between any two of them. */
#include "control/zone/image_store.h"

#include <string.h>

void image_store_bytes(const struct image_targets *targets, uint32_t offset, uint32_t at,
	const void *from, size_t size)
{
	for (unsigned i = 0; i < targets->count; i++)
		memcpy((uint8_t *)image_place(targets->memory[i], offset) + at, from, size);
}

void image_store_u32(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint32_t value)
{
	for (unsigned i = 0; i < targets->count; i++) {
		uint8_t *place = image_place(targets->memory[i], offset);
		__atomic_store_n((uint32_t *)(void *)(place + at), value, __ATOMIC_RELEASE);
	}
}

void image_store_u64(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint64_t value)
{
	for (unsigned i = 0; i < targets->count; i++) {
		uint8_t *place = image_place(targets->memory[i], offset);
		__atomic_store_n((uint64_t *)(void *)(place + at), value, __ATOMIC_RELEASE);
	}
}
