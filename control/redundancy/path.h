/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a BIRD of this host knows of the ways to a zone's servers: the lines of
 * `show route for ADDRESS all` in, the prefix, its origin AS and the number of
 * different AS paths out. BIRD 2.0.12's words and 3.x's. A table with nothing
 * but a default route knows nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/health/bird_ask.h"
#include "control/redundancy/survey.h"

#define PATH_TEXT   96
#define PATH_ROUTES 64 /* told apart; more are counted as routes only */

/* One reply being read. */
struct path_reader {
	struct survey_path path;
	bool covered; /* under a route's line that isn't a default route's */
	bool best;    /* that route is the one in use */
	bool failed;  /* BIRD doesn't know, or didn't understand */
	char seen[PATH_ROUTES][PATH_TEXT];
};

void path_begin(struct path_reader *reader);
void path_line(struct path_reader *reader, const struct bird_line *line);

/* "64496 64496 64500" -> "64496 64500": prepending makes no other path. Returns
 * the last AS, 0 of an empty path. */
uint32_t path_shorten(char text[static PATH_TEXT], const char *from);

/* Asks for each address of the survey. 0, or the negative errno that ended the
 * conversation. */
int path_survey(struct survey *survey, struct bird_ask *bird);
