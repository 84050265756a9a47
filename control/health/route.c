/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes BIRD announce what is wanted, and knows what it really exports.
 */
#include "control/health/route.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "control/health/prefix.h"
#include "control/health/statefile.h"
#include "control/health/timer.h"

#define RECHECK_MS    20
#define RETRY_MS      1000
#define LOCK_RETRY_MS 5
/* Dates that BIRD shows wander by a millisecond. */
#define DATE_JITTER_MS 5

enum command_kind {
	COMMAND_NONE,
	COMMAND_SWITCH,
	COMMAND_STATUS,
	COMMAND_PROTOCOLS,
	COMMAND_ROUTE,
};

/* The command in flight and what its reply has said so far. */
struct command {
	enum command_kind kind;
	struct route_prefix *prefix;
	struct proto *proto;
	struct peer *peer;
	bool up;      /* SWITCH */
	bool obeyed;  /* SWITCH: a code of success */
	bool stopped; /* 8004: the reply says nothing */
	bool seen;    /* ROUTE: the prefix is there, from `from` */
	char from[BIRD_NAME_MAX];
	int64_t reboot_ms, configured_ms; /* STATUS */
	bool dated;                       /* both are there */
	int failure;                      /* the first code of 8000 and above, 0 = none */
	char text[128];                   /* and BIRD's text */
};

struct route {
	struct bird *bird;
	struct route_events events;
	void *arg;
	sd_event_source *timer;
	struct span round;
	struct statefile files;
	bool claimed;
	char claim_error[96];
	char superseded_by[64];
	struct prefix_list prefixes;
	struct command command;
	struct mono round_at; /* next one */
	bool need_status, need_protocols;
	struct mono recheck_at;
	bool ready_due;
	bool dated;             /* configured_age is known */
	int64_t configured_age; /* ms from BIRD's start to its last configuration */
	bool pumping;
};

static void pump(struct route *route);

static void __attribute__((format(printf, 3, 4)))
say(struct route *route, int level, const char *format, ...)
{
	char text[320];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	route->events.log(route->arg, level, text);
}

static void superseded(struct route *route, const char *holder)
{
	if (route->superseded_by[0])
		return;
	snprintf(route->superseded_by, sizeof route->superseded_by, "%s",
		holder[0] ? holder : "somebody");
	route->events.superseded(route->arg, route->superseded_by);
}

static bool claim(struct route *route)
{
	int r;

	if (route->claimed)
		return true;
	r = statefile_claim(&route->files);
	route->claimed = r == 0;
	snprintf(route->claim_error, sizeof route->claim_error, "%s",
		r < 0 && r != -EAGAIN ? strerror(-r) : "");
	return route->claimed;
}

/* The state file of one protocol says what is wanted. true: it does. */
static bool file_sync(struct route_prefix *prefix, struct proto *proto, struct mono now)
{
	struct route *route = prefix->route;
	bool up = proto_wanted_up(prefix, proto);
	char holder[64] = "";
	int r;

	if (!proto->name[0] || (proto->file_known && proto->file_up == up))
		return true;
	if (route->superseded_by[0] || !mono_due(proto->file_retry, now))
		return false;
	r = claim(route) ? statefile_write(&route->files, proto->name, up, prefix->note) : -EAGAIN;
	if (r == -ESTALE) {
		statefile_check(&route->files, holder);
		superseded(route, holder);
		return false;
	}
	/* No file means down: good enough, and works on a full disk. */
	if (r < 0 && !up && statefile_remove(&route->files, proto->name) == 0) {
		proto->file_known = r != -EAGAIN;
		proto->file_up = false;
	}
	if (r == 0) {
		proto->file_known = true;
		proto->file_up = up;
		proto->file_trouble[0] = '\0';
		return true;
	}
	proto->file_retry = mono_after(
		now, span_ms(r == -EAGAIN && !route->claim_error[0] ? LOCK_RETRY_MS : RETRY_MS));
	if (r != -EAGAIN || route->claim_error[0])
		snprintf(proto->file_trouble, sizeof proto->file_trouble,
			"state file %.80s/%s.conf: %.60s", route->files.dir, proto->name,
			r != -EAGAIN ? strerror(-r) : route->claim_error);
	return false;
}

