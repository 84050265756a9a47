/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done about a zone: answers, transfers and reports in, events and times out. No I/O, and
 * the test's own clock.
 */
#include "control/zone/mirror_zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EXPIRE 3600u

/* One zone and its clock, in seconds. */
struct play {
	struct mirror_zone zone;
	struct mirror_event event;
	double now;
};

static struct monotime at(double seconds)
{
	return (struct monotime){(uint64_t)(seconds * 1e9)};
}

static double seconds(struct monotime moment)
{
	return moment.ns == MONOTIME_NEVER.ns ? 1e18 : (double)moment.ns / 1e9;
}

static struct zone_fault fault_of(enum zone_fault_kind kind)
{
	struct zone_fault fault;

	zone_fault_set(&fault, kind, "%s", kind ? "the test's fault" : "");
	return fault;
}

static void begin(struct play *play, bool adopted, uint32_t adopted_serial)
{
	struct mirror_zone_options options = {.id = 3,
		.poll = timespan_s(1),
		.adopted = adopted,
		.adopted_serial = adopted_serial};

	play->now = 1000;
	mirror_zone_init(&play->zone, &options, timespan_s(60), at(play->now));
}

/* A second later a poll ends so. The kind of event that came of it. */
static enum mirror_event_kind poll_ends(
	struct play *play, enum zone_fault_kind kind, uint32_t serial, uint32_t expire)
{
	struct soa_answer answer = {.serial = serial, .expire = expire};
	struct zone_fault fault = fault_of(kind);

	play->now += 1;
	mirror_zone_polls(&play->zone);
	assert_true(seconds(mirror_zone_poll_due(&play->zone)) > 1e17);
	bool event = mirror_zone_polled(&play->zone, at(play->now), at(play->now - 0.25), &answer,
		&fault, timespan_s(1), &play->event);
	assert_int_equal(event, play->event.kind != MIRROR_NOTHING);
	assert_true(seconds(mirror_zone_poll_due(&play->zone)) == play->now + 0.75);
	mirror_zone_status(&play->zone, at(play->now));
	return play->event.kind;
}

static enum mirror_event_kind serial_seen(struct play *play, uint32_t serial)
{
	return poll_ends(play, ZONE_FAULT_NONE, serial, EXPIRE);
}

static void assert_transfer_wanted(const struct play *play, bool wanted)
{
	assert_int_equal(seconds(mirror_zone_transfer_due(&play->zone)) <= play->now, wanted);
}

static void transfer_fails(struct play *play, enum zone_fault_kind kind)
{
	struct zone_fault fault = fault_of(kind);

	mirror_zone_transfers(&play->zone);
	assert_transfer_wanted(play, false);
	mirror_zone_failed(&play->zone, at(play->now), &fault);
}

/* A transfer that takes half a second brings this serial. */
static void transfer_brings(struct play *play, uint32_t serial)
{
	struct zone arrived = {.soa = {.serial = serial, .expire = EXPIRE}, .record_count = 5};

	mirror_zone_transfers(&play->zone);
	play->now += 0.5;
	mirror_zone_arrived(
		&play->zone, at(play->now), at(play->now - 0.5), &arrived, &play->event);
	assert_int_equal(play->event.kind, MIRROR_ZONE);
	assert_ptr_equal(play->event.zone, &arrived);
	assert_int_equal(play->event.id, 3);
	assert_transfer_wanted(play, false);
}

static enum mirror_event_kind report(struct play *play, uint32_t serial, enum zone_fault_kind kind)
{
	struct zone_fault fault = fault_of(kind);

	mirror_zone_reported(&play->zone, at(play->now), serial, &fault, &play->event);
	mirror_zone_status(&play->zone, at(play->now));
	return play->event.kind;
}

