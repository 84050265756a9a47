/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two replies to one question: in what do they differ?
 *
 * What is free stays out of it: the order of records, compression, the case of names, and what a
 * truncated reply still holds. Additional records are *required* where a referral needs them (glue
 * inside the delegated zone, RFC 9471) and *optional* elsewhere.
 */
#ifndef ANODE_TESTS_COMPARE_H
#define ANODE_TESTS_COMPARE_H

#include "message.h"

#define COMPARE_TEXT 400

enum compare_part {
	COMPARE_RCODE = 1 << 0,
	COMPARE_FLAGS = 1 << 1,
	COMPARE_ANSWER = 1 << 2,
	COMPARE_AUTHORITY = 1 << 3,
	COMPARE_GLUE = 1 << 4,
	COMPARE_OPTIONAL = 1 << 5, /* of the additional section */
	COMPARE_EDNS = 1 << 6,
	COMPARE_NONE = 1 << 7, /* no reply, or none that can be read */
};
/* What a client may rely on. */
#define COMPARE_HARD (~(unsigned)COMPARE_OPTIONAL)

/* Either may be NULL: there is no reply. Returns enum compare_part; `text` says how `other` differs
 * from `base`, the same words for the same kind of difference. */
unsigned message_compare(
	const struct message *base, const struct message *other, char text[COMPARE_TEXT]);

/* The records that only one of them has, a line each. */
void message_differences_print(const struct message *base, const struct message *other, FILE *to);

/* One line: rcode, flags, counts. */
void message_summary_print(const struct message *message, FILE *to);

#endif
