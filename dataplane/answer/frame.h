/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Reading and writing the query's copy of the frame, and ones'-complement sums: the small words of the steps.
 *
 * Every access is masked: a place beyond the copy gives other bytes of the copy. Whether a place is inside the
 * packet is the caller's question, asked once.
 */
#ifndef ANODE_ANSWER_FRAME_H
#define ANODE_ANSWER_FRAME_H

#include "query.h"
#include "hash.h"

#define INLINE static inline __attribute__((always_inline))

/*
 * Hide from the compiler what it knows of a value. clang otherwise drops a mask that it can prove redundant and
 * that the verifier, which knows less, needs.
 */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

#define AT(type, field) ((u32)__builtin_offsetof(struct type, field))

/* At least 64 bytes can be read and written from here. */
INLINE u8 *frame_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->frame + (at & 1023);
}

INLINE u8 frame_u8(struct query *q, u32 at)
{
	return *frame_place(q, at);
}

INLINE u16 frame_be16(struct query *q, u32 at)
{
	return be16_get((be16){word_load16(frame_place(q, at))});
}

INLINE void frame_set_be16(struct query *q, u32 at, u16 value)
{
	word_store16(frame_place(q, at), be16_of(value).raw);
}

/* Sums are kept wide and folded once. A 16-bit word counts as it stands in memory. */
INLINE u64 sum_word(u64 sum, u64 word)
{
	return sum + (word & 0xffffffff) + (word >> 32);
}

INLINE u16 sum_fold(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)((sum & 0xffff) + (sum >> 16));
}

/* A sum whose bytes begin at an odd place: every byte counts in the other half of its word. */
INLINE u64 sum_shift(u64 sum, u32 at)
{
	return at & 1 ? (u64)__builtin_bswap16(sum_fold(sum)) : sum;
}

#endif
