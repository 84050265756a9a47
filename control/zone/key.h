/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TSIG key (RFC 8945) as the operator configures it: name, algorithm, and a file that holds the
 * secret in base64 and nothing else.
 *
 * A file that isn't there yet is no error of the configuration: -ENOENT, to be tried again.
 * Secrets are wiped before their memory is given back, and never appear in a reason.
 */
#ifndef ANODE_ZONE_KEY_H
#define ANODE_ZONE_KEY_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_REASON_SIZE 320

/* Strings owned by the caller, needed only during key_load(). */
struct key_options {
	const char *name;      /* domain name, presentation format */
	const char *algorithm; /* hmac-sha256, and the others that libknot knows */
	const char *secret_file;
};

struct key;

/* Reads the file. 0 with *key owned by the caller (key_free), or
 *   -ENOENT  the file (or its folder) isn't there
 *   -EACCES  it may not be read
 *   -EINVAL  name, algorithm or content is unusable; -EFBIG: not a secret but something large
 * with 'reason' saying what to do. After success 'reason' is empty or a warning (the file is
 * readable by others). Any thread. */
int key_load(struct key **key, const struct key_options *options, char reason[KEY_REASON_SIZE]);

/* True if the file isn't the one that was read (replaced, rewritten, gone). */
bool key_is_stale(const struct key *key);

/* Takes another reference; returns 'key'. Any thread. */
struct key *key_hold(struct key *key);

/* Gives a reference back; the last one wipes and frees. NULL is fine. Any thread. */
void key_free(struct key *key);

/* True if that algorithm name is known. */
bool key_algorithm_is_known(const char *name);

#endif
