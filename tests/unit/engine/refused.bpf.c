/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* What no verifier takes: reads the packet without looking where it ends. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int refused(struct xdp_md *ctx)
{
	return *(__u8 *)(long)ctx->data ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
