/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/mirror_zone.h"

#include <stdio.h>
#include <string.h>

#define ACTIVE_FOR         timespan_s(600)
#define RETRY_MOST_S       60
#define RETRY_LARGE_S      10 /* a zone that was too large is a lot of work to try again */
#define RETRY_LARGE_MOST_S 600
#define DEADLINE_STEP_S    60 /* the publisher hears of a new deadline when it moved so much */

static const struct monotime never_yet; /* 0 */

const char *mirror_phase_name(enum mirror_phase phase)
{
	static const char *const names[MIRROR_PHASES] = {
		[MIRROR_WAITING] = "waiting",
		[MIRROR_TRANSFERRING] = "transferring",
		[MIRROR_COMPILING] = "compiling",
		[MIRROR_CURRENT] = "current",
		[MIRROR_BEHIND] = "behind",
		[MIRROR_UNCONFIRMED] = "unconfirmed",
		[MIRROR_BYPASSED] = "bypassed",
		[MIRROR_EXPIRED] = "expired",
	};

	return phase < MIRROR_PHASES ? names[phase] : "unknown";
}

void mirror_zone_init(struct mirror_zone *zone, const struct mirror_zone_options *options,
	struct timespan stale_limit, struct monotime now)
{
	*zone = (struct mirror_zone){.poll = options->poll, .stale_limit = stale_limit};
	zone->status.id = options->id;
	zone->status.since = now;
	zone->status.next_poll = now;
	zone->status.next_transfer = MONOTIME_NEVER;
	zone->status.published_known = options->adopted;
	zone->status.published_serial = options->adopted_serial;
	zone->status.bypassed = options->adopted && options->adopted_bypassed;
	zone_fault_set(&zone->status.fault, ZONE_FAULT_NONE, "not asked yet");
	if (zone->status.bypassed)
		zone_fault_set(&zone->status.fault, ZONE_FAULT_LAGGING,
			"found bypassed at the start, the server hasn't confirmed serial %u since",
			options->adopted_serial);
}

static bool moment_is_set(struct monotime at)
{
	return at.ns != 0;
}

/* The published serial is the server's, by the answer asked for at 'asked'. */
static bool confirm(struct mirror_zone *zone, struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;
	uint64_t step_s = zone->expire / 32 < DEADLINE_STEP_S ? zone->expire / 32 : DEADLINE_STEP_S;

	status->confirmed = zone->asked;
	status->bypass_after = monotime_add(zone->asked, timespan_s(zone->expire));
	status->next_transfer = MONOTIME_NEVER;
	zone->unconfirmed = never_yet;
	zone->failures = 0;
	if (!zone->silent)
		zone_fault_set(&status->fault, ZONE_FAULT_NONE, "%s", "");

	if (status->bypassed)
		event->kind = MIRROR_RESUME;
	/* The server may know of less time than before: that is news, however little. */
	else if (monotime_before(status->bypass_after, zone->announced) ||
		 !monotime_before(
			 status->bypass_after, monotime_add(zone->announced, timespan_s(step_s))))
		event->kind = MIRROR_DEADLINE;
	else
		return false;
	status->bypassed = false;
	zone->announced = event->bypass_after = status->bypass_after;
	return true;
}

static bool bypass(struct mirror_zone *zone, struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;

	/* What was never handed over passes anyway. */
	if (status->bypassed || !(status->published_known || zone->handed_over))
		return false;
	status->bypassed = true;
	event->kind = MIRROR_BYPASS;
	event->fault = &status->fault;
	return true;
}

/* The server speaks, but doesn't confirm what is published. */
static bool doubt(struct mirror_zone *zone, struct monotime now, struct mirror_event *event)
{
	if (!moment_is_set(zone->unconfirmed))
		zone->unconfirmed = now;
	/* A large zone on its way takes the time it takes. */
	if (!zone->failures && (zone->transferring || zone->handed_over))
		return false;
	if (monotime_since(zone->unconfirmed, now).ns < zone->stale_limit.ns)
		return false;
	return bypass(zone, event);
}

