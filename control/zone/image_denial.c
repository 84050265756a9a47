/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/image_denial.h"

#include "control/zone/denial.h"
#include "control/zone/image_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NODE_ROOM NODE_SIZE(IMAGE_KEY_MAX, IMAGE_NODE_ITEMS)
/* One key in 32 ends a node; each level looks at other bits of its hash. */
#define BOUNDARY_BITS 5u

static uint32_t units_of(size_t size)
{
	return (uint32_t)((size + IMAGE_UNIT - 1) / IMAGE_UNIT);
}

static const struct image_denial *denial_at(const struct image *image, uint32_t offset)
{
	return image_object(image, offset);
}

static const struct image_node *node_at(const struct image *image, uint32_t offset)
{
	return image_object(image, offset);
}

/* An object with these bytes that no reader sees yet. Its offset, or 0 with *error. */
static uint32_t object_make(struct image *image, struct denial_change *change, const void *bytes,
	uint32_t units, int *error)
{
	uint32_t offset;

	change->units += image_space_cost(units);
	if (*error)
		return 0; /* only to be counted */
	offset = image_space_take(image->space, units, IMAGE_USE_ENTRIES);
	*error = -ENOSPC;
	if (!offset)
		return 0;
	*error = offsets_add(&change->fresh, offset);
	if (*error) {
		image_give(image, offset, IMAGE_USE_ENTRIES);
		return 0;
	}
	image_store_bytes(&image->targets, offset, 0, bytes, (size_t)units * IMAGE_UNIT);
	return offset;
}

/* ---- denials ---- */

/* Both are in order: what has the same key is met together. */
static int chain_make(struct image *image, const struct denials *old, const struct compiled *c,
	struct denial_change *change)
{
	struct denials *next = &change->next;
	uint32_t met = 0;
	int error = 0, full = 0;

	next->chain = calloc((size_t)c->denial_count + 1, sizeof(*next->chain));
	if (!next->chain)
		return -ENOMEM;
	for (; next->count < c->denial_count && !error; next->count++) {
		const struct compiled_entry *at = &c->denials[next->count];
		const struct image_denial *wanted = compiled_denial(c, next->count);
		uint32_t kept = 0;

		while (met < old->count && !error) {
			int order = denial_order(denial_at(image, old->chain[met]), wanted);

			if (order > 0)
				break;
			if (order == 0 &&
				image_object_same(image, old->chain[met], (const uint8_t *)wanted,
					(size_t)at->units * IMAGE_UNIT, 0))
				kept = old->chain[met];
			else
				error = offsets_add(&change->gone, old->chain[met]);
			met++;
			if (order == 0)
				break;
		}
		if (!kept && !error)
			kept = object_make(image, change, wanted, at->units, &full);
		next->chain[next->count] = kept;
		if (full && full != -ENOSPC)
			error = full;
	}
	while (met < old->count && !error)
		error = offsets_add(&change->gone, old->chain[met++]);
	return error ? error : full;
}

/* ---- nodes ---- */

static uint32_t keys_shared(const struct image_denial *a, const struct image_denial *b)
{
	uint32_t i = 0;

	while (i < a->key_len && i < b->key_len && a->key[i] == b->key[i])
		i++;
	return i;
}

/* Its size in octets, padded to units. */
static uint32_t node_render(const struct image *image, unsigned level,
	const struct image_branch *items, uint32_t count, uint8_t bytes[])
{
	const struct image_denial *first = denial_at(image, items[0].first);
	uint32_t prefix = keys_shared(first, denial_at(image, items[count - 1].first));
	struct image_node *node = (struct image_node *)(void *)bytes;
	uint32_t size = units_of(NODE_SIZE(prefix, count)) * IMAGE_UNIT;

	memset(bytes, 0, size);
	node->level = (uint8_t)level;
	node->count = (uint8_t)count;
	node->prefix = (uint16_t)prefix;
	memcpy(node->data, first->key, prefix);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t slice = denial_slice(denial_at(image, items[i].first), prefix);

		memcpy(bytes + NODE_SLICES_AT(prefix) + 8 * (size_t)i, &slice, sizeof(slice));
	}
	memcpy(bytes + NODE_BRANCHES_AT(prefix, count), items, count * sizeof(*items));
	return size;
}

/* Does a node end before this item? Only the keys decide, so that equal stretches give equal nodes.
 */
static bool node_ends(const struct image *image, unsigned level, uint64_t seed, uint32_t denial)
{
	const struct image_denial *d = denial_at(image, denial);
	uint64_t hash = image_index_hash(d->key, d->key_len, seed);

	return (hash >> level * BOUNDARY_BITS & ((1u << BOUNDARY_BITS) - 1)) == 0;
}

static uint32_t node_length(const struct image *image, unsigned level, uint64_t seed,
	const struct image_branch *items, uint32_t left)
{
	uint32_t length = 1;

	while (length < left && length < IMAGE_NODE_ITEMS &&
		!node_ends(image, level, seed, items[length].first))
		length++;
	return length;
}

/* The node of the old level with these bytes, or 0; *met goes on through the level. */
static uint32_t node_keep(const struct image *image, const struct denial_level *old, uint32_t *met,
	const uint8_t *bytes, uint32_t size, struct offsets *gone, int *error)
{
	const struct image_branch *items = node_branches((const void *)bytes);
	const struct image_denial *first = denial_at(image, items[0].first);

	while (*met < old->count && !*error) {
		uint32_t offset = old->nodes[*met];
		uint32_t other = node_branches(node_at(image, offset))[0].first;
		int order = denial_order(denial_at(image, other), first);

		if (order > 0)
			return 0;
		++*met;
		if (order == 0 && image_object_same(image, offset, bytes, size, 0))
			return offset;
		*error = offsets_add(gone, offset);
	}
	return 0;
}

