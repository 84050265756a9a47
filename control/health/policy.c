/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a fault means for routing. The numbers are the rows of
 * docs/internals/policy.md; what is remembered is policy_memory.c's.
 */
#include "control/health/policy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* All that one decision looks at. */
struct question {
	const struct policy_options *options;
	const struct policy_node *node;
	const struct policy_server *server;
	const struct policy_override *override;
	const struct policy_memory *memory;
	struct mono now;
	struct policy_decision *decision;
	bool quiet;
	bool absorbed; /* silence is overload */
};

static void __attribute__((format(printf, 4, 5)))
decide(struct question *q, enum route_state state, enum policy_cause cause, const char *format, ...)
{
	va_list args;

	q->decision->state = state;
	q->decision->cause = cause;
	va_start(args, format);
	vsnprintf(q->decision->reason, sizeof q->decision->reason, format, args);
	va_end(args);
}

static void wake_at(struct question *q, struct mono at)
{
	if (mono_before(q->now, at))
		q->decision->wake = mono_earlier(q->decision->wake, at);
}

/* "93 ms ago", "12 s ago", "never" */
static const char *ago(const struct question *q, struct mono then, char text[32])
{
	int64_t ms = span_to_ms(mono_since(q->now, then));

	if (!mono_known(then))
		snprintf(text, 32, "never");
	else if (ms < 10000)
		snprintf(text, 32, "%" PRId64 " ms ago", ms);
	else
		snprintf(text, 32, "%" PRId64 " s ago", ms / 1000);
	return text;
}

static const char *in_time(const struct question *q, struct mono then, char text[32])
{
	snprintf(text, 32, "%" PRId64 " s", (span_to_ms(mono_since(then, q->now)) + 999) / 1000);
	return text;
}

static const char *or_unknown(const char *text)
{
	return text && text[0] ? text : "not known yet";
}

/* Rows 1 to 3: whoever may overrule the node's own judgement. */
static bool overruled(struct question *q)
{
	const struct policy_override *override = q->override;
	char left[48] = "";

	if (q->node->leaving) {
		decide(q, ROUTE_WITHDRAWN, POLICY_LEAVING, "leaving service");
		return true;
	}
	if (q->node->superseded_by) {
		decide(q, ROUTE_WITHDRAWN, POLICY_SUPERSEDED,
			"%s took over the state files: hands off until `auto`",
			q->node->superseded_by);
		return true;
	}
	if (override->kind == POLICY_AUTO || !mono_before(q->now, override->until))
		return false;
	wake_at(q, override->until);
	if (override->kind == POLICY_DRAIN)
		return false; /* row 13 */
	if (override->until.ns != MONO_NEVER.ns) {
		char text[32];

		snprintf(left, sizeof left, ", %s left", in_time(q, override->until, text));
	}
	decide(q, override->kind == POLICY_ANNOUNCE ? ROUTE_ANNOUNCED : ROUTE_WITHDRAWN,
		POLICY_OVERRIDE, "%s by %s%s%s%s", policy_override_name(override->kind),
		override->owner, override->reason[0] ? ": " : "", override->reason, left);
	return true;
}

enum policy_others policy_others(const struct policy_sight *sight)
{
	if (sight->routes > 0)
		return sight->peers == 0 || sight->peers_good > 0 ? OTHERS_ANNOUNCE : OTHERS_NONE;
	return sight->could_see ? OTHERS_NONE : OTHERS_BLIND;
}

/* The fast path answers what the server doesn't. */
static bool covered(const struct question *q)
{
	return q->node->fastpath_covers && q->options->fastpath != POLICY_FASTPATH_OFF;
}

/* A step that two nodes must not take in the same moment. true: now. */
static bool jitter_over(struct question *q)
{
	struct mono due = mono_known(q->memory->due) ? q->memory->due : q->now;
	struct mono at = mono_after(due, q->options->jitter);

	q->decision->due = true;
	wake_at(q, at);
	return !mono_before(q->now, at);
}

/* Another row decided so far; a rise may have to wait. */
static void rise_wait(struct question *q);

/* Both left in the same moment, each trusting in the other: one comes back. */
static void rescue(struct question *q)
{
	struct mono stable = mono_after(q->node->carrier_since, q->options->carrier_stable);
	struct policy_decision before;

	if (!q->memory->was_up || !q->node->overrides_read || q->node->bird != BIRD_UP ||
		!mono_known(q->node->carrier_since))
		return;
	if (mono_before(q->now, stable)) {
		wake_at(q, stable);
		return;
	}
	if (!jitter_over(q))
		return;
	/* While it waits, what it fell for is still the reason. */
	before = *q->decision;
	q->decision->state = ROUTE_DEGRADED;
	q->decision->held = true;
	rise_wait(q);
	if (q->decision->state > ROUTE_WITHDRAWN)
		return;
	before.wake = q->decision->wake;
	*q->decision = before;
}

