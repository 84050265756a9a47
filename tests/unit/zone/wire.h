/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes DNS messages, good and bad ones, the way a server would send them; for the tests' own
 * servers. Nothing is checked: what a test asks for is what it gets.
 */
#ifndef ANODE_TESTS_ZONE_WIRE_H
#define ANODE_TESTS_ZONE_WIRE_H

#include <libknot/tsig.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_QR 0x8000
#define WIRE_AA 0x0400
#define WIRE_TC 0x0200

struct wire {
	size_t size;
	uint8_t octets[65535];
};

/* The server's side of a signed exchange: signs any message, or leaves it for the next. */
struct signer {
	knot_tsig_key_t key;
	uint8_t mac[64];
	size_t mac_size;
	int signed_messages;
	size_t unsigned_size; /* since the last signature */
	uint8_t unsigned_octets[8 << 20];
};

/* Header (flags with rcode, host order) and, unless 'name' is NULL, a question. */
void wire_begin(struct wire *wire, uint16_t id, unsigned flags, const char *name, uint16_t type);

/* A record in the answer section; names in presentation format. */
void wire_record(struct wire *wire, const char *owner, uint16_t type, uint32_t ttl,
	const void *rdata, size_t size);
void wire_soa(struct wire *wire, const char *owner, uint32_t serial, uint32_t expire);
void wire_a(struct wire *wire, const char *owner, const char address[4]);

/* An OPT record with an EXPIRE option, in the additional section. */
void wire_expire(struct wire *wire, uint32_t seconds);

/* The key "mirror." hmac-sha256 with the secret of the tests, or another one. */
#define WIRE_SECRET "bWlycm9yIGtleSBmb3IgdGhlIHVuaXQgdGVzdHMgMzI="
void signer_begin(
	struct signer *signer, const char *secret, const uint8_t *query, size_t query_size);
void signer_sign(struct signer *signer, struct wire *wire);
void signer_skip(struct signer *signer, const struct wire *wire); /* leaves it unsigned */
void signer_end(struct signer *signer);

/* An unsigned TSIG record with an error (RFC 8945 5.2). */
void wire_tsig_error(struct wire *wire, const char *key_name, uint16_t error);

/* Writes a key file for key_load() into 'folder', mode 0600; the path is the caller's to free. */
char *wire_key_file(const char *folder, const char *name, const char *secret);

#endif
