/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a fault means for routing. The numbers are the rows of
 * docs/internals/policy.md.
 */
#include "control/health/policy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void policy_defaults(struct policy_options *options)
{
	const struct {
		struct span *span;
		int64_t ms;
	} spans[] = {
		{&options->restart_grace, 5000},
		{&options->silence_withdraw, 3000},
		{&options->carrier_stable, 10000},
		{&options->hold_down, 5000},
		{&options->announce_max, 3600 * 1000},
		{&options->drain_max, 24 * 3600 * 1000},
	};

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
		if (spans[i].span->ns == 0)
			*spans[i].span = span_ms(spans[i].ms);
	if (options->zones_failed == 0)
		options->zones_failed = 50;
}

const char *policy_unit_name(enum policy_unit unit)
{
	switch (unit) {
	case POLICY_UNIT_UNKNOWN:
		return "unknown";
	case POLICY_UNIT_ACTIVE:
		return "active";
	case POLICY_UNIT_ACTIVATING:
		return "activating";
	case POLICY_UNIT_DEACTIVATING:
		return "deactivating";
	case POLICY_UNIT_RELOADING:
		return "reloading";
	case POLICY_UNIT_DEAD:
		return "dead";
	}
	return "?";
}

const char *policy_override_name(enum policy_override_kind kind)
{
	switch (kind) {
	case POLICY_AUTO:
		return "auto";
	case POLICY_ANNOUNCE:
		return "announce";
	case POLICY_DRAIN:
		return "drain";
	case POLICY_WITHDRAW:
		return "withdraw";
	}
	return "?";
}

const char *policy_cause_name(enum policy_cause cause)
{
	static const char *const names[] = {
		[POLICY_GOOD] = "good",
		[POLICY_LEAVING] = "leaving",
		[POLICY_SUPERSEDED] = "superseded",
		[POLICY_OVERRIDE] = "override",
		[POLICY_BIRD] = "bird",
		[POLICY_REFUSED] = "refused",
		[POLICY_SILENT] = "silent",
		[POLICY_CARRIER] = "carrier",
		[POLICY_WAITING] = "waiting",
		[POLICY_TCP] = "tcp",
		[POLICY_BLIND] = "blind",
		[POLICY_CONTENT] = "content",
		[POLICY_ZONES] = "zones",
		[POLICY_FASTPATH] = "fastpath",
		[POLICY_STUCK] = "stuck",
		[POLICY_HOLDDOWN] = "holddown",
	};

	return (size_t)cause < sizeof names / sizeof names[0] ? names[cause] : "?";
}

void policy_override_bound(
	struct policy_override *override, const struct policy_options *options, struct mono now)
{
	if (override->until.ns != MONO_NEVER.ns)
		return;
	if (override->kind == POLICY_ANNOUNCE)
		override->until = mono_after(now, options->announce_max);
	else if (override->kind == POLICY_DRAIN)
		override->until = mono_after(now, options->drain_max);
}

