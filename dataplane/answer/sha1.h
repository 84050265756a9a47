/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * SHA-1 of one block (RFC 3174 section 6.1), the same for every host and for the compile step: the
 * only hash that NSEC3 has (RFC 5155 section 11).
 *
 * In: the state and the block as eight big-endian numbers, two words each. Out: the state after it.
 * Padding is the caller's. The words lie in memory of the caller's because a BPF stack has no room
 * for 80 of them. BPF has no instruction that rotates: so two words are rotated at once where that
 * can be, and where not, a word stands twice in a register and is shifted.
 */
#ifndef ANODE_ANSWER_SHA1_H
#define ANODE_ANSWER_SHA1_H

#include "types.h"

#define SHA1_BLOCK 64u
#define SHA1_PAIRS 40u /* of words: 80 */

INLINE void sha1_start(u32 state[5])
{
	state[0] = 0x67452301;
	state[1] = 0xefcdab89;
	state[2] = 0x98badcfe;
	state[3] = 0x10325476;
	state[4] = 0xc3d2e1f0;
}

INLINE u64 sha1_twice(u32 word)
{
	return (u64)word << 32 | word;
}

/* One round; the caller rotates the names instead of the values. a and b stand twice. */
#define SHA1_ROUND(f, k, a, b, c, d, e, word)                                                      \
	do {                                                                                       \
		(e) = sha1_twice((u32)(e) + (u32)((a) >> 27) + f((u32)(b), (u32)(c), (u32)(d)) +   \
				 (k) + (u32)(word));                                               \
		(b) >>= 2;                                                                         \
	} while (0)

#define SHA1_CHOICE(x, y, z)   ((z) ^ ((x) & ((y) ^ (z))))
#define SHA1_PARITY(x, y, z)   ((x) ^ (y) ^ (z))
#define SHA1_MAJORITY(x, y, z) ((((x) ^ (y)) & ((y) ^ (z))) ^ (y))

/* Two rounds. */
#define SHA1_TWO(f, k, a, b, c, d, e, pair)                                                        \
	SHA1_ROUND(f, k, a, b, c, d, e, (pair) >> 32);                                             \
	SHA1_ROUND(f, k, e, a, b, c, d, pair)

/* Twenty rounds, ten to a turn. The loop is kept: unrolled, its code would be twice as long. */
#define SHA1_TWENTY(from, f, k)                                                                    \
	_Pragma("GCC unroll 1") for (u32 i = (from); i < (from) + 10; i += 5)                      \
	{                                                                                          \
		SHA1_TWO(f, k, a, b, c, d, e, pairs[i]);                                           \
		SHA1_TWO(f, k, d, e, a, b, c, pairs[i + 1]);                                       \
		SHA1_TWO(f, k, b, c, d, e, a, pairs[i + 2]);                                       \
		SHA1_TWO(f, k, e, a, b, c, d, pairs[i + 3]);                                       \
		SHA1_TWO(f, k, c, d, e, a, b, pairs[i + 4]);                                       \
	}

/* From 16 words to 80: pairs[i] = each word of it rotated by one. */
INLINE void sha1_expand(u64 pairs[SHA1_PAIRS])
{
	const u64 low = 0x0000000100000001ull;
	u64 before = pairs[6], last = pairs[7];

#pragma GCC unroll 4
	for (u32 i = 8; i < SHA1_PAIRS; i++) {
		/* words 3, 8, 14 and 16 before */
		u64 x = (before << 32 | last >> 32) ^ pairs[i - 4] ^ pairs[i - 7] ^ pairs[i - 8];

		before = last;
		last = (x << 1 & ~low) | (x >> 31 & low);
		pairs[i] = last;
	}
}

/* pairs[0..7] hold the block, the earlier word of each in the high half; the rest is overwritten.
 */
INLINE void sha1_block(u32 state[5], u64 pairs[SHA1_PAIRS])
{
	u64 a = sha1_twice(state[0]), b = sha1_twice(state[1]);
	u64 c = state[2], d = state[3], e = state[4];

	sha1_expand(pairs);
	SHA1_TWENTY(0, SHA1_CHOICE, 0x5a827999)
	SHA1_TWENTY(10, SHA1_PARITY, 0x6ed9eba1)
	SHA1_TWENTY(20, SHA1_MAJORITY, 0x8f1bbcdc)
	SHA1_TWENTY(30, SHA1_PARITY, 0xca62c1d6)
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

#endif
