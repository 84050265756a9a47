/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon: where the flows meet. Its parts are the daemon_*.c files; this
 * header is theirs alone. Loop thread only.
 *
 *     zone worker ─▶ publisher ─▶ image      (threads of their own)
 *          └── reports ──┴──▶ loop: zones, fast path ─▶ policy ─▶ BIRD
 *                                 ▲ control socket, signals, interfaces
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "control/config.h"
#include "control/ctl/server.h"
#include "control/fastpath.h"
#include "control/interface.h"
#include "control/publisher.h"
#include "control/waiting.h"

enum daemon_leave {
	LEAVE_NOT,
	LEAVE_WITHDRAWING, /* until BIRD's read-back says that nothing is announced */
	LEAVE_DRAINING,    /* until no query comes any more */
};

/* What the loop knows of a configured zone. */
struct daemon_zone {
	const struct config_zone *config;
	struct publisher_zone published;
};

struct daemon {
	const char *config_path;
	struct config *config;
	sd_event *loop;
	uint64_t started; /* CLOCK_REALTIME us */
	char node[65];
	struct waiting waiting;
	struct ctl_server *server;
	struct interfaces *interfaces;
	struct fastpath *fastpath;
	struct settings_profile profile;
	struct publisher *publisher;
	uint64_t grace_wanted; /* publisher_grace_count() that frees the settings' other block */
	bool memory_given;
	struct daemon_zone *zones; /* by name */
	size_t zones_count;
	sd_event_source *tick;
	/* Leaving service. */
	enum daemon_leave leave;
	bool leave_now;                    /* a second signal: don't drain */
	uint64_t leave_since, leave_query; /* CLOCK_MONOTONIC us: of the step; of the last query */
	uint64_t leave_queries;            /* seen so far */
};
