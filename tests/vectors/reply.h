/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reply's frame, judged against its query's: all that must be true whatever was asked.
 *
 * MAC and IP addresses and ports turned round, VLAN tags kept, fixed IP fields
 * (docs/internals/host.md), both checksums, every length, ID, the question byte for byte, QR; and
 * the message as message.h reads it.
 */
#ifndef ANODE_TESTS_REPLY_H
#define ANODE_TESTS_REPLY_H

#include "message.h"

struct reply_frame {
	const uint8_t *octets;
	size_t size;
};

struct reply {
	struct message message;
	size_t dns;      /* where the message begins in the frame */
	size_t dns_size; /* octets */
	bool ipv6;
};

/* `routed`: the MAC addresses aren't the query's. False, with a line for each fault, if the reply
 * is wrong. Free it in either case. */
bool reply_read(struct reply *reply, const struct reply_frame *query,
	const struct reply_frame *frame, bool routed, FILE *to);
void reply_free(struct reply *reply);

#endif
