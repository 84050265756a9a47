/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every transition of a prefix with its cause, kept on disk: `<folder>/history`, one JSON object
 * per line, and `<folder>/history.1`, what came before it. In: transitions. Out: the last of them,
 * for people and for a daemon that starts. It keeps at most twice HISTORY_BYTES, and refuses to
 * read more.
 *
 * Written without fsync: a crash of the daemon loses nothing, one of the kernel may lose the last
 * seconds. Loop thread only.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "control/health/health.h"

#define HISTORY_BYTES (256u << 10)

/* Appends one line; the file is turned when it is full. 0 or negative errno. */
int history_add(const char *folder, const struct health_transition *transition);

/*
 * The last `most` transitions (of `prefix`, unless it is NULL), the oldest first, as a new array of
 * objects: at (seconds since 1970), prefix, from, to, cause, reason. NULL: no memory. Lines that
 * are none of ours are left out.
 */
json_t *history_read(const char *folder, const char *prefix, size_t most);

/* Tells the health flow what happened before it started. */
void history_recall(const char *folder, struct health *health);
