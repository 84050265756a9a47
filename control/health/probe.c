/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks one server one DNS question over and over.
 */
#include "control/health/probe.h"

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

enum probe_state {
	STATE_IDLE,
	STATE_UDP_WAIT,
	STATE_TCP_CONNECT,
	STATE_TCP_SEND,
	STATE_TCP_LENGTH,
	STATE_TCP_BODY,
};

struct probe {
	sd_event *loop;
	struct probe_options options;
	char *contains;
	probe_result_fn *result;
	void *arg;
	sd_event_source *next_timer, *timeout_timer, *io;

	enum probe_state state;
	int fd;
	struct mono sent_at, next_at;
	unsigned ignored; /* replies that weren't */
	bool owed;        /* the next query's time came while this one was in flight */
	struct question_wire query;
	/* TCP: two bytes of length in front of each message (RFC 1035 4.2.2). */
	uint8_t length[2];
	uint8_t *body;
	size_t at, body_len; /* bytes done of what the state is about */
};

const char *probe_transport_name(enum probe_transport transport)
{
	return transport == PROBE_UDP ? "udp" : "tcp";
}

const char *probe_outcome_name(enum probe_outcome outcome)
{
	switch (outcome) {
	case PROBE_OK:
		return "ok";
	case PROBE_BAD_CONTENT:
		return "bad content";
	case PROBE_REFUSED:
		return "refused";
	case PROBE_TIMEOUT:
		return "timeout";
	case PROBE_ERROR:
		return "error";
	}
	return "?";
}

static void query_end(struct probe *probe)
{
	probe->io = sd_event_source_disable_unref(probe->io);
	if (probe->fd >= 0)
		close(probe->fd);
	probe->fd = -1;
	free(probe->body);
	probe->body = NULL;
	timer_off(probe->timeout_timer);
	probe->state = STATE_IDLE;
}

static void query_begin(struct probe *probe);

static void report(struct probe *probe, struct probe_result *result)
{
	query_end(probe);
	result->family = probe->options.destination.ss_family;
	result->transport = probe->options.transport;
	probe->result(probe->arg, result);
	if (probe->owed)
		query_begin(probe);
}

static void report_answer(struct probe *probe, const struct question_answer *answer)
{
	struct probe_result result = {
		.outcome = answer->expected ? PROBE_OK : PROBE_BAD_CONTENT,
		.rtt = mono_since(mono_now(), probe->sent_at),
		.rcode = answer->rcode,
		.has_serial = answer->has_serial,
		.serial = answer->serial,
	};

	snprintf(result.detail, sizeof result.detail, "%s", answer->detail);
	report(probe, &result);
}

static void report_failure(struct probe *probe, enum probe_outcome outcome, const char *what)
{
	struct probe_result result = {.outcome = outcome, .rcode = -1};

	if (probe->ignored)
		snprintf(result.detail, sizeof result.detail, "%s (%u foreign replies ignored)",
			what, probe->ignored);
	else
		snprintf(result.detail, sizeof result.detail, "%s", what);
	report(probe, &result);
}

/* An error from the network says something about the server, one from our own
 * host doesn't. */
static void report_errno(struct probe *probe, int error, const char *call)
{
	char text[96];

	switch (error) {
	case ECONNREFUSED:
		report_failure(probe, PROBE_REFUSED, "connection refused");
		return;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ETIMEDOUT:
	case ECONNRESET:
	case EPIPE:
		report_failure(probe, PROBE_TIMEOUT, strerror(error));
		return;
	default:
		snprintf(text, sizeof text, "%s: %s", call, strerror(error));
		report_failure(probe, PROBE_ERROR, text);
	}
}

