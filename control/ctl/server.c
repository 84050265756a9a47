/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/ctl/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/ctl/render.h"

#define BUSY_LINE                                                                                  \
	"{\"schema\":1,\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":\"too many "          \
	"clients\"}}\n"

struct ctl_client {
	struct ctl_server *server;
	sd_event_source *io, *timer;
	int fd;
	struct ctl_peer peer;
	/* One byte more than a line may have, for its newline. */
	char in[CTL_REQUEST_MAX + 1];
	size_t in_length;
	char *out; /* the response being sent, NULL: none */
	size_t out_length, out_sent;
	bool closing; /* when `out` is gone */
};

struct ctl_server {
	sd_event *loop;
	sd_event_source *io;
	int fd;
	uint64_t patience; /* us */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	ctl_answer *answer;
	void *arg;
	struct ctl_client *clients[CTL_CLIENTS];
};

static void client_close(struct ctl_client *client)
{
	if (!client)
		return;
	for (size_t i = 0; i < CTL_CLIENTS; i++) {
		if (client->server->clients[i] == client)
			client->server->clients[i] = NULL;
	}
	sd_event_source_disable_unref(client->io);
	sd_event_source_disable_unref(client->timer);
	if (client->fd >= 0)
		close(client->fd);
	free(client->out);
	free(client);
}

static int client_late(sd_event_source *source, uint64_t usec, void *arg)
{
	client_close(arg);
	return 0;
}

/* A client has this long for its next step: a request line, or reading. */
static int client_wait(struct ctl_client *client)
{
	int r = sd_event_source_set_time_relative(client->timer, client->server->patience);

	if (r < 0)
		return r;
	return sd_event_source_set_enabled(client->timer, SD_EVENT_ONESHOT);
}

/* Takes `line` over and adds the newline. False: no memory. */
static bool client_respond(struct ctl_client *client, char *line)
{
	size_t length;
	char *longer;

	if (!line)
		return false;
	length = strlen(line);
	longer = realloc(line, length + 2);
	if (!longer) {
		free(line);
		return false;
	}
	memcpy(longer + length, "\n", 2);
	client->out = longer;
	client->out_length = length + 1;
	client->out_sent = 0;
	return true;
}

/* 1: all is sent; 0: later; negative: the client is gone. */
static int client_send(struct ctl_client *client)
{
	while (client->out_sent < client->out_length) {
		ssize_t n = send(client->fd, client->out + client->out_sent,
			client->out_length - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		client->out_sent += (size_t)n;
	}
	free(client->out);
	client->out = NULL;
	return 1;
}

/* Answers the first whole line of the buffer, if there is one. False: the
 * connection has to go. */
static bool client_answer(struct ctl_client *client)
{
	char *end = memchr(client->in, '\n', client->in_length), message[256];
	struct ctl_request request;
	enum ctl_error error;
	char *line;

	if (!end && client->in_length <= CTL_REQUEST_MAX)
		return true;
	error = ctl_request_parse(client->in, end ? (size_t)(end - client->in) : client->in_length,
		&request, message, sizeof(message));
	if (error == CTL_OK)
		line = client->server->answer(client->server->arg, &request, &client->peer);
	else
		line = ctl_response_error(error, message);
	client->closing = error == CTL_TOO_LONG;
	client->in_length = end ? client->in_length - (size_t)(end + 1 - client->in) : 0;
	if (end)
		memmove(client->in, end + 1, client->in_length);
	return client_respond(client, line);
}

/* 0: end of the requests; negative: the client is gone; 1: go on. */
static int client_receive(struct ctl_client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_length,
		sizeof(client->in) - client->in_length, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	client->in_length += (size_t)n;
	return n > 0;
}

/* One turn: at most one request is answered, so that clients take turns. */
static int client_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct ctl_client *client = arg;
	bool waiting = false;
	int r;

	if (client->out) {
		r = client_send(client);
		if (r < 0 || (r > 0 && client->closing))
			goto gone;
		waiting = r == 0;
	} else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		r = client_receive(client);
		if (r <= 0)
			goto gone;
	}
	if (!client->out) {
		if (!client_answer(client))
			goto gone;
		if (client->out) {
			r = client_send(client);
			if (r < 0 || (r > 0 && client->closing))
				goto gone;
			waiting = r == 0;
		}
	}
	/* A second request that is already in the buffer is answered when the
	 * socket is writable, which it is at once. */
	if (client->out || memchr(client->in, '\n', client->in_length))
		waiting = true;
	if (sd_event_source_set_io_events(client->io, waiting ? EPOLLOUT : EPOLLIN) < 0 ||
		client_wait(client) < 0)
		goto gone;
	return 0;
