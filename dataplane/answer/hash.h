/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The name hash, the same for every host and for the image's writer.
 *
 * A name is taken from its end in blocks of 16 octets as two little-endian words, the block that
 * goes beyond its start filled with zeros in front; no octets are one such block. Each word feeds a
 * lane of its own, so that two multiplications run side by side. Bit 5 of every
 * octet is set first: that makes the hash blind to case (and to some other differences, which the
 * comparison finds) at the price of one instruction, where folding takes eleven. The seed keeps an
 * outsider from choosing names that collide; the length is part of it, so that padding is
 * unambiguous.
 */
#ifndef ANODE_ANSWER_HASH_H
#define ANODE_ANSWER_HASH_H

#include "types.h"

#define HASH_K0     0x9e3779b97f4a7c15ull
#define HASH_K1     0xc2b2ae3d27d4eb4full
#define HASH_K2     0xd6e8feb86659fd93ull
#define HASH_CASE   0x2020202020202020ull
#define HASH_INLINE static inline __attribute__((always_inline))

struct name_lanes {
	u64 a, b;
};

HASH_INLINE struct name_lanes name_lanes_start(u64 seed, u32 length)
{
	u64 s = seed ^ (u64)length * HASH_K2;

	return (struct name_lanes){s, (s >> 32 | s << 32) + HASH_K1};
}

/*
 * One lane's step multiplies the state's halves with each other. A multiplication by a constant
 * would not do: a difference in bit 63 goes through it unchanged whatever the seed is, the next
 * word takes it away again, and anybody who may put names into a zone can fill one bucket. Here it
 * comes out multiplied by secret bits.
 */
HASH_INLINE u64 name_lane(u64 x)
{
	return (u64)(u32)x * (x >> 32) + (x << 23 | x >> 41);
}

HASH_INLINE void name_lanes_feed(struct name_lanes *l, u64 w0, u64 w1)
{
	l->a = name_lane(l->a ^ (w0 | HASH_CASE));
	l->b = name_lane(l->b ^ (w1 | HASH_CASE));
}

HASH_INLINE u64 name_lanes_end(const struct name_lanes *l)
{
	u64 h = l->a + (l->b << 32 | l->b >> 32);

	h ^= h >> 32;
	h *= HASH_K2;
	h ^= h >> 29;
	h *= HASH_K0;
	return h ^ h >> 32;
}

/* The first n bytes of a little-endian word, n from 1 to 8. */
HASH_INLINE u64 word_first(u64 w, u32 n)
{
	return w & (~0ull >> (-8 * n & 63));
}

/*
 * Lower case of the ASCII letters in eight bytes of a name in wire format (RFC 4343). Length octets
 * are below 64 and so never in A..Z.
 */
HASH_INLINE u64 word_fold(u64 w)
{
	u64 low = w & 0x7f7f7f7f7f7f7f7full;
	u64 from_a = low + 0x3f3f3f3f3f3f3f3full;   /* bit 7 where the octet is 'A' or above */
	u64 beyond_z = low + 0x2525252525252525ull; /* bit 7 where it is above 'Z' */
	u64 upper = from_a & ~beyond_z & ~w & 0x8080808080808080ull;

	return w | upper >> 2;
}

/* 0 if these two words of a name are the folded key words, where the masks have ones. Names mostly
 * come in lower case: then nothing is folded. */
HASH_INLINE u64 words_differ(u64 w0, u64 w1, u64 k0, u64 k1, u64 m0, u64 m1)
{
	u64 differ = ((w0 ^ k0) & m0) | ((w1 ^ k1) & m1);

	if (differ)
		differ = ((word_fold(w0) ^ k0) & m0) | ((word_fold(w1) ^ k1) & m1);
	return differ;
}

#endif
