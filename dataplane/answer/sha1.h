/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * SHA-1 of one block (RFC 3174 section 6.1), the same for every host and for the compile step: the
 * only hash that NSEC3 has (RFC 5155 section 11).
 *
 * In: the state and 16 big-endian words as numbers. Out: the state after them. Padding is the
 * caller's. The words lie in memory of the caller's because a BPF stack has no room for 80 of them.
 */
#ifndef ANODE_ANSWER_SHA1_H
#define ANODE_ANSWER_SHA1_H

#include "types.h"

#define SHA1_BLOCK 64u
#define SHA1_WORDS 80u

INLINE u32 sha1_rotate(u32 x, u32 n)
{
	return x << n | x >> (32 - n);
}

INLINE void sha1_start(u32 state[5])
{
	state[0] = 0x67452301;
	state[1] = 0xefcdab89;
	state[2] = 0x98badcfe;
	state[3] = 0x10325476;
	state[4] = 0xc3d2e1f0;
}

/* One round; the caller rotates the names instead of the values. */
#define SHA1_ROUND(f, k, a, b, c, d, e, word)                                                      \
	do {                                                                                       \
		(e) += sha1_rotate(a, 5) + (f) + (k) + (word);                                     \
		(b) = sha1_rotate(b, 30);                                                          \
	} while (0)

#define SHA1_CHOICE(x, y, z)   ((z) ^ ((x) & ((y) ^ (z))))
#define SHA1_PARITY(x, y, z)   ((x) ^ (y) ^ (z))
#define SHA1_MAJORITY(x, y, z) (((x) & (y)) | ((z) & ((x) | (y))))

/* Twenty rounds, five to a turn. The loop is kept: unrolled, its code would be four times as long.
 */
#define SHA1_TWENTY(from, function, k)                                                             \
	_Pragma("GCC unroll 1") for (u32 i = (from); i < (from) + 20; i += 5)                      \
	{                                                                                          \
		SHA1_ROUND(function(b, c, d), k, a, b, c, d, e, words[i]);                         \
		SHA1_ROUND(function(a, b, c), k, e, a, b, c, d, words[i + 1]);                     \
		SHA1_ROUND(function(e, a, b), k, d, e, a, b, c, words[i + 2]);                     \
		SHA1_ROUND(function(d, e, a), k, c, d, e, a, b, words[i + 3]);                     \
		SHA1_ROUND(function(c, d, e), k, b, c, d, e, a, words[i + 4]);                     \
	}

/* words[0..15] hold the block; the rest is overwritten. */
INLINE void sha1_block(u32 state[5], u32 words[SHA1_WORDS])
{
	u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

#pragma GCC unroll 1
	for (u32 i = 16; i < SHA1_WORDS; i++)
		words[i] =
			sha1_rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
	SHA1_TWENTY(0, SHA1_CHOICE, 0x5a827999)
	SHA1_TWENTY(20, SHA1_PARITY, 0x6ed9eba1)
	SHA1_TWENTY(40, SHA1_MAJORITY, 0x8f1bbcdc)
	SHA1_TWENTY(60, SHA1_PARITY, 0xca62c1d6)
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

#endif
