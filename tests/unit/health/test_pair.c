/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The health flow with a real BIRD, a real router's BIRD and a real NSD: what
 * the router sees, and how fast. Needs root; run with deploy/bird's path.
 *
 * Times are from the fault to the moment at which a look at the router, one each
 * millisecond, first doesn't find the route (or finds it drained).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/health.h"
#include "control/health/statefile.h"
#include "control/health/timer.h"
#include "tests/unit/health/loop.h"
#include "tests/unit/health/pair.h"

#define ROUNDS 8

static struct pair pair;

/* What the router has for one prefix. */
enum seen { SEEN_UNKNOWN, SEEN_NOTHING, SEEN_DRAINED, SEEN_ANNOUNCED };

struct router {
	struct bird *bird;
	sd_event_source *timer;
	enum seen v4, v6; /* as of the last complete looks */
	enum seen found;  /* in the look that goes on */
	bool looking_v6;
	bool withdrawn_once; /* v4 was missing in some look */
};

struct fixture {
	sd_event *loop;
	struct router router;
	struct health *health;
	struct health_options options;
	unsigned left;
	char log[32768];
};

/* ---- the router, looked at all the time ---- */

/* Without a pause the looks would be the load. */
#define LOOK_MS 1

static void router_look(struct router *router)
{
	router->found = SEEN_NOTHING;
	bird_command(router->bird, router->looking_v6 ? "show route 2001:db8:53::/48 all"
						      : "show route 203.0.113.0/24 all");
}

static void router_link(void *arg, enum bird_link link)
{
	if (link == BIRD_UP)
		router_look(arg);
}

static void router_line(void *arg, const struct bird_line *line)
{
	struct router *router = arg;

	if (line->code == BIRD_CODE_ROUTE && strstr(line->text, "[node1"))
		router->found = SEEN_ANNOUNCED;
	if (strstr(line->text, "(65535,0)"))
		router->found = SEEN_DRAINED;
}

static void router_done(void *arg, int error)
{
	struct router *router = arg;

	if (error)
		return;
	if (router->looking_v6) {
		router->v6 = router->found;
	} else {
		router->v4 = router->found;
		router->withdrawn_once |= router->found == SEEN_NOTHING;
	}
	router->looking_v6 = !router->looking_v6;
	timer_set(router->timer, mono_after(mono_now(), span_ms(LOOK_MS)));
}

static int router_due(sd_event_source *source, uint64_t usec, void *arg)
{
	router_look(arg);
	return 0;
}

static bool both(const struct fixture *f, enum seen seen)
{
	return f->router.v4 == seen && f->router.v6 == seen;
}

/* ---- the node ---- */

static void on_log(void *arg, int level, const char *text)
{
	struct fixture *f = arg;
	size_t n = strlen(f->log);

	/* With the time: when a bound is missed this tells where it went. */
	snprintf(f->log + n, sizeof f->log - n, "%.1f %d %s\n", (double)mono_now().ns / 1e6, level,
		text);
	if (getenv("PAIR_LOG"))
		print_message("%s", f->log + n);
}

static void on_left(void *arg, int result)
{
	struct fixture *f = arg;

	assert_int_equal(result, 0);
	f->left++;
}

static const char *const peers4[] = {"edge1"}, *const peers6[] = {"edge1_v6"};
static const struct route_prefix_options prefixes[] = {
	{"203.0.113.0/24", "anycast4", "anycast4_drain", peers4, 1},
	{"2001:db8:53::/48", "anycast6", "anycast6_drain", peers6, 1}};
static const char *const required[] = {"example.com"};

static struct sockaddr_storage address(const char *text, int port)
{
	struct sockaddr_storage a = {0};

	if (strchr(text, ':')) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&a;

		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		inet_pton(AF_INET, text, &in->sin_addr);
	}
	return a;
}

static struct sockaddr_storage services[2];

