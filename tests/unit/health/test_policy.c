/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy: a table with a row for each row of docs/internals/policy.md, and
 * a random walk that checks what must hold whatever happens.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/health/policy.h"

#define W ROUTE_WITHDRAWN
#define D ROUTE_DEGRADED
#define A ROUTE_ANNOUNCED

static const struct mono now = {INT64_C(1000000000) * 1000};

static struct mono ago_ms(int64_t ms)
{
	return mono_after(now, span_ms(-ms));
}

/* A node where all is good, a minute after its start. */
struct world {
	struct policy_options options;
	struct policy_node node;
	struct policy_input input;
	struct policy_memory memory;
};

static struct world good_world(enum route_state state)
{
	struct world w = {0};

	policy_defaults(&w.options);
	w.options.unit = "nsd.service";
	w.node = (struct policy_node){
		.start = ago_ms(60000),
		.overrides_read = true,
		.fastpath_healthy = true,
		.image_published = true,
		.fastpath_covers = true,
		.zones = 10,
		.carrier = true,
		.carrier_since = ago_ms(60000),
		.bird = BIRD_UP,
	};
	w.input.server = (struct policy_server){
		.udp = VERDICT_GOOD,
		.udp_who = "local server",
		.last_good = ago_ms(20),
		.since = ago_ms(50000),
		.tcp = VERDICT_GOOD,
		.tcp_who = "local server",
		.answered = true,
		.heard = ago_ms(20),
	};
	w.input.sight = (struct policy_sight){.routes = 1, .could_see = true};
	w.memory.state = state;
	w.memory.was_up = true;
	return w;
}

static struct policy_decision ask(struct world *w)
{
	struct policy_decision decision;

	w->input.node = &w->node;
	policy_decide(&w->options, &w->input, &w->memory, now, &decision);
	return decision;
}

/* ---- changes to the good world, one or two for each row ---- */

static void leaving(struct world *w)
{
	w->node.leaving = true;
}
static void superseded(struct world *w)
{
	w->node.superseded_by = "anodectl[7]";
}

static void override(struct world *w, enum policy_override_kind kind, int64_t ms_left)
{
	w->input.override.kind = kind;
	w->input.override.until = ms_left ? mono_after(now, span_ms(ms_left)) : MONO_NEVER;
	snprintf(w->input.override.owner, sizeof w->input.override.owner, "uid 0");
	snprintf(w->input.override.reason, sizeof w->input.override.reason, "line card");
}

static void ov_announce(struct world *w)
{
	override(w, POLICY_ANNOUNCE, 60000);
}
static void ov_withdraw(struct world *w)
{
	override(w, POLICY_WITHDRAW, 0);
}
static void ov_drain(struct world *w)
{
	override(w, POLICY_DRAIN, 0);
}
static void ov_ended(struct world *w)
{
	override(w, POLICY_WITHDRAW, -1);
}
static void bird_gone(struct world *w)
{
	w->node.bird = BIRD_GONE;
}
static void bird_silent(struct world *w)
{
	w->node.bird = BIRD_SILENT;
}
static void bird_unknown(struct world *w)
{
	w->node.bird = BIRD_UNKNOWN;
}

static void refused(struct world *w)
{
	w->input.server.udp = VERDICT_REFUSED;
	w->input.server.since = now;
	w->input.server.last_good = ago_ms(93);
}

static void refused_dead(struct world *w)
{
	refused(w);
	w->node.unit = POLICY_UNIT_DEAD;
}
static void refused_active(struct world *w)
{
	refused(w);
	w->node.unit = POLICY_UNIT_ACTIVE;
}
static void refused_activating(struct world *w)
{
	refused(w);
	w->node.unit = POLICY_UNIT_ACTIVATING;
}
static void refused_stopping(struct world *w)
{
	refused(w);
	w->node.unit = POLICY_UNIT_DEACTIVATING;
}
static void refused_reloading(struct world *w)
{
	refused(w);
	w->node.unit = POLICY_UNIT_RELOADING;
}

static void refused_activating_long(struct world *w)
{
	refused_activating(w);
	w->input.server.since = ago_ms(5000);
}

static void silent(struct world *w)
{
	w->input.server.udp = VERDICT_SILENT;
	w->input.server.since = now;
	w->input.server.last_good = ago_ms(375);
}

static void silent_long(struct world *w)
{
	silent(w);
	w->input.server.last_good = ago_ms(3000);
}
static void silent_bare(struct world *w)
{
	silent(w);
	w->node.fastpath_healthy = w->node.fastpath_covers = false;
}

/* The program answers, but not what is required of this node. */
static void silent_uncovered(struct world *w)
{
	silent(w);
	w->node.fastpath_covers = false;
}

static void silent_no_image(struct world *w)
{
	silent_uncovered(w);
	w->node.image_published = false;
}

static void silent_no_image_optional(struct world *w)
{
	silent_no_image(w);
	w->options.fastpath = POLICY_FASTPATH_OPTIONAL;
}

static void silent_off(struct world *w)
{
	silent(w);
	w->options.fastpath = POLICY_FASTPATH_OFF;
}

/* Adopted at the start, and never an answer. */
static void silent_since_start(struct world *w)
{
	silent(w);
	w->input.server.last_good = (struct mono){0};
	w->node.start = ago_ms(400);
}

static void carrier_lost(struct world *w)
{
	w->node.carrier = false;
	w->node.carrier_since = now;
}

