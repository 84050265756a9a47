/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration: good files in, values out; bad files in, one error with
 * its exact place and text. Needs no root and opens no file but the samples.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/config.h"
#include "control/config_show.h"

/* The least that works; tests replace or add lines. */
#define HEAD  "version: 1\nservice: {addresses: [192.0.2.53]}\n"
#define REST  "interfaces: [{name: eth0}]\nzones: [{name: example.com}]\n"
#define GOOD  HEAD REST
#define ROUTE "routing: {prefixes: [{prefix: 192.0.2.0/24, protocol: a4, peers: [e1]}]}\n"

static struct config *parse(const char *text)
{
	struct config_error error;
	struct config *config;
	int r = config_parse(text, strlen(text), &config, &error);

	if (r < 0)
		fail_msg("%u:%u: %s", error.place.line, error.place.column, error.message);
	assert_non_null(config);
	return config;
}

static struct config *read_sample(const char *path)
{
	struct config_error error;
	struct config *config;

	if (config_read(path, &config, &error) < 0)
		fail_msg("%s:%u:%u: %s", path, error.place.line, error.place.column, error.message);
	return config;
}

static void smallest_file_takes_every_default(void **state)
{
	struct config *c = parse(GOOD);
	size_t count;

	assert_string_equal(c->instance, "default");
	assert_null(c->node.name);
	assert_int_equal(c->local_server.address.family, AF_INET);
	assert_int_equal(c->local_server.port, 53);
	assert_true(c->fastpath.required);
	assert_int_equal(c->fastpath.memory, UINT64_C(2) << 30);
	assert_int_equal(c->fastpath.max_udp_size, 1232);
	assert_int_equal(c->fastpath.lease.us, 60000000);
	assert_int_equal(c->fastpath.lease_end, CONFIG_LEASE_END_PASS);
	assert_int_equal(c->fastpath.reply, CONFIG_REPLY_SOURCE_MAC);
	assert_int_equal(c->interfaces[0].mode, CONFIG_XDP_AUTO);
	assert_int_equal(c->health.interval.us, 100000);
	assert_int_equal(c->health.timeout.us, 75000);
	assert_int_equal(c->health.fail, 3);
	assert_int_equal(c->health.rise, 5);
	assert_int_equal(c->zones[0].max_lag.us, 1000000);
	assert_null(c->zones[0].key.text);
	assert_int_equal(c->routing.on_daemon_death, CONFIG_DEATH_HOLD);
	assert_string_equal(c->routing.bird.socket, "/run/bird/bird.ctl");
	assert_string_equal(c->control.socket, "/run/anode/control.sock");
	assert_int_equal(c->metrics.listen.port, 0);
	assert_int_equal(c->log.level, CONFIG_LOG_INFO);
	assert_string_equal(config_required_zones(c, &count)->text, "example.com");
	assert_int_equal(count, 1);
	config_free(c);
}

static void sample_check(struct config *c)
{
	static const uint8_t wire[] = "\7example\3com";
	char text[VALUE_TEXT];

	assert_string_equal(c->node.name, "ams1");
	assert_int_equal(c->service.addresses_count, 2);
	assert_string_equal(address_text(&c->service.addresses[1], text), "2001:db8:53::53");
	assert_string_equal(c->interfaces[0].name, "ens1f0");
	assert_string_equal(c->local_server.unit, "nsd.service");
	assert_int_equal(c->local_server.source_count, 2);
	assert_string_equal(c->keys[0].secret_file, "/etc/anode/mirror.key");
	assert_int_equal(c->zones[0].name.wire_length, sizeof(wire));
	assert_memory_equal(c->zones[0].name.wire, wire, sizeof(wire));
	assert_ptr_equal(config_zone_key(c, &c->zones[0]), &c->keys[0]);
	assert_string_equal(c->fastpath.nsid, "ams1");
	assert_int_equal(c->health.checks_count, 2);
	assert_int_equal(c->health.checks[0].type, CONFIG_CHECK_UDP);
	assert_int_equal(c->health.checks[0].qtype, 6);
	assert_string_equal(c->health.checks[0].expect.rdata_contains, "ns1.example.com");
	assert_int_equal(c->health.checks[1].severity, CONFIG_DEGRADE);
	assert_int_equal(c->routing.prefixes_count, 2);
	assert_string_equal(prefix_text(&c->routing.prefixes[1].prefix, text), "2001:db8:53::/48");
	assert_string_equal(c->routing.prefixes[0].drain_protocol, "anycast4_drain");
	assert_string_equal(c->routing.prefixes[0].peers[0], "edge1");
	assert_string_equal(endpoint_text(&c->metrics.listen, text), "127.0.0.1:9953");
}

