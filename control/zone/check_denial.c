/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of the checker that walks the tree of denials of a version: what a reader relies on to
 * come to the one that covers a key.
 */
#include "control/zone/image_walk.h"

#include "control/zone/denial.h"
#include "control/zone/name.h"
#include "control/zone/rdata.h"

#include <errno.h>
#include <string.h>

struct tree {
	struct walk *walk;
	const struct image_version *version;
	uint32_t last; /* the denial before, 0: none */
};

/* A key of the kind that the version has: a hash, or whole labels below the apex. */
static bool key_fits(const struct tree *t, const struct image_denial *d)
{
	uint32_t padded = DENIAL_GROUP_AT(d->key_len) - DENIAL_HEAD, labels = 0;

	for (uint32_t i = d->key_len; i < padded; i++) {
		if (d->key[i])
			return false;
	}
	if (t->version->flags & VERSION_NSEC3)
		return d->key_len == IMAGE_HASH_SIZE && !d->labels;
	for (uint32_t i = 0; i < d->key_len; i++)
		labels += !d->key[i];
	return d->key_len <= IMAGE_KEY_MAX && (!d->key_len || !d->key[d->key_len - 1]) &&
	       d->labels == labels;
}

static uint16_t record_type(const struct image_denial *d)
{
	const struct image_fragment *f =
		(const void *)((const uint8_t *)d + DENIAL_GROUP_AT(d->key_len));
	uint32_t at = 0;

	while (at < f->length && f->data[at] && f->data[at] < 0xc0)
		at += 1u + f->data[at];
	at += at < f->length && f->data[at] ? 2 : 1;
	return at + 2 <= f->length ? (uint16_t)(f->data[at] << 8 | f->data[at + 1]) : 0;
}

static int denial_walk(struct tree *t, uint32_t offset)
{
	const struct image_denial *d = walk_at(t->walk, offset);
	uint64_t room = walk_room(t->walk, offset);
	const struct image_fragment *f;
	int end, error;

	if (room < DENIAL_HEAD || room < DENIAL_GROUP_AT(d->key_len) + FRAGMENT_HEAD)
		return walk_wrong(t->walk, "denial %u lies outside", offset);
	if (!key_fits(t, d))
		return walk_wrong(t->walk, "denial %u: bad key", offset);
	if (t->last && denial_order(walk_at(t->walk, t->last), d) >= 0)
		return walk_wrong(t->walk, "denial %u: not behind %u", offset, t->last);
	t->last = offset;
	end = walk_group(t->walk, offset, DENIAL_GROUP_AT(d->key_len), 0, t->version->apex_len);
	if (end < 0)
		return end;
	f = (const void *)((const uint8_t *)d + DENIAL_GROUP_AT(d->key_len));
	if (f->flags || f->records[0] || f->records[1] < 2 || f->records[2] ||
		record_type(d) != (t->version->flags & VERSION_NSEC3 ? RR_NSEC3 : RR_NSEC))
		return walk_wrong(t->walk, "denial %u: not an NSEC with its signature", offset);
	error = walk_meet(t->walk, offset, (uint64_t)end, IMAGE_USE_ENTRIES, "denial");
	return error == OBJECT_KNOWN ? walk_wrong(t->walk, "denial %u stands twice", offset)
				     : error;
}

/* Whether the items of a node say what their keys are; those were checked on the way down. */
static int items_check(struct tree *t, uint32_t offset)
{
	const struct image_node *node = walk_at(t->walk, offset);
	const uint8_t *slices = (const uint8_t *)node + NODE_SLICES_AT(node->prefix);

	for (uint32_t i = 0; i < node->count; i++) {
		const struct image_denial *d = walk_at(t->walk, node_branches(node)[i].first);
		uint64_t slice;

		memcpy(&slice, slices + 8 * (size_t)i, sizeof(slice));
		if (node->prefix > d->key_len || memcmp(d->key, node->data, node->prefix) ||
			slice != denial_slice(d, node->prefix))
			return walk_wrong(t->walk, "node %u: item %u is not its key", offset, i);
	}
	return 0;
}

static int node_walk(struct tree *t, uint32_t offset, unsigned level);

/* What an item leads to, and whether it begins with the denial that the item names. */
static int item_walk(struct tree *t, uint32_t node, const struct image_branch *item, unsigned level)
{
	const struct image_node *child = walk_at(t->walk, item->down);
	int error = level ? node_walk(t, item->down, level - 1) : denial_walk(t, item->down);

	if (error)
		return error;
	if (item->first != (level ? node_branches(child)[0].first : item->down))
		return walk_wrong(t->walk, "node %u: an item names another's denial", node);
	return 0;
}

static int node_walk(struct tree *t, uint32_t offset, unsigned level)
{
	const struct image_node *node = walk_at(t->walk, offset);
	uint64_t room = walk_room(t->walk, offset);
	int error;

	if (room < NODE_HEAD || node->level != level || node->count == 0 ||
		node->count > IMAGE_NODE_ITEMS || node->prefix > IMAGE_KEY_MAX)
		return walk_wrong(t->walk, "node %u: level, count or prefix", offset);
	error = walk_meet(
		t->walk, offset, NODE_SIZE(node->prefix, node->count), IMAGE_USE_ENTRIES, "node");
	if (error)
		return error < 0 ? error : walk_wrong(t->walk, "node %u stands twice", offset);
	for (uint32_t i = 0; i < node->count && !error; i++)
		error = item_walk(t, offset, &node_branches(node)[i], level);
	return error ? error : items_check(t, offset);
}

int denial_check(struct walk *w, uint32_t offset, const struct image_version *v)
{
	struct tree tree = {.walk = w, .version = v};
	uint32_t kinds = v->flags & (VERSION_NSEC | VERSION_NSEC3);
	const struct image_node *root;

	if (!kinds != !v->denial || kinds == (VERSION_NSEC | VERSION_NSEC3) ||
		(kinds && !(v->flags & VERSION_SIGNED)))
		return walk_wrong(
			w, "version %u: flags %x with denial %u", offset, v->flags, v->denial);
	if (!v->denial)
		return 0;
	if (walk_room(w, v->denial) < NODE_HEAD)
		return walk_wrong(w, "version %u: denial lies outside", offset);
	root = walk_at(w, v->denial);
	if (root->level >= IMAGE_NODE_LEVELS)
		return walk_wrong(w, "node %u: level %u", v->denial, root->level);
	return node_walk(&tree, v->denial, root->level);
}
