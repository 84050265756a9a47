/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon: where the flows meet. This header belongs to its parts alone,
 * daemon.c and daemon_*.c, and to main.c, which opens, runs and closes it.
 *
 *     zones ──▶ fast path ──▶ policy ──▶ BIRD
 *       └── states, counters ──▶ control socket, metrics ◀── people
 *
 * Loop thread only.
 */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "control/config.h"
#include "control/ctl/server.h"
#include "control/ctl/snapshot.h"
#include "control/fastpath.h"
#include "control/health/health.h"
#include "control/interface.h"
#include "control/metrics.h"
#include "control/overload.h"
#include "control/profile.h"
#include "control/waiting.h"
#include "control/zones.h"

enum daemon_leave {
	LEAVE_NOT,
	LEAVE_WITHDRAWING, /* until BIRD's read-back says that nothing is announced */
	LEAVE_DRAINING,    /* until no query comes any more */
	LEAVE_ENDING,      /* until the threads are through with what they are at */
};

struct daemon {
	const char *config_path;
	struct config *config;
	sd_event *loop;
	char node[65];
	uint64_t started; /* CLOCK_REALTIME us */
	struct waiting waiting;
	struct interfaces *interfaces;
	struct fastpath *fastpath;
	struct zones *zones;
	struct health *health;
	struct overload *overload;
	struct signers *signers; /* of the health flow's checks */
	int overrides_kept;      /* 0, or why the last change of overrides isn't on disk */
	struct ctl_server *server;
	struct metrics *metrics;
	sd_event_source *tick, *term, *interrupt, *hup;
	struct profile *profile;
	bool server_lost;      /* a check says so: what comes back may be another server */
	uint64_t grace_wanted; /* publisher's count that frees the settings' other block */
	bool grace_due;
	/* Is a drain over? */
	uint64_t traffic_queries, traffic_at; /* counted then; CLOCK_MONOTONIC us */
	uint64_t traffic_high;                /* when there were last too many */
	/* Leaving service. */
	enum daemon_leave leave;
	sd_event_source *leave_timer;
	bool leave_undrained;   /* a second signal */
	uint64_t leave_since;   /* CLOCK_MONOTONIC us, of the draining */
	uint64_t leave_query;   /* of the last query seen */
	uint64_t leave_queries; /* counted then */
};

/* Takes `config` over. 0, or negative errno (said). Then run the loop. */
int daemon_open(struct daemon *daemon, struct config *config, const char *config_path);
/* Stops threads and closes; program, image and routes stay as they are. */
void daemon_close(struct daemon *daemon);

/* What the fast path, the zones and the interfaces say goes to the policy. */
void daemon_tell_health(struct daemon *daemon);

/* Reads the file again, all or nothing. 0 with *changed the keys that differ (a
 * new array), or negative errno and why. */
int daemon_reload(struct daemon *daemon, json_t **changed, char *error, size_t error_size);

/* daemon_health.c */
int daemon_health_open(struct daemon *daemon);
int daemon_health_reload(
	struct daemon *daemon, const struct config *config, char *error, size_t error_size);

/* daemon_keep.c: what outlives the daemon */
const char *daemon_folder(const struct daemon *daemon, char path[PATH_MAX]);
/* Before the health flow starts. */
void daemon_recall(struct daemon *daemon);
/* For struct health_events. */
void daemon_keep_overrides(void *arg);
void daemon_keep_transition(void *arg, const struct health_transition *transition);

/* daemon_status.c: fills a snapshot that borrows from the daemon, until
 * snapshot_free(). NULL: no memory. */
struct ctl_snapshot *daemon_snapshot(const struct daemon *daemon);
/* Adds what the policy would decide if; "" = as it is. 0; -EINVAL: not such a text, -ENOMEM. */
int daemon_suppose(const struct daemon *daemon, struct ctl_snapshot *snapshot, const char *what_if,
	char *error, size_t error_size);
void daemon_snapshot_free(struct ctl_snapshot *snapshot);
enum ctl_state daemon_state(const struct daemon *daemon, const char **cause);

/* daemon_control.c: requests of the control socket. */
char *daemon_answer(void *arg, const struct ctl_request *request, const struct ctl_peer *peer);
void daemon_metrics(void *arg, FILE *out);

/* daemon_leave.c */
void daemon_leave(struct daemon *daemon);
void daemon_left_routes(struct daemon *daemon, int result);
