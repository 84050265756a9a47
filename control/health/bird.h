/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Connection to BIRD's control socket: commands in, reply lines out, one
 * command in flight. Connects, greets, times out and comes back by itself.
 * It refuses to queue: who wants the next command sends it when the last is
 * done, so that what is sent is always what is wanted now.
 *
 * Loop thread only; never blocks. docs/internals/bird.md.
 */
#ifndef ANODE_HEALTH_BIRD_H
#define ANODE_HEALTH_BIRD_H

#include <systemd/sd-event.h>

#include "control/health/bird_reply.h"
#include "control/health/moment.h"

/* Longest command, with the newline and a NUL. */
#define BIRD_COMMAND_MAX 512

enum bird_link {
	BIRD_UNKNOWN, /* the first attempt isn't over */
	BIRD_UP,      /* greeted, and not late with a reply */
	BIRD_SILENT,  /* there, but late: what it announced stands */
	BIRD_GONE,    /* not there: its sessions are down */
};

const char *bird_link_name(enum bird_link link);

struct bird_options {
	const char *socket;           /* path; copied */
	struct span greeting_timeout; /* connect and greeting; 0 = 1 s */
	struct span reply_timeout;    /* one whole reply; 0 = 1 s */
	struct span backoff_min;      /* 0 = 20 ms */
	struct span backoff_max;      /* 0 = 500 ms */
	struct span silent_retry;     /* a silent connection is replaced after; 0 = 5 s */
};

/* All are called from the loop. bird_command() may be called in each,
 * bird_free() in none. */
struct bird_events {
	/* The link changed; bird_error() says why. */
	void (*link)(void *arg, enum bird_link link);
	/* A line of the reply in flight, its last one included. */
	void (*line)(void *arg, const struct bird_line *line);
	/* The command is over. error: 0 = the reply is complete (its codes say
	 * whether BIRD liked the command), else -ETIMEDOUT, -ECONNRESET, -EBADMSG,
	 * -EMSGSIZE: BIRD may or may not have obeyed. */
	void (*done)(void *arg, int error);
};

struct bird;

/* 0 or negative errno (-ENAMETOOLONG: socket path). Connects as soon as the
 * loop runs. */
int bird_new(struct bird **bird, sd_event *loop, const struct bird_options *options,
	const struct bird_events *events, void *arg);
/* NULL is fine. Calls no event. */
void bird_free(struct bird *bird);

/* Sends one command, given without newline. 0, or
 * -EBUSY: one is in flight; -ENOTCONN: link isn't up; -EINVAL: too long, empty
 * or with a control character; -EPIPE, -EAGAIN: the socket didn't take it (the
 * link event follows). */
int bird_command(struct bird *bird, const char *text);

bool bird_idle(const struct bird *bird);
enum bird_link bird_link(const struct bird *bird);
const char *bird_version(const struct bird *bird); /* "" before the first greeting */
const char *bird_error(const struct bird *bird);   /* last trouble, "" = none */

#endif
