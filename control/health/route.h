/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes BIRD announce what is wanted, prefix by prefix, and knows what it
 * really exports. In: a wanted state per prefix. Out: state files, commands to
 * BIRD, what was read back. Level-triggered: whatever differs is put right
 * within a round (1 s), withdrawals first. It decides nothing about health, and
 * sends only questions for a prefix whose state isn't wanted yet.
 *
 * Loop thread only; never blocks (the state files are in /run).
 * docs/internals/bird.md.
 */
#ifndef ANODE_HEALTH_ROUTE_H
#define ANODE_HEALTH_ROUTE_H

#include <systemd/sd-event.h>

#include "control/health/bird.h"
#include "control/health/bird_show.h"

/* From bad to good; comparable. */
enum route_state {
	ROUTE_WITHDRAWN,
	ROUTE_DEGRADED,
	ROUTE_ANNOUNCED,
};

const char *route_state_name(enum route_state state);

struct route_options {
	struct bird_options bird;
	const char *state_dir; /* absolute; copied */
	const char *owner;     /* for the state files: "anoded[311]"; copied */
	struct span round;     /* read back each; 0 = 1 s */
};

struct route_prefix_options {
	const char *prefix;         /* "203.0.113.0/24" */
	const char *protocol;       /* static protocol in BIRD */
	const char *drain_protocol; /* NULL: can't be degraded */
	const char *const *peers;   /* BGP protocols to read back from; at least one */
	size_t peer_count;
};

/* What a peer was last seen to get. */
enum route_seen {
	ROUTE_SEEN_UNKNOWN,
	ROUTE_SEEN_NOTHING,
	ROUTE_SEEN_MAIN,
	ROUTE_SEEN_DRAIN,
	ROUTE_SEEN_FOREIGN, /* the prefix, from a protocol that isn't ours */
};

struct route_peer_status {
	const char *name;
	enum route_seen seen;
	const char *foreign; /* protocol, when seen is FOREIGN */
	bool missing;        /* BIRD has no such protocol */
	bool established;    /* as of the last round */
	struct mono asked;   /* when the last answer came */
};

struct route_status {
	const char *prefix; /* canonical text */
	int family;
	const char *protocol;
	const char *drain_protocol; /* NULL: none */
	bool decided;               /* route_want() was called */
	enum route_state wanted;
	bool set_known;       /* both protocols' states are known */
	enum route_state set; /* what the protocols' states amount to */
	bool set_by_us;       /* and the state files say the same: may be adopted */
	bool actual_known;
	enum route_state actual; /* the best that a peer gets */
	struct mono actual_since;
	struct wall actual_since_wall;
	bool settled;      /* read back after the last change, and as wanted */
	const char *error; /* "" = none */
	size_t peer_count;
	unsigned others;       /* routes of other nodes, over sessions that stand */
	bool could_see_others; /* there was one, and the session that showed it stands */
};

struct route;
struct route_prefix;

/* Called from the loop. route_want() and route_remove() may be called in each,
 * route_free() in none. */
struct route_events {
	void (*link)(void *arg, enum bird_link link);
	/* What BIRD has is known for all prefixes, or BIRD is gone. Once after
	 * each change of the link to up or gone. */
	void (*ready)(void *arg);
	/* Actual, settled, set or error of a prefix changed. */
	void (*observed)(void *arg, void *prefix_arg);
	/* What BIRD has of other nodes for the prefix changed. */
	void (*others)(void *arg, void *prefix_arg);
	/* A person disabled protocols at run time, down to `made`. Unless
	 * route_want() is called with it, it will be undone. */
	void (*person)(void *arg, void *prefix_arg, enum route_state made);
	/* Another writer took the state files. Nothing is sent until route_reclaim(). */
	void (*superseded)(void *arg, const char *holder);
	/* level: syslog's. One line, once per event. */
	void (*log)(void *arg, int level, const char *text);
};

int route_new(struct route **route, sd_event *loop, const struct route_options *options,
	const struct route_events *events, void *arg);
/* Sends and writes nothing: BIRD stays as it is. NULL is fine. */
void route_free(struct route *route);

/* 0, -EINVAL (not a prefix, not a name, no peer), -EEXIST (prefix or protocol
 * in use), -ENOMEM. Strings are copied. prefix_arg comes back in events. */
int route_add(struct route *route, struct route_prefix **prefix,
	const struct route_prefix_options *options, void *prefix_arg);

/* Withdraws it, then forgets it; no event names it any more. Its protocol can
 * be added again only after that. */
void route_remove(struct route_prefix *prefix);

/* Other peers to read back from; what is announced stays. 0, -EINVAL, -ENOMEM:
 * as before. */
int route_set_peers(struct route_prefix *prefix, const char *const *peers, size_t peer_count);

/* From now on this is wanted. note goes into the state file, for people. */
void route_want(struct route_prefix *prefix, enum route_state state, const char *note);

/* Takes the state files back after superseded. */
int route_reclaim(struct route *route);

void route_status(const struct route_prefix *prefix, struct route_status *status);
/* index below status.peer_count */
void route_peer_status(
	const struct route_prefix *prefix, size_t index, struct route_peer_status *status);

enum bird_link route_link(const struct route *route);
const char *route_bird_version(const struct route *route);
const char *route_bird_error(const struct route *route);
/* "" = the state files are ours, else who has them. */
const char *route_superseded_by(const struct route *route);

#endif