static int setup(void **state)
{
	static const struct bird_events events = {
		.link = router_link, .line = router_line, .done = router_done};
	struct fixture *f = calloc(1, sizeof *f);
	struct bird_options router = {.socket = pair.router_socket};

	services[0] = address("203.0.113.53", 0);
	services[1] = address("2001:db8:53::53", 0);
	if (sd_event_new(&f->loop) < 0 ||
		timer_new(f->loop, &f->router.timer, router_due, &f->router) < 0 ||
		bird_new(&f->router.bird, f->loop, &router, &events, &f->router) < 0)
		return -1;
	/* Defaults, but for the waits that only cost time here. */
	f->options = (struct health_options){
		.server = address("127.0.0.1", PAIR_PORT),
		.source4 = address("127.0.0.1", 0),
		.source6 = address("::1", 0),
		.service = services,
		.service_count = 2,
		.required = required,
		.required_count = 1,
		.prefixes = prefixes,
		.prefix_count = 2,
		.route = {.bird = {.socket = pair.node_socket},
			.state_dir = pair.state_dir,
			.owner = "anoded[test]"},
		.policy = {.carrier_stable = span_ms(-1),
			.hold_down = span_ms(100),
			.slow_start = span_ms(-1),
			.fastpath = POLICY_FASTPATH_OPTIONAL},
	};
	*state = f;
	return 0;
}

static void node_start(struct fixture *f)
{
	static const struct health_events events = {.log = on_log, .left = on_left};
	struct health_error error;

	if (health_new(&f->health, f->loop, &f->options, &events, f, &error) < 0)
		fail_msg("%s", error.text);
	health_set_carrier(f->health, true, NULL);
	health_start(f->health);
	LOOP_WHILE_NOT(f->loop, 20000, both(f, SEEN_ANNOUNCED));
	if (both(f, SEEN_ANNOUNCED))
		return;
	for (size_t i = 0; i < 2; i++) {
		struct health_prefix_status status;

		health_prefix_status(f->health, i, &status);
		print_error("%s is wanted %s: %s; really %s; %s\n", status.prefix,
			route_state_name(status.wanted), status.reason,
			route_state_name(status.route.actual), status.route.error);
	}
	fail_msg("not announced:\n%s", f->log);
}

/* Whatever a test did, the next one begins with all running and withdrawn. */
static int teardown(void **state)
{
	struct fixture *f = *state;
	struct mono until = mono_after(mono_now(), span_ms(5000));

	if (f->health && !f->left) {
		health_leave(f->health);
		while (!f->left && mono_before(mono_now(), until))
			sd_event_run(f->loop, 2000);
	}
	health_free(f->health);
	bird_free(f->router.bird);
	sd_event_source_disable_unref(f->router.timer);
	sd_event_unref(f->loop);
	free(f);
	pair_server_kill(&pair);
	return pair_server_start(&pair);
}

/* ---- measuring ---- */

struct times {
	int64_t ms10[ROUNDS]; /* tenths of milliseconds */
	size_t n;
};

static void times_add(struct times *times, struct mono from)
{
	times->ms10[times->n++] = mono_since(mono_now(), from).ns / 100000;
}

/* After times_add(): what the node said meanwhile, if that took too long. */
static void times_explain(const struct fixture *f, const struct times *times, size_t log_from,
	struct mono from, int64_t bound_ms)
{
	if (times->ms10[times->n - 1] > bound_ms * 10)
		print_message("fault at %.1f, seen after %.1f ms; the node's log since:\n%s",
			(double)from.ns / 1e6, (double)times->ms10[times->n - 1] / 10,
			f->log + log_from);
}

static int compare(const void *a, const void *b)
{
	return (*(const int64_t *)a > *(const int64_t *)b) -
	       (*(const int64_t *)a < *(const int64_t *)b);
}

/* Prints them, and holds the worst to the bound. */
static void times_check(struct times *times, const char *what, int64_t bound_ms)
{
	qsort(times->ms10, times->n, sizeof times->ms10[0], compare);
	print_message("%-58s min %5.1f  median %5.1f  max %5.1f ms of %" PRId64 "\n", what,
		(double)times->ms10[0] / 10, (double)times->ms10[times->n / 2] / 10,
		(double)times->ms10[times->n - 1] / 10, bound_ms);
	assert_true(times->ms10[times->n - 1] <= bound_ms * 10);
}

