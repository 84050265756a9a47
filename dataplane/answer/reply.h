/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The reply's headers: addresses turned round, lengths, checksums, DNS header. Then the books.
 *
 * Fixed fields, so that every host gives the same bytes: IPv4 TTL 64, DF, ID 0, TOS 0; IPv6 hop limit 64, flow
 * label and class 0; VLAN tags as they came; full UDP checksum.
 */
#ifndef ANODE_ANSWER_REPLY_H
#define ANODE_ANSWER_REPLY_H

#include "frame.h"
#include "packet.h"

INLINE void reply_ethernet(struct query *q)
{
	u32 t0 = word_load32(frame_place(q, 0)), s0 = word_load32(frame_place(q, 6));
	u16 t1 = word_load16(frame_place(q, 4)), s1 = word_load16(frame_place(q, 10));

	word_store32(frame_place(q, 0), s0);
	word_store16(frame_place(q, 4), s1);
	word_store32(frame_place(q, 6), t0);
	word_store16(frame_place(q, 10), t1);
}

/* Both return the sum of the addresses, for the pseudo header (RFC 768, RFC 8200 section 8.1). */
INLINE u64 reply_ipv4(struct query *q, u32 udp_length)
{
	u32 at = q->ip_at;
	u32 source = word_load32(frame_place(q, at + AT(ipv4, source)));
	u32 target = word_load32(frame_place(q, at + AT(ipv4, target)));
	u32 length = udp_length + sizeof(struct ipv4);
	u64 sum;

	word_store32(frame_place(q, at), 0x45 | (u32)be16_of(length).raw << 16);
	word_store32(frame_place(q, at + 4), (u32)be16_of(0x4000).raw << 16); /* DF */
	word_store32(frame_place(q, at + 8), 64 | PROTOCOL_UDP << 8);
	word_store32(frame_place(q, at + 12), target);
	word_store32(frame_place(q, at + 16), source);
	sum = (u64)source + target;
	word_store16(frame_place(q, at + AT(ipv4, checksum)),
		(u16)~sum_fold(sum + 0x45 + be16_of(length).raw + be16_of(0x4000).raw + (64 | PROTOCOL_UDP << 8)));
	return sum;
}

INLINE u64 reply_ipv6(struct query *q, u32 udp_length)
{
	u32 at = q->ip_at;
	u64 s0 = word_load64(frame_place(q, at + AT(ipv6, source)));
	u64 s1 = word_load64(frame_place(q, at + AT(ipv6, source) + 8));
	u64 t0 = word_load64(frame_place(q, at + AT(ipv6, target)));
	u64 t1 = word_load64(frame_place(q, at + AT(ipv6, target) + 8));

	word_store32(frame_place(q, at), 0x60);
	word_store32(frame_place(q, at + 4), be16_of(udp_length).raw | PROTOCOL_UDP << 16 | 64 << 24);
	word_store64(frame_place(q, at + 8), t0);
	word_store64(frame_place(q, at + 16), t1);
	word_store64(frame_place(q, at + 24), s0);
	word_store64(frame_place(q, at + 32), s1);
	return sum_word(sum_word(sum_word(sum_word(0, s0), s1), t0), t1);
}

/* Headers of the whole frame, in one store. */
STEP int reply_write(PACKET *p, struct query *q)
{
	u32 udp_length, at, dns, flags;
	u16 source, target;
	u64 sum;

	if (!q)
		return REASON_INTERNAL;
	udp_length = sizeof(struct udp) + q->size;
	reply_ethernet(q);
	sum = q->flags & QUERY_IPV6 ? reply_ipv6(q, udp_length) : reply_ipv4(q, udp_length);

	dns = q->dns_at;
	flags = DNS_QR | (q->dns_flags & q->copy_flags) | q->rcode;
	flags |= (q->flags & QUERY_AA ? DNS_AA : 0) | (q->flags & QUERY_TC ? DNS_TC : 0);
	frame_set_be16(q, dns + AT(dns, flags), flags);
	frame_set_be16(q, dns + AT(dns, records[0]), q->records[0]);
	frame_set_be16(q, dns + AT(dns, records[1]), q->records[1]);
	frame_set_be16(q, dns + AT(dns, records[2]), q->records[2] + (q->flags & QUERY_EDNS ? 1 : 0));

	at = q->udp_at;
	source = word_load16(frame_place(q, at + AT(udp, source)));
	target = word_load16(frame_place(q, at + AT(udp, target)));
	word_store16(frame_place(q, at + AT(udp, source)), target);
	word_store16(frame_place(q, at + AT(udp, target)), source);
	frame_set_be16(q, at + AT(udp, length), udp_length);
	/* length counts twice: in the pseudo header and in UDP's */
	sum += 2 * (u64)be16_of(udp_length).raw + be16_of(PROTOCOL_UDP).raw + source + target;
	sum = sum_word(sum, word_load64(frame_place(q, dns)));
	sum += word_load32(frame_place(q, dns + 8));
	sum += q->question_sum + q->sum;
	source = ~sum_fold(sum);
	word_store16(frame_place(q, at + AT(udp, checksum)), source ? source : 0xffff);
	if (dns > HEADERS_MAX || packet_store(p, 0, q->frame, dns + DNS_HEADER))
		return REASON_INTERNAL;
	return STEP_NEXT;
}

