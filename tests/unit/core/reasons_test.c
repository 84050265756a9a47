/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * docs/internals/reasons.md against reason.h: the operator finds every reason, and no other, in the
 * counters' order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "answer/reason.h"

static const char *const names[] = {
#define R(symbol, name, text) name,
	REASONS(R)
#undef R
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* The next cell of a table's row, without the blanks around it; NULL behind the last. */
static char *cell_take(char **row)
{
	char *cell = *row, *bar = strchr(cell, '|');

	if (!bar)
		return NULL;
	*row = bar + 1;
	while (bar > cell && bar[-1] == ' ')
		bar--;
	*bar = 0;
	return cell + strspn(cell, " ");
}

static void every_reason_stands_in_the_page_once_and_in_order(void **state)
{
	FILE *page = fopen(REASONS_PAGE, "r");
	char line[2048], quoted[64];
	size_t found = 0;

	if (!page)
		fail_msg("can't open %s", REASONS_PAGE);
	while (fgets(line, sizeof(line), page)) {
		char *row = line + 1, *name, *packet, *advice;

		assert_non_null(strchr(line, '\n'));
		if (strncmp(line, "| `", 3) != 0)
			continue;
		name = cell_take(&row);
		packet = cell_take(&row);
		advice = cell_take(&row);
		if (!name || !packet || !advice || !*packet || !*advice)
			fail_msg("a row isn't three cells with something in each: %s", line);
		if (found == NAMES)
			fail_msg("%s is behind the last reason", name);
		snprintf(quoted, sizeof(quoted), "`%s`", names[found]);
		assert_string_equal(name, quoted);
		found++;
	}
	fclose(page);
	if (found < NAMES)
		fail_msg("%s isn't in %s", names[found], REASONS_PAGE);
}

static void names_are_unique(void **state)
{
	for (size_t i = 0; i < NAMES; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_stands_in_the_page_once_and_in_order),
		cmocka_unit_test(names_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
