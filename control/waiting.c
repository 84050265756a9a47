/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/waiting.h"

#include <stdio.h>
#include <string.h>

#include "control/clock.h"
#include "control/log.h"

/* Is `text` what was copied into `kept`, cut off where that ended? */
#define KEPT(kept, text) (strncmp(kept, text, sizeof(kept) - 1) == 0)

static struct waiting_entry *waiting_find(
	struct waiting *waiting, const char *kind, const char *subject)
{
	for (size_t i = 0; i < waiting->count; i++) {
		struct waiting_entry *entry = &waiting->entries[i];

		if (KEPT(entry->kind, kind) && KEPT(entry->subject, subject))
			return entry;
	}
	return NULL;
}

void waiting_begin(
	struct waiting *waiting, const char *kind, const char *subject, const char *reason)
{
	struct waiting_entry *entry = waiting_find(waiting, kind, subject);

	if (entry && KEPT(entry->reason, reason))
		return;
	if (!entry && waiting->count == WAITING_MOST) {
		waiting->lost++;
		return;
	}
	if (!entry) {
		entry = &waiting->entries[waiting->count++];
		*entry = (struct waiting_entry){.since = clock_wall_us()};
		snprintf(entry->kind, sizeof(entry->kind), "%s", kind);
		snprintf(entry->subject, sizeof(entry->subject), "%s", subject);
	}
	snprintf(entry->reason, sizeof(entry->reason), "%s", reason);
	log_write(LOG_WAIT_BEGUN, *subject ? subject : kind, NULL, "waiting for %s%s%s: %s", kind,
		*subject ? " " : "", subject, reason);
}

void waiting_end(struct waiting *waiting, const char *kind, const char *subject)
{
	struct waiting_entry *entry = waiting_find(waiting, kind, subject);
	uint64_t ms;

	if (!entry)
		return;
	ms = (clock_wall_us() - entry->since) / 1000;
	log_write(LOG_WAIT_ENDED, *subject ? subject : kind, NULL,
		"%s%s%s is there, after %llu.%03llu s", kind, *subject ? " " : "", subject,
		(unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
	*entry = waiting->entries[--waiting->count];
}
