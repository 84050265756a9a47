/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The metrics page: its text, and the page over HTTP on the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/metrics.h"

#define DEADLINE 5

static const struct ctl_interface interfaces[] = {{.name = "eth0",
	.engine = "xdp",
	.mode = "native",
	.attached = true,
	.paths = {{10, 2, 0}, {20, 4, 1}}}};
static const struct ctl_counter reasons[] = {{"no_zone", NULL, 6}};
static const struct ctl_zone zones[] = {{.name = "a\\\"b.example",
	.fast = true,
	.has_fast = true,
	.serial_fast = 7,
	.published = UINT64_C(1700000000000000)}};
static const struct ctl_prefix prefixes[] = {{.prefix = "203.0.113.0/24",
	.wanted = CTL_STATE_DEGRADED,
	.seen = CTL_STATE_ANNOUNCED,
	.seen_known = true}};

static struct ctl_snapshot sample_snapshot(void)
{
	return (struct ctl_snapshot){.now = UINT64_C(1700000002500000),
		.version = "9.9.9",
		.zones = zones,
		.zones_count = 1,
		.prefixes = prefixes,
		.prefixes_count = 1,
		.engine = {.interfaces = interfaces,
			.interfaces_count = 1,
			.reasons = reasons,
			.reasons_count = 1,
			.lease_left_us = 60000000}};
}

static void write_sample(void *arg, FILE *out)
{
	struct ctl_snapshot snapshot = sample_snapshot();

	metrics_render(&snapshot, out);
}

static char *rendered(const struct ctl_snapshot *snapshot)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	metrics_render(snapshot, out);
	fclose(out);
	return text;
}

static void holds(const char *text, const char *line)
{
	if (!text || !strstr(text, line))
		fail_msg("no \"%s\" in:\n%s", line, text ? text : "nothing");
}

static void values_stand_under_their_names(void **state)
{
	struct ctl_snapshot snapshot = sample_snapshot();
	char *text = rendered(&snapshot);

	holds(text, "anode_queries_total{iface=\"eth0\",family=\"6\",path=\"passed\"} 4\n");
	holds(text, "anode_passed_total{reason=\"no_zone\"} 6\n");
	holds(text, "anode_fastpath_attached{iface=\"eth0\",mode=\"native\"} 1\n");
	holds(text, "anode_fastpath_lease_seconds 60.000\n");
	holds(text, "anode_zone_serial{zone=\"a\\\\\\\"b.example\",where=\"fast\"} 7\n");
	holds(text, "anode_zone_age_seconds{zone=\"a\\\\\\\"b.example\"} 2.500\n");
	holds(text, "anode_wanted{prefix=\"203.0.113.0/24\"} 0.5\n");
	holds(text, "anode_announced{prefix=\"203.0.113.0/24\"} 1\n");
	holds(text, "anode_build_info{version=\"9.9.9\"} 1\n");
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

/* OpenMetrics: a family's samples stand together behind its TYPE, counters end
 * in _total, info in _info, and no family comes twice. */
static void families_are_whole_and_declared_once(void **state)
{
	struct ctl_snapshot snapshot = sample_snapshot();
	char *text = rendered(&snapshot), *save = NULL, name[64] = "", type[16] = "",
	     seen[4096] = "";

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char marked[80], expected[96];

		if (sscanf(line, "# TYPE %63s %15s", name, type) == 2) {
			snprintf(marked, sizeof(marked), " %s ", name);
			assert_null(strstr(seen, marked));
			strcat(seen, marked);
		} else if (line[0] != '#') {
			snprintf(expected, sizeof(expected), "%s%s", name,
				strcmp(type, "counter") == 0 ? "_total"
				: strcmp(type, "info") == 0  ? "_info"
							     : "");
			assert_int_equal(strncmp(line, expected, strlen(expected)), 0);
			assert_true(line[strlen(expected)] == '{' || line[strlen(expected)] == ' ');
		}
	}
	free(text);
}

static void zone_labels_are_bounded(void **state)
{
	struct ctl_snapshot snapshot = sample_snapshot();
	size_t count = METRICS_ZONES + 10, lines = 0;
	struct ctl_zone *many = calloc(count, sizeof(*many));
	char *text;

	for (size_t i = 0; i < count; i++)
		many[i] = (struct ctl_zone){.name = "z.example", .has_fast = true};
	snapshot.zones = many;
	snapshot.zones_count = count;
	text = rendered(&snapshot);
	for (const char *p = text; (p = strstr(p, "anode_zone_serial{")); p++)
		lines++;
	assert_int_equal(lines, METRICS_ZONES);
	free(text);
	free(many);
}

/* One request over a connection of its own; the whole response. */
static void fetch(sd_event *loop, uint16_t port, const char *request, char *response, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	time_t end = time(NULL) + DEADLINE;
	size_t length = 0;

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	while (true) {
		ssize_t n = recv(fd, response + length, size - 1 - length, MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n > 0)
			length += (size_t)n;
		else
			assert_true(sd_event_run(loop, 10000) >= 0);
		assert_true(time(NULL) <= end);
	}
	response[length] = '\0';
	close(fd);
}

static void page_is_served_on_the_loop(void **state)
{
	static const char get[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	struct endpoint listen = {.port = 0};
	struct metrics *metrics;
	char response[16384];
	sd_event *loop;
	int r = -EADDRINUSE;

	assert_null(address_parse("127.0.0.1", &listen.address));
	assert_int_equal(sd_event_new(&loop), 0);
	for (uint16_t port = 29953; port < 30053 && r == -EADDRINUSE; port++) {
		listen.port = port;
		r = metrics_open(&metrics, loop, &listen, write_sample, NULL);
	}
	assert_int_equal(r, 0);
	fetch(loop, listen.port, get, response, sizeof(response));
	holds(response, "HTTP/1.1 200 OK");
	holds(response, "application/openmetrics-text");
	holds(response, "# EOF\n");
	fetch(loop, listen.port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", response,
		sizeof(response));
	holds(response, "HTTP/1.1 404");
	fetch(loop, listen.port,
		"POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
		"1\r\n\r\nx",
		response, sizeof(response));
	holds(response, "HTTP/1.1 405");
	metrics_close(metrics);
	sd_event_unref(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_stand_under_their_names),
		cmocka_unit_test(families_are_whole_and_declared_once),
		cmocka_unit_test(zone_labels_are_bounded),
		cmocka_unit_test(page_is_served_on_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
