/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The whole flow in one process: a DNS server that lives and dies, a model of
 * BIRD that announces and withdraws, and the times between.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
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
#include "tests/unit/health/fake_bird.h"
#include "tests/unit/health/fake_dns.h"
#include "tests/unit/health/loop.h"
#include "tests/unit/health/model_bird.h"

struct fixture {
	sd_event *loop;
	char top[32], dir[64], path[64];
	struct fake_bird fake;
	struct model_bird bird;
	struct fake_dns dns;
	struct health *health;
	struct health_options options;
	struct route_prefix_options prefixes[2];

	unsigned transitions, left;
	int left_result;
	enum route_state to;
	enum policy_cause cause;
	char reason[POLICY_REASON_MAX];
	char log[16384];
};

static const char *const peers[] = {"edge1"};
static const struct health_fastpath fastpath_good = {true, true, true, NULL};
static const char *const required[] = {"example.com", "example.net"};

static void on_log(void *arg, int level, const char *text)
{
	struct fixture *f = arg;
	size_t n = strlen(f->log);

	snprintf(f->log + n, sizeof f->log - n, "%d %s\n", level, text);
}

static void on_transition(void *arg, const struct health_transition *t)
{
	struct fixture *f = arg;

	f->transitions++;
	f->to = t->to;
	f->cause = t->cause;
	snprintf(f->reason, sizeof f->reason, "%s", t->reason);
}

static void on_left(void *arg, int result)
{
	struct fixture *f = arg;

	f->left++;
	f->left_result = result;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->top, "/tmp/anode-flow-XXXXXX");
	if (!mkdtemp(f->top) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/anode/bird", f->top);
	snprintf(f->path, sizeof f->path, "%s/ctl", f->top);
	model_bird_init(&f->bird, f->dir);
	f->fake.reply = model_bird_reply;
	f->fake.arg = &f->bird;
	fake_bird_start(&f->fake, f->loop, f->path);
	fake_dns_start(&f->dns, f->loop, AF_INET);
	f->prefixes[0] = (struct route_prefix_options){
		"203.0.113.0/24", "anycast4", "anycast4_drain", peers, 1};
	f->prefixes[1] = (struct route_prefix_options){
		"2001:db8:53::/48", "anycast6", "anycast6_drain", peers, 1};
	f->options = (struct health_options){
		.server = f->dns.address,
		.required = required,
		.required_count = 2,
		.interval = span_ms(20),
		.timeout = span_ms(15),
		.prefixes = f->prefixes,
		.prefix_count = 2,
		.route = {.bird = {.socket = f->path,
				  .greeting_timeout = span_ms(200),
				  .reply_timeout = span_ms(200),
				  .backoff_min = span_ms(2),
				  .backoff_max = span_ms(10)},
			.state_dir = f->dir,
			.owner = "anoded[1]",
			.round = span_ms(50)},
		.policy = {.carrier_stable = span_ms(30),
			.hold_down = span_ms(200),
			.slow_start = span_ms(-1),
			.silence_withdraw = span_ms(600)},
	};
	*state = f;
	return 0;
}

static void flow_start(struct fixture *f)
{
	static const struct health_events events = {
		.log = on_log, .transition = on_transition, .left = on_left};
	struct health_error error;

	assert_int_equal(health_new(&f->health, f->loop, &f->options, &events, f, &error), 0);
	health_set_carrier(f->health, true, NULL);
	health_set_fastpath(f->health, &fastpath_good);
	health_set_zones(f->health, 2, 0);
	health_start(f->health);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];
	int r;

	health_free(f->health);
	fake_dns_end(&f->dns);
	fake_bird_stop(&f->fake);
	sd_event_unref(f->loop);
	snprintf(command, sizeof command, "rm -rf %s", f->top);
	r = system(command);
	free(f);
	return r;
}

static struct health_prefix_status prefix_status(const struct fixture *f, size_t i)
{
	struct health_prefix_status status;

	health_prefix_status(f->health, i, &status);
	return status;
}

/* BIRD has it, anode wants it, it was read back. */
static bool is(const struct fixture *f, size_t i, enum route_state state)
{
	struct health_prefix_status status = prefix_status(f, i);

	return status.wanted == state && status.route.settled && status.route.actual == state;
}

static bool all(const struct fixture *f, enum route_state state)
{
	return is(f, 0, state) && is(f, 1, state);
}

static void announced(struct fixture *f)
{
	flow_start(f);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	f->transitions = 0;
	f->bird.trace[0] = '\0';
}

static void it_starts_withdrawn_and_announces_when_all_is_there(void **state)
{
	struct fixture *f = *state;
	struct health_node_status node;
	struct health_check_status check;

	flow_start(f);
	assert_int_equal(prefix_status(f, 0).wanted, ROUTE_WITHDRAWN);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	assert_true(model_bird_file_up(&f->bird, MAIN4) && model_bird_file_up(&f->bird, DRAIN6));
	assert_int_equal(f->transitions, 2);
	assert_non_null(strstr(f->log, "prefix 203.0.113.0/24 announced: all good"));
	health_node_status(f->health, &node);
	assert_int_equal(node.bird, BIRD_UP);
	assert_string_equal(node.bird_version, "2.0.12");
	/* Two zones, UDP and TCP, one target. */
	assert_int_equal(health_check_count(f->health), 4);
	for (size_t i = 0; i < 4; i++)
		ASSERT_WITHIN(f->loop, 5000,
			(health_check_status(f->health, i, &check),
				check.good && check.has_serial && check.sent >= 5));
	assert_string_equal(check.name, "tcp 127.0.0.1 example.net SOA");
}

