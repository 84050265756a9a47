/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Settings: what the daemon tells the engine besides the zones. Part of the engine contract
 * (docs/internals/engine.md).
 *
 * One struct settings_area in shared memory. A block is immutable while `active` names it: the
 * daemon fills the other one, stores `active` (release), waits a grace period, and only then may
 * fill again.
 */
#ifndef ANODE_SHARED_SETTINGS_H
#define ANODE_SHARED_SETTINGS_H

#include "../answer/types.h"

#define SETTINGS_MAGIC     0x31544553444f4e41ull /* "ANODSET1" */
#define SETTINGS_LAYOUT    3u
#define SETTINGS_ADDRESSES 1024u /* slots; at most half are used */
#define SETTINGS_PROBES    8u    /* slots looked at */
#define SETTINGS_IFACES    8u
#define SETTINGS_NSID_MAX  64u /* octets of an NSID */
#define SETTINGS_SECRETS   2u
#define SETTINGS_CHAOS_MAX 64u /* octets of a string in class CHAOS */

/* An address as 16 bytes in network order; IPv4 as ::ffff:a.b.c.d. */
struct settings_address {
	u64 word[2];
	u32 used;
	u32 reserved;
};

struct settings_iface {
	u32 ifindex; /* 0 = unused */
	u16 mtu;     /* IP bytes */
	u8 mac[6];
	u32 flags;
};
enum {
	IFACE_PROBE = 1 << 0, /* test runs: not counted, not sampled */
	IFACE_FIB = 1 << 1,   /* reply: fib */
};

/*
 * What an EDNS feature gets. 0: pass, for nobody knows what the local server does with it.
 * EDNS_REQUIRE is the cookie's: an answer only with a valid one, else BADCOOKIE.
 */
enum edns_action { EDNS_PASS, EDNS_IGNORE, EDNS_ANSWER, EDNS_REQUIRE };

struct settings_edns {
	u8 version;    /* enum edns_action of a version other than 0: answered with BADVERS */
	u8 version_do; /* BADVERS repeats the DO bit */
	u8 nsid;       /* enum edns_action of these options */
	u8 subnet;
	u8 cookie;
	u8 nsid_length; /* of nsid_option, octets */
	u16 nsid_sum; /* ones'-complement sum of it, little-endian words, as if at an even place */
	u8 nsid_option[4 + SETTINGS_NSID_MAX + 4]; /* as it is sent, padded with zeros */
	u64 wall;                                  /* ns to add to the monotonic clock: Unix time */
	/* SipHash-2-4 keys of server cookies (RFC 9018), as they stand in memory. The first makes
	 * them, both are good; a second one that is the first counts as none. */
	u64 secrets[SETTINGS_SECRETS][2];
};

/* What the local server is called, and what it is: TXT records of class CHAOS (RFC 4892). */
enum settings_chaos_name {
	CHAOS_ID_SERVER,
	CHAOS_HOSTNAME_BIND,
	CHAOS_VERSION_SERVER,
	CHAOS_VERSION_BIND,
	CHAOS_NAMES
};

struct settings_chaos {
	u8 action; /* enum edns_action: EDNS_PASS or EDNS_ANSWER */
	u8 rcode;  /* not 0: REFUSED or the like, and no record */
	u8 authoritative;
	u8 length; /* octets of the string */
	u32 ttl;   /* seconds */
	u8 text[SETTINGS_CHAOS_MAX];
};