/* All that one decision looks at. */
struct question {
	const struct policy_options *options;
	const struct policy_node *node;
	const struct policy_server *server;
	const struct policy_override *override;
	const struct policy_memory *memory;
	struct mono now;
	struct policy_decision *decision;
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

static enum route_state lower(enum route_state a, enum route_state b)
{
	return a < b ? a : b;
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
		return false; /* row 11 */
	if (override->until.ns != MONO_NEVER.ns) {
		char text[32];

		snprintf(left, sizeof left, ", %s left", in_time(q, override->until, text));
	}
	decide(q, override->kind == POLICY_ANNOUNCE ? ROUTE_ANNOUNCED : ROUTE_WITHDRAWN,
		POLICY_OVERRIDE, "%s by %s%s%s%s", policy_override_name(override->kind),
		override->owner, override->reason[0] ? ": " : "", override->reason, left);
	return true;
}

/* Rows 6 and 7. */
static void refused(struct question *q)
{
	const struct policy_server *server = q->server;
	enum policy_unit unit = q->node->unit;
	struct mono patience = mono_after(server->since, q->options->restart_grace);
	char unit_text[96] = "", then[32];

	if (q->options->unit && unit != POLICY_UNIT_UNKNOWN)
		snprintf(unit_text, sizeof unit_text, " (unit %s %s)", q->options->unit,
			policy_unit_name(unit));
	if ((unit == POLICY_UNIT_ACTIVATING || unit == POLICY_UNIT_DEACTIVATING ||
		    unit == POLICY_UNIT_RELOADING) &&
		mono_before(q->now, patience)) {
		wake_at(q, patience);
		decide(q, lower(ROUTE_DEGRADED, q->memory->state), POLICY_REFUSED,
			"%s refused%s, last good answer %s", server->udp_who, unit_text,
			ago(q, server->last_good, then));
		return;
	}
	decide(q, ROUTE_WITHDRAWN, POLICY_REFUSED, "%s refused%s, last good answer %s",
		server->udp_who, unit_text, ago(q, server->last_good, then));
}

/* Rows 8 and 9. */
static void silent(struct question *q)
{
	const struct policy_server *server = q->server;
	struct mono last = mono_known(server->last_good) ? server->last_good : q->node->start;
	struct mono patience = mono_after(last, q->options->silence_withdraw);
	bool covered = q->node->fastpath_covers && q->options->fastpath != POLICY_FASTPATH_OFF;
	char then[32];

	if (covered && mono_before(q->now, patience)) {
		wake_at(q, patience);
		decide(q, lower(ROUTE_DEGRADED, q->memory->state), POLICY_SILENT,
			"%s silent, fast path answers on, last good answer %s", server->udp_who,
			ago(q, server->last_good, then));
		return;
	}
	decide(q, ROUTE_WITHDRAWN, POLICY_SILENT, "%s silent%s, last good answer %s",
		server->udp_who,
		covered                     ? " for too long"
		: q->node->fastpath_healthy ? ", the fast path doesn't answer every required zone"
					    : ", no healthy fast path",
		ago(q, server->last_good, then));
}

/* Rows 4 to 9: what is local and about the whole node. */
static bool fatal(struct question *q)
{
	if (q->node->bird == BIRD_GONE) {
		decide(q, ROUTE_WITHDRAWN, POLICY_BIRD, "BIRD is gone: %s",
			or_unknown(q->node->bird_error));
		return true;
	}
	if (mono_known(q->node->carrier_since) && !q->node->carrier) {
		decide(q, ROUTE_WITHDRAWN, POLICY_CARRIER, "carrier lost: %s",
			q->node->carrier_text ? q->node->carrier_text : "interface down");
		return true;
	}
	/* These two may spare the prefix, so they come last. */
	if (q->server->udp == VERDICT_REFUSED) {
		refused(q);
		return true;
	}
	if (q->server->udp == VERDICT_SILENT) {
		silent(q);
		return true;
	}
	return false;
}

/* Row 10: the first condition for announcing that isn't met. */
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

/* Rows 11 to 18. */
static void degraded(struct question *q)
{
	const struct policy_node *node = q->node;
	const struct policy_server *server = q->server;
	const struct policy_override *override = q->override;

	if (override->kind == POLICY_DRAIN && mono_before(q->now, override->until))
		decide(q, ROUTE_DEGRADED, POLICY_OVERRIDE, "drain by %s%s%s", override->owner,
			override->reason[0] ? ": " : "", override->reason);
	else if (server->tcp == VERDICT_SILENT || server->tcp == VERDICT_REFUSED)
		decide(q, ROUTE_DEGRADED, POLICY_TCP, "%s %s over TCP, UDP is good",
			server->tcp_who, verdict_name(server->tcp));
	else if (server->udp == VERDICT_BLIND || server->tcp == VERDICT_BLIND)
		decide(q, ROUTE_DEGRADED, POLICY_BLIND, "%s can't be asked: look at the checks",
			server->udp == VERDICT_BLIND ? server->udp_who : server->tcp_who);
	else if (server->failing_check)
		decide(q, ROUTE_DEGRADED, POLICY_CONTENT, "check fails: %s", server->failing_check);
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
		decide(q, ROUTE_ANNOUNCED, POLICY_GOOD, "all good");
}

/* A rise has to wait after a fall. Doubling and budget will live here. */
static void hold_down(struct question *q)
{
	struct policy_decision *decision = q->decision;
	struct mono until = mono_after(q->memory->fell, q->options->hold_down);
	char text[32];

	if (decision->state <= q->memory->state || decision->cause == POLICY_OVERRIDE)
		return;
	if (q->node->bird != BIRD_UP) {
		/* Announced and BIRD froze: whatever rises waits for it. */
		decide(q, q->memory->state, POLICY_BIRD, "waiting for BIRD: %s",
			or_unknown(q->node->bird_error));
		return;
	}
	if (!mono_known(q->memory->fell) || !mono_before(q->now, until))
		return;
	wake_at(q, until);
	decide(q, q->memory->state, POLICY_HOLDDOWN, "good again, held down for another %s",
		in_time(q, until, text));
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
	};

	decision->wake = MONO_NEVER;
	if (overruled(&q) || fatal(&q))
		return;
	if (memory->state == ROUTE_WITHDRAWN && waiting(&q))
		return;
	degraded(&q);
	hold_down(&q);
}

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
		return true;
	case POLICY_GOOD:
	case POLICY_LEAVING:
	case POLICY_SUPERSEDED:
	case POLICY_OVERRIDE:
	case POLICY_BIRD:
	case POLICY_CARRIER:
	case POLICY_WAITING:
	case POLICY_HOLDDOWN:
		break;
	}
	return false;
}

bool policy_commit(
	struct policy_memory *memory, const struct policy_decision *decision, struct mono now)
{
	bool changed = decision->state != memory->state;

	if (decision->state < memory->state && is_fault(decision->cause))
		memory->fell = now;
	if (changed)
		memory->since = now;
	memory->state = decision->state;
	memory->cause = decision->cause;
	return changed;
}
