/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The checks of a node, and what they amount to for one prefix.
 */
#include "control/health/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
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

/* After a hint that the server died: ask at once and some times more, because
 * its sockets don't close all at the same moment. */
static const int burst_ms[] = {0, 1, 2, 4, 8, 16, 32};
#define BURSTS (sizeof burst_ms / sizeof burst_ms[0])

struct target {
	struct sockaddr_storage address;
	bool service;
	char text[INET6_ADDRSTRLEN];
	char who[INET6_ADDRSTRLEN + 24];
};

struct check {
	struct checks *checks;
	const struct target *target;
	bool implicit;
	bool must_answer; /* of a required zone: a condition for announcing */
	enum health_severity severity;
	enum query_transport transport;
	struct verdict_options verdict_options;
	struct span steady, unsteady; /* intervals */
	struct probe *probe;
	char *name;

	struct verdict live, content;
	struct wall since, last_good;
	struct probe_result last;
	struct span rtt;
	uint64_t sent, failed;
	char failing[320]; /* "udp ... example.com SOA: silent" */
};

struct checks {
	sd_event *loop;
	checks_changed_fn *changed;
	void *arg;
	struct target *targets; /* the first is the server's own address */
	size_t target_count;
	struct check *all;
	size_t count, room;
	struct sentinel *sentinel;
	struct sockaddr_storage source4, source6;
	bool want_sentinel;
	sd_event_source *burst_timer;
	struct mono burst_from;
	size_t burst_next;
};

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

static bool check_is_good(const struct check *check)
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

static void probed(void *arg, const struct probe_result *result)
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
	if (check->transport == QUERY_TCP)
		probe_set_interval(check->probe, state == VERDICT_GOOD && check_is_good(check)
							 ? check->steady
							 : check->unsteady);
	/* Not again and again of a server that has no TCP. */
	if (result->outcome == PROBE_REFUSED && check->transport == QUERY_TCP &&
		check->live.state == VERDICT_GOOD)
		burst(check->checks);
	if (state == VERDICT_GOOD && check->transport == QUERY_TCP && !check->target->service)
		sentinel_now(check->checks->sentinel);
	check_explain(check);
	if (changed)
		check->checks->changed(check->checks->arg);
}

static int burst_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct checks *checks = arg;

	if (checks->burst_next >= BURSTS)
		return 0;
	if (++checks->burst_next < BURSTS)
		timer_set(checks->burst_timer,
			mono_after(checks->burst_from, span_ms(burst_ms[checks->burst_next])));
	for (size_t i = 0; i < checks->count; i++)
		if (checks->all[i].transport == QUERY_UDP)
			probe_now(checks->all[i].probe);
	return 0;
}

static void sentinel_ended(void *arg)
{
	burst(arg);
}

/* ---- what they amount to ---- */

struct summary {
	enum verdict_state state;
	struct mono last_good, since;
	bool any;
};

/* Several checks of one target: it lives if one is answered, it is silent if
 * all are, it has refused if one was refused. */
static void summary_add(struct summary *summary, const struct verdict *verdict)
{
	static const int rank[] = {
		/* the higher one stands for the target */
		[VERDICT_SILENT] = 1,
		[VERDICT_BAD] = 1,
		[VERDICT_BLIND] = 2,
		[VERDICT_UNKNOWN] = 3,
		[VERDICT_GOOD] = 4,
		[VERDICT_REFUSED] = 5,
	};

	if (mono_before(summary->last_good, verdict->last_good))
		summary->last_good = verdict->last_good;
	if (summary->any && rank[verdict->state] <= rank[summary->state])
		return;
	summary->any = true;
	summary->state = verdict->state;
	summary->since = verdict->since;
}

static struct summary target_summary(
	const struct checks *checks, const struct target *target, enum query_transport transport)
{
	struct summary summary = {.state = VERDICT_UNKNOWN};

	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->all[i];

		if (check->implicit && check->target == target && check->transport == transport)
			summary_add(&summary, &check->live);
	}
	return summary;
}

static void worst_udp(struct policy_server *server, const struct summary *summary, const char *who)
{
	if (server->udp_who && summary->state <= server->udp)
		return;
	server->udp = summary->state;
	server->udp_who = who;
	server->last_good = summary->last_good;
	server->since = summary->since;
}

static bool speaks_for(const struct target *target, const struct bird_prefix *prefix)
{
	return !target->service || bird_prefix_holds(prefix, target->address.ss_family,
					   address_bytes(&target->address));
}

static void explicit_add(const struct check *check, struct policy_server *server)
{
	bool fails = check->live.state >= VERDICT_BLIND || check->content.state == VERDICT_BAD;

	if (check->severity == HEALTH_FATAL) {
		struct summary summary = {.state = VERDICT_UNKNOWN};

		summary_add(&summary, &check->live);
		worst_udp(server, &summary, check->name);
	}
	if (check->severity >= HEALTH_DEGRADE && fails && !server->failing_check)
		server->failing_check = check->failing;
}

