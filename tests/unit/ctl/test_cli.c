/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anodectl against a control server with made-up snapshots: exit codes, text,
 * JSON. The server runs in a child process; nothing else of the daemon does.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/ctl/render.h"
#include "control/ctl/server.h"

static char dir[32], socket_path[64];
static pid_t child;

static const struct ctl_zone zones[] = {
	{.name = "a.example",
		.state = "fast",
		.fast = true,
		.has_server = true,
		.has_mirror = true,
		.has_fast = true,
		.serial_server = 8,
		.serial_mirror = 7,
		.serial_fast = 7,
		.records = 1234567,
		.since = UINT64_C(1700000000000000)},
	{.name = "b.example", .state = "passing", .trouble = true, .reason = "transfer refused"},
};
static const struct ctl_check checks[] = {
	{.name = "udp 127.0.0.1 a.example SOA",
		.type = "udp",
		.target = "127.0.0.1",
		.verdict = "good",
		.severity = "fatal",
		.good = true,
		.rtt_us = 350},
	{.name = "tcp 127.0.0.1 a.example SOA",
		.type = "tcp",
		.target = "127.0.0.1",
		.verdict = "refused",
		.severity = "degrade",
		.reason = "connection refused"},
};
static const struct ctl_wait waits[] = {
	{"key", "mirror", "/etc/anode/mirror.key: No such file or directory",
		UINT64_C(1700000090000000)},
};
static const struct ctl_counter reasons[] = {{"edns_option", "an EDNS option", 12}};
static const char *const warnings[] = {"", "tags are taken away: ethtool -K eth0 rxvlan off"};
static const struct ctl_interface interfaces[] = {{.name = "eth0",
	.engine = "xdp",
	.mode = "native",
	.attached = true,
	.warnings = warnings,
	.warnings_count = 2}};

/* A name of a prefix to announce, or a state of the node, as the test wants it:
 * the owner of the override is how the server's side of a request is seen. */
static char *answer(void *arg, const struct ctl_request *request, const struct ctl_peer *peer)
{
	static struct ctl_override override;
	static char reason[CTL_REASON_MAX + 1], owner[CTL_PEER_TEXT];
	struct ctl_prefix prefix = {.prefix = "203.0.113.0/24",
		.family = 4,
		.protocol = "anycast4",
		.wanted = *(enum ctl_state *)arg,
		.seen = *(enum ctl_state *)arg,
		.seen_known = true,
		.reason = "local server refused",
		.since = UINT64_C(1700000000000000)};
	struct ctl_snapshot snapshot = {.now = UINT64_C(1700000100000000),
		.node = "ams1",
		.version = "9.9.9",
		.instance = "default",
		.pid = 42,
		.started = UINT64_C(1699990000000000),
		.state = *(enum ctl_state *)arg,
		.bird = "2.0.12",
		.bird_up = true,
		.prefixes = &prefix,
		.prefixes_count = 1,
		.checks = checks,
		.checks_count = 2,
		.zones = zones,
		.zones_count = 2,
		.waits = waits,
		.waits_count = 1,
		.engine = {.present = true,
			.healthy = true,
			.interfaces = interfaces,
			.interfaces_count = 1,
			.fast = 9990,
			.passed = 10,
			.reasons = reasons,
			.reasons_count = 1,
			.lease_left_us = 60000000,
			.image_bytes = 1 << 30}};

	switch (request->command) {
	case CTL_ANNOUNCE:
	case CTL_DRAIN:
	case CTL_WITHDRAW:
		strcpy(reason, request->reason);
		strcpy(owner, peer->name);
		override = (struct ctl_override){ctl_command_name(request->command), owner, reason,
			request->span.us ? snapshot.now + request->span.us : 0};
		break;
	case CTL_AUTO:
		override = (struct ctl_override){0};
		break;
	default:
		break;
	}
	prefix.override = override;
	switch (request->command) {
	case CTL_STATUS:
		return ctl_response(ctl_render_status(&snapshot));
	case CTL_ZONES:
		return ctl_response(ctl_render_zones(&snapshot, request));
	case CTL_STATS:
		return ctl_response(ctl_render_stats(&snapshot));
	case CTL_HEALTH:
		return ctl_response(ctl_render_health(&snapshot));
	case CTL_RELOAD:
		return ctl_response_error(CTL_BAD_CONFIG, "anode.yaml:3:1: unknown key \"x\"");
	case CTL_CONFIG:
		return NULL; /* closes: a daemon that goes away */
	default:
		return ctl_response(ctl_render_overrides(&snapshot));
	}
}