static bool would_block(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* The socket is connected, so the kernel has checked address and port. */
static void udp_readable(struct probe *probe)
{
	struct question_answer answer;
	uint8_t reply[UDP_REPLY_MAX];
	ssize_t n;

	/* Bounded: a flood of foreign replies must not hold the loop. */
	for (int i = 0; i < 16; i++) {
		n = recv(probe->fd, reply, sizeof reply, MSG_DONTWAIT);
		if (n < 0) {
			if (!would_block(errno))
				report_errno(probe, errno, "recv");
			return;
		}
		if (question_read(&probe->query, reply, (size_t)n, &probe->options.expect,
			    &answer) == 0) {
			report_answer(probe, &answer);
			return;
		}
		probe->ignored++;
	}
}

static void tcp_send(struct probe *probe)
{
	uint8_t message[2 + QUESTION_MAX];
	size_t len = 2 + probe->query.len;
	ssize_t n;

	message[0] = (uint8_t)(probe->query.len >> 8);
	message[1] = (uint8_t)probe->query.len;
	memcpy(message + 2, probe->query.bytes, probe->query.len);
	n = send(probe->fd, message + probe->at, len - probe->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (!would_block(errno))
			report_errno(probe, errno, "send");
		return;
	}
	probe->at += (size_t)n;
	if (probe->at < len)
		return;
	probe->at = 0;
	probe->state = STATE_TCP_LENGTH;
	sd_event_source_set_io_events(probe->io, EPOLLIN);
}

static void tcp_connected(struct probe *probe)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		report_errno(probe, error, "connect");
		return;
	}
	probe->at = 0;
	probe->state = STATE_TCP_SEND;
	tcp_send(probe);
}

/* Some of `want` bytes; true: all are there. */
static bool tcp_take(struct probe *probe, uint8_t *bytes, size_t want)
{
	ssize_t n = recv(probe->fd, bytes + probe->at, want - probe->at, MSG_DONTWAIT);

	if (n < 0) {
		if (!would_block(errno))
			report_errno(probe, errno, "recv");
		return false;
	}
	if (n == 0) {
		report_failure(probe, PROBE_TIMEOUT, "server closed the connection");
		return false;
	}
	probe->at += (size_t)n;
	return probe->at == want;
}

static void tcp_length(struct probe *probe)
{
	if (!tcp_take(probe, probe->length, sizeof probe->length))
		return;
	probe->at = 0;
	probe->body_len = (size_t)probe->length[0] << 8 | probe->length[1];
	if (probe->body_len == 0) {
		report_failure(probe, PROBE_TIMEOUT, "server sent an empty message");
		return;
	}
	probe->body = malloc(probe->body_len);
	if (!probe->body) {
		report_failure(probe, PROBE_ERROR, "out of memory");
		return;
	}
	probe->state = STATE_TCP_BODY;
}

static void tcp_body(struct probe *probe)
{
	struct question_answer answer;

	if (!tcp_take(probe, probe->body, probe->body_len))
		return;
	if (question_read(&probe->query, probe->body, probe->body_len, &probe->options.expect,
		    &answer) == 0) {
		report_answer(probe, &answer);
		return;
	}
	/* Nobody but the server can say this on a stream. */
	report_failure(probe, PROBE_TIMEOUT, "server sent a reply to another question");
}

static int ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct probe *probe = arg;

	switch (probe->state) {
	case STATE_UDP_WAIT:
		udp_readable(probe);
		break;
	case STATE_TCP_CONNECT:
		tcp_connected(probe);
		break;
	case STATE_TCP_SEND:
		tcp_send(probe);
		break;
	case STATE_TCP_LENGTH:
		tcp_length(probe);
		break;
	case STATE_TCP_BODY:
		tcp_body(probe);
		break;
	case STATE_IDLE:
		break;
	}
	return 0;
}

