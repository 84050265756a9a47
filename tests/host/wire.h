/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Octets put one behind the other, numbers in network order: how tests write messages. Callers know
 * that they fit. */
#ifndef ANODE_TESTS_WIRE_H
#define ANODE_TESTS_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "answer/types.h"

struct wire {
	uint8_t *bytes;
	size_t size; /* so far */
};

static inline void wire_put(struct wire *w, const void *bytes, size_t size)
{
	memcpy(w->bytes + w->size, bytes, size);
	w->size += size;
}

static inline void wire_put8(struct wire *w, uint8_t value)
{
	wire_put(w, &value, 1);
}

static inline void wire_put16(struct wire *w, uint16_t value)
{
	be16 v = be16_of(value);

	wire_put(w, &v, sizeof(v));
}

static inline void wire_put32(struct wire *w, uint32_t value)
{
	be32 v = be32_of(value);

	wire_put(w, &v, sizeof(v));
}

#endif
