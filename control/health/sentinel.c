/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A standing TCP connection to the local server that carries nothing.
 */
#include "control/health/sentinel.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "control/health/address.h"
#include "control/health/timer.h"

/* Back at once after a connection that lived so long, else doubling. */
#define LIVED_MS     1000
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000

struct sentinel {
	sd_event *loop;
	struct sockaddr_storage source, destination;
	sentinel_ended_fn *ended;
	void *arg;
	sd_event_source *io, *timer;
	int fd;
	bool connected;
	struct mono since;
	struct span retry;
};

static void disconnect(struct sentinel *sentinel)
{
	sentinel->io = sd_event_source_disable_unref(sentinel->io);
	if (sentinel->fd >= 0)
		close(sentinel->fd);
	sentinel->fd = -1;
	sentinel->connected = false;
}

static void again_later(struct sentinel *sentinel)
{
	struct mono now = mono_now();

	if (sentinel->connected && mono_since(now, sentinel->since).ns >= span_ms(LIVED_MS).ns)
		sentinel->retry = span_ms(RETRY_MIN_MS);
	disconnect(sentinel);
	timer_set(sentinel->timer, mono_after(now, sentinel->retry));
	sentinel->retry.ns *= 2;
	if (sentinel->retry.ns > span_ms(RETRY_MAX_MS).ns)
		sentinel->retry = span_ms(RETRY_MAX_MS);
}

/* Connected, or over. What the server sends unasked is thrown away. */
static int ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct sentinel *sentinel = arg;
	bool was_connected = sentinel->connected;
	char bytes[512];
	ssize_t n;

	if (!was_connected && !(revents & (EPOLLERR | EPOLLHUP))) {
		sentinel->connected = true;
		sentinel->since = mono_now();
		sd_event_source_set_io_events(source, EPOLLIN | EPOLLRDHUP);
		return 0;
	}
	if (!(revents & (EPOLLERR | EPOLLHUP))) {
		n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
			return 0;
	}
	again_later(sentinel);
	if (was_connected)
		sentinel->ended(sentinel->arg);
	return 0;
}

static int connect_begin(struct sentinel *sentinel)
{
	int r;

	sentinel->fd = socket(
		sentinel->destination.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sentinel->fd < 0)
		return -errno;
	if (sentinel->source.ss_family != AF_UNSPEC &&
		bind(sentinel->fd, (const struct sockaddr *)&sentinel->source,
			address_size(&sentinel->source)) < 0)
		return -errno;
	r = sd_event_add_io(sentinel->loop, &sentinel->io, sentinel->fd, EPOLLOUT, ready, sentinel);
	if (r >= 0)
		r = sd_event_source_set_priority(sentinel->io, HEALTH_PRIORITY_ANSWER);
	if (r < 0)
		return r;
	if (connect(sentinel->fd, (const struct sockaddr *)&sentinel->destination,
		    address_size(&sentinel->destination)) < 0 &&
		errno != EINPROGRESS)
		return -errno;
	return 0;
}

static int due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct sentinel *sentinel = arg;

	if (sentinel->fd >= 0)
		return 0;
	if (connect_begin(sentinel) < 0)
		again_later(sentinel);
	return 0;
}

void sentinel_now(struct sentinel *sentinel)
{
	if (!sentinel || sentinel->fd >= 0)
		return;
	sentinel->retry = span_ms(RETRY_MIN_MS);
	timer_set(sentinel->timer, mono_now());
}

int sentinel_new(struct sentinel **out, sd_event *loop, const struct sockaddr_storage *source,
	const struct sockaddr_storage *destination, sentinel_ended_fn *ended, void *arg)
{
	struct sentinel *sentinel = calloc(1, sizeof *sentinel);
	int r;

	if (!sentinel)
		return -ENOMEM;
	sentinel->fd = -1;
	sentinel->loop = sd_event_ref(loop);
	sentinel->source = *source;
	sentinel->destination = *destination;
	sentinel->ended = ended;
	sentinel->arg = arg;
	sentinel->retry = span_ms(RETRY_MIN_MS);
	r = timer_new(loop, &sentinel->timer, due, sentinel);
	if (r < 0) {
		sentinel_free(sentinel);
		return r;
	}
	timer_set(sentinel->timer, mono_now());
	*out = sentinel;
	return 0;
}

void sentinel_free(struct sentinel *sentinel)
{
	if (!sentinel)
		return;
	disconnect(sentinel);
	sd_event_source_disable_unref(sentinel->timer);
	sd_event_unref(sentinel->loop);
	free(sentinel);
}
