/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The reply's headers: addresses turned round, lengths, checksums, DNS header. Then the books.
 *
 * Fixed fields, so that every host gives the same bytes: IPv4 TTL 64, DF, ID 0, TOS 0; IPv6 hop
 * limit 64, flow label and class 0; VLAN tags as they came; full UDP checksum.
 */
#ifndef ANODE_ANSWER_REPLY_H
#define ANODE_ANSWER_REPLY_H

#include "sum.h"
#include "packet.h"

/* The reply goes to where the query came from; `reply: fib` has other ideas, see packet_route. */
INLINE void reply_ethernet(struct query *q, u8 *frame)
{
	u32 t0 = word_load32(frame), s0 = word_load32(frame + 6);
	u16 t1 = word_load16(frame + 4), s1 = word_load16(frame + 10);

	if (q->flags & QUERY_FIB) {
		s0 = word_load32(q->next_hop);
		s1 = word_load16(q->next_hop + 4);
		t0 = word_load32(q->next_hop + 6);
		t1 = word_load16(q->next_hop + 10);
	}
	word_store32(frame, s0);
	word_store16(frame + 4, s1);
	word_store32(frame + 6, t0);
	word_store16(frame + 10, t1);
}

/* Both return the sum of the addresses, for the pseudo header (RFC 768, RFC 8200 section 8.1). */
INLINE u64 reply_ipv4(u8 *ip, u32 udp_length)
{
	u32 source = word_load32(ip + AT(ipv4, source));
	u32 target = word_load32(ip + AT(ipv4, target));
	u32 length = be16_of(udp_length + sizeof(struct ipv4)).raw;
	u32 fixed = 0x45 + be16_of(0x4000).raw + (64 | PROTOCOL_UDP << 8);
	u64 sum = (u64)source + target;

	word_store32(ip, 0x45 | length << 16);
	word_store32(ip + 4, (u32)be16_of(0x4000).raw << 16); /* DF */
	word_store32(
		ip + 8, 64 | PROTOCOL_UDP << 8 | (u32)(u16)~sum_fold(sum + fixed + length) << 16);
	word_store32(ip + 12, target);
	word_store32(ip + 16, source);
	return sum;
}

INLINE u64 reply_ipv6(u8 *ip, u32 udp_length)
{
	u64 s0 = word_load64(ip + AT(ipv6, source)), s1 = word_load64(ip + AT(ipv6, source) + 8);
	u64 t0 = word_load64(ip + AT(ipv6, target)), t1 = word_load64(ip + AT(ipv6, target) + 8);

	word_store32(ip, 0x60);
	word_store32(ip + 4, be16_of(udp_length).raw | PROTOCOL_UDP << 16 | 64 << 24);
	word_store64(ip + 8, t0);
	word_store64(ip + 16, t1);
	word_store64(ip + 24, s0);
	word_store64(ip + 32, s1);
	return sum_word(sum_word(sum_word(sum_word(0, s0), s1), t0), t1);
}

INLINE int reply_write(PACKET *p, struct query *q)
{
	u32 udp_length = sizeof(struct udp) + q->size, flags, length, ports;
	u64 sum, counts;
	u8 *place;
	u16 checksum;

	place = packet_view(p, 0, sizeof(struct ethernet));
	if (!place)
		return pass(REASON_INTERNAL);
	reply_ethernet(q, place);
	/* IP, UDP and DNS header */
	if (q->flags & QUERY_IPV6) {
		place = packet_view(
			p, q->ip_at, sizeof(struct ipv6) + sizeof(struct udp) + DNS_HEADER);
		if (!place)
			return pass(REASON_INTERNAL);
		sum = reply_ipv6(place, udp_length);
		place += sizeof(struct ipv6);
	} else {
		place = packet_view(
			p, q->ip_at, sizeof(struct ipv4) + sizeof(struct udp) + DNS_HEADER);
		if (!place)
			return pass(REASON_INTERNAL);
		sum = reply_ipv4(place, udp_length);
		place += sizeof(struct ipv4);
	}

	flags = DNS_QR | (q->dns_flags & q->copy_flags) | (q->rcode & DNS_RCODE);
	flags |= (q->flags & QUERY_AA ? DNS_AA : 0) | (q->flags & QUERY_TC ? DNS_TC : 0);
	flags = word_load16(place + 8) | (u32)be16_of(flags).raw << 16;
	/* OPT is an additional record */
	counts = q->counts + (q->flags & QUERY_EDNS ? 1ull << 32 : 0);
	counts = (counts & 0x00ff00ff00ff) << 8 | (counts >> 8 & 0x00ff00ff00ff);
	counts = counts << 16 | be16_of(1).raw;
	word_store32(place + 8, flags);
	word_store64(place + 12, counts);

	ports = word_load32(place);
	ports = ports << 16 | ports >> 16;
	length = be16_of(udp_length).raw;
	/* length counts twice: in the pseudo header and in UDP's */
	sum += 2 * (u64)length + be16_of(PROTOCOL_UDP).raw + ports + flags;
	checksum = ~sum_fold(sum_word(sum, counts) + q->question_sum + q->sum);
	word_store32(place, ports);
	word_store32(place + 4, length | (u32)(checksum ? checksum : 0xffff) << 16);
	return STEP_NEXT;
}