/* Turns the loop for a time that differs from round to round, so that the fault
 * falls anywhere between two probes. */
static void drift_phase(struct fixture *f, int round)
{
	LOOP_WHILE_NOT(f->loop, 300 + round * 100 / ROUNDS, false);
}

static void killed(struct fixture *f, const char *what)
{
	struct times times = {.n = 0};

	node_start(f);
	for (int i = 0; i < ROUNDS; i++) {
		struct mono from;
		size_t log_from;

		ASSERT_WITHIN(f->loop, 10000, both(f, SEEN_ANNOUNCED));
		drift_phase(f, i);
		log_from = strlen(f->log);
		from = mono_now();
		pair_server_signal(&pair, SIGKILL);
		ASSERT_WITHIN(f->loop, 5000, both(f, SEEN_NOTHING));
		times_add(&times, from);
		times_explain(f, &times, log_from, from, 40);
		pair_server_kill(&pair);
		assert_int_equal(pair_server_start(&pair), 0);
	}
	assert_non_null(strstr(f->log, "refused, last good answer "));
	times_check(&times, what, 150);
}

static void a_killed_server_is_withdrawn_at_the_router_in_150_ms(void **state)
{
	killed(*state, "server killed, both families gone at the router");
}

static void also_without_the_sentinel(void **state)
{
	struct fixture *f = *state;

	f->options.no_sentinel = true;
	killed(f, "server killed, no sentinel");
}

static void a_stopped_server_is_withdrawn_in_400_ms_without_a_fast_path(void **state)
{
	struct fixture *f = *state;
	struct times times = {.n = 0};

	node_start(f);
	for (int i = 0; i < ROUNDS; i++) {
		struct mono from;

		ASSERT_WITHIN(f->loop, 10000, both(f, SEEN_ANNOUNCED));
		drift_phase(f, i);
		from = mono_now();
		pair_server_signal(&pair, SIGSTOP);
		ASSERT_WITHIN(f->loop, 5000, both(f, SEEN_NOTHING));
		times_add(&times, from);
		pair_server_signal(&pair, SIGCONT);
	}
	times_check(&times, "server stopped, no fast path: withdrawn", 400);
}

static void a_stopped_server_is_drained_then_withdrawn_with_a_fast_path(void **state)
{
	struct fixture *f = *state;
	struct times drained = {.n = 0}, withdrawn = {.n = 0};

	node_start(f);
	health_set_fastpath(f->health, &(struct health_fastpath){true, true, true, NULL});
	for (int i = 0; i < 3; i++) {
		struct mono from;

		ASSERT_WITHIN(f->loop, 10000, both(f, SEEN_ANNOUNCED));
		drift_phase(f, i);
		f->router.withdrawn_once = false;
		from = mono_now();
		pair_server_signal(&pair, SIGSTOP);
		ASSERT_WITHIN(f->loop, 5000, both(f, SEEN_DRAINED));
		times_add(&drained, from);
		/* In place: no look found nothing. */
		assert_false(f->router.withdrawn_once);
		ASSERT_WITHIN(f->loop, 5000, both(f, SEEN_NOTHING));
		times_add(&withdrawn, from);
		assert_true(withdrawn.ms10[i] >= 25000);
		pair_server_signal(&pair, SIGCONT);
	}
	times_check(&drained, "server stopped, fast path healthy: drained", 400);
	times_check(&withdrawn, "server stopped, fast path healthy: withdrawn", 3100);
}

static void an_operators_withdrawal_is_quick(void **state)
{
	struct fixture *f = *state;
	struct health_override o = {.kind = POLICY_WITHDRAW, .owner = "root"};
	struct times times = {.n = 0};

	node_start(f);
	for (int i = 0; i < ROUNDS; i++) {
		struct mono from;

		ASSERT_WITHIN(f->loop, 10000, both(f, SEEN_ANNOUNCED));
		drift_phase(f, i);
		o.kind = POLICY_WITHDRAW;
		from = mono_now();
		assert_int_equal(health_override(f->health, &o), 0);
		ASSERT_WITHIN(f->loop, 5000, both(f, SEEN_NOTHING));
		times_add(&times, from);
		o.kind = POLICY_AUTO;
		assert_int_equal(health_override(f->health, &o), 0);
	}
	times_check(&times, "operator's withdraw, from the call", 150);
}