/* A zone with this serial published and confirmed. */
static void begin_current(struct play *play, uint32_t serial)
{
	begin(play, false, 0);
	assert_int_equal(serial_seen(play, serial), MIRROR_NOTHING);
	assert_transfer_wanted(play, true);
	transfer_brings(play, serial);
	assert_int_equal(report(play, serial, ZONE_FAULT_NONE), MIRROR_NOTHING);
	assert_int_equal(play->zone.status.phase, MIRROR_CURRENT);
	assert_int_equal(play->zone.status.fault.kind, ZONE_FAULT_NONE);
}

static void a_new_zone_is_fetched_and_its_deadline_counts_from_the_transfers_start(void **state)
{
	struct play play;

	begin(&play, false, 0);
	assert_int_equal(mirror_zone_status(&play.zone, at(play.now))->phase, MIRROR_WAITING);
	serial_seen(&play, 5);
	double began = play.now;
	transfer_brings(&play, 5);
	assert_true(seconds(play.event.bypass_after) == began + EXPIRE);
	assert_int_equal(mirror_zone_status(&play.zone, at(play.now))->phase, MIRROR_COMPILING);
	report(&play, 5, ZONE_FAULT_NONE);
	assert_true(seconds(play.zone.status.bypass_after) == began + EXPIRE);
}

static void less_time_left_at_the_server_shortens_the_deadline(void **state)
{
	struct play play;

	begin(&play, false, 0);
	poll_ends(&play, ZONE_FAULT_NONE, 5, 100);
	double began = play.now;
	transfer_brings(&play, 5);
	assert_true(seconds(play.event.bypass_after) == began + 100);
	report(&play, 5, ZONE_FAULT_NONE);
	assert_int_equal(poll_ends(&play, ZONE_FAULT_NONE, 5, 40), MIRROR_DEADLINE);
	assert_true(seconds(play.event.bypass_after) == play.now - 0.25 + 40);
}

static void each_good_poll_extends_the_deadline_and_tells_it_now_and_then(void **state)
{
	struct play play;
	double told;
	int events = 0;

	begin_current(&play, 5);
	told = seconds(play.zone.announced);
	for (int i = 0; i < 600; i++) {
		if (serial_seen(&play, 5) == MIRROR_DEADLINE) {
			events++;
			told = seconds(play.event.bypass_after);
		}
		/* Counted from when the question went out, not from when the answer came. */
		assert_true(seconds(play.zone.status.bypass_after) == play.now - 0.25 + EXPIRE);
		assert_true(told > play.now - 60.5 + EXPIRE);
		assert_true(told <= play.now - 0.25 + EXPIRE);
	}
	assert_in_range(events, 8, 12);
}

static void a_denial_bypasses_at_once_and_a_good_answer_ends_it(void **state)
{
	static const enum zone_fault_kind denials[] = {ZONE_FAULT_REFUSED, ZONE_FAULT_SERVFAIL,
		ZONE_FAULT_NXDOMAIN, ZONE_FAULT_NOT_AUTHORITATIVE, ZONE_FAULT_RCODE};

	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
		struct play play;

		begin_current(&play, 5);
		assert_int_equal(poll_ends(&play, denials[i], 0, 0), MIRROR_BYPASS);
		assert_int_equal(play.event.fault->kind, denials[i]);
		assert_int_equal(play.zone.status.phase, MIRROR_BYPASSED);
		assert_int_equal(poll_ends(&play, denials[i], 0, 0), MIRROR_NOTHING);
		/* Silence afterwards doesn't make it better. */
		assert_int_equal(poll_ends(&play, ZONE_FAULT_TIMEOUT, 0, 0), MIRROR_NOTHING);
		assert_int_equal(play.zone.status.fault.kind, denials[i]);
		assert_int_equal(play.zone.status.phase, MIRROR_BYPASSED);
		assert_int_equal(serial_seen(&play, 5), MIRROR_RESUME);
		assert_true(seconds(play.event.bypass_after) == play.now - 0.25 + EXPIRE);
		assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);
		assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_NONE);
	}
}