static void operators_sample_parses(void **state)
{
	struct config *c = read_sample(SAMPLES "/operator.yaml");
	char doubts[CONFIG_DOUBTS][CONFIG_DOUBT_TEXT];

	sample_check(c);
	assert_string_equal(c->fastpath.cookie_secret_file, "/etc/anode/cookie.secret");
	assert_string_equal(c->zones[1].match, "*.customers.example");
	assert_int_equal(config_doubts(c, doubts, CONFIG_DOUBTS), 1);
	assert_int_equal(strncmp(doubts[0], "zones[1].match: *.customers.example", 35), 0);
	config_free(c);
}

static void shipped_example_parses(void **state)
{
	struct config *c = read_sample(EXAMPLE);

	sample_check(c);
	config_free(c);
}

static void names_fold_and_lose_the_last_dot(void **state)
{
	struct config *c = parse(HEAD "interfaces: [{name: eth0}]\nzones: [{name: ExAmple.COM.}, "
				      "{name: .}]\n");

	assert_string_equal(c->zones[0].name.text, "example.com");
	assert_string_equal(c->zones[1].name.text, ".");
	assert_int_equal(c->zones[1].name.wire_length, 1);
	config_free(c);
}

struct bad {
	const char *text;
	uint32_t line, column;
	const char *message;
};

