/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reconciler's ear: what BIRD's replies and the link's changes mean for the
 * prefixes. It sends nothing; route.c does, when it is told to go on.
 */
#include "control/health/route_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define RECHECK_MS 20
#define RETRY_MS   1000
/* Dates that BIRD shows wander by a millisecond. */
#define DATE_JITTER_MS 5

void readback_observe(struct route_prefix *prefix)
{
	struct route *route = prefix->route;

	if (prefix_observe(prefix, bird_link(route->bird)) && !prefix->removed)
		route->events.observed(route->arg, prefix->arg);
}

void readback_alarm(struct route_prefix *prefix)
{
	const char *trouble = prefix_trouble(prefix);

	if (trouble[0])
		snprintf(prefix->error, sizeof prefix->error, "%s", trouble);
	else if (bird_link(prefix->route->bird) != BIRD_UP)
		snprintf(
			prefix->error, sizeof prefix->error, "%s", bird_error(prefix->route->bird));
	else
		prefix_explain(prefix, prefix->error, sizeof prefix->error);
	if (!prefix->error[0] || strcmp(prefix->error, prefix->alarm) == 0)
		return;
	memcpy(prefix->alarm, prefix->error, sizeof prefix->alarm);
	route_say(prefix->route, prefix->wanted == ROUTE_WITHDRAWN ? LOG_ALERT : LOG_ERR,
		"prefix %s should be %s: %s", prefix->text, route_state_name(prefix->wanted),
		prefix->error);
	if (!prefix->removed)
		prefix->route->events.observed(prefix->route->arg, prefix->arg);
}

/* All peers of the prefix have been asked: again soon, or enough? */
static void polled(struct route_prefix *prefix, struct mono now)
{
	bool was_settled = prefix->settled;

	prefix->poll_from = MONO_NEVER;
	readback_observe(prefix);
	if (!prefix->decided || prefix->settled)
		return;
	if (was_settled) {
		/* A session that just went down, or worse: look closely. */
		prefix_watch(prefix, now);
		prefix->route->need_protocols = true;
	} else if (!prefix_watch_on(prefix, now)) {
		readback_alarm(prefix);
	}
}

static void switch_done(struct command *command, struct mono now)
{
	const struct bird_answer *answer = &command->answer;
	struct proto *proto = command->proto;
	bool up = answer->question == BIRD_ENABLE;

	if (answer->failure == BIRD_CODE_NO_PROTOCOL) {
		proto->know = PROTO_MISSING;
	} else if (answer->obeyed) {
		proto->know = up ? PROTO_UP : PROTO_DOWN;
		proto->confirmed_up = up;
		proto->retry = (struct mono){0};
		proto->trouble[0] = '\0';
	} else {
		proto->retry = mono_after(now, span_ms(RETRY_MS));
		snprintf(proto->trouble, sizeof proto->trouble, "BIRD refused to %s %s: %.80s",
			up ? "enable" : "disable", proto->name,
			answer->text[0] ? answer->text : "no reason given");
		readback_alarm(command->prefix);
	}
	prefix_watch(command->prefix, now);
}

static void route_done(struct command *command, struct mono now)
{
	const struct bird_answer *answer = &command->answer;
	struct route_prefix *prefix = command->prefix;
	struct peer *peer = command->peer;

	if (!peer)
		return;
	peer->asked = now;
	/* With its session down BIRD calls the question an error. With the session
	 * up an error means that it didn't understand: not that nothing is sent. */
	if (answer->stopped || (peer->established && answer->failure &&
				       answer->failure != BIRD_CODE_ROUTE_NOT_FOUND))
		peer->seen = ROUTE_SEEN_UNKNOWN;
	else
		prefix_peer_seen(prefix, peer, answer->exported ? answer->from : NULL);
	if (!prefix_peer_due(prefix, now))
		polled(prefix, now);
}

static bool session_stands(const struct route *route, const char *name)
{
	for (unsigned i = 0; i < route->session_count; i++)
		if (strcmp(route->sessions[i], name) == 0)
			return true;
	return false;
}

/* Our own routes come from our own protocols; what a session brings is another
 * node's. Seen once, its absence means something, as long as that session stands. */
static void origins_done(struct command *command)
{
	struct route_prefix *prefix = command->prefix;
	struct route *route = prefix->route;
	const struct bird_answer *answer = &command->answer;
	unsigned others = prefix->others;
	bool could_see = prefix->others_over[0] != '\0';

	if (answer->stopped || (answer->failure && answer->failure != BIRD_CODE_ROUTE_NOT_FOUND))
		return;
	prefix->others = 0;
	if (!session_stands(route, prefix->others_over))
		prefix->others_over[0] = '\0';
	for (unsigned i = 0; i < answer->origin_count; i++) {
		if (!session_stands(route, answer->origins[i]))
			continue;
		prefix->others++;
		memcpy(prefix->others_over, answer->origins[i], sizeof prefix->others_over);
	}
	if (prefix->removed ||
		(others == prefix->others && could_see == (prefix->others_over[0] != '\0')))
		return;
	route->events.others(route->arg, prefix->arg);
}