static void a_zone_never_published_needs_no_bypass(void **state)
{
	struct play play;

	begin(&play, false, 0);
	assert_int_equal(poll_ends(&play, ZONE_FAULT_REFUSED, 0, 0), MIRROR_NOTHING);
	assert_int_equal(play.zone.status.phase, MIRROR_WAITING);
	assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_REFUSED);
}

static void silence_holds_until_the_deadline(void **state)
{
	static const enum zone_fault_kind silences[] = {
		ZONE_FAULT_TIMEOUT, ZONE_FAULT_UNREACHABLE, ZONE_FAULT_SYSTEM};

	for (size_t i = 0; i < sizeof(silences) / sizeof(silences[0]); i++) {
		struct play play;

		begin_current(&play, 5);
		double deadline = seconds(play.zone.status.bypass_after);
		while (play.now + 1 < deadline) {
			assert_int_equal(poll_ends(&play, silences[i], 0, 0), MIRROR_NOTHING);
			assert_int_equal(play.zone.status.phase, MIRROR_UNCONFIRMED);
			assert_int_equal(play.zone.status.fault.kind, silences[i]);
			assert_true(seconds(play.zone.status.bypass_after) == deadline);
		}
		play.now += 1;
		assert_int_equal(
			mirror_zone_status(&play.zone, at(play.now))->phase, MIRROR_EXPIRED);
		assert_int_equal(serial_seen(&play, 5), MIRROR_DEADLINE);
		assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);
	}
}

static void any_other_serial_is_fetched_an_older_one_too(void **state)
{
	static const uint32_t others[] = {6, 4, 0x80000005};

	for (size_t i = 0; i < 3; i++) {
		struct play play;

		begin_current(&play, 5);
		assert_int_equal(serial_seen(&play, others[i]), MIRROR_NOTHING);
		assert_transfer_wanted(&play, true);
		assert_int_equal(play.zone.status.phase, MIRROR_BEHIND);
		transfer_brings(&play, others[i]);
		report(&play, others[i], ZONE_FAULT_NONE);
		assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);
		assert_int_equal(play.zone.status.published_serial, others[i]);
	}
}

static void no_transfer_begins_before_the_last_zone_is_reported(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	transfer_brings(&play, 6);
	serial_seen(&play, 7);
	assert_transfer_wanted(&play, false);
	report(&play, 6, ZONE_FAULT_NONE);
	assert_transfer_wanted(&play, true);
	assert_int_equal(play.zone.status.phase, MIRROR_BEHIND);
}

static void a_failed_transfer_keeps_the_old_zone_and_backs_off(void **state)
{
	struct play play;
	double last = 0;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	for (int i = 0; i < 12; i++) {
		transfer_fails(&play, ZONE_FAULT_BROKEN_OFF);
		double wait = seconds(mirror_zone_transfer_due(&play.zone)) - play.now;
		assert_true(wait >= (i < 6 ? 1 << i : 60));
		assert_true(wait <= 60 * 1.26);
		assert_true(wait >= last || wait >= 60);
		last = wait;
		assert_int_equal(play.zone.status.published_serial, 5);
		assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_BROKEN_OFF);
		assert_int_equal(play.zone.status.transfer_fault.kind, ZONE_FAULT_BROKEN_OFF);
	}
	/* The reason stays in sight while polls are answered. */
	play.zone.stale_limit = timespan_s(100000);
	serial_seen(&play, 6);
	assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_BROKEN_OFF);
	assert_int_equal(play.zone.status.phase, MIRROR_BEHIND);
	assert_int_equal(play.zone.status.transfers_failed, 12);
}

static void new_data_at_the_server_is_tried_soon_but_not_what_was_too_large(void **state)
{
	struct play play;

	for (int large = 0; large < 2; large++) {
		begin_current(&play, 5);
		serial_seen(&play, 6);
		for (int i = 0; i < 8; i++)
			transfer_fails(&play, large ? ZONE_FAULT_TOO_LARGE : ZONE_FAULT_MALFORMED);
		double wait = seconds(mirror_zone_transfer_due(&play.zone)) - play.now;
		assert_true(large ? wait >= 600 : wait >= 60);
		serial_seen(&play, 7);
		wait = seconds(mirror_zone_transfer_due(&play.zone)) - play.now;
		assert_true(large ? wait > 590 : wait == 1);
	}
}

