/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Proofs by NSEC3 (RFC 5155 section 7.2): the keys are hashes of names.
 *
 * In: the name, its entry or closest encloser, which may hold the hashes that are needed; the
 * version's salt. Out: proofs[], as denial.h says. More iterations than the host takes don't come
 * here.
 *
 * Part of denial.h.
 */
#ifndef ANODE_ANSWER_NSEC3_H
#define ANODE_ANSWER_NSEC3_H

#include "sha1.h"

INLINE const struct image_hashes *entry_hashes(const struct image_entry *e)
{
	return (const void *)((const u8 *)e + ENTRY_HASHES_AT(e->key_len, e->types & 127));
}

INLINE void key_hash(struct query *q, const u8 *hash)
{
	word_store64(q->key, word_load64(hash));
	word_store64(q->key + 8, word_load64(hash + 8));
	word_store32(q->key + 16, word_load32(hash + 16));
	key_end(q, IMAGE_HASH_SIZE);
}

INLINE void hash_block_in(struct query *q, u32 at)
{
	for (u32 i = 0; i < SHA1_BLOCK / 8; i++)
		q->pairs[i] = key_slice(q, at + 8 * i);
	sha1_block(q->sha1, q->pairs);
}

/* One more block of what is being hashed, from key[at] on. */
STEP int hash_block(struct query *q, u32 at)
{
	if (!q)
		return REASON_INTERNAL;
	hash_block_in(q, at);
	return STEP_NEXT;
}

/* Pad what stands in key[0 .. size) and hash it; the hash becomes the key. */
STEP int hash_finish(struct query *q, u32 size)
{
	u32 end = (size + 9 + SHA1_BLOCK - 1) & ~(SHA1_BLOCK - 1);

	if (!q)
		return REASON_INTERNAL;
	if (end > KEY_ROOM)
		return REASON_DNSSEC;
	for (u32 i = 0; i < SHA1_BLOCK + 8; i += 8)
		word_store64(key_place(q, size) + i, 0);
	*key_place(q, size) = 0x80;
	*key_place(q, end - 2) = size >> 5;
	*key_place(q, end - 1) = size << 3;
	sha1_start(q->sha1);
	hash_block_in(q, 0);
	for (u32 i = SHA1_BLOCK; i < KEY_ROOM; i += SHA1_BLOCK) {
		int reason;

		if (i >= end)
			break;
		reason = hash_block(q, i);
		if (reason)
			return reason;
	}
	for (u32 i = 0; i < 5; i++)
		word_store32(q->key + 4 * i, __builtin_bswap32(q->sha1[i]));
	key_end(q, IMAGE_HASH_SIZE);
	return STEP_NEXT;
}

/* Append the version's salt to what is to be hashed. */
STEP int hash_salt(PACKET *p, struct query *q, u32 length)
{
	const u8 *from;
	u32 to;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	from = image_at(p, q->version, AT(image_version, salt));
	if (!from)
		return REASON_IMAGE;
	to = q->key_size;
	left = length & 255;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		word_store64(key_place(q, to + i), word_load64(from + i));
		left -= 8;
	}
	q->key_size = to + (length & 255);
	return STEP_NEXT;
}

/*
 * The key of the name that begins at `label`: RFC 5155 section 5, without further iterations. In
 * name[] the zone's apex and the root's label follow.
 */
STEP int hash_name(PACKET *p, struct query *q, u32 label)
{
	const struct image_version *v;
	u32 at, end, salt;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	v = image_at(p, q->version, 0);
	if (!v)
		return REASON_IMAGE;
	at = q->label[label & (LABELS_MAX - 1)];
	end = q->key_length + q->apex_length + 1;
	if (end > NAME_MAX || at >= end)
		return REASON_INTERNAL;
	left = end - at;
	q->key_size = left;
	for (u32 i = 0; i < 256; i += 8) {
		if (left <= 0)
			break;
		word_store64(q->key + i, word_fold(word_load64(name_place(q, at + i))));
		left -= 8;
	}
	salt = v->salt_len;
	if (salt) {
		int reason = hash_salt(p, q, salt);

		if (reason)
			return reason;
	}
	return hash_finish(q, q->key_size);
}

/* The hashes of an entry, if the chain has its name. */
INLINE const struct image_hashes *hashes_matching(const struct image_entry *e)
{
	const struct image_hashes *hashes = entry_hashes(e);

	return e->flags & ENTRY_HASHED && hashes->flags & HASHES_MATCH ? hashes : NULL;
}

/*
 * found = the closest name above `label` that has an NSEC3, closer = where it begins. What lies
 * between is left out of the chain (opt-out).
 */
