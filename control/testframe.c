/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/testframe.h"

#include <arpa/inet.h>
#include <string.h>

#include "answer/packet.h"

#define SOURCE_PORT 53535
#define FIXED_TAIL  4 /* QTYPE, QCLASS */

static const uint8_t source4[4] = {198, 18, 0, 1};
static const uint8_t source6[16] = {0x20, 0x01, 0x00, 0x02, [15] = 1};

/* RFC 1071, over bytes in network order; the result is in network order too. */
static uint32_t sum_add(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t sum_finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t dns_put(uint8_t *at, const struct domain *zone, uint16_t id)
{
	struct dns header = {.id = id, .questions = be16_of(1)};
	const uint8_t tail[FIXED_TAIL] = {0, TYPE_SOA, 0, CLASS_IN};

	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), zone->wire, zone->wire_length);
	memcpy(at + sizeof(header) + zone->wire_length, tail, sizeof(tail));
	return sizeof(header) + zone->wire_length + sizeof(tail);
}

/* The UDP header in front of `length` bytes of DNS, with its checksum. */
static void udp_put(uint8_t *at, size_t length, const struct address *target)
{
	size_t bytes = target->family == AF_INET ? 4 : 16;
	const uint8_t *source = target->family == AF_INET ? source4 : source6;
	struct udp udp = {.source = be16_of(SOURCE_PORT),
		.target = be16_of(53),
		.length = be16_of((uint16_t)(sizeof(udp) + length))};
	uint32_t sum;

	memcpy(at, &udp, sizeof(udp));
	/* The pseudo header (RFC 768, RFC 8200 8.1) sums to the same for both. */
	sum = sum_add(0, source, bytes);
	sum = sum_add(sum, target->bytes, bytes);
	sum += PROTOCOL_UDP + (uint32_t)(sizeof(udp) + length);
	sum = sum_add(sum, at, sizeof(udp) + length);
	udp.checksum = sum_finish(sum);
	if (udp.checksum == 0)
		udp.checksum = 0xffff;
	memcpy(at, &udp, sizeof(udp));
}

size_t testframe_question(uint8_t frame[static TESTFRAME_MAX], const struct address *target,
	const struct domain *zone, uint16_t id)
{
	bool four = target->family == AF_INET;
	struct ethernet ethernet = {.type = be16_of(four ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6)};
	size_t ip = sizeof(ethernet), udp = ip + (four ? sizeof(struct ipv4) : sizeof(struct ipv6));
	size_t dns = udp + sizeof(struct udp), length = dns_put(frame + dns, zone, id);

	memcpy(frame, &ethernet, sizeof(ethernet));
	udp_put(frame + udp, length, target);
	if (four) {
		struct ipv4 header = {.version_ihl = 0x45,
			.length = be16_of((uint16_t)(dns - ip + length)),
			.ttl = 64,
			.protocol = PROTOCOL_UDP};

		memcpy(&header.source, source4, 4);
		memcpy(&header.target, target->bytes, 4);
		memcpy(frame + ip, &header, sizeof(header));
		header.checksum = sum_finish(sum_add(0, frame + ip, sizeof(header)));
		memcpy(frame + ip, &header, sizeof(header));
	} else {
		struct ipv6 header = {.version_flow = be32_of(UINT32_C(6) << 28),
			.payload = be16_of((uint16_t)(dns - udp + length)),
			.next = PROTOCOL_UDP,
			.hops = 64};

		memcpy(header.source, source6, 16);
		memcpy(header.target, target->bytes, 16);
		memcpy(frame + ip, &header, sizeof(header));
	}
	return dns + length;
}

/* Addresses and ports of the question, swapped. */
static bool swapped(const uint8_t *frame, const struct address *target)
{
	struct udp udp;

	if (target->family == AF_INET) {
		struct ipv4 header;

		memcpy(&header, frame + sizeof(struct ethernet), sizeof(header));
		memcpy(&udp, frame + sizeof(struct ethernet) + sizeof(header), sizeof(udp));
		if (memcmp(&header.source, target->bytes, 4) != 0 ||
			memcmp(&header.target, source4, 4) != 0)
			return false;
	} else {
		struct ipv6 header;

		memcpy(&header, frame + sizeof(struct ethernet), sizeof(header));
		memcpy(&udp, frame + sizeof(struct ethernet) + sizeof(header), sizeof(udp));
		if (memcmp(header.source, target->bytes, 16) != 0 ||
			memcmp(header.target, source6, 16) != 0)
			return false;
	}
	return be16_get(udp.source) == 53 && be16_get(udp.target) == SOURCE_PORT;
}

/* Behind a name of labels and at most one pointer at its end; 0: beyond `end`. */
static size_t name_skip(const uint8_t *dns, size_t at, size_t end)
{
	while (at < end && dns[at] != 0) {
		if ((dns[at] & 0xc0) == 0xc0)
			return at + 2 <= end ? at + 2 : 0;
		at += (size_t)dns[at] + 1;
	}
	return at < end ? at + 1 : 0;
}

static uint32_t word_read(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static const char *soa_read(const uint8_t *dns, size_t at, size_t end, uint32_t *serial)
{
	static const char cut[] = "the answer ends in the middle of its SOA";
	size_t rdata;

	at = name_skip(dns, at, end);
	if (at == 0 || at + 10 > end)
		return cut;
	if (dns[at] != 0 || dns[at + 1] != TYPE_SOA)
		return "the answer isn't the zone's SOA";
	rdata = at + 10;
	if (rdata + (size_t)(dns[at + 8] << 8 | dns[at + 9]) > end)
		return cut;
	rdata = name_skip(dns, rdata, end);
	rdata = rdata ? name_skip(dns, rdata, end) : 0;
	if (rdata == 0 || rdata + 20 > end)
		return cut;
	*serial = word_read(dns + rdata);
	return NULL;
}

const char *testframe_answer(const uint8_t *frame, size_t length, const struct address *target,
	const struct domain *zone, uint16_t id, uint32_t *serial)
{
	size_t ip = target->family == AF_INET ? sizeof(struct ipv4) : sizeof(struct ipv6);
	size_t at = sizeof(struct ethernet) + ip + sizeof(struct udp);
	size_t question = sizeof(struct dns) + zone->wire_length + FIXED_TAIL;
	const uint8_t *dns = frame + at;
	struct dns header;
	uint16_t flags;

	if (length < at + question)
		return "the answer is shorter than its question";
	memcpy(&header, dns, sizeof(header));
	flags = be16_get(header.flags);
	if (!swapped(frame, target))
		return "the reply doesn't go back to the asker";
	if (header.id != id || !(flags & DNS_QR) ||
		memcmp(dns + sizeof(header), zone->wire, zone->wire_length) != 0)
		return "the reply isn't to our question";
	if ((flags & DNS_RCODE) != RCODE_NOERROR || !(flags & DNS_AA))
		return "the reply isn't an authoritative NOERROR";
	if (be16_get(header.records[0]) == 0)
		return "the answer is empty";
	return soa_read(dns, question, length - at, serial);
}