static void carrier_new(struct world *w)
{
	w->node.carrier_since = ago_ms(9999);
}
static void carrier_stable(struct world *w)
{
	w->node.carrier_since = ago_ms(10000);
}
static void carrier_unknown(struct world *w)
{
	w->node.carrier_since = (struct mono){0};
}
static void overrides_unread(struct world *w)
{
	w->node.overrides_read = false;
}
static void udp_unknown(struct world *w)
{
	w->input.server.udp = VERDICT_UNKNOWN;
}
static void udp_blind(struct world *w)
{
	w->input.server.udp = VERDICT_BLIND;
}
static void tcp_unknown(struct world *w)
{
	w->input.server.tcp = VERDICT_UNKNOWN;
}
static void tcp_silent(struct world *w)
{
	w->input.server.tcp = VERDICT_SILENT;
}
static void tcp_refused(struct world *w)
{
	w->input.server.tcp = VERDICT_REFUSED;
}

static void unanswered(struct world *w)
{
	w->input.server.answered = false;
	w->input.server.unanswered = "example.com is answered SERVFAIL";
}

static void no_image(struct world *w)
{
	w->node.image_published = false;
}
static void no_fastpath(struct world *w)
{
	w->node.fastpath_healthy = w->node.fastpath_covers = false;
}

static void no_fastpath_optional(struct world *w)
{
	no_fastpath(w);
	w->node.image_published = false;
	w->options.fastpath = POLICY_FASTPATH_OPTIONAL;
}

static void no_fastpath_off(struct world *w)
{
	no_fastpath_optional(w);
	w->options.fastpath = POLICY_FASTPATH_OFF;
}

static void check_fails(struct world *w)
{
	w->input.server.failing_check = "udp example.com SOA";
}
static void zones_half(struct world *w)
{
	w->node.zones_failing = 5;
}
static void stuck(struct world *w)
{
	w->node.stuck = "the zone worker makes no progress (compiling)";
}
static void zones_less(struct world *w)
{
	w->node.zones_failing = 4;
}
static void zones_all(struct world *w)
{
	w->node.zones_failing = 10;
}
static void fell_just_now(struct world *w)
{
	w->memory.fell = ago_ms(4999);
}
static void fell_long_ago(struct world *w)
{
	w->memory.fell = ago_ms(5000);
}

/* The other node went, or isn't well; or nothing of it could ever be seen. */
static void alone(struct world *w)
{
	w->input.sight.routes = 0;
}
static void peers_sick(struct world *w)
{
	w->input.sight.peers = 2;
}
static void peer_well(struct world *w)
{
	w->input.sight.peers = 2;
	w->input.sight.peers_good = 1;
}
static void blind(struct world *w)
{
	w->input.sight = (struct policy_sight){0};
}
static void blind_holds(struct world *w)
{
	blind(w);
	w->options.blind_holds = true;
}
static void last_leaves(struct world *w)
{
	alone(w);
	w->options.last_leaves = true;
}
static void alone_uncovered(struct world *w)
{
	alone(w);
	w->node.fastpath_covers = false;
}
static void alone_never_up(struct world *w)
{
	alone(w);
	w->memory.was_up = false;
}
static void alone_jitter(struct world *w)
{
	alone(w);
	w->options.jitter = span_ms(3000);
}
static void alone_jitter_over(struct world *w)
{
	alone_jitter(w);
	w->memory.due = ago_ms(3000);
}
static void alone_fell(struct world *w)
{
	alone(w);
	fell_just_now(w);
}
static void degrade_withdraws(struct world *w)
{
	w->options.degrade_withdraws = true;
	w->input.server.failing_check = "udp example.com SOA";
	w->memory.drain_from = ago_ms(10000);
}
static void drained(struct world *w)
{
	degrade_withdraws(w);
	w->input.quiet = true;
}
static void drained_long(struct world *w)
{
	degrade_withdraws(w);
	w->memory.drain_from = ago_ms(60000);
}
static void jitter(struct world *w)
{
	w->options.jitter = span_ms(3000);
}
static void jitter_over(struct world *w)
{
	jitter(w);
	w->memory.due = ago_ms(3000);
}
static void overload(struct world *w)
{
	w->node.overload = "12 packets a second find no room in UDP sockets";
}
static void overload_long(struct world *w)
{
	overload(w);
	w->input.server.heard = ago_ms(60000);
}
static void script_fails(struct world *w)
{
	w->input.server.fatal_check = "script disk: exit 2";
}
static void primary_lost(struct world *w)
{
	w->node.dependencies =
		(struct policy_dependencies){.count = 2, .failing = 1, .who = "primary"};
}
static void all_lost(struct world *w)
{
	w->node.dependencies = (struct policy_dependencies){
		.count = 1, .failing = 1, .peers = 2, .peers_failing = 2, .who = "primary"};
}
static void only_one_lost(struct world *w)
{
	w->node.dependencies =
		(struct policy_dependencies){.count = 1, .failing = 1, .who = "primary"};
}
static void peers_lost(struct world *w)
{
	w->node.dependencies = (struct policy_dependencies){.peers = 2, .peers_failing = 1};
}
static void coupled(struct world *w)
{
	w->input.coupled = W;
	w->input.coupled_by = "2001:db8:53::/48";
}
static void coupled_degraded(struct world *w)
{
	coupled(w);
	w->input.coupled = D;
}
static void flapped(struct world *w)
{
	w->memory.flaps = 4;
	w->memory.fell = ago_ms(39000);
}
static void flapped_alone(struct world *w)
{
	alone(w);
	w->memory.flaps = 20;
	w->memory.fell = ago_ms(59000);
}
static void spend(struct world *w, unsigned changes)
{
	for (unsigned i = 0; i < changes; i++)
		w->memory.changes[w->memory.next_change++] = ago_ms(3600000 - 1000 - i);
}
static void budget_spent(struct world *w)
{
	spend(w, 20);
}
static void budget_left(struct world *w)
{
	spend(w, 19);
}
static void rose_just_now(struct world *w)
{
	w->memory.rose = ago_ms(4000);
}
static void rose_long_ago(struct world *w)
{
	w->memory.rose = ago_ms(5000);
}

