/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Connection to BIRD's control socket.
 */
#include "control/health/bird.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/health/bird_show.h"
#include "control/health/timer.h"

/* A reply longer than this is not one to a command of ours. */
#define REPLY_MAX (1024 * 1024)
/* Read at most so much in one turn of the loop. */
#define TURN_MAX (64 * 1024)

enum bird_state {
	STATE_WAITING,  /* no socket; the timer ends the backoff */
	STATE_GREETING, /* connected; the timer ends the wait */
	STATE_IDLE,
	STATE_BUSY,  /* a command is in flight */
	STATE_STALE, /* its reply is late: dropped when it comes, then idle again */
};

struct bird {
	sd_event *loop;
	struct sockaddr_un address;
	struct bird_options options;
	struct bird_events events;
	void *arg;

	enum bird_state state;
	enum bird_link link;
	int fd;
	sd_event_source *io;
	sd_event_source *timer;
	struct span backoff;
	size_t reply_bytes;
	struct bird_reader reader;
	char version[32];
	char error[160];
};

const char *bird_link_name(enum bird_link link)
{
	switch (link) {
	case BIRD_UNKNOWN:
		return "unknown";
	case BIRD_UP:
		return "up";
	case BIRD_SILENT:
		return "silent";
	case BIRD_GONE:
		return "gone";
	}
	return "?";
}

bool bird_idle(const struct bird *bird)
{
	return bird->state == STATE_IDLE;
}

enum bird_link bird_link(const struct bird *bird)
{
	return bird->link;
}

const char *bird_version(const struct bird *bird)
{
	return bird->version;
}

const char *bird_error(const struct bird *bird)
{
	return bird->error;
}

static void timer_in(struct bird *bird, struct span span)
{
	timer_set(bird->timer, mono_after(mono_now(), span));
}

/* The only place where the state changes: arms what the new one needs. */
static void state_enter(struct bird *bird, enum bird_state state)
{
	bird->state = state;
	switch (state) {
	case STATE_WAITING:
		timer_in(bird, bird->backoff);
		bird->backoff.ns *= 2;
		if (bird->backoff.ns > bird->options.backoff_max.ns)
			bird->backoff = bird->options.backoff_max;
		break;
	case STATE_GREETING:
		bird_reader_reset(&bird->reader);
		bird->reply_bytes = 0;
		timer_in(bird, bird->options.greeting_timeout);
		break;
	case STATE_IDLE:
		bird->backoff = bird->options.backoff_min;
		timer_off(bird->timer);
		break;
	case STATE_BUSY:
		bird->reply_bytes = 0;
		timer_in(bird, bird->options.reply_timeout);
		break;
	case STATE_STALE:
		timer_in(bird, bird->options.silent_retry);
		break;
	}
}

static void link_set(struct bird *bird, enum bird_link link)
{
	if (bird->link == link)
		return;
	bird->link = link;
	if (link == BIRD_UP)
		bird->error[0] = '\0';
	bird->events.link(bird->arg, link);
}

static void disconnect(struct bird *bird)
{
	bird->io = sd_event_source_disable_unref(bird->io);
	if (bird->fd >= 0)
		close(bird->fd);
	bird->fd = -1;
}

/* The connection is over. */
static void fail(struct bird *bird, enum bird_link link, int error, const char *what)
{
	bool busy = bird->state == STATE_BUSY;

	snprintf(bird->error, sizeof bird->error, "%s: %s", bird->address.sun_path, what);
	disconnect(bird);
	state_enter(bird, STATE_WAITING);
	/* The link first: whoever hears of a failed command must know why. */
	link_set(bird, link);
	if (busy)
		bird->events.done(bird->arg, error);
}

/* A complete line while no reply is due. */
static int line_unasked(struct bird *bird, const struct bird_line *line)
{
	char version[32];

	if (bird->state != STATE_GREETING || line->kind != BIRD_LINE_LAST ||
		line->code != BIRD_CODE_WELCOME || bird_version_parse(version, line->text) < 0)
		return -EBADMSG;
	memcpy(bird->version, version, sizeof version);
	return 1;
}

/* Takes what was read. 1: the greeting or the reply in flight is complete.
 * Nothing but asynchronous lines may follow it: the next command isn't sent. */
static int take(struct bird *bird, const char *bytes, size_t len)
{
	struct bird_line line;
	int complete = 0;
	size_t used;
	int r;

	for (; len > 0; bytes += used, len -= used) {
		r = bird_reader_push(&bird->reader, bytes, len, &used, &line);
		if (r < 0)
			return r;
		if (r == 0 || line.kind == BIRD_LINE_ASYNC)
			continue;
		if (complete)
			return -EBADMSG;
		if (bird->state == STATE_BUSY) {
			bird->events.line(bird->arg, &line);
			complete = line.kind == BIRD_LINE_LAST;
		} else if (bird->state == STATE_STALE) {
			complete = line.kind == BIRD_LINE_LAST;
		} else {
			complete = line_unasked(bird, &line);
			if (complete < 0)
				return complete;
		}
	}
	return complete;
}

static void complete(struct bird *bird)
{
	bool busy = bird->state == STATE_BUSY;

	state_enter(bird, STATE_IDLE);
	link_set(bird, BIRD_UP);
	if (busy)
		bird->events.done(bird->arg, 0);
}

