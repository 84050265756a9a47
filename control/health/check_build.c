/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checks come to life and end: out of options, and of the checks before them.
 */
#include "control/health/check_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/address.h"
#include "control/health/sentinel.h"
#include "control/health/timer.h"

#define SOA 6

/* TCP is asked less often while it is good; as soon as it isn't, as often as
 * its timeout allows. */
#define TCP_INTERVAL_MS    1000
#define TCP_TIMEOUT_MIN_MS 200
/* Another host is further away. */
#define REMOTE_TIMEOUT_MS  900
#define SCRIPT_INTERVAL_MS 1000

/* Fills one in; port: network byte order. */
static int target_set(
	struct target *target, const struct sockaddr_storage *address, bool service, in_port_t port)
{
	target->address = *address;
	target->service = service;
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)&target->address)->sin_port = port;
	else if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)&target->address)->sin6_port = port;
	else
		return -EINVAL;
	inet_ntop(address->ss_family, address_bytes(address), target->text, sizeof target->text);
	snprintf(target->who, sizeof target->who, "%s%s",
		service ? "service address " : "local server", service ? target->text : "");
	return 0;
}

static int targets_build(struct checks *checks, const struct health_options *options)
{
	const struct sockaddr_storage *server = &options->server;
	size_t services = options->no_service_probes ? 0 : options->service_count;
	in_port_t port = address_port(server);
	int r;

	/* Never moved: checks point there. */
	checks->targets = calloc(1 + services + options->check_count, sizeof *checks->targets);
	if (!checks->targets)
		return -ENOMEM;
	checks->target_room = checks->target_count = 1 + services;
	r = target_set(&checks->targets[0], server, false, port);
	for (size_t i = 0; i < services && r == 0; i++)
		r = target_set(&checks->targets[1 + i], &options->service[i], true, port);
	return r;
}

/* Whom an explicit check asks. NULL: not an address. */
static const struct target *target_of(
	struct checks *checks, const struct health_check_options *wanted)
{
	struct target *target = &checks->targets[checks->target_room];

