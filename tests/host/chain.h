/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The chain of denials of a zone whose names come and go, as it must be in each version: to judge
 * what a reader finds in an image, or an asker in a reply.
 *
 * In: every name that the zone can ever have, and a function that says which of them a version has.
 * Out: which of them denies a name, and which one its record must name as the next.
 */
#ifndef ANODE_TESTS_HOST_CHAIN_H
#define ANODE_TESTS_HOST_CHAIN_H

#include "tests/host/zone_signing.h"

struct chain_point {
	uint8_t name[NAME_MAX_SIZE]; /* wire format, folded, with the root label */
	uint8_t key[NAME_MAX_SIZE];  /* as a denial has it (docs/internals/image.md) */
	uint8_t name_size, key_size;
	uint32_t who; /* the caller's number for the name */
};

struct chain {
	struct zone_signing signing;
	uint8_t origin[NAME_MAX_SIZE];
	struct chain_point *points; /* by key */
	uint32_t count, room;
	bool (*exists)(uint32_t who, uint32_t version, void *context);
	void *context;
};

/* Every name once, then chain_sort(). `name` is folded, without octets 0 and 1. 0 or -errno. */
int chain_add(struct chain *chain, const uint8_t *name, uint32_t who);
void chain_sort(struct chain *chain);
void chain_free(struct chain *chain);

/* The point whose denial proves what there is of points[at]: itself, or the last one before. */
const struct chain_point *chain_at(const struct chain *chain, uint32_t at, uint32_t version);
/* The one behind a point that exists. */
const struct chain_point *chain_behind(
	const struct chain *chain, const struct chain_point *point, uint32_t version);
/* The point whose denial proves what there is of any name (folded) of the zone; or NULL with too
 * little memory. */
const struct chain_point *chain_of(
	const struct chain *chain, const uint8_t *name, uint32_t version);
/* The owner of a point's NSEC or NSEC3; its size. */
int chain_owner(
	const struct chain *chain, const struct chain_point *point, uint8_t owner[NAME_MAX_SIZE]);

/* Does the RDATA of the point's NSEC or NSEC3 lead to the right next one? */
bool chain_leads(const struct chain *chain, const struct chain_point *point, uint32_t version,
	const uint8_t *rdata, size_t size);

#endif
