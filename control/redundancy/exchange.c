/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/redundancy/exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/health/address.h"
#include "control/zone/dns.h"
#include "control/zone/message.h"
#include "control/zone/name.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"

#define FLIGHT_MAX  64 /* sockets at once */
#define UDP_TRIES   3  /* waits of 1, 2 and 4 parts of the time */
#define TCP_TRIES   2
#define OFFERED     1232
#define OPTION_NSID 3 /* RFC 5001 */

/* One exchange under way. Over TCP: one try after the other, each with its own
 * socket. Over UDP: one socket, each try with its own ID. */
struct flight {
	struct exchange *exchange; /* NULL: this place is free */
	int fd;
	uint64_t end;      /* of the exchange */
	uint64_t next_try; /* UDP: when it is sent again */
	uint64_t sent[UDP_TRIES];
	uint16_t ids[UDP_TRIES];
	unsigned refusals;
	/* TCP */
	bool connected;
	size_t sent_size;
	uint8_t in[2 + MESSAGE_MAX_SIZE];
	size_t in_size;
};

void exchange_ask(
	struct exchange *exchange, const uint8_t *name, uint16_t type, bool recurse, bool nsid)
{
	uint8_t *to = exchange->query;
	size_t size = name_size(name);

	memset(to, 0, MESSAGE_HEADER_SIZE);
	to[2] = recurse ? 1 : 0; /* RD */
	to[5] = 1;               /* QDCOUNT */
	to[11] = nsid ? 1 : 0;   /* ARCOUNT */
	to += MESSAGE_HEADER_SIZE;
	memcpy(to, name, size);
	to = octets_put_u16(to + size, type);
	to = octets_put_u16(to, RR_CLASS_IN);
	if (nsid) {
		*to++ = 0; /* owner: the root */
		to = octets_put_u16(to, RR_OPT);
		to = octets_put_u16(to, OFFERED);
		memset(to, 0, 4); /* rcode, version, flags */
		to = octets_put_u16(to + 4, 4);
		to = octets_put_u16(to, OPTION_NSID);
		to = octets_put_u16(to, 0);
	}
	exchange->query_size = (size_t)(to - exchange->query);
}

/* Is it a reply to this query, whatever its ID? */
static bool replies(const struct exchange *exchange, const uint8_t *reply, size_t size)
{
	struct message asked, message;

	if (message_open(&asked, exchange->query, exchange->query_size) < 0 ||
		message_open(&message, reply, size) < 0)
		return false;
	if (!message.response || message.opcode != 0)
		return false;
	/* A server that could not read the question doesn't repeat it. */
	if (!message.has_question)
		return message.rcode != RCODE_NOERROR;
	return message.question_type == asked.question_type &&
	       message.question_class == asked.question_class &&
	       name_equal(message.question, asked.question);
}

static void flight_end(struct flight *flight, enum exchange_outcome outcome, int error)
{
	flight->exchange->outcome = outcome;
	flight->exchange->error = error;
	if (flight->fd >= 0)
		close(flight->fd);
	flight->fd = -1;
	flight->exchange = NULL;
}

static void flight_reply(struct flight *flight, const uint8_t *reply, size_t size, uint64_t since)
{
	struct exchange *exchange = flight->exchange;

	exchange->rtt_us = clock_monotonic_us() - since;
	exchange->reply = malloc(size);
	if (!exchange->reply) {
		flight_end(flight, EXCHANGE_BROKEN, ENOMEM);
		return;
	}
	memcpy(exchange->reply, reply, size);
	exchange->reply_size = size;
	flight_end(flight, EXCHANGE_REPLY, 0);
}

static bool no_route(int error)
{
	return error == ENETUNREACH || error == EADDRNOTAVAIL || error == EAFNOSUPPORT ||
	       error == EACCES || error == EPERM || error == EINVAL;
}

/* What an error of a socket says about the server. */
static enum exchange_outcome error_outcome(int error)
{
	if (error == ECONNREFUSED)
		return EXCHANGE_REFUSED;
	if (error == EHOSTUNREACH || error == ETIMEDOUT)
		return EXCHANGE_SILENT;
	return no_route(error) ? EXCHANGE_NO_ROUTE : EXCHANGE_BROKEN;
}

