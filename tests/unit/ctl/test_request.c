/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of the control protocol: what is taken, what is refused, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl/request.h"

static enum ctl_error parse(const char *line, struct ctl_request *request, char message[256])
{
	return ctl_request_parse(line, strlen(line), request, message, 256);
}

static void every_command_is_known_by_its_name(void **state)
{
	static const char *const names[] = {
#define NAME(symbol, name) name,
		CTL_COMMANDS(NAME)
#undef NAME
	};
	struct ctl_request request;
	char line[128], message[256];

	for (size_t i = 0; i < CTL_COMMAND_COUNT; i++) {
		snprintf(line, sizeof(line), "{\"schema\":1,\"command\":\"%s\"}", names[i]);
		assert_int_equal(parse(line, &request, message), CTL_OK);
		assert_int_equal(request.command, i);
	}
}

static void override_takes_all_its_arguments(void **state)
{
	struct ctl_request request;
	char message[256];

	assert_int_equal(
		parse("{\"schema\": 1, \"command\": \"withdraw\", \"args\": {\"reason\": \"disk "
		      "swap\", \"for\": \"30m\", \"family\": 4, \"prefix\": \"203.0.113.0/24\"}}",
			&request, message),
		CTL_OK);
	assert_int_equal(request.command, CTL_WITHDRAW);
	assert_string_equal(request.reason, "disk swap");
	assert_int_equal(request.span.us, 1800000000);
	assert_int_equal(request.family, AF_INET);
	assert_true(request.has_prefix);
	assert_int_equal(request.prefix.length, 24);
}

static void bad_requests_are_named(void **state)
{
	static const struct {
		const char *line, *message;
	} bad[] = {
		{"[]", "a request is a JSON object"},
		{"{\"command\":\"status\"}", "schema must be 1"},
		{"{\"schema\":\"1\",\"command\":\"status\"}", "schema must be 1"},
		{"{\"schema\":2,\"command\":\"status\"}", "schema must be 1"},
		{"{\"schema\":1}", "command is missing"},
		{"{\"schema\":1,\"command\":7}", "command is missing"},
		{"{\"schema\":1,\"command\":\"statsu\"}", "unknown command \"statsu\""},
		{"{\"schema\":1,\"command\":\"status\",\"x\":1}", "unknown member \"x\""},
		{"{\"schema\":1,\"command\":\"status\",\"args\":[]}", "args must be an object"},
		{"{\"schema\":1,\"command\":\"status\",\"args\":{\"zone\":\"a\"}}",
			"status takes no argument \"zone\""},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"familly\":4}}",
			"withdraw takes no argument \"familly\""},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"family\":\"4\"}}",
			"family must be 4 or 6"},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"for\":30}}",
			"for must be a string"},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"for\":\"30\"}}",
			"for: a duration needs a unit, as in 100ms, 5s, 1m, 2h, 1d"},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"for\":\"0s\"}}",
			"for: must be longer than nothing"},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"family\":6,\"prefix\":"
		 "\"203.0.113.0/24\"}}",
			"the prefix is not of that family"},
		{"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"reason\":\"a\\nb\"}}",
			"reason holds a control character"},
		{"{\"schema\":1,\"command\":\"bypass\",\"args\":{\"on\":\"yes\"}}",
			"on must be true or false"},
		{"{\"schema\":1,\"command\":\"auto\",\"args\":{\"reason\":\"a\"}}",
			"auto takes no argument \"reason\""},
	};
	struct ctl_request request;
	char message[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].line, &request, message), CTL_BAD_REQUEST);
		assert_string_equal(message, bad[i].message);
	}
	assert_int_equal(parse("", &request, message), CTL_BAD_REQUEST);
	assert_int_equal(parse("{\"schema\":1", &request, message), CTL_BAD_REQUEST);
	assert_int_equal(
		parse("{\"schema\":1,\"schema\":1,\"command\":\"status\"}", &request, message),
		CTL_BAD_REQUEST);
}

static void long_lines_and_values_are_refused(void **state)
{
	static char line[CTL_REQUEST_MAX + 64];
	struct ctl_request request;
	char message[256], reason[CTL_REASON_MAX + 2];

	memset(line, ' ', CTL_REQUEST_MAX + 1);
	assert_int_equal(
		ctl_request_parse(line, CTL_REQUEST_MAX + 1, &request, message, 256), CTL_TOO_LONG);
	memset(reason, 'a', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	snprintf(line, sizeof(line),
		"{\"schema\":1,\"command\":\"withdraw\",\"args\":{\"reason\":\"%s\"}}", reason);
	assert_int_equal(parse(line, &request, message), CTL_BAD_REQUEST);
	assert_string_equal(message, "reason is longer than 200 bytes");
	/* One byte less is good. */
	line[strlen(line) - 4] = '"';
	strcpy(line + strlen(line) - 3, "}}");
	assert_int_equal(parse(line, &request, message), CTL_OK);
	assert_int_equal(strlen(request.reason), CTL_REASON_MAX);
}

static void deep_nesting_is_refused(void **state)
{
	char line[CTL_REQUEST_MAX + 1];
	struct ctl_request request;
	char message[256];

	memset(line, '[', CTL_REQUEST_MAX);
	line[CTL_REQUEST_MAX] = '\0';
	assert_int_equal(parse(line, &request, message), CTL_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_is_known_by_its_name),
		cmocka_unit_test(override_takes_all_its_arguments),
		cmocka_unit_test(bad_requests_are_named),
		cmocka_unit_test(long_lines_and_values_are_refused),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