	if (wanted->address.ss_family == AF_UNSPEC)
		return &checks->targets[0];
	if (target_set(target, &wanted->address, false, address_port(&wanted->address)) < 0)
		return NULL;
	checks->target_room++;
	return target;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static struct span at_least(struct span span, int64_t ms)
{
	return span.ns < span_ms(ms).ns ? span_ms(ms) : span;
}

static void set_intervals(struct check *check, struct probe_options *probe,
	const struct health_options *options, const struct health_check_options *wanted)
{
	probe->interval = wanted->interval.ns > 0 ? wanted->interval : options->interval;
	probe->timeout = wanted->timeout.ns > 0 ? wanted->timeout : options->timeout;
	if (check->transport == QUERY_TCP || check->dependency) {
		if (wanted->timeout.ns == 0)
			probe->timeout = at_least(probe->timeout,
				check->dependency ? REMOTE_TIMEOUT_MS : TCP_TIMEOUT_MIN_MS);
		if (wanted->interval.ns == 0)
			probe->interval = at_least(probe->interval, TCP_INTERVAL_MS);
	}
	if (probe->timeout.ns > probe->interval.ns)
		probe->timeout = probe->interval;
	check->steady = probe->interval;
	check->unsteady = check->transport == QUERY_TCP && !check->dependency ? probe->timeout
									      : probe->interval;
	probe->interval = check->unsteady;
}

/* The check is a program: run each second, if nothing else is said. */
static int script_add(struct check *check, const struct health_options *options,
	const struct health_check_options *wanted)
{
	struct script_options script = {.command = wanted->command,
		.interval = wanted->interval.ns > 0
				    ? wanted->interval
				    : at_least(options->interval, SCRIPT_INTERVAL_MS),
		.timeout = wanted->timeout};
	struct checks *checks = check->checks;

	if (script.timeout.ns == 0)
		script.timeout = script.interval;
	check->transport = QUERY_TCP;
	check->steady = check->unsteady = script.interval;
	script.phase.ns = script.interval.ns * (int64_t)(checks->count - 1) / (int64_t)checks->room;
	if (asprintf(&check->name, "script %s", wanted->command[0]) < 0) {
		check->name = NULL;
		return -ENOMEM;
	}
	return script_new(&check->script, checks->loop, &script, check_probed, check);
}

/* Fills the check's texts; the probe is made when all checks are known. */
static int check_add(struct checks *checks, const struct target *target,
	const struct health_options *options, const struct health_check_options *wanted,
	bool implicit, bool must_answer)
{
	struct check *check = &checks->all[checks->count];
	char type[16];

	check->checks = checks;
	check->target = target;
	check->implicit = implicit;
	check->peer = wanted->peer;
	check->dependency = wanted->peer || wanted->address.ss_family != AF_UNSPEC;
	check->family = wanted->family;
	check->must_answer = must_answer;
	check->severity = wanted->severity;
	check->transport = wanted->transport;
	check->verdict_options = (struct verdict_options){
		.fail = wanted->fail ? wanted->fail : options->fail,
		.rise = wanted->rise ? wanted->rise : options->rise,
		.refused_at_once = wanted->transport == QUERY_UDP ||
				   (!implicit && wanted->severity == HEALTH_FATAL),
	};
	verdict_init(&check->live, mono_now());
	verdict_init(&check->content, mono_now());
	check->since = wall_now();
	checks->count++;
	if (wanted->command)
		return script_add(check, options, wanted);
	question_type_text(wanted->qtype, type);
	if (asprintf(&check->name, "%s %s %s %s", probe_transport_name(wanted->transport),
		    target->text, wanted->name, type) < 0) {
		check->name = NULL;
		return -ENOMEM;
	}

	struct probe_options probe = {
		.query = {.signer = wanted->signer,
			.transport = wanted->transport,
			.source = target->address.ss_family == AF_INET ? checks->source4
								       : checks->source6,
			.destination = target->address,
			.local = target->service || is_loopback(&target->address),
			.expect = {.rcode = wanted->rcode,
				.authoritative = wanted->authoritative,
				.answered = must_answer,
				.rdata_contains = wanted->rdata_contains}},
		.name = wanted->name,
		.qtype = wanted->qtype,
	};

	set_intervals(check, &probe, options, wanted);
	/* Staggered evenly: a target with several zones is looked at more often. */
	probe.phase.ns = probe.interval.ns * (int64_t)(checks->count - 1) / (int64_t)checks->room;
	return probe_new(&check->probe, checks->loop, &probe, check_probed, check);
}

static int implicit_add(struct checks *checks, const struct health_options *options,
	const struct target *target, const char *zone)
{
	struct health_check_options wanted = {
		.name = zone ? zone : ".",
		.qtype = SOA,
		.rcode = zone ? 0 : -1,
		.authoritative = zone != NULL,
	};
	int r;

	wanted.transport = QUERY_UDP;
	wanted.severity = HEALTH_FATAL;
	r = check_add(checks, target, options, &wanted, true, zone != NULL);
	if (r < 0)
		return r;
	wanted.transport = QUERY_TCP;
	wanted.severity = HEALTH_DEGRADE;
	return check_add(checks, target, options, &wanted, true, zone != NULL);
}

static int checks_build(
	struct checks *checks, const struct health_options *options, struct health_error *error)
{
	size_t zones = options->required_count ? options->required_count : 1;
	int r = targets_build(checks, options);