static void files_sync(struct route_prefix *prefix, struct mono now)
{
	if (!prefix->decided)
		return;
	file_sync(prefix, &prefix->main, now);
	file_sync(prefix, &prefix->drain, now);
}

/* ---- what was read back ---- */

/* Recomputes what follows from what is known, and tells if it changed. */
static void observe(struct route_prefix *prefix)
{
	struct route *route = prefix->route;

	if (prefix_observe(prefix, bird_link(route->bird)) && !prefix->removed)
		route->events.observed(route->arg, prefix->arg);
}

/* It isn't as wanted, and should be by now. Said once for each reason. */
static void alarm_raise(struct route_prefix *prefix)
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
	say(prefix->route, prefix->wanted == ROUTE_WITHDRAWN ? LOG_ALERT : LOG_ERR,
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
	observe(prefix);
	if (!prefix->decided || prefix->settled)
		return;
	if (was_settled) {
		/* A session that just went down, or worse: look closely. */
		prefix_watch(prefix, now);
		prefix->route->need_protocols = true;
	} else if (!prefix_watch_on(prefix, now)) {
		alarm_raise(prefix);
	}
}

/* Removed, and nothing is left to be done for it. */
static bool prefix_is_over(const struct route_prefix *prefix)
{
	return prefix->removed && (prefix->settled || prefix->route->superseded_by[0]);
}

static void forget(struct route_prefix *prefix)
{
	TAILQ_REMOVE(&prefix->route->prefixes, prefix, entry);
	prefix_free(prefix);
}

/* ---- replies ---- */

static void switch_done(struct route *route, struct command *command, struct mono now)
{
	struct route_prefix *prefix = command->prefix;
	struct proto *proto = command->proto;

	if (command->failure == BIRD_CODE_NO_PROTOCOL) {
		proto->know = PROTO_MISSING;
	} else if (command->obeyed) {
		proto->know = command->up ? PROTO_UP : PROTO_DOWN;
		proto->confirmed_up = command->up;
		proto->retry = (struct mono){0};
		proto->trouble[0] = '\0';
	} else {
		proto->retry = mono_after(now, span_ms(RETRY_MS));
		snprintf(proto->trouble, sizeof proto->trouble, "BIRD refused to %s %s: %.80s",
			command->up ? "enable" : "disable", proto->name,
			command->text[0] ? command->text : "no reason given");
		alarm_raise(prefix);
	}
	prefix_watch(prefix, now);
}

static void route_done(struct command *command, struct mono now)
{
	struct route_prefix *prefix = command->prefix;
	struct peer *peer = command->peer;

	if (!peer)
		return;
	peer->asked = now;
	if (command->stopped) /* by a reconfiguration: says nothing */
		peer->seen = ROUTE_SEEN_UNKNOWN;
	else
		prefix_peer_seen(prefix, peer, command->seen ? command->from : NULL);
	if (!prefix_peer_due(prefix, now))
		polled(prefix, now);
}

static void drift_say(struct route_prefix *prefix)
{
	enum route_state set;

	/* While it isn't settled a difference is our own doing. */
	if (prefix->settled && prefix_set(prefix, &set))
		say(prefix->route, LOG_WARNING,
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
		observe(prefix);
	}
}

static void protocols_line(struct route *route, const struct bird_line *line)
{
	struct bird_protocol_line heard;
	struct route_prefix *prefix;

	if (line->code != BIRD_CODE_PROTOCOL || bird_protocol_parse(&heard, line->text) < 0)
		return;
	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		prefix_list_line(prefix, &heard);
}

