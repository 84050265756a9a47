/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must be true of every reply, whatever was asked. Everything is computed from the bytes, with
 * the C library's headers; no code is shared with the core.
 */
#include "reply.h"

#include "checksum.h"
#include "fault.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#define DNS_QR_BIT      0x8000u
#define DNS_OPCODE_BITS 0x7800u

/* Where the headers of a frame are. */
struct view {
	size_t ip; /* behind the VLAN tags */
	bool ipv6;
	size_t udp;
	size_t dns;
	size_t end; /* of the message, by the UDP length */
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* False if there is no UDP in one of the two IPs. Extension headers and options aren't looked into:
 * no reply has any. */
static bool view_read(struct view *v, const uint8_t *octets, size_t size)
{
	uint16_t type = 0;

	for (v->ip = 12; v->ip + 2 <= size; v->ip += 4) {
		type = get16(octets + v->ip);
		if (type != 0x8100 && type != 0x88a8)
			break;
	}
	v->ip += 2;
	v->ipv6 = type == 0x86dd;
	v->udp = v->ip + (v->ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr));
	v->dns = v->udp + sizeof(struct udphdr);
	if ((type != 0x86dd && type != 0x0800) || v->dns > size)
		return false;
	v->end = v->udp + get16(octets + v->udp + offsetof(struct udphdr, len));
	return v->end >= v->dns && v->end <= size;
}

static void ipv4_judge(
	struct faults *faults, const uint8_t *query, const uint8_t *reply, size_t size)
{
	static const uint8_t id_flags[4] = {0, 0, 0x40, 0};

	if (reply[0] != 0x45 || reply[1] != 0)
		fault_say(faults, "IPv4: version, header length or TOS: %02x%02x, not 4500",
			reply[0], reply[1]);
	if (get16(reply + offsetof(struct iphdr, tot_len)) != size)
		fault_say(faults, "IPv4: length %u, the packet has %zu", get16(reply + 2), size);
	if (memcmp(reply + offsetof(struct iphdr, id), id_flags, sizeof(id_flags)))
		fault_say(faults, "IPv4: ID, flags and offset are not 0, DF, 0");
	if (reply[offsetof(struct iphdr, ttl)] != 64 ||
		reply[offsetof(struct iphdr, protocol)] != IPPROTO_UDP)
		fault_say(faults, "IPv4: TTL %u, protocol %u", reply[8], reply[9]);
	if (checksum_fold(checksum_add(0, reply, sizeof(struct iphdr))) != 0xffff)
		fault_say(faults, "IPv4: wrong header checksum");
	if (memcmp(reply + 12, query + 16, 4) || memcmp(reply + 16, query + 12, 4))
		fault_say(faults, "IPv4: the addresses aren't the query's, turned round");
}

static void ipv6_judge(
	struct faults *faults, const uint8_t *query, const uint8_t *reply, size_t size)
{
	static const uint8_t front[4] = {0x60, 0, 0, 0};

	if (memcmp(reply, front, sizeof(front)))
		fault_say(faults, "IPv6: version, class and flow label are not 6, 0, 0");
	if (get16(reply + offsetof(struct ip6_hdr, ip6_plen)) + sizeof(struct ip6_hdr) != size)
		fault_say(faults, "IPv6: payload length %u, the packet has %zu", get16(reply + 4),
			size);
	if (reply[offsetof(struct ip6_hdr, ip6_nxt)] != IPPROTO_UDP ||
		reply[offsetof(struct ip6_hdr, ip6_hops)] != 64)
		fault_say(faults, "IPv6: next header %u, hop limit %u", reply[6], reply[7]);
	if (memcmp(reply + 8, query + 24, 16) || memcmp(reply + 24, query + 8, 16))
		fault_say(faults, "IPv6: the addresses aren't the query's, turned round");
}

static void udp_judge(struct faults *faults, const struct view *v, const uint8_t *query,
	const uint8_t *reply, size_t size)
{
	const uint8_t *from = query + v->udp, *udp = reply + v->udp;
	const uint8_t *addresses = reply + v->ip + (v->ipv6 ? 8 : 12);
	size_t udp_size = size - v->udp;
	uint32_t sum = checksum_pseudo(addresses, v->ipv6 ? 32 : 8, udp_size);

	if (get16(udp) != get16(from + 2) || get16(udp + 2) != get16(from))
		fault_say(faults, "UDP: the ports aren't the query's, turned round");
	if (get16(udp + 4) != udp_size)
		fault_say(faults, "UDP: length %u, the packet has %zu", get16(udp + 4), udp_size);
	if (!get16(udp + 6))
		fault_say(faults, "UDP: no checksum");
	if (checksum_fold(checksum_add(sum, udp, udp_size)) != 0xffff)
		fault_say(faults, "UDP: wrong checksum");
}

/* All that is below DNS. True if the message may be looked at. */
static bool headers_judge(struct faults *faults, const struct reply_frame *from,
	const struct reply_frame *to, bool routed, struct view *v)
{
	const uint8_t *query = from->octets, *reply = to->octets;
	struct view of_query;

	if (!view_read(&of_query, query, from->size)) {
		fault_say(faults, "a packet was answered that holds no UDP");
		return false;
	}
	if (!view_read(v, reply, to->size)) {
		fault_say(faults, "the reply is no UDP packet, or shorter than it says");
		return false;
	}
	if (v->ip != of_query.ip || v->ipv6 != of_query.ipv6 ||
		memcmp(reply + 12, query + 12, v->ip - 12)) {
		fault_say(faults, "the reply has other VLAN tags, or another Ethernet type");
		return false;
	}
	if (!routed && (memcmp(reply, query + 6, 6) || memcmp(reply + 6, query, 6)))
		fault_say(faults, "the MAC addresses aren't the query's, turned round");
	(v->ipv6 ? ipv6_judge : ipv4_judge)(faults, query + v->ip, reply + v->ip, to->size - v->ip);
	udp_judge(faults, v, query, reply, to->size);
	if (v->end - v->dns < 12) {
		fault_say(faults, "the reply is shorter than a DNS header");
		return false;
	}
	return true;
}

bool reply_read(struct reply *reply, const struct reply_frame *query,
	const struct reply_frame *frame, bool routed, FILE *to)
{
	struct faults faults = {.to = to};
	struct message *m = &reply->message;
	struct view v;
	char reason[200];
	size_t question;

	*reply = (struct reply){0};
	if (!headers_judge(&faults, query, frame, routed, &v))
		return false;
	reply->dns = v.dns;
	reply->dns_size = v.end - v.dns;
	reply->ipv6 = v.ipv6;
	if (message_read(m, frame->octets + v.dns, reply->dns_size, reason, sizeof(reason))) {
		fault_say(&faults, "the message is malformed: %s", reason);
		return false;
	}
	question = m->qname_size + 4u;
	if (get16(query->octets + v.dns) != m->id)
		fault_say(&faults, "another ID");
	if (v.dns + 12 + question > query->size ||
		memcmp(query->octets + v.dns + 12, frame->octets + v.dns + 12, question))
		fault_say(&faults, "the question isn't the query's, byte for byte");
	if (get16(query->octets + v.dns + 2) & DNS_QR_BIT)
		fault_say(&faults, "a response was answered");
	if (!(m->flags & DNS_QR_BIT) || m->flags & DNS_OPCODE_BITS)
		fault_say(&faults, "QR is not set, or there is an opcode");
	return !faults.any;
}

void reply_free(struct reply *reply)
{
	message_free(&reply->message);
}
