/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flows' states side by side: one snapshot for the control socket and the metrics. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer/packet.h"
#include "control/clock.h"
#include "control/daemon.h"

static const char *const rcode_names[COUNTERS_RCODES] = {"NOERROR", "FORMERR", "SERVFAIL",
	"NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	"11", "12", "13", "14", "15", [RCODE_BADVERS] = "BADVERS", [RCODE_BADCOOKIE] = "BADCOOKIE"};

static const struct {
	const char *name, *text;
} reason_names[REASON_COUNT] = {
#define R(symbol, short_name, long_text) [REASON_##symbol] = {short_name, long_text},
	REASONS(R)
#undef R
};

/* A snapshot and the memory that it points to. */
struct snapshot {
	struct ctl_snapshot out; /* first: what others see */
	char cause[320], bird[160];
	struct ctl_wait waits[WAITING_MOST];
	struct ctl_interface interfaces[CONFIG_MAX_INTERFACES];
	struct fastpath_status fastpath;
	struct ctl_counter rcodes[COUNTERS_RCODES], reasons[COUNTERS_REASONS];
	struct ctl_prefix *prefixes;
	struct health_what_if *what_if;
	struct ctl_check *checks;
	struct ctl_zone *zones;
};

static uint64_t wall_to_us(struct wall wall)
{
	return wall.ns > 0 ? (uint64_t)wall.ns / 1000 : 0;
}

/* A moment of the monotonic clock as a date; 0 for never. */
static uint64_t mono_to_us(int64_t ns)
{
	int64_t ago = (int64_t)clock_monotonic_us() - ns / 1000;

	if (ns <= 0 || ns == INT64_MAX)
		return 0;
	return (uint64_t)((int64_t)clock_wall_us() - ago);
}

static enum ctl_state state_of(enum route_state state)
{
	return state == ROUTE_ANNOUNCED  ? CTL_STATE_ANNOUNCED
	       : state == ROUTE_DEGRADED ? CTL_STATE_DEGRADED
					 : CTL_STATE_WITHDRAWN;
}

static void waits_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	for (size_t i = 0; i < daemon->waiting.count; i++) {
		const struct waiting_entry *entry = &daemon->waiting.entries[i];

		snapshot->waits[i] =
			(struct ctl_wait){entry->kind, entry->subject, entry->reason, entry->since};
	}
	snapshot->out.waits = snapshot->waits;
	snapshot->out.waits_count = daemon->waiting.count;
}

static void override_fill(const struct policy_override *override, struct ctl_override *out)
{
	if (!override)
		return;
	*out = (struct ctl_override){.verb = policy_override_name(override->kind),
		.owner = override->owner,
		.uid = override->uid == (uid_t)-1 ? -1 : (int64_t) override->uid,
		.since = wall_to_us(override->since),
		.reason = override->reason,
		.until = mono_to_us(override->until.ns)};
}

static void policy_fill(const struct health_prefix_status *status, struct ctl_policy *out)
{
	*out = (struct ctl_policy){.others = policy_others_name(status->others),
		.other_routes = status->other_routes,
		.held = status->held,
		.drained = status->drained,
		.flaps = status->flaps,
		.spent = status->spent,
		.budget = status->budget,
		.hold_down_us =
			status->hold_down.ns > 0 ? (uint64_t)status->hold_down.ns / 1000 : 0,
		.penalty = status->penalty,
		.damped_by = status->damped_by};
}

static bool prefixes_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	size_t count = health_prefix_count(daemon->health);

	snapshot->prefixes = calloc(count + 1, sizeof(*snapshot->prefixes));
	if (!snapshot->prefixes)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct ctl_prefix *out = &snapshot->prefixes[i];
		struct health_prefix_status status;

		health_prefix_status(daemon->health, i, &status);
		*out = (struct ctl_prefix){.prefix = status.prefix,
			.family = status.family == AF_INET ? 4 : 6,
			.wanted = state_of(status.wanted),
			.cause = policy_cause_name(status.cause),
			.reason = status.reason,
			.since = wall_to_us(status.since_wall)};
		if (status.has_route) {
			out->protocol = status.route.protocol;
			out->seen_known = status.route.actual_known;
			out->seen = state_of(status.route.actual);
		}
		policy_fill(&status, &out->policy);
		override_fill(status.override, &out->override);
	}
	snapshot->out.prefixes = snapshot->prefixes;
	snapshot->out.prefixes_count = count;
	return true;
}

