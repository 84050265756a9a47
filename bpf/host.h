/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The XDP host: what the core asks for, in BPF (docs/internals/host.md).
 *
 * A step is a global function: the verifier checks each alone, for any arguments, so each begins
 * with its NULL check and masks what it indexes with. Weak, so that clang doesn't look into it from
 * its callers: it would put garbage into the arguments that the step doesn't read, and the verifier
 * refuses that.
 */
#ifndef ANODE_BPF_HOST_H
#define ANODE_BPF_HOST_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "answer/packet.h"
#include "answer/query.h"
#include "direct_marks.h"
#include "shared/settings.h"
#include "shared/counters.h"

/*
 * Linux 6.1 refuses to go back to a loop's head but by a jump, and clang may put the head behind
 * the body. Later the verifier takes this jump out.
 */
#define LOOP_BACK __asm__ volatile("goto +0")

#define STEP   __attribute__((noinline, weak))
#define PACKET struct xdp_md

/* NSEC3 hashes with further iterations would take too long here. */
#define NSEC3_ITERATIONS 0u

/*
 * Immediates that the loader replaces (direct.h): the image's shards and a shard's mask. They are
 * constants to the verifier, which drops the code of the other case, and cost no load.
 */
#define IMAGE_SHARDS_HERE                                                                          \
	({                                                                                         \
		u64 shards_;                                                                       \
		__asm__ volatile("%0 = %1" : "=r"(shards_) : "i"(DIRECT_SHARDS));                  \
		shards_;                                                                           \
	})
#define SHARD_MASK_APPLY(at)  __asm__ volatile("%0 &= %1" : "+r"(at) : "i"(DIRECT_MASK))
#define SHARD_SHIFT_APPLY(at) __asm__ volatile("%0 >>= %1" : "+r"(at) : "i"(DIRECT_SHIFT))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, (1u << IMAGE_SHARD_MIN) + IMAGE_SLACK); /* set by the loader */
	__uint(max_entries, 1);                                    /* set by the loader */
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

/* Placeholders: the loader turns what names them into the address of the map's value (direct.h). */
struct placeholder {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1);
};
struct placeholder image_value SEC(".maps");
struct placeholder settings_value SEC(".maps");

#define VALUE_ADDRESS(map)                                                                         \
	({                                                                                         \
		const u8 *value_;                                                                  \
		__asm__ volatile("%0 = %1 ll" : "=r"(value_) : "i"(&(map)));                       \
		value_;                                                                            \
	})

#define DIRECT_MAX 256u /* longer copies go through a helper */
#define FRONT_MAX  192u /* drivers leave 256 octets before a frame, 40 of them for themselves */
#define MOVE_LEAST 48u  /* less than the shortest query's headers and question */
#define MOVE_MAX   352u /* more than the longest's */

INLINE u16 word_load16(const void *from)
{
	return *(const u16 *)from;
}

INLINE u32 word_load32(const void *from)
{
	return *(const u32 *)from;
}

INLINE u64 word_load64(const void *from)
{
	return *(const u64 *)from;
}

/* Have it brought into the cache; nothing waits for it. */
INLINE void word_touch(const void *at)
{
	(void)*(const volatile u64 *)at;
}

INLINE void word_store16(void *to, u16 value)
{
	*(u16 *)to = value;
}

INLINE void word_store32(void *to, u32 value)
{
	*(u32 *)to = value;
}

INLINE void word_store64(void *to, u64 value)
{
	*(u64 *)to = value;
}

INLINE const void *image_at(PACKET *p, u32 offset, u32 rel)
{
	u64 at = ((u64)offset << IMAGE_UNIT_SHIFT) + rel;
	const u8 *base;

	if (IMAGE_SHARDS_HERE == 1) {
		base = VALUE_ADDRESS(image_value);
	} else {
		u64 above = at;
		u32 shard;

		SHARD_SHIFT_APPLY(above);
		shard = above;
		base = bpf_map_lookup_elem(&image, &shard);
		if (!base)
			return NULL;
	}
	SHARD_MASK_APPLY(at);
	return base + at;
}

INLINE const struct image_header *image_header(PACKET *p)
{
	u32 shard = 0;

	if (IMAGE_SHARDS_HERE == 1)
		return (const struct image_header *)VALUE_ADDRESS(image_value);
	return bpf_map_lookup_elem(&image, &shard);
}

