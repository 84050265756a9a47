/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Along a chain of aliases: the target becomes the name that is looked up (RFC 1034 section 4.3.2
 * step 3a).
 *
 * In: a CNAME that was placed. Out: name[], label[] and where the name stands in the message, for
 * find_entry. Servers agree on chains within a zone, also where they end at a delegation; another
 * zone that begins on the way passes, because some go on into it and some don't.
 *
 * Part of select.h.
 */
#ifndef ANODE_ANSWER_CHAIN_H
#define ANODE_ANSWER_CHAIN_H

/* Where the closest encloser begins in name[]: behind the next closer name's first label. */
INLINE u32 encloser_place(struct query *q)
{
	u32 label = q->closer;

	return label < q->name_labels ? q->label[label & (LABELS_MAX - 1)] : q->key_length;
}

/* The labels of name[0 .. key_length): where each begins. */
STEP int chain_labels(PACKET *p, struct query *q)
{
	u32 at = 0;

	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		if (at >= q->key_length) {
			q->name_labels = i;
			return STEP_NEXT;
		}
		q->label[i] = at;
		at += *name_place(q, at) + 1;
	}
	return REASON_IMAGE;
}

/*
 * A CNAME was placed. If its target is in the zone, the name becomes the target: its labels below
 * the apex stand in the fragment, behind owner and fixed fields, before the pointer to the apex (or
 * the root label).
 */
STEP int chain_follow(PACKET *p, struct query *q)
{
	const struct placed *last;
	const struct image_fragment *f;
	const u8 *labels;
	u32 n, length;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	if (q->chain == CHAIN_PROOFS)
		return q->flags & QUERY_TC ? STEP_NEXT : proofs_place(p, q);
	q->chain = 0;
	/* ANY is answered by the alias itself */
	if (q->flags & QUERY_TC || q->qtype == TYPE_ANY)
		return STEP_NEXT;
	n = q->placed_count - 1;
	OPAQUE(n);
	last = &q->placed[n & (PLACED_MAX - 1)];
	f = image_at(p, last->offset, last->rel);
	if (f && f->flags & FRAGMENT_DNSSEC) {
		/* the alias stands before its signatures */
		n--;
		OPAQUE(n);
		last = &q->placed[n & (PLACED_MAX - 1)];
		f = image_at(p, last->offset, last->rel);
	}
	if (!f)
		return REASON_IMAGE;
	if (!(f->flags & FRAGMENT_TARGET))
		return server_flags(p) & SETTINGS_CHAINS_PASS ? REASON_CHAIN : STEP_NEXT;
	q->hops++;
	q->flags &= ~QUERY_WILDCARD;
	labels = f->data + 10;
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
	q->flags |= QUERY_NAMED;
	left = length;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		word_store64(q->name + i, word_load64(labels + i));
		left -= 8;
	}
	return chain_labels(p, q);
}

/*
 * The apex behind the new name's labels, as in a question; and does another zone begin between the
 * two? DS at its apex is this zone's.
 */
STEP int chain_zone(PACKET *p, struct query *q)
{
	const struct image_header *header = image_at(p, 0, 0);
	const struct image_zone *z;
	u32 end, labels, zone;
	u16 length;

	if (!q)
		return REASON_INTERNAL;
	zone = q->zone;
	z = image_at(p, zone, 0);
	if (!z || !header)
		return REASON_IMAGE;
	end = q->key_length + q->apex_length;
	labels = z->labels;
	if (end >= NAME_MAX)
		return REASON_IMAGE;
	for (u32 i = 0; i < 256; i += 8) {
		if (i >= q->apex_length)
			break;
		word_store64(name_place(q, q->key_length + i), word_load64(z->key + i));
	}
	*name_place(q, end) = 0;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		u32 depth;
		int reason;

		FORGET(q);
		if (i >= q->name_labels)
			break;
		depth = q->name_labels - i + labels;
		if (!(*(const volatile u64 *)&header->depths[depth >> 6 & 1] >> (depth & 63) & 1))
			continue;
		if (i == 0 && q->qtype == TYPE_DS)
			continue;
		/* the probe enters the zone that it finds: no matter, then it passes */
		length = q->name_length;
		q->name_length = end + 1;
		reason = zone_probe(p, q, i);
		q->name_length = length;
		q->zone = zone;
		if (reason || q->found)
			return REASON_CHAIN;
	}
	return STEP_NEXT;
}

/* The chain ends at or below a delegation: the referral follows the aliases, AA is theirs. */
STEP int chain_referral(PACKET *p, struct query *q)
{
	int reason;

	if (!q)
		return REASON_INTERNAL;
	if (!q->exact)
		q->owner_at += encloser_place(q);
	if (q->flags & QUERY_SIGNED) {
		q->proof = PROOF_REFERRAL;
		q->flags |= QUERY_PROOF;
	}
	reason = type_place(p, q, TYPE_NS);
	if (reason)
		return reason;
	/* a referral that doesn't fit passes, with and without aliases before it */
	if (q->flags & QUERY_TC)
		return REASON_ROOM;
	return q->found ? STEP_NEXT : REASON_IMAGE;
}

#endif