struct row {
	const char *name;
	void (*change)(struct world *w);
	void (*change2)(struct world *w);
	enum route_state before, after;
	enum policy_cause cause;
	int64_t wake_ms; /* 0 = never */
	const char *says;
};

static const struct row rows[] = {
	{"all good stays", NULL, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"all good rises by way of degraded", NULL, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	/* 1 to 3 */
	{"SIGTERM leaves", leaving, NULL, A, W, POLICY_LEAVING, 0, NULL},
	{"SIGTERM beats a forced announce", leaving, ov_announce, A, W, POLICY_LEAVING, 0, NULL},
	{"a newer writer owns it", superseded, ov_announce, A, W, POLICY_SUPERSEDED, 0,
		"anodectl[7]"},
	{"override withdraw", ov_withdraw, NULL, A, W, POLICY_OVERRIDE, 0,
		"withdraw by uid 0: line card"},
	{"override announce beats fatal", ov_announce, refused, A, A, POLICY_OVERRIDE, 60000,
		"60 s left"},
	{"override announce needs no condition", ov_announce, unanswered, W, A, POLICY_OVERRIDE,
		60000, NULL},
	{"override announce beats hold-down", ov_announce, fell_just_now, W, A, POLICY_OVERRIDE,
		60000, NULL},
	{"an override ends", ov_ended, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	/* 4 */
	{"BIRD killed", bird_gone, NULL, A, W, POLICY_BIRD, 0, NULL},
	{"BIRD frozen changes nothing downwards", bird_silent, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"BIRD frozen, and the server dies", bird_silent, refused, A, W, POLICY_REFUSED, 0, NULL},
	{"BIRD frozen, nothing rises", bird_silent, NULL, D, D, POLICY_BIRD, 0, NULL},
	{"BIRD frozen, nothing is announced", bird_silent, NULL, W, W, POLICY_WAITING, 0, NULL},
	{"BIRD not tried yet", bird_unknown, NULL, W, W, POLICY_WAITING, 0, NULL},
	/* 6, 7 */
	{"refused, no unit known", refused, NULL, A, W, POLICY_REFUSED, 0,
		"local server refused, last good answer 93 ms ago"},
	{"refused, unit dead", refused_dead, NULL, A, W, POLICY_REFUSED, 0,
		"local server refused (unit nsd.service dead), last good answer 93 ms ago"},
	{"refused, unit active", refused_active, NULL, A, W, POLICY_REFUSED, 0, NULL},
	{"refused while degraded", refused, tcp_silent, D, W, POLICY_REFUSED, 0, NULL},
	{"refused, unit activating", refused_activating, NULL, A, D, POLICY_REFUSED, 5000,
		"activating"},
	{"refused, unit deactivating", refused_stopping, NULL, A, D, POLICY_REFUSED, 5000, NULL},
	{"refused, unit reloading", refused_reloading, NULL, A, D, POLICY_REFUSED, 5000, NULL},
	{"refused, activating for too long", refused_activating_long, NULL, D, W, POLICY_REFUSED, 0,
		NULL},
	{"refused, activating, was withdrawn", refused_activating, NULL, W, W, POLICY_REFUSED, 0,
		NULL},
	/* 8, 9 */
	{"silent, fast path healthy", silent, NULL, A, D, POLICY_SILENT, 2625,
		"fast path answers on"},
	{"silent for 3 s, fast path healthy", silent_long, NULL, D, W, POLICY_SILENT, 0,
		"too long"},
	{"silent, no healthy fast path", silent_bare, NULL, A, W, POLICY_SILENT, 0,
		"no healthy fast path"},
	{"silent, a required zone isn't answered fast", silent_uncovered, NULL, A, W, POLICY_SILENT,
		0, "required zone"},
	{"silent, no image", silent_no_image, NULL, A, W, POLICY_SILENT, 0, NULL},
	{"silent, no image, optional", silent_no_image_optional, NULL, A, W, POLICY_SILENT, 0,
		"required zone"},
	{"silent, fast path off", silent_off, NULL, A, W, POLICY_SILENT, 0, NULL},
	{"silent, was withdrawn", silent, NULL, W, W, POLICY_SILENT, 0, NULL},
	{"silent since the start, adopted", silent_since_start, NULL, A, D, POLICY_SILENT, 2600,
		"never"},
	/* 5 */
	{"carrier lost", carrier_lost, NULL, A, W, POLICY_CARRIER, 0, NULL},
	{"carrier back", carrier_new, NULL, W, W, POLICY_WAITING, 1, NULL},
	{"carrier stable", carrier_stable, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	{"carrier just back doesn't withdraw", carrier_new, NULL, A, A, POLICY_GOOD, 0, NULL},
	/* 10 */
	{"overrides not read", overrides_unread, NULL, W, W, POLICY_WAITING, 0, "overrides"},
	{"carrier not known", carrier_unknown, NULL, W, W, POLICY_WAITING, 0, "carrier"},
	{"server not known", udp_unknown, NULL, W, W, POLICY_WAITING, 0, "over UDP"},
	{"server can't be asked", udp_blind, NULL, W, W, POLICY_WAITING, 0, NULL},
	{"TCP not known", tcp_unknown, NULL, W, W, POLICY_WAITING, 0, "over TCP"},
	{"TCP fails", tcp_silent, NULL, W, W, POLICY_WAITING, 0, NULL},
	{"a required zone not answered", unanswered, NULL, W, W, POLICY_WAITING, 0, "SERVFAIL"},
	{"no image", no_image, NULL, W, W, POLICY_WAITING, 0, "image"},
	{"no fast path", no_fastpath, NULL, W, W, POLICY_WAITING, 0, "fast path"},
	{"no fast path, optional", no_fastpath_optional, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	{"no fast path, off", no_fastpath_off, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	/* and none of these withdraws what is announced */
	{"announced, server not known yet", udp_unknown, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"announced, a required zone not answered", unanswered, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"announced, no image", no_image, NULL, A, A, POLICY_GOOD, 0, NULL},
	/* 11 */
	{"drain", ov_drain, NULL, A, D, POLICY_OVERRIDE, 0, "drain by uid 0: line card"},
	{"drain, and the server dies", ov_drain, refused, D, W, POLICY_REFUSED, 0, NULL},
	{"drain rises from withdrawn only when it may", ov_drain, unanswered, W, W, POLICY_WAITING,
		0, NULL},
	{"drain doesn't wait for hold-down", ov_drain, fell_just_now, W, D, POLICY_OVERRIDE, 0,
		NULL},
	/* 12 to 17 */
	{"TCP silent, UDP good", tcp_silent, NULL, A, D, POLICY_TCP, 0, NULL},
	{"TCP refused, UDP good", tcp_refused, NULL, A, D, POLICY_TCP, 0, NULL},
	{"can't ask", udp_blind, NULL, A, D, POLICY_BLIND, 0, NULL},
	{"content", check_fails, NULL, A, D, POLICY_CONTENT, 0, "udp example.com SOA"},
	{"half of the zones", zones_half, NULL, A, D, POLICY_ZONES, 0, "5 of 10"},
	{"less than half of the zones", zones_less, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"all zones never withdraw", zones_all, check_fails, A, D, POLICY_CONTENT, 0, NULL},
	{"fast path lost", no_fastpath, NULL, A, D, POLICY_FASTPATH, 0, NULL},
	{"fast path lost, optional", no_fastpath_optional, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"a thread hangs", stuck, NULL, A, D, POLICY_STUCK, 0, "no progress (compiling)"},
	{"a thread hangs, the zones fail", stuck, zones_half, A, D, POLICY_ZONES, 0, NULL},
	{"a thread hangs, was withdrawn", stuck, NULL, W, D, POLICY_STUCK, 0, NULL},
	{"a fatal script", script_fails, NULL, A, W, POLICY_CHECK, 0, "script disk"},
	/* others, none, blind: fatal */
	{"refused, the last one", refused, alone, A, D, POLICY_REFUSED, 0,
		"held: no other node announces"},
	{"refused, held already", refused, alone, D, D, POLICY_REFUSED, 0, NULL},
	{"refused, the others are sick", refused, peers_sick, A, D, POLICY_REFUSED, 0, NULL},
	{"refused, another one is well", refused, peer_well, A, W, POLICY_REFUSED, 0, NULL},
	{"refused, the last one, uncovered", refused, alone_uncovered, A, W, POLICY_REFUSED, 0,
		NULL},
	{"refused, the last one leaves", refused, last_leaves, A, W, POLICY_REFUSED, 0, NULL},
	{"refused, blind", refused, blind, A, W, POLICY_REFUSED, 0, NULL},
	{"refused, blind holds", refused, blind_holds, A, D, POLICY_REFUSED, 0, "isn't known"},
	{"refused, blind holds but never raises", refused, blind_holds, W, W, POLICY_REFUSED, 0,
		NULL},
	{"silent too long, the last one", silent_long, alone, D, D, POLICY_SILENT, 0, "held"},
	{"a fatal script, the last one", script_fails, alone, A, D, POLICY_CHECK, 0, "held"},
	{"both withdrew: one comes back", refused, alone, W, D, POLICY_REFUSED, 0, "held"},
	{"both withdrew: its jitter first", refused, alone_jitter, W, W, POLICY_REFUSED, 3000,
		NULL},
	{"both withdrew: its jitter is over", refused, alone_jitter_over, W, D, POLICY_REFUSED, 0,
		NULL},
	{"both withdrew: hold-down first", refused, alone_fell, W, W, POLICY_REFUSED, 1, "refused"},
	{"never announced, so nothing to come back to", refused, alone_never_up, W, W,
		POLICY_REFUSED, 0, NULL},
	{"carrier lost, the last one", carrier_lost, alone, A, W, POLICY_CARRIER, 0, NULL},
	/* the degrade class, where it withdraws */
	{"content drains first", degrade_withdraws, NULL, A, D, POLICY_CONTENT, 0, NULL},
	{"content waits for the end of the drain", degrade_withdraws, NULL, D, D, POLICY_CONTENT,
		50000, NULL},
	{"content, drained", drained, NULL, D, W, POLICY_CONTENT, 0, NULL},
	{"content, the drain took too long", drained_long, NULL, D, W, POLICY_CONTENT, 0, NULL},
	{"content, drained, jitter", drained, jitter, D, D, POLICY_CONTENT, 3000, NULL},
	{"content, drained, jitter over", drained, jitter_over, D, W, POLICY_CONTENT, 0, NULL},
	{"content, drained, the last one", drained, alone, D, D, POLICY_CONTENT, 0, NULL},
	{"content, drained, the others are sick", drained, peers_sick, D, D, POLICY_CONTENT, 0,
		NULL},
	{"content, drained, blind", drained, blind, D, D, POLICY_CONTENT, 0, NULL},
	{"content, withdrawn", drained, NULL, W, W, POLICY_CONTENT, 0, NULL},
	{"content, withdrawn, now the last one", drained, alone, W, D, POLICY_CONTENT, 0, NULL},
	{"content, withdrawn, the last one, jitter", drained, alone_jitter, W, W, POLICY_CONTENT,
		3000, NULL},
	{"content, withdrawn, now blind", drained, blind, W, D, POLICY_CONTENT, 0, NULL},
	{"content degrades the last one, too", check_fails, alone, A, D, POLICY_CONTENT, 0, NULL},
	/* overload */
	{"silent, overload, fast path", silent, overload, A, A, POLICY_OVERLOAD, 60000 - 20,
		"overload"},
	{"silent, overload, no fast path", silent_bare, overload, D, D, POLICY_FASTPATH, 60000 - 20,
		NULL},
	{"silent, overload, withdrawn", silent, overload, W, W, POLICY_WAITING, 60000 - 20, NULL},
	{"silent, overload, not a sign for a minute", silent_long, overload_long, A, W,
		POLICY_SILENT, 0, NULL},
	{"refused is no overload", refused, overload, A, W, POLICY_REFUSED, 0, NULL},
	{"TCP silent, overload", tcp_silent, overload, A, A, POLICY_OVERLOAD, 60000 - 20, NULL},
	/* dependencies */
	{"primary unreachable", primary_lost, NULL, A, D, POLICY_DEPENDENCY, 0, "primary"},
	{"the only dependency", only_one_lost, NULL, A, D, POLICY_DEPENDENCY, 0, NULL},
	{"partition: announced stays", all_lost, NULL, A, A, POLICY_GOOD, 0, NULL},
	{"partition: degraded stays", all_lost, NULL, D, D, POLICY_DEPENDENCY, 0, "partition"},
	{"partition: withdrawn rises to degraded only", all_lost, rose_long_ago, W, D,
		POLICY_DEPENDENCY, 0, NULL},
	{"a peer's fault isn't ours", peers_lost, NULL, A, A, POLICY_GOOD, 0, NULL},
	/* coupled families */
	{"the other family is withdrawn", coupled, NULL, A, W, POLICY_COUPLED, 0,
		"2001:db8:53::/48, which is withdrawn"},
	{"the other family is degraded", coupled_degraded, NULL, A, D, POLICY_COUPLED, 0, NULL},
	{"the other family is withdrawn, forced", coupled, ov_announce, A, A, POLICY_OVERRIDE,
		60000, NULL},
	{"the other family is degraded, so is this one", coupled_degraded, check_fails, A, D,
		POLICY_CONTENT, 0, NULL},
	/* rises wait, falls don't */
	{"hold-down doubled thrice", flapped, NULL, W, W, POLICY_HOLDDOWN, 1000, NULL},
	{"the last one waits a minute at most", flapped_alone, NULL, W, W, POLICY_HOLDDOWN, 1000,
		NULL},
	{"budget spent", budget_spent, NULL, W, W, POLICY_BUDGET, 1000, "20 transitions"},
	{"budget spent while degraded", budget_spent, NULL, D, D, POLICY_BUDGET, 1000, NULL},
	{"budget left", budget_left, NULL, D, A, POLICY_GOOD, 0, NULL},
	{"budget spent, the last one", budget_spent, alone, D, A, POLICY_GOOD, 0, NULL},
	{"budget spent, forced", budget_spent, ov_announce, D, A, POLICY_OVERRIDE, 60000, NULL},
	{"budget spent, a fall", budget_spent, refused, A, W, POLICY_REFUSED, 0, NULL},
	{"slow start", rose_just_now, NULL, D, D, POLICY_SLOWSTART, 1000, NULL},
	{"slow start is over", rose_long_ago, NULL, D, A, POLICY_GOOD, 0, NULL},
	{"slow start, forced", rose_just_now, ov_announce, D, A, POLICY_OVERRIDE, 60000, NULL},
	{"held down", fell_just_now, NULL, W, W, POLICY_HOLDDOWN, 1, "held down"},
	{"held down while degraded", fell_just_now, NULL, D, D, POLICY_HOLDDOWN, 1, NULL},
	{"hold-down over", fell_long_ago, NULL, W, D, POLICY_SLOWSTART, 5000, NULL},
	{"a fall doesn't wait", fell_just_now, refused, A, W, POLICY_REFUSED, 0, NULL},
	{"a degraded rise waits too", fell_just_now, check_fails, W, W, POLICY_HOLDDOWN, 1, NULL},
};

static void each_row_decides_as_written(void **state)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i];
		struct world w = good_world(row->before);
		struct policy_decision d;
		int64_t wake;

		if (row->change)
			row->change(&w);
		if (row->change2)
			row->change2(&w);
		d = ask(&w);
		wake = d.wake.ns == MONO_NEVER.ns ? 0 : span_to_ms(mono_since(d.wake, now));
		if (d.state != row->after || d.cause != row->cause || wake != row->wake_ms ||
			(row->says && !strstr(d.reason, row->says)))
			print_error("row \"%s\": %s, %s, wake %" PRId64 ": %s\n", row->name,
				route_state_name(d.state), policy_cause_name(d.cause), wake,
				d.reason);
		assert_int_equal(d.state, row->after);
		assert_int_equal(d.cause, row->cause);
		assert_int_equal(wake, row->wake_ms);
		if (row->says)
			assert_non_null(strstr(d.reason, row->says));
		assert_true(d.reason[0]);
	}
}

static void only_faults_start_the_hold_down(void **state)
{
	static const struct {
		void (*change)(struct world *w);
		bool starts;
	} table[] = {{refused, true}, {silent, true}, {tcp_silent, true}, {check_fails, true},
		{zones_half, true}, {no_fastpath, true}, {stuck, true}, {udp_blind, true},
		{leaving, false}, {ov_withdraw, false}, {ov_drain, false}, {bird_gone, false},
		{carrier_lost, false}, {superseded, false}};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct world w = good_world(A);
		struct policy_decision d;

		table[i].change(&w);
		d = ask(&w);
		assert_true(policy_commit(&w.options, &w.memory, &d, now));
		assert_int_equal(mono_known(w.memory.fell), table[i].starts);
		assert_int_equal(w.memory.since.ns, now.ns);
		/* Staying there isn't falling again. */
		assert_false(
			policy_commit(&w.options, &w.memory, &d, mono_after(now, span_ms(100))));
		assert_int_equal(w.memory.since.ns, now.ns);
	}
}

/* One flap: down by a fault, up again. */
static void flap(struct world *w, struct mono at)
{
	policy_recall(&w->options, &w->memory, A, D, POLICY_SILENT, at);
	policy_recall(&w->options, &w->memory, D, W, POLICY_SILENT, at);
	policy_recall(&w->options, &w->memory, W, D, POLICY_SLOWSTART, at);
	policy_recall(&w->options, &w->memory, D, A, POLICY_GOOD, at);
}

static void hold_down_doubles_to_its_cap_and_decays(void **state)
{
	static const int64_t seconds[] = {5, 10, 20, 40, 80, 160, 320, 600, 600};
	struct world w = good_world(A);
	struct mono t = now;

	for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
		flap(&w, t);
		assert_int_equal(
			span_to_ms(policy_hold_down(&w.options, &w.memory, OTHERS_ANNOUNCE)),
			seconds[i] * 1000);
		assert_true(
			span_to_ms(policy_hold_down(&w.options, &w.memory, OTHERS_NONE)) <= 60000);
	}
	/* Nine flaps; forty minutes take four away, and this one counts. */
	t = mono_after(t, span_ms(40 * 60 * 1000));
	flap(&w, t);
	assert_int_equal(w.memory.flaps, 6);
	t = mono_after(t, span_ms(24 * 3600 * 1000));
	flap(&w, t);
	assert_int_equal(w.memory.flaps, 1);
}

