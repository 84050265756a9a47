/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `anodectl withdraw --offline`, which asks BIRD instead of the daemon. */
#pragma once

#include "control/cli/cli.h"

bool offline_asked(int argc, char **argv);
/* Gives an exit code: 0 withdrawn (or nothing was to be), 5 something is still
 * sent, 1 failed. */
int offline_run(struct cli *cli, int argc, char **argv);
