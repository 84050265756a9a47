/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Below a DNAME: another name in place of the one that was asked for (RFC 6672 section 3.2).
 *
 * In: a DNAME's entry as the closest encloser. Out: the DNAME, a synthesised CNAME with its TTL
 * (section 3.1), and the new name for find_entry; or YXDOMAIN where that would be too long. The
 * CNAME's bytes stand in synth[], in the form that the image's aliases have: labels down to the
 * apex, and a pointer to it. A DNAME that leads to itself passes: each server ends such a chain
 * elsewhere.
 *
 * Part of select.h.
 */
#ifndef ANODE_ANSWER_DNAME_H
#define ANODE_ANSWER_DNAME_H

/*
 * Place a CNAME that is owned by the name at `owner`, with the TTL `ttl` as it stands in packets,
 * whose RDATA is the first `length` octets of name[].
 */
STEP int alias_place(PACKET *p, struct query *q, u32 owner, u32 ttl, u32 length)
{
	u32 n, at, size = 12 + length;
	struct placed *placed;
	u64 sum = 0;

	if (!q || length > NAME_MAX + 1)
		return REASON_INTERNAL;
	n = q->placed_count;
	at = q->synth_used;
	if (n >= PLACED_MAX || at + size + 8 > SYNTH_ROOM)
		return REASON_CHAIN;
	if (q->size + size > q->limit) {
		if (!(q->flags & QUERY_SIGNED))
			return REASON_ROOM;
		q->flags |= QUERY_OVER;
	}
	word_store64(synth_place(q, at), be16_of(0xc000 | owner).raw |
						 (u32)be16_of(TYPE_CNAME).raw << 16 |
						 (u64)be16_of(CLASS_IN).raw << 32 | (u64)ttl << 48);
	word_store32(synth_place(q, at + 8), ttl >> 16 | (u32)be16_of(length).raw << 16);
	for (u32 i = 0; i < 256 + 8; i += 8) {
		if (i >= length)
			break;
		word_store64(synth_place(q, at + 12 + i), word_load64(name_place(q, i)));
	}
	word_store64(synth_place(q, at + size), 0); /* what pads the sum */
	for (u32 i = 0; i < 12 + 256 + 8; i += 8) {
		if (i >= size)
			break;
		sum = sum_word(sum, word_load64(synth_place(q, at + i)));
	}
	OPAQUE(n);
	placed = &q->placed[n & (PLACED_MAX - 1)];
	placed->offset = 0;
	placed->rel = at;
	placed->at = q->size;
	placed->length = size;
	placed->moved = 0;
	q->sum += sum_shift(sum, q->size);
	q->counts++; /* an answer */
	q->size += size;
	q->placed_count = n + 1;
	q->synth_used = (at + size + 7) & ~7u;
	return STEP_NEXT;
}

/*
 * Do the `length` octets of name[], its root label included, end with the octets of the zone's
 * apex? found = 0: no.
 */
STEP int name_returns(PACKET *p, struct query *q, u32 length)
{
	const struct image_zone *z;
	u32 left, at;
	u64 differ = 0;

	if (!q)
		return REASON_INTERNAL;
	z = image_at(p, q->zone, 0);
	if (!z)
		return REASON_IMAGE;
	left = q->apex_length;
	q->found = 0;
	if (length <= left)
		return STEP_NEXT;
	at = length - 1 - left;
	for (u32 i = 0; i < 256; i += 8) {
		u64 w;

		if (left <= 8)
			break;
		w = word_load64(name_place(q, at + i));
		differ |= word_fold(w) ^ word_load64(z->key + i);
		left -= 8;
	}
	if (left)
		differ |= word_first(
			word_fold(word_load64(name_place(q, at + q->apex_length - left))) ^
				word_load64(z->key + ((q->apex_length - left) & 255)),
			left);
	q->found = differ == 0;
	return STEP_NEXT;
}