static void the_penalty_is_that_of_flap_damping(void **state)
{
	struct world w = good_world(A);

	assert_null(policy_damped_by(policy_penalty(&w.memory, now)));
	flap(&w, now);
	/* 500 + 1000 + 1000 + 500 */
	assert_int_equal((int)policy_penalty(&w.memory, now), 3000);
	assert_int_equal((int)policy_penalty(&w.memory, mono_after(now, span_ms(900000))), 1500);
	assert_string_equal(policy_damped_by(policy_penalty(&w.memory, now)), "Junos");
	assert_string_equal(policy_damped_by(2000), "IOS");
	flap(&w, now);
	assert_non_null(strstr(policy_damped_by(policy_penalty(&w.memory, now)), "7454"));
	assert_int_equal(policy_spent(&w.memory, now), 8);
	assert_int_equal(policy_spent(&w.memory, mono_after(now, span_ms(3600000))), 0);
}

static void what_people_did_costs_upstream_but_not_the_budget(void **state)
{
	struct world w = good_world(A);

	policy_recall(&w.options, &w.memory, A, W, POLICY_OVERRIDE, now);
	policy_recall(&w.options, &w.memory, W, A, POLICY_OVERRIDE, now);
	assert_int_equal(policy_spent(&w.memory, now), 0);
	assert_int_equal((int)policy_penalty(&w.memory, now), 2000);
	assert_false(mono_known(w.memory.fell));
}

