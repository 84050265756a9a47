/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/ctl/render.h"

#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
	[CTL_STATE_ANNOUNCED] = "announced",
	[CTL_STATE_DEGRADED] = "degraded",
	[CTL_STATE_WITHDRAWN] = "withdrawn",
};

/* Seconds since 1970, null for never. */
static json_t *when(uint64_t us)
{
	return us ? json_real((double)(us / 1000) / 1000.0) : json_null();
}

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / 1000000.0);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)(value & INT64_MAX));
}

/* NULL and "" both mean that there is nothing to say. Reasons quote what came
 * from outside: what JSON can't carry must not cost the whole answer. */
static json_t *words(const char *text)
{
	json_t *string;

	if (!text || !*text)
		return json_null();
	string = json_string(text);
	return string ? string : json_string("(not UTF-8)");
}

static json_t *override_render(const struct ctl_override *override)
{
	if (!override->verb)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "verb", override->verb, "owner",
		words(override->owner), "uid",
		override->uid < 0 ? json_null() : json_integer(override->uid), "reason",
		words(override->reason), "since", when(override->since), "until",
		when(override->until));
}

static json_t *policy_render(const struct ctl_policy *policy)
{
	return json_pack("{s:o, s:i, s:b, s:b, s:i, s:o, s:i, s:i, s:f, s:o}", "others",
		words(policy->others), "routes", (int)policy->other_routes, "held", policy->held,
		"drained", policy->drained, "flaps", (int)policy->flaps, "hold_down",
		seconds(policy->hold_down_us), "transitions", (int)policy->spent, "budget",
		(int)policy->budget, "penalty", policy->penalty, "damped_by",
		words(policy->damped_by));
}

static json_t *would_render(const void *item)
{
	const struct ctl_prefix *prefix = item;
	const struct ctl_policy *policy = &prefix->policy;

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o}", "prefix",
		prefix->prefix, "family", prefix->family, "wanted", state_names[prefix->wanted],
		"cause", words(prefix->cause), "reason", words(prefix->reason), "since",
		when(prefix->since), "would", "state", words(policy->would), "cause",
		words(policy->would_cause), "reason", words(policy->would_reason), "policy",
		policy_render(policy));
}

static json_t *prefix_render(const void *item)
{
	const struct ctl_prefix *prefix = item;

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "prefix",
		prefix->prefix, "family", prefix->family, "wanted", state_names[prefix->wanted],
		"seen", prefix->seen_known ? json_string(state_names[prefix->seen]) : json_null(),
		"cause", words(prefix->cause), "reason", words(prefix->reason), "since",
		when(prefix->since), "protocol", words(prefix->protocol), "policy",
		policy_render(&prefix->policy), "override", override_render(&prefix->override));
}

static json_t *check_render(const void *item)
{
	const struct ctl_check *check = item;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
		check->name, "type", check->type, "target", check->target, "verdict",
		check->verdict, "severity", check->severity, "good", check->good, "reason",
		words(check->reason), "since", when(check->since), "last_good",
		when(check->last_good), "rtt", seconds(check->rtt_us), "sent", number(check->sent),
		"failed", number(check->failed));
}

static json_t *serial(bool known, uint32_t value)
{
	return known ? json_integer(value) : json_null();
}

static json_t *zone_render(const void *item)
{
	const struct ctl_zone *zone = item;

	return json_pack("{s:s, s:s, s:b, s:b, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o}",
		"zone", zone->name, "state", zone->state, "fast", zone->fast, "trouble",
		zone->trouble, "serial", "server", serial(zone->has_server, zone->serial_server),
		"mirror", serial(zone->has_mirror, zone->serial_mirror), "fast",
		serial(zone->has_fast, zone->serial_fast), "reason", words(zone->reason), "since",
		when(zone->since), "published", when(zone->published), "deadline",
		when(zone->deadline), "records",
		zone->has_mirror ? number(zone->records) : json_null(), "wire_bytes",
		zone->has_mirror ? number(zone->wire_bytes) : json_null());
}

static json_t *path_render(const struct ctl_path *path)
{
	return json_pack("{s:o, s:o, s:o}", "fast", number(path->fast), "passed",
		number(path->passed), "dropped", number(path->dropped));
}