/* BIRD read its configuration: what it did before says nothing any more. */
static void status_done(struct route *route, const struct command *command)
{
	int64_t age = command->configured_ms - command->reboot_ms;
	struct route_prefix *prefix;

	if (!command->dated)
		return;
	if (route->dated && llabs(age - route->configured_age) > DATE_JITTER_MS) {
		say(route, LOG_NOTICE, "BIRD read its configuration again");
		TAILQ_FOREACH (prefix, &route->prefixes, entry) {
			prefix->main.confirmed_up = false;
			prefix->drain.confirmed_up = false;
		}
	}
	route->dated = true;
	route->configured_age = age;
}

static void status_line(struct command *command, const struct bird_line *line)
{
	bool reboot;
	int64_t ms;

	if (line->code != BIRD_CODE_UPTIME || !bird_date_parse(line->text, &reboot, &ms))
		return;
	if (reboot)
		command->reboot_ms = ms;
	else
		command->configured_ms = ms;
	command->dated = command->reboot_ms && command->configured_ms;
}

static void heard_line(void *arg, const struct bird_line *line)
{
	struct route *route = arg;
	struct command *command = &route->command;

	if (bird_code_failed(line->code) && !command->failure) {
		command->failure = line->code;
		snprintf(command->text, sizeof command->text, "%04d %s", line->code, line->text);
	}
	if (line->code == BIRD_CODE_STOPPED)
		command->stopped = true;
	switch (command->kind) {
	case COMMAND_SWITCH:
		if (command->up ? line->code == BIRD_CODE_ENABLED ||
					  line->code == BIRD_CODE_ALREADY_ENABLED
				: line->code == BIRD_CODE_DISABLED ||
					  line->code == BIRD_CODE_ALREADY_DISABLED)
			command->obeyed = true;
		break;
	case COMMAND_STATUS:
		status_line(command, line);
		break;
	case COMMAND_PROTOCOLS:
		protocols_line(route, line);
		break;
	case COMMAND_ROUTE:
		if (line->code == BIRD_CODE_ROUTE && !command->seen)
			command->seen = bird_route_parse(command->from, line->text,
						&command->prefix->prefix) == 0;
		break;
	case COMMAND_NONE:
		break;
	}
}

static void command_done(void *arg, int error)
{
	struct route *route = arg;
	struct command command = route->command;
	struct mono now = mono_now();

	route->command.kind = COMMAND_NONE;
	/* On an error the link's event has forgotten what was known. */
	if (error == 0) {
		switch (command.kind) {
		case COMMAND_SWITCH:
			switch_done(route, &command, now);
			break;
		case COMMAND_PROTOCOLS:
			if (!command.failure)
				protocols_done(route, now);
			break;
		case COMMAND_ROUTE:
			route_done(&command, now);
			break;
		case COMMAND_STATUS:
			status_done(route, &command);
			break;
		case COMMAND_NONE:
			break;
		}
	}
	pump(route);
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
		observe(prefix);
	if (link == BIRD_GONE)
		route->events.ready(route->arg);
	pump(route);
}

/* ---- what to send ---- */

/* A command that can't be sent has no done event; the link's event says why. */
static void command_send(struct route *route, struct command command, const char *text)
{
	route->command = command;
	if (bird_command(route->bird, text) < 0)
		route->command.kind = COMMAND_NONE;
}

static void send_switch(
	struct route *route, struct route_prefix *prefix, struct proto *proto, bool up)
{
	char text[BIRD_COMMAND_MAX];

	snprintf(text, sizeof text, "%s \"%s\"", up ? "enable" : "disable", proto->name);
	command_send(route,
		(struct command){
			.kind = COMMAND_SWITCH, .prefix = prefix, .proto = proto, .up = up},
		text);
}

static void send_route(struct route *route, struct route_prefix *prefix, struct peer *peer)
{
	char text[BIRD_COMMAND_MAX];

	snprintf(text, sizeof text, "show route %s exported '%s'", prefix->text, peer->name);
	command_send(route, (struct command){.kind = COMMAND_ROUTE, .prefix = prefix, .peer = peer},
		text);
}

