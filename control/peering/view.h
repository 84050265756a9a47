/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One look at a running BIRD: its socket in, protocols, BFD sessions and what
 * peers are sent out. Only questions are sent. Blocks, within its deadlines;
 * needs no daemon.
 */
#pragma once

#include "control/health/bird_ask.h"
#include "control/peering/protocol.h"

struct view {
	struct bird_ask *bird;
	struct protocol_list protocols;
	struct bfd_list bfd;
	bool dated; /* `show status` has dates that we can read (bird.md) */
};

/* 0, or negative errno: that of bird_ask_open(), bird_ask(), or -EPROTO: BIRD answered with an
 * error. view_close() in any case. */
int view_open(struct view *view, const char *socket, struct span timeout);
void view_close(struct view *view);

/* What a peer is sent of a prefix. 0 or negative errno. */
int view_exported(struct view *view, struct exported_route *route, const struct bird_prefix *prefix,
	const char *peer);
/* Is it there, but kept from that peer by its export filter? 0 or negative errno. */
int view_filtered(
	struct view *view, const struct bird_prefix *prefix, const char *peer, bool *filtered);

/* A route that a peer is sent, of any prefix. */
typedef void view_route_fn(void *arg, const struct bird_prefix *prefix, const char *from);
int view_each_exported(struct view *view, const char *peer, view_route_fn *route, void *arg);
