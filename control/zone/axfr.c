/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/axfr.h"

#include "control/zone/message.h"
#include "control/zone/tsig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct axfr {
	struct zone_builder *builder;
	struct tsig *tsig; /* NULL: unsigned */
	uint64_t messages;
	uint16_t id;
	bool begun; /* the first SOA came */
	bool ended; /* the final one */
	uint8_t origin_size;
	uint8_t origin[NAME_MAX_SIZE]; /* folded */
	uint16_t soa_size;
	uint8_t soa[2 * NAME_MAX_SIZE + 20]; /* RDATA of the first */
	struct message message;              /* being read */
	struct message_record record;
};

int axfr_new(
	struct axfr **out, const uint8_t *origin, struct key *key, const struct zone_limits *limits)
{
	struct axfr *axfr = malloc(sizeof(*axfr));

	if (!axfr)
		return -ENOMEM;
	axfr->builder = NULL;
	axfr->tsig = NULL;
	axfr->messages = 0;
	axfr->id = dns_random_id();
	axfr->begun = axfr->ended = false;
	axfr->origin_size = (uint8_t)name_size(origin);
	name_fold(axfr->origin, origin, axfr->origin_size);
	if ((key && tsig_new(&axfr->tsig, key)) ||
		zone_builder_new(&axfr->builder, origin, limits)) {
		axfr_free(axfr);
		return -ENOMEM;
	}
	*out = axfr;
	return 0;
}

void axfr_free(struct axfr *axfr)
{
	if (!axfr)
		return;
	tsig_free(axfr->tsig);
	zone_builder_free(axfr->builder);
	free(axfr);
}

uint64_t axfr_messages(const struct axfr *axfr)
{
	return axfr->messages;
}

uint64_t axfr_memory(const struct axfr *axfr)
{
	return zone_builder_memory(axfr->builder);
}

int axfr_query(struct axfr *axfr, uint8_t wire[DNS_QUERY_MAX_SIZE])
{
	return dns_query_write(wire, axfr->id, axfr->origin, RR_AXFR, 0, axfr->tsig);
}

/* Header and question (RFC 5936 2.2). Later messages may leave the question out. AA isn't looked
 * at: it must be set there (2.2.1), but Knot 3.2 doesn't; the SOA poll asks who is authoritative.
 */
static int header_check(struct axfr *axfr, struct zone_fault *fault)
{
	const struct message *message = &axfr->message;

	if (message->id != axfr->id || !message->response || message->opcode != 0)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
			"message %" PRIu64 " isn't an answer to our query", axfr->messages);
	if (message->has_question &&
		(message->question_type != RR_AXFR || message->question_class != RR_CLASS_IN ||
			!name_equal(message->question, axfr->origin)))
		return zone_fault_set(fault, ZONE_FAULT_WRONG_ZONE,
			"message %" PRIu64 " answers another question", axfr->messages);
	if (message->rcode)
		return dns_rcode_fault(fault, message->rcode);
	if (message->truncated)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
			"message %" PRIu64 " is truncated", axfr->messages);
	return 0;
}

/* The first record of a transfer and the last: the zone's SOA, the same twice. */
static int soa_take(struct axfr *axfr, bool at_apex, struct zone_fault *fault)
{
	const struct message_record *record = &axfr->record;

	if (!axfr->begun) {
		if (record->type != RR_SOA)
			return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
				"the transfer doesn't begin with the SOA record");
		if (!at_apex)
			return zone_fault_set(
				fault, ZONE_FAULT_WRONG_ZONE, "the server sent another zone");
		if (record->rdata_size > sizeof(axfr->soa))
			return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "malformed SOA record");
		memcpy(axfr->soa, record->rdata, record->rdata_size);
		axfr->soa_size = record->rdata_size;
		axfr->begun = true;
		return 0;
	}
	if (record->rdata_size != axfr->soa_size ||
		memcmp(record->rdata, axfr->soa, axfr->soa_size) != 0)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
			"the final SOA isn't the first: the zone changed during the transfer");
	axfr->ended = true;
	return 0;
}

static int builder_fault(struct axfr *axfr, int error, struct zone_fault *fault)
{
	enum zone_fault_kind kind = error == -EFBIG    ? ZONE_FAULT_TOO_LARGE
				    : error == -ENOMEM ? ZONE_FAULT_SYSTEM
						       : ZONE_FAULT_INVALID_ZONE;

	return zone_fault_set(fault, kind, "%.250s", zone_builder_reason(axfr->builder));
}

static int record_take(struct axfr *axfr, struct zone_fault *fault)
{
	const struct message_record *record = &axfr->record;
	uint8_t owner[NAME_MAX_SIZE];
	bool at_apex = record->owner_size == axfr->origin_size;

	if (axfr->ended)
		return zone_fault_set(
			fault, ZONE_FAULT_MALFORMED, "records follow the final SOA record");
	if (at_apex) {
		name_fold(owner, record->owner, record->owner_size);
		at_apex = !memcmp(owner, axfr->origin, axfr->origin_size);
	}
	if (!axfr->begun || (record->type == RR_SOA && at_apex)) {
		int error = soa_take(axfr, at_apex, fault);

		if (error || axfr->ended)
			return error;
	}
	struct zone_record added = {
		.owner = record->owner,
		.owner_size = record->owner_size,
		.type = record->type,
		.class = record->class,
		.ttl = record->ttl,
		.rdata = record->rdata,
		.rdata_size = record->rdata_size,
	};
	int error = zone_builder_add(axfr->builder, &added);
	return error ? builder_fault(axfr, error, fault) : 0;
}

int axfr_message(void *context, uint8_t *wire, size_t size, struct zone_fault *fault)
{
	struct axfr *axfr = context;
	int error, got;

	axfr->messages++;
	if (message_open(&axfr->message, wire, size))
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
			"message %" PRIu64 ": malformed header or question", axfr->messages);
	/* Refusals often come unsigned, from servers that never got as far as the key: whatever
	 * they say fails the transfer, so they are taken at their word. */
	error = axfr->tsig ? tsig_verify(axfr->tsig, wire, size, fault) : 0;
	if (error && !(fault->kind == ZONE_FAULT_TSIG_MISSING && axfr->message.rcode))
		return error;
	error = header_check(axfr, fault);
	if (error)
		return error;
	while ((got = message_next(&axfr->message, &axfr->record)) > 0) {
		if (axfr->record.section != MESSAGE_ANSWER)
			break; /* RFC 5936 2.2.4, 2.2.5: nothing there belongs to the zone */
		error = record_take(axfr, fault);
		if (error)
			return error;
	}
	if (got < 0)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED,
			"message %" PRIu64 ": malformed record, the %" PRIu64 ". of the transfer",
			axfr->messages, zone_builder_records(axfr->builder) + 1);
	if (!axfr->begun)
		return zone_fault_set(
			fault, ZONE_FAULT_NOT_AUTHORITATIVE, "the answer holds no records");
	if (!axfr->ended)
		return 0;
	if (axfr->tsig && !tsig_is_complete(axfr->tsig))
		return zone_fault_set(
			fault, ZONE_FAULT_TSIG_MISSING, "the last message isn't signed");
	return 1;
}

int axfr_finish(struct axfr *axfr, struct zone **zone, struct zone_fault *fault)
{
	int error = zone_builder_finish(axfr->builder, zone);

	return error ? builder_fault(axfr, error, fault) : 0;
}