static int timed_out(sd_event_source *source, uint64_t usec, void *arg)
{
	struct probe *probe = arg;

	if (probe->state != STATE_IDLE)
		report_failure(probe, PROBE_TIMEOUT,
			probe->state == STATE_TCP_CONNECT ? "no connection in time"
							  : "no answer in time");
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
static int query_open(struct probe *probe, const char **call)
{
	const struct probe_options *o = &probe->options;
	int family = o->destination.ss_family;
	int r;

	*call = "socket";
	probe->fd = socket(family,
		(o->transport == PROBE_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK |
			SOCK_CLOEXEC,
		0);
	if (probe->fd < 0)
		return -errno;
	*call = "setsockopt";
	if (o->local && keep_local(probe->fd, family) < 0)
		return -errno;
	*call = "bind to the source address";
	if (o->source.ss_family != AF_UNSPEC &&
		bind(probe->fd, (const struct sockaddr *)&o->source, address_size(&o->source)) < 0)
		return -errno;
	*call = "sd_event_add_io";
	r = sd_event_add_io(probe->loop, &probe->io, probe->fd,
		o->transport == PROBE_UDP ? EPOLLIN : EPOLLOUT, ready, probe);
	if (r >= 0)
		r = sd_event_source_set_priority(probe->io, HEALTH_PRIORITY_ANSWER);
	if (r < 0)
		return r;
	*call = "connect";
	probe->state = o->transport == PROBE_UDP ? STATE_UDP_WAIT : STATE_TCP_CONNECT;
	if (connect(probe->fd, (const struct sockaddr *)&o->destination,
		    address_size(&o->destination)) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	return 0;
}

static void query_begin(struct probe *probe)
{
	const char *call;
	uint16_t id;
	int r;

	/* Never blocks once the machine is up; before, the ID is merely weak. */
	if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id)
		id = (uint16_t)mono_now().ns;
	question_set_id(&probe->query, id);
	probe->owed = false;
	probe->ignored = 0;
	probe->at = 0;
	probe->sent_at = mono_now();
	timer_set(probe->timeout_timer, mono_after(probe->sent_at, probe->options.timeout));
	r = query_open(probe, &call);
	if (r == 0 && probe->options.transport == PROBE_UDP) {
		call = "send";
		if (send(probe->fd, probe->query.bytes, probe->query.len, MSG_DONTWAIT) < 0)
			r = -errno;
	}
	if (r < 0)
		report_errno(probe, -r, call);
}

static void rhythm(struct probe *probe)
{
	struct mono now = mono_now();

	/* A loop that was late doesn't ask several times at once. */
	probe->next_at = mono_after(probe->next_at, probe->options.interval);
	if (mono_before(probe->next_at, now))
		probe->next_at = mono_after(now, probe->options.interval);
	timer_set(probe->next_timer, probe->next_at);
}

static int next_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct probe *probe = arg;

	rhythm(probe);
	/* With a timeout as long as the interval both end in the same turn. */
	if (probe->state != STATE_IDLE)
		probe->owed = true;
	else
		query_begin(probe);
	return 0;
}

void probe_start(struct probe *probe)
{
	probe->next_at = mono_after(mono_now(), probe->options.phase);
	timer_set(probe->next_timer, probe->next_at);
}

void probe_set_interval(struct probe *probe, struct span interval)
{
	struct mono sooner = mono_after(mono_now(), interval);

	if (interval.ns < probe->options.timeout.ns || interval.ns == probe->options.interval.ns)
		return;
	probe->options.interval = interval;
	if (mono_before(sooner, probe->next_at)) {
		probe->next_at = sooner;
		timer_set(probe->next_timer, probe->next_at);
	}
}

void probe_now(struct probe *probe)
{
	if (probe->state == STATE_UDP_WAIT) {
		if (send(probe->fd, probe->query.bytes, probe->query.len, MSG_DONTWAIT) < 0 &&
			!would_block(errno))
			report_errno(probe, errno, "send");
		return;
	}
	if (probe->state != STATE_IDLE)
		return;
	probe->next_at = mono_now();
	timer_set(probe->next_timer, probe->next_at);
}

static int options_check(const struct probe_options *options)
{
	int family = options->destination.ss_family;

	if (family != AF_INET && family != AF_INET6)
		return -EINVAL;
	if (options->source.ss_family != AF_UNSPEC && options->source.ss_family != family)
		return -EINVAL;
	if (options->interval.ns <= 0 || options->timeout.ns <= 0 ||
		options->timeout.ns > options->interval.ns)
		return -EINVAL;
	return 0;
}

int probe_new(struct probe **out, sd_event *loop, const struct probe_options *options,
	probe_result_fn *result, void *arg)
{
	struct probe *probe;
	int r = options_check(options);

	if (r < 0)
		return r;
	probe = calloc(1, sizeof *probe);
	if (!probe)
		return -ENOMEM;
	probe->fd = -1;
	probe->loop = sd_event_ref(loop);
	probe->options = *options;
	probe->options.name = NULL;
	probe->result = result;
	probe->arg = arg;
	r = question_build(&probe->query, options->name, options->qtype);
	if (r == 0 && options->expect.rdata_contains) {
		probe->contains = strdup(options->expect.rdata_contains);
		r = probe->contains ? 0 : -ENOMEM;
	}
	probe->options.expect.rdata_contains = probe->contains;
	if (r == 0)
		r = timer_new(loop, &probe->next_timer, next_due, probe);
	if (r == 0)
		r = timer_new(loop, &probe->timeout_timer, timed_out, probe);
	if (r < 0) {
		probe_free(probe);
		return r;
	}
	*out = probe;
	return 0;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	query_end(probe);
	sd_event_source_disable_unref(probe->next_timer);
	sd_event_source_disable_unref(probe->timeout_timer);
	sd_event_unref(probe->loop);
	free(probe->contains);
	free(probe);
}
