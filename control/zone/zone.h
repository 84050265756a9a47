/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One zone as its server transferred it: the input of the compile step.
 *
 * In: records, one at a time, in any order (struct zone_builder). Out: struct
 * zone, immutable, in one arena, names in canonical order (RFC 4034 6.1):
 *
 *     nodes[0]   example.            apex: SOA, NS
 *     nodes[1]   a.example.          no record of its own: empty non-terminal
 *     nodes[2]   b.a.example.        A
 *     nodes[3]   sub.example.        NS: a delegation (cut)
 *     nodes[4]   ns.sub.example.     A: occluded by nodes[3], still found as glue
 *
 * Every ancestor of a node down from the apex is itself a node, so a subtree is
 * the run nodes[i] .. nodes[i].end - 1, and parents are found by index.
 *
 * It refuses records outside the zone, of another class, of meta types, or with
 * RDATA that doesn't fit its type; and zones without exactly one SOA or beyond
 * the limits. It doesn't judge what a zone says: odd but parsable data is kept
 * and flagged, because the local server answers with it.
 *
 * A finished zone may be read by any number of threads at once.
 */
#ifndef ANODE_ZONE_ZONE_H
#define ANODE_ZONE_ZONE_H

#include "control/zone/name.h"
#include "control/zone/rdata.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_REASON_SIZE 512        /* of a failure's text, NUL included */
#define ZONE_NONE        UINT32_MAX /* no node */

/* Bounds, checked while records come in. 0 means none but the machine's. */
struct zone_limits {
	uint64_t max_records;
	uint64_t max_bytes; /* of the finished arena; building takes as much again */
};

/* One record to add. Numbers in host order, names uncompressed, any case. */
struct zone_record {
	const uint8_t *owner;
	const uint8_t *rdata;
	uint32_t ttl; /* seconds */
	uint16_t owner_size;
	uint16_t rdata_size;
	uint16_t type;
	uint16_t class;
};

struct zone_rrset {
	const uint8_t *rdata; /* walk it with zone_rdata_next() */
	uint32_t ttl;         /* seconds, host order; the least of the RRset (RFC 2181 5.2) */
	uint32_t size;        /* octets of all RDATAs, without their length fields */
	uint32_t count;       /* records, at least 1; in the order they came, no duplicates */
	uint16_t type;        /* host order */
	uint16_t covered;     /* RRSIG: the type signed, each its own RRset; else 0 */
};

struct zone_rdata {
	const uint8_t *data;
	uint16_t size;
};

enum zone_node_flag {
	ZONE_NODE_EMPTY = 1 << 0,      /* no records: an empty non-terminal */
	ZONE_NODE_CUT = 1 << 1,        /* NS below the apex, nothing above occludes it */
	ZONE_NODE_DNAME = 1 << 2,      /* DNAME: occludes what is below, not itself */
	ZONE_NODE_OCCLUDED = 1 << 3,   /* below a cut or DNAME; at most glue */
	ZONE_NODE_WILDCARD = 1 << 4,   /* the leftmost label is "*" */
	ZONE_NODE_STAR_BELOW = 1 << 5, /* has a child "*" */
	ZONE_NODE_CNAME = 1 << 6,      /* holds a CNAME */
	ZONE_NODE_CLASH =
		1 << 7, /* CNAME or DNAME twice, or CNAME beside other data: servers differ */
	ZONE_NODE_NSEC3 = 1 << 8, /* an NSEC3 owner only: not a name of the zone (RFC 5155 7.2.8) */
};

struct zone_node {
	const uint8_t *name;  /* folded; 'name_size' octets */
	const uint8_t *cased; /* as transferred; the same pointer when nothing was folded */
	const struct zone_rrset *rrsets; /* by type, then covered */
	uint32_t rrset_count;            /* 0: empty non-terminal */
	uint32_t parent;                 /* index; ZONE_NONE for the apex */
	uint32_t end;                    /* index behind the last node at or below this one */
	uint32_t cover; /* index of the cut or DNAME that occludes it, or ZONE_NONE */
	uint16_t flags; /* enum zone_node_flag */
	uint8_t name_size;
	uint8_t labels; /* root label not counted */
};

struct zone_soa {
	uint32_t serial;
	uint32_t refresh, retry, expire, minimum; /* seconds */
	uint32_t ttl; /* seconds; RFC 2308 3: negative answers take the least of it and minimum */
};

enum zone_denial { ZONE_UNSIGNED, ZONE_NSEC, ZONE_NSEC3 };

struct zone_nsec3 { /* the apex's first usable NSEC3PARAM (RFC 5155 4) */
	const uint8_t *salt;
	uint16_t iterations;
	uint8_t salt_size;
	uint8_t algorithm; /* 1: SHA-1 */
};

