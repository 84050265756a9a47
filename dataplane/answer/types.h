/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Fixed-width integers and byte-order types, without libc.
 *
 * A value in network byte order is a struct of its own (be16, be32): the compiler refuses to mix it
 * with a number. Plain integers are in host order; the image and everything shared is
 * little-endian.
 */
#ifndef ANODE_ANSWER_TYPES_H
#define ANODE_ANSWER_TYPES_H

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the answer image is little-endian, and so are its readers"
#endif

typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __INT32_TYPE__ s32;
typedef __INT64_TYPE__ s64;

#ifndef NULL
#define NULL ((void *)0)
#endif

#define INLINE static inline __attribute__((always_inline))

/*
 * Hide from the compiler what it knows of a value. clang otherwise drops a mask that it can prove
 * redundant and that the verifier, which knows less, needs.
 */
#define OPAQUE(x) __asm__ volatile("" : "+r"(x))

/*
 * Forget what registers hold of the query: it is loaded again. The verifier then knows nothing of
 * it either, and paths that came here in different ways become one.
 */
#define FORGET(q) __asm__ volatile("" : : "r"(q) : "memory")

/* 16 and 32 bits as they stand in a packet. */
typedef struct {
	u16 raw;
} be16;
typedef struct {
	u32 raw;
} be32;

INLINE u16 be16_get(be16 v)
{
	return __builtin_bswap16(v.raw);
}

INLINE be16 be16_of(u16 v)
{
	return (be16){__builtin_bswap16(v)};
}

INLINE u32 be32_get(be32 v)
{
	return __builtin_bswap32(v.raw);
}

INLINE be32 be32_of(u32 v)
{
	return (be32){__builtin_bswap32(v)};
}

#endif
