/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The denials of a signed zone's version and the tree over them (docs/internals/image.md, "Signed
 * zones"), as their writer handles them.
 *
 * In: a compilation, and what the version before had. Out: the tree of the next version, which
 * shares with the old one whatever is equal; what is new, for the case that it isn't shown; what is
 * gone, to be freed once nobody reads the old version. Nothing that a reader may hold is written
 * to. Publisher thread only.
 */
#ifndef ANODE_ZONE_IMAGE_DENIAL_H
#define ANODE_ZONE_IMAGE_DENIAL_H

#include "control/zone/compile.h"
#include "control/zone/offsets.h"

struct image;

struct denial_level {
	uint32_t *nodes; /* in order */
	uint32_t count;
};

struct denials {
	uint32_t root;   /* 0: none */
	uint32_t *chain; /* image_denial, in order */
	uint32_t count;
	struct denial_level levels[IMAGE_NODE_LEVELS];
};

struct denial_change {
	struct denials next;
	struct offsets fresh; /* in 'next' alone */
	struct offsets gone;  /* in the old version alone */
	uint64_t units;       /* that 'fresh' takes, or would have taken */
};

/*
 * Takes room and writes. 'seed' is the version's. 0; -ENOSPC, -ENOMEM, or -EXFULL (this seed gives
 * too many levels): then there is nothing to undo.
 */
int denials_change(struct image *image, const struct denials *old, const struct compiled *compiled,
	uint64_t seed, struct denial_change *change);

/* Gives 'fresh' back, which no reader has seen, and forgets the change. Also after a failure. */
void denials_undo(struct image *image, struct denial_change *change);

/* Everything of a version, into an empty list of what is gone. 0 or -ENOMEM: nothing is listed. */
int denials_list(const struct denials *denials, struct offsets *list);

/* What no reader holds any more. */
void denials_give(struct image *image, struct offsets *gone);

/* Reads the tree of a checked image. 0 or -ENOMEM. */
int denials_read(const struct image *image, uint32_t root, struct denials *denials);

void denials_free(struct denials *denials);

#endif
