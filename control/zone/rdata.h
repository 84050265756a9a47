/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RDATA in uncompressed wire format: where the domain names stand in it.
 *
 * In: type and octets. Out: whether they are well formed, and the positions of
 * the names with the leave to compress them. Types that aren't in the table are
 * opaque (RFC 3597) and hold no names.
 */
#ifndef ANODE_ZONE_RDATA_H
#define ANODE_ZONE_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_PTR = 12,
	RR_MX = 15,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_SRV = 33,
	RR_DNAME = 39,
	RR_OPT = 41,
	RR_DS = 43,
	RR_RRSIG = 46,
	RR_NSEC = 47,
	RR_DNSKEY = 48,
	RR_NSEC3 = 50,
	RR_NSEC3PARAM = 51,
	RR_SVCB = 64,
	RR_HTTPS = 65,
	RR_TSIG = 250,
	RR_AXFR = 252,
};

#define RR_CLASS_IN 1

#define RDATA_MAX_NAMES 2
#define RDATA_MAX_SIZE  65535

struct rdata_name {
	uint16_t offset;   /* of the name's first octet in the RDATA */
	uint8_t size;      /* octets, root label included */
	bool compressible; /* the RFC 1035 types only (RFC 3597 4) */
};

/* Checks the RDATA of a record against the layout of its type and stores the
 * positions of its names, in order. Returns their count (0 for opaque types) or
 * -EBADMSG if the octets don't fit the type. */
int rdata_names(
	uint16_t type, const uint8_t *rdata, size_t size, struct rdata_name names[RDATA_MAX_NAMES]);

/* Expands the compressed names of the RDATA that stands at offset 'at' of a message, 'size'
 * octets long, all of them inside the message. Types outside RFC 1035 shouldn't be compressed
 * (RFC 3597 4), but old servers did. Returns the octets written to 'out', 0 if the type holds no
 * names (use the message's octets), or -EBADMSG. */
int rdata_expand(
	uint16_t type, const uint8_t *wire, size_t at, size_t size, uint8_t out[RDATA_MAX_SIZE]);

/* Orders two well formed RDATAs of one type by their canonical form (RFC 4034
 * 6.2, RFC 6840 5.1): names of the types listed there compare without case. */
int rdata_compare(uint16_t type, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

/* True for types that a zone can't hold: 0, OPT and the Q and meta types
 * 128 to 255 (RFC 6895 3.1). */
bool rr_type_is_meta(uint16_t type);

#endif
