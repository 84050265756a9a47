/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flight.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW         64 /* queries in flight to one server */
#define TRIES          6
#define AGAIN_MS       1000
#define REPLY_MAX      65536
#define SERVERS_MAX    16
#define RECEIVE_BUFFER (4 << 20)

enum state { WAITING, SENT, DONE };

/* One server's share of a batch. */
struct course {
	enum state state[FLIGHT_BATCH];
	uint8_t tries[FLIGHT_BATCH];
	int64_t sent_ms[FLIGHT_BATCH];
	size_t next; /* the first that was never sent */
	size_t in_flight, done;
};

int64_t flight_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

int flight_open(struct flight_server *server, const char *name, const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
	int size = RECEIVE_BUFFER, error;

	snprintf(server->name, sizeof(server->name), "%s", name);
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return -EINVAL;
	server->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return -errno;
	setsockopt(server->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (!connect(server->fd, (struct sockaddr *)&to, sizeof(to)))
		return 0;
	error = -errno;
	flight_close(server);
	return error;
}

void flight_close(struct flight_server *server)
{
	if (server->fd >= 0)
		close(server->fd);
	server->fd = -1;
}

static void course_send(struct course *c, int fd, const struct flight_query *queries, size_t i)
{
	/* What isn't sent now is sent again later. */
	(void)!send(fd, queries[i].octets, queries[i].size, 0);
	c->sent_ms[i] = flight_now_ms();
	c->tries[i]++;
	if (c->state[i] == WAITING)
		c->in_flight++;
	c->state[i] = SENT;
}

static void course_settle(struct course *c, size_t i)
{
	c->state[i] = DONE;
	c->in_flight--;
	c->done++;
}

static void course_fill(struct course *c, int fd, const struct flight_query *queries, size_t count)
{
	while (c->in_flight < WINDOW && c->next < count)
		course_send(c, fd, queries, c->next++);
}

static void course_repeat(
	struct course *c, int fd, const struct flight_query *queries, size_t count)
{
	int64_t now = flight_now_ms();

	for (size_t i = 0; i < c->next && i < count; i++) {
		if (c->state[i] != SENT || now - c->sent_ms[i] < AGAIN_MS)
			continue;
		if (c->tries[i] >= TRIES)
			course_settle(c, i);
		else
			course_send(c, fd, queries, i);
	}
}

/* Takes what has come. -ENOMEM, or 0. */
static int course_receive(struct course *c, int fd, size_t count, struct flight_reply *replies)
{
	static uint8_t octets[REPLY_MAX];
	ssize_t size;

	while ((size = recv(fd, octets, sizeof(octets), 0)) >= 0 || errno == ECONNREFUSED) {
		size_t i;

		if (size < 12)
			continue;
		i = (size_t)(octets[0] << 8 | octets[1]);
		if (i >= count || c->state[i] != SENT)
			continue; /* late: of a query that was sent twice, or of another batch */
		replies[i].octets = malloc((size_t)size);
		if (!replies[i].octets)
			return -ENOMEM;
		memcpy(replies[i].octets, octets, (size_t)size);
		replies[i].size = (size_t)size;
		course_settle(c, i);
	}
	return 0;
}

/* Late replies to an earlier batch would be taken for this one's. */
static void socket_drain(int fd)
{
	uint8_t octets[16];

	while (recv(fd, octets, sizeof(octets), 0) >= 0)
		;
}

int flight_ask(const struct flight_server *servers, size_t server_count,
	const struct flight_query *queries, size_t count, struct flight_reply *replies)
{
	struct course *courses = calloc(server_count, sizeof(*courses));
	struct pollfd wait[SERVERS_MAX];
	size_t done = 0;
	int error = 0;

	if (!courses || server_count > SERVERS_MAX || count > FLIGHT_BATCH) {
		free(courses);
		return courses ? -EINVAL : -ENOMEM;
	}
	memset(replies, 0, server_count * count * sizeof(*replies));
	for (size_t s = 0; s < server_count; s++) {
		wait[s] = (struct pollfd){.fd = servers[s].fd, .events = POLLIN};
		socket_drain(servers[s].fd);
	}
	while (!error && done < server_count * count) {
		done = 0;
		for (size_t s = 0; s < server_count; s++)
			course_fill(&courses[s], servers[s].fd, queries, count);
		poll(wait, server_count, 50);
		for (size_t s = 0; s < server_count && !error; s++) {
			error = course_receive(
				&courses[s], servers[s].fd, count, replies + s * count);
			course_repeat(&courses[s], servers[s].fd, queries, count);
			done += courses[s].done;
		}
	}
	free(courses);
	return error;
}

void flight_replies_free(struct flight_reply *replies, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(replies[i].octets);
}

bool flight_ready(
	const struct flight_server *server, const struct flight_query *query, int64_t deadline_ms)
{
	struct pollfd wait = {.fd = server->fd, .events = POLLIN};
	uint8_t reply[512];

	do {
		(void)!send(server->fd, query->octets, query->size, 0);
		poll(&wait, 1, 50);
		if (recv(server->fd, reply, sizeof(reply), 0) >= 12 && (reply[3] & 15) == 0)
			return true;
		usleep(10000); /* the deadline ends it */
	} while (flight_now_ms() < deadline_ms);
	return false;
}
