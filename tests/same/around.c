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

static const enum attach_mode modes[] = {ATTACH_NATIVE, ATTACH_GENERIC};

/* The case of fib.vec passes (`route`) or is answered to the neighbour, by both programs. */
static void routed_is(const struct vector_packet *packet, bool answered)
{
	static const uint8_t neighbour[6] = {2, 0, 0, 0, 0, 0x77};
	static uint8_t reply[VECTOR_REPLY_MAX];

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		uint64_t before = passed(REASON_ROUTE);

		assert_int_equal(run_frame(modes[i], packet, reply), answered ? XDP_TX : XDP_PASS);
		assert_int_equal(passed(REASON_ROUTE), before + !answered);
		if (answered)
			assert_memory_equal(reply, neighbour, sizeof(neighbour));
	}
}

static void a_reply_by_the_routing_table_goes_to_the_neighbour_if_the_interface_forwards(
	void **state)
{
	struct vector_packet packet;

	case_take("fib.vec", "there is no route to the client", &packet);
	/* test runs come in on lo */
	run("ip addr add 192.0.2.53/32 dev lo && ip route add 192.88.99.0/24 dev lo");
	run("ip neigh replace 192.88.99.1 lladdr 02:00:00:00:00:77 dev lo nud permanent");
	run("sysctl -qw net.ipv4.conf.lo.forwarding=0");
	routed_is(&packet, false);
	/* Nothing but the interface's own counts: the daemon looks at that (control/interface.c).
	 */
	run("sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv4.conf.lo.forwarding=0");
	routed_is(&packet, false);
	run("sysctl -qw net.ipv4.conf.all.forwarding=0 net.ipv4.conf.lo.forwarding=1");
	routed_is(&packet, true);
	/* The table knows the way from here, not from the tag's device: the reply would go into the
	 * wrong VLAN. */
	memmove(packet.octets + 16, packet.octets + 12, packet.size - 12);
	memcpy(packet.octets + 12, (const uint8_t[]){0x81, 0, 0, 7}, 4);
	packet.size += 4;
	routed_is(&packet, false);
	case_take("fib.vec", "there is no route to the client", &packet);
	run("ip route del 192.88.99.0/24 dev lo");
	routed_is(&packet, false);
}

static void over_ipv6_too_the_interface_alone_must_forward_and_the_neighbour_be_known(void **state)
{
	struct vector_packet packet;

	case_take("fib.vec", "there is no route to the client, IPv6", &packet);
	run("ip addr add 2001:db8::53/128 dev lo && ip route add 2001:db8:77::/64 dev lo");
	run("ip neigh replace 2001:db8:77::1 lladdr 02:00:00:00:00:77 dev lo nud permanent");
	run("sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.lo.forwarding=0");
	routed_is(&packet, false);
	run("sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.lo.forwarding=1");
	routed_is(&packet, true);
	run("ip neigh del 2001:db8:77::1 dev lo");
	routed_is(&packet, false);
}

/* As to the client of a tagged query: its VLAN's device isn't the one the frame came in on. */
static void a_route_out_of_another_interface_passes(void **state)
{
	struct vector_packet packet;

	case_take("fib.vec", "there is no route to the client", &packet);
	run("ip link add near type veth peer name far && ip link set near up");
	run("ip link set far up && ip route replace 192.88.99.0/24 dev near");
	run("ip neigh replace 192.88.99.1 lladdr 02:00:00:00:00:77 dev near nud permanent");
	run("sysctl -qw net.ipv4.conf.all.forwarding=1");
	routed_is(&packet, false);
	run("ip link del near");
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
			over_ipv6_too_the_interface_alone_must_forward_and_the_neighbour_be_known),
		cmocka_unit_test(a_route_out_of_another_interface_passes),
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
