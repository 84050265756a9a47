/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots as the results of the control protocol. Each function gives a new
 * object that the caller owns, or NULL: out of memory.
 */
#pragma once

#include <jansson.h>

#include "control/ctl/request.h"
#include "control/ctl/snapshot.h"

json_t *ctl_render_status(const struct ctl_snapshot *snapshot);
json_t *ctl_render_health(const struct ctl_snapshot *snapshot);
json_t *ctl_render_stats(const struct ctl_snapshot *snapshot);
/* One page, as `zone` and `after` of the request say. */
json_t *ctl_render_zones(const struct ctl_snapshot *snapshot, const struct ctl_request *request);
/* The overrides in force: the result of announce, drain, withdraw, auto. */
json_t *ctl_render_overrides(const struct ctl_snapshot *snapshot);
/* What the policy looks at, and what it would decide (ctl_policy.would). */
json_t *ctl_render_policy(const struct ctl_snapshot *snapshot);
json_t *ctl_render_version(const struct ctl_snapshot *snapshot);

/* A whole response line, without newline; steals `result`. NULL: no memory. */
char *ctl_response(json_t *result);
char *ctl_response_error(enum ctl_error error, const char *message);
