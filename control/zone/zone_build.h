/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the builder (zone_builder.c) and the store (zone.c); nobody else's.
 */
#ifndef ANODE_ZONE_ZONE_BUILD_H
#define ANODE_ZONE_ZONE_BUILD_H

#include "control/zone/zone.h"

/* Slots of the hash index for that many nodes: a power of two, at most 2/3 full. */
uint64_t zone_slot_count(uint64_t nodes);

/* Marks ends, cuts, occlusion, wildcards and counts them. Nodes are complete but for flags
 * other than EMPTY, end and cover. */
void zone_mark(struct zone *zone, struct zone_node *nodes);

/* Fills the hash index; zone->seed is set here. */
void zone_index_fill(struct zone *zone, uint32_t *slots, uint64_t slot_count);

#endif
