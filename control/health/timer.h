/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A one-shot timer on the loop, in monotonic time. It is created off, fires
 * once for each timer_set() and may be set again from its own callback.
 */
#ifndef ANODE_HEALTH_TIMER_H
#define ANODE_HEALTH_TIMER_H

#include <systemd/sd-event.h>

#include "control/health/moment.h"

/* Sources of lower priority run first. Answers are read before timeouts are
 * believed, so that a loop that was late doesn't blame the server. */
enum { HEALTH_PRIORITY_BIRD = -30, HEALTH_PRIORITY_ANSWER = -20, HEALTH_PRIORITY_TIMER = -10 };

/* 0 or negative errno. The source is owned by the caller (sd_event_source_unref). */
int timer_new(sd_event *loop, sd_event_source **timer, sd_event_time_handler_t fired, void *arg);

/* Fires at `at`, or as soon as possible if that is past; MONO_NEVER turns it off. */
void timer_set(sd_event_source *timer, struct mono at);
void timer_off(sd_event_source *timer);

#endif