static bool checks_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	size_t count = health_check_count(daemon->health);

	snapshot->checks = calloc(count + 1, sizeof(*snapshot->checks));
	if (!snapshot->checks)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct health_check_status status;

		health_check_status(daemon->health, i, &status);
		snapshot->checks[i] = (struct ctl_check){.name = status.name,
			.type = status.type,
			.target = status.target,
			.verdict = verdict_name(
				status.verdict > status.content ? status.verdict : status.content),
			.severity = health_severity_name(status.severity),
			.reason = status.detail,
			.good = status.good,
			.since = wall_to_us(status.since),
			.last_good = wall_to_us(status.last_good),
			.rtt_us = (uint64_t)status.rtt.ns / 1000,
			.sent = status.sent,
			.failed = status.failed};
	}
	snapshot->out.checks = snapshot->checks;
	snapshot->out.checks_count = count;
	return true;
}

static bool zones_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	size_t count;
	const struct zones_view *views = zones_views(daemon->zones, &count);

	snapshot->zones = calloc(count + 1, sizeof(*snapshot->zones));
	if (!snapshot->zones)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct zones_view *view = &views[i];

		snapshot->zones[i] = (struct ctl_zone){.name = view->name->text,
			.state = view->state,
			.reason = view->reason,
			.fast = view->fast,
			.trouble = view->trouble,
			.has_server = view->mirror.server_known,
			.has_mirror = view->mirror.mirror_known,
			.has_fast = view->image.published,
			.serial_server = view->mirror.server_serial,
			.serial_mirror = view->mirror.mirror_serial,
			.serial_fast = view->image.serial,
			.since = view->since,
			.published = view->image.published_at,
			.deadline = view->image.published && view->image.deadline < INT64_MAX
					    ? mono_to_us((int64_t)view->image.deadline)
					    : 0,
			.records = view->mirror.records,
			.wire_bytes = view->mirror.wire_size};
	}
	snapshot->out.zones = snapshot->zones;
	snapshot->out.zones_count = count;
	return true;
}

static size_t counters_fill(
	struct ctl_counter *out, const uint64_t *values, size_t count, bool reasons)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (values[i] == 0)
			continue;
		if (!reasons && rcode_names[i])
			out[used++] = (struct ctl_counter){rcode_names[i], NULL, values[i]};
		else if (reasons && i < REASON_COUNT && reason_names[i].name)
			out[used++] = (struct ctl_counter){
				reason_names[i].name, reason_names[i].text, values[i]};
	}
	return used;
}

static void paths_fill(struct ctl_interface *out, const struct counters_path *paths)
{
	for (size_t i = 0; i < 2; i++)
		out->paths[i] = (struct ctl_path){paths[i].fast, paths[i].passed, paths[i].dropped};
}

static void engine_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	struct ctl_engine *engine = &snapshot->out.engine;
	struct fastpath_counters counters;
	struct publisher_image image;

	fastpath_status(daemon->fastpath, &snapshot->fastpath);
	fastpath_counters(daemon->fastpath, &counters);
	publisher_image(zones_publisher(daemon->zones), &image);
	*engine = (struct ctl_engine){.present = snapshot->fastpath.present,
		.healthy = snapshot->fastpath.healthy,
		.reason = snapshot->fastpath.reason,
		.interfaces = snapshot->interfaces,
		.interfaces_count = daemon->config->interfaces_count,
		.lease_left_us = snapshot->fastpath.lease_left_us,
		.fast = counters.all.fast,
		.passed = counters.all.passed,
		.dropped = counters.all.dropped,
		.rcodes = snapshot->rcodes,
		.reasons = snapshot->reasons,
		.truncated = counters.truncated,
		.image_bytes = image.usage.size,
		.image_used = image.usage.size - image.usage.unused,
		.image_quarantined = image.usage.quarantine,
		.zones_in_image = image.usage.zone_count};
	engine->rcodes_count =
		counters_fill(snapshot->rcodes, counters.rcodes, COUNTERS_RCODES, false);
	engine->reasons_count =
		counters_fill(snapshot->reasons, counters.reasons, COUNTERS_REASONS, true);
	for (size_t i = 0; i < engine->interfaces_count; i++) {
		const struct engine_attachment *link = &snapshot->fastpath.links[i];

		snapshot->interfaces[i] =
			(struct ctl_interface){.name = daemon->config->interfaces[i].name,
				.engine = "xdp",
				.attached = i < snapshot->fastpath.links_count && link->attached,
				.mode = link->mode == ATTACH_NATIVE    ? "native"
					: link->mode == ATTACH_GENERIC ? "generic"
								       : "",
				.note = link->note,
				.warnings = snapshot->fastpath.warnings[i],
				.warnings_count = FASTPATH_WARNINGS};
		paths_fill(&snapshot->interfaces[i], counters.paths[i]);
	}
}

