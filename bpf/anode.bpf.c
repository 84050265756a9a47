/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The XDP engine's programs: the answering core, run on each packet of an interface.
 *
 * The same twice. Native mode takes frames in several buffers, so that no driver refuses a large
 * MTU; the core passes them. Generic mode must not: the kernel would then copy each packet into a
 * buffer of its size, with a few bytes of room for the answer, where it otherwise leaves some
 * hundred (docs/internals/engine.md).
 *
 * In: frames. Out: XDP_TX with the reply, XDP_PASS with the frame as it came. It drops only what it
 * changed and couldn't finish, which is a fault and counted as one.
 */
#include "run.h"

SEC("xdp.frags")
int anode_native(struct xdp_md *ctx)
{
	return run(ctx);
}

SEC("xdp")
int anode_generic(struct xdp_md *ctx)
{
	return run(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
