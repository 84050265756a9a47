/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * What proves that there is nothing: the denials of an answer (RFC 4035 section 3.1.3, RFC 5155
 * section 7.2), found in the tree of the version that the query carries (seek.h).
 *
 * In: the name, its entry or closest encloser, and what kind of answer it is. Out: proofs[], each
 * once; select.h places them. Only for queries with QUERY_SIGNED; what the chain can't prove
 * passes.
 */
#ifndef ANODE_ANSWER_DENIAL_H
#define ANODE_ANSWER_DENIAL_H

#include "seek.h"

#define NSEC3_LABEL 32          /* octets of a hash in base32hex */
#define TWO_STARS   0x2a012a01u /* the labels "*" and "*", as a word of memory */

enum proof {
	PROOF_NONE,
	PROOF_NODATA,          /* `entry` is the name */
	PROOF_NXDOMAIN,        /* `entry` is the closest encloser */
	PROOF_WILDCARD,        /* `entry` is the wildcard, `encloser` the closest encloser */
	PROOF_WILDCARD_NODATA, /* likewise */
	PROOF_REFERRAL,        /* `entry` is the cut; its DS, or that there is none */
};

/* Where the entry holds `type`, in units of 4 bytes; 0 if it doesn't. */
INLINE u32 type_where(const struct image_entry *e, u32 type)
{
	const u8 *list = (const u8 *)e + ENTRY_TYPES_AT(e->key_len);
	u32 types = e->types;

	for (u32 i = 0; i < IMAGE_TYPES_MAX; i++) {
		u32 word;

		if (i >= types)
			break;
		word = word_load32(list + i * 4);
		if ((word & 0xffff) == type)
			return word >> 16;
	}
	return 0;
}

/* The denial at or before the key, in proofs[]. */
STEP int denial_find(PACKET *p, struct query *q)
{
	u32 count;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	reason = denial_seek(p, q);
	if (reason)
		return reason;
	count = q->proof_count;
	for (u32 i = 0; i < PROOFS_MAX; i++) {
		if (i == count) {
			q->proofs[i] = q->node;
			q->proof_count = i + 1;
			return STEP_NEXT;
		}
		if (q->proofs[i] == q->node)
			return STEP_NEXT;
	}
	return REASON_CHAIN;
}

/* ---- NSEC: keys of names ---- */

/* Octets below `n` (at most 128) in a word? */
INLINE u64 word_has_below(u64 w, u64 n)
{
	return (w - 0x0101010101010101ull * n) & ~w & 0x8080808080808080ull;
}

/*
 * Append a label that holds octets 0 or 1 to the key: these are written behind a 1, for 0 ends a
 * label. Knot 3.2 takes names with an octet 0 for others, so they pass.
 */
STEP int key_label_low(struct query *q, u32 label)
{
	u32 at, length, to;

	if (!q)
		return REASON_INTERNAL;
	at = q->label[label & (LABELS_MAX - 1)];
	length = *name_place(q, at) & 63;
	at++;
	for (u32 i = 0; i < 63; i++) {
		u32 octet;

		FORGET(q);
		if (i >= length)
			break;
		octet = (u8)word_fold(*name_place(q, at + i));
		to = q->key_size;
		if (octet == 0)
			return REASON_DNSSEC;
		if (octet == 1) {
			*key_place(q, to) = 1;
			to++;
			octet++;
		}
		*key_place(q, to) = octet;
		q->key_size = to + 1;
	}
	to = q->key_size;
	*key_place(q, to) = 0;
	key_end(q, to + 1);
	return STEP_NEXT;
}

/* Append a label of name[] to the key. */
STEP int key_label(struct query *q, u32 label)
{
	u32 at, length, to;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	at = q->label[label & (LABELS_MAX - 1)];
	length = *name_place(q, at) & 63;
	at++;
	to = q->key_size;
	left = length;
	for (u32 i = 0; i < 64; i += 8) {
		u64 w, filled;

		if (left <= 0)
			break;
		w = word_load64(name_place(q, at + i));
		filled = w;
		if (left < 8) {
			w = word_first(w, left);
			filled = w | ~word_first(~0ull, left);
		}
		if (word_has_below(filled, 2))
			return key_label_low(q, label);
		word_store64(key_place(q, to + i), word_fold(w));
		left -= 8;
	}
	*key_place(q, to + length) = 0;
	key_end(q, to + length + 1);
	return STEP_NEXT;
}

/* Append labels [to, from) to the key, the last one first. */
STEP int key_labels(struct query *q, u32 from, u32 to)
{
	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		int reason;

		if (from <= to)
			break;
		from--;
		reason = key_label(q, from);
		if (reason)
			return reason;
	}
	return STEP_NEXT;
}

/* The same with no call for no label, and one for a single label. */
INLINE int key_append(struct query *q, u32 from, u32 to)
{
	int reason;

	if (from <= to)
		return STEP_NEXT;
	reason = key_label(q, from - 1);
	return reason || from - 1 == to ? reason : key_labels(q, from - 1, to);
}

