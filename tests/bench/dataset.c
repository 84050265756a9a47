/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <arpa/inet.h>
#include "answer/packet.h"
#include "dataset.h"

#define LOOPBACK_IFINDEX 1
#define TTL              3600
#define NAME_SIZE        64

const char *const question_names[QUESTIONS] = {
	[QUESTION_HIT] = "hit",
	[QUESTION_REFERRAL] = "referral",
	[QUESTION_NODATA] = "nodata",
	[QUESTION_NXDOMAIN] = "nxdomain",
};

static const uint8_t service4[4] = {192, 0, 2, 53}, client4[4] = {198, 51, 100, 7};
static const uint8_t service6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x53},
		     client6[16] = {0x20, 1, 0xd, 0xb8, 9, [15] = 7};
static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1}, client_mac[6] = {2, 0, 0, 0, 0, 2};

/* Bytes that are appended to; callers know that they fit. */
struct wire {
	uint8_t *bytes;
	size_t size;
};

static void wire_put(struct wire *w, const void *bytes, size_t size)
{
	memcpy(w->bytes + w->size, bytes, size);
	w->size += size;
}

static void wire_put8(struct wire *w, uint8_t value)
{
	wire_put(w, &value, 1);
}

static void wire_put16(struct wire *w, uint16_t value)
{
	be16 v = be16_of(value);

	wire_put(w, &v, sizeof(v));
}

static void wire_put32(struct wire *w, uint32_t value)
{
	be32 v = be32_of(value);

	wire_put(w, &v, sizeof(v));
}

static void wire_put_label(struct wire *w, const char *label)
{
	wire_put8(w, (uint8_t)strlen(label));
	wire_put(w, label, strlen(label));
}

/* `kind` and a scrambled number: distinct for distinct numbers. */
static void wire_put_numbered(struct wire *w, char kind, uint32_t number)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t scrambled = number * 2654435761u;
	char label[10] = {kind};

	for (int i = 0; i < 8; i++)
		label[1 + i] = digits[scrambled >> (28 - 4 * i) & 15];
	wire_put_label(w, label);
}

static void wire_put_origin(struct wire *w, uint32_t zone)
{
	char label[16];

	snprintf(label, sizeof(label), "z%u", zone);
	wire_put_label(w, label);
	wire_put_label(w, "bench");
	wire_put_label(w, "example");
	wire_put8(w, 0);
}

static uint32_t dataset_cuts(const struct dataset *d)
{
	return d->hosts / 4 ? d->hosts / 4 : 1;
}

/* ---- zones ---- */

static int add(struct zone_builder *builder, const struct wire *owner, uint16_t type,
	const struct wire *rdata)
{
	return zone_builder_add(builder, &(struct zone_record){.owner = owner->bytes,
						 .owner_size = (uint16_t)owner->size,
						 .rdata = rdata->bytes,
						 .rdata_size = (uint16_t)rdata->size,
						 .ttl = TTL,
						 .type = type,
						 .class = CLASS_IN});
}

static int add_address(struct zone_builder *builder, const struct wire *owner, uint32_t address)
{
	uint8_t bytes[4];
	struct wire rdata = {.bytes = bytes};

	wire_put32(&rdata, 0x0a000000 | (address & 0xffffff));
	return add(builder, owner, 1, &rdata);
}

/* SOA and NS at the apex, and the name server's address. */
static int add_apex(struct zone_builder *builder, uint32_t zone)
{
	uint8_t origin_bytes[NAME_SIZE], server_bytes[NAME_SIZE], soa_bytes[2 * NAME_SIZE + 20];
	struct wire origin = {.bytes = origin_bytes}, server = {.bytes = server_bytes},
		    soa = {.bytes = soa_bytes};
	int err;

	wire_put_origin(&origin, zone);
	wire_put_label(&server, "ns1");
	wire_put_origin(&server, zone);
	wire_put(&soa, server.bytes, server.size);
	wire_put_label(&soa, "hostmaster");
	wire_put_origin(&soa, zone);
	wire_put32(&soa, 1);
	wire_put32(&soa, 7200);
	wire_put32(&soa, 900);
	wire_put32(&soa, 1209600);
	wire_put32(&soa, 300);
	err = add(builder, &origin, TYPE_SOA, &soa);
	if (!err)
		err = add(builder, &origin, TYPE_NS, &server);
	if (!err)
		err = add_address(builder, &server, 1);
	return err;
}

