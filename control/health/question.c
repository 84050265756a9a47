/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One DNS question and what comes back for it.
 */
#include "control/health/question.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

/* Longest text of one record's data that is searched. */
#define RDATA_TEXT 4096

int question_build(struct question_wire *query, const char *name, uint16_t qtype)
{
	knot_dname_t *qname = knot_dname_from_str_alloc(name);
	knot_pkt_t *packet = NULL;
	int r = -EINVAL;

	if (!qname)
		return -EINVAL;
	packet = knot_pkt_new(query->bytes, sizeof query->bytes, NULL);
	if (!packet) {
		r = -ENOMEM;
		goto out;
	}
	/* libknot takes the header as it finds it. */
	memset(query->bytes, 0, KNOT_WIRE_HEADER_SIZE);
	if (knot_pkt_put_question(packet, qname, KNOT_CLASS_IN, qtype) != KNOT_EOK)
		goto out;
	query->len = packet->size;
	r = 0;
out:
	knot_pkt_free(packet);
	knot_dname_free(qname, NULL);
	return r;
}

int question_type(const char *text, uint16_t *qtype)
{
	return knot_rrtype_from_string(text, qtype) == 0 ? 0 : -EINVAL;
}

void question_type_text(uint16_t qtype, char text[16])
{
	if (knot_rrtype_to_string(qtype, text, 16) < 0)
		snprintf(text, 16, "TYPE%u", qtype);
}

void question_set_id(struct question_wire *query, uint16_t id)
{
	knot_wire_set_id(query->bytes, id);
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* The same question in any case (RFC 4343). Length bytes are below 'A'. */
static bool same_question(const struct question_wire *query, const uint8_t *reply, size_t len)
{
	if (len < query->len)
		return false;
	for (size_t i = KNOT_WIRE_HEADER_SIZE; i < query->len; i++)
		if (lower(query->bytes[i]) != lower(reply[i]))
			return false;
	return true;
}

static bool is_reply(const struct question_wire *query, const uint8_t *reply, size_t len)
{
	if (len < KNOT_WIRE_HEADER_SIZE || !knot_wire_get_qr(reply) ||
		knot_wire_get_opcode(reply) != KNOT_OPCODE_QUERY ||
		knot_wire_get_id(reply) != knot_wire_get_id(query->bytes))
		return false;
	/* A server that could not read the question doesn't repeat it. */
	if (knot_wire_get_qdcount(reply) == 0)
		return knot_wire_get_rcode(reply) != KNOT_RCODE_NOERROR;
	return knot_wire_get_qdcount(reply) == 1 && same_question(query, reply, len);
}

static bool contains(const knot_rrset_t *rrset, const char *wanted)
{
	char text[RDATA_TEXT];

	for (uint16_t i = 0; i < rrset->rrs.count; i++)
		if (knot_rrset_txt_dump_data(
			    rrset, i, text, sizeof text, &KNOT_DUMP_STYLE_DEFAULT) >= 0 &&
			strcasestr(text, wanted))
			return true;
	return false;
}

/*
 * The serial, first of the five numbers at the end of a SOA (RFC 1035 section 3.3.13). libknot
 * takes RDATA that is too short for them.
 */
static void read_serial(const knot_rdata_t *rdata, struct question_answer *answer)
{
	const size_t names_min = 2, numbers = 20;

	if (rdata->len < names_min + numbers)
		return;
	answer->has_serial = true;
	answer->serial = knot_wire_read_u32(rdata->data + rdata->len - numbers);
}

/* Records of the type asked for in the answer section. */
static void read_records(const knot_pkt_t *packet, const struct question_expect *expect,
	struct question_answer *answer, bool *found, bool *held)
{
	const knot_pktsection_t *section = knot_pkt_section(packet, KNOT_ANSWER);

	for (uint16_t i = 0; i < section->count; i++) {
		const knot_rrset_t *rrset = knot_pkt_rr(section, i);

		if (rrset->type == KNOT_RRTYPE_SOA && rrset->rrs.count > 0)
			read_serial(rrset->rrs.rdata, answer);
		if (rrset->type != knot_pkt_qtype(packet))
			continue;
		*found = true;
		if (expect->rdata_contains && contains(rrset, expect->rdata_contains))
			*held = true;
	}
}

static const char *rcode_name(int rcode, char text[16])
{
	const knot_lookup_t *name = knot_lookup_by_id(knot_rcode_names, rcode);

	snprintf(text, 16, "%s", name ? name->name : "");
	if (!name)
		snprintf(text, 16, "rcode %d", rcode);
	return text;
}

/* The first thing that isn't as expected. */
static void judge(
	const struct question_expect *expect, struct question_answer *answer, bool found, bool held)
{
	char text[16];

	if (expect->rcode >= 0 && answer->rcode != expect->rcode)
		snprintf(answer->detail, sizeof answer->detail, "answered %s",
			rcode_name(answer->rcode, text));
	else if (expect->authoritative && !answer->authoritative)
		snprintf(answer->detail, sizeof answer->detail, "answered without authority (AA)");
	else if (answer->truncated)
		answer->expected = true; /* what is missing can't be judged */
	else if (expect->answered && !found)
		snprintf(answer->detail, sizeof answer->detail,
			"answered without a record of the type");
	else if (expect->rdata_contains && !held)
		snprintf(answer->detail, sizeof answer->detail, "no record holds \"%.64s\"",
			expect->rdata_contains);
	else
		answer->expected = true;
}

int question_read(const struct question_wire *query, const uint8_t *reply, size_t len,
	const struct question_expect *expect, struct question_answer *answer)
{
	bool found = false, held = false;
	knot_pkt_t *packet;
	uint8_t *copy;

	memset(answer, 0, sizeof *answer);
	if (len > UINT16_MAX || !is_reply(query, reply, len))
		return -EBADMSG;
	answer->rcode = knot_wire_get_rcode(reply);
	answer->authoritative = knot_wire_get_aa(reply);
	answer->truncated = knot_wire_get_tc(reply);
	/* libknot may write into what it parses. */
	copy = malloc(len);
	packet = copy ? knot_pkt_new(memcpy(copy, reply, len), (uint16_t)len, NULL) : NULL;
	if (!packet) {
		snprintf(answer->detail, sizeof answer->detail, "out of memory");
	} else if (knot_wire_get_qdcount(reply) == 1 && knot_pkt_parse(packet, 0) != KNOT_EOK &&
		   !answer->truncated) {
		snprintf(answer->detail, sizeof answer->detail, "the answer is malformed");
	} else {
		if (knot_wire_get_qdcount(reply) == 1)
			read_records(packet, expect, answer, &found, &held);
		judge(expect, answer, found, held);
	}
	knot_pkt_free(packet);
	free(copy);
	return 0;
}
