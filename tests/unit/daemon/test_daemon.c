/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon without engine, BIRD or server. A reload is all or nothing: whichever allocation of it
 * fails, what was in force stays in force, and nothing points into the configuration that was
 * refused (run it with AddressSanitizer to see that). Leaving waits for no thread that hangs.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/daemon.h"
#include "tests/unit/health/loop.h"

/* ---- the linker sends our code's allocations through here ---- */

/* Of this thread: how many succeed before one fails; -1: none fails. */
static _Thread_local int allocations_left = -1;
static _Thread_local unsigned allocations_failed;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);

static bool allocation_fails(void)
{
	if (allocations_left < 0 || allocations_left-- > 0)
		return false;
	allocations_failed++;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return allocation_fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return allocation_fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return allocation_fails() ? NULL : __real_strndup(text, size);
}

/* ---- a daemon without an engine ---- */

static const char before[] = "zones:\n"
			     "  - {name: a.example, key: old}\n"
			     "  - {name: b.example}\n"
			     "health: {required: [b.example]}\n"
			     "interfaces: [{name: anode-none0}]\n";
static const char after[] = "zones:\n"
			    "  - {name: b.example, key: new}\n"
			    "  - {name: c.example}\n"
			    "  - {name: d.c.example}\n"
			    "health: {required: [c.example, b.example]}\n"
			    "interfaces: [{name: anode-none1}, {name: anode-none2}]\n";

struct bench {
	char top[64], path[96];
	const char *states; /* BIRD's state directory, below top */
	struct daemon daemon;
};

static void file_write(const struct bench *bench, const char *part)
{
	FILE *file = fopen(bench->path, "w");

	assert_non_null(file);
	fprintf(file,
		"version: 1\n"
		"service: {addresses: [192.0.2.53]}\n"
		"local_server: {address: 127.0.0.1, port: 1}\n"
		"keys:\n"
		"  - {name: old, algorithm: hmac-sha256, secret_file: %s/old.key}\n"
		"  - {name: new, algorithm: hmac-sha256, secret_file: %s/new.key}\n"
		"routing:\n"
		"  bird: {socket: %s/bird.ctl, state_dir: %s/%s}\n"
		"  prefixes: [{prefix: 192.0.2.0/24, protocol: anycast4, peers: [edge]}]\n"
		"control: {socket: %s/control.sock}\n"
		"%s",
		bench->top, bench->top, bench->top, bench->top, bench->states, bench->top, part);
	assert_int_equal(fclose(file), 0);
}

static void nothing_changed(void *arg)
{
}

static void zones_changed(void *arg, bool image)
{
}

static int bench_new(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct daemon *daemon = &bench->daemon;
	struct config_error error;

	snprintf(bench->top, sizeof(bench->top), "/tmp/anode-reload-XXXXXX");
	assert_non_null(mkdtemp(bench->top));
	snprintf(bench->path, sizeof(bench->path), "%s/anode.yaml", bench->top);
	bench->states = "bird";
	file_write(bench, before);
	daemon->config_path = bench->path;
	if (config_read(bench->path, &daemon->config, &error) < 0) {
		config_error_print(&error, bench->path, stderr);
		fail();
	}
	assert_int_equal(sd_event_new(&daemon->loop), 0);
	assert_int_equal(
		interfaces_open(&daemon->interfaces, daemon->loop, nothing_changed, daemon), 0);
	interfaces_set(daemon->interfaces, (const char *[]){"anode-none0"}, 1);
	assert_int_equal(fastpath_new(&daemon->fastpath, &daemon->waiting), 0);
	assert_int_equal(profile_open(&daemon->profile, daemon->loop, nothing_changed, daemon), 0);
	assert_int_equal(
		zones_open(&daemon->zones, daemon->loop, &daemon->waiting, zones_changed, daemon),
		0);
	assert_int_equal(daemon_health_open(daemon), 0);
	assert_int_equal(zones_set(daemon->zones, daemon->config), 0);
	health_start(daemon->health);
	*state = bench;
	return 0;
}

static int bench_drop(void **state)
{
	struct bench *bench = *state;
	char command[96];
	int r;

	daemon_close(&bench->daemon);
	snprintf(command, sizeof(command), "rm -rf %s", bench->top);
	r = system(command);
	free(bench);
	return r;
}

static bool publisher_wants(const struct bench *bench, const char *apex)
{
	return publisher_deadline(zones_publisher(bench->daemon.zones), (const uint8_t *)apex,
		       UINT64_MAX) == 0;
}

static void zones_are(const struct bench *bench, const char *const *names, size_t count)
{
	size_t there;
	const struct zones_view *views = zones_views(bench->daemon.zones, &there);

	assert_int_equal(there, count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(views[i].name->text, names[i]);
		assert_ptr_equal(zones_find(bench->daemon.zones, views[i].name), &views[i]);
	}
}

static void first_is_in_force(const struct bench *bench)
{
	static const char *const names[] = {"a.example", "b.example"};
	struct ctl_snapshot *snapshot = daemon_snapshot(&bench->daemon);
	size_t count;

	zones_are(bench, names, 2);
	assert_true(publisher_wants(bench, "\1a\7example"));
	assert_true(publisher_wants(bench, "\1b\7example"));
	assert_false(publisher_wants(bench, "\1c\7example"));
	assert_false(publisher_wants(bench, "\1d\1c\7example"));
	assert_int_equal(bench->daemon.config->zones_count, 2);
	assert_string_equal(interfaces_list(bench->daemon.interfaces, &count)->name, "anode-none0");
	assert_int_equal(count, 1);
	assert_non_null(snapshot); /* reads all that it borrows */
	assert_string_equal(snapshot->zones[0].name, "a.example");
	for (size_t i = 0; i < snapshot->checks_count; i++)
		assert_null(strstr(snapshot->checks[i].name, "c.example"));
	daemon_snapshot_free(snapshot);
}

