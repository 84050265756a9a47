/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a case to the frame that goes in: message, headers, checksums, and the case's changes at
 * their times.
 */
#include "vector.h"

#include "checksum.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

static const uint8_t macs[12] = {2, 0, 0, 0, 0, 0x53, 2, 0, 0, 0, 0, 7};

/* The frame in the making; places in octets from its start. */
struct build {
	const struct vector_case *c;
	struct vector_packet *packet;
	size_t place[PLACES]; /* PLACE_END unused */
	char *error;
};

static int fault(struct build *b, const char *what)
{
	snprintf(b->error, VECTOR_ERROR_SIZE, "%.200s:%u: %s", b->c->path, b->c->line, what);
	return -EINVAL;
}

static void put(struct vector_packet *p, const void *octets, size_t size)
{
	memcpy(p->octets + p->size, octets, size);
	p->size += size;
}

static void put16(struct vector_packet *p, unsigned value)
{
	uint16_t v = htons((uint16_t)value);

	put(p, &v, sizeof(v));
}

/* Everything that `ask` can name fits: 255 octets of name, options as far as there is room. */
static int message_put(struct build *b)
{
	const struct vector_question *q = &b->c->question;
	struct vector_packet *p = b->packet;

	if (p->size + q->options_size + 512 > sizeof(p->octets))
		return fault(b, "the packet is too large");
	b->place[PLACE_DNS] = p->size;
	put16(p, q->id);
	put16(p, q->flags);
	put16(p, 1);
	put16(p, 0);
	put16(p, 0);
	put16(p, q->edns);
	b->place[PLACE_QNAME] = p->size;
	put(p, q->name, q->name_size);
	b->place[PLACE_QTYPE] = p->size;
	put16(p, q->type);
	put16(p, q->class);
	b->place[PLACE_OPT] = p->size;
	if (!q->edns)
		return 0;
	put(p, "", 1);
	put16(p, 41);
	put16(p, q->edns_size);
	put16(p, q->edns_version);
	put16(p, q->edns_flags);
	put16(p, (unsigned)q->options_size);
	if (q->options_size)
		put(p, q->options, q->options_size);
	return 0;
}

static int step_take(struct build *b, const struct vector_step *s)
{
	struct vector_packet *p = b->packet;
	size_t at;

	switch (s->kind) {
	case STEP_CUT:
		if (s->cut > p->size)
			return fault(b, "cut takes more than there is");
		p->size -= s->cut;
		break;
	case STEP_GROW:
		if (s->size > sizeof(p->octets) - p->size)
			return fault(b, "the packet is too large");
		if (s->size)
			put(p, s->octets, s->size);
		break;
	case STEP_POKE:
		at = (s->place == PLACE_END ? p->size : b->place[s->place]) + (size_t)s->offset;
		if (at > p->size || s->size > p->size - at)
			return fault(b, "poke leads outside the packet");
		if (s->size)
			memcpy(p->octets + at, s->octets, s->size);
		break;
	}
	return 0;
}

static bool step_is_header(const struct vector_step *s)
{
	return s->kind == STEP_POKE && s->place <= PLACE_UDP;
}

/* Takes those steps of the case that are raw or not, of headers or of the message. */
static int steps_take(struct build *b, bool raw, bool header)
{
	int result = 0;

	for (size_t i = 0; i < b->c->step_count && !result; i++) {
		const struct vector_step *s = &b->c->steps[i];

		if (s->raw == raw && (raw || step_is_header(s) == header))
			result = step_take(b, s);
	}
	return result;
}

static void ip_put(struct build *b, size_t message_size)
{
	const struct vector_question *q = &b->c->question;
	struct vector_packet *p = b->packet;
	size_t payload = sizeof(struct udphdr) + message_size;

	b->place[PLACE_IP] = p->size;
	if (q->to.ipv6) {
		struct ip6_hdr ip = {.ip6_flow = htonl(0x62812345),
			.ip6_nxt = q->behind_ip_size ? q->extension : IPPROTO_UDP,
			.ip6_hops = 57};

		if (q->behind_ip_size)
			payload += q->behind_ip_size + 1;
		ip.ip6_plen = htons((uint16_t)payload);
		memcpy(&ip.ip6_src, q->from.address, 16);
		memcpy(&ip.ip6_dst, q->to.address, 16);
		put(p, &ip, sizeof(ip));
		if (q->behind_ip_size)
			put(p, &(uint8_t){IPPROTO_UDP}, 1);
	} else {
		struct iphdr ip = {.version = 4,
			.ihl = (5 + q->behind_ip_size / 4) & 15,
			.tos = 0x28,
			.tot_len = htons((uint16_t)(sizeof(ip) + q->behind_ip_size + payload)),
			.id = htons(0xbeef),
			.ttl = 57,
			.protocol = IPPROTO_UDP};

		memcpy(&ip.saddr, q->from.address, 4);
		memcpy(&ip.daddr, q->to.address, 4);
		put(p, &ip, sizeof(ip));
	}
	if (q->behind_ip_size)
		put(p, q->behind_ip, q->behind_ip_size);
}

static void headers_put(struct build *b, size_t message_size)
{
	const struct vector_question *q = &b->c->question;
	struct vector_packet *p = b->packet;

	b->place[PLACE_ETH] = p->size;
	put(p, macs, sizeof(macs));
	b->place[PLACE_VLAN] = p->size;
	for (unsigned i = 0; i < q->tag_count; i++) {
		put16(p, q->tag_types[i]);
		put16(p, q->tags[i]);
	}
	put16(p, q->to.ipv6 ? 0x86dd : 0x0800);
	ip_put(b, message_size);
	b->place[PLACE_UDP] = p->size;
	put16(p, q->from.port);
	put16(p, q->to.port);
	put16(p, (unsigned)(sizeof(struct udphdr) + message_size));
	put16(p, 0);
}

int vector_packet_build(
	const struct vector_case *c, struct vector_packet *packet, char error[VECTOR_ERROR_SIZE])
{
	static _Thread_local struct vector_packet message;
	struct build b = {.c = c, .packet = &message, .error = error};
	size_t message_places[PLACES];

	packet->size = message.size = 0;
	if (c->whole) {
		if (c->size > sizeof(packet->octets))
			return fault(&b, "the frame is too large");
		if (c->size)
			put(packet, c->octets, c->size);
		b.packet = packet;
		return steps_take(&b, true, false);
	}
	if (message_put(&b) || steps_take(&b, false, false))
		return -EINVAL;
	memcpy(message_places, b.place, sizeof(message_places));
	b.packet = packet;
	headers_put(&b, message.size);
	for (int i = PLACE_DNS; i < PLACE_END; i++)
		b.place[i] = packet->size + message_places[i];
	if (message.size > sizeof(packet->octets) - packet->size)
		return fault(&b, "the packet is too large");
	put(packet, message.octets, message.size);
	if (steps_take(&b, false, true))
		return -EINVAL;
	checksum_write(packet->octets, packet->size, b.place[PLACE_IP], b.place[PLACE_UDP],
		c->question.to.ipv6);
	return steps_take(&b, true, false);
}

size_t vector_message_build(const struct vector_case *c, uint8_t octets[VECTOR_FRAME_MAX])
{
	struct vector_packet message = {.size = 0};
	char error[VECTOR_ERROR_SIZE];
	struct build b = {.c = c, .packet = &message, .error = error};

	if (c->whole || message_put(&b))
		return 0;
	memcpy(octets, message.octets, message.size);
	return message.size;
}