/* A fatal fault withdraws at once, unless this node is the last one and its fast
 * path answers; then it is degraded, so that any other is preferred to it. The
 * cause and the reason are decided already. */
static void last_one(struct question *q)
{
	struct policy_decision *decision = q->decision;
	bool none = decision->others == OTHERS_NONE && !q->options->last_leaves;
	bool blind = decision->others == OTHERS_BLIND && q->options->blind_holds;
	size_t used = strlen(decision->reason);

	decision->state = ROUTE_WITHDRAWN;
	if (!covered(q) || (!none && !blind))
		return;
	if (q->memory->state > ROUTE_WITHDRAWN) {
		decision->state = ROUTE_DEGRADED;
		decision->held = true;
	} else if (none) {
		rescue(q);
	}
	if (decision->held)
		snprintf(decision->reason + used, sizeof decision->reason - used, "; held: %s",
			none ? "no other node announces" : "whether others announce isn't known");
}

/* Rows 6 and 7. */
static void refused(struct question *q)
{
	const struct policy_server *server = q->server;
	enum policy_unit unit = q->node->unit;
	struct mono patience = mono_after(server->since, q->options->restart_grace);
	bool moves = unit == POLICY_UNIT_ACTIVATING || unit == POLICY_UNIT_DEACTIVATING ||
		     unit == POLICY_UNIT_RELOADING;
	char unit_text[96] = "", then[32];

	if (q->options->unit && unit != POLICY_UNIT_UNKNOWN)
		snprintf(unit_text, sizeof unit_text, " (unit %s %s)", q->options->unit,
			policy_unit_name(unit));
	decide(q, ROUTE_DEGRADED, POLICY_REFUSED, "%s refused%s, last good answer %s",
		server->udp_who, unit_text, ago(q, server->last_good, then));
	if (moves && mono_before(q->now, patience) && q->memory->state > ROUTE_WITHDRAWN) {
		wake_at(q, patience);
		return;
	}
	last_one(q);
}

/* Rows 8 and 9. */
static void silent(struct question *q)
{
	const struct policy_server *server = q->server;
	struct mono last = mono_known(server->last_good) ? server->last_good : q->node->start;
	struct mono patience = mono_after(last, q->options->silence_withdraw);
	char then[32];

	ago(q, server->last_good, then);
	if (covered(q) && mono_before(q->now, patience) && q->memory->state > ROUTE_WITHDRAWN) {
		wake_at(q, patience);
		decide(q, ROUTE_DEGRADED, POLICY_SILENT,
			"%s silent, fast path answers on, last good answer %s", server->udp_who,
			then);
		return;
	}
	decide(q, ROUTE_WITHDRAWN, POLICY_SILENT, "%s silent%s, last good answer %s",
		server->udp_who,
		covered(q)                  ? " for too long"
		: q->node->fastpath_healthy ? ", the fast path doesn't answer every required zone"
					    : ", no healthy fast path",
		then);
	last_one(q);
}

/* Silence of a host that drops packets says little; that of one which hasn't
 * answered for a minute says enough. */
static bool absorbed(struct question *q)
{
	struct mono heard = mono_known(q->server->heard) ? q->server->heard : q->node->start;
	struct mono patience = mono_after(heard, q->options->overload_patience);

	if (!q->node->overload || !mono_before(q->now, patience))
		return false;
	wake_at(q, patience);
	return true;
}

/* Rows 4 to 10: what is local and about the whole node. */
static bool fatal(struct question *q)
{
	if (q->node->bird == BIRD_GONE)
		decide(q, ROUTE_WITHDRAWN, POLICY_BIRD, "BIRD is gone: %s",
			or_unknown(q->node->bird_error));
	else if (mono_known(q->node->carrier_since) && !q->node->carrier)
		decide(q, ROUTE_WITHDRAWN, POLICY_CARRIER, "carrier lost: %s",
			q->node->carrier_text ? q->node->carrier_text : "interface down");
	/* These may spare the prefix, so they come last. */
	else if (q->server->udp == VERDICT_REFUSED)
		refused(q);
	else if (q->server->udp == VERDICT_SILENT && !q->absorbed)
		silent(q);
	else if (q->server->fatal_check) {
		decide(q, ROUTE_WITHDRAWN, POLICY_CHECK, "check fails: %s", q->server->fatal_check);
		last_one(q);
	} else
		return false;
	return true;
}

