/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From placed fragments to reply bytes.
 *
 * All is decided: sizes, shifts, sums. The first change of the packet is the resize, and only that
 * can still fail without harm.
 */
#ifndef ANODE_ANSWER_WRITE_H
#define ANODE_ANSWER_WRITE_H

#include "sum.h"
#include "packet.h"

#define POINTERS_FEW 8u

/* Add placed[i].shift[base] to each of its pointers of that base, in the packet. */
STEP int pointers_write(PACKET *p, struct query *q, u32 i, u32 base)
{
	const struct placed *d;
	const struct image_fragment *f;
	u32 count, shift, listed, stride = 0;

	if (!q || base >= BASES)
		return pass(REASON_INTERNAL);
	OPAQUE(base);
	d = &q->placed[i & (PLACED_MAX - 1)];
	f = image_at(p, d->offset, d->rel);
	if (!f)
		return pass(REASON_IMAGE);
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
				return pass(REASON_IMAGE);
			at = *place;
		}
		rendered = image_at(p, d->offset, d->rel + FRAGMENT_HEAD + at);
		if (!rendered || at + 2 > d->length)
			return pass(REASON_IMAGE);
		if (packet_store_be16(p, q->dns_at + d->at + at,
			    be16_of(be16_get((be16){word_load16(rendered)}) + shift)))
			return pass(REASON_IMAGE);
	}
	return STEP_NEXT;
}

/* placed[i] from synth[], two octets at a time; of an odd number the last but one twice. */
STEP int synth_write(PACKET *p, struct query *q, u32 i)
{
	const struct placed *d;
	u32 length;

	if (!q)
		return REASON_INTERNAL;
	OPAQUE(i);
	d = &q->placed[i & (PLACED_MAX - 1)];
	length = d->length;
	for (u32 n = 0; n < 12 + 256; n += 2) {
		u32 at = n;

		if (at >= length)
			break;
		if (at + 2 > length)
			at--;
		if (packet_store_be16(p, q->dns_at + d->at + at,
			    (be16){word_load16(synth_place(q, d->rel + at))}))
			return REASON_IMAGE;
	}
	return STEP_NEXT;
}

/* The same for all bases of a fragment with few pointers. Calls nothing. */
INLINE int pointers_write_few(
	PACKET *p, struct query *q, const struct placed *d, const struct image_fragment *f)
{
	const u16 *places = image_at(p, d->offset, d->rel + FRAGMENT_PLACES_AT(f->length));
	u32 owners = f->pointers[BASE_OWNER], apexes = owners + f->pointers[BASE_APEX];
	u32 all = apexes + f->pointers[BASE_GROUP], length = d->length;
	u32 begin = q->dns_at + d->at, stride = f->stride;

	if (!places)
		return pass(REASON_IMAGE);
	for (u32 n = 0; n < POINTERS_FEW; n++) {
		u32 shift, at;
		u8 *place;

		if (n >= all)
			break;
		shift = n < owners   ? d->shift[BASE_OWNER]
			: n < apexes ? d->shift[BASE_APEX]
				     : d->shift[BASE_GROUP];
		at = stride ? n * stride : *places++;
		OPAQUE(places);
		if (at + 2 > length)
			return pass(REASON_IMAGE);
		place = packet_view(p, begin + at, 2);
		if (!place)
			return pass(REASON_IMAGE);
		word_store16(place, be16_of(be16_get((be16){word_load16(place)}) + shift).raw);
		LOOP_BACK;
	}
	return STEP_NEXT;
}

#include "finish.h"

INLINE int fragment_write(PACKET *p, struct query *q, u32 i)
{
	const struct placed *d = &q->placed[i & (PLACED_MAX - 1)];
	const struct image_fragment *f = image_at(p, d->offset, d->rel);

	if (!f || packet_store(p, q->dns_at + d->at, f->data, d->length))
		return pass(REASON_IMAGE);
	if (!d->moved)
		return STEP_NEXT;
	if ((u32)f->pointers[BASE_OWNER] + f->pointers[BASE_APEX] + f->pointers[BASE_GROUP] <=
		POINTERS_FEW)
		return pointers_write_few(p, q, d, f);
	for (u32 b = 0; b < BASES; b++) {
		int reason = d->shift[b] ? pointers_write(p, q, i, b) : STEP_NEXT;

		if (reason)
			return reason;
	}
	return STEP_NEXT;
}