static void bird_fill(const struct daemon *daemon, struct snapshot *snapshot)
{
	struct health_node_status status;

	health_node_status(daemon->health, &status);
	snapshot->out.bird_up = status.bird == BIRD_UP;
	if (status.bird == BIRD_UP)
		snprintf(snapshot->bird, sizeof(snapshot->bird), "up%s%s",
			*status.bird_version ? ", " : "", status.bird_version);
	else
		snprintf(snapshot->bird, sizeof(snapshot->bird), "%s%s%s",
			bird_link_name(status.bird), *status.bird_error ? ": " : "",
			status.bird_error);
	snapshot->out.bird = snapshot->bird;
}

/*
 * What routers see decides: announced when every prefix is, withdrawn when none
 * is. Announced with something that isn't right is degraded.
 */
enum ctl_state daemon_state(const struct daemon *daemon, const char **cause)
{
	size_t count = health_prefix_count(daemon->health), announced = 0, gone = 0;
	struct health_prefix_status status;
	struct fastpath_status fastpath;
	struct zones_totals totals;

	*cause = NULL;
	for (size_t i = 0; i < count; i++) {
		enum route_state seen;

		health_prefix_status(daemon->health, i, &status);
		seen = status.has_route && status.route.actual_known ? status.route.actual
								     : ROUTE_WITHDRAWN;
		announced += seen == ROUTE_ANNOUNCED && status.wanted == ROUTE_ANNOUNCED;
		gone += seen == ROUTE_WITHDRAWN;
		if ((seen != ROUTE_ANNOUNCED || status.wanted != ROUTE_ANNOUNCED) && !*cause)
			*cause = status.reason;
	}
	if (count > 0 && gone == count)
		return CTL_STATE_WITHDRAWN;
	if (announced < count)
		return CTL_STATE_DEGRADED;
	fastpath_status(daemon->fastpath, &fastpath);
	if (!fastpath.healthy) {
		*cause = "the fast path is not good";
		return CTL_STATE_DEGRADED;
	}
	if (daemon->waiting.count > 0) {
		*cause = "something is awaited";
		return CTL_STATE_DEGRADED;
	}
	zones_totals(daemon->zones, &totals);
	if (totals.trouble > 0) {
		*cause = "zones are in trouble";
		return CTL_STATE_DEGRADED;
	}
	for (size_t i = 0; i < health_check_count(daemon->health); i++) {
		struct health_check_status check;

		health_check_status(daemon->health, i, &check);
		if (!check.good && check.severity != HEALTH_INFO) {
			*cause = "a check fails";
			return CTL_STATE_DEGRADED;
		}
	}
	return CTL_STATE_ANNOUNCED;
}

struct ctl_snapshot *daemon_snapshot(const struct daemon *daemon)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	const char *cause;

	if (!snapshot)
		return NULL;
	snapshot->out.now = clock_wall_us();
	snapshot->out.node = daemon->node;
	snapshot->out.version = ANODE_VERSION;
	snapshot->out.instance = daemon->config->instance;
	snapshot->out.pid = getpid();
	snapshot->out.started = daemon->started;
	snapshot->out.leaving = daemon->leave != LEAVE_NOT;
	if (!prefixes_fill(daemon, snapshot) || !checks_fill(daemon, snapshot) ||
		!zones_fill(daemon, snapshot)) {
		daemon_snapshot_free(&snapshot->out);
		return NULL;
	}
	waits_fill(daemon, snapshot);
	engine_fill(daemon, snapshot);
	bird_fill(daemon, snapshot);
	snapshot->out.state = daemon_state(daemon, &cause);
	snprintf(snapshot->cause, sizeof(snapshot->cause), "%s", cause ? cause : "");
	snapshot->out.cause = snapshot->cause;
	return &snapshot->out;
}

int daemon_suppose(const struct daemon *daemon, struct ctl_snapshot *out, const char *what_if,
	char *error, size_t error_size)
{
	struct snapshot *snapshot = (struct snapshot *)out;
	struct health_error wrong;

	snapshot->what_if = calloc(out->prefixes_count + 1, sizeof(*snapshot->what_if));
	if (!snapshot->what_if)
		return -ENOMEM;
	for (size_t i = 0; i < out->prefixes_count; i++) {
		struct health_what_if *what = &snapshot->what_if[i];
		int r = health_what_if(
			daemon->health, i, what_if[0] ? what_if : NULL, what, &wrong);

		if (r < 0) {
			snprintf(error, error_size, "%s", wrong.text);
			return r;
		}
		snapshot->prefixes[i].policy.would = route_state_name(what->state);
		snapshot->prefixes[i].policy.would_cause = policy_cause_name(what->cause);
		snapshot->prefixes[i].policy.would_reason = what->reason;
	}
	return 0;
}

void daemon_snapshot_free(struct ctl_snapshot *out)
{
	struct snapshot *snapshot = (struct snapshot *)out;

	if (!snapshot)
		return;
	free(snapshot->prefixes);
	free(snapshot->what_if);
	free(snapshot->checks);
	free(snapshot->zones);
	free(snapshot);
}
