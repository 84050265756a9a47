/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a folded name to a zone and an entry.
 *
 * In: name[], label[] of the query. Out: the zone's version (carried from then on), the entry of the name, or
 * the closest encloser's. RFC 1034 section 4.3.2 steps 2 and 3, with cuts and DNAMEs as ends of the walk: names
 * below them are not in the image.
 */
#ifndef ANODE_ANSWER_FIND_H
#define ANODE_ANSWER_FIND_H

#include "frame.h"
#include "packet.h"
#include "hash.h"

INLINE const u8 *name_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->name + (at & 255);
}

/* hash = name_hash(name[at .. at + length), seed); next = the index's directory word. */
STEP int name_hash(struct query *q, u32 at, u32 length, u64 seed)
{
	struct name_lanes lanes = name_lanes_start(seed, length);
	s32 left = length;

	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < 256; i += 16) {
		if (left <= 0)
			break;
		name_lanes_feed(&lanes, word_keep(word_load64(name_place(q, at + i)), left),
			word_keep(word_load64(name_place(q, at + i + 8)), left - 8));
		left -= 16;
	}
	q->hash = name_lanes_end(&lanes);
	return STEP_NEXT;
}

/* Is the object at `offset` filed under this key? 1 or 0. */
STEP int index_match(PACKET *p, struct query *q, u32 offset, u32 at, u32 length)
{
	const struct image_keyed *k = image_at(p, offset, 0);
	s32 left = length;

	if (!q || !k)
		return 0;
	if (k->zone != q->zone || k->key_len != length)
		return 0;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		if (word_keep(word_load64(k->key + i) ^ word_load64(name_place(q, at + i)), left))
			return 0;
		left -= 8;
	}
	return 1;
}

/* found = the object that `index` files under name[at .. at + length) with the hash in the query, or 0. */
STEP int index_probe(PACKET *p, struct query *q, u64 index, u32 at, u32 length)
{
	u32 tag, bucket, depth = INDEX_DEPTH(index);
	const u32 *directory;
	u32 segment;

	if (!q)
		return REASON_INTERNAL;
	q->found = 0;
	if (depth > IMAGE_DEPTH_MAX || INDEX_DIRECTORY(index) == 0)
		return REASON_IMAGE;
	directory = image_at(p, INDEX_DIRECTORY(index), HASH_DIRECTORY(q->hash, depth) * 4);
	if (!directory)
		return REASON_IMAGE;
	segment = *directory;
	tag = HASH_TAG(q->hash);
	bucket = HASH_BUCKET(q->hash);
	for (u32 turn = 0; turn < 2; turn++) {
		const u64 *slots = image_at(p, segment, bucket * (IMAGE_SLOTS * 8));
		u32 empty = 0;

		if (!slots)
			return REASON_IMAGE;
		for (u32 i = 0; i < IMAGE_SLOTS; i++) {
			u64 slot = *(const volatile u64 *)&slots[i];

			if (slot == 0)
				empty = 1;
			else if (SLOT_TAG(slot) == tag && SLOT_OFFSET(slot) &&
				 index_match(p, q, SLOT_OFFSET(slot), at, length)) {
				q->found = SLOT_OFFSET(slot);
				return STEP_NEXT;
			}
		}
		if (empty)
			return STEP_NEXT;
		bucket = HASH_SECOND(bucket, tag);
	}
	return STEP_NEXT;
}

