/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaving service, step by step:
 *
 *     SIGTERM ─▶ withdraw ─▶ read back ─▶ drain ─▶ threads end ─▶ detach, unpin ─▶ end of the loop
 *
 * The fast path answers until the last step: queries that are still on their way
 * after the withdrawal are answered as well.
 */
#include <string.h>
#include <systemd/sd-daemon.h>

#include "control/clock.h"
#include "control/daemon.h"
#include "control/log.h"

#define LOOK_US UINT64_C(50000)
/* A publish of the largest zone, or a compile, on a busy machine. Whoever waits
 * for us (TimeoutStopSec) waits 90 s. */
#define END_US UINT64_C(10000000)

static uint64_t queries_counted(const struct daemon *daemon)
{
	struct fastpath_counters counters;

	fastpath_counters(daemon->fastpath, &counters);
	return counters.all.fast + counters.all.passed + counters.all.dropped;
}

/* Nothing of ours answers any more; then the end. */
static int leave_finish(struct daemon *daemon, bool ended)
{
	int r;

	/* The publisher writes into the engine's memory: it ends before that goes. One
	 * that hangs keeps it, and goes with the process. */
	if (ended)
		zones_close(daemon->zones);
	else
		log_write(LOG_TROUBLE, "leave", NULL,
			"a thread doesn't end within %u s (%s): detaching without it",
			(unsigned)(END_US / 1000000),
			zones_stuck(daemon->zones) ? zones_stuck(daemon->zones) : "busy");
	daemon->zones = NULL;
	r = fastpath_leave(daemon->fastpath, !ended);
	if (r < 0)
		log_write(LOG_ENGINE_FAILED, NULL, NULL, "detaching: %s", strerror(-r));
	else
		log_write(LOG_ENGINE_DETACHED, NULL, NULL, "fast path detached, left service");
	return sd_event_exit(daemon->loop, 0);
}

static int look_again(sd_event_source *source)
{
	sd_event_source_set_time_relative(source, LOOK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Quiet for long enough, or for too long not. */
static int leave_look(sd_event_source *source, uint64_t usec, void *arg)
{
	struct daemon *daemon = arg;
	uint64_t now = clock_monotonic_us(), queries;

	if (daemon->leave == LEAVE_ENDING) {
		bool ended = zones_ended(daemon->zones);

		if (ended || now - daemon->leave_since >= END_US)
			return leave_finish(daemon, ended);
		return look_again(source);
	}
	queries = queries_counted(daemon);
	if (queries != daemon->leave_queries) {
		daemon->leave_queries = queries;
		daemon->leave_query = now;
	}
	if (daemon->leave_undrained ||
		now - daemon->leave_query >= daemon->config->leave.quiet.us ||
		now - daemon->leave_since >= daemon->config->leave.limit.us) {
		daemon->leave = LEAVE_ENDING;
		daemon->leave_since = now;
		zones_end(daemon->zones);
	}
	return look_again(source);
}

void daemon_left_routes(struct daemon *daemon, int result)
{
	if (daemon->leave != LEAVE_WITHDRAWING)
		return;
	daemon->leave = LEAVE_DRAINING;
	daemon->leave_since = daemon->leave_query = clock_monotonic_us();
	daemon->leave_queries = queries_counted(daemon);
	if (result < 0)
		log_write(LOG_PREFIX_STUCK, NULL, NULL,
			"withdrawal not confirmed by BIRD: %s; its state files say withdrawn",
			strerror(-result));
	if (sd_event_add_time_relative(daemon->loop, &daemon->leave_timer, CLOCK_MONOTONIC, LOOK_US,
		    0, leave_look, daemon) < 0)
		leave_finish(daemon, false);
}

void daemon_leave(struct daemon *daemon)
{
	if (daemon->leave != LEAVE_NOT) {
		daemon->leave_undrained = true;
		return;
	}
	daemon->leave = LEAVE_WITHDRAWING;
	sd_notify(0, "STOPPING=1");
	log_write(LOG_DAEMON_LEAVING, NULL, NULL, "leaving service: withdraw, drain, detach");
	health_leave(daemon->health);
}
