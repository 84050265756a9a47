/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a frame to a question: is this a plain query that the core may answer?
 *
 * In: the frame. Out: where the headers are, the question's labels, type, EDNS; a size limit.
 * It passes whatever is unusual, each with its reason; it changes nothing.
 */
#ifndef ANODE_ANSWER_PARSE_H
#define ANODE_ANSWER_PARSE_H

#include "frame.h"
#include "packet.h"

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

INLINE int address_is_mapped(u64 w0, u64 w1)
{
	return w0 == 0 && (w1 & 0xffffffff) == 0xffff0000;
}

STEP int parse_service(PACKET *p, struct query *q, u32 ipv6, u32 at)
{
	const struct settings *s = settings_get(p);
	u64 w0, w1;

	if (!q)
		return REASON_INTERNAL;
	if (!s)
		return REASON_LEASE;
	if (ipv6) {
		w0 = word_load64(frame_place(q, at));
		w1 = word_load64(frame_place(q, at + 8));
		/* our keys of IPv4 addresses: no address of the wire (RFC 4291 section 2.5.5.2) */
		if (address_is_mapped(w0, w1))
			return REASON_NOT_SERVICE;
	} else {
		w0 = 0;
		w1 = address_mapped(word_load32(frame_place(q, at)));
	}
	return address_is_service(s, w0, w1) ? STEP_NEXT : REASON_NOT_SERVICE;
}

/* Interface, MAC address and what of the settings later steps need. */
STEP int parse_iface(PACKET *p, struct query *q)
{
	const struct settings *s = settings_get(p);
	u32 ifindex = packet_iface(p);
	u32 mac_low, mac_high;

	if (!q)
		return REASON_INTERNAL;
	if (!s)
		return REASON_LEASE;
	mac_low = word_load32(frame_place(q, AT(ethernet, target)));
	mac_high = word_load16(frame_place(q, AT(ethernet, target) + 4));
	for (u32 i = 0; i < SETTINGS_IFACES; i++) {
		const struct settings_iface *f = &s->ifaces[i];

		if (f->ifindex != ifindex)
			continue;
		if (word_load32(f->mac) != mac_low || word_load16(f->mac + 4) != mac_high)
			return REASON_NOT_OURS;
		q->iface = i;
		q->mtu = f->mtu;
		q->flags = (f->flags & IFACE_PROBE ? QUERY_PROBE : 0) | (f->flags & IFACE_FIB ? QUERY_FIB : 0);
		q->max_udp_size = s->max_udp_size;
		q->copy_flags = s->copy_flags;
		return STEP_NEXT;
	}
	return REASON_NOT_OURS;
}

INLINE int parse_ipv4(PACKET *p, struct query *q, u32 at, u32 room)
{
	u32 length = frame_be16(q, at + AT(ipv4, length));
	u8 front = frame_u8(q, at), source;
	u64 sum = 0;

	if (front != 0x45)
		return front > 0x45 && front < 0x50 ? REASON_IP_OPTIONS : REASON_IP_BAD;
	if (length < sizeof(struct ipv4) + sizeof(struct udp) || length > room)
		return REASON_IP_BAD;
	if (frame_be16(q, at + AT(ipv4, fragment)) & 0x3fff)
		return REASON_FRAGMENT;
	for (u32 i = 0; i < sizeof(struct ipv4); i += 4)
		sum += word_load32(frame_place(q, at + i));
	if (sum_fold(sum) != 0xffff || frame_u8(q, at + AT(ipv4, ttl)) == 0)
		return REASON_IP_BAD;
	if (frame_u8(q, at + AT(ipv4, protocol)) != PROTOCOL_UDP)
		return REASON_NOT_UDP;
	/* 0/8, 127/8, multicast and above: RFC 6890 */
	source = frame_u8(q, at + AT(ipv4, source));
	if (source == 0 || source == 127 || source >= 224)
		return REASON_SOURCE;
	q->udp_at = at + sizeof(struct ipv4);
	q->dns_length = length - sizeof(struct ipv4);
	return parse_service(p, q, 0, at + AT(ipv4, target));
}

