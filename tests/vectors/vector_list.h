/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The vector files that a command line names: files as they are, of a directory all `*.vec`,
 * sorted. */
#ifndef ANODE_TESTS_VECTOR_LIST_H
#define ANODE_TESTS_VECTOR_LIST_H

#include <stddef.h>

struct vector_list {
	char **paths; /* owned */
	size_t count;
};

/* `names` ends with NULL. 0, or a negative errno (a directory without vectors is -ENOENT). Free it
 * in either case. */
int vector_list_read(struct vector_list *list, char *const *names);
void vector_list_free(struct vector_list *list);

#endif
