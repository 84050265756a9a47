/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The answering core: one query packet in, its reply or a reason out.
 *
 * Include a host header first (docs/internals/host.md): it says how a step is compiled and what a
 * packet is. This file is the packet flow in one place; a host that works on bursts calls the same
 * steps stage by stage.
 *
 *     parse ─▶ find ─▶ write ─▶ reply          anything unusual ─▶ pass, as it came
 */
#ifndef ANODE_ANSWER_ANSWER_H
#define ANODE_ANSWER_ANSWER_H

#include "../shared/settings.h"
#include "../shared/counters.h"
#include "parse.h"
#include "chaos.h"
#include "find.h"
#include "select.h"
#include "write.h"
#include "reply.h"

enum action { ACTION_PASS, ACTION_REPLY, ACTION_DROP };

/* What is the answer? */
INLINE int answer_find(PACKET *p, struct query *q)
{
	int reason;

	if ((reason = find_zone(p, q)))
		return reason;
	return select_answer(p, q);
}

/* Say it. */
INLINE int answer_reply(PACKET *p, struct query *q)
{
	int reason;

	if (q->flags & QUERY_FIB && (reason = packet_route(p, q)))
		return reason;
	if ((reason = answer_write(p, q)))
		return reason;
	return reply_write(p, q);
}

INLINE int answer_steps(PACKET *p, struct query *q)
{
	int reason;

	reason = parse_query(p, q);
	if (!reason)
		reason = answer_find(p, q);
	else if (reason == REASON_QCLASS)
		reason = chaos_find(p, q);
	return reason ? reason : answer_reply(p, q);
}

/* One packet. A packet that was changed and can't be finished is dropped, counted as `internal` or
 * `image`. */
INLINE enum action answer_packet(PACKET *p, struct query *q)
{
	int reason = answer_steps(p, q);

	account(p, q, reason);
	if (!reason)
		return ACTION_REPLY;
	return q->flags & QUERY_TOUCHED ? ACTION_DROP : ACTION_PASS;
}

#endif
