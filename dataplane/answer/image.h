/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The answer image: layout of the memory that the zone flow writes and the packet flow reads.
 *
 * The rules (who writes what and when, what a reader may rely on) are docs/internals/image.md.
 * All integers are little-endian, all references are offsets in units of 16 bytes, 0 = none.
 *
 *     header ── zones index ──> zone ── head ──> version ── negative ──> fragment
 *        │                                 └──── denial ──> node ──> ... ──> denial
 *        └───── names index ──> entry: head, key, types[], hashes, fragments
 */
#ifndef ANODE_ANSWER_IMAGE_H
#define ANODE_ANSWER_IMAGE_H

#include "types.h"

#define IMAGE_MAGIC        0x31474d4945444f4eull /* "NODEIMG1" */
#define IMAGE_LAYOUT       4u
#define IMAGE_UNIT         16u
#define IMAGE_UNIT_SHIFT   4
#define IMAGE_SLACK        8192u /* readable zero bytes behind each shard */
#define IMAGE_ACCESS_MAX   4096u /* bytes readable from any masked place */
#define IMAGE_SHARD_MIN    16    /* log2 of a shard's bytes */
#define IMAGE_SHARD_MAX    28
#define IMAGE_SHARDS_MAX   4096u
#define IMAGE_ENTRY_MAX    65536u
#define IMAGE_TYPES_MAX    64u
#define IMAGE_RRS_MAX      255u
#define IMAGE_FRAGMENT_MAX 4096u /* bytes of RRs */
#define IMAGE_GROUP_MAX    6u    /* fragments in a group */
#define IMAGE_DEPTH_MAX    18
#define IMAGE_BUCKETS      64u /* in a segment */
#define IMAGE_SLOTS        8u  /* in a bucket */
#define IMAGE_SEGMENT_SIZE 4096u
#define IMAGE_NODE_LEVELS  12u /* of a tree of denials */
#define IMAGE_NODE_ITEMS   64u
#define IMAGE_KEY_MAX      508u /* of a denial: a name without the root label, octets 0 and 1 twice */
#define IMAGE_HASH_SIZE    20u /* SHA-1 (RFC 5155 section 11) */

/* Bytes from the start of one shard to the start of the next. */
#define IMAGE_STRIDE(shard_shift) ((1ull << (shard_shift)) + IMAGE_SLACK)

/* An index word: directory offset in the low half, depth above it. One aligned 8-byte store. */
#define INDEX_DIRECTORY(word)  ((u32)(word))
#define INDEX_DEPTH(word)      ((u32)((word) >> 32) & 31)
#define INDEX_WORD(dir, depth) ((u64)(dir) | (u64)(depth) << 32)

/* A slot: object offset in the low half, tag above it. 0 is empty. */
#define SLOT_OFFSET(slot)    ((u32)(slot))
#define SLOT_TAG(slot)       ((u32)((slot) >> 32))
#define SLOT_OF(offset, tag) ((u64)(offset) | (u64)(tag) << 32)
/* Bytes from the segment's start to slot i (modulo 8) of a bucket. */
#define SLOT_PLACE(bucket, i) ((bucket) * (IMAGE_SLOTS * 8) + ((i) & (IMAGE_SLOTS - 1)) * 8)
#define SLOT_DELETED          SLOT_OF(0, 1)

/* Where a hash leads. */
#define HASH_TAG(h)              ((u32)(h))
#define HASH_HIGH(h)             ((u32)((h) >> 32))
#define HASH_BUCKET(h)           ((u32)((h) >> 32) & (IMAGE_BUCKETS - 1))
#define HASH_SLOT(h)             ((u32)((h) >> 38) & (IMAGE_SLOTS - 1)) /* where a bucket's search begins */
#define HASH_DIRECTORY(h, depth) ((u32)((h) >> 1 >> (63 - (depth))))
#define HASH_SECOND(bucket, tag) (((bucket) ^ (1 + ((tag) >> 27))) & (IMAGE_BUCKETS - 1))

