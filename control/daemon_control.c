/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people ask for over the control socket, done or refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/clock.h"
#include "control/config_show.h"
#include "control/ctl/render.h"
#include "control/daemon.h"
#include "control/history.h"
#include "control/log.h"

static char *snapshot_answer(const struct daemon *daemon, const struct ctl_request *request)
{
	struct ctl_snapshot *snapshot = daemon_snapshot(daemon);
	json_t *result = NULL;

	if (!snapshot)
		return ctl_response_error(CTL_FAILED, "out of memory");
	switch (request->command) {
	case CTL_STATUS:
		result = ctl_render_status(snapshot);
		break;
	case CTL_ZONES:
		result = ctl_render_zones(snapshot, request);
		break;
	case CTL_STATS:
		result = ctl_render_stats(snapshot);
		break;
	case CTL_HEALTH:
		result = ctl_render_health(snapshot);
		break;
	case CTL_VERSION:
		result = ctl_render_version(snapshot);
		break;
	default:
		result = ctl_render_overrides(snapshot);
		break;
	}
	daemon_snapshot_free(snapshot);
	return ctl_response(result);
}

static char *override_answer(
	struct daemon *daemon, const struct ctl_request *request, const struct ctl_peer *peer)
{
	static const enum policy_override_kind kinds[CTL_COMMAND_COUNT] = {
		[CTL_ANNOUNCE] = POLICY_ANNOUNCE,
		[CTL_DRAIN] = POLICY_DRAIN,
		[CTL_WITHDRAW] = POLICY_WITHDRAW,
		[CTL_AUTO] = POLICY_AUTO};
	char prefix[VALUE_TEXT], span[VALUE_TEXT];
	struct health_override override = {.kind = kinds[request->command],
		.owner = peer->name,
		.uid = peer->uid,
		.reason = request->reason[0] ? request->reason : NULL,
		.length = {(int64_t)request->span.us * 1000},
		.family = request->family,
		.prefix = request->has_prefix ? prefix_text(&request->prefix, prefix) : NULL};
	int r;

	if (daemon->leave != LEAVE_NOT)
		return ctl_response_error(CTL_FAILED, "the daemon is leaving service");
	if (request->span.us > INT64_MAX / 1000)
		return ctl_response_error(CTL_BAD_REQUEST, "for: too long");
	r = health_override(daemon->health, &override);
	if (r == -ENOENT)
		return ctl_response_error(CTL_FAILED, "no such prefix in routing.prefixes");
	if (r < 0)
		return ctl_response_error(CTL_FAILED, strerror(-r));
	log_write(request->command == CTL_AUTO ? LOG_OVERRIDE_ENDED : LOG_OVERRIDE_SET, NULL, NULL,
		"%s by %s: %s%s%s%s%s", ctl_command_name(request->command), peer->name,
		override.prefix               ? override.prefix
		: request->family == AF_INET  ? "IPv4"
		: request->family == AF_INET6 ? "IPv6"
					      : "every prefix",
		request->span.us ? " for " : "",
		request->span.us ? duration_text(request->span, span) : "",
		override.reason ? ", " : "", override.reason ? override.reason : "");
	if (daemon->overrides_kept < 0)
		return ctl_response_error(CTL_FAILED,
			"it is in force, but a restart loses it: the file of overrides can't be "
			"written; see the log");
	return snapshot_answer(daemon, request);
}

static char *bypass_answer(
	struct daemon *daemon, const struct ctl_request *request, const struct ctl_peer *peer)
{
	const struct bypass *bypass = zones_bypassed(daemon->zones);
	struct domain zone = {0};
	const char *wrong = NULL;
	json_t *zones;
	int r, kept;

