/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Probes and the sentinel against a server that answers, lies, is silent, dies.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/probe.h"
#include "control/health/sentinel.h"
#include "tests/unit/health/fake_dns.h"
#include "tests/unit/health/loop.h"

struct fixture {
	sd_event *loop;
	struct fake_dns dns;
	struct probe *probe;
	struct probe_options options;

	unsigned results, late, by_outcome[8];
	struct probe_result last;
	struct mono last_at;
};

static void on_result(void *arg, const struct probe_result *result)
{
	struct fixture *f = arg;

	f->results++;
	f->late += result->late;
	f->by_outcome[result->outcome]++;
	f->last = *result;
	f->last_at = mono_now();
}

static int setup_family(void **state, int family)
{
	struct fixture *f = calloc(1, sizeof *f);

	if (sd_event_new(&f->loop) < 0)
		return -1;
	f->dns.serial = 2026112201;
	fake_dns_start(&f->dns, f->loop, family);
	f->options = (struct probe_options){
		.query = {.destination = f->dns.address,
			.local = true,
			.expect = {.rcode = 0, .authoritative = true, .answered = true}},
		.name = "example.com",
		.qtype = 6,
		.interval = span_ms(40),
		.timeout = span_ms(30),
	};
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_family(state, AF_INET);
}

static int setup6(void **state)
{
	return setup_family(state, AF_INET6);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	probe_free(f->probe);
	fake_dns_end(&f->dns);
	sd_event_unref(f->loop);
	free(f);
	return 0;
}

static void probe_begin(struct fixture *f)
{
	assert_int_equal(probe_new(&f->probe, f->loop, &f->options, on_result, f), 0);
	probe_start(f->probe);
}

static void a_good_answer_over(struct fixture *f, enum query_transport transport)
{
	f->options.query.transport = transport;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 3);
	assert_int_equal(f->by_outcome[PROBE_OK], f->results);
	assert_int_equal(f->last.family, f->dns.address.ss_family);
	assert_int_equal(f->last.transport, transport);
	assert_true(f->last.has_serial);
	assert_int_equal(f->last.serial, 2026112201);
	assert_int_equal(f->last.rcode, 0);
	assert_string_equal(f->last.detail, "");
	assert_in_range(f->last.rtt.ns, 1, span_ms(30).ns);
}

static void a_good_answer_is_ok_over_udp(void **state)
{
	a_good_answer_over(*state, QUERY_UDP);
}

static void a_good_answer_is_ok_over_tcp(void **state)
{
	a_good_answer_over(*state, QUERY_TCP);
}

static void source_addresses_are_used(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in *source = (struct sockaddr_in *)&f->options.query.source;

	source->sin_family = AF_INET;
	inet_pton(AF_INET, "127.0.0.77", &source->sin_addr);
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->by_outcome[PROBE_OK] >= 1);
	/* One that this host doesn't have is our error, not the server's. */
	probe_free(f->probe);
	inet_pton(AF_INET, "192.0.2.99", &source->sin_addr);
	f->results = 0;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 1);
	assert_int_equal(f->last.outcome, PROBE_ERROR);
	assert_non_null(strstr(f->last.detail, "source address"));
}

static void ids_and_ports_are_not_predictable(void **state)
{
	struct fixture *f = *state;
	unsigned same_id = 0, same_port = 0, successive = 0;

	f->options.interval = f->options.timeout = span_ms(2);
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 5000, f->dns.udp_queries >= 64);
	for (int i = 1; i < 64; i++) {
		same_id += f->dns.ids[i] == f->dns.ids[i - 1];
		successive += (uint16_t)(ntohs(f->dns.ids[i]) - ntohs(f->dns.ids[i - 1])) == 1;
		same_port += f->dns.ports[i] == f->dns.ports[i - 1];
	}
	assert_true(same_id < 3 && successive < 3);
	assert_true(same_port < 10);
}