/* The DNAME is placed[n]; the name, which stands at `owner`, has `prefix` octets below it. */
STEP int dname_follow(PACKET *p, struct query *q, u32 n, u32 owner, u32 prefix)
{
	const struct image_fragment *f;
	const struct placed *d;
	const u8 *rdata;
	u32 length, key, ttl, inside;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	OPAQUE(n);
	d = &q->placed[n & (PLACED_MAX - 1)];
	f = image_at(p, d->offset, d->rel);
	if (!f)
		return REASON_IMAGE;
	inside = f->flags & FRAGMENT_TARGET;
	rdata = f->data + 12; /* behind owner and fixed fields */
	ttl = word_load32(rdata - 6);
	length = be16_get((be16){word_load16(rdata - 2)});
	if (length > NAME_MAX || length <= (inside ? q->apex_length : 0))
		return REASON_IMAGE;
	if (prefix + length > NAME_MAX) {
		u32 passes = SETTINGS_YXDOMAIN_PASS;

		if (q->flags & QUERY_EDNS)
			passes |= SETTINGS_YXDOMAIN_EDNS_PASS;
		if (server_flags(p) & passes)
			return REASON_DNAME;
		q->rcode = RCODE_YXDOMAIN;
		return STEP_NEXT;
	}
	for (u32 i = 0; i < 256; i += 8) {
		if (i >= length)
			break;
		word_store64(name_place(q, prefix + i), word_load64(rdata + i));
	}
	length += prefix;
	if (!inside) {
		/* up and down again */
		reason = name_returns(p, q, length);
		if (!reason)
			reason = q->found ? REASON_DNAME : alias_place(p, q, owner, ttl, length);
		if (reason)
			return reason;
		return server_flags(p) & SETTINGS_CHAINS_PASS && q->qtype != TYPE_CNAME
			       ? REASON_CHAIN
			       : STEP_NEXT;
	}
	key = length - 1 - q->apex_length;
	q->key_length = key;
	if (q->apex_length) {
		word_store16(name_place(q, key), be16_of(0xc000 | q->apex_at).raw);
		length = key + 2;
	}
	q->owner_at = q->size + 12;
	reason = alias_place(p, q, owner, ttl, length);
	if (reason || q->qtype == TYPE_CNAME)
		return reason;
	q->hops++;
	q->spare += key;
	return chain_labels(p, q);
}

/* Is the entry's DNAME in the reply already? */
INLINE int dname_placed(struct query *q)
{
	u32 count = q->placed_count;

	for (u32 i = 0; i < PLACED_MAX; i++) {
		if (i >= count)
			break;
		if (q->placed[i].offset == q->entry)
			return 1;
	}
	return 0;
}

STEP int dname_select(PACKET *p, struct query *q)
{
	const struct image_entry *e;
	u32 n, owner, prefix;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	if (server_flags(p) & SETTINGS_DNAME_PASS)
		return REASON_DNAME;
	if (q->hops >= CHAIN_MAX)
		return REASON_CHAIN;
	if (dname_placed(q))
		return REASON_DNAME;
	reason = name_take(p, q);
	if (reason)
		return reason;
	e = image_at(p, q->entry, 0);
	if (!e)
		return REASON_IMAGE;
	/* below a wildcard's own name Knot sends the DNAME as if it were synthesised */
	if (e->key_len >= 2 && word_load16(e->key) == (1 | '*' << 8))
		return REASON_DNAME;
	n = q->placed_count;
	owner = q->owner_at;
	prefix = encloser_place(q);
	/* below the apex the name's labels stand in one piece */
	q->owner_at = prefix < q->key_length ? owner + prefix : q->apex_at;
	if (!(q->flags & QUERY_DNAME))
		q->synth_used = 0;
	q->flags |= QUERY_DNAME;
	q->proof = PROOF_NONE; /* the DNAME's signature says it all (RFC 6672 section 5.3.1) */
	reason = type_place(p, q, TYPE_DNAME);
	if (reason)
		return reason;
	if (!q->found || prefix == 0)
		return REASON_IMAGE;
	return dname_follow(p, q, n, owner, prefix);
}

#endif
