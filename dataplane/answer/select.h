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
#include "denial.h"

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
	d->moved = 0;
	if (!(owner | apex | group))
		return 0;
	d->shift[BASE_OWNER] = f->pointers[BASE_OWNER] ? owner : 0;
	d->shift[BASE_APEX] = f->pointers[BASE_APEX] ? apex : 0;
	d->shift[BASE_GROUP] = f->pointers[BASE_GROUP] ? group : 0;
	d->moved = d->shift[BASE_OWNER] | d->shift[BASE_APEX] | d->shift[BASE_GROUP];
	for (u32 b = 0; b < BASES; b++)
		sum += pointers_sum(d->shift[b], f->pointers[b], f->odd[b]);
	return sum;
}

/* Where the fragment behind f begins. */
INLINE u32 fragment_next(const struct image_fragment *f, u32 rel)
{
	u32 places = f->pointers[BASE_APEX] + f->pointers[BASE_GROUP] +
		     (f->stride ? 0 : f->pointers[BASE_OWNER]);

	return (rel + FRAGMENT_PLACES_AT(f->length) + 2 * places + 3) & ~3u;
}

/*
 * Of what was placed: `answers` = where the answer section ends in the message, `glue` = were there
 * addresses that must come along?
 */
INLINE void placed_survey(PACKET *p, struct query *q)
{
	u32 count = q->placed_count;

	q->answers = 0;
	q->glue = 0;
	for (u32 i = 0; i < PLACED_MAX; i++) {
		const struct placed *d = &q->placed[i];
		const struct image_fragment *f;

		if (i >= count)
			break;
		f = d->offset ? image_at(p, d->offset, d->rel) : NULL;
		if (!f || f->records[0])
			q->answers = d->at + d->length;
		if (f && f->records[2] && !(f->flags & FRAGMENT_OPTIONAL))
			q->glue = 1;
	}
}

/* BIND repeats AD in a referral that doesn't fit. */
INLINE u32 reply_repeats_ad(struct query *q)
{
	return !(q->flags & QUERY_AA) && q->dns_flags & DNS_AD;
}

/*
 * A fragment of so many octets doesn't fit; `head` is its records[] and flags. It is left out, with
 * its group's rest; or placed all the same, where QUERY_OVER says so then.
 *
 * Additional records are a courtesy: left out. An answer is left out with TC, the aliases before it
 * stay (RFC 2181 section 9). With signatures, servers agree on TC wherever something is missing;
 * what is still to come counts, for another's names may be shorter (reply_truncate). A referral's
 * glue (RFC 9471), a SOA, anything in an unsigned reply with a DNAME: what is sent of them, and
 * with which flags, differs between servers, so the local one decides.
 */
STEP int fragment_over(PACKET *p, struct query *q, u32 head, u32 length)
{
	u32 authority = head >> 8 & 0xff, additional = head >> 16 & 0xff, flags = head >> 24;
	const struct settings *s;
	u32 least = ADDRESS_SIZE;

	if (!q)
		return pass(REASON_INTERNAL);
	s = settings_get(p);
	if (!s)
		return REASON_INTERNAL;
	if (flags & FRAGMENT_OPTIONAL) {
		if (q->flags & QUERY_OVER)
			return STEP_NEXT;
		/* before those inside a delegation NSD and BIND send others of another kind */
		if (!(s->flags & SETTINGS_GLUE_TC)) {
			placed_survey(p, q);
			if (q->glue)
				return REASON_ROOM;
		}
		/* where not one address fits into a referral, NSD says TC */
		if (q->flags & QUERY_SIGNED)
			least += SIGNATURE_SIZE;
		return q->counts >> 32 || q->size + least <= q->limit ? STEP_NEXT : REASON_ROOM;
	}
	/* and where they say TC, one that writes names shorter may get it in */
	if (additional && (!(s->flags & SETTINGS_GLUE_TC) ||
				  q->size + length <= q->limit + COMPRESSION_SPARE))
		return REASON_ROOM;
	if (q->flags & QUERY_SIGNED) {
		/* Knot sends no TC where it is the SOA that doesn't fit */
		if (authority && q->flags & QUERY_AA && q->flags & QUERY_PROOF &&
			!(q->flags & QUERY_OVER) && !(flags & FRAGMENT_DNSSEC))
			return REASON_ROOM;
		if (flags & FRAGMENT_OVERSIZE) {
			/* of glue too long to say what it is, NSD sends a part */
			if (!(q->flags & QUERY_AA) || q->proof == PROOF_REFERRAL)
				return REASON_ROOM;
			q->size += IMAGE_FRAGMENT_MAX;
		}
		if (additional)
			q->spare += COMPRESSION_SPARE;
		q->flags |= QUERY_OVER;
		return STEP_NEXT;
	}
	if (q->flags & QUERY_DNAME || (authority && q->flags & QUERY_AA) ||
		(flags & FRAGMENT_OVERSIZE && !(q->flags & QUERY_AA)) || reply_repeats_ad(q))
		return REASON_ROOM;
	q->flags |= QUERY_TC;
	return STEP_NEXT;
}

