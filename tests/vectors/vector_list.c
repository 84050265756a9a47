/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vector_list.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int path_add(struct vector_list *list, const char *path)
{
	char **paths = realloc(list->paths, (list->count + 1) * sizeof(*paths));

	if (!paths)
		return -ENOMEM;
	list->paths = paths;
	paths[list->count] = strdup(path);
	return paths[list->count++] ? 0 : -ENOMEM;
}

static int directory_add(struct vector_list *list, const char *path)
{
	glob_t found = {0};
	char *pattern = NULL;
	int result = -ENOMEM;

	if (asprintf(&pattern, "%s/*.vec", path) < 0)
		return -ENOMEM;
	if (glob(pattern, 0, NULL, &found)) {
		result = -ENOENT;
		goto out;
	}
	result = 0;
	for (size_t i = 0; i < found.gl_pathc && !result; i++)
		result = path_add(list, found.gl_pathv[i]);
out:
	globfree(&found);
	free(pattern);
	return result;
}

int vector_list_read(struct vector_list *list, char *const *names)
{
	struct stat status;
	int result = 0;

	for (; *names && !result; names++) {
		if (stat(*names, &status))
			return -errno;
		result = S_ISDIR(status.st_mode) ? directory_add(list, *names)
						 : path_add(list, *names);
	}
	return result;
}

void vector_list_free(struct vector_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->paths[i]);
	free(list->paths);
}
