/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reconciler against a model of BIRD.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/route.h"
#include "control/health/statefile.h"
#include "tests/unit/health/fake_bird.h"
#include "tests/unit/health/loop.h"
#include "tests/unit/health/model_bird.h"

struct fixture {
	sd_event *loop;
	char top[32], dir[64], path[64];
	struct fake_bird fake;
	struct model_bird bird;
	struct route *route;
	struct route_prefix *v4, *v6;

	/* Ours. */
	unsigned ready, persons, alarms;
	void *person_arg;
	enum route_state person_made;
	char superseded[64];
	char log[4096];
};

static void on_link(void *arg, enum bird_link link)
{
}

static void on_ready(void *arg)
{
	((struct fixture *)arg)->ready++;
}

static void on_observed(void *arg, void *prefix_arg)
{
}

static void on_person(void *arg, void *prefix_arg, enum route_state made)
{
	struct fixture *f = arg;

	f->persons++;
	f->person_arg = prefix_arg;
	f->person_made = made;
}

static void on_superseded(void *arg, const char *holder)
{
	struct fixture *f = arg;

	snprintf(f->superseded, sizeof f->superseded, "%s", holder);
}

static void on_log(void *arg, int level, const char *text)
{
	struct fixture *f = arg;

	if (level <= LOG_ERR)
		f->alarms++;
	snprintf(f->log + strlen(f->log), sizeof f->log - strlen(f->log), "%d %s\n", level, text);
}

static const char *const peers[] = {"edge1"};
static const struct route_prefix_options options4 = {
	"203.0.113.0/24", "anycast4", "anycast4_drain", peers, 1};
static const struct route_prefix_options options6 = {
	"2001:db8:53::/48", "anycast6", "anycast6_drain", peers, 1};

static void route_start(struct fixture *f, struct route **route)
{
	static const struct route_events events = {.link = on_link,
		.ready = on_ready,
		.observed = on_observed,
		.person = on_person,
		.superseded = on_superseded,
		.log = on_log};
	struct route_options options = {.bird = {.socket = f->path,
						.greeting_timeout = span_ms(100),
						.reply_timeout = span_ms(100),
						.backoff_min = span_ms(2),
						.backoff_max = span_ms(10)},
		.state_dir = f->dir,
		.owner = "anoded[1]",
		.round = span_ms(50)};

	assert_int_equal(route_new(route, f->loop, &options, &events, f), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->top, "/tmp/anode-route-XXXXXX");
	if (!mkdtemp(f->top) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/anode/bird", f->top);
	snprintf(f->path, sizeof f->path, "%s/ctl", f->top);
	model_bird_init(&f->bird, f->dir);
	f->fake.reply = model_bird_reply;
	f->fake.arg = &f->bird;
	fake_bird_start(&f->fake, f->loop, f->path);
	route_start(f, &f->route);
	assert_int_equal(route_add(f->route, &f->v4, &options4, &f->v4), 0);
	assert_int_equal(route_add(f->route, &f->v6, &options6, &f->v6), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];
	int r;

	route_free(f->route);
	fake_bird_stop(&f->fake);
	sd_event_unref(f->loop);
	snprintf(command, sizeof command, "rm -rf %s", f->top);
	r = system(command);
	free(f);
	return r;
}

static bool is_settled(struct route_prefix *prefix, enum route_state state)
{
	struct route_status status;

	route_status(prefix, &status);
	return status.settled && status.wanted == state;
}

static void announce(struct fixture *f)
{
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	route_want(f->v6, ROUTE_ANNOUNCED, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v6, ROUTE_ANNOUNCED));
	f->bird.trace[0] = '\0';
	f->log[0] = '\0';
}

/* ---- the three states ---- */

