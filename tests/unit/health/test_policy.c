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
	};
	w.memory.state = state;
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
	{"all good rises", NULL, NULL, W, A, POLICY_GOOD, 0, NULL},
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
	{"an override ends", ov_ended, NULL, W, A, POLICY_GOOD, 0, NULL},
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
	{"refused, activating, was withdrawn", refused_activating, NULL, W, W, POLICY_REFUSED, 5000,
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
	{"silent, was withdrawn", silent, NULL, W, W, POLICY_SILENT, 2625, NULL},
	{"silent since the start, adopted", silent_since_start, NULL, A, D, POLICY_SILENT, 2600,
		"never"},
	/* 5 */
	{"carrier lost", carrier_lost, NULL, A, W, POLICY_CARRIER, 0, NULL},
	{"carrier back", carrier_new, NULL, W, W, POLICY_WAITING, 1, NULL},
	{"carrier stable", carrier_stable, NULL, W, A, POLICY_GOOD, 0, NULL},
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
	{"no fast path, optional", no_fastpath_optional, NULL, W, A, POLICY_GOOD, 0, NULL},
	{"no fast path, off", no_fastpath_off, NULL, W, A, POLICY_GOOD, 0, NULL},
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
	/* rises wait, falls don't */
	{"held down", fell_just_now, NULL, W, W, POLICY_HOLDDOWN, 1, "held down"},
	{"held down while degraded", fell_just_now, NULL, D, D, POLICY_HOLDDOWN, 1, NULL},
	{"hold-down over", fell_long_ago, NULL, W, A, POLICY_GOOD, 0, NULL},
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
		assert_true(policy_commit(&w.memory, &d, now));
		assert_int_equal(mono_known(w.memory.fell), table[i].starts);
		assert_int_equal(w.memory.since.ns, now.ns);
		/* Staying there isn't falling again. */
		assert_false(policy_commit(&w.memory, &d, mono_after(now, span_ms(100))));
		assert_int_equal(w.memory.since.ns, now.ns);
	}
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

	switch (dice(17)) {
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
	default: /* things tend to get better */
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
		server->last_good = t;
}

static bool override_is(const struct world *w, enum policy_override_kind kind, struct mono t)
{
	return w->input.override.kind == kind && mono_before(t, w->input.override.until);
}

static void check_step(const struct world *w, const struct policy_memory *before,
	const struct policy_decision *d, struct mono t)
{
	const struct policy_server *server = &w->input.server;
	bool covered = w->node.fastpath_covers && w->options.fastpath != POLICY_FASTPATH_OFF;
	bool absolute = override_is(w, POLICY_ANNOUNCE, t) || override_is(w, POLICY_WITHDRAW, t);
	bool unit_moves = w->node.unit == POLICY_UNIT_ACTIVATING ||
			  w->node.unit == POLICY_UNIT_DEACTIVATING ||
			  w->node.unit == POLICY_UNIT_RELOADING;

	/* The override wins. */
	if (override_is(w, POLICY_ANNOUNCE, t))
		assert_int_equal(d->state, A);
	if (override_is(w, POLICY_WITHDRAW, t))
		assert_int_equal(d->state, W);
	if (override_is(w, POLICY_DRAIN, t))
		assert_true(d->state <= D);
	if (absolute)
		return;
	/* Fatal is never announced. */
	if (server->udp == VERDICT_REFUSED)
		assert_true(d->state <= D && (unit_moves || d->state == W));
	if (server->udp == VERDICT_SILENT) {
		assert_true(d->state <= D && (covered || d->state == W));
		if (mono_since(t, server->last_good).ns >= span_ms(3000).ns)
			assert_int_equal(d->state, W);
	}
	if (w->node.bird == BIRD_GONE || !w->node.carrier)
		assert_int_equal(d->state, W);
	/* Only fatal faults withdraw: content, zones, TCP never do. */
	if (d->state == W && before->state != W)
		assert_true(server->udp == VERDICT_REFUSED || server->udp == VERDICT_SILENT ||
			    w->node.bird == BIRD_GONE || !w->node.carrier);
	/* Nothing rises without its conditions, nor too early. */
	if (before->state == W && d->state > W) {
		assert_true(server->udp == VERDICT_GOOD && server->tcp == VERDICT_GOOD);
		assert_true(server->answered && w->node.bird == BIRD_UP);
		assert_true(mono_since(t, w->node.carrier_since).ns >= span_ms(10000).ns);
		if (w->options.fastpath == POLICY_FASTPATH_REQUIRED)
			assert_true(w->node.fastpath_healthy && w->node.image_published);
	}
	if (d->state > before->state && d->cause != POLICY_OVERRIDE && mono_known(before->fell))
		assert_true(mono_since(t, before->fell).ns >= span_ms(5000).ns);
}

static void whatever_happens_the_invariants_hold(void **state)
{
	struct world w = good_world(W);
	struct mono t = now;
	unsigned seen[3] = {0}, changes = 0;

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
		changes += policy_commit(&w.memory, &d, t);
		seen[d.state]++;
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
	assert_true(changes > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_decides_as_written),
		cmocka_unit_test(only_faults_start_the_hold_down),
		cmocka_unit_test(forced_states_get_an_end_where_one_is_due),
		cmocka_unit_test(defaults_are_those_of_the_page),
		cmocka_unit_test(whatever_happens_the_invariants_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