static int add_cut(struct zone_builder *builder, uint32_t zone, uint32_t number)
{
	uint8_t cut_bytes[NAME_SIZE], server_bytes[NAME_SIZE];
	struct wire cut = {.bytes = cut_bytes}, server = {.bytes = server_bytes};
	int err;

	wire_put_numbered(&cut, 'd', number);
	wire_put_origin(&cut, zone);
	wire_put_label(&server, "ns1");
	wire_put(&server, cut.bytes, cut.size);
	err = add(builder, &cut, TYPE_NS, &server);
	if (!err)
		err = add_address(builder, &server, number);
	return err;
}

static int build_zone(const struct dataset *d, uint32_t zone, struct zone **built)
{
	uint8_t bytes[NAME_SIZE];
	struct wire origin = {.bytes = bytes};
	struct zone_builder *builder;
	int err;

	wire_put_origin(&origin, zone);
	err = zone_builder_new(&builder, origin.bytes, &(struct zone_limits){0});
	if (err)
		return err;
	err = add_apex(builder, zone);
	for (uint32_t i = 0; i < d->hosts && !err; i++) {
		uint8_t host_bytes[NAME_SIZE];
		struct wire host = {.bytes = host_bytes};

		wire_put_numbered(&host, 'h', i);
		wire_put_origin(&host, zone);
		err = add_address(builder, &host, i);
	}
	for (uint32_t i = 0; i < dataset_cuts(d) && !err; i++)
		err = add_cut(builder, zone, i);
	if (!err)
		err = zone_builder_finish(builder, built);
	zone_builder_free(builder);
	return err;
}

int dataset_publish(const struct dataset *d, struct image *image)
{
	int err = 0;

	for (uint32_t i = 0; i < d->zones && !err; i++) {
		struct compiled *compiled = NULL;
		struct zone *zone = NULL;

		err = build_zone(d, i, &zone);
		if (!err)
			err = compile_zone(&compiled, zone);
		if (!err)
			err = image_zone_add(image, zone_origin(zone));
		if (!err)
			err = image_zone_publish(image, compiled, UINT64_MAX, NULL);
		compiled_free(compiled);
		zone_free(zone);
	}
	return err ? err : image_settle(image);
}

/* ---- questions ---- */

static void put_question_name(
	const struct dataset *d, enum question question, uint64_t number, struct wire *w)
{
	uint32_t zone = (uint32_t)(number % d->zones), i = (uint32_t)(number / d->zones);

	switch (question) {
	case QUESTION_REFERRAL:
		wire_put_label(w, "www");
		wire_put_numbered(w, 'd', i % dataset_cuts(d));
		break;
	case QUESTION_NXDOMAIN:
		wire_put_numbered(w, 'x', i);
		break;
	default:
		wire_put_numbered(w, 'h', i % d->hosts);
	}
	wire_put_origin(w, zone);
}

static uint16_t header_checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void dataset_question(const struct dataset *d, enum question question, uint64_t number, bool ipv6,
	struct core_packet *packet)
{
	uint8_t message[CORE_PACKET_MAX];
	struct wire dns = {.bytes = message}, frame = {.bytes = packet->frame};
	uint16_t udp_length;

	/* header, question, OPT with DO (RFC 6891) */
	wire_put16(&dns, (uint16_t)number);
	wire_put16(&dns, 0);
	wire_put16(&dns, 1);
	wire_put32(&dns, 0);
	wire_put16(&dns, 1);
	put_question_name(d, question, number, &dns);
	wire_put16(&dns, question == QUESTION_NODATA ? 28 : 1);
	wire_put16(&dns, CLASS_IN);
	wire_put8(&dns, 0);
	wire_put16(&dns, TYPE_OPT);
	wire_put16(&dns, 1232);
	wire_put32(&dns, EDNS_DO);
	wire_put16(&dns, 0);