/* Row 11: the first condition for announcing that isn't met. */
static bool waiting(struct question *q)
{
	const struct policy_node *node = q->node;
	struct mono stable = mono_after(node->carrier_since, q->options->carrier_stable);
	char text[32];

	if (!node->overrides_read)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting: overrides not read yet");
	else if (node->bird != BIRD_UP)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting for BIRD: %s",
			or_unknown(node->bird_error));
	else if (!mono_known(node->carrier_since))
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting: carrier not known yet");
	else if (mono_before(q->now, stable)) {
		wake_at(q, stable);
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting: carrier stable in %s",
			in_time(q, stable, text));
	} else if (q->server->udp != VERDICT_GOOD)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting for %s over UDP: %s",
			q->server->udp_who, verdict_name(q->server->udp));
	else if (q->server->tcp != VERDICT_GOOD)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting for %s over TCP: %s",
			q->server->tcp_who, verdict_name(q->server->tcp));
	else if (!q->server->answered)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting: %s",
			or_unknown(q->server->unanswered));
	else if (q->options->fastpath == POLICY_FASTPATH_REQUIRED && !node->fastpath_healthy)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING, "waiting for the fast path: %s",
			or_unknown(node->fastpath_text));
	else if (q->options->fastpath == POLICY_FASTPATH_REQUIRED && !node->image_published)
		decide(q, ROUTE_WITHDRAWN, POLICY_WAITING,
			"waiting: no answer image published yet");
	else
		return false;
	return true;
}

/* Unreachable hosts: all of several at once is our own partition. */
static bool partitioned(const struct policy_dependencies *d)
{
	unsigned count = d->count + d->peers, failing = d->failing + d->peers_failing;

	return count >= 2 && failing == count;
}

/* Rows 14 to 20: the degrade class. */
static bool degrade_class(struct question *q)
{
	const struct policy_node *node = q->node;
	const struct policy_server *server = q->server;
	const struct policy_dependencies *dependencies = &node->dependencies;

	if (server->tcp == VERDICT_REFUSED || (server->tcp == VERDICT_SILENT && !q->absorbed))
		decide(q, ROUTE_DEGRADED, POLICY_TCP, "%s %s over TCP, UDP is good",
			server->tcp_who, verdict_name(server->tcp));
	else if (server->udp == VERDICT_BLIND || server->tcp == VERDICT_BLIND)
		decide(q, ROUTE_DEGRADED, POLICY_BLIND, "%s can't be asked: look at the checks",
			server->udp == VERDICT_BLIND ? server->udp_who : server->tcp_who);
	else if (server->failing_check)
		decide(q, ROUTE_DEGRADED, POLICY_CONTENT, "check fails: %s", server->failing_check);
	else if (dependencies->failing > 0 && !partitioned(dependencies))
		decide(q, ROUTE_DEGRADED, POLICY_DEPENDENCY, "dependency fails: %s",
			or_unknown(dependencies->who));
	else if (node->zones > 0 && node->zones_failing * UINT64_C(100) >=
					    (uint64_t)node->zones * q->options->zones_failed)
		decide(q, ROUTE_DEGRADED, POLICY_ZONES, "%u of %u zones fail", node->zones_failing,
			node->zones);
	else if (q->options->fastpath == POLICY_FASTPATH_REQUIRED && !node->fastpath_healthy)
		decide(q, ROUTE_DEGRADED, POLICY_FASTPATH, "fast path lost: %s",
			or_unknown(node->fastpath_text));
	else if (node->stuck)
		decide(q, ROUTE_DEGRADED, POLICY_STUCK, "%s", node->stuck);
	else
		return false;
	return true;
}

/* routing.degrade: withdraw. The drain goes before, the guard has a say, and what
 * was withdrawn so comes back when it turns out to be the last one. */
static void drain_then_withdraw(struct question *q)
{
	const struct policy_memory *memory = q->memory;
	struct policy_decision *decision = q->decision;
	struct mono from = mono_known(memory->drain_from) ? memory->drain_from : q->now;
	struct mono end = mono_after(from, q->options->drain_limit);

	if (!q->options->degrade_withdraws)
		return;
	if (memory->state == ROUTE_WITHDRAWN) {
		if (decision->others == OTHERS_ANNOUNCE ||
			(decision->others == OTHERS_NONE && !jitter_over(q)))
			decision->state = ROUTE_WITHDRAWN;
		return;
	}
	decision->draining = true;
	if (memory->state == ROUTE_ANNOUNCED || decision->others != OTHERS_ANNOUNCE)
		return;
	if (!q->quiet && mono_before(q->now, end))
		wake_at(q, end);
	else if (jitter_over(q))
		decision->state = ROUTE_WITHDRAWN;
}