static int readable(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct bird *bird = arg;
	char bytes[8192];

	for (size_t turn = 0; turn < TURN_MAX;) {
		ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0) {
			fail(bird, BIRD_GONE, -ECONNRESET,
				n == 0 ? "BIRD closed the connection" : strerror(errno));
			return 0;
		}
		turn += (size_t)n;
		bird->reply_bytes += (size_t)n;
		if (bird->reply_bytes > REPLY_MAX) {
			fail(bird, BIRD_SILENT, -EMSGSIZE, "reply longer than 1 MiB");
			return 0;
		}
		r = take(bird, bytes, (size_t)n);
		if (r < 0) {
			fail(bird, BIRD_SILENT, -EBADMSG, "not BIRD's control protocol");
			return 0;
		}
		if (r > 0) {
			/* The event may have sent the next command, or failed. */
			complete(bird);
			return 0;
		}
	}
	return 0;
}

static void connect_now(struct bird *bird)
{
	int r;

	bird->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bird->fd < 0) {
		/* Our trouble, not BIRD's. */
		r = errno;
		fail(bird, bird->link == BIRD_UNKNOWN ? BIRD_SILENT : bird->link, -r, strerror(r));
		return;
	}
	/* A local connect is over at once; EAGAIN = the accept queue is full,
	 * so somebody listens who doesn't accept. */
	if (connect(bird->fd, (const struct sockaddr *)&bird->address, sizeof bird->address) < 0) {
		r = errno;
		fail(bird, r == EAGAIN ? BIRD_SILENT : BIRD_GONE, -r,
			r == EAGAIN ? "BIRD accepts no connection" : strerror(r));
		return;
	}
	r = sd_event_add_io(bird->loop, &bird->io, bird->fd, EPOLLIN, readable, bird);
	if (r >= 0)
		r = sd_event_source_set_priority(bird->io, HEALTH_PRIORITY_BIRD);
	if (r < 0) {
		fail(bird, bird->link == BIRD_UNKNOWN ? BIRD_SILENT : bird->link, r, strerror(-r));
		return;
	}
	state_enter(bird, STATE_GREETING);
}

static int expired(sd_event_source *source, uint64_t usec, void *arg)
{
	struct bird *bird = arg;

	switch (bird->state) {
	case STATE_WAITING:
		connect_now(bird);
		break;
	case STATE_GREETING:
		/* It may still come; the connection is kept so that it is seen at
		 * once, and given up for a new one only after silent_retry. */
		if (bird->link == BIRD_SILENT) {
			fail(bird, BIRD_SILENT, -ETIMEDOUT, "BIRD doesn't greet");
			break;
		}
		snprintf(bird->error, sizeof bird->error, "%s: BIRD doesn't greet",
			bird->address.sun_path);
		timer_in(bird, bird->options.silent_retry);
		link_set(bird, BIRD_SILENT);
		break;
	case STATE_BUSY:
		snprintf(bird->error, sizeof bird->error, "%s: BIRD doesn't reply",
			bird->address.sun_path);
		state_enter(bird, STATE_STALE);
		link_set(bird, BIRD_SILENT);
		bird->events.done(bird->arg, -ETIMEDOUT);
		break;
	case STATE_STALE:
		fail(bird, BIRD_SILENT, -ETIMEDOUT, "BIRD doesn't reply");
		break;
	case STATE_IDLE:
		break;
	}
	return 0;
}

int bird_command(struct bird *bird, const char *text)
{
	char line[BIRD_COMMAND_MAX];
	size_t len = strlen(text);
	ssize_t n;

	if (len == 0 || len > sizeof line - 2)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return -EINVAL;
	if (bird->state == STATE_BUSY)
		return -EBUSY;
	if (bird->state != STATE_IDLE)
		return -ENOTCONN;
	memcpy(line, text, len);
	line[len++] = '\n';
	state_enter(bird, STATE_BUSY);
	/* BIRD hangs on a line that comes in parts: one write, all of it. */
	n = send(bird->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == (ssize_t)len)
		return 0;
	n = n < 0 ? -errno : -EAGAIN;
	bird->state = STATE_IDLE; /* nothing in flight: no done event */
	fail(bird, n == -EAGAIN ? BIRD_SILENT : BIRD_GONE, (int)n, strerror((int)-n));
	return (int)n;
}

static struct span or_default(struct span value, int64_t ms)
{
	return value.ns > 0 ? value : span_ms(ms);
}

int bird_new(struct bird **out, sd_event *loop, const struct bird_options *options,
	const struct bird_events *events, void *arg)
{
	struct bird *bird;
	int r;

	if (strlen(options->socket) >= sizeof bird->address.sun_path)
		return -ENAMETOOLONG;
	bird = calloc(1, sizeof *bird);
	if (!bird)
		return -ENOMEM;
	bird->fd = -1;
	bird->loop = sd_event_ref(loop);
	bird->address.sun_family = AF_UNIX;
	strcpy(bird->address.sun_path, options->socket);
	bird->options = *options;
	bird->options.socket = NULL;
	bird->options.greeting_timeout = or_default(options->greeting_timeout, 1000);
	bird->options.reply_timeout = or_default(options->reply_timeout, 1000);
	bird->options.backoff_min = or_default(options->backoff_min, 20);
	bird->options.backoff_max = or_default(options->backoff_max, 500);
	bird->options.silent_retry = or_default(options->silent_retry, 5000);
	bird->backoff = bird->options.backoff_min;
	bird->events = *events;
	bird->arg = arg;
	bird->state = STATE_WAITING;
	r = timer_new(loop, &bird->timer, expired, bird);
	if (r < 0) {
		bird_free(bird);
		return r;
	}
	timer_set(bird->timer, mono_now());
	*out = bird;
	return 0;
}

void bird_free(struct bird *bird)
{
	if (!bird)
		return;
	disconnect(bird);
	sd_event_source_disable_unref(bird->timer);
	sd_event_unref(bird->loop);
	free(bird);
}
