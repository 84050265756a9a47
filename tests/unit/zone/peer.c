/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/zone/peer.h"

#include "control/zone/octets.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	abort();
}

static struct sockaddr_storage loopback(int family, uint16_t port)
{
	struct sockaddr_storage address = {.ss_family = (sa_family_t)family};

	if (family == AF_INET6) {
		struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
		six->sin6_addr = in6addr_loopback;
		six->sin6_port = htons(port);
	} else {
		struct sockaddr_in *four = (struct sockaddr_in *)&address;
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		four->sin_port = htons(port);
	}
	return address;
}

static int bind_to(int family, int type, uint16_t port)
{
	struct sockaddr_storage address = loopback(family, port);
	int fd = socket(family, type | SOCK_CLOEXEC, 0), on = 1;

	must(fd >= 0, "socket");
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address,
		    family == AF_INET6 ? sizeof(struct sockaddr_in6)
				       : sizeof(struct sockaddr_in))) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	must(!getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
	/* The port stands at the same place in both families. */
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static bool read_all(int fd, uint8_t *to, size_t size)
{
	for (ssize_t got; size; to += got, size -= (size_t)got) {
		got = read(fd, to, size);
		if (got <= 0)
			return false;
	}
	return true;
}

static void serve_tcp(struct peer *peer, struct ask *ask)
{
	uint8_t prefix[2];

	ask->from_size = sizeof(ask->from);
	ask->fd = accept4(peer->tcp, (struct sockaddr *)&ask->from, &ask->from_size, SOCK_CLOEXEC);
	if (ask->fd < 0)
		return;
	ask->tcp = true;
	if (read_all(ask->fd, prefix, 2) &&
		read_all(ask->fd, ask->query, ask->size = octets_u16(prefix))) {
		ask->id = octets_u16(ask->query);
		peer->tcp_count++;
		peer->answer(ask);
	}
	close(ask->fd);
}

static void serve_udp(struct peer *peer, struct ask *ask)
{
	ask->from_size = sizeof(ask->from);
	ask->fd = peer->udp;
	ask->tcp = false;
	ssize_t got = recvfrom(peer->udp, ask->query, sizeof(ask->query), 0,
		(struct sockaddr *)&ask->from, &ask->from_size);
	if (got < 12)
		return;
	ask->size = (size_t)got;
	ask->id = octets_u16(ask->query);
	peer->udp_count++;
	peer->answer(ask);
}

/* Serves one socket until the peer is told to stop. */
static void serve(struct peer *peer, int fd, void (*one)(struct peer *, struct ask *))
{
	struct ask *ask = calloc(1, sizeof(*ask));

	must(ask != NULL, "calloc");
	ask->peer = peer;
	ask->context = peer->context;
	for (;;) {
		struct pollfd fds[] = {
			{.fd = peer->stop, .events = POLLIN},
			{.fd = fd, .events = POLLIN},
		};

		poll(fds, 2, -1);
		if (fds[0].revents)
			break;
		if (fds[1].revents)
			one(peer, ask);
	}
	free(ask);
}

static void *work_udp(void *context)
{
	struct peer *peer = context;

	serve(peer, peer->udp, serve_udp);
	return NULL;
}

static void *work_tcp(void *context)
{
	struct peer *peer = context;

	serve(peer, peer->tcp, serve_tcp);
	return NULL;
}

void peer_open(struct peer *peer, int family, peer_answer *answer, void *context)
{
	*peer = (struct peer){.family = family, .answer = answer, .context = context, .udp = -1};
	/* UDP gets the port that TCP got; if it is taken, both try another. */
	for (int tries = 0; peer->udp < 0; tries++) {
		must(tries < 100, "no port is free for both UDP and TCP");
		if (tries)
			close(peer->tcp);
		peer->tcp = bind_to(family, SOCK_STREAM, 0);
		must(peer->tcp >= 0 && !listen(peer->tcp, 16), "listen");
		peer->port = port_of(peer->tcp);
		peer->udp = bind_to(family, SOCK_DGRAM, peer->port);
	}
	peer->stop = eventfd(0, EFD_CLOEXEC);
	must(peer->stop >= 0, "eventfd");
	must(!pthread_create(&peer->udp_thread, NULL, work_udp, peer) &&
			!pthread_create(&peer->tcp_thread, NULL, work_tcp, peer),
		"pthread_create");
}

void peer_close(struct peer *peer)
{
	must(!eventfd_write(peer->stop, 1), "eventfd");
	pthread_join(peer->udp_thread, NULL);
	pthread_join(peer->tcp_thread, NULL);
	close(peer->tcp);
	close(peer->udp);
	close(peer->stop);
}

static struct stream_options options_for(int family, uint16_t port)
{
	return (struct stream_options){
		.server = loopback(family, port),
		.connect = timespan_ms(2000),
		.idle = timespan_ms(2000),
		.total = timespan_ms(8000),
	};
}

struct stream_options peer_options(const struct peer *peer)
{
	return options_for(peer->family, peer->port);
}

struct stream_options peer_nobody(void)
{
	int fd = bind_to(AF_INET, SOCK_STREAM, 0);
	uint16_t port = port_of(fd);

	close(fd);
	return options_for(AF_INET, port);
}

void ask_send(struct ask *ask, const struct wire *wire)
{
	uint8_t prefix[2];

	if (!ask->tcp) {
		sendto(ask->fd, wire->octets, wire->size, 0, (struct sockaddr *)&ask->from,
			ask->from_size);
		return;
	}
	octets_put_u16(prefix, (unsigned)wire->size);
	send(ask->fd, prefix, sizeof(prefix), MSG_NOSIGNAL | MSG_MORE);
	send(ask->fd, wire->octets, wire->size, MSG_NOSIGNAL);
}

void ask_hang(struct ask *ask)
{
	struct pollfd fd = {.fd = ask->peer->stop, .events = POLLIN};

	poll(&fd, 1, 10000);
}
