/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fast path over a real engine: what a restarted daemon finds it doesn't
 * disturb, and no native program comes or goes while something is announced.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/clock.h"
#include "control/fastpath.h"
#include "tests/host/sandbox.h"

#define PATIENCE_US UINT64_C(30000000)

struct bench {
	char path[64];
	sd_event *loop;
	struct waiting waiting;
	struct config *config;
	struct interfaces *interfaces;
	struct fastpath *fastpath;
};

static void nothing(void *arg)
{
}

static void config_take(struct bench *bench, const char *mode)
{
	struct config_error error;
	FILE *file = fopen(bench->path, "w");

	assert_non_null(file);
	fprintf(file,
		"version: 1\n"
		"service: {addresses: [192.0.2.53]}\n"
		"local_server: {address: 127.0.0.1}\n"
		"zones: [{name: example.com}]\n"
		"interfaces: [{name: near, mode: %s}]\n"
		"fastpath: {memory: 16MiB}\n"
		"routing: {prefixes: [{prefix: 192.0.2.0/24, protocol: a4, peers: [edge]}]}\n",
		mode);
	assert_int_equal(fclose(file), 0);
	config_free(bench->config);
	if (config_read(bench->path, &bench->config, &error) < 0) {
		config_error_print(&error, bench->path, stderr);
		fail();
	}
}

/* As a daemon that starts. */
static void fastpath_begin(struct bench *bench)
{
	assert_int_equal(fastpath_new(&bench->fastpath, &bench->waiting), 0);
	assert_int_equal(fastpath_open(bench->fastpath, bench->config, PATIENCE_US), 0);
	assert_non_null(fastpath_memory(bench->fastpath));
}

/* As one that is killed: program, links and memory stay. */
static void fastpath_again(struct bench *bench)
{
	fastpath_free(bench->fastpath);
	fastpath_begin(bench);
}

static int bench_new(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const char *name = "near";
	int fd;

	snprintf(bench->path, sizeof(bench->path), "/tmp/anode-fastpath-XXXXXX");
	fd = mkstemp(bench->path);
	assert_true(fd >= 0);
	close(fd);
	config_take(bench, "auto");
	assert_int_equal(
		system("ip link add near type veth peer name far && ip link set near up && "
		       "ip link set far up"),
		0);
	assert_int_equal(sd_event_new(&bench->loop), 0);
	assert_int_equal(interfaces_open(&bench->interfaces, bench->loop, nothing, NULL), 0);
	interfaces_set(bench->interfaces, &name, 1);
	fastpath_begin(bench);
	*state = bench;
	return 0;
}

static int bench_drop(void **state)
{
	struct bench *bench = *state;

	fastpath_leave(bench->fastpath, false);
	fastpath_free(bench->fastpath);
	interfaces_close(bench->interfaces);
	sd_event_unref(bench->loop);
	config_free(bench->config);
	unlink(bench->path);
	free(bench);
	return system("ip link del near");
}

static void apply(struct bench *bench, bool may_flap)
{
	static const struct settings_profile profile = {.copy_flags = 0x0100};

	fastpath_apply(bench->fastpath, bench->config, &profile, bench->interfaces, may_flap);
}

static struct engine_attachment attachment(const struct bench *bench)
{
	struct fastpath_status status;

	fastpath_status(bench->fastpath, &status);
	return status.links[0];
}

static bool awaited(const struct bench *bench, const char *kind)
{
	for (size_t i = 0; i < bench->waiting.count; i++) {
		if (strcmp(bench->waiting.entries[i].kind, kind) == 0)
			return true;
	}
	return false;
}

/* A program that runs may still read the block that its former daemon has left. */
static void settings_of_an_adopted_engine_wait_for_a_grace_period(void **state)
{
	struct bench *bench = *state;
	struct settings_area *area = fastpath_memory(bench->fastpath)->settings;
	struct settings *before = malloc(sizeof(area->block));
	u32 active;

	/* Nobody has read what was just loaded. */
	assert_false(fastpath_wants_grace(bench->fastpath));
	apply(bench, true);
	assert_true(fastpath_wants_grace(bench->fastpath));
	fastpath_grace_ended(bench->fastpath);
	assert_false(fastpath_wants_grace(bench->fastpath));

	fastpath_again(bench);
	area = fastpath_memory(bench->fastpath)->settings;
	active = area->active;
	memcpy(before, area->block, sizeof(area->block));
	bench->config->fastpath.max_udp_size++;
	assert_true(fastpath_wants_grace(bench->fastpath));
	apply(bench, true);
	assert_int_equal(area->active, active);
	assert_memory_equal(area->block, before, sizeof(area->block));
	fastpath_grace_ended(bench->fastpath);
	apply(bench, true);
	assert_int_equal(area->active, !active);
	assert_int_equal(
		area->block[area->active].max_udp_size, bench->config->fastpath.max_udp_size);
	free(before);
}

