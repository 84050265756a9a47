/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: a control socket that behaves, or misbehaves, like BIRD's.
 */
#include "tests/unit/health/fake_bird.h"
#include "tests/unit/health/must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void hang_up(struct fake_bird *fake)
{
	fake->client_io = sd_event_source_disable_unref(fake->client_io);
	if (fake->client >= 0)
		close(fake->client);
	fake->client = -1;
	fake->in_len = fake->out_len = fake->out_at = fake->out_total = 0;
}

/* Sends what is queued, as the test wants it cut. */
static int drip(sd_event_source *source, void *arg)
{
	struct fake_bird *fake = arg;
	size_t n = fake->out_len - fake->out_at;

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (fake->client < 0 || n == 0)
		return 0;
	if (fake->bytewise)
		n = 1;
	else if (fake->split && fake->out_at == 0 && fake->split < n)
		n = fake->split;
	if (fake->die_after && fake->out_total + n > fake->die_after)
		n = fake->die_after - fake->out_total;
	if (n && send(fake->client, fake->out + fake->out_at, n, MSG_NOSIGNAL) < 0) {
		hang_up(fake);
		return 0;
	}
	fake->out_at += n;
	fake->out_total += n;
	if (fake->die_after && fake->out_total >= fake->die_after) {
		hang_up(fake);
		return 0;
	}
	if (fake->out_at < fake->out_len)
		sd_event_source_set_enabled(source, SD_EVENT_ON);
	else
		fake->out_at = fake->out_len = 0;
	return 0;
}

void fake_bird_say(struct fake_bird *fake, const char *text, size_t len)
{
	fake->out = realloc(fake->out, fake->out_len + len);
	MUST(fake->out);
	memcpy(fake->out + fake->out_len, text, len);
	fake->out_len += len;
	sd_event_source_set_enabled(fake->drip, SD_EVENT_ON);
}

static void obey(struct fake_bird *fake)
{
	char *end;

	while ((end = memchr(fake->in, '\n', fake->in_len))) {
		const char *reply;
		size_t n = (size_t)(end - fake->in);

		memcpy(fake->last_command, fake->in, n);
		fake->last_command[n] = '\0';
		fake->in_len -= n + 1;
		memmove(fake->in, end + 1, fake->in_len);
		fake->commands++;
		fake->out_total = 0;
		reply = fake->reply ? fake->reply(fake->arg, fake->last_command) : "0000 \n";
		if (reply)
			fake_bird_say(fake, reply, strlen(reply));
	}
}

static int hear(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct fake_bird *fake = arg;
	ssize_t n;

	if (fake->frozen) {
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	n = recv(fd, fake->in + fake->in_len, sizeof fake->in - fake->in_len, MSG_DONTWAIT);
	if (n <= 0) {
		hang_up(fake);
		return 0;
	}
	fake->in_len += (size_t)n;
	MUST(fake->in_len < sizeof fake->in);
	obey(fake);
	return 0;
}

static int welcome(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct fake_bird *fake = arg;

	if (fake->frozen) {
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	hang_up(fake);
	fake->client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	MUST(fake->client >= 0);
	MUST(sd_event_add_io(fake->loop, &fake->client_io, fake->client, EPOLLIN, hear, fake) >= 0);
	fake->connections++;
	if (fake->greeting)
		fake_bird_say(fake, fake->greeting, strlen(fake->greeting));
	return 0;
}

void fake_bird_thaw(struct fake_bird *fake)
{
	fake->frozen = false;
	sd_event_source_set_enabled(fake->listener_io, SD_EVENT_ON);
	if (fake->client_io)
		sd_event_source_set_enabled(fake->client_io, SD_EVENT_ON);
}

void fake_bird_start(struct fake_bird *fake, sd_event *loop, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	fake->loop = loop;
	snprintf(fake->path, sizeof fake->path, "%s", path);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	unlink(path);
	fake->client = -1;
	if (!fake->greeting)
		fake->greeting = "0001 BIRD 2.0.12 ready.\n";
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	MUST(fake->listener >= 0);
	MUST(bind(fake->listener, (struct sockaddr *)&address, sizeof address) == 0);
	MUST(listen(fake->listener, 1) == 0);
	MUST(sd_event_add_io(loop, &fake->listener_io, fake->listener, EPOLLIN, welcome, fake) >=
		0);
	MUST(sd_event_add_defer(loop, &fake->drip, drip, fake) >= 0);
	sd_event_source_set_enabled(fake->drip, SD_EVENT_OFF);
}

void fake_bird_stop(struct fake_bird *fake)
{
	hang_up(fake);
	fake->listener_io = sd_event_source_disable_unref(fake->listener_io);
	fake->drip = sd_event_source_disable_unref(fake->drip);
	if (fake->listener >= 0)
		close(fake->listener);
	fake->listener = -1;
	free(fake->out);
	fake->out = NULL;
}
