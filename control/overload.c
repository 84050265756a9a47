/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/overload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/config.h"

#define SAMPLE_US UINT64_C(200000)
/* One stray packet isn't overload: so many within a sample are. */
#define DROPS_MIN 4
/* It has ended when nothing was dropped for so long. */
#define CALM_US UINT64_C(3000000)

enum source { SOCKETS4, SOCKETS6, BACKLOG, RINGS, SOURCES };

static const char *const source_texts[SOURCES] = {
	"UDP sockets are full (IPv4)",
	"UDP sockets are full (IPv6)",
	"the CPUs' backlog is full",
	"the interfaces' rings are full",
};

struct overload {
	overload_changed_fn *changed;
	void *arg;
	sd_event_source *timer;
	char names[CONFIG_MAX_INTERFACES][16];
	size_t names_count;
	uint64_t last[SOURCES];
	bool sampled;
	uint64_t dropped_at; /* CLOCK_MONOTONIC us; 0 = never */
	char text[160];      /* "" = no overload */
};

uint64_t overload_snmp(const char *text, const char *row, const char *column)
{
	const char *titles = strstr(text, row), *values;
	size_t length = strlen(row), wanted = strlen(column);

	/* The first line names the columns, the second has the values. */
	if (!titles || (titles != text && titles[-1] != '\n'))
		return 0;
	values = strchr(titles, '\n');
	if (!values || strncmp(++values, row, length) != 0)
		return 0;
	titles += length;
	values += length;
	while (*titles == ' ') {
		size_t title = strcspn(++titles, " \n");

		values += strspn(values, " ");
		if (title == wanted && memcmp(titles, column, wanted) == 0)
			return strtoull(values, NULL, 10);
		titles += title;
		values += strcspn(values, " \n");
	}
	return 0;
}

uint64_t overload_snmp6(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 &&
			(line[length] == ' ' || line[length] == '\t'))
			return strtoull(line + length, NULL, 10);
	}
	return 0;
}

uint64_t overload_softnet(const char *text)
{
	uint64_t sum = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		const char *space;

		line += *line == '\n';
		space = strchr(line, ' ');
		if (space)
			sum += strtoull(space, NULL, 16);
	}
	return sum;
}

/* "" if it can't be read. */
static const char *file_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	while (fd >= 0 && used < size - 1 && (n = read(fd, buffer + used, size - 1 - used)) > 0)
		used += (size_t)n;
	if (fd >= 0)
		close(fd);
	buffer[used] = '\0';
	return buffer;
}

static uint64_t rings_read(const struct overload *overload)
{
	static const char *const names[] = {"rx_missed_errors", "rx_fifo_errors"};
	char path[96], buffer[32];
	uint64_t sum = 0;

	for (size_t i = 0; i < overload->names_count; i++) {
		for (size_t j = 0; j < 2; j++) {
			snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s",
				overload->names[i], names[j]);
			sum += strtoull(file_read(path, buffer, sizeof(buffer)), NULL, 10);
		}
	}
	return sum;
}

static void sample(const struct overload *overload, uint64_t now[SOURCES])
{
	char buffer[16384];

	now[SOCKETS4] = overload_snmp(
		file_read("/proc/net/snmp", buffer, sizeof(buffer)), "Udp:", "RcvbufErrors");
	now[SOCKETS6] = overload_snmp6(
		file_read("/proc/net/snmp6", buffer, sizeof(buffer)), "Udp6RcvbufErrors");
	now[BACKLOG] =
		overload_softnet(file_read("/proc/net/softnet_stat", buffer, sizeof(buffer)));
	now[RINGS] = rings_read(overload);
}

static void tell(struct overload *overload, const char *text)
{
	bool was = overload->text[0] != '\0';

	snprintf(overload->text, sizeof(overload->text), "%s", text);
	if (was != (overload->text[0] != '\0'))
		overload->changed(overload->arg, overload_text(overload));
}

static void look(struct overload *overload)
{
	uint64_t now[SOURCES], at = clock_monotonic_us(), most = 0;
	enum source worst = SOCKETS4;
	char text[160];

	sample(overload, now);
	for (int i = 0; i < SOURCES && overload->sampled; i++) {
		/* An interface that went takes its counters along. */
		uint64_t more = now[i] > overload->last[i] ? now[i] - overload->last[i] : 0;

		if (more > most) {
			most = more;
			worst = (enum source)i;
		}
	}
	memcpy(overload->last, now, sizeof(now));
	overload->sampled = true;
	if (most >= DROPS_MIN) {
		overload->dropped_at = at;
		snprintf(text, sizeof(text), "%s: %" PRIu64 " packets dropped in %u ms",
			source_texts[worst], most, (unsigned)(SAMPLE_US / 1000));
		tell(overload, text);
	} else if (overload->text[0] && at - overload->dropped_at >= CALM_US) {
		tell(overload, "");
	}
}

static int due(sd_event_source *source, uint64_t usec, void *arg)
{
	look(arg);
	sd_event_source_set_time_relative(source, SAMPLE_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int overload_open(struct overload **out, sd_event *loop, overload_changed_fn *changed, void *arg)
{
	struct overload *overload = calloc(1, sizeof(*overload));
	int r;

	if (!overload)
		return -ENOMEM;
	overload->changed = changed;
	overload->arg = arg;
	r = sd_event_add_time_relative(
		loop, &overload->timer, CLOCK_MONOTONIC, 0, 0, due, overload);
	if (r < 0) {
		free(overload);
		return r;
	}
	*out = overload;
	return 0;
}

void overload_close(struct overload *overload)
{
	if (!overload)
		return;
	sd_event_source_disable_unref(overload->timer);
	free(overload);
}

void overload_interfaces(struct overload *overload, const char *const *names, size_t count)
{
	if (!overload)
		return;
	overload->names_count = count < CONFIG_MAX_INTERFACES ? count : CONFIG_MAX_INTERFACES;
	for (size_t i = 0; i < overload->names_count; i++)
		snprintf(overload->names[i], sizeof(overload->names[i]), "%s", names[i]);
	/* Another sum: its first difference says nothing. */
	overload->sampled = false;
}

const char *overload_text(const struct overload *overload)
{
	return overload && overload->text[0] ? overload->text : NULL;
}
