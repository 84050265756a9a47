/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From an entry to the reply's fragments, rcode and flags (RFC 1034 section 4.3.2 step 3, RFC
 * 2308).
 *
 * In: the entry, exact or the closest encloser. Out: placed[], with where each fragment's names
 * stand. What this core doesn't answer (DNAME, chains that leave the zone's own data) passes.
 */
#ifndef ANODE_ANSWER_SELECT_H
#define ANODE_ANSWER_SELECT_H

#include "find.h"

/* Place the fragment at `rel` of the object at `offset`; q->group_next is where the next of its
 * group begins. */
INLINE int fragment_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered, u32 first)
{
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
	placed->offset = offset;
	placed->rel = rel;
	placed->owner = q->owner_at;
	placed->rendered = rendered;
	placed->first = first;
	placed->at = q->size;
	f = placed_head(placed);
	q->size += f->length;
	q->placed_count = n + 1;
	if (!(f->flags & FRAGMENT_MORE)) {
		q->group_next = 0;
		return STEP_NEXT;
	}
	places = f->pointers[BASE_APEX] + f->pointers[BASE_GROUP] +
		 (f->stride ? 0 : f->pointers[BASE_OWNER]);
	q->group_next = (rel + FRAGMENT_PLACES_AT(f->length) + 2 * places + 3) & ~3u;
	return STEP_NEXT;
}

/* The rest of a group. */
STEP int group_finish(PACKET *p, struct query *q, u32 offset, u32 rendered)
{
	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 1; i < IMAGE_GROUP_MAX; i++) {
		int reason = fragment_place(p, q, offset, q->group_next, rendered, 0);

		if (reason || !q->group_next)
			return reason;
	}
	return REASON_IMAGE;
}

/*
 * Place the group of fragments that begins at `rel` of the object at `offset`. `rendered` is the
 * relative name's length that it was rendered for; q->owner_at is where its owner name stands.
 */
INLINE int group_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered)
{
	int reason = fragment_place(p, q, offset, rel, rendered, 1);

	return reason || !q->group_next ? reason : group_finish(p, q, offset, rendered);
}

/* Place what the entry holds of `type`. found = 1 if it holds any. */
INLINE int type_place(PACKET *p, struct query *q, const struct image_entry *e, u32 type)
{
	u32 types = e->types, key_len = e->key_len, where = 0, offset = q->entry;
	const u8 *list = (const u8 *)e + ENTRY_TYPES_AT(key_len);

	q->found = 0;
	for (u32 i = 0; i < IMAGE_TYPES_MAX; i++) {
		u32 word;

		if (i >= types)
			break;
		word = word_load32(list + i * 4);
		if ((word & 0xffff) == type) {
			where = word >> 16;
			break;
		}
	}
	if (where == 0)
		return STEP_NEXT;
	q->found = 1;
	if (where & TYPE_SHARED) {
		const u32 *shared = image_at(p, offset, (where & ~TYPE_SHARED) * 4);

		if (!shared)
			return REASON_IMAGE;
		offset = *shared;
		where = key_len = 0;
	}
	return group_place(p, q, offset, where * 4, key_len);
}

/*
 * A CNAME was placed. If its target is in the zone, the name becomes the target: its labels below
 * the apex stand in the fragment, behind owner and fixed fields, before the pointer to the apex (or
 * the root label).
 */
STEP int chain_follow(PACKET *p, struct query *q)
{
	const struct placed *last;
	const u8 *labels;
	u32 n, length, at = 0;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	q->chain = 0;
	n = q->placed_count - 1;
	if (!q->found)
		return REASON_IMAGE;
	OPAQUE(n);
	last = &q->placed[n & (PLACED_MAX - 1)];
	if (!(placed_head(last)->flags & FRAGMENT_TARGET))
		return q->flags & QUERY_CHAINS_PASS ? REASON_CHAIN : STEP_NEXT;
	q->hops++;
	labels = image_at(p, last->offset, last->rel + FRAGMENT_HEAD + 10);
	if (!labels)
		return REASON_IMAGE;
	length = be16_get((be16){word_load16(labels)});
	labels += 2;
	n = q->apex_length ? 2 : 1;
	if (length < n || length > NAME_MAX)
		return REASON_IMAGE;
	length -= n;
	/* DS at the apex is the parent's (RFC 4035 section 3.1.4.1) */
	if (length == 0 && q->qtype == TYPE_DS)
		return REASON_CHAIN;
	q->owner_at = length || !q->apex_length ? last->at + 12u : q->apex_at;
	q->key_length = length;
	left = length;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		word_store64(q->name + i, word_load64(labels + i));
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

/*
 * The entry answers with `type`, or with the alias it is; 0 stands for no type. STEP_NEXT: the
 * reply is decided, or `hops` grew: then the name is another one, to be found.
 */
INLINE int entry_answer(PACKET *p, struct query *q, const struct image_entry *e, u32 type)
{
	int reason = type_place(p, q, e, type);

	if (reason)
		return reason;
	if (q->chain)
		return chain_follow(p, q);
	if (q->found)
		return STEP_NEXT;
	if (!(q->flags & QUERY_AA))
		return REASON_IMAGE;
	/* NODATA, NXDOMAIN: the SOA with the negative TTL, owned by the apex (RFC 2308) */
	q->owner_at = q->apex_at;
	return group_place(p, q, q->negative, 0, 0);
}

#include "wildcard.h"

/* What an exact match or a closest encloser means. STEP_NEXT: as above. */
INLINE int select_entry(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	u32 flags, type;

	e = image_at(p, q->entry, 0);
	if (!e)
		return REASON_IMAGE;
	flags = e->flags;
	type = q->qtype;
	if (flags & ENTRY_PASS)
		return REASON_ENTRY_PASS;
	if (flags & ENTRY_CUT && !(q->exact && type == TYPE_DS)) {
		if (q->hops)
			return REASON_CHAIN;
		/* RFC 1034 section 4.3.2 step 3b: a referral, without AA */
		q->owner_at = q->apex_at - e->key_len;
		q->flags &= ~QUERY_AA;
		type = TYPE_NS;
	} else if (!q->exact) {
		if (flags & ENTRY_DNAME)
			return REASON_DNAME;
		if (flags & ENTRY_WILDCARD)
			return wildcard_select(p, q);
		q->rcode = RCODE_NXDOMAIN;
		type = 0;
	} else if (flags & ENTRY_CNAME && type != TYPE_CNAME) {
		if (q->hops >= CHAIN_MAX)
			return REASON_CHAIN;
		type = TYPE_CNAME;
		q->chain = 1;
	}
	return entry_answer(p, q, e, type);
}

/* One link of a chain: the target in place of the name. */
STEP int chain_link(PACKET *p, struct query *q)
{
	int reason;

	if (!q)
		return REASON_INTERNAL;
	reason = find_entry(p, q);
	return reason ? reason : select_entry(p, q);
}

/* Find and select, along a chain of CNAMEs. */
STEP int chain_answer(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i <= CHAIN_MAX; i++) {
		u32 hops = q->hops;
		int reason = chain_link(p, q);

		if (reason || q->hops == hops)
			return reason;
	}
	return REASON_CHAIN;
}

INLINE int select_answer(PACKET *p, struct query *q)
{
	int reason;

	q->flags |= QUERY_AA;
	q->rcode = RCODE_NOERROR;
	q->placed_count = 0;
	q->chain = 0;
	q->size = DNS_HEADER + q->name_length + QUESTION_FIXED;
	reason = find_entry(p, q);
	if (!reason)
		reason = select_entry(p, q);
	return reason || !q->hops ? reason : chain_answer(p, q);
}

#endif
