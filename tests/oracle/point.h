/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kinds of differences, counted: many questions, few lines to read.
 *
 * In: a key for each difference (equal text, equal kind). Out: the kinds, the most frequent first,
 * each with how often it was seen and one example.
 */
#ifndef ANODE_TESTS_POINT_H
#define ANODE_TESTS_POINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct point;

struct points {
	struct point *table; /* by key */
};

/* Counts one. True if it is the first of its kind: then the caller may give an example. */
bool point_count(struct points *points, const char *key);
/* Takes the text (malloc'ed) as the kind's example. */
void point_example(struct points *points, const char *key, char *text);

/* At most `limit` kinds, each line behind `prefix`, examples behind that and two spaces. */
void points_print(struct points *points, size_t limit, const char *prefix, FILE *to);
size_t points_kinds(const struct points *points);
void points_free(struct points *points);

#endif
