/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What BIRD's `show route for ADDRESS all` says, in the words of 2.0.12 and of 3.x. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "control/redundancy/path.h"

struct said {
	int code;
	const char *text;
};

static struct survey_path hear(const struct said *lines, size_t count)
{
	struct path_reader reader;

	path_begin(&reader);
	for (size_t i = 0; i < count; i++) {
		struct bird_line line = {
			BIRD_LINE_PART, lines[i].code, lines[i].text, strlen(lines[i].text)};

		path_line(&reader, &line);
	}
	return reader.path;
}
#define HEAR(lines) hear(lines, sizeof(lines) / sizeof(lines[0]))

static void paths_are_counted_once_however_often_prepended(void **state)
{
	static const struct said lines[] = {
		{1007, "Table master4:"},
		{1007, "192.0.2.0/24         unicast [edge1 06:00:00.123] (100) [AS64500i]"},
		{1007, "\tvia 10.0.0.1 on eth0"},
		{1008, "\tType: BGP univ"},
		{1012, "\tBGP.origin: IGP"},
		{1012, "\tBGP.as_path: 64496 64496 64500"},
		{1007, "                     unicast [edge2 06:00:01.123] * (100) [AS64500i]"},
		{1012, "\tBGP.as_path: 64497 64500"},
		{1007, "                     unicast [edge3 06:00:01.123] (100) [AS64500i]"},
		{1012, "\tBGP.as_path: 64496 64500"},
		{0, ""},
	};
	struct survey_path path = HEAR(lines);

	assert_true(path.known);
	assert_string_equal(path.prefix, "192.0.2.0/24");
	assert_int_equal(path.origin, 64500);
	assert_int_equal(path.routes, 3);
	assert_int_equal(path.paths, 2);
	assert_string_equal(path.best, "64497 64500"); /* the one in use, not the first */
}

static void the_words_of_3_x_mean_the_same(void **state)
{
	static const struct said lines[] = {
		{1007, "2001:db8::/32        unicast [edge6 06:00:00.123] * (100) [AS64500i]"},
		{1012, "\tbgp_path: 64496 {64498 64500}"},
	};
	struct survey_path path = HEAR(lines);

	assert_true(path.known);
	assert_int_equal(path.origin, 64500);
	assert_string_equal(path.best, "64496 {64498 64500}");
}

static void a_default_route_knows_nothing(void **state)
{
	static const struct said lines[] = {
		{1007, "0.0.0.0/0            unicast [edge1 06:00:00.123] * (100) [AS64500i]"},
		{1012, "\tBGP.as_path: 64496 64500"},
	};

	assert_false(HEAR(lines).known);
}

static void a_route_without_as_path_or_no_route_knows_nothing(void **state)
{
	static const struct said plain[] = {
		{1007, "192.0.2.0/24         unicast [kernel1 06:00:00.123] * (10)"},
		{1008, "\tType: inherit univ"},
	};
	static const struct said none[] = {{8001, "Network not found"}};

	assert_false(HEAR(plain).known);
	assert_false(HEAR(none).known);
}

static void our_own_as_is_an_empty_path(void **state)
{
	static const struct said lines[] = {
		{1007, "192.0.2.0/24         unicast [rr1 06:00:00.123] * (100) [i]"},
		{1012, "\tBGP.as_path: "},
	};
	struct survey_path path = HEAR(lines);

	assert_true(path.known);
	assert_int_equal(path.origin, 0);
	assert_int_equal(path.paths, 1);
}

static void a_path_of_any_length_is_cut(void **state)
{
	char text[PATH_TEXT], from[4000];

	memset(from, '1', sizeof(from) - 1);
	from[sizeof(from) - 1] = '\0';
	for (size_t i = 5; i < sizeof(from) - 1; i += 6)
		from[i] = ' ';
	from[0] = '2';
	path_shorten(text, from);
	assert_true(strlen(text) < PATH_TEXT);
	memset(from, '7', sizeof(from) - 1);
	path_shorten(text, from);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_counted_once_however_often_prepended),
		cmocka_unit_test(the_words_of_3_x_mean_the_same),
		cmocka_unit_test(a_default_route_knows_nothing),
		cmocka_unit_test(a_route_without_as_path_or_no_route_knows_nothing),
		cmocka_unit_test(our_own_as_is_an_empty_path),
		cmocka_unit_test(a_path_of_any_length_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