static void server_start(enum ctl_state state)
{
	struct ctl_options options = {.socket = socket_path};
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct ctl_server *server;
		sd_event *loop;

		if (sd_event_new(&loop) < 0 ||
			ctl_server_open(&server, loop, &options, answer, &state) < 0 ||
			write(ready[1], "", 1) != 1)
			_exit(1);
		sd_event_loop(loop);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static void server_stop(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	unlink(socket_path);
}

/* Runs anodectl with `words`; its output (stdout and stderr) goes to `text`. */
static int run(const char *words, char *text, size_t size)
{
	char command[512];
	size_t length;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), "ANODE_SOCKET=%s %s %s 2>&1", socket_path, ANODECTL,
		words);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	length = fread(text, 1, size - 1, pipe);
	text[length] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void exit_code_of_status_is_the_state(void **state)
{
	static const int codes[] = {
		[CTL_STATE_ANNOUNCED] = 0, [CTL_STATE_DEGRADED] = 5, [CTL_STATE_WITHDRAWN] = 6};
	char text[16384];

	for (int i = CTL_STATE_ANNOUNCED; i <= CTL_STATE_WITHDRAWN; i++) {
		server_start((enum ctl_state)i);
		assert_int_equal(run("status", text, sizeof(text)), codes[i]);
		assert_int_equal(run("-q status", text, sizeof(text)), codes[i]);
		assert_string_equal(text, "");
		assert_int_equal(run("status --json", text, sizeof(text)), codes[i]);
		server_stop();
	}
}

static void status_says_what_of_what_why_since_when(void **state)
{
	char text[16384];

	server_start(CTL_STATE_WITHDRAWN);
	run("status", text, sizeof(text));
	server_stop();
	holds(text, "warning: eth0: tags are taken away: ethtool -K eth0 rxvlan off\n");
	holds(text, "ams1: withdrawn");
	holds(text, "203.0.113.0/24  withdrawn  withdrawn  1m40s  local server refused");
	holds(text, "key  mirror    10s  /etc/anode/mirror.key: No such file or directory");
	holds(text, "tcp 127.0.0.1 a.example SOA");
	holds(text, "connection refused");
	holds(text, "Zones: 2, 1 fast, 1 in trouble");
	holds(text, "transfer refused");
	holds(text, "1,234,567");
	holds(text, "9,990 answered fast (99.90 %), 10 passed, 0 dropped");
	holds(text, "edns_option");
	assert_null(strchr(text, '\033')); /* no terminal, no colour */
}

static void json_has_the_schema_and_parses(void **state)
{
	static const char *const commands[] = {
		"status", "zones", "stats", "health", "withdraw", "auto"};
	char text[16384], words[64];

	server_start(CTL_STATE_ANNOUNCED);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		json_error_t error;
		json_t *object;

		snprintf(words, sizeof(words), "--json %s", commands[i]);
		run(words, text, sizeof(text));
		object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
		if (!object)
			fail_msg("%s: %s\n%s", commands[i], error.text, text);
		assert_int_equal(json_integer_value(json_object_get(object, "schema")), 1);
		json_decref(object);
	}
	server_stop();
}

