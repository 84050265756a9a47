/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The health flow: probe -> verdict -> policy -> BIRD -> read back, repair.
 *
 * In: options, the state of the fast path, the zones and the interfaces (said
 * by main), and people's overrides. Out: routes in BIRD, log lines, transitions,
 * a status. It knows nothing of zones' contents, nor of the daemon's
 * configuration: main fills in struct health_options.
 *
 *      health_new -> health_override* -> health_start -> ... -> health_leave
 *              -> left event -> health_free
 *
 * Everything here is called on, and calls back on, the thread of the sd-event
 * loop; nothing blocks. docs/internals/policy.md, docs/internals/bird.md.
 */
#ifndef ANODE_HEALTH_HEALTH_H
#define ANODE_HEALTH_HEALTH_H

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "control/health/moment.h"
#include "control/health/policy.h"
#include "control/health/probe.h"
#include "control/health/route.h"

/* From harmless to grave. */
enum health_severity {
	HEALTH_INFO,    /* shown only */
	HEALTH_DEGRADE, /* silence, refusal or content degrades */
	HEALTH_FATAL,   /* silence and refusal withdraw; content degrades */
};

const char *health_severity_name(enum health_severity severity);

/* An explicit check of the local server. */
struct health_check_options {
	enum query_transport transport;
	const char *name; /* presentation format */
	uint16_t qtype;   /* host byte order */
	int rcode;        /* expected; -1 = any */
	bool authoritative;
	const char *rdata_contains; /* NULL = anything */
	enum health_severity severity;
	struct span interval, timeout; /* 0 = the node's */
	unsigned fail, rise;           /* 0 = the node's */
	int family;                    /* speaks for prefixes of this one; AF_UNSPEC = both */
	/* Another host's address and port: a dependency, which degrades at most. ss_family
	 * AF_UNSPEC: the local server. */
	struct sockaddr_storage address;
	const struct query_signer *signer; /* NULL: unsigned; outlives the checks */
	/* A program to run instead of a question: absolute path, arguments, NULL. Of
	 * severity fatal its exit code withdraws; that it can't be run, or takes too
	 * long, degrades at most. */
	const char *const *command;
	bool peer; /* another node: says nothing of this one, only whether that one is well */
};

/* Zero, NULL and AF_UNSPEC mean the default, or none. main's strings may go
 * away after the call. */
struct health_options {
	struct sockaddr_storage server;           /* the local server's own address and port */
	struct sockaddr_storage source4, source6; /* of probes */
	const struct sockaddr_storage *service;   /* anycast addresses; ports are ignored */
	size_t service_count;
	bool no_service_probes;      /* don't ask the server at the service addresses */
	bool no_sentinel;            /* no standing TCP connection to the server */
	const char *const *required; /* zones */
	size_t required_count;
	const struct health_check_options *checks;
	size_t check_count;

	struct span interval; /* of UDP probes; 100 ms */
	struct span timeout;  /* of UDP probes, at most the interval; 75 ms */
	unsigned fail, rise;  /* 3, 5 */

	const struct route_prefix_options *prefixes;
	size_t prefix_count;
	struct route_options route;
	struct policy_options policy;
	/* A prefix isn't announced better than those of the other family. */
	bool coupled;
};

struct health_error {
	char text[640]; /* one line: what is wrong */
};

/* The state that anode wants for a prefix changed. */
struct health_transition {
	const char *prefix;
	int family; /* AF_INET, AF_INET6 */
	enum route_state from, to;
	enum policy_cause cause;
	const char *reason;
	struct mono at;
	struct wall at_wall;
};

/* health_free() and health_reload() may be called in none of them; any may be
 * NULL. */
struct health_events {
	void (*log)(void *arg, int level, const char *text); /* level: syslog's */
	/* Logged too: "prefix P withdrawn: REASON". */
	void (*transition)(void *arg, const struct health_transition *transition);
	/* An override was set, has ended or was removed: what is kept of them is old. */
	void (*overridden)(void *arg);
	/* Something that the status shows changed. */
	void (*changed)(void *arg);
	/* health_leave() is done. 0: everything was read back as withdrawn.
	 * -ETIMEDOUT: it wasn't within 3 s; the state files say withdrawn. */
	void (*left)(void *arg, int result);
};

struct health;

/* 0; -EINVAL, -EEXIST, -ENAMETOOLONG, -ENOMEM ... with a text. Opens and sends
 * nothing yet, but takes the state files' fence. */
int health_new(struct health **health, sd_event *loop, const struct health_options *options,
	const struct health_events *events, void *arg, struct health_error *error);
/* Leaves BIRD as it is. NULL is fine. */
void health_free(struct health *health);
void health_start(struct health *health);

/* Takes new options. Prefixes and checks that are the same keep their state;
 * removed prefixes are withdrawn. -EOPNOTSUPP: BIRD's socket or the state
 * directory differ, that needs a restart. On an error nothing has changed. */
int health_reload(
	struct health *health, const struct health_options *options, struct health_error *error);

/* Leaves service: withdraws everything, then the left event. */
void health_leave(struct health *health);

/* ---- what main says; each may be called at any time, repeats are cheap ---- */

struct health_fastpath {
	bool healthy;     /* program attached, answering, lease valid */
	bool published;   /* an image with the zones is there */
	bool covers;      /* healthy, and it answers every required zone now */
	const char *text; /* why not healthy; NULL */
};