static void a_missing_condition_is_named_and_waited_for(void **state)
{
	struct fixture *f = *state;

	f->dns.rcode = 2;
	flow_start(f);
	health_set_fastpath(f->health, &(struct health_fastpath){.healthy = true});
	ASSERT_WITHIN(f->loop, 5000, strstr(prefix_status(f, 0).reason, "SERVFAIL"));
	assert_int_equal(prefix_status(f, 0).cause, POLICY_WAITING);
	f->dns.rcode = 0;
	ASSERT_WITHIN(f->loop, 5000, strstr(prefix_status(f, 0).reason, "image"));
	health_set_fastpath(f->health, &fastpath_good);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
}

/* Who may flap a link asks this: what isn't known counts as announced. */
static void withdrawn_is_only_what_was_read_back_as_withdrawn(void **state)
{
	struct fixture *f = *state;

	f->dns.rcode = 2;
	flow_start(f);
	assert_false(health_withdrawn(f->health)); /* BIRD wasn't asked yet */
	ASSERT_WITHIN(f->loop, 5000, health_withdrawn(f->health));
	f->dns.rcode = 0;
	ASSERT_WITHIN(f->loop, 5000, f->bird.up[MAIN4] || f->bird.up[MAIN6]);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	assert_false(health_withdrawn(f->health));
	f->fake.frozen = true;
	ASSERT_STAYS(f->loop, 400, !health_withdrawn(f->health));
	fake_bird_thaw(&f->fake);
	fake_bird_stop(&f->fake);
	ASSERT_WITHIN(f->loop, 5000, health_withdrawn(f->health));
}

static void a_dead_server_is_withdrawn_at_once(void **state)
{
	struct fixture *f = *state;
	struct mono killed;

	announced(f);
	killed = mono_now();
	fake_dns_stop(&f->dns);
	ASSERT_WITHIN(f->loop, 5000, !f->bird.up[MAIN4] && !f->bird.up[MAIN6]);
	/* One interval is 20 ms, the sentinel is faster. */
	assert_true(mono_since(mono_now(), killed).ns < span_ms(60).ns);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	assert_int_equal(f->cause, POLICY_REFUSED);
	assert_non_null(strstr(f->reason, "local server refused, last good answer "));
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	/* And comes back when it does, not before the hold-down is over. */
	fake_dns_again(&f->dns);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	assert_true(mono_since(mono_now(), killed).ns >= span_ms(200).ns);
	assert_non_null(strstr(f->log, "prefix 2001:db8:53::/48 withdrawn: local server refused"));
}

static void a_silent_server_is_drained_then_withdrawn_while_the_fast_path_answers(void **state)
{
	struct fixture *f = *state;
	struct mono from;

	announced(f);
	from = mono_now();
	f->dns.silent = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_true(mono_since(mono_now(), from).ns < span_ms(200).ns);
	assert_string_equal(f->bird.trace, "disable \"anycast4\";disable \"anycast6\";");
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	assert_in_range(span_to_ms(mono_since(mono_now(), from)), 560, 1200);
}

static void a_slow_server_is_not_a_silent_one(void **state)
{
	struct fixture *f = *state;

	announced(f);
	f->dns.delay_ms = 30; /* interval 20, timeout 15 */
	ASSERT_STAYS(f->loop, 500, all(f, ROUTE_ANNOUNCED));
	assert_int_equal(f->transitions, 0);
}

static void a_silent_server_without_fast_path_is_withdrawn(void **state)
{
	struct fixture *f = *state;

	f->options.policy.fastpath = POLICY_FASTPATH_OPTIONAL;
	announced(f);
	health_set_fastpath(f->health, &(struct health_fastpath){.text = "detached"});
	f->dns.silent = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	assert_int_equal(f->cause, POLICY_SILENT);
	assert_null(strstr(f->log, " degraded: "));
}

static void a_silent_server_is_withdrawn_where_the_fast_path_answers_other_zones(void **state)
{
	struct fixture *f = *state;

	f->options.policy.fastpath = POLICY_FASTPATH_OPTIONAL;
	announced(f);
	health_set_fastpath(f->health, &(struct health_fastpath){.healthy = true});
	f->dns.silent = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	assert_int_equal(f->cause, POLICY_SILENT);
	assert_null(strstr(f->log, " degraded: "));
}

static void a_hung_thread_degrades_and_never_withdraws(void **state)
{
	struct fixture *f = *state;

	announced(f);
	health_set_stuck(f->health, "the publisher hangs");
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_STUCK);
	assert_string_equal(f->reason, "the publisher hangs");
	ASSERT_STAYS(f->loop, 300, all(f, ROUTE_DEGRADED));
	health_set_stuck(f->health, NULL);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
}

static void without_tcp_it_is_degraded(void **state)
{
	struct fixture *f = *state;

	announced(f);
	f->dns.silent_tcp = true;
	ASSERT_WITHIN(f->loop, 8000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_TCP);
	f->dns.silent_tcp = false;
	ASSERT_WITHIN(f->loop, 8000, all(f, ROUTE_ANNOUNCED));
}

static void a_zone_that_turns_bad_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct health_check_status check;

	announced(f);
	f->dns.rcode = 5;
	ASSERT_WITHIN(f->loop, 5000,
		(health_check_status(f->health, 0, &check), check.content == VERDICT_BAD));
	ASSERT_STAYS(f->loop, 300, all(f, ROUTE_ANNOUNCED));
	assert_int_equal(check.verdict, VERDICT_GOOD);
	assert_string_equal(check.detail, "answered REFUSED");
	assert_int_equal(f->transitions, 0);
}

