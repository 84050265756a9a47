/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The zone flow as the loop sees it: the mirror's events go to the publisher,
 * what became of them goes back, and the loop gets a copy of every state.
 *
 *     mirror (zone worker) ─ zone ─▶ compile ─▶ publisher ─▶ image
 *          ▲      └ status ─▶ board (lock) ─▶ loop ◀─ report ─┘
 *          └──────────── mirror_report ◀──────┘
 *
 * In: configuration, the image's memory. Out: views of all zones, log lines,
 * awaited keys. Loop thread only, but for what the mirror calls inside.
 */
#pragma once

#include <systemd/sd-event.h>

#include "control/bypass.h"
#include "control/config.h"
#include "control/publisher.h"
#include "control/waiting.h"
#include "control/zone/mirror.h"
#include "control/zone/specimen.h"

struct zones;

struct zones_view {
	const struct domain *name; /* the configuration's */
	struct mirror_status mirror;
	struct publisher_zone image;
	uint32_t serial_before;    /* published before image.serial */
	bool fast;                 /* its queries are answered by the image now */
	bool trouble;              /* something is wrong with it */
	const char *state;         /* "fast", "waiting", "passing" */
	char reason[320];          /* why not fast, or what is wrong; "" */
	enum zone_fault_kind said; /* the last that was logged, since the trouble began */
	uint64_t since;            /* CLOCK_REALTIME us, of `state` */
};

struct zones_totals {
	uint64_t transfers[ZONE_FAULT_COUNT]; /* by result */
	uint64_t transfer_us;                 /* all together */
	unsigned count, fast, trouble, failed;
};

/* `changed` is called from the loop after views changed; `image`: what is in the
 * image did, or a grace period is over. Starts the publisher
 * thread; zones begin with zones_start(). 0 or negative errno. */
int zones_open(struct zones **zones, sd_event *loop, struct waiting *waiting,
	void (*changed)(void *arg, bool image), void *arg);
/* Lets both threads end, and doesn't wait; true once zones_close() doesn't wait
 * either. */
void zones_end(struct zones *zones);
bool zones_ended(const struct zones *zones);
/* Ends both threads, and waits until they are through with what they are at; the image stays and
 * answers on. NULL is fine. */
void zones_close(struct zones *zones);

struct publisher *zones_publisher(struct zones *zones);

/* What the zones have to tell servers apart by. Changes while the loop runs; stays until close. */
const struct specimen_shelf *zones_shelf(const struct zones *zones);

/*
 * Takes the configuration: the first time, and after a reload. `config` must
 * stay until the next call or close. `memory`: the image's, NULL while there is
 * none (hand it over with zones_memory()). 0 or negative errno: nothing changed.
 */
int zones_set(struct zones *zones, const struct config *config);

/*
 * The same in two steps, for a caller who has more to reload: all that can fail
 * comes first, and changes nothing that anybody sees. `config` must stay from
 * the first step on; after zones_abandon() nothing points into it. The former
 * one isn't looked at any more after zones_commit().
 */
struct zones_change;
int zones_prepare(struct zones *zones, const struct config *config, struct zones_change **change);
void zones_commit(struct zones *zones, struct zones_change *change);
void zones_abandon(struct zones *zones, struct zones_change *change);

void zones_memory(struct zones *zones, struct engine_memory *memory);

/* What the image held when it was handed over is in the views (or it can't be
 * opened). */
bool zones_image_known(const struct zones *zones);

/*
 * Zones that a person wants passed, whatever state they are in: read from a file once, before
 * zones_set(). Each change is written to it. `name` NULL: all zones, those to come too. 0; -ENOENT:
 * no such zone, -ENOMEM: nothing changed. *kept: 0, or why it won't outlive a restart.
 */
int zones_bypass_open(struct zones *zones, const char *path);
int zones_bypass(struct zones *zones, const struct domain *name, bool on, int *kept);
const struct bypass *zones_bypassed(const struct zones *zones);

/* By name. Borrowed until the loop runs again. */
const struct zones_view *zones_views(const struct zones *zones, size_t *count);
const struct zones_view *zones_find(const struct zones *zones, const struct domain *name);
/*
 * Is it one that health.zones_failed counts? One that has no room in the image
 * isn't: it passes as long as it is so large, and the local server answers it.
 */
bool zones_view_failed(const struct zones_view *view);
void zones_totals(struct zones *zones, struct zones_totals *totals);

/* A thread that hangs, and at what; NULL: none does. */
const char *zones_stuck(const struct zones *zones);

/* What time alone changes (deadlines, hanging threads); call about once a second. */
void zones_tick(struct zones *zones);
