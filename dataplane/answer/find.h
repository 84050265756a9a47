/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a folded name to a zone and an entry.
 *
 * In: the name, label[] of the query. Out: the zone's version (carried from then on), the entry of
 * the name, or the closest encloser's. RFC 1034 section 4.3.2 steps 2 and 3, with cuts and DNAMEs
 * as ends of the walk: names below them are not in the image.
 */
#ifndef ANODE_ANSWER_FIND_H
#define ANODE_ANSWER_FIND_H

#include "name.h"

/* Are the octets of name[] from key_at to key_end the key of the object at q->found? */
STEP int key_is(PACKET *p, struct query *q)
{
	const struct image_keyed *k;

	if (!q)
		return 0;
	k = image_at(p, q->found, 0);
	return k && name_is(p, q, NAME_IN_QUERY, q->key_end, q->key_end - q->key_at, k);
}

/*
 * The first object of the right tag was another one, which is rare. found = the object that the
 * segment files under the octets of the name from `at` to `end`, or 0: all of the right tag are
 * compared.
 */
STEP int index_search(PACKET *p, struct query *q, u32 segment, u32 at, u32 end)
{
	u32 tag, bucket, first;
	int reason;

	if (!q)
		return pass(REASON_INTERNAL);
	reason = name_take(p, q);
	if (reason)
		return reason;
	q->key_at = at;
	q->key_end = end;
	tag = HASH_TAG(q->hash);
	bucket = HASH_BUCKET(q->hash);
	first = HASH_SLOT(q->hash);
	for (u32 turn = 0; turn < 2; turn++) {
		for (u32 i = 0; i < IMAGE_SLOTS; i++) {
			const u64 *place = image_at(p, segment, SLOT_PLACE(bucket, first + i));
			u64 slot;

			if (!place)
				return pass(REASON_IMAGE);
			slot = *(const volatile u64 *)place;
			q->found = 0;
			if (slot == 0)
				return STEP_NEXT;
			if (SLOT_TAG(slot) != tag || SLOT_OFFSET(slot) == 0)
				continue;
			q->found = SLOT_OFFSET(slot);
			if (key_is(p, q))
				return STEP_NEXT;
			FORGET(q);
		}
		bucket = HASH_SECOND(bucket, tag);
	}
	q->found = 0;
	return STEP_NEXT;
}

/*
 * found = the object that `index` files under the `length` octets of the name before `end`, or 0.
 * The hash says at which slot of a bucket to begin; an empty one ends the search (image.md). The
 * first object of the right tag is the only one that is compared here: nearly always it is the
 * right one.
 */
INLINE int index_probe(
	PACKET *p, struct query *q, enum name_in in, u64 index, u32 end, u32 length, u64 seed)
{
	u32 tag, bucket, first, segment, depth = INDEX_DEPTH(index);
	const u32 *directory;
	u64 hash;
	int reason;

	q->found = 0;
	reason = name_hash(p, q, in, end, length, seed);
	if (reason)
		return reason;
	hash = q->hash;
	tag = HASH_TAG(hash);
	bucket = HASH_BUCKET(hash);
	first = HASH_SLOT(hash);
	if (depth > IMAGE_DEPTH_MAX || INDEX_DIRECTORY(index) == 0)
		return pass(REASON_IMAGE);
	directory = image_at(p, INDEX_DIRECTORY(index), HASH_DIRECTORY(hash, depth) * 4);
	if (!directory)
		return pass(REASON_IMAGE);
	segment = *(const volatile u32 *)directory;
	for (u32 turn = 0; turn < 2; turn++) {
		const u8 *slots = image_at(p, segment, SLOT_PLACE(bucket, 0));
		u32 candidate = 0;

		if (!slots)
			return pass(REASON_IMAGE);
		for (u32 i = 0; i < IMAGE_SLOTS; i++) {
			u64 slot = *(const volatile u64 *)(slots + SLOT_PLACE(0, first + i));

			if (slot == 0)
				return STEP_NEXT;
			if (SLOT_TAG(slot) == tag && SLOT_OFFSET(slot)) {
				candidate = SLOT_OFFSET(slot);
				break;
			}
		}
		if (candidate) {
			const struct image_keyed *k = image_at(p, candidate, 0);

			if (!k)
				return pass(REASON_IMAGE);
			if (!name_is(p, q, in, end, length, k))
				return index_search(p, q, segment, end - length, end);
			q->found = candidate;
			return STEP_NEXT;
		}
		bucket = HASH_SECOND(bucket, tag);
	}
	return STEP_NEXT;
}

