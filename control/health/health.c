/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The health flow: probe -> verdict -> policy -> BIRD -> read back, repair.
 */
#include "control/health/health.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "control/health/check.h"
#include "control/health/timer.h"
#include "control/health/what_if.h"

#define LEAVE_MS 3000
/* A prefix whose protocol is still being withdrawn is tried again. */
#define ADD_RETRY_MS 50

struct prefix {
	struct health *health;
	struct prefix *next;
	char text[BIRD_PREFIX_TEXT];
	struct bird_prefix prefix;
	/* Copied options, for a later route_add() and to know them again. */
	char *protocol, *drain_protocol;
	char **peers;
	size_t peer_count;

	struct route_prefix *route; /* NULL: not yet, its protocol is in use */
	bool adopted;               /* what BIRD had was looked at */
	struct policy_memory memory;
	struct policy_override override;
	struct policy_decision decision;
	struct policy_decision own; /* as if families weren't coupled */
	struct wall since;
};

struct health {
	sd_event *loop;
	struct health_events events;
	void *arg;
	char *socket, *state_dir, *unit;
	struct policy_options policy;
	struct policy_node node;
	char fastpath_text[128], stuck_text[192], carrier_text[128], superseded_by[64];
	char overload_text[192];
	bool coupled, quiet;
	struct checks *checks;
	struct route *route;
	struct prefix *prefixes; /* in the order of the options */
	size_t prefix_count;
	bool started, evaluating, again;
	bool ready; /* BIRD was asked what it has, or is gone */
	bool left;
	struct mono leave_by;
	sd_event_source *timer;
};

static void evaluate(struct health *health);

static void __attribute__((format(printf, 3, 4)))
say(struct health *health, int level, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!health->events.log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	health->events.log(health->arg, level, text);
}

static void changed(struct health *health)
{
	if (health->events.changed)
		health->events.changed(health->arg);
}

static void overridden(struct health *health)
{
	if (health->events.overridden)
		health->events.overridden(health->arg);
}

/* ---- prefixes ---- */

static void prefix_free(struct prefix *prefix)
{
	if (!prefix)
		return;
	free(prefix->protocol);
	free(prefix->drain_protocol);
	for (size_t i = 0; i < prefix->peer_count; i++)
		free(prefix->peers[i]);
	free(prefix->peers);
	free(prefix);
}

static void prefixes_free(struct prefix *prefix)
{
	while (prefix) {
		struct prefix *next = prefix->next;

		prefix_free(prefix);
		prefix = next;
	}
}

static struct prefix *prefix_new(struct health *health, const struct route_prefix_options *options)
{
	struct prefix *prefix = calloc(1, sizeof *prefix);

	if (!prefix)
		return NULL;
	prefix->health = health;
	prefix->protocol = strdup(options->protocol);
	prefix->drain_protocol = options->drain_protocol ? strdup(options->drain_protocol) : NULL;
	prefix->peers = calloc(options->peer_count + 1, sizeof *prefix->peers);
	if (!prefix->protocol || !prefix->peers ||
		(options->drain_protocol && !prefix->drain_protocol))
		goto fail;
	for (; prefix->peer_count < options->peer_count; prefix->peer_count++) {
		prefix->peers[prefix->peer_count] = strdup(options->peers[prefix->peer_count]);
		if (!prefix->peers[prefix->peer_count])
			goto fail;
	}
	prefix->since = wall_now();
	return prefix;
fail:
	prefix_free(prefix);
	return NULL;
}

static int prefix_check(const struct health_options *options, size_t index,
	struct bird_prefix *parsed, struct health_error *error)
{
	const struct route_prefix_options *o = &options->prefixes[index];
	const char *what = NULL;

