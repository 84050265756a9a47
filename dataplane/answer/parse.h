/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a frame to a question: is this a plain query that the core may answer?
 *
 * In: the frame. Out: where the headers are, the question's labels, type, EDNS; a size limit.
 * It passes whatever is unusual, each with its reason; it changes nothing.
 */
#ifndef ANODE_ANSWER_PARSE_H
#define ANODE_ANSWER_PARSE_H

#include "name.h"
#include "edns.h"
#include "server.h"

INLINE int address_is_service(const struct settings *s, u64 w0, u64 w1)
{
	u32 slot = settings_slot(s->address_seed, w0, w1);

	for (u32 i = 0; i < SETTINGS_PROBES; i++) {
		u32 at = slot + i;

		OPAQUE(at);
		const struct settings_address *a = &s->addresses[at & (SETTINGS_ADDRESSES - 1)];

		if (!a->used)
			return 0;
		if (a->word[0] == w0 && a->word[1] == w1)
			return 1;
	}
	return 0;
}

/* IPv4 as ::ffff:a.b.c.d; `address` as it stands in memory. */
INLINE u64 address_mapped(u32 address)
{
	return 0xffff0000ull | (u64)address << 32;
}

/*
 * Is one of our own addresses the source? Then it isn't the resolver that it claims to be. The
 * filter answers for nearly every source; the exact look-up is a step of its own, off the hot path.
 */
STEP int source_is_service(PACKET *p, u64 w0, u64 w1)
{
	const struct settings *s = settings_get(p);

	return s && address_is_service(s, w0, w1);
}

INLINE int address_is_mapped(u64 w0, u64 w1)
{
	return w0 == 0 && (w1 & 0xffffffff) == 0xffff0000;
}

INLINE int parse_addresses(PACKET *p, const struct settings *s, u64 s0, u64 s1, u64 t0, u64 t1)
{
	if (!address_is_service(s, t0, t1))
		return pass(REASON_NOT_SERVICE);
	if (s->filter >> settings_filter_bit(s0, s1) & 1 && source_is_service(p, s0, s1))
		return pass(REASON_SOURCE);
	return STEP_NEXT;
}

/* Interface, MAC address and what of the settings later steps need. */
INLINE int parse_iface(PACKET *p, struct query *q, const struct settings *s, const u8 *frame)
{
	u32 ifindex = packet_iface(p);
	u32 mac_low = word_load32(frame + AT(ethernet, target));
	u32 mac_high = word_load16(frame + AT(ethernet, target) + 4);

	for (u32 i = 0; i < SETTINGS_IFACES; i++) {
		const struct settings_iface *f = &s->ifaces[i];

		if (f->ifindex != ifindex)
			continue;
		if (word_load32(f->mac) != mac_low || word_load16(f->mac + 4) != mac_high)
			return pass(REASON_NOT_OURS);
		q->iface = i;
		q->mtu = f->mtu;
		q->flags = (f->flags & IFACE_PROBE ? QUERY_PROBE : 0) |
			   (f->flags & IFACE_FIB ? QUERY_FIB : 0) | (s->flags & SETTINGS_OF_QUERY);
		q->max_udp_size = s->max_udp_size;
		q->copy_flags = s->copy_flags;
		q->sample_mask = s->sample_mask;
		return STEP_NEXT;
	}
	return pass(REASON_NOT_OURS);
}