static void nothing_is_switched_before_something_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct route_status status;

	f->bird.up[MAIN4] = f->bird.up[DRAIN4] = true;
	ASSERT_WITHIN(f->loop, 2000, f->ready == 1);
	ASSERT_STAYS(f->loop, 120, f->bird.trace[0] == '\0');
	route_status(f->v4, &status);
	assert_false(status.decided);
	assert_true(status.set_known);
	assert_int_equal(status.set, ROUTE_ANNOUNCED);
	assert_int_equal(status.actual, ROUTE_ANNOUNCED);
	/* No file of ours says so: not to be adopted. */
	assert_false(status.set_by_us);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
}

static void announcing_writes_the_files_first_and_reads_back(void **state)
{
	struct fixture *f = *state;
	struct route_peer_status peer;
	struct route_status status;

	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	assert_true(model_bird_file_up(&f->bird, MAIN4) && model_bird_file_up(&f->bird, DRAIN4));
	assert_string_equal(f->bird.trace, "");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	/* The main one first: no drained announcement before it. */
	assert_string_equal(f->bird.trace, "enable \"anycast4\";enable \"anycast4_drain\";");
	route_status(f->v4, &status);
	assert_true(status.actual_known && status.set_by_us);
	assert_int_equal(status.actual, ROUTE_ANNOUNCED);
	assert_string_equal(status.error, "");
	route_peer_status(f->v4, 0, &peer);
	assert_int_equal(peer.seen, ROUTE_SEEN_MAIN);
	assert_true(peer.established);
	assert_false(f->bird.up[MAIN6]);
}

static void draining_leaves_no_gap(void **state)
{
	struct fixture *f = *state;
	struct route_status status;

	announce(f);
	route_want(f->v4, ROUTE_DEGRADED, "test");
	assert_true(!model_bird_file_up(&f->bird, MAIN4) && model_bird_file_up(&f->bird, DRAIN4));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_DEGRADED));
	assert_string_equal(f->bird.trace, "disable \"anycast4\";");
	route_status(f->v4, &status);
	assert_int_equal(status.actual, ROUTE_DEGRADED);
	/* From withdrawn: only the drain one. */
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	f->bird.trace[0] = '\0';
	route_want(f->v4, ROUTE_DEGRADED, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_DEGRADED));
	assert_string_equal(f->bird.trace, "enable \"anycast4_drain\";");
}

static void withdrawing_is_one_withdrawal_at_the_peer(void **state)
{
	struct fixture *f = *state;

	announce(f);
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	route_want(f->v6, ROUTE_WITHDRAWN, "test");
	for (int i = 0; i < PROTOS; i++)
		assert_false(model_bird_file_up(&f->bird, i));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v6, ROUTE_WITHDRAWN));
	/* Nothing is asked of BIRD before all of it is said. */
	assert_string_equal(f->bird.trace, "disable \"anycast4_drain\";disable \"anycast4\";"
					   "disable \"anycast6_drain\";disable \"anycast6\";");
}

static void withdrawals_go_before_announcements(void **state)
{
	struct fixture *f = *state;

	f->bird.up[MAIN6] = true;
	ASSERT_WITHIN(f->loop, 2000, f->ready == 1);
	f->fake.frozen = true; /* so that both wait */
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	route_want(f->v6, ROUTE_WITHDRAWN, "test");
	f->bird.trace[0] = '\0';
	fake_bird_thaw(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v6, ROUTE_WITHDRAWN));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	assert_true(strstr(f->bird.trace, "disable \"anycast6\"") <
		    strstr(f->bird.trace, "enable \"anycast4_drain\""));
}

/* ---- drift ---- */

static void a_configure_changes_nothing_when_the_files_agree(void **state)
{
	struct fixture *f = *state;

	announce(f);
	model_bird_configure(&f->bird);
	ASSERT_STAYS(f->loop, 150, f->bird.trace[0] == '\0' && f->bird.up[MAIN4]);
	assert_non_null(strstr(f->log, "BIRD read its configuration again"));
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	model_bird_configure(&f->bird);
	ASSERT_STAYS(f->loop, 150, !f->bird.up[MAIN4]);
	assert_int_equal(f->persons, 0);
}