/* Take a zone's version; from here on the query sees this version and no other. */
STEP int zone_enter(PACKET *p, struct query *q, u32 label)
{
	const struct image_zone *z;
	const struct image_version *v;
	u32 head, at;

	if (!q)
		return REASON_INTERNAL;
	z = image_at(p, q->found, 0);
	if (!z)
		return REASON_IMAGE;
	head = image_head(&z->head);
	if (head == 0)
		return REASON_ZONE_PASS;
	v = image_at(p, head, 0);
	if (!v)
		return REASON_IMAGE;
	if (v->flags & VERSION_PASS)
		return REASON_ZONE_PASS;
	if (q->now >= *(const volatile u64 *)&v->bypass_after)
		return REASON_ZONE_EXPIRED;
	if (v->flags & VERSION_SIGNED && q->flags & QUERY_DO)
		return REASON_DNSSEC;
	q->zone = q->found;
	q->version = head;
	q->version_flags = v->flags;
	q->number = v->number;
	q->seed = v->seed;
	q->apex = v->apex;
	q->negative = v->negative;
	q->apex_length = v->apex_len;
	q->max_labels = v->max_labels;
	at = label < q->name_labels ? q->label[label & (LABELS_MAX - 1)] : q->name_length - 1u;
	q->key_length = at;
	q->question_below = at;
	q->apex_at = DNS_HEADER + at;
	q->owner_at = DNS_HEADER;
	q->name_labels = label;
	q->hops = 0;
	return STEP_NEXT;
}

/*
 * The zone with the longest apex at or above the name. DS at an apex belongs to the zone above (RFC 4035
 * section 3.1.4.1).
 */
STEP int find_zone(PACKET *p, struct query *q)
{
	const struct image_header *header = image_at(p, 0, 0);
	u32 labels, end;

	if (!q)
		return REASON_INTERNAL;
	if (!header || header->magic != IMAGE_MAGIC || header->layout != IMAGE_LAYOUT)
		return REASON_IMAGE;
	q->zone = 0;
	labels = q->name_labels;
	end = q->name_length - 1u;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		u32 depth = labels - i, at;
		int reason;

		if (i > labels)
			break;
		if (!(*(const volatile u64 *)&header->depths[(depth >> 6) & 1] >> (depth & 63) & 1))
			continue;
		if (i == 0 && q->qtype == TYPE_DS)
			continue;
		at = i < labels ? q->label[i] : end;
		name_hash(q, at, end - at, header->zone_seed);
		reason = index_probe(p, q, *(const volatile u64 *)&header->zones, at, end - at);
		if (reason)
			return reason;
		if (q->found)
			return zone_enter(p, q, i);
	}
	return REASON_NO_ZONE;
}

/*
 * An entry as the carried version sees it: `found` becomes the entry itself, the one it replaced, or 0.
 */
STEP int entry_visible(PACKET *p, struct query *q)
{
	const struct image_entry *e;

	if (!q)
		return REASON_INTERNAL;
	e = image_at(p, q->found, 0);
	if (!e)
		return REASON_IMAGE;
	if (e->birth > q->number) {
		q->found = *(const volatile u32 *)&e->prev;
		if (!q->found)
			return STEP_NEXT;
		e = image_at(p, q->found, 0);
		if (!e)
			return REASON_IMAGE;
	}
	if (e->flags & ENTRY_TOMBSTONE)
		q->found = 0;
	return STEP_NEXT;
}

/* The entry whose key is name[at .. key_length): `found`, or 0. */
INLINE int entry_probe(PACKET *p, struct query *q, u32 at)
{
	const struct image_header *header = image_at(p, 0, 0);
	u32 length = q->key_length - at;
	int reason;

	if (!header)
		return REASON_IMAGE;
	name_hash(q, at, length, q->seed);
	reason = index_probe(p, q, *(const volatile u64 *)&header->names, at, length);
	if (reason || !q->found)
		return reason;
	return entry_visible(p, q);
}

/* exact = 1 and the name's entry; or exact = 0 and its closest encloser. */
STEP int find_entry(PACKET *p, struct query *q)
{
	u32 labels;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	q->exact = 1;
	q->entry = q->apex;
	labels = q->name_labels;
	if (labels == 0)
		return STEP_NEXT;
	if (labels <= q->max_labels) {
		reason = entry_probe(p, q, 0);
		if (reason)
			return reason;
		if (q->found) {
			q->entry = q->found;
			return STEP_NEXT;
		}
	}
	q->exact = 0;
	for (u32 i = 1; i < LABELS_MAX; i++) {
		if (i >= labels)
			break;
		if (labels - i > q->max_labels)
			continue;
		reason = entry_probe(p, q, q->label[i]);
		if (reason)
			return reason;
		if (q->found) {
			q->entry = q->found;
			return STEP_NEXT;
		}
	}
	return STEP_NEXT;
}

#endif
