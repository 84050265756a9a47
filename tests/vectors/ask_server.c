/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a real server the questions of a vector file's answered cases, and compares what it says.
 *
 *     ask_server --world FILE                  the zones and limits that the server needs for the
 * file ask_server --free-port                   a port of loopback that nobody uses ask_server
 * nsd|knot PORT FILE...         TAP lines without numbers, for a server on 127.0.0.1 and ::1
 *
 * It sends one UDP query at a time and waits for its reply; it starts nothing (the script `servers`
 * does).
 */
#include "vector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READY_SECONDS 15
#define TRY_MS        1000
#define HEADERS_IPV4  28
#define HEADERS_IPV6  48

static int loopback_address(
	bool ipv6, uint16_t port, struct sockaddr_storage *address, socklen_t *size)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};

	*size = ipv6 ? sizeof(six) : sizeof(four);
	memcpy(address, ipv6 ? (void *)&six : (void *)&four, *size);
	return ipv6 ? AF_INET6 : AF_INET;
}

/* A UDP socket connected to the server, or -1. */
static int server_connect(bool ipv6, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size;
	int fd =
		socket(loopback_address(ipv6, port, &address, &size), SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Sends until a reply with the query's ID comes; at first the server may not have started. Its
 * size, or -1. */
static ssize_t server_ask(
	int fd, const uint8_t *query, size_t query_size, uint8_t *reply, size_t room)
{
	int64_t deadline = now_ms() + READY_SECONDS * 1000;
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (now_ms() < deadline) {
		ssize_t size;

		if (send(fd, query, query_size, 0) < 0 || poll(&wait, 1, TRY_MS) != 1) {
			usleep(20000); /* refused: poll the port, the deadline ends it */
			continue;
		}
		size = recv(fd, reply, room, 0);
		if (size >= 2 && !memcmp(reply, query, 2))
			return size;
		if (size < 0)
			usleep(20000);
	}
	return -1;
}

static bool case_is_askable(const struct vector_case *c)
{
	return c->replies && !c->whole && !c->step_count && c->room == VECTOR_ROOM;
}

/* True if the server agrees as far as the file says that it does. What is wrong goes to `to`. */
static bool reply_judge(const struct vector_case *c, enum vector_server server,
	const uint8_t *reply, size_t size, FILE *to)
{
	unsigned known = c->differs[server], found;
	struct message m;
	char reason[200];
	bool ok = false;

	if (message_read(&m, reply, size, reason, sizeof(reason))) {
		fprintf(to, "its reply is malformed: %s\n", reason);
		goto out;
	}
	found = vector_message_compare(c, &m, to);
	if (found & ~known)
		fprintf(to, "and that wasn't known (- expected, + said)\n");
	if (known & ~found)
		fprintf(to, "the file says that they differ in more than they do\n");
	ok = found == known;
out:
	message_free(&m);
	return ok;
}

static bool case_ask(
	const struct vector_case *c, enum vector_server server, const int fds[2], FILE *to)
{
	static uint8_t reply[65536];
	uint8_t query[VECTOR_FRAME_MAX];
	size_t query_size = vector_message_build(c, query);
	ssize_t size =
		server_ask(fds[c->question.to.ipv6], query, query_size, reply, sizeof(reply));

	if (size < 0) {
		fprintf(to, "no reply within %d s\n", READY_SECONDS);
		return false;
	}
	return reply_judge(c, server, reply, (size_t)size, to);
}

static int file_ask(const char *path, enum vector_server server, const int fds[2])
{
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;
	int failed = 0;

	if (vector_load(&vector, path, error)) {
		printf("not ok - %s\n", error);
		return 1;
	}
	for (size_t i = 0; i < vector->case_count; i++) {
		const struct vector_case *c = &vector->cases[i];
		const char *slash = strrchr(path, '/');
		char *text = NULL, *save = NULL;
		size_t size = 0;
		FILE *to;
		bool ok;

		if (!case_is_askable(c))
			continue;
		to = open_memstream(&text, &size);
		if (!to)
			return 1;
		ok = case_ask(c, server, fds, to);
		fclose(to);
		printf("%sok - %s %s: %s\n", ok ? "" : "not ", vector_server_names[server],
			slash ? slash + 1 : path, c->title);
		for (char *line = strtok_r(text, "\n", &save); line && !ok;
			line = strtok_r(NULL, "\n", &save))
			printf("#   %s\n", line);
		if (!ok)
			printf("#   %s:%u\n", path, c->line);
		failed += !ok;
		free(text);
	}
	vector_free(vector);
	return failed;
}

/* What a server must be told to be the world of the file; the same text, the same server. */
static int world_print(const char *path)
{
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;
	const struct vector_settings *s;
	unsigned asked = 0;

	if (vector_load(&vector, path, error)) {
		fprintf(stderr, "%s\n", error);
		return 1;
	}
	for (size_t i = 0; i < vector->case_count; i++)
		asked += case_is_askable(&vector->cases[i]);
	s = &vector->settings;
	if (asked) {
		printf("limits %d %d\n",
			s->mtu - HEADERS_IPV4 < s->max_udp_size ? s->mtu - HEADERS_IPV4
								: s->max_udp_size,
			s->mtu - HEADERS_IPV6 < s->max_udp_size ? s->mtu - HEADERS_IPV6
								: s->max_udp_size);
		for (size_t i = 0; i < vector->zone_count; i++)
			if (vector->zones[i].path)
				printf("zone %s %s\n", vector->zones[i].origin,
					vector->zones[i].path);
	}
	vector_free(vector);
	return 0;
}

/* Tries whether both families and both transports have the port. */
static bool port_is_free(uint16_t port)
{
	bool free = true;

	for (int i = 0; i < 4 && free; i++) {
		struct sockaddr_storage address;
		socklen_t size;
		int family = loopback_address(i & 1, port, &address, &size);
		int fd = socket(family, (i & 2 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

		free = fd >= 0 && !bind(fd, (struct sockaddr *)&address, size);
		if (fd >= 0)
			close(fd);
	}
	return free;
}

static int free_port_print(void)
{
	srandom((unsigned)getpid());
	for (int i = 0; i < 1000; i++) {
		uint16_t port = (uint16_t)(10000 + random() % 20000);

		if (port_is_free(port)) {
			printf("%u\n", port);
			return 0;
		}
	}
	fputs("ask_server: no free port on loopback\n", stderr);
	return 1;
}

int main(int argc, char **argv)
{
	int server = -1, failed = 0;
	int fds[2];
	uint16_t port;

	if (argc == 2 && !strcmp(argv[1], "--free-port"))
		return free_port_print();
	if (argc == 3 && !strcmp(argv[1], "--world"))
		return world_print(argv[2]);
	for (int i = 0; i < SERVERS && argc > 3; i++)
		if (!strcmp(argv[1], vector_server_names[i]))
			server = i;
	if (server < 0) {
		fputs("Usage: ask_server --free-port | --world FILE | nsd|knot PORT FILE...\n",
			stderr);
		return 2;
	}
	port = (uint16_t)strtoul(argv[2], NULL, 10);
	fds[0] = server_connect(false, port);
	fds[1] = server_connect(true, port);
	if (fds[0] < 0 || fds[1] < 0) {
		printf("not ok - a socket on loopback: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 3; i < argc; i++)
		failed += file_ask(argv[i], (enum vector_server)server, fds);
	close(fds[0]);
	close(fds[1]);
	return failed != 0;
}
