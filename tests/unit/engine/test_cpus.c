/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows for every CPU's id, also where ids have gaps. Needs no root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "cpus.h"

static void rows_reach_to_the_highest_id(void **state)
{
	assert_int_equal(cpus_list_end("0\n"), 1);
	assert_int_equal(cpus_list_end("0-1\n"), 2);
	assert_int_equal(cpus_list_end("0,2-3\n"), 4);
	assert_int_equal(cpus_list_end("0-3,8-11"), 12);
	assert_int_equal(cpus_list_end("4-7,0-1"), 8);
	assert_int_equal(cpus_list_end("8191"), 8192);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const wrong[] = {"", "\n", "a", "-1", "1-", "3-2", "0,", ",0", "0 1",
		"0x1", "8192", "99999999999999999999", "0-99999999999", "1--2"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (cpus_list_end(wrong[i]) != -EINVAL)
			fail_msg("\"%s\": %d", wrong[i], cpus_list_end(wrong[i]));
}

static void this_machine_has_rows_for_all_its_cpus(void **state)
{
	assert_true(cpus_possible_end() >= sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_reach_to_the_highest_id),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(this_machine_has_rows_for_all_its_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
