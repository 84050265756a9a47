/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Places in the query's name, and ones'-complement sums: the small words of the steps.
 *
 * A place is masked: beyond the name it gives other bytes of the query.
 */
#ifndef ANODE_ANSWER_SUM_H
#define ANODE_ANSWER_SUM_H

#include "query.h"
#include "hash.h"

#define AT(type, field) ((u32) __builtin_offsetof(struct type, field))

/* 16 bytes can be read and written from here. */
INLINE u8 *name_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->name + (at & 255);
}

/* Likewise in what was synthesised. */
INLINE u8 *synth_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->synth + (at & (SYNTH_ROOM - 1));
}

/* Sums are kept wide and folded once. A 16-bit word counts as it stands in memory. */
INLINE u64 sum_word(u64 sum, u64 word)
{
	return sum + (word & 0xffffffff) + (word >> 32);
}

/* Halves are added to one another, with their carries: 64 bits, 32, 16. */
INLINE u16 sum_fold(u64 sum)
{
	u32 half;

	sum = (u32)sum + (sum >> 32);
	sum = (u32)sum + (sum >> 32);
	half = (u32)sum;
	half = (half & 0xffff) + (half >> 16);
	return (u16)(half + (half >> 16));
}

/*
 * A sum whose bytes begin at an odd place: every byte counts in the other half of its word, which
 * is 256 times as much, modulo 0xffff. `sum` is below 2^56.
 */
INLINE u64 sum_shift(u64 sum, u32 at)
{
	return sum << (at & 1) * 8;
}

#endif
