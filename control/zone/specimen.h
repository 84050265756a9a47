/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of a zone by which servers can be told apart: a question for each shows what the local
 * server does where servers differ (docs/internals/servers.md).
 *
 * In: a finished zone. Out: of each kind one name, if the zone has any. Pure; any thread. It asks
 * nobody (control/profile.c does), and judges no answer (control/profile_zone.c).
 */
#ifndef ANODE_ZONE_SPECIMEN_H
#define ANODE_ZONE_SPECIMEN_H

#include "control/zone/zone.h"

enum specimen_kind {
	SPECIMEN_ABSENT,     /* not a name of the zone, and nothing covers it */
	SPECIMEN_BARE,       /* a name without SOA, which is no alias */
	SPECIMEN_LONG,       /* below a DNAME, which makes it too long */
	SPECIMEN_DNAME,      /* below a DNAME, and not too long */
	SPECIMEN_DENIED,     /* what a DNAME makes of it isn't there, and its closest encloser is an
			      * empty non-terminal, denied by another NSEC */
	SPECIMEN_ALIAS_OUT,  /* a CNAME into another zone that the server is known to hold */
	SPECIMEN_STAR_ALIAS, /* a wildcard's CNAME is its answer */
	SPECIMEN_SECURE,     /* a delegation with DS, in a signed zone */
	SPECIMEN_GLUE,       /* a delegation of whose glue a part fits into 512 octets */
	SPECIMEN_NESTED,     /* a delegation below a delegation */
	SPECIMEN_MANY,       /* it has sets of several types, all of them small */
	SPECIMEN_PARAM,      /* the apex, which has NSEC3PARAM */
	SPECIMEN_SET,        /* several A records, as many as possible up to 8 */
	SPECIMEN_KINDS
};

struct specimen {
	uint8_t name_size; /* 0: there is none */
	uint8_t name[NAME_MAX_SIZE];
	/* ABSENT, BARE: the negative TTL, not 0. NESTED: octets of the upper cut's name. MANY: the
	 * lowest type. PARAM: the TTL. SET: records. */
	uint32_t expect;
};

/* Of the zones that the server is known to hold, the closest at or above `name` (folded): octets of
 * its name; 0: none. */
typedef size_t specimen_held(void *arg, const uint8_t *name);

/* Fills specimens[SPECIMEN_KINDS]. */
void specimens_collect(struct specimen specimens[static SPECIMEN_KINDS], const struct zone *zone,
	specimen_held *held, void *arg);

/*
 * Specimens of all zones: a few of each kind, each of another zone, so that one zone's trouble
 * doesn't hide what the others show.
 */
#define SPECIMEN_SHELF 4

struct specimen_shelf {
	struct {
		uint32_t zone; /* the caller's */
		struct specimen specimen;
	} rows[SPECIMEN_KINDS][SPECIMEN_SHELF];
	uint64_t number; /* rises with each change */
};

/* The zone's specimens in place of those it had; NULL: the zone is gone. */
void specimen_shelf_put(struct specimen_shelf *shelf, uint32_t zone,
	const struct specimen specimens[SPECIMEN_KINDS]);

/* The kind's specimen number `row`, from 0; NULL: there are no so many. */
const struct specimen *specimen_shelf_find(
	const struct specimen_shelf *shelf, enum specimen_kind kind, unsigned row);

#endif
