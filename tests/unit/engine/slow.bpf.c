/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* A reader that takes long: says when it began and when it ended, for the test of the grace period.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct progress {
	__u32 began;
	__u32 ended;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct progress);
} progress SEC(".maps");

static int turn(__u32 i, __u32 *sum)
{
	*sum += bpf_get_prandom_u32();
	return 0;
}

SEC("xdp")
int slow(struct xdp_md *ctx)
{
	__u32 zero = 0, sum = 0;
	volatile struct progress *p = bpf_map_lookup_elem(&progress, &zero);

	if (!p)
		return XDP_ABORTED;
	p->began = 1;
	bpf_loop(1 << 23, turn, &sum, 0);
	p->ended = 1;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