INLINE int parse_ipv4(PACKET *p, struct query *q, const struct settings *s, u32 at, u32 room)
{
	const u8 *ip = packet_view(p, at, sizeof(struct ipv4));
	u32 first, third, source, target, length;
	u64 sum;

	if (!ip)
		return pass(REASON_NOT_LINEAR);
	first = word_load32(ip);
	third = word_load32(ip + 8);
	source = word_load32(ip + AT(ipv4, source));
	target = word_load32(ip + AT(ipv4, target));
	length = be16_get((be16){first >> 16});
	sum = (u64)first + word_load32(ip + 4) + third + source + target;
	if ((first & 0xff) != 0x45)
		return (first & 0xff) > 0x45 && (first & 0xff) < 0x50 ? REASON_IP_OPTIONS
								      : REASON_IP_BAD;
	if (length < sizeof(struct ipv4) + sizeof(struct udp))
		return pass(REASON_IP_BAD);
	if (room - length > PADDING_MAX)
		return length > room ? REASON_IP_BAD : REASON_NOT_LINEAR;
	if (be16_get((be16){word_load16(ip + AT(ipv4, fragment))}) & 0x3fff)
		return pass(REASON_FRAGMENT);
	if (sum_fold(sum) != 0xffff || (third & 0xff) == 0)
		return pass(REASON_IP_BAD);
	if ((third >> 8 & 0xff) != PROTOCOL_UDP)
		return pass(REASON_NOT_UDP);
	/* 0/8, 127/8, multicast and above: RFC 6890 */
	if ((source & 0xff) == 0 || (source & 0xff) == 127 || (source & 0xff) >= 224)
		return pass(REASON_SOURCE);
	q->udp_at = at + sizeof(struct ipv4);
	q->dns_length = length - sizeof(struct ipv4);
	return parse_addresses(p, s, 0, address_mapped(source), 0, address_mapped(target));
}

INLINE int parse_ipv6(PACKET *p, struct query *q, const struct settings *s, u32 at, u32 room)
{
	const u8 *ip = packet_view(p, at, sizeof(struct ipv6));
	u32 length;
	u64 s0, s1, t0, t1;
	u8 next;

	if (!ip)
		return pass(REASON_NOT_LINEAR);
	if ((ip[0] & 0xf0) != 0x60)
		return pass(REASON_IP_BAD);
	length = be16_get((be16){word_load16(ip + AT(ipv6, payload))});
	next = ip[AT(ipv6, next)];
	if (next != PROTOCOL_UDP) {
		if (next == 44)
			return pass(REASON_FRAGMENT);
		return next == 0 || next == 43 || next == 60 || next == 51 || next == 50 ||
				       next == 135
			       ? REASON_IP_OPTIONS
			       : REASON_NOT_UDP;
	}
	if (length < sizeof(struct udp) || ip[AT(ipv6, hops)] == 0)
		return pass(REASON_IP_BAD);
	room -= sizeof(struct ipv6);
	if (room - length > PADDING_MAX)
		return length > room ? REASON_IP_BAD : REASON_NOT_LINEAR;
	s0 = word_load64(ip + AT(ipv6, source));
	s1 = word_load64(ip + AT(ipv6, source) + 8);
	/* multicast, ::, ::1 and other IPv4-compatible, IPv4-mapped */
	if ((s0 & 0xff) == 0xff || (s0 == 0 && (s1 & 0xffffffff) == 0) || address_is_mapped(s0, s1))
		return pass(REASON_SOURCE);
	/* our keys of IPv4 addresses: no address of the wire (RFC 4291 section 2.5.5.2) */
	t0 = word_load64(ip + AT(ipv6, target));
	t1 = word_load64(ip + AT(ipv6, target) + 8);
	if (address_is_mapped(t0, t1))
		return pass(REASON_NOT_SERVICE);
	q->flags |= QUERY_IPV6;
	q->udp_at = at + sizeof(struct ipv6);
	q->dns_length = length;
	return parse_addresses(p, s, s0, s1, t0, t1);
}