static void second_is_in_force(const struct bench *bench)
{
	static const char *const names[] = {"b.example", "c.example", "d.c.example"};
	size_t count;

	zones_are(bench, names, 3);
	assert_false(publisher_wants(bench, "\1a\7example"));
	assert_true(publisher_wants(bench, "\1b\7example"));
	assert_true(publisher_wants(bench, "\1d\1c\7example"));
	assert_string_equal(interfaces_list(bench->daemon.interfaces, &count)->name, "anode-none1");
	assert_int_equal(count, 2);
}

/* Reads what the flows hold. */
static void turn(struct bench *bench)
{
	zones_tick(bench->daemon.zones);
	daemon_tell_health(&bench->daemon);
	sd_event_run(bench->daemon.loop, 0);
}

static void reload_that_runs_out_of_memory_anywhere_changes_nothing(void **state)
{
	struct bench *bench = *state;
	char error[1024] = "";
	json_t *changed;
	int r = -ENOMEM, n;

	turn(bench);
	file_write(bench, after);
	for (n = 0; r < 0; n++) {
		first_is_in_force(bench);
		assert_in_range(n, 0, 10000);
		allocations_failed = 0;
		allocations_left = n;
		r = daemon_reload(&bench->daemon, &changed, error, sizeof(error));
		allocations_left = -1;
		if (r == 0 && allocations_failed) {
			/* What failed wasn't needed, a line of the log: not all, but none of it. */
			json_decref(changed);
			second_is_in_force(bench);
			file_write(bench, before);
			assert_int_equal(
				daemon_reload(&bench->daemon, &changed, error, sizeof(error)), 0);
			json_decref(changed);
			file_write(bench, after);
			r = -ENOMEM;
		} else if (r == 0) {
			json_decref(changed);
		} else {
			assert_true(error[0]);
		}
		turn(bench);
	}
	print_message("%d allocations failed, one at a time\n", n - 1);
	assert_true(n > 50);
	second_is_in_force(bench);
	turn(bench);
}

/* The step behind what is said above: also what was got ready goes without a trace. */
static void change_that_is_abandoned_leaves_no_trace(void **state)
{
	struct bench *bench = *state;
	struct config_error config_error;
	struct zones_change *change;
	struct config *config;

	turn(bench);
	file_write(bench, after);
	assert_int_equal(config_read(bench->path, &config, &config_error), 0);
	assert_int_equal(zones_prepare(bench->daemon.zones, config, &change), 0);
	zones_abandon(bench->daemon.zones, change);
	config_free(config);
	first_is_in_force(bench);
	turn(bench);
}

static void reload_that_the_health_flow_refuses_changes_no_zone(void **state)
{
	struct bench *bench = *state;
	char error[1024] = "";
	json_t *changed;

	turn(bench);
	bench->states = "elsewhere";
	file_write(bench, after);
	assert_int_equal(
		daemon_reload(&bench->daemon, &changed, error, sizeof(error)), -EOPNOTSUPP);
	first_is_in_force(bench);
	turn(bench);
}

/* ---- leaving ---- */

/* A kernel that never ends a grace period. */
static atomic_bool grace_hangs;

static int grace(void *engine)
{
	while (atomic_load(&grace_hangs))
		poll(NULL, 0, 1);
	return 0;
}

static void leave_from_draining(struct bench *bench)
{
	bench->daemon.config->leave.quiet.us = 1;
	bench->daemon.leave = LEAVE_WITHDRAWING;
	daemon_left_routes(&bench->daemon, 0);
}

static void leaving_waits_until_the_threads_have_ended(void **state)
{
	struct bench *bench = *state;

	turn(bench);
	leave_from_draining(bench);
	assert_int_equal(sd_event_loop(bench->daemon.loop), 0);
	assert_null(bench->daemon.zones);
}

static void leaving_does_not_wait_for_ever_for_a_thread_that_hangs(void **state)
{
	struct bench *bench = *state;
	struct zones *zones = bench->daemon.zones;
	struct engine_memory memory = {.image = calloc(4, IMAGE_STRIDE(16)),
		.shards = 4,
		.shard_shift = 16,
		.grace = grace};
	const struct pulse *pulse = publisher_pulse(zones_publisher(zones));
	struct mono began = mono_now();

	turn(bench);
	atomic_store(&grace_hangs, true);
	zones_memory(zones, &memory);
	leave_from_draining(bench);
	assert_int_equal(sd_event_loop(bench->daemon.loop), 0);
	assert_in_range(span_to_ms(mono_since(mono_now(), began)), 9000, 30000);
	assert_false(pulse->ended);
	/* It wasn't taken from under the thread's feet. */
	atomic_store(&grace_hangs, false);
	zones_close(zones);
	free(memory.image);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_new, bench_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(reload_that_runs_out_of_memory_anywhere_changes_nothing),
		BENCH_TEST(change_that_is_abandoned_leaves_no_trace),
		BENCH_TEST(reload_that_the_health_flow_refuses_changes_no_zone),
		BENCH_TEST(leaving_waits_until_the_threads_have_ended),
		BENCH_TEST(leaving_does_not_wait_for_ever_for_a_thread_that_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
