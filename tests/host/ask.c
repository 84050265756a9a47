/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include <string.h>
#include <time.h>
#include "answer/packet.h"
#include "wire.h"

#define IFINDEX   1
#define LEASE     3600 /* seconds */
#define EDNS_SIZE 11

static const uint8_t service4[4] = {192, 0, 2, 53}, client4[4] = ASK_CLIENT;
static const uint8_t service6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x53},
		     client6[16] = {0x20, 1, 0xd, 0xb8, 0, 9, [15] = 7};
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1}, client_mac[6] = {2, 0, 0, 0, 0, 2};

static uint16_t header_checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_ipv4(struct wire *w, size_t payload)
{
	uint8_t *start = w->bytes + w->size;
	be16 checksum;

	wire_put16(w, 0x4500);
	wire_put16(w, (uint16_t)(payload + sizeof(struct ipv4)));
	wire_put32(w, 0);
	wire_put8(w, 64);
	wire_put8(w, PROTOCOL_UDP);
	wire_put16(w, 0);
	wire_put(w, client4, sizeof(client4));
	wire_put(w, service4, sizeof(service4));
	checksum = be16_of(header_checksum(start, sizeof(struct ipv4)));
	memcpy(start + offsetof(struct ipv4, checksum), &checksum, sizeof(checksum));
}

static void put_ipv6(struct wire *w, size_t payload)
{
	wire_put32(w, 0x60000000);
	wire_put16(w, (uint16_t)payload);
	wire_put8(w, PROTOCOL_UDP);
	wire_put8(w, 64);
	wire_put(w, client6, sizeof(client6));
	wire_put(w, service6, sizeof(service6));
}

static void put_message(struct wire *w, const struct ask *ask)
{
	wire_put16(w, ask->id);
	wire_put16(w, 0);
	wire_put16(w, 1);
	wire_put32(w, 0);
	wire_put16(w, ask->edns);
	wire_put(w, ask->name, ask->name_size);
	wire_put16(w, ask->type);
	wire_put16(w, CLASS_IN);
	if (!ask->edns)
		return;
	wire_put8(w, 0); /* RFC 6891 section 6.1.2 */
	wire_put16(w, TYPE_OPT);
	wire_put16(w, 1232);
	wire_put32(w, EDNS_DO);
	wire_put16(w, (uint16_t)ask->options_size);
	if (ask->options_size)
		wire_put(w, ask->options, ask->options_size);
}

size_t ask_message_at(bool ipv6)
{
	return sizeof(struct ethernet) + (ipv6 ? sizeof(struct ipv6) : sizeof(struct ipv4)) +
	       sizeof(struct udp);
}

size_t ask_frame(const struct ask *ask, uint8_t *frame, size_t room)
{
	size_t opt = ask->edns ? EDNS_SIZE + ask->options_size : 0;
	size_t message = sizeof(struct dns) + ask->name_size + 4 + opt;
	size_t payload = sizeof(struct udp) + message;
	struct wire w = {.bytes = frame};

	if (ask_message_at(ask->ipv6) + message > room)
		return 0;
	wire_put(&w, own_mac, sizeof(own_mac));
	wire_put(&w, client_mac, sizeof(client_mac));
	wire_put16(&w, ask->ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	if (ask->ipv6)
		put_ipv6(&w, payload);
	else
		put_ipv4(&w, payload);
	wire_put16(&w, ask->port);
	wire_put16(&w, 53);
	wire_put16(&w, (uint16_t)payload);
	wire_put16(&w, 0xbeef); /* never verified */
	put_message(&w, ask);
	return w.size;
}

static void add_service(struct settings *s, const uint8_t address[16])
{
	u64 word[2];

	memcpy(word, address, sizeof(word));
	settings_add(s, word[0], word[1]);
}

void ask_settings(struct settings_area *area)
{
	struct settings *s = &area->block[0];
	uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
	struct timespec now;

	memset(area, 0, sizeof(*area));
	s->max_udp_size = 1232;
	s->copy_flags = DNS_RD;
	s->sample_mask = 1023;
	s->ifaces[0].ifindex = IFINDEX;
	s->ifaces[0].mtu = 1500;
	memcpy(s->ifaces[0].mac, own_mac, sizeof(own_mac));
	memcpy(mapped + 12, service4, sizeof(service4));
	add_service(s, mapped);
	add_service(s, service6);
	clock_gettime(CLOCK_MONOTONIC, &now);
	area->layout = SETTINGS_LAYOUT;
	area->lease_end = ((uint64_t)now.tv_sec + LEASE) * 1000000000;
	area->magic = SETTINGS_MAGIC;
}
