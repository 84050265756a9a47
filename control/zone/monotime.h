/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moments of CLOCK_MONOTONIC and spans between them, as types that can't be mixed up.
 */
#ifndef ANODE_ZONE_MONOTIME_H
#define ANODE_ZONE_MONOTIME_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct monotime {
	uint64_t ns; /* since boot, without suspend */
};

struct timespan {
	uint64_t ns;
};

#define MONOTIME_NEVER ((struct monotime){UINT64_MAX}) /* later than all else */

static inline struct monotime monotime_now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (struct monotime){(uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec};
}

static inline struct timespan timespan_ms(uint64_t ms)
{
	return (struct timespan){ms * 1000000u};
}

static inline struct timespan timespan_s(uint64_t s)
{
	return (struct timespan){s * 1000000000u};
}

static inline struct monotime monotime_add(struct monotime at, struct timespan span)
{
	return (struct monotime){at.ns + span.ns < at.ns ? UINT64_MAX : at.ns + span.ns};
}

/* From 'from' to 'to'; 0 if 'to' is earlier. */
static inline struct timespan monotime_since(struct monotime from, struct monotime to)
{
	return (struct timespan){to.ns > from.ns ? to.ns - from.ns : 0};
}

static inline bool monotime_before(struct monotime a, struct monotime b)
{
	return a.ns < b.ns;
}

static inline struct monotime monotime_first(struct monotime a, struct monotime b)
{
	return a.ns < b.ns ? a : b;
}

/* For poll(): milliseconds until 'at', rounded up; -1 for never. */
static inline int monotime_poll_ms(struct monotime now, struct monotime at)
{
	if (at.ns == UINT64_MAX)
		return -1;
	uint64_t ms = (monotime_since(now, at).ns + 999999u) / 1000000u;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

#endif
