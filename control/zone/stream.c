/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/stream.h"

#include "control/zone/message.h"
#include "control/zone/octets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE (256U << 10) /* what one step reads at most */
#define PREFIX_SIZE 2            /* length in front of each message */

struct stream {
	int fd;
	bool connected;
	size_t sent, query_size; /* with its length prefix */
	uint64_t octets;
	struct timespan idle;
	struct monotime deadline; /* of the phase */
	struct monotime end;      /* of everything */
	size_t filled;            /* octets in the buffer, a message's beginning first */
	uint8_t query[PREFIX_SIZE + MESSAGE_MAX_SIZE];
	uint8_t buffer[BUFFER_SIZE];
};

static socklen_t address_size(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

int stream_socket(const struct stream_options *options, int type, struct zone_fault *fault)
{
	const struct sockaddr_storage *server = &options->server, *source = &options->source;
	int fd = socket(server->ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, error;

	if (fd < 0)
		return zone_fault_set_errno(fault, errno, "socket");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (source->ss_family) {
		/* Lets the kernel choose the port at connect, per destination. */
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (const struct sockaddr *)source, address_size(source))) {
			error = zone_fault_set_errno(fault, errno, "source address");
			goto out;
		}
	}
	if (connect(fd, (const struct sockaddr *)server, address_size(server)) &&
		errno != EINPROGRESS) {
		error = zone_fault_set_errno(fault, errno, "connect");
		goto out;
	}
	return fd;
out:
	close(fd);
	return error;
}

int stream_open(struct stream **out, const struct stream_options *options, const uint8_t *query,
	size_t size, struct zone_fault *fault)
{
	struct stream *stream = malloc(sizeof(*stream));

	if (!stream)
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	stream->fd = stream_socket(options, SOCK_STREAM, fault);
	if (stream->fd < 0) {
		int error = stream->fd;

		free(stream);
		return error;
	}
	struct monotime now = monotime_now();
	stream->connected = false;
	stream->sent = 0;
	stream->octets = 0;
	stream->filled = 0;
	stream->idle = options->idle;
	stream->end = monotime_add(now, options->total);
	stream->deadline = monotime_first(stream->end, monotime_add(now, options->connect));
	octets_put_u16(stream->query, (unsigned)size);
	memcpy(stream->query + PREFIX_SIZE, query, size);
	stream->query_size = PREFIX_SIZE + size;
	*out = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	close(stream->fd);
	free(stream);
}

int stream_fd(const struct stream *stream)
{
	return stream->fd;
}

short stream_events(const struct stream *stream)
{
	return stream->sent < stream->query_size ? POLLOUT : POLLIN;
}

struct monotime stream_deadline(const struct stream *stream)
{
	return stream->deadline;
}

uint64_t stream_octets(const struct stream *stream)
{
	return stream->octets;
}

static bool must_wait(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == EINPROGRESS ||
	       error == ENOTCONN;
}

/* Progress was made: the idle time starts again. */
static void idle_restart(struct stream *stream)
{
	stream->deadline = monotime_first(stream->end, monotime_add(monotime_now(), stream->idle));
}

static int deadline_check(const struct stream *stream, struct zone_fault *fault)
{
	struct monotime now = monotime_now();

	if (monotime_before(now, stream->deadline))
		return 0;
	if (!monotime_before(now, stream->end))
		return zone_fault_set(
			fault, ZONE_FAULT_TIMEOUT, "not finished in the time allowed");
	if (!stream->connected)
		return zone_fault_set(
			fault, ZONE_FAULT_TIMEOUT, "no connection: no answer from the server");
	return zone_fault_set(fault, ZONE_FAULT_TIMEOUT, "the server fell silent");
}

static int query_send(struct stream *stream, struct zone_fault *fault)
{
	if (!stream->connected) {
		int error = 0;
		socklen_t size = sizeof(error);

		/* A failed connect shows here, and not as the error of a send. */
		getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error)
			return zone_fault_set_errno(fault, error, "connect");
	}
	while (stream->sent < stream->query_size) {
		ssize_t sent = send(stream->fd, stream->query + stream->sent,
			stream->query_size - stream->sent, MSG_NOSIGNAL);

		if (sent < 0 && must_wait(errno))
			return deadline_check(stream, fault);
		if (sent < 0)
			return zone_fault_set_errno(fault, errno, "send");
		stream->sent += (size_t)sent;
		stream->connected = true;
		idle_restart(stream);
	}
	return 0;
}

/* Hands the whole messages in the buffer to the sink and keeps the rest. */
static int messages_deliver(
	struct stream *stream, stream_sink *sink, void *context, struct zone_fault *fault)
{
	size_t at = 0;
	int result = 0;

	while (!result && stream->filled - at >= PREFIX_SIZE) {
		size_t size = octets_u16(stream->buffer + at);

		if (stream->filled - at - PREFIX_SIZE < size)
			break;
		result = sink(context, stream->buffer + at + PREFIX_SIZE, size, fault);
		at += PREFIX_SIZE + size;
	}
	memmove(stream->buffer, stream->buffer + at, stream->filled - at);
	stream->filled -= at;
	return result;
}

int stream_step(struct stream *stream, stream_sink *sink, void *context, struct zone_fault *fault)
{
	if (stream->sent < stream->query_size) {
		int error = query_send(stream, fault);

		if (error || stream->sent < stream->query_size)
			return error;
	}
	/* The buffer holds more than the longest message, so there is always room. */
	ssize_t got =
		recv(stream->fd, stream->buffer + stream->filled, BUFFER_SIZE - stream->filled, 0);
	if (got < 0 && must_wait(errno))
		return deadline_check(stream, fault);
	if (got < 0)
		return zone_fault_set_errno(fault, errno, "receive");
	if (got == 0)
		return zone_fault_set(fault, ZONE_FAULT_BROKEN_OFF,
			stream->octets ? "the server closed the connection before the end"
				       : "the server closed the connection without an answer");
	stream->octets += (uint64_t)got;
	stream->filled += (size_t)got;
	idle_restart(stream);
	int result = messages_deliver(stream, sink, context, fault);
	return result ? result : deadline_check(stream, fault);
}

int stream_run(struct stream *stream, stream_sink *sink, void *context, int cancel_fd,
	struct zone_fault *fault)
{
	for (;;) {
		struct pollfd fds[] = {
			{.fd = stream->fd, .events = stream_events(stream)},
			{.fd = cancel_fd, .events = POLLIN},
		};
		int ready = poll(fds, 2, monotime_poll_ms(monotime_now(), stream->deadline));

		if (ready < 0 && errno != EINTR)
			return zone_fault_set_errno(fault, errno, "poll");
		if (ready > 0 && fds[1].revents)
			return zone_fault_set(fault, ZONE_FAULT_CANCELLED, "cancelled");
		int result = stream_step(stream, sink, context, fault);
		if (result)
			return result;
	}
}
