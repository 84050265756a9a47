/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * struct query: everything that the steps know of one packet.
 *
 *     parse_headers ─▶ parse_message ─▶ question_sum ─▶ find ─▶ select ─▶ write ─▶ reply
 *
 * One per CPU in XDP, one per packet of the burst in DPDK. A step trusts only fields that an
 * earlier step of the same packet wrote; nothing is cleared between packets, and
 * only `tick` with `now`, `zone_hint` and `hint_labels` are kept on purpose.
 */
#ifndef ANODE_ANSWER_QUERY_H
#define ANODE_ANSWER_QUERY_H

#include "image.h"
#include "reason.h"

/*
 * Bytes behind the IP packet. More may mean that the frame goes on in other buffers, and a resize
 * would then change the last of them.
 */
#define PADDING_MAX       512u
#define MESSAGE_MAX       512u /* DNS bytes of a query that the fast path reads */
#define NAME_MAX          255u /* RFC 1035 section 2.3.4 */
#define NAME_BLOCK        16u  /* octets read at once */
#define NAME_BLOCKS       (NAME_MAX / NAME_BLOCK + 2)
#define LABELS_MAX        128u
#define PLACED_MAX        16u
#define CHAIN_MAX         5u   /* CNAMEs followed: Knot follows five, NSD and BIND more */
#define COMPRESSION_SPARE 64u  /* that servers may need more for a referral and its glue */
#define SOA_SPARE         16u  /* that they may need less for the names of a SOA */
#define ADDRESS_SIZE      16u  /* of an A record whose owner is a pointer */
#define SIGNATURE_SIZE    336u /* of most: RSA of 2048 bits, and its signer's name */
#define DNS_HEADER        12u
#define QUESTION_FIXED    4u /* QTYPE and QCLASS */
#define OPT_SIZE          11u
#define SYNTH_ROOM        512u /* what synthesised records of one reply take */
#define OPTIONS_MAX       16u  /* in a query */
#define PROOFS_MAX        8u
#define KEY_ROOM          512u /* of a denial's key, and of what a hash is made of */

enum {
	QUERY_IPV6 = 1 << 0,
	QUERY_COUNTED = 1 << 1, /* a UDP query for a service address */
	QUERY_EDNS = 1 << 2,
	QUERY_DO = 1 << 3,
	QUERY_TC = 1 << 4,
	QUERY_AA = 1 << 5,
	QUERY_PROBE = 1 << 6, /* a test run: not counted */
	QUERY_FIB = 1 << 7,
	QUERY_TOUCHED = 1 << 8,   /* the packet was changed: it can't pass any more */
	QUERY_NAMED = 1 << 11,    /* name[] holds the name that is looked up */
	QUERY_OPTIONS = 1 << 16,  /* the reply's OPT isn't plain: options, or an extended rcode */
	QUERY_ERROR = 1 << 17,    /* the reply is an rcode of EDNS, and no data */
	QUERY_WILDCARD = 1 << 10, /* the name that `entry` answers for is synthesised */
	QUERY_DNAME = 1 << 12,    /* the reply holds a DNAME and what was synthesised from it */
	QUERY_SIGNED = 1 << 13,   /* DO, and the zone is signed: signatures and proofs belong in */
	QUERY_NSEC3 = 1 << 14,    /* and its denials are NSEC3 */
	QUERY_PROOF = 1 << 15,    /* proofs are to be placed before additional records */
	QUERY_OVER = 1 << 18,     /* with QUERY_SIGNED: what was placed doesn't fit */
	/* what the settings say of the local server, at the same bits: SETTINGS_OF_QUERY */
	QUERY_DS_PASS = 1 << 20,
	QUERY_DS_PLAIN = 1 << 21,
	QUERY_NESTED_PASS = 1 << 22,
	QUERY_ROTATE = 1 << 23,
	QUERY_CUTS = QUERY_DS_PASS | QUERY_DS_PLAIN | QUERY_NESTED_PASS,
	QUERY_FADE = 1 << 24,  /* the negative answer's SOA has TTL 0 */
	QUERY_CHAOS = 1 << 25, /* the answer is placed[0] in synth[], and nothing else */
	/* what is left to do when all that the image holds is written */
	QUERY_FINISH = QUERY_ROTATE | QUERY_FADE | QUERY_CHAOS,
};

/* A fragment with its place in the reply. */
struct placed {
	u32 offset;       /* of the object that holds it; 0: synth[] does */
	u32 rel;          /* the fragment in that object, bytes; or its bytes in synth[] */
	u16 at;           /* where its bytes go in the message */
	u16 length;       /* how many */
	u16 shift[BASES]; /* what to add to its pointers */
	u16 moved;        /* not 0: some shift isn't */
};

/* Nothing is followed: proofs are to be placed. */
#define CHAIN_PROOFS 2u

