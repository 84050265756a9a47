/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a row of probe outcomes amounts to.
 */
#include "control/health/verdict.h"

#include <limits.h>

const char *verdict_name(enum verdict_state state)
{
	switch (state) {
	case VERDICT_GOOD:
		return "good";
	case VERDICT_UNKNOWN:
		return "unknown";
	case VERDICT_BLIND:
		return "blind";
	case VERDICT_BAD:
		return "bad";
	case VERDICT_SILENT:
		return "silent";
	case VERDICT_REFUSED:
		return "refused";
	}
	return "?";
}

void verdict_init(struct verdict *verdict, struct mono now)
{
	*verdict = (struct verdict){.state = VERDICT_UNKNOWN, .since = now};
}

static bool enter(struct verdict *verdict, enum verdict_state state, struct mono now)
{
	if (verdict->state == state)
		return false;
	verdict->state = state;
	verdict->since = now;
	return true;
}

static void count(unsigned *run)
{
	if (*run < UINT_MAX)
		++*run;
}

bool verdict_feed(struct verdict *verdict, const struct verdict_options *options,
	enum verdict_state outcome, struct mono now)
{
	if (outcome == VERDICT_GOOD) {
		verdict->last_good = now;
		verdict->bad_run = 0;
		count(&verdict->good_run);
		return verdict->good_run >= options->rise && enter(verdict, VERDICT_GOOD, now);
	}
	verdict->good_run = 0;
	count(&verdict->bad_run);
	if (outcome == VERDICT_REFUSED && options->refused_at_once)
		return enter(verdict, VERDICT_REFUSED, now);
	return verdict->bad_run >= options->fail && enter(verdict, outcome, now);
}
