/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One anycast prefix as the reconciler sees it.
 */
#include "control/health/prefix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How a change is watched: the first looks follow at once. */
#define POLL_FIRST_MS 1
#define POLL_LAST_MS  50
#define SETTLE_MS     2000

const char *route_state_name(enum route_state state)
{
	switch (state) {
	case ROUTE_WITHDRAWN:
		return "withdrawn";
	case ROUTE_DEGRADED:
		return "degraded";
	case ROUTE_ANNOUNCED:
		return "announced";
	}
	return "?";
}

static bool has_drain(const struct route_prefix *prefix)
{
	return prefix->drain.name[0] && prefix->drain.know != PROTO_MISSING;
}

/* A prefix that can't be degraded stays announced. */
bool proto_wanted_up(const struct route_prefix *prefix, const struct proto *proto)
{
	switch (prefix->wanted) {
	case ROUTE_ANNOUNCED:
		return true;
	case ROUTE_DEGRADED:
		return proto == &prefix->drain || !has_drain(prefix);
	case ROUTE_WITHDRAWN:
		break;
	}
	return false;
}

static bool proto_is_off(const struct proto *proto)
{
	return !proto->name[0] || proto->know == PROTO_DOWN || proto->know == PROTO_MISSING;
}

bool prefix_set(const struct route_prefix *prefix, enum route_state *set)
{
	if (prefix->main.know == PROTO_UNKNOWN ||
		(prefix->drain.name[0] && prefix->drain.know == PROTO_UNKNOWN))
		return false;
	*set = prefix->main.know == PROTO_UP   ? ROUTE_ANNOUNCED
	       : !proto_is_off(&prefix->drain) ? ROUTE_DEGRADED
					       : ROUTE_WITHDRAWN;
	return true;
}

enum route_state prefix_goal(const struct route_prefix *prefix)
{
	if (prefix->wanted == ROUTE_DEGRADED && !has_drain(prefix))
		return ROUTE_ANNOUNCED;
	return prefix->wanted;
}

static bool can_disable(const struct proto *proto, struct mono now)
{
	return !proto_is_off(proto) && mono_due(proto->retry, now);
}

/* Up only from a state that was read, and only with the file written. */
static bool can_enable(struct route_prefix *prefix, struct proto *proto, struct mono now)
{
	return proto->name[0] && proto->know == PROTO_DOWN && !prefix->suspect &&
	       mono_due(proto->retry, now) && proto->file_known && proto->file_up;
}

struct proto *prefix_next(struct route_prefix *prefix, bool *up, struct mono now)
{
	struct proto *main = &prefix->main, *drain = &prefix->drain;

	if (!prefix->decided)
		return NULL;
	*up = false;
	switch (prefix_goal(prefix)) {
	case ROUTE_WITHDRAWN:
		/* The drain first: one withdrawal at the peer, no update before it. */
		if (can_disable(drain, now))
			return drain;
		return can_disable(main, now) ? main : NULL;
	case ROUTE_DEGRADED:
		/* Never a gap: the main one goes when the drain one is there. */
		if (drain->know == PROTO_UP)
			return can_disable(main, now) ? main : NULL;
		*up = true;
		return can_enable(prefix, drain, now) ? drain : NULL;
	case ROUTE_ANNOUNCED:
		*up = true;
		if (can_enable(prefix, main, now))
			return main;
		return main->know == PROTO_UP && can_enable(prefix, drain, now) ? drain : NULL;
	}
	return NULL;
}

static bool peer_as_wanted(const struct route_prefix *prefix, const struct peer *peer)
{
	switch (prefix_goal(prefix)) {
	case ROUTE_WITHDRAWN:
		return peer->seen == ROUTE_SEEN_NOTHING;
	case ROUTE_DEGRADED:
		return peer->seen == ROUTE_SEEN_DRAIN ||
		       (peer->seen == ROUTE_SEEN_NOTHING && !peer->established);
	case ROUTE_ANNOUNCED:
		return peer->seen == ROUTE_SEEN_MAIN ||
		       (peer->seen == ROUTE_SEEN_NOTHING && !peer->established);
	}
	return false;
}

static bool prefix_settled(const struct route_prefix *prefix, enum bird_link link)
{
	enum route_state set;

	if (!prefix->decided)
		return false;
	if (link == BIRD_GONE)
		return prefix->wanted == ROUTE_WITHDRAWN && prefix->main.file_known &&
		       !prefix->main.file_up;
	if (!prefix_set(prefix, &set) || set != prefix_goal(prefix))
		return false;
	for (size_t i = 0; i < prefix->peer_count; i++)
		if (!peer_as_wanted(prefix, &prefix->peers[i]))
			return false;
	return true;
}