/*
 * Place the fragment at `rel` of the object at `offset` behind what is placed already;
 * q->group_next is where the next one of its group begins. `group`: where in the message the group
 * begins.
 */
INLINE int fragment_place(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered, u32 group)
{
	const struct image_fragment *f = image_at(p, offset, rel);
	u32 n = q->placed_count, at = q->size;
	struct placed *d;
	u32 length;
	u64 records;

	q->group_next = 0;
	if (!f)
		return pass(REASON_IMAGE);
	length = f->length;
	if (f->flags & FRAGMENT_OVERSIZE || at + length > q->limit) {
		int reason = fragment_over(p, q, word_load32(f->records), length);

		if (reason || !(q->flags & QUERY_OVER) || f->flags & FRAGMENT_OPTIONAL)
			return reason;
		at = q->size;
	} else if (f->records[2] && !(f->flags & FRAGMENT_OPTIONAL) &&
		   at + length + COMPRESSION_SPARE > q->limit) {
		/* servers compress worse than this, each in its way: theirs may not fit where ours
		 * just does */
		return pass(REASON_ROOM);
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
	if (!(f->flags & FRAGMENT_MORE) ||
		(f->flags & FRAGMENT_PLAIN_LAST && !(q->flags & QUERY_SIGNED)))
		return STEP_NEXT;
	q->group_next = fragment_next(f, rel);
	return STEP_NEXT;
}

/* Does the fragment hold additional records? Proofs, of the authority section, come before. */
INLINE int fragment_waits(struct query *q, const struct image_fragment *f)
{
	return q->flags & QUERY_PROOF && (f->flags & FRAGMENT_OPTIONAL || f->records[2]);
}

/*
 * One more fragment of a group, at group_next: placed, put off until the proofs are placed, or
 * skipped.
 */
INLINE int group_step(PACKET *p, struct query *q, u32 offset, u32 rendered, u32 group)
{
	u32 rel = q->group_next;
	const struct image_fragment *f = image_at(p, offset, rel);

	if (!f)
		return REASON_IMAGE;
	if (fragment_waits(q, f)) {
		q->rest_next = rel;
		q->rest_offset = offset;
		q->rest_rendered = rendered;
		q->rest_group = group;
		q->rest_owner_at = q->owner_at;
		q->group_next = 0;
		return STEP_NEXT;
	}
	if (f->flags & FRAGMENT_DNSSEC && !(q->flags & QUERY_SIGNED)) {
		q->group_next = f->flags & FRAGMENT_MORE ? fragment_next(f, rel) : 0;
		return STEP_NEXT;
	}
	/* additional records go with their signatures, or not at all */
	if (f->flags & FRAGMENT_OPTIONAL && f->flags & FRAGMENT_MORE && q->flags & QUERY_SIGNED) {
		const struct image_fragment *next = image_at(p, offset, fragment_next(f, rel));

		if (next && next->flags & FRAGMENT_DNSSEC &&
			q->size + f->length + next->length > q->limit) {
			q->group_next = 0;
			return fragment_over(p, q, word_load32(f->records), f->length);
		}
	}
	return fragment_place(p, q, offset, rel, rendered, group);
}

/* The same as a step: what loops call. */
STEP int group_go_on(PACKET *p, struct query *q, u32 offset, u32 rendered, u32 group)
{
	return q ? group_step(p, q, offset, rendered, group) : REASON_INTERNAL;
}

/* The rest of a group; mostly that is one fragment. */
STEP int group_finish(PACKET *p, struct query *q, u32 offset, u32 rendered, u32 group)
{
	int reason;

	if (!q)
		return pass(REASON_INTERNAL);
	reason = group_step(p, q, offset, rendered, group);
	for (u32 i = 2; i < IMAGE_GROUP_MAX; i++) {
		if (reason || !q->group_next)
			return reason;
		reason = group_go_on(p, q, offset, rendered, group);
	}
	return reason || !q->group_next ? reason : pass(REASON_IMAGE);
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

/* A delegation's DS in a referral: made to be an answer, counted as authority. */
STEP int referral_place(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	u32 rel, answers, group;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	e = image_at(p, q->referral, 0);
	rel = e ? type_where(e, TYPE_DS) : 0;
	if (!rel || rel & TYPE_SHARED)
		return REASON_IMAGE;
	rel *= 4;
	answers = q->counts & 0xffff;
	group = q->size;
	q->group_next = rel;
	reason = group_go_on(p, q, q->referral, e->key_len, group);
	if (!reason && q->group_next) /* its signatures */
		reason = group_go_on(p, q, q->referral, 0, group);
	answers = (q->counts & 0xffff) - answers;
	q->counts += ((u64)answers << 16) - answers;
	return reason;
}

/* A denial is a single fragment. */
STEP int denial_place(PACKET *p, struct query *q, u32 offset)
{
	const struct image_denial *d = image_at(p, offset, 0);

	if (!q)
		return REASON_INTERNAL;
	if (!d)
		return REASON_IMAGE;
	return fragment_place(
		p, q, offset, DENIAL_GROUP_AT(d->key_len & (KEY_ROOM - 1)), 0, q->size);
}

/* Place what denial_prove() has found, and then what waited for that. */
STEP int proofs_place(PACKET *p, struct query *q)
{
	int reason = STEP_NEXT;

	if (!q)
		return REASON_INTERNAL;
	q->flags &= ~QUERY_PROOF;
	if (q->referral)
		reason = referral_place(p, q);
	for (u32 i = 0; i < PROOFS_MAX; i++) {
		if (reason || q->flags & QUERY_TC)
			return reason;
		if (i >= q->proof_count)
			break;
		reason = denial_place(p, q, q->proofs[i]);
	}
	q->group_next = q->rest_next;
	if (reason || q->flags & QUERY_OVER)
		return reason;
	/* Knot writes longer names of servers */
	if (q->proof == PROOF_REFERRAL && q->size + COMPRESSION_SPARE > q->limit)
		return REASON_ROOM;
	if (!q->group_next)
		return STEP_NEXT;
	q->owner_at = q->rest_owner_at;
	return group_finish(p, q, q->rest_offset, q->rest_rendered, q->rest_group);
}

/* The same as a step, off the hot path. */
STEP int group_place_step(PACKET *p, struct query *q, u32 offset, u32 rel, u32 rendered)
{
	return q ? group_place(p, q, offset, rel, rendered) : REASON_INTERNAL;
}

/* Place what the entry holds at `where`. */
INLINE int where_place(
	PACKET *p, struct query *q, enum name_in in, const struct image_entry *e, u32 where)
{
	u32 key_len = e->key_len, offset = q->entry;

	if (where & TYPE_SHARED) {
		const u32 *shared = image_at(p, offset, (where & ~TYPE_SHARED) * 4);

		if (!shared)
			return pass(REASON_IMAGE);
		offset = *shared;
		where = key_len = 0;
	}
	if (in == NAME_IN_QUERY)
		return group_place_step(p, q, offset, where * 4, key_len);
	return group_place(p, q, offset, where * 4, key_len);
}

/* Place what the entry holds of `type`, off the hot path. found = 1 if it holds any. */
STEP int type_place(PACKET *p, struct query *q, u32 type)
{
	const struct image_entry *e;
	u32 where;

	if (!q)
		return REASON_INTERNAL;
	e = image_at(p, q->entry, 0);
	if (!e)
		return REASON_IMAGE;
	where = type_where(e, type);
	q->found = where != 0;
	return where ? where_place(p, q, NAME_IN_PACKET, e, where) : STEP_NEXT;
}

#include "chain.h"

/* What an answer of `type` at the entry needs beside its signatures. */
INLINE void proof_choose(struct query *q, u32 found)
{
	if (!(q->flags & QUERY_AA))
		q->proof = PROOF_REFERRAL;
	else if (found)
		q->proof = q->flags & QUERY_WILDCARD ? PROOF_WILDCARD : PROOF_NONE;
	else if (q->exact)
		q->proof = PROOF_NODATA;
	else
		q->proof = q->flags & QUERY_WILDCARD ? PROOF_WILDCARD_NODATA : PROOF_NXDOMAIN;
	if (q->proof != PROOF_NONE)
		q->flags |= QUERY_PROOF;
}

#include "varied.h"

/*
 * The entry answers with `type`, or with the alias it is; 0 stands for no type. What it proves is
 * found afterwards (link_finish), as is an alias's target.
 */
INLINE int entry_answer(
	PACKET *p, struct query *q, enum name_in in, const struct image_entry *e, u32 type)
{
	u32 where = type ? type_where(e, type) : 0;

	if (!where && (q->qtype == TYPE_SOA || q->qtype == TYPE_ANY)) {
		int reason = type_absent(p, q);

		if (reason)
			return reason;
		where = q->found;
	}
	/* the question's name is read in the packet only where nothing is signed */
	if (in == NAME_IN_QUERY && q->flags & QUERY_SIGNED)
		proof_choose(q, where);
	if (where)
		return where_place(p, q, in, e, where);
	if (!(q->flags & QUERY_AA) || q->chain)
		return REASON_IMAGE;
	/* NODATA, NXDOMAIN: the SOA with the negative TTL, owned by the apex (RFC 2308) */
	q->owner_at = q->apex_at;
	if (in == NAME_IN_QUERY)
		return group_place_step(p, q, q->negative, 0, 0);
	return group_place(p, q, q->negative, 0, 0);
}

#include "wildcard.h"
#include "dname.h"

/* What an exact match or a closest encloser means. */
INLINE int select_entry(PACKET *p, struct query *q, enum name_in in)
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
		if (q->flags & QUERY_CUTS) {
			int reason = cut_look(p, q);

			if (reason)
				return reason;
		}
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
			return in == NAME_IN_QUERY ? wildcard_select(p, q)
						   : wildcard_select_plain(p, q);
		q->rcode = RCODE_NXDOMAIN;
		type = 0;
	} else if (flags & ENTRY_CNAME && type != TYPE_CNAME) {
		if (q->hops >= CHAIN_MAX)
			return pass(REASON_CHAIN);
		type = TYPE_CNAME;
		q->chain = 1;
	}
	return entry_answer(p, q, in, e, type);
}

