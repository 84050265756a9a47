/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * What proves that there is nothing: the denials of an answer (RFC 4035 section 3.1.3, RFC 5155
 * section 7.2), found in the tree of the version that the query carries.
 *
 * In: the name, its entry or closest encloser, and what kind of answer it is. Out: proofs[], each
 * once; select.h places them. Only for queries with QUERY_SIGNED; what the chain can't prove
 * passes.
 */
#ifndef ANODE_ANSWER_DENIAL_H
#define ANODE_ANSWER_DENIAL_H

#include "find.h"
#include "sha1.h"

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

/* ---- the tree (image.md, "node") ---- */

INLINE u8 *key_place(struct query *q, u32 at)
{
	OPAQUE(at);
	return q->key + (at & (KEY_ROOM - 1));
}

/* Eight octets of the key as a number that orders as they do. */
INLINE u64 key_slice(struct query *q, u32 at)
{
	return __builtin_bswap64(word_load64(key_place(q, at)));
}

INLINE void key_end(struct query *q, u32 size)
{
	u8 *end = key_place(q, size);

	word_store64(end, 0);
	word_store64(end + 8, 0);
	q->key_size = size;
}

/*
 * The key begins otherwise than all keys of the node, in these octets: above = 1 if it lies behind
 * them, but perhaps not behind all that is below the last of them; or beyond = 1.
 */
INLINE void prefix_differs(struct query *q, u64 ours, u64 its)
{
	if (__builtin_bswap64(ours) > __builtin_bswap64(its))
		q->above = 1;
	else
		q->beyond = 1;
}

/* Does the key begin with the node's prefix? Otherwise above or beyond is set. */
STEP int node_prefix(PACKET *p, struct query *q)
{
	const struct image_node *node;
	const u8 *prefix;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	node = image_at(p, q->node, 0);
	if (!node)
		return REASON_IMAGE;
	left = node->prefix & (KEY_ROOM - 1);
	prefix = node->data;
	for (u32 i = 0; i < KEY_ROOM; i += 8) {
		u64 ours, its;

		if (left <= 0)
			return STEP_NEXT;
		ours = word_load64(q->key + i);
		its = word_load64(prefix + i);
		if (left < 8) {
			ours = word_first(ours, left);
			its = word_first(its, left);
		}
		if (ours != its) {
			prefix_differs(q, ours, its);
			return STEP_NEXT;
		}
		left -= 8;
	}
	return STEP_NEXT;
}

/* Is the denial's key beyond the query's? Both end in zeros that no key goes on with. */
INLINE int denial_beyond(struct query *q, const struct image_denial *d)
{
	u32 size = q->key_size;

	for (u32 i = 0; i < KEY_ROOM; i += 8) {
		u64 ours, its;

		if (i > size)
			break;
		ours = word_load64(q->key + i);
		its = word_load64(d->key + i);
		if (ours != its)
			return __builtin_bswap64(its) > __builtin_bswap64(ours);
	}
	return 0;
}

/* The last of slices[0 .. last] that is not above `slice`; 0 if all are. */
INLINE u32 slices_last(const u8 *slices, u32 last, u64 slice)
{
	u32 pick = 0;

#pragma GCC unroll 6
	for (u32 half = IMAGE_NODE_ITEMS / 2; half; half >>= 1) {
		u32 probe = pick + half;

		if (probe <= last &&
			word_load64(slices + (probe & (IMAGE_NODE_ITEMS - 1)) * 8) <= slice)
			pick = probe;
	}
	return pick;
}

/*
 * The same by halves and without a branch, for half of them would be mispredicted: the last of
 * `count` slices that is not above `slice` in its upper 63 bits, 0 if all are. So nothing is said
 * of slices that are equal, or differ in the last bit.
 */
INLINE u32 slices_search(const u8 *slices, u32 count, u64 slice)
{
	u32 pick = 0;

	slice >>= 1;
#pragma GCC unroll 6
	for (u32 i = 0; i < 6; i++) {
		u32 half = count >> 1;
		u64 met = word_load64(slices + ((pick + half) & (IMAGE_NODE_ITEMS - 1)) * 8) >> 1;
		u64 above = slice - met;

		OPAQUE(above); /* or clang makes a branch of it */
		pick += half & (u32)((above >> 63) - 1);
		count -= half;
	}
	return pick;
}

/* low = the first of the items that have the key's eight octets. A step of its own, and low in the
 * query, so that the verifier doesn't follow each of 64 values through the search behind it. */
STEP int run_begin(PACKET *p, struct query *q, u32 prefix, u32 last)
{
	const u8 *slices;
	u64 slice;
	u32 low;

	if (!q)
		return REASON_INTERNAL;
	prefix &= KEY_ROOM - 1;
	slices = image_at(p, q->node, NODE_SLICES_AT(prefix));
	if (!slices)
		return REASON_IMAGE;
	slice = key_slice(q, prefix);
	q->low = 0;
	if (slice == 0)
		return STEP_NEXT;
	low = slices_last(slices, last & (IMAGE_NODE_ITEMS - 1), slice - 1);
	q->low = low + (word_load64(slices + (low & (IMAGE_NODE_ITEMS - 1)) * 8) < slice);
	return STEP_NEXT;
}