	if (bird_prefix_parse(parsed, o->prefix) < 0)
		what = "not a prefix with its host bits zero";
	else if (!bird_name_valid(o->protocol) ||
		 (o->drain_protocol && !bird_name_valid(o->drain_protocol)))
		what = "a protocol's name is letters, digits and _-.: only";
	else if (o->drain_protocol && strcmp(o->drain_protocol, o->protocol) == 0)
		what = "protocol and drain_protocol must differ";
	else if (o->peer_count == 0)
		what = "needs at least one peer to read back from";
	for (size_t i = 0; i < o->peer_count && !what; i++)
		if (!bird_name_valid(o->peers[i]))
			what = "a peer's name is letters, digits and _-.: only";
	if (!what)
		return 0;
	snprintf(error->text, sizeof error->text, "prefix %.60s: %s", o->prefix, what);
	return -EINVAL;
}

static bool shares(const struct prefix *a, const char *protocol)
{
	return strcmp(a->protocol, protocol) == 0 ||
	       (a->drain_protocol && strcmp(a->drain_protocol, protocol) == 0);
}

/* All prefixes of the options, checked, not yet known to the route. */
static int prefixes_build(struct health *health, const struct health_options *options,
	struct prefix **out, struct health_error *error)
{
	struct prefix *first = NULL, **end = &first;

	for (size_t i = 0; i < options->prefix_count; i++) {
		const struct route_prefix_options *o = &options->prefixes[i];
		struct bird_prefix parsed;
		int r = prefix_check(options, i, &parsed, error);

		if (r < 0) {
			prefixes_free(first);
			return r;
		}
		for (const struct prefix *other = first; other; other = other->next) {
			if (!bird_prefix_equal(&other->prefix, &parsed) &&
				!shares(other, o->protocol) &&
				!(o->drain_protocol && shares(other, o->drain_protocol)))
				continue;
			snprintf(error->text, sizeof error->text,
				"prefix %.60s: prefix or protocol is used twice", o->prefix);
			prefixes_free(first);
			return -EEXIST;
		}
		*end = prefix_new(health, o);
		if (!*end) {
			prefixes_free(first);
			return -ENOMEM;
		}
		(*end)->prefix = parsed;
		bird_prefix_format(&parsed, (*end)->text);
		end = &(*end)->next;
	}
	*out = first;
	return 0;
}

/* Gives the prefix to the route as soon as its protocols are free. */
static int prefix_attach(struct prefix *prefix)
{
	struct route_prefix_options options = {
		.prefix = prefix->text,
		.protocol = prefix->protocol,
		.drain_protocol = prefix->drain_protocol,
		.peers = (const char *const *)prefix->peers,
		.peer_count = prefix->peer_count,
	};

	return route_add(prefix->health->route, &prefix->route, &options, prefix);
}

/* What BIRD has when we come is where the policy begins, if one of us put it
 * there: then state file and BIRD agree. */
static void prefix_adopt(struct prefix *prefix)
{
	struct route_status status;

	route_status(prefix->route, &status);
	prefix->adopted = true;
	if (!status.set_by_us || status.set == ROUTE_WITHDRAWN)
		return;
	policy_adopt(&prefix->memory, status.set, mono_now());
	say(prefix->health, LOG_NOTICE, "prefix %s found %s: adopted", prefix->text,
		route_state_name(status.set));
}

static void prefix_input(const struct prefix *prefix, struct policy_input *input)
{
	const struct health *health = prefix->health;
	struct route_status status = {0};

	*input = (struct policy_input){
		.node = &health->node, .override = prefix->override, .quiet = health->quiet};
	checks_server(health->checks, &prefix->prefix, &input->server);
	if (prefix->route)
		route_status(prefix->route, &status);
	input->sight = (struct policy_sight){.routes = status.others,
		.could_see = status.could_see_others,
		.peers = health->node.dependencies.peers,
		.peers_good =
			health->node.dependencies.peers - health->node.dependencies.peers_failing};
}

/* What a person said of one family doesn't bind the other. */
static bool binds(const struct policy_decision *own)
{
	return own->cause != POLICY_OVERRIDE && own->cause != POLICY_LEAVING &&
	       own->cause != POLICY_SUPERSEDED;
}

