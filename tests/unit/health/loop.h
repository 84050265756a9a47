/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: turns the event loop until a condition holds, with a deadline. No
 * fixed sleeps. After cmocka.h.
 */
#ifndef TEST_HEALTH_LOOP_H
#define TEST_HEALTH_LOOP_H

#include <systemd/sd-event.h>

#include "control/health/moment.h"

/* Turns the loop until the condition holds or `ms` are over. */
#define LOOP_WHILE_NOT(loop, ms, condition)                                                        \
	do {                                                                                       \
		struct mono until_ = mono_after(mono_now(), span_ms(ms));                          \
		while (!(condition) && mono_before(mono_now(), until_))                            \
			sd_event_run(loop, 2000);                                                  \
	} while (0)

/* The condition must come to hold before `ms` are over. */
#define ASSERT_WITHIN(loop, ms, condition)                                                         \
	do {                                                                                       \
		LOOP_WHILE_NOT(loop, ms, condition);                                               \
		assert_true(condition);                                                            \
	} while (0)

/* The condition must hold all the time for `ms`. */
#define ASSERT_STAYS(loop, ms, condition)                                                          \
	do {                                                                                       \
		LOOP_WHILE_NOT(loop, ms, !(condition));                                            \
		assert_true(condition);                                                            \
	} while (0)

#endif
