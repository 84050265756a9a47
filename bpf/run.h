/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* One packet through the core, as an XDP action: what every program made of the core does. */
#ifndef ANODE_BPF_RUN_H
#define ANODE_BPF_RUN_H

#include "host.h"
#include "answer/answer.h"

INLINE int run(struct xdp_md *ctx)
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

#endif