static const struct bad bad_files[] = {
	/* Form. */
	{"", 1, 1, "the file must hold keys and values, as in \"version: 1\""},
	{"- a\n", 1, 1, "the file must hold keys and values, as in \"version: 1\""},
	{GOOD "log: {level: info\n", 5, 18, "not YAML: missing comma in flow mapping"},
	{GOOD "zones: []\n", 5, 1, "\"zones\" stands twice, first in line 4"},
	{GOOD "log: &a {level: info}\n", 5, 9, "anchors (&) have no place here"},
	{GOOD "log: !x {level: info}\n", 5, 9, "tags (!) have no place here"},
	{GOOD "log: *a\n", 5, 6,
		"aliases (*) have no place here; quote the text if it is meant to begin with *"},
	{GOOD "---\nversion: 1\n", 5, 1, "a second document"},
	{GOOD "log: [[[[[[[[[]]]]]]]]]\n", 5, 13, "nested too deep"},
	{GOOD "log: {level info]\n", 5, 17, "not YAML: mismatched flow sequence end"},
	{GOOD "node: {name: \"\xff\"}\n", 5, 15, "not UTF-8"},
	{GOOD "node: {name: \"\xed\xa0\x80\"}\n", 5, 15, "not UTF-8"},
	{GOOD "node: {name: a\1}\n", 5, 15, "a control character"},
	{GOOD "node: {name: \"a\\n\"}\n", 5, 14, "node.name: holds a control character"},
	{GOOD "{a: b}: c\n", 5, 1, "a key must be a word"},
	/* Keys. */
	{GOOD "colour: red\n", 5, 1, "unknown key \"colour\""},
	{GOOD "helath: {}\n", 5, 1, "unknown key \"helath\", did you mean \"health\"?"},
	{GOOD "health: {intervall: 1s}\n", 5, 10,
		"unknown key \"intervall\" in health, did you mean \"interval\"?"},
	{HEAD "zones: [{name: a}]\ninterfaces:\n  - {name: eth0, mod: auto}\n", 5, 18,
		"unknown key \"mod\" in interfaces[0], did you mean \"mode\"?"},
	{"service: {addresses: [192.0.2.53]}\n" REST, 1, 1, "version: is missing"},
	{"version: 1\nservice: {}\n" REST, 2, 1, "service.addresses: is missing"},
	{"version: 1\n" REST, 1, 1, "service.addresses: is missing"},
	{HEAD "interfaces: [{mode: auto}]\nzones: [{name: a}]\n", 3, 14,
		"interfaces[0].name: is missing"},
	{HEAD "interfaces: [{name: eth0}]\n", 1, 1, "zones: is missing"},
	/* Kinds of values. */
	{"version: 2\nservice: {addresses: [192.0.2.53]}\n" REST, 1, 10, "version: must be 1"},
	{GOOD "log: info\n", 5, 6, "log: must hold keys and values"},
	{GOOD "log: {level: [info]}\n", 5, 14, "log.level: must be one value"},
	{GOOD "log: {level: }\n", 5, 7,
		"log.level: has no value; leave the key out for its default"},
	{"version: 1\nservice: {addresses: 192.0.2.53}\n" REST, 2, 22,
		"service.addresses: must be a list, as in [a, b]"},
	{"version: 1\nservice: {addresses: []}\n" REST, 2, 22,
		"service.addresses: must have at least one item"},
	{"version: 1\nservice: {addresses: [192.0.2.300]}\n" REST, 2, 23,
		"service.addresses[0]: not an IPv4 or IPv6 address"},
	{GOOD "health: {interval: 100}\n", 5, 20,
		"health.interval: a duration needs a unit, as in 100ms, 5s, 1m, 2h, 1d"},
	{GOOD "health: {interval: 1ms}\n", 5, 20, "health.interval: must be between 10ms and 1h"},
	{GOOD "fastpath: {memory: 2000000000}\n", 5, 20,
		"fastpath.memory: a size needs a unit, as in 512MiB, 2GiB"},
	{GOOD "fastpath: {memory: 1MiB}\n", 5, 20,
		"fastpath.memory: must be between 16MiB and 32GiB"},
	{GOOD "fastpath: {max_udp_size: 5000}\n", 5, 26,
		"fastpath.max_udp_size: must be between 512 and 4096"},
	{GOOD "fastpath: {max_udp_size: big}\n", 5, 26,
		"fastpath.max_udp_size: not a whole number"},
	{GOOD "health: {zones_failed: 50}\n", 5, 24, "health.zones_failed: not a share, as in 50%"},
	{GOOD "health: {zones_failed: 0%}\n", 5, 24,
		"health.zones_failed: must be between 1 and 100"},
	{GOOD "fastpath: {required: perhaps}\n", 5, 22,
		"fastpath.required: neither true nor false"},
	{GOOD "fastpath: {reply: fip}\n", 5, 19,
		"fastpath.reply: \"fip\" is none of source-mac, fib; did you mean \"fib\"?"},
	{GOOD "control: {socket: run/x}\n", 5, 19, "control.socket: must be an absolute path"},
	{GOOD "instance: a/b\n", 5, 11, "instance: has letters that can't stand there"},
	{GOOD "metrics: {listen: 127.0.0.1}\n", 5, 19,
		"metrics.listen: not an address with a port, as in 127.0.0.1:9953 or [::1]:9953"},
	{HEAD "interfaces: [{name: averyverylongname}]\nzones: [{name: a}]\n", 3, 21,
		"interfaces[0].name: must have 1 to 15 characters, has 17"},
	{HEAD "interfaces: [{name: eth0}]\nzones: [{name: a..b}]\n", 4, 16,
		"zones[0].name: not a domain name (RFC 1035: labels of 1 to 63 octets, 255 in "
		"all)"},
	{HEAD "interfaces: [{name: eth0}]\nzones: [{match: customers.example}]\n", 4, 17,
		"zones[0].match: a match is *.SUFFIX, as in *.customers.example"},
	{GOOD "health: {checks: [{type: udp, name: a, qtype: SOAP}]}\n", 5, 47,
		"health.checks[0].qtype: not a record type, as in SOA, A or TYPE65280"},
	{GOOD "routing: {prefixes: [{prefix: 192.0.2.1/24, protocol: a, peers: [b]}]}\n", 5, 31,
		"routing.prefixes[0].prefix: bits beyond the prefix length are set"},
	{GOOD "routing: {prefixes: [{prefix: 192.0.2.0, protocol: a, peers: [b]}]}\n", 5, 31,
		"routing.prefixes[0].prefix: not a prefix, as in 203.0.113.0/24 or "
		"2001:db8:53::/48"},
	{GOOD "routing: {prefixes: [{prefix: 192.0.2.0/24, protocol: \"a b\", peers: [c]}]}\n", 5,
		55, "routing.prefixes[0].protocol: has letters that can't stand there"},
	/* What doesn't fit together. */
	{"version: 1\nservice:\n  addresses: [192.0.2.53, 192.0.2.54, 192.0.2.53]\n" REST, 3, 39,
		"service.addresses[2]: 192.0.2.53 stands twice, first in service.addresses[0]"},
	{"version: 1\nservice: {addresses: [127.0.0.53]}\n" REST, 2, 23,
		"service.addresses[0]: 127.0.0.53 is a loopback address; the service address is "
		"the "
		"anycast one"},
	{"version: 1\nservice: {addresses: [\"ff02::1\"]}\n" REST, 2, 23,
		"service.addresses[0]: ff02::1 is not a unicast address"},
	{GOOD "local_server: {address: 192.0.2.53}\n", 5, 25,
		"local_server.address: 192.0.2.53 is a service address; probes and transfers need "
		"an "
		"address of the server's own"},
	{GOOD "local_server: {source: [192.0.2.53]}\n", 5, 25,
		"local_server.source[0]: 192.0.2.53 is a service address"},
	{GOOD "local_server: {source: [127.0.0.1, 127.0.0.2]}\n", 5, 36,
		"local_server.source[1]: a second source of this family; one each"},
	{HEAD "interfaces: [{name: eth0, engine: dpdk}]\nzones: [{name: a}]\n", 3, 35,
		"interfaces[0].engine: this build has no DPDK engine"},
	{HEAD "interfaces:\n  - {name: eth0}\n  - {name: eth0}\nzones: [{name: a}]\n", 5, 12,
		"interfaces[1].name: eth0 stands twice, first in interfaces[0].name"},
	{HEAD "interfaces: [{name: eth0}]\nzones:\n  - name: a\n  - name: b\n  - name: A.\n", 7, 11,
		"zones[2].name: a stands twice, first in zones[0].name"},
	{HEAD "interfaces: [{name: eth0}]\nzones: [{key: k}]\nkeys: [{name: k, secret_file: /k}]\n",
		4, 9, "zones[0]: has neither name nor match"},
	{HEAD "interfaces: [{name: eth0}]\nzones: [{name: a, match: \"*.b\"}]\n", 4, 9,
		"zones[0]: has both name and match; one of them"},
	{HEAD "interfaces: [{name: eth0}]\nkeys: [{name: mirror, secret_file: /k}]\n"
	      "zones: [{name: a, key: miror}]\n",
		5, 24, "zones[0].key: no key \"miror\" in keys, did you mean \"mirror\"?"},
	{GOOD "keys: [{name: k, secret_file: /a}, {name: K, secret_file: /b}]\n", 5, 43,
		"keys[1].name: k stands twice, first in keys[0].name"},
	{GOOD "health: {interval: 100ms, timeout: 200ms}\n", 5, 36,
		"health.timeout: the timeout (200ms) is longer than the interval (100ms)"},
	{GOOD "health: {interval: 50ms}\n", 5, 20,
		"health.interval: the timeout (75ms) is longer than the interval (50ms)"},
	{GOOD "health: {required: [exmaple.com]}\n", 5, 21,
		"health.required[0]: no zone \"exmaple.com\" in zones, did you mean "
		"\"example.com\"?"},
	{GOOD "routing: {prefixes: [{prefix: 198.51.100.0/24, protocol: a, peers: [b]}]}\n", 5, 31,
		"routing.prefixes[0].prefix: 198.51.100.0/24 holds none of the service addresses"},
	{"version: 1\nservice: {addresses: [192.0.2.53, \"2001:db8::1\"]}\n" REST ROUTE, 2, 35,
		"service.addresses[1]: 2001:db8::1 is in none of routing.prefixes"},
	{GOOD "routing: {large_communities: [\"65053:1\"]}\n", 5, 31,
		"routing.large_communities[0]: a large community is three numbers, as in "
		"65053:1:1"},
	{GOOD "routing:\n  prefixes:\n"
	      "    - {prefix: 192.0.2.0/24, protocol: a, peers: [e]}\n"
	      "    - {prefix: 192.0.2.0/24, protocol: b, peers: [e]}\n",
		8, 16,
		"routing.prefixes[1].prefix: 192.0.2.0/24 stands twice, first in "
		"routing.prefixes[0].prefix"},
	{GOOD "routing:\n  prefixes:\n"
	      "    - {prefix: 192.0.2.0/24, protocol: a, peers: [e]}\n"
	      "    - {prefix: 192.0.2.0/25, protocol: b, drain_protocol: a, peers: [e]}\n",
		8, 59,
		"routing.prefixes[1].drain_protocol: a stands twice, first in "
		"routing.prefixes[0].protocol"},
	{GOOD "routing: {prefixes: [{prefix: 192.0.2.0/24, protocol: a, peers: [e, e]}]}\n", 5, 69,
		"routing.prefixes[0].peers[1]: e stands twice, first in "
		"routing.prefixes[0].peers[0]"},
};

