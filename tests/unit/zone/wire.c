/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/zone/wire.h"

#include "control/zone/message.h"
#include "control/zone/name.h"
#include "control/zone/rdata.h"

#include <fcntl.h>
#include <libknot/errcode.h>
#include <libknot/packet/rrset-wire.h>
#include <libknot/rrtype/tsig.h>
#include <libknot/tsig-op.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_u16(struct wire *wire, unsigned value)
{
	wire->octets[wire->size++] = (uint8_t)(value >> 8);
	wire->octets[wire->size++] = (uint8_t)value;
}

static void put_u32(struct wire *wire, uint32_t value)
{
	put_u16(wire, value >> 16);
	put_u16(wire, value & 0xffff);
}

static void put_name(struct wire *wire, const char *text)
{
	int size = name_from_text(wire->octets + wire->size, text);

	if (size < 0)
		abort();
	wire->size += (size_t)size;
}

static void count_add(struct wire *wire, size_t at)
{
	unsigned count = (unsigned)(wire->octets[at] << 8 | wire->octets[at + 1]) + 1;

	wire->octets[at] = (uint8_t)(count >> 8);
	wire->octets[at + 1] = (uint8_t)count;
}

void wire_begin(struct wire *wire, uint16_t id, unsigned flags, const char *name, uint16_t type)
{
	wire->size = 0;
	put_u16(wire, id);
	put_u16(wire, flags);
	put_u16(wire, name != NULL);
	put_u32(wire, 0);
	put_u16(wire, 0);
	if (name) {
		put_name(wire, name);
		put_u16(wire, type);
		put_u16(wire, RR_CLASS_IN);
	}
}

void wire_record(struct wire *wire, const char *owner, uint16_t type, uint32_t ttl,
	const void *rdata, size_t size)
{
	put_name(wire, owner);
	put_u16(wire, type);
	put_u16(wire, RR_CLASS_IN);
	put_u32(wire, ttl);
	put_u16(wire, (unsigned)size);
	memcpy(wire->octets + wire->size, rdata, size);
	wire->size += size;
	count_add(wire, 6);
}

void wire_soa(struct wire *wire, const char *owner, uint32_t serial, uint32_t expire)
{
	uint8_t rdata[22] = {0};

	for (int i = 0; i < 4; i++) {
		rdata[2 + i] = (uint8_t)(serial >> (24 - 8 * i));
		rdata[14 + i] = (uint8_t)(expire >> (24 - 8 * i));
	}
	wire_record(wire, owner, RR_SOA, 3600, rdata, sizeof(rdata));
}

void wire_a(struct wire *wire, const char *owner, const char address[4])
{
	wire_record(wire, owner, RR_A, 300, address, 4);
}

void wire_expire(struct wire *wire, uint32_t seconds)
{
	wire->octets[wire->size++] = 0;
	put_u16(wire, RR_OPT);
	put_u16(wire, 1232);
	put_u32(wire, 0);
	put_u16(wire, 8);
	put_u16(wire, 9);
	put_u16(wire, 4);
	put_u32(wire, seconds);
	count_add(wire, 10);
}

void signer_begin(
	struct signer *signer, const char *secret, const uint8_t *query, size_t query_size)
{
	struct message message;
	struct message_place place;
	knot_rrset_t record;
	size_t at = 0;

	if (knot_tsig_key_init(&signer->key, "hmac-sha256", "mirror", secret))
		abort();
	signer->mac_size = 0;
	signer->signed_messages = 0;
	signer->unsigned_size = 0;
	if (message_open(&message, query, query_size))
		abort();
	while (message_skip(&message, &place) > 0)
		at = place.type == RR_TSIG ? place.at : 0;
	if (!at)
		return; /* an unsigned query: its MAC is empty */
	knot_rrset_init_empty(&record);
	if (knot_rrset_rr_from_wire(query, &at, query_size, &record, NULL, true))
		abort();
	signer->mac_size = knot_tsig_rdata_mac_length(&record);
	memcpy(signer->mac, knot_tsig_rdata_mac(&record), signer->mac_size);
	knot_rrset_clear(&record, NULL);
}

void signer_skip(struct signer *signer, const struct wire *wire)
{
	memcpy(signer->unsigned_octets + signer->unsigned_size, wire->octets, wire->size);
	signer->unsigned_size += wire->size;
}

void signer_sign(struct signer *signer, struct wire *wire)
{
	uint8_t mac[64];
	size_t mac_size = sizeof(mac);
	int result;

	if (signer->signed_messages++ == 0) {
		result = knot_tsig_sign(wire->octets, &wire->size, sizeof(wire->octets),
			signer->mac, signer->mac_size, mac, &mac_size, &signer->key, 0, 0);
	} else {
		signer_skip(signer, wire);
		result = knot_tsig_sign_next(wire->octets, &wire->size, sizeof(wire->octets),
			signer->mac, signer->mac_size, mac, &mac_size, &signer->key,
			signer->unsigned_octets, signer->unsigned_size);
	}
	if (result != KNOT_EOK)
		abort();
	memcpy(signer->mac, mac, mac_size);
	signer->mac_size = mac_size;
	signer->unsigned_size = 0;
}

void signer_end(struct signer *signer)
{
	knot_tsig_key_deinit(&signer->key);
}

void wire_tsig_error(struct wire *wire, const char *key_name, uint16_t error)
{
	put_name(wire, key_name);
	put_u16(wire, RR_TSIG);
	put_u16(wire, 255); /* class ANY */
	put_u32(wire, 0);
	put_u16(wire, 13 + 16); /* "hmac-sha256." and the fixed part, no MAC, no other data */
	put_name(wire, "hmac-sha256.");
	put_u16(wire, 0);
	put_u32(wire, 0); /* time signed */
	put_u16(wire, 300);
	put_u16(wire, 0);
	put_u16(wire, (unsigned)(wire->octets[0] << 8 | wire->octets[1]));
	put_u16(wire, error);
	put_u16(wire, 0);
	count_add(wire, 10);
}

char *wire_key_file(const char *folder, const char *name, const char *secret)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		abort();
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", secret) < 0)
		abort();
	close(fd);
	return path;
}
