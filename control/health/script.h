/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs an operator's program over and over and reports how it ended. In: a
 * command, times. Out: exit code 0 or not, or that it took too long or couldn't
 * be run, with the first line that it wrote. It judges nothing, uses no shell,
 * and lets no child outlive its timeout: the whole process group is killed.
 *
 * Loop thread only; never blocks.
 */
#ifndef ANODE_HEALTH_SCRIPT_H
#define ANODE_HEALTH_SCRIPT_H

#include "control/health/probe.h"

struct script_options {
	const char *const *command; /* absolute path, arguments, NULL; copied */
	struct span interval, timeout;
	struct span phase; /* of the first run, from script_start() */
};

struct script;

/* 0, -EINVAL (no absolute path, timeout above interval), -ENOMEM. The result is a
 * probe's: PROBE_OK: exit code 0; PROBE_BAD_CONTENT: another one, or a signal;
 * PROBE_TIMEOUT; PROBE_ERROR: it couldn't be run (126 and 127 too), which says
 * nothing. script_free() may not be called in it. */
int script_new(struct script **script, sd_event *loop, const struct script_options *options,
	probe_result_fn *result, void *arg);
/* Kills what runs. NULL is fine. */
void script_free(struct script *script);
void script_start(struct script *script);

#endif