static void every_error_has_its_place_and_text(void **state)
{
	for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
		const struct bad *bad = &bad_files[i];
		struct config *config = (struct config *)-1;
		struct config_error error = {0};
		int r = config_parse(bad->text, strlen(bad->text), &config, &error);

		if (r != -EINVAL || error.place.line != bad->line ||
			error.place.column != bad->column ||
			strcmp(error.message, bad->message) != 0)
			print_error("case %zu:\n%sgot %d %u:%u: %s\nnot    %u:%u: %s\n", i,
				bad->text, r, error.place.line, error.place.column, error.message,
				bad->line, bad->column, bad->message);
		assert_int_equal(r, -EINVAL);
		assert_string_equal(error.message, bad->message);
		assert_int_equal(error.place.line, bad->line);
		assert_int_equal(error.place.column, bad->column);
		assert_null(config);
	}
}

static void printed(const char *text, const char *expected)
{
	struct config_error error;
	struct config *config;
	char *out = NULL;
	size_t size = 0;
	FILE *stream;

	assert_int_equal(config_parse(text, strlen(text), &config, &error), -EINVAL);
	stream = open_memstream(&out, &size);
	config_error_print(&error, "/etc/anode/anode.yaml", stream);
	fclose(stream);
	assert_string_equal(out, expected);
	free(out);
}