/*
 * Items from `low` up to `pick` have the key's eight octets: pick = the last item whose whole key
 * isn't beyond the query's; or beyond = 1 if there is none.
 */
STEP int run_search(PACKET *p, struct query *q, u32 branches)
{
	u32 low;

	if (!q)
		return REASON_INTERNAL;
	q->pick++;
	for (u32 i = 0; i < 7; i++) {
		const struct image_branch *branch;
		const struct image_denial *d;
		u32 high, middle;

		FORGET(q);
		low = q->low;
		high = q->pick;
		middle = (low + high) / 2 & (IMAGE_NODE_ITEMS - 1);
		if (low >= high)
			break;
		branch = image_at(p, q->node, branches + middle * 8);
		d = branch ? image_at(p, branch->first, 0) : NULL;
		if (!d)
			return REASON_IMAGE;
		if (denial_beyond(q, d))
			q->pick = middle;
		else
			q->low = middle + 1;
	}
	FORGET(q);
	low = q->low;
	q->pick = low - 1;
	q->beyond = low == 0;
	return STEP_NEXT;
}

/*
 * Where slices_search() leaves it open: pick = the last item that is not beyond the key, or beyond
 * = 1. Mostly a single item has the key's eight octets, and its whole key says.
 */
STEP int node_tie(PACKET *p, struct query *q, u32 prefix, u32 last)
{
	const struct image_branch *branch;
	const struct image_denial *d;
	const u8 *slices;
	u32 pick;
	u64 slice, met;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	prefix &= KEY_ROOM - 1;
	last &= IMAGE_NODE_ITEMS - 1;
	slices = image_at(p, q->node, NODE_SLICES_AT(prefix));
	if (!slices)
		return REASON_IMAGE;
	slice = key_slice(q, prefix);
	pick = slices_last(slices, last, slice) & (IMAGE_NODE_ITEMS - 1);
	met = word_load64(slices + pick * 8);
	q->pick = pick;
	q->beyond = met > slice;
	if (met != slice)
		return STEP_NEXT;
	branch = image_at(p, q->node, NODE_BRANCHES_AT(prefix, last + 1) + pick * 8);
	d = branch ? image_at(p, branch->first, 0) : NULL;
	if (!d)
		return REASON_IMAGE;
	if (!denial_beyond(q, d))
		return STEP_NEXT;
	reason = run_begin(p, q, prefix, last);
	return reason ? reason : run_search(p, q, NODE_BRANCHES_AT(prefix, last + 1));
}

/* The same; a short prefix takes no call. */
INLINE int prefix_compare(PACKET *p, struct query *q, const u8 *node, u32 prefix)
{
	u64 ours, its;

	q->above = 0;
	if (prefix >= 8)
		return node_prefix(p, q);
	if (prefix == 0)
		return STEP_NEXT;
	ours = word_first(word_load64(q->key), prefix);
	its = word_first(word_load64(node + NODE_HEAD), prefix);
	if (ours != its)
		prefix_differs(q, ours, its);
	return STEP_NEXT;
}

/* One node down: node = where the item leads that the key belongs to. */
INLINE int node_step(PACKET *p, struct query *q)
{
	const u8 *node = image_at(p, q->node, 0), *slices;
	u32 head, last, prefix, pick;
	int reason;

	if (!node)
		return REASON_IMAGE;
	/* the lowest level is large, and rarely in a cache: all of a node at once */
	if (q->node_level == 1) {
#pragma GCC unroll 7
		for (u32 at = 64; at < 512; at += 64)
			word_touch(node + at);
	}
	head = word_load32(node);
	last = ((head >> 8) - 1) & (IMAGE_NODE_ITEMS - 1);
	prefix = head >> 16 & (KEY_ROOM - 1);
	if (!q->beyond) {
		reason = prefix_compare(p, q, node, prefix);
		if (reason)
			return reason;
	}
	pick = last;
	FORGET(q);
	if (!(q->beyond | q->above)) {
		u64 slice = key_slice(q, prefix);

		slices = node + NODE_SLICES_AT(prefix);
		pick = slices_search(slices, last + 1, slice) & (IMAGE_NODE_ITEMS - 1);
		if (word_load64(slices + pick * 8) >= slice) {
			reason = node_tie(p, q, prefix, last);
			if (reason)
				return reason;
			FORGET(q);
			pick = q->beyond ? last : q->pick & (IMAGE_NODE_ITEMS - 1);
		}
	}
	q->node_level = head & 0xff;
	q->node = word_load32(node + NODE_BRANCHES_AT(prefix, last + 1) + pick * 8);
	return STEP_NEXT;
}

/* node = the denial at or before the key. */
INLINE int denial_seek(PACKET *p, struct query *q)
{
	q->node = q->denial;
	q->beyond = 0;
	q->above = 0;
	q->node_level = 1;
	for (u64 i = 0; i < IMAGE_NODE_LEVELS; i++) {
		int reason;

		FORGET(q);
		reason = node_step(p, q);
		if (reason)
			return reason;
		if (q->node_level == 0)
			break;
	}
	return q->node_level ? REASON_IMAGE : STEP_NEXT;
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

/* ---- NSEC3: keys are hashes ---- */

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