STEP int hashes_above(PACKET *p, struct query *q, u32 label)
{
	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		const struct image_entry *e;
		int reason;

		FORGET(q);
		label++;
		q->found = q->apex;
		if (label < q->name_labels) {
			reason = entry_probe(p, q, q->label[label & (LABELS_MAX - 1)]);
			if (reason)
				return reason;
		}
		e = image_at(p, q->found, 0);
		if (!e || !q->found)
			return REASON_IMAGE;
		if (hashes_matching(e)) {
			q->closer = label;
			return STEP_NEXT;
		}
		if (label >= q->name_labels)
			break;
	}
	return REASON_DNSSEC;
}

/* The key of an NSEC3 whose owner's label begins at `at` of name[]: found = 0 if it isn't base32hex
 * (RFC 4648 section 7). */
STEP int key_base32(struct query *q, u32 at)
{
	u64 bits = 0;

	if (!q)
		return REASON_INTERNAL;
	q->found = 0;
	for (u32 i = 0; i < NSEC3_LABEL; i++) {
		u32 octet = (u8)word_fold(*name_place(q, at + 1 + i)), digit = octet - '0';

		if (digit > 9) {
			digit = octet - 'a';
			if (digit > 'v' - 'a')
				return STEP_NEXT;
			digit += 10;
		}
		bits = bits << 5 | digit;
		if (i % 8 == 7)
			word_store64(key_place(q, i / 8 * 5), __builtin_bswap64(bits << 24));
	}
	key_end(q, IMAGE_HASH_SIZE);
	q->found = 1;
	return STEP_NEXT;
}

/*
 * found = is the name of name[], or one above it, an owner of NSEC3 records? They lie just below
 * the apex, and are as long as a hash (RFC 5155 section 3). NSD takes them for names of the zone.
 */
STEP int owner_probe(PACKET *p, struct query *q)
{
	const struct image_version *v;
	const struct image_denial *d;
	u32 at;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	v = image_at(p, q->version, 0);
	if (!v)
		return REASON_IMAGE;
	q->found = 0;
	if (q->name_labels == 0 || !(v->flags & (VERSION_NSEC3 | VERSION_HASHED)))
		return STEP_NEXT;
	at = q->label[(q->name_labels - 1) & (LABELS_MAX - 1)];
	if (*name_place(q, at) != NSEC3_LABEL)
		return STEP_NEXT;
	q->denial = v->denial;
	if (v->flags & VERSION_HASHED) {
		/* in a chain that `denial` hasn't got */
		q->found = 1;
		return STEP_NEXT;
	}
	reason = key_base32(q, at);
	if (reason || !q->found)
		return reason;
	reason = denial_seek(p, q);
	if (reason)
		return reason;
	d = image_at(p, q->node, 0);
	if (!d)
		return REASON_IMAGE;
	q->found = !((word_load64(q->key) ^ word_load64(d->key)) |
		     (word_load64(q->key + 8) ^ word_load64(d->key + 8)) |
		     (word_load32(q->key + 16) ^ word_load32(d->key + 16)));
	return STEP_NEXT;
}

/*
 * In the order of RFC 5155 section 7.2. A name in the chain proves of itself what isn't there. One
 * that isn't has a closest encloser, which is there, and a next closer name, which is covered; of a
 * delegation that the chain leaves out (opt-out) it is the closest one that can be proven.
 */
INLINE int nsec3_prove(
	PACKET *p, struct query *q, u32 proof, const struct image_entry *e, u32 label)
{
	const struct image_hashes *hashes = hashes_matching(e);
	u32 itself = proof == PROOF_NODATA || proof == PROOF_REFERRAL;
	int reason;

	/* NSD takes the owner of an NSEC3 for a closest encloser */
	if (!itself && label == q->name_labels && label >= 2) {
		u32 encloser = q->found;

		reason = owner_probe(p, q);
		if (reason || q->found)
			return reason ? reason : REASON_DNSSEC;
		q->found = encloser;
	}
	if (itself && !hashes) {
		if (!(e->flags & ENTRY_CUT))
			return REASON_DNSSEC;
		reason = hashes_above(p, q, label);
		if (reason)
			return reason;
		itself = 0;
		label = q->closer;
		e = image_at(p, q->found, 0);
		hashes = e ? hashes_matching(e) : NULL;
	}
	if (!hashes)
		return REASON_DNSSEC;
	if (proof != PROOF_WILDCARD) {
		key_hash(q, hashes->own);
		reason = denial_find(p, q);
		if (reason || itself)
			return reason;
	}
	if (label == 0)
		return REASON_IMAGE;
	reason = hash_name(p, q, label - 1);
	if (!reason)
		reason = denial_find(p, q);
	if (reason || (proof != PROOF_NXDOMAIN && proof != PROOF_WILDCARD_NODATA))
		return reason;
	if (proof == PROOF_WILDCARD_NODATA) {
		e = image_at(p, q->entry, 0);
		if (!e || !hashes_matching(e))
			return REASON_DNSSEC;
	}
	key_hash(q, hashes->star);
	return denial_find(p, q);
}

#endif