INLINE u32 image_head(const u32 *head)
{
	return *(const volatile u32 *)head; /* loads aren't reordered with loads on amd64 */
}

INLINE u32 packet_length(PACKET *p)
{
	u64 length = (u64)p->data_end - (u64)p->data;

	OPAQUE(length);
	return length;
}

/* Whole numbers of bytes from a checked place: n is a constant where this is called. */
INLINE u8 *packet_view(PACKET *p, u32 at, u32 n)
{
	u8 *place = (u8 *)(u64)p->data + (at & 0x3fff);

	OPAQUE(place); /* not to be computed again: the check is of this pointer */
	return place + n > (u8 *)(u64)p->data_end ? NULL : place;
}

INLINE const u8 *packet_end(PACKET *p)
{
	return (const u8 *)(u64)p->data_end;
}

/* n octets, 8 or 16. */
INLINE void octets_store(u8 *to, const u8 *from, u32 n)
{
	u64 w0 = word_load64(from), w1 = n > 8 ? word_load64(from + 8) : 0;

	word_store64(to, w0);
	if (n > 8)
		word_store64(to + 8, w1);
}

/* The octet at `at` behind a checked place; `at` is below 16,384. */
INLINE const u8 *packet_octet(const u8 *from, u32 at, const u8 *end)
{
	return from + at + 1 > end ? NULL : from + at;
}

/*
 * A helper costs 35 ns on machines with return thunks, direct access next to nothing: so a copy
 * goes word by word through checked pointers, and only a long one through the helper.
 */
INLINE int packet_store(PACKET *p, u32 at, const void *from, u32 n)
{
	u8 *to = (u8 *)(u64)p->data + (at & 0x3fff), *end = (u8 *)(u64)p->data_end;
	s64 length = (s32)n;
	u64 last;

	OPAQUE(length);
	if (length < 1 || length > IMAGE_FRAGMENT_MAX)
		return -1;
	if (length < 8 || length > DIRECT_MAX)
		return bpf_xdp_store_bytes(
			p, at, (void *)(u64)from, length); /* only reads `from` */
	for (u32 i = 0; i < DIRECT_MAX; i += 16) {
		if (i + 16 > length)
			break;
		if (to + i + 16 > end)
			return -1;
		octets_store(to + i, (const u8 *)from + i, 16);
	}
	/* the rest, some octets for the second time; short ones in two halves */
	last = length & 15;
	if (!last)
		return 0;
	if (length < 16) {
		if (to + 8 > end)
			return -1;
		octets_store(to, from, 8);
		last = length - 8;
		OPAQUE(last);
		last &= 7;
		to += last;
		if (to + 8 > end)
			return -1;
		octets_store(to, (const u8 *)from + last, 8);
		return 0;
	}
	last = length - 16;
	OPAQUE(last);
	last &= 255;
	to += last;
	if (to + 16 > end)
		return -1;
	octets_store(to, (const u8 *)from + last, 16);
	return 0;
}

INLINE int packet_store_be16(PACKET *p, u32 at, be16 value)
{
	u8 *place = packet_view(p, at, 2);

	if (!place)
		return -1;
	word_store16(place, value.raw);
	return 0;
}

/* Move `n` octets, a multiple of 16 and a constant, to a place at least 16 before. Not 0: beyond
 * the end. */
INLINE int octets_move(u8 *to, const u8 *from, const u8 *end, u32 n)
{
	if (from + n > end || to + n > end)
		return 1;
	for (u32 i = 0; i < n; i += 16)
		octets_store(to + i, from + i, 16);
	return 0;
}

/* The frame's first `keep` octets to its front, from `by` octets behind it. */
INLINE int packet_move(PACKET *p, u32 by, u32 keep)
{
	u8 *to = (u8 *)(u64)p->data, *from, *end = (u8 *)(u64)p->data_end;
	u64 last = keep - 16;

	OPAQUE(by);
	by &= 255;
	from = to + by;
	if (octets_move(to, from, end, MOVE_LEAST))
		return 1;
	for (u32 at = MOVE_LEAST; at < MOVE_MAX; at += 16) {
		OPAQUE(to);
		OPAQUE(from);
		if (at >= last)
			break;
		if (octets_move(to + MOVE_LEAST, from + MOVE_LEAST, end, 16))
			return 1;
		to += 16;
		from += 16;
		LOOP_BACK;
	}
	to = (u8 *)(u64)p->data;
	/* up to `keep`, some octets for the second time */
	OPAQUE(last);
	to += last & 511;
	OPAQUE(to);
	from = to + by;
	return octets_move(to, from, end, 16);
}

