/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX

struct schedule_slot {
	struct monotime due;
	uint32_t thing;
};

int schedule_init(struct schedule *schedule, uint32_t room)
{
	size_t size = room ? room : 1;

	*schedule = (struct schedule){.room = room};
	schedule->heap = calloc(size, sizeof(*schedule->heap));
	schedule->places = calloc(size, sizeof(*schedule->places));
	if (!schedule->heap || !schedule->places) {
		schedule_free(schedule);
		return -ENOMEM;
	}
	memset(schedule->places, 0xff, size * sizeof(*schedule->places));
	return 0;
}

void schedule_free(struct schedule *schedule)
{
	free(schedule->heap);
	free(schedule->places);
	*schedule = (struct schedule){0};
}

static void place(struct schedule *schedule, uint32_t at, struct schedule_slot slot)
{
	schedule->heap[at] = slot;
	schedule->places[slot.thing] = at;
}

/* Moves 'slot', to stand at 'at', to where it belongs. */
static void settle(struct schedule *schedule, uint32_t at, struct schedule_slot slot)
{
	struct schedule_slot *heap = schedule->heap;

	for (; at && monotime_before(slot.due, heap[(at - 1) / 2].due); at = (at - 1) / 2)
		place(schedule, at, heap[(at - 1) / 2]);
	for (uint32_t child; (child = 2 * at + 1) < schedule->count; at = child) {
		if (child + 1 < schedule->count &&
			monotime_before(heap[child + 1].due, heap[child].due))
			child++;
		if (!monotime_before(heap[child].due, slot.due))
			break;
		place(schedule, at, heap[child]);
	}
	place(schedule, at, slot);
}

void schedule_set(struct schedule *schedule, uint32_t thing, struct monotime due)
{
	uint32_t at = schedule->places[thing];

	if (due.ns == MONOTIME_NEVER.ns) {
		if (at == NOWHERE)
			return;
		schedule->places[thing] = NOWHERE;
		schedule->count--;
		if (at < schedule->count)
			settle(schedule, at, schedule->heap[schedule->count]);
		return;
	}
	if (at == NOWHERE)
		at = schedule->count++;
	settle(schedule, at, (struct schedule_slot){due, thing});
}

bool schedule_first(const struct schedule *schedule, uint32_t *thing, struct monotime *due)
{
	if (!schedule->count) {
		*due = MONOTIME_NEVER;
		return false;
	}
	*thing = schedule->heap[0].thing;
	*due = schedule->heap[0].due;
	return true;
}