static void explicit_checks_act_by_their_severity(void **state)
{
	struct fixture *f = *state;
	struct health_check_options checks[] = {
		{.name = "example.com",
			.qtype = 6,
			.rcode = -1,
			.rdata_contains = "ns9.",
			.severity = HEALTH_INFO},
		{.name = "example.com",
			.qtype = 6,
			.rcode = -1,
			.rdata_contains = "ns1.",
			.severity = HEALTH_DEGRADE},
	};

	f->options.checks = checks;
	f->options.check_count = 2;
	announced(f);
	ASSERT_STAYS(f->loop, 150, all(f, ROUTE_ANNOUNCED));
	f->dns.no_record = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_CONTENT);
	assert_non_null(strstr(f->reason, "ns1."));
}

static void a_share_of_failing_zones_degrades(void **state)
{
	struct fixture *f = *state;

	announced(f);
	health_set_zones(f->health, 10, 4);
	ASSERT_STAYS(f->loop, 60, all(f, ROUTE_ANNOUNCED));
	health_set_zones(f->health, 10, 5);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_DEGRADED));
}

static void carrier_has_to_be_stable(void **state)
{
	struct fixture *f = *state;

	f->options.policy.carrier_stable = span_ms(150);
	announced(f);
	health_set_carrier(f->health, false, "eth0 lost carrier");
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_WITHDRAWN));
	assert_non_null(strstr(f->reason, "eth0 lost carrier"));
	health_set_carrier(f->health, true, NULL);
	ASSERT_STAYS(f->loop, 120, all(f, ROUTE_WITHDRAWN));
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));
}

/* ---- the other nodes ---- */

static bool others_are(const struct fixture *f, size_t i, enum policy_others others)
{
	return prefix_status(f, i).others == others;
}

static void others_are_seen_by_their_routes_and_then_missed(void **state)
{
	struct fixture *f = *state;

	announced(f);
	assert_true(others_are(f, 0, OTHERS_BLIND) && others_are(f, 1, OTHERS_BLIND));
	f->bird.sibling = true;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_ANNOUNCE));
	assert_int_equal(prefix_status(f, 0).other_routes, 1);
	assert_true(others_are(f, 1, OTHERS_BLIND));
	f->bird.sibling = false;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_NONE));
	/* Through a session that fell nothing can be seen. */
	f->bird.edge_up = false;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_BLIND));
	f->bird.edge_up = true;
	f->bird.sibling = true;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_ANNOUNCE));
}

/* Two nodes fall in the same moment: each withdraws, trusting in the other. */
static void the_last_node_is_held_and_two_that_fell_together_come_back(void **state)
{
	struct fixture *f = *state;

	announced(f);
	f->bird.sibling = true;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_ANNOUNCE));
	fake_dns_stop(&f->dns);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	f->bird.sibling = false;
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_DEGRADED));
	assert_true(prefix_status(f, 0).held);
	assert_non_null(strstr(f->reason, "held: no other node announces"));
	/* Blind isn't none. */
	assert_true(is(f, 1, ROUTE_WITHDRAWN));
	f->bird.sibling = true;
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_WITHDRAWN));
	f->bird.sibling = false;
	ASSERT_WITHIN(f->loop, 8000, is(f, 0, ROUTE_DEGRADED));
	/* What holds it is that the fast path answers. */
	health_set_fastpath(f->health, &(struct health_fastpath){.text = "lease ended"});
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_WITHDRAWN));
}

static void the_degrade_class_withdraws_only_where_others_announce_and_the_drain_is_over(
	void **state)
{
	struct fixture *f = *state;

	f->options.policy.degrade_withdraws = true;
	f->options.policy.drain_limit = span_ms(60000);
	announced(f);
	f->bird.sibling = true;
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_ANNOUNCE));
	health_set_zones(f->health, 10, 10);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	ASSERT_STAYS(f->loop, 100, all(f, ROUTE_DEGRADED));
	health_set_quiet(f->health, true);
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_WITHDRAWN) && is(f, 1, ROUTE_DEGRADED));
	assert_true(prefix_status(f, 0).drained);
	ASSERT_STAYS(f->loop, 300, is(f, 0, ROUTE_WITHDRAWN));
	f->bird.sibling = false;
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_DEGRADED));
}

static void overload_is_absorbed(void **state)
{
	struct fixture *f = *state;

	f->options.policy.overload_patience = span_ms(700);
	announced(f);
	health_set_overload(f->health, "socket buffers overflow");
	f->dns.silent = true;
	ASSERT_WITHIN(f->loop, 5000, prefix_status(f, 0).cause == POLICY_OVERLOAD);
	ASSERT_STAYS(f->loop, 200, all(f, ROUTE_ANNOUNCED));
	/* But one that answers nothing for so long is dead. */
	f->dns.silent_tcp = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	assert_int_equal(f->cause, POLICY_SILENT);
}

static void coupled_families_fall_and_rise_together(void **state)
{
	struct fixture *f = *state;
	struct health_override drain = {
		.kind = POLICY_DRAIN, .owner = "uid 0", .family = AF_INET6, .prefix = NULL};
	struct health_check_options check = {.name = "example.com",
		.qtype = 6,
		.rcode = -1,
		.family = AF_INET,
		.severity = HEALTH_DEGRADE,
		.rdata_contains = "ns1."};

	f->options.coupled = true;
	f->options.checks = &check;
	f->options.check_count = 1;
	announced(f);
	f->dns.no_record = true;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_int_equal(prefix_status(f, 0).cause, POLICY_CONTENT);
	assert_int_equal(prefix_status(f, 1).cause, POLICY_COUPLED);
	f->dns.no_record = false;
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	/* A person's word is for the family that was named. */
	assert_int_equal(health_override(f->health, &drain), 0);
	ASSERT_WITHIN(f->loop, 5000, is(f, 1, ROUTE_DEGRADED));
	ASSERT_STAYS(f->loop, 200, is(f, 0, ROUTE_ANNOUNCED));
}