static void what_the_publisher_cant_take_is_a_failed_transfer(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	transfer_brings(&play, 6);
	assert_int_equal(report(&play, 6, ZONE_FAULT_TOO_LARGE), MIRROR_NOTHING);
	assert_int_equal(play.zone.status.published_serial, 5);
	assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_TOO_LARGE);
	assert_transfer_wanted(&play, false);
	assert_true(seconds(mirror_zone_transfer_due(&play.zone)) > play.now + 9);
	/* Its predecessor has left the image: a server that returns to it confirms nothing. */
	assert_int_equal(serial_seen(&play, 5), MIRROR_NOTHING);
	assert_true(mirror_zone_transfer_due(&play.zone).ns != MONOTIME_NEVER.ns);
}

static void a_zone_that_stays_behind_is_bypassed(void **state)
{
	struct play play;
	int polls = 0;

	begin_current(&play, 5);
	double deadline = seconds(play.zone.status.bypass_after);
	while (serial_seen(&play, 6) == MIRROR_NOTHING && polls++ < 100)
		transfer_fails(&play, ZONE_FAULT_MALFORMED);
	assert_int_equal(play.event.kind, MIRROR_BYPASS);
	assert_in_range(polls, 59, 61);
	assert_int_equal(play.event.fault->kind, ZONE_FAULT_LAGGING);
	assert_non_null(strstr(play.event.fault->text, "the test's fault"));
	/* A poll that finds another serial confirms nothing. */
	assert_true(seconds(play.zone.status.bypass_after) == deadline);
	transfer_brings(&play, 6);
	assert_int_equal(report(&play, 6, ZONE_FAULT_NONE), MIRROR_RESUME);
	assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);
}

static void a_zone_that_changes_faster_than_it_is_published_isnt_bypassed(void **state)
{
	struct play play;
	uint32_t serial = 5;

	begin_current(&play, serial);
	for (int i = 0; i < 200; i++) {
		assert_int_not_equal(serial_seen(&play, ++serial), MIRROR_BYPASS);
		transfer_brings(&play, serial);
		assert_int_not_equal(serial_seen(&play, ++serial), MIRROR_BYPASS);
		report(&play, serial - 1, ZONE_FAULT_NONE);
		assert_false(play.zone.status.bypassed);
	}
}

static void a_zone_that_takes_long_to_compile_isnt_bypassed(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	transfer_brings(&play, 6);
	for (int i = 0; i < 500; i++)
		assert_int_equal(serial_seen(&play, 6), MIRROR_NOTHING);
	assert_int_equal(report(&play, 6, ZONE_FAULT_SYSTEM), MIRROR_NOTHING);
	assert_int_equal(serial_seen(&play, 6), MIRROR_BYPASS);
}

static void a_deadline_counts_only_for_what_is_published(void **state)
{
	struct play play;

	begin_current(&play, 5);
	double deadline = seconds(play.zone.status.bypass_after);
	play.now += 1000;
	serial_seen(&play, 6);
	transfer_brings(&play, 6);
	assert_true(seconds(play.event.bypass_after) > deadline + 1000);
	assert_true(seconds(play.zone.status.bypass_after) == deadline);
	report(&play, 6, ZONE_FAULT_SYSTEM);
	assert_true(seconds(play.zone.status.bypass_after) == deadline);
	/* The server takes its change back: the publisher hears how long the old zone holds. */
	assert_int_equal(serial_seen(&play, 5), MIRROR_DEADLINE);
}