/* The worst of the other family's. */
static void input_couple(const struct prefix *prefix, struct policy_input *input)
{
	if (!prefix->health->coupled)
		return;
	for (const struct prefix *other = prefix->health->prefixes; other; other = other->next) {
		if (other->prefix.family == prefix->prefix.family || !binds(&other->own) ||
			(input->coupled_by && other->own.state >= input->coupled))
			continue;
		input->coupled = other->own.state;
		input->coupled_by = other->text;
	}
}

static void prefix_decide(struct prefix *prefix, struct mono now)
{
	struct policy_input input;

	prefix_input(prefix, &input);
	input_couple(prefix, &input);
	policy_decide(&prefix->health->policy, &input, &prefix->memory, now, &prefix->decision);
}

/* Each by itself first: what one family may not exceed is the other's own. */
static void prefixes_decide_own(struct health *health, struct mono now)
{
	struct policy_input input;

	for (struct prefix *prefix = health->prefixes; prefix; prefix = prefix->next) {
		prefix_input(prefix, &input);
		policy_decide(&health->policy, &input, &prefix->memory, now, &prefix->own);
	}
}

static void transition(struct prefix *prefix, enum route_state from, struct mono now)
{
	struct health *health = prefix->health;
	struct health_transition t = {
		.prefix = prefix->text,
		.family = prefix->prefix.family,
		.from = from,
		.to = prefix->memory.state,
		.cause = prefix->memory.cause,
		.reason = prefix->decision.reason,
		.at = now,
		.at_wall = wall_now(),
	};

	prefix->since = t.at_wall;
	say(health, t.to < from && t.cause != POLICY_LEAVING ? LOG_WARNING : LOG_NOTICE,
		"prefix %s %s: %s", t.prefix, route_state_name(t.to), t.reason);
	if (health->events.transition)
		health->events.transition(health->arg, &t);
}

/* Is the text about a moment, or does it go on? A fault's reason stays as it
 * was when it was decided: "last good answer 93 ms ago". */
static bool reason_is_live(const struct prefix *prefix, const struct policy_decision *before)
{
	const struct policy_decision *d = &prefix->decision;

	return d->state != before->state || d->cause != before->cause ||
	       (d->cause != POLICY_REFUSED && d->cause != POLICY_SILENT);
}

static void prefix_evaluate(struct prefix *prefix, struct mono now)
{
	struct policy_decision before = prefix->decision;
	enum route_state from;
	bool moved;

	if (prefix->override.kind != POLICY_AUTO && !mono_before(now, prefix->override.until)) {
		say(prefix->health, LOG_NOTICE, "prefix %s: %s by %s has ended", prefix->text,
			policy_override_name(prefix->override.kind), prefix->override.owner);
		prefix->override.kind = POLICY_AUTO;
		overridden(prefix->health);
	}
	if (!prefix->route && prefix_attach(prefix) < 0)
		prefix->route = NULL;
	if (prefix->route && !prefix->adopted && prefix->health->ready)
		prefix_adopt(prefix);
	from = prefix->memory.state;
	prefix_decide(prefix, now);
	if (!reason_is_live(prefix, &before))
		memcpy(prefix->decision.reason, before.reason, sizeof before.reason);
	if (!prefix->route || !prefix->adopted) {
		/* Shown, not done: first BIRD says what it has. */
		prefix->decision.wake =
			mono_earlier(prefix->decision.wake, mono_after(now, span_ms(ADD_RETRY_MS)));
		return;
	}
	moved = policy_commit(&prefix->health->policy, &prefix->memory, &prefix->decision, now);
	/* The route before the log: it is the one in a hurry. */
	route_want(prefix->route, prefix->memory.state, prefix->decision.reason);
	if (moved)
		transition(prefix, from, now);
	if (moved || before.cause != prefix->decision.cause)
		changed(prefix->health);
}

/* ---- leaving ---- */