struct settings {
	u32 flags;
	u16 max_udp_size; /* own limit for a reply, DNS bytes */
	u16 copy_flags;   /* header flags that a reply copies from the query, host order (RD, CD) */
	u32 sample_mask;  /* a sample each (mask + 1) queries of a worker; ~0 = none */
	u32 reserved;
	u64 address_seed;
	u64 filter; /* settings_filter_bit of every address is set */
	struct settings_edns edns;
	struct settings_chaos chaos[CHAOS_NAMES];
	struct settings_iface ifaces[SETTINGS_IFACES];
	struct settings_address addresses[SETTINGS_ADDRESSES];
};
enum {
	SETTINGS_BYPASS = 1 << 0, /* pass everything */
	SETTINGS_HOLD = 1 << 1, /* an ended lease doesn't pass: answer until the zones' deadlines */
	/* The local server follows a CNAME into its other zones (NSD; not Knot, BIND): chains that
	   leave a zone pass */
	SETTINGS_CHAINS_PASS = 1 << 2,
	/* Below a DNAME, a name that becomes too long passes: the local server doesn't say YXDOMAIN
	   alone (Knot 3.2; not NSD, BIND) */
	SETTINGS_YXDOMAIN_PASS = 1 << 3,
	/* With DO, a name that a DNAME makes and that an NSEC must deny passes: the local server
	   takes another NSEC than the one that covers it (NSD; not Knot, BIND) */
	SETTINGS_DNAME_NSEC_PASS = 1 << 4,
	/* Addresses of servers inside a delegation that don't fit: TC (Knot), else passes (NSD and
	   BIND send a part of them) */
	SETTINGS_GLUE_TC = 1 << 5,
	/* With EDNS it does say more: an extended error (NSD) */
	SETTINGS_YXDOMAIN_EDNS_PASS = 1 << 14,
	/* Names below a DNAME pass: the local server doesn't follow it (PowerDNS) */
	SETTINGS_DNAME_PASS = 1 << 15,
	/* SOA asked for where there is no such name: passes, or the negative answer's SOA has TTL 0
	   (BIND); and the same where there is a name, but no SOA */
	SETTINGS_SOA_PASS = 1 << 6,
	SETTINGS_SOA_ZERO = 1 << 7,
	SETTINGS_SOA_NODATA_PASS = 1 << 11,
	SETTINGS_SOA_NODATA_ZERO = 1 << 12,
	/* CNAME asked for, and a wildcard's answers: passes (PowerDNS adds a SOA) */
	SETTINGS_STAR_CNAME_PASS = 1 << 8,
	/* ANY gets nothing but TC (PowerDNS), or the set of the lowest type (Knot); neither: passes
	 */
	SETTINGS_ANY_TC = 1 << 9,
	SETTINGS_ANY_LOWEST = 1 << 10,
	/* NSEC3PARAM passes: the local server has its own (PowerDNS: another TTL) */
	SETTINGS_PARAM_PASS = 1 << 13,
	/* Those that a query carries along, at the same bits (query.h). A delegation with DS, asked
	   without DO: passes, or the DS goes into the referral all the same (PowerDNS) */
	SETTINGS_DS_PASS = 1 << 20,
	SETTINGS_DS_PLAIN = 1 << 21,
	/* At and below a delegation that has another one below it: passes; so does all with DO in
	   zones that hold such */
	SETTINGS_NESTED_PASS = 1 << 22,
	/* The records of a set change places from answer to answer */
	SETTINGS_ROTATE = 1 << 23,
	/* Those that pass something as long as nobody knows what the server does, and those that
	   say what it does */
	SETTINGS_PASSES = SETTINGS_CHAINS_PASS | SETTINGS_YXDOMAIN_PASS |
			  SETTINGS_YXDOMAIN_EDNS_PASS | SETTINGS_DNAME_PASS | SETTINGS_SOA_PASS |
			  SETTINGS_SOA_NODATA_PASS | SETTINGS_STAR_CNAME_PASS | SETTINGS_DS_PASS |
			  SETTINGS_NESTED_PASS | SETTINGS_PARAM_PASS | SETTINGS_DNAME_NSEC_PASS,
	SETTINGS_WAYS = SETTINGS_SOA_ZERO | SETTINGS_SOA_NODATA_ZERO | SETTINGS_ANY_TC |
			SETTINGS_ANY_LOWEST | SETTINGS_DS_PLAIN | SETTINGS_ROTATE |
			SETTINGS_GLUE_TC,
	SETTINGS_OF_QUERY =
		SETTINGS_DS_PASS | SETTINGS_DS_PLAIN | SETTINGS_NESTED_PASS | SETTINGS_ROTATE,
};

struct settings_area {
	u64 magic;
	u32 layout;
	u32 active;    /* 0 or 1 */
	u64 lease_end; /* CLOCK_MONOTONIC ns; 0 = none */
	u64 reserved[5];
	struct settings block[2];
};

/* Render the NSID option of a block that isn't active. 0, or -1 if the text has no or too many
 * octets. */
static inline int settings_nsid(struct settings_edns *e, const void *text, u64 length)
{
	u64 sum = 0;

	if (length == 0 || length > SETTINGS_NSID_MAX)
		return -1;
	for (u32 i = 0; i < sizeof(e->nsid_option); i++)
		e->nsid_option[i] = 0;
	e->nsid_option[1] = 3;
	e->nsid_option[3] = (u8)length;
	for (u32 i = 0; i < length; i++)
		e->nsid_option[4 + i] = ((const u8 *)text)[i];
	e->nsid_length = (u8)(4 + length);
	for (u32 i = 0; i < sizeof(e->nsid_option); i += 2)
		sum += e->nsid_option[i] | (u64)e->nsid_option[i + 1] << 8;
	e->nsid_sum = (u16)((sum & 0xffff) + (sum >> 16));
	return 0;
}

/* First slot of an address; the next SETTINGS_PROBES - 1 follow it, modulo SETTINGS_ADDRESSES. */
static inline __attribute__((always_inline)) u32 settings_slot(u64 seed, u64 w0, u64 w1)
{
	u64 h = (w0 ^ seed) * 0x9e3779b97f4a7c15ull;

	/* An IPv4 address is w1's high half: folded down first, for a product's high bits know all
	 * of the low ones, but not the other way round. */
	h ^= h >> 32 ^ w1;
	h = (h ^ h >> 32) * 0xc2b2ae3d27d4eb4full;
	return (u32)(h >> 40) & (SETTINGS_ADDRESSES - 1);
}

/* A cheap first answer to "is this one of them?": a bit of settings.filter. */
static inline __attribute__((always_inline)) u32 settings_filter_bit(u64 w0, u64 w1)
{
	return (u32)((w0 ^ w0 >> 29 ^ w1 >> 32 ^ w1 >> 58) & 63);
}

/* Add an address to a block that isn't active. 0, or -1 if it is there already or there is no room.
 */
static inline int settings_add(struct settings *s, u64 w0, u64 w1)
{
	u32 slot = settings_slot(s->address_seed, w0, w1);

	for (u32 i = 0; i < SETTINGS_PROBES; i++) {
		struct settings_address *a = &s->addresses[(slot + i) & (SETTINGS_ADDRESSES - 1)];

		if (a->used && a->word[0] == w0 && a->word[1] == w1)
			return -1;
		if (a->used)
			continue;
		a->word[0] = w0;
		a->word[1] = w1;
		a->used = 1;
		s->filter |= 1ull << settings_filter_bit(w0, w1);
		return 0;
	}
	return -1;
}

#endif