/* ---- BIRD ---- */

static void a_configure_changes_nothing_at_the_router(void **state)
{
	struct fixture *f = *state;

	node_start(f);
	f->router.withdrawn_once = false;
	pair_configure(&pair, true);
	ASSERT_WITHIN(f->loop, 3000, strstr(f->log, "read its configuration again"));
	ASSERT_STAYS(f->loop, 300, both(f, SEEN_ANNOUNCED));
	assert_false(f->router.withdrawn_once);
	/* Nor when it is withdrawn. */
	pair_server_kill(&pair);
	ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_NOTHING));
	pair_configure(&pair, true);
	ASSERT_STAYS(f->loop, 1500, both(f, SEEN_NOTHING));
}

static void a_configuration_without_the_include_is_repaired_within_a_second(void **state)
{
	struct fixture *f = *state;
	struct times times = {.n = 0};
	struct mono from;

	node_start(f);
	for (int i = 0; i < 3; i++) {
		ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_ANNOUNCED));
		LOOP_WHILE_NOT(f->loop, 1200 + 300 * i, false);
		from = mono_now();
		pair_configure(&pair, false);
		ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_NOTHING));
		ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_ANNOUNCED));
		times_add(&times, from);
	}
	pair_configure(&pair, true);
	times_check(&times, "configure without the include: announced again", 1200);
}

static void somebody_enables_what_is_withdrawn(void **state)
{
	struct fixture *f = *state;
	struct times times = {.n = 0};
	struct mono from;
	char command[160];

	node_start(f);
	pair_server_kill(&pair);
	ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_NOTHING));
	LOOP_WHILE_NOT(f->loop, 1200, false);
	snprintf(command, sizeof command, "birdc -s %s enable anycast4 >/dev/null",
		pair.node_socket);
	from = mono_now();
	assert_int_equal(system(command), 0);
	ASSERT_WITHIN(f->loop, 3000, f->router.v4 == SEEN_ANNOUNCED);
	ASSERT_WITHIN(f->loop, 3000, f->router.v4 == SEEN_NOTHING);
	times_add(&times, from);
	times_check(&times, "birdc enable by hand while withdrawn: gone again", 1200);
}

static void a_person_may_disable(void **state)
{
	struct fixture *f = *state;
	struct health_prefix_status status;
	struct health_override o = {.kind = POLICY_AUTO, .owner = "root"};
	char command[160];

	node_start(f);
	LOOP_WHILE_NOT(f->loop, 1200, false);
	snprintf(command, sizeof command, "birdc -s %s disable anycast4 >/dev/null",
		pair.node_socket);
	assert_int_equal(system(command), 0);
	LOOP_WHILE_NOT(f->loop, 3000,
		(health_prefix_status(f->health, 0, &status), status.override != NULL));
	if (!status.override)
		fail_msg("not noticed:\n%s", f->log);
	assert_string_equal(status.override->owner, "birdc");
	ASSERT_WITHIN(f->loop, 3000, f->router.v4 == SEEN_DRAINED);
	ASSERT_STAYS(f->loop, 1500, f->router.v4 == SEEN_DRAINED && f->router.v6 == SEEN_ANNOUNCED);
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_ANNOUNCED));
}

static void a_killed_bird_comes_back_withdrawn(void **state)
{
	struct fixture *f = *state;
	struct statefile files;
	bool up = true;

	node_start(f);
	pair_node_bird_kill(&pair);
	ASSERT_WITHIN(f->loop, 3000, strstr(f->log, "BIRD is gone"));
	assert_int_equal(statefile_init(&files, pair.state_dir, "test"), 0);
	assert_int_equal(statefile_read(&files, "anycast4", &up), 0);
	assert_false(up);
	ASSERT_WITHIN(f->loop, 3000, both(f, SEEN_NOTHING));
	/* Dead server: it must not announce on its return. */
	pair_server_kill(&pair);
	assert_int_equal(pair_node_bird_start(&pair), 0);
	ASSERT_WITHIN(f->loop, 5000, strstr(f->log, "is up\n") != NULL);
	ASSERT_STAYS(f->loop, 3000, both(f, SEEN_NOTHING));
	assert_int_equal(pair_server_start(&pair), 0);
	ASSERT_WITHIN(f->loop, 20000, both(f, SEEN_ANNOUNCED));
}

