/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the oracle takes for a difference between two replies, and what it doesn't. */
#include "tests/oracle/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define AA 0x8400
#define NX 0x8403
#define TC 0x8600

/* A reply with records "SECTION RECORD", ended by NULL. */
static struct message message_of(uint16_t flags, const char *const lines[])
{
	struct message m = {.flags = flags};
	char error[200];

	for (; *lines; lines++) {
		int section = **lines - '1';

		if (records_add_text(&m.sections[section], *lines + 2, error, sizeof(error)))
			fail_msg("%s: %s", *lines, error);
	}
	for (int s = 0; s < SECTIONS; s++)
		records_sort(&m.sections[s]);
	return m;
}

#define REPLY(flags, ...) message_of(flags, (const char *const[]){__VA_ARGS__, NULL})

static unsigned compared(struct message a, struct message b, char text[COMPARE_TEXT])
{
	unsigned parts = message_compare(&a, &b, text);

	message_free(&a);
	message_free(&b);
	return parts;
}

static void order_and_case_are_free(void **state)
{
	char text[COMPARE_TEXT];

	assert_int_equal(
		compared(REPLY(AA, "1 www.example. 60 A 192.0.2.1", "1 www.example. 60 A 192.0.2.2",
				 "2 example. 60 NS ns.example."),
			REPLY(AA, "1 WWW.example. 60 A 192.0.2.2", "1 www.EXAMPLE. 60 A 192.0.2.1",
				"2 example. 60 NS NS.Example."),
			text),
		0);
	assert_string_equal(text, "");
}

