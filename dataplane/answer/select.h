/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From an entry to the reply's fragments, rcode and flags (RFC 1034 section 4.3.2 step 3, RFC
 * 2308).
 *
 * In: the entry, exact or the closest encloser. Out: placed[], with where each fragment's names
 * stand. Chains that leave the zone's own data pass where servers would go on with them.
 */
#ifndef ANODE_ANSWER_SELECT_H
#define ANODE_ANSWER_SELECT_H

#include "sum.h"
#include "find.h"

/*
 * What moving `count` pointers by `shift` adds to a sum; `odd` of them stand at odd places, where a
 * byte counts in the other half of its word: 256 times as much, modulo 0xffff.
 */
INLINE u64 pointers_sum(u32 shift, u32 count, u32 odd)
{
	/* a pointer of a shifted-down name wraps in 16 bits; modulo 0xffff that is one less */
	u32 step = shift > 0x7fff ? shift - 1 : shift;

	return (u64)step * ((count - odd) * 256 + odd);
}

/* Its pointers follow the names that they stand for. */
INLINE u64 placed_move(
	struct query *q, struct placed *d, const struct image_fragment *f, u32 rendered, u32 group)
{
	u32 apex = DNS_HEADER + rendered;
	u32 owner = q->owner_at - DNS_HEADER;
	u64 sum = 0;

	group -= apex + q->apex_length + 1 + QUESTION_FIXED;
	apex = q->apex_at - apex;
	d->moved = owner | apex | group;
	if (!(owner | apex | group))
		return 0;
	d->shift[BASE_OWNER] = owner;
	d->shift[BASE_APEX] = apex;
	d->shift[BASE_GROUP] = group;
	for (u32 b = 0; b < BASES; b++)
		sum += pointers_sum(d->shift[b], f->pointers[b], f->odd[b]);
	return sum;
}

/*
 * Place the fragment at `rel` of the object at `offset` behind what is placed already;
 * q->group_next is where the next one of its group begins. `group`: where in the message the group
 * begins.
 *
 * An answer that doesn't fit is left out with TC, the aliases before it stay (RFC 2181 section 9).
 * A referral with its glue (RFC 9471), the SOA of a negative answer, additional records, anything
 * in a reply with a DNAME: what is sent of them, and with which flags, differs between servers, so
 * the local one decides.
 */
INLINE int fragment_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered, u32 group)
{
	const struct image_fragment *f = image_at(p, offset, rel);
	u32 n = q->placed_count, at = q->size;
	struct placed *d;
	u32 places, length;
	u64 records;

	q->group_next = 0;
	if (!f)
		return pass(REASON_IMAGE);
	length = f->length;
	if (f->flags & FRAGMENT_OVERSIZE || at + length > q->limit) {
		if (f->flags & FRAGMENT_OPTIONAL || !(q->flags & QUERY_AA) ||
			q->flags & QUERY_DNAME || f->records[1])
			return pass(REASON_ROOM);
		q->flags |= QUERY_TC;
		return STEP_NEXT;
	}
	if (n >= PLACED_MAX)
		return pass(REASON_CHAIN);
	OPAQUE(n);
	d = &q->placed[n & (PLACED_MAX - 1)];
	d->offset = offset;
	d->rel = rel;
	d->at = at;
	d->length = length;
	q->sum += sum_shift(f->sum + placed_move(q, d, f, rendered, group), at);
	records = word_load32(f->records);
	q->counts += (records & 0xff) | (records & 0xff00) << 8 | (records & 0xff0000) << 16;
	q->size = at + length;
	q->placed_count = n + 1;
	if (!(f->flags & FRAGMENT_MORE))
		return STEP_NEXT;
	places = f->pointers[BASE_APEX] + f->pointers[BASE_GROUP] +
		 (f->stride ? 0 : f->pointers[BASE_OWNER]);
	q->group_next = (rel + FRAGMENT_PLACES_AT(length) + 2 * places + 3) & ~3u;
	return STEP_NEXT;
}

