/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One DNS question, asked once, over UDP or TCP. In: a question and addresses.
 * Out: one struct query_result, unless it is freed before. It knows no timeout
 * and doesn't repeat itself: see probe.h.
 *
 * A fresh socket (so a random source port) and a random ID; what isn't a reply
 * to it, from the address asked, is ignored. Loop thread only; never blocks.
 */
#ifndef ANODE_HEALTH_QUERY_H
#define ANODE_HEALTH_QUERY_H

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "control/health/moment.h"
#include "control/health/question.h"

enum query_transport {
	QUERY_UDP,
	QUERY_TCP,
};

enum query_outcome {
	QUERY_OK,          /* an answer, as expected */
	QUERY_BAD_CONTENT, /* an answer, so the server lives; not as expected */
	QUERY_REFUSED,     /* the host says that nobody listens */
	QUERY_NO_ANSWER,   /* the network or the server ended it without an answer */
	QUERY_ERROR,       /* our own socket failed: says nothing about the server */
};

struct query_result {
	enum query_outcome outcome;
	struct span rtt; /* of an answer */
	int rcode;       /* -1 = no answer */
	bool has_serial;
	uint32_t serial;  /* host byte order */
	char detail[160]; /* for people; "" for QUERY_OK */
};

/* Signs what is asked and verifies what comes back (TSIG, RFC 8945): this folder
 * knows no keys. It must live as long as the queries that use it. */
struct query_signer {
	/* Signs the message of *size bytes in place, in `room` bytes. 0 with a session, or
	 * negative errno: nothing is asked then. */
	int (*sign)(void *arg, uint8_t *wire, size_t *size, size_t room, void **session);
	/* Is the reply signed by whom it was asked of? */
	bool (*verify)(void *session, const uint8_t *wire, size_t size);
	void (*end)(void *session);
	void *arg;
};

struct query_options {
	const struct query_signer *signer; /* NULL: unsigned */
	enum query_transport transport;
	struct sockaddr_storage source;      /* ss_family AF_UNSPEC: the kernel's choice */
	struct sockaddr_storage destination; /* with port */
	/* The destination is an address of this host: never let a query leave it
	 * when the address is gone, somebody else would answer. */
	bool local;
	struct question_expect expect;
};

struct query;

/* The query is over. query_free() it in here, or later. */
typedef void query_done_fn(void *arg, struct query *query, const struct query_result *result);

/* Asks. options must live as long as the query. -errno: it could not be asked,
 * or was refused at once; result says what that means, nothing is to be freed. */
int query_new(struct query **query, sd_event *loop, const struct query_options *options,
	const struct question_wire *question, query_done_fn *done, void *arg,
	struct query_result *result);
/* NULL is fine. */
void query_free(struct query *query);

/* UDP: sends the same once more, if the first may have been swallowed. */
void query_repeat(struct query *query);

/* Replies so far that weren't to this query. */
unsigned query_ignored(const struct query *query);
/* TCP: is it still waiting for the connection? */
bool query_connecting(const struct query *query);

#endif
