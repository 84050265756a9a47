/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Counters and samples: what the engine tells the daemon. Part of the engine contract
 * (docs/internals/engine.md).
 *
 * One row per CPU (XDP) or worker (DPDK), written by that one alone with plain aligned stores, read
 * by the daemon at any time; rows are whole cache lines. Everything only grows.
 */
#ifndef ANODE_SHARED_COUNTERS_H
#define ANODE_SHARED_COUNTERS_H

#include "../answer/types.h"
#include "../answer/reason.h"
#include "settings.h"

#define COUNTERS_REASONS 64u
#define COUNTERS_RCODES  32u
#define SAMPLES_PER_ROW  64u

_Static_assert(REASON_COUNT <= COUNTERS_REASONS, "counters have room for every reason");

/* Queries: a UDP packet to a service address and port 53. Anything else that passes is counted only
 * by reason. */
struct counters_path {
	u64 fast;
	u64 passed;
	u64 dropped;
	u64 reserved;
};

struct counters {
	u64 reasons[COUNTERS_REASONS];
	u64 rcodes[COUNTERS_RCODES]; /* of fast answers, extended ones (RFC 6891) too */
	struct counters_path paths[SETTINGS_IFACES]
				  [2]; /* [place in settings.ifaces][0 = IPv4, 1 = IPv6] */
	u64 truncated;
	u64 answered_bytes; /* DNS bytes */
	u64 samples;        /* written so far; the next goes to slot (samples % SAMPLES_PER_ROW) */
	u64 reserved[5];
} __attribute__((aligned(64)));

/* Of each path one query of every (sample_mask + 1), overwritten in a ring. Valid when seq is the
 * same before and after a copy. */
struct sample {
	u64 seq;  /* number of this sample in its row, from 1; 0 while it is written */
	u64 when; /* monotonic ns, coarse */
	u64 source[2];
	u64 target[2];
	be16 source_port;
	u16 qtype; /* host order */
	u16 size;  /* of the reply, DNS bytes; 0 if it passed */
	u8 rcode;
	u8 reason; /* 0 = answered */
	u8 iface;
	u8 name_len; /* with the root label */
	u8 flags;
	u8 reserved[5];
	u8 name[256]; /* wire format, folded */
};
enum { SAMPLE_EDNS = 1, SAMPLE_DO = 2, SAMPLE_TC = 4, SAMPLE_IPV6 = 8 };

struct samples {
	struct sample slot[SAMPLES_PER_ROW];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct counters) % 64 == 0, "rows are whole cache lines");

#endif
