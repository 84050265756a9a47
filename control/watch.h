/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices that a thread hangs. In: its pulse, looked at about once a second, and
 * how long one piece of its work may take. Out: an entry in `waiting`, which is
 * shown and logged, and a sentence for the policy. It ends nothing. Loop thread
 * only.
 */
#pragma once

#include "control/waiting.h"
#include "control/zone/pulse.h"

struct watch {
	const char *thread;      /* "publisher" */
	const char *consequence; /* what doesn't happen meanwhile */
	unsigned late;           /* looks in a row */
	char text[192];          /* "" = it gets on */
};

/* How long a step of the zone worker or the publisher may take: with the largest
 * zone that an image of so many bytes holds, on a busy machine. */
struct timespan watch_patience(uint64_t image_bytes);

/* `pulse` NULL: there is no thread now. True: it hangs. */
bool watch_look(struct watch *watch, const struct pulse *pulse, struct timespan patience,
	struct waiting *waiting);
