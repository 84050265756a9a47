/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/folder.h"

/* No more than these of one file are looked at. */
#define READ_BYTES (2 * HISTORY_BYTES)

static int path_of(char path[PATH_MAX], const char *folder, bool former)
{
	int n = snprintf(path, PATH_MAX, "%s/history%s", folder, former ? ".1" : "");

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static char *line_of(const struct health_transition *t)
{
	/* Reasons quote what came from outside. */
	json_t *reason = json_string(t->reason);
	json_t *object = json_pack("{s:f, s:s, s:s, s:s, s:s, s:o}", "at",
		(double)(t->at_wall.ns / 1000000) / 1000.0, "prefix", t->prefix, "from",
		route_state_name(t->from), "to", route_state_name(t->to), "cause",
		policy_cause_name(t->cause), "reason",
		reason ? reason : json_string("(not UTF-8)"));
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return line;
}

/* The whole line or nothing of it: what was cut would spoil the next. */
static int append(int fd, const char *line)
{
	char *text;
	int n = asprintf(&text, "%s\n", line), r = 0;
	ssize_t written;

	if (n < 0)
		return -ENOMEM;
	written = write(fd, text, (size_t)n);
	if (written != n)
		r = written < 0 ? -errno : -ENOSPC;
	free(text);
	return r;
}

int history_add(const char *folder, const struct health_transition *transition)
{
	char path[PATH_MAX], former[PATH_MAX], *line = NULL;
	struct stat status;
	int fd = -1, r;

	r = path_of(path, folder, false);
	if (r == 0)
		r = path_of(former, folder, true);
	if (r == 0)
		r = folder_make(folder);
	if (r < 0)
		return r;
	line = line_of(transition);
	if (!line)
		return -ENOMEM;
	if (stat(path, &status) == 0 && status.st_size >= HISTORY_BYTES &&
		rename(path, former) < 0) {
		/* Better too long than lost; but not without a bound. */
		if (status.st_size >= READ_BYTES) {
			r = -errno;
			goto out;
		}
	}
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	r = fd < 0 ? -errno : append(fd, line);
out:
	if (fd >= 0)
		close(fd);
	free(line);
	return r;
}

static bool is_state(const char *text, enum route_state *state)
{
	for (int i = ROUTE_WITHDRAWN; text && i <= ROUTE_ANNOUNCED; i++) {
		if (strcmp(text, route_state_name((enum route_state)i)) != 0)
			continue;
		*state = (enum route_state)i;
		return true;
	}
	return false;
}

static const char *word(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool is_ours(const json_t *object)
{
	enum route_state state;

	return json_is_number(json_object_get(object, "at")) && word(object, "prefix") &&
	       word(object, "cause") && word(object, "reason") &&
	       is_state(word(object, "from"), &state) && is_state(word(object, "to"), &state);
}

/* Adds a file's lines; one that isn't there has none. */
static void file_read(json_t *array, const char *path, const char *prefix)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0, bytes = 0;
	ssize_t n;

	while (file && bytes < READ_BYTES && (n = getline(&line, &room, file)) > 0) {
		json_t *object = json_loadb(line, (size_t)n, 0, NULL);

		bytes += (size_t)n;
		if (is_ours(object) && (!prefix || strcmp(word(object, "prefix"), prefix) == 0))
			json_array_append(array, object);
		json_decref(object);
	}
	free(line);
	if (file)
		fclose(file);
}

/* The end of the array, which is given up. */
static json_t *last_of(json_t *array, size_t most)
{
	size_t count = json_array_size(array);
	json_t *last;

	if (count <= most)
		return array;
	last = json_array();
	for (size_t i = count - most; last && i < count; i++)
		json_array_append(last, json_array_get(array, i));
	json_decref(array);
	return last;
}

json_t *history_read(const char *folder, const char *prefix, size_t most)
{
	json_t *array = json_array();
	char path[PATH_MAX];

	if (!array)
		return NULL;
	for (int former = 1; former >= 0; former--) {
		if (path_of(path, folder, former) == 0)
			file_read(array, path, prefix);
	}
	return last_of(array, most);
}

void history_recall(const char *folder, struct health *health)
{
	json_t *array = history_read(folder, NULL, SIZE_MAX);
	const json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
	{
		enum policy_cause cause = policy_cause_parse(word(object, "cause"));
		double at = json_number_value(json_object_get(object, "at"));
		enum route_state from, to;

		if (cause == POLICY_CAUSES || !is_state(word(object, "from"), &from) ||
			!is_state(word(object, "to"), &to) || at < 0 || at > 9e9)
			continue;
		health_recall(health, word(object, "prefix"), from, to, cause,
			(struct wall){(int64_t)(at * 1000) * 1000000});
	}
	json_decref(array);
}