static void drift_is_repaired_in_both_directions(void **state)
{
	struct fixture *f = *state;

	announce(f);
	/* A configuration without the include. */
	f->bird.up[MAIN4] = f->bird.up[DRAIN4] = false;
	f->bird.configured++;
	ASSERT_WITHIN(f->loop, 2000, f->bird.up[MAIN4] && f->bird.up[DRAIN4]);
	assert_int_equal(f->persons, 0);
	assert_non_null(strstr(f->log, "repairing"));
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	f->bird.up[MAIN4] = true; /* somebody enabled it */
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[MAIN4]);
	f->bird.up[DRAIN4] = true;
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[DRAIN4]);
}

static void a_state_file_that_somebody_changed_is_put_right(void **state)
{
	struct fixture *f = *state;
	char path[128];

	announce(f);
	snprintf(path, sizeof path, "%s/anycast4.conf", f->dir);
	unlink(path);
	ASSERT_WITHIN(f->loop, 2000, model_bird_file_up(&f->bird, MAIN4));
}

static void a_person_who_disables_is_asked_about_not_overruled(void **state)
{
	struct fixture *f = *state;

	announce(f);
	f->bird.up[MAIN4] = false; /* birdc disable anycast4 */
	ASSERT_WITHIN(f->loop, 2000, f->persons == 1);
	assert_ptr_equal(f->person_arg, &f->v4);
	assert_int_equal(f->person_made, ROUTE_DEGRADED);
	assert_string_equal(f->bird.trace, "");
	/* Nobody took it over as wanted: undone. */
	ASSERT_WITHIN(f->loop, 2000, f->bird.up[MAIN4]);
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	ASSERT_STAYS(f->loop, 120, f->persons == 1); /* a round sees it up */
	f->bird.up[MAIN4] = f->bird.up[DRAIN4] = false;
	ASSERT_WITHIN(f->loop, 2000, f->persons == 2);
	assert_int_equal(f->person_made, ROUTE_WITHDRAWN);
}

static void a_foreign_route_is_an_alarm_that_names_it(void **state)
{
	struct fixture *f = *state;
	struct route_status status;

	announce(f);
	f->bird.foreign = "kernel1";
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 4000, strstr(f->log, "kernel1"));
	route_status(f->v4, &status);
	assert_false(status.settled);
	assert_int_equal(status.actual, ROUTE_ANNOUNCED);
	assert_non_null(strstr(status.error, "edge1 gets the prefix from BIRD's protocol kernel1"));
	/* Once. */
	unsigned alarms = f->alarms;

	ASSERT_STAYS(f->loop, 200, f->alarms == alarms);
	f->bird.foreign = NULL;
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	route_status(f->v4, &status);
	assert_string_equal(status.error, "");
}

static void a_session_that_is_down_is_no_error(void **state)
{
	struct fixture *f = *state;
	struct route_status status;

	announce(f);
	f->bird.edge_up = false;
	ASSERT_WITHIN(
		f->loop, 2000, (route_status(f->v4, &status), status.actual == ROUTE_WITHDRAWN));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	assert_int_equal(f->alarms, 0);
	f->bird.edge_up = true;
	ASSERT_WITHIN(
		f->loop, 2000, (route_status(f->v4, &status), status.actual == ROUTE_ANNOUNCED));
}

/* ---- what BIRD doesn't do ---- */

static void without_a_drain_protocol_degraded_stays_announced(void **state)
{
	struct fixture *f = *state;

	f->bird.absent[DRAIN4] = true;
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	ASSERT_WITHIN(f->loop, 2000, f->bird.up[MAIN4]);
	route_want(f->v4, ROUTE_DEGRADED, "test");
	ASSERT_STAYS(f->loop, 150, f->bird.up[MAIN4]);
	assert_true(model_bird_file_up(&f->bird, MAIN4));
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	assert_false(f->bird.up[MAIN4]);
}