INLINE int parse_ipv6(PACKET *p, struct query *q, u32 at, u32 room)
{
	u32 length = frame_be16(q, at + AT(ipv6, payload));
	u8 next = frame_u8(q, at + AT(ipv6, next));
	u64 s0, s1;

	if ((frame_u8(q, at) & 0xf0) != 0x60 || room < sizeof(struct ipv6) + sizeof(struct udp))
		return REASON_IP_BAD;
	if (next != PROTOCOL_UDP) {
		if (next == 44)
			return REASON_FRAGMENT;
		return next == 0 || next == 43 || next == 60 || next == 51 || next == 50 || next == 135
			? REASON_IP_OPTIONS : REASON_NOT_UDP;
	}
	if (length < sizeof(struct udp) || length > room - sizeof(struct ipv6) ||
	    frame_u8(q, at + AT(ipv6, hops)) == 0)
		return REASON_IP_BAD;
	s0 = word_load64(frame_place(q, at + AT(ipv6, source)));
	s1 = word_load64(frame_place(q, at + AT(ipv6, source) + 8));
	/* ::, ::1, IPv4-mapped, multicast */
	if ((s0 & 0xff) == 0xff || (s0 == 0 && (s1 & 0xffffffff) == 0) || address_is_mapped(s0, s1))
		return REASON_SOURCE;
	q->flags |= QUERY_IPV6;
	q->udp_at = at + sizeof(struct ipv6);
	q->dns_length = length;
	return parse_service(p, q, 1, at + AT(ipv6, target));
}

/* Ethernet to UDP. */
STEP int parse_frame(PACKET *p, struct query *q)
{
	u32 length = packet_length(p);
	u32 at = AT(ethernet, type);
	u32 copy = length > FRAME_COPY ? FRAME_COPY : length;
	u32 udp_length, ip_length;
	u16 type, port;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	q->flags = 0;
	q->frame_length = length;
	if (length < sizeof(struct ethernet) + sizeof(struct ipv4) + sizeof(struct udp) ||
	    packet_load(p, 0, q->frame, copy))
		return REASON_NOT_LINEAR;
	type = frame_be16(q, at);
	if (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) {
		at += sizeof(struct vlan);
		type = frame_be16(q, at);
	}
	if (type == ETHERTYPE_VLAN) {
		at += sizeof(struct vlan);
		type = frame_be16(q, at);
	}
	at += sizeof(be16);
	q->ip_at = at;
	if (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6)
		return REASON_NOT_IP;
	reason = parse_iface(p, q);
	if (reason)
		return reason;
	/* at most 22 + 40 + 8 bytes are read of the headers; a frame that is shorter fails the lengths below */
	reason = type == ETHERTYPE_IPV4 ? parse_ipv4(p, q, at, length - at) : parse_ipv6(p, q, at, length - at);
	if (reason)
		return reason;
	at = q->udp_at;
	ip_length = q->dns_length;
	udp_length = frame_be16(q, at + AT(udp, length));
	if (frame_be16(q, at + AT(udp, target)) != 53)
		return REASON_NOT_DNS;
	q->flags |= QUERY_COUNTED;
	port = frame_be16(q, at + AT(udp, source));
	if (port == 0 || port == 53)
		return REASON_SOURCE;
	if (udp_length != ip_length)
		return REASON_UDP_BAD;
	/* RFC 8200 section 8.1: not optional over IPv6 */
	if (q->flags & QUERY_IPV6 && word_load16(frame_place(q, at + AT(udp, checksum))) == 0)
		return REASON_UDP_BAD;
	q->dns_at = at + sizeof(struct udp);
	q->dns_length = udp_length - sizeof(struct udp);
	if (q->dns_length < DNS_HEADER + 1 + QUESTION_FIXED || q->dns_length > MESSAGE_MAX)
		return REASON_DNS_SHORT;
	return STEP_NEXT;
}

/* Is one of our own addresses the source? Not the resolver that it claims to be. */
STEP int parse_source(PACKET *p, struct query *q)
{
	if (!q)
		return REASON_INTERNAL;
	if (q->flags & QUERY_IPV6)
		return parse_service(p, q, 1, q->ip_at + AT(ipv6, source)) ? STEP_NEXT : REASON_SOURCE;
	return parse_service(p, q, 0, q->ip_at + AT(ipv4, source)) ? STEP_NEXT : REASON_SOURCE;
}

/* May we answer at all? RFC-less: the daemon's lease and the operator's bypass. */
STEP int parse_lease(PACKET *p, struct query *q)
{
	const struct settings *s = settings_get(p);

	if (!q)
		return REASON_INTERNAL;
	if (!s)
		return REASON_LEASE;
	q->now = now_ns(p);
	if (s->flags & SETTINGS_BYPASS)
		return REASON_BYPASS;
	if (!(s->flags & SETTINGS_HOLD) && q->now >= lease_end(p))
		return REASON_LEASE;
	return STEP_NEXT;
}

/*
 * The labels of the question: where each begins. RFC 1035 section 3.1; a pointer has nothing to point at.
 * Leaves name_labels and name_length.
 */
STEP int parse_labels(struct query *q)
{
	u32 at = 0;

	if (!q)
		return REASON_INTERNAL;
	for (u32 i = 0; i < LABELS_MAX; i++) {
		u32 octet = frame_u8(q, q->dns_at + DNS_HEADER + at);

		if (octet == 0) {
			q->name_labels = i;
			q->name_length = at + 1;
			return STEP_NEXT;
		}
		if (octet > 63)
			return REASON_QNAME;
		q->label[i] = at;
		at += octet + 1;
		/* the root label must still fit in 255, and the type and class in the message */
		if (at > NAME_MAX - 1 || at + DNS_HEADER + 1 + QUESTION_FIXED > q->dns_length)
			return REASON_QNAME;
	}
	return REASON_QNAME;
}