static void leaving_withdraws_at_the_router(void **state)
{
	struct fixture *f = *state;
	struct times times = {.n = 0};
	struct mono from;

	node_start(f);
	from = mono_now();
	health_leave(f->health);
	ASSERT_WITHIN(f->loop, 3000, f->left && both(f, SEEN_NOTHING));
	times_add(&times, from);
	times_check(&times, "leaving: withdrawn and read back", 150);
}

static void a_new_daemon_adopts(void **state)
{
	struct fixture *f = *state;

	node_start(f);
	health_free(f->health); /* as if killed */
	f->health = NULL;
	f->router.withdrawn_once = false;
	f->log[0] = '\0';
	node_start(f);
	ASSERT_WITHIN(f->loop, 3000, strstr(f->log, "203.0.113.0/24 found announced: adopted"));
	ASSERT_STAYS(f->loop, 1500, both(f, SEEN_ANNOUNCED));
	assert_false(f->router.withdrawn_once);
}

/* ---- probes in a network ---- */

static void on_probe(void *arg, const struct probe_result *result)
{
	*(struct probe_result *)arg = *result;
}

static void asks(struct fixture *f, const char *whom, bool local, struct probe_result *result)
{
	struct probe_options options = {.query = {.destination = address(whom, PAIR_PORT),
						.local = local,
						.expect = {.rcode = -1}},
		.name = ".",
		.qtype = 6,
		.interval = span_ms(500),
		.timeout = span_ms(500)};
	struct probe *probe;

	result->family = 0;
	assert_int_equal(probe_new(&probe, f->loop, &options, on_probe, result), 0);
	probe_start(probe);
	ASSERT_WITHIN(f->loop, 2000, result->family != 0);
	probe_free(probe);
}

static void a_service_address_that_is_lost_is_never_asked_of_others(void **state)
{
	struct fixture *f = *state;
	/* Another host, by way of the router: it would refuse. */
	static const char *const beyond[] = {"198.51.100.53", "2001:db8:99::53"};
	struct probe_result result;

	for (int i = 0; i < 2; i++) {
		LOOP_WHILE_NOT(f->loop, 3000,
			(asks(f, beyond[i], false, &result), result.outcome == PROBE_REFUSED));
		assert_int_equal(result.outcome, PROBE_REFUSED);
		asks(f, beyond[i], true, &result);
		assert_int_equal(result.outcome, PROBE_TIMEOUT);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_killed_server_is_withdrawn_at_the_router_in_150_ms),
		TEST(also_without_the_sentinel),
		TEST(a_stopped_server_is_withdrawn_in_400_ms_without_a_fast_path),
		TEST(a_stopped_server_is_drained_then_withdrawn_with_a_fast_path),
		TEST(an_operators_withdrawal_is_quick),
		TEST(a_configure_changes_nothing_at_the_router),
		TEST(a_configuration_without_the_include_is_repaired_within_a_second),
		TEST(somebody_enables_what_is_withdrawn),
		TEST(a_person_may_disable),
		TEST(a_killed_bird_comes_back_withdrawn),
		TEST(leaving_withdraws_at_the_router),
		TEST(a_new_daemon_adopts),
		TEST(a_service_address_that_is_lost_is_never_asked_of_others),
	};
	const char *missing = pair_missing();
	int failed = 1;

	if (missing || argc < 2) {
		printf("skipped: %s\n", missing ? missing : "usage: test_pair DEPLOY_BIRD [TEST]");
		return missing ? 77 : 2;
	}
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	if (pair_up(&pair, argv[1]) == 0)
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	pair_down(&pair);
	return failed;
}
