/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * From a closest encloser to its wildcard (RFC 4592): the source of synthesis of a name that isn't
 * there.
 *
 * In: the encloser's entry, which says that it has a child "*". What exists blocks a wildcard by
 * itself: a name, an empty non-terminal or a cut between would have been the closest encloser. Out:
 * the wildcard's entry in the encloser's place and its answer, owned by the name that was asked
 * for; QUERY_WILDCARD, and the encloser beside it. A delegation at a wildcard passes (RFC 4592
 * section 4.2 leaves open what it means).
 *
 * Part of select.h.
 */
#ifndef ANODE_ANSWER_WILDCARD_H
#define ANODE_ANSWER_WILDCARD_H

/* found = the entry of "*" below the closest encloser. The label takes the place of two octets of
 * the name for as long as that. */
INLINE int wildcard_probe(PACKET *p, struct query *q, enum name_in in)
{
	u32 at;
	u16 octets;
	int reason;

	at = encloser_place(q);
	if (at < 2)
		return REASON_INTERNAL;
	at -= 2;
	octets = word_load16(name_place(q, at));
	word_store16(name_place(q, at), 1 | '*' << 8);
	reason = in == NAME_IN_QUERY ? entry_probe(p, q, at)
				     : entry_probe_in(p, q, NAME_IN_QUERY, at);
	word_store16(name_place(q, at), octets);
	return reason;
}

/* NAME_IN_PACKET: nothing is signed, and what this needs is no step of its own. */
INLINE int wildcard_answer(PACKET *p, struct query *q, enum name_in in)
{
	const struct image_entry *e;
	u32 type;
	int reason;

	reason = name_take(p, q);
	if (!reason)
		reason = wildcard_probe(p, q, in);
	if (reason)
		return reason;
	e = image_at(p, q->found, 0);
	if (!q->found || !e)
		return REASON_IMAGE;
	q->flags |= QUERY_WILDCARD;
	q->encloser = q->entry;
	q->entry = q->found;
	type = q->qtype;
	if (e->flags & ENTRY_PASS)
		return REASON_ENTRY_PASS;
	if (e->flags & ENTRY_CUT)
		return REASON_WILDCARD;
	/* no wildcard covers what is an owner of NSEC3 records, NSD says; others say it does */
	if (q->closer == q->name_labels) {
		reason = owner_probe(p, q);
		if (reason || q->found)
			return reason ? reason : REASON_WILDCARD;
		e = image_at(p, q->entry, 0);
		if (!e)
			return REASON_IMAGE;
	}
	if (e->flags & ENTRY_CNAME && type == TYPE_CNAME &&
		server_flags(p) & SETTINGS_STAR_CNAME_PASS)
		return REASON_SERVER;
	if (e->flags & ENTRY_CNAME && type != TYPE_CNAME) {
		if (q->hops >= CHAIN_MAX)
			return REASON_CHAIN;
		type = TYPE_CNAME;
		q->chain = 1;
	}
	return entry_answer(p, q, in, e, type);
}

/* Along a chain, or signed. */
STEP int wildcard_select(PACKET *p, struct query *q)
{
	return q ? wildcard_answer(p, q, NAME_IN_QUERY) : REASON_INTERNAL;
}

/* Off the hot path, in one call. */
STEP int wildcard_select_plain(PACKET *p, struct query *q)
{
	return q ? wildcard_answer(p, q, NAME_IN_PACKET) : REASON_INTERNAL;
}

#endif
