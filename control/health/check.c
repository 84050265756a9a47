/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a check's results do: verdicts, texts, and asking again when the server
 * seems to die.
 */
#include "control/health/check_state.h"

#include <stdio.h>

#include "control/health/sentinel.h"
#include "control/health/timer.h"

/* After a hint that the server died: ask at once and some times more, because
 * its sockets don't close all at the same moment. */
static const int burst_ms[] = {0, 1, 2, 4, 8, 16, 32};
#define BURSTS (sizeof burst_ms / sizeof burst_ms[0])

const char *health_severity_name(enum health_severity severity)
{
	switch (severity) {
	case HEALTH_INFO:
		return "info";
	case HEALTH_DEGRADE:
		return "degrade";
	case HEALTH_FATAL:
		return "fatal";
	}
	return "?";
}

/* ---- results ---- */

static enum verdict_state outcome_state(enum probe_outcome outcome)
{
	switch (outcome) {
	case PROBE_OK:
	case PROBE_BAD_CONTENT:
		return VERDICT_GOOD;
	case PROBE_REFUSED:
		return VERDICT_REFUSED;
	case PROBE_TIMEOUT:
		return VERDICT_SILENT;
	case PROBE_ERROR:
		break;
	}
	return VERDICT_BLIND;
}

bool check_is_good(const struct check *check)
{
	return check->live.state == VERDICT_GOOD && check->content.state == VERDICT_GOOD;
}

static void check_explain(struct check *check)
{
	bool alive = check->live.state == VERDICT_GOOD;

	snprintf(check->failing, sizeof check->failing, "%s: %s%s%s", check->name,
		alive ? "" : verdict_name(check->live.state),
		alive || !check->last.detail[0] ? "" : ", ", check->last.detail);
}

static void burst(struct checks *checks)
{
	if (checks->burst_next < BURSTS)
		return;
	checks->burst_from = mono_now();
	checks->burst_next = 0;
	timer_set(checks->burst_timer, checks->burst_from);
}

void check_probed(void *arg, const struct probe_result *result)
{
	static const struct verdict_options content_once = {.fail = 1, .rise = 1};
	struct check *check = arg;
	struct mono now = mono_now();
	enum verdict_state state = outcome_state(result->outcome);
	bool changed;

	/* A late one was counted as failed, and it was. */
	check->sent += !result->late;
	check->last = *result;
	changed = verdict_feed(&check->live, &check->verdict_options, state, now);
	if (changed)
		check->since = wall_now();
	if (state == VERDICT_GOOD) {
		bool expected = result->outcome == PROBE_OK;
		const struct verdict_options *options =
			check->content.state == VERDICT_UNKNOWN && expected
				? &content_once
				: &check->verdict_options;

		check->rtt = result->rtt;
		check->last_good = wall_now();
		changed |= verdict_feed(
			&check->content, options, expected ? VERDICT_GOOD : VERDICT_BAD, now);
	}
	if (result->outcome != PROBE_OK && !result->late)
		check->failed++;
	if (check->script) {
		check_explain(check);
		if (changed)
			check->checks->changed(check->checks->arg);
		return;
	}
	if (check->transport == QUERY_TCP)
		probe_set_interval(check->probe, state == VERDICT_GOOD && check_is_good(check)
							 ? check->steady
							 : check->unsteady);
	/* Not again and again of a server that has no TCP. */
	if (result->outcome == PROBE_REFUSED && check->transport == QUERY_TCP &&
		check->live.state == VERDICT_GOOD && !check->dependency)
		burst(check->checks);
	if (state == VERDICT_GOOD && check->transport == QUERY_TCP && !check->target->service &&
		!check->dependency)
		sentinel_now(check->checks->sentinel);
	check_explain(check);
	if (changed)
		check->checks->changed(check->checks->arg);
}

void checks_burst_reset(struct checks *checks)
{
	checks->burst_next = BURSTS;
}

int checks_burst_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct checks *checks = arg;

	if (checks->burst_next >= BURSTS)
		return 0;
	if (++checks->burst_next < BURSTS)
		timer_set(checks->burst_timer,
			mono_after(checks->burst_from, span_ms(burst_ms[checks->burst_next])));
	for (size_t i = 0; i < checks->count; i++)
		if (checks->all[i].transport == QUERY_UDP && checks->all[i].probe &&
			!checks->all[i].dependency)
			probe_now(checks->all[i].probe);
	return 0;
}

void checks_sentinel_ended(void *arg)
{
	burst(arg);
}
