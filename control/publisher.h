/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher thread: the image's only writer, waited for by nobody.
 *
 *     zone worker ── compiled zone, deadline, bypass ──▶ │ wanted state │ ──▶ image
 *     loop ◀── eventfd ── what became of it, usage ◀──── │  per zone    │
 *
 * In: what is wanted of each zone; a newer word replaces one that wasn't taken
 * yet, so that nothing queues up. Out: reports, one per zone that changed. It
 * tries again what the grace period refused; a zone that doesn't fit is taken
 * out, so that its queries pass.
 *
 * Any thread may call what isn't marked otherwise; nothing here waits for the
 * image.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/zone/image.h"
#include "control/zone/pulse.h"

struct publisher;

/* What readers see of a zone, and what failed last. */
struct publisher_zone {
	uint8_t apex[NAME_MAX_SIZE]; /* folded, root label included */
	bool published;              /* some version is in the image, not: a pass apex */
	bool bypassed;
	bool held;       /* bypassed by a person's word (publisher_hold) */
	uint32_t serial; /* of that version */
	uint32_t names;
	uint64_t deadline;     /* CLOCK_MONOTONIC ns */
	uint64_t published_at; /* CLOCK_REALTIME us, of the last publish */
	bool adopted;          /* found in the image at the start */
	uint64_t taken;        /* compiled zones dealt with so far, well or not */
	uint32_t taken_serial; /* of the last of them */
	int error;             /* 0, or why the last version isn't there: -ENOSPC, ... */
	uint64_t needed;       /* with -ENOSPC: bytes wanted, */
	uint64_t unused;       /* and bytes free */
};

struct publisher_image {
	bool open;
	int error; /* why it isn't */
	bool adopted;
	struct image_usage usage;
	uint64_t versions; /* published since the start */
	uint64_t settles;
	int grace_error; /* of the last grace period: publishes wait while there is one */
};

/* Starts the thread; it has no image yet. 0 or negative errno. */
int publisher_start(struct publisher **publisher);
/* Lets the thread end after what it is doing, and doesn't wait: its pulse has
 * `ended` then. */
void publisher_end(struct publisher *publisher);
/* Ends the thread after what it is doing; the image stays and answers on. NULL is fine. */
void publisher_stop(struct publisher *publisher);

/*
 * Hands over the memory, once; it stays until publisher_stop(). Zones found in
 * it that aren't wanted by then are removed. NULL grace in it is a mistake.
 */
void publisher_memory(struct publisher *publisher, struct engine_memory *memory);

/* The thread's sign of life: while it has work, it beats at each step of it. Stays until
 * publisher_stop(). */
const struct pulse *publisher_pulse(const struct publisher *publisher);

/* Readable when there are reports. */
int publisher_fd(const struct publisher *publisher);
/* Loop: calls `zone` for each zone with news since the last call, once. */
void publisher_reports(struct publisher *publisher,
	void (*zone)(void *arg, const struct publisher_zone *zone), void *arg);
void publisher_image(struct publisher *publisher, struct publisher_image *image);

/* The zone is wanted: its queries pass until something is published. 0, -ENOMEM. */
int publisher_add(struct publisher *publisher, const uint8_t *apex);
/* Takes `compiled` over, in any case. 0; -ENOENT: not added. */
int publisher_publish(struct publisher *publisher, struct compiled *compiled, uint64_t deadline);
/* 0 or -ENOENT, as the two below. CLOCK_MONOTONIC ns. */
int publisher_deadline(struct publisher *publisher, const uint8_t *apex, uint64_t deadline);
int publisher_bypass(struct publisher *publisher, const uint8_t *apex, bool on);
/* The same by a person's word, whatever publisher_bypass() says; NULL: every zone, those that are
 * added later too. Stays until it is taken back, for a zone also through its removal. 0 or
 * -ENOENT. */
int publisher_hold(struct publisher *publisher, const uint8_t *apex, bool on);
int publisher_remove(struct publisher *publisher, const uint8_t *apex);

/* Asks for a grace period from now on: over when publisher_grace_count() is at
 * least what this returns. */
uint64_t publisher_grace(struct publisher *publisher);
uint64_t publisher_grace_count(struct publisher *publisher);
