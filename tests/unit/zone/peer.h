/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DNS server on loopback, one port for UDP and TCP, that does what the test wants: each query
 * goes to the test's function, which answers or misbehaves. UDP and TCP have a thread each, so that
 * a hanging transfer doesn't hold up the polls.
 */
#ifndef ANODE_TESTS_ZONE_PEER_H
#define ANODE_TESTS_ZONE_PEER_H

#include "control/zone/stream.h"
#include "tests/unit/zone/wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct peer;

/* A query as it came. */
struct ask {
	struct peer *peer;
	void *context;
	int fd; /* TCP: the connection, still open after return only if *keep */
	bool tcp;
	struct sockaddr_storage from;
	socklen_t from_size;
	uint16_t id;
	size_t size;
	uint8_t query[65535];
};

typedef void peer_answer(struct ask *ask);

struct peer {
	int tcp, udp, stop;
	int family;
	uint16_t port;
	pthread_t udp_thread, tcp_thread;
	peer_answer *answer;
	void *context;
	atomic_int udp_count, tcp_count;
};

/* Any free port of 127.0.0.1 or ::1. Fails the test if it can't. */
void peer_open(struct peer *peer, int family, peer_answer *answer, void *context);
void peer_close(struct peer *peer);

/* Options that reach the peer, with bounds fit for a test. */
struct stream_options peer_options(const struct peer *peer);

/* Sends the message the way the query came, with its length over TCP. */
void ask_send(struct ask *ask, const struct wire *wire);

/* Waits until the peer is told to stop, at most 10 s. */
void ask_hang(struct ask *ask);

/* A port of 127.0.0.1 that nobody listens on. */
struct stream_options peer_nobody(void);

#endif
