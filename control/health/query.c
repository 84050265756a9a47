/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One DNS question, asked once, over UDP or TCP.
 */
#include "control/health/query.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "control/health/address.h"
#include "control/health/timer.h"

/* Without EDNS a reply has at most 512 bytes (RFC 1035 4.2.1); some servers
 * send more. */
#define UDP_REPLY_MAX 4096
/* A TSIG record: two names and the largest MAC (RFC 8945 4.2). */
#define SIGNATURE_MAX 640
/* A flood of foreign replies must not hold the loop. */
#define UDP_TURN_MAX 16

enum query_state {
	STATE_UDP,
	STATE_TCP_CONNECT,
	STATE_TCP_SEND,
	STATE_TCP_LENGTH,
	STATE_TCP_BODY,
	STATE_OVER,
};

struct query {
	const struct query_options *options;
	query_done_fn *done;
	void *arg;
	enum query_state state;
	int fd;
	sd_event_source *io;
	struct mono sent_at;
	struct question_wire question;
	/* What is sent: the question, signed or not. */
	uint8_t wire[QUESTION_MAX + SIGNATURE_MAX];
	size_t wire_len;
	void *session; /* of the signer */
	unsigned ignored;
	/* TCP: two bytes of length in front of each message (RFC 1035 4.2.2). */
	uint8_t length[2];
	uint8_t *body;
	size_t at, body_len; /* bytes done of what the state is about */
};

unsigned query_ignored(const struct query *query)
{
	return query->ignored;
}

bool query_connecting(const struct query *query)
{
	return query->state == STATE_TCP_CONNECT;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	sd_event_source_disable_unref(query->io);
	if (query->fd >= 0)
		close(query->fd);
	if (query->session)
		query->options->signer->end(query->session);
	free(query->body);
	free(query);
}

/* The last thing that its caller does: the query may be gone. */
static void finish(struct query *query, const struct query_result *result)
{
	query->state = STATE_OVER;
	sd_event_source_set_enabled(query->io, SD_EVENT_OFF);
	query->done(query->arg, query, result);
}

static void finish_answer(struct query *query, const struct question_answer *answer)
{
	struct query_result result = {
		.outcome = answer->expected ? QUERY_OK : QUERY_BAD_CONTENT,
		.rtt = mono_since(mono_now(), query->sent_at),
		.rcode = answer->rcode,
		.has_serial = answer->has_serial,
		.serial = answer->serial,
	};

	snprintf(result.detail, sizeof result.detail, "%s", answer->detail);
	finish(query, &result);
}

static void finish_without(struct query *query, enum query_outcome outcome, const char *what)
{
	struct query_result result = {.outcome = outcome, .rcode = -1};

	snprintf(result.detail, sizeof result.detail, "%s", what);
	finish(query, &result);
}

/* An error from the network says something about the server, one from our own
 * host doesn't. */
static void classify(int error, const char *call, struct query_result *result)
{
	*result = (struct query_result){.outcome = QUERY_NO_ANSWER, .rcode = -1};
	switch (error) {
	case ECONNREFUSED:
		result->outcome = QUERY_REFUSED;
		snprintf(result->detail, sizeof result->detail, "connection refused");
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ETIMEDOUT:
	case ECONNRESET:
	case EPIPE:
		snprintf(result->detail, sizeof result->detail, "%s", strerror(error));
		break;
	default:
		result->outcome = QUERY_ERROR;
		snprintf(result->detail, sizeof result->detail, "%s: %s", call, strerror(error));
	}
}

static void finish_errno(struct query *query, int error, const char *call)
{
	struct query_result result;

	classify(error, call, &result);
	finish(query, &result);
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static bool verified(struct query *query, const uint8_t *reply, size_t len)
{
	return !query->session || query->options->signer->verify(query->session, reply, len);
}

/* The socket is connected, so the kernel has checked address and port. */
static void udp_readable(struct query *query)
{
	struct question_answer answer;
	uint8_t reply[UDP_REPLY_MAX];
	ssize_t n;

	for (int i = 0; i < UDP_TURN_MAX; i++) {
		n = recv(query->fd, reply, sizeof reply, MSG_DONTWAIT);
		if (n < 0) {
			if (!would_block(errno))
				finish_errno(query, errno, "recv");
			return;
		}
		if (question_read(&query->question, reply, (size_t)n, &query->options->expect,
			    &answer) == 0 &&
			verified(query, reply, (size_t)n)) {
			finish_answer(query, &answer);
			return;
		}
		query->ignored++;
	}
}

static void tcp_send(struct query *query)
{
	uint8_t message[2 + sizeof query->wire];
	size_t len = 2 + query->wire_len;
	ssize_t n;

	message[0] = (uint8_t)(query->wire_len >> 8);
	message[1] = (uint8_t)query->wire_len;
	memcpy(message + 2, query->wire, query->wire_len);
	n = send(query->fd, message + query->at, len - query->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (!would_block(errno))
			finish_errno(query, errno, "send");
		return;
	}
	query->at += (size_t)n;
	if (query->at < len)
		return;
	query->at = 0;
	query->state = STATE_TCP_LENGTH;
	sd_event_source_set_io_events(query->io, EPOLLIN);
}

static void tcp_connected(struct query *query)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(query->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		finish_errno(query, error, "connect");
		return;
	}
	query->at = 0;
	query->state = STATE_TCP_SEND;
	tcp_send(query);
}

