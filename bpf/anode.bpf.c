/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The XDP engine's program: the answering core, run on each packet of an interface.
 *
 * In: frames. Out: XDP_TX with the reply, XDP_PASS with the frame as it came. It drops only what it changed and
 * couldn't finish, which is a fault and counted as one.
 */
#include "host.h"
#include "answer/answer.h"

SEC("xdp")
int anode(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct query *q = bpf_map_lookup_elem(&scratch, &zero);

	if (!q)
		return XDP_PASS;
	switch (answer_packet(ctx, q)) {
	case ACTION_REPLY:
		return XDP_TX;
	case ACTION_DROP:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

char _license[] SEC("license") = "Dual BSD/GPL";
