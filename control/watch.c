/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/watch.h"

#include <stdio.h>

/* A zone that fills an image of 1 GiB has some 7 million names. Compiling or
 * publishing it takes 10 to 20 s (docs/internals/image.md). */
#define PATIENCE_LEAST_S 10
#define PATIENCE_GIB_S   30
/* One late look may be the whole process's: a machine that stood still. */
#define LOOKS 2

struct timespan watch_patience(uint64_t image_bytes)
{
	return timespan_s(PATIENCE_LEAST_S + ((image_bytes * PATIENCE_GIB_S) >> 30));
}

bool watch_look(struct watch *watch, const struct pulse *pulse, struct timespan patience,
	struct waiting *waiting)
{
	const char *doing;
	char reason[320];

	if (!pulse || pulse_overdue(pulse, &doing).ns <= patience.ns) {
		watch->late = 0;
		watch->text[0] = '\0';
		waiting_end(waiting, "thread", watch->thread);
		return false;
	}
	if (watch->late < LOOKS)
		watch->late++;
	if (watch->late < LOOKS)
		return false;
	snprintf(watch->text, sizeof(watch->text), "the %s hangs: no progress for over %llu s (%s)",
		watch->thread, (unsigned long long)(patience.ns / 1000000000), doing);
	snprintf(reason, sizeof(reason),
		"no progress for over %llu s (%s): %s; SIGABRT makes systemd start a new anoded, "
		"answers and routes stay",
		(unsigned long long)(patience.ns / 1000000000), doing, watch->consequence);
	waiting_begin(waiting, "thread", watch->thread, reason);
	return true;
}
