/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The policy's defaults and words: numbers and names in, nothing decided.
 */
#include <string.h>

#include "control/health/policy.h"

void policy_defaults(struct policy_options *options)
{
	const struct {
		struct span *span;
		int64_t ms;
	} spans[] = {
		{&options->restart_grace, 5000},
		{&options->silence_withdraw, 3000},
		{&options->overload_patience, 60 * 1000},
		{&options->carrier_stable, 10000},
		{&options->hold_down, 5000},
		{&options->hold_down_max, 600 * 1000},
		{&options->slow_start, 5000},
		{&options->drain_limit, 60 * 1000},
		{&options->announce_max, 3600 * 1000},
		{&options->drain_max, 24 * 3600 * 1000},
	};

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
		if (spans[i].span->ns == 0)
			*spans[i].span = span_ms(spans[i].ms);
	if (options->zones_failed == 0)
		options->zones_failed = 50;
	if (options->budget == 0)
		options->budget = 20;
	if (options->budget > POLICY_BUDGET_MAX)
		options->budget = POLICY_BUDGET_MAX;
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

static const char *const cause_names[POLICY_CAUSES] = {
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
	[POLICY_CHECK] = "check",
	[POLICY_COUPLED] = "coupled",
	[POLICY_OVERLOAD] = "overload",
	[POLICY_DEPENDENCY] = "dependency",
	[POLICY_HOLDDOWN] = "holddown",
	[POLICY_BUDGET] = "budget",
	[POLICY_SLOWSTART] = "slowstart",
};

const char *policy_cause_name(enum policy_cause cause)
{
	return (unsigned)cause < POLICY_CAUSES ? cause_names[cause] : "?";
}

enum policy_cause policy_cause_parse(const char *name)
{
	unsigned cause = 0;

	while (cause < POLICY_CAUSES && strcmp(cause_names[cause], name) != 0)
		cause++;
	return (enum policy_cause)cause;
}

const char *policy_others_name(enum policy_others others)
{
	switch (others) {
	case OTHERS_BLIND:
		return "blind";
	case OTHERS_NONE:
		return "none";
	case OTHERS_ANNOUNCE:
		return "others";
	}
	return "?";
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
