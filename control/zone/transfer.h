/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One zone transfer over TCP: a stream, what it carries, and the zone it becomes.
 *
 * Non-blocking like its stream; the zone worker runs several beside its polls. On failure nothing
 * of it remains but the fault.
 */
#ifndef ANODE_ZONE_TRANSFER_H
#define ANODE_ZONE_TRANSFER_H

#include "control/zone/key.h"
#include "control/zone/stream.h"
#include "control/zone/zone.h"

struct transfer;

/* What a finished transfer was. */
struct transfer_figures {
	struct timespan took;
	uint64_t octets; /* received, length prefixes included */
	uint64_t messages;
};

/* Begins a transfer of 'origin' (checked name), signed with 'key' unless NULL. 0
 * with *transfer owned by the caller, or a negative errno with 'fault' filled. */
int transfer_open(struct transfer **transfer, const struct stream_options *options,
	const uint8_t *origin, struct key *key, const struct zone_limits *limits,
	struct zone_fault *fault);

int transfer_fd(const struct transfer *transfer);
short transfer_events(const struct transfer *transfer);
struct monotime transfer_deadline(const struct transfer *transfer);

/* As stream_step(): 0, or 1 with *zone owned by the caller, or a negative errno with 'fault'
 * filled. The last step builds the zone: about 0.3 s per million records. */
int transfer_step(struct transfer *transfer, struct zone **zone, struct zone_fault *fault);

/* Octets that its records take so far. */
uint64_t transfer_memory(const struct transfer *transfer);

void transfer_figures(const struct transfer *transfer, struct transfer_figures *figures);

void transfer_free(struct transfer *transfer);

/* The whole of it, blocking until the end or until 'cancel_fd' (-1: none) is readable; for tools
 * and tests. 0 or a negative errno with 'fault' filled; 'figures' may be NULL. */
int transfer_run(struct zone **zone, const struct stream_options *options, const uint8_t *origin,
	struct key *key, const struct zone_limits *limits, int cancel_fd,
	struct transfer_figures *figures, struct zone_fault *fault);

#endif
