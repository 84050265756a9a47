/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The judge: is what a host made of a packet what the case says, and what every reply must be?
 *
 * It computes everything from the bytes, with the C library's headers, and shares no code with the
 * core.
 */
#include "vector.h"

#include "answer/reason.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DNS_QR_BIT  0x8000u
#define DNS_TC_BIT  0x0200u
#define EDNS_DO_BIT 0x8000u

/* Where the headers of a frame are. */
struct view {
	size_t ip; /* behind the VLAN tags */
	bool ipv6;
	size_t udp;
	size_t dns;
	size_t end; /* of the message, by the UDP length */
};

/* One judgement; every fault is a line. */
struct judge {
	const struct vector_case *c;
	FILE *to;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void fault(struct judge *j, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(j->to, format, arguments);
	va_end(arguments);
	fputc('\n', j->to);
	j->failed = true;
}

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

static uint32_t sum_octets(uint32_t sum, const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += get16(octets + i);
	if (size % 2)
		sum += (uint32_t)octets[size - 1] << 8;
	return sum;
}

static uint16_t sum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void ipv4_judge(struct judge *j, const uint8_t *query, const uint8_t *reply, size_t size)
{
	static const uint8_t id_flags[4] = {0, 0, 0x40, 0};

	if (reply[0] != 0x45 || reply[1] != 0)
		fault(j, "IPv4: version, header length or TOS: %02x%02x, not 4500", reply[0],
			reply[1]);
	if (get16(reply + offsetof(struct iphdr, tot_len)) != size)
		fault(j, "IPv4: length %u, the packet has %zu", get16(reply + 2), size);
	if (memcmp(reply + offsetof(struct iphdr, id), id_flags, sizeof(id_flags)))
		fault(j, "IPv4: ID, flags and offset are not 0, DF, 0");
	if (reply[offsetof(struct iphdr, ttl)] != 64 ||
		reply[offsetof(struct iphdr, protocol)] != IPPROTO_UDP)
		fault(j, "IPv4: TTL %u, protocol %u", reply[8], reply[9]);
	if (sum_fold(sum_octets(0, reply, sizeof(struct iphdr))) != 0xffff)
		fault(j, "IPv4: wrong header checksum");
	if (memcmp(reply + 12, query + 16, 4) || memcmp(reply + 16, query + 12, 4))
		fault(j, "IPv4: the addresses aren't the query's, turned round");
}

static void ipv6_judge(struct judge *j, const uint8_t *query, const uint8_t *reply, size_t size)
{
	static const uint8_t front[4] = {0x60, 0, 0, 0};

	if (memcmp(reply, front, sizeof(front)))
		fault(j, "IPv6: version, class and flow label are not 6, 0, 0");
	if (get16(reply + offsetof(struct ip6_hdr, ip6_plen)) + sizeof(struct ip6_hdr) != size)
		fault(j, "IPv6: payload length %u, the packet has %zu", get16(reply + 4), size);
	if (reply[offsetof(struct ip6_hdr, ip6_nxt)] != IPPROTO_UDP ||
		reply[offsetof(struct ip6_hdr, ip6_hops)] != 64)
		fault(j, "IPv6: next header %u, hop limit %u", reply[6], reply[7]);
	if (memcmp(reply + 8, query + 24, 16) || memcmp(reply + 24, query + 8, 16))
		fault(j, "IPv6: the addresses aren't the query's, turned round");
}

static void udp_judge(struct judge *j, const struct view *v, const uint8_t *query,
	const uint8_t *reply, size_t size)
{
	const uint8_t *from = query + v->udp, *udp = reply + v->udp;
	const uint8_t *addresses = reply + v->ip + (v->ipv6 ? 8 : 12);
	size_t udp_size = size - v->udp;
	uint32_t sum = sum_octets((uint32_t)udp_size + IPPROTO_UDP, addresses, v->ipv6 ? 32 : 8);

	if (get16(udp) != get16(from + 2) || get16(udp + 2) != get16(from))
		fault(j, "UDP: the ports aren't the query's, turned round");
	if (get16(udp + 4) != udp_size)
		fault(j, "UDP: length %u, the packet has %zu", get16(udp + 4), udp_size);
	if (!get16(udp + 6))
		fault(j, "UDP: no checksum");
	if (sum_fold(sum_octets(sum, udp, udp_size)) != 0xffff)
		fault(j, "UDP: wrong checksum");
}

/* All that is below DNS. True if the message may be looked at. */
static bool headers_judge(struct judge *j, const struct vector *vector,
	const struct vector_packet *packet, const struct vector_outcome *o, struct view *v)
{
	const uint8_t *query = packet->octets, *reply = o->octets;
	struct view of_query;

	if (!view_read(&of_query, query, packet->size)) {
		fault(j, "a packet was answered that holds no UDP");
		return false;
	}
	if (!view_read(v, reply, o->size)) {
		fault(j, "the reply is no UDP packet, or shorter than it says");
		return false;
	}
	if (v->ip != of_query.ip || v->ipv6 != of_query.ipv6 ||
		memcmp(reply + 12, query + 12, v->ip - 12)) {
		fault(j, "the reply has other VLAN tags, or another Ethernet type");
		return false;
	}
	if (!vector->settings.fib && (memcmp(reply, query + 6, 6) || memcmp(reply + 6, query, 6)))
		fault(j, "the MAC addresses aren't the query's, turned round");
	(v->ipv6 ? ipv6_judge : ipv4_judge)(j, query + v->ip, reply + v->ip, o->size - v->ip);
	udp_judge(j, v, query, reply, o->size);
	if (v->end - v->dns < 12) {
		fault(j, "the reply is shorter than a DNS header");
		return false;
	}
	return true;
}

static void flags_print(uint16_t flags, FILE *to)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"},
		{0x0020, "ad"}, {0x0010, "cd"}};

	fprintf(to, "opcode %u, rcode %u", flags >> 11 & 15, flags & 15);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags & names[i].bit)
			fprintf(to, " %s", names[i].name);
	fputc('\n', to);
}