/* Of the fake server: else its return would fail now and then, with "Address already in use". */
static void a_stopped_servers_port_is_nobody_elses(void **state)
{
	struct fixture *f = *state;
	static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

	fake_dns_stop(&f->dns);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		int fd = socket(AF_INET, types[i] | SOCK_CLOEXEC, 0);

		assert_int_equal(
			bind(fd, (struct sockaddr *)&f->dns.address, sizeof(struct sockaddr_in)),
			-1);
		assert_int_equal(errno, EADDRINUSE);
		close(fd);
	}
	fake_dns_again(&f->dns);
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 1);
	assert_int_equal(f->last.outcome, PROBE_OK);
}

static void a_closed_port_is_refused_at_once(struct fixture *f, enum query_transport transport)
{
	struct mono from;

	f->options.query.transport = transport;
	f->options.interval = f->options.timeout = span_ms(1000);
	fake_dns_stop(&f->dns);
	from = mono_now();
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 1);
	assert_int_equal(f->last.outcome, PROBE_REFUSED);
	assert_true(mono_since(f->last_at, from).ns < span_ms(200).ns);
}

static void a_closed_port_is_refused_at_once_over_udp(void **state)
{
	a_closed_port_is_refused_at_once(*state, QUERY_UDP);
}

static void a_closed_port_is_refused_at_once_over_tcp(void **state)
{
	a_closed_port_is_refused_at_once(*state, QUERY_TCP);
}

static void a_silent_server_is_a_timeout_over_either(void **state)
{
	struct fixture *f = *state;

	f->dns.silent = true;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 2);
	assert_int_equal(f->by_outcome[PROBE_TIMEOUT], f->results);
	probe_free(f->probe);
	f->options.query.transport = QUERY_TCP;
	f->results = f->by_outcome[PROBE_TIMEOUT] = 0;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 2);
	assert_int_equal(f->by_outcome[PROBE_TIMEOUT], f->results);
	/* Half a reply is none. */
	f->dns.silent = false;
	for (f->dns.tcp_split = 1; f->dns.tcp_split < 40; f->dns.tcp_split += 13) {
		f->results = 0;
		ASSERT_WITHIN(f->loop, 2000, f->results >= 1);
		assert_int_equal(f->last.outcome, PROBE_TIMEOUT);
	}
}

static void a_timeout_as_long_as_the_interval_keeps_the_rhythm(void **state)
{
	struct fixture *f = *state;
	struct mono from;

	f->dns.silent = true;
	f->options.interval = f->options.timeout = span_ms(20);
	probe_begin(f);
	from = mono_now();
	ASSERT_WITHIN(f->loop, 5000, f->results >= 20);
	assert_in_range(span_to_ms(mono_since(mono_now(), from)), 390, 700);
}

static void a_late_answer_is_reported_after_its_timeout(void **state)
{
	struct fixture *f = *state;
	unsigned timeouts;

	f->dns.delay_ms = 70; /* interval 40, timeout 30 */
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 3000, f->by_outcome[PROBE_OK] >= 5);
	timeouts = f->by_outcome[PROBE_TIMEOUT];
	assert_in_range(timeouts, 4, 9);
	assert_true(f->late >= 5);
	assert_true(f->last.outcome == PROBE_TIMEOUT || f->last.rtt.ns >= span_ms(60).ns);
	/* Not for ever: after four intervals it is over. */
	f->dns.delay_ms = 250;
	ASSERT_WITHIN(f->loop, 3000, f->by_outcome[PROBE_TIMEOUT] >= timeouts + 10);
	f->late = 0;
	ASSERT_STAYS(f->loop, 300, f->late == 0);
}

