/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a key to the denial at or before it, down the tree of a version's denials (image.md,
 * "node").
 *
 * In: key[], the root. Out: `node`, the denial; a key before all of them gets the last, which ends
 * the circle. It knows nothing of what a key means: denial.h makes keys of names, nsec3.h of
 * hashes.
 */
#ifndef ANODE_ANSWER_SEEK_H
#define ANODE_ANSWER_SEEK_H

#include "find.h"

INLINE u8 *key_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->key + (at & (KEY_ROOM - 1));
}

/* Eight octets of the key as a number that orders as they do. */
INLINE u64 key_slice(struct query *q, u32 at)
{
	return __builtin_bswap64(word_load64(key_place(q, at)));
}

INLINE void key_end(struct query *q, u32 size)
{
	u8 *end = key_place(q, size);

	word_store64(end, 0);
	word_store64(end + 8, 0);
	q->key_size = size;
}

/*
 * The key begins otherwise than all keys of the node, in these octets: above = 1 if it lies behind
 * them, but perhaps not behind all that is below the last of them; or beyond = 1.
 */
INLINE void prefix_differs(struct query *q, u64 ours, u64 its)
{
	if (__builtin_bswap64(ours) > __builtin_bswap64(its))
		q->above = 1;
	else
		q->beyond = 1;
}

/* Does the key begin with the node's prefix? Otherwise above or beyond is set. */
STEP int node_prefix(PACKET *p, struct query *q)
{
	const struct image_node *node;
	const u8 *prefix;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	node = image_at(p, q->node, 0);
	if (!node)
		return REASON_IMAGE;
	left = node->prefix & (KEY_ROOM - 1);
	prefix = node->data;
	for (u32 i = 0; i < KEY_ROOM; i += 8) {
		u64 ours, its;

		if (left <= 0)
			return STEP_NEXT;
		ours = word_load64(q->key + i);
		its = word_load64(prefix + i);
		if (left < 8) {
			ours = word_first(ours, left);
			its = word_first(its, left);
		}
		if (ours != its) {
			prefix_differs(q, ours, its);
			return STEP_NEXT;
		}
		left -= 8;
	}
	return STEP_NEXT;
}

/* Is the denial's key beyond the query's? Both end in zeros that no key goes on with. */
INLINE int denial_beyond(struct query *q, const struct image_denial *d)
{
	u32 size = q->key_size;

	for (u32 i = 0; i < KEY_ROOM; i += 8) {
		u64 ours, its;

		if (i > size)
			break;
		ours = word_load64(q->key + i);
		its = word_load64(d->key + i);
		if (ours != its)
			return __builtin_bswap64(its) > __builtin_bswap64(ours);
	}
	return 0;
}

/* The last of slices[0 .. last] that is not above `slice`; 0 if all are. */
INLINE u32 slices_last(const u8 *slices, u32 last, u64 slice)
{
	u32 pick = 0;

#pragma GCC unroll 6
	for (u32 half = IMAGE_NODE_ITEMS / 2; half; half >>= 1) {
		u32 probe = pick + half;

		if (probe <= last &&
			word_load64(slices + (probe & (IMAGE_NODE_ITEMS - 1)) * 8) <= slice)
			pick = probe;
	}
	return pick;
}

/*
 * The same by halves and without a branch, for half of them would be mispredicted: the last of
 * `count` slices that is not above `slice` in its upper 63 bits, 0 if all are. So nothing is said
 * of slices that are equal, or differ in the last bit.
 */
INLINE u32 slices_search(const u8 *slices, u32 count, u64 slice)
{
	u32 pick = 0;

	slice >>= 1;
#pragma GCC unroll 6
	for (u32 i = 0; i < 6; i++) {
		u32 half = count >> 1;
		u64 met = word_load64(slices + ((pick + half) & (IMAGE_NODE_ITEMS - 1)) * 8) >> 1;
		u64 above = slice - met;

		OPAQUE(above); /* or clang makes a branch of it */
		pick += half & (u32)((above >> 63) - 1);
		count -= half;
	}
	return pick;
}

/* low = the first of the items that have the key's eight octets. A step of its own, and low in the
 * query, so that the verifier doesn't follow each of 64 values through the search behind it. */
STEP int run_begin(PACKET *p, struct query *q, u32 prefix, u32 last)
{
	const u8 *slices;
	u64 slice;
	u32 low;

	if (!q)
		return REASON_INTERNAL;
	prefix &= KEY_ROOM - 1;
	slices = image_at(p, q->node, NODE_SLICES_AT(prefix));
	if (!slices)
		return REASON_IMAGE;
	slice = key_slice(q, prefix);
	q->low = 0;
	if (slice == 0)
		return STEP_NEXT;
	low = slices_last(slices, last & (IMAGE_NODE_ITEMS - 1), slice - 1);
	q->low = low + (word_load64(slices + (low & (IMAGE_NODE_ITEMS - 1)) * 8) < slice);
	return STEP_NEXT;
}

/*
 * Items from `low` up to `pick` have the key's eight octets: pick = the last item whose whole key
 * isn't beyond the query's; or beyond = 1 if there is none.
 */