unsigned vector_message_compare(const struct vector_case *c, const struct message *reply, FILE *to)
{
	uint16_t flags = reply->flags & (uint16_t)~DNS_QR_BIT;
	unsigned differs = 0;

	if ((flags & 15) != (c->flags & 15))
		differs |= PART_RCODE;
	if (flags >> 4 != c->flags >> 4)
		differs |= PART_FLAGS;
	if (differs) {
		fputs("- ", to);
		flags_print(c->flags, to);
		fputs("+ ", to);
		flags_print(flags, to);
	}
	for (int s = 0; s < SECTIONS; s++)
		if (records_differ(&c->sections[s], &reply->sections[s], section_names[s], to))
			differs |= (unsigned)PART_ANSWER << s;
	return differs;
}

static void opt_judge(struct judge *j, const struct message *m)
{
	const struct vector_case *c = j->c;

	if (c->opt != m->opt)
		fault(j, m->opt ? "an OPT that wasn't expected" : "the OPT is missing");
	if (!c->opt || !m->opt)
		return;
	if (m->opt_size != c->opt_size)
		fault(j, "OPT: size %u, not %u", m->opt_size, c->opt_size);
	if (m->opt_ttl != (c->opt_do ? EDNS_DO_BIT : 0))
		fault(j, "OPT: extended rcode, version and flags %08" PRIx32 ", DO was%s expected",
			m->opt_ttl, c->opt_do ? "" : " not");
	if (m->opt_octets)
		fault(j, "OPT: %u octets of options", m->opt_octets);
}

static void reply_judge(struct judge *j, const struct vector *vector,
	const struct vector_packet *packet, const struct vector_outcome *o)
{
	const uint8_t *query = packet->octets;
	struct message m = {0};
	struct view v;
	char reason[200];
	size_t question;

	if (!headers_judge(j, vector, packet, o, &v))
		return;
	if (message_read(&m, o->octets + v.dns, v.end - v.dns, reason, sizeof(reason))) {
		fault(j, "the message is malformed: %s", reason);
		goto out;
	}
	question = m.qname_size + 4u;
	if (get16(query + v.dns) != m.id)
		fault(j, "another ID");
	if (v.dns + 12 + question > packet->size ||
		memcmp(query + v.dns + 12, o->octets + v.dns + 12, question))
		fault(j, "the question isn't the query's, byte for byte");
	if (!(m.flags & DNS_QR_BIT))
		fault(j, "QR is not set");
	if (vector_message_compare(j->c, &m, j->to))
		j->failed = true;
	opt_judge(j, &m);
	if (j->c->reply_size >= 0 && (size_t)j->c->reply_size != v.end - v.dns)
		fault(j, "%zu octets of DNS, not %" PRId64, v.end - v.dns, j->c->reply_size);
out:
	message_free(&m);
}