static void a_missing_protocol_is_waited_for(void **state)
{
	struct fixture *f = *state;

	f->bird.absent[MAIN4] = true;
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	ASSERT_WITHIN(f->loop, 5000, strstr(f->log, "no protocol anycast4 in BIRD"));
	f->bird.absent[MAIN4] = false;
	f->bird.configured++;
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
}

static void a_refusal_is_shown_and_tried_again(void **state)
{
	struct fixture *f = *state;
	struct route_status status;

	announce(f);
	f->bird.deny = true;
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, f->alarms > 0);
	route_status(f->v4, &status);
	assert_non_null(strstr(f->log, "8007 Access denied"));
	f->bird.deny = false;
	ASSERT_WITHIN(f->loop, 3000, is_settled(f->v4, ROUTE_WITHDRAWN));
}

static void a_killed_bird_is_withdrawn_and_repaired_on_return(void **state)
{
	struct fixture *f = *state;

	announce(f);
	fake_bird_stop(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, route_link(f->route) == BIRD_GONE);
	/* Nobody decided otherwise: files stay, and so it comes back. */
	assert_true(model_bird_file_up(&f->bird, MAIN4));
	route_want(f->v4, ROUTE_WITHDRAWN, "BIRD is gone");
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	memset(f->bird.up, 0, sizeof f->bird.up);
	model_bird_configure(&f->bird);
	assert_true(!f->bird.up[MAIN4] && f->bird.up[MAIN6]);
	fake_bird_start(&f->fake, f->loop, f->path);
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v6, ROUTE_ANNOUNCED));
	assert_false(f->bird.up[MAIN4]);
}

static void a_frozen_bird_obeys_when_it_thaws_and_the_delay_is_an_alarm(void **state)
{
	struct fixture *f = *state;

	announce(f);
	f->fake.frozen = true;
	ASSERT_WITHIN(f->loop, 2000, route_link(f->route) == BIRD_SILENT);
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	ASSERT_WITHIN(f->loop, 4000, strstr(f->log, "BIRD doesn't"));
	assert_int_equal(f->alarms, 1);
	fake_bird_thaw(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_WITHDRAWN));
	assert_true(f->bird.up[MAIN6]);
}

/* ---- state files that fail ---- */

static void nothing_is_enabled_that_cannot_be_written_down(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct route_status status;

	snprintf(path, sizeof path, "%s/.anycast4.tmp", f->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	ASSERT_STAYS(f->loop, 150, !f->bird.up[MAIN4]);
	route_status(f->v4, &status);
	assert_non_null(strstr(status.error, "state file"));
	rmdir(path);
	ASSERT_WITHIN(f->loop, 3000, is_settled(f->v4, ROUTE_ANNOUNCED));
	/* But a withdrawal needs no file: it takes the old one away. */
	assert_int_equal(mkdir(path, 0755), 0);
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[MAIN4]);
	rmdir(path);
}

static void a_newer_writer_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct statefile other;

	announce(f);
	assert_int_equal(statefile_init(&other, f->dir, "anodectl[7]"), 0);
	assert_int_equal(statefile_claim(&other), 0);
	for (int i = 0; i < PROTOS; i++) {
		assert_int_equal(statefile_write(&other, model_bird_names[i], false, "offline"), 0);
		f->bird.up[i] = false;
	}
	ASSERT_WITHIN(f->loop, 2000, f->superseded[0]);
	assert_string_equal(f->superseded, "anodectl[7]");
	ASSERT_STAYS(f->loop, 150, !f->bird.up[MAIN4] && !model_bird_file_up(&f->bird, MAIN4));
	route_want(f->v4, ROUTE_WITHDRAWN, "test");
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	ASSERT_STAYS(
		f->loop, 150, f->bird.trace[0] == '\0' && !model_bird_file_up(&f->bird, MAIN4));
	assert_int_equal(route_reclaim(f->route), 0);
	assert_string_equal(route_superseded_by(f->route), "");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
}