static void error_prints_place_line_and_caret(void **state)
{
	printed(GOOD "health:\n  interval: 100ms\n  time_out: 100ms\n",
		"/etc/anode/anode.yaml:7:3: unknown key \"time_out\" in health, did you mean "
		"\"timeout\"?\n"
		"      time_out: 100ms\n"
		"      ^\n");
}

static void caret_counts_characters_not_bytes(void **state)
{
	printed(GOOD "node: {name: \"K\xc3\xb6ln\", x: 1}\n",
		"/etc/anode/anode.yaml:5:22: unknown key \"x\" in node\n"
		"    node: {name: \"K\xc3\xb6ln\", x: 1}\n"
		"                         ^\n");
}

static void unreadable_file_is_an_error_without_place(void **state)
{
	struct config_error error;
	struct config *config;
	char text[256];

	assert_int_equal(config_read("/nonexistent/anode.yaml", &config, &error), -ENOENT);
	config_error_text(&error, "/nonexistent/anode.yaml", text, sizeof(text));
	assert_string_equal(
		text, "/nonexistent/anode.yaml: cannot be read: No such file or directory");
	assert_null(config);
}

/* What is shown is again a file that parses to the same. */
static void shown_configuration_parses_to_itself(void **state)
{
	struct config *c = read_sample(SAMPLES "/operator.yaml"), *again;
	const char *restart;
	json_t *shown = config_show(c), *diff;
	char *text;

	/* YAML holds JSON. */
	text = json_dumps(shown, JSON_INDENT(1));
	again = parse(text);
	diff = config_diff(c, again, &restart);
	assert_int_equal(json_array_size(diff), 0);
	assert_null(restart);
	json_decref(diff);
	json_decref(shown);
	free(text);
	config_free(again);
	config_free(c);
}

