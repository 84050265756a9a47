/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A one-shot timer on the loop.
 */
#include "control/health/timer.h"

/* sd-event coalesces timers within their accuracy; its default is 250 ms. */
#define ACCURACY_US 100

int timer_new(sd_event *loop, sd_event_source **timer, sd_event_time_handler_t fired, void *arg)
{
	int r;

	r = sd_event_add_time(loop, timer, CLOCK_MONOTONIC, 0, ACCURACY_US, fired, arg);
	if (r < 0)
		return r;
	r = sd_event_source_set_priority(*timer, HEALTH_PRIORITY_TIMER);
	if (r >= 0)
		r = sd_event_source_set_enabled(*timer, SD_EVENT_OFF);
	if (r < 0) {
		*timer = sd_event_source_unref(*timer);
		return r;
	}
	return 0;
}

void timer_set(sd_event_source *timer, struct mono at)
{
	if (at.ns == MONO_NEVER.ns) {
		timer_off(timer);
		return;
	}
	/* Round up: a timer that fires early finds its time not yet come. */
	sd_event_source_set_time(timer, at.ns > 0 ? ((uint64_t)at.ns + 999) / 1000 : 0);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void timer_off(sd_event_source *timer)
{
	if (timer)
		sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}
