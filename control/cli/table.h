/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text tables and the little phrases in them: counts, shares, ages. Colour only
 * where cli->color says so.
 */
#pragma once

#include "control/cli/cli.h"

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_BOLD };

struct table;

/* Columns by their titles, NULL at the end; ">" in front: to the right. */
struct table *table_new(const struct cli *cli, const char *const *titles);
/* One cell after the other; NULL shows as "-". After the last column a new row
 * begins. The text is copied. */
void table_cell(struct table *table, enum tone tone, const char *text);
/* Prints it, indented, and frees it; an empty one prints nothing. */
void table_print(struct table *table);

/* A line in a tone, without newline. */
void tone_print(const struct cli *cli, enum tone tone, const char *text);

#define PHRASE 32
/* How long ago `when` was at `now` (numbers of seconds as the protocol has
 * them): "3h12m"; NULL for never. */
const char *age_text(const json_t *now, const json_t *when, char buffer[static PHRASE]);
/* "1,234,567" */
const char *count_text(const json_t *value, char buffer[static PHRASE]);
/* "12.5 MiB" */
const char *bytes_text(const json_t *value, char buffer[static PHRASE]);
/* "99.87 %"; NULL when unknown. */
const char *share_text(const json_t *value, char buffer[static PHRASE]);
/* A serial, NULL when unknown. */
const char *serial_text(const json_t *value, char buffer[static PHRASE]);

/* The member `name` as text, NULL when it is null or missing. Borrowed. */
const char *text_of(const json_t *object, const char *name);
