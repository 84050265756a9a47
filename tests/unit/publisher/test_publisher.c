/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The publisher thread over memory of the test's own: what was wanted last is
 * what readers see, failures are told, refused grace periods are tried again.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/publisher.h"

#define SHIFT    16
#define SHARDS   64
#define FOREVER  UINT64_MAX
#define DEADLINE 10.0

struct bench {
	struct publisher *publisher;
	struct engine_memory memory;
	atomic_uint graces, refuse; /* grace periods so far; how many to refuse */
	atomic_bool hold, held;     /* keep the next one waiting; it waits */
	struct publisher_zone seen; /* the last report of `example` */
	unsigned reports;
};

static const uint8_t example[] = "\7example";
static const uint8_t other[] = "\5other";

static int grace(void *engine)
{
	struct bench *bench = engine;

	while (atomic_load(&bench->hold)) {
		atomic_store(&bench->held, true);
		poll(NULL, 0, 1);
	}
	if (atomic_load(&bench->refuse) > 0) {
		atomic_fetch_sub(&bench->refuse, 1);
		return -ENOMEM;
	}
	atomic_fetch_add(&bench->graces, 1);
	return 0;
}

static int bench_new(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	bench->memory = (struct engine_memory){.image = calloc(SHARDS, IMAGE_STRIDE(SHIFT)),
		.shards = SHARDS,
		.shard_shift = SHIFT,
		.grace = grace,
		.engine = bench};
	*state = bench;
	return publisher_start(&bench->publisher);
}

static int bench_drop(void **state)
{
	struct bench *bench = *state;

	publisher_stop(bench->publisher);
	free(bench->memory.image);
	free(bench);
	return 0;
}

static struct compiled *compiled(const char *text, const char *origin)
{
	char reason[ZONE_REASON_SIZE];
	struct compiled *result;
	struct zone *zone;

	if (zone_text_parse(&zone, text, strlen(text), origin, &(struct zone_limits){0}, reason) <
		0)
		fail_msg("%s", reason);
	assert_int_equal(compile_zone(&result, zone), 0);
	zone_free(zone);
	return result;
}

/* A zone of that serial, with `names` more of them. */
static struct compiled *zone_of(const char *origin, uint32_t serial, unsigned names)
{
	size_t room = 256 + (size_t)names * 64, used;
	char *text = malloc(room);
	struct compiled *result;

	used = (size_t)snprintf(text, room,
		"@ 60 IN SOA ns host %u 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n",
		serial);
	for (unsigned i = 0; i < names; i++)
		used += (size_t)snprintf(
			text + used, room - used, "n%u-%u 60 IN A 192.0.2.2\n", i, serial);
	result = compiled(text, origin);
	free(text);
	return result;
}

static void reported(void *arg, const struct publisher_zone *zone)
{
	struct bench *bench = arg;

	if (!name_equal(zone->apex, example))
		return;
	bench->seen = *zone;
	bench->reports++;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Takes reports until `good` holds of them. */
static void wait_until(struct bench *bench, bool (*good)(struct bench *bench))
{
	double end = now() + DEADLINE;

	while (!good(bench)) {
		struct pollfd pollfd = {publisher_fd(bench->publisher), POLLIN, 0};

		if (now() > end)
			fail_msg("not within %g s", DEADLINE);
		poll(&pollfd, 1, 20);
		publisher_reports(bench->publisher, reported, bench);
	}
}

static bool serial_7(struct bench *bench)
{
	return bench->seen.published && bench->seen.serial == 7;
}

static bool serial_9(struct bench *bench)
{
	return bench->seen.published && bench->seen.serial == 9;
}

static bool no_room(struct bench *bench)
{
	return bench->seen.error == -ENOSPC;
}

static bool bypassed(struct bench *bench)
{
	return bench->seen.bypassed;
}

static bool answered(struct bench *bench)
{
	return !bench->seen.bypassed;
}

static bool two_zones(struct bench *bench)
{
	struct publisher_image image;

	publisher_image(bench->publisher, &image);
	return image.open && image.usage.zone_count == 2;
}

static bool one_zone(struct bench *bench)
{
	struct publisher_image image;

	publisher_image(bench->publisher, &image);
	return image.open && image.usage.zone_count == 1;
}

static bool no_zone(struct bench *bench)
{
	struct publisher_image image;

	publisher_image(bench->publisher, &image);
	return image.open && image.usage.zone_count == 0;
}

static bool no_grace(struct bench *bench)
{
	struct publisher_image image;

	publisher_image(bench->publisher, &image);
	return image.grace_error == -ENOMEM;
}

static void zone_is_published_with_serial_and_deadline(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	assert_int_equal(publisher_add(bench->publisher, example), 0);
	assert_int_equal(publisher_publish(bench->publisher, zone_of("example.", 7, 10), 12345), 0);
	wait_until(bench, serial_7);
	assert_int_equal(bench->seen.deadline, 12345);
	assert_int_equal(bench->seen.error, 0);
	assert_int_not_equal(bench->seen.published_at, 0);
}

static void newest_wish_wins_and_waits_for_the_memory(void **state)
{
	struct bench *bench = *state;
	struct publisher_image image;

	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, 1), FOREVER);
	publisher_publish(bench->publisher, zone_of("example.", 8, 1), FOREVER);
	publisher_publish(bench->publisher, zone_of("example.", 9, 1), FOREVER);
	publisher_memory(bench->publisher, &bench->memory);
	wait_until(bench, serial_9);
	publisher_image(bench->publisher, &image);
	assert_int_equal(image.versions, 1);
}

