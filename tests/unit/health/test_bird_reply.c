/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The framing of BIRD's replies and the meaning of its lines. No I/O.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "control/health/bird_reply.h"
#include "control/health/bird_show.h"

/* All lines of a stream as "kind code text\n"; the stream is cut into two
 * pieces at `cut`. Returns 0 or the reader's error. */
static int render(const char *stream, size_t len, size_t cut, char *out, size_t size)
{
	struct bird_reader reader;
	struct bird_line line;
	size_t at = 0, used, n = 0;
	int r;

	bird_reader_reset(&reader);
	out[0] = '\0';
	while (at < len) {
		size_t piece = at < cut ? cut - at : len - at;

		r = bird_reader_push(&reader, stream + at, piece, &used, &line);
		if (r < 0)
			return r;
		at += used;
		if (r == 0)
			continue;
		n += (size_t)snprintf(
			out + n, size - n, "%d %d %s\n", (int)line.kind, line.code, line.text);
		assert_int_equal(strlen(line.text), line.len);
	}
	return 0;
}

static const char session[] = "0001 BIRD 2.0.12 ready.\n"
			      "1007-Table master4:\n"
			      " 203.0.113.0/24       blackhole [anycast4 22:55:49.253] * (200)\n"
			      "+bird: <INFO> something happened\n"
			      " \tvia 192.0.2.1 on v0\n"
			      "0000 \n"
			      "8003 No protocols match\n"
			      "0009-anycast4: disabled\n"
			      "+\n"
			      "0000 \n";

static void every_split_of_a_session_gives_the_same_lines(void **state)
{
	char whole[2048], cut[2048];

	assert_int_equal(render(session, sizeof session - 1, 0, whole, sizeof whole), 0);
	assert_string_equal(whole,
		"1 1 BIRD 2.0.12 ready.\n"
		"0 1007 Table master4:\n"
		"0 1007 203.0.113.0/24       blackhole [anycast4 22:55:49.253] * (200)\n"
		"2 -1 bird: <INFO> something happened\n"
		"0 1007 \tvia 192.0.2.1 on v0\n"
		"1 0 \n"
		"1 8003 No protocols match\n"
		"0 9 anycast4: disabled\n"
		"2 -1 \n"
		"1 0 \n");
	for (size_t i = 1; i < sizeof session - 1; i++) {
		assert_int_equal(render(session, sizeof session - 1, i, cut, sizeof cut), 0);
		assert_string_equal(cut, whole);
	}
}

static void what_is_not_the_protocol_is_refused_for_good(void **state)
{
	static const char *const bad[] = {
		"SSH-2.0-OpenSSH\n",
		"\n",
		"000\n",
		"0000\n",
		"00a0 x\n",
		"0000:x\n",
		" continuation of nothing\n",
		"0000 \n continuation of a finished reply\n",
		"-001 x\n",
	};
	char out[256];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(render(bad[i], strlen(bad[i]), 0, out, sizeof out), -EBADMSG);
	assert_int_equal(render("0000 a\0b\n", 9, 0, out, sizeof out), -EBADMSG);

	struct bird_reader reader;
	struct bird_line line;
	size_t used;

	bird_reader_reset(&reader);
	assert_int_equal(bird_reader_push(&reader, "x\n", 2, &used, &line), -EBADMSG);
	assert_int_equal(bird_reader_push(&reader, "0000 \n", 6, &used, &line), -EBADMSG);
	bird_reader_reset(&reader);
	assert_int_equal(bird_reader_push(&reader, "0000 \n", 6, &used, &line), 1);
}

static void a_line_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
	char *stream = malloc(BIRD_LINE_MAX + 2), out[BIRD_LINE_MAX + 64];

	memset(stream, 'x', BIRD_LINE_MAX + 2);
	memcpy(stream, "0000 ", 5);
	stream[BIRD_LINE_MAX] = '\n';
	for (size_t cut = 0; cut < 3; cut++)
		assert_int_equal(render(stream, BIRD_LINE_MAX + 1, cut * 2000, out, sizeof out), 0);
	stream[BIRD_LINE_MAX] = 'x';
	stream[BIRD_LINE_MAX + 1] = '\n';
	for (size_t cut = 0; cut < 3; cut++)
		assert_int_equal(
			render(stream, BIRD_LINE_MAX + 2, cut * 2000, out, sizeof out), -EBADMSG);
	/* Nor may one without an end. */
	stream[BIRD_LINE_MAX + 1] = 'x';
	assert_int_equal(render(stream, BIRD_LINE_MAX + 2, 4096, out, sizeof out), -EBADMSG);
	free(stream);
}

