/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine on the loop: opened or adopted, attached where the configuration
 * says, told the settings, kept alive by its lease, probed once a second.
 *
 * In: configuration, interfaces. Out: the engine's memory for the publisher,
 * counters, and whether the fast path answers. What isn't possible yet goes to
 * `waiting` and is tried again. Knows no zones but the one it asks for. Loop
 * thread only.
 */
#pragma once

#include "control/config.h"
#include "control/interface.h"
#include "control/settings.h"
#include "control/waiting.h"
#include "engine.h"

struct fastpath;

/* Sums over the rows of the engine's counters. */
struct fastpath_counters {
	struct counters_path paths[CONFIG_MAX_INTERFACES][2]; /* as configured; IPv4, IPv6 */
	struct counters_path all;
	uint64_t truncated;
	uint64_t reasons[COUNTERS_REASONS];
	uint64_t rcodes[COUNTERS_RCODES];
};

#define FASTPATH_WARNINGS 4

struct fastpath_status {
	bool present;     /* the engine is open */
	bool adopted;     /* it was there before us */
	bool attached;    /* to every configured interface */
	bool healthy;     /* attached, lease runs, replies find a route, and the last test run was
			     answered right */
	char reason[256]; /* why not healthy; "" */
	struct engine_attachment links[CONFIG_MAX_INTERFACES];
	/* What of each interface may keep replies from their clients; borrowed, "": nothing. */
	const char *warnings[CONFIG_MAX_INTERFACES][FASTPATH_WARNINGS];
	size_t links_count;
	uint64_t lease_left_us;
};

/* What the test run asks for; zone.wire NULL: no zone is published yet. */
struct fastpath_question {
	struct domain zone;  /* borrowed */
	uint32_t serials[2]; /* either is right: a publish may be under way */
};

int fastpath_new(struct fastpath **fastpath, struct waiting *waiting);
/* Keeps program, links and image as they are (restart). NULL is fine. */
void fastpath_free(struct fastpath *fastpath);

/*
 * Opens the engine if it isn't open: call about once a second. That is done in a
 * thread of its own (loading takes some 4 s for each GiB, adopting 0.1 s), which
 * is waited for so long at most; then fastpath_memory() is there, or it is
 * awaited. 0; -EBUSY: another daemon runs this instance.
 */
int fastpath_open(struct fastpath *fastpath, const struct config *config, uint64_t patience_us);

/* The memory, or NULL while the engine isn't open. Borrowed; stays until leave or free. */
struct engine_memory *fastpath_memory(struct fastpath *fastpath);

/* The profile in the settings that an adopted engine has in force. */
bool fastpath_profile(const struct fastpath *fastpath, struct settings_profile *profile);

/*
 * Makes settings and attachments what configuration and interfaces say; call
 * after any change of either, and once a second. `profile` NULL: nothing was
 * measured yet, so everything passes. `may_flap`: nothing is
 * announced for certain, so a link may go down for a moment. Settings that differ
 * from those in force wait while a grace period is wanted (below).
 */
void fastpath_apply(struct fastpath *fastpath, const struct config *config,
	const struct settings_profile *profile, const struct interfaces *interfaces, bool may_flap);
/* A reader may hold the settings before those in force, this daemon's or its
 * predecessor's: none does after one grace period from now on. */
bool fastpath_wants_grace(const struct fastpath *fastpath);
void fastpath_grace_ended(struct fastpath *fastpath);

/* The lease runs anew from now. */
void fastpath_lease(struct fastpath *fastpath, const struct config *config);

/* Looks at the links and makes a test run for each family that is served. */
void fastpath_probe(struct fastpath *fastpath, const struct config *config,
	const struct fastpath_question *question);

void fastpath_status(const struct fastpath *fastpath, struct fastpath_status *status);
void fastpath_counters(const struct fastpath *fastpath, struct fastpath_counters *counters);

/* Leaves service: detaches, unpins, closes. `memory_stays`: somebody still writes into it,
 * so it goes with the process. */
int fastpath_leave(struct fastpath *fastpath, bool memory_stays);
