/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clocks, in microseconds: the monotonic one for spans, the wall's for people. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t clock_monotonic_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

static inline uint64_t clock_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}