/* A serial that isn't the published one: fetch it, unless that is under way. */
static bool take_serial(struct mirror_zone *zone, struct monotime now, struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;

	if (!zone->transferring && !zone->handed_over) {
		if (!zone->failures) {
			status->next_transfer = now;
		} else if (zone->failed_serial != status->server_serial &&
			   status->transfer_fault.kind != ZONE_FAULT_TOO_LARGE) {
			/* Other data may fare better than what failed; once a second at most. */
			zone->failed_serial = status->server_serial;
			status->next_transfer = monotime_first(
				status->next_transfer, monotime_add(now, timespan_s(1)));
		}
	}
	if (zone->failures && status->fault.kind == ZONE_FAULT_NONE)
		status->fault = status->transfer_fault;
	/* Until the limit it is a change on its way; then what is published is too old. */
	bool event_due = doubt(zone, now, event);
	if (event_due)
		zone_fault_set(&status->fault, ZONE_FAULT_LAGGING,
			"serial %u is published, the server has %u since %u s%s%.160s",
			status->published_serial, status->server_serial,
			(unsigned)(monotime_since(zone->unconfirmed, now).ns / 1000000000u),
			zone->failures ? ": " : "",
			zone->failures ? status->transfer_fault.text : "");
	return event_due;
}

/* Nothing was learned about the server, or about nobody but ourselves. */
static bool says_nothing(enum zone_fault_kind kind)
{
	return kind == ZONE_FAULT_TIMEOUT || kind == ZONE_FAULT_UNREACHABLE ||
	       kind == ZONE_FAULT_BROKEN_OFF || kind == ZONE_FAULT_CANCELLED ||
	       kind == ZONE_FAULT_SYSTEM;
}

void mirror_zone_polls(struct mirror_zone *zone)
{
	zone->polling = true;
}

bool mirror_zone_polled(struct mirror_zone *zone, struct monotime now, struct monotime asked,
	const struct soa_answer *answer, const struct zone_fault *fault, struct timespan interval,
	struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;

	*event = (struct mirror_event){.id = status->id};
	zone->polling = false;
	status->next_poll = zone->poked ? now : monotime_add(asked, interval);
	zone->poked = false;
	zone->silent = says_nothing(fault->kind);
	if (zone->silent) {
		/* A denial, a lag: what is known stands until the server says otherwise. */
		if (!status->bypassed)
			status->fault = *fault;
		return false;
	}
	zone->denied = zone_fault_is_denial(fault->kind);
	if (fault->kind != ZONE_FAULT_NONE) {
		status->fault = *fault;
		return zone->denied ? bypass(zone, event) : doubt(zone, now, event);
	}
	status->server_known = true;
	status->server_serial = answer->serial;
	zone->expire = answer->expire;
	zone->asked = asked;
	if (status->published_known && answer->serial == status->published_serial)
		return confirm(zone, event);
	if (!status->bypassed)
		zone_fault_set(&status->fault, ZONE_FAULT_NONE, "%s", "");
	return take_serial(zone, now, event);
}

void mirror_zone_transfers(struct mirror_zone *zone)
{
	zone->transferring = true;
	zone->status.next_transfer = MONOTIME_NEVER;
}

void mirror_zone_arrived(struct mirror_zone *zone, struct monotime now, struct monotime began,
	struct zone *arrived, struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;
	uint32_t expire = arrived->soa.expire;

	zone->transferring = false;
	zone->handed_over = true;
	status->mirror_known = true;
	status->mirror_serial = arrived->soa.serial;
	status->records = arrived->record_count;
	status->wire_size = arrived->wire_size;
	status->transferred = now;
	status->transfers_good++;
	zone_fault_set(&status->transfer_fault, ZONE_FAULT_NONE, "%s", "");
	/* The server may have said that less is left than the SOA's expire. */
	if (status->server_known && status->server_serial == arrived->soa.serial &&
		zone->expire < expire)
		expire = zone->expire;
	zone->asked = began;
	zone->expire = expire;
	zone->offered = monotime_add(began, timespan_s(expire));
	*event = (struct mirror_event){
		.kind = MIRROR_ZONE,
		.id = status->id,
		.zone = arrived,
		.bypass_after = zone->offered,
	};
}

/* Doubles with each failure up to a limit; spread, so that zones that failed together don't come
 * back together. */
static struct timespan retry_after(const struct mirror_zone *zone, enum zone_fault_kind kind)
{
	uint64_t first = kind == ZONE_FAULT_TOO_LARGE ? RETRY_LARGE_S : 1;
	uint64_t most = kind == ZONE_FAULT_TOO_LARGE ? RETRY_LARGE_MOST_S : RETRY_MOST_S;
	unsigned doublings = zone->failures < 16 ? zone->failures - 1 : 15;
	uint64_t seconds = first << doublings;
	uint32_t spread = (zone->status.id + 1) * 2654435761u + zone->failures * 40503u;