static void leave_check(struct health *health, struct mono now)
{
	struct route_status status;
	bool done = true;

	if (!health->node.leaving || health->left)
		return;
	for (const struct prefix *prefix = health->prefixes; prefix && done;
		prefix = prefix->next) {
		if (!prefix->route || route_superseded_by(health->route)[0])
			continue;
		route_status(prefix->route, &status);
		done = status.decided && status.settled && status.wanted == ROUTE_WITHDRAWN;
	}
	if (!done && mono_before(now, health->leave_by))
		return;
	health->left = true;
	if (!done)
		say(health, LOG_ALERT, "leaving service, but not all was read back as withdrawn");
	if (health->events.left)
		health->events.left(health->arg, done ? 0 : -ETIMEDOUT);
}

/* ---- deciding ---- */

/* All prefixes. Withdrawals reach BIRD first, whatever the order here: route.c
 * sends them first once it is idle, and the first one at once. */
static void evaluate(struct health *health)
{
	struct mono now, wake = MONO_NEVER;

	if (!health->started)
		return;
	/* route_want() may call back. */
	health->again = true;
	if (health->evaluating)
		return;
	health->evaluating = true;
	while (health->again) {
		health->again = false;
		now = mono_now();
		wake = health->node.leaving && !health->left ? health->leave_by : MONO_NEVER;
		checks_dependencies(health->checks, &health->node.dependencies);
		if (health->coupled)
			prefixes_decide_own(health, now);
		for (struct prefix *prefix = health->prefixes; prefix; prefix = prefix->next) {
			prefix_evaluate(prefix, now);
			wake = mono_earlier(wake, prefix->decision.wake);
			/* What holds the other family's back. */
			if (health->coupled)
				wake = mono_earlier(wake, prefix->own.wake);
		}
	}
	health->evaluating = false;
	timer_set(health->timer, wake);
}

static int woken(sd_event_source *source, uint64_t usec, void *arg)
{
	struct health *health = arg;

	evaluate(health);
	leave_check(health, mono_now());
	return 0;
}

static void checks_changed(void *arg)
{
	struct health *health = arg;

	evaluate(health);
	changed(health);
}

/* ---- what BIRD says ---- */

static void link_changed(void *arg, enum bird_link link)
{
	struct health *health = arg;

	health->node.bird = link;
	health->node.bird_error = route_bird_error(health->route);
	if (link == BIRD_UP)
		say(health, LOG_NOTICE, "BIRD %s is up", route_bird_version(health->route));
	else
		say(health, link == BIRD_GONE ? LOG_ERR : LOG_ALERT, "BIRD is %s: %s",
			bird_link_name(link), route_bird_error(health->route));
	evaluate(health);
	changed(health);
}

static void bird_ready(void *arg)
{
	struct health *health = arg;

	health->ready = true;
	evaluate(health);
}

static void observed(void *arg, void *prefix_arg)
{
	struct health *health = arg;

	leave_check(health, mono_now());
	changed(health);
}

static void person(void *arg, void *prefix_arg, enum route_state made)
{
	struct health *health = arg;
	struct prefix *prefix = prefix_arg;

	prefix->override = (struct policy_override){
		.kind = made == ROUTE_DEGRADED ? POLICY_DRAIN : POLICY_WITHDRAW,
		.owner = "birdc",
		.uid = (uid_t)-1,
		.until = MONO_NEVER,
		.since = wall_now(),
	};
	snprintf(prefix->override.reason, sizeof prefix->override.reason,
		"protocol %s was disabled by hand", prefix->protocol);
	say(health, LOG_ALERT,
		"prefix %s: somebody disabled its protocol in BIRD: kept so until `auto`",
		prefix->text);
	overridden(health);
	evaluate(health);
}

static void others_changed(void *arg, void *prefix_arg)
{
	struct health *health = arg;

	evaluate(health);
	changed(health);
}

static void superseded(void *arg, const char *holder)
{
	struct health *health = arg;

	snprintf(health->superseded_by, sizeof health->superseded_by, "%s", holder);
	health->node.superseded_by = health->superseded_by;
	say(health, LOG_ALERT, "%s took over the state files: hands off until `auto`", holder);
	evaluate(health);
}

