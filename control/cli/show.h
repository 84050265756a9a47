/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a screen that several subcommands show, as tables. */
#pragma once

#include "control/cli/cli.h"
#include "control/cli/table.h"

enum tone state_tone(const char *state);
void checks_show(const struct cli *cli, const json_t *now, const json_t *checks);
void zones_show(const struct cli *cli, const json_t *now, const json_t *zones);
/* Queries by path, and the reasons of those that passed. */
void queries_show(const struct cli *cli, const json_t *queries);
void counters_show(const struct cli *cli, const char *title, const json_t *counters, bool texts);
