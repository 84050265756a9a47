/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The metrics page: libmicrohttpd without threads, its epoll set in the loop. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "control/metrics.h"

#define CONNECTIONS 16
#define SECONDS     10

struct metrics {
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer;
	metrics_write *write;
	void *arg;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned int code, char *text,
	size_t size, const char *type)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result r;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	r = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result request(void *arg, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	struct metrics *metrics = arg;
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	/* Refused before its body, which nobody wants. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return respond(connection, MHD_HTTP_METHOD_NOT_ALLOWED, strdup("GET only\n"), 9,
			"text/plain");
	/* The first call comes with the headers; an answer to it closes the connection. */
	if (!*context) {
		*context = metrics;
		return MHD_YES;
	}
	*upload_size = 0;
	if (strcmp(url, "/metrics") != 0)
		return respond(
			connection, MHD_HTTP_NOT_FOUND, strdup("see /metrics\n"), 13, "text/plain");
	out = open_memstream(&text, &size);
	if (!out)
		return MHD_NO;
	metrics->write(metrics->arg, out);
	if (fclose(out) != 0) {
		free(text);
		return MHD_NO;
	}
	return respond(connection, MHD_HTTP_OK, text, size, METRICS_TYPE);
}

/* Lets libmicrohttpd do what is due, and asks when it is due again. */
static int metrics_run(struct metrics *metrics)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(metrics->daemon);
	if (MHD_get_timeout(metrics->daemon, &ms) != MHD_YES)
		return sd_event_source_set_enabled(metrics->timer, SD_EVENT_OFF);
	sd_event_source_set_time_relative(metrics->timer, (uint64_t)ms * 1000);
	return sd_event_source_set_enabled(metrics->timer, SD_EVENT_ONESHOT);
}

static int metrics_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	return metrics_run(arg);
}

static int metrics_due(sd_event_source *source, uint64_t usec, void *arg)
{
	return metrics_run(arg);
}

int metrics_open(struct metrics **out, sd_event *loop, const struct endpoint *listen,
	metrics_write *write, void *arg)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	const union MHD_DaemonInfo *info;
	struct sockaddr_storage address;
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
	int r;

	*out = NULL;
	if (!metrics)
		return -ENOMEM;
	metrics->write = write;
	metrics->arg = arg;
	address_sockaddr(&listen->address, listen->port, &address);
	if (listen->address.family == AF_INET6)
		flags |= MHD_USE_IPv6;
	errno = 0;
	metrics->daemon = MHD_start_daemon(flags, listen->port, NULL, NULL, request, metrics,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)SECONDS,
		MHD_OPTION_END);
	if (!metrics->daemon) {
		r = errno ? -errno : -EADDRNOTAVAIL;
		goto out;
	}
	info = MHD_get_daemon_info(metrics->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		r = -EOPNOTSUPP;
		goto out;
	}
	r = sd_event_add_io(loop, &metrics->io, info->epoll_fd, EPOLLIN, metrics_ready, metrics);
	if (r >= 0)
		r = sd_event_add_time_relative(
			loop, &metrics->timer, CLOCK_MONOTONIC, 0, 0, metrics_due, metrics);
	/* Behind what keeps the node healthy. */
	if (r >= 0)
		r = sd_event_source_set_priority(metrics->io, SD_EVENT_PRIORITY_IDLE);
out:
	if (r < 0) {
		metrics_close(metrics);
		return r;
	}
	*out = metrics;
	return 0;
}

void metrics_close(struct metrics *metrics)
{
	if (!metrics)
		return;
	sd_event_source_disable_unref(metrics->io);
	sd_event_source_disable_unref(metrics->timer);
	if (metrics->daemon)
		MHD_stop_daemon(metrics->daemon);
	free(metrics);
}