static void what_is_no_reply_is_ignored(void **state)
{
	struct fixture *f = *state;

	/* Forged ones before the right one don't matter. */
	f->dns.udp_forged = 3;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 3);
	assert_int_equal(f->by_outcome[PROBE_OK], f->results);
	f->dns.udp_forged = 0;
	bool *lies[] = {&f->dns.wrong_id, &f->dns.wrong_question, &f->dns.not_a_reply};

	for (size_t i = 0; i < 3; i++) {
		unsigned before;

		*lies[i] = true;
		before = f->by_outcome[PROBE_TIMEOUT];
		ASSERT_WITHIN(f->loop, 2000, f->by_outcome[PROBE_TIMEOUT] >= before + 2);
		assert_non_null(strstr(f->last.detail, "ignored"));
		*lies[i] = false;
		ASSERT_WITHIN(f->loop, 2000, f->last.outcome == PROBE_OK);
	}
}

static void content_is_judged_apart_from_life(void **state)
{
	struct fixture *f = *state;
	struct {
		bool *flag;
		const char *says;
	} bad[] = {
		{&f->dns.no_authority, "authority"},
		{&f->dns.no_record, "without a record"},
		{&f->dns.garbage, "malformed"},
	};

	probe_begin(f);
	for (size_t i = 0; i < 3; i++) {
		*bad[i].flag = true;
		ASSERT_WITHIN(f->loop, 2000,
			f->last.outcome == PROBE_BAD_CONTENT &&
				strstr(f->last.detail, bad[i].says));
		*bad[i].flag = false;
		ASSERT_WITHIN(f->loop, 2000, f->last.outcome == PROBE_OK);
	}
	f->dns.rcode = 2;
	ASSERT_WITHIN(f->loop, 2000, f->last.outcome == PROBE_BAD_CONTENT);
	assert_string_equal(f->last.detail, "answered SERVFAIL");
	assert_int_equal(f->last.rcode, 2);
	/* FORMERR without the question is an answer too. */
	f->dns.rcode = 1;
	f->dns.no_question = true;
	ASSERT_WITHIN(f->loop, 2000, f->last.rcode == 1);
	assert_int_equal(f->last.outcome, PROBE_BAD_CONTENT);
	assert_int_equal(f->by_outcome[PROBE_TIMEOUT], 0);
}

static void any_answer_is_alive_where_nothing_is_expected(void **state)
{
	struct fixture *f = *state;

	f->options.query.expect = (struct question_expect){.rcode = -1};
	f->options.name = ".";
	f->dns.rcode = 5;
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 2);
	f->dns.rcode = 0;
	f->dns.truncated = true;
	ASSERT_WITHIN(f->loop, 2000, f->results >= 4);
	assert_int_equal(f->by_outcome[PROBE_OK], f->results);
}

static void rdata_is_searched(void **state)
{
	struct fixture *f = *state;

	f->options.query.expect.rdata_contains = "NS1.example.com";
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results >= 2);
	assert_int_equal(f->by_outcome[PROBE_OK], f->results);
	probe_free(f->probe);
	f->options.query.expect.rdata_contains = "ns2.example.com";
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->last.outcome == PROBE_BAD_CONTENT);
	assert_non_null(strstr(f->last.detail, "ns2.example.com"));
	/* What a truncated answer lacks can't be held against it. */
	f->dns.truncated = true;
	ASSERT_WITHIN(f->loop, 2000, f->last.outcome == PROBE_OK);
}

static void asking_now_does_not_wait_for_the_interval(void **state)
{
	struct fixture *f = *state;

	f->options.interval = f->options.timeout = span_ms(60000);
	probe_begin(f);
	ASSERT_WITHIN(f->loop, 2000, f->results == 1);
	fake_dns_stop(&f->dns);
	probe_now(f->probe);
	ASSERT_WITHIN(f->loop, 2000, f->results == 2);
	assert_int_equal(f->last.outcome, PROBE_REFUSED);
	/* A query that the dying server swallowed is repeated. */
	fake_dns_again(&f->dns);
	f->dns.silent = true;
	probe_now(f->probe);
	ASSERT_WITHIN(f->loop, 2000, f->dns.udp_queries == 2);
	fake_dns_stop(&f->dns);
	probe_now(f->probe);
	ASSERT_WITHIN(f->loop, 2000, f->results == 3);
	assert_int_equal(f->last.outcome, PROBE_REFUSED);
}