static void answers_not_to_be_trusted_bypass_after_the_limit_only(void **state)
{
	static const enum zone_fault_kind faults[] = {ZONE_FAULT_TSIG_KEY,
		ZONE_FAULT_TSIG_SIGNATURE, ZONE_FAULT_TSIG_TIME, ZONE_FAULT_TSIG_MISSING,
		ZONE_FAULT_MALFORMED, ZONE_FAULT_NO_KEY};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct play play;
		int polls = 0;

		begin_current(&play, 5);
		while (poll_ends(&play, faults[i], 0, 0) == MIRROR_NOTHING && polls < 100)
			polls++;
		assert_in_range(polls, 59, 61);
		assert_int_equal(play.event.kind, MIRROR_BYPASS);
		assert_int_equal(play.event.fault->kind, faults[i]);
		assert_int_equal(serial_seen(&play, 5), MIRROR_RESUME);
	}
}

static void a_zone_denied_meanwhile_isnt_resumed_by_its_publication(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	transfer_brings(&play, 6);
	assert_int_equal(poll_ends(&play, ZONE_FAULT_REFUSED, 0, 0), MIRROR_BYPASS);
	assert_int_equal(report(&play, 6, ZONE_FAULT_NONE), MIRROR_NOTHING);
	assert_true(play.zone.status.bypassed);
	assert_int_equal(serial_seen(&play, 6), MIRROR_RESUME);
}

static void a_silent_or_denying_server_isnt_asked_for_transfers(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	assert_transfer_wanted(&play, true);
	poll_ends(&play, ZONE_FAULT_TIMEOUT, 0, 0);
	assert_transfer_wanted(&play, false);
	poll_ends(&play, ZONE_FAULT_SERVFAIL, 0, 0);
	assert_transfer_wanted(&play, false);
	serial_seen(&play, 6);
	assert_transfer_wanted(&play, true);
}

/* The bypass is in the image, and outlives the daemon that asked for it. */
static void an_adopted_bypass_ends_when_the_server_confirms_the_serial(void **state)
{
	struct mirror_zone_options options = {.id = 3,
		.poll = timespan_s(1),
		.adopted = true,
		.adopted_serial = 5,
		.adopted_bypassed = true};
	struct play play = {.now = 1000};

	mirror_zone_init(&play.zone, &options, timespan_s(60), at(play.now));
	assert_int_equal(mirror_zone_status(&play.zone, at(play.now))->phase, MIRROR_BYPASSED);
	assert_int_equal(play.zone.status.fault.kind, ZONE_FAULT_LAGGING);
	assert_int_equal(serial_seen(&play, 5), MIRROR_RESUME);
	assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);

	/* Also when it takes a transfer first. */
	mirror_zone_init(&play.zone, &options, timespan_s(60), at(play.now));
	assert_int_equal(serial_seen(&play, 6), MIRROR_NOTHING);
	transfer_brings(&play, 6);
	assert_int_equal(report(&play, 6, ZONE_FAULT_NONE), MIRROR_RESUME);
}

static void an_adopted_serial_is_confirmed_without_a_transfer(void **state)
{
	struct play play;

	begin(&play, true, 5);
	assert_int_equal(mirror_zone_status(&play.zone, at(play.now))->phase, MIRROR_UNCONFIRMED);
	assert_int_equal(serial_seen(&play, 5), MIRROR_DEADLINE);
	assert_transfer_wanted(&play, false);
	assert_int_equal(play.zone.status.phase, MIRROR_CURRENT);

	begin(&play, true, 5);
	assert_int_equal(serial_seen(&play, 6), MIRROR_NOTHING);
	assert_transfer_wanted(&play, true);

	begin(&play, true, 5);
	assert_int_equal(poll_ends(&play, ZONE_FAULT_REFUSED, 0, 0), MIRROR_BYPASS);
}

