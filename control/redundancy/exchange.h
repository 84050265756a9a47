/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS questions to servers far away, all at once, each with the patience of a
 * resolver: UDP asked again with doubling waits, TCP connected again once.
 *
 * In: queries, addresses, a time. Out: for each the reply's octets or what came
 * instead. What isn't a reply to the query, from the address asked, is ignored.
 * Reads no record: see reply.h. Blocks until all are done, one thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Header, name, question; OPT with an empty NSID option. */
#define EXCHANGE_QUERY_MAX (12 + 255 + 4 + 15)

enum exchange_outcome {
	EXCHANGE_REPLY,    /* there is one */
	EXCHANGE_REFUSED,  /* the host says that nobody listens */
	EXCHANGE_SILENT,   /* no reply in time */
	EXCHANGE_BROKEN,   /* TCP: closed, reset, or not DNS */
	EXCHANGE_NO_ROUTE, /* this host can't send there: says nothing about the server */
};

struct exchange {
	struct sockaddr_storage to;   /* with port */
	struct sockaddr_storage from; /* AF_UNSPEC: the kernel's choice */
	bool tcp;
	uint8_t query[EXCHANGE_QUERY_MAX];
	size_t query_size;

	enum exchange_outcome outcome;
	int error;       /* errno behind the outcome; 0: none */
	unsigned tries;  /* sent, or connected */
	uint64_t rtt_us; /* of the reply: from the try that it answers (TCP: from connect()) */
	uint8_t *reply;  /* freed by exchange_free() */
	size_t reply_size;
};

/* Writes a query of class IN for a checked name; `nsid`: with an OPT record that
 * offers 1232 octets and asks for the NSID (RFC 5001). */
void exchange_ask(
	struct exchange *exchange, const uint8_t *name, uint16_t type, bool recurse, bool nsid);
/* Runs them; each takes `timeout_us` at most. 0 or -ENOMEM. */
int exchange_run(struct exchange *list, size_t count, uint64_t timeout_us);
void exchange_free(struct exchange *list, size_t count);
