/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A strict reader of DNS replies: it accepts only what a careful server sends.
 *
 * In: the octets of a message. Out: header, question, sections with all names written out, OPT; or
 * what is wrong. It shares no code with the core, which it judges.
 */
#ifndef ANODE_TESTS_MESSAGE_H
#define ANODE_TESTS_MESSAGE_H

#include "record.h"

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL, SECTIONS };

#define MESSAGE_OPTIONS_MAX 512

extern const char *const section_names[SECTIONS];

/* Numbers in host order. */
struct message {
	uint16_t id;
	uint16_t flags;     /* with opcode and rcode */
	uint8_t qname[255]; /* as it came */
	uint8_t qname_size;
	uint16_t qtype;
	uint16_t qclass;
	struct records sections[SECTIONS]; /* sorted, without OPT */
	bool opt;
	uint16_t opt_size;                        /* requestor's payload size */
	uint32_t opt_ttl;                         /* extended rcode, version, flags */
	uint16_t opt_octets;                      /* of options */
	uint8_t opt_options[MESSAGE_OPTIONS_MAX]; /* the first of these */
};

/*
 * 0, or -EBADMSG with the fault in `error`: a count that isn't met, octets left over, a name too
 * long, a pointer that points forwards, into something else than a name, or where a name must not
 * be compressed; a second OPT, an OPT that isn't last or not in the additional section; RDATA that
 * doesn't fit its type. Free it in either case.
 */
int message_read(struct message *message, const uint8_t *octets, size_t size, char *error,
	size_t error_size);
void message_free(struct message *message);

#endif
