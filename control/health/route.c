/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes BIRD announce what is wanted: state files, commands, and when to look.
 */
#include "control/health/route_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "control/health/timer.h"

#define RETRY_MS      1000
#define LOCK_RETRY_MS 5

void route_say(struct route *route, int level, const char *format, ...)
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

/* The state file of one protocol says what is wanted. */
static void file_sync(struct route_prefix *prefix, struct proto *proto, struct mono now)
{
	struct route *route = prefix->route;
	bool up = proto_wanted_up(prefix, proto);
	char holder[64] = "";
	int r;

	if (!proto->name[0] || (proto->file_known && proto->file_up == up) ||
		route->superseded_by[0] || !mono_due(proto->file_retry, now))
		return;
	r = statefile_write(&route->files, proto->name, up, prefix->note);
	if (r == 0) {
		proto->file_known = true;
		proto->file_up = up;
		proto->file_trouble[0] = '\0';
		return;
	}
	if (r == -ESTALE) {
		statefile_check(&route->files, holder);
		superseded(route, holder);
		return;
	}
	/* No file means down: good enough, and works on a full disk. */
	if (!up && statefile_remove(&route->files, proto->name) == 0) {
		proto->file_known = r != -EAGAIN;
		proto->file_up = false;
	}
	proto->file_retry = mono_after(now, span_ms(r == -EAGAIN ? LOCK_RETRY_MS : RETRY_MS));
	if (r != -EAGAIN)
		snprintf(proto->file_trouble, sizeof proto->file_trouble,
			"state file %.80s/%s.conf: %.60s", route->files.dir, proto->name,
			strerror(-r));
}

static void files_sync(struct route_prefix *prefix, struct mono now)
{
	if (!prefix->decided)
		return;
	file_sync(prefix, &prefix->main, now);
	file_sync(prefix, &prefix->drain, now);
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

/* ---- what to send ---- */

/* A command that can't be sent has no done event; the link's event says why. */
static void command_send(struct route *route, enum bird_question question,
	struct route_prefix *prefix, const char *text)
{
	route->command.prefix = prefix;
	bird_answer_begin(&route->command.answer, question, prefix ? &prefix->prefix : NULL);
	route->command.sent = true;
	if (bird_command(route->bird, text) < 0)
		route->command.sent = false;
}

static void send_switch(
	struct route *route, struct route_prefix *prefix, struct proto *proto, bool up)
{
	char text[BIRD_COMMAND_MAX];

	route->command.proto = proto;
	snprintf(text, sizeof text, "%s \"%s\"", up ? "enable" : "disable", proto->name);
	command_send(route, up ? BIRD_ENABLE : BIRD_DISABLE, prefix, text);
}

static void send_route(struct route *route, struct route_prefix *prefix, struct peer *peer)
{
	char text[BIRD_COMMAND_MAX];

	route->command.peer = peer;
	snprintf(text, sizeof text, "show route %s exported '%s'", prefix->text, peer->name);
	command_send(route, BIRD_ROUTE, prefix, text);
}

static void send_protocols(struct route *route)
{
	struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry)
		prefix_list_begin(prefix);
	route->session_count = 0;
	route->need_protocols = false;
	command_send(route, BIRD_PROTOCOLS, NULL, "show protocols");
}

static void send_origins(struct route *route, struct route_prefix *prefix)
{
	char text[BIRD_COMMAND_MAX];

	prefix->others_from = MONO_NEVER;
	snprintf(text, sizeof text, "show route %s", prefix->text);
	command_send(route, BIRD_ORIGINS, prefix, text);
}

static void send_status(struct route *route)
{
	route->need_status = false;
	command_send(route, BIRD_STATUS, NULL, "show status");
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
			if (statefile_check(&route->files, holder) == -ESTALE) {
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

/* Who else announces it: not urgent, once a round. */
static bool pump_origins(struct route *route, struct mono now)
{
	struct route_prefix *prefix;

	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		if (prefix->removed || !mono_due(prefix->others_from, now))
			continue;
		send_origins(route, prefix);
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
	if (!route->superseded_by[0] && statefile_check(&route->files, holder) == -ESTALE)
		superseded(route, holder);
	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		prefix->poll_from = mono_earlier(prefix->poll_from, now);
		prefix->others_from = now;
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
		if (prefix_is_over(prefix) && !route->command.sent)
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
	if (pump_polls(route, false, now) || pump_origins(route, now))
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
			readback_alarm(prefix);
}

/* The only place that sends. */
void route_pump(struct route *route)
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

	if (!route->command.sent)
		prefixes_sweep(route);
	route_pump(route);
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
	/* Files before commands; and here, because route_pump() may be up the stack. */
	files_sync(prefix, now);
	readback_observe(prefix);
	route_pump(prefix->route);
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
	int r = statefile_claim(&route->files);

	if (r < 0)
		return r;
	route->superseded_by[0] = '\0';
	TAILQ_FOREACH (prefix, &route->prefixes, entry) {
		prefix->main.file_known = false;
		prefix->drain.file_known = false;
		prefix->main.confirmed_up = false;
		prefix->drain.confirmed_up = false;
		prefix_watch(prefix, mono_now());
	}
	route->round_at = mono_now();
	route_pump(route);
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
		r = bird_new(&route->bird, loop, &options->bird, &readback_events, route);
	if (r < 0) {
		route_free(route);
		return r;
	}
	/* Keeps older writers out; if it fails now, the first write does it. */
	statefile_claim(&route->files);
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
	status->others = prefix->others;
	status->could_see_others = prefix->others_over[0] != '\0';
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
