/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From placed fragments to reply bytes.
 *
 * fit decides sizes, truncation and sums while the packet is still the query; the first change of
 * the packet is the resize, and only that can still fail without harm.
 */
#ifndef ANODE_ANSWER_WRITE_H
#define ANODE_ANSWER_WRITE_H

#include "sum.h"
#include "packet.h"

/* What `count` pointers, `odd` of them at odd places, add to a fragment's sum when each grows by
 * shift. */
INLINE u64 pointers_sum(u32 shift, u32 count, u32 odd)
{
	/* a pointer of a shifted-down name wraps in 16 bits; modulo 0xffff that is one less */
	u32 step = shift > 0x7fff ? shift - 1 : shift;

	return (u64)(count - odd) * __builtin_bswap16((u16)step) + (u64)odd * step;
}

/* Shifts and sum of placed[i]. `group` is where its group begins. */
INLINE void placed_fit(struct query *q, struct placed *d, u32 group)
{
	u32 apex = DNS_HEADER + d->rendered;
	const struct image_fragment *f = placed_head(d);
	u64 sum = f->sum;

	d->shift[BASE_OWNER] = d->owner - DNS_HEADER;
	d->shift[BASE_APEX] = q->apex_at - apex;
	d->shift[BASE_GROUP] = group - (apex + q->apex_length + 1 + QUESTION_FIXED);
	for (u32 b = 0; b < BASES; b++)
		if (d->shift[b] && f->pointers[b])
			sum += pointers_sum(d->shift[b], f->pointers[b], f->odd[b]);
	q->sum += sum_shift(sum, d->at);
	for (u32 i = 0; i < 3; i++)
		q->records[i] += f->records[i];
}

/*
 * Does the reply fit? An answer that doesn't is left out with TC, the aliases before it stay (RFC
 * 2181 section 9). A referral with its glue (RFC 9471), the SOA of a negative answer, additional
 * records: what is sent of them, and with which flags, differs between servers, so the local one
 * decides.
 */
INLINE int answer_fit(struct query *q)
{
	u32 opt, count, group = 0;

	opt = q->flags & QUERY_EDNS ? OPT_SIZE : 0;
	count = q->placed_count;
	q->sum = 0;
	q->records[0] = q->records[1] = q->records[2] = 0;
	for (u32 i = 0; i < PLACED_MAX; i++) {
		struct placed *d = &q->placed[i];
		const struct image_fragment *f = placed_head(d);

		if (i >= count)
			break;
		if (f->flags & FRAGMENT_OVERSIZE || d->at + f->length + opt > q->limit) {
			if (f->flags & FRAGMENT_OPTIONAL || !(q->flags & QUERY_AA) || f->records[1])
				return REASON_ROOM;
			q->flags |= QUERY_TC;
			q->placed_count = i;
			q->size = d->at;
			break;
		}
		if (d->first)
			group = d->at;
		placed_fit(q, d, group);
	}
	return STEP_NEXT;
}

/* Add placed[i].shift[base] to each of its pointers of that base, in the packet. */
STEP int pointers_write(PACKET *p, struct query *q, u32 i, u32 base)
{
	const struct placed *d;
	const struct image_fragment *f;
	u32 count, shift, listed, stride = 0;

	if (!q || base >= BASES)
		return REASON_INTERNAL;
	OPAQUE(base);
	d = &q->placed[i & (PLACED_MAX - 1)];
	f = placed_head(d);
	count = f->pointers[base];
	shift = d->shift[base];
	/* the list holds the owner's places (unless they are strided), then the apex's, then the
	 * group's */
	listed = d->rel + FRAGMENT_PLACES_AT(f->length);
	if (base == BASE_OWNER)
		stride = f->stride;
	else if (!f->stride)
		listed += 2 * f->pointers[BASE_OWNER];
	if (base == BASE_GROUP)
		listed += 2 * f->pointers[BASE_APEX];
	for (u32 n = 0; n < IMAGE_RRS_MAX; n++) {
		const u16 *place;
		const u8 *rendered;
		u32 at = n * stride;

		if (n >= count)
			break;
		if (!stride) {
			place = image_at(p, d->offset, listed + 2 * n);
			if (!place)
				return REASON_IMAGE;
			at = *place;
		}
		rendered = image_at(p, d->offset, d->rel + FRAGMENT_HEAD + at);
		if (!rendered || at + 2 > f->length)
			return REASON_IMAGE;
		if (packet_store_be16(p, q->dns_at + d->at + at,
			    be16_of(be16_get((be16){word_load16(rendered)}) + shift)))
			return REASON_IMAGE;
	}
	return STEP_NEXT;
}

INLINE int fragment_write(PACKET *p, struct query *q, u32 i)
{
	const struct placed *d;
	const struct image_fragment *f;
	const void *bytes;
	int reason;

	d = &q->placed[i & (PLACED_MAX - 1)];
	f = placed_head(d);
	bytes = image_at(p, d->offset, d->rel + FRAGMENT_HEAD);
	if (!bytes || packet_store(p, q->dns_at + d->at, bytes, f->length))
		return REASON_IMAGE;
	for (u32 b = 0; b < BASES; b++) {
		if (!d->shift[b] || !f->pointers[b])
			continue;
		reason = pointers_write(p, q, i, b);
		if (reason)
			return reason;
	}
	return STEP_NEXT;
}

/* RFC 6891 section 6.1.1: root name, OPT, our size, no rcode bits, version 0, DO as asked. */
INLINE void opt_render(struct query *q)
{
	u8 *o = q->opt;

	o[0] = 0;
	o[1] = 0;
	o[2] = TYPE_OPT;
	o[3] = q->max_udp_size >> 8;
	o[4] = q->max_udp_size & 0xff;
	word_store32(o + 5, 0);
	word_store64(o + 8, 0); /* no options; then what pads the sum */
	if (q->flags & QUERY_DO)
		o[7] = EDNS_DO >> 8;
}

/* Resize and everything behind the question. From the resize on the packet can't pass any more. */
INLINE int answer_write(PACKET *p, struct query *q)
{
	u32 count, at, size;
	int reason;

	count = q->placed_count;
	at = q->size;
	size = at + (q->flags & QUERY_EDNS ? OPT_SIZE : 0);
	if (packet_resize(p, q->dns_at + size))
		return REASON_ROOM;
	q->flags |= QUERY_TOUCHED;
	for (u32 i = 0; i < PLACED_MAX; i++) {
		if (i >= count)
			break;
		reason = fragment_write(p, q, i);
		if (reason)
			return reason;
	}
	if (q->flags & QUERY_EDNS) {
		u64 sum;

		opt_render(q);
		sum = sum_word(sum_word(0, word_load64(q->opt)), word_load64(q->opt + 8));
		q->sum += sum_shift(sum, at);
		if (packet_store(p, q->dns_at + at, q->opt, OPT_SIZE))
			return REASON_IMAGE;
	}
	q->size = size;
	return STEP_NEXT;
}

#endif
