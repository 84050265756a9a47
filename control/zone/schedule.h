/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When what is due next: one moment for each of n numbered things, the earliest at hand (a binary
 * heap). All of its memory is taken at the start.
 */
#ifndef ANODE_ZONE_SCHEDULE_H
#define ANODE_ZONE_SCHEDULE_H

#include "control/zone/monotime.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	struct schedule_slot *heap;
	uint32_t *places; /* of each thing in the heap; UINT32_MAX: not due at all */
	uint32_t count, room;
};

/* For things 0 to room - 1, none of them due. 0 or -ENOMEM. */
int schedule_init(struct schedule *schedule, uint32_t room);
void schedule_free(struct schedule *schedule);

/* Sets or changes when 'thing' is due; MONOTIME_NEVER takes it out. */
void schedule_set(struct schedule *schedule, uint32_t thing, struct monotime due);

/* The earliest; false if nothing is due ever ('*due' is MONOTIME_NEVER). */
bool schedule_first(const struct schedule *schedule, uint32_t *thing, struct monotime *due);

#endif