static void zone_that_was_not_added_is_refused(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(
		publisher_publish(bench->publisher, zone_of("example.", 7, 1), FOREVER), -ENOENT);
	assert_int_equal(publisher_bypass(bench->publisher, example, true), -ENOENT);
}

static void zone_that_does_not_fit_passes_and_says_what_it_needs(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, 10), FOREVER);
	wait_until(bench, serial_7);
	publisher_publish(bench->publisher, zone_of("example.", 8, 100000), FOREVER);
	wait_until(bench, no_room);
	assert_false(bench->seen.published); /* not the old version: it is out of date */
	assert_true(bench->seen.needed > bench->seen.unused);
	/* And a version that fits again takes its place. */
	publisher_publish(bench->publisher, zone_of("example.", 9, 10), FOREVER);
	wait_until(bench, serial_9);
	assert_int_equal(bench->seen.error, 0);
}

/* More than half of the image, so that old and new don't stand side by side. */
static void version_that_needs_the_old_ones_room_gets_it(void **state)
{
	struct bench *bench = *state;
	struct publisher_image image;
	unsigned names = 28000;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, names), FOREVER);
	wait_until(bench, serial_7);
	publisher_image(bench->publisher, &image);
	assert_true(image.usage.unused < image.usage.size / 2);
	publisher_publish(bench->publisher, zone_of("example.", 9, names), FOREVER);
	wait_until(bench, serial_9);
	assert_int_equal(bench->seen.error, 0);
}

static void refused_grace_is_tried_again(void **state)
{
	struct bench *bench = *state;
	double end = now() + DEADLINE;

	atomic_store(&bench->refuse, 3);
	publisher_memory(bench->publisher, &bench->memory);
	publisher_grace(bench->publisher);
	while (publisher_grace_count(bench->publisher) == 0) {
		struct pollfd pollfd = {publisher_fd(bench->publisher), POLLIN, 0};

		assert_true(now() < end);
		poll(&pollfd, 1, 20);
		publisher_reports(bench->publisher, reported, bench);
	}
	assert_int_equal(atomic_load(&bench->refuse), 0);
}

/* The settings of an adopted engine wait for it. */
static void grace_needs_no_image(void **state)
{
	struct bench *bench = *state;
	struct publisher_image image;
	double end = now() + DEADLINE;

	bench->memory.shards = 0; /* a shape that no image has */
	publisher_grace(bench->publisher);
	publisher_memory(bench->publisher, &bench->memory);
	while (publisher_grace_count(bench->publisher) == 0) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
	do {
		assert_true(now() < end);
		publisher_image(bench->publisher, &image);
	} while (image.error == 0);
	assert_int_equal(image.error, -EINVAL);
	publisher_grace(bench->publisher);
	while (publisher_grace_count(bench->publisher) == 1) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
}

static void bypass_is_told_and_kept_over_a_publish(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_bypass(bench->publisher, example, true);
	wait_until(bench, bypassed);
	publisher_publish(bench->publisher, zone_of("example.", 7, 1), FOREVER);
	wait_until(bench, serial_7);
	assert_true(bench->seen.bypassed);
}

static bool held_passing(struct bench *bench)
{
	return bench->seen.bypassed && bench->seen.held;
}

static bool released(struct bench *bench)
{
	return !bench->seen.bypassed && !bench->seen.held;
}

