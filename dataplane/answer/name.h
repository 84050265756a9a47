/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The name that is looked up: its octets, its hash, whether it is a key of the image.
 *
 * The question's name is read where it stands in the packet, which is what a hit does; an alias's
 * target, and whatever is walked label by label, from name[], where name_take copies the question's
 * name. Names are read in blocks of 16 octets from their end: in front of a name there is always
 * something that may be read (headers, in the image the head of an entry), behind it there may be
 * nothing. A mask takes away what isn't the name's.
 */
#ifndef ANODE_ANSWER_NAME_H
#define ANODE_ANSWER_NAME_H

#include "sum.h"
#include "packet.h"
#include "hash.h"

enum name_in { NAME_IN_PACKET, NAME_IN_QUERY };

/* The 16 octets that end at place `end` of the name. */
INLINE const u8 *name_block(PACKET *p, struct query *q, enum name_in in, u32 end)
{
	if (in == NAME_IN_PACKET)
		return packet_view(p, q->dns_at + (DNS_HEADER - NAME_BLOCK) + end, NAME_BLOCK);
	OPAQUE(end);
	return (const u8 *)q + AT(query, name_front) + (end & 255);
}

/* What leaves the last n octets of a block, n from 0 to 16. */
INLINE const u8 *name_mask(u32 n)
{
	static const u64 mask[6] = {0, 0, ~0ull, ~0ull, ~0ull, ~0ull};

	OPAQUE(n);
	return (const u8 *)mask + (n & (2 * NAME_BLOCK - 1));
}

/* hash = that of the `length` octets before place `end`. */
INLINE int name_hash(PACKET *p, struct query *q, enum name_in in, u32 end, u32 length, u64 seed)
{
	struct name_lanes lanes = name_lanes_start(seed, length);
	const u8 *block, *mask;

	for (u32 i = 1; i < NAME_BLOCKS; i++) {
		if (length <= NAME_BLOCK)
			break;
		block = name_block(p, q, in, end);
		if (!block)
			return pass(REASON_INTERNAL);
		name_lanes_feed(&lanes, word_load64(block), word_load64(block + 8));
		end -= NAME_BLOCK;
		length -= NAME_BLOCK;
		LOOP_BACK;
	}
	block = name_block(p, q, in, end);
	if (!block)
		return pass(REASON_INTERNAL);
	mask = name_mask(length);
	name_lanes_feed(&lanes, word_load64(block) & word_load64(mask),
		word_load64(block + 8) & word_load64(mask + 8));
	q->hash = name_lanes_end(&lanes);
	return STEP_NEXT;
}

/*
 * Are the `length` octets before place `end` this key? Keys are folded. They nearly always are, so
 * stopping early gains nothing; but in the packet it keeps registers free.
 */
INLINE int name_is(PACKET *p, struct query *q, enum name_in in, u32 end, u32 length,
	const struct image_keyed *k)
{
	const u8 *block, *key, *mask;
	u64 differ = 0;
	u32 rest;

	if (k->zone != q->zone || k->key_len != length)
		return 0;
	for (u32 i = 1; i < NAME_BLOCKS; i++) {
		if (length <= NAME_BLOCK)
			break;
		block = name_block(p, q, in, end);
		if (!block)
			return 0;
		/* the head of an object is as long as a block: its key's last one begins so far on
		 * as the key is long */
		rest = length;
		OPAQUE(rest);
		key = (const u8 *)k + (rest & 255);
		differ |= words_differ(word_load64(block), word_load64(block + 8), word_load64(key),
			word_load64(key + 8), ~0ull, ~0ull);
		if (in == NAME_IN_PACKET && differ)
			return 0;
		end -= NAME_BLOCK;
		length -= NAME_BLOCK;
		LOOP_BACK;
	}
	block = name_block(p, q, in, end);
	if (!block)
		return 0;
	rest = length;
	OPAQUE(rest);
	key = (const u8 *)k + (rest & 255);
	mask = name_mask(length);
	differ |= words_differ(word_load64(block), word_load64(block + 8), word_load64(key),
		word_load64(key + 8), word_load64(mask), word_load64(mask + 8));
	return differ == 0;
}

/*
 * Copy the question's name to name[]. Its last, partial word is the end of the eight bytes before
 * its end, which reach back into the header where the name is short.
 */
INLINE int name_copy(PACKET *p, struct query *q)
{
	u32 from = q->dns_at + DNS_HEADER, length = q->name_length, rest = length & 7;
	const u8 *raw;
	u32 at = 0;
	u64 w = 0;

	for (u32 i = 0; i < NAME_MAX / 8; i++) {
		if (at + 8 > length)
			break;
		raw = packet_view(p, from + at, 8);
		if (!raw)
			return pass(REASON_INTERNAL);
		word_store64(name_place(q, at), word_load64(raw));
		at += 8;
	}
	if (rest) {
		raw = packet_view(p, from + length - 8, 8);
		if (!raw)
			return pass(REASON_INTERNAL);
		w = word_load64(raw) >> (64 - 8 * rest);
	}
	word_store64(name_place(q, at), w);
	return STEP_NEXT;
}

/* From here on name[] holds the name that is looked up. */
INLINE int name_take(PACKET *p, struct query *q)
{
	int reason;

	if (q->flags & QUERY_NAMED)
		return STEP_NEXT;
	reason = name_copy(p, q);
	FORGET(q);
	q->flags |= QUERY_NAMED;
	return reason;
}

/* Name, type and class, for the reply's checksum. */
INLINE int question_sum(PACKET *p, struct query *q)
{
	u32 length = q->name_length + QUESTION_FIXED, end = length;
	const u8 *block, *mask;
	u64 sum = 0;

	for (u32 i = 0; i < NAME_BLOCKS; i++) {
		if (length <= NAME_BLOCK)
			break;
		block = name_block(p, q, NAME_IN_PACKET, end);
		if (!block)
			return pass(REASON_QNAME);
		for (u32 at = 0; at < NAME_BLOCK; at += 4)
			sum += word_load32(block + at);
		end -= NAME_BLOCK;
		length -= NAME_BLOCK;
		LOOP_BACK;
	}
	block = name_block(p, q, NAME_IN_PACKET, end);
	if (!block)
		return pass(REASON_QNAME);
	mask = name_mask(length);
	for (u32 at = 0; at < NAME_BLOCK; at += 4)
		sum += word_load32(block + at) & word_load32(mask + at);
	/* the name begins at an even place of the message */
	q->question_sum = sum_shift(sum, q->name_length);
	return STEP_NEXT;
}

#endif
