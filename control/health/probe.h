/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks one server one DNS question over and over and reports each outcome. In:
 * a question, addresses, times. Out: a struct probe_result for each query. It
 * judges nothing: see verdict.h.
 *
 * A UDP query that was reported as a timeout is still listened to for a while:
 * an answer that comes late is reported too, because a slow server isn't silent.
 * Loop thread only; never blocks.
 */
#ifndef ANODE_HEALTH_PROBE_H
#define ANODE_HEALTH_PROBE_H

#include "control/health/query.h"

enum probe_outcome {
	PROBE_OK,          /* an answer, as expected */
	PROBE_BAD_CONTENT, /* an answer, so the server lives; not as expected */
	PROBE_REFUSED,     /* the host says that nobody listens */
	PROBE_TIMEOUT,     /* no answer in time, or no way there */
	PROBE_ERROR,       /* our own socket failed: says nothing about the server */
};

const char *probe_transport_name(enum query_transport transport);
const char *probe_outcome_name(enum probe_outcome outcome);

struct probe_options {
	struct query_options query;    /* rdata_contains is copied */
	const char *name;              /* presentation format; copied */
	uint16_t qtype;                /* host byte order */
	struct span interval, timeout; /* timeout <= interval */
	struct span phase;             /* of the first query, from probe_start() */
};

struct probe_result {
	int family;
	enum query_transport transport;
	enum probe_outcome outcome;
	bool late;       /* this query was reported as a timeout before */
	struct span rtt; /* of an answer */
	int rcode;       /* -1 = no answer */
	bool has_serial;
	uint32_t serial;  /* host byte order */
	char detail[160]; /* for people; "" for PROBE_OK */
};

struct probe;

/* From the loop. probe_now() may be called in it, probe_free() not. */
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
