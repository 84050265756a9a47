/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a fault means for routing. Pure: options, inputs, the time and a small
 * memory in; a state for one prefix, its cause and a sentence out. No I/O, no
 * allocation. The rows and their order: docs/internals/policy.md.
 */
#ifndef ANODE_HEALTH_POLICY_H
#define ANODE_HEALTH_POLICY_H

#include <sys/types.h>

#include "control/health/route.h"
#include "control/health/verdict.h"

enum policy_fastpath {
	POLICY_FASTPATH_REQUIRED, /* no announcement without it; degraded when lost */
	POLICY_FASTPATH_OPTIONAL, /* announce without it */
	POLICY_FASTPATH_OFF,
};

/* Zero means the default, except where 0 is said to have a meaning. */
struct policy_options {
	enum policy_fastpath fastpath;
	struct span restart_grace;     /* 5 s */
	struct span silence_withdraw;  /* 3 s */
	struct span overload_patience; /* 60 s */
	struct span carrier_stable;    /* 10 s; negative = none */
	struct span hold_down;         /* 5 s; negative = none */
	struct span hold_down_max;     /* 10 min */
	struct span slow_start;        /* 5 s; negative = none */
	struct span announce_max;      /* 1 h */
	struct span drain_max;         /* 24 h */
	struct span drain_limit;       /* 60 s */
	struct span jitter;            /* of this node; 0 = none */
	unsigned budget;               /* transitions per hour, up to POLICY_BUDGET_MAX; 20 */
	unsigned zones_failed;         /* percent; 50 */
	bool degrade_withdraws;        /* the degrade class withdraws after the drain */
	bool last_leaves;              /* fatal as the last one: withdraw all the same */
	bool blind_holds;              /* fatal while blind: as the last one */
	const char *unit;              /* of the local server, NULL: none configured */
};

#define POLICY_BUDGET_MAX 100

/* Fills in the defaults. */
void policy_defaults(struct policy_options *options);

/* State of the local server's unit. */
enum policy_unit {
	POLICY_UNIT_UNKNOWN, /* none configured, or nobody asks systemd (yet) */
	POLICY_UNIT_ACTIVE,
	POLICY_UNIT_ACTIVATING,
	POLICY_UNIT_DEACTIVATING,
	POLICY_UNIT_RELOADING,
	POLICY_UNIT_DEAD,
};

const char *policy_unit_name(enum policy_unit unit);

enum policy_override_kind {
	POLICY_AUTO, /* none */
	POLICY_ANNOUNCE,
	POLICY_DRAIN,
	POLICY_WITHDRAW,
};

const char *policy_override_name(enum policy_override_kind kind);

#define POLICY_OWNER_MAX  64
#define POLICY_REASON_MAX 256

struct policy_override {
	enum policy_override_kind kind;
	char owner[POLICY_OWNER_MAX]; /* "root", "uid 1000", "birdc" */
	uid_t uid;                    /* (uid_t)-1 = not a user */
	char reason[POLICY_REASON_MAX];
	struct mono until; /* MONO_NEVER = until auto */
	struct wall since;
};

/* An override is given an end where the policy demands one. */
void policy_override_bound(
	struct policy_override *override, const struct policy_options *options, struct mono now);

/* What the probes say about one prefix. */
struct policy_server {
	enum verdict_state udp; /* the worst target's */
	const char *udp_who;    /* that target: "local server", "service address 203.0.113.53" */
	struct mono last_good;  /* its last answer; not known = never */
	struct mono since;      /* of its state */
	enum verdict_state tcp;
	const char *tcp_who;
	/* Each required zone answered with authority, over UDP and TCP, by each
	 * target; else what is missing. */
	bool answered;
	const char *unanswered;
	/* A check whose failure degrades, content included; NULL = none fails. */
	const char *failing_check;
	const char *fatal_check; /* one whose failure withdraws, and no question; NULL */
	struct mono heard;       /* the last answer over any transport; not known = never */
};

/* Other hosts that are asked by unicast. */
struct policy_dependencies {
	unsigned count, failing;       /* whose failure degrades */
	unsigned peers, peers_failing; /* of the guard */
	const char *who;               /* the first of them that fails; may be NULL */
};

/* What can be seen of the other nodes that announce the same prefix. */
struct policy_sight {
	unsigned routes; /* not ours, of sessions that stand */
	bool could_see;  /* there was one since the session came up */
	unsigned peers, peers_good;
};

enum policy_others {
	OTHERS_BLIND, /* can't be known */
	OTHERS_NONE,
	OTHERS_ANNOUNCE,
};

const char *policy_others_name(enum policy_others others);
enum policy_others policy_others(const struct policy_sight *sight);