static void what_cannot_work_is_refused(void **state)
{
	struct fixture *f = *state;
	struct probe *probe;
	struct probe_options o = f->options;

	o.name = "example..com";
	assert_int_equal(probe_new(&probe, f->loop, &o, on_result, f), -EINVAL);
	o = f->options;
	o.timeout = span_ms(41);
	assert_int_equal(probe_new(&probe, f->loop, &o, on_result, f), -EINVAL);
	o = f->options;
	o.query.source.ss_family = AF_INET6;
	assert_int_equal(probe_new(&probe, f->loop, &o, on_result, f), -EINVAL);
	o = f->options;
	o.query.destination.ss_family = AF_UNIX;
	assert_int_equal(probe_new(&probe, f->loop, &o, on_result, f), -EINVAL);
}

static void types_have_names(void **state)
{
	uint16_t qtype = 0;
	char text[16];

	assert_int_equal(question_type("SOA", &qtype), 0);
	assert_int_equal(qtype, 6);
	assert_int_equal(question_type("TYPE65280", &qtype), 0);
	assert_int_equal(qtype, 65280);
	assert_int_equal(question_type("NOSUCH", &qtype), -EINVAL);
	question_type_text(28, text);
	assert_string_equal(text, "AAAA");
}

/* ---- the sentinel ---- */

static void count_end(void *arg)
{
	++*(unsigned *)arg;
}

static void the_sentinel_tells_of_a_server_that_dies(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_storage any = {.ss_family = AF_UNSPEC};
	struct sentinel *sentinel;
	unsigned ended = 0;
	struct mono killed;

	assert_int_equal(
		sentinel_new(&sentinel, f->loop, &any, &f->dns.address, count_end, &ended), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dns.tcp_connections == 1);
	ASSERT_STAYS(f->loop, 30, ended == 0);
	killed = mono_now();
	fake_dns_stop(&f->dns);
	ASSERT_WITHIN(f->loop, 2000, ended == 1);
	assert_true(mono_since(mono_now(), killed).ns < span_ms(50).ns);
	/* Nobody there: it tries, and tells nothing. */
	ASSERT_STAYS(f->loop, 150, ended == 1);
	fake_dns_again(&f->dns);
	ASSERT_WITHIN(f->loop, 3000, f->dns.tcp_connections == 2);
	assert_int_equal(ended, 1);
	sentinel_free(sentinel);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define TEST6(t)                                                                                   \
	{                                                                                          \
		"v6 " #t, t, setup6, teardown, NULL                                                \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stopped_servers_port_is_nobody_elses),
		TEST(a_good_answer_is_ok_over_udp),
		TEST(a_good_answer_is_ok_over_tcp),
		TEST6(a_good_answer_is_ok_over_udp),
		TEST6(a_good_answer_is_ok_over_tcp),
		TEST(source_addresses_are_used),
		TEST(ids_and_ports_are_not_predictable),
		TEST(a_closed_port_is_refused_at_once_over_udp),
		TEST(a_closed_port_is_refused_at_once_over_tcp),
		TEST6(a_closed_port_is_refused_at_once_over_udp),
		TEST6(a_closed_port_is_refused_at_once_over_tcp),
		TEST(a_silent_server_is_a_timeout_over_either),
		TEST(a_timeout_as_long_as_the_interval_keeps_the_rhythm),
		TEST(a_late_answer_is_reported_after_its_timeout),
		TEST(what_is_no_reply_is_ignored),
		TEST(content_is_judged_apart_from_life),
		TEST(any_answer_is_alive_where_nothing_is_expected),
		TEST(rdata_is_searched),
		TEST(asking_now_does_not_wait_for_the_interval),
		TEST(what_cannot_work_is_refused),
		TEST(types_have_names),
		TEST(the_sentinel_tells_of_a_server_that_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
