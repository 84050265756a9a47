/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks one server one DNS question over and over, over UDP or TCP, and reports
 * each outcome. In: a question, addresses, times. Out: one struct probe_result
 * for each time it asked. It judges nothing: see verdict.h.
 *
 * Each query has a fresh socket (so a random source port) and a random ID; what
 * isn't a reply to it, from the address asked, is ignored. Loop thread only;
 * never blocks.
 */
#ifndef ANODE_HEALTH_PROBE_H
#define ANODE_HEALTH_PROBE_H

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "control/health/moment.h"
#include "control/health/question.h"

enum probe_transport {
	PROBE_UDP,
	PROBE_TCP,
};

enum probe_outcome {
	PROBE_OK,          /* an answer, as expected */
	PROBE_BAD_CONTENT, /* an answer, so the server lives; not as expected */
	PROBE_REFUSED,     /* the host says that nobody listens */
	PROBE_TIMEOUT,     /* no answer in time, or no way there */
	PROBE_ERROR,       /* our own socket failed: says nothing about the server */
};

const char *probe_transport_name(enum probe_transport transport);
const char *probe_outcome_name(enum probe_outcome outcome);

struct probe_options {
	enum probe_transport transport;
	struct sockaddr_storage source;      /* ss_family AF_UNSPEC: the kernel's choice; port 0 */
	struct sockaddr_storage destination; /* with port */
	/* The destination is an address of this host: never let a query leave it
	 * when the address is gone, somebody else would answer. */
	bool local;
	const char *name;              /* copied */
	uint16_t qtype;                /* host byte order */
	struct question_expect expect; /* rdata_contains is copied */
	struct span interval, timeout; /* timeout <= interval */
	struct span phase;             /* of the first query, from probe_start() */
};

struct probe_result {
	int family;
	enum probe_transport transport;
	enum probe_outcome outcome;
	struct span rtt; /* of an answer */
	int rcode;       /* -1 = no answer */
	bool has_serial;
	uint32_t serial;  /* host byte order */
	char detail[160]; /* for people; "" for PROBE_OK */
};

struct probe;

/* Called once for each query, from the loop. probe_now() may be called in it,
 * probe_free() not. */
typedef void probe_result_fn(void *arg, const struct probe_result *result);

/* 0, -EINVAL (name, families differ, timeout above interval), -ENOMEM. */
int probe_new(struct probe **probe, sd_event *loop, const struct probe_options *options,
	probe_result_fn *result, void *arg);
void probe_free(struct probe *probe);

void probe_start(struct probe *probe);
/* From the next query on; not below the timeout. */
void probe_set_interval(struct probe *probe, struct span interval);
/* Asks at once; a UDP query that is in flight is repeated. The rhythm goes on
 * from here. */
void probe_now(struct probe *probe);

#endif
