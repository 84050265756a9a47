/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The plain host: the core run by an ordinary C program on a frame in memory
 * (docs/internals/host.md).
 *
 * It applies the bounds that the verifier makes the XDP host apply and returns the same errors, so
 * that a wrong image or packet shows here, under the sanitizers, as it would show there.
 */
#ifndef ANODE_TESTS_HOST_PLAIN_H
#define ANODE_TESTS_HOST_PLAIN_H

#include <string.h>
#include "answer/query.h"
#include "shared/memory.h"

struct plain_packet {
	u8 *frame;
	u32 length; /* bytes of the frame */
	u32 room;   /* bytes that it may grow to */
	u32 ifindex;
	u64 now; /* the clock, ns */
	u32 row; /* of counters and samples */
	const struct engine_memory *memory;
};

#define STEP      static inline
#define LOOP_BACK ((void)0)
#define PACKET    struct plain_packet

/* As many as the XDP host does, so that both say the same. */
#define NSEC3_ITERATIONS 0u

static inline u16 word_load16(const void *from)
{
	u16 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline u32 word_load32(const void *from)
{
	u32 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline u64 word_load64(const void *from)
{
	u64 v;

	memcpy(&v, from, sizeof(v));
	return v;
}

static inline void word_touch(const void *at)
{
	__builtin_prefetch(at);
}

static inline void word_store16(void *to, u16 value)
{
	memcpy(to, &value, sizeof(value));
}

static inline void word_store32(void *to, u32 value)
{
	memcpy(to, &value, sizeof(value));
}

static inline void word_store64(void *to, u64 value)
{
	memcpy(to, &value, sizeof(value));
}

static inline const void *image_at(PACKET *p, u32 offset, u32 rel)
{
	u64 at = ((u64)offset << IMAGE_UNIT_SHIFT) + rel;
	u64 shard = at >> p->memory->shard_shift;

	if (shard >= p->memory->shards)
		return NULL;
	return p->memory->image + shard * IMAGE_STRIDE(p->memory->shard_shift) +
	       (at & ((1ull << p->memory->shard_shift) - 1));
}

static inline const struct image_header *image_header(PACKET *p)
{
	return image_at(p, 0, 0);
}

static inline u32 image_head(const u32 *head)
{
	return __atomic_load_n(head, __ATOMIC_ACQUIRE);
}

static inline u32 packet_length(PACKET *p)
{
	return p->length;
}

static inline u8 *packet_view(PACKET *p, u32 at, u32 n)
{
	at &= 0x3fff;
	return at > p->length || n > p->length - at ? NULL : p->frame + at;
}

static inline const u8 *packet_end(PACKET *p)
{
	return p->frame + p->length;
}

static inline const u8 *packet_octet(const u8 *from, u32 at, const u8 *end)
{
	return at < (u64)(end - from) ? from + at : NULL;
}

static inline int packet_store(PACKET *p, u32 at, const void *from, u32 n)
{
	at &= 0x3fff;
	if (n < 1 || n > IMAGE_FRAGMENT_MAX || at > p->length || n > p->length - at)
		return -1;
	memcpy(p->frame + at, from, n);
	return 0;
}

static inline int packet_store_be16(PACKET *p, u32 at, be16 value)
{
	at &= 0x3fff;
	if (at + 2 > p->length)
		return -1;
	word_store16(p->frame + at, value.raw);
	return 0;
}

static inline int packet_resize(PACKET *p, u32 length, u32 keep)
{
	if (length > p->room)
		return -1;
	if (length > p->length)
		memset(p->frame + p->length, 0, length - p->length);
	p->length = length;
	return 0;
}

static inline u32 packet_iface(PACKET *p)
{
	return p->ifindex;
}

static inline u64 now_ns(PACKET *p, struct query *q)
{
	return p->now;
}

static inline const struct settings *settings_get(PACKET *p)
{
	const struct settings_area *area = p->memory->settings;

	if (area->magic != SETTINGS_MAGIC || area->layout != SETTINGS_LAYOUT)
		return NULL;
	return &area->block[__atomic_load_n(&area->active, __ATOMIC_ACQUIRE) & 1];
}

static inline u64 lease_end(PACKET *p)
{
	return __atomic_load_n(&p->memory->settings->lease_end, __ATOMIC_RELAXED);
}

static inline struct counters *counters_get(PACKET *p)
{
	return &p->memory->counters[p->row];
}

static inline struct sample *sample_slot(PACKET *p, u32 index)
{
	return &p->memory->samples[p->row].slot[index & (SAMPLES_PER_ROW - 1)];
}

static inline int packet_route(PACKET *p, struct query *q)
{
	return REASON_ROUTE; /* no routing table behind a frame in memory */
}

#endif
