/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Who is answering, and what is it? TXT of class CHAOS for four names (RFC 4892).
 *
 * In: a question of another class than IN, whose name was read. Out: the record that the settings
 * hold for it, in synth[]; or the rcode that the server answers instead. Anything else passes. Off
 * the hot path.
 */
#ifndef ANODE_ANSWER_CHAOS_H
#define ANODE_ANSWER_CHAOS_H

#include "parse.h"

#define OCTETS(a, b, c, d, e, f, g, h)                                                             \
	((u64)(a) | (u64)(b) << 8 | (u64)(c) << 16 | (u64)(d) << 24 | (u64)(e) << 32 |             \
		(u64)(f) << 40 | (u64)(g) << 48 | (u64)(h) << 56)
#define CHAOS_FIXED 13u /* owner, fixed fields, the string's length */

/* The name's place in settings.chaos, or CHAOS_NAMES. Their first and last eight octets are all
 * that they have. */
INLINE u32 chaos_name(u32 length, u64 first, u64 last)
{
	const u64 server = OCTETS(6, 's', 'e', 'r', 'v', 'e', 'r', 0);
	const u64 version = OCTETS(7, 'v', 'e', 'r', 's', 'i', 'o', 'n');

	if (length == 11 && first == OCTETS(2, 'i', 'd', 6, 's', 'e', 'r', 'v') && last == server)
		return CHAOS_ID_SERVER;
	if (length == 15 && first == OCTETS(8, 'h', 'o', 's', 't', 'n', 'a', 'm') &&
		last == OCTETS('m', 'e', 4, 'b', 'i', 'n', 'd', 0))
		return CHAOS_HOSTNAME_BIND;
	if (length == 16 && first == version && last == server)
		return CHAOS_VERSION_SERVER;
	if (length == 14 && first == version && last == OCTETS('o', 'n', 4, 'b', 'i', 'n', 'd', 0))
		return CHAOS_VERSION_BIND;
	return CHAOS_NAMES;
}

/* The record in synth[], with its sum; answer_finish() writes it. */
STEP int chaos_place(PACKET *p, struct query *q, u32 name)
{
	const struct settings *s = settings_get(p);
	const struct settings_chaos *c;
	u32 length, size, ttl;
	u64 sum = 0;

	if (!q || !s)
		return REASON_INTERNAL;
	OPAQUE(name);
	c = &s->chaos[name & (CHAOS_NAMES - 1)];
	length = c->length;
	if (length == 0 || length > SETTINGS_CHAOS_MAX)
		return REASON_QCLASS;
	size = CHAOS_FIXED + length;
	if (q->size + size > q->limit)
		return REASON_ROOM;
	ttl = be32_of(c->ttl).raw;
	word_store64(q->synth, be16_of(0xc000 | DNS_HEADER).raw | (u32)be16_of(TYPE_TXT).raw << 16 |
				       (u64)be16_of(CLASS_CHAOS).raw << 32 | (u64)ttl << 48);
	word_store32(q->synth + 8, ttl >> 16 | (u32)be16_of(length + 1).raw << 16);
	q->synth[12] = (u8)length;
	word_store64(q->synth + CHAOS_FIXED + SETTINGS_CHAOS_MAX - 5, 0); /* what pads the sum */
	for (u32 i = 0; i < SETTINGS_CHAOS_MAX; i += 8)
		word_store64(q->synth + CHAOS_FIXED + i, word_load64(c->text + i));
	/* behind the text are zeros: they don't count */
	for (u32 i = 0; i < CHAOS_FIXED + SETTINGS_CHAOS_MAX + 3; i += 8)
		sum = sum_word(sum, word_load64(q->synth + i));
	q->placed[0].offset = 0;
	q->placed[0].rel = 0;
	q->placed[0].at = q->size;
	q->placed[0].length = size;
	q->placed[0].moved = 0;
	q->flags |= QUERY_CHAOS;
	q->sum = sum_shift(sum, q->size);
	q->counts = 1; /* an answer */
	q->size += size;
	return STEP_NEXT;
}

/* parse_message() stopped at the class. */
STEP int chaos_find(PACKET *p, struct query *q)
{
	const struct settings *s = settings_get(p);
	const struct settings_chaos *c;
	const u8 *first, *last;
	u32 name, type = q ? q->question_type : 0;
	int reason;

	if (!q || !s)
		return REASON_INTERNAL;
	if (type != (be16_of(TYPE_TXT).raw | (u32)be16_of(CLASS_CHAOS).raw << 16) ||
		q->name_length < 11)
		return REASON_QCLASS;
	first = packet_view(p, q->dns_at + DNS_HEADER, 8);
	last = packet_view(p, q->dns_at + DNS_HEADER + q->name_length - 8, 8);
	if (!first || !last)
		return REASON_QCLASS;
	name = chaos_name(
		q->name_length, word_fold(word_load64(first)), word_fold(word_load64(last)));
	if (name >= CHAOS_NAMES)
		return REASON_QCLASS;
	OPAQUE(name);
	c = &s->chaos[name & (CHAOS_NAMES - 1)];
	if (c->action != EDNS_ANSWER)
		return REASON_QCLASS;
	/* of such questions it isn't measured what servers do with options */
	if (q->dns_length !=
		DNS_HEADER + q->name_length + QUESTION_FIXED + (q->additional ? OPT_SIZE : 0))
		return REASON_EDNS_OPTION;
	reason = parse_rest(p, q);
	if (reason)
		return reason;
	if (q->flags & QUERY_OPTIONS)
		return REASON_EDNS_VERSION;
	FORGET(q);
	reason = question_sum(p, q);
	if (reason)
		return reason;
	q->flags |= c->authoritative ? QUERY_AA : 0;
	/* its records aren't the image's */
	q->flags &= ~(u32)QUERY_FINISH;
	q->rcode = c->rcode;
	q->placed_count = 0;
	q->sum = 0;
	q->counts = 0;
	q->size = DNS_HEADER + q->name_length + QUESTION_FIXED;
	return c->rcode ? STEP_NEXT : chaos_place(p, q, name);
}

#undef OCTETS
#endif