/* Is a packet that passed so a query (UDP, service address, port 53) in the eyes of the counters?
 * -1: either. */
static int reason_is_query(uint32_t reason)
{
	if (reason == REASON_SOURCE || reason == REASON_UDP_BAD)
		return reason == REASON_SOURCE ? -1 : 1;
	return reason >= REASON_LEASE;
}

static void counter_judge(
	struct judge *j, const char *name, uint64_t before, uint64_t after, uint64_t grown)
{
	if (after - before != grown)
		fault(j, "counter %s grew by %" PRIu64 ", not by %" PRIu64, name, after - before,
			grown);
}

/* Every number of the counters but the clock and the samples has just one value that is right. */
static void counters_judge(
	struct judge *j, const struct vector *vector, const struct vector_outcome *o)
{
	const struct counters *b = o->before, *a = o->after;
	bool counted = !vector->settings.probe;
	bool replied = counted && o->action == VECTOR_REPLIED;
	struct view v = {0};
	size_t dns_size = 0;
	int passed = counted && !replied ? reason_is_query(j->c->reason) : 0;
	uint64_t b_passed = 0, a_passed = 0;

	if (replied && view_read(&v, o->octets, o->size))
		dns_size = v.end - v.dns;
	for (uint32_t i = 1; i < REASON_COUNT; i++)
		counter_judge(j, vector_reason_name(i), b->reasons[i], a->reasons[i],
			counted && !j->c->replies && i == j->c->reason);
	for (unsigned i = 0; i < COUNTERS_RCODES; i++)
		counter_judge(j, "of an rcode", b->rcodes[i], a->rcodes[i],
			replied && i == (o->octets[v.dns + 3] & 15u));
	for (unsigned i = 0; i < SETTINGS_IFACES; i++) {
		for (unsigned f = 0; f < 2; f++) {
			counter_judge(j, f ? "fast/IPv6" : "fast/IPv4", b->paths[i][f].fast,
				a->paths[i][f].fast, replied && i == 0 && f == v.ipv6);
			counter_judge(
				j, "dropped", b->paths[i][f].dropped, a->paths[i][f].dropped, 0);
			b_passed += b->paths[i][f].passed;
			a_passed += a->paths[i][f].passed;
		}
	}
	if (passed >= 0)
		counter_judge(j, "passed", b_passed, a_passed, (uint64_t)passed);
	else if (a_passed - b_passed > 1)
		fault(j, "counter passed grew by more than one");
	counter_judge(j, "answered_bytes", b->answered_bytes, a->answered_bytes, dns_size);
	counter_judge(j, "truncated", b->truncated, a->truncated,
		replied && o->octets[v.dns + 2] & DNS_TC_BIT >> 8);
}

/* What was counted for a packet that wasn't expected to pass, or not so. */
static void reasons_print(const struct vector_outcome *o, FILE *to)
{
	for (uint32_t i = 1; i < REASON_COUNT; i++)
		if (o->after->reasons[i] != o->before->reasons[i])
			fprintf(to, "+ pass %s\n", vector_reason_name(i));
}

bool vector_check(const struct vector *vector, const struct vector_case *c,
	const struct vector_packet *packet, const struct vector_outcome *outcome, FILE *to)
{
	struct judge j = {.c = c, .to = to};

	if (outcome->action == VECTOR_DROPPED) {
		fault(&j, "the packet was dropped");
		reasons_print(outcome, to);
		return false;
	}
	if (outcome->action != (c->replies ? VECTOR_REPLIED : VECTOR_PASSED)) {
		fault(&j, c->replies ? "the packet passed, a reply was expected"
				     : "the packet was answered, it was expected to pass");
		reasons_print(outcome, to);
		return false;
	}
	if (!c->replies && (outcome->size != packet->size ||
				   memcmp(outcome->octets, packet->octets, packet->size)))
		fault(&j, "a packet that passes was changed");
	if (c->replies)
		reply_judge(&j, vector, packet, outcome);
	counters_judge(&j, vector, outcome);
	return !j.failed;
}