/* Ethernet to UDP. */
INLINE int parse_headers(PACKET *p, struct query *q, const struct settings *s)
{
	u32 at = AT(ethernet, type), length = packet_length(p), udp_length;
	const u8 *frame = packet_view(p, 0, sizeof(struct ethernet) + 2 * sizeof(struct vlan));
	u16 type, port;
	const u8 *udp;
	int reason;

	if (!frame)
		return pass(REASON_NOT_LINEAR);
	type = be16_get((be16){word_load16(frame + at)});
	if (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
		at += sizeof(struct vlan);
		type = be16_get((be16){word_load16(frame + at)});
		if (type == ETHERTYPE_VLAN) {
			at += sizeof(struct vlan);
			type = be16_get((be16){word_load16(frame + at)});
		}
	}
	at += sizeof(be16);
	q->ip_at = at;
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return pass(REASON_NOT_IP);
	reason = parse_iface(p, q, s, frame);
	if (reason)
		return reason;
	reason = type == ETHERTYPE_IPV4 ? parse_ipv4(p, q, s, at, length - at)
					: parse_ipv6(p, q, s, at, length - at);
	if (reason)
		return reason;
	FORGET(q);
	at = q->udp_at;
	udp = packet_view(p, at, sizeof(struct udp));
	if (!udp)
		return pass(REASON_UDP_BAD);
	udp_length = be16_get((be16){word_load16(udp + AT(udp, length))});
	if (be16_get((be16){word_load16(udp + AT(udp, target))}) != 53)
		return pass(REASON_NOT_DNS);
	q->flags |= QUERY_COUNTED;
	port = be16_get((be16){word_load16(udp + AT(udp, source))});
	if (port == 0 || port == 53)
		return pass(REASON_SOURCE);
	if (udp_length != q->dns_length)
		return pass(REASON_UDP_BAD);
	/* RFC 8200 section 8.1: not optional over IPv6 */
	if (q->flags & QUERY_IPV6 && word_load16(udp + AT(udp, checksum)) == 0)
		return pass(REASON_UDP_BAD);
	q->dns_at = at + sizeof(struct udp);
	udp_length -= sizeof(struct udp);
	q->dns_length = udp_length;
	if (udp_length < DNS_HEADER + 1 + QUESTION_FIXED || udp_length > MESSAGE_MAX)
		return pass(REASON_DNS_SHORT);
	return STEP_NEXT;
}

/* May we answer at all? The operator's bypass and the daemon's lease. */
INLINE int parse_lease(PACKET *p, struct query *q, const struct settings *s)
{
	if (s->flags & SETTINGS_BYPASS)
		return pass(REASON_BYPASS);
	q->now = now_ns(p, q);
	if (!(s->flags & SETTINGS_HOLD) && q->now >= lease_end(p))
		return pass(REASON_LEASE);
	return STEP_NEXT;
}

/*
 * The labels of the question: where each begins. RFC 1035 section 3.1; a pointer has nothing to
 * point at. Leaves name_labels and name_length.
 */
INLINE int parse_labels(PACKET *p, struct query *q)
{
	const u8 *name = packet_view(p, q->dns_at + DNS_HEADER, 1), *end = packet_end(p);
	u32 room = q->dns_length - (DNS_HEADER + 1 + QUESTION_FIXED), at = 0;

	if (!name)
		return pass(REASON_QNAME);
	for (u32 i = 0; i < LABELS_MAX; i++) {
		const u8 *label = packet_octet(name, at, end);
		u32 octet;

		if (!label)
			return pass(REASON_QNAME);
		octet = *label;
		if (octet == 0) {
			/* the root label must still fit in 255, and the type and class in the
			 * message */
			if (at > room || at > NAME_MAX - 1)
				return pass(REASON_QNAME);
			q->name_labels = i;
			q->name_length = at + 1;
			return STEP_NEXT;
		}
		if (octet > 63)
			return pass(REASON_QNAME);
		q->label[i] = at;
		at += octet + 1;
	}
	return pass(REASON_QNAME);
}

/* RFC 6895 section 3.1: meta types and those whose answer depends on more than the zone's plain
 * data. Some pass only before some servers: type_read(). */
INLINE int type_is_odd(u16 type)
{
	return type == 0 || (type >= 128 && type <= 255) || type == TYPE_OPT ||
	       type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3 ||
	       type == TYPE_NSEC3PARAM;
}