static void zone_by_name_in_any_case(void **state)
{
	char text[16384];

	server_start(CTL_STATE_ANNOUNCED);
	assert_int_equal(run("zones B.Example.", text, sizeof(text)), 0);
	holds(text, "transfer refused");
	assert_null(strstr(text, "a.example"));
	assert_int_equal(run("zones none.example", text, sizeof(text)), 1);
	holds(text, "no zone none.example here");
	server_stop();
}

static void override_carries_reason_owner_and_end(void **state)
{
	char text[16384], owner[32];

	server_start(CTL_STATE_ANNOUNCED);
	assert_int_equal(run("withdraw --reason 'disk swap' --for 30m", text, sizeof(text)), 0);
	holds(text, "disk swap");
	snprintf(owner, sizeof(owner), "uid %u", getuid());
	holds(text, owner);
	run("status", text, sizeof(text));
	holds(text, "disk swap, for 30m00s");
	assert_int_equal(run("auto", text, sizeof(text)), 0);
	holds(text, "no overrides");
	server_stop();
}

static void health_exits_5_when_a_check_fails(void **state)
{
	char text[16384];

	server_start(CTL_STATE_ANNOUNCED);
	assert_int_equal(run("health", text, sizeof(text)), 5);
	server_stop();
}

static void refusals_have_their_exit_codes(void **state)
{
	char text[16384];

	server_start(CTL_STATE_ANNOUNCED);
	assert_int_equal(run("reload", text, sizeof(text)), 3);
	holds(text, "anode.yaml:3:1: unknown key \"x\"");
	assert_int_equal(run("withdraw --for 30", text, sizeof(text)), 2);
	holds(text, "for: a duration needs a unit");
	assert_int_equal(run("config show", text, sizeof(text)), 4);
	server_stop();
	assert_int_equal(run("status", text, sizeof(text)), 4);
	holds(text, "is anoded running?");
}

static void frozen_daemon_times_out(void **state)
{
	char text[16384];

	server_start(CTL_STATE_ANNOUNCED);
	kill(child, SIGSTOP);
	assert_int_equal(run("--timeout 100ms status", text, sizeof(text)), 7);
	kill(child, SIGCONT);
	server_stop();
}

static void usage_errors_exit_2_and_abbreviations_work(void **state)
{
	char text[16384];

	assert_int_equal(run("", text, sizeof(text)), 2);
	assert_int_equal(run("sta", text, sizeof(text)), 2);
	holds(text, "\"sta\" may be status or stats");
	assert_int_equal(run("frobnicate", text, sizeof(text)), 2);
	assert_int_equal(run("status extra", text, sizeof(text)), 2);
	assert_int_equal(run("--version", text, sizeof(text)), 0);
	assert_int_equal(run("help status", text, sizeof(text)), 0);
	server_start(CTL_STATE_ANNOUNCED);
	assert_int_equal(run("z", text, sizeof(text)), 0);
	server_stop();
}

static void config_check_needs_no_daemon(void **state)
{
	char text[16384];

	assert_int_equal(run("config check " EXAMPLE, text, sizeof(text)), 0);
	assert_int_equal(run("config check /nonexistent", text, sizeof(text)), 3);
	holds(text, "/nonexistent: cannot be read: No such file or directory");
}

static int dir_new(void **state)
{
	strcpy(dir, "/tmp/anode-cli-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/control.sock", dir);
	return 0;
}

static int dir_drop(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_code_of_status_is_the_state),
		cmocka_unit_test(status_says_what_of_what_why_since_when),
		cmocka_unit_test(json_has_the_schema_and_parses),
		cmocka_unit_test(zone_by_name_in_any_case),
		cmocka_unit_test(override_carries_reason_owner_and_end),
		cmocka_unit_test(health_exits_5_when_a_check_fails),
		cmocka_unit_test(refusals_have_their_exit_codes),
		cmocka_unit_test(frozen_daemon_times_out),
		cmocka_unit_test(usage_errors_exit_2_and_abbreviations_work),
		cmocka_unit_test(config_check_needs_no_daemon),
	};

	return cmocka_run_group_tests(tests, dir_new, dir_drop);
}
