/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verdicts: rows of outcomes as strings, g = good, t = timeout, r = refused,
 * b = bad, e = our own error; one each 100 ms.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "control/health/verdict.h"

static const struct verdict_options udp = {.fail = 3, .rise = 5, .refused_at_once = true};
static const struct verdict_options tcp = {.fail = 3, .rise = 5};

static struct mono at(unsigned ms)
{
	return (struct mono){INT64_C(1000000) * (1000 + ms)};
}

static struct verdict feed(const struct verdict_options *options, const char *row)
{
	static const char letters[] = "g_ebtr";
	struct verdict verdict;

	verdict_init(&verdict, at(0));
	for (unsigned i = 0; row[i]; i++) {
		enum verdict_state before = verdict.state;
		bool changed = verdict_feed(&verdict, options,
			(enum verdict_state)(strchr(letters, row[i]) - letters), at(100 * (i + 1)));

		assert_int_equal(changed, verdict.state != before);
		if (changed)
			assert_int_equal(verdict.since.ns, at(100 * (i + 1)).ns);
	}
	return verdict;
}

static void rows_give_the_verdict_that_their_end_says(void **state)
{
	static const struct {
		const char *row;
		enum verdict_state expected;
	} table[] = {
		{"", VERDICT_UNKNOWN},
		{"gggg", VERDICT_UNKNOWN},
		{"ggggg", VERDICT_GOOD},
		{"ggtggtgg", VERDICT_UNKNOWN},
		{"gggggt", VERDICT_GOOD},
		{"gggggtt", VERDICT_GOOD},
		{"gggggttt", VERDICT_SILENT},
		{"gggggttgtt", VERDICT_GOOD},
		{"tt", VERDICT_UNKNOWN},
		{"ttt", VERDICT_SILENT},
		{"tttgggg", VERDICT_SILENT},
		{"tttggggg", VERDICT_GOOD},
		{"tttggggtggggg", VERDICT_GOOD},
		{"r", VERDICT_REFUSED},
		{"gggggr", VERDICT_REFUSED},
		{"gggggrgggg", VERDICT_REFUSED},
		{"gggggrggggg", VERDICT_GOOD},
		{"gggggrttt", VERDICT_SILENT},
		{"gggggtttr", VERDICT_REFUSED},
		{"gggggbbb", VERDICT_BAD},
		{"gggggeee", VERDICT_BLIND},
		{"gggggeet", VERDICT_SILENT},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct verdict verdict = feed(&udp, table[i].row);

		if (verdict.state != table[i].expected)
			print_error("row %s: %s\n", table[i].row, verdict_name(verdict.state));
		assert_int_equal(verdict.state, table[i].expected);
	}
}

static void a_refusal_counts_like_silence_where_it_is_not_believed_at_once(void **state)
{
	assert_int_equal(feed(&tcp, "gggggrr").state, VERDICT_GOOD);
	assert_int_equal(feed(&tcp, "gggggrrr").state, VERDICT_REFUSED);
	assert_int_equal(feed(&tcp, "gggggttr").state, VERDICT_REFUSED);
}

static void the_last_good_answer_is_remembered_through_every_state(void **state)
{
	assert_false(mono_known(feed(&udp, "ttt").last_good));
	assert_int_equal(feed(&udp, "gggggttt").last_good.ns, at(500).ns);
	assert_int_equal(feed(&udp, "gggggrtttg").last_good.ns, at(1000).ns);
}

static void zero_means_one(void **state)
{
	static const struct verdict_options quick = {0};

	assert_int_equal(feed(&quick, "g").state, VERDICT_GOOD);
	assert_int_equal(feed(&quick, "gt").state, VERDICT_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_give_the_verdict_that_their_end_says),
		cmocka_unit_test(a_refusal_counts_like_silence_where_it_is_not_believed_at_once),
		cmocka_unit_test(the_last_good_answer_is_remembered_through_every_state),
		cmocka_unit_test(zero_means_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
