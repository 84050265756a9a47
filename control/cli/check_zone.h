/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `anodectl check-zone` found, in each form that it is wanted in: tables,
 * JSON, a line for Nagios and its kin, a file for Prometheus' node exporter.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "control/cli/cli.h"
#include "control/redundancy/finding.h"
#include "control/redundancy/survey.h"

/* One look at the zone. */
struct check_zone {
	const char *zone; /* as the operator wrote it, without final dot */
	struct survey *survey;
	struct finding_list findings;
	uint64_t at; /* CLOCK_REALTIME, us */
	size_t up, tested;
	bool bird; /* was asked */
};

void check_zone_text(const struct cli *cli, const struct check_zone *look);
json_t *check_zone_json(const struct check_zone *look);
/* Prints it and gives the exit code: 0 OK, 1 WARNING, 2 CRITICAL. */
int check_zone_nagios(const struct check_zone *look);
/* Writes the file as a whole, or not at all. 0 or negative errno. */
int check_zone_metrics(const struct check_zone *look, const char *path);
/* No look was possible: says so in the file. 0 or negative errno. */
int check_zone_metrics_failed(const char *zone, uint64_t at, const char *path);