static void route_log(void *arg, int level, const char *text)
{
	say(arg, level, "%s", text);
}

/* ---- life ---- */

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int options_copy(
	struct health_options *to, const struct health_options *from, struct health_error *error)
{
	*to = *from;
	if (to->interval.ns == 0)
		to->interval = span_ms(100);
	if (to->timeout.ns == 0)
		to->timeout = (struct span){to->interval.ns * 3 / 4};
	if (to->fail == 0)
		to->fail = 3;
	if (to->rise == 0)
		to->rise = 5;
	policy_defaults(&to->policy);
	if (to->timeout.ns <= to->interval.ns && to->interval.ns > 0 && to->timeout.ns > 0)
		return 0;
	snprintf(error->text, sizeof error->text, "probe timeout must not be above the interval");
	return -EINVAL;
}

static int policy_take(struct health *health, const struct policy_options *policy)
{
	char *unit;
	int r = copy(&unit, policy->unit);

	if (r < 0)
		return r;
	free(health->unit);
	health->unit = unit;
	health->policy = *policy;
	health->policy.unit = unit;
	return 0;
}

static int route_build(struct health *health, const struct health_options *options)
{
	static const struct route_events events = {
		.link = link_changed,
		.ready = bird_ready,
		.observed = observed,
		.others = others_changed,
		.person = person,
		.superseded = superseded,
		.log = route_log,
	};
	int r = copy(&health->socket, options->route.bird.socket);

	if (r == 0)
		r = copy(&health->state_dir, options->route.state_dir);
	if (r == 0)
		r = route_new(&health->route, health->loop, &options->route, &events, health);
	return r;
}

int health_new(struct health **out, sd_event *loop, const struct health_options *given,
	const struct health_events *events, void *arg, struct health_error *error)
{
	struct health *health = calloc(1, sizeof *health);
	struct health_options options;
	int r = health ? options_copy(&options, given, error) : -ENOMEM;

	if (r < 0) {
		free(health);
		return r;
	}
	health->loop = sd_event_ref(loop);
	health->events = *events;
	health->arg = arg;
	health->prefix_count = options.prefix_count;
	health->coupled = options.coupled;
	health->node.overrides_read = true;
	error->text[0] = '\0';
	r = policy_take(health, &options.policy);
	if (r == 0)
		r = prefixes_build(health, &options, &health->prefixes, error);
	if (r == 0)
		r = checks_new(&health->checks, loop, &options, checks_changed, health, error);
	if (r == 0)
		r = timer_new(loop, &health->timer, woken, health);
	if (r == 0)
		r = route_build(health, &options);
	if (r < 0) {
		if (!error->text[0])
			snprintf(error->text, sizeof error->text, "health: %s", strerror(-r));
		health_free(health);
		return r;
	}
	*out = health;
	return 0;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	checks_free(health->checks);
	route_free(health->route);
	prefixes_free(health->prefixes);
	sd_event_source_disable_unref(health->timer);
	sd_event_unref(health->loop);
	free(health->socket);
	free(health->state_dir);
	free(health->unit);
	free(health);
}

void health_start(struct health *health)
{
	health->started = true;
	health->node.start = mono_now();
	checks_start(health->checks);
	evaluate(health);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return bird_prefix_equal(&a->prefix, &b->prefix) && same_text(a->protocol, b->protocol) &&
	       same_text(a->drain_protocol, b->drain_protocol);
}

/* The fresh one's peers; the announcement isn't touched. */
static void prefix_take_peers(struct prefix *kept, struct prefix *fresh)
{
	char **peers = kept->peers;
	size_t count = kept->peer_count;

	if (kept->route && route_set_peers(kept->route, (const char *const *)fresh->peers,
				   fresh->peer_count) < 0)
		return;
	kept->peers = fresh->peers;
	kept->peer_count = fresh->peer_count;
	fresh->peers = peers;
	fresh->peer_count = count;
}

/* Puts the old prefixes that are still wanted in the new ones' places; the
 * others are withdrawn. */