INLINE void sample_write(PACKET *p, struct query *q, struct counters *c, u32 reason)
{
	u64 number = c->samples;
	struct sample *s = sample_slot(p, (u32)number & (SAMPLES_PER_ROW - 1));
	/* a reply's headers are turned round already */
	u32 from = reason ? 0 : 1;
	s32 left;

	if (!s)
		return;
	*(volatile u64 *)&s->seq = 0;
	s->when = q->now;
	if (q->flags & QUERY_IPV6) {
		u32 source = q->ip_at + (from ? AT(ipv6, target) : AT(ipv6, source));
		u32 target = q->ip_at + (from ? AT(ipv6, source) : AT(ipv6, target));

		s->source[0] = word_load64(frame_place(q, source));
		s->source[1] = word_load64(frame_place(q, source + 8));
		s->target[0] = word_load64(frame_place(q, target));
		s->target[1] = word_load64(frame_place(q, target + 8));
	} else {
		u32 source = q->ip_at + (from ? AT(ipv4, target) : AT(ipv4, source));
		u32 target = q->ip_at + (from ? AT(ipv4, source) : AT(ipv4, target));

		s->source[0] = s->target[0] = 0;
		s->source[1] = address_mapped(word_load32(frame_place(q, source)));
		s->target[1] = address_mapped(word_load32(frame_place(q, target)));
	}
	s->source_port.raw = word_load16(frame_place(q, q->udp_at + (from ? AT(udp, target) : AT(udp, source))));
	s->qtype = q->qtype;
	s->size = reason ? 0 : q->size;
	s->rcode = reason ? 0 : q->rcode;
	s->reason = reason;
	s->iface = q->iface;
	s->name_len = q->name_length;
	s->flags = (q->flags & QUERY_EDNS ? SAMPLE_EDNS : 0) | (q->flags & QUERY_DO ? SAMPLE_DO : 0) |
		   (q->flags & QUERY_TC ? SAMPLE_TC : 0) | (q->flags & QUERY_IPV6 ? SAMPLE_IPV6 : 0);
	/* from the frame: name[] may not be filled yet, or hold the end of a chain */
	left = q->name_length;
	for (u32 i = 0; i < 256; i += 8) {
		u64 word = word_load64(frame_place(q, q->dns_at + DNS_HEADER + i));

		word_store64(s->name + i, word_fold(word_keep(word, left)));
		left -= 8;
	}
	*(volatile u64 *)&s->seq = number + 1;
	c->samples = number + 1;
}

/*
 * Count the packet's fate and sometimes keep a sample. Called once for every packet; it can't change the fate.
 * A sample is of a query whose question was read.
 */
STEP int account(PACKET *p, struct query *q, u32 reason)
{
	const struct settings *s = settings_get(p);
	struct counters *c = counters_get(p);
	u32 place;

	if (!q || !c || q->flags & QUERY_PROBE)
		return STEP_NEXT;
	place = q->iface & (SETTINGS_IFACES - 1);
	if (reason) {
		c->reasons[reason & (COUNTERS_REASONS - 1)]++;
		if (!(q->flags & QUERY_COUNTED))
			return STEP_NEXT;
	}
	if (!reason) {
		c->paths[place][q->flags & QUERY_IPV6 ? 1 : 0].fast++;
		c->rcodes[q->rcode & (COUNTERS_RCODES - 1)]++;
		c->answered_bytes += q->size;
		c->last_answer = q->now;
		if (q->flags & QUERY_TC)
			c->truncated++;
	} else if (q->flags & QUERY_TOUCHED) {
		c->paths[place][q->flags & QUERY_IPV6 ? 1 : 0].dropped++;
	} else {
		c->paths[place][q->flags & QUERY_IPV6 ? 1 : 0].passed++;
	}
	if (!s)
		return STEP_NEXT;
	if ((++c->seen & s->sample_mask) == 0 && (reason == STEP_NEXT || reason > REASON_QNAME))
		sample_write(p, q, c, reason);
	return STEP_NEXT;
}

#endif