static void a_check_of_one_family_speaks_for_that_family(void **state)
{
	struct fixture *f = *state;
	struct health_check_options check = {.name = "example.com",
		.qtype = 6,
		.rcode = -1,
		.family = AF_INET6,
		.severity = HEALTH_DEGRADE,
		.rdata_contains = "nowhere"};

	f->options.checks = &check;
	f->options.check_count = 1;
	flow_start(f);
	ASSERT_WITHIN(f->loop, 5000, is(f, 0, ROUTE_ANNOUNCED) && is(f, 1, ROUTE_DEGRADED));
	ASSERT_STAYS(f->loop, 100, is(f, 0, ROUTE_ANNOUNCED));
}

/* The primary dies: degraded. With the peers gone as well it is our own partition. */
static void a_dependency_degrades_and_a_partition_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct fake_dns primary = {0}, peer = {0};
	struct health_check_options checks[2] = {{.name = "example.com",
		.qtype = 6,
		.rcode = -1,
		.transport = QUERY_TCP,
		.severity = HEALTH_FATAL,
		.interval = span_ms(20),
		.timeout = span_ms(15)}};

	fake_dns_start(&primary, f->loop, AF_INET);
	fake_dns_start(&peer, f->loop, AF_INET);
	checks[1] = checks[0];
	checks[0].address = primary.address;
	checks[1].address = peer.address;
	checks[1].peer = true;
	f->options.checks = checks;
	f->options.check_count = 2;
	announced(f);
	fake_dns_stop(&primary);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_DEPENDENCY);
	ASSERT_STAYS(f->loop, 200, all(f, ROUTE_DEGRADED));
	fake_dns_again(&primary);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
	fake_dns_stop(&peer);
	ASSERT_STAYS(f->loop, 200, all(f, ROUTE_ANNOUNCED));
	fake_dns_stop(&primary);
	ASSERT_STAYS(f->loop, 300, all(f, ROUTE_ANNOUNCED));
	fake_dns_end(&primary);
	fake_dns_end(&peer);
}

static void a_route_without_a_healthy_peer_is_no_other_node(void **state)
{
	struct fixture *f = *state;
	struct fake_dns peer = {0};
	struct health_check_options check = {.name = "example.com",
		.qtype = 6,
		.rcode = 0,
		.authoritative = true,
		.transport = QUERY_TCP,
		.interval = span_ms(20),
		.timeout = span_ms(15),
		.peer = true};

	fake_dns_start(&peer, f->loop, AF_INET);
	check.address = peer.address;
	f->options.checks = &check;
	f->options.check_count = 1;
	f->bird.sibling = true;
	announced(f);
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_ANNOUNCE));
	fake_dns_stop(&peer);
	ASSERT_WITHIN(f->loop, 5000, others_are(f, 0, OTHERS_NONE));
	fake_dns_end(&peer);
}

static void out_of_withdrawn_the_way_leads_through_degraded(void **state)
{
	struct fixture *f = *state;

	f->options.policy.slow_start = span_ms(300);
	flow_start(f);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_SLOWSTART);
	ASSERT_STAYS(f->loop, 200, all(f, ROUTE_DEGRADED));
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
}

static void script_is(const struct fixture *f, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, "%s/said", f->top);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A script that says and does what stands in a file. */
static void scripts_withdraw_by_their_exit_code_only(void **state)
{
	struct fixture *f = *state;
	char line[128];
	const char *command[] = {"/bin/sh", "-c", line, NULL};
	const char *missing[] = {"/nowhere/at/all", NULL};
	struct health_check_options checks[2] = {{.command = command,
							 .severity = HEALTH_FATAL,
							 .interval = span_ms(200),
							 .timeout = span_ms(190)},
		{.command = missing,
			.severity = HEALTH_INFO,
			.interval = span_ms(200),
			.timeout = span_ms(190)}};
	struct health_check_status status;

	snprintf(line, sizeof line, ". %s/said", f->top);
	script_is(f, "exit 0");
	f->options.checks = checks;
	f->options.check_count = 2;
	announced(f);
	script_is(f, "echo 'disk is full'; exit 2");
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	assert_int_equal(f->cause, POLICY_CHECK);
	assert_non_null(strstr(f->reason, "exit code 2: disk is full"));
	script_is(f, "exit 0");
	ASSERT_WITHIN(f->loop, 8000, all(f, ROUTE_ANNOUNCED));
	/* One that hangs, and so what it started, is killed and degrades. */
	script_is(f, "sleep 600 & sleep 600");
	ASSERT_WITHIN(f->loop, 8000, all(f, ROUTE_DEGRADED));
	assert_int_equal(f->cause, POLICY_CONTENT);
	assert_non_null(strstr(f->reason, "not done in time"));
	script_is(f, "exit 127");
	ASSERT_STAYS(f->loop, 800, all(f, ROUTE_DEGRADED));
	for (size_t i = 0; i < health_check_count(f->health); i++) {
		health_check_status(f->health, i, &status);
		if (strcmp(status.name, "script /nowhere/at/all") == 0)
			break;
	}
	assert_string_equal(status.type, "script");
	assert_int_equal(status.verdict, VERDICT_BLIND);
}

