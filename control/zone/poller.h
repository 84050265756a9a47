/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SOA queries for many zones over one UDP socket, none of them waited for.
 *
 * In: questions by number ("thing"). Out: for each exactly one call with its answer or its fault.
 * A closed port fails all that are unanswered at once; silence fails each after the timeout.
 */
#ifndef ANODE_ZONE_POLLER_H
#define ANODE_ZONE_POLLER_H

#include "control/zone/soa.h"

#include <stdbool.h>
#include <stdint.h>

struct poller;

/* 'fault' of kind NONE: 'answer' is good, or says truncated. 'asked': when the question went out.
 */
typedef void poller_sink(void *context, uint32_t thing, struct monotime asked,
	const struct soa_answer *answer, const struct zone_fault *fault);

/* 'most': questions unanswered at once. Of 'options' server and source are used. 0 or -ENOMEM. */
int poller_new(struct poller **poller, const struct stream_options *options, unsigned most,
	struct timespan timeout, poller_sink *sink, void *context);

/* Readable when answers came; -1 while no question was sent. It may change with each call. */
int poller_fd(const struct poller *poller);

/* When the oldest question times out. */
struct monotime poller_deadline(const struct poller *poller);

bool poller_is_full(const struct poller *poller);

/* Asks for the SOA of 'name' (folded). What can't be sent fails at once, in the sink. Not when it
 * is full. */
void poller_ask(struct poller *poller, uint32_t thing, const uint8_t *name, struct key *key);

/* Reads what came, then fails what is too old; in this order, so that a caller who was busy for
 * long doesn't take an answer that waits for silence. */
void poller_step(struct poller *poller);

/* Forgets the questions without a call to the sink, and the socket. */
void poller_free(struct poller *poller);

#endif