/* Probes and withdrawals go on meanwhile. */
static void loading_does_not_hold_up_the_caller(void **state)
{
	struct bench *bench = *state;
	uint64_t began, longest = 0, end = clock_monotonic_us() + PATIENCE_US;
	unsigned calls = 0;

	fastpath_leave(bench->fastpath, false);
	fastpath_free(bench->fastpath);
	assert_int_equal(fastpath_new(&bench->fastpath, &bench->waiting), 0);
	while (!fastpath_memory(bench->fastpath)) {
		assert_true(clock_monotonic_us() < end);
		began = clock_monotonic_us();
		assert_int_equal(fastpath_open(bench->fastpath, bench->config, 0), 0);
		if (clock_monotonic_us() - began > longest)
			longest = clock_monotonic_us() - began;
		calls++;
		if (!fastpath_memory(bench->fastpath))
			assert_true(awaited(bench, "engine"));
		usleep(1000);
	}
	assert_false(awaited(bench, "engine"));
	print_message("%u calls, the longest %llu us\n", calls, (unsigned long long)longest);
	assert_true(calls > 3);
	apply(bench, true);
	assert_true(attachment(bench).attached);
	/* And one that nobody waits for any more is undone, or left, as a finished one. */
	fastpath_free(bench->fastpath);
	assert_int_equal(fastpath_new(&bench->fastpath, &bench->waiting), 0);
	assert_int_equal(fastpath_open(bench->fastpath, bench->config, 0), 0);
	assert_int_equal(fastpath_leave(bench->fastpath, false), 0);
	assert_int_equal(access("/sys/fs/bpf/anode/default", F_OK), -1);
	fastpath_free(bench->fastpath);
	fastpath_begin(bench);
}

static void another_daemon_of_the_instance_is_known_at_once(void **state)
{
	struct bench *bench = *state;
	struct fastpath *second;

	assert_int_equal(fastpath_new(&second, &bench->waiting), 0);
	assert_int_equal(fastpath_open(second, bench->config, PATIENCE_US), -EBUSY);
	fastpath_free(second);
}

static void native_program_comes_only_while_nothing_is_announced(void **state)
{
	struct bench *bench = *state;

	apply(bench, false);
	assert_false(attachment(bench).attached);
	assert_true(awaited(bench, "interface"));
	apply(bench, true);
	assert_true(attachment(bench).attached);
	assert_int_equal(attachment(bench).mode, ATTACH_NATIVE);
	assert_false(awaited(bench, "interface"));
	/* What is attached already is just taken over. */
	fastpath_again(bench);
	apply(bench, false);
	assert_true(attachment(bench).attached);
	assert_int_equal(attachment(bench).mode, ATTACH_NATIVE);
	assert_false(awaited(bench, "interface"));
}

static void another_mode_waits_as_well_and_the_old_one_answers_on(void **state)
{
	struct bench *bench = *state;
	const char *const modes[] = {"generic", "native"};
	const enum attach_mode attached[] = {ATTACH_GENERIC, ATTACH_NATIVE};

	apply(bench, true);
	for (unsigned i = 0; i < 4; i++) {
		config_take(bench, modes[i % 2]);
		if (i >= 2)
			fastpath_again(bench);
		apply(bench, false);
		assert_true(attachment(bench).attached);
		assert_int_equal(attachment(bench).mode, attached[!(i % 2)]);
		assert_true(awaited(bench, "interface"));
		apply(bench, true);
		assert_true(attachment(bench).attached);
		assert_int_equal(attachment(bench).mode, attached[i % 2]);
		assert_false(awaited(bench, "interface"));
	}
	/* Wanted no more before it could be done. */
	config_take(bench, "generic");
	apply(bench, false);
	config_take(bench, "auto");
	apply(bench, false);
	assert_int_equal(attachment(bench).mode, ATTACH_NATIVE);
	assert_false(awaited(bench, "interface"));
}

/* The kernel lets go of a link some time after its last name. */
static void program_take_away(void)
{
	uint64_t end = clock_monotonic_us() + PATIENCE_US;

	assert_int_equal(system("rm /sys/fs/bpf/anode/default/link-near"), 0);
	while (system("ip link show dev near | grep -q xdp") == 0)
		assert_true(clock_monotonic_us() < end);
}

static void program_taken_away_comes_back_at_once_only_in_generic_mode(void **state)
{
	static const struct fastpath_question none;
	struct bench *bench = *state;

	config_take(bench, "generic");
	apply(bench, false);
	assert_true(attachment(bench).attached);
	program_take_away();
	fastpath_probe(bench->fastpath, bench->config, &none);
	assert_false(attachment(bench).attached);
	apply(bench, false);
	assert_true(attachment(bench).attached);
	config_take(bench, "native");
	apply(bench, true);
	program_take_away();
	fastpath_probe(bench->fastpath, bench->config, &none);
	apply(bench, false);
	assert_false(attachment(bench).attached);
	assert_true(awaited(bench, "interface"));
	apply(bench, true);
	assert_true(attachment(bench).attached);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_new, bench_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(settings_of_an_adopted_engine_wait_for_a_grace_period),
		BENCH_TEST(loading_does_not_hold_up_the_caller),
		BENCH_TEST(another_daemon_of_the_instance_is_known_at_once),
		BENCH_TEST(native_program_comes_only_while_nothing_is_announced),
		BENCH_TEST(another_mode_waits_as_well_and_the_old_one_answers_on),
		BENCH_TEST(program_taken_away_comes_back_at_once_only_in_generic_mode),
	};
	int r = sandbox_enter();

	if (r < 0)
		return SANDBOX_SKIP;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
