/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The core with a pause: after a query has taken a zone's version it waits, at random up to a
 * millisecond. A query is over in less time than a publish takes for a step; so held back it meets
 * publishing more often.
 */
#define image_head image_head_at_once
#include "host.h"
#undef image_head

#define PAUSE_MASK 0xffff /* turns of a loop */

static int turn(__u32 i, void *nothing)
{
	return 0;
}

static inline __attribute__((always_inline)) u32 image_head(const u32 *at)
{
	u32 head = image_head_at_once(at);

	bpf_loop(bpf_get_prandom_u32() & PAUSE_MASK, turn, NULL, 0);
	return head;
}

#include "run.h"

SEC("xdp.frags")
int churn(struct xdp_md *ctx)
{
	return run(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
