/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/redundancy/path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/address.h"
#include "control/health/bird.h"
#include "control/health/bird_show.h"

void path_begin(struct path_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
}

uint32_t path_shorten(char text[static PATH_TEXT], const char *from)
{
	size_t used = 0;
	uint32_t last = 0;

	text[0] = '\0';
	while (*from) {
		size_t size = strcspn(from += strspn(from, " \t"), " \t");
		const char *digits = from + strcspn(from, "0123456789");
		bool again;

		if (size == 0)
			break;
		again = used >= size && (used == size || text[used - size - 1] == ' ') &&
			strncmp(text + used - size, from, size) == 0;
		if (!again && used + size + 2 < PATH_TEXT) {
			used += (size_t)snprintf(text + used, PATH_TEXT - used, "%s%.*s",
				used ? " " : "", (int)size, from);
		}
		if (digits < from + size)
			last = (uint32_t)strtoul(digits, NULL, 10);
		from += size;
	}
	return last;
}

static void as_path_line(struct path_reader *reader, const char *text)
{
	struct survey_path *path = &reader->path;
	char shorter[PATH_TEXT];
	uint32_t origin = path_shorten(shorter, text);

	path->known = true;
	path->routes++;
	if (reader->best || path->routes == 1) {
		path->origin = origin;
		memcpy(path->best, shorter, sizeof(path->best));
	}
	for (unsigned i = 0; i < path->paths; i++) {
		if (strcmp(reader->seen[i], shorter) == 0)
			return;
	}
	if (path->paths < PATH_ROUTES)
		strcpy(reader->seen[path->paths++], shorter);
}

/* "192.0.2.0/24  unicast [edge1 06:00:00] * (100) [AS64496i]"; further routes to the same
 * prefix begin with spaces. */
static void route_line(struct path_reader *reader, const char *text)
{
	size_t size = strcspn(text, " \t");

	if (!strchr(text, '['))
		return; /* "Table master4:", "via 192.0.2.1 on eth0" */
	if (size > 0 && size < sizeof(reader->path.prefix)) {
		struct bird_prefix prefix;

		memcpy(reader->path.prefix, text, size);
		reader->path.prefix[size] = '\0';
		reader->covered =
			bird_prefix_parse(&prefix, reader->path.prefix) == 0 && prefix.len > 0;
	}
	reader->best = strstr(text, "] *") != NULL;
}

void path_line(struct path_reader *reader, const struct bird_line *line)
{
	static const char *const names[] = {"BGP.as_path:", "bgp_path:"};
	const char *text = line->text + strspn(line->text, " \t");

	if (bird_code_failed(line->code)) {
		reader->failed = true;
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size = strlen(names[i]);

		if (strncmp(text, names[i], size) == 0) {
			if (reader->covered)
				as_path_line(reader, text + size);
			return;
		}
	}
	if (line->code == BIRD_CODE_ROUTE)
		route_line(reader, line->text);
}

static void line_take(void *arg, const struct bird_line *line)
{
	path_line(arg, line);
}

int path_survey(struct survey *survey, struct bird_ask *bird)
{
	struct path_reader *reader = malloc(sizeof(*reader));
	int r = reader ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < survey->addresses_count; i++) {
		struct survey_address *row = &survey->addresses[i];
		char command[BIRD_COMMAND_MAX], text[INET6_ADDRSTRLEN];

		inet_ntop(row->addr.ss_family, address_bytes(&row->addr), text, sizeof(text));
		snprintf(command, sizeof(command), "show route for %s all", text);
		path_begin(reader);
		r = bird_ask(bird, command, line_take, reader);
		if (r == 0 && reader->path.known)
			row->path = reader->path;
	}
	free(reader);
	return r;
}