/* A socket that is connected, or about to be. Negative errno. */
static int socket_begin(const struct exchange *exchange, int type)
{
	int fd = socket(exchange->to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (exchange->from.ss_family == exchange->to.ss_family &&
		bind(fd, (const struct sockaddr *)&exchange->from, address_size(&exchange->from)) <
			0)
		error = errno;
	else if (connect(fd, (const struct sockaddr *)&exchange->to, address_size(&exchange->to)) <
			 0 &&
		 errno != EINPROGRESS)
		error = errno;
	else
		return fd;
	close(fd);
	return -error;
}

static void udp_send(struct flight *flight, uint64_t now)
{
	struct exchange *exchange = flight->exchange;
	unsigned try = exchange->tries++;
	uint64_t span = (flight->end - now) / ((1u << (UDP_TRIES - try)) - 1);

	flight->ids[try] = dns_random_id();
	flight->sent[try] = now;
	flight->next_try = now + span;
	octets_put_u16(exchange->query, flight->ids[try]);
	/* An error that an earlier datagram brought about is told in udp_read(). */
	if (send(flight->fd, exchange->query, exchange->query_size, 0) < 0 && no_route(errno))
		flight_end(flight, EXCHANGE_NO_ROUTE, errno);
}

static void udp_read(struct flight *flight)
{
	struct exchange *exchange = flight->exchange;
	ssize_t n = recv(flight->fd, flight->in, sizeof(flight->in), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		flight->refusals++;
		exchange->error = errno;
		/* Whoever refuses may be about to come back: the next try comes sooner. */
		if (exchange->tries == UDP_TRIES)
			flight_end(flight, error_outcome(errno), errno);
		else if (flight->next_try > clock_monotonic_us() + 100000)
			flight->next_try = clock_monotonic_us() + 100000;
		return;
	}
	for (unsigned i = 0; i < exchange->tries; i++) {
		if (n < MESSAGE_HEADER_SIZE || octets_u16(flight->in) != flight->ids[i] ||
			!replies(exchange, flight->in, (size_t)n))
			continue;
		flight_reply(flight, flight->in, (size_t)n, flight->sent[i]);
		return;
	}
}

static void tcp_begin(struct flight *flight, uint64_t now)
{
	struct exchange *exchange = flight->exchange;

	flight->sent[0] = now;
	flight->ids[0] = dns_random_id();
	flight->connected = false;
	flight->sent_size = flight->in_size = 0;
	octets_put_u16(exchange->query, flight->ids[0]);
	exchange->tries++;
	flight->fd = socket_begin(exchange, SOCK_STREAM);
	if (flight->fd < 0)
		flight_end(flight, error_outcome(-flight->fd), -flight->fd);
}

static void tcp_fail(struct flight *flight, int error)
{
	if (flight->exchange->tries == TCP_TRIES) {
		flight_end(flight, error_outcome(error), error);
		return;
	}
	close(flight->fd);
	tcp_begin(flight, clock_monotonic_us());
}

static void tcp_write(struct flight *flight)
{
	struct exchange *exchange = flight->exchange;
	uint8_t out[2 + EXCHANGE_QUERY_MAX];
	ssize_t n;

	memcpy(octets_put_u16(out, (unsigned)exchange->query_size), exchange->query,
		exchange->query_size);
	n = send(flight->fd, out + flight->sent_size, 2 + exchange->query_size - flight->sent_size,
		MSG_NOSIGNAL);
	if (n >= 0) {
		flight->connected = true;
		flight->sent_size += (size_t)n;
	} else if (errno != EAGAIN && errno != EINTR) {
		tcp_fail(flight, errno);
	}
}

static void tcp_read(struct flight *flight)
{
	struct exchange *exchange = flight->exchange;
	size_t size;
	ssize_t n = recv(
		flight->fd, flight->in + flight->in_size, sizeof(flight->in) - flight->in_size, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		tcp_fail(flight, n < 0 ? errno : ECONNRESET);
		return;
	}
	flight->in_size += (size_t)n;
	if (flight->in_size < 2)
		return;
	size = octets_u16(flight->in);
	if (flight->in_size < 2 + size)
		return;
	if (size < MESSAGE_HEADER_SIZE || octets_u16(flight->in + 2) != flight->ids[0] ||
		!replies(exchange, flight->in + 2, size))
		flight_end(flight, EXCHANGE_BROKEN, EBADMSG);
	else
		flight_reply(flight, flight->in + 2, size, flight->sent[0]);
}

static void flight_begin(struct flight *flight, struct exchange *exchange, uint64_t timeout_us)
{
	uint64_t now = clock_monotonic_us();

	flight->exchange = exchange;
	flight->end = now + timeout_us;
	flight->refusals = 0;
	exchange->tries = 0;
	exchange->error = 0;
	exchange->reply = NULL;
	exchange->reply_size = 0;
	if (exchange->tcp) {
		tcp_begin(flight, now);
		return;
	}
	flight->fd = socket_begin(exchange, SOCK_DGRAM);
	if (flight->fd < 0)
		flight_end(flight, error_outcome(-flight->fd), -flight->fd);
	else
		udp_send(flight, now);
}

/* What time does to it. */
static void flight_clock(struct flight *flight, uint64_t now)
{
	struct exchange *exchange = flight->exchange;

	if (now >= flight->end)
		flight_end(flight, flight->refusals ? EXCHANGE_REFUSED : EXCHANGE_SILENT,
			exchange->error ? exchange->error : ETIMEDOUT);
	else if (!exchange->tcp && exchange->tries < UDP_TRIES && now >= flight->next_try)
		udp_send(flight, now);
}

static uint64_t flight_wake(const struct flight *flight)
{
	const struct exchange *exchange = flight->exchange;

	if (!exchange->tcp && exchange->tries < UDP_TRIES && flight->next_try < flight->end)
		return flight->next_try;
	return flight->end;
}

static void flight_event(struct flight *flight, short events)
{
	if (!events)
		return;
	if (!flight->exchange->tcp)
		udp_read(flight);
	else if (flight->sent_size < 2 + flight->exchange->query_size)
		tcp_write(flight); /* tells an error of connect() as well */
	else
		tcp_read(flight);
}

/* Fills free places; false: nothing is under way any more. */
static bool flights_fill(struct flight *flights, size_t places, struct exchange *list, size_t count,
	size_t *next, uint64_t timeout_us)
{
	bool any = false;

	for (size_t i = 0; i < places; i++) {
		while (!flights[i].exchange && *next < count)
			flight_begin(&flights[i], &list[(*next)++], timeout_us);
		any |= flights[i].exchange != NULL;
	}
	return any;
}

static void flights_wait(struct flight *flights, size_t places)
{
	uint64_t now = clock_monotonic_us(), wake = UINT64_MAX;
	struct pollfd polls[FLIGHT_MAX];

	for (size_t i = 0; i < places; i++) {
		const struct exchange *exchange = flights[i].exchange;

		polls[i] = (struct pollfd){exchange ? flights[i].fd : -1, POLLIN, 0};
		if (!exchange)
			continue;
		if (exchange->tcp && flights[i].sent_size < 2 + exchange->query_size)
			polls[i].events = POLLOUT;
		if (flight_wake(&flights[i]) < wake)
			wake = flight_wake(&flights[i]);
	}
	if (poll(polls, places, wake > now ? (int)((wake - now) / 1000) + 1 : 0) < 0)
		return; /* a signal; or out of memory, and time goes on */
	for (size_t i = 0; i < places; i++)
		flight_event(&flights[i], polls[i].revents);
}

int exchange_run(struct exchange *list, size_t count, uint64_t timeout_us)
{
	size_t places = count < FLIGHT_MAX ? count : FLIGHT_MAX, next = 0;
	struct flight *flights = calloc(places ? places : 1, sizeof(*flights));

	if (!flights)
		return -ENOMEM;
	while (flights_fill(flights, places, list, count, &next, timeout_us)) {
		uint64_t now;

		flights_wait(flights, places);
		now = clock_monotonic_us();
		for (size_t i = 0; i < places; i++) {
			if (flights[i].exchange)
				flight_clock(&flights[i], now);
		}
	}
	free(flights);
	return 0;
}

void exchange_free(struct exchange *list, size_t count)
{
	for (size_t i = 0; list && i < count; i++)
		free(list[i].reply);
	free(list);
}
