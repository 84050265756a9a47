/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks BIRD one thing after the other and waits for each reply, for programs
 * that have no event loop: a command in, the lines of its reply out. Every call
 * ends by its deadline. It connects once, and refuses to go on after an error:
 * framing that was lost isn't found again. docs/internals/bird.md.
 */
#ifndef ANODE_HEALTH_BIRD_ASK_H
#define ANODE_HEALTH_BIRD_ASK_H

#include <sys/types.h>

#include "control/health/bird_reply.h"
#include "control/health/moment.h"

struct bird_ask;

/* A line of the reply, its last one included. */
typedef void bird_ask_line_fn(void *arg, const struct bird_line *line);

/* Connects and takes the greeting. 0; -ENAMETOOLONG; what connect() said;
 * -ETIMEDOUT: no greeting (BIRD is frozen, or very busy); -EBADMSG: something
 * else than BIRD. timeout is that of each call, this one included. */
int bird_ask_open(struct bird_ask **ask, const char *socket, struct span timeout);
/* NULL is fine. */
void bird_ask_close(struct bird_ask *ask);

/* Sends one command, given without newline, and hands out its reply. 0: the
 * reply is complete, its codes say whether BIRD liked the command; -EINVAL: too
 * long, empty or with a control character; -ETIMEDOUT, -ECONNRESET, -EBADMSG:
 * BIRD may or may not have obeyed, and every later call fails so, too. */
int bird_ask(struct bird_ask *ask, const char *command, bird_ask_line_fn *line, void *arg);

const char *bird_ask_version(const struct bird_ask *ask); /* "2.0.12" */
/* Who is at the other end, by the kernel's word: a process and its user. 0 or
 * negative errno. */
int bird_ask_peer(const struct bird_ask *ask, pid_t *pid, uid_t *uid, gid_t *gid);

#endif