/* Take a zone's version; from here on the query sees this version and no other. */
INLINE int zone_enter(PACKET *p, struct query *q, u32 label)
{
	const struct image_zone *z = image_at(p, q->found, 0);
	const struct image_version *v;
	u32 head, at;

	if (!z)
		return pass(REASON_IMAGE);
	head = image_head(&z->head);
	if (head == 0)
		return pass(REASON_ZONE_PASS);
	v = image_at(p, head, 0);
	if (!v)
		return pass(REASON_IMAGE);
	if (*(const volatile u32 *)&v->flags & VERSION_PASS)
		return pass(REASON_ZONE_PASS);
	if (q->now >= *(const volatile u64 *)&v->bypass_after)
		return pass(REASON_ZONE_EXPIRED);
	/* no branch: what is signed has a way of its own (signed_answer) */
	q->flags |= (v->flags / VERSION_SIGNED & q->flags / QUERY_DO & 1) * QUERY_SIGNED;
	q->version = head;
	q->zone = q->found;
	q->number = v->number;
	q->seed = v->seed;
	q->apex = v->apex;
	q->negative = v->negative;
	q->apex_length = v->apex_len;
	q->max_labels = v->max_labels;
	at = label < q->name_labels ? q->label[label & (LABELS_MAX - 1)] : q->name_length - 1u;
	q->key_length = at;
	q->apex_at = DNS_HEADER + at;
	q->owner_at = DNS_HEADER;
	q->name_labels = label;
	q->hops = 0;
	return STEP_NEXT;
}

/*
 * Is the zone of the last query that of this one, too? Its key says. A zone that goes is counted
 * before the grace period after which its memory may hold something else.
 */
INLINE int zone_recall(PACKET *p, struct query *q, enum name_in in, u32 gone, u32 end, u32 length)
{
	u64 hint = q->zone_hint;
	const struct image_keyed *k;

	if ((u32)hint == 0 || hint >> 32 != gone)
		return 0;
	k = image_at(p, (u32)hint, 0);
	if (!k || !name_is(p, q, in, end, length, k))
		return 0;
	q->found = (u32)hint;
	return 1;
}

/* Is the suffix that begins at `label` an apex? found = its zone, entered; or 0. */
INLINE int zone_probe_in(PACKET *p, struct query *q, enum name_in in, u32 label)
{
	const struct image_header *header = image_header(p);
	u32 at, end, gone;
	int reason;

	if (!header)
		return pass(REASON_IMAGE);
	q->zone = 0;
	end = q->name_length - 1u;
	at = label < q->name_labels ? q->label[label & (LABELS_MAX - 1)] : end;
	gone = *(const volatile u32 *)&header->zones_gone;
	if (!zone_recall(p, q, in, gone, end, end - at)) {
		reason = index_probe(p, q, in, *(const volatile u64 *)&header->zones, end, end - at,
			header->zone_seed);
		if (reason || !q->found)
			return reason;
		q->zone_hint = q->found | (u64)gone << 32;
		q->hint_labels = q->name_labels - label;
	}
	return zone_enter(p, q, label);
}

/* The same as a step: what loops call, once name_take was called. */
STEP int zone_probe(PACKET *p, struct query *q, u32 label)
{
	return q ? zone_probe_in(p, q, NAME_IN_QUERY, label) : REASON_INTERNAL;
}

/* The highest bit that is set; w is not 0. */
INLINE u32 word_top(u64 w)
{
	u32 top = 0;

#pragma GCC unroll 6
	for (u32 half = 32; half; half >>= 1) {
		if (w >> half) {
			w >>= half;
			top += half;
		}
	}
	return top;
}

/* candidate = the first label from `from` on whose suffix has as many labels as some zone's apex.
 */
INLINE int zone_next(PACKET *p, struct query *q, u32 from)
{
	const struct image_header *header = image_header(p);
	u32 most = q->name_labels - from; /* labels of the longest suffix */
	u64 depths;
	u32 labels;

	if (!header || header->magic != IMAGE_MAGIC || header->layout != IMAGE_LAYOUT)
		return pass(REASON_IMAGE);
	if (from > q->name_labels)
		return pass(REASON_NO_ZONE);
	if (most >= 64) {
		depths =
			*(const volatile u64 *)&header->depths[1] & (~0ull >> (127 - (most & 127)));
		if (depths) {
			q->candidate = q->name_labels - 64 - word_top(depths);
			return STEP_NEXT;
		}
		most = 63;
	}
	depths = *(const volatile u64 *)&header->depths[0] & (~0ull >> (63 - (most & 63)));
	if (!depths)
		return pass(REASON_NO_ZONE);
	/* mostly the last query's zone has as many */
	labels = q->hint_labels & 63;
	if (depths >> labels != 1)
		labels = word_top(depths);
	q->candidate = q->name_labels - labels;
	return STEP_NEXT;
}

