/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/config.h"

#define SOCKET_DEFAULT "/run/anode/control.sock"
/* Far above what a page of zones takes. */
#define RESPONSE_MAX ((size_t)64 << 20)

struct client {
	struct cli *cli;
	int fd;
	char path[108];
	char *in; /* bytes of the response so far */
	size_t length, room;
	uint64_t deadline; /* CLOCK_MONOTONIC us, of the request under way */
};

/* -s, then the environment, then the configuration, then the default. */
static int path_find(struct client *client)
{
	const char *path = client->cli->socket ? client->cli->socket : getenv("ANODE_SOCKET");
	const char *file = client->cli->config ? client->cli->config : CONFIG_DEFAULT_PATH;
	struct config *config = NULL;
	struct config_error error;

	if (!path && config_read(file, &config, &error) < 0 && client->cli->config) {
		config_error_print(&error, file, stderr);
		return EXIT_CONFIG;
	}
	if (!path)
		path = config ? config->control.socket : SOCKET_DEFAULT;
	if (strlen(path) >= sizeof(client->path)) {
		config_free(config);
		return cli_usage(client->cli, "%s: too long for a socket's path", path);
	}
	strcpy(client->path, path);
	config_free(config);
	return EXIT_GOOD;
}

/* EXIT_GOOD when the socket is ready for `events`. */
static int client_wait(struct client *client, short events)
{
	struct pollfd pollfd = {client->fd, events, 0};
	int r;

	do {
		uint64_t now = clock_monotonic_us();

		if (now >= client->deadline)
			r = 0;
		else
			r = poll(&pollfd, 1, (int)((client->deadline - now) / 1000) + 1);
	} while (r < 0 && errno == EINTR);
	if (r == 0) {
		cli_error(client->cli, "%s: no answer within the time of --timeout", client->path);
		return EXIT_TIMEOUT;
	}
	if (r < 0) {
		cli_error(client->cli, "%s: %s", client->path, strerror(errno));
		return EXIT_FAILED;
	}
	return EXIT_GOOD;
}

int client_open(struct cli *cli, struct client **out)
{
	struct client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	*out = NULL;
	if (!client)
		return EXIT_FAILED;
	client->cli = cli;
	client->fd = -1;
	r = path_find(client);
	if (r != EXIT_GOOD)
		goto out;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	strcpy(address.sun_path, client->path);
	if (client->fd < 0 ||
		connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		cli_error(cli, "%s: %s%s", client->path, strerror(errno),
			errno == ENOENT || errno == ECONNREFUSED ? "; is anoded running?" : "");
		r = EXIT_UNREACHABLE;
	}
out:
	if (r != EXIT_GOOD) {
		client_close(client);
		return r;
	}
	*out = client;
	return EXIT_GOOD;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->in);
	free(client);
}

static int line_send(struct client *client, const char *line, size_t length)
{
	while (length > 0) {
		ssize_t n = send(client->fd, line, length, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			line += n;
			length -= (size_t)n;
			continue;
		}
		/* A daemon that refuses us has said why before it closed. */
		if (errno == EPIPE)
			return EXIT_GOOD;
		if (errno != EAGAIN && errno != EINTR) {
			cli_error(client->cli, "%s: %s", client->path, strerror(errno));
			return EXIT_UNREACHABLE;
		}
		r = client_wait(client, POLLOUT);
		if (r != EXIT_GOOD)
			return r;
	}
	return EXIT_GOOD;
}

/* Reads up to a newline, which becomes a NUL. */
static int line_receive(struct client *client)
{
	client->length = 0;
	while (true) {
		ssize_t n;
		int r;

		if (client->room - client->length < 65536) {
			size_t room = client->room ? client->room * 2 : 131072;
			char *larger = room > RESPONSE_MAX ? NULL : realloc(client->in, room);

			if (!larger) {
				cli_error(client->cli, "%s: the answer is too large", client->path);
				return EXIT_FAILED;
			}
			client->in = larger;
			client->room = room;
		}
		r = client_wait(client, POLLIN);
		if (r != EXIT_GOOD)
			return r;
		n = recv(client->fd, client->in + client->length, client->room - client->length, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0) {
			cli_error(
				client->cli, "%s: the daemon closed the connection", client->path);
			return EXIT_UNREACHABLE;
		}
		client->length += (size_t)n;
		if (client->in[client->length - 1] == '\n') {
			client->in[client->length - 1] = '\0';
			return EXIT_GOOD;
		}
	}
}

static int error_exit(const char *code)
{
	static const struct {
		const char *code;
		int exit;
	} codes[] = {
		{"bad-request", EXIT_USAGE},
		{"too-long", EXIT_USAGE},
		{"bad-config", EXIT_CONFIG},
		{"busy", EXIT_UNREACHABLE},
	};

	for (size_t i = 0; code && i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].exit;
	}
	return EXIT_FAILED;
}

/* The result out of a response, or the error it tells. */
static int response_take(struct client *client, json_t **result)
{
	json_error_t json_error;
	json_t *response = json_loads(client->in, JSON_REJECT_DUPLICATES, &json_error), *error;
	int r = EXIT_GOOD;

	*result = NULL;
	if (json_integer_value(json_object_get(response, "schema")) != 1) {
		cli_error(client->cli, "%s: an answer that isn't of schema 1%s%s", client->path,
			response ? "" : ": ", response ? "" : json_error.text);
		r = EXIT_FAILED;
	} else if (json_is_true(json_object_get(response, "ok"))) {
		*result = json_incref(json_object_get(response, "result"));
		if (!json_is_object(*result))
			r = EXIT_FAILED;
	} else {
		const char *message;

		error = json_object_get(response, "error");
		message = json_string_value(json_object_get(error, "message"));
		cli_error(client->cli, "%s", message ? message : "refused, without a reason");
		r = error_exit(json_string_value(json_object_get(error, "code")));
	}
	json_decref(response);
	return r;
}

int client_ask(struct client *client, const char *command, json_t *args, json_t **result)
{
	json_t *request = json_pack("{s:i, s:s}", "schema", 1, "command", command);
	char *line = NULL, *longer;
	int r = EXIT_FAILED;
	size_t length;

	*result = NULL;
	if (args)
		json_object_set_new(request, "args", args);
	line = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	longer = line ? realloc(line, strlen(line) + 2) : NULL;
	if (!longer) {
		free(line);
		cli_error(client->cli, "out of memory");
		return EXIT_FAILED;
	}
	length = strlen(longer);
	memcpy(longer + length, "\n", 2);
	client->deadline = clock_monotonic_us() + client->cli->timeout_us;
	r = line_send(client, longer, length + 1);
	free(longer);
	if (r == EXIT_GOOD)
		r = line_receive(client);
	if (r == EXIT_GOOD)
		r = response_take(client, result);
	return r;
}

int client_request(struct cli *cli, const char *command, json_t *args, json_t **result)
{
	struct client *client;
	int r = client_open(cli, &client);

	*result = NULL;
	if (r != EXIT_GOOD) {
		json_decref(args);
		return r;
	}
	r = client_ask(client, command, args, result);
	client_close(client);
	return r;
}
