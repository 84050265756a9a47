/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The snapshot as OpenMetrics text, and a page that shows it over HTTP.
 *
 * In: what status shows. Out: GET /metrics, and nothing else. No address and no
 * name is a label but zones, and of those a thousand at most. Loop thread only;
 * HTTP runs on the loop and never blocks it.
 */
#pragma once

#include <stdio.h>
#include <systemd/sd-event.h>

#include "control/config_value.h"
#include "control/ctl/snapshot.h"

#define METRICS_ZONES 1000
#define METRICS_TYPE  "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Writes the whole exposition, "# EOF" included. */
void metrics_render(const struct ctl_snapshot *snapshot, FILE *out);

struct metrics;

/* Writes the exposition; called for each request. */
typedef void metrics_write(void *arg, FILE *out);

/* Listens; 0 or negative errno. */
int metrics_open(struct metrics **metrics, sd_event *loop, const struct endpoint *listen,
	metrics_write *write, void *arg);
void metrics_close(struct metrics *metrics);