static void send_protocols(struct route *route)
{
	struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		prefix_list_begin(prefix);
	route->need_protocols = false;
	command_send(route, (struct command){.kind = COMMAND_PROTOCOLS}, "show protocols");
}

static void send_status(struct route *route)
{
	route->need_status = false;
	command_send(route, (struct command){.kind = COMMAND_STATUS}, "show status");
}

/* Withdrawals of all prefixes come first. false: nothing to switch. */
static bool pump_switches(struct route *route, struct mono now)
{
	struct route_prefix *prefix;
	char holder[64];

	if (route->superseded_by[0])
		return false;
	for (int goal = ROUTE_WITHDRAWN; goal <= ROUTE_ANNOUNCED; goal++) {
		TAILQ_FOREACH (prefix, &route->prefixes, entry) {
			struct proto *proto;
			bool up;

			if (!prefix->decided || (int)prefix_goal(prefix) != goal)
				continue;
			proto = prefix_next(prefix, &up, now);
			if (!proto)
				continue;
			if (route->claimed && statefile_check(&route->files, holder) == -ESTALE) {
				superseded(route, holder);
				return false;
			}
			send_switch(route, prefix, proto, up);
			return true;
		}
	}
	return false;
}

/* watched: only prefixes that were just changed. */
static bool pump_polls(struct route *route, bool watched, struct mono now)
{
	struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		struct peer *peer;

		if (watched && (!prefix->decided || prefix->settled))
			continue;
		peer = prefix_peer_due(prefix, now);
		if (!peer)
			continue;
		send_route(route, prefix, peer);
		return true;
	}
	return false;
}

/* The files too may have been changed by somebody. */
static void files_check(struct route *route, struct proto *proto)
{
	bool up;

	if (!proto->name[0] || !proto->file_known)
		return;
	if (statefile_read(&route->files, proto->name, &up) < 0 || up != proto->file_up)
		proto->file_known = false;
}

static void round_begin(struct route *route, struct mono now)
{
	struct route_prefix *prefix;
	char holder[64];

	route->round_at = mono_after(now, route->round);
	route->recheck_at = MONO_NEVER;
	route->need_status = true;
	route->need_protocols = true;
	if (route->claimed && !route->superseded_by[0] &&
		statefile_check(&route->files, holder) == -ESTALE)
		superseded(route, holder);
	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		prefix->poll_from = mono_earlier(prefix->poll_from, now);
		if (route->superseded_by[0])
			continue;
		files_check(route, &prefix->main);
		files_check(route, &prefix->drain);
	}
}

/* Only from the timer: nobody up the stack holds a prefix then. */
static void prefixes_sweep(struct route *route)
{
	struct route_prefix *prefix, *next;

	for (prefix = TAILQ_FIRST(&route->prefixes); prefix; prefix = next) {
		next = TAILQ_NEXT(prefix, entry);
		if (prefix_is_over(prefix))
			forget(prefix);
	}
}

/* Times that are past were dealt with, or wait for an event. */
static void arm(struct mono *at, struct mono candidate, struct mono now)
{
	if (mono_before(now, candidate))
		*at = mono_earlier(*at, candidate);
}

static void timer_arm(struct route *route, struct mono now)
{
	struct mono at = MONO_NEVER;
	struct route_prefix *prefix;

	arm(&at, route->round_at, now);
	arm(&at, route->recheck_at, now);
	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		if (prefix_is_over(prefix) && route->command.kind == COMMAND_NONE)
			at = now;
		arm(&at, prefix->poll_from, now);
		if (!prefix->decided)
			continue;
		arm(&at, prefix->settle_by, now);
		arm(&at, prefix->main.file_retry, now);
		arm(&at, prefix->drain.file_retry, now);
		arm(&at, prefix->main.retry, now);
		arm(&at, prefix->drain.retry, now);
	}
	timer_set(route->timer, at);
}

