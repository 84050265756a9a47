// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later
/*
 * wire: makes a veth hand over packets as a NIC does.
 *
 * In: packets that leave by a veth (tc, egress). Out: the same packets, small ones in a buffer
 * that would hold a full frame. A NIC receives each packet into a buffer of at least its MTU; a
 * veth passes on the sender's, which is hardly larger than the packet, so that an XDP program at
 * the other end can't write most replies behind it and must let them pass.
 * It changes no octet of any packet, and drops none.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#define FRAME 1514u
#define SMALL 600u

SEC("tc")
int wire(struct __sk_buff *packet)
{
	__u32 length = packet->len;

	/* Growing moves the packet into a larger buffer, shrinking leaves it there. */
	if (length <= SMALL && bpf_skb_change_tail(packet, FRAME, 0) == 0)
		bpf_skb_change_tail(packet, length, 0);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
