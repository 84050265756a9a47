/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeps zones equal to the local server's.
 *
 *     SOA poll ─▶ serial moved? ─▶ transfer ─▶ event ZONE ─▶ (compile, publish) ─▶ mirror_report()
 *         └─▶ denied, lagging: event BYPASS       good again: event RESUME, DEADLINE
 *
 * In: options (which zones, which server), reports of what became of a zone handed over. Out:
 * events for whoever publishes, states for whoever shows them. One thread, the zone worker: both
 * sinks are called in it, and it does nothing else meanwhile; while a compile runs there, answers
 * wait in the socket and are read before anything is held to have timed out.
 *
 * The local server is the authority: any serial other than the published one is fetched, also an
 * "older" one (a restored backup). On failure what was published stays, the reason is in the
 * state. A zone is answered until `bypass_after`: the last poll that confirmed the published
 * serial, plus the SOA's expire (or the server's EXPIRE option, when less is left there).
 *
 * It doesn't know the image, health or the configuration file.
 */
#ifndef ANODE_ZONE_MIRROR_H
#define ANODE_ZONE_MIRROR_H

#include "control/zone/key.h"
#include "control/zone/monotime.h"
#include "control/zone/pulse.h"
#include "control/zone/stream.h"
#include "control/zone/zone.h"
#include "control/zone/zone_fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mirror_zone_options {
	uint32_t id;          /* the caller's; unique, and never given to another name later */
	const uint8_t *name;  /* checked, any case */
	const char *key;      /* name of one of the keys; NULL: unsigned */
	struct timespan poll; /* between two polls; how long a change may stay unseen */
	struct zone_limits limits;
	bool adopted; /* an image is in place already (daemon restarted) that holds ... */
	uint32_t adopted_serial; /* ... this serial */
	bool adopted_bypassed;   /* and was bypassed: RESUME comes when the server confirms it */
};

/* Copied at the call. Fields that are 0 get the value in brackets. */
struct mirror_options {
	struct sockaddr_storage server; /* with its port */
	struct sockaddr_storage source; /* ss_family 0: the kernel picks */
	const struct key_options *keys;
	size_t key_count;
	const struct mirror_zone_options *zones;
	size_t zone_count;
	struct timespan poll_timeout; /* for an answer to a poll [500 ms] */
	struct timespan connect;      /* transfers, as in struct stream_options [2 s] */
	struct timespan idle;         /* [10 s] */
	struct timespan total;        /* [10 min] */
	struct timespan stale_limit; /* the server answers, but what is published can't be confirmed
				      * for so long: bypass [60 s] */
	unsigned transfers;          /* at once, at most 64 [4] */
	uint64_t memory;    /* octets of all transfers under way and all zones handed over together;
			     * what    is beyond waits, what doesn't fit alone is TOO_LARGE. Building
			     * the    zone at    a transfer's end takes its own size on top, for one at
			     * a    time.    [no bound] */
	unsigned polls;     /* unanswered at once [256] */
	unsigned poll_rate; /* per second, all zones together [2000]. Beyond it zones that haven't
			     * changed for ten minutes are polled less often. */
};

enum mirror_event_kind {
	MIRROR_NOTHING,
	MIRROR_ZONE,     /* 'zone' is the sink's now; answer it by mirror_report() */
	MIRROR_DEADLINE, /* what is published may be used until 'bypass_after' */
	MIRROR_BYPASS,   /* pass all queries of the zone, because of 'fault' */
	MIRROR_RESUME,   /* end of the bypass, and a new 'bypass_after' */
	MIRROR_GONE,     /* no longer mirrored (reload) */
};

struct mirror_event {
	enum mirror_event_kind kind;
	uint32_t id;
	const uint8_t *name;            /* folded; valid during the call */
	struct zone *zone;              /* ZONE */
	struct monotime bypass_after;   /* ZONE, DEADLINE, RESUME */
	const struct zone_fault *fault; /* BYPASS; valid during the call */
};

