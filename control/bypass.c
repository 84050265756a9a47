/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/bypass.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALL "*"

static size_t zone_find(const struct bypass *bypass, const char *zone)
{
	size_t i = 0;

	while (i < bypass->count && strcmp(bypass->zones[i], zone) != 0)
		i++;
	return i;
}

bool bypass_has(const struct bypass *bypass, const char *zone)
{
	return zone_find(bypass, zone) < bypass->count;
}

int bypass_put(struct bypass *bypass, const char *zone, bool on)
{
	size_t at = zone ? zone_find(bypass, zone) : 0;
	char **longer, *copy;

	if (!zone) {
		bypass->all = on;
		return 0;
	}
	if (on == (at < bypass->count))
		return 0;
	if (!on) {
		free(bypass->zones[at]);
		memmove(bypass->zones + at, bypass->zones + at + 1,
			(--bypass->count - at) * sizeof(*bypass->zones));
		return 0;
	}
	if (bypass->count == BYPASS_ZONES)
		return -ENOSPC;
	copy = strdup(zone);
	longer = copy ? reallocarray(bypass->zones, bypass->count + 1, sizeof(*longer)) : NULL;
	if (!longer) {
		free(copy);
		return -ENOMEM;
	}
	bypass->zones = longer;
	bypass->zones[bypass->count++] = copy;
	return 0;
}

static void zones_forget(struct bypass *bypass)
{
	for (size_t i = 0; i < bypass->count; i++)
		free(bypass->zones[i]);
	free(bypass->zones);
	bypass->zones = NULL;
	bypass->count = 0;
	bypass->all = false;
}

/* A line that isn't a zone's name isn't ours: left out. */
static int line_take(struct bypass *bypass, char *line)
{
	struct domain domain;
	int r = 0;

	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#' || line[0] == '\0')
		return 0;
	if (strcmp(line, ALL) == 0)
		return bypass_put(bypass, NULL, true);
	if (!domain_parse(line, &domain)) {
		r = bypass_put(bypass, domain.text, true);
		domain_free(&domain);
	}
	return r;
}

int bypass_open(struct bypass *bypass, const char *path)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file;
	int r = 0;

	*bypass = (struct bypass){.path = strdup(path)};
	if (!bypass->path)
		return -ENOMEM;
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && getline(&line, &room, file) > 0)
		r = line_take(bypass, line);
	if (r == 0 && ferror(file))
		r = -EIO;
	free(line);
	fclose(file);
	if (r < 0)
		zones_forget(bypass);
	return r;
}

void bypass_close(struct bypass *bypass)
{
	zones_forget(bypass);
	free(bypass->path);
	bypass->path = NULL;
}

int bypass_save(const struct bypass *bypass)
{
	char *temporary;
	FILE *file = NULL;
	int r;

	if (!bypass->path || asprintf(&temporary, "%s.new", bypass->path) < 0)
		return -ENOMEM;
	file = fopen(temporary, "we");
	r = file ? 0 : -errno;
	if (r == 0) {
		fputs("# anode: zones that a person has bypassed; * is all of them\n", file);
		if (bypass->all)
			fputs(ALL "\n", file);
		for (size_t i = 0; i < bypass->count; i++)
			fprintf(file, "%s\n", bypass->zones[i]);
		if (ferror(file))
			r = -EIO;
		if (fclose(file) != 0 && r == 0)
			r = -errno;
	}
	if (r == 0 && rename(temporary, bypass->path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	free(temporary);
	return r;
}
