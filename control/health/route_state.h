/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two halves of the reconciler share: route.c decides what to send and
 * writes the state files, readback.c takes what comes back. Internal to them.
 */
#ifndef ANODE_HEALTH_ROUTE_STATE_H
#define ANODE_HEALTH_ROUTE_STATE_H

#include "control/health/bird_answer.h"
#include "control/health/prefix.h"
#include "control/health/statefile.h"

/* The command in flight and what its reply has said so far. */
struct command {
	bool sent; /* and its reply is due */
	struct bird_answer answer;
	struct route_prefix *prefix;
	struct proto *proto;
	struct peer *peer;
};

/* BGP protocols of BIRD, whoever they serve; more than these aren't looked at. */
#define ROUTE_SESSIONS_MAX 128

struct route {
	char sessions[ROUTE_SESSIONS_MAX][BIRD_NAME_MAX]; /* that stand */
	unsigned session_count;
	struct bird *bird;
	struct route_events events;
	void *arg;
	sd_event_source *timer;
	struct span round;
	struct statefile files;
	char superseded_by[64];
	struct prefix_list prefixes;
	struct command command;
	struct mono round_at; /* next one */
	bool need_status, need_protocols;
	struct mono recheck_at;
	bool ready_due;
	bool dated;             /* configured_age is known */
	int64_t configured_age; /* ms from BIRD's start to its last configuration */
	bool pumping;
};

/* Writes what has to be written and sends what has to be sent. */
void route_pump(struct route *route);

void route_say(struct route *route, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What bird.c calls back. arg: the route. */
extern const struct bird_events readback_events;

/* Recomputes what follows from what is known, and tells if it changed. */
void readback_observe(struct route_prefix *prefix);
/* It isn't as wanted, and should be by now. Said once for each reason. */
void readback_alarm(struct route_prefix *prefix);

#endif
