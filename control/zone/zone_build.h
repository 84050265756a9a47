/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the three that make a zone: records come in (zone_builder.c), are laid out in one arena
 * (zone_layout.c), and are marked and indexed (zone.c). Nobody else's.
 */
#ifndef ANODE_ZONE_ZONE_BUILD_H
#define ANODE_ZONE_ZONE_BUILD_H

#include "control/zone/zone.h"

struct build_chunk {
	struct build_chunk *next;
	size_t used, size;
	uint8_t bytes[];
};

/* Head of a record in a chunk; RDATA follows. Not aligned: copied in and out. */
struct build_head {
	uint32_t ttl;
	uint16_t type;
	uint16_t size;
};

struct build_run {
	const uint8_t *folded;
	const uint8_t *cased; /* == folded if nothing was folded */
	const uint8_t *heads;
	uint32_t count;
	uint8_t size, labels;
	uint8_t shared; /* labels in common with the run before, once in order */
	bool same;      /* same owner as the run before */
};

/* A record of the node being laid out. */
struct build_item {
	const uint8_t *rdata;
	uint32_t ttl;
	uint32_t place; /* order of arrival */
	uint16_t size, type, covered;
	bool dropped;
};

struct zone_builder {
	struct zone_limits limits;
	struct build_chunk *chunks; /* newest first */
	uint64_t chunk_bytes;
	struct build_run *runs;
	uint32_t run_count, run_room;
	struct build_item *items; /* scratch of the layout */
	uint32_t item_room;
	uint64_t records, rrset_bound;
	uint64_t bytes; /* names and RDATAs as they will stand in the arena, duplicates included */
	uint8_t origin[NAME_MAX_SIZE]; /* folded */
	uint8_t origin_size, origin_labels;
	uint16_t last_type, last_covered; /* of the run being filled */
	char reason[ZONE_REASON_SIZE];
};

/* Writes the reason and returns 'error'. */
__attribute__((format(printf, 3, 4))) int zone_builder_fail(
	struct zone_builder *builder, int error, const char *format, ...);
int zone_builder_fail_memory(struct zone_builder *builder);
int zone_builder_fail_bytes(struct zone_builder *builder);

/* Frees what was gathered. */
void zone_builder_empty(struct zone_builder *builder);

/* Slots of the hash index for that many nodes: a power of two, at most 2/3 full. */
uint64_t zone_slot_count(uint64_t nodes);

/* Marks ends, cuts, occlusion, wildcards and counts them. Nodes are complete but for flags
 * other than EMPTY, end and cover. */
void zone_mark(struct zone *zone, struct zone_node *nodes);

/* Fills the hash index; zone->seed is set here. */
void zone_index_fill(struct zone *zone, uint32_t *slots, uint64_t slot_count);

#endif
