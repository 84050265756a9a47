/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The state files that BIRD's configuration includes, so that `configure` and
 * `restart` leave things as we put them: one per static protocol, and a fence
 * that keeps a stale writer out. docs/internals/bird.md.
 *
 * Small synchronous writes to a directory in /run; knows no event loop, so the
 * offline withdrawal uses it as it is. It never waits for a lock.
 */
#ifndef ANODE_HEALTH_STATEFILE_H
#define ANODE_HEALTH_STATEFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/health/bird_show.h"

struct statefile {
	char dir[PATH_MAX - 128];
	char owner[64];      /* who we are, in the fence and the files: "anoded[311]" */
	uint64_t generation; /* the number we wrote last; 0 = not claimed */
};

/* dir: absolute; created (0755) with its parent when it is missing, now or at a
 * later write. 0, -ENAMETOOLONG, -EINVAL (relative). Touches no file. */
int statefile_init(struct statefile *state, const char *dir, const char *owner);

/* Takes the fence from whoever has it. 0, -EAGAIN: another process is writing
 * this moment, try again; or what the file system said. The first write does it
 * too, if this hasn't succeeded by then. */
int statefile_claim(struct statefile *state);

/* Is the fence still ours? 0, or -ESTALE with the holder's name. Without the
 * lock, for a look before each command. A missing fence is ours, and so is any
 * as long as we claimed none. */
int statefile_check(const struct statefile *state, char holder[64]);

/* Writes <protocol>.conf: up or down, with a note for people (one line; other
 * characters are replaced). 0, -ESTALE, -EAGAIN, or what the file system said;
 * then the old file is untouched. protocol: bird_name_valid(). */
int statefile_write(struct statefile *state, const char *protocol, bool up, const char *note);

/* Down without a write: removes the file. For when writing fails; -ESTALE. */
int statefile_remove(const struct statefile *state, const char *protocol);

/* What BIRD would read: 0, and *up; no file is down. -EBADMSG: not a file of
 * ours. */
int statefile_read(const struct statefile *state, const char *protocol, bool *up);

#endif
