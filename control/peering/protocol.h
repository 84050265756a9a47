/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What BIRD says of its protocols and of one exported route: lines of `show
 * protocols all`, `show bfd sessions` and `show route P exported PEER all` in,
 * structs out. Pure; a line that isn't understood tells nothing. The words are
 * those of BIRD 2.0.12; where 3.x has others, both are known.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/health/bird_reply.h"
#include "control/health/bird_show.h"

#define PROTOCOL_CHANNELS 4
#define PROTOCOL_WORD     72
#define PROTOCOLS_MAX     1024 /* more are not read */

struct protocol_channel {
	char name[16]; /* "ipv4" */
	bool up;
	char input[PROTOCOL_WORD]; /* filter: "ACCEPT", "REJECT", "(unnamed)", its name; "" = not
				      said */
	char output[PROTOCOL_WORD];
};

struct protocol {
	char name[BIRD_NAME_MAX];
	char type[16]; /* "Static", "BGP", "Kernel" */
	bool up, established;
	/* BGP */
	char state[24]; /* "Established", "Active" */
	char neighbor[PROTOCOL_WORD];
	uint32_t neighbor_as, local_as;
	bool internal, multihop; /* as the session that stands says; see protocol_internal() */
	bool graceful_restart;   /* it asks its neighbour to keep routes of some family when it dies
				  */
	char error[96];          /* the last one; "" = none */
	struct protocol_channel channels[PROTOCOL_CHANNELS];
	size_t channels_count;
};

/* Protocols as they are listed. */
struct protocol_list {
	struct protocol *items;
	size_t count;
	bool failed; /* out of memory, or BIRD refused */
	/* of the one that is being read */
	bool local, restarting;
};

void protocol_list_line(struct protocol_list *list, const struct bird_line *line);
void protocol_list_free(struct protocol_list *list);
const struct protocol *protocol_find(const struct protocol_list *list, const char *name);
/* iBGP, by what the session says, or by its two AS. */
bool protocol_internal(const struct protocol *peer);
/* The channel of a family, or NULL. */
const struct protocol_channel *protocol_channel(const struct protocol *protocol, int family);

/* A session of BFD. */
struct bfd_session {
	char neighbor[PROTOCOL_WORD];
	char state[16]; /* "Up" */
};
#define BFD_SESSIONS 256
struct bfd_list {
	struct bfd_session items[BFD_SESSIONS];
	size_t count;
};
void bfd_list_line(struct bfd_list *list, const struct bird_line *line);
/* The state of BFD with a neighbour; NULL: no session. */
const char *bfd_find(const struct bfd_list *list, const char *neighbor);

/* An attribute, with the names of 2.x and 3.x made one: "as_path", "med". */
struct route_attribute {
	char name[32];
	char value[128]; /* maybe cut */
};
#define ROUTE_ATTRIBUTES 16

/* The route to one prefix that a peer is sent. */
struct exported_route {
	struct bird_prefix prefix; /* asked for */
	bool there, understood;    /* neither: not known */
	char from[BIRD_NAME_MAX];  /* the protocol that it comes from */
	struct route_attribute attributes[ROUTE_ATTRIBUTES];
	size_t attributes_count;
	bool under; /* reading: below the route's line */
};
void exported_begin(struct exported_route *route, const struct bird_prefix *prefix);
void exported_line(struct exported_route *route, const struct bird_line *line);
/* Its value, or NULL. */
const char *exported_attribute(const struct exported_route *route, const char *name);
