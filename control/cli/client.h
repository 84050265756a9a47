/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One conversation with the daemon: a request out, its result in, all within
 * the time of --timeout. Errors are said here, once.
 */
#pragma once

#include "control/cli/cli.h"

struct client;

/* EXIT_GOOD, or the exit code (said). */
int client_open(struct cli *cli, struct client **client);
void client_close(struct client *client);

/*
 * Sends `command` with `args` (stolen; NULL: none). EXIT_GOOD and *result, which
 * the caller owns, or the exit code (said).
 */
int client_ask(struct client *client, const char *command, json_t *args, json_t **result);

/* All of the above at once. */
int client_request(struct cli *cli, const char *command, json_t *args, json_t **result);