static struct prefix *prefixes_merge(struct prefix *old, struct prefix *new)
{
	struct prefix **link, **found;

	for (link = &new; *link; link = &(*link)->next) {
		struct prefix *fresh = *link, *kept;

		for (found = &old; *found && !same_prefix(*found, fresh); found = &(*found)->next)
			;
		kept = *found;
		if (!kept)
			continue;
		prefix_take_peers(kept, fresh);
		*found = kept->next;
		kept->next = fresh->next;
		*link = kept;
		prefix_free(fresh);
	}
	for (struct prefix *gone = old; gone; gone = gone->next)
		if (gone->route)
			route_remove(gone->route);
	prefixes_free(old);
	return new;
}

int health_reload(
	struct health *health, const struct health_options *given, struct health_error *error)
{
	struct health_options options;
	struct checks *checks = NULL;
	struct prefix *prefixes = NULL;
	int r = options_copy(&options, given, error);

	if (r < 0)
		return r;
	error->text[0] = '\0';
	if (!same_text(health->socket, options.route.bird.socket) ||
		!same_text(health->state_dir, options.route.state_dir)) {
		snprintf(error->text, sizeof error->text,
			"BIRD's socket and the state directory change only by a restart");
		return -EOPNOTSUPP;
	}
	r = prefixes_build(health, &options, &prefixes, error);
	if (r == 0)
		r = checks_new(&checks, health->loop, &options, checks_changed, health, error);
	if (r == 0)
		r = policy_take(health, &options.policy);
	if (r < 0) {
		if (!error->text[0])
			snprintf(error->text, sizeof error->text, "health: %s", strerror(-r));
		checks_free(checks);
		prefixes_free(prefixes);
		return r;
	}
	checks_inherit(checks, health->checks);
	checks_free(health->checks);
	health->checks = checks;
	health->prefixes = prefixes_merge(health->prefixes, prefixes);
	health->prefix_count = options.prefix_count;
	health->coupled = options.coupled;
	if (health->started)
		checks_start(checks);
	evaluate(health);
	changed(health);
	return 0;
}

void health_leave(struct health *health)
{
	if (health->node.leaving)
		return;
	health->node.leaving = true;
	health->leave_by = mono_after(mono_now(), span_ms(LEAVE_MS));
	/* What BIRD has doesn't matter any more. */
	health->ready = true;
	evaluate(health);
	/* The event comes from the loop, never from in here. */
	timer_set(health->timer, mono_now());
}

/* ---- what main says ---- */

