/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "What if": a sentence of a person's in, the policy's input changed.
 */
#include "control/health/what_if.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct world {
	struct policy_options *options;
	struct policy_node *node;
	struct policy_input *input;
};

static void server_good(struct world *w)
{
	w->input->server.udp = VERDICT_GOOD;
	w->input->server.last_good = w->input->server.heard = mono_now();
}

static void server_refused(struct world *w)
{
	w->input->server.udp = VERDICT_REFUSED;
	w->input->server.since = mono_now();
}

static void server_silent(struct world *w)
{
	w->input->server.udp = VERDICT_SILENT;
	w->input->server.since = w->input->server.last_good = mono_now();
}

static void tcp_good(struct world *w)
{
	w->input->server.tcp = VERDICT_GOOD;
}

static void tcp_silent(struct world *w)
{
	w->input->server.tcp = VERDICT_SILENT;
}

static void fastpath_up(struct world *w)
{
	w->node->fastpath_healthy = w->node->fastpath_covers = w->node->image_published = true;
}

static void fastpath_down(struct world *w)
{
	w->node->fastpath_healthy = w->node->fastpath_covers = false;
	w->node->fastpath_text = "what if";
}

static void carrier_up(struct world *w)
{
	w->node->carrier = true;
	w->node->carrier_since = w->node->start;
}

static void carrier_down(struct world *w)
{
	w->node->carrier = false;
	w->node->carrier_since = mono_now();
}

static void bird_up(struct world *w)
{
	w->node->bird = BIRD_UP;
}

static void bird_silent(struct world *w)
{
	w->node->bird = BIRD_SILENT;
}

static void bird_gone(struct world *w)
{
	w->node->bird = BIRD_GONE;
}

static void unit_active(struct world *w)
{
	w->node->unit = POLICY_UNIT_ACTIVE;
}

static void unit_activating(struct world *w)
{
	w->node->unit = POLICY_UNIT_ACTIVATING;
}

static void unit_dead(struct world *w)
{
	w->node->unit = POLICY_UNIT_DEAD;
}

static void others_announce(struct world *w)
{
	w->input->sight = (struct policy_sight){.routes = 1, .could_see = true};
}

static void others_none(struct world *w)
{
	w->input->sight = (struct policy_sight){.could_see = true};
}

static void others_blind(struct world *w)
{
	w->input->sight = (struct policy_sight){0};
}

static void overload_up(struct world *w)
{
	w->node->overload = "what if";
}

static void overload_down(struct world *w)
{
	w->node->overload = NULL;
}

static void dependencies_good(struct world *w)
{
	w->node->dependencies.failing = w->node->dependencies.peers_failing = 0;
}

static void dependencies_one(struct world *w)
{
	w->node->dependencies =
		(struct policy_dependencies){.count = 2, .failing = 1, .who = "what if"};
}

static void dependencies_down(struct world *w)
{
	w->node->dependencies =
		(struct policy_dependencies){.count = 2, .failing = 2, .who = "what if"};
}

static void zones_good(struct world *w)
{
	w->node->zones_failing = 0;
}

static void zones_down(struct world *w)
{
	w->node->zones = w->node->zones ? w->node->zones : 1;
	w->node->zones_failing = w->node->zones;
}

static void override_auto(struct world *w)
{
	w->input->override.kind = POLICY_AUTO;
}

static void quiet_yes(struct world *w)
{
	w->input->quiet = true;
}

static void quiet_no(struct world *w)
{
	w->input->quiet = false;
}

static const struct {
	const char *text;
	void (*apply)(struct world *w);
} words[] = {
	{"server=good", server_good},
	{"server=refused", server_refused},
	{"server=silent", server_silent},
	{"server=down", server_refused},
	{"tcp=good", tcp_good},
	{"tcp=silent", tcp_silent},
	{"tcp=down", tcp_silent},
	{"fastpath=up", fastpath_up},
	{"fastpath=down", fastpath_down},
	{"carrier=up", carrier_up},
	{"carrier=down", carrier_down},
	{"bird=up", bird_up},
	{"bird=silent", bird_silent},
	{"bird=down", bird_gone},
	{"unit=active", unit_active},
	{"unit=activating", unit_activating},
	{"unit=dead", unit_dead},
	{"others=announce", others_announce},
	{"others=none", others_none},
	{"others=blind", others_blind},
	{"overload=yes", overload_up},
	{"overload=no", overload_down},
	{"dependencies=good", dependencies_good},
	{"dependencies=some", dependencies_one},
	{"dependencies=down", dependencies_down},
	{"zones=good", zones_good},
	{"zones=down", zones_down},
	{"override=auto", override_auto},
	{"quiet=yes", quiet_yes},
	{"quiet=no", quiet_no},
};
#define WORDS (sizeof words / sizeof words[0])

int what_if_apply(const char *text, const struct checks *checks, const struct bird_prefix *prefix,
	struct policy_options *options, struct policy_node *node, struct policy_input *input,
	struct health_error *error)
{
	struct world world = {options, node, input};
	const char *equals = strrchr(text, '=');
	size_t used = 0;

	for (size_t i = 0; i < WORDS; i++) {
		if (strcmp(words[i].text, text) != 0)
			continue;
		words[i].apply(&world);
		return 0;
	}
	if (equals && strcmp(equals, "=down") == 0 &&
		checks_suppose(checks, text, (size_t)(equals - text), prefix, node, input))
		return 0;
	used = (size_t)snprintf(
		error->text, sizeof error->text, "not understood; a check's name=down, or ");
	for (size_t i = 0; i < WORDS && used < sizeof error->text; i++)
		used += (size_t)snprintf(error->text + used, sizeof error->text - used, "%s%s",
			i ? ", " : "", words[i].text);
	return -EINVAL;
}
