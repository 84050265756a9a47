/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The finished zone: marks its structure, finds names. Building is in zone_builder.c.
 */
#include "control/zone/zone.h"
#include "control/zone/zone_build.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

__extension__ typedef unsigned __int128 wide;

static inline uint64_t fold_multiply(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Seeded, because owner names may be chosen by people who want collisions. */
static uint64_t name_hash(uint64_t seed, const uint8_t *name, size_t size)
{
	uint64_t hash = seed ^ (size * 0x9e3779b97f4a7c15u), word;

	for (; size >= sizeof(word); size -= sizeof(word), name += sizeof(word)) {
		memcpy(&word, name, sizeof(word));
		hash = fold_multiply(hash ^ word, 0xa0761d6478bd642fu);
	}
	word = 0;
	memcpy(&word, name, size);
	hash = fold_multiply(hash ^ word, 0xe7037ed1a0b428dbu);
	return fold_multiply(hash ^ seed, 0x8ebc6af09c88c6e3u);
}

uint64_t zone_slot_count(uint64_t nodes)
{
	uint64_t count = 4;

	while (count * 2 < nodes * 3)
		count *= 2;
	return count;
}

void zone_index_fill(struct zone *zone, uint32_t *slots, uint64_t slot_count)
{
	/* No entropy yet (early boot) only costs the protection against chosen collisions. */
	if (getrandom(&zone->seed, sizeof(zone->seed), GRND_NONBLOCK) < 0)
		zone->seed = 0x589965cc75374cc3u;
	zone->slots = slots;
	zone->slot_mask = (uint32_t)(slot_count - 1);
	memset(slots, 0xff, slot_count * sizeof(*slots)); /* ZONE_NONE */
	for (uint32_t i = 0; i < zone->node_count; i++) {
		const struct zone_node *node = &zone->nodes[i];
		uint32_t at = (uint32_t)name_hash(zone->seed, node->name, node->name_size);

		while (slots[at & zone->slot_mask] != ZONE_NONE)
			at++;
		slots[at & zone->slot_mask] = i;
	}
}

static const struct zone_node *find(const struct zone *zone, const uint8_t *name, size_t size)
{
	uint32_t at = (uint32_t)name_hash(zone->seed, name, size);

	for (;; at++) {
		uint32_t index = zone->slots[at & zone->slot_mask];

		if (index == ZONE_NONE)
			return NULL;
		const struct zone_node *node = &zone->nodes[index];
		if (node->name_size == size && !memcmp(node->name, name, size))
			return node;
	}
}

const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name)
{
	return find(zone, name, name_size(name));
}

const struct zone_node *zone_find_encloser(const struct zone *zone, const uint8_t *name)
{
	size_t size = name_size(name), least = zone->nodes[0].name_size;

	for (; size >= least; size -= 1U + *name, name += 1 + *name) {
		const struct zone_node *node = find(zone, name, size);

		if (node)
			return node;
		if (!*name)
			break;
	}
	return NULL;
}

