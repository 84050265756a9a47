/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a DNS message (RFC 1035 4), record by record, expanding compressed names.
 *
 * In: the octets of one message, hostile. Out: header, question, records. No I/O, no allocation.
 * libknot's own reader isn't used here because it refuses records that servers do transfer: RDATA
 * of length 0, and compressed names in MB, MD, MF, MG and MR.
 */
#ifndef ANODE_ZONE_MESSAGE_H
#define ANODE_ZONE_MESSAGE_H

#include "control/zone/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEADER_SIZE 12
#define MESSAGE_MAX_SIZE    65535

enum message_section { MESSAGE_ANSWER, MESSAGE_AUTHORITY, MESSAGE_ADDITIONAL, MESSAGE_END };

enum dns_rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_NOTAUTH = 9,
};

struct message {
	const uint8_t *wire;
	size_t size;
	size_t at;        /* of the next record */
	uint16_t left[3]; /* records still to read, by section */
	uint16_t id;
	uint8_t opcode, rcode; /* rcode without EDNS's upper bits */
	bool response, authoritative, truncated;
	bool has_question;
	uint16_t question_type, question_class;
	uint8_t question[NAME_MAX_SIZE]; /* folded */
};

/* Where a record stands. */
struct message_place {
	enum message_section section;
	uint16_t type;
	size_t at; /* offset in the message */
};

/* One record, names expanded, numbers in host order. Lives in the caller's storage: 'rdata'
 * points into 'expanded' or, when nothing had to be expanded, into the message. */
struct message_record {
	enum message_section section;
	const uint8_t *rdata;
	uint32_t ttl;
	uint16_t type, class;
	uint16_t owner_size, rdata_size;
	uint8_t owner[NAME_MAX_SIZE]; /* case kept */
	uint8_t expanded[MESSAGE_MAX_SIZE];
};

/* Reads header and question. 0 or -EBADMSG: too short, more than one question, broken name. */
int message_open(struct message *message, const uint8_t *wire, size_t size);

/* Steps to the next record. 1 with 'record' filled, 0 behind the last, -EBADMSG. */
int message_next(struct message *message, struct message_record *record);

/* As message_next(), but only section, type and place are read: no name is expanded, no RDATA is
 * looked at. */
int message_skip(struct message *message, struct message_place *place);

/* The data of the first option of that code in an OPT record's RDATA (RFC 6891 6.1.2), its length
 * in *length; NULL: none. */
const uint8_t *message_option(const uint8_t *rdata, size_t size, uint16_t code, size_t *length);

/* Expands the name at offset 'at' of the message into 'name'. The octets before its first pointer
 * (that one included) must end by 'limit'. Pointers only lead back (RFC 1035 4.1.4), so that it
 * ends. '*size' is the expanded length. Returns the offset behind the name or -EBADMSG. */
int message_name(
	const uint8_t *wire, size_t at, size_t limit, uint8_t name[NAME_MAX_SIZE], size_t *size);

#endif
