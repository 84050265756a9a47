/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The same core as in bpf/anode.bpf.c, for measuring: each run first restores the next packet of a
 * table.
 *
 *     core_full     restore, answer           core_restore  restore
 *     core_reflect  swap addresses, send back: the unit
 *
 * A test run with repeat > 1 doesn't restore the packet itself; it would see its own reply.
 */
#include "run.h"
#include "core_packet.h"

const volatile __u32 packet_mask; /* packets in the table - 1, a power of two less one */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct core_packet));
	__uint(max_entries, 1); /* set by the loader */
} packets SEC(".maps");

__u32 cursor;
volatile __u64 front; /* where the frame begins */

/* Always the same calls, whether the frame was changed or not. */
INLINE int restore(struct xdp_md *ctx)
{
	__u32 i = cursor++ & packet_mask;
	const struct core_packet *packet = bpf_map_lookup_elem(&packets, &i);
	s64 length;

	if (!packet)
		return -1;
	/* a test run's frame begins 256 octets into a page of its own */
	front = (u64)ctx->data;
	if (bpf_xdp_adjust_head(ctx, 256 - (int)(front & 4095)))
		return -1;
	length = packet->length;
	OPAQUE(length); /* its bounds are looked at where the verifier needs them */
	if (length < 1 || length > CORE_PACKET_MAX)
		return -1;
	if (bpf_xdp_adjust_tail(ctx, (int)(length - (s64)bpf_xdp_get_buff_len(ctx))))
		return -1;
	return bpf_xdp_store_bytes(ctx, 0, (void *)(u64)packet->frame, length);
}

SEC("xdp.frags")
int core_full(struct xdp_md *ctx)
{
	return restore(ctx) ? XDP_ABORTED : run(ctx);
}

SEC("xdp.frags")
int core_restore(struct xdp_md *ctx)
{
	return restore(ctx) ? XDP_ABORTED : XDP_TX;
}

SEC("xdp.frags")
int core_reflect(struct xdp_md *ctx)
{
	struct {
		u32 mac[3];
		u16 type;
		u8 head[12];
		u32 source, target;
		u16 source_port, target_port;
	} __attribute__((packed, aligned(2))) *f = (void *)(u64)ctx->data;
	u32 m0, m1, m2, source;
	u16 port;

	if ((void *)(f + 1) > (void *)(u64)ctx->data_end)
		return XDP_PASS;
	m0 = f->mac[0], m1 = f->mac[1], m2 = f->mac[2];
	f->mac[0] = m1 >> 16 | m2 << 16;
	f->mac[1] = m2 >> 16 | m0 << 16;
	f->mac[2] = m0 >> 16 | m1 << 16;
	source = f->source;
	f->source = f->target;
	f->target = source;
	port = f->source_port;
	f->source_port = f->target_port;
	f->target_port = port;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
