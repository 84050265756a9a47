/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One anycast prefix as the reconciler sees it: what is wanted, what BIRD's two
 * protocols for it are known to be, what each peer was last seen to get, and
 * from these what to do next. No I/O: route.c asks and obeys. Internal to
 * control/health.
 */
#ifndef ANODE_HEALTH_PREFIX_H
#define ANODE_HEALTH_PREFIX_H

#include <sys/queue.h>

#include "control/health/route.h"

enum knowledge {
	PROTO_UNKNOWN,
	PROTO_UP,
	PROTO_DOWN,
	PROTO_MISSING,
};

/* A static protocol in BIRD and its state file. */
struct proto {
	char name[BIRD_NAME_MAX]; /* "" = none configured */
	enum knowledge know;
	bool listed;       /* in the reply to show protocols that is being read */
	bool confirmed_up; /* up, by our will, since BIRD last read its configuration */
	bool file_known;   /* file_up is what the state file says */
	bool file_up;
	struct mono file_retry; /* 0 = now */
	struct mono retry;      /* of the command; 0 = now */
	char file_trouble[256]; /* the last write failed so; "" = it didn't */
	char trouble[256];      /* the last command */
};

/* A BGP protocol in BIRD. */
struct peer {
	char name[BIRD_NAME_MAX];
	enum route_seen seen;
	char foreign[BIRD_NAME_MAX];
	bool listed;
	bool missing;
	bool established;
	struct mono asked;
};

struct route_prefix {
	TAILQ_ENTRY(route_prefix) entry;
	struct route *route;
	void *arg;
	char text[BIRD_PREFIX_TEXT];
	struct bird_prefix prefix;
	struct proto main, drain;
	struct peer *peers;
	size_t peer_count;

	bool removed; /* freed as soon as it is withdrawn */
	bool decided;
	enum route_state wanted;
	char note[128];

	/* Routes for the prefix that other nodes announce, as BIRD has them. */
	struct mono others_from;         /* asked again from then on; MONO_NEVER: not now */
	unsigned others;                 /* over sessions that stand */
	char others_over[BIRD_NAME_MAX]; /* the session that showed one last; "" = none did */

	struct mono poll_from; /* peers asked before this are asked again */
	struct span poll_gap;
	struct mono settle_by; /* then it is an alarm */
	bool suspect;          /* found down, no reason known: look again before repairing */

	bool actual_known;
	enum route_state actual;
	struct mono actual_since;
	struct wall actual_since_wall;
	bool settled;
	char error[256]; /* what is wrong, once settle_by is past */
	char alarm[256]; /* the one that was logged last */
};

TAILQ_HEAD(prefix_list, route_prefix);

static inline bool mono_due(struct mono at, struct mono now)
{
	return !mono_before(now, at);
}

/* 0, -EINVAL, -ENOMEM; prefix_free() undoes it. */
int prefix_new(struct route_prefix **prefix, const struct route_prefix_options *options);
void prefix_free(struct route_prefix *prefix);
int prefix_set_peers(struct route_prefix *prefix, const char *const *peers, size_t peer_count);
bool prefix_uses(const struct route_prefix *prefix, const char *protocol);

/* ---- what is wanted ---- */

/* Should this protocol, and so its file, be up? */
bool proto_wanted_up(const struct route_prefix *prefix, const struct proto *proto);
/* The wanted state, or announced where degraded can't be reached. */
enum route_state prefix_goal(const struct route_prefix *prefix);
/* The next protocol to be enabled (*up) or disabled; NULL: none now. */
struct proto *prefix_next(struct route_prefix *prefix, bool *up, struct mono now);

/* ---- what is known ---- */

/* Nothing any more: this link is new, or gone. */
void prefix_forget(struct route_prefix *prefix, enum bird_link link, struct mono now);
/* A list of all protocols begins; a line of it; its end. */
void prefix_list_begin(struct route_prefix *prefix);
void prefix_list_line(struct route_prefix *prefix, const struct bird_protocol_line *line);
void prefix_list_end(struct route_prefix *prefix);

/* What the protocols' states amount to; false: not known. */
bool prefix_set(const struct route_prefix *prefix, enum route_state *set);

enum prefix_drift {
	PREFIX_AGREES,  /* or nothing is known or wanted */
	PREFIX_RAISED,  /* BIRD has more than is wanted */
	PREFIX_LOWERED, /* less, and the configuration that BIRD read explains it */
	PREFIX_TOUCHED, /* less, and only a person at run time explains it */
};
enum prefix_drift prefix_drift(const struct route_prefix *prefix);

/* ---- what peers get ---- */

/* Look closely from now on: at once, then ever less often. */
void prefix_watch(struct route_prefix *prefix, struct mono now);
/* The next look; false: looked often enough, the rounds go on. */
bool prefix_watch_on(struct route_prefix *prefix, struct mono now);
/* The next peer to be asked; NULL: all have been, or not yet. */
struct peer *prefix_peer_due(struct route_prefix *prefix, struct mono now);
/* Its answer: the protocol that the prefix comes from, NULL = it gets nothing. */
void prefix_peer_seen(struct route_prefix *prefix, struct peer *peer, const char *from);

/* Recomputes actual and settled; true: one of them changed. */
bool prefix_observe(struct route_prefix *prefix, enum bird_link link);
/* The last write or command that failed; "" = none did. */
const char *prefix_trouble(const struct route_prefix *prefix);
/* Why isn't it as wanted? "" = it is. */
void prefix_explain(const struct route_prefix *prefix, char *text, size_t size);

#endif
