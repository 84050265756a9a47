/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon looks like at one moment, as the control socket shows it: the
 * flows' states side by side, in plain words. Filled by control/main, rendered
 * by render.c; neither flow knows JSON, the renderer knows no flow.
 *
 * Every pointer is borrowed until the rendering returns. Times are of
 * CLOCK_REALTIME in microseconds, 0: never.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From good to bad; also the order of anodectl's exit codes 0, 5, 6. */
enum ctl_state { CTL_STATE_ANNOUNCED, CTL_STATE_DEGRADED, CTL_STATE_WITHDRAWN };

/* What is not there yet. */
struct ctl_wait {
	const char *kind;    /* "interface", "bird", "key", ... */
	const char *subject; /* which one; "" = there is only one */
	const char *reason;
	uint64_t since;
};

struct ctl_override {
	const char *verb; /* "announce", "drain", "withdraw"; NULL = none */
	const char *owner;
	const char *reason; /* "" = none given */
	uint64_t until;     /* 0 = until auto */
	int64_t uid;        /* -1 = not a user */
	uint64_t since;
};

/* What the policy remembers and would do. */
struct ctl_policy {
	const char *others; /* "others", "none", "blind" */
	unsigned other_routes;
	bool held, drained;
	unsigned flaps, spent, budget;
	uint64_t hold_down_us; /* after the last fall */
	double penalty;
	const char *damped_by; /* NULL = nobody would */
	/* If it were as was asked; NULL = not asked. */
	const char *would, *would_cause, *would_reason;
};

struct ctl_prefix {
	const char *prefix;
	int family; /* 4 or 6 */
	enum ctl_state wanted, seen;
	bool seen_known; /* BIRD has been read */
	const char *cause;
	const char *reason;
	uint64_t since; /* of the wanted state */
	const char *protocol;
	struct ctl_policy policy;
	struct ctl_override override;
};

struct ctl_check {
	const char *name;    /* "udp 127.0.0.1 example.com SOA" */
	const char *type;    /* "udp", "tcp" */
	const char *target;  /* the address asked */
	const char *verdict; /* "good", "silent", "refused", "unknown" */
	const char *severity;
	const char *reason; /* "" = nothing to say */
	bool good;
	uint64_t since;
	uint64_t last_good;
	uint64_t rtt_us; /* of the last answer */
	uint64_t sent, failed;
};

struct ctl_zone {
	const char *name;
	const char *state;  /* "fast", "passing", "waiting" */
	const char *reason; /* why not fast, or what failed last; "" = nothing */
	bool fast;          /* answered by the fast path */
	bool trouble;       /* something is wrong with it */
	bool has_server, has_mirror, has_fast;
	uint32_t serial_server, serial_mirror, serial_fast;
	uint64_t since;     /* of the state */
	uint64_t published; /* last publish */
	uint64_t deadline;  /* passes from then on; 0 = none */
	uint64_t records, wire_bytes;
};

/* Queries: UDP to a service address and port 53. */
struct ctl_path {
	uint64_t fast, passed, dropped;
};

struct ctl_interface {
	const char *name;
	const char *engine; /* "xdp" */
	const char *mode;   /* "native", "generic", "" = not attached */
	const char *note;   /* why not, why generic; "" */
	bool attached;
	/* What may keep replies from their clients; NULL and "" say nothing. */
	const char *const *warnings;
	size_t warnings_count;
	struct ctl_path paths[2]; /* IPv4, IPv6 */
};

/* A named counter: rcode or reason. */
struct ctl_counter {
	const char *name;
	const char *text; /* what it means; NULL = the name says it */
	uint64_t value;
};

struct ctl_engine {
	bool present; /* program and maps are there */
	const struct ctl_interface *interfaces;
	size_t interfaces_count;
	bool healthy;
	const char *reason;                         /* of an unhealthy fast path; "" */
	uint64_t lease_left_us;                     /* 0 = ended */
	uint64_t fast, passed, dropped;             /* queries */
	const struct ctl_counter *rcodes, *reasons; /* those that are not 0 */
	size_t rcodes_count, reasons_count;
	uint64_t truncated;
	uint64_t image_bytes, image_used, image_quarantined;
	uint64_t zones_in_image;
};

struct ctl_snapshot {
	uint64_t now;
	const char *node;
	const char *version;
	const char *instance;
	int pid;
	uint64_t started;
	enum ctl_state state;
	const char *cause; /* of the state, one line */
	bool leaving;
	const char *bird; /* "up, 2.0.12", "gone: ..." */
	bool bird_up;
	const struct ctl_wait *waits;
	size_t waits_count;
	const struct ctl_prefix *prefixes;
	size_t prefixes_count;
	const struct ctl_check *checks;
	size_t checks_count;
	const struct ctl_zone *zones; /* by name */
	size_t zones_count;
	struct ctl_engine engine;
};
