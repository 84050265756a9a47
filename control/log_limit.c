/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/log_limit.h"

#include <stdio.h>
#include <string.h>

static bool repeat_over(const struct log_repeat *repeat, uint64_t now_us)
{
	return now_us - repeat->since_us >= LOG_WINDOW_US;
}

static struct log_repeat *repeat_find(
	struct log_limit *limit, unsigned int kind, const char *subject, uint64_t now_us)
{
	struct log_repeat *spare = NULL;
	char cut[LOG_SUBJECT];

	snprintf(cut, sizeof(cut), "%s", subject);
	for (size_t i = 0; i < LOG_SLOTS; i++) {
		struct log_repeat *repeat = &limit->slots[i];

		if (repeat->used && repeat->kind == kind && strcmp(repeat->subject, cut) == 0)
			return repeat;
		if (!spare &&
			(!repeat->used || (repeat->counted == 0 && repeat_over(repeat, now_us))))
			spare = repeat;
	}
	if (!spare)
		return NULL;
	*spare = (struct log_repeat){.used = true, .kind = kind, .since_us = now_us};
	memcpy(spare->subject, cut, sizeof(cut));
	return spare;
}

bool log_limit_pass(struct log_limit *limit, unsigned int kind, const char *subject,
	const char *text, uint64_t now_us)
{
	struct log_repeat *repeat = repeat_find(limit, kind, subject, now_us);

	if (!repeat)
		return true;
	if (repeat_over(repeat, now_us) && repeat->counted == 0) {
		repeat->since_us = now_us;
		repeat->written = 0;
	}
	if (repeat->written < LOG_BURST) {
		repeat->written++;
		return true;
	}
	repeat->counted++;
	snprintf(repeat->last, sizeof(repeat->last), "%s", text);
	return false;
}

bool log_limit_due(struct log_limit *limit, uint64_t now_us, struct log_repeat *repeat)
{
	for (size_t i = 0; i < LOG_SLOTS; i++) {
		struct log_repeat *slot = &limit->slots[i];

		if (!slot->used || !repeat_over(slot, now_us))
			continue;
		slot->used = false;
		if (slot->counted > 0) {
			*repeat = *slot;
			return true;
		}
	}
	return false;
}
