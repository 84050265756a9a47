/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BIRD's configuration as a text to search: a file in, its words without
 * comments, with what it includes, out. It understands no more of the grammar
 * than comments, strings, includes and braces.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define BIRDCONF_MAX ((size_t)16 << 20) /* of all files together */

struct birdconf {
	char *text; /* includes replaced by what they name */
	size_t size;
	/* The patterns of all includes, one per line: "/run/anod[e]/bird/x.conf\n". */
	char *includes;
	size_t includes_size;
	char failed[256]; /* a file that couldn't be read, and why; "" = none */
};

/* Reads `path` and what it includes, but for what lies in `leave_out` (a folder;
 * NULL: none): those are state files, and no configuration of a person. 0, or
 * the negative errno of `path` itself, -EFBIG, -ENOMEM. */
int birdconf_read(struct birdconf *conf, const char *path, const char *leave_out);
void birdconf_free(struct birdconf *conf);

/* Strips comments and follows includes in a text that is already there. For tests. */
int birdconf_take(struct birdconf *conf, const char *text, size_t size, const char *folder,
	const char *leave_out, int depth);

/* Does some include's pattern match this path? */
bool birdconf_includes(const struct birdconf *conf, const char *path);
/* The text between the braces of `protocol TYPE NAME ... { }`, or NULL. Borrowed. */
const char *birdconf_protocol(
	const struct birdconf *conf, const char *type, const char *name, size_t *size);
/* Are these words, with any white space between them, in the text? */
bool birdconf_says(const char *text, size_t size, const char *words);