/* One thing for BIRD to do, the most urgent. false: nothing to do now. */
static bool pump_one(struct route *route, struct mono now)
{
	if (pump_switches(route, now) || pump_polls(route, true, now))
		return true;
	if (route->need_status) {
		send_status(route);
		return true;
	}
	if (route->need_protocols) {
		send_protocols(route);
		return true;
	}
	if (pump_polls(route, false, now))
		return true;
	if (route->ready_due) {
		route->ready_due = false;
		route->events.ready(route->arg);
		return true;
	}
	return false;
}

/* BIRD doesn't answer and something is due: nobody polls, so say it here. */
static void silence_check(struct route *route, struct mono now)
{
	struct route_prefix *prefix;

	if (bird_link(route->bird) != BIRD_SILENT)
		return;
	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		if (prefix->decided && !prefix->settled && mono_due(prefix->settle_by, now))
			alarm_raise(prefix);
}

/* The only place that sends. */
static void pump(struct route *route)
{
	struct route_prefix *prefix;
	struct mono now = mono_now();

	/* Events and bird_command() may lead back here. */
	if (route->pumping)
		return;
	route->pumping = true;
	if (mono_due(route->round_at, now) || mono_due(route->recheck_at, now))
		round_begin(route, now);
	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		files_sync(prefix, now);
	silence_check(route, now);
	while (bird_idle(route->bird) && pump_one(route, now))
		now = mono_now();
	route->pumping = false;
	timer_arm(route, now);
}

static int expired(sd_event_source *source, uint64_t usec, void *arg)
{
	struct route *route = arg;

	if (route->command.kind == COMMAND_NONE)
		prefixes_sweep(route);
	pump(route);
	return 0;
}

/* ---- from outside ---- */

void route_want(struct route_prefix *prefix, enum route_state state, const char *note)
{
	struct mono now = mono_now();

	if (prefix->decided && prefix->wanted == state)
		return;
	prefix->decided = true;
	prefix->wanted = state;
	prefix->suspect = false;
	prefix->error[0] = '\0';
	prefix->main.trouble[0] = prefix->drain.trouble[0] = '\0';
	prefix->main.file_trouble[0] = prefix->drain.file_trouble[0] = '\0';
	prefix->main.retry = prefix->drain.retry = (struct mono){0};
	prefix->main.file_retry = prefix->drain.file_retry = (struct mono){0};
	snprintf(prefix->note, sizeof prefix->note, "%s: %s", route_state_name(state), note);
	prefix_watch(prefix, now);
	/* Files before commands; and here, because pump() may be up the stack. */
	files_sync(prefix, now);
	observe(prefix);
	pump(prefix->route);
}

void route_remove(struct route_prefix *prefix)
{
	prefix->removed = true;
	route_want(prefix, ROUTE_WITHDRAWN, "not configured any more");
	timer_arm(prefix->route, mono_now());
}

int route_reclaim(struct route *route)
{
	struct route_prefix *prefix;

	route->claimed = false;
	if (!claim(route))
		return -EAGAIN;
	route->superseded_by[0] = '\0';
	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		prefix->main.file_known = false;
		prefix->drain.file_known = false;
		prefix->main.confirmed_up = false;
		prefix->drain.confirmed_up = false;
		prefix_watch(prefix, mono_now());
	}
	route->round_at = mono_now();
	pump(route);
	return 0;
}

static bool in_use(const struct route *route, const struct route_prefix *added)
{
	const struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		if (bird_prefix_equal(&prefix->prefix, &added->prefix) ||
			prefix_uses(prefix, added->main.name) ||
			(added->drain.name[0] && prefix_uses(prefix, added->drain.name)))
			return true;
	return false;
}

int route_add(struct route *route, struct route_prefix **out,
	const struct route_prefix_options *options, void *prefix_arg)
{
	struct route_prefix *prefix;
	int r = prefix_new(&prefix, options);

	if (r < 0)
		return r;
	if (in_use(route, prefix)) {
		prefix_free(prefix);
		return -EEXIST;
	}
	prefix->route = route;
	prefix->arg = prefix_arg;
	TAILQ_INSERT_TAIL(&route->prefixes, prefix, entry);
	/* What BIRD has for it is asked at once. */
	route->round_at = mono_now();
	route->ready_due = bird_link(route->bird) == BIRD_UP;
	timer_set(route->timer, route->round_at);
	*out = prefix;
	return 0;
}