	if (seconds > most)
		seconds = most;
	/* 100 % to 125 % of it */
	return (struct timespan){seconds * (1000000000u + (uint64_t)(spread >> 16) * 3815u)};
}

void mirror_zone_put_off(struct mirror_zone *zone, struct monotime now)
{
	zone->transferring = false;
	zone->status.next_transfer = now;
}

void mirror_zone_failed(
	struct mirror_zone *zone, struct monotime now, const struct zone_fault *fault)
{
	struct mirror_status *status = &zone->status;

	zone->transferring = false;
	zone->failures++;
	zone->failed_serial = status->server_serial;
	status->transferred = now;
	status->transfers_failed++;
	status->transfer_fault = *fault;
	status->next_transfer = monotime_add(now, retry_after(zone, fault->kind));
	if (!status->bypassed)
		status->fault = *fault;
}

bool mirror_zone_reported(struct mirror_zone *zone, struct monotime now, uint32_t serial,
	const struct zone_fault *fault, struct mirror_event *event)
{
	struct mirror_status *status = &zone->status;

	*event = (struct mirror_event){.id = status->id};
	if (!zone->handed_over)
		return false; /* of a zone that a reload made anew */
	zone->handed_over = false;
	if (fault && fault->kind != ZONE_FAULT_NONE) {
		zone->failures++;
		zone->failed_serial = status->server_serial;
		status->transfer_fault = *fault;
		status->next_transfer = monotime_add(now, retry_after(zone, fault->kind));
		/* The image gave up the predecessor's room for it, and that didn't do. */
		if (fault->kind == ZONE_FAULT_TOO_LARGE)
			status->published_known = false;
		if (!status->bypassed)
			status->fault = *fault;
		return false;
	}
	status->published_known = true;
	status->published_serial = serial;
	status->bypass_after = zone->announced = zone->offered;
	zone->changed = now;
	zone->failures = 0;
	if (!status->server_known || zone->denied)
		return false;
	if (serial == status->server_serial)
		return confirm(zone, event);
	/* The server moved on meanwhile: progress, so the time of doubt begins again. */
	zone->unconfirmed = now;
	return take_serial(zone, now, event);
}

void mirror_zone_poke(struct mirror_zone *zone, struct monotime now)
{
	zone->status.next_poll = now;
	zone->poked = zone->polling; /* the answer under way may be older than the news */
	zone->failures = 0;
	if (zone->status.next_transfer.ns != MONOTIME_NEVER.ns)
		zone->status.next_transfer = now;
}

bool mirror_zone_is_active(const struct mirror_zone *zone, struct monotime now)
{
	const struct mirror_status *status = &zone->status;

	return !status->published_known || status->bypassed || moment_is_set(zone->unconfirmed) ||
	       (moment_is_set(zone->changed) &&
		       monotime_since(zone->changed, now).ns < ACTIVE_FOR.ns);
}

struct monotime mirror_zone_poll_due(const struct mirror_zone *zone)
{
	return zone->polling ? MONOTIME_NEVER : zone->status.next_poll;
}

struct monotime mirror_zone_transfer_due(const struct mirror_zone *zone)
{
	/* A server that doesn't answer the poll for a zone won't transfer it. */
	if (zone->transferring || zone->handed_over || zone->silent || zone->denied)
		return MONOTIME_NEVER;
	return zone->status.next_transfer;
}

static enum mirror_phase phase_now(const struct mirror_zone *zone, struct monotime now)
{
	const struct mirror_status *status = &zone->status;

	if (zone->transferring)
		return MIRROR_TRANSFERRING;
	if (zone->handed_over)
		return MIRROR_COMPILING;
	if (!status->published_known)
		return MIRROR_WAITING;
	if (status->bypassed)
		return MIRROR_BYPASSED;
	if (moment_is_set(status->bypass_after) && !monotime_before(now, status->bypass_after))
		return MIRROR_EXPIRED;
	if (zone->silent)
		return MIRROR_UNCONFIRMED;
	if (moment_is_set(zone->unconfirmed) || !moment_is_set(status->confirmed))
		return status->server_known ? MIRROR_BEHIND : MIRROR_UNCONFIRMED;
	return MIRROR_CURRENT;
}

const struct mirror_status *mirror_zone_status(struct mirror_zone *zone, struct monotime now)
{
	enum mirror_phase phase = phase_now(zone, now);

	if (phase != zone->status.phase) {
		zone->status.phase = phase;
		zone->status.since = now;
	}
	return &zone->status;
}