/* One level over 'items', which become the items of the level above. */
static int level_make(struct image *image, const struct denial_level *old, unsigned level,
	uint64_t seed, struct denial_change *change, struct image_branch *items, uint32_t *count)
{
	struct denial_level *made = &change->next.levels[level];
	_Alignas(IMAGE_UNIT) uint8_t bytes[NODE_ROOM + IMAGE_UNIT];
	uint32_t met = 0;
	int error = 0;

	made->nodes = calloc(*count, sizeof(*made->nodes));
	if (!made->nodes)
		return -ENOMEM;
	for (uint32_t at = 0, length; at < *count && !error; at += length) {
		length = *count <= IMAGE_NODE_ITEMS
				 ? *count
				 : node_length(image, level, seed, items + at, *count - at);
		uint32_t size = node_render(image, level, items + at, length, bytes);
		uint32_t node = node_keep(image, old, &met, bytes, size, &change->gone, &error);

		if (!node && !error)
			node = object_make(image, change, bytes, units_of(size), &error);
		made->nodes[made->count] = node;
		items[made->count++] = (struct image_branch){node, items[at].first};
	}
	while (met < old->count && !error)
		error = offsets_add(&change->gone, old->nodes[met++]);
	*count = made->count;
	return error;
}

static int levels_make(
	struct image *image, const struct denials *old, uint64_t seed, struct denial_change *change)
{
	uint32_t count = change->next.count;
	struct image_branch *items = calloc((size_t)count + 1, sizeof(*items));
	unsigned level = 0;
	int error = items ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < count && !error; i++)
		items[i] = (struct image_branch){change->next.chain[i], change->next.chain[i]};
	while (count && !error && !change->next.root) {
		if (level == IMAGE_NODE_LEVELS) {
			error = -EXFULL;
			break;
		}
		error = level_make(image, &old->levels[level], level, seed, change, items, &count);
		if (!error && count == 1)
			change->next.root = items[0].down;
		level++;
	}
	for (; level < IMAGE_NODE_LEVELS && !error; level++) {
		for (uint32_t i = 0; i < old->levels[level].count && !error; i++)
			error = offsets_add(&change->gone, old->levels[level].nodes[i]);
	}
	free(items);
	return error;
}

int denials_change(struct image *image, const struct denials *old, const struct compiled *compiled,
	uint64_t seed, struct denial_change *change)
{
	int error;

	*change = (struct denial_change){0};
	error = chain_make(image, old, compiled, change);
	if (!error)
		error = levels_make(image, old, seed, change);
	if (error)
		denials_undo(image, change);
	return error;
}

void denials_undo(struct image *image, struct denial_change *change)
{
	uint64_t units = change->units;

	denials_give(image, &change->fresh);
	free(change->gone.items);
	denials_free(&change->next);
	*change = (struct denial_change){.units = units};
}

int denials_list(const struct denials *denials, struct offsets *list)
{
	int error = 0;

	for (uint32_t i = 0; i < denials->count && !error; i++)
		error = offsets_add(list, denials->chain[i]);
	for (unsigned level = 0; level < IMAGE_NODE_LEVELS; level++) {
		for (uint32_t i = 0; i < denials->levels[level].count && !error; i++)
			error = offsets_add(list, denials->levels[level].nodes[i]);
	}
	if (error) {
		free(list->items);
		*list = (struct offsets){0};
	}
	return error;
}

void denials_give(struct image *image, struct offsets *gone)
{
	for (size_t i = 0; i < gone->count; i++)
		image_give(image, gone->items[i], IMAGE_USE_ENTRIES);
	free(gone->items);
	*gone = (struct offsets){0};
}

/* ---- adoption ---- */

/* What the nodes of one level lead to, in order. */
static int level_read(const struct image *image, const uint32_t *nodes, uint32_t count,
	uint32_t **below, uint32_t *below_count)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++)
		total += node_at(image, nodes[i])->count;
	*below = calloc(total + 1, sizeof(**below));
	if (!*below)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct image_node *node = node_at(image, nodes[i]);

		for (uint32_t j = 0; j < node->count; j++)
			(*below)[(*below_count)++] = node_branches(node)[j].down;
	}
	return 0;
}

int denials_read(const struct image *image, uint32_t root, struct denials *denials)
{
	struct denial_level *level;
	int error = 0;

	*denials = (struct denials){.root = root};
	if (!root)
		return 0;
	level = &denials->levels[node_at(image, root)->level];
	level->nodes = calloc(1, sizeof(*level->nodes));
	if (!level->nodes)
		return -ENOMEM;
	level->nodes[level->count++] = root;
	for (; level > denials->levels && !error; level--)
		error = level_read(
			image, level->nodes, level->count, &level[-1].nodes, &level[-1].count);
	if (!error)
		error = level_read(
			image, level->nodes, level->count, &denials->chain, &denials->count);
	if (error)
		denials_free(denials);
	return error;
}

void denials_free(struct denials *denials)
{
	free(denials->chain);
	for (unsigned level = 0; level < IMAGE_NODE_LEVELS; level++)
		free(denials->levels[level].nodes);
	*denials = (struct denials){0};
}