struct query {
	/* parse_headers, parse_lease */
	u64 now;  /* ns, monotonic, coarse */
	u64 tick; /* the host's: when it last looked at the clock. Kept between packets */
	u32 flags;
	u16 ip_at;
	u16 udp_at;
	u16 dns_at;
	u16 dns_length;
	u16 mtu;
	u16 max_udp_size;
	u16 copy_flags;
	u32 sample_mask;
	u16 iface; /* place in settings.ifaces */

	/* parse_message */
	u16 dns_flags; /* host order */
	u16 qtype;
	u16 additional;    /* not 0: one record behind the question */
	u16 limit;         /* DNS bytes that a reply may have, but for its OPT */
	u16 name_length;   /* of the question's name, with the root label */
	u32 question_type; /* QTYPE and QCLASS as they stand in the packet */

	/* question_sum */
	u64 question_sum;

	/* find: the name that is being looked up; a CNAME's target replaces the question's */
	u64 zone_hint;   /* the last query's zone, and above it the header's zones_gone then */
	u32 hint_labels; /* of that zone's apex */
	u32 name_labels; /* in the name, down to the zone's apex after find_zone */
	u32 key_length;  /* bytes of name[] that lie below the apex */
	u32 apex_at;     /* where the apex stands in the message */
	u32 owner_at;    /* where the name stands in the message */
	u32 hops;
	u32 candidate; /* label where an apex may begin */
	u32 key_at;    /* what is searched for in name[]: from here */
	u32 key_end;   /* to here */
	u64 hash;
	u32 zone;  /* what the objects of the index in use carry */
	u32 found; /* offset; 0 = nothing */
	u32 entry; /* exact match, or the closest encloser */
	u32 exact;
	/*
	 * Not exact: the label with which the closest encloser begins, `name_labels` if that is the
	 * apex; the next closer name (RFC 5155 section 1.3) begins one label before. The encloser's
	 * entry stays here when `entry` becomes its wildcard's.
	 */
	u32 closer;
	u32 encloser;
	u64 seed;
	u32 number;
	u32 apex;
	u32 negative;
	u32 apex_length;
	u32 max_labels;

	/* select: what was placed so far */
	u32 rcode;
	u32 placed_count;
	u32 group_next; /* where the next fragment of a group begins; 0 = that was the last */
	u32 chain;      /* 1: a CNAME is being followed; or CHAIN_PROOFS */
	u32 size;       /* of the reply, DNS bytes */
	u64 counts;     /* of records: 16 bits each for answer, authority, additional */
	u64 sum;        /* of the fragments */
	u32 synth_used; /* with QUERY_DNAME */

	struct placed placed[PLACED_MAX];

	u8 label[LABELS_MAX];      /* where label i begins in name[] */
	u8 name_front[NAME_BLOCK]; /* read with the first octets of name[], and masked */
	u8 name[256 +
		32]; /* if QUERY_NAMED, as asked or as an alias has it; behind it is anything */

	/* edns: what the reply's OPT holds, and what is read of the query's */
	u64 client[2];   /* source address of a cookie's query, as it stands in the packet */
	u32 options_sum; /* as if at an even place */
	u16 options_length;
	u16 error;       /* rcode, if QUERY_ERROR */
	u16 option_at;   /* the next option of the query, in the frame */
	u16 option_left; /* octets from there on */
	u16 cookie_at;
	u16 cookie_length;
	u32 asked;
	u8 options_front[8]; /* read with short options[], and overwritten in the packet */
	u8 options[128];

	u8 next_hop[16];           /* reply: fib: target and source MAC address of the reply */
	u8 synth[SYNTH_ROOM + 16]; /* records that the image doesn't hold (RFC 6672) */

	/* denial.h, seek.h, nsec3.h: only with QUERY_SIGNED */
	u32 proof;      /* enum proof, of the name that is being looked up */
	u32 version;    /* offset */
	u32 denial;     /* root node */
	u32 node;       /* on the way down the tree; then the denial */
	u32 node_level; /* of the node before */
	u32 beyond; /* the key is before all keys: the last denial, which ends the circle, is its */
	u32 above;  /* it is behind all keys of a node, but goes on below the last */
	u32 low, pick; /* items of a node */
	u32 referral;  /* entry: its DS is the proof */
	u32 proof_count;
	u32 proofs[PROOFS_MAX]; /* denials, each once */
	u32 spare;              /* octets that a server may need less */
	u32 answers;            /* placed_survey */
	u32 glue;
	u32 key_size;
	u32 sha1[5];
	u64 pairs[40];
	u8 key[KEY_ROOM + 128]; /* sixteen zeros behind it */

	/* what is left of a group, to be placed behind the proofs; rest_next = 0: nothing */
	u32 rest_next;
	u32 rest_offset;
	u32 rest_rendered;
	u32 rest_group;
	u32 rest_owner_at;
};

/*
 * A reason to pass, made where it is returned. clang would put it into a register ahead of each
 * check, in the way of packets that don't pass: a tenth of a hit's instructions.
 */
INLINE int pass(int reason)
{
	OPAQUE(reason);
	return reason;
}

#endif