gone:
	client_close(client);
	return 0;
}

static int client_open(struct ctl_server *server, int fd, struct ctl_client **place)
{
	struct ctl_client *client = calloc(1, sizeof(*client));
	struct ucred cred;
	socklen_t size = sizeof(cred);
	int r;

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	client->server = server;
	client->fd = fd;
	*place = client;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) {
		r = -errno;
		goto out;
	}
	client->peer.uid = cred.uid;
	client->peer.pid = cred.pid;
	/* A number: a name may need a directory server, and the loop can't wait. */
	snprintf(client->peer.name, sizeof(client->peer.name), "uid %u", cred.uid);
	r = sd_event_add_io(server->loop, &client->io, fd, EPOLLIN, client_ready, client);
	if (r < 0)
		goto out;
	r = sd_event_add_time_relative(server->loop, &client->timer, CLOCK_MONOTONIC,
		client->server->patience, 0, client_late, client);
out:
	if (r < 0)
		client_close(client);
	return r < 0 ? r : 0;
}

static int server_ready(sd_event_source *source, int listener, uint32_t events, void *arg)
{
	struct ctl_server *server = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return 0;
	for (size_t i = 0; i < CTL_CLIENTS; i++) {
		if (!server->clients[i]) {
			client_open(server, fd, &server->clients[i]);
			return 0;
		}
	}
	/* A new socket's buffer takes a short line. */
	if (send(fd, BUSY_LINE, strlen(BUSY_LINE), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		errno = 0;
	close(fd);
	return 0;
}

/* Does somebody answer there? A socket without a listener may be replaced. */
static bool socket_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

static int server_listen(struct ctl_server *server)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t mask;
	int r;

	memcpy(address.sun_path, server->path, sizeof(address.sun_path));
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return -errno;
	if (lstat(server->path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return -EEXIST;
		if (socket_alive(&address))
			return -EADDRINUSE;
		if (unlink(server->path) < 0)
			return -errno;
	}
	/* No moment in which the socket is open to others. */
	mask = umask(0117);
	r = bind(server->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return r;
	return listen(server->fd, CTL_CLIENTS) < 0 ? -errno : 0;
}

int ctl_server_open(struct ctl_server **out, sd_event *loop, const struct ctl_options *options,
	ctl_answer *answer, void *arg)
{
	struct ctl_server *server = calloc(1, sizeof(*server));
	int r;

	*out = NULL;
	if (!server)
		return -ENOMEM;
	server->fd = -1;
	server->answer = answer;
	server->arg = arg;
	server->patience = options->patience.us ? options->patience.us : CTL_PATIENCE_US;
	if (strlen(options->socket) >= sizeof(server->path)) {
		free(server);
		return -ENAMETOOLONG;
	}
	strcpy(server->path, options->socket);
	server->loop = sd_event_ref(loop);
	r = server_listen(server);
	if (r >= 0)
		r = sd_event_add_io(loop, &server->io, server->fd, EPOLLIN, server_ready, server);
	if (r < 0) {
		/* A path that isn't ours stays. */
		if (r == -EADDRINUSE || r == -EEXIST)
			server->path[0] = '\0';
		ctl_server_close(server);
		return r;
	}
	*out = server;
	return 0;
}

void ctl_server_close(struct ctl_server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < CTL_CLIENTS; i++)
		client_close(server->clients[i]);
	sd_event_source_disable_unref(server->io);
	if (server->fd >= 0)
		close(server->fd);
	if (server->path[0])
		unlink(server->path);
	sd_event_unref(server->loop);
	free(server);
}
