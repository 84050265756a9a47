/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which lines are written, which are counted, and what the ids look like. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/log.h"
#include "control/log_limit.h"

static int limit_new(void **state)
{
	*state = calloc(1, sizeof(struct log_limit));
	return *state ? 0 : -1;
}

static int limit_drop(void **state)
{
	free(*state);
	return 0;
}

static void burst_passes_then_lines_are_counted_and_told(void **state)
{
	struct log_limit *limit = *state;
	struct log_repeat repeat;

	for (int i = 0; i < LOG_BURST; i++)
		assert_true(log_limit_pass(limit, 1, "a", "text", 1000));
	assert_false(log_limit_pass(limit, 1, "a", "fourth", 1000));
	assert_false(log_limit_pass(limit, 1, "a", "fifth", 2000));
	assert_false(log_limit_due(limit, 999 + LOG_WINDOW_US, &repeat));
	assert_true(log_limit_due(limit, 1000 + LOG_WINDOW_US, &repeat));
	assert_int_equal(repeat.counted, 2);
	assert_string_equal(repeat.last, "fifth");
	assert_false(log_limit_due(limit, 1000 + LOG_WINDOW_US, &repeat));
	assert_true(log_limit_pass(limit, 1, "a", "again", 2000 + LOG_WINDOW_US));
}

static void kinds_and_subjects_dont_share_a_limit(void **state)
{
	struct log_limit *limit = *state;

	for (int i = 0; i < LOG_BURST + 1; i++)
		log_limit_pass(limit, 1, "a", "text", 0);
	assert_true(log_limit_pass(limit, 1, "b", "text", 0));
	assert_true(log_limit_pass(limit, 2, "a", "text", 0));
}

static void full_table_writes_instead_of_losing(void **state)
{
	struct log_limit *limit = *state;
	char subject[16];

	for (int i = 0; i < LOG_SLOTS; i++) {
		snprintf(subject, sizeof(subject), "zone%d", i);
		for (int j = 0; j <= LOG_BURST; j++)
			log_limit_pass(limit, 1, subject, "text", 0);
	}
	for (int j = 0; j <= LOG_BURST; j++)
		assert_true(log_limit_pass(limit, 1, "one more", "text", 0));
}

static void quiet_window_starts_afresh(void **state)
{
	struct log_limit *limit = *state;

	for (int i = 0; i < LOG_BURST; i++)
		log_limit_pass(limit, 1, "a", "text", 0);
	assert_true(log_limit_pass(limit, 1, "a", "text", LOG_WINDOW_US));
}

static void message_ids_are_128_bits_and_differ(void **state)
{
	static const char *const ids[] = {
#define ID(name, level, limited, id) id,
		LOG_EVENTS(ID)
#undef ID
	};

	for (size_t i = 0; i < LOG_EVENT_COUNT; i++) {
		assert_int_equal(strlen(ids[i]), 32);
		for (const char *p = ids[i]; *p; p++)
			assert_true(isdigit((unsigned char)*p) || (*p >= 'a' && *p <= 'f'));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			burst_passes_then_lines_are_counted_and_told, limit_new, limit_drop),
		cmocka_unit_test_setup_teardown(
			kinds_and_subjects_dont_share_a_limit, limit_new, limit_drop),
		cmocka_unit_test_setup_teardown(
			full_table_writes_instead_of_losing, limit_new, limit_drop),
		cmocka_unit_test_setup_teardown(quiet_window_starts_afresh, limit_new, limit_drop),
		cmocka_unit_test(message_ids_are_128_bits_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
