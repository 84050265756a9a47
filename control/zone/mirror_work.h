/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the zone worker has under way: polls, transfers, states to tell. For mirror.c, which owns
 * the thread, its letters and its options; the zone worker's thread only.
 */
#ifndef ANODE_ZONE_MIRROR_WORK_H
#define ANODE_ZONE_MIRROR_WORK_H

#include "control/zone/mailbox.h"
#include "control/zone/mirror_setup.h"
#include "control/zone/mirror_zone.h"
#include "control/zone/poller.h"
#include "control/zone/schedule.h"
#include "control/zone/transfer.h"

#include <pthread.h>

#define MIRROR_SLOW_ASKS 8 /* SOA queries over TCP at once */

struct mirror_slot {
	struct mirror_zone state;
	struct monotime told; /* the last status */
	bool news;            /* more than 'confirmed' moved since */
	uint64_t handed_over; /* octets of the zone that waits for its report */
};

/* A transfer under way. */
struct mirror_job {
	struct transfer *transfer; /* NULL: free */
	uint32_t zone;
	struct monotime began;
};

/* A SOA query over TCP under way. */
struct mirror_slow_ask {
	struct soa_stream *query; /* NULL: free */
	uint32_t zone;
	struct monotime asked;
};

/* Everything that hangs on a setup. */
struct mirror_holdings {
	struct mirror_slot *zones;                  /* as setup->zones */
	struct schedule polls, transfers, statuses; /* by index of the zone */
	struct poller *poller;
	struct mirror_job *jobs; /* setup->transfers */
};

struct letter;

struct mirror {
	pthread_t thread;
	struct mailbox *mailbox;
	struct letter *stop; /* written beforehand, so that ending needs no memory */
	struct mirror_sink sink;
	struct pulse pulse;

	/* The worker's own from here on. */
	bool stopping;
	struct mirror_setup *setup;
	struct mirror_holdings held;
	uint64_t handed_over; /* octets of all zones that wait for their reports */
	bool crowded; /* a transfer was put off: none begins before another, or a zone handed over,
		       * is done with */
	struct monotime next_poll_free; /* the rate allows the next poll then */
	struct mirror_slow_ask slow_asks[MIRROR_SLOW_ASKS];
};

/* 0 or -ENOMEM; every zone is as mirror_zone_init() leaves it only once the caller did that. */
int mirror_holdings_new(
	struct mirror_holdings *holdings, struct mirror *mirror, const struct mirror_setup *setup);

/* Transfers still under way are cut off. */
void mirror_holdings_free(struct mirror_holdings *holdings, const struct mirror_setup *setup);

/* Forgets the SOA queries over TCP; their zones' states are the caller's to mend. */
void mirror_work_forget_asks(struct mirror *mirror);

/* Tells the publisher; fills in the name of zone number 'zone'. */
void mirror_work_event(struct mirror *mirror, uint32_t zone, struct mirror_event *event);

/* After anything happened to a zone: when is it due, and who wants to know. */
void mirror_work_touched(struct mirror *mirror, uint32_t zone, bool only_confirmed);

/* The zone handed over is done with; 0 octets when none was. */
void mirror_work_reported(struct mirror *mirror, uint32_t zone);

/* Waits until something is due or a letter came, and does what is due. */
void mirror_work(struct mirror *mirror);

#endif
