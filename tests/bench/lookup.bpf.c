/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The same loads from shards, found in one array and in an array of maps: what does a look-up cost?
 * Each program walks LOOKUPS keys that depend on the value before, so that nothing overlaps.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "lookup.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LOOKUP_SHARDS);
	__uint(key_size, 4);
	__uint(value_size, LOOKUP_SHARD);
} flat SEC(".maps");

struct shard {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, LOOKUP_SHARD);
} shard0 SEC(".maps"), shard1 SEC(".maps"), shard2 SEC(".maps"), shard3 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, LOOKUP_SHARDS);
	__uint(key_size, 4);
	__array(values, struct shard);
} nested SEC(".maps") = {.values = {&shard0, &shard1, &shard2, &shard3}};

SEC("xdp")
int lookup_flat(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index;

	for (int i = 0; i < LOOKUPS; i++) {
		__u32 *value;

		key = (key + i) & (LOOKUP_SHARDS - 1);
		value = bpf_map_lookup_elem(&flat, &key);
		if (!value)
			return XDP_ABORTED;
		key += *(volatile __u32 *)value;
	}
	return key ? XDP_PASS : XDP_DROP;
}

SEC("xdp")
int lookup_nested(struct xdp_md *ctx)
{
	__u32 key = ctx->rx_queue_index, zero = 0;

	for (int i = 0; i < LOOKUPS; i++) {
		__u32 *value;
		void *inner;

		key = (key + i) & (LOOKUP_SHARDS - 1);
		inner = bpf_map_lookup_elem(&nested, &key);
		if (!inner)
			return XDP_ABORTED;
		value = bpf_map_lookup_elem(inner, &zero);
		if (!value)
			return XDP_ABORTED;
		key += *(volatile __u32 *)value;
	}
	return key ? XDP_PASS : XDP_DROP;
}

/* The same walk in memory at hand. */
SEC("xdp")
int lookup_none(struct xdp_md *ctx)
{
	volatile __u32 values[LOOKUP_SHARDS] = {0};
	__u32 key = ctx->rx_queue_index;

	for (int i = 0; i < LOOKUPS; i++) {
		key = (key + i) & (LOOKUP_SHARDS - 1);
		key += values[key];
	}
	return key ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
