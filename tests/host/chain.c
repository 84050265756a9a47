/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t name_key(const uint8_t *name, unsigned labels, uint8_t key[NAME_MAX_SIZE])
{
	uint8_t size = 0;

	while (labels--) {
		const uint8_t *label = name_skip(name, labels);

		memcpy(key + size, label + 1, *label);
		size = (uint8_t)(size + *label);
		key[size++] = 0;
	}
	return size;
}

static int point_fill(
	const struct chain *chain, struct chain_point *point, const uint8_t *name, uint32_t who)
{
	*point = (struct chain_point){.name_size = (uint8_t)name_size(name), .who = who};
	memcpy(point->name, name, point->name_size);
	if (chain->signing.denial == ZONE_NSEC3) {
		point->key_size = ZONE_SIGNING_HASH;
		return zone_signing_hash(&chain->signing, name, point->name_size, point->key);
	}
	point->key_size =
		name_key(name, name_labels(name) - name_labels(chain->origin), point->key);
	return 0;
}

int chain_add(struct chain *chain, const uint8_t *name, uint32_t who)
{
	int error;

	if (chain->count == chain->room) {
		uint32_t room = chain->room ? 2 * chain->room : 64;
		struct chain_point *points = realloc(chain->points, room * sizeof(*points));

		if (!points)
			return -ENOMEM;
		chain->points = points;
		chain->room = room;
	}
	error = point_fill(chain, &chain->points[chain->count], name, who);
	chain->count += !error;
	return error;
}

static int key_order(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return order ? order : (int)a_size - (int)b_size;
}

static int point_order(const void *a, const void *b)
{
	const struct chain_point *x = a, *y = b;

	return key_order(x->key, x->key_size, y->key, y->key_size);
}

void chain_sort(struct chain *chain)
{
	qsort(chain->points, chain->count, sizeof(*chain->points), point_order);
}

void chain_free(struct chain *chain)
{
	free(chain->points);
	chain->points = NULL;
	chain->count = chain->room = 0;
}

/* The apex always exists: both walks end. */
const struct chain_point *chain_at(const struct chain *chain, uint32_t at, uint32_t version)
{
	while (!chain->exists(chain->points[at].who, version, chain->context))
		at = (at ? at : chain->count) - 1;
	return &chain->points[at];
}

const struct chain_point *chain_behind(
	const struct chain *chain, const struct chain_point *point, uint32_t version)
{
	uint32_t at = (uint32_t)(point - chain->points);

	do
		at = (at + 1) % chain->count;
	while (!chain->exists(chain->points[at].who, version, chain->context));
	return &chain->points[at];
}

const struct chain_point *chain_of(const struct chain *chain, const uint8_t *name, uint32_t version)
{
	struct chain_point wanted;
	uint32_t low = 0, high = chain->count;

	if (point_fill(chain, &wanted, name, 0))
		return NULL;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (point_order(&chain->points[middle], &wanted) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return chain_at(chain, (low ? low : chain->count) - 1, version);
}

int chain_owner(
	const struct chain *chain, const struct chain_point *point, uint8_t owner[NAME_MAX_SIZE])
{
	if (chain->signing.denial == ZONE_NSEC3)
		return zone_signing_owner(owner, point->key, chain->origin);
	memcpy(owner, point->name, point->name_size);
	return point->name_size;
}

bool chain_leads(const struct chain *chain, const struct chain_point *point, uint32_t version,
	const uint8_t *rdata, size_t size)
{
	const struct chain_point *next = chain_behind(chain, point, version);
	uint32_t salt_end = 5u + chain->signing.salt_size;

	if (chain->signing.denial == ZONE_NSEC)
		return size > next->name_size && !memcmp(rdata, next->name, next->name_size);
	return size > salt_end + ZONE_SIGNING_HASH && rdata[salt_end] == ZONE_SIGNING_HASH &&
	       !memcmp(rdata + salt_end + 1, next->key, ZONE_SIGNING_HASH);
}