/* What main and the other flows say; the same for all prefixes. */
struct policy_node {
	struct mono start; /* of the daemon */
	bool leaving;
	const char *superseded_by; /* NULL = nobody */
	bool overrides_read;
	enum policy_unit unit;
	bool fastpath_healthy; /* attached, answering, lease valid */
	bool image_published;
	bool fastpath_covers; /* healthy, and it answers every required zone now: not only passes */
	const char *fastpath_text; /* why not healthy; may be NULL */
	const char *stuck; /* a thread of ours that makes no progress, and at what; NULL: none */
	unsigned zones, zones_failing;
	const char *overload; /* what this host drops for want of room; NULL: nothing */
	struct policy_dependencies dependencies;
	bool carrier;
	struct mono carrier_since; /* of the present carrier state; not known = no state yet */
	const char *carrier_text;  /* "eth0 down"; may be NULL */
	enum bird_link bird;
	const char *bird_error; /* may be NULL */
};

struct policy_input {
	const struct policy_node *node;
	struct policy_server server;
	struct policy_override override;
	struct policy_sight sight;
	bool quiet; /* hardly a query comes any more */
	/* Coupled families: not above this, which is the other family's; coupled_by NULL:
	 * not coupled. */
	enum route_state coupled;
	const char *coupled_by;
};

enum policy_cause {
	POLICY_GOOD,
	POLICY_LEAVING,
	POLICY_SUPERSEDED,
	POLICY_OVERRIDE,
	POLICY_BIRD,
	POLICY_REFUSED,
	POLICY_SILENT,
	POLICY_CARRIER,
	POLICY_WAITING,
	POLICY_TCP,
	POLICY_BLIND,
	POLICY_CONTENT,
	POLICY_ZONES,
	POLICY_FASTPATH,
	POLICY_STUCK,
	POLICY_CHECK,
	POLICY_COUPLED,
	POLICY_OVERLOAD,
	POLICY_DEPENDENCY,
	POLICY_HOLDDOWN,
	POLICY_BUDGET,
	POLICY_SLOWSTART,
	POLICY_CAUSES,
};

/* Stable words for logs and metrics: "refused", "holddown". */
const char *policy_cause_name(enum policy_cause cause);

/* POLICY_CAUSES: no such word. */
enum policy_cause policy_cause_parse(const char *name);

/* What the policy remembers of a prefix between two calls. */
struct policy_memory {
	enum route_state state;
	enum policy_cause cause;
	struct mono since; /* of the state */
	bool was_up;       /* it was above withdrawn once */

	struct mono fell; /* the last fall that a fault caused; not known = none */
	unsigned flaps;   /* falls after a rise, less what has decayed */
	bool climbed;     /* rose since it fell */
	struct mono rose; /* out of withdrawn; not known = is announced since */

	/* The last transitions that count into the budget, a ring. */
	struct mono changes[POLICY_BUDGET_MAX];
	unsigned next_change;

	double penalty; /* then */
	struct mono penalty_at;

	struct mono drain_from; /* of the degrade class; not known = doesn't drain */
	struct mono due;        /* since when a step is due that waits for the jitter */
};

struct policy_decision {
	enum route_state state;
	enum policy_cause cause;
	/* By the clock alone the decision can't change before; MONO_NEVER. */
	struct mono wake;
	enum policy_others others;
	bool held;     /* withdrawn, if it weren't the last one */
	bool draining; /* for a fault of the degrade class that withdraws afterwards */
	bool due;      /* a step waits for the jitter */
	char reason[POLICY_REASON_MAX];
};

/* Decides; changes nothing. */
void policy_decide(const struct policy_options *options, const struct policy_input *input,
	const struct policy_memory *memory, struct mono now, struct policy_decision *decision);

/* Takes the decision into the memory. true: the state changed. */
bool policy_commit(const struct policy_options *options, struct policy_memory *memory,
	const struct policy_decision *decision, struct mono now);

/* A prefix that was found so when the daemon started. */
void policy_adopt(struct policy_memory *memory, enum route_state state, struct mono now);

/* Takes a transition of before the start into what hold-down, budget and penalty are
 * reckoned from; the state stays. In the order of time. */
void policy_recall(const struct policy_options *options, struct policy_memory *memory,
	enum route_state from, enum route_state to, enum policy_cause cause, struct mono at);

/* How long a rise has to wait after the last fall. */
struct span policy_hold_down(const struct policy_options *options,
	const struct policy_memory *memory, enum policy_others others);
/* When the next rise fits into the budget: past, or when it will. */
struct mono policy_budget_free(
	const struct policy_options *options, const struct policy_memory *memory);
/* Transitions of the last hour. */
unsigned policy_spent(const struct policy_memory *memory, struct mono now);
/* What a router with route-flap damping would have counted (RFC 2439). */
double policy_penalty(const struct policy_memory *memory, struct mono now);
/* Whose default threshold that passes; NULL: nobody's. */
const char *policy_damped_by(double penalty);

#endif