struct image_header {
	u64 magic; /* read at every query: 0 while the writer formats */
	u32 layout;
	u32 shard_shift;
	u32 shards;
	u32 zones_gone; /* one more before a zone's memory may become something else */
	u64 instance;   /* random; the same in every file and map of one image */
	u64 zones;      /* index word */
	u64 names;      /* index word */
	u64 depths[2];
	u64 zone_seed;
	u8 pad[56]; /* to 128 */
};

/* Common front of everything that an index leads to: what a probe compares. */
struct image_keyed {
	u32 word[2];
	u32 zone; /* compared with the key: offset of the zone that an entry belongs to; 0 in a zone
		   */
	u8 key_len; /* folded labels in wire format, without the root label */
	u8 flags;
	u8 types;
	u8 labels; /* in the key */
	u8 key[];  /* padded with zeros to a multiple of 4 */
};

struct image_zone {
	u32 head; /* the version; 0 = pass apex. The only word that changes */
	u32 reserved;
	u32 zone;   /* 0 */
	u8 key_len; /* apex, without the root label: apex_len */
	u8 flags;
	u8 types; /* 0 */
	u8 labels;
	u8 key[];
};

enum {
	VERSION_PASS = 1 << 0,   /* every name at or below the apex passes. Stored in place */
	VERSION_SIGNED = 1 << 1, /* holds signatures; without NSEC or NSEC3, DO passes */
	VERSION_NSEC = 1 << 2,   /* `denial` orders NSEC records by name */
	VERSION_NSEC3 = 1 << 3,  /* `denial` orders NSEC3 records by hash */
	VERSION_HASHED = 1 << 4, /* the zone holds NSEC3 records that `denial` doesn't have */
	VERSION_NESTED = 1 << 5, /* some entry is ENTRY_NESTED */
};

struct image_version {
	u32 number; /* of this zone, from 1; goes on rising when the seed changes */
	u32 flags;  /* VERSION_PASS in it may change: one aligned store */
	u64 seed;
	u64 bypass_after; /* CLOCK_MONOTONIC ns; beyond it the zone passes. Stored in place */
	u32 serial;
	u32 apex;       /* entry */
	u32 negative;   /* fragment: SOA with the negative TTL (RFC 2308 section 5) */
	u32 denial;     /* root node, 0 = none */
	u16 iterations; /* of NSEC3, beyond the first */
	u16 reserved16;
	u8 max_labels;
	u8 apex_len;
	u8 apex_labels;
	u8 salt_len;
	u64 reserved[2];
	u8 salt[]; /* salt_len octets, padded to 16 */
};

enum {
	ENTRY_CUT = 1 << 0,
	ENTRY_WILDCARD = 1 << 1, /* a child "*" exists */
	ENTRY_DNAME = 1 << 2,
	ENTRY_NESTED = ENTRY_DNAME, /* beside ENTRY_CUT: the zone holds another cut below it */
	ENTRY_CNAME = 1 << 3,
	ENTRY_PASS = 1 << 4,
	ENTRY_TOMBSTONE = 1 << 5,
	ENTRY_APEX = 1 << 6,
	ENTRY_HASHED = 1 << 7, /* struct image_hashes stands behind the types */
};

struct image_entry {
	u32 birth; /* number of the first version that sees it */
	u32 prev;  /* what it replaces, for readers of the version before; 0 = absent then */
	u32 zone;  /* offset of its zone: makes a match exact, and tells a new daemon whose it is */
	u8 key_len; /* relative to the apex; 0 is the apex */
	u8 flags;
	u8 types;
	u8 labels;
	u8 key[]; /* then struct image_type[types] at ENTRY_TYPES_AT(key_len) */
};

#define ENTRY_HEAD              16u
#define ENTRY_TYPES_AT(key_len) (ENTRY_HEAD + (((u32)(key_len) + 3) & ~3u))

struct image_type {
	u16 type;
	u16 where; /* units of 4 bytes from the entry's start */
};
#define TYPE_SHARED 0x8000u /* in where: a u32 offset of a shared fragment stands there */

