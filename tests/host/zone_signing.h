/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones signed in form only, fast: for tests and benchmarks that need many names or many versions,
 * and nobody who validates.
 *
 * In: an unsigned zone. Out: the same with a DNSKEY, with RRSIGs of ECDSA's size (RFC 6605) whose
 * octets are a hash of what they cover, so that equal sets have equal signatures, and with a whole
 * chain of NSEC or NSEC3 records: which names there are, their order, types and hashes are right.
 */
#ifndef ANODE_TESTS_HOST_ZONE_SIGNING_H
#define ANODE_TESTS_HOST_ZONE_SIGNING_H

#include "control/zone/zone.h"

#define ZONE_SIGNING_HASH 20u /* octets of an NSEC3 hash */

struct zone_signing {
	enum zone_denial denial; /* ZONE_UNSIGNED: another reference to the same zone */
	bool opt_out;            /* NSEC3: delegations without DS are left out of the chain */
	uint16_t iterations;
	uint8_t salt_size;
	const uint8_t *salt;
};

/* 0 or negative errno. */
int zone_sign(struct zone **signed_zone, struct zone *plain, const struct zone_signing *how);

/* Is this RDATA of an RRSIG what such a zone has for the set of this one record? `owner` as the
 * zone spells it. */
bool zone_signing_covers(const uint8_t *owner, size_t owner_size, const uint8_t *rdata, size_t size,
	const uint8_t *rrsig, size_t rrsig_size);

/* The owner of the NSEC3 of a hash in the zone `origin` (folded, wire format). Its size, or
 * -ENAMETOOLONG. */
int zone_signing_owner(
	uint8_t owner[NAME_MAX_SIZE], const uint8_t hash[ZONE_SIGNING_HASH], const uint8_t *origin);

/* The NSEC3 hash of a name (folded, wire format) as such a zone has it. 0 or negative errno. */
int zone_signing_hash(const struct zone_signing *how, const uint8_t *name, size_t size,
	uint8_t hash[ZONE_SIGNING_HASH]);

#endif