static void control_characters_never_reach_a_terminal(void **state)
{
	char out[256];

	assert_int_equal(render("0000 a\033[2Jb\177\r\n", 14, 0, out, sizeof out), 0);
	assert_string_equal(out, "1 0 a?[2Jb??\n");
}

static void only_canonical_prefixes_are_prefixes(void **state)
{
	static const char *const good[] = {"203.0.113.0/24", "0.0.0.0/0", "192.0.2.1/32",
		"2001:db8:53::/48", "::/0", "2001:db8::1/128"};
	static const char *const bad[] = {"203.0.113.0", "203.0.113.0/", "203.0.113.0/33",
		"203.0.113.1/24", "2001:db8::/129", "2001:db8::1/64", "/24", "x/24",
		"203.0.113.0/2 4", "203.0.113.0/-1", "203.0.113.0/99999999999",
		"1:2:3:4:5:6:7:8:9:1:2:3:4:5:6:7:8:9:1:2:3:4:5:6/64"};
	struct bird_prefix prefix;
	char text[BIRD_PREFIX_TEXT];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(bird_prefix_parse(&prefix, good[i]), 0);
		bird_prefix_format(&prefix, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(bird_prefix_parse(&prefix, bad[i]), -EINVAL);
}

static void a_prefix_holds_its_addresses_and_no_others(void **state)
{
	struct bird_prefix prefix;
	uint8_t addr[16];

	assert_int_equal(bird_prefix_parse(&prefix, "203.0.112.0/23"), 0);
	inet_pton(AF_INET, "203.0.113.53", addr);
	assert_true(bird_prefix_holds(&prefix, AF_INET, addr));
	inet_pton(AF_INET, "203.0.114.0", addr);
	assert_false(bird_prefix_holds(&prefix, AF_INET, addr));
	assert_false(bird_prefix_holds(&prefix, AF_INET6, addr));
	assert_int_equal(bird_prefix_parse(&prefix, "2001:db8:53::/48"), 0);
	inet_pton(AF_INET6, "2001:db8:53:ffff::1", addr);
	assert_true(bird_prefix_holds(&prefix, AF_INET6, addr));
	inet_pton(AF_INET6, "2001:db8:54::1", addr);
	assert_false(bird_prefix_holds(&prefix, AF_INET6, addr));
	assert_int_equal(bird_prefix_parse(&prefix, "::/0"), 0);
	assert_true(bird_prefix_holds(&prefix, AF_INET6, addr));
}

static void names_can_neither_leave_the_directory_nor_the_quotes(void **state)
{
	static const char *const good[] = {"edge1", "anycast4_drain", "_x", "a-b.c:d"};
	static const char *const bad[] = {"", ".", "..", "../x", "a/b", "a b", "a\"b", "a'b", "a*",
		"1a", "-a", "a\nb", "a;b", "a\xc3\xa4"};
	char longest[BIRD_NAME_MAX + 1];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(bird_name_valid(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(bird_name_valid(bad[i]));
	memset(longest, 'a', sizeof longest);
	longest[BIRD_NAME_MAX] = '\0';
	assert_false(bird_name_valid(longest));
	longest[BIRD_NAME_MAX - 1] = '\0';
	assert_true(bird_name_valid(longest));
}

static void a_route_counts_only_with_its_prefix_in_front(void **state)
{
	struct bird_prefix prefix;
	char from[BIRD_NAME_MAX];

	bird_prefix_parse(&prefix, "203.0.113.0/24");
	assert_int_equal(
		bird_route_parse(from, "203.0.113.0/24       blackhole [anycast4 22:55:49] * (200)",
			&prefix),
		0);
	assert_string_equal(from, "anycast4");
	assert_int_equal(
		bird_route_parse(from,
			"203.0.113.0/24       unicast [edge2 2026-11-22] * (100) [AS64496i]",
			&prefix),
		0);
	assert_string_equal(from, "edge2");
	assert_int_equal(bird_route_parse(from, "Table master4:", &prefix), -ENOENT);
	assert_int_equal(
		bird_route_parse(from, "203.0.113.0/25 blackhole [x 1]", &prefix), -ENOENT);
	assert_int_equal(
		bird_route_parse(from, "203.0.113.0/240 blackhole [x 1]", &prefix), -ENOENT);
	assert_int_equal(bird_route_parse(from, "\tvia 192.0.2.1 on v0", &prefix), -ENOENT);
	assert_int_equal(bird_route_parse(from, "", &prefix), -ENOENT);
	assert_int_equal(bird_route_parse(from, "203.0.113.0/24 blackhole", &prefix), -EBADMSG);
	assert_int_equal(bird_route_parse(from, "203.0.113.0/24 blackhole []", &prefix), -EBADMSG);
	bird_prefix_parse(&prefix, "2001:db8:53::/48");
	assert_int_equal(
		bird_route_parse(from, "2001:DB8:53:0::/48 blackhole [anycast6 x]", &prefix), 0);
}

static void a_protocol_line_gives_name_and_state(void **state)
{
	struct bird_protocol_line line;

	assert_int_equal(bird_protocol_parse(&line,
				 "anycast4_drain Static     master4    down   22:54:10.556  "),
		0);
	assert_string_equal(line.name, "anycast4_drain");
	assert_false(line.up);
	assert_int_equal(bird_protocol_parse(&line, "edge1      BGP        ---        up     "
						    "2026-11-22 22:55:26  Established   "),
		0);
	assert_true(line.up && line.established);
	assert_int_equal(bird_protocol_parse(&line, "edge1 BGP --- start 22:55 Active"), 0);
	assert_true(line.up && !line.established);
	assert_int_equal(bird_protocol_parse(&line, "edge1 BGP --- sideways 22:55"), -EBADMSG);
	assert_int_equal(bird_protocol_parse(&line, "edge1 BGP"), -EBADMSG);
	assert_int_equal(bird_protocol_parse(&line, "  BGP state: up up"), -EBADMSG);
	assert_int_equal(bird_protocol_parse(&line, ""), -EBADMSG);
}

static void only_bird_greets(void **state)
{
	char version[32];

	assert_int_equal(bird_version_parse(version, "BIRD 2.0.12 ready."), 0);
	assert_string_equal(version, "2.0.12");
	assert_int_equal(bird_version_parse(version, "BIRD v3.1.0-12-gabc ready."), 0);
	assert_int_equal(bird_version_parse(version, "FRR 9 ready."), -EBADMSG);
	assert_int_equal(bird_version_parse(version, "BIRD "), -EBADMSG);
	assert_int_equal(
		bird_version_parse(version, "BIRD 2222222222222222222222222222222222222222 ready."),
		-EBADMSG);
}

static void dates_are_read_in_the_default_format_only(void **state)
{
	int64_t boot, configured;
	bool reboot;

	assert_int_equal(
		bird_date_parse("Last reboot on 2026-11-22 22:55:25.891", &reboot, &boot), 1);
	assert_true(reboot);
	assert_int_equal(bird_date_parse("Last reconfiguration on 2026-11-23 00:00:01.001", &reboot,
				 &configured),
		1);
	assert_false(reboot);
	assert_int_equal(configured - boot, (3600 + 4 * 60 + 35) * 1000 + 110);
	assert_int_equal(bird_date_parse("Last reconfiguration on 23 Nov", &reboot, &boot), 0);
	assert_int_equal(bird_date_parse("Router ID is 192.0.2.1", &reboot, &boot), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_of_a_session_gives_the_same_lines),
		cmocka_unit_test(what_is_not_the_protocol_is_refused_for_good),
		cmocka_unit_test(a_line_may_be_as_long_as_the_limit_and_no_longer),
		cmocka_unit_test(control_characters_never_reach_a_terminal),
		cmocka_unit_test(only_canonical_prefixes_are_prefixes),
		cmocka_unit_test(a_prefix_holds_its_addresses_and_no_others),
		cmocka_unit_test(names_can_neither_leave_the_directory_nor_the_quotes),
		cmocka_unit_test(a_route_counts_only_with_its_prefix_in_front),
		cmocka_unit_test(a_protocol_line_gives_name_and_state),
		cmocka_unit_test(only_bird_greets),
		cmocka_unit_test(dates_are_read_in_the_default_format_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