STEP int run_search(PACKET *p, struct query *q, u32 branches)
{
	u32 low;

	if (!q)
		return REASON_INTERNAL;
	q->pick++;
	for (u32 i = 0; i < 7; i++) {
		const struct image_branch *branch;
		const struct image_denial *d;
		u32 high, middle;

		FORGET(q);
		low = q->low;
		high = q->pick;
		middle = (low + high) / 2 & (IMAGE_NODE_ITEMS - 1);
		if (low >= high)
			break;
		branch = image_at(p, q->node, branches + middle * 8);
		d = branch ? image_at(p, branch->first, 0) : NULL;
		if (!d)
			return REASON_IMAGE;
		if (denial_beyond(q, d))
			q->pick = middle;
		else
			q->low = middle + 1;
	}
	FORGET(q);
	low = q->low;
	q->pick = low - 1;
	q->beyond = low == 0;
	return STEP_NEXT;
}

/*
 * Where slices_search() leaves it open: pick = the last item that is not beyond the key, or beyond
 * = 1. Mostly a single item has the key's eight octets, and its whole key says.
 */
STEP int node_tie(PACKET *p, struct query *q, u32 prefix, u32 last)
{
	const struct image_branch *branch;
	const struct image_denial *d;
	const u8 *slices;
	u32 pick;
	u64 slice, met;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	prefix &= KEY_ROOM - 1;
	last &= IMAGE_NODE_ITEMS - 1;
	slices = image_at(p, q->node, NODE_SLICES_AT(prefix));
	if (!slices)
		return REASON_IMAGE;
	slice = key_slice(q, prefix);
	pick = slices_last(slices, last, slice) & (IMAGE_NODE_ITEMS - 1);
	met = word_load64(slices + pick * 8);
	q->pick = pick;
	q->beyond = met > slice;
	if (met != slice)
		return STEP_NEXT;
	branch = image_at(p, q->node, NODE_BRANCHES_AT(prefix, last + 1) + pick * 8);
	d = branch ? image_at(p, branch->first, 0) : NULL;
	if (!d)
		return REASON_IMAGE;
	if (!denial_beyond(q, d))
		return STEP_NEXT;
	reason = run_begin(p, q, prefix, last);
	return reason ? reason : run_search(p, q, NODE_BRANCHES_AT(prefix, last + 1));
}

/* The same; a short prefix takes no call. */
INLINE int prefix_compare(PACKET *p, struct query *q, const u8 *node, u32 prefix)
{
	u64 ours, its;

	q->above = 0;
	if (prefix >= 8)
		return node_prefix(p, q);
	if (prefix == 0)
		return STEP_NEXT;
	ours = word_first(word_load64(q->key), prefix);
	its = word_first(word_load64(node + NODE_HEAD), prefix);
	if (ours != its)
		prefix_differs(q, ours, its);
	return STEP_NEXT;
}

/* One node down: node = where the item leads that the key belongs to. */
INLINE int node_step(PACKET *p, struct query *q)
{
	const u8 *node = image_at(p, q->node, 0), *slices;
	u32 head, last, prefix, pick;
	int reason;

	if (!node)
		return REASON_IMAGE;
	/* the lowest level is large, and rarely in a cache: all of a node at once */
	if (q->node_level == 1) {
#pragma GCC unroll 7
		for (u32 at = 64; at < 512; at += 64)
			word_touch(node + at);
	}
	head = word_load32(node);
	last = ((head >> 8) - 1) & (IMAGE_NODE_ITEMS - 1);
	prefix = head >> 16 & (KEY_ROOM - 1);
	if (!q->beyond) {
		reason = prefix_compare(p, q, node, prefix);
		if (reason)
			return reason;
	}
	pick = last;
	FORGET(q);
	if (!(q->beyond | q->above)) {
		u64 slice = key_slice(q, prefix);

		slices = node + NODE_SLICES_AT(prefix);
		pick = slices_search(slices, last + 1, slice) & (IMAGE_NODE_ITEMS - 1);
		if (word_load64(slices + pick * 8) >= slice) {
			reason = node_tie(p, q, prefix, last);
			if (reason)
				return reason;
			FORGET(q);
			pick = q->beyond ? last : q->pick & (IMAGE_NODE_ITEMS - 1);
		}
	}
	q->node_level = head & 0xff;
	q->node = word_load32(node + NODE_BRANCHES_AT(prefix, last + 1) + pick * 8);
	return STEP_NEXT;
}

/* node = the denial at or before the key. */
INLINE int denial_seek(PACKET *p, struct query *q)
{
	q->node = q->denial;
	q->beyond = 0;
	q->above = 0;
	q->node_level = 1;
	for (u64 i = 0; i < IMAGE_NODE_LEVELS; i++) {
		int reason;

		FORGET(q);
		reason = node_step(p, q);
		if (reason)
			return reason;
		if (q->node_level == 0)
			break;
	}
	return q->node_level ? REASON_IMAGE : STEP_NEXT;
}

#endif