/*
 * The denial at q->node is one more that is sent. Servers that compress its owner's name against
 * all others write less than we do: of a single one, which shares no more with the question than
 * `shared` octets, so many less; of several perhaps all of it, for one may be next to the other.
 */
INLINE int key_spare(PACKET *p, struct query *q, u32 shared)
{
	const struct image_denial *d;
	u32 length;

	d = image_at(p, q->node, 0);
	if (!d)
		return REASON_IMAGE;
	length = d->key_len;
	q->spare += length < shared ? length : shared;
	return STEP_NEXT;
}

/* `label` is where the encloser's or the cut's name begins. */
INLINE int nsec_prove(PACKET *p, struct query *q, u32 proof, u32 label)
{
	u32 several = proof == PROOF_NXDOMAIN || proof == PROOF_WILDCARD_NODATA;
	const struct image_denial *d;
	u32 size;
	int reason;

	key_end(q, 0);
	reason = key_append(q, q->name_labels, label);
	if (reason)
		return reason;
	size = q->key_size;
	if (proof != PROOF_REFERRAL && proof != PROOF_NODATA)
		reason = key_append(q, label, 0);
	if (!reason)
		reason = denial_find(p, q);
	if (!reason)
		reason = key_spare(p, q, several || q->hops ? KEY_ROOM : size);
	if (reason || !several)
		return reason;
	word_store16(key_place(q, size), '*');
	key_end(q, size + 2);
	reason = denial_find(p, q);
	if (!reason)
		reason = key_spare(p, q, KEY_ROOM);
	if (reason || proof != PROOF_NXDOMAIN)
		return reason;
	/* If what denies the wildcard lies two labels or more below the encloser, NSD takes the
	 * child above it for that. */
	d = image_at(p, q->node, 0);
	if (!d)
		return REASON_IMAGE;
	key_end(q, size);
	return denial_beyond(q, d) && d->labels > q->name_labels - label + 1 ? REASON_DNSSEC
									     : STEP_NEXT;
}

#include "nsec3.h"

/* Does the name begin with the label "*"? */
INLINE int name_is_star(struct query *q)
{
	return q->name_labels && word_load16(q->name) == (1 | '*' << 8);
}

/* What servers prove in different ways: a reason (servers.md, "Denial"). */
INLINE int denial_differs(PACKET *p, struct query *q, u32 proof)
{
	u32 synthesised = proof == PROOF_WILDCARD || proof == PROOF_WILDCARD_NODATA;
	const struct image_entry *e;
	const struct settings *s;

	/* of names that begin with "*" NSD proves more where they are there, Knot less where not;
	 * of empty non-terminals BIND takes another NSEC */
	if (name_is_star(q) && (synthesised || proof == PROOF_NODATA)) {
		e = image_at(p, q->entry, 0);
		if (!e || synthesised || q->flags & QUERY_NSEC3 || e->types == 0)
			return REASON_DNSSEC;
	}
	if (proof == PROOF_WILDCARD_NODATA) {
		e = image_at(p, q->entry, 0);
		if (!e)
			return REASON_IMAGE;
		/* of a wildcard that is an empty non-terminal NSD proves that it is there, Knot and
		 * BIND don't; of two stars one below the other BIND proves something else */
		if (!(q->flags & QUERY_NSEC3) &&
			(e->types == 0 || (e->key_len >= 4 && word_load32(e->key) == TWO_STARS)))
			return REASON_DNSSEC;
		/* NSD sends no closest encloser where the wildcard has such a child */
		if (q->flags & QUERY_NSEC3 && e->flags & ENTRY_HASHED &&
			entry_hashes(e)->flags & HASHES_BEFORE)
			return REASON_DNSSEC;
	}
	/* NSD proves of what a DNAME makes, and isn't there, only what its closest encloser has */
	if (q->flags & QUERY_DNAME && !(q->flags & QUERY_NSEC3) &&
		(synthesised || proof == PROOF_NXDOMAIN)) {
		s = settings_get(p);
		if (!s || s->flags & SETTINGS_DNAME_NSEC_PASS)
			return REASON_DNSSEC;
	}
	return STEP_NEXT;
}

/*
 * Find the denials of an answer while the name that it is about stands in name[]. They are placed
 * at the answer's end, those of several names along a chain together.
 */
STEP int denial_prove(PACKET *p, struct query *q, u32 proof)
{
	const struct image_entry *e;
	u32 label;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	reason = name_take(p, q);
	if (reason)
		return reason;
	reason = denial_differs(p, q, proof);
	if (reason)
		return reason;
	e = image_at(p,
		proof == PROOF_WILDCARD || proof == PROOF_WILDCARD_NODATA ? q->encloser : q->entry,
		0);
	if (!e)
		return REASON_IMAGE;
	if (e->labels > q->name_labels)
		return REASON_IMAGE;
	label = q->name_labels - e->labels;
	if (proof == PROOF_REFERRAL && type_where(e, TYPE_DS)) {
		q->referral = q->entry;
		return STEP_NEXT;
	}
	return q->flags & QUERY_NSEC3 ? nsec3_prove(p, q, proof, e, label)
				      : nsec_prove(p, q, proof, label);
}

#endif