/* Some of `want` bytes; true: all are there. */
static bool tcp_take(struct query *query, uint8_t *bytes, size_t want)
{
	ssize_t n = recv(query->fd, bytes + query->at, want - query->at, MSG_DONTWAIT);

	if (n < 0) {
		if (!would_block(errno))
			finish_errno(query, errno, "recv");
		return false;
	}
	if (n == 0) {
		finish_without(query, QUERY_NO_ANSWER, "server closed the connection");
		return false;
	}
	query->at += (size_t)n;
	return query->at == want;
}

static void tcp_length(struct query *query)
{
	if (!tcp_take(query, query->length, sizeof query->length))
		return;
	query->at = 0;
	query->body_len = (size_t)query->length[0] << 8 | query->length[1];
	if (query->body_len == 0) {
		finish_without(query, QUERY_NO_ANSWER, "server sent an empty message");
		return;
	}
	query->body = malloc(query->body_len);
	if (!query->body) {
		finish_without(query, QUERY_ERROR, "out of memory");
		return;
	}
	query->state = STATE_TCP_BODY;
}

static void tcp_body(struct query *query)
{
	struct question_answer answer;

	if (!tcp_take(query, query->body, query->body_len))
		return;
	if (!verified(query, query->body, query->body_len)) {
		finish_without(query, QUERY_NO_ANSWER, "the reply isn't signed with the key");
		return;
	}
	/* Nobody but the server can say something wrong on a stream. */
	if (question_read(&query->question, query->body, query->body_len, &query->options->expect,
		    &answer) == 0)
		finish_answer(query, &answer);
	else
		finish_without(query, QUERY_NO_ANSWER, "server sent a reply to another question");
}

static int ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct query *query = arg;

	switch (query->state) {
	case STATE_UDP:
		udp_readable(query);
		break;
	case STATE_TCP_CONNECT:
		tcp_connected(query);
		break;
	case STATE_TCP_SEND:
		tcp_send(query);
		break;
	case STATE_TCP_LENGTH:
		tcp_length(query);
		break;
	case STATE_TCP_BODY:
		tcp_body(query);
		break;
	case STATE_OVER:
		break;
	}
	return 0;
}

/* One hop, not routed: a packet to an address that this host has never leaves
 * it and needs no hop; to one that it has lost, it gets nowhere. */
static int keep_local(int fd, int family)
{
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_DONTROUTE, &one, sizeof one) < 0)
		return -1;
	if (family == AF_INET)
		return setsockopt(fd, IPPROTO_IP, IP_TTL, &one, sizeof one);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &one, sizeof one);
}

/* 0 or negative errno; *call names what failed. */
static int ask(struct query *query, sd_event *loop, const char **call)
{
	const struct query_options *o = query->options;
	int family = o->destination.ss_family;
	bool udp = o->transport == QUERY_UDP;
	int r;

	*call = "socket";
	query->fd =
		socket(family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (query->fd < 0)
		return -errno;
	*call = "setsockopt";
	if (o->local && keep_local(query->fd, family) < 0)
		return -errno;
	*call = "bind to the source address";
	if (o->source.ss_family != AF_UNSPEC &&
		bind(query->fd, (const struct sockaddr *)&o->source, address_size(&o->source)) < 0)
		return -errno;
	*call = "sd_event_add_io";
	r = sd_event_add_io(loop, &query->io, query->fd, udp ? EPOLLIN : EPOLLOUT, ready, query);
	if (r >= 0)
		r = sd_event_source_set_priority(query->io, HEALTH_PRIORITY_ANSWER);
	if (r < 0)
		return r;
	*call = "connect";
	query->state = udp ? STATE_UDP : STATE_TCP_CONNECT;
	if (connect(query->fd, (const struct sockaddr *)&o->destination,
		    address_size(&o->destination)) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	*call = "send";
	if (udp && send(query->fd, query->wire, query->wire_len, MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

int query_new(struct query **out, sd_event *loop, const struct query_options *options,
	const struct question_wire *question, query_done_fn *done, void *arg,
	struct query_result *result)
{
	struct query *query = calloc(1, sizeof *query);
	const char *call = "calloc";
	uint16_t id;
	int r = -ENOMEM;

	if (query) {
		query->fd = -1;
		query->options = options;
		query->question = *question;
		query->done = done;
		query->arg = arg;
		query->sent_at = mono_now();
		/* Never blocks once the machine is up; before, the ID is merely weak. */
		if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id)
			id = (uint16_t)query->sent_at.ns;
		question_set_id(&query->question, id);
		memcpy(query->wire, query->question.bytes, query->question.len);
		query->wire_len = query->question.len;
		r = 0;
		call = "sign";
		if (options->signer)
			r = options->signer->sign(options->signer->arg, query->wire,
				&query->wire_len, sizeof query->wire, &query->session);
		if (r == 0)
			r = ask(query, loop, &call);
	}
	if (r < 0) {
		classify(-r, call, result);
		query_free(query);
		return r;
	}
	*out = query;
	return 0;
}

void query_repeat(struct query *query)
{
	if (query->state != STATE_UDP)
		return;
	if (send(query->fd, query->wire, query->wire_len, MSG_DONTWAIT) < 0 && !would_block(errno))
		finish_errno(query, errno, "send");
}