/* The rest of a group. */
STEP int group_finish(PACKET *p, struct query *q, u32 offset, u32 rendered, u32 group)
{
	if (!q)
		return pass(REASON_INTERNAL);
	for (u32 i = 1; i < IMAGE_GROUP_MAX; i++) {
		int reason = fragment_place(p, q, offset, q->group_next, rendered, group);

		if (reason || !q->group_next)
			return reason;
	}
	return pass(REASON_IMAGE);
}

/*
 * Place the group of fragments that begins at `rel` of the object at `offset`. `rendered` is the
 * relative name's length that it was rendered for; q->owner_at is where its owner name stands.
 */
INLINE int group_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered)
{
	u32 group = q->size;
	int reason = fragment_place(p, q, offset, rel, rendered, group);

	return reason || !q->group_next ? reason : group_finish(p, q, offset, rendered, group);
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
			return pass(REASON_IMAGE);
		offset = *shared;
		where = key_len = 0;
	}
	return group_place(p, q, offset, where * 4, key_len);
}

#include "chain.h"

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
		return pass(REASON_IMAGE);
	/* NODATA, NXDOMAIN: the SOA with the negative TTL, owned by the apex (RFC 2308) */
	q->owner_at = q->apex_at;
	return group_place(p, q, q->negative, 0, 0);
}

#include "wildcard.h"
#include "dname.h"

/* What an exact match or a closest encloser means. STEP_NEXT: as above. */
INLINE int select_entry(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	u32 flags, type;

	e = image_at(p, q->entry, 0);
	if (!e)
		return pass(REASON_IMAGE);
	flags = e->flags;
	type = q->qtype;
	if (flags & ENTRY_PASS)
		return pass(REASON_ENTRY_PASS);
	if (flags & ENTRY_CUT && !(q->exact && type == TYPE_DS)) {
		if (q->hops)
			return chain_referral(p, q);
		/* RFC 1034 section 4.3.2 step 3b: a referral, without AA */
		q->owner_at = q->apex_at - e->key_len;
		q->flags &= ~QUERY_AA;
		type = TYPE_NS;
	} else if (!q->exact) {
		if (flags & ENTRY_DNAME)
			return dname_select(p, q);
		if (flags & ENTRY_WILDCARD)
			return wildcard_select(p, q);
		q->rcode = RCODE_NXDOMAIN;
		type = 0;
	} else if (flags & ENTRY_CNAME && type != TYPE_CNAME) {
		if (q->hops >= CHAIN_MAX)
			return pass(REASON_CHAIN);
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
		return pass(REASON_INTERNAL);
	reason = chain_zone(p, q);
	if (reason)
		return reason;
	reason = find_entry(p, q, NAME_IN_QUERY);
	return reason ? reason : select_entry(p, q);
}

/* Find and select, along a chain of CNAMEs. */
INLINE int chain_answer(PACKET *p, struct query *q)
{
	for (u32 i = 0; i <= CHAIN_MAX; i++) {
		u32 hops = q->hops;
		int reason = chain_link(p, q);

		if (reason || q->hops == hops)
			return reason;
	}
	return pass(REASON_CHAIN);
}

INLINE int select_answer(PACKET *p, struct query *q)
{
	int reason;

	q->flags |= QUERY_AA;
	q->rcode = RCODE_NOERROR;
	q->placed_count = 0;
	q->chain = 0;
	q->sum = 0;
	q->counts = 0;
	q->size = DNS_HEADER + q->name_length + QUESTION_FIXED;
	if (q->flags & QUERY_ERROR) {
		q->flags &= ~QUERY_AA;
		q->rcode = q->error;
		return STEP_NEXT;
	}
	reason = find_entry(p, q, NAME_IN_PACKET);
	if (!reason)
		reason = select_entry(p, q);
	return reason || !q->hops ? reason : chain_answer(p, q);
}

#endif
