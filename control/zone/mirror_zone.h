/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What to do about one zone, and when: pure, no I/O, no clock.
 *
 * In: the moment, and what happened (an answer, a transfer's end, a report). Out: an event for the
 * publisher at most, and when to poll and transfer next.
 *
 *     denied (REFUSED, SERVFAIL, NXDOMAIN, no AA)   bypass at once
 *     silent                                        hold until bypass_after
 *     other serial                                  transfer; bypass if that fails for stale_limit
 *     answer not to be trusted (TSIG), our key missing   as other serial, without the transfer
 *     published serial                              confirmed: deadline extended, bypass ends
 */
#ifndef ANODE_ZONE_MIRROR_ZONE_H
#define ANODE_ZONE_MIRROR_ZONE_H

#include "control/zone/mirror.h"
#include "control/zone/soa.h"

struct mirror_zone {
	struct mirror_status status; /* phase and since are set by mirror_zone_status() */
	struct timespan poll;
	struct timespan stale_limit;
	bool polling; /* a poll is unanswered */
	bool poked;   /* poll again when its answer is here */
	bool transferring;
	bool handed_over;            /* no report yet */
	bool silent;                 /* the last poll went unanswered */
	bool denied;                 /* the last answer was a denial */
	uint32_t expire;             /* seconds, of the last good answer */
	struct monotime asked;       /* when the last good answer was asked for: its deadline counts
				      * from there */
	struct monotime offered;     /* the bypass_after that went with the zone handed over */
	struct monotime announced;   /* the bypass_after that the publisher knows */
	struct monotime unconfirmed; /* since when the server answers but doesn't confirm; 0: it
				      * does */
	struct monotime changed;     /* when the published serial last moved */
	unsigned failures;           /* transfers, in a row */
	uint32_t failed_serial;      /* the server's at the last failure */
};

void mirror_zone_init(struct mirror_zone *zone, const struct mirror_zone_options *options,
	struct timespan stale_limit, struct monotime now);

/* A poll goes out, or couldn't: it counts as unanswered until mirror_zone_polled(). */
void mirror_zone_polls(struct mirror_zone *zone);

/* The answer, or the fault, of the poll sent at 'asked'. 'interval': until the next. Fills
 * event->kind, bypass_after and fault; true if there is one. */
bool mirror_zone_polled(struct mirror_zone *zone, struct monotime now, struct monotime asked,
	const struct soa_answer *answer, const struct zone_fault *fault, struct timespan interval,
	struct mirror_event *event);

/* A transfer begins; it ends with one of the next two. */
void mirror_zone_transfers(struct mirror_zone *zone);

/* The zone came; fills 'event' (MIRROR_ZONE) but for the name. 'began': the transfer's start. */
void mirror_zone_arrived(struct mirror_zone *zone, struct monotime now, struct monotime began,
	struct zone *arrived, struct mirror_event *event);

/* It was cut off for want of room among others, and begins again as soon as it may. */
void mirror_zone_put_off(struct mirror_zone *zone, struct monotime now);

void mirror_zone_failed(
	struct mirror_zone *zone, struct monotime now, const struct zone_fault *fault);

/* What became of the zone handed over. True if there is an event. */
bool mirror_zone_reported(struct mirror_zone *zone, struct monotime now, uint32_t serial,
	const struct zone_fault *fault, struct mirror_event *event);

/* Poll now, transfer without backing off. */
void mirror_zone_poke(struct mirror_zone *zone, struct monotime now);

/* Zones that changed lately, or aren't well, are polled at their own interval in any case. */
bool mirror_zone_is_active(const struct mirror_zone *zone, struct monotime now);

/* When to poll or transfer next; MONOTIME_NEVER while one is under way or not wanted. */
struct monotime mirror_zone_poll_due(const struct mirror_zone *zone);
struct monotime mirror_zone_transfer_due(const struct mirror_zone *zone);

/* Brings status.phase up to date and returns the status. */
const struct mirror_status *mirror_zone_status(struct mirror_zone *zone, struct monotime now);

#endif