static void a_persons_bypass_stands_above_the_mirrors_word(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	for (int all = 0; all < 2; all++) {
		assert_int_equal(publisher_hold(bench->publisher, all ? NULL : example, true), 0);
		wait_until(bench, held_passing);
		/* The server confirms the zone: it passes still. */
		publisher_bypass(bench->publisher, example, false);
		publisher_publish(bench->publisher, zone_of("example.", all ? 9 : 7, 1), FOREVER);
		wait_until(bench, all ? serial_9 : serial_7);
		assert_true(held_passing(bench));
		assert_int_equal(publisher_hold(bench->publisher, all ? NULL : example, false), 0);
		wait_until(bench, released);
	}
	assert_int_equal(
		publisher_hold(bench->publisher, (const uint8_t *)"\4none", true), -ENOENT);
}

/* What is light goes before grace periods and before publishes. */
static void bypass_and_deadline_wait_for_no_other_work(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_add(bench->publisher, other);
	publisher_publish(bench->publisher, zone_of("example.", 7, 1), FOREVER);
	wait_until(bench, serial_7);
	wait_until(bench, two_zones);
	/* From here on nothing heavy gets its turn. */
	atomic_store(&bench->refuse, UINT_MAX);
	publisher_grace(bench->publisher);
	publisher_publish(bench->publisher, zone_of("other.", 3, 1000), FOREVER);
	publisher_publish(bench->publisher, zone_of("example.", 9, 1000), FOREVER);
	publisher_deadline(bench->publisher, example, 4321);
	publisher_bypass(bench->publisher, example, true);
	wait_until(bench, bypassed);
	assert_int_equal(bench->seen.serial, 7);
	assert_int_equal(bench->seen.deadline, 4321);
	wait_until(bench, no_grace);
	atomic_store(&bench->refuse, 0);
	wait_until(bench, serial_9);
	assert_false(no_grace(bench));
	assert_true(bench->seen.bypassed);
}

static bool publishing(const struct bench *bench)
{
	const char *doing;

	pulse_overdue(publisher_pulse(bench->publisher), &doing);
	return strcmp(doing, "publishing a zone") == 0;
}

/* Of another zone, and of the one that is being published. */
static void bypass_overtakes_a_publish_that_runs(void **state)
{
	struct bench *bench = *state;
	struct publisher_image image;
	unsigned overtaken[2] = {0};

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_add(bench->publisher, other);
	publisher_publish(bench->publisher, zone_of("example.", 7, 1000), FOREVER);
	wait_until(bench, serial_7);
	/* A busy machine may give us our turn only when it is over. */
	for (unsigned turn = 0; turn < 100 && !(overtaken[0] && overtaken[1]); turn++) {
		bool own = turn % 2, overtakes;
		uint64_t versions;
		double began, end = now() + DEADLINE;

		publisher_image(bench->publisher, &image);
		versions = image.versions;
		publisher_bypass(bench->publisher, example, false);
		wait_until(bench, answered);
		publisher_publish(bench->publisher,
			zone_of(own ? "example." : "other.", 10 + turn, 12000), FOREVER);
		while (!publishing(bench)) {
			publisher_image(bench->publisher, &image);
			assert_true(now() < end);
			if (image.versions > versions)
				break; /* it was too fast for us */
		}
		began = now();
		publisher_deadline(bench->publisher, example, 4000 + turn);
		publisher_bypass(bench->publisher, example, true);
		wait_until(bench, bypassed);
		publisher_image(bench->publisher, &image);
		overtakes = image.versions == versions;
		if (overtakes) {
			overtaken[own]++;
			assert_int_equal(bench->seen.deadline, 4000 + turn);
			print_message(
				"turn %u: bypassed after %.1f ms, in the midst of a publish\n",
				turn, (now() - began) * 1e3);
		}
		while (image.versions == versions) {
			assert_true(now() < end);
			poll(NULL, 0, 1);
			publisher_image(bench->publisher, &image);
		}
		publisher_reports(bench->publisher, reported, bench);
		assert_true(bench->seen.bypassed);
		if (own && overtakes) /* the new version has the deadline that it came with */
			assert_int_equal(bench->seen.deadline, FOREVER);
	}
	assert_true(overtaken[0] && overtaken[1]);
}

/* A deadline says when the published version was confirmed last: nothing that is
 * said of the next one counts for it. */
static void version_that_fails_leaves_no_deadline_behind(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, 1), 1000);
	wait_until(bench, serial_7);
	atomic_store(&bench->refuse, UINT_MAX);
	publisher_grace(bench->publisher);
	publisher_deadline(bench->publisher, example, 2000);
	publisher_publish(bench->publisher, zone_of("example.", 9, 1), 9000);
	publisher_bypass(bench->publisher, example, true);
	wait_until(bench, bypassed);
	assert_int_equal(bench->seen.serial, 7);
	assert_int_equal(bench->seen.deadline, 2000);
	atomic_store(&bench->refuse, 0);
	wait_until(bench, serial_9);
	assert_int_equal(bench->seen.deadline, 9000);
}