/*
 * One link of a chain: the target in place of the name. The question's name was looked up already.
 * Its proofs are found as long as it stands in name[]; then the target of an alias takes its place,
 * and `hops` grows.
 */
STEP int chain_link(PACKET *p, struct query *q)
{
	int reason;

	if (!q)
		return REASON_INTERNAL;
	if (q->hops) {
		reason = chain_zone(p, q);
		if (!reason)
			reason = find_entry(p, q, NAME_IN_QUERY);
		if (reason)
			return reason;
	}
	reason = select_entry(p, q, NAME_IN_QUERY);
	if (!reason && q->flags & QUERY_PROOF && q->proof != PROOF_NONE)
		reason = denial_prove(p, q, q->proof);
	if (!reason && q->chain) {
		reason = chain_follow(p, q);
		q->spare += q->key_length;
	}
	return reason;
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

/*
 * What was placed doesn't fit: TC and nothing else, unless a server that writes names shorter may
 * get it in.
 */
STEP int reply_truncate(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	if (q->size <= q->limit + q->spare || reply_repeats_ad(q))
		return REASON_ROOM;
	/* Knot doesn't get as far as the rcode where aliases don't fit */
	if (q->rcode != RCODE_NOERROR && q->hops) {
		placed_survey(p, q);
		if (q->flags & QUERY_DNAME || q->answers + COMPRESSION_SPARE > q->limit)
			return REASON_ROOM;
	}
	q->flags |= QUERY_TC;
	q->placed_count = 0;
	q->sum = 0;
	q->counts = 0;
	q->size = DNS_HEADER + q->name_length + QUESTION_FIXED;
	return STEP_NEXT;
}

/* With signatures and proofs. A way of its own, so that other answers pay nothing for it. */
STEP int signed_answer(PACKET *p, struct query *q)
{
	const struct image_version *v;
	u32 most;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	v = image_at(p, q->version, 0);
	if (!v)
		return REASON_IMAGE;
	if (!(v->flags & (VERSION_NSEC | VERSION_NSEC3)))
		return REASON_DNSSEC;
	if (v->iterations > NSEC3_ITERATIONS)
		return REASON_ITERATIONS;
	/* a server that refers to the lower of two cuts has it in its chain of denials, too */
	if (v->flags & VERSION_NESTED && q->flags & QUERY_NESTED_PASS)
		return REASON_SERVER;
	q->flags |= v->flags & VERSION_NSEC3 ? QUERY_NSEC3 : 0;
	q->denial = v->denial;
	q->proof_count = 0;
	q->referral = 0;
	q->rest_next = 0;
	q->spare = SOA_SPARE;
	reason = name_take(p, q);
	if (!reason)
		reason = chain_answer(p, q);
	if (!reason && q->flags & QUERY_PROOF)
		reason = proofs_place(p, q);
	if (reason)
		return reason;
	if (q->flags & QUERY_OVER)
		return reply_truncate(p, q);
	/* other servers write longer names: BIND, PowerDNS, and Knot along a chain, those that
	 * DNAMEs make in full */
	most = q->size + COMPRESSION_SPARE + (q->flags & QUERY_DNAME ? q->spare : 0);
	return most > q->limit ? REASON_ROOM : STEP_NEXT;
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
		/* no rcode: ANY, which is for TCP */
		q->flags ^= q->error ? QUERY_AA : QUERY_TC;
		q->rcode = q->error;
		return STEP_NEXT;
	}
	reason = find_entry(p, q, NAME_IN_PACKET);
	if (reason)
		return reason;
	if (q->flags & QUERY_SIGNED)
		return signed_answer(p, q);
	reason = select_entry(p, q, NAME_IN_PACKET);
	if (!reason && q->chain)
		reason = chain_follow(p, q);
	return reason || !q->hops ? reason : chain_answer(p, q);
}

#endif