static void every_cause_has_a_word_of_its_own(void **state)
{
	for (int cause = 0; cause < POLICY_CAUSES; cause++)
		assert_int_equal(
			policy_cause_parse(policy_cause_name((enum policy_cause)cause)), cause);
	assert_int_equal(policy_cause_parse("nonsense"), POLICY_CAUSES);
}

static void forced_states_get_an_end_where_one_is_due(void **state)
{
	static const struct {
		enum policy_override_kind kind;
		int64_t hours;
	} table[] = {{POLICY_ANNOUNCE, 1}, {POLICY_DRAIN, 24}, {POLICY_WITHDRAW, 0}};
	struct policy_options options = {0};

	policy_defaults(&options);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct policy_override o = {.kind = table[i].kind, .until = MONO_NEVER};

		policy_override_bound(&o, &options, now);
		if (table[i].hours)
			assert_int_equal(mono_since(o.until, now).ns,
				table[i].hours * 3600 * INT64_C(1000000000));
		else
			assert_int_equal(o.until.ns, MONO_NEVER.ns);
		o.until = mono_after(now, span_ms(5));
		policy_override_bound(&o, &options, now);
		assert_int_equal(mono_since(o.until, now).ns, 5000000);
	}
}

static void defaults_are_those_of_the_page(void **state)
{
	struct policy_options o = {0};

	policy_defaults(&o);
	assert_int_equal(span_to_ms(o.restart_grace), 5000);
	assert_int_equal(span_to_ms(o.silence_withdraw), 3000);
	assert_int_equal(span_to_ms(o.carrier_stable), 10000);
	assert_int_equal(span_to_ms(o.hold_down), 5000);
	assert_int_equal(o.zones_failed, 50);
	assert_int_equal(o.fastpath, POLICY_FASTPATH_REQUIRED);
	o.hold_down = span_ms(-1);
	policy_defaults(&o);
	assert_int_equal(span_to_ms(o.hold_down), -1);
}