static json_t *warnings_render(const struct ctl_interface *interface)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < interface->warnings_count; i++) {
		if (interface->warnings[i] && *interface->warnings[i])
			json_array_append_new(array, words(interface->warnings[i]));
	}
	return array;
}

static json_t *interface_render(const void *item)
{
	const struct ctl_interface *interface = item;

	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:{s:o, s:o}}", "name", interface->name,
		"engine", interface->engine, "attached", interface->attached, "mode",
		words(interface->mode), "note", words(interface->note), "warnings",
		warnings_render(interface), "queries", "4", path_render(&interface->paths[0]), "6",
		path_render(&interface->paths[1]));
}

static json_t *wait_render(const void *item)
{
	const struct ctl_wait *wait = item;

	return json_pack("{s:s, s:o, s:o, s:o}", "kind", wait->kind, "subject",
		words(wait->subject), "reason", words(wait->reason), "since", when(wait->since));
}

static json_t *counter_render(const void *item)
{
	const struct ctl_counter *counter = item;

	return json_pack("{s:s, s:I, s:o}", "name", counter->name, "value",
		(json_int_t)(counter->value & INT64_MAX), "text", words(counter->text));
}

/* `count` elements of `size` bytes, one by one. */
static json_t *array_render(
	const void *items, size_t count, size_t size, json_t *(*render)(const void *item))
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < count; i++) {
		if (json_array_append_new(array, render((const char *)items + i * size)) < 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *queries_render(const struct ctl_engine *engine)
{
	uint64_t all = engine->fast + engine->passed + engine->dropped;

	return json_pack("{s:o, s:o, s:o, s:o}", "fast", number(engine->fast), "passed",
		number(engine->passed), "dropped", number(engine->dropped), "fast_share",
		all ? json_real((double)engine->fast / (double)all) : json_null());
}

static json_t *image_render(const struct ctl_engine *engine)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "bytes", number(engine->image_bytes), "used",
		number(engine->image_used), "quarantined", number(engine->image_quarantined),
		"zones", number(engine->zones_in_image));
}

static json_t *reasons_render(const struct ctl_engine *engine)
{
	return array_render(
		engine->reasons, engine->reasons_count, sizeof(*engine->reasons), counter_render);
}

static json_t *engine_render(const struct ctl_engine *engine)
{
	return json_pack("{s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "present", engine->present,
		"healthy", engine->healthy, "reason", words(engine->reason), "interfaces",
		array_render(engine->interfaces, engine->interfaces_count,
			sizeof(*engine->interfaces), interface_render),
		"lease_left", seconds(engine->lease_left_us), "queries", queries_render(engine),
		"passed_reasons", reasons_render(engine), "image", image_render(engine));
}

static json_t *prefixes_render(const struct ctl_snapshot *snapshot)
{
	return array_render(snapshot->prefixes, snapshot->prefixes_count,
		sizeof(*snapshot->prefixes), prefix_render);
}

static json_t *checks_render(const struct ctl_snapshot *snapshot)
{
	return array_render(
		snapshot->checks, snapshot->checks_count, sizeof(*snapshot->checks), check_render);
}

/* How many zones there are of each kind, and the first that have trouble. */
static json_t *zones_summary(const struct ctl_snapshot *snapshot)
{
	json_t *troubled = json_array();
	size_t fast = 0, trouble = 0;

	for (size_t i = 0; i < snapshot->zones_count; i++) {
		const struct ctl_zone *zone = &snapshot->zones[i];

		fast += zone->fast;
		if (zone->trouble && trouble++ < 20)
			json_array_append_new(troubled, zone_render(zone));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "count", number(snapshot->zones_count),
		"fast", number(fast), "trouble", number(trouble), "troubled", troubled, "first",
		array_render(snapshot->zones,
			snapshot->zones_count < 20 ? snapshot->zones_count : 20,
			sizeof(*snapshot->zones), zone_render));
}