void checks_server(
	const struct checks *checks, const struct bird_prefix *prefix, struct policy_server *server)
{
	memset(server, 0, sizeof *server);
	server->answered = true;
	for (size_t i = 0; i < checks->target_count; i++) {
		const struct target *target = &checks->targets[i];
		struct summary udp, tcp;

		if (!speaks_for(target, prefix))
			continue;
		udp = target_summary(checks, target, QUERY_UDP);
		worst_udp(server, &udp, target->who);
		tcp = target_summary(checks, target, QUERY_TCP);
		if (server->tcp_who && tcp.state <= server->tcp)
			continue;
		server->tcp = tcp.state;
		server->tcp_who = target->who;
	}
	for (size_t i = 0; i < checks->count; i++) {
		const struct check *check = &checks->all[i];

		if (!check->implicit) {
			explicit_add(check, server);
		} else if (check->must_answer && speaks_for(check->target, prefix) &&
			   check->content.state != VERDICT_GOOD && server->answered) {
			server->answered = false;
			server->unanswered = check->failing[0] ? check->failing : check->name;
		}
	}
}

/* ---- building ---- */

static int target_add(
	struct checks *checks, const struct sockaddr_storage *address, bool service, in_port_t port)
{
	struct target *target = &checks->targets[checks->target_count];

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
	checks->target_count++;
	return 0;
}

static int targets_build(struct checks *checks, const struct health_options *options)
{
	const struct sockaddr_storage *server = &options->server;
	size_t services = options->no_service_probes ? 0 : options->service_count;
	in_port_t port = address_port(server);
	int r;

	checks->targets = calloc(1 + services, sizeof *checks->targets);
	if (!checks->targets)
		return -ENOMEM;
	r = target_add(checks, server, false, port);
	for (size_t i = 0; i < services && r == 0; i++)
		r = target_add(checks, &options->service[i], true, port);
	return r;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static void set_intervals(struct check *check, struct probe_options *probe,
	const struct health_options *options, struct span interval)
{
	probe->interval = interval.ns > 0 ? interval : options->interval;
	probe->timeout = options->timeout;
	if (check->transport == QUERY_TCP) {
		if (probe->timeout.ns < span_ms(TCP_TIMEOUT_MIN_MS).ns)
			probe->timeout = span_ms(TCP_TIMEOUT_MIN_MS);
		if (probe->interval.ns < span_ms(TCP_INTERVAL_MS).ns)
			probe->interval = span_ms(TCP_INTERVAL_MS);
	}
	if (probe->timeout.ns > probe->interval.ns)
		probe->timeout = probe->interval;
	check->steady = probe->interval;
	check->unsteady = check->transport == QUERY_TCP ? probe->timeout : probe->interval;
	probe->interval = check->unsteady;
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
	check->must_answer = must_answer;
	check->severity = wanted->severity;
	check->transport = wanted->transport;
	check->verdict_options = (struct verdict_options){
		.fail = options->fail,
		.rise = options->rise,
		.refused_at_once = wanted->transport == QUERY_UDP ||
				   (!implicit && wanted->severity == HEALTH_FATAL),
	};
	verdict_init(&check->live, mono_now());
	verdict_init(&check->content, mono_now());
	check->since = wall_now();
	question_type_text(wanted->qtype, type);
	checks->count++;
	if (asprintf(&check->name, "%s %s %s %s", probe_transport_name(wanted->transport),
		    target->text, wanted->name, type) < 0) {
		check->name = NULL;
		return -ENOMEM;
	}

	struct probe_options probe = {
		.query = {.transport = wanted->transport,
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

	set_intervals(check, &probe, options, wanted->interval);
	/* Staggered evenly: a target with several zones is looked at more often. */
	probe.phase.ns = probe.interval.ns * (int64_t)(checks->count - 1) / (int64_t)checks->room;
	return probe_new(&check->probe, checks->loop, &probe, probed, check);
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
		r = check_add(
			checks, &checks->targets[0], options, &options->checks[i], false, false);
		if (r == 0)
			continue;
		snprintf(error->text, sizeof error->text, "check %zu (%.100s): %s", i + 1,
			options->checks[i].name, strerror(-r));
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
	checks->burst_next = BURSTS;
	checks->source4 = options->source4;
	checks->source6 = options->source6;
	checks->want_sentinel = !options->no_sentinel;
	r = checks_build(checks, options, error);
	if (r == 0)
		r = timer_new(loop, &checks->burst_timer, burst_due, checks);
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

	for (size_t i = 0; i < checks->count; i++)
		probe_start(checks->all[i].probe);
	/* Without it refusal is noticed at the next probe: not worth a failure. */
	if (checks->want_sentinel &&
		sentinel_new(&checks->sentinel, checks->loop,
			server->address.ss_family == AF_INET ? &checks->source4 : &checks->source6,
			&server->address, sentinel_ended, checks) < 0)
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
		.transport = check->transport,
		.severity = check->severity,
		.implicit = check->implicit,
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
