/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * What the settings say of the server behind us: where servers differ, its way is ours
 * (docs/internals/servers.md). Off the hot path, which knows only what a query's flags carry.
 */
#ifndef ANODE_ANSWER_SERVER_H
#define ANODE_ANSWER_SERVER_H

#include "query.h"
#include "packet.h"

/* Of struct settings; all of them set where there are none: then everything passes. */
INLINE u32 server_flags(PACKET *p)
{
	const struct settings *s = settings_get(p);

	return s ? s->flags : ~0u;
}

/*
 * May the odd type be answered at all? ANY's empty answer with TC is decided here: it is the same
 * for every name of a zone.
 */
STEP int type_read(PACKET *p, struct query *q)
{
	u32 flags = server_flags(p);

	if (!q)
		return REASON_INTERNAL;
	if (q->qtype == TYPE_NSEC3PARAM)
		return flags & SETTINGS_PARAM_PASS ? REASON_SERVER : STEP_NEXT;
	if (q->qtype != TYPE_ANY || !(flags & (SETTINGS_ANY_TC | SETTINGS_ANY_LOWEST)))
		return REASON_QTYPE;
	if (flags & SETTINGS_ANY_TC) {
		q->flags |= QUERY_ERROR;
		q->error = RCODE_NOERROR;
	}
	return STEP_NEXT;
}

#endif
