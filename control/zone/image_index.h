/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer's side of an index of the image (docs/internals/image.md, "index"): extendible hashing
 * that readers walk while it grows.
 *
 * In: hashes and the offsets of objects that are complete. Out: single stores, each of which leaves
 * the index right for every reader. The hashes' high halves are kept beside the image, so that a
 * split reads no objects. It doesn't read keys, except to find one; it never frees objects.
 * Publisher thread only.
 */
#ifndef ANODE_ZONE_IMAGE_INDEX_H
#define ANODE_ZONE_IMAGE_INDEX_H

#include "control/zone/image_space.h"
#include "control/zone/image_store.h"

struct image_index;

/* A slot of a segment, good until the next insert. */
struct image_slot {
	uint32_t segment; /* place in the directory */
	uint32_t place;   /* bucket * IMAGE_SLOTS + slot */
	uint32_t offset;  /* what it holds */
};

/* A new, empty index that no reader sees yet; its word will stand 'word_at' octets into the header.
 * 0, -ENOMEM, -ENOSPC. */
int image_index_new(struct image_index **index, const struct image_targets *targets,
	struct image_space *space, uint32_t word_at);
/* Stores the word: from now on readers use this index. Once. */
void image_index_show(struct image_index *index);
/* From now on its parts may take the space's kept pages (image_space_keep()). */
void image_index_keep(struct image_index *index);
/* Forgets it; the image isn't touched. NULL is fine. */
void image_index_free(struct image_index *index);

/* name_hash() of dataplane/answer: 'length' octets of folded labels. */
uint64_t image_index_hash(const uint8_t *key, uint32_t length, uint64_t seed);

/* The object of that hash, zone and key. */
bool image_index_find(struct image_index *index, uint64_t hash, uint32_t zone, const uint8_t *key,
	uint32_t key_len, struct image_slot *slot);
/* The slot that holds this very object, filed under that hash. */
bool image_index_locate(
	struct image_index *index, uint64_t hash, uint32_t offset, struct image_slot *slot);

/* Files a complete object that isn't there yet. 0, -ENOSPC, -ENOMEM, or -EXFULL: too many names
 * with this hash. */
int image_index_insert(struct image_index *index, uint64_t hash, uint32_t offset);
/* The slot's object becomes another one with the same key. */
void image_index_replace(struct image_index *index, const struct image_slot *slot, uint32_t offset);
void image_index_delete(struct image_index *index, const struct image_slot *slot);

/* Joins segments that many deletions have left sparse, as far as memory goes. */
void image_index_shrink(struct image_index *index);

struct image_index_state {
	uint64_t objects;
	uint32_t segments;
	uint32_t depth;
};
void image_index_state(const struct image_index *index, struct image_index_state *state);

#endif
