/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/soa.h"

#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"
#include "control/zone/tsig.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The EXPIRE option of an OPT record (RFC 7314 3.2), or UINT32_MAX. */
static uint32_t expire_option(const uint8_t *options, size_t size)
{
	for (size_t at = 0; at + 4 <= size;) {
		unsigned code = octets_u16(options + at);
		size_t length = octets_u16(options + at + 2);

		at += 4;
		if (length > size - at)
			break;
		if (code == 9 && length == 4)
			return octets_u32(options + at);
		at += length;
	}
	return UINT32_MAX;
}

/* The records: the zone's SOA among the answers, and what the OPT record says. */
static int records_read(struct soa_answer *answer, struct message *message, const uint8_t *origin,
	struct zone_fault *fault)
{
	struct message_record *record = malloc(sizeof(*record));
	uint32_t option = UINT32_MAX;
	bool found = false;
	int error, got;

	if (!record)
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	while ((got = message_next(message, record)) > 0) {
		if (record->section == MESSAGE_ADDITIONAL && record->type == RR_OPT)
			option = expire_option(record->rdata, record->rdata_size);
		if (record->section != MESSAGE_ANSWER || record->type != RR_SOA ||
			record->class != RR_CLASS_IN)
			continue;
		name_fold(record->owner, record->owner, record->owner_size);
		if (!name_equal(record->owner, origin))
			continue;
		struct rdata_name names[RDATA_MAX_NAMES];
		if (rdata_names(RR_SOA, record->rdata, record->rdata_size, names) < 0) {
			got = -EBADMSG;
			break;
		}
		const uint8_t *numbers = record->rdata + record->rdata_size - 20;
		answer->serial = octets_u32(numbers);
		answer->expire = octets_u32(numbers + 12);
		found = true;
	}
	if (got < 0)
		error = zone_fault_set(fault, ZONE_FAULT_MALFORMED, "malformed answer");
	else if (!found)
		error = zone_fault_set(fault, ZONE_FAULT_NOT_AUTHORITATIVE,
			"the answer holds no SOA record of the zone");
	else
		error = zone_fault_set(fault, ZONE_FAULT_NONE, "%s", "");
	if (option < answer->expire)
		answer->expire = option;
	free(record);
	return error;
}

int soa_answer_read(struct soa_answer *answer, const uint8_t *wire, size_t size, uint16_t id,
	const uint8_t *origin, struct tsig *tsig, struct zone_fault *fault)
{
	struct message message;
	int error;

	*answer = (struct soa_answer){0};
	if (message_open(&message, wire, size) || !message.response || message.id != id ||
		message.opcode != 0) {
		zone_fault_set(fault, ZONE_FAULT_MALFORMED, "not an answer to our query");
		return -EAGAIN;
	}
	if (message.has_question &&
		(message.question_type != RR_SOA || message.question_class != RR_CLASS_IN ||
			!name_equal(message.question, origin))) {
		zone_fault_set(fault, ZONE_FAULT_WRONG_ZONE, "an answer to another question");
		return -EAGAIN;
	}
	if (tsig) {
		error = tsig_verify(tsig, wire, size, fault);
		/* A server that refuses, or that must truncate, may do so unsigned. Believing it
		 * costs at most the detour over the local server, or over TCP. */
		if (error && fault->kind == ZONE_FAULT_TSIG_MISSING &&
			(message.rcode || message.truncated))
			error = 0;
		if (error &&
			(fault->kind == ZONE_FAULT_TSIG_SIGNATURE ||
				fault->kind == ZONE_FAULT_TSIG_MISSING) &&
			!message.rcode)
			return -EAGAIN;
		if (error)
			return error;
	}
	if (message.rcode)
		return dns_rcode_fault(fault, message.rcode);
	if (message.truncated) {
		answer->truncated = true;
		return zone_fault_set(fault, ZONE_FAULT_NONE, "%s", "");
	}
	if (!message.authoritative)
		return zone_fault_set(fault, ZONE_FAULT_NOT_AUTHORITATIVE,
			"the server isn't authoritative for the zone (AA is clear)");
	return records_read(answer, &message, origin, fault);
}

/* One soa_query() in flight. */
struct query {
	struct soa_answer *answer;
	const uint8_t *origin;
	struct tsig *tsig;
	uint16_t id;
};

static int stream_answer(void *context, uint8_t *wire, size_t size, struct zone_fault *fault)
{
	struct query *query = context;
	int error = soa_answer_read(
		query->answer, wire, size, query->id, query->origin, query->tsig, fault);

	/* A connection brings no stray answers: what doesn't fit is a failure. */
	if (error == -EAGAIN)
		return zone_fault_errno(fault->kind);
	if (!error && query->answer->truncated)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "truncated over TCP");
	return error ? error : 1;
}

static int ask_udp(struct query *query, const struct stream_options *options, const uint8_t *wire,
	size_t size, int cancel_fd, struct zone_fault *fault)
{
	struct monotime deadline = monotime_add(monotime_now(), options->connect);
	int error, fd = stream_socket(options, SOCK_DGRAM, fault);
	uint8_t answer[MESSAGE_MAX_SIZE];

	if (fd < 0)
		return fd;
	zone_fault_set(fault, ZONE_FAULT_TIMEOUT, "no answer from the server");
	if (send(fd, wire, size, 0) < 0) {
		error = zone_fault_set_errno(fault, errno, "send");
		goto out;
	}
	for (;;) {
		struct monotime now = monotime_now();
		struct pollfd fds[] = {
			{.fd = fd, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};

		if (!monotime_before(now, deadline)) {
			error = zone_fault_errno(fault->kind);
			break;
		}
		poll(fds, 2, monotime_poll_ms(now, deadline));
		if (fds[1].revents) {
			error = zone_fault_set(fault, ZONE_FAULT_CANCELLED, "cancelled");
			break;
		}
		ssize_t got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got < 0) {
			error = zone_fault_set_errno(fault, errno, "no answer over UDP");
			break;
		}
		error = soa_answer_read(query->answer, answer, (size_t)got, query->id,
			query->origin, query->tsig, fault);
		if (error != -EAGAIN)
			break;
	}
out:
	close(fd);
	return error;
}

int soa_query(struct soa_answer *answer, const struct stream_options *options,
	const uint8_t *origin, const struct key *key, int cancel_fd, struct zone_fault *fault)
{
	struct query query = {.answer = answer, .id = dns_random_id()};
	uint8_t folded[NAME_MAX_SIZE], wire[DNS_QUERY_MAX_SIZE];
	struct stream *stream = NULL;
	int error;

	name_fold(folded, origin, name_size(origin));
	query.origin = folded;
	if (key && tsig_new(&query.tsig, key))
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	for (int tcp = 0; tcp < 2; tcp++) {
		int size =
			dns_query_write(wire, query.id, folded, RR_SOA, SOA_UDP_SIZE, query.tsig);

		if (size < 0) {
			error = zone_fault_set(
				fault, ZONE_FAULT_NO_KEY, "the query can't be signed");
			break;
		}
		if (!tcp) {
			error = ask_udp(&query, options, wire, (size_t)size, cancel_fd, fault);
		} else {
			error = stream_open(&stream, options, wire, (size_t)size, fault);
			if (!error)
				error = stream_run(stream, stream_answer, &query, cancel_fd, fault);
		}
		if (error || !answer->truncated)
			break;
	}
	stream_free(stream);
	tsig_free(query.tsig);
	return error < 0 ? error : 0;
}