int route_set_peers(struct route_prefix *prefix, const char *const *peers, size_t peer_count)
{
	struct route *route = prefix->route;
	int r = prefix_set_peers(prefix, peers, peer_count);

	if (r < 0)
		return r;
	/* The answer about a peer of before, if one is due, is nobody's. */
	if (route->command.prefix == prefix)
		route->command.peer = NULL;
	if (prefix->decided)
		prefix_watch(prefix, mono_now());
	route->round_at = mono_now();
	timer_set(route->timer, route->round_at);
	return 0;
}

int route_new(struct route **out, sd_event *loop, const struct route_options *options,
	const struct route_events *events, void *arg)
{
	static const struct bird_events bird_events = {
		.link = link_changed, .line = heard_line, .done = command_done};
	struct route *route = calloc(1, sizeof *route);
	int r;

	if (!route)
		return -ENOMEM;
	TAILQ_INIT(&route->prefixes);
	route->events = *events;
	route->arg = arg;
	route->round = options->round.ns > 0 ? options->round : span_ms(1000);
	route->recheck_at = MONO_NEVER;
	r = statefile_init(&route->files, options->state_dir, options->owner);
	if (r == 0)
		r = timer_new(loop, &route->timer, expired, route);
	if (r == 0)
		r = bird_new(&route->bird, loop, &options->bird, &bird_events, route);
	if (r < 0) {
		route_free(route);
		return r;
	}
	claim(route);
	*out = route;
	return 0;
}

void route_free(struct route *route)
{
	if (!route)
		return;
	bird_free(route->bird);
	while (!TAILQ_EMPTY(&route->prefixes))
		forget(TAILQ_FIRST(&route->prefixes));
	sd_event_source_disable_unref(route->timer);
	free(route);
}

/* Do the state files agree with what BIRD has? Then a daemon put it there. */
static bool prefix_set_by_us(const struct route_prefix *prefix, enum route_state set)
{
	const struct proto *proto = set == ROUTE_DEGRADED ? &prefix->drain : &prefix->main;
	bool up = false;

	return statefile_read(&prefix->route->files, proto->name, &up) == 0 &&
	       up == (set != ROUTE_WITHDRAWN);
}

void route_status(const struct route_prefix *prefix, struct route_status *status)
{
	memset(status, 0, sizeof *status);
	status->prefix = prefix->text;
	status->family = prefix->prefix.family;
	status->protocol = prefix->main.name;
	status->drain_protocol = prefix->drain.name[0] ? prefix->drain.name : NULL;
	status->decided = prefix->decided;
	status->wanted = prefix->wanted;
	status->set_known = prefix_set(prefix, &status->set);
	status->set_by_us = status->set_known && prefix_set_by_us(prefix, status->set);
	status->actual_known = prefix->actual_known;
	status->actual = prefix->actual;
	status->actual_since = prefix->actual_since;
	status->actual_since_wall = prefix->actual_since_wall;
	status->settled = prefix->settled;
	status->error = prefix_trouble(prefix)[0] ? prefix_trouble(prefix) : prefix->error;
	status->peer_count = prefix->peer_count;
}

void route_peer_status(
	const struct route_prefix *prefix, size_t index, struct route_peer_status *status)
{
	const struct peer *peer = &prefix->peers[index];

	status->name = peer->name;
	status->seen = peer->seen;
	status->foreign = peer->foreign;
	status->missing = peer->missing;
	status->established = peer->established;
	status->asked = peer->asked;
}

enum bird_link route_link(const struct route *route)
{
	return bird_link(route->bird);
}

const char *route_bird_version(const struct route *route)
{
	return bird_version(route->bird);
}

const char *route_bird_error(const struct route *route)
{
	return bird_error(route->bird);
}

const char *route_superseded_by(const struct route *route)
{
	return route->superseded_by;
}
