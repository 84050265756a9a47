/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "point.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct point {
	char *key;
	char *example;
	uint64_t count;
	UT_hash_handle hh;
};

static struct point *point_find(const struct points *points, const char *key)
{
	struct point *found;

	HASH_FIND_STR(points->table, key, found);
	return found;
}

bool point_count(struct points *points, const char *key)
{
	struct point *p = point_find(points, key);

	if (p) {
		p->count++;
		return false;
	}
	p = calloc(1, sizeof(*p));
	if (!p || !(p->key = strdup(key)))
		abort(); /* a test that can't count isn't a test that passed */
	p->count = 1;
	HASH_ADD_KEYPTR(hh, points->table, p->key, strlen(p->key), p);
	return true;
}

void point_example(struct points *points, const char *key, char *text)
{
	struct point *p = point_find(points, key);

	if (!p || p->example)
		free(text);
	else
		p->example = text;
}

static int by_count(const struct point *a, const struct point *b)
{
	return (a->count < b->count) - (a->count > b->count);
}

static void example_print(char *example, const char *prefix, FILE *to)
{
	char *save = NULL;

	for (char *line = strtok_r(example, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fprintf(to, "%s  %s\n", prefix, line);
}

void points_print(struct points *points, size_t limit, const char *prefix, FILE *to)
{
	struct point *p, *next;

	HASH_SORT(points->table, by_count);
	HASH_ITER (hh, points->table, p, next) {
		if (!limit--)
			break;
		fprintf(to, "%s%8" PRIu64 "  %s\n", prefix, p->count, p->key);
		if (p->example)
			example_print(p->example, prefix, to);
	}
}

size_t points_kinds(const struct points *points)
{
	return HASH_COUNT(points->table);
}

void points_free(struct points *points)
{
	struct point *p, *next;

	HASH_ITER (hh, points->table, p, next) {
		HASH_DEL(points->table, p);
		free(p->key);
		free(p->example);
		free(p);
	}
}
