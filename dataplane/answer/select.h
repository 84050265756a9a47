/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From an entry to the reply's fragments, rcode and flags (RFC 1034 section 4.3.2 step 3, RFC 2308).
 *
 * In: the entry, exact or the closest encloser. Out: placed[], with where each fragment's names stand.
 * What this core doesn't answer (wildcards, DNAME, chains that leave the zone's own data) passes.
 */
#ifndef ANODE_ANSWER_SELECT_H
#define ANODE_ANSWER_SELECT_H

#include "find.h"

/*
 * Place the group of fragments that begins at `rel` of the object at `offset`. `rendered` is the relative
 * name's length that it was rendered for; q->owner_at is where its owner name stands.
 */
STEP int group_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered)
{
	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < IMAGE_GROUP_MAX; i++) {
		const struct image_fragment *f = image_at(p, offset, rel);
		u32 n = q->placed_count;
		struct placed *placed;
		u32 places;

		if (!f)
			return REASON_IMAGE;
		if (n >= PLACED_MAX)
			return REASON_CHAIN;
		OPAQUE(n);
		placed = &q->placed[n & (PLACED_MAX - 1)];
		placed->head[0] = word_load64(f);
		placed->head[1] = word_load64((const u8 *)f + 8);
		f = placed_head(placed);
		placed->offset = offset;
		placed->rel = rel;
		placed->owner = q->owner_at;
		placed->rendered = rendered;
		placed->at = q->size;
		placed->first = i == 0;
		q->size += f->length;
		q->placed_count = n + 1;
		if (!(f->flags & FRAGMENT_MORE))
			return STEP_NEXT;
		places = f->pointers[BASE_APEX] + f->pointers[BASE_GROUP];
		if (!f->stride)
			places += f->pointers[BASE_OWNER];
		rel = (rel + FRAGMENT_PLACES_AT(f->length) + 2 * places + 3) & ~3u;
	}
	return REASON_IMAGE;
}

/* Place what the entry holds of `type`. found = 1 if it holds any. */
STEP int type_place(PACKET *p, struct query *q, u32 type)
{
	const struct image_entry *e;
	u32 types, key_len, rel;

	if (!q)
		return REASON_INTERNAL;
	q->found = 0;
	e = image_at(p, q->entry, 0);
	if (!e)
		return REASON_IMAGE;
	types = e->types;
	key_len = e->key_len;
	rel = ENTRY_TYPES_AT(key_len);
	for (u32 i = 0; i < IMAGE_TYPES_MAX; i++) {
		const struct image_type *t;
		u32 where;

		if (i >= types)
			return STEP_NEXT;
		t = image_at(p, q->entry, rel + i * 4);
		if (!t)
			return REASON_IMAGE;
		if (t->type != type)
			continue;
		q->found = 1;
		where = t->where;
		if (where & TYPE_SHARED) {
			const u32 *shared = image_at(p, q->entry, (where & ~TYPE_SHARED) * 4);

			if (!shared)
				return REASON_IMAGE;
			return group_place(p, q, *shared, 0, 0);
		}
		return group_place(p, q, q->entry, where * 4, key_len);
	}
	return STEP_NEXT;
}

/* The SOA with the negative TTL, owned by the apex. */
INLINE int negative_place(PACKET *p, struct query *q, u32 rcode)
{
	q->rcode = rcode;
	q->owner_at = q->apex_at;
	return group_place(p, q, q->negative, 0, 0);
}

/*
 * The name becomes the target of the CNAME that was placed last: its labels below the apex stand in the
 * fragment, behind owner and fixed fields, before the pointer to the apex (or the root label).
 */
STEP int chain_follow(PACKET *p, struct query *q)
{
	const struct placed *last;
	const u8 *labels;
	u32 n, length, at = 0;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	n = q->placed_count - 1;
	OPAQUE(n);
	last = &q->placed[n & (PLACED_MAX - 1)];
	labels = image_at(p, last->offset, last->rel + FRAGMENT_HEAD + 10);
	if (!labels)
		return REASON_IMAGE;
	length = be16_get((be16){word_load16(labels)});
	labels += 2;
	n = q->apex_length ? 2 : 1;
	if (length < n || length > NAME_MAX)
		return REASON_IMAGE;
	length -= n;
	q->owner_at = length || !q->apex_length ? last->at + 12u : q->apex_at;
	q->key_length = length;
	left = length;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		word_store64(q->name + i, word_fold(word_load64(labels + i)));
		left -= 8;
	}
	for (u32 i = 0; i < LABELS_MAX; i++) {
		if (at >= length) {
			q->name_labels = i;
			return STEP_NEXT;
		}
		q->label[i] = at;
		at += *name_place(q, at) + 1;
	}
	return REASON_IMAGE;
}

/* What an exact match or a closest encloser means. STEP_NEXT: the reply is decided, or `hops` grew. */
STEP int select_entry(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	u32 flags;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	e = image_at(p, q->entry, 0);
	if (!e)
		return REASON_IMAGE;
	flags = e->flags;
	if (flags & ENTRY_PASS)
		return REASON_ENTRY_PASS;
	if (flags & ENTRY_CUT && !(q->exact && q->qtype == TYPE_DS)) {
		if (q->hops)
			return REASON_CHAIN;
		/* RFC 1034 section 4.3.2 step 3b: a referral, without AA */
		q->owner_at = q->apex_at - e->key_len;
		q->flags &= ~QUERY_AA;
		reason = type_place(p, q, TYPE_NS);
		return reason || q->found ? reason : REASON_IMAGE;
	}
	if (!q->exact) {
		if (flags & ENTRY_DNAME)
			return REASON_DNAME;
		if (flags & ENTRY_WILDCARD)
			return REASON_WILDCARD;
		return negative_place(p, q, RCODE_NXDOMAIN);
	}
	if (flags & ENTRY_CNAME && q->qtype != TYPE_CNAME) {
		u32 n;

		if (q->hops >= CHAIN_MAX)
			return REASON_CHAIN;
		reason = type_place(p, q, TYPE_CNAME);
		if (reason || !q->found)
			return reason ? reason : REASON_IMAGE;
		n = q->placed_count - 1;
		OPAQUE(n);
		if (!(placed_head(&q->placed[n & (PLACED_MAX - 1)])->flags & FRAGMENT_TARGET))
			return STEP_NEXT;
		q->hops++;
		return chain_follow(p, q);
	}
	reason = type_place(p, q, q->qtype);
	if (reason || q->found)
		return reason;
	return negative_place(p, q, RCODE_NOERROR);
}

/* Find and select, along a chain of CNAMEs. */
STEP int select_answer(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	q->flags |= QUERY_AA;
	q->rcode = RCODE_NOERROR;
	q->placed_count = 0;
	q->size = DNS_HEADER + q->name_length + QUESTION_FIXED;
	for (u32 i = 0; i <= CHAIN_MAX; i++) {
		u32 hops = q->hops;
		int reason = find_entry(p, q);

		if (!reason)
			reason = select_entry(p, q);
		if (reason || q->hops == hops)
			return reason;
	}
	return REASON_CHAIN;
}

#endif