const struct zone_node *zone_find_before(const struct zone *zone, const uint8_t *name)
{
	uint32_t low = 0, high = zone->node_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (name_compare(zone->nodes[middle].name, name, NULL) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &zone->nodes[low - 1] : NULL;
}

const struct zone_node *zone_wildcard(const struct zone *zone, const struct zone_node *node)
{
	uint8_t name[NAME_MAX_SIZE + 2] = {1, '*'};

	if (!(node->flags & ZONE_NODE_STAR_BELOW))
		return NULL;
	memcpy(name + 2, node->name, node->name_size);
	return find(zone, name, 2U + node->name_size);
}

const struct zone_rrset *zone_rrset(const struct zone_node *node, uint16_t type)
{
	for (uint32_t i = 0; i < node->rrset_count; i++)
		if (node->rrsets[i].type == type && !node->rrsets[i].covered)
			return &node->rrsets[i];
	return NULL;
}

const struct zone_rrset *zone_rrsig(const struct zone_node *node, uint16_t covered)
{
	for (uint32_t i = 0; i < node->rrset_count; i++)
		if (node->rrsets[i].type == RR_RRSIG && node->rrsets[i].covered == covered)
			return &node->rrsets[i];
	return NULL;
}

bool zone_rdata_next(const struct zone_rrset *rrset, struct zone_rdata *at)
{
	const uint8_t *next = at->data ? at->data + at->size : rrset->rdata;

	if (next == rrset->rdata + rrset->size + (size_t)rrset->count * sizeof(at->size))
		return false;
	memcpy(&at->size, next, sizeof(at->size));
	at->data = next + sizeof(at->size);
	return true;
}

struct zone *zone_hold(struct zone *zone)
{
	atomic_fetch_add_explicit(&zone->references, 1, memory_order_relaxed);
	return zone;
}

void zone_free(struct zone *zone)
{
	if (zone && atomic_fetch_sub_explicit(&zone->references, 1, memory_order_acq_rel) == 1)
		free(zone);
}

/* What the records of a node, alone, make it. */
static uint16_t node_flags(const struct zone_node *node, bool apex)
{
	bool nsec3 = false, other = false, beside_cname = false;
	uint16_t flags = 0;

	if (!node->rrset_count)
		flags |= ZONE_NODE_EMPTY;
	if (node->name[0] == 1 && node->name[1] == '*')
		flags |= ZONE_NODE_WILDCARD;
	for (uint32_t i = 0; i < node->rrset_count; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		if (rrset->type == RR_NSEC3)
			nsec3 = true;
		else if (rrset->type != RR_RRSIG || rrset->covered != RR_NSEC3)
			other = true;
		if (rrset->type == RR_NS && !apex)
			flags |= ZONE_NODE_CUT;
		if (rrset->type == RR_DNAME)
			flags |= ZONE_NODE_DNAME;
		if (rrset->type == RR_CNAME)
			flags |= ZONE_NODE_CNAME;
		else if (rrset->type != RR_RRSIG && rrset->type != RR_NSEC)
			beside_cname = true; /* RFC 4034 4: NSEC and RRSIG may stand there */
		if ((rrset->type == RR_CNAME || rrset->type == RR_DNAME) && rrset->count > 1)
			flags |= ZONE_NODE_CLASH;
	}
	if (flags & ZONE_NODE_CNAME && beside_cname)
		flags |= ZONE_NODE_CLASH;
	if (nsec3 && !other)
		flags |= ZONE_NODE_NSEC3;
	return flags;
}

void zone_mark(struct zone *zone, struct zone_node *nodes)
{
	for (uint32_t i = 0; i < zone->node_count; i++) {
		struct zone_node *node = &nodes[i];

		node->flags = node_flags(node, i == 0);
		node->end = i + 1;
		node->cover = ZONE_NONE;
		if (i == 0)
			continue;

		struct zone_node *parent = &nodes[node->parent];
		if (parent->flags & ZONE_NODE_OCCLUDED)
			node->cover = parent->cover;
		else if (parent->flags & (ZONE_NODE_CUT | ZONE_NODE_DNAME))
			node->cover = node->parent;
		/* A DNAME at the apex doesn't hide the zone's own NSEC3 chain. */
		if (node->cover == 0 && node->flags & ZONE_NODE_NSEC3)
			node->cover = ZONE_NONE;
		if (node->cover != ZONE_NONE) {
			node->flags |= ZONE_NODE_OCCLUDED;
			node->flags &= (uint16_t)~ZONE_NODE_CUT;
			zone->occluded_count++;
		}
		if (node->flags & ZONE_NODE_WILDCARD)
			parent->flags |= ZONE_NODE_STAR_BELOW;
		if (node->flags & ZONE_NODE_CUT)
			zone->cut_count++;
		if (node->flags & ZONE_NODE_EMPTY)
			zone->empty_count++;
	}
	for (uint32_t i = zone->node_count - 1; i > 0; i--) {
		struct zone_node *parent = &nodes[nodes[i].parent];

		if (parent->end < nodes[i].end)
			parent->end = nodes[i].end;
	}
}
