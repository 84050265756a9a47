/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that holds the configuration, and questions about what it says. */
#include "control/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/config_tree.h"

/* The whole file, or as much of it as shows that it is too large. */
static int file_read(const char *path, char **text, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	size_t size = 0, room = 1 << 16;
	char *buffer = NULL;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR;
	while (r == 0) {
		char *larger = size == room || !buffer ? realloc(buffer, room *= 2) : buffer;
		ssize_t n;

		if (!larger) {
			r = -ENOMEM;
			break;
		}
		buffer = larger;
		n = read(fd, buffer + size, room - size);
		if (n < 0 && errno != EINTR)
			r = -errno;
		if (n == 0)
			break;
		if (n > 0)
			size += (size_t)n;
		if (size > CONFIG_MAX_BYTES)
			break; /* config_parse says so */
	}
	close(fd);
	if (r < 0) {
		free(buffer);
		return r;
	}
	*text = buffer;
	*length = size;
	return 0;
}

int config_read(const char *path, struct config **config, struct config_error *error)
{
	size_t length = 0;
	char *text = NULL;
	int r;

	*config = NULL;
	r = file_read(path, &text, &length);
	if (r < 0) {
		config_error_set(
			error, (struct config_place){0}, "cannot be read: %s", strerror(-r));
		return r;
	}
	r = config_parse(text, length, config, error);
	free(text);
	return r;
}

const struct config_key *config_key_named(const struct config *config, const struct domain *name)
{
	for (size_t i = 0; name->text && i < config->keys_count; i++) {
		if (strcmp(config->keys[i].name.text, name->text) == 0)
			return &config->keys[i];
	}
	return NULL;
}

const struct config_key *config_zone_key(
	const struct config *config, const struct config_zone *zone)
{
	return config_key_named(config, &zone->key);
}

const struct domain *config_required_zones(const struct config *config, size_t *count)
{
	*count = config->health.required_count;
	if (*count > 0)
		return config->health.required;
	for (size_t i = 0; i < config->zones_count; i++) {
		if (config->zones[i].name.text) {
			*count = 1;
			return &config->zones[i].name;
		}
	}
	return NULL;
}

size_t config_doubts(const struct config *config, char doubts[][CONFIG_DOUBT_TEXT], size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < config->zones_count && count < most; i++) {
		if (!config->zones[i].match)
			continue;
		snprintf(doubts[count++], CONFIG_DOUBT_TEXT,
			"zones[%zu].match: %.200s matches nothing: nobody names the server's zones "
			"to "
			"anode yet; list them by name",
			i, config->zones[i].match);
	}
	return count;
}
