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

#define OPTION_EXPIRE 9

/* The EXPIRE option of an OPT record (RFC 7314 3.2), or UINT32_MAX. */
static uint32_t expire_option(const uint8_t *options, size_t size)
{
	const uint8_t *data;
	size_t length;

	data = message_option(options, size, OPTION_EXPIRE, &length);
	return data && length == 4 ? octets_u32(data) : UINT32_MAX;
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

struct soa_stream {
	struct stream *stream;
	struct tsig *tsig;
	struct soa_answer answer;
	uint16_t id;
	uint8_t origin[NAME_MAX_SIZE]; /* folded */
};

/* The one message of the stream. */
static int stream_answer(void *context, uint8_t *wire, size_t size, struct zone_fault *fault)
{
	struct soa_stream *query = context;
	int error = soa_answer_read(
		&query->answer, wire, size, query->id, query->origin, query->tsig, fault);

	/* A connection brings no stray answers: what doesn't fit is a failure. */
	if (error == -EAGAIN)
		return zone_fault_errno(fault->kind);
	if (!error && query->answer.truncated)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "truncated over TCP");
	return error ? error : 1;
}

int soa_stream_open(struct soa_stream **out, const struct stream_options *options,
	const uint8_t *origin, struct key *key, struct zone_fault *fault)
{
	struct soa_stream *query = calloc(1, sizeof(*query));
	uint8_t wire[DNS_QUERY_MAX_SIZE];
	int error;

	if (!query || (key && tsig_new(&query->tsig, key))) {
		error = zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
		goto out;
	}
	query->id = dns_random_id();
	name_fold(query->origin, origin, name_size(origin));
	int size =
		dns_query_write(wire, query->id, query->origin, RR_SOA, SOA_UDP_SIZE, query->tsig);
	if (size < 0) {
		error = zone_fault_set(fault, ZONE_FAULT_NO_KEY, "the query can't be signed");
		goto out;
	}
	error = stream_open(&query->stream, options, wire, (size_t)size, fault);
	if (error)
		goto out;
	*out = query;
	query = NULL;
out:
	soa_stream_free(query);
	return error;
}

int soa_stream_fd(const struct soa_stream *query)
{
	return stream_fd(query->stream);
}

short soa_stream_events(const struct soa_stream *query)
{
	return stream_events(query->stream);
}

struct monotime soa_stream_deadline(const struct soa_stream *query)
{
	return stream_deadline(query->stream);
}

int soa_stream_step(struct soa_stream *query, struct soa_answer *answer, struct zone_fault *fault)
{
	int result = stream_step(query->stream, stream_answer, query, fault);

	*answer = query->answer;
	return result;
}

void soa_stream_free(struct soa_stream *query)
{
	if (!query)
		return;
	stream_free(query->stream);
	tsig_free(query->tsig);
	free(query);
}

/* Asks over UDP and waits for the answer. */
static int ask_udp(struct soa_answer *answer, const struct stream_options *options,
	const uint8_t *origin, struct tsig *tsig, int cancel_fd, struct zone_fault *fault)
{
	struct monotime deadline = monotime_add(monotime_now(), options->connect);
	int error, fd = stream_socket(options, SOCK_DGRAM, fault);
	uint8_t wire[MESSAGE_MAX_SIZE];
	uint16_t id = dns_random_id();

	if (fd < 0)
		return fd;
	int size = dns_query_write(wire, id, origin, RR_SOA, SOA_UDP_SIZE, tsig);
	if (size < 0) {
		error = zone_fault_set(fault, ZONE_FAULT_NO_KEY, "the query can't be signed");
		goto out;
	}
	zone_fault_set(fault, ZONE_FAULT_TIMEOUT, "no answer from the server");
	if (send(fd, wire, (size_t)size, 0) < 0) {
		error = zone_fault_set_errno(fault, errno, "send");
		goto out;
	}
	do {
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
		ssize_t got = recv(fd, wire, sizeof(wire), MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			error = zone_fault_set_errno(fault, errno, "no answer over UDP");
		else if (got < 0)
			error = -EAGAIN;
		else
			error = soa_answer_read(answer, wire, (size_t)got, id, origin, tsig, fault);
	} while (error == -EAGAIN);
out:
	close(fd);
	return error;
}

static int ask_tcp(struct soa_answer *answer, const struct stream_options *options,
	const uint8_t *origin, struct key *key, int cancel_fd, struct zone_fault *fault)
{
	struct soa_stream *query;
	int error = soa_stream_open(&query, options, origin, key, fault);

	if (error)
		return error;
	error = stream_run(query->stream, stream_answer, query, cancel_fd, fault);
	*answer = query->answer;
	soa_stream_free(query);
	return error < 0 ? error : 0;
}

int soa_query(struct soa_answer *answer, const struct stream_options *options,
	const uint8_t *origin, struct key *key, int cancel_fd, struct zone_fault *fault)
{
	struct tsig *tsig = NULL;
	uint8_t folded[NAME_MAX_SIZE];

	name_fold(folded, origin, name_size(origin));
	if (key && tsig_new(&tsig, key))
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	int error = ask_udp(answer, options, folded, tsig, cancel_fd, fault);
	tsig_free(tsig);
	if (!error && answer->truncated)
		error = ask_tcp(answer, options, folded, key, cancel_fd, fault);
	return error;
}
