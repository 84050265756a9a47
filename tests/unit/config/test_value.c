/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: text in, typed value out, or a refusal; and back to text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/config_value.h"

static void durations_carry_units_and_add_up(void **state)
{
	static const struct {
		const char *text;
		uint64_t us;
	} good[] = {
		{"100ms", 100000},
		{"1s", 1000000},
		{"5m", 300000000},
		{"2h", UINT64_C(7200000000)},
		{"1d", UINT64_C(86400000000)},
		{"1h30m", UINT64_C(5400000000)},
		{"1m500ms", 60500000},
		{"0s", 0},
		{"250us", 250},
	};
	static const char *const bad[] = {"", "1", "s", "1 s", " 1s", "1s ", "-1s", "1.5s", "1S",
		"1min", "30m1h", "1s1s", "300000000000d", "18446744073709551616us"};
	struct duration value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(duration_parse(good[i].text, &value));
		assert_int_equal(value.us, good[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(duration_parse(bad[i], &value));
}

static void duration_text_is_exact(void **state)
{
	static const char *const texts[] = {
		"100ms", "1500ms", "90s", "1m", "1h", "36h", "2d", "1us", "0s"};
	struct duration value;
	char text[VALUE_TEXT];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_null(duration_parse(texts[i], &value));
		assert_string_equal(duration_text(value, text), texts[i]);
	}
}

static void sizes_carry_units(void **state)
{
	char text[VALUE_TEXT];
	uint64_t value;

	assert_null(size_parse("2GiB", &value));
	assert_int_equal(value, UINT64_C(2) << 30);
	assert_string_equal(size_text(value, text), "2GiB");
	assert_null(size_parse("1GB", &value));
	assert_int_equal(value, 1000000000);
	assert_null(size_parse("1500B", &value));
	assert_int_equal(value, 1500);
	assert_string_equal(size_text(value, text), "1500B");
	assert_non_null(size_parse("2G", &value));
	assert_non_null(size_parse("1024", &value));
	assert_non_null(size_parse("99999999TiB", &value));
}

static void prefixes_refuse_host_bits_and_bad_lengths(void **state)
{
	struct prefix prefix;
	char text[VALUE_TEXT];

	assert_null(prefix_parse("203.0.113.0/24", &prefix));
	assert_string_equal(prefix_text(&prefix, text), "203.0.113.0/24");
	assert_null(prefix_parse("2001:db8:53::/48", &prefix));
	assert_null(prefix_parse("0.0.0.0/0", &prefix));
	assert_null(prefix_parse("192.0.2.1/32", &prefix));
	assert_non_null(prefix_parse("203.0.113.1/24", &prefix));
	assert_non_null(prefix_parse("203.0.113.0/33", &prefix));
	assert_non_null(prefix_parse("2001:db8::/129", &prefix));
	assert_non_null(prefix_parse("203.0.113.0/", &prefix));
	assert_non_null(prefix_parse("203.0.113.0", &prefix));
	assert_non_null(prefix_parse("/24", &prefix));
}

static void prefix_holds_by_bits_and_family(void **state)
{
	struct prefix prefix;
	struct address in, out, other;

	prefix_parse("192.0.2.128/25", &prefix);
	address_parse("192.0.2.129", &in);
	address_parse("192.0.2.127", &out);
	address_parse("2001:db8::1", &other);
	assert_true(prefix_holds(&prefix, &in));
	assert_false(prefix_holds(&prefix, &out));
	assert_false(prefix_holds(&prefix, &other));
}

static void endpoints_need_brackets_around_ipv6(void **state)
{
	struct endpoint endpoint;
	char text[VALUE_TEXT];

	assert_null(endpoint_parse("127.0.0.1:9953", &endpoint));
	assert_string_equal(endpoint_text(&endpoint, text), "127.0.0.1:9953");
	assert_null(endpoint_parse("[2001:db8:1:2:3:4:5:6]:65535", &endpoint));
	assert_string_equal(endpoint_text(&endpoint, text), "[2001:db8:1:2:3:4:5:6]:65535");
	assert_non_null(endpoint_parse("::1:9953", &endpoint));
	assert_non_null(endpoint_parse("[127.0.0.1]:53", &endpoint));
	assert_non_null(endpoint_parse("127.0.0.1:0", &endpoint));
	assert_non_null(endpoint_parse("127.0.0.1:65536", &endpoint));
	assert_non_null(endpoint_parse("9953", &endpoint));
}

static void domain_good(const char *text, const char *expected)
{
	struct domain domain;

	assert_null(domain_parse(text, &domain));
	assert_string_equal(domain.text, expected);
	domain_free(&domain);
}

static void domains_are_checked_as_rfc1035_says(void **state)
{
	char label[65], longest[300] = "";
	struct domain domain;

	domain_good("Example.COM.", "example.com");
	domain_good(".", ".");
	domain_good("_dmarc.example", "_dmarc.example");
	domain_good("a\\.b.example", "a\\.b.example");
	domain_good("xn--nxasmq6b", "xn--nxasmq6b");

	memset(label, 'a', 63);
	label[63] = '\0';
	domain_good(label, label);
	label[63] = 'a';
	label[64] = '\0';
	assert_non_null(domain_parse(label, &domain));
	for (int i = 0; i < 128; i++)
		strcat(longest, "a.");
	assert_non_null(domain_parse(longest, &domain)); /* 257 octets */
	longest[strlen(longest) - 2] = '\0';
	domain_good(longest, (longest[strlen(longest) - 1] = '\0', longest)); /* 255 octets */

	assert_non_null(domain_parse("", &domain));
	assert_non_null(domain_parse("..", &domain));
	assert_non_null(domain_parse(".a", &domain));
	assert_non_null(domain_parse("a..b", &domain));
	assert_non_null(domain_parse("a..", &domain));
	assert_non_null(domain_parse("a b", &domain));
	assert_non_null(domain_parse("b\xc3\xbc", &domain));
	assert_non_null(domain_parse("a\\", &domain));
}

static void domain_within_counts_labels(void **state)
{
	struct domain zone, below, beside;

	domain_parse("example.com", &zone);
	domain_parse("www.example.com", &below);
	domain_parse("badexample.com", &beside);
	assert_true(domain_within(&zone, &zone));
	assert_true(domain_within(&below, &zone));
	assert_false(domain_within(&beside, &zone));
	assert_false(domain_within(&zone, &below));
	domain_free(&zone);
	domain_free(&below);
	domain_free(&beside);
}

static void rrtypes_have_names_and_numbers(void **state)
{
	uint16_t type;

	assert_null(rrtype_parse("SOA", &type));
	assert_int_equal(type, 6);
	assert_null(rrtype_parse("TYPE65280", &type));
	assert_int_equal(type, 65280);
	assert_non_null(rrtype_parse("", &type));
	assert_non_null(rrtype_parse("SOAP", &type));
	assert_non_null(rrtype_parse("TYPE65536", &type));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_carry_units_and_add_up),
		cmocka_unit_test(duration_text_is_exact),
		cmocka_unit_test(sizes_carry_units),
		cmocka_unit_test(prefixes_refuse_host_bits_and_bad_lengths),
		cmocka_unit_test(prefix_holds_by_bits_and_family),
		cmocka_unit_test(endpoints_need_brackets_around_ipv6),
		cmocka_unit_test(domains_are_checked_as_rfc1035_says),
		cmocka_unit_test(domain_within_counts_labels),
		cmocka_unit_test(rrtypes_have_names_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