/*
 * A frame grows at its front where there is room, and what is to be kept is moved there: at its
 * back the kernel clears what is new, by an instruction that takes 20 ns to begin.
 */
INLINE int packet_resize(PACKET *p, u32 length, u32 keep)
{
	u64 now = (u64)p->data_end - (u64)p->data;
	u32 more;

	__asm__ volatile("" : "+r"(now)); /* subtract pointers before anything else */
	more = length - (u32)now;
	if (more - 16 < FRONT_MAX - 16 && !bpf_xdp_adjust_head(p, -(int)more))
		return packet_move(p, more, keep);
	return bpf_xdp_adjust_tail(p, (int)more);
}

INLINE u32 packet_iface(PACKET *p)
{
	return p->ingress_ifindex;
}

/* The coarse clock moves with the tick, and reading the tick costs no call. */
INLINE u64 now_ns(PACKET *p, struct query *q)
{
	u64 tick = bpf_jiffies64();

	if (tick == q->tick)
		return q->now;
	/* in this order: a test run may be interrupted here by a packet (before 6.10) */
	q->now = bpf_ktime_get_coarse_ns();
	FORGET(q);
	q->tick = tick;
	return q->now;
}

INLINE const struct settings_area *settings_area(void)
{
	return (const struct settings_area *)VALUE_ADDRESS(settings_value);
}

INLINE const struct settings *settings_get(PACKET *p)
{
	const struct settings_area *area = settings_area();

	if (area->magic != SETTINGS_MAGIC || area->layout != SETTINGS_LAYOUT)
		return NULL;
	return &area->block[*(const volatile u32 *)&area->active & 1];
}

INLINE u64 lease_end(PACKET *p)
{
	return *(const volatile u64 *)&settings_area()->lease_end;
}

INLINE struct counters *counters_get(PACKET *p)
{
	__u32 row = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &row);
}

INLINE struct sample *sample_slot(PACKET *p, u32 index)
{
	__u32 row = bpf_get_smp_processor_id();
	struct samples *ring = bpf_map_lookup_elem(&samples, &row);

	return ring ? &ring->slot[index & (SAMPLES_PER_ROW - 1)] : NULL;
}

enum { FAMILY_IPV4 = 2, FAMILY_IPV6 = 10 }; /* AF_INET, AF_INET6 */

/* reply: fib. Ask the routing table where the client is. Another interface, or no neighbour: pass.
 */
STEP int packet_route(PACKET *p, struct query *q)
{
	struct bpf_fib_lookup fib = {};
	const u8 *ip;

	if (!q)
		return REASON_INTERNAL;
	/* the table knows this interface; the way back of a tagged query is another one's */
	if (q->ip_at != sizeof(struct ethernet))
		return REASON_ROUTE;
	fib.ifindex = p->ingress_ifindex;
	fib.l4_protocol = 17;
	if (q->flags & QUERY_IPV6) {
		ip = packet_view(p, q->ip_at, 40);
		if (!ip)
			return REASON_INTERNAL;
		fib.family = FAMILY_IPV6;
		for (u32 i = 0; i < 4; i++) {
			fib.ipv6_src[i] = word_load32(ip + 24 + 4 * i);
			fib.ipv6_dst[i] = word_load32(ip + 8 + 4 * i);
		}
	} else {
		ip = packet_view(p, q->ip_at, 20);
		if (!ip)
			return REASON_INTERNAL;
		fib.family = FAMILY_IPV4;
		fib.ipv4_src = word_load32(ip + 16);
		fib.ipv4_dst = word_load32(ip + 12);
	}
	if (bpf_fib_lookup(p, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS ||
		fib.ifindex != p->ingress_ifindex)
		return REASON_ROUTE;
	__builtin_memcpy(q->next_hop, fib.dmac, 6);
	__builtin_memcpy(q->next_hop + 6, fib.smac, 6);
	return STEP_NEXT;
}

#endif