static void what_if_decides_and_does_nothing(void **state)
{
	struct fixture *f = *state;
	struct health_what_if what;
	struct health_error error;

	announced(f);
	assert_int_equal(health_what_if(f->health, 0, NULL, &what, &error), 0);
	assert_int_equal(what.state, ROUTE_ANNOUNCED);
	assert_int_equal(health_what_if(f->health, 0, "server=refused", &what, &error), 0);
	assert_int_equal(what.state, ROUTE_WITHDRAWN);
	assert_int_equal(
		health_what_if(f->health, 0, "udp 127.0.0.1 example.com SOA=down", &what, &error),
		0);
	assert_int_equal(what.cause, POLICY_REFUSED);
	assert_int_equal(
		health_what_if(f->health, 0, "tcp 127.0.0.1 example.com SOA=down", &what, &error),
		0);
	assert_int_equal(what.state, ROUTE_ANNOUNCED); /* example.net is answered */
	assert_int_equal(health_what_if(f->health, 0, "tcp=down", &what, &error), 0);
	assert_int_equal(what.cause, POLICY_TCP);
	assert_int_equal(health_what_if(f->health, 0, "moon=full", &what, &error), -EINVAL);
	assert_non_null(strstr(error.text, "server=refused"));
	ASSERT_STAYS(f->loop, 100, all(f, ROUTE_ANNOUNCED));
	assert_int_equal(f->transitions, 0);
}

/* ---- what is known from before ---- */

static void restored_overrides_are_in_force_before_the_first_decision(void **state)
{
	static const struct health_events events = {.log = on_log, .transition = on_transition};
	struct fixture *f = *state;
	struct health_error error;

	assert_int_equal(health_new(&f->health, f->loop, &f->options, &events, f, &error), 0);
	assert_int_equal(health_restore(f->health, "203.0.113.0/24", POLICY_WITHDRAW, "uid 7", 7,
				 "line card", (struct span){INT64_MAX}, wall_now()),
		0);
	assert_int_equal(health_restore(f->health, "2001:db8:53::/48", POLICY_DRAIN, "uid 7", 7, "",
				 span_ms(3000), wall_now()),
		0);
	assert_int_equal(health_restore(f->health, "192.0.2.0/24", POLICY_WITHDRAW, "uid 7", 7, "",
				 span_ms(400), wall_now()),
		-ENOENT);
	health_set_carrier(f->health, true, NULL);
	health_set_fastpath(f->health, &fastpath_good);
	health_start(f->health);
	ASSERT_WITHIN(f->loop, 5000, is(f, 1, ROUTE_DEGRADED));
	ASSERT_WITHIN(f->loop, 5000, is(f, 1, ROUTE_ANNOUNCED));
	assert_true(is(f, 0, ROUTE_WITHDRAWN));
	assert_string_equal(prefix_status(f, 0).override->owner, "uid 7");
	assert_int_equal(prefix_status(f, 0).override->until.ns, MONO_NEVER.ns);
}

static void without_its_overrides_nothing_rises_until_auto(void **state)
{
	static const struct health_events events = {.log = on_log, .transition = on_transition};
	static const struct health_override automatic = {.kind = POLICY_AUTO, .owner = "uid 0"};
	struct fixture *f = *state;
	struct health_error error;

	assert_int_equal(health_new(&f->health, f->loop, &f->options, &events, f, &error), 0);
	health_overrides_lost(f->health);
	health_set_carrier(f->health, true, NULL);
	health_set_fastpath(f->health, &fastpath_good);
	health_start(f->health);
	ASSERT_WITHIN(f->loop, 5000, strstr(prefix_status(f, 0).reason, "overrides"));
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_WITHDRAWN));
	ASSERT_STAYS(f->loop, 2000, all(f, ROUTE_WITHDRAWN));
	assert_int_equal(health_override(f->health, &automatic), 0);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
}

/* A daemon that crashes in a loop doesn't begin anew each time. */
static void what_is_recalled_delays_the_first_rise(void **state)
{
	static const struct health_events events = {.log = on_log, .transition = on_transition};
	struct fixture *f = *state;
	struct health_error error;
	struct wall then = wall_now();

	f->options.policy.budget = 4;
	assert_int_equal(health_new(&f->health, f->loop, &f->options, &events, f, &error), 0);
	then.ns -= INT64_C(60000000000);
	for (int i = 0; i < 4; i++, then.ns += 1000000)
		health_recall(f->health, "203.0.113.0/24", i % 2 ? ROUTE_ANNOUNCED : ROUTE_DEGRADED,
			i % 2 ? ROUTE_DEGRADED : ROUTE_ANNOUNCED, i % 2 ? POLICY_TCP : POLICY_GOOD,
			then);
	health_set_carrier(f->health, true, NULL);
	health_set_fastpath(f->health, &fastpath_good);
	health_start(f->health);
	ASSERT_WITHIN(f->loop, 5000, is(f, 1, ROUTE_ANNOUNCED));
	assert_int_equal(prefix_status(f, 0).cause, POLICY_BUDGET);
	assert_int_equal(prefix_status(f, 0).spent, 4);
	assert_true(prefix_status(f, 0).penalty > 1800 && prefix_status(f, 0).penalty < 2000);
	assert_null(prefix_status(f, 0).damped_by);
}

/* ---- people ---- */