/* The same as a step: what loops call. */
STEP int fragment_write_step(PACKET *p, struct query *q, u32 i)
{
	return q ? fragment_write(p, q, i) : REASON_INTERNAL;
}

/* All but the first, which is the image's. */
STEP int fragments_write(PACKET *p, struct query *q)
{
	if (!q)
		return pass(REASON_INTERNAL);
	for (u32 i = 1; i < PLACED_MAX; i++) {
		int reason;

		if (i >= q->placed_count)
			break;
		reason = q->placed[i].offset ? fragment_write_step(p, q, i) : synth_write(p, q, i);
		if (reason)
			return reason;
	}
	return STEP_NEXT;
}

/*
 * The OPT's options. The last octets are written with those before them, which may be the OPT's
 * own: these are written afterwards.
 */
STEP int options_write(PACKET *p, struct query *q, u32 at)
{
	const u8 *last;
	u32 length;
	u8 *place;

	if (!q)
		return REASON_INTERNAL;
	length = q->options_length;
	for (u32 i = 0; i < sizeof(q->options); i += 8) {
		if (i + 8 > length)
			break;
		place = packet_view(p, q->dns_at + at + i, 8);
		if (!place)
			return REASON_IMAGE;
		word_store64(place, word_load64(q->options + i));
	}
	/* the 8 octets that end with the last one */
	OPAQUE(length);
	last = (const u8 *)q + AT(query, options_front) + (length & 127);
	place = packet_view(p, q->dns_at + at + length - 8, 8);
	if (!place)
		return REASON_IMAGE;
	word_store64(place, word_load64(last));
	q->sum += sum_shift(q->options_sum, at);
	return STEP_NEXT;
}

/* RFC 6891 section 6.1.1: root name, OPT, our size, version 0, DO as asked. */
INLINE int opt_write(PACKET *p, struct query *q, u32 at)
{
	u64 head = (u64)be16_of(TYPE_OPT).raw << 8 | (u64)be16_of(q->max_udp_size).raw << 24 |
		   (u64)(q->flags & QUERY_DO ? EDNS_DO >> 8 : 0) << 56;
	u32 length = 0;
	u8 *place;

	if (q->flags & QUERY_OPTIONS) {
		head |= (u64)(q->rcode >> 4 & 0xff) << 40;
		length = q->options_length;
		if (length && options_write(p, q, at + OPT_SIZE))
			return REASON_IMAGE;
		/* as it counts in the sum: it stands at an odd place */
		q->sum += sum_shift(length, at);
	}
	place = packet_view(p, q->dns_at + at, OPT_SIZE);
	if (!place)
		return pass(REASON_IMAGE);
	word_store64(place, head);
	word_store32(place + 7, (u32)(head >> 56) | (u32)be16_of(length).raw << 16);
	q->sum += sum_shift(sum_word(0, head), at);
	return STEP_NEXT;
}

/* Resize and everything behind the question. From the resize on the packet can't pass any more. */
INLINE int answer_write(PACKET *p, struct query *q)
{
	u32 at = q->size, size = at;
	int reason;

	if (q->flags & QUERY_EDNS) {
		size += OPT_SIZE;
		if (q->flags & QUERY_OPTIONS)
			size += q->options_length;
	}

	reason = packet_resize(
		p, q->dns_at + size, q->dns_at + (DNS_HEADER + QUESTION_FIXED) + q->name_length);
	if (reason < 0)
		return pass(REASON_ROOM);
	q->flags |= QUERY_TOUCHED;
	if (reason)
		return pass(REASON_INTERNAL);
	if (q->placed_count && (reason = fragment_write(p, q, 0)))
		return reason;
	if (q->placed_count > 1 && (reason = fragments_write(p, q)))
		return reason;
	if (q->flags & QUERY_FINISH && (reason = answer_finish(p, q)))
		return reason;
	if (q->flags & QUERY_EDNS && (reason = opt_write(p, q, at)))
		return reason;
	q->size = size;
	return STEP_NEXT;
}

#endif
