/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

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
static ssize_t message_ask(
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

int server_open(struct server *server, enum vector_server kind, uint16_t port)
{
	*server = (struct server){
		.kind = kind, .fds = {server_connect(false, port), server_connect(true, port)}};
	if (server->fds[0] >= 0 && server->fds[1] >= 0)
		return 0;
	server_close(server);
	return -EADDRNOTAVAIL;
}

void server_close(struct server *server)
{
	for (int i = 0; i < 2; i++) {
		if (server->fds[i] >= 0)
			close(server->fds[i]);
		server->fds[i] = -1;
	}
}

ssize_t server_ask(const struct server *server, const struct vector_case *c, uint8_t *reply)
{
	uint8_t query[VECTOR_FRAME_MAX];
	size_t size = vector_message_build(c, query);

	return message_ask(server->fds[c->question.to.ipv6], query, size, reply, SERVER_REPLY_MAX);
}

bool server_can_ask(const struct vector *vector, const struct vector_case *c)
{
	return !vector->settings.time && c->replies && !c->whole && !c->step_count &&
	       c->room == VECTOR_ROOM;
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
		asked += server_can_ask(vector, &vector->cases[i]);
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

int server_options(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--free-port"))
		return free_port_print();
	if (argc == 3 && !strcmp(argv[1], "--world"))
		return world_print(argv[2]);
	return -1;
}

int server_kind(const char *name)
{
	for (int i = 0; i < SERVERS; i++)
		if (!strcmp(name, vector_server_names[i]))
			return i;
	return -1;
}
