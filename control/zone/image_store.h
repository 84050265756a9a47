/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every store into the answer image goes through here, to all copies of it, in the same order.
 *
 * In: a place and what belongs there. Out: the same bytes in each target. It knows nothing of
 * objects: order and lifetime are the callers' (docs/internals/image.md). Publisher thread only.
 */
#ifndef ANODE_ZONE_IMAGE_STORE_H
#define ANODE_ZONE_IMAGE_STORE_H

#include "answer/image.h"
#include "shared/memory.h"

#include <stddef.h>
#include <stdint.h>

#define IMAGE_TARGETS_MAX 8u

/* The copies of one image: of each engine, of each NUMA node. Same shape; the caller owns them. */
struct image_targets {
	struct engine_memory *memory[IMAGE_TARGETS_MAX];
	unsigned count; /* at least 1 */
};

/* Where 'offset' (units of 16) lies in one copy. It must lie in a shard that exists. */
static inline void *image_place(const struct engine_memory *memory, uint32_t offset)
{
	uint64_t byte = (uint64_t)offset * IMAGE_UNIT;
	uint64_t shard = byte >> memory->shard_shift;

	return memory->image + shard * IMAGE_STRIDE(memory->shard_shift) +
	       (byte & ((1ull << memory->shard_shift) - 1));
}

/* Bytes that nothing leads to yet. 'at': octets behind 'offset', in the same shard. */
void image_store_bytes(const struct image_targets *targets, uint32_t offset, uint32_t at,
	const void *from, size_t size);

/* One aligned store that readers may see at once, after all stores before it. */
void image_store_u32(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint32_t value);
void image_store_u64(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint64_t value);

#endif
