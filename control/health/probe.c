/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks one server one DNS question over and over.
 */
#include "control/health/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/timer.h"

/* So many timed-out queries are still listened to: each until as many intervals
 * later. */
#define LATE_MAX 4

struct probe {
	sd_event *loop;
	struct probe_options options;
	char *contains;
	struct question_wire question;
	probe_result_fn *result;
	void *arg;
	sd_event_source *next_timer, *timeout_timer;
	struct mono next_at;
	struct query *current; /* NULL: none in flight */
	struct query *late[LATE_MAX];
	size_t late_next;
	bool owed; /* the next query's time came while one was in flight */
};

const char *probe_transport_name(enum query_transport transport)
{
	return transport == QUERY_UDP ? "udp" : "tcp";
}

const char *probe_outcome_name(enum probe_outcome outcome)
{
	switch (outcome) {
	case PROBE_OK:
		return "ok";
	case PROBE_BAD_CONTENT:
		return "bad content";
	case PROBE_REFUSED:
		return "refused";
	case PROBE_TIMEOUT:
		return "timeout";
	case PROBE_ERROR:
		return "error";
	}
	return "?";
}

static void query_begin(struct probe *probe);

static void report(
	struct probe *probe, enum probe_outcome outcome, bool late, const struct query_result *from)
{
	struct probe_result result = {
		.family = probe->options.query.destination.ss_family,
		.transport = probe->options.query.transport,
		.outcome = outcome,
		.late = late,
		.rtt = from->rtt,
		.rcode = from->rcode,
		.has_serial = from->has_serial,
		.serial = from->serial,
	};

	memcpy(result.detail, from->detail, sizeof result.detail);
	probe->result(probe->arg, &result);
	if (probe->owed && !probe->current)
		query_begin(probe);
}

static enum probe_outcome outcome_of(const struct query_result *result)
{
	switch (result->outcome) {
	case QUERY_OK:
		return PROBE_OK;
	case QUERY_BAD_CONTENT:
		return PROBE_BAD_CONTENT;
	case QUERY_REFUSED:
		return PROBE_REFUSED;
	case QUERY_NO_ANSWER:
		return PROBE_TIMEOUT;
	case QUERY_ERROR:
		break;
	}
	return PROBE_ERROR;
}

static void query_done(void *arg, struct query *query, const struct query_result *result)
{
	struct probe *probe = arg;
	bool late = query != probe->current;

	query_free(query);
	if (!late) {
		probe->current = NULL;
		timer_off(probe->timeout_timer);
		report(probe, outcome_of(result), false, result);
		return;
	}
	for (size_t i = 0; i < LATE_MAX; i++)
		if (probe->late[i] == query)
			probe->late[i] = NULL;
	/* That it failed was said when it timed out. */
	if (result->rcode >= 0)
		report(probe, outcome_of(result), true, result);
}

static int timed_out(sd_event_source *source, uint64_t usec, void *arg)
{
	struct probe *probe = arg;
	struct query *query = probe->current;
	struct query_result result = {.rcode = -1};
	unsigned ignored;

	if (!query)
		return 0;
	ignored = query_ignored(query);
	snprintf(result.detail, sizeof result.detail, "no %s in time",
		query_connecting(query) ? "connection" : "answer");
	if (ignored)
		snprintf(result.detail, sizeof result.detail,
			"no answer in time (%u foreign replies ignored)", ignored);
	probe->current = NULL;
	if (probe->options.query.transport == QUERY_UDP) {
		query_free(probe->late[probe->late_next]);
		probe->late[probe->late_next] = query;
		probe->late_next = (probe->late_next + 1) % LATE_MAX;
	} else {
		query_free(query);
	}
	report(probe, PROBE_TIMEOUT, false, &result);
	return 0;
}

static void query_begin(struct probe *probe)
{
	struct query_result result;

	probe->owed = false;
	timer_set(probe->timeout_timer, mono_after(mono_now(), probe->options.timeout));
	if (query_new(&probe->current, probe->loop, &probe->options.query, &probe->question,
		    query_done, probe, &result) == 0)
		return;
	probe->current = NULL;
	timer_off(probe->timeout_timer);
	report(probe, outcome_of(&result), false, &result);
}

static int next_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct probe *probe = arg;
	struct mono now = mono_now();

	/* A loop that was late doesn't ask several times at once. */
	probe->next_at = mono_after(probe->next_at, probe->options.interval);
	if (mono_before(probe->next_at, now))
		probe->next_at = mono_after(now, probe->options.interval);
	timer_set(probe->next_timer, probe->next_at);
	/* With a timeout as long as the interval both end in the same turn. */
	if (probe->current)
		probe->owed = true;
	else
		query_begin(probe);
	return 0;
}

void probe_start(struct probe *probe)
{
	probe->next_at = mono_after(mono_now(), probe->options.phase);
	timer_set(probe->next_timer, probe->next_at);
}

void probe_set_interval(struct probe *probe, struct span interval)
{
	struct mono sooner = mono_after(mono_now(), interval);

	if (interval.ns < probe->options.timeout.ns || interval.ns == probe->options.interval.ns)
		return;
	probe->options.interval = interval;
	if (mono_before(sooner, probe->next_at)) {
		probe->next_at = sooner;
		timer_set(probe->next_timer, probe->next_at);
	}
}

void probe_now(struct probe *probe)
{
	if (probe->current) {
		query_repeat(probe->current);
		return;
	}
	probe->next_at = mono_now();
	timer_set(probe->next_timer, probe->next_at);
}

static int options_check(const struct probe_options *options)
{
	const struct query_options *query = &options->query;
	int family = query->destination.ss_family;

	if (family != AF_INET && family != AF_INET6)
		return -EINVAL;
	if (query->source.ss_family != AF_UNSPEC && query->source.ss_family != family)
		return -EINVAL;
	if (options->interval.ns <= 0 || options->timeout.ns <= 0 ||
		options->timeout.ns > options->interval.ns)
		return -EINVAL;
	return 0;
}

int probe_new(struct probe **out, sd_event *loop, const struct probe_options *options,
	probe_result_fn *result, void *arg)
{
	const char *contains = options->query.expect.rdata_contains;
	struct probe *probe;
	int r = options_check(options);

	if (r < 0)
		return r;
	probe = calloc(1, sizeof *probe);
	if (!probe)
		return -ENOMEM;
	probe->loop = sd_event_ref(loop);
	probe->options = *options;
	probe->options.name = NULL;
	probe->result = result;
	probe->arg = arg;
	r = question_build(&probe->question, options->name, options->qtype);
	if (r == 0 && contains) {
		probe->contains = strdup(contains);
		r = probe->contains ? 0 : -ENOMEM;
	}
	probe->options.query.expect.rdata_contains = probe->contains;
	if (r == 0)
		r = timer_new(loop, &probe->next_timer, next_due, probe);
	if (r == 0)
		r = timer_new(loop, &probe->timeout_timer, timed_out, probe);
	if (r < 0) {
		probe_free(probe);
		return r;
	}
	*out = probe;
	return 0;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	query_free(probe->current);
	for (size_t i = 0; i < LATE_MAX; i++)
		query_free(probe->late[i]);
	sd_event_source_disable_unref(probe->next_timer);
	sd_event_source_disable_unref(probe->timeout_timer);
	sd_event_unref(probe->loop);
	free(probe->contains);
	free(probe);
}