/* RFC 6891 section 6.1. `left`: what the message has behind the question. */
INLINE int parse_opt(PACKET *p, struct query *q, u32 at, u32 left)
{
	const u8 *opt = packet_view(p, at, OPT_SIZE);
	u32 size;

	if (left < OPT_SIZE || !opt)
		return pass(REASON_OPT);
	if (opt[0] != 0 || word_load16(opt + 1) != be16_of(TYPE_OPT).raw)
		return pass(REASON_COUNTS);
	if (opt[5] != 0 || be16_get((be16){word_load16(opt + 9)}) != left - OPT_SIZE)
		return pass(REASON_OPT);
	size = be16_get((be16){word_load16(opt + 3)});
	q->flags |= QUERY_EDNS | (opt[7] & EDNS_DO >> 8 ? QUERY_DO : 0);
	if (size > q->limit)
		q->limit = size;
	return left == OPT_SIZE && opt[6] == 0 ? STEP_NEXT : edns_read(p, q, at, left);
}

/* What is behind the question, and how long a reply may be. */
INLINE int parse_rest(PACKET *p, struct query *q)
{
	u32 end = q->dns_at + DNS_HEADER + q->name_length + QUESTION_FIXED;
	u32 left, room, extra;
	int reason;

	left = q->dns_length - (DNS_HEADER + q->name_length + QUESTION_FIXED);
	q->limit = 512; /* RFC 1035 section 2.3.4 */
	if (q->additional) {
		reason = parse_opt(p, q, end, left);
		if (reason)
			return reason;
	} else if (left) {
		return pass(REASON_OPT);
	}
	if (q->limit > q->max_udp_size)
		q->limit = q->max_udp_size;
	/* the reply must fit the interface in one piece */
	extra = q->dns_at - q->ip_at;
	room = q->mtu > extra ? q->mtu - extra : 0;
	if (q->limit > room)
		q->limit = room;
	if (q->limit < DNS_HEADER + q->name_length + QUESTION_FIXED + OPT_SIZE)
		return pass(REASON_ROOM);
	if (q->flags & QUERY_EDNS) {
		q->limit -= OPT_SIZE;
		if (q->flags & QUERY_OPTIONS)
			q->limit -= q->options_length;
	}
	return STEP_NEXT;
}

/* DNS header, question, OPT. */
INLINE int parse_message(PACKET *p, struct query *q)
{
	u32 end;
	const u8 *dns = packet_view(p, q->dns_at, DNS_HEADER);
	const u8 *question;
	u64 counts;
	u16 flags;
	int reason;

	if (!dns)
		return pass(REASON_DNS_SHORT);
	flags = be16_get((be16){word_load16(dns + AT(dns, flags))});
	q->dns_flags = flags;
	if (flags & DNS_QR)
		return pass(REASON_RESPONSE);
	if (flags & DNS_OPCODE)
		return pass(REASON_OPCODE);
	if (flags & (DNS_AA | DNS_TC | DNS_RA | DNS_Z | DNS_RCODE))
		return pass(REASON_FLAGS);
	/* one question, nothing else but perhaps one additional record */
	counts = word_load64(dns + AT(dns, questions));
	if ((counts & ~((u64)be16_of(1).raw << 48)) != be16_of(1).raw)
		return pass(REASON_COUNTS);
	q->additional = counts >> 48;
	reason = parse_labels(p, q);
	if (reason)
		return reason;
	FORGET(q);
	end = q->dns_at + DNS_HEADER + q->name_length;
	question = packet_view(p, end, QUESTION_FIXED);
	if (!question)
		return pass(REASON_QNAME);
	q->question_type = word_load32(question);
	q->qtype = be16_get((be16){q->question_type & 0xffff});
	if (q->question_type >> 16 != be16_of(CLASS_IN).raw)
		return pass(REASON_QCLASS);
	if (type_is_odd(q->qtype)) {
		reason = type_read(p, q);
		if (reason)
			return reason;
	}
	return parse_rest(p, q);
}

/* The whole of it. */
INLINE int parse_query(PACKET *p, struct query *q)
{
	const struct settings *s = settings_get(p);
	int reason;

	q->flags = 0;
	if (!s)
		return pass(REASON_LEASE);
	if ((reason = parse_headers(p, q, s)) || (reason = parse_lease(p, q, s)))
		return reason;
	FORGET(q);
	if ((reason = parse_message(p, q)))
		return reason;
	FORGET(q);
	return question_sum(p, q);
}

#endif