/* Keep a sample. */
STEP int sample_write(PACKET *p, struct query *q, u32 reason)
{
	struct counters *c = counters_get(p);
	u64 number = c ? c->samples : 0;
	struct sample *s = sample_slot(p, (u32)number & (SAMPLES_PER_ROW - 1));
	const u8 *ip, *udp;

	if (!q || !c || !s)
		return pass(REASON_INTERNAL);
	ip = packet_view(
		p, q->ip_at, q->flags & QUERY_IPV6 ? sizeof(struct ipv6) : sizeof(struct ipv4));
	udp = packet_view(p, q->udp_at, sizeof(struct udp));
	if (!ip || !udp)
		return pass(REASON_INTERNAL);
	*(volatile u64 *)&s->seq = 0;
	FORGET(s); /* amd64 keeps the order of stores; so must the compiler */
	s->when = q->now;
	/* a reply's headers are turned round already */
	if (q->flags & QUERY_IPV6) {
		ip = packet_view(p, q->ip_at, sizeof(struct ipv6));
		if (!ip)
			return pass(REASON_INTERNAL);
		for (u32 i = 0; i < 2; i++) {
			u64 first = word_load64(ip + AT(ipv6, source) + 8 * i);
			u64 second = word_load64(ip + AT(ipv6, target) + 8 * i);

			s->source[i] = reason ? first : second;
			s->target[i] = reason ? second : first;
		}
	} else {
		u32 first = word_load32(ip + AT(ipv4, source)),
		    second = word_load32(ip + AT(ipv4, target));

		s->source[0] = s->target[0] = 0;
		s->source[1] = address_mapped(reason ? first : second);
		s->target[1] = address_mapped(reason ? second : first);
	}
	s->source_port.raw = word_load16(udp + (reason ? AT(udp, source) : AT(udp, target)));
	s->qtype = q->qtype;
	s->size = reason ? 0 : q->size;
	s->rcode = reason ? 0 : q->rcode;
	s->reason = reason;
	s->iface = q->iface;
	s->name_len = q->name_length;
	s->flags = (q->flags & QUERY_EDNS ? SAMPLE_EDNS : 0) |
		   (q->flags & QUERY_DO ? SAMPLE_DO : 0) | (q->flags & QUERY_TC ? SAMPLE_TC : 0) |
		   (q->flags & QUERY_IPV6 ? SAMPLE_IPV6 : 0);
	/* from the packet: name[] may not be filled yet, or hold the end of a chain */
	for (u32 i = 0; i < sizeof(s->name); i += 8)
		word_store64(s->name + i, 0);
	for (u32 i = 0; i < sizeof(s->name); i++) {
		const u8 *octet;

		if (i >= q->name_length)
			break;
		octet = packet_view(p, q->dns_at + DNS_HEADER + i, 1);
		if (!octet)
			break;
		s->name[i] = (u8)word_fold(*octet);
	}
	FORGET(s);
	*(volatile u64 *)&s->seq = number + 1;
	c->samples = number + 1;
	return STEP_NEXT;
}

/*
 * Count the packet's fate and sometimes keep a sample. Called once for every packet; it can't
 * change the fate. A sample is of a query whose question was read.
 */
INLINE void account(PACKET *p, struct query *q, u32 reason)
{
	struct counters *c = counters_get(p);
	struct counters_path *path;
	u64 number;

	if (!c || q->flags & QUERY_PROBE)
		return;
	path = &c->paths[q->iface & (SETTINGS_IFACES - 1)][q->flags & QUERY_IPV6 ? 1 : 0];
	if (reason) {
		c->reasons[reason & (COUNTERS_REASONS - 1)]++;
		if (!(q->flags & QUERY_COUNTED))
			return;
	}
	if (!reason) {
		number = ++path->fast;
		c->rcodes[q->rcode & (COUNTERS_RCODES - 1)]++;
		c->answered_bytes += q->size;
		if (q->flags & QUERY_TC)
			c->truncated++;
	} else if (q->flags & QUERY_TOUCHED) {
		number = ++path->dropped;
	} else {
		number = ++path->passed;
	}
	if ((number & q->sample_mask) == 0 && (reason == STEP_NEXT || reason > REASON_QNAME))
		sample_write(p, q, reason);
}

#endif