	udp_length = (uint16_t)(dns.size + sizeof(struct udp));
	wire_put(&frame, own_mac, 6);
	wire_put(&frame, client_mac, 6);
	wire_put16(&frame, ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	if (ipv6) {
		wire_put32(&frame, 0x60000000);
		wire_put16(&frame, udp_length);
		wire_put8(&frame, PROTOCOL_UDP);
		wire_put8(&frame, 64);
		wire_put(&frame, client6, 16);
		wire_put(&frame, service6, 16);
	} else {
		size_t start = frame.size;
		be16 checksum;

		wire_put16(&frame, 0x4500);
		wire_put16(&frame, (uint16_t)(udp_length + sizeof(struct ipv4)));
		wire_put32(&frame, 0);
		wire_put8(&frame, 64);
		wire_put8(&frame, PROTOCOL_UDP);
		wire_put16(&frame, 0);
		wire_put(&frame, client4, 4);
		wire_put(&frame, service4, 4);
		checksum = be16_of(header_checksum(packet->frame + start, sizeof(struct ipv4)));
		memcpy(packet->frame + start + 10, &checksum, 2);
	}
	wire_put16(&frame, (uint16_t)(1024 + number % 60000));
	wire_put16(&frame, 53);
	wire_put16(&frame, udp_length);
	wire_put16(&frame, 0xbeef); /* never verified */
	wire_put(&frame, dns.bytes, dns.size);
	packet->length = (u32)frame.size;
}

bool dataset_reply_fits(enum question question, bool ipv6, const uint8_t *frame, size_t size)
{
	size_t at = sizeof(struct ethernet) + (ipv6 ? sizeof(struct ipv6) : sizeof(struct ipv4)) +
		    sizeof(struct udp);
	const uint8_t *dns = frame + at;
	uint16_t flags, answers, authority, additional;

	if (size < at + sizeof(struct dns))
		return false;
	flags = (uint16_t)(dns[2] << 8 | dns[3]);
	answers = (uint16_t)(dns[6] << 8 | dns[7]);
	authority = (uint16_t)(dns[8] << 8 | dns[9]);
	additional = (uint16_t)(dns[10] << 8 | dns[11]);
	switch (question) {
	case QUESTION_HIT:
		return flags == (DNS_QR | DNS_AA) && answers == 1;
	case QUESTION_REFERRAL:
		return flags == DNS_QR && answers == 0 && authority == 1 && additional == 2;
	case QUESTION_NODATA:
		return flags == (DNS_QR | DNS_AA) && answers == 0 && authority == 1;
	case QUESTION_NXDOMAIN:
		return flags == (DNS_QR | DNS_AA | RCODE_NXDOMAIN) && answers == 0 &&
		       authority == 1;
	default:
		return false;
	}
}

/* ---- settings ---- */

static void add_service(struct settings *s, const uint8_t address[16])
{
	u64 word[2];

	memcpy(word, address, sizeof(word));
	settings_add(s, word[0], word[1]);
}

void dataset_settings(struct settings_area *area)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct settings *s = &area->block[0];
	uint8_t address[16];
	struct timespec now;

	memset(area, 0, sizeof(*area));
	s->max_udp_size = 1232;
	s->copy_flags = DNS_RD;
	s->sample_mask = 1023;
	s->ifaces[0].ifindex = LOOPBACK_IFINDEX;
	s->ifaces[0].mtu = 1500;
	memcpy(s->ifaces[0].mac, own_mac, sizeof(own_mac));
	memcpy(address, mapped, sizeof(mapped));
	memcpy(address + sizeof(mapped), service4, sizeof(service4));
	add_service(s, address);
	add_service(s, service6);
	clock_gettime(CLOCK_MONOTONIC, &now);
	area->layout = SETTINGS_LAYOUT;
	area->lease_end = ((uint64_t)now.tv_sec + 3600) * 1000000000;
	area->magic = SETTINGS_MAGIC;
}
