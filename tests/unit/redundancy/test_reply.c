/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a reply says, and that no octets of a hostile server break its reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/redundancy/exchange.h"
#include "control/redundancy/reply.h"
#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"

/* example. SOA, with an NSID. */
static const uint8_t soa[] = "\x12\x34\x84\x00\0\1\0\1\0\0\0\1"
			     "\7example\0\0\6\0\1"
			     "\xc0\x0c\0\6\0\1\0\0\0\x3c\0\x1b"
			     "\2ns\xc0\x0c\xc0\x0c\0\0\0\7\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1"
			     "\0\0\x29\4\xd0\1\0\0\0\0\x8\0\3\0\4"
			     "ams1";
#define SOA_SIZE (sizeof(soa) - 1)

static void a_reply_says_serial_authority_and_nsid(void **state)
{
	struct reply *reply = malloc(sizeof(*reply));

	assert_non_null(reply);
	assert_int_equal(reply_read(reply, soa, SOA_SIZE), 0);
	assert_true(reply->authoritative);
	assert_true(reply->has_serial);
	assert_int_equal(reply->serial, 7);
	assert_int_equal(reply->nsid_size, 4);
	assert_memory_equal(reply->nsid, "ams1", 4);
	assert_int_equal(reply->rcode, 16); /* the OPT record's upper bits count */
	free(reply);
}

static void cut_anywhere_it_is_refused(void **state)
{
	struct reply *reply = malloc(sizeof(*reply));

	assert_non_null(reply);
	for (size_t size = 0; size < SOA_SIZE; size++) {
		uint8_t *copy = malloc(size + 1); /* so that a sanitizer sees its end */

		assert_non_null(copy);
		memcpy(copy, soa, size);
		assert_true(reply_read(reply, copy, size) < 0);
		free(copy);
	}
	free(reply);
}

static void changed_anywhere_it_is_survived(void **state)
{
	struct reply *reply = malloc(sizeof(*reply));
	unsigned seed = 4;

	assert_non_null(reply);
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t copy[SOA_SIZE];

		memcpy(copy, soa, sizeof(copy));
		for (unsigned j = 0; j < 1 + i % 4; j++)
			copy[(unsigned)rand_r(&seed) % sizeof(copy)] = (uint8_t)rand_r(&seed);
		reply_read(reply, copy, sizeof(copy));
		assert_true(reply->nsid_size <= REPLY_NSID);
		assert_true(reply->names_count <= REPLY_NAMES);
	}
	free(reply);
}

static void more_records_than_there_is_room_for_are_left_out(void **state)
{
	uint8_t wire[4096] = "\x12\x34\x84\0\0\1\0\x64\0\0\0\0"
			     "\7example\0\0\2\0\1";
	uint8_t *to = wire + 12 + 9 + 4;
	struct reply *reply = malloc(sizeof(*reply));

	assert_non_null(reply);
	for (unsigned i = 0; i < 100; i++) {
		to = octets_put_u16(to, 0xc00c);
		to = octets_put_u16(to, RR_NS);
		to = octets_put_u16(to, RR_CLASS_IN);
		to = octets_put_u16(octets_put_u16(to, 0), 60);
		to = octets_put_u16(to, 4);
		*to++ = 1;
		*to++ = (uint8_t)i;
		to = octets_put_u16(to, 0xc00c);
	}
	assert_int_equal(reply_read(reply, wire, (size_t)(to - wire)), 0);
	assert_int_equal(reply->names_count, REPLY_NAMES);
	assert_true(reply->names_cut);
	free(reply);
}

static void a_query_asks_for_the_nsid_without_recursion(void **state)
{
	static const uint8_t expected[] = "\0\0\1\0\0\0\0\0\1"
					  "\7example\0\0\6\0\1"
					  "\0\0\x29\4\xd0\0\0\0\0\0\4\0\3\0\0";
	struct exchange exchange = {0};

	exchange_ask(&exchange, (const uint8_t *)"\7example", RR_SOA, false, true);
	assert_int_equal(exchange.query[2], 0); /* RD is clear */
	assert_int_equal(exchange.query_size, 3 + sizeof(expected) - 1);
	assert_memory_equal(exchange.query + 3, expected, sizeof(expected) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_says_serial_authority_and_nsid),
		cmocka_unit_test(cut_anywhere_it_is_refused),
		cmocka_unit_test(changed_anywhere_it_is_survived),
		cmocka_unit_test(more_records_than_there_is_room_for_are_left_out),
		cmocka_unit_test(a_query_asks_for_the_nsid_without_recursion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
