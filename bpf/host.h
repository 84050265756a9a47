/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The XDP host: what the core asks for, in BPF (docs/internals/host.md).
 *
 * A step is a global function: the verifier checks each alone, for any arguments, so each begins with its NULL
 * check and masks what it indexes with. Weak, so that clang doesn't look into it from its callers: it would put
 * garbage into the arguments that the step doesn't read, and the verifier refuses that.
 */
#ifndef ANODE_BPF_HOST_H
#define ANODE_BPF_HOST_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "answer/query.h"
#include "shared/settings.h"
#include "shared/counters.h"

#define STEP   __attribute__((noinline, weak))
#define PACKET struct xdp_md

/* Set by the loader before the program is loaded: constants to the verifier. */
const volatile __u32 shard_shift = IMAGE_SHARD_MIN;
const volatile __u32 shard_mask = (1u << IMAGE_SHARD_MIN) - 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, (1u << IMAGE_SHARD_MIN) + IMAGE_SLACK); /* set by the loader */
	__uint(max_entries, 1);					   /* set by the loader */
} image SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct settings_area));
	__uint(max_entries, 1);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct counters));
	__uint(max_entries, 1); /* CPUs; set by the loader */
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct samples));
	__uint(max_entries, 1); /* CPUs; set by the loader */
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct query));
	__uint(max_entries, 1);
} scratch SEC(".maps");

/* Never looked up: replacing its one entry makes the kernel wait for the end of every running program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, 1);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, sizeof(__u32));
		__uint(max_entries, 1);
	});
} grace SEC(".maps");

#define INLINE_HOST static inline __attribute__((always_inline))

INLINE_HOST u16 word_load16(const void *from)
{
	return *(const u16 *)from;
}

INLINE_HOST u32 word_load32(const void *from)
{
	return *(const u32 *)from;
}

INLINE_HOST u64 word_load64(const void *from)
{
	return *(const u64 *)from;
}

INLINE_HOST void word_store16(void *to, u16 value)
{
	*(u16 *)to = value;
}

INLINE_HOST void word_store32(void *to, u32 value)
{
	*(u32 *)to = value;
}

INLINE_HOST void word_store64(void *to, u64 value)
{
	*(u64 *)to = value;
}

INLINE_HOST const void *image_at(PACKET *p, u32 offset, u32 rel)
{
	u64 at = ((u64)offset << IMAGE_UNIT_SHIFT) + rel;
	u32 shard = at >> shard_shift;
	const u8 *base = bpf_map_lookup_elem(&image, &shard);

	if (!base)
		return NULL;
	at &= shard_mask;
	return base + at;
}

INLINE_HOST u32 image_head(const u32 *head)
{
	return *(const volatile u32 *)head; /* loads aren't reordered with loads on amd64 */
}

INLINE_HOST u32 packet_length(PACKET *p)
{
	u64 length = (u64)p->data_end - (u64)p->data;

	return bpf_xdp_get_buff_len(p) == length ? length : 0;
}

INLINE_HOST int packet_load(PACKET *p, u32 at, void *to, u32 n)
{
	s64 length = (s32)n;

	__asm__ volatile("" : "+r"(length)); /* keep the check where the verifier needs it */
	if (length < 1 || length > (s64)FRAME_COPY)
		return -1;
	return bpf_xdp_load_bytes(p, at, to, length);
}

INLINE_HOST int packet_store(PACKET *p, u32 at, const void *from, u32 n)
{
	s64 length = (s32)n;

	__asm__ volatile("" : "+r"(length)); /* keep the check where the verifier needs it */
	if (length < 1 || length > (s64)IMAGE_FRAGMENT_MAX)
		return -1;
	/* the helper only reads `from` */
	return bpf_xdp_store_bytes(p, at, (void *)(u64)from, length);
}

INLINE_HOST int packet_store_be16(PACKET *p, u32 at, be16 value)
{
	u64 place = at & 0x3fff;
	u8 *data = (u8 *)(u64)p->data + place;

	if (data + 2 > (u8 *)(u64)p->data_end)
		return -1;
	*(u16 *)data = value.raw;
	return 0;
}

INLINE_HOST int packet_resize(PACKET *p, u32 length)
{
	u64 now = (u64)p->data_end - (u64)p->data;

	__asm__ volatile("" : "+r"(now)); /* subtract pointers before anything else */
	return bpf_xdp_adjust_tail(p, (int)(length - (u32)now));
}

INLINE_HOST u32 packet_iface(PACKET *p)
{
	return p->ingress_ifindex;
}

INLINE_HOST u64 now_ns(PACKET *p)
{
	return bpf_ktime_get_coarse_ns();
}

INLINE_HOST const struct settings_area *settings_area(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

INLINE_HOST const struct settings *settings_get(PACKET *p)
{
	const struct settings_area *area = settings_area();

	if (!area || area->magic != SETTINGS_MAGIC || area->layout != SETTINGS_LAYOUT)
		return NULL;
	return &area->block[*(const volatile u32 *)&area->active & 1];
}

INLINE_HOST u64 lease_end(PACKET *p)
{
	const struct settings_area *area = settings_area();

	return area ? *(const volatile u64 *)&area->lease_end : 0;
}

INLINE_HOST struct counters *counters_get(PACKET *p)
{
	__u32 row = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &row);
}

INLINE_HOST struct sample *sample_slot(PACKET *p, u32 index)
{
	__u32 row = bpf_get_smp_processor_id();
	struct samples *ring = bpf_map_lookup_elem(&samples, &row);

	return ring ? &ring->slot[index & (SAMPLES_PER_ROW - 1)] : NULL;
}

#define AF_INET_  2
#define AF_INET6_ 10

/*
 * reply: fib. Ask the routing table where the client is. The core swaps the MAC addresses of the frame copy
 * afterwards: so the next hop's goes where the sender's stands. Another interface, or no neighbour: pass.
 */
STEP int packet_route(PACKET *p, struct query *q)
{
	struct bpf_fib_lookup fib = {};
	u32 at;
	int i;

	if (!q)
		return REASON_INTERNAL;
	at = q->ip_at & 31;
	fib.ifindex = p->ingress_ifindex;
	fib.l4_protocol = 17;
	if (q->flags & QUERY_IPV6) {
		fib.family = AF_INET6_;
		for (i = 0; i < 4; i++) {
			((u32 *)fib.ipv6_src)[i] = *(u32 *)(q->frame + at + 24 + 4 * i);
			((u32 *)fib.ipv6_dst)[i] = *(u32 *)(q->frame + at + 8 + 4 * i);
		}
	} else {
		fib.family = AF_INET_;
		fib.ipv4_src = *(u32 *)(q->frame + at + 16);
		fib.ipv4_dst = *(u32 *)(q->frame + at + 12);
	}
	fib.tot_len = 0;
	if (bpf_fib_lookup(p, &fib, sizeof(fib), BPF_FIB_LOOKUP_OUTPUT & 0) != BPF_FIB_LKUP_RET_SUCCESS ||
		fib.ifindex != p->ingress_ifindex)
		return REASON_ROUTE;
	*(u32 *)(q->frame + 6) = *(u32 *)fib.dmac;
	*(u16 *)(q->frame + 10) = *(u16 *)(fib.dmac + 4);
	*(u32 *)(q->frame) = *(u32 *)fib.smac;
	*(u16 *)(q->frame + 4) = *(u16 *)(fib.smac + 4);
	return STEP_NEXT;
}

#endif
