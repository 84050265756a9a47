/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One DNS question and what comes back for it: a name and a type in, a query's
 * bytes out; a reply's bytes in, what it says out. No I/O. The only file of
 * this folder that knows libknot.
 */
#ifndef ANODE_HEALTH_QUESTION_H
#define ANODE_HEALTH_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header, name and question of a query without EDNS (RFC 1035 4.1). */
#define QUESTION_MAX (12 + 255 + 4)

struct question_wire {
	uint8_t bytes[QUESTION_MAX];
	size_t len;
};

/* What an answer has to be, beyond being one. */
struct question_expect {
	int rcode;                  /* -1 = any */
	bool authoritative;         /* AA set */
	bool answered;              /* a record of the type asked for is there */
	const char *rdata_contains; /* text within one of those, case ignored; NULL = any */
};

struct question_answer {
	int rcode; /* without EDNS: 0..15 */
	bool authoritative, truncated;
	bool expected; /* as question_expect says */
	bool has_serial;
	uint32_t serial;  /* of a SOA in the answer; host byte order */
	char detail[128]; /* what isn't as expected; "" when it is */
};

/* A query with RD clear and ID 0. name: presentation format, absolute or not
 * (the root is added). -EINVAL: not a name. */
int question_build(struct question_wire *query, const char *name, uint16_t qtype);

/* "SOA" -> 6, "TYPE65280" too. -EINVAL. */
int question_type(const char *text, uint16_t *qtype);
/* 6 -> "SOA" */
void question_type_text(uint16_t qtype, char text[16]);

/* The ID, which the caller makes unpredictable. Any byte order: it is echoed. */
void question_set_id(struct question_wire *query, uint16_t id);

/* Reads a reply. 0: it is a reply to this query (a broken rest is a detail, not
 * an error). -EBADMSG: it isn't one: another ID, another question, a query. An
 * answer truncated is still an answer: content that may be missing is then
 * taken as expected. */
int question_read(const struct question_wire *query, const uint8_t *reply, size_t len,
	const struct question_expect *expect, struct question_answer *answer);

#endif