static void overrides_win_and_end(void **state)
{
	struct fixture *f = *state;
	struct health_override o = {
		.kind = POLICY_WITHDRAW, .owner = "root", .reason = "line card", .family = AF_INET};

	announced(f);
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 2000, is(f, 0, ROUTE_WITHDRAWN));
	assert_true(is(f, 1, ROUTE_ANNOUNCED));
	assert_string_equal(prefix_status(f, 0).override->reason, "line card");
	assert_null(prefix_status(f, 1).override);
	o.kind = POLICY_AUTO;
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));

	o.kind = POLICY_DRAIN;
	o.family = AF_UNSPEC;
	o.prefix = "2001:db8:53::/48";
	o.length = span_ms(300);
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 2000, is(f, 1, ROUTE_DEGRADED));
	assert_true(is(f, 0, ROUTE_ANNOUNCED));
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));
	assert_non_null(strstr(f->log, "drain by root has ended"));
	assert_null(prefix_status(f, 1).override);

	o.kind = POLICY_ANNOUNCE;
	o.prefix = NULL;
	o.length = span_ms(400);
	assert_int_equal(health_override(f->health, &o), 0);
	fake_dns_stop(&f->dns);
	ASSERT_STAYS(f->loop, 150, all(f, ROUTE_ANNOUNCED));
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_WITHDRAWN));

	o.prefix = "198.51.100.0/24";
	assert_int_equal(health_override(f->health, &o), -ENOENT);
	o.prefix = "203.0.113.0/24";
	o.family = AF_INET6;
	assert_int_equal(health_override(f->health, &o), -ENOENT);
}

static void a_persons_disable_is_kept_until_auto(void **state)
{
	struct fixture *f = *state;
	struct health_override o = {.kind = POLICY_AUTO, .owner = "root"};

	announced(f);
	ASSERT_STAYS(f->loop, 120, true); /* a round sees it up */
	f->bird.up[MAIN4] = f->bird.up[DRAIN4] = false;
	ASSERT_WITHIN(f->loop, 2000, is(f, 0, ROUTE_WITHDRAWN));
	assert_string_equal(prefix_status(f, 0).override->owner, "birdc");
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	ASSERT_STAYS(f->loop, 150, !f->bird.up[MAIN4] && f->bird.up[MAIN6]);
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));
}

static void a_configure_that_forgets_us_is_repaired_within_a_second(void **state)
{
	struct fixture *f = *state;

	f->options.route.round = (struct span){0}; /* the real one */
	announced(f);
	memset(f->bird.up, 0, sizeof f->bird.up);
	f->bird.configured++;
	ASSERT_WITHIN(f->loop, 1200, f->bird.up[MAIN4] && f->bird.up[MAIN6]);
	assert_int_equal(f->transitions, 0);
	assert_null(prefix_status(f, 0).override);
}

/* ---- BIRD ---- */

static void a_killed_bird_comes_back_withdrawn_and_is_announced_by_policy(void **state)
{
	struct fixture *f = *state;

	announced(f);
	fake_bird_stop(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, prefix_status(f, 0).cause == POLICY_BIRD);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	model_bird_configure(&f->bird);
	assert_false(f->bird.up[MAIN4]);
	fake_bird_start(&f->fake, f->loop, f->path);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));
}

static void a_frozen_bird_changes_nothing_until_something_is_due(void **state)
{
	struct fixture *f = *state;
	struct health_node_status node;

	announced(f);
	f->fake.frozen = true;
	ASSERT_WITHIN(
		f->loop, 2000, (health_node_status(f->health, &node), node.bird == BIRD_SILENT));
	assert_int_equal(prefix_status(f, 0).wanted, ROUTE_ANNOUNCED);
	assert_true(model_bird_file_up(&f->bird, MAIN4));
	fake_dns_stop(&f->dns);
	ASSERT_WITHIN(f->loop, 2000, prefix_status(f, 0).wanted == ROUTE_WITHDRAWN);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
	fake_bird_thaw(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_WITHDRAWN));
}

static void without_bird_it_waits_and_writes_that_it_is_withdrawn(void **state)
{
	struct fixture *f = *state;

	fake_bird_stop(&f->fake);
	flow_start(f);
	ASSERT_WITHIN(f->loop, 2000, prefix_status(f, 0).cause == POLICY_BIRD);
	fake_bird_start(&f->fake, f->loop, f->path);
	ASSERT_WITHIN(f->loop, 5000, all(f, ROUTE_ANNOUNCED));
}

/* ---- starting, leaving, reloading ---- */

/* A daemon that died left this behind. */
static void leave_announced(struct fixture *f)
{
	struct statefile files;

	assert_int_equal(statefile_init(&files, f->dir, "anoded[0]"), 0);
	assert_int_equal(statefile_claim(&files), 0);
	for (int i = 0; i < PROTOS; i++) {
		assert_int_equal(statefile_write(&files, model_bird_names[i], true, "x"), 0);
		f->bird.up[i] = true;
	}
}

static void a_starting_daemon_adopts_what_another_announced(void **state)
{
	struct fixture *f = *state;

	leave_announced(f);
	flow_start(f);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_ANNOUNCED));
	ASSERT_STAYS(f->loop, 300, f->bird.up[MAIN4] && f->bird.up[DRAIN4]);
	assert_string_equal(f->bird.trace, "");
	assert_non_null(strstr(f->log, "found announced: adopted"));
}

static void what_was_adopted_is_withdrawn_if_the_server_is_dead(void **state)
{
	struct fixture *f = *state;

	leave_announced(f);
	f->dns.silent = true;
	flow_start(f);
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_DEGRADED));
	ASSERT_WITHIN(f->loop, 2000, all(f, ROUTE_WITHDRAWN));
	assert_non_null(strstr(f->reason, "never"));
}

static void what_nobody_wrote_down_is_not_adopted(void **state)
{
	struct fixture *f = *state;

	f->bird.up[MAIN4] = true; /* a configuration without `disabled` */
	fake_dns_stop(&f->dns);
	flow_start(f);
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[MAIN4]);
}