static bool prefix_actual(const struct route_prefix *prefix, enum route_state *actual)
{
	bool known = true;

	*actual = ROUTE_WITHDRAWN;
	for (size_t i = 0; i < prefix->peer_count; i++) {
		enum route_seen seen = prefix->peers[i].seen;

		if (seen == ROUTE_SEEN_UNKNOWN)
			known = false;
		if (seen == ROUTE_SEEN_MAIN || seen == ROUTE_SEEN_FOREIGN)
			*actual = ROUTE_ANNOUNCED;
		if (seen == ROUTE_SEEN_DRAIN && *actual == ROUTE_WITHDRAWN)
			*actual = ROUTE_DEGRADED;
	}
	return known || *actual != ROUTE_WITHDRAWN;
}

void prefix_explain(const struct route_prefix *prefix, char *text, size_t size)
{
	text[0] = '\0';
	for (int i = 0; i < 2; i++) {
		const struct proto *proto = i ? &prefix->drain : &prefix->main;

		if (proto->name[0] && proto->know == PROTO_MISSING)
			snprintf(text, size, "no protocol %s in BIRD", proto->name);
	}
	for (size_t i = 0; i < prefix->peer_count && !text[0]; i++) {
		const struct peer *peer = &prefix->peers[i];

		if (peer_as_wanted(prefix, peer))
			continue;
		if (peer->seen == ROUTE_SEEN_FOREIGN)
			snprintf(text, size,
				"%s gets the prefix from BIRD's protocol %s, which isn't anode's",
				peer->name, peer->foreign);
		else if (peer->missing)
			snprintf(text, size, "no protocol %s in BIRD", peer->name);
		else if (peer->seen == ROUTE_SEEN_UNKNOWN)
			snprintf(text, size, "what %s gets is not known", peer->name);
		else if (prefix->wanted == ROUTE_WITHDRAWN)
			snprintf(text, size, "still exported to %s", peer->name);
		else
			snprintf(text, size,
				"not exported to %s as wanted: look at its export filter",
				peer->name);
	}
}

void prefix_watch(struct route_prefix *prefix, struct mono now)
{
	prefix->poll_from = now;
	prefix->poll_gap = span_ms(POLL_FIRST_MS);
	prefix->settle_by = mono_after(now, span_ms(SETTLE_MS));
	prefix->settled = false;
}

struct peer *prefix_peer_due(struct route_prefix *prefix, struct mono now)
{
	if (!mono_due(prefix->poll_from, now))
		return NULL;
	for (size_t i = 0; i < prefix->peer_count; i++)
		if (mono_before(prefix->peers[i].asked, prefix->poll_from))
			return &prefix->peers[i];
	return NULL;
}

/* Another BIRD, or the same one after a while: nothing is known of it. */
void prefix_forget(struct route_prefix *prefix, enum bird_link link, struct mono now)
{
	struct proto *protos[] = {&prefix->main, &prefix->drain};

	for (int i = 0; i < 2; i++) {
		protos[i]->know = PROTO_UNKNOWN;
		protos[i]->confirmed_up = false;
		protos[i]->retry = (struct mono){0};
	}
	prefix->suspect = false;
	prefix->others = 0;
	prefix->others_over[0] = '\0';
	for (size_t i = 0; i < prefix->peer_count; i++) {
		struct peer *peer = &prefix->peers[i];

		/* Without BIRD there is no session. */
		peer->seen = link == BIRD_GONE ? ROUTE_SEEN_NOTHING : ROUTE_SEEN_UNKNOWN;
		peer->established = false;
	}
	if (prefix->decided)
		prefix_watch(prefix, now);
}

int prefix_set_peers(struct route_prefix *prefix, const char *const *peers, size_t peer_count)
{
	struct peer *fresh;

	if (peer_count == 0)
		return -EINVAL;
	for (size_t i = 0; i < peer_count; i++)
		if (!bird_name_valid(peers[i]))
			return -EINVAL;
	fresh = calloc(peer_count, sizeof *fresh);
	if (!fresh)
		return -ENOMEM;
	for (size_t i = 0; i < peer_count; i++)
		strcpy(fresh[i].name, peers[i]);
	free(prefix->peers);
	prefix->peers = fresh;
	prefix->peer_count = peer_count;
	return 0;
}

int prefix_new(struct route_prefix **out, const struct route_prefix_options *options)
{
	struct route_prefix *prefix;
	struct bird_prefix parsed;
	int r;

	if (bird_prefix_parse(&parsed, options->prefix) < 0 || !bird_name_valid(options->protocol))
		return -EINVAL;
	if (options->drain_protocol &&
		(!bird_name_valid(options->drain_protocol) ||
			strcmp(options->drain_protocol, options->protocol) == 0))
		return -EINVAL;
	prefix = calloc(1, sizeof *prefix);
	if (!prefix)
		return -ENOMEM;
	r = prefix_set_peers(prefix, options->peers, options->peer_count);
	if (r < 0) {
		prefix_free(prefix);
		return r;
	}
	prefix->prefix = parsed;
	bird_prefix_format(&parsed, prefix->text);
	strcpy(prefix->main.name, options->protocol);
	if (options->drain_protocol)
		strcpy(prefix->drain.name, options->drain_protocol);
	prefix->poll_from = MONO_NEVER;
	prefix->others_from = MONO_NEVER;
	prefix->settle_by = MONO_NEVER;
	*out = prefix;
	return 0;
}

