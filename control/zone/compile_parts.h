/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the compile step share: names (compile.c) and denial (compile_denial.c). Nobody
 * else's.
 */
#ifndef ANODE_ZONE_COMPILE_PARTS_H
#define ANODE_ZONE_COMPILE_PARTS_H

#include "control/zone/compile.h"
#include "control/zone/compile_group.h"

#define TARGETS_MAX IMAGE_RRS_MAX

/* A zone while it is compiled. */
struct making {
	const struct zone *zone;
	struct group *group;
	struct compiled *out;
	bool hashed;                                  /* entries carry NSEC3 hashes */
	uint8_t (*hashes)[IMAGE_HASH_SIZE];           /* of the chain, ascending */
	const struct zone_node *targets[TARGETS_MAX]; /* whose addresses the answer may carry */
	struct zone_node synthesised[TARGETS_MAX];    /* those that a wildcard gives */
	uint8_t folded[TARGETS_MAX][NAME_MAX_SIZE];   /* their names */
	_Alignas(IMAGE_UNIT) uint8_t entry[IMAGE_ENTRY_MAX];
};

/* Appends 'size' octets, padded to units. 0 or -ENOMEM. */
int compiled_append(
	struct compiled *out, const uint8_t *from, uint32_t size, struct compiled_entry *at);

/*
 * The zone's denials, and VERSION_NSEC or VERSION_NSEC3 in the flags, if it has a chain that can be
 * relied on; else neither. 0 or -ENOMEM.
 */
int denial_compile(struct making *m);

/* The node's NSEC3 hashes, after denial_compile() has set m->hashed. */
void hashes_write(const struct making *m, const struct zone_node *node, struct image_hashes *to);

#endif
