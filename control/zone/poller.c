/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/poller.h"

#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"
#include "control/zone/tsig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECEIVE_BUFFER (4 << 20) /* answers that wait while a compile runs */
#define NONE           UINT16_MAX

struct question {
	uint32_t thing;
	uint16_t id;
	uint16_t older, newer; /* in the order they were sent */
	struct monotime asked;
	struct tsig *tsig;
	struct zone_fault fault; /* what to say if nothing better comes */
	uint8_t name[NAME_MAX_SIZE];
};

struct poller {
	struct stream_options options;
	struct timespan timeout;
	poller_sink *sink;
	void *context;
	int fd;
	uint16_t oldest, newest, unused;
	uint16_t by_id[65536];
	uint8_t message[MESSAGE_MAX_SIZE];
	struct question questions[];
};

int poller_new(struct poller **out, const struct stream_options *options, unsigned most,
	struct timespan timeout, poller_sink *sink, void *context)
{
	if (most >= NONE)
		most = NONE - 1;
	struct poller *poller = malloc(sizeof(*poller) + most * sizeof(struct question));

	if (!poller)
		return -ENOMEM;
	poller->options = *options;
	poller->timeout = timeout;
	poller->sink = sink;
	poller->context = context;
	poller->fd = -1;
	poller->oldest = poller->newest = poller->unused = NONE;
	memset(poller->by_id, 0xff, sizeof(poller->by_id));
	while (most--) {
		poller->questions[most].newer = poller->unused;
		poller->unused = (uint16_t)most;
	}
	*out = poller;
	return 0;
}

int poller_fd(const struct poller *poller)
{
	return poller->fd;
}

bool poller_is_full(const struct poller *poller)
{
	return poller->unused == NONE;
}

struct monotime poller_deadline(const struct poller *poller)
{
	if (poller->oldest == NONE)
		return MONOTIME_NEVER;
	return monotime_add(poller->questions[poller->oldest].asked, poller->timeout);
}

/* Takes the question out of all lists. */
static void question_end(struct poller *poller, uint16_t index)
{
	struct question *question = &poller->questions[index];

	*(question->older == NONE ? &poller->oldest : &poller->questions[question->older].newer) =
		question->newer;
	*(question->newer == NONE ? &poller->newest : &poller->questions[question->newer].older) =
		question->older;
	poller->by_id[question->id] = NONE;
	tsig_free(question->tsig);
	question->tsig = NULL;
	question->newer = poller->unused;
	poller->unused = index;
}

/* Ends the question and tells the sink, which may ask the next one at once. */
static void question_tell(struct poller *poller, uint16_t index, const struct soa_answer *answer,
	const struct zone_fault *fault)
{
	struct question *question = &poller->questions[index];
	uint32_t thing = question->thing;
	struct monotime asked = question->asked;

	question_end(poller, index);
	poller->sink(poller->context, thing, asked, answer, fault);
}

/* The socket is of no use any more: all that it asked fails. */
static void socket_fail(struct poller *poller, const struct zone_fault *fault)
{
	static const struct soa_answer none;

	if (poller->fd >= 0)
		close(poller->fd);
	poller->fd = -1;
	/* Only those asked until now: the sink may ask anew. */
	for (uint16_t last = poller->newest, index; poller->oldest != NONE;) {
		index = poller->oldest;
		question_tell(poller, index, &none, fault);
		if (index == last)
			break;
	}
}

static int socket_open(struct poller *poller, struct zone_fault *fault)
{
	int size = RECEIVE_BUFFER;

	if (poller->fd >= 0)
		return 0;
	poller->fd = stream_socket(&poller->options, SOCK_DGRAM, fault);
	if (poller->fd < 0)
		return poller->fd;
	/* Beyond the system's limit where the capability is there. */
	if (setsockopt(poller->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(poller->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static int question_send(
	struct poller *poller, struct question *question, struct key *key, struct zone_fault *fault)
{
	uint8_t wire[DNS_QUERY_MAX_SIZE];

	if (key && tsig_new(&question->tsig, key))
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	int size = dns_query_write(
		wire, question->id, question->name, RR_SOA, SOA_UDP_SIZE, question->tsig);
	if (size < 0)
		return zone_fault_set(fault, ZONE_FAULT_NO_KEY, "the query can't be signed");
	int error = socket_open(poller, fault);
	if (error)
		return error;
	if (send(poller->fd, wire, (size_t)size, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		return zone_fault_set_errno(fault, errno, "no answer over UDP");
	return 0;
}

void poller_ask(struct poller *poller, uint32_t thing, const uint8_t *name, struct key *key)
{
	static const struct soa_answer none;
	uint16_t index = poller->unused;
	struct question *question = &poller->questions[index];

	poller->unused = question->newer;
	do
		question->id = dns_random_id();
	while (poller->by_id[question->id] != NONE);
	poller->by_id[question->id] = index;
	question->older = poller->newest;
	question->newer = NONE;
	*(poller->newest == NONE ? &poller->oldest : &poller->questions[poller->newest].newer) =
		index;
	poller->newest = index;
	question->thing = thing;
	question->asked = monotime_now();
	question->tsig = NULL;
	memcpy(question->name, name, name_size(name));
	zone_fault_set(&question->fault, ZONE_FAULT_TIMEOUT, "no answer from the server");

	struct zone_fault fault;
	if (!question_send(poller, question, key, &fault))
		return;
	/* An error of a send before may show here; it says the same for all. */
	if (fault.kind == ZONE_FAULT_UNREACHABLE)
		socket_fail(poller, &fault);
	else
		question_tell(poller, index, &none, &fault);
}

/* One datagram: to the question with its ID, if it answers that. */
static void message_take(struct poller *poller, size_t size)
{
	struct soa_answer answer;
	struct zone_fault fault;

	if (size < MESSAGE_HEADER_SIZE)
		return;
	uint16_t index = poller->by_id[octets_u16(poller->message)];
	if (index == NONE)
		return; /* too late, or not for us */
	struct question *question = &poller->questions[index];
	if (soa_answer_read(&answer, poller->message, size, question->id, question->name,
		    question->tsig, &fault) == -EAGAIN)
		question->fault = fault; /* wait for the right one */
	else
		question_tell(poller, index, &answer, &fault);
}

void poller_step(struct poller *poller)
{
	static const struct soa_answer none;
	struct zone_fault fault;

	/* At most what was unanswered, twice: strays don't keep us here. */
	for (int left = 2 * NONE; left && poller->fd >= 0; left--) {
		ssize_t got = recv(poller->fd, poller->message, sizeof(poller->message), 0);

		if (got >= 0) {
			message_take(poller, (size_t)got);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			zone_fault_set_errno(&fault, errno, "no answer over UDP");
			socket_fail(poller, &fault);
		}
	}
	struct monotime now = monotime_now();
	while (!monotime_before(now, poller_deadline(poller))) {
		fault = poller->questions[poller->oldest].fault;
		question_tell(poller, poller->oldest, &none, &fault);
	}
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	while (poller->oldest != NONE)
		question_end(poller, poller->oldest);
	if (poller->fd >= 0)
		close(poller->fd);
	free(poller);
}