/* Read only once finished. */
struct zone {
	const struct zone_node *nodes; /* canonical order; [0] is the apex */
	uint32_t node_count;
	uint32_t empty_count; /* nodes without records */
	uint32_t cut_count;
	uint32_t occluded_count;
	uint64_t rrset_count;
	uint64_t record_count;
	uint64_t wire_size;   /* octets: every record uncompressed, the yardstick of image memory */
	uint64_t memory;      /* octets of the arena */
	uint32_t duplicates;  /* records dropped because they came twice */
	uint32_t ttl_unified; /* RRsets whose records had different TTLs */
	struct zone_soa soa;
	enum zone_denial denial; /* signed: DNSKEY and RRSIG at the apex, and NSEC or NSEC3PARAM */
	struct zone_nsec3 nsec3; /* when denial is ZONE_NSEC3 */
	bool has_rrsig;
	uint32_t first_expiration; /* earliest RRSIG expiration, seconds since 1970 modulo 2^32
				    * (RFC 4034 3.1.5); with has_rrsig */

	/* Private to zone.c: hash index of the nodes, references. */
	const uint32_t *slots;
	uint32_t slot_mask;
	_Atomic uint32_t references;
	uint64_t seed;
};

/* Takes another reference; returns 'zone'. Any thread. */
struct zone *zone_hold(struct zone *zone);

/* Gives a reference back; the last one frees the arena. NULL is fine. Any thread. */
void zone_free(struct zone *zone);

static inline const uint8_t *zone_origin(const struct zone *zone)
{
	return zone->nodes[0].name;
}

/* The node named so (folded), occluded ones and glue included, or NULL. Constant time. */
const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name);

/* The deepest node at or above 'name' (folded), or NULL if 'name' is outside the zone:
 * the closest encloser (RFC 4592 3.3.1), if it isn't occluded or an NSEC3 node. */
const struct zone_node *zone_find_encloser(const struct zone *zone, const uint8_t *name);

/* The last node at or before 'name' (folded) in canonical order, or NULL. Binary search. */
const struct zone_node *zone_find_before(const struct zone *zone, const uint8_t *name);

/* The child "*" of a node, or NULL. */
const struct zone_node *zone_wildcard(const struct zone *zone, const struct zone_node *node);

static inline uint32_t zone_index(const struct zone *zone, const struct zone_node *node)
{
	return (uint32_t)(node - zone->nodes);
}

/* The RRset of a type other than RRSIG, or NULL. */
const struct zone_rrset *zone_rrset(const struct zone_node *node, uint16_t type);

/* The signatures over the node's RRset of type 'covered', or NULL. */
const struct zone_rrset *zone_rrsig(const struct zone_node *node, uint16_t covered);

/* Steps to the next record: start with at->data NULL; false behind the last. */
bool zone_rdata_next(const struct zone_rrset *rrset, struct zone_rdata *at);

/* Building: one thread, records in any order (fastest and leanest in canonical
 * order, the way servers transfer). After an error only the reason may be read. */
struct zone_builder;

/* 'origin' is a checked name of any case. 0 or -ENOMEM. */
int zone_builder_new(
	struct zone_builder **builder, const uint8_t *origin, const struct zone_limits *limits);

/* Copies the record. 0, or
 *   -EBADMSG  name, class, type or RDATA that a zone can't hold
 *   -EXDEV    owner outside the zone
 *   -EFBIG    beyond the limits
 *   -ENOMEM */
int zone_builder_add(struct zone_builder *builder, const struct zone_record *record);

/* Sorts, joins, checks. On success the caller owns *zone (zone_free) and the builder is
 * empty. 0, -EBADMSG (no SOA, or several), -EFBIG or -ENOMEM. */
int zone_builder_finish(struct zone_builder *builder, struct zone **zone);

/* What was wrong and with which record, after an error. */
const char *zone_builder_reason(const struct zone_builder *builder);

uint64_t zone_builder_records(const struct zone_builder *builder);

/* Octets that it holds now; finishing takes those of the zone on top. */
uint64_t zone_builder_memory(const struct zone_builder *builder);

void zone_builder_free(struct zone_builder *builder);

/* Zone file text (RFC 1035 5, with $INCLUDE) through libzscanner: for tests and tools.
 * 'path' or 'text' is read with 'origin' (presentation format) as the first $ORIGIN. 0, or as
 * above, -ENOENT..., with 'reason' naming the line. */
int zone_text_load(struct zone **zone, const char *path, const char *origin,
	const struct zone_limits *limits, char reason[ZONE_REASON_SIZE]);
int zone_text_parse(struct zone **zone, const char *text, size_t size, const char *origin,
	const struct zone_limits *limits, char reason[ZONE_REASON_SIZE]);

#endif
