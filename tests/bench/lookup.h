/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* Sizes that lookup.bpf.c and lookup.c agree on. */
#ifndef ANODE_TESTS_BENCH_LOOKUP_H
#define ANODE_TESTS_BENCH_LOOKUP_H

#define LOOKUPS       64
#define LOOKUP_SHARDS 4
#define LOOKUP_SHARD  65536

#endif