static void two_writers_never_fight(void **state)
{
	struct fixture *f = *state;
	struct route *second;
	struct route_prefix *prefix;

	announce(f);
	/* The fake serves one connection: the second one gets it. */
	route_start(f, &second);
	assert_int_equal(route_add(second, &prefix, &options4, NULL), 0);
	route_want(prefix, ROUTE_WITHDRAWN, "test");
	ASSERT_WITHIN(f->loop, 2000, f->superseded[0]);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	ASSERT_STAYS(f->loop, 100, !model_bird_file_up(&f->bird, MAIN4));
	route_free(second);
}

/* ---- options ---- */

static void what_cannot_work_is_refused(void **state)
{
	struct fixture *f = *state;
	struct route_prefix *prefix;
	struct route_prefix_options o = options4;

	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EEXIST);
	o.prefix = "198.51.100.0/24";
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EEXIST);
	o.protocol = "other";
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EEXIST);
	o.drain_protocol = "other";
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EINVAL);
	o.drain_protocol = "a\" ; down; \"";
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EINVAL);
	o.drain_protocol = NULL;
	o.peer_count = 0;
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EINVAL);
	o.peer_count = 1;
	o.prefix = "198.51.100.1/24";
	assert_int_equal(route_add(f->route, &prefix, &o, NULL), -EINVAL);
}

static void a_removed_prefix_is_withdrawn_and_its_protocol_is_free(void **state)
{
	struct fixture *f = *state;

	announce(f);
	route_remove(f->v4);
	f->v4 = NULL;
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[MAIN4] && !f->bird.up[DRAIN4]);
	ASSERT_WITHIN(f->loop, 2000, f->v4 || route_add(f->route, &f->v4, &options4, NULL) == 0);
	route_want(f->v4, ROUTE_ANNOUNCED, "test");
	ASSERT_WITHIN(f->loop, 2000, is_settled(f->v4, ROUTE_ANNOUNCED));
	assert_true(is_settled(f->v6, ROUTE_ANNOUNCED));
}

static void an_idle_reconciler_sleeps(void **state)
{
	struct fixture *f = *state;
	unsigned turns = 0;

	announce(f);
	for (struct mono end = mono_after(mono_now(), span_ms(200)); mono_before(mono_now(), end);)
		turns += sd_event_run(f->loop, 20000) > 0;
	/* Four rounds of four commands, both sides, and the timer. */
	assert_in_range(turns, 4, 120);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_switched_before_something_is_wanted),
		TEST(announcing_writes_the_files_first_and_reads_back),
		TEST(draining_leaves_no_gap),
		TEST(withdrawing_is_one_withdrawal_at_the_peer),
		TEST(withdrawals_go_before_announcements),
		TEST(a_configure_changes_nothing_when_the_files_agree),
		TEST(drift_is_repaired_in_both_directions),
		TEST(a_state_file_that_somebody_changed_is_put_right),
		TEST(a_person_who_disables_is_asked_about_not_overruled),
		TEST(a_foreign_route_is_an_alarm_that_names_it),
		TEST(a_session_that_is_down_is_no_error),
		TEST(without_a_drain_protocol_degraded_stays_announced),
		TEST(a_missing_protocol_is_waited_for),
		TEST(a_refusal_is_shown_and_tried_again),
		TEST(a_killed_bird_is_withdrawn_and_repaired_on_return),
		TEST(a_frozen_bird_obeys_when_it_thaws_and_the_delay_is_an_alarm),
		TEST(nothing_is_enabled_that_cannot_be_written_down),
		TEST(a_newer_writer_is_left_alone),
		TEST(two_writers_never_fight),
		TEST(what_cannot_work_is_refused),
		TEST(a_removed_prefix_is_withdrawn_and_its_protocol_is_free),
		TEST(an_idle_reconciler_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
