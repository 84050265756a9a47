/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sign of life of a thread that works for others: one moment, at which it was or will be heard
 * of, and what it is at.
 *
 *     pulse_beat() ... work ... pulse_beat() ... pulse_rest(until) ── waits ──▶ pulse_beat()
 *                                                     └ pulse_call(): there is work now
 *
 * In: beats of the thread, calls of those who give it work. Out: how long it is overdue. It judges
 * nothing: who looks at it knows how long a piece of work may take. Any thread may look and call;
 * only the thread itself beats and rests.
 */
#ifndef ANODE_ZONE_PULSE_H
#define ANODE_ZONE_PULSE_H

#include "control/zone/monotime.h"

#include <stdatomic.h>

struct pulse {
	_Atomic uint64_t due;      /* CLOCK_MONOTONIC ns; UINT64_MAX: it waits for a call */
	const char *_Atomic doing; /* never freed; "compiling a zone" */
	atomic_bool ended;         /* joining it doesn't wait */
};

/* It gets on with what it is at. */
static inline void pulse_go_on(struct pulse *pulse)
{
	atomic_store_explicit(&pulse->due, monotime_now().ns, memory_order_relaxed);
}

/* It begins with a piece of work, or gets on with one. */
static inline void pulse_beat(struct pulse *pulse, const char *doing)
{
	atomic_store_explicit(&pulse->doing, doing, memory_order_relaxed);
	pulse_go_on(pulse);
}

/* It has nothing to do before that moment, or before it is called. */
static inline void pulse_rest(struct pulse *pulse, struct monotime until)
{
	atomic_store_explicit(&pulse->doing, "waiting", memory_order_relaxed);
	atomic_store_explicit(&pulse->due, until.ns, memory_order_relaxed);
}

/* The last that is heard of it. */
static inline void pulse_end(struct pulse *pulse)
{
	pulse_rest(pulse, MONOTIME_NEVER);
	atomic_store(&pulse->ended, true);
}

/* It is given work. Before it can see that, so that its next rest comes after. */
static inline void pulse_call(struct pulse *pulse)
{
	uint64_t now = monotime_now().ns, due = atomic_load(&pulse->due);

	while (due > now && !atomic_compare_exchange_weak(&pulse->due, &due, now))
		;
}

/* How long nothing was heard of it, and what it is at. */
static inline struct timespan pulse_overdue(const struct pulse *pulse, const char **doing)
{
	struct monotime due = {atomic_load_explicit(&pulse->due, memory_order_relaxed)};

	*doing = atomic_load_explicit(&pulse->doing, memory_order_relaxed);
	return monotime_since(due, monotime_now());
}

#endif