/* ---- the random walk ---- */

static uint64_t seed;

static unsigned dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

/* One thing changes. */
static void stir(struct world *w, struct mono t)
{
	struct policy_server *server = &w->input.server;
	enum verdict_state old = server->udp;

	switch (dice(26)) {
	case 0:
	case 1:
	case 2:
		server->udp = (enum verdict_state)dice(6);
		if (server->udp == VERDICT_BAD)
			server->udp = VERDICT_GOOD;
		if (server->udp != old)
			server->since = t;
		break;
	case 3:
		server->tcp = (enum verdict_state)dice(6);
		break;
	case 4:
		server->answered = dice(4);
		break;
	case 5:
		w->node.fastpath_healthy = dice(3);
		w->node.fastpath_covers = w->node.fastpath_healthy && dice(3);
		break;
	case 6:
		w->node.bird = (enum bird_link)dice(4);
		break;
	case 7:
		if (w->node.carrier != (dice(3) > 0)) {
			w->node.carrier = !w->node.carrier;
			w->node.carrier_since = t;
		}
		break;
	case 8:
		w->node.zones_failing = dice(11);
		break;
	case 9:
		server->failing_check = dice(2) ? "check" : NULL;
		break;
	case 10:
		w->node.unit = (enum policy_unit)dice(6);
		break;
	case 11:
		w->input.override.kind = dice(3) ? POLICY_AUTO : (enum policy_override_kind)dice(4);
		w->input.override.until = dice(2) ? MONO_NEVER : mono_after(t, span_ms(dice(9000)));
		break;
	case 12:
		w->node.image_published = dice(3);
		break;
	case 13:
		w->options.fastpath = (enum policy_fastpath)dice(3);
		break;
	case 14:
		w->node.stuck = dice(2) ? "the publisher" : NULL;
		break;
	case 15:
		w->input.sight = (struct policy_sight){
			.routes = dice(2), .could_see = dice(2), .peers = dice(3), .peers_good = 0};
		w->input.sight.peers_good = w->input.sight.peers ? dice(2) : 0;
		break;
	case 16:
		w->node.overload = dice(2) ? "socket buffers" : NULL;
		break;
	case 17:
		w->node.dependencies = (struct policy_dependencies){.count = 2,
			.failing = dice(3),
			.peers = 1,
			.peers_failing = dice(2),
			.who = "primary"};
		break;
	case 18:
		server->fatal_check = dice(3) ? NULL : "script";
		break;
	case 19:
		w->input.quiet = dice(2);
		break;
	case 20:
		w->input.coupled = (enum route_state)dice(3);
		w->input.coupled_by = dice(3) ? NULL : "2001:db8:53::/48";
		break;
	case 21:
		if (dice(100))
			break;
		w->options.degrade_withdraws = dice(2);
		w->options.last_leaves = dice(3) == 0;
		w->options.blind_holds = dice(2);
		w->options.jitter = span_ms(dice(5000));
		w->options.budget = 1 + dice(POLICY_BUDGET_MAX);
		w->options.slow_start = span_ms(dice(2) ? 5000 : -1);
		break;
	default: /* things tend to get better */
		w->node.overload = NULL;
		w->node.dependencies = (struct policy_dependencies){0};
		server->fatal_check = NULL;
		w->input.coupled_by = NULL;
		server->udp = server->tcp = VERDICT_GOOD;
		server->answered = w->node.fastpath_healthy = w->node.image_published = true;
		w->node.fastpath_covers = true;
		w->node.stuck = NULL;
		server->failing_check = NULL;
		w->node.bird = BIRD_UP;
		w->node.zones_failing = 0;
		if (!w->node.carrier) {
			w->node.carrier = true;
			w->node.carrier_since = t;
		}
		break;
	}
	if (server->udp == VERDICT_GOOD)
		server->last_good = server->heard = t;
	if (server->tcp == VERDICT_GOOD)
		server->heard = t;
}