static void leaving_withdraws_and_says_when_it_is_done(void **state)
{
	struct fixture *f = *state;

	announced(f);
	health_leave(f->health);
	assert_int_equal(f->left, 0); /* never from within */
	ASSERT_WITHIN(f->loop, 2000, f->left == 1);
	assert_int_equal(f->left_result, 0);
	for (int i = 0; i < PROTOS; i++)
		assert_true(!f->bird.up[i] && !model_bird_file_up(&f->bird, i));
	health_leave(f->health);
	ASSERT_STAYS(f->loop, 100, f->left == 1);
}

static void leaving_does_not_wait_for_a_frozen_bird_for_ever(void **state)
{
	struct fixture *f = *state;

	announced(f);
	f->fake.frozen = true;
	health_leave(f->health);
	ASSERT_WITHIN(f->loop, 5000, f->left == 1);
	assert_int_equal(f->left_result, -ETIMEDOUT);
	assert_false(model_bird_file_up(&f->bird, MAIN4));
}

static void leaving_without_bird_is_quick(void **state)
{
	struct fixture *f = *state;

	fake_bird_stop(&f->fake);
	flow_start(f);
	ASSERT_WITHIN(f->loop, 2000, prefix_status(f, 0).cause == POLICY_BIRD);
	health_leave(f->health);
	ASSERT_WITHIN(f->loop, 1000, f->left == 1);
	assert_int_equal(f->left_result, 0);
}

static void a_reload_touches_only_what_differs(void **state)
{
	struct fixture *f = *state;
	struct health_error error;
	static const char *const more_peers[] = {"edge1", "edge1_v6"};

	announced(f);
	f->prefixes[0].peers = more_peers; /* to be read back from as well */
	f->prefixes[0].peer_count = 2;
	f->options.required_count = 1;
	assert_int_equal(health_reload(f->health, &f->options, &error), 0);
	assert_int_equal(health_check_count(f->health), 2);
	ASSERT_STAYS(f->loop, 150, f->bird.up[MAIN4] && f->bird.up[MAIN6]);
	assert_string_equal(f->bird.trace, "");
	/* One prefix less: withdrawn. */
	f->options.prefix_count = 1;
	assert_int_equal(health_reload(f->health, &f->options, &error), 0);
	ASSERT_WITHIN(f->loop, 2000, !f->bird.up[MAIN6] && !f->bird.up[DRAIN6]);
	assert_true(f->bird.up[MAIN4]);
	assert_int_equal(health_prefix_count(f->health), 1);
	/* And back, while it may still be on its way out. */
	f->options.prefix_count = 2;
	assert_int_equal(health_reload(f->health, &f->options, &error), 0);
	ASSERT_WITHIN(f->loop, 3000, is(f, 1, ROUTE_ANNOUNCED));
	assert_true(f->bird.up[MAIN4]);
	/* The kept verdicts still notice. */
	fake_dns_stop(&f->dns);
	ASSERT_WITHIN(f->loop, 3000, is(f, 1, ROUTE_WITHDRAWN));
}

static void a_server_at_another_port_inherits_no_verdict(void **state)
{
	struct fixture *f = *state;
	struct fake_dns moved = {.serial = 1};
	struct health_check_status check;
	struct health_error error;

	announced(f);
	health_check_status(f->health, 0, &check);
	assert_int_equal(check.verdict, VERDICT_GOOD);
	fake_dns_start(&moved, f->loop, AF_INET);
	f->options.server = moved.address;
	assert_int_equal(health_reload(f->health, &f->options, &error), 0);
	for (size_t i = 0; i < health_check_count(f->health); i++) {
		health_check_status(f->health, i, &check);
		assert_int_equal(check.verdict, VERDICT_UNKNOWN);
		assert_int_equal(check.sent, 0);
	}
	/* Nothing bad is known of it either. */
	ASSERT_STAYS(f->loop, 200, f->bird.up[MAIN4] && f->bird.up[MAIN6]);
	health_check_status(f->health, 0, &check);
	assert_int_equal(check.verdict, VERDICT_GOOD);
	/* A reload that leaves it where it is keeps what is known. */
	assert_int_equal(health_reload(f->health, &f->options, &error), 0);
	health_check_status(f->health, 0, &check);
	assert_int_equal(check.verdict, VERDICT_GOOD);
	fake_dns_end(&moved);
	ASSERT_WITHIN(f->loop, 3000, all(f, ROUTE_WITHDRAWN));
}

static void a_reload_that_cannot_work_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct health_error error;
	struct health_options bad;

	announced(f);
	bad = f->options;
	bad.timeout = span_ms(21);
	assert_int_equal(health_reload(f->health, &bad, &error), -EINVAL);
	assert_non_null(strstr(error.text, "timeout"));
	bad = f->options;
	bad.route.state_dir = "/run/elsewhere";
	assert_int_equal(health_reload(f->health, &bad, &error), -EOPNOTSUPP);
	f->prefixes[1].protocol = "anycast4";
	assert_int_equal(health_reload(f->health, &f->options, &error), -EEXIST);
	assert_non_null(strstr(error.text, "2001:db8:53::/48"));
	ASSERT_STAYS(f->loop, 100, all(f, ROUTE_ANNOUNCED));
	assert_string_equal(f->bird.trace, "");
}