	if (r < 0) {
		snprintf(error->text, sizeof error->text, "local server: %s",
			r == -EINVAL ? "not an IPv4 or IPv6 address" : strerror(-r));
		return r;
	}
	checks->room = checks->target_count * zones * 2 + options->check_count;
	checks->all = calloc(checks->room, sizeof *checks->all);
	if (!checks->all)
		return -ENOMEM;
	for (size_t z = 0; z < zones; z++) {
		const char *zone = options->required_count ? options->required[z] : NULL;

		for (size_t t = 0; t < checks->target_count; t++) {
			r = implicit_add(checks, options, &checks->targets[t], zone);
			if (r == 0)
				continue;
			snprintf(error->text, sizeof error->text, "required zone %.100s: %s",
				zone ? zone : ".", strerror(-r));
			return r;
		}
	}
	for (size_t i = 0; i < options->check_count; i++) {
		const struct target *target = target_of(checks, &options->checks[i]);

		r = target ? check_add(checks, target, options, &options->checks[i], false, false)
			   : -EINVAL;
		if (r == 0)
			continue;
		snprintf(error->text, sizeof error->text, "check %zu (%.100s): %s", i + 1,
			options->checks[i].command ? options->checks[i].command[0]
						   : options->checks[i].name,
			strerror(-r));
		return r;
	}
	return 0;
}

int checks_new(struct checks **out, sd_event *loop, const struct health_options *options,
	checks_changed_fn *changed, void *arg, struct health_error *error)
{
	struct checks *checks = calloc(1, sizeof *checks);
	int r;

	if (!checks)
		return -ENOMEM;
	checks->loop = sd_event_ref(loop);
	checks->changed = changed;
	checks->arg = arg;
	checks_burst_reset(checks);
	checks->source4 = options->source4;
	checks->source6 = options->source6;
	checks->want_sentinel = !options->no_sentinel;
	r = checks_build(checks, options, error);
	if (r == 0)
		r = timer_new(loop, &checks->burst_timer, checks_burst_due, checks);
	if (r < 0) {
		checks_free(checks);
		return r;
	}
	*out = checks;
	return 0;
}

void checks_free(struct checks *checks)
{
	if (!checks)
		return;
	for (size_t i = 0; i < checks->count; i++) {
		probe_free(checks->all[i].probe);
		script_free(checks->all[i].script);
		free(checks->all[i].name);
	}
	sentinel_free(checks->sentinel);
	sd_event_source_disable_unref(checks->burst_timer);
	sd_event_unref(checks->loop);
	free(checks->all);
	free(checks->targets);
	free(checks);
}

void checks_inherit(struct checks *checks, const struct checks *old)
{
	for (size_t i = 0; i < checks->count; i++) {
		struct check *check = &checks->all[i];

		for (size_t j = 0; j < old->count; j++) {
			const struct check *same = &old->all[j];

			/* At another port it is another server, of which nothing is known. */
			if (strcmp(check->name, same->name) != 0 ||
				check->implicit != same->implicit ||
				address_port(&check->target->address) !=
					address_port(&same->target->address))
				continue;
			check->live = same->live;
			check->since = same->since;
			check->last_good = same->last_good;
			check->rtt = same->rtt;
			check->sent = same->sent;
			check->failed = same->failed;
			/* What is expected may have changed; for a required zone it hasn't. */
			if (check->must_answer && same->must_answer)
				check->content = same->content;
			break;
		}
	}
}

void checks_start(struct checks *checks)
{
	const struct target *server = &checks->targets[0];

	for (size_t i = 0; i < checks->count; i++) {
		if (checks->all[i].script)
			script_start(checks->all[i].script);
		else
			probe_start(checks->all[i].probe);
	}
	/* Without it refusal is noticed at the next probe: not worth a failure. */
	if (checks->want_sentinel &&
		sentinel_new(&checks->sentinel, checks->loop,
			server->address.ss_family == AF_INET ? &checks->source4 : &checks->source6,
			&server->address, checks_sentinel_ended, checks) < 0)
		checks->sentinel = NULL;
}

size_t checks_count(const struct checks *checks)
{
	return checks->count;
}

void checks_status(const struct checks *checks, size_t index, struct health_check_status *status)
{
	const struct check *check = &checks->all[index];

	*status = (struct health_check_status){
		.name = check->name,
		.target = check->target->text,
		.type = check->script ? "script" : probe_transport_name(check->transport),
		.transport = check->transport,
		.severity = check->severity,
		.implicit = check->implicit,
		.dependency = check->dependency,
		.peer = check->peer,
		.verdict = check->live.state,
		.content = check->content.state,
		.good = check_is_good(check),
		.detail = check->last.detail,
		.since = check->since,
		.last_good = check->last_good,
		.rtt = check->rtt,
		.sent = check->sent,
		.failed = check->failed,
		.has_serial = check->last.has_serial,
		.serial = check->last.serial,
	};
}