void prefix_free(struct route_prefix *prefix)
{
	if (!prefix)
		return;
	free(prefix->peers);
	free(prefix);
}

bool prefix_uses(const struct route_prefix *prefix, const char *protocol)
{
	return strcmp(prefix->main.name, protocol) == 0 ||
	       strcmp(prefix->drain.name, protocol) == 0;
}

void prefix_list_begin(struct route_prefix *prefix)
{
	prefix->main.listed = false;
	prefix->drain.listed = false;
	for (size_t i = 0; i < prefix->peer_count; i++)
		prefix->peers[i].listed = false;
}

static void proto_line(const struct route_prefix *prefix, struct proto *proto,
	const struct bird_protocol_line *line)
{
	if (strcmp(proto->name, line->name) != 0)
		return;
	proto->listed = true;
	proto->know = line->up ? PROTO_UP : PROTO_DOWN;
	if (line->up && prefix->decided && proto_wanted_up(prefix, proto))
		proto->confirmed_up = true;
}

void prefix_list_line(struct route_prefix *prefix, const struct bird_protocol_line *line)
{
	proto_line(prefix, &prefix->main, line);
	proto_line(prefix, &prefix->drain, line);
	for (size_t i = 0; i < prefix->peer_count; i++) {
		struct peer *peer = &prefix->peers[i];

		if (strcmp(peer->name, line->name) != 0)
			continue;
		peer->listed = true;
		peer->established = line->established;
	}
}

void prefix_list_end(struct route_prefix *prefix)
{
	if (!prefix->main.listed)
		prefix->main.know = PROTO_MISSING;
	if (prefix->drain.name[0] && !prefix->drain.listed)
		prefix->drain.know = PROTO_MISSING;
	for (size_t i = 0; i < prefix->peer_count; i++) {
		struct peer *peer = &prefix->peers[i];

		peer->missing = !peer->listed;
		if (peer->missing)
			peer->established = false;
	}
}

enum prefix_drift prefix_drift(const struct route_prefix *prefix)
{
	enum route_state set, goal = prefix_goal(prefix);
	bool touched;

	if (!prefix->decided || !prefix_set(prefix, &set) || set == goal)
		return PREFIX_AGREES;
	if (set > goal)
		return PREFIX_RAISED;
	/* Each protocol that is down and should be up was up by our hand. */
	touched = (goal != ROUTE_ANNOUNCED || prefix->main.confirmed_up) &&
		  (!has_drain(prefix) || set == ROUTE_DEGRADED || prefix->drain.confirmed_up);
	return touched ? PREFIX_TOUCHED : PREFIX_LOWERED;
}

bool prefix_watch_on(struct route_prefix *prefix, struct mono now)
{
	if (!mono_before(now, prefix->settle_by))
		return false;
	prefix->poll_from = mono_after(now, prefix->poll_gap);
	prefix->poll_gap.ns *= 2;
	if (prefix->poll_gap.ns > span_ms(POLL_LAST_MS).ns)
		prefix->poll_gap = span_ms(POLL_LAST_MS);
	return true;
}

void prefix_peer_seen(struct route_prefix *prefix, struct peer *peer, const char *from)
{
	if (!from) {
		peer->seen = ROUTE_SEEN_NOTHING;
	} else if (strcmp(from, prefix->main.name) == 0) {
		peer->seen = ROUTE_SEEN_MAIN;
	} else if (strcmp(from, prefix->drain.name) == 0) {
		peer->seen = ROUTE_SEEN_DRAIN;
	} else {
		peer->seen = ROUTE_SEEN_FOREIGN;
		snprintf(peer->foreign, sizeof peer->foreign, "%s", from);
	}
}

bool prefix_observe(struct route_prefix *prefix, enum bird_link link)
{
	enum route_state actual;
	bool known = prefix_actual(prefix, &actual);
	bool settled = prefix_settled(prefix, link);
	bool changed = known != prefix->actual_known || settled != prefix->settled ||
		       (known && actual != prefix->actual);

	if (known && (!prefix->actual_known || actual != prefix->actual)) {
		prefix->actual_since = mono_now();
		prefix->actual_since_wall = wall_now();
	}
	prefix->actual_known = known;
	prefix->actual = actual;
	prefix->settled = settled;
	if (settled) {
		prefix->error[0] = '\0';
		prefix->alarm[0] = '\0';
	}
	return changed;
}

const char *prefix_trouble(const struct route_prefix *prefix)
{
	const char *const all[] = {prefix->main.trouble, prefix->drain.trouble,
		prefix->main.file_trouble, prefix->drain.file_trouble};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i][0])
			return all[i];
	return "";
}
