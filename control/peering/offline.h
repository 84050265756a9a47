/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Withdraws without the daemon: takes the state files' fence, writes them down,
 * disables the protocols and reads back what peers get (docs/internals/bird.md,
 * "Without the daemon"). A daemon that is frozen and wakes up finds itself
 * superseded. Never announces. Blocks, within its deadlines.
 */
#pragma once

#include "control/config.h"
#include "control/health/moment.h"

struct offline_options {
	const struct config *config;
	int family;                  /* AF_UNSPEC: both */
	const struct prefix *prefix; /* NULL: all */
	const char *reason;          /* goes into the state files */
	struct span timeout;         /* of each answer of BIRD's */
	struct span settle;          /* until it is read back as withdrawn */
};

enum offline_end {
	OFFLINE_WITHDRAWN, /* no peer gets any of it */
	OFFLINE_BIRD_GONE, /* its sessions are down, and it comes back withdrawn */
	OFFLINE_STANDS,    /* something is still sent, or BIRD doesn't say: text says what */
	OFFLINE_NO_PREFIX, /* none is meant */
	OFFLINE_FAILED,    /* state files can't be written and BIRD can't be told */
};

enum offline_end offline_withdraw(const struct offline_options *options, char *text, size_t size);

/*
 * A configuration out of the state files in `state_dir`, for when the real one can't be read: which
 * protocols there are is known by them, prefixes and peers aren't, so nothing is read back. 0 with
 * *config (config_free()), -ENOENT: no state file, -ENOMEM, or why the folder can't be read.
 */
int offline_guess(struct config **config, const char *state_dir, const char *bird_socket,
	const char *control_socket);

/* Would it change anything: does a state file say up? Reads only those. */
bool offline_announced(const struct config *config);