static void held(struct bench *bench)
{
	double end = now() + DEADLINE;

	while (!atomic_load(&bench->held)) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
}

/* What it waits for while it has work counts, the waiting for work doesn't. */
static void pulse_is_overdue_only_while_work_stands_still(void **state)
{
	struct bench *bench = *state;
	const struct pulse *pulse = publisher_pulse(bench->publisher);
	double end = now() + DEADLINE;
	const char *doing;

	assert_int_equal(pulse_overdue(pulse, &doing).ns, 0);
	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, 5), FOREVER);
	wait_until(bench, serial_7);
	while (pulse_overdue(pulse, &doing).ns != 0 || strcmp(doing, "waiting") != 0) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
	atomic_store(&bench->hold, true);
	publisher_grace(bench->publisher);
	while (pulse_overdue(pulse, &doing).ns < 200000000) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
	assert_string_equal(doing, "waiting for the image's readers");
	atomic_store(&bench->hold, false);
	while (pulse_overdue(pulse, &doing).ns != 0) {
		assert_true(now() < end);
		poll(NULL, 0, 1);
	}
}

static void zone_may_come_and_go_while_it_is_being_removed(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 7, 5), FOREVER);
	publisher_bypass(bench->publisher, example, true);
	wait_until(bench, serial_7);
	wait_until(bench, bypassed);
	atomic_store(&bench->hold, true);
	publisher_remove(bench->publisher, example);
	held(bench);
	publisher_add(bench->publisher, example);
	publisher_remove(bench->publisher, example);
	atomic_store(&bench->hold, false);
	wait_until(bench, no_zone);
	/* And what was said of it before is forgotten. */
	publisher_add(bench->publisher, example);
	publisher_publish(bench->publisher, zone_of("example.", 9, 5), FOREVER);
	wait_until(bench, serial_9);
	assert_false(bench->seen.bypassed);
}

static void removed_zone_leaves_the_image(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_add(bench->publisher, other);
	wait_until(bench, two_zones);
	publisher_remove(bench->publisher, other);
	wait_until(bench, one_zone);
	/* And may come back at once. */
	publisher_add(bench->publisher, other);
	wait_until(bench, two_zones);
}

static void next_publisher_adopts_what_is_wanted_and_removes_the_rest(void **state)
{
	struct bench *bench = *state;

	publisher_memory(bench->publisher, &bench->memory);
	publisher_add(bench->publisher, example);
	publisher_add(bench->publisher, other);
	publisher_publish(bench->publisher, zone_of("other.", 3, 5), FOREVER);
	publisher_publish(bench->publisher, zone_of("example.", 7, 5), FOREVER);
	wait_until(bench, serial_7);
	wait_until(bench, two_zones);
	publisher_stop(bench->publisher);

	memset(&bench->seen, 0, sizeof(bench->seen));
	assert_int_equal(publisher_start(&bench->publisher), 0);
	publisher_add(bench->publisher, example);
	publisher_memory(bench->publisher, &bench->memory);
	wait_until(bench, serial_7);
	assert_true(bench->seen.adopted);
	wait_until(bench, one_zone);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_new, bench_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(zone_is_published_with_serial_and_deadline),
		BENCH_TEST(newest_wish_wins_and_waits_for_the_memory),
		BENCH_TEST(zone_that_was_not_added_is_refused),
		BENCH_TEST(zone_that_does_not_fit_passes_and_says_what_it_needs),
		BENCH_TEST(version_that_needs_the_old_ones_room_gets_it),
		BENCH_TEST(refused_grace_is_tried_again),
		BENCH_TEST(grace_needs_no_image),
		BENCH_TEST(bypass_is_told_and_kept_over_a_publish),
		BENCH_TEST(a_persons_bypass_stands_above_the_mirrors_word),
		BENCH_TEST(bypass_and_deadline_wait_for_no_other_work),
		BENCH_TEST(bypass_overtakes_a_publish_that_runs),
		BENCH_TEST(version_that_fails_leaves_no_deadline_behind),
		BENCH_TEST(pulse_is_overdue_only_while_work_stands_still),
		BENCH_TEST(zone_may_come_and_go_while_it_is_being_removed),
		BENCH_TEST(removed_zone_leaves_the_image),
		BENCH_TEST(next_publisher_adopts_what_is_wanted_and_removes_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