/* NSEC3 hashes that need not be computed, at ENTRY_HASHES_AT(key_len, types). */
enum {
	HASHES_MATCH = 1 << 0,  /* an NSEC3 has `own` */
	HASHES_BEFORE = 1 << 1, /* of a wildcard: a child of it comes no later than "*" would */
};
struct image_hashes {
	u8 flags;
	u8 reserved[3];
	u8 own[IMAGE_HASH_SIZE];
	u8 star[IMAGE_HASH_SIZE]; /* of "*" below the name; absent in a CUT entry */
};
#define ENTRY_HASHES_AT(key_len, types) (ENTRY_TYPES_AT(key_len) + 4 * (u32)(types))
#define ENTRY_HASHES_SIZE(flags)        (!((flags)&ENTRY_HASHED) ? 0u : (flags)&ENTRY_CUT ? 24u : 44u)

enum {
	FRAGMENT_OPTIONAL = 1 << 0, /* not required. If it doesn't fit, the query passes */
	FRAGMENT_MORE = 1 << 1,     /* another one of the same group follows */
	FRAGMENT_OVERSIZE =
		1 << 2,           /* longer than IMAGE_FRAGMENT_MAX: length and records are 0; TC */
	FRAGMENT_TARGET = 1 << 3, /* CNAME or DNAME, target at or below the apex */
	FRAGMENT_DNSSEC = 1 << 4, /* signatures of the fragment before it: only with DO */
	FRAGMENT_PLAIN_LAST = 1 << 5, /* what follows in the group is DNSSEC's */
};

/* The three bases that a pointer can be relative to; see image.md. */
enum { BASE_OWNER, BASE_APEX, BASE_GROUP, BASES };

struct image_fragment {
	u16 length; /* bytes of RRs that follow */
	u16 sum;    /* ones'-complement sum of them, little-endian words, as if at an even place */
	u8 records[3]; /* answer, authority, additional */
	u8 flags;
	u8 pointers[BASES]; /* how many of each base */
	u8 odd[BASES];      /* how many of these at odd places */
	u16 stride; /* even. Not 0: the owner pointers stand at every stride bytes, none are listed,
		     * and there are no other pointers */
	u8 data[];  /* length bytes, padded to 2, then u16 places */
};
#define FRAGMENT_HEAD              16u
#define FRAGMENT_PLACES_AT(length) (FRAGMENT_HEAD + (((u32)(length) + 1) & ~1u))

/* An NSEC or NSEC3 with its signatures; the group stands at DENIAL_GROUP_AT(key_len). */
struct image_denial {
	u16 key_len;
	u16 labels; /* of an NSEC's owner, below the apex */
	u16 reserved[2];
	u8 key[]; /* zeros behind it, one at least, to a multiple of 8 */
};
#define DENIAL_HEAD              8u
#define DENIAL_GROUP_AT(key_len) (DENIAL_HEAD + (((u32)(key_len) + 8) & ~7u))

/* Where an item of a node leads. */
struct image_branch {
	u32 down;  /* a node one level below, or at level 0 the denial */
	u32 first; /* the denial whose key it is */
};

struct image_node {
	u8 level;
	u8 count;   /* of items */
	u16 prefix; /* octets that all keys begin with */
	u32 reserved;
	u8 data[]; /* the prefix, padded to 8; u64 slices[count]; struct image_branch[count] */
};
#define NODE_HEAD                   8u
#define NODE_SLICES_AT(prefix)      (NODE_HEAD + (((u32)(prefix) + 7) & ~7u))
#define NODE_BRANCHES_AT(prefix, n) (NODE_SLICES_AT(prefix) + 8 * (u32)(n))
#define NODE_SIZE(prefix, n)        (NODE_SLICES_AT(prefix) + 16 * (u32)(n))

_Static_assert(sizeof(struct image_header) == 128, "layout");
_Static_assert(sizeof(struct image_keyed) == 16, "layout");
_Static_assert(sizeof(struct image_zone) == 16, "layout");
_Static_assert(sizeof(struct image_version) == 64, "layout");
_Static_assert(sizeof(struct image_entry) == 16, "layout");
_Static_assert(sizeof(struct image_fragment) == FRAGMENT_HEAD, "layout");
_Static_assert(sizeof(struct image_hashes) == 44, "layout");
_Static_assert(sizeof(struct image_denial) == DENIAL_HEAD, "layout");
_Static_assert(sizeof(struct image_node) == NODE_HEAD, "layout");

#endif
