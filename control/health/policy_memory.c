/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the policy remembers of a prefix: transitions in, out comes how long a
 * rise has to wait, what is left of the budget, and what it all cost upstream.
 * It decides nothing. docs/internals/policy.md.
 */
#include "control/health/policy.h"

#include <math.h>

#define HOUR_MS 3600000
/* A rise waits no longer than this while nobody else announces. */
#define ALONE_HOLD_MS 60000

/* Route-flap damping (RFC 2439) as Junos counts it. */
#define PENALTY_WITHDRAWAL   1000
#define PENALTY_ANNOUNCEMENT 1000
#define PENALTY_ATTRIBUTES   500
#define PENALTY_HALF_LIFE_MS 900000

/* Falls that a fault caused, which the next rise has to wait for. */
static bool is_fault(enum policy_cause cause)
{
	switch (cause) {
	case POLICY_REFUSED:
	case POLICY_SILENT:
	case POLICY_TCP:
	case POLICY_BLIND:
	case POLICY_CONTENT:
	case POLICY_ZONES:
	case POLICY_FASTPATH:
	case POLICY_STUCK:
	case POLICY_CHECK:
	case POLICY_COUPLED:
	case POLICY_DEPENDENCY:
		return true;
	case POLICY_GOOD:
	case POLICY_LEAVING:
	case POLICY_SUPERSEDED:
	case POLICY_OVERRIDE:
	case POLICY_BIRD:
	case POLICY_CARRIER:
	case POLICY_WAITING:
	case POLICY_OVERLOAD:
	case POLICY_HOLDDOWN:
	case POLICY_BUDGET:
	case POLICY_SLOWSTART:
	case POLICY_CAUSES:
		break;
	}
	return false;
}

/* What a person did isn't the policy's to save. */
static bool counts(enum policy_cause cause)
{
	return cause != POLICY_OVERRIDE && cause != POLICY_LEAVING && cause != POLICY_SUPERSEDED;
}

static void fall(const struct policy_options *options, struct policy_memory *memory, struct mono at)
{
	int64_t decayed = options->hold_down_max.ns > 0
				  ? mono_since(at, memory->fell).ns / options->hold_down_max.ns
				  : 0;

	if (!mono_known(memory->fell))
		memory->flaps = 1;
	else if (memory->climbed)
		memory->flaps =
			decayed >= memory->flaps ? 1 : memory->flaps - (unsigned)decayed + 1;
	memory->climbed = false;
	memory->fell = at;
}

static unsigned cost(enum route_state from, enum route_state to)
{
	return to == ROUTE_WITHDRAWN     ? PENALTY_WITHDRAWAL
	       : from == ROUTE_WITHDRAWN ? PENALTY_ANNOUNCEMENT
					 : PENALTY_ATTRIBUTES;
}

void policy_recall(const struct policy_options *options, struct policy_memory *memory,
	enum route_state from, enum route_state to, enum policy_cause cause, struct mono at)
{
	if (from == to)
		return;
	memory->penalty = policy_penalty(memory, at) + cost(from, to);
	memory->penalty_at = at;
	if (to > from)
		memory->climbed = true;
	else if (is_fault(cause))
		fall(options, memory, at);
	if (to > ROUTE_WITHDRAWN)
		memory->was_up = true;
	if (!counts(cause))
		return;
	memory->changes[memory->next_change] = at;
	memory->next_change = (memory->next_change + 1) % POLICY_BUDGET_MAX;
}

bool policy_commit(const struct policy_options *options, struct policy_memory *memory,
	const struct policy_decision *decision, struct mono now)
{
	enum route_state from = memory->state;

	policy_recall(options, memory, from, decision->state, decision->cause, now);
	if (from == ROUTE_WITHDRAWN && decision->state == ROUTE_DEGRADED)
		memory->rose = now;
	if (decision->state == ROUTE_ANNOUNCED)
		memory->rose = (struct mono){0};
	if (decision->state != from)
		memory->since = now;
	if (!decision->draining)
		memory->drain_from = (struct mono){0};
	else if (!mono_known(memory->drain_from))
		memory->drain_from = now;
	/* The next step draws its own lot. */
	if (!decision->due || decision->state != from)
		memory->due = (struct mono){0};
	else if (!mono_known(memory->due))
		memory->due = now;
	memory->state = decision->state;
	memory->cause = decision->cause;
	return decision->state != from;
}

void policy_adopt(struct policy_memory *memory, enum route_state state, struct mono now)
{
	memory->state = state;
	memory->since = now;
	memory->was_up = true;
}

struct span policy_hold_down(const struct policy_options *options,
	const struct policy_memory *memory, enum policy_others others)
{
	struct span hold = options->hold_down;
	int64_t most = options->hold_down_max.ns > hold.ns ? options->hold_down_max.ns : hold.ns;

	if (others == OTHERS_NONE && most > span_ms(ALONE_HOLD_MS).ns)
		most = span_ms(ALONE_HOLD_MS).ns;
	for (unsigned i = 1; i < memory->flaps && hold.ns > 0 && hold.ns < most; i++)
		hold.ns *= 2;
	return hold.ns > most ? (struct span){most} : hold;
}

struct mono policy_budget_free(
	const struct policy_options *options, const struct policy_memory *memory)
{
	/* The one that was so many changes ago. */
	unsigned oldest =
		(memory->next_change + POLICY_BUDGET_MAX - options->budget) % POLICY_BUDGET_MAX;
	struct mono at = memory->changes[oldest];

	return mono_known(at) ? mono_after(at, span_ms(HOUR_MS)) : at;
}

unsigned policy_spent(const struct policy_memory *memory, struct mono now)
{
	unsigned spent = 0;

	for (unsigned i = 0; i < POLICY_BUDGET_MAX; i++)
		spent += mono_known(memory->changes[i]) &&
			 mono_since(now, memory->changes[i]).ns < span_ms(HOUR_MS).ns;
	return spent;
}

double policy_penalty(const struct policy_memory *memory, struct mono now)
{
	if (memory->penalty <= 0)
		return 0;
	return memory->penalty * exp2(-(double)span_to_ms(mono_since(now, memory->penalty_at)) /
					 PENALTY_HALF_LIFE_MS);
}

const char *policy_damped_by(double penalty)
{
	return penalty >= 6000   ? "RFC 7454, RIPE-580"
	       : penalty >= 3000 ? "Junos"
	       : penalty >= 2000 ? "IOS"
				 : NULL;
}
