/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Last changes to the records that were written, where the server behind us wants them: a set's
 * records change places, or a negative answer's SOA fades to TTL 0.
 *
 * In: placed[], written. Out: the packet, and the sum that goes with it. Off the hot path.
 *
 * Part of write.h.
 */
#ifndef ANODE_ANSWER_FINISH_H
#define ANODE_ANSWER_FINISH_H

#define STRIDE_A    16u /* of records of A, and of AAAA, in a fragment */
#define STRIDE_AAAA 28u

/*
 * The set's first record changes places with another one, or with itself: so each of them comes
 * first equally often, which is what clients see of a rotation. Which one is drawn with the query's
 * ID and port. Octets move by an even number of places: the sum stays.
 */
STEP int set_rotate(PACKET *p, struct query *q, u32 i)
{
	const struct image_fragment *f;
	const struct placed *d;
	const u8 *id, *port;
	u8 *first, *other;
	u32 draw, at, size;

	if (!q)
		return REASON_INTERNAL;
	OPAQUE(i);
	d = &q->placed[i & (PLACED_MAX - 1)];
	f = d->offset ? image_at(p, d->offset, d->rel) : NULL;
	if (!f || f->records[0] < 2 || (f->stride != STRIDE_A && f->stride != STRIDE_AAAA))
		return STEP_NEXT;
	id = packet_view(p, q->dns_at, 2);
	port = packet_view(p, q->udp_at, 2);
	if (!id || !port)
		return REASON_IMAGE;
	draw = (u16)(word_load16(id) ^ word_load16(port) * 0x9e37u);
	draw = draw * f->records[0] >> 16;
	at = q->dns_at + d->at + 12;
	size = f->stride;
	first = packet_view(p, at, 4);
	other = packet_view(p, at + draw * size, 4);
	if (!first || !other)
		return REASON_IMAGE;
	if (size == STRIDE_A) {
		u32 a = word_load32(first), b = word_load32(other);

		word_store32(first, b);
		word_store32(other, a);
		return STEP_NEXT;
	}
	first = packet_view(p, at, 16);
	other = packet_view(p, at + draw * size, 16);
	if (!first || !other)
		return REASON_IMAGE;
	for (u32 k = 0; k < 16; k += 8) {
		u64 a = word_load64(first + k), b = word_load64(other + k);

		word_store64(first + k, b);
		word_store64(other + k, a);
	}
	return STEP_NEXT;
}

#define FADE_MAX 64u /* records: a SOA and more signatures than a reply can hold */

/* Every record of placed[i] gets TTL 0. Their owner is a pointer, or the root. */
STEP int records_fade(PACKET *p, struct query *q, u32 i)
{
	const struct placed *d;
	u32 at, end;

	if (!q)
		return REASON_INTERNAL;
	OPAQUE(i);
	d = &q->placed[i & (PLACED_MAX - 1)];
	if (d->offset != q->negative)
		return STEP_NEXT;
	at = d->at;
	end = at + d->length;
	for (u32 n = 0; n < FADE_MAX; n++) {
		u8 *record;
		u32 ttl;

		if (at >= end)
			break;
		record = packet_view(p, q->dns_at + at, 1);
		if (!record)
			return REASON_IMAGE;
		at += *record >= 0xc0 ? 2 : 1;
		record = packet_view(p, q->dns_at + at, 10);
		if (!record)
			return REASON_IMAGE;
		ttl = word_load32(record + 4);
		word_store32(record + 4, 0);
		/* in ones' complement a word is taken away by adding its inverse */
		q->sum += sum_shift((u16) ~(u16)ttl + (u64)(u16) ~(u16)(ttl >> 16), at);
		at += 10 + be16_get((be16){word_load16(record + 8)});
		FORGET(q);
	}
	return STEP_NEXT;
}

/* QUERY_FINISH. */
STEP int answer_finish(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	if (q->flags & QUERY_CHAOS)
		return synth_write(p, q, 0);
	for (u32 i = 0; i < PLACED_MAX; i++) {
		int reason = STEP_NEXT;

		if (i >= q->placed_count)
			break;
		if (q->flags & QUERY_ROTATE)
			reason = set_rotate(p, q, i);
		if (!reason && q->flags & QUERY_FADE)
			reason = records_fade(p, q, i);
		if (reason)
			return reason;
	}
	return STEP_NEXT;
}

#endif