static void text_set(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

void health_set_fastpath(struct health *health, const struct health_fastpath *fastpath)
{
	struct policy_node *node = &health->node;
	bool same = node->fastpath_healthy == fastpath->healthy &&
		    node->image_published == fastpath->published &&
		    node->fastpath_covers == fastpath->covers;

	text_set(health->fastpath_text, sizeof health->fastpath_text, fastpath->text);
	node->fastpath_text = health->fastpath_text;
	node->fastpath_healthy = fastpath->healthy;
	node->image_published = fastpath->published;
	node->fastpath_covers = fastpath->covers;
	if (!same)
		evaluate(health);
}

void health_set_stuck(struct health *health, const char *text)
{
	bool same = (health->node.stuck != NULL) == (text != NULL);

	text_set(health->stuck_text, sizeof health->stuck_text, text);
	health->node.stuck = text ? health->stuck_text : NULL;
	if (!same)
		evaluate(health);
}

void health_set_zones(struct health *health, unsigned zones, unsigned failing)
{
	bool same = health->node.zones == zones && health->node.zones_failing == failing;

	health->node.zones = zones;
	health->node.zones_failing = failing;
	if (!same)
		evaluate(health);
}

void health_set_carrier(struct health *health, bool up, const char *text)
{
	bool known = mono_known(health->node.carrier_since);

	text_set(health->carrier_text, sizeof health->carrier_text, text);
	health->node.carrier_text = health->carrier_text[0] ? health->carrier_text : NULL;
	if (known && health->node.carrier == up)
		return;
	health->node.carrier = up;
	health->node.carrier_since = mono_now();
	evaluate(health);
}

void health_set_unit(struct health *health, enum policy_unit unit)
{
	bool same = health->node.unit == unit;

	health->node.unit = unit;
	if (!same)
		evaluate(health);
}

void health_set_overload(struct health *health, const char *text)
{
	bool same = (health->node.overload != NULL) == (text != NULL);

	text_set(health->overload_text, sizeof health->overload_text, text);
	health->node.overload = text ? health->overload_text : NULL;
	if (!same)
		evaluate(health);
}

void health_set_quiet(struct health *health, bool quiet)
{
	bool same = health->quiet == quiet;

	health->quiet = quiet;
	if (!same)
		evaluate(health);
}

/* ---- what is known from before the start ---- */

static struct prefix *prefix_named(struct health *health, const char *text)
{
	struct bird_prefix wanted;
	struct prefix *prefix = health->prefixes;

	if (bird_prefix_parse(&wanted, text) < 0)
		return NULL;
	while (prefix && !bird_prefix_equal(&prefix->prefix, &wanted))
		prefix = prefix->next;
	return prefix;
}

int health_restore(struct health *health, const char *text, enum policy_override_kind kind,
	const char *owner, uid_t uid, const char *reason, struct span left, struct wall since)
{
	struct prefix *prefix = prefix_named(health, text);
	struct policy_override *o = prefix ? &prefix->override : NULL;
	struct mono now = mono_now();

	if (!o)
		return -ENOENT;
	*o = (struct policy_override){
		.kind = kind, .uid = uid, .since = since, .until = mono_after(now, left)};
	text_set(o->owner, sizeof o->owner, owner);
	text_set(o->reason, sizeof o->reason, reason);
	policy_override_bound(o, &health->policy, now);
	return 0;
}

void health_overrides_lost(struct health *health)
{
	health->node.overrides_read = false;
}

bool health_overrides_known(const struct health *health)
{
	return health->node.overrides_read;
}

void health_recall(struct health *health, const char *text, enum route_state from,
	enum route_state to, enum policy_cause cause, struct wall at)
{
	struct prefix *prefix = prefix_named(health, text);
	int64_t ago = wall_now().ns - at.ns;
	struct mono then = {mono_now().ns - ago};

	/* The clock may have been set back since. A boot is no older than 0. */
	if (!prefix || ago < 0)
		return;
	if (!mono_known(then))
		then.ns = -1;
	policy_recall(&health->policy, &prefix->memory, from, to, cause, then);
}

/* ---- what people say ---- */

static void override_set(
	struct prefix *prefix, const struct health_override *override, struct mono now)
{
	struct policy_override *o = &prefix->override;

	memset(o, 0, sizeof *o);
	o->kind = override->kind;
	o->uid = override->uid;
	o->since = wall_now();
	o->until = override->length.ns > 0 ? mono_after(now, override->length) : MONO_NEVER;
	text_set(o->owner, sizeof o->owner, override->owner);
	text_set(o->reason, sizeof o->reason, override->reason);
	policy_override_bound(o, &prefix->health->policy, now);
}

int health_override(struct health *health, const struct health_override *override)
{
	struct mono now = mono_now();
	struct bird_prefix wanted;
	unsigned found = 0;

	if (override->prefix && bird_prefix_parse(&wanted, override->prefix) < 0)
		return -ENOENT;
	for (struct prefix *prefix = health->prefixes; prefix; prefix = prefix->next) {
		if (override->family != AF_UNSPEC && override->family != prefix->prefix.family)
			continue;
		if (override->prefix && !bird_prefix_equal(&prefix->prefix, &wanted))
			continue;
		override_set(prefix, override, now);
		found++;
	}
	if (!found)
		return -ENOENT;
	if (override->kind == POLICY_AUTO && !override->prefix && override->family == AF_UNSPEC &&
		health->node.superseded_by && route_reclaim(health->route) == 0)
		health->node.superseded_by = NULL;
	if (override->kind == POLICY_AUTO && !override->prefix && override->family == AF_UNSPEC)
		health->node.overrides_read = true;
	overridden(health);
	evaluate(health);
	changed(health);
	return 0;
}

/* ---- what can be seen ---- */

static const struct prefix *prefix_at(const struct health *health, size_t index)
{
	const struct prefix *prefix = health->prefixes;

	while (index-- > 0)
		prefix = prefix->next;
	return prefix;
}

void health_node_status(const struct health *health, struct health_node_status *status)
{
	*status = (struct health_node_status){
		.bird = route_link(health->route),
		.bird_version = route_bird_version(health->route),
		.bird_error = route_bird_error(health->route),
		.superseded_by = route_superseded_by(health->route),
		.leaving = health->node.leaving,
	};
}

bool health_withdrawn(const struct health *health)
{
	struct route_status status;

	/* Without BIRD there is no session that could fall. */
	if (route_link(health->route) == BIRD_GONE)
		return true;
	for (const struct prefix *prefix = health->prefixes; prefix; prefix = prefix->next) {
		if (!prefix->route)
			return false; /* its protocol is still another prefix's, on its way out */
		route_status(prefix->route, &status);
		if (!status.actual_known || status.actual != ROUTE_WITHDRAWN)
			return false;
	}
	return true;
}

size_t health_prefix_count(const struct health *health)
{
	return health->prefix_count;
}

void health_prefix_status(
	const struct health *health, size_t index, struct health_prefix_status *status)
{
	const struct prefix *prefix = prefix_at(health, index);
	struct mono now = mono_now();
	double penalty = policy_penalty(&prefix->memory, now);

	*status = (struct health_prefix_status){
		.prefix = prefix->text,
		.family = prefix->prefix.family,
		.wanted = prefix->memory.state,
		.cause = prefix->decision.cause,
		.reason = prefix->decision.reason,
		.since = prefix->memory.since,
		.since_wall = prefix->since,
		.override = prefix->override.kind != POLICY_AUTO ? &prefix->override : NULL,
		.others = prefix->decision.others,
		.held = prefix->decision.held,
		.drained = health->quiet && prefix->memory.state != ROUTE_ANNOUNCED,
		.hold_down =
			policy_hold_down(&health->policy, &prefix->memory, prefix->decision.others),
		.flaps = prefix->memory.flaps,
		.spent = policy_spent(&prefix->memory, now),
		.budget = health->policy.budget,
		.penalty = penalty,
		.damped_by = policy_damped_by(penalty),
		.wake = prefix->decision.wake,
		.has_route = prefix->route != NULL,
	};
	if (!prefix->route)
		return;
	route_status(prefix->route, &status->route);
	status->other_routes = status->route.others;
}

int health_what_if(const struct health *health, size_t index, const char *text,
	struct health_what_if *out, struct health_error *error)
{
	const struct prefix *prefix = prefix_at(health, index);
	struct policy_node node = health->node;
	struct policy_options options = health->policy;
	struct policy_input input;
	struct policy_decision decision;
	int r = 0;

	prefix_input(prefix, &input);
	input_couple(prefix, &input);
	input.node = &node;
	if (text)
		r = what_if_apply(
			text, health->checks, &prefix->prefix, &options, &node, &input, error);
	if (r < 0)
		return r;
	policy_decide(&options, &input, &prefix->memory, mono_now(), &decision);
	out->state = decision.state;
	out->cause = decision.cause;
	memcpy(out->reason, decision.reason, sizeof out->reason);
	return 0;
}

void health_peer_status(
	const struct health *health, size_t index, size_t peer, struct route_peer_status *status)
{
	route_peer_status(prefix_at(health, index)->route, peer, status);
}

size_t health_check_count(const struct health *health)
{
	return checks_count(health->checks);
}

void health_check_status(
	const struct health *health, size_t index, struct health_check_status *status)
{
	checks_status(health->checks, index, status);
}
