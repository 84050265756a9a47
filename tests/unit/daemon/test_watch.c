/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pulses count as a thread that hangs, and what people are told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/watch.h"

#define PATIENCE timespan_s(10)

struct bench {
	struct pulse pulse;
	struct waiting waiting;
	struct watch watch;
};

static struct bench bench_new(void)
{
	return (struct bench){
		.watch = {.thread = "publisher", .consequence = "nothing is published"}};
}

/* Last heard of so many seconds ago. */
static void heard(struct bench *bench, const char *doing, uint64_t seconds_ago)
{
	pulse_beat(&bench->pulse, doing);
	bench->pulse.due -= timespan_s(seconds_ago).ns;
}

static bool look(struct bench *bench)
{
	return watch_look(&bench->watch, &bench->pulse, PATIENCE, &bench->waiting);
}

static void thread_without_progress_is_shown_until_it_gets_on(void **state)
{
	struct bench bench = bench_new();

	heard(&bench, "publishing a zone", 11);
	assert_false(look(&bench)); /* once may be the machine's fault */
	assert_true(look(&bench));
	assert_true(look(&bench));
	assert_int_equal(bench.waiting.count, 1);
	assert_string_equal(bench.waiting.entries[0].kind, "thread");
	assert_string_equal(bench.waiting.entries[0].subject, "publisher");
	assert_non_null(strstr(bench.waiting.entries[0].reason, "publishing a zone"));
	assert_non_null(strstr(bench.waiting.entries[0].reason, "nothing is published"));
	assert_non_null(strstr(bench.waiting.entries[0].reason, "routes stay"));
	assert_string_equal(bench.watch.text,
		"the publisher hangs: no progress for over 10 s (publishing a zone)");
	pulse_beat(&bench.pulse, "publishing a zone");
	assert_false(look(&bench));
	assert_int_equal(bench.waiting.count, 0);
	assert_string_equal(bench.watch.text, "");
}

static void work_that_takes_its_time_is_no_hang(void **state)
{
	struct bench bench = bench_new();

	for (unsigned i = 0; i < 5; i++) {
		heard(&bench, "publishing a zone", 9);
		assert_false(look(&bench));
	}
}

static void one_late_look_alone_is_none(void **state)
{
	struct bench bench = bench_new();

	for (unsigned i = 0; i < 5; i++) {
		heard(&bench, "publishing a zone", 11);
		assert_false(look(&bench));
		pulse_beat(&bench.pulse, "publishing a zone");
		assert_false(look(&bench));
	}
}

static void rest_is_none_but_work_that_is_not_taken_up_is(void **state)
{
	struct bench bench = bench_new();

	pulse_rest(&bench.pulse, MONOTIME_NEVER);
	assert_false(look(&bench) || look(&bench));
	/* A moment that it wanted to wake up at has passed. */
	pulse_rest(&bench.pulse, (struct monotime){monotime_now().ns - timespan_s(11).ns});
	assert_false(look(&bench));
	assert_true(look(&bench));
	/* Called, and it doesn't come. */
	pulse_rest(&bench.pulse, MONOTIME_NEVER);
	assert_false(look(&bench));
	pulse_call(&bench.pulse);
	assert_false(look(&bench));
	bench.pulse.due -= timespan_s(11).ns;
	assert_false(look(&bench));
	assert_true(look(&bench));
}

static void no_thread_does_not_hang(void **state)
{
	struct bench bench = bench_new();

	heard(&bench, "publishing a zone", 11);
	look(&bench);
	assert_true(look(&bench));
	assert_false(watch_look(&bench.watch, NULL, PATIENCE, &bench.waiting));
	assert_int_equal(bench.waiting.count, 0);
}

static void patience_grows_with_the_image(void **state)
{
	assert_int_equal(watch_patience(UINT64_C(16) << 20).ns, timespan_s(10).ns);
	assert_int_equal(watch_patience(UINT64_C(2) << 30).ns, timespan_s(70).ns);
	assert_int_equal(watch_patience(UINT64_C(32) << 30).ns, timespan_s(970).ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_without_progress_is_shown_until_it_gets_on),
		cmocka_unit_test(work_that_takes_its_time_is_no_hang),
		cmocka_unit_test(one_late_look_alone_is_none),
		cmocka_unit_test(rest_is_none_but_work_that_is_not_taken_up_is),
		cmocka_unit_test(no_thread_does_not_hang),
		cmocka_unit_test(patience_grows_with_the_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