/* RFC 6895 section 3.1: meta types and those whose answer depends on more than the zone's plain data */
INLINE int type_passes(u16 type)
{
	return type == 0 || (type >= 128 && type <= 255) || type == TYPE_OPT || type == TYPE_RRSIG ||
	       type == TYPE_NSEC || type == TYPE_NSEC3;
}

/* RFC 6891 section 6.1 */
INLINE int parse_opt(struct query *q, u32 at, u32 left)
{
	u32 size, flags;

	if (left < OPT_SIZE)
		return REASON_OPT;
	if (frame_u8(q, at) != 0 || frame_be16(q, at + 1) != TYPE_OPT)
		return REASON_COUNTS;
	if (frame_u8(q, at + 6) != 0)
		return REASON_EDNS_VERSION;
	if (frame_u8(q, at + 5) != 0)
		return REASON_OPT;
	if (frame_be16(q, at + 9) != left - OPT_SIZE)
		return REASON_OPT;
	if (left != OPT_SIZE)
		return REASON_EDNS_OPTION;
	size = frame_be16(q, at + 3);
	flags = frame_be16(q, at + 7);
	q->flags |= QUERY_EDNS;
	if (flags & EDNS_DO)
		q->flags |= QUERY_DO;
	if (size > q->limit)
		q->limit = size;
	return STEP_NEXT;
}

/* DNS header, question, OPT. */
STEP int parse_message(PACKET *p, struct query *q)
{
	u32 at, end, left, room, extra;
	u16 flags, additional;
	int reason;

	if (!q)
		return REASON_INTERNAL;
	at = q->dns_at;
	flags = frame_be16(q, at + AT(dns, flags));
	q->dns_flags = flags;
	if (flags & DNS_QR)
		return REASON_RESPONSE;
	if (flags & DNS_OPCODE)
		return REASON_OPCODE;
	if (flags & (DNS_AA | DNS_TC | DNS_RA | DNS_Z | DNS_RCODE))
		return REASON_FLAGS;
	additional = frame_be16(q, at + AT(dns, records[2]));
	if (frame_be16(q, at + AT(dns, questions)) != 1 || additional > 1 ||
	    word_load32(frame_place(q, at + AT(dns, records[0]))) != 0)
		return REASON_COUNTS;
	reason = parse_labels(q);
	if (reason)
		return reason;
	end = at + DNS_HEADER + q->name_length;
	q->qtype = frame_be16(q, end);
	q->question_type = word_load32(frame_place(q, end));
	if (frame_be16(q, end + 2) != CLASS_IN)
		return REASON_QCLASS;
	if (type_passes(q->qtype))
		return REASON_QTYPE;
	left = q->dns_length - (DNS_HEADER + q->name_length + QUESTION_FIXED);
	q->limit = 512; /* RFC 1035 section 2.3.4 */
	if (additional) {
		reason = parse_opt(q, end + QUESTION_FIXED, left);
		if (reason)
			return reason;
	} else if (left) {
		return REASON_OPT;
	}
	if (q->limit > q->max_udp_size)
		q->limit = q->max_udp_size;
	/* the reply must fit the interface in one piece */
	extra = q->dns_at - q->ip_at;
	room = q->mtu > extra ? q->mtu - extra : 0;
	if (q->limit > room)
		q->limit = room;
	if (q->limit < DNS_HEADER + q->name_length + QUESTION_FIXED + OPT_SIZE)
		return REASON_ROOM;
	return STEP_NEXT;
}

/*
 * Copy the question's name, folded, to name[] and sum the question on the way (raw bytes: they are what the
 * reply repeats). The name begins at an even place of the message.
 */
STEP int name_fold(struct query *q)
{
	u64 sum = 0;
	u32 from;
	s32 left;

	if (!q)
		return REASON_INTERNAL;
	from = q->dns_at + DNS_HEADER;
	left = q->name_length;
	for (u32 i = 0; i < 256; i += 16) {
		u64 w0, w1;

		if (left <= 0)
			break;
		w0 = word_keep(word_load64(frame_place(q, from + i)), left);
		w1 = word_keep(word_load64(frame_place(q, from + i + 8)), left - 8);
		sum = sum_word(sum_word(sum, w0), w1);
		word_store64(q->name + i, word_fold(w0));
		word_store64(q->name + i + 8, word_fold(w1));
		left -= 16;
	}
	q->question_sum = sum + ((u64)q->question_type << (q->name_length & 1 ? 8 : 0));
	return STEP_NEXT;
}

#endif