static bool override_is(const struct world *w, enum policy_override_kind kind, struct mono t)
{
	return w->input.override.kind == kind && mono_before(t, w->input.override.until);
}

/* What POLICY means by fatal: local, and about the whole server. */
static bool is_fatal(const struct world *w, struct mono t)
{
	const struct policy_server *server = &w->input.server;
	bool absorbed = w->node.overload &&
			mono_since(t, server->heard).ns < w->options.overload_patience.ns;

	return server->udp == VERDICT_REFUSED || (server->udp == VERDICT_SILENT && !absorbed) ||
	       server->fatal_check;
}

static bool is_covered(const struct world *w)
{
	return w->node.fastpath_covers && w->options.fastpath != POLICY_FASTPATH_OFF;
}

/* The last one, or it can't know and was told to hold. */
static bool may_hold(const struct world *w)
{
	enum policy_others others = policy_others(&w->input.sight);

	return (others == OTHERS_NONE && !w->options.last_leaves) ||
	       (others == OTHERS_BLIND && w->options.blind_holds);
}

/* Fatal is never announced; degraded only where the page says so. */
static void check_fatal(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	const struct policy_server *server = &w->input.server;
	bool unit_moves = w->node.unit == POLICY_UNIT_ACTIVATING ||
			  w->node.unit == POLICY_UNIT_DEACTIVATING ||
			  w->node.unit == POLICY_UNIT_RELOADING;
	bool held = may_hold(w) && is_covered(w);

	if (w->node.bird == BIRD_GONE || !w->node.carrier)
		assert_int_equal(d->state, W);
	if (!is_fatal(w, t))
		return;
	assert_true(d->state <= D);
	if (held || d->state == W)
		return;
	if (server->udp == VERDICT_REFUSED)
		assert_true(unit_moves && mono_since(t, server->since).ns < span_ms(5000).ns);
	else if (server->udp == VERDICT_SILENT)
		assert_true(
			is_covered(w) && mono_since(t, server->last_good).ns < span_ms(3000).ns);
	else
		fail();
	assert_true(before->state >= d->state);
}

/* What withdraws is fatal, or it isn't the last one and drained before. */
static void check_fall(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	if (d->state != W || before->state == W)
		return;
	if (is_fatal(w, t) || w->node.bird == BIRD_GONE || !w->node.carrier)
		return;
	if (d->cause == POLICY_COUPLED) {
		assert_true(w->input.coupled_by && w->input.coupled == W);
		return;
	}
	assert_true(w->options.degrade_withdraws);
	assert_int_equal(policy_others(&w->input.sight), OTHERS_ANNOUNCE);
	assert_int_equal(before->state, D);
	assert_true(mono_known(before->drain_from));
}