static void differs(const char *more, const char *name, const char *restart_key)
{
	struct config *before = parse(GOOD), *after = parse(more);
	const char *restart;
	json_t *diff = config_diff(before, after, &restart);

	assert_int_equal(json_array_size(diff), 1);
	assert_string_equal(json_string_value(json_array_get(diff, 0)), name);
	if (restart_key)
		assert_string_equal(restart, restart_key);
	else
		assert_null(restart);
	json_decref(diff);
	config_free(before);
	config_free(after);
}

static void difference_names_keys_and_those_that_need_a_restart(void **state)
{
	differs(GOOD "health: {fail: 4}\n", "health.fail", NULL);
	differs(GOOD "fastpath: {memory: 1GiB}\n", "fastpath.memory", "fastpath.memory");
	differs(GOOD "control: {socket: /run/x.sock}\n", "control.socket", "control.socket");
	differs(HEAD "interfaces: [{name: eth0, mode: native}]\nzones: [{name: example.com}]\n",
		"interfaces", NULL);
	differs(HEAD "interfaces: [{name: eth0}]\nzones: [{name: example.com}, {name: b}]\n",
		"zones", NULL);
}

/* Every way to cut the sample short is refused or parsed, and leaks nothing
 * (under ASan). */
static void scripts_and_questions_are_told_apart(void **state)
{
#define CHECK(text) "health: {checks: [{" text "}]}\n"
	static const char *const wrong[] = {CHECK("type: script"),
		CHECK("type: script, command: [true]"),
		CHECK("type: script, command: [/bin/true], name: a.example"),
		CHECK("type: script, command: [/bin/true], address: 192.0.2.7"), CHECK("type: udp"),
		CHECK("type: udp, name: a.example, command: [/bin/true]"),
		CHECK("type: tcp, name: a.example, key: nobody")};
	struct config_error error;
	struct config *config;
	char text[512];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), GOOD "%s", wrong[i]);
		assert_int_equal(config_parse(text, strlen(text), &config, &error), -EINVAL);
		assert_non_null(strstr(error.message, "health.checks[0]"));
	}
	config = parse(GOOD CHECK("type: udp, name: a.example, expect: {authoritative: true}"));
	assert_true(config->health.checks[0].expect.authoritative);
	config_free(config);
	config = parse(GOOD CHECK("type: script, command: [/bin/df, -h], severity: fatal"));
	assert_int_equal(config->health.checks[0].command_count, 2);
	assert_string_equal(config->health.checks[0].command[1], "-h");
	config_free(config);
#undef CHECK
}

static void cut_files_never_crash(void **state)
{
	struct config_error error;
	struct config *config;
	char text[8192];
	FILE *file = fopen(SAMPLES "/operator.yaml", "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, sizeof(text), file);
	fclose(file);
	for (size_t i = 0; i < length; i++) {
		if (config_parse(text, i, &config, &error) == 0)
			config_free(config);
		else
			assert_int_not_equal(error.message[0], '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smallest_file_takes_every_default),
		cmocka_unit_test(operators_sample_parses),
		cmocka_unit_test(shipped_example_parses),
		cmocka_unit_test(names_fold_and_lose_the_last_dot),
		cmocka_unit_test(every_error_has_its_place_and_text),
		cmocka_unit_test(error_prints_place_line_and_caret),
		cmocka_unit_test(caret_counts_characters_not_bytes),
		cmocka_unit_test(unreadable_file_is_an_error_without_place),
		cmocka_unit_test(shown_configuration_parses_to_itself),
		cmocka_unit_test(difference_names_keys_and_those_that_need_a_restart),
		cmocka_unit_test(scripts_and_questions_are_told_apart),
		cmocka_unit_test(cut_files_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