/* Rows 13 to 21. */
static void degraded(struct question *q)
{
	const struct policy_override *override = q->override;

	if (override->kind == POLICY_DRAIN && mono_before(q->now, override->until)) {
		decide(q, ROUTE_DEGRADED, POLICY_OVERRIDE, "drain by %s%s%s", override->owner,
			override->reason[0] ? ": " : "", override->reason);
	} else if (degrade_class(q)) {
		drain_then_withdraw(q);
	} else if (q->absorbed) {
		decide(q, q->memory->state, POLICY_OVERLOAD, "%s silent, but it is overload: %s",
			q->server->udp_who, q->node->overload);
	} else if (q->memory->state != ROUTE_ANNOUNCED && partitioned(&q->node->dependencies)) {
		decide(q, ROUTE_DEGRADED, POLICY_DEPENDENCY,
			"every other host is unreachable: partition, nothing rises for it");
	} else {
		decide(q, ROUTE_ANNOUNCED, POLICY_GOOD, "all good");
	}
}

/* Row 12. An override isn't capped: it has said which family it means. */
static void couple(struct question *q, const struct policy_input *input)
{
	if (input->coupled_by && q->decision->state > input->coupled &&
		q->decision->cause != POLICY_OVERRIDE)
		decide(q, input->coupled, POLICY_COUPLED, "coupled to %s, which is %s",
			input->coupled_by, route_state_name(input->coupled));
}

static void hold_down(struct question *q)
{
	struct span hold = policy_hold_down(q->options, q->memory, q->decision->others);
	struct mono until = mono_after(q->memory->fell, hold);
	char text[32];

	if (!mono_known(q->memory->fell) || !mono_before(q->now, until))
		return;
	wake_at(q, until);
	decide(q, q->memory->state, POLICY_HOLDDOWN, "better again, held down for another %s",
		in_time(q, until, text));
}

static void budget(struct question *q)
{
	struct mono free_at = policy_budget_free(q->options, q->memory);
	char text[32];

	if (q->decision->others == OTHERS_NONE && !q->decision->held)
		return;
	if (!mono_before(q->now, free_at))
		return;
	wake_at(q, free_at);
	decide(q, q->memory->state, POLICY_BUDGET,
		"better again, but %u transitions in an hour are enough: in %s", q->options->budget,
		in_time(q, free_at, text));
}

static void slow_start(struct question *q)
{
	struct mono until =
		mono_after(q->memory->state == ROUTE_WITHDRAWN ? q->now : q->memory->rose,
			q->options->slow_start);
	char text[32];

	if (q->decision->state != ROUTE_ANNOUNCED || q->options->slow_start.ns <= 0)
		return;
	if (q->memory->state == ROUTE_DEGRADED &&
		(!mono_known(q->memory->rose) || !mono_before(q->now, until)))
		return;
	wake_at(q, until);
	decide(q, ROUTE_DEGRADED, POLICY_SLOWSTART, "all good, announced in full in %s",
		in_time(q, until, text));
}

/* A rise has to wait: hold-down, budget, slow start. */
static void rise_wait(struct question *q)
{
	struct policy_decision *decision = q->decision;

	if (decision->state <= q->memory->state || decision->cause == POLICY_OVERRIDE)
		return;
	if (q->node->bird != BIRD_UP) {
		/* Announced and BIRD froze: whatever rises waits for it. */
		decide(q, q->memory->state, POLICY_BIRD, "waiting for BIRD: %s",
			or_unknown(q->node->bird_error));
		return;
	}
	hold_down(q);
	if (decision->state > q->memory->state)
		budget(q);
	if (decision->state > q->memory->state)
		slow_start(q);
}

void policy_decide(const struct policy_options *options, const struct policy_input *input,
	const struct policy_memory *memory, struct mono now, struct policy_decision *decision)
{
	struct question q = {
		.options = options,
		.node = input->node,
		.server = &input->server,
		.override = &input->override,
		.memory = memory,
		.now = now,
		.decision = decision,
		.quiet = input->quiet,
	};

	*decision = (struct policy_decision){
		.wake = MONO_NEVER, .others = policy_others(&input->sight)};
	if (overruled(&q))
		return;
	q.absorbed = input->server.udp == VERDICT_SILENT || input->server.tcp == VERDICT_SILENT
			     ? absorbed(&q)
			     : false;
	if (fatal(&q))
		return;
	if (memory->state == ROUTE_WITHDRAWN && waiting(&q))
		return;
	degraded(&q);
	couple(&q, input);
	rise_wait(&q);
}