static void each_part_is_seen(void **state)
{
	static const struct {
		uint16_t flags;
		const char *line;
		unsigned parts;
		const char *text;
	} cases[] = {
		{NX, "1 a.example. 60 A 192.0.2.1", COMPARE_RCODE, "rcode 3, not 0"},
		{0x8000, "1 a.example. 60 A 192.0.2.1", COMPARE_FLAGS, "-AA"},
		{0x8500, "1 a.example. 60 A 192.0.2.1", COMPARE_FLAGS, "+RD"},
		{AA, "1 a.example. 61 A 192.0.2.1", COMPARE_ANSWER, "answer ~A"},
		{AA, "1 a.example. 60 A 192.0.2.2", COMPARE_ANSWER, "answer ~A"},
		{AA, "1 b.example. 60 A 192.0.2.1", COMPARE_ANSWER, "answer ~A"},
		{AA, "2 a.example. 60 A 192.0.2.1", COMPARE_ANSWER | COMPARE_AUTHORITY,
			"answer -A; authority +A"},
		{AA, "3 a.example. 60 A 192.0.2.1", COMPARE_ANSWER | COMPARE_OPTIONAL,
			"answer -A; additional +A"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[COMPARE_TEXT];

		assert_int_equal(compared(REPLY(AA, "1 a.example. 60 A 192.0.2.1"),
					 REPLY(cases[i].flags, cases[i].line), text),
			cases[i].parts);
		assert_string_equal(text, cases[i].text);
	}
}

static void a_record_more_or_less_is_seen(void **state)
{
	char text[COMPARE_TEXT];

	assert_int_equal(
		compared(REPLY(AA, "1 a.example. 60 A 192.0.2.1"),
			REPLY(AA, "1 a.example. 60 A 192.0.2.1", "1 a.example. 60 A 192.0.2.1"),
			text),
		COMPARE_ANSWER);
	assert_string_equal(text, "answer +A");
}

static void signatures_are_named_by_what_they_cover(void **state)
{
	char text[COMPARE_TEXT];

	assert_int_equal(
		compared(REPLY(AA, "1 a.example. 60 A 192.0.2.1",
				 "1 a.example. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 "
				 "example. AAAA"),
			REPLY(AA, "1 a.example. 60 A 192.0.2.1"), text),
		COMPARE_ANSWER);
	assert_string_equal(text, "answer -RRSIG(A)");
}

static void glue_inside_the_cut_is_required_and_other_addresses_are_not(void **state)
{
	char text[COMPARE_TEXT];

	assert_int_equal(compared(REPLY(0x8000, "2 sub.example. 60 NS ns.SUB.example.",
					  "3 ns.sub.example. 60 A 192.0.2.1"),
				 REPLY(0x8000, "2 sub.example. 60 NS ns.sub.example."), text),
		COMPARE_GLUE);
	assert_int_equal(compared(REPLY(0x8000, "2 sub.example. 60 NS ns.example.",
					  "3 ns.example. 60 A 192.0.2.1"),
				 REPLY(0x8000, "2 sub.example. 60 NS ns.example."), text),
		COMPARE_OPTIONAL);
	assert_int_equal(
		compared(REPLY(AA, "1 example. 60 NS ns.example.", "3 ns.example. 60 A 192.0.2.1"),
			REPLY(AA, "1 example. 60 NS ns.example."), text),
		COMPARE_OPTIONAL);
}

static void what_a_truncated_reply_holds_is_free_but_not_that_it_is_one(void **state)
{
	char text[COMPARE_TEXT];

	assert_int_equal(compared(REPLY(TC, "1 a.example. 60 A 192.0.2.1"),
				 REPLY(TC, "2 example. 60 NS ns.example."), text),
		0);
	assert_int_equal(compared(REPLY(TC, "1 a.example. 60 A 192.0.2.1"),
				 REPLY(AA, "1 a.example. 60 A 192.0.2.1"), text),
		COMPARE_FLAGS);
}

static void silence_differs_from_any_reply(void **state)
{
	struct message m = REPLY(AA, "1 a.example. 60 A 192.0.2.1");
	char text[COMPARE_TEXT];

	assert_int_equal(message_compare(NULL, &m, text), COMPARE_NONE);
	assert_int_equal(message_compare(&m, NULL, text), COMPARE_NONE);
	assert_int_equal(message_compare(NULL, NULL, text), 0);
	message_free(&m);
}

/* An OPT with these options. */
static struct message opt_of(uint16_t size, uint32_t ttl, const char *options, uint16_t octets)
{
	struct message m = {
		.flags = AA, .opt = true, .opt_size = size, .opt_ttl = ttl, .opt_octets = octets};

	memcpy(m.opt_options, options, octets);
	return m;
}

static void every_field_of_an_opt_counts_but_a_cookies_octets(void **state)
{
	static const char nsid[] = "\0\3\0\1a", other[] = "\0\3\0\1b", cookie[] = "\0\12\0\2ab",
			  cookie2[] = "\0\12\0\2cd";
	struct message none = {.flags = AA}, plain = opt_of(1232, 0, "", 0);
	const struct message others[] = {none, opt_of(1231, 0, "", 0), opt_of(1232, 0x8000, "", 0),
		opt_of(1232, 0, nsid, 5)};
	struct message a = opt_of(1232, 0, nsid, 5), b = opt_of(1232, 0, other, 5),
		       c = opt_of(1232, 0, cookie, 6), d = opt_of(1232, 0, cookie2, 6);
	char text[COMPARE_TEXT];

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(message_compare(&plain, &others[i], text), COMPARE_EDNS);
	assert_int_equal(message_compare(&a, &b, text), COMPARE_EDNS);
	assert_int_equal(message_compare(&c, &d, text), 0);
	assert_int_equal(message_compare(&a, &c, text), COMPARE_EDNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_case_are_free),
		cmocka_unit_test(each_part_is_seen),
		cmocka_unit_test(a_record_more_or_less_is_seen),
		cmocka_unit_test(signatures_are_named_by_what_they_cover),
		cmocka_unit_test(glue_inside_the_cut_is_required_and_other_addresses_are_not),
		cmocka_unit_test(what_a_truncated_reply_holds_is_free_but_not_that_it_is_one),
		cmocka_unit_test(silence_differs_from_any_reply),
		cmocka_unit_test(every_field_of_an_opt_counts_but_a_cookies_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