static void a_poke_polls_now_and_forgets_the_backing_off(void **state)
{
	struct play play;

	begin_current(&play, 5);
	serial_seen(&play, 6);
	for (int i = 0; i < 5; i++)
		transfer_fails(&play, ZONE_FAULT_TIMEOUT);
	assert_transfer_wanted(&play, false);
	mirror_zone_poke(&play.zone, at(play.now));
	assert_true(seconds(mirror_zone_poll_due(&play.zone)) == play.now);
	assert_transfer_wanted(&play, true);

	/* While a poll is under way its answer may be older than the news. */
	struct soa_answer answer = {.serial = 6, .expire = EXPIRE};
	struct zone_fault good = fault_of(ZONE_FAULT_NONE);
	mirror_zone_polls(&play.zone);
	mirror_zone_poke(&play.zone, at(play.now));
	mirror_zone_polled(&play.zone, at(play.now + 0.1), at(play.now - 0.1), &answer, &good,
		timespan_s(1), &play.event);
	assert_true(seconds(mirror_zone_poll_due(&play.zone)) == play.now + 0.1);
}

static void zones_that_rest_are_told_from_active_ones(void **state)
{
	struct play play;

	begin(&play, false, 0);
	assert_true(mirror_zone_is_active(&play.zone, at(play.now)));
	begin_current(&play, 5);
	assert_true(mirror_zone_is_active(&play.zone, at(play.now)));
	play.now += 601;
	serial_seen(&play, 5);
	assert_false(mirror_zone_is_active(&play.zone, at(play.now)));
	poll_ends(&play, ZONE_FAULT_REFUSED, 0, 0);
	assert_true(mirror_zone_is_active(&play.zone, at(play.now)));
}

static void a_report_nobody_waits_for_changes_nothing(void **state)
{
	struct play play;

	begin(&play, false, 0);
	assert_int_equal(report(&play, 9, ZONE_FAULT_NONE), MIRROR_NOTHING);
	assert_false(play.zone.status.published_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_new_zone_is_fetched_and_its_deadline_counts_from_the_transfers_start),
		cmocka_unit_test(less_time_left_at_the_server_shortens_the_deadline),
		cmocka_unit_test(each_good_poll_extends_the_deadline_and_tells_it_now_and_then),
		cmocka_unit_test(a_denial_bypasses_at_once_and_a_good_answer_ends_it),
		cmocka_unit_test(a_zone_never_published_needs_no_bypass),
		cmocka_unit_test(silence_holds_until_the_deadline),
		cmocka_unit_test(any_other_serial_is_fetched_an_older_one_too),
		cmocka_unit_test(no_transfer_begins_before_the_last_zone_is_reported),
		cmocka_unit_test(a_failed_transfer_keeps_the_old_zone_and_backs_off),
		cmocka_unit_test(new_data_at_the_server_is_tried_soon_but_not_what_was_too_large),
		cmocka_unit_test(what_the_publisher_cant_take_is_a_failed_transfer),
		cmocka_unit_test(a_zone_that_stays_behind_is_bypassed),
		cmocka_unit_test(a_zone_that_changes_faster_than_it_is_published_isnt_bypassed),
		cmocka_unit_test(a_zone_that_takes_long_to_compile_isnt_bypassed),
		cmocka_unit_test(a_deadline_counts_only_for_what_is_published),
		cmocka_unit_test(answers_not_to_be_trusted_bypass_after_the_limit_only),
		cmocka_unit_test(a_zone_denied_meanwhile_isnt_resumed_by_its_publication),
		cmocka_unit_test(a_silent_or_denying_server_isnt_asked_for_transfers),
		cmocka_unit_test(an_adopted_bypass_ends_when_the_server_confirms_the_serial),
		cmocka_unit_test(an_adopted_serial_is_confirmed_without_a_transfer),
		cmocka_unit_test(a_poke_polls_now_and_forgets_the_backing_off),
		cmocka_unit_test(zones_that_rest_are_told_from_active_ones),
		cmocka_unit_test(a_report_nobody_waits_for_changes_nothing),
	};
	return cmocka_run_group_tests_name("mirror_zone", tests, NULL, NULL);
}