/* The same as a step: what loops call. */
STEP int zone_next_step(PACKET *p, struct query *q, u32 from)
{
	return q ? zone_next(p, q, from) : REASON_INTERNAL;
}

/* Go on above a candidate that is no apex. */
STEP int find_zone_above(PACKET *p, struct query *q)
{
	int reason;

	if (!q)
		return pass(REASON_INTERNAL);
	reason = name_take(p, q);
	if (reason)
		return reason;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		reason = zone_next_step(p, q, q->candidate + 1);
		if (reason)
			return reason;
		reason = zone_probe(p, q, q->candidate);
		if (reason || q->found)
			return reason;
	}
	return pass(REASON_NO_ZONE);
}

/*
 * The zone with the longest apex at or above the name. DS at an apex belongs to the zone above (RFC
 * 4035 section 3.1.4.1).
 */
INLINE int find_zone(PACKET *p, struct query *q)
{
	int reason = zone_next(p, q, q->qtype == TYPE_DS ? 1 : 0);

	if (reason)
		return reason;
	reason = zone_probe_in(p, q, NAME_IN_PACKET, q->candidate);
	return reason || q->found ? reason : find_zone_above(p, q);
}

/* The entry whose key the name is from `at` to the apex, as the carried version sees it: found, or
 * 0. */
INLINE int entry_probe_in(PACKET *p, struct query *q, enum name_in in, u32 at)
{
	const struct image_header *header = image_header(p);
	const struct image_entry *e;
	int reason;

	if (!header)
		return pass(REASON_IMAGE);
	reason = index_probe(p, q, in, *(const volatile u64 *)&header->names, q->key_length,
		q->key_length - at, q->seed);
	if (reason || !q->found)
		return reason;
	e = image_at(p, q->found, 0);
	if (!e)
		return pass(REASON_IMAGE);
	if (e->birth > q->number) {
		/* newer than the version that we carry: what it replaced, one hop */
		q->found = *(const volatile u32 *)&e->prev;
		if (!q->found)
			return STEP_NEXT;
		e = image_at(p, q->found, 0);
		if (!e)
			return pass(REASON_IMAGE);
	}
	if (e->flags & ENTRY_TOMBSTONE)
		q->found = 0;
	return STEP_NEXT;
}

/* The same as a step: what loops call, once name_take was called. */
STEP int entry_probe(PACKET *p, struct query *q, u32 at)
{
	return q ? entry_probe_in(p, q, NAME_IN_QUERY, at) : REASON_INTERNAL;
}

/* Neither the name is there nor the one above it: the closest encloser is (RFC 4592 section 3.3.1).
 */
STEP int find_encloser(PACKET *p, struct query *q)
{
	int reason;

	if (!q)
		return pass(REASON_INTERNAL);
	reason = name_take(p, q);
	if (reason)
		return reason;
	for (u32 i = 2; i < LABELS_MAX; i++) {
		FORGET(q);
		if (i >= q->name_labels)
			break;
		if (q->name_labels - i > q->max_labels)
			continue;
		reason = entry_probe(p, q, q->label[i]);
		if (reason)
			return reason;
		if (q->found) {
			q->entry = q->found;
			q->closer = i;
			break;
		}
	}
	return STEP_NEXT;
}

/*
 * exact = 1 and the name's entry; or exact = 0 and its closest encloser. The name and the one above
 * it are nearly always enough: in the packet they cost no call.
 */
INLINE int find_entry(PACKET *p, struct query *q, enum name_in in)
{
	int reason;

	q->exact = 1;
	q->entry = q->apex;
	if (q->name_labels == 0)
		return STEP_NEXT;
	for (u32 i = 0; i < 2; i++) {
		FORGET(q);
		if (i >= q->name_labels)
			break;
		if (q->name_labels - i > q->max_labels)
			continue;
		reason = in == NAME_IN_QUERY ? entry_probe(p, q, q->label[i])
					     : entry_probe_in(p, q, in, q->label[i]);
		if (reason)
			return reason;
		if (q->found) {
			q->entry = q->found;
			q->exact = i == 0;
			q->closer = i;
			return STEP_NEXT;
		}
		LOOP_BACK;
	}
	q->exact = 0;
	q->closer = q->name_labels;
	return q->name_labels > 2 ? find_encloser(p, q) : STEP_NEXT;
}

#endif
