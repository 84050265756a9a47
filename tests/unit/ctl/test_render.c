/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots as JSON: the members that scripts rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl/render.h"

static const struct ctl_prefix prefixes[] = {
	{.prefix = "203.0.113.0/24",
		.family = 4,
		.wanted = CTL_STATE_WITHDRAWN,
		.seen = CTL_STATE_ANNOUNCED,
		.seen_known = true,
		.cause = "override",
		.reason = "withdrawn by uid 0",
		.since = UINT64_C(1700000000500000),
		.protocol = "anycast4",
		.override = {"withdraw", "uid 0", "disk swap", 0}},
	{.prefix = "2001:db8:53::/48", .family = 6, .cause = "good", .protocol = "anycast6"},
};

static const struct ctl_zone zones[] = {
	{.name = "a.example", .state = "fast", .fast = true, .has_fast = true, .serial_fast = 7},
	{.name = "b.example", .state = "passing", .reason = "\xff bad", .trouble = true},
	{.name = "c.example", .state = "waiting"},
};

static struct ctl_snapshot sample(void)
{
	return (struct ctl_snapshot){.node = "ams1",
		.version = "0.1.0",
		.instance = "default",
		.state = CTL_STATE_DEGRADED,
		.prefixes = prefixes,
		.prefixes_count = 2,
		.zones = zones,
		.zones_count = 3,
		.engine = {.fast = 3, .passed = 1}};
}

static const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void status_shows_wanted_seen_and_override(void **state)
{
	struct ctl_snapshot snapshot = sample();
	json_t *status = ctl_render_status(&snapshot), *first, *second, *fastpath;

	assert_non_null(status);
	assert_string_equal(text_at(status, "state"), "degraded");
	first = json_array_get(json_object_get(status, "prefixes"), 0);
	assert_string_equal(text_at(first, "wanted"), "withdrawn");
	assert_string_equal(text_at(first, "seen"), "announced");
	assert_string_equal(text_at(json_object_get(first, "override"), "owner"), "uid 0");
	assert_true(json_is_null(json_object_get(json_object_get(first, "override"), "until")));
	assert_true(json_real_value(json_object_get(first, "since")) == 1700000000.5);
	second = json_array_get(json_object_get(status, "prefixes"), 1);
	assert_true(json_is_null(json_object_get(second, "seen")));
	assert_true(json_is_null(json_object_get(second, "override")));
	fastpath = json_object_get(status, "fastpath");
	assert_true(json_real_value(json_object_get(
			    json_object_get(fastpath, "queries"), "fast_share")) == 0.75);
	json_decref(status);
}

static void share_of_no_queries_is_unknown(void **state)
{
	struct ctl_snapshot snapshot = sample();
	json_t *stats;

	snapshot.engine = (struct ctl_engine){0};
	stats = ctl_render_stats(&snapshot);
	assert_true(json_is_null(json_object_get(json_object_get(stats, "queries"), "fast_share")));
	json_decref(stats);
}

static void text_that_json_cannot_carry_costs_only_itself(void **state)
{
	struct ctl_snapshot snapshot = sample();
	struct ctl_request request = {.command = CTL_ZONES};
	json_t *result = ctl_render_zones(&snapshot, &request);

	assert_non_null(result);
	assert_string_equal(text_at(json_array_get(json_object_get(result, "zones"), 1), "reason"),
		"(not UTF-8)");
	json_decref(result);
}

static void zones_selects_one_or_those_after(void **state)
{
	struct ctl_snapshot snapshot = sample();
	struct ctl_request request = {.command = CTL_ZONES, .zone = "b.example"};
	json_t *result = ctl_render_zones(&snapshot, &request);

	assert_int_equal(json_array_size(json_object_get(result, "zones")), 1);
	json_decref(result);
	request = (struct ctl_request){.command = CTL_ZONES, .zone = "absent.example"};
	result = ctl_render_zones(&snapshot, &request);
	assert_int_equal(json_array_size(json_object_get(result, "zones")), 0);
	json_decref(result);
	request = (struct ctl_request){.command = CTL_ZONES, .after = "a.example"};
	result = ctl_render_zones(&snapshot, &request);
	assert_int_equal(json_array_size(json_object_get(result, "zones")), 2);
	assert_true(json_is_null(json_object_get(result, "next")));
	json_decref(result);
}

static void zones_come_in_pages_that_meet(void **state)
{
	size_t count = 2 * CTL_ZONES_PER_PAGE + 1, seen = 0, pages = 0;
	struct ctl_zone *many = calloc(count, sizeof(*many));
	char(*names)[16] = calloc(count, sizeof(*names));
	struct ctl_snapshot snapshot = {.zones = many, .zones_count = count};
	struct ctl_request request = {.command = CTL_ZONES};
	const char *next;

	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "z%05zu", i);
		many[i] = (struct ctl_zone){.name = names[i], .state = "fast"};
	}
	do {
		json_t *result = ctl_render_zones(&snapshot, &request);
		json_t *page = json_object_get(result, "zones");

		assert_string_equal(text_at(json_array_get(page, 0), "zone"), names[seen]);
		seen += json_array_size(page);
		pages++;
		next = text_at(result, "next");
		if (next)
			strcpy(request.after, next);
		json_decref(result);
	} while (next);
	assert_int_equal(seen, count);
	assert_int_equal(pages, 3);
	free(names);
	free(many);
}

static void response_is_one_line(void **state)
{
	char *line = ctl_response(json_pack("{s:s}", "text", "a\nb"));

	assert_string_equal(line, "{\"schema\":1,\"ok\":true,\"result\":{\"text\":\"a\\nb\"}}");
	free(line);
	line = ctl_response_error(CTL_BAD_CONFIG, "x:1:1: no");
	assert_string_equal(line, "{\"schema\":1,\"ok\":false,\"error\":{\"code\":\"bad-config\","
				  "\"message\":\"x:1:1: no\"}}");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_shows_wanted_seen_and_override),
		cmocka_unit_test(share_of_no_queries_is_unknown),
		cmocka_unit_test(text_that_json_cannot_carry_costs_only_itself),
		cmocka_unit_test(zones_selects_one_or_those_after),
		cmocka_unit_test(zones_come_in_pages_that_meet),
		cmocka_unit_test(response_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