	if (!request->has_on)
		return ctl_response_error(CTL_BAD_REQUEST, "on is missing");
	if (request->zone[0])
		wrong = domain_parse(request->zone, &zone);
	if (wrong)
		return ctl_response_error(CTL_BAD_REQUEST, wrong);
	r = zones_bypass(daemon->zones, zone.text ? &zone : NULL, request->on, &kept);
	if (r == 0)
		log_write(request->on ? LOG_OVERRIDE_SET : LOG_OVERRIDE_ENDED, NULL, NULL,
			"bypass %s by %s: %s", request->on ? "on" : "off", peer->name,
			zone.text ? zone.text : "every zone");
	domain_free(&zone);
	if (r == -ENOENT)
		return ctl_response_error(CTL_FAILED,
			request->on ? "no such zone in zones" : "that zone isn't bypassed");
	if (r < 0)
		return ctl_response_error(CTL_FAILED, strerror(-r));
	zones = json_array();
	for (size_t i = 0; i < bypass->count; i++)
		json_array_append_new(zones, json_string(bypass->zones[i]));
	return ctl_response(json_pack("{s:b, s:o, s:o}", "all", (int)bypass->all, "zones", zones,
		"trouble", kept < 0 ? json_string(strerror(-kept)) : json_null()));
}

/* As if what was asked were so, without doing it. */
static char *policy_answer(const struct daemon *daemon, const struct ctl_request *request)
{
	struct ctl_snapshot *snapshot = daemon_snapshot(daemon);
	char error[640] = "out of memory", *answer;
	int r = snapshot ? daemon_suppose(daemon, snapshot, request->what_if, error, sizeof(error))
			 : -ENOMEM;

	if (r < 0)
		answer = ctl_response_error(r == -EINVAL ? CTL_BAD_REQUEST : CTL_FAILED, error);
	else
		answer = ctl_response(ctl_render_policy(snapshot));
	daemon_snapshot_free(snapshot);
	return answer;
}

static char *history_answer(const struct daemon *daemon, const struct ctl_request *request)
{
	char folder[PATH_MAX], prefix[VALUE_TEXT];
	json_t *list = history_read(daemon_folder(daemon, folder),
		request->has_prefix ? prefix_text(&request->prefix, prefix) : NULL, request->count);

	return ctl_response(
		list ? json_pack("{s:f, s:o}", "now", (double)(clock_wall_us() / 1000) / 1000.0,
			       "transitions", list)
		     : NULL);
}

static char *reload_answer(struct daemon *daemon)
{
	char error[1024];
	json_t *changed;
	int r;

	if (daemon->leave != LEAVE_NOT)
		return ctl_response_error(CTL_FAILED, "the daemon is leaving service");
	r = daemon_reload(daemon, &changed, error, sizeof(error));
	if (r < 0)
		return ctl_response_error(r == -EINVAL ? CTL_BAD_CONFIG : CTL_FAILED, error);
	return ctl_response(json_pack("{s:o}", "changed", changed));
}

char *daemon_answer(void *arg, const struct ctl_request *request, const struct ctl_peer *peer)
{
	struct daemon *daemon = arg;

	/* Before the flows are there (start) or after they went (leaving). */
	if (!daemon->health || !daemon->zones)
		return ctl_response_error(CTL_FAILED, "the daemon is starting or leaving");
	switch (request->command) {
	case CTL_ANNOUNCE:
	case CTL_DRAIN:
	case CTL_WITHDRAW:
	case CTL_AUTO:
		return override_answer(daemon, request, peer);
	case CTL_BYPASS:
		return bypass_answer(daemon, request, peer);
	case CTL_HISTORY:
		return history_answer(daemon, request);
	case CTL_POLICY:
		return policy_answer(daemon, request);
	case CTL_RELOAD:
		return reload_answer(daemon);
	case CTL_CONFIG:
		return ctl_response(config_show(daemon->config));
	default:
		return snapshot_answer(daemon, request);
	}
}

void daemon_metrics(void *arg, FILE *out)
{
	struct daemon *daemon = arg;
	struct ctl_snapshot *snapshot = daemon->zones ? daemon_snapshot(daemon) : NULL;

	if (snapshot)
		metrics_render(snapshot, out);
	daemon_snapshot_free(snapshot);
}
