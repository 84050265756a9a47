/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Time as types, so that the compiler tells a point on the monotonic clock, a
 * date, and a length of time apart. All count nanoseconds in 64 bits.
 */
#ifndef ANODE_HEALTH_MOMENT_H
#define ANODE_HEALTH_MOMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC. 0 = has not happened; MONO_NEVER = will not happen. */
struct mono {
	int64_t ns;
};

/* CLOCK_REALTIME, since the epoch. For people and logs only. */
struct wall {
	int64_t ns;
};

/* A length of time. */
struct span {
	int64_t ns;
};

#define MONO_NEVER ((struct mono){INT64_MAX})

static inline struct span span_ms(int64_t ms)
{
	return (struct span){ms * 1000000};
}

static inline int64_t span_to_ms(struct span s)
{
	return s.ns / 1000000;
}

static inline struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec};
}

static inline struct wall wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec};
}

/* Has it happened? */
static inline bool mono_known(struct mono t)
{
	return t.ns != 0;
}

static inline bool mono_before(struct mono a, struct mono b)
{
	return a.ns < b.ns;
}

static inline struct mono mono_earlier(struct mono a, struct mono b)
{
	return a.ns < b.ns ? a : b;
}

/* MONO_NEVER and anything that would lie beyond it stay MONO_NEVER. */
static inline struct mono mono_after(struct mono t, struct span s)
{
	if (s.ns > 0 && t.ns > INT64_MAX - s.ns)
		return MONO_NEVER;
	return (struct mono){t.ns + s.ns};
}

static inline struct span mono_since(struct mono now, struct mono then)
{
	return (struct span){now.ns - then.ns};
}

#endif
