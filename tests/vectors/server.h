/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real name server on loopback, as the program ask_server sees it: the script `servers` starts
 * one for the world of a vector file and then runs it.
 */
#ifndef ANODE_TESTS_SERVER_H
#define ANODE_TESTS_SERVER_H

#include "vector.h"

#include <sys/types.h>

#define SERVER_REPLY_MAX 65536

/* Sockets to a server on 127.0.0.1 and ::1. */
struct server {
	enum vector_server kind;
	int fds[2]; /* [IPv6?] */
};

/* Opens the sockets; no packet is sent. 0 or a negative errno. */
int server_open(struct server *server, enum vector_server kind, uint16_t port);
void server_close(struct server *server);

/*
 * Sends the question until a reply with its ID comes: the server may still be starting. The size of
 * the message in `reply` (SERVER_REPLY_MAX octets), or -1 when none came within 15 s.
 */
ssize_t server_ask(const struct server *server, const struct vector_case *c, uint8_t *reply);

/* Can the case's question be put to a server? Not if its packet was changed, or what happens
 * depends on the frame or on the time of day. */
bool server_can_ask(const struct vector *vector, const struct vector_case *c);

/*
 * What the program understands besides: `--free-port` prints a port of loopback that nobody uses,
 * `--world FILE` the zones and limits of the file. The exit status, or -1 if the arguments are
 * neither.
 */
int server_options(int argc, char **argv);

/* The server's kind by its name, or -1. */
int server_kind(const char *name);

#endif
