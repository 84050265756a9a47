/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one whole reply of BIRD says.
 */
#include "control/health/bird_answer.h"

#include <stdio.h>
#include <string.h>

void bird_answer_begin(
	struct bird_answer *answer, enum bird_question question, const struct bird_prefix *prefix)
{
	memset(answer, 0, sizeof *answer);
	answer->question = question;
	if (prefix)
		answer->prefix = *prefix;
}

static void date_line(struct bird_answer *answer, const struct bird_line *line)
{
	bool boot;
	int64_t ms;

	if (line->code != BIRD_CODE_UPTIME || !bird_date_parse(line->text, &boot, &ms))
		return;
	if (boot)
		answer->boot_ms = ms;
	else
		answer->configured_ms = ms;
	answer->dated = answer->boot_ms && answer->configured_ms;
	answer->configured_age = answer->configured_ms - answer->boot_ms;
}

void bird_answer_line(struct bird_answer *answer, const struct bird_line *line)
{
	if (bird_code_failed(line->code) && !answer->failure) {
		answer->failure = line->code;
		snprintf(answer->text, sizeof answer->text, "%04d %s", line->code, line->text);
	}
	if (line->code == BIRD_CODE_STOPPED)
		answer->stopped = true;
	switch (answer->question) {
	case BIRD_ENABLE:
		answer->obeyed |=
			line->code == BIRD_CODE_ENABLED || line->code == BIRD_CODE_ALREADY_ENABLED;
		break;
	case BIRD_DISABLE:
		answer->obeyed |= line->code == BIRD_CODE_DISABLED ||
				  line->code == BIRD_CODE_ALREADY_DISABLED;
		break;
	case BIRD_STATUS:
		date_line(answer, line);
		break;
	case BIRD_ROUTE:
		if (line->code == BIRD_CODE_ROUTE && !answer->exported)
			answer->exported =
				bird_route_parse(answer->from, line->text, &answer->prefix) == 0;
		break;
	case BIRD_ORIGINS:
		if (line->code == BIRD_CODE_ROUTE && answer->origin_count < BIRD_ORIGINS_MAX &&
			bird_origin_parse(answer->origins[answer->origin_count], line->text) == 0)
			answer->origin_count++;
		break;
	case BIRD_PROTOCOLS:
		break;
	}
}
