/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What only the real program meets, because a frame in memory has none of it: a routing table, and
 * frames in several buffers.
 *
 *     around VECTORS
 *
 * Test runs on the world of single vector files, in a network namespace of its own. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vector.h"
#include "engine.h"
#include "tests/host/sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/bpf.h>

#define SEVERAL_BUFFERS 3600 /* bytes; a test run's first buffer has VECTOR_ROOM */

static const char *vectors;
static struct engine *engine;

static void run(const char *command)
{
	int status = system(command);

	if (status != 0)
		fail_msg("%s: status %d", command, status);
}

/* Fills the engine with the file's world, and builds the frame of its case `title`. */
static void case_take(const char *file, const char *title, struct vector_packet *packet)
{
	char path[512], error[VECTOR_ERROR_SIZE];
	const struct vector_case *found = NULL;
	struct vector *vector;
	struct timespec t;

	snprintf(path, sizeof(path), "%s/%s", vectors, file);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	if (vector_load(&vector, path, error) ||
		vector_world_fill(vector, engine_memory(engine),
			(uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec, error))
		fail_msg("%s", error);
	for (size_t i = 0; i < vector->case_count; i++)
		if (strcmp(vector->cases[i].title, title) == 0)
			found = &vector->cases[i];
	if (!found)
		fail_msg("%s has no case \"%s\"", file, title);
	if (vector_packet_build(found, packet, error))
		fail_msg("%s", error);
	vector_free(vector);
}

static uint32_t run_frame(enum attach_mode mode, const struct vector_packet *packet, uint8_t *reply)
{
	size_t size = VECTOR_REPLY_MAX;
	uint32_t action;

	if (engine_test(engine, mode, packet->octets, packet->size, reply, &size, &action))
		fail_msg("%s", engine_error(engine));
	return action;
}

static uint64_t passed(uint32_t reason)
{
	struct counters sum;

	vector_counters_sum(engine_memory(engine), &sum);
	return sum.reasons[reason];
}

static void a_reply_by_the_routing_table_goes_to_the_neighbour_if_the_interface_forwards(
	void **state)
{
	static const uint8_t neighbour[6] = {2, 0, 0, 0, 0, 0x77};
	static const enum attach_mode modes[] = {ATTACH_NATIVE, ATTACH_GENERIC};
	static uint8_t reply[VECTOR_REPLY_MAX];
	struct vector_packet packet;
	uint64_t before;

	case_take("fib.vec", "there is no route to the client", &packet);
	/* test runs come in on lo */
	run("ip addr add 192.0.2.53/32 dev lo && ip route add 192.88.99.0/24 dev lo");
	run("ip neigh replace 192.88.99.1 lladdr 02:00:00:00:00:77 dev lo nud permanent");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		run("sysctl -qw net.ipv4.conf.lo.forwarding=0");
		before = passed(REASON_ROUTE);
		assert_int_equal(run_frame(modes[i], &packet, reply), XDP_PASS);
		assert_int_equal(passed(REASON_ROUTE), before + 1);

		run("sysctl -qw net.ipv4.conf.lo.forwarding=1");
		before = passed(REASON_ROUTE);
		assert_int_equal(run_frame(modes[i], &packet, reply), XDP_TX);
		assert_memory_equal(reply, neighbour, sizeof(neighbour));
		assert_int_equal(passed(REASON_ROUTE), before);
	}
	run("ip route del 192.88.99.0/24 dev lo");
	assert_int_equal(run_frame(ATTACH_NATIVE, &packet, reply), XDP_PASS);
}

/* A resize would cut or lengthen the last buffer, and the reply be lost. */
static void a_frame_in_several_buffers_passes_even_if_the_query_is_in_the_first(void **state)
{
	static uint8_t reply[VECTOR_REPLY_MAX];
	struct vector_packet packet;
	uint64_t before;

	case_take("ethernet.vec", "padding of zeros behind a query", &packet);
	memset(packet.octets + packet.size, 0, SEVERAL_BUFFERS - packet.size);
	packet.size = SEVERAL_BUFFERS;
	before = passed(REASON_NOT_LINEAR);
	assert_int_equal(run_frame(ATTACH_NATIVE, &packet, reply), XDP_PASS);
	assert_memory_equal(reply, packet.octets, packet.size);
	assert_int_equal(passed(REASON_NOT_LINEAR), before + 1);
}

static int enter(void **state)
{
	struct engine_options options = {.instance = "around", .image_bytes = 1 << 20};
	char error[1024];
	bool adopted;
	int err;

	if (system("ip link set lo up") != 0)
		return -1;
	err = engine_open(&engine, &options, &adopted, error, sizeof(error));
	if (err)
		fprintf(stderr, "around: %s\n", error);
	return err;
}

static int leave(void **state)
{
	return engine_remove(engine);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_reply_by_the_routing_table_goes_to_the_neighbour_if_the_interface_forwards),
		cmocka_unit_test(
			a_frame_in_several_buffers_passes_even_if_the_query_is_in_the_first),
	};
	int err;

	if (argc != 2) {
		fputs("Usage: around VECTORS\n", stderr);
		return 2;
	}
	vectors = argv[1];
	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	return cmocka_run_group_tests(tests, enter, leave);
}