enum mirror_phase {
	MIRROR_WAITING, /* nothing published, nothing under way: fault says why */
	MIRROR_TRANSFERRING,
	MIRROR_COMPILING,   /* handed over, no report yet */
	MIRROR_CURRENT,     /* the published serial is the server's */
	MIRROR_BEHIND,      /* the server's is another one; the next transfer waits */
	MIRROR_UNCONFIRMED, /* the server is silent; answered until bypass_after */
	MIRROR_BYPASSED,
	MIRROR_EXPIRED, /* bypass_after has passed */
	MIRROR_PHASES
};

/* The state of one zone, complete. Moments are 0 when it never happened. */
struct mirror_status {
	uint32_t id;
	enum mirror_phase phase;
	struct monotime since;   /* of the phase */
	struct zone_fault fault; /* why it isn't current; NONE when it is */
	bool server_known, mirror_known, published_known; /* whether these were ever seen: */
	uint32_t server_serial, mirror_serial, published_serial;
	bool bypassed;
	struct monotime confirmed; /* the last poll that found the published serial */
	struct monotime bypass_after;
	struct monotime next_poll, next_transfer; /* MONOTIME_NEVER: none is due */
	struct monotime transferred;              /* end of the last transfer, good or bad ... */
	struct zone_fault transfer_fault;         /* ... and how it ended */
	struct timespan transfer_took;
	uint64_t transfer_octets, records, wire_size; /* of the last good one */
	uint64_t transfers_good, transfers_failed;
};

const char *mirror_phase_name(enum mirror_phase phase);

/* Called in the zone worker. */
struct mirror_sink {
	void *context;
	void (*event)(void *context, const struct mirror_event *event);
	/* A state that changed; at most every 100 ms for a zone, and every second while only
	 * 'confirmed' moves. NULL: nobody wants them. */
	void (*status)(void *context, const struct mirror_status *status);
	/* The end of each transfer, for counters. NULL: nobody counts. */
	void (*transferred)(void *context, enum zone_fault_kind result, struct timespan took);
};

struct mirror;

/* Starts the zone worker. 0 with *mirror owned by the caller (mirror_stop; it is set before the
 * first event), -EINVAL (a key that
 * isn't listed, no server), or another negative errno. */
int mirror_start(struct mirror **mirror, const struct mirror_options *options,
	const struct mirror_sink *sink);

/* The following may be called from any thread and don't wait. -ENOMEM, -ENOBUFS: nothing was
 * done. */

/* Other options. Zones with the same name and id keep their state; MIRROR_GONE for the rest. Keys
 * are read again. -EINVAL as above. */
int mirror_reload(struct mirror *mirror, const struct mirror_options *options);

/* The same in two steps, for a caller who has more to reload: all that can fail comes first, and
 * changes nothing. One thread at a time. */
struct mirror_change;
int mirror_prepare(
	struct mirror *mirror, const struct mirror_options *options, struct mirror_change **change);
void mirror_commit(struct mirror *mirror, struct mirror_change *change);
void mirror_abandon(struct mirror_change *change); /* NULL is fine */

/* What became of a zone handed over: fault NULL or NONE: published; TOO_LARGE: nothing of the zone
 * is in the image; else its predecessor stays. */
int mirror_report(
	struct mirror *mirror, uint32_t id, uint32_t serial, const struct zone_fault *fault);

/* The worker's sign of life; it beats at least at each poll, transfer and event. Stays until
 * mirror_stop(). */
const struct pulse *mirror_pulse(const struct mirror *mirror);

/* Poll now, and transfer without waiting if the serial moved (NOTIFY, an operator's wish). */
int mirror_poke(struct mirror *mirror, uint32_t id);

/* Lets the worker end as soon as it can, and doesn't wait: its pulse has `ended` then. */
void mirror_end(struct mirror *mirror);

/* Ends the worker and waits for that; no event comes after it. Cuts transfers off. NULL is fine. */
void mirror_stop(struct mirror *mirror);

#endif
