/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets whose records change places (SETTINGS_ROTATE): each record comes first about equally often;
 * without that setting the order stays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vector_run.h"

#include <stdlib.h>
#include <string.h>

#define QUERIES 512

/* How often each of www.example.'s two addresses (.80 and .81) comes first, with IDs in a row. */
static void firsts_count(uint32_t settings_flags, unsigned first[2])
{
	char path[4096], error[VECTOR_ERROR_SIZE];
	struct plain_engine *engine = NULL;
	struct engine_memory *memory;
	struct vector_packet packet;
	struct vector *vector;

	snprintf(path, sizeof(path), "%s/server-rotate.vec", VECTORS);
	if (vector_load(&vector, path, error) || plain_engine_new(&engine, 4, 18))
		fail_msg("%s", error);
	memory = plain_engine_memory(engine);
	if (vector_world_fill(vector, memory, VECTOR_NOW, error))
		fail_msg("%s", error);
	memory->settings->block[0].flags = settings_flags;
	for (unsigned i = 0; i < QUERIES; i++) {
		struct vector_case c = vector->cases[0];
		size_t size, at;

		c.question.id = (uint16_t)(i * 0x9e37);
		assert_int_equal(vector_packet_build(&c, &packet, error), 0);
		size = packet.size;
		assert_int_equal(
			plain_engine_run(engine, packet.octets, &size, VECTOR_ROOM, VECTOR_NOW),
			PLAIN_REPLY);
		/* behind headers, question, and the first record's owner and fixed fields */
		at = 14 + 20 + 8 + 12 + sizeof("\3www\7example") + 4 + 12;
		assert_true(packet.octets[at + 3] == 80 || packet.octets[at + 3] == 81);
		first[packet.octets[at + 3] - 80]++;
	}
	vector_free(vector);
	plain_engine_free(engine);
}

static void each_record_comes_first_equally_often(void **state)
{
	unsigned first[2] = {0};

	firsts_count(SETTINGS_ROTATE, first);
	assert_in_range(first[0], QUERIES * 2 / 5, QUERIES * 3 / 5);
}

static void the_order_stays_before_a_server_that_keeps_it(void **state)
{
	unsigned first[2] = {0};

	firsts_count(0, first);
	assert_int_equal(first[0], QUERIES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record_comes_first_equally_often),
		cmocka_unit_test(the_order_stays_before_a_server_that_keeps_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
