/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/birdconf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* as BIRD's */

static int append(char **text, size_t *used, const char *from, size_t size)
{
	char *longer;

	if (*used + size + 1 > BIRDCONF_MAX)
		return -EFBIG;
	/* Page by page. */
	if (!*text || ((*used + size + 1) & ~(size_t)4095) != (*used & ~(size_t)4095)) {
		longer = realloc(*text, ((*used + size + 1) | 4095) + 1);
		if (!longer)
			return -ENOMEM;
		*text = longer;
	}
	memcpy(*text + *used, from, size);
	*used += size;
	(*text)[*used] = '\0';
	return 0;
}

static int file_take(struct birdconf *conf, const char *path, const char *leave_out, int depth);

static bool within(const char *path, const char *folder)
{
	size_t length = folder ? strlen(folder) : 0;

	return length && strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* A pattern of state files names a folder with a bracket: what it matches is looked at, too. */
static int include_take(struct birdconf *conf, const char *pattern, size_t size, const char *folder,
	const char *leave_out, int depth)
{
	char path[4096];
	glob_t found;
	int r = 0;

	if (size + strlen(folder) + 2 > sizeof(path))
		return 0;
	snprintf(path, sizeof(path), "%s%s%.*s", pattern[0] == '/' ? "" : folder,
		pattern[0] == '/' ? "" : "/", (int)size, pattern);
	r = append(&conf->includes, &conf->includes_size, path, strlen(path));
	if (r == 0)
		r = append(&conf->includes, &conf->includes_size, "\n", 1);
	if (r < 0 || glob(path, 0, NULL, &found) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		if (!within(found.gl_pathv[i], leave_out))
			r = file_take(conf, found.gl_pathv[i], leave_out, depth + 1);
	}
	globfree(&found);
	return r;
}

/* Length of a comment or string that begins here; 0: neither does. */
static size_t skip(const char *text, size_t size, bool *string)
{
	const char *end = NULL;

	*string = text[0] == '"';
	if (text[0] == '#')
		end = memchr(text, '\n', size);
	else if (*string)
		end = memchr(text + 1, '"', size - 1);
	else if (size > 1 && text[0] == '/' && text[1] == '*')
		end = memmem(text + 2, size - 2, "*/", 2);
	else
		return 0;
	return end ? (size_t)(end - text) + (text[0] == '#' ? 0 : *string ? 1 : 2) : size;
}

static bool word_before(const struct birdconf *conf, const char *word)
{
	size_t used = conf->size, length = strlen(word);

	while (used > 0 && isspace((unsigned char)conf->text[used - 1]))
		used--;
	return used >= length && memcmp(conf->text + used - length, word, length) == 0 &&
	       (used == length || strchr(" \t\n;{}", conf->text[used - length - 1]));
}

int birdconf_take(struct birdconf *conf, const char *text, size_t size, const char *folder,
	const char *leave_out, int depth)
{
	int r = append(&conf->text, &conf->size, "", 0);

	for (size_t at = 0; r == 0 && at < size;) {
		bool string;
		size_t length = skip(text + at, size - at, &string);

		if (length == 0) {
			r = append(&conf->text, &conf->size, text + at++, 1);
			continue;
		}
		if (string && length > 2 && word_before(conf, "include")) {
			r = append(&conf->text, &conf->size, text + at, length);
			if (r == 0 && depth < DEPTH_MAX) {
				/* Behind its semicolon, where BIRD reads it as well. */
				r = append(&conf->text, &conf->size, ";\n", 2);
				if (r == 0)
					r = include_take(conf, text + at + 1, length - 2, folder,
						leave_out, depth);
			}
		} else {
			r = append(&conf->text, &conf->size, string ? text + at : " ",
				string ? length : 1);
		}
		at += length;
	}
	return r;
}

static char *file_read(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = NULL;
	ssize_t n = 1;
	int r = fd < 0 ? -errno : 0;

	*size = 0;
	while (r == 0 && n > 0) {
		char bytes[16384];

		n = read(fd, bytes, sizeof(bytes));
		r = n < 0 ? -errno : append(&text, size, bytes, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	if (r == 0)
		return text;
	free(text);
	errno = -r;
	return NULL;
}

static int file_take(struct birdconf *conf, const char *path, const char *leave_out, int depth)
{
	const char *slash = strrchr(path, '/');
	size_t size;
	char *text = file_read(path, &size), *folder;
	int r;

	if (!text) {
		r = errno ? -errno : -ENOMEM;
		snprintf(conf->failed, sizeof(conf->failed), "%.200s: %s", path, strerror(-r));
		return depth == 0 || r == -ENOMEM ? r : 0;
	}
	folder = strndup(path, slash ? (size_t)(slash - path) : 0);
	r = folder ? birdconf_take(conf, text, size, folder, leave_out, depth) : -ENOMEM;
	free(folder);
	free(text);
	return r;
}

int birdconf_read(struct birdconf *conf, const char *path, const char *leave_out)
{
	memset(conf, 0, sizeof(*conf));
	return file_take(conf, path, leave_out, 0);
}

void birdconf_free(struct birdconf *conf)
{
	free(conf->text);
	free(conf->includes);
	memset(conf, 0, sizeof(*conf));
}

bool birdconf_includes(const struct birdconf *conf, const char *path)
{
	const char *line = conf->includes;
	char pattern[4096];

	while (line && *line) {
		size_t length = strcspn(line, "\n");

		if (length < sizeof(pattern)) {
			memcpy(pattern, line, length);
			pattern[length] = '\0';
			if (fnmatch(pattern, path, FNM_PATHNAME | FNM_NOESCAPE) == 0)
				return true;
		}
		line += length + 1;
	}
	return false;
}

/* Behind the words, or NULL. A word of theirs ends where one of the text does. */
static const char *words_match(const char *text, const char *end, const char *words)
{
	while (*words) {
		size_t length = strcspn(words, " ");

		while (text < end && isspace((unsigned char)*text))
			text++;
		if ((size_t)(end - text) < length || strncmp(text, words, length) != 0)
			return NULL;
		text += length;
		if (text < end && (isalnum((unsigned char)*text) || *text == '_') &&
			isalnum((unsigned char)words[length - 1]))
			return NULL;
		words += length + (words[length] == ' ');
	}
	return text;
}

bool birdconf_says(const char *text, size_t size, const char *words)
{
	const char *end = text + size;

	for (const char *at = text; at < end; at++) {
		bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');

		if (begins && words_match(at, end, words))
			return true;
	}
	return false;
}

const char *birdconf_protocol(
	const struct birdconf *conf, const char *type, const char *name, size_t *size)
{
	const char *end = conf->text + conf->size;
	char words[2][192];

	snprintf(words[0], sizeof(words[0]), "protocol %s %s", type, name);
	snprintf(words[1], sizeof(words[1]), "protocol %s '%s'", type, name);
	for (const char *at = conf->text; at && at < end; at++) {
		const char *open = words_match(at, end, words[0]);
		int depth = 1;

		if (!open)
			open = words_match(at, end, words[1]);
		/* "from TEMPLATE" may stand before the brace. */
		open = open ? memchr(open, '{', (size_t)(end - open)) : NULL;
		if (!open)
			continue;
		for (const char *close = open + 1; close < end; close++) {
			depth += (*close == '{') - (*close == '}');
			if (depth > 0)
				continue;
			*size = (size_t)(close - open - 1);
			return open + 1;
		}
	}
	return NULL;
}
