/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which zones a person wants passed to the local server: a small set that
 * outlives a restart in a file (in /run: no boot finds an old one). Knows
 * nothing of who makes it so. Loop thread only; the writes are small.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/config_value.h"

#define BYPASS_ZONES 20000 /* as many as a configuration has */

struct bypass {
	char *path;
	bool all;
	char **zones; /* texts, in the order in which they came */
	size_t count;
};

/* An empty set, then what the file holds; none is fine. 0, -ENOMEM, or why the
 * file couldn't be read: then the set is empty. */
int bypass_open(struct bypass *bypass, const char *path);
void bypass_close(struct bypass *bypass);

/* `zone` NULL: all. Off for all takes back only that; the zones' own stay. 0;
 * -ENOMEM, -ENOSPC: nothing changed. */
int bypass_put(struct bypass *bypass, const char *zone, bool on);
bool bypass_has(const struct bypass *bypass, const char *zone);
/* Writes the file. 0 or negative errno: the old one is as it was. */
int bypass_save(const struct bypass *bypass);
