/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real authoritative server (NSD or Knot) on a free port of 127.0.0.1, with its files in a folder
 * of its own: started, reloaded and ended by the test, ended with it in any case.
 *
 * Needs the packages nsd and knot. Every zone may be transferred with the key "mirror"
 * (WIRE_SECRET), and by nobody without it; a zone named "open." by everybody.
 */
#ifndef ANODE_TESTS_ZONE_SERVER_H
#define ANODE_TESTS_ZONE_SERVER_H

#include "control/zone/key.h"
#include "control/zone/stream.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum server_kind { SERVER_NSD, SERVER_KNOT, SERVER_KINDS };

struct server {
	enum server_kind kind;
	pid_t pid;
	uint16_t port;
	char folder[64];
};

extern const char *const server_names[SERVER_KINDS];

/* True if its program is installed. */
bool server_is_here(enum server_kind kind);

/* Makes the folder. Zone files go there by server_zone() before server_start(). */
void server_prepare(struct server *server, enum server_kind kind);

/* Writes the file of a zone; NULL text: only the path is told. Returns the path, to be freed. */
char *server_zone(const struct server *server, const char *origin, const char *text);

/* Starts it with these zones and returns when it answers for the first of them. On the port it had
 * before, if it ran before. */
void server_start(struct server *server, const char *const *origins, size_t count);

/* Lets it read its zone files again; returns at once. */
void server_reload(struct server *server);

/* kill(2) with the server's pid. */
void server_signal(struct server *server, int signal);

/* Ends it; it may be started again. */
void server_end(struct server *server);

/* Ends it and removes the folder. */
void server_stop(struct server *server);

struct stream_options server_options(const struct server *server);

/* Loads the key that the servers know, or one of that name with another secret. */
struct key *server_key(const struct server *server, const char *name, const char *secret);

/* The newest real root zone beside the source tree, or a made-up one with 1,400 delegations, as a
 * zone file at 'path'. Returns what it is. */
const char *server_root_zone(const char *path);

#endif