static void drift_say(struct route_prefix *prefix)
{
	enum route_state set;

	/* While it isn't settled a difference is our own doing. */
	if (prefix->settled && prefix_set(prefix, &set))
		route_say(prefix->route, LOG_WARNING,
			"prefix %s was found %s in BIRD, repairing: %s is wanted", prefix->text,
			route_state_name(set), route_state_name(prefix_goal(prefix)));
}

/* BIRD's protocols are known: are they as wanted, and if not, why not? */
static void compare(struct route_prefix *prefix, struct mono now)
{
	struct route *route = prefix->route;
	enum prefix_drift drift = prefix_drift(prefix);
	enum route_state set;

	if (drift != PREFIX_TOUCHED) {
		prefix->suspect = false;
		if (drift != PREFIX_AGREES)
			drift_say(prefix);
		return;
	}
	if (!prefix->suspect) {
		/* A restart, or a configure a moment ago, looks like this too. */
		prefix->suspect = true;
		route->recheck_at = mono_after(now, span_ms(RECHECK_MS));
		return;
	}
	prefix_set(prefix, &set);
	route->events.person(route->arg, prefix->arg, set);
	prefix->suspect = false;
	prefix->main.confirmed_up = false;
	prefix->drain.confirmed_up = false;
}

static void protocols_done(struct route *route, struct mono now)
{
	struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		prefix_list_end(prefix);
		if (!prefix->removed && !route->superseded_by[0])
			compare(prefix, now);
		readback_observe(prefix);
	}
}

static void protocols_line(struct route *route, const struct bird_line *line)
{
	struct bird_protocol_line heard;
	struct route_prefix *prefix;

	if (line->code != BIRD_CODE_PROTOCOL || bird_protocol_parse(&heard, line->text) < 0)
		return;
	if (heard.established && strcmp(heard.type, "BGP") == 0 &&
		route->session_count < ROUTE_SESSIONS_MAX)
		memcpy(route->sessions[route->session_count++], heard.name, sizeof heard.name);
	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		prefix_list_line(prefix, &heard);
}

/* BIRD read its configuration: what it did before says nothing any more. */
static void status_done(struct route *route, const struct bird_answer *answer)
{
	struct route_prefix *prefix;

	if (!answer->dated)
		return;
	if (route->dated &&
		llabs(answer->configured_age - route->configured_age) > DATE_JITTER_MS) {
		route_say(route, LOG_NOTICE, "BIRD read its configuration again");
		TAILQ_FOREACH (prefix, &route->prefixes, entry) {
			prefix->main.confirmed_up = false;
			prefix->drain.confirmed_up = false;
		}
	}
	route->dated = true;
	route->configured_age = answer->configured_age;
}

static void heard_line(void *arg, const struct bird_line *line)
{
	struct route *route = arg;

	bird_answer_line(&route->command.answer, line);
	if (route->command.answer.question == BIRD_PROTOCOLS)
		protocols_line(route, line);
}

static void command_done(void *arg, int error)
{
	struct route *route = arg;
	struct command command = route->command;
	struct mono now = mono_now();

	route->command.sent = false;
	/* On an error the link's event has forgotten what was known. */
	if (error < 0) {
		route_pump(route);
		return;
	}
	switch (command.answer.question) {
	case BIRD_ENABLE:
	case BIRD_DISABLE:
		switch_done(&command, now);
		break;
	case BIRD_STATUS:
		status_done(route, &command.answer);
		break;
	case BIRD_PROTOCOLS:
		if (!command.answer.failure)
			protocols_done(route, now);
		break;
	case BIRD_ROUTE:
		route_done(&command, now);
		break;
	case BIRD_ORIGINS:
		origins_done(&command);
		break;
	}
	route_pump(route);
}

static void link_changed(void *arg, enum bird_link link)
{
	struct route *route = arg;
	struct mono now = mono_now();
	struct route_prefix *prefix;

	/* Silent: what was seen last stands. */
	if (link != BIRD_SILENT)
		TAILQ_FOREACH (prefix, &route->prefixes, entry)
			prefix_forget(prefix, link, now);
	route->dated = false;
	route->recheck_at = MONO_NEVER;
	route->round_at = now;
	route->ready_due = link == BIRD_UP;
	route->events.link(route->arg, link);
	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		readback_observe(prefix);
	if (link == BIRD_GONE)
		route->events.ready(route->arg);
	route_pump(route);
}

const struct bird_events readback_events = {
	.link = link_changed,
	.line = heard_line,
	.done = command_done,
};
