/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Answers that vary with the server behind us: SOA where there is none, ANY, delegations.
 *
 * In: the entry that was found. Out: as select.h's. What isn't known of the server, or can't be
 * said, passes. Off the hot path.
 *
 * Part of select.h.
 */
#ifndef ANODE_ANSWER_VARIED_H
#define ANODE_ANSWER_VARIED_H

/*
 * A negative answer to a question for SOA: BIND gives its SOA no time to live, so that nobody
 * remembers for long where the zone's apex isn't.
 */
INLINE int soa_absent(PACKET *p, struct query *q)
{
	u32 flags = server_flags(p);
	u32 passes = SETTINGS_SOA_NODATA_PASS, zero = SETTINGS_SOA_NODATA_ZERO;

	const struct image_entry *e = image_at(p, q->entry, 0);

	if (!e)
		return REASON_IMAGE;
	if (q->rcode == RCODE_NXDOMAIN) {
		passes = SETTINGS_SOA_PASS;
		zero = SETTINGS_SOA_ZERO;
	} else if (q->flags & QUERY_WILDCARD && e->types == 0) {
		/* to BIND it is the one at times and at times the other */
		passes |= SETTINGS_SOA_ZERO;
	}
	if (flags & passes)
		return REASON_SERVER;
	q->flags |= flags & zero ? QUERY_FADE : 0;
	return STEP_NEXT;
}

/* ANY at a name that is there, or that a wildcard gives: the set of the lowest type (RFC 8482
 * section 4.1). */
INLINE int any_lowest(PACKET *p, struct query *q)
{
	const struct image_entry *e = image_at(p, q->entry, 0);
	const struct image_type *slot;

	if (!e)
		return REASON_IMAGE;
	if (!e->types || q->rcode == RCODE_NXDOMAIN)
		return STEP_NEXT;
	slot = image_at(p, q->entry, ENTRY_TYPES_AT(e->key_len));
	if (!slot)
		return REASON_IMAGE;
	/* signatures and denials stand elsewhere, and one of them may be the lowest; with DO, they
	 * belong to it */
	if (q->flags & QUERY_SIGNED || slot->type > TYPE_DS)
		return REASON_QTYPE;
	q->found = slot->where;
	return STEP_NEXT;
}

/* SOA or ANY was asked for, and the entry has no such type, or there is no such name. found: where
 * in the entry the answer is; 0: it is negative. */
STEP int type_absent(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	q->found = 0;
	return q->qtype == TYPE_ANY ? any_lowest(p, q) : soa_absent(p, q);
}

/*
 * At or below a delegation, where the server doesn't refer as others do: one that refers to a cut
 * below this one passes; one that adds the DS without having been asked for DNSSEC gets it in, by
 * chain_follow(), between the NS and the addresses, as with DO.
 */
STEP int cut_look(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	const struct image_version *v;

	if (!q)
		return REASON_INTERNAL;
	e = image_at(p, q->entry, 0);
	v = image_at(p, q->version, 0);
	if (!e || !v)
		return REASON_IMAGE;
	if (e->flags & ENTRY_NESTED && q->flags & QUERY_NESTED_PASS)
		return REASON_SERVER;
	if (q->flags & QUERY_SIGNED || !(v->flags & VERSION_SIGNED) || !type_where(e, TYPE_DS))
		return STEP_NEXT;
	if (q->flags & QUERY_DS_PASS)
		return REASON_SERVER;
	if (!(q->flags & QUERY_DS_PLAIN))
		return STEP_NEXT;
	if (q->hops)
		return REASON_SERVER;
	q->flags |= QUERY_PROOF;
	q->proof = PROOF_NONE;
	q->proof_count = 0;
	q->rest_next = 0;
	q->referral = q->entry;
	q->chain = CHAIN_PROOFS;
	return STEP_NEXT;
}

#endif