json_t *ctl_render_status(const struct ctl_snapshot *snapshot)
{
	return json_pack("{s:o, s:s, s:s, s:s, s:i, s:o, s:s, s:o, s:b, s:{s:b, s:o}, s:o, s:o, "
			 "s:o, s:o, s:o}",
		"now", when(snapshot->now), "node", snapshot->node, "version", snapshot->version,
		"instance", snapshot->instance, "pid", snapshot->pid, "started",
		when(snapshot->started), "state", state_names[snapshot->state], "cause",
		words(snapshot->cause), "leaving", snapshot->leaving, "bird", "up",
		snapshot->bird_up, "text", words(snapshot->bird), "waiting",
		array_render(snapshot->waits, snapshot->waits_count, sizeof(*snapshot->waits),
			wait_render),
		"prefixes", prefixes_render(snapshot), "health", checks_render(snapshot), "zones",
		zones_summary(snapshot), "fastpath", engine_render(&snapshot->engine));
}

json_t *ctl_render_health(const struct ctl_snapshot *snapshot)
{
	return json_pack(
		"{s:o, s:o}", "now", when(snapshot->now), "checks", checks_render(snapshot));
}

json_t *ctl_render_stats(const struct ctl_snapshot *snapshot)
{
	const struct ctl_engine *engine = &snapshot->engine;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "now", when(snapshot->now), "queries",
		queries_render(engine), "answers",
		array_render(engine->rcodes, engine->rcodes_count, sizeof(*engine->rcodes),
			counter_render),
		"truncated", number(engine->truncated), "passed_reasons", reasons_render(engine),
		"image", image_render(engine));
}

json_t *ctl_render_zones(const struct ctl_snapshot *snapshot, const struct ctl_request *request)
{
	size_t first = 0, count = 0, end;
	json_t *next = json_null();

	while (first < snapshot->zones_count && request->after[0] &&
		strcmp(snapshot->zones[first].name, request->after) <= 0)
		first++;
	end = snapshot->zones_count;
	if (request->zone[0]) {
		while (first < end && strcmp(snapshot->zones[first].name, request->zone) != 0)
			first++;
		if (first < end)
			end = first + 1;
	}
	count = end - first;
	if (count > CTL_ZONES_PER_PAGE) {
		count = CTL_ZONES_PER_PAGE;
		next = json_string(snapshot->zones[first + count - 1].name);
	}
	return json_pack("{s:o, s:o, s:o}", "now", when(snapshot->now), "zones",
		array_render(snapshot->zones + first, count, sizeof(*snapshot->zones), zone_render),
		"next", next);
}

static json_t *override_prefix_render(const void *item)
{
	const struct ctl_prefix *prefix = item;

	return json_pack("{s:s, s:o}", "prefix", prefix->prefix, "override",
		override_render(&prefix->override));
}

json_t *ctl_render_overrides(const struct ctl_snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < snapshot->prefixes_count; i++) {
		if (snapshot->prefixes[i].override.verb)
			json_array_append_new(
				array, override_prefix_render(&snapshot->prefixes[i]));
	}
	return json_pack("{s:o}", "overrides", array);
}

json_t *ctl_render_policy(const struct ctl_snapshot *snapshot)
{
	return json_pack("{s:o, s:o}", "now", when(snapshot->now), "prefixes",
		array_render(snapshot->prefixes, snapshot->prefixes_count,
			sizeof(*snapshot->prefixes), would_render));
}

json_t *ctl_render_version(const struct ctl_snapshot *snapshot)
{
	return json_pack("{s:s, s:s, s:i}", "version", snapshot->version, "instance",
		snapshot->instance, "pid", snapshot->pid);
}

static char *line_dump(json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}

char *ctl_response(json_t *result)
{
	if (!result)
		return ctl_response_error(CTL_FAILED, "out of memory");
	return line_dump(
		json_pack("{s:i, s:b, s:o}", "schema", CTL_SCHEMA, "ok", 1, "result", result));
}

char *ctl_response_error(enum ctl_error error, const char *message)
{
	return line_dump(json_pack("{s:i, s:b, s:{s:s, s:o}}", "schema", CTL_SCHEMA, "ok", 0,
		"error", "code", ctl_error_name(error), "message", words(message)));
}
