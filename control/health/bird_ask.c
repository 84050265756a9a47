/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks BIRD one thing after the other and waits for each reply.
 */
#include "control/health/bird_ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/health/bird.h"
#include "control/health/bird_show.h"

struct bird_ask {
	int fd;
	int broken; /* negative errno that ended the conversation; 0 = none */
	struct span timeout;
	struct mono deadline; /* of the call under way */
	char version[32];
	struct bird_reader reader;
	char bytes[4096]; /* received, not yet read */
	size_t begin, end;
};

/* 0 when the socket is ready for `events`. */
static int ask_wait(const struct bird_ask *ask, short events)
{
	struct pollfd pollfd = {ask->fd, events, 0};
	int r;

	do {
		struct span left = mono_since(ask->deadline, mono_now());

		if (left.ns <= 0)
			return -ETIMEDOUT;
		r = poll(&pollfd, 1, (int)(span_to_ms(left) + 1));
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int ask_receive(struct bird_ask *ask)
{
	ssize_t n;
	int r;

	do {
		r = ask_wait(ask, POLLIN);
		if (r < 0)
			return r;
		n = recv(ask->fd, ask->bytes, sizeof ask->bytes, MSG_DONTWAIT);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (n < 0)
		return -errno;
	ask->begin = 0;
	ask->end = (size_t)n;
	return n == 0 ? -ECONNRESET : 0;
}

/* One line; valid until the next call. */
static int ask_line(struct bird_ask *ask, struct bird_line *line)
{
	while (true) {
		size_t used;
		int r = 0;

		if (ask->begin < ask->end)
			r = bird_reader_push(&ask->reader, ask->bytes + ask->begin,
				ask->end - ask->begin, &used, line);
		else
			used = 0;
		if (r < 0)
			return r;
		ask->begin += used;
		if (r == 1)
			return 0;
		r = ask_receive(ask);
		if (r < 0)
			return r;
	}
}

static int ask_reply(struct bird_ask *ask, bird_ask_line_fn *line_fn, void *arg)
{
	struct bird_line line;
	int r;

	do {
		r = ask_line(ask, &line);
		if (r < 0)
			return r;
		if (line.kind != BIRD_LINE_ASYNC)
			line_fn(arg, &line);
	} while (line.kind != BIRD_LINE_LAST);
	return 0;
}

static void greeting_line(void *arg, const struct bird_line *line)
{
	struct bird_ask *ask = arg;

	if (line->code == BIRD_CODE_WELCOME && bird_version_parse(ask->version, line->text) < 0)
		ask->version[0] = '\0';
}

/* A full accept queue (EAGAIN) is a BIRD that doesn't come round to accepting. */
static int ask_connect(struct bird_ask *ask, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ask->fd < 0)
		return -errno;
	while (connect(ask->fd, (struct sockaddr *)&address, sizeof address) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (!mono_before(mono_now(), ask->deadline))
			return -ETIMEDOUT;
		poll(NULL, 0, 10);
	}
	return 0;
}

int bird_ask_open(struct bird_ask **out, const char *path, struct span timeout)
{
	struct bird_ask *ask = calloc(1, sizeof *ask);
	int r;

	*out = NULL;
	if (!ask)
		return -ENOMEM;
	ask->fd = -1;
	ask->timeout = timeout;
	ask->deadline = mono_after(mono_now(), timeout);
	bird_reader_reset(&ask->reader);
	r = ask_connect(ask, path);
	if (r == 0)
		r = ask_reply(ask, greeting_line, ask);
	if (r == 0 && !ask->version[0])
		r = -EBADMSG;
	if (r < 0) {
		bird_ask_close(ask);
		return r;
	}
	*out = ask;
	return 0;
}

void bird_ask_close(struct bird_ask *ask)
{
	if (!ask)
		return;
	if (ask->fd >= 0)
		close(ask->fd);
	free(ask);
}

/* One write of at most BIRD_COMMAND_MAX bytes fits into an idle socket. */
int bird_ask(struct bird_ask *ask, const char *command, bird_ask_line_fn *line, void *arg)
{
	char text[BIRD_COMMAND_MAX];
	size_t length = strlen(command);
	ssize_t n;

	if (ask->broken)
		return ask->broken;
	if (length == 0 || length + 2 > sizeof text)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)command[i] < ' ' || command[i] == 0x7f)
			return -EINVAL;
	memcpy(text, command, length);
	text[length] = '\n';
	ask->deadline = mono_after(mono_now(), ask->timeout);
	n = send(ask->fd, text, length + 1, MSG_NOSIGNAL);
	if (n < 0)
		ask->broken = errno == EPIPE ? -ECONNRESET : -errno;
	else if ((size_t)n != length + 1)
		ask->broken = -ETIMEDOUT;
	else
		ask->broken = ask_reply(ask, line, arg);
	return ask->broken;
}

const char *bird_ask_version(const struct bird_ask *ask)
{
	return ask->version;
}

int bird_ask_peer(const struct bird_ask *ask, pid_t *pid, uid_t *uid, gid_t *gid)
{
	struct ucred who;
	socklen_t size = sizeof who;

	if (getsockopt(ask->fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
		return -errno;
	*pid = who.pid;
	*uid = who.uid;
	*gid = who.gid;
	return 0;
}
