/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/* Headers as they stand on the wire. Multi-byte fields in network order unless they are opaque. */
#ifndef ANODE_ANSWER_PACKET_H
#define ANODE_ANSWER_PACKET_H

#include "types.h"

struct ethernet {
	u8 target[6];
	u8 source[6];
	be16 type;
} __attribute__((packed, aligned(2)));

struct vlan {
	be16 tag;
	be16 type;
};

struct ipv4 {
	u8 version_ihl;
	u8 tos;
	be16 length;
	be16 id;
	be16 fragment;
	u8 ttl;
	u8 protocol;
	u16 checksum;
	u32 source; /* opaque */
	u32 target;
} __attribute__((packed, aligned(2)));

struct ipv6 {
	be32 version_flow;
	be16 payload;
	u8 next;
	u8 hops;
	u64 source[2]; /* opaque */
	u64 target[2];
} __attribute__((packed, aligned(2)));

struct udp {
	be16 source;
	be16 target;
	be16 length;
	u16 checksum;
};

struct dns {
	u16 id; /* opaque */
	be16 flags;
	be16 questions;
	be16 records[3]; /* answer, authority, additional */
};

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_QINQ = 0x88a8
};
enum { PROTOCOL_UDP = 17 };

/* DNS header flags (RFC 1035 section 4.1.1, RFC 4035 section 3) */
enum {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_Z = 0x0040,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
	DNS_RCODE = 0x000f,
};
enum {
	RCODE_NOERROR = 0,
	RCODE_NXDOMAIN = 3,
	RCODE_YXDOMAIN = 6,
	RCODE_BADVERS = 16,
	RCODE_BADCOOKIE = 23
};
enum {
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_TXT = 16,
	TYPE_DNAME = 39,
	TYPE_OPT = 41,
	TYPE_DS = 43,
	TYPE_RRSIG = 46,
	TYPE_NSEC = 47,
	TYPE_NSEC3 = 50,
	TYPE_NSEC3PARAM = 51,
	TYPE_ANY = 255,
};
enum { CLASS_IN = 1, CLASS_CHAOS = 3 };
enum { EDNS_DO = 0x8000 };

#endif