static void another_writer_makes_it_hands_off_until_auto(void **state)
{
	struct fixture *f = *state;
	struct health_override o = {.kind = POLICY_AUTO, .owner = "root"};
	struct statefile files;

	announced(f);
	assert_int_equal(statefile_init(&files, f->dir, "anodectl[9]"), 0);
	assert_int_equal(statefile_claim(&files), 0);
	assert_int_equal(statefile_write(&files, "anycast4", false, "offline"), 0);
	f->bird.up[MAIN4] = f->bird.up[DRAIN4] = false;
	ASSERT_WITHIN(f->loop, 2000, prefix_status(f, 0).cause == POLICY_SUPERSEDED);
	assert_non_null(strstr(prefix_status(f, 0).reason, "anodectl[9]"));
	ASSERT_STAYS(f->loop, 150, f->bird.trace[0] == '\0' && !f->bird.up[MAIN4]);
	assert_int_equal(health_override(f->health, &o), 0);
	ASSERT_WITHIN(f->loop, 3000, all(f, ROUTE_ANNOUNCED));
}

/* ---- service addresses ---- */

static void a_service_address_speaks_for_its_prefix_only(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_storage service = {.ss_family = AF_INET};

	/* 127.0.0.2 isn't listened on, so it is refused there. */
	((struct sockaddr_in *)&service)->sin_addr.s_addr = htonl(0x7f000002);
	f->prefixes[0].prefix = "127.0.0.0/24";
	f->options.service = &service;
	f->options.service_count = 1;
	flow_start(f);
	ASSERT_WITHIN(f->loop, 3000,
		strstr(prefix_status(f, 0).reason, "service address 127.0.0.2 refused"));
	ASSERT_WITHIN(f->loop, 5000, is(f, 1, ROUTE_ANNOUNCED));
	assert_int_equal(prefix_status(f, 0).wanted, ROUTE_WITHDRAWN);
	assert_int_equal(health_check_count(f->health), 8);
}

static void what_cannot_work_is_named(void **state)
{
	struct fixture *f = *state;
	struct health_events events = {0};
	struct health_error error;
	struct health *health;
	const char *const bad_zone[] = {"bad..zone"};

	f->options.required = bad_zone;
	f->options.required_count = 1;
	assert_int_equal(health_new(&health, f->loop, &f->options, &events, f, &error), -EINVAL);
	assert_non_null(strstr(error.text, "bad..zone"));
	f->options.required_count = 0;
	f->prefixes[0].prefix = "203.0.113.1/24";
	assert_int_equal(health_new(&health, f->loop, &f->options, &events, f, &error), -EINVAL);
	assert_non_null(strstr(error.text, "203.0.113.1/24"));
	f->prefixes[0].prefix = "203.0.113.0/24";
	f->prefixes[0].peer_count = 0;
	assert_int_equal(health_new(&health, f->loop, &f->options, &events, f, &error), -EINVAL);
	f->prefixes[0].peer_count = 1;
	f->options.route.state_dir = "relative";
	assert_int_equal(health_new(&health, f->loop, &f->options, &events, f, &error), -EINVAL);
	assert_true(error.text[0]);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_starts_withdrawn_and_announces_when_all_is_there),
		TEST(a_missing_condition_is_named_and_waited_for),
		TEST(withdrawn_is_only_what_was_read_back_as_withdrawn),
		TEST(a_dead_server_is_withdrawn_at_once),
		TEST(a_silent_server_is_drained_then_withdrawn_while_the_fast_path_answers),
		TEST(a_slow_server_is_not_a_silent_one),
		TEST(a_silent_server_without_fast_path_is_withdrawn),
		TEST(a_silent_server_is_withdrawn_where_the_fast_path_answers_other_zones),
		TEST(a_hung_thread_degrades_and_never_withdraws),
		TEST(without_tcp_it_is_degraded),
		TEST(a_zone_that_turns_bad_changes_nothing),
		TEST(explicit_checks_act_by_their_severity),
		TEST(a_share_of_failing_zones_degrades),
		TEST(carrier_has_to_be_stable),
		TEST(others_are_seen_by_their_routes_and_then_missed),
		TEST(the_last_node_is_held_and_two_that_fell_together_come_back),
		TEST(the_degrade_class_withdraws_only_where_others_announce_and_the_drain_is_over),
		TEST(overload_is_absorbed),
		TEST(coupled_families_fall_and_rise_together),
		TEST(a_check_of_one_family_speaks_for_that_family),
		TEST(a_dependency_degrades_and_a_partition_changes_nothing),
		TEST(a_route_without_a_healthy_peer_is_no_other_node),
		TEST(out_of_withdrawn_the_way_leads_through_degraded),
		TEST(scripts_withdraw_by_their_exit_code_only),
		TEST(what_if_decides_and_does_nothing),
		TEST(restored_overrides_are_in_force_before_the_first_decision),
		TEST(without_its_overrides_nothing_rises_until_auto),
		TEST(what_is_recalled_delays_the_first_rise),
		TEST(overrides_win_and_end),
		TEST(a_persons_disable_is_kept_until_auto),
		TEST(a_configure_that_forgets_us_is_repaired_within_a_second),
		TEST(a_killed_bird_comes_back_withdrawn_and_is_announced_by_policy),
		TEST(a_frozen_bird_changes_nothing_until_something_is_due),
		TEST(without_bird_it_waits_and_writes_that_it_is_withdrawn),
		TEST(a_starting_daemon_adopts_what_another_announced),
		TEST(what_was_adopted_is_withdrawn_if_the_server_is_dead),
		TEST(what_nobody_wrote_down_is_not_adopted),
		TEST(leaving_withdraws_and_says_when_it_is_done),
		TEST(leaving_does_not_wait_for_a_frozen_bird_for_ever),
		TEST(leaving_without_bird_is_quick),
		TEST(a_reload_touches_only_what_differs),
		TEST(a_server_at_another_port_inherits_no_verdict),
		TEST(a_reload_that_cannot_work_changes_nothing),
		TEST(another_writer_makes_it_hands_off_until_auto),
		TEST(a_service_address_speaks_for_its_prefix_only),
		TEST(what_cannot_work_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
