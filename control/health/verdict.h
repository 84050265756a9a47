/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a row of probe outcomes amounts to: outcomes in, a verdict out, with
 * hysteresis. Pure: time comes in with each outcome. docs/internals/policy.md,
 * "Verdicts".
 */
#ifndef ANODE_HEALTH_VERDICT_H
#define ANODE_HEALTH_VERDICT_H

#include "control/health/moment.h"

/* From good to bad; comparable. */
enum verdict_state {
	VERDICT_GOOD,
	VERDICT_UNKNOWN, /* since the start nothing else was reached */
	VERDICT_BLIND,   /* we can't ask: says nothing about who is asked */
	VERDICT_BAD,     /* answers, but not what was expected */
	VERDICT_SILENT,
	VERDICT_REFUSED,
};

const char *verdict_name(enum verdict_state state);

struct verdict_options {
	unsigned fail, rise;  /* so many in a row; 0 counts as 1 */
	bool refused_at_once; /* one refusal is enough */
};

struct verdict {
	enum verdict_state state;
	unsigned good_run, bad_run;
	struct mono since;     /* of the state */
	struct mono last_good; /* not known = never */
};

void verdict_init(struct verdict *verdict, struct mono now);

/* One outcome, as the state that it speaks for (not VERDICT_UNKNOWN). true: the
 * state changed. A state stays until `rise` good or `fail` other outcomes in a
 * row; then it is what the last of them says. */
bool verdict_feed(struct verdict *verdict, const struct verdict_options *options,
	enum verdict_state outcome, struct mono now);

#endif