void health_set_fastpath(struct health *health, const struct health_fastpath *fastpath);
/* A thread of the daemon's makes no progress, and at what; NULL: all do. */
void health_set_stuck(struct health *health, const char *text);
void health_set_zones(struct health *health, unsigned zones, unsigned failing);
/* All interfaces that serve have carrier. Until the first call it isn't known
 * and nothing is announced. text: which one lost it; NULL. */
void health_set_carrier(struct health *health, bool up, const char *text);
void health_set_unit(struct health *health, enum policy_unit unit);
/* What this host drops for want of room; NULL: nothing. */
void health_set_overload(struct health *health, const char *text);
/* Hardly a query comes any more: a drain is over. */
void health_set_quiet(struct health *health, bool quiet);

/* ---- what is known from before the start; between health_new and _start ---- */

/* An override that outlived the daemon: its rest, not its length. -ENOENT: no such
 * prefix. */
int health_restore(struct health *health, const char *prefix, enum policy_override_kind kind,
	const char *owner, uid_t uid, const char *reason, struct span left, struct wall since);
/* The overrides couldn't be read: nothing rises until somebody says `auto` for all. */
void health_overrides_lost(struct health *health);
bool health_overrides_known(const struct health *health);
/* A transition of before; in the order of time. Others' prefixes are ignored. */
void health_recall(struct health *health, const char *prefix, enum route_state from,
	enum route_state to, enum policy_cause cause, struct wall at);

/* ---- what people say ---- */

struct health_override {
	enum policy_override_kind kind; /* POLICY_AUTO removes it */
	const char *owner;              /* "root", "uid 1000" */
	uid_t uid;                      /* (uid_t)-1 = none */
	const char *reason;             /* NULL = none given */
	struct span length;             /* 0 = until auto, or the policy's maximum */
	int family;                     /* AF_UNSPEC = both */
	const char *prefix;             /* NULL = all */
};

/* 0, or -ENOENT: no such prefix (of that family). POLICY_AUTO without prefix
 * and family also takes the state files back from another writer. */
int health_override(struct health *health, const struct health_override *override);

/* ---- what can be seen; pointers stay valid until the loop runs again ---- */

struct health_prefix_status {
	const char *prefix;
	int family;
	enum route_state wanted;
	enum policy_cause cause;
	const char *reason;
	struct mono since; /* of the wanted state */
	struct wall since_wall;
	const struct policy_override *override; /* NULL = none */
	enum policy_others others;
	unsigned other_routes;
	bool held;              /* withdrawn, if it weren't the last one */
	bool drained;           /* hardly a query comes any more, and it isn't announced in full */
	struct span hold_down;  /* that a rise has to wait for after the last fall */
	unsigned flaps;         /* that this comes from */
	unsigned spent, budget; /* transitions of the last hour; those that may be */
	double penalty;         /* RFC 2439 */
	const char *damped_by;  /* whose default threshold that passes; NULL: nobody's */
	struct mono wake;       /* the decision may change by the clock; MONO_NEVER */
	bool has_route;         /* false: its protocol is still being withdrawn after a reload */
	struct route_status route; /* what BIRD really does */
};

struct health_check_status {
	const char *name;   /* "udp 127.0.0.1 example.com SOA" */
	const char *target; /* "127.0.0.1" */
	const char *type;   /* "udp", "tcp", "script" */
	enum query_transport transport;
	enum health_severity severity; /* implicit ones: fatal over UDP, degrade over TCP */
	bool implicit;                 /* of a required zone */
	bool dependency, peer;         /* of another host; of another node */
	enum verdict_state verdict;
	enum verdict_state content;
	bool good; /* both */
	const char *detail;
	struct wall since;     /* of the verdict */
	struct wall last_good; /* 0 = never */
	struct span rtt;       /* of the last answer */
	uint64_t sent, failed;
	bool has_serial;
	uint32_t serial;
};

/* Nothing of ours is in any router, for certain: a link may go down for a moment.
 * What isn't known counts as announced. */
bool health_withdrawn(const struct health *health);

struct health_node_status {
	enum bird_link bird;
	const char *bird_version; /* "" = not known */
	const char *bird_error;
	const char *superseded_by; /* "" = the state files are ours */
	bool leaving;
};

void health_node_status(const struct health *health, struct health_node_status *status);
size_t health_prefix_count(const struct health *health);
void health_prefix_status(
	const struct health *health, size_t index, struct health_prefix_status *status);
/* peer below status.route.peer_count, and only if has_route */
void health_peer_status(
	const struct health *health, size_t index, size_t peer, struct route_peer_status *status);

/* What the policy would decide for each prefix if. text: "NAME=STATE", as in
 * "server=refused" or "udp 127.0.0.1 example.com SOA=down"; docs/internals/policy.md lists
 * them. NULL: as it is. 0, -EINVAL: not such a text, said in error. */
struct health_what_if {
	enum route_state state;
	enum policy_cause cause;
	char reason[POLICY_REASON_MAX];
};
int health_what_if(const struct health *health, size_t index, const char *text,
	struct health_what_if *out, struct health_error *error);

size_t health_check_count(const struct health *health);
void health_check_status(
	const struct health *health, size_t index, struct health_check_status *status);

#endif