/* Nothing rises without its conditions, nor too early. */
static void check_rise(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	const struct policy_server *server = &w->input.server;

	if (d->state <= before->state || d->cause == POLICY_OVERRIDE)
		return;
	assert_int_equal(w->node.bird, BIRD_UP);
	if (mono_known(before->fell))
		assert_true(mono_since(t, before->fell).ns >= span_ms(5000).ns);
	if (w->options.slow_start.ns > 0 && before->state == W)
		assert_int_equal(d->state, D);
	if (before->state != W)
		return;
	assert_true(mono_since(t, w->node.carrier_since).ns >= span_ms(10000).ns);
	if (d->held) {
		assert_true(may_hold(w) && is_covered(w) && before->was_up);
		return;
	}
	assert_true(server->udp == VERDICT_GOOD && server->tcp == VERDICT_GOOD);
	assert_true(server->answered);
	if (w->options.fastpath == POLICY_FASTPATH_REQUIRED)
		assert_true(w->node.fastpath_healthy && w->node.image_published);
}

/* Fewer zones than the configured share, or none: it is the same. */
static void check_zones(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	struct policy_node node = w->node;
	struct policy_input input = w->input;
	struct policy_decision other;

	input.node = &node;
	if (node.zones_failing * 100 < node.zones * w->options.zones_failed) {
		node.zones_failing = 0;
		policy_decide(&w->options, &input, before, t, &other);
		assert_int_equal(other.state, d->state);
		return;
	}
	/* And however many there are, they never withdraw by themselves. */
	if (w->options.degrade_withdraws || before->state == W)
		return;
	node.zones_failing = 0;
	policy_decide(&w->options, &input, before, t, &other);
	assert_int_equal(other.state == W, d->state == W);
}

static void check_step(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	/* The override wins. */
	if (override_is(w, POLICY_ANNOUNCE, t))
		assert_int_equal(d->state, A);
	if (override_is(w, POLICY_WITHDRAW, t))
		assert_int_equal(d->state, W);
	if (override_is(w, POLICY_DRAIN, t))
		assert_true(d->state <= D);
	if (override_is(w, POLICY_ANNOUNCE, t) || override_is(w, POLICY_WITHDRAW, t))
		return;
	check_fatal(w, before, d, t);
	check_fall(w, before, d, t);
	check_rise(w, before, d, t);
	check_zones(w, before, d, t);
}

/* The rises that the budget holds for; true: this one is too many. */
struct rises {
	struct mono at[POLICY_BUDGET_MAX];
	unsigned count;
};

static bool too_many(struct rises *rises, const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	bool many = false;

	if (d->state <= before->state || d->cause == POLICY_OVERRIDE)
		return false;
	if (rises->count >= w->options.budget &&
		(policy_others(&w->input.sight) != OTHERS_NONE || d->held)) {
		struct mono first =
			rises->at[(rises->count - w->options.budget) % POLICY_BUDGET_MAX];

		many = mono_since(t, first).ns < span_ms(3600000).ns;
	}
	rises->at[rises->count++ % POLICY_BUDGET_MAX] = t;
	return many;
}

static void whatever_happens_the_invariants_hold(void **state)
{
	struct world w = good_world(W);
	struct mono t = now;
	unsigned seen[3] = {0}, causes[POLICY_CAUSES] = {0}, changes = 0, held = 0;
	struct rises rises = {0};

	seed = 0x9e3779b97f4a7c15;
	for (unsigned step = 0; step < 1000000; step++) {
		struct policy_memory before = w.memory;
		struct policy_decision d, again;
		struct mono later;

		t = mono_after(t, span_ms(dice(10) ? dice(300) : dice(20000)));
		stir(&w, t);
		w.input.node = &w.node;
		policy_decide(&w.options, &w.input, &w.memory, t, &d);
		check_step(&w, &before, &d, t);
		assert_false(too_many(&rises, &w, &before, &d, t));
		changes += policy_commit(&w.options, &w.memory, &d, t);
		seen[d.state]++;
		causes[d.cause]++;
		held += d.held;
		/* The same again, until the time that was named. */
		policy_decide(&w.options, &w.input, &w.memory, t, &d);
		later = d.wake.ns == MONO_NEVER.ns ? mono_after(t, span_ms(dice(100000)))
						   : (struct mono){d.wake.ns - 1};
		policy_decide(&w.options, &w.input, &w.memory, later, &again);
		assert_int_equal(again.state, d.state);
		assert_int_equal(again.cause, d.cause);
	}
	/* It went everywhere, or it proved nothing. */
	for (int i = 0; i < 3; i++)
		assert_true(seen[i] > 10000);
	assert_true(changes > 10000 && held > 1000);
	for (int cause = 0; cause < POLICY_CAUSES; cause++)
		if (cause != POLICY_LEAVING && cause != POLICY_SUPERSEDED && !causes[cause])
			fail_msg("never %s", policy_cause_name((enum policy_cause)cause));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_decides_as_written),
		cmocka_unit_test(only_faults_start_the_hold_down),
		cmocka_unit_test(hold_down_doubles_to_its_cap_and_decays),
		cmocka_unit_test(the_penalty_is_that_of_flap_damping),
		cmocka_unit_test(what_people_did_costs_upstream_but_not_the_budget),
		cmocka_unit_test(every_cause_has_a_word_of_its_own),
		cmocka_unit_test(forced_states_get_an_end_where_one_is_due),
		cmocka_unit_test(defaults_are_those_of_the_page),
		cmocka_unit_test(whatever_happens_the_invariants_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
