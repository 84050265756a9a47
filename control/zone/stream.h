/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One query over TCP, and the messages that answer it (RFC 1035 4.2.2, RFC 7766).
 *
 * Non-blocking: the owner polls stream_fd() for stream_events(), and calls stream_step() when it is
 * ready or stream_deadline() has passed. Out flow whole messages, to a sink. It doesn't look
 * inside them.
 */
#ifndef ANODE_ZONE_STREAM_H
#define ANODE_ZONE_STREAM_H

#include "control/zone/monotime.h"
#include "control/zone/zone_fault.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where the local server is and how long it may take. */
struct stream_options {
	struct sockaddr_storage server; /* with its port */
	struct sockaddr_storage source; /* ss_family 0: the kernel picks; else port 0 */
	struct timespan connect;        /* until the connection stands */
	struct timespan idle;           /* between two pieces of an answer */
	struct timespan total;          /* for everything */
};

struct stream;

/* One whole message; it may be changed in place. 0: more, please; 1: that was the last; negative
 * errno with 'fault' filled. */
typedef int stream_sink(void *context, uint8_t *message, size_t size, struct zone_fault *fault);

/* Begins to connect; the query is copied. 0 with *stream owned by the caller (stream_free), or a
 * negative errno with 'fault' filled. */
int stream_open(struct stream **stream, const struct stream_options *options, const uint8_t *query,
	size_t size, struct zone_fault *fault);

int stream_fd(const struct stream *stream);
short stream_events(const struct stream *stream); /* POLLIN or POLLOUT */
struct monotime stream_deadline(const struct stream *stream);

/* Does what can be done without waiting, at most some hundred kilobytes of it. 0: poll again; 1:
 * the sink had its last message; negative errno with 'fault' filled. Then the stream is only good
 * for stream_free(). */
int stream_step(struct stream *stream, stream_sink *sink, void *context, struct zone_fault *fault);

uint64_t stream_octets(const struct stream *stream); /* received so far */

void stream_free(struct stream *stream);

/* Steps until the end, or until 'cancel_fd' (-1: none) is readable. As stream_step(), but never
 * returns 0. */
int stream_run(struct stream *stream, stream_sink *sink, void *context, int cancel_fd,
	struct zone_fault *fault);

/* A socket of 'type' (SOCK_STREAM or SOCK_DGRAM), non-blocking, bound to the source and connecting
 * to the server. Returns it or a negative errno with 'fault' filled. */
int stream_socket(const struct stream_options *options, int type, struct zone_fault *fault);

#endif
