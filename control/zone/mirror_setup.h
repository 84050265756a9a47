/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options of a mirror as it keeps them: copied, checked, defaults filled in, zones by name.
 */
#ifndef ANODE_ZONE_MIRROR_SETUP_H
#define ANODE_ZONE_MIRROR_SETUP_H

#include "control/zone/mirror.h"

#define MIRROR_MOST_TRANSFERS 64

struct mirror_setup_key {
	struct key_options options; /* strings are the setup's */
	struct key *key;            /* NULL: not read yet, or not readable */
	struct zone_fault fault;    /* NO_KEY while there is none */
	struct monotime next_look;  /* at the file */
};

struct mirror_setup_zone {
	struct mirror_zone_options options; /* name and key point into the setup */
	struct mirror_setup_key *key;       /* NULL: unsigned */
	uint8_t name[NAME_MAX_SIZE];        /* folded */
};

struct mirror_setup {
	struct stream_options stream;
	struct timespan poll_timeout, stale_limit;
	unsigned transfers, polls, poll_rate;
	uint64_t memory;
	size_t key_count, zone_count;
	struct mirror_setup_key *keys;
	struct mirror_setup_zone *zones; /* by id */
};

/* 0, -EINVAL (no server, a key that isn't listed, an id twice), or -ENOMEM. */
int mirror_setup_new(struct mirror_setup **setup, const struct mirror_options *options);
void mirror_setup_free(struct mirror_setup *setup);

/* The index of the zone with that id; false if there is none. */
bool mirror_setup_find(const struct mirror_setup *setup, uint32_t id, uint32_t *index);

/* The key of a zone: 0 with *key borrowed (NULL: unsigned), or -ENOKEY with 'fault' filled. Reads
 * the file when there is no key yet, once a second, and when it changed, every ten seconds. */
int mirror_setup_key(struct mirror_setup_zone *zone, struct monotime now, struct key **key,
	struct zone_fault *fault);

#endif
