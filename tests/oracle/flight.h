/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many questions in flight to real servers over UDP.
 *
 * In: messages whose IDs are their places in the list. Out: what each server replied to each. A
 * query that nobody answers is sent again, a few times; then the reply stays empty. It starts no
 * server.
 */
#ifndef ANODE_TESTS_FLIGHT_H
#define ANODE_TESTS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLIGHT_QUERY_MAX 320 /* octets of a message that is sent */
#define FLIGHT_BATCH     1024

struct flight_reply {
	uint8_t *octets; /* owned; NULL: none came */
	size_t size;
};

/* A server at an IPv4 address of loopback, port 53. */
struct flight_server {
	char name[24];
	int fd;
};

struct flight_query {
	uint8_t octets[FLIGHT_QUERY_MAX];
	size_t size;
};

/* 0 or a negative errno. */
int flight_open(struct flight_server *server, const char *name, const char *address);
void flight_close(struct flight_server *server);

/*
 * Asks every server all queries (at most FLIGHT_BATCH). replies[s * count + i] becomes what server
 * s said to query i; free them with flight_replies_free. 0 or a negative errno.
 */
int flight_ask(const struct flight_server *servers, size_t server_count,
	const struct flight_query *queries, size_t count, struct flight_reply *replies);
void flight_replies_free(struct flight_reply *replies, size_t count);

/* CLOCK_MONOTONIC. */
int64_t flight_now_ms(void);

/* Asks one question until the server answers NOERROR: it may still be loading zones. False if it
 * didn't until the deadline. */
bool flight_ready(
	const struct flight_server *server, const struct flight_query *query, int64_t deadline_ms);

#endif
