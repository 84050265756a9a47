/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * What a query's OPT holds besides a size and DO: another version, options (RFC 6891).
 *
 * In: the OPT's place, and the settings, which say what the local server does with each. Out: what
 * the reply's OPT holds, rendered, with its sum; or an rcode instead of data. An option that
 * servers treat differently passes, and so does a list that isn't well-formed. Off the hot path: a
 * query without options never comes here.
 */
#ifndef ANODE_ANSWER_EDNS_H
#define ANODE_ANSWER_EDNS_H

#include "sum.h"
#include "packet.h"
#include "cookie.h"

#define OPTION_HEAD 4u /* code and length */

/* RFC 5001, 7871, 7873, 8145, 8914, 9660 */
enum {
	OPTION_NSID = 3,
	OPTION_SUBNET = 8,
	OPTION_COOKIE = 10,
	OPTION_KEY_TAG = 14,
	OPTION_ERROR = 15,
	OPTION_ZONEVERSION = 19,
};

/* DAU, DHU, N3U, keepalive over UDP, padding, chain, and two that were never more than drafts:
 * ignored by every server, whatever they hold */
#define OPTIONS_IGNORED                                                                            \
	(1u << 0 | 1u << 2 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 11 | 1u << 12 | 1u << 13)

enum { ASKED_NSID = 1, ASKED_COOKIE = 2 };

/* An option that NSD, Knot, BIND and PowerDNS all ignore. BIND looks at some of their lengths. */
INLINE int option_ignored(u32 code, u32 length)
{
	if (code == OPTION_KEY_TAG)
		return length && !(length & 1);
	if (code == OPTION_ERROR)
		return length >= 2;
	if (code > 17)
		return code != OPTION_ZONEVERSION;
	return OPTIONS_IGNORED >> (code & 31) & 1;
}

/* Another version: BADVERS (RFC 6891 section 6.1.3). With options or CD servers say it differently.
 */
INLINE int edns_version(struct query *q, const struct settings *s, u32 left)
{
	if (s->edns.version != EDNS_ANSWER || left != OPT_SIZE || q->dns_flags & DNS_CD)
		return REASON_EDNS_VERSION;
	if (!s->edns.version_do)
		q->flags &= ~QUERY_DO;
	q->flags |= QUERY_OPTIONS | QUERY_ERROR;
	q->error = RCODE_BADVERS;
	return STEP_NEXT;
}

/* One option. asked, cookie_at: what it asks for. */
INLINE int option_read(struct query *q, const struct settings *s, u32 code, u32 length)
{
	u32 action = EDNS_PASS, bit = 0;

	if (code == OPTION_NSID) {
		action = s->edns.nsid;
		bit = ASKED_NSID;
	} else if (code == OPTION_SUBNET) {
		if (s->edns.subnet == EDNS_IGNORE && length >= OPTION_HEAD)
			action = EDNS_IGNORE;
	} else if (code == OPTION_COOKIE) {
		/* a malformed one is FORMERR, in different words */
		if (!cookie_well_formed(length))
			return REASON_EDNS_OPTION;
		action = s->edns.cookie;
		bit = ASKED_COOKIE;
		q->cookie_at = q->option_at;
		q->cookie_length = length;
	} else if (option_ignored(code, length)) {
		action = EDNS_IGNORE;
	}
	/* of two cookies one server takes the first, another the last; NSD 4.6 makes a malformed
	 * OPT for two NSID */
	if (action == EDNS_PASS || q->asked & bit)
		return REASON_EDNS_OPTION;
	if (action != EDNS_IGNORE)
		q->asked |= bit;
	return STEP_NEXT;
}

/* NSID, then the cookie: the order of all servers that know both. */
INLINE int options_render(PACKET *p, struct query *q, const struct settings *s)
{
	q->options_length = 0;
	q->options_sum = 0;
	if (!q->asked)
		return STEP_NEXT;
	q->flags |= QUERY_OPTIONS;
	if (q->asked & ASKED_NSID) {
		for (u32 i = 0; i < sizeof(s->edns.nsid_option); i += 8)
			word_store64(q->options + i, word_load64(s->edns.nsid_option + i));
		q->options_length = s->edns.nsid_length;
		q->options_sum = s->edns.nsid_sum;
	}
	return q->asked & ASKED_COOKIE ? cookie_answer(p, q) : STEP_NEXT;
}

/* The OPT at `at` of the frame, `left` octets long, which is all that is left of the message. */
STEP int edns_read(PACKET *p, struct query *q, u32 at, u32 left)
{
	const struct settings *s = settings_get(p);
	const u8 *opt = packet_view(p, at, OPT_SIZE);

	if (!q || !s || !opt || left < OPT_SIZE || left > MESSAGE_MAX)
		return REASON_INTERNAL;
	/* whatever is added fits beside the longest question */
	if (q->mtu < 512u + (q->dns_at - q->ip_at))
		return REASON_ROOM;
	q->options_length = 0;
	if (opt[6] != 0)
		return edns_version(q, s, left);
	q->asked = 0;
	q->option_at = at + OPT_SIZE;
	q->option_left = left - OPT_SIZE;
	for (u32 i = 0; i <= OPTIONS_MAX; i++) {
		const u8 *head;
		u32 length;
		int reason;

		FORGET(q);
		if (!q->option_left)
			return options_render(p, q, s);
		if (i == OPTIONS_MAX)
			break;
		head = packet_view(p, q->option_at, OPTION_HEAD);
		if (!head || q->option_left < OPTION_HEAD)
			return REASON_OPT;
		length = be16_get((be16){word_load16(head + 2)});
		if (length > q->option_left - OPTION_HEAD)
			return REASON_OPT;
		reason = option_read(q, s, be16_get((be16){word_load16(head)}), length);
		if (reason)
			return reason;
		q->option_at += OPTION_HEAD + length;
		q->option_left -= OPTION_HEAD + length;
	}
	return REASON_EDNS_OPTION;
}

#endif
