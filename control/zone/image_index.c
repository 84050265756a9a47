/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/image_index.h"

#include "answer/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACES        (IMAGE_BUCKETS * IMAGE_SLOTS)
#define SEGMENT_UNITS (IMAGE_SEGMENT_SIZE / IMAGE_UNIT)
#define NO_PLACE      UINT32_MAX
#define MERGE_LIVE                                                                                 \
	(PLACES / 2) /* at most that many in a segment made of two: room before it splits again */

struct segment {
	uint32_t offset;
	uint32_t depth; /* top bits of the hash that all its objects share */
	uint32_t live;
	uint32_t high[PLACES]; /* of the hashes of what the slots hold */
};

struct image_index {
	const struct image_targets *targets;
	struct image_space *space;
	struct segment **directory; /* 2^depth */
	uint32_t word_at;
	uint32_t offset; /* of the directory */
	uint32_t depth;
	uint32_t depth_max; /* the directory must fit into a shard */
	uint32_t segments;
	uint64_t objects;
	bool shown; /* readers use it */
	bool kept;  /* it grows into the pages that others leave */
};

uint64_t image_index_hash(const uint8_t *key, uint32_t length, uint64_t seed)
{
	struct name_lanes lanes = name_lanes_start(seed, length);

	for (; length > sizeof(uint64_t[2]); length -= (uint32_t)sizeof(uint64_t[2])) {
		uint64_t words[2];

		memcpy(words, key + length - sizeof(words), sizeof(words));
		name_lanes_feed(&lanes, words[0], words[1]);
	}
	uint64_t words[2] = {0};
	memcpy((uint8_t *)words + sizeof(words) - length, key, length);
	name_lanes_feed(&lanes, words[0], words[1]);
	return name_lanes_end(&lanes);
}

static uint64_t *segment_slots(const struct image_index *index, const struct segment *segment)
{
	return image_place(index->targets->memory[0], segment->offset);
}

static uint32_t directory_units(uint32_t depth)
{
	return (uint32_t)(((4ull << depth) + IMAGE_UNIT - 1) / IMAGE_UNIT);
}

static uint32_t part_take(struct image_index *index, uint32_t units)
{
	return index->kept ? image_space_take_kept(index->space, units, IMAGE_USE_INDEX)
			   : image_space_take(index->space, units, IMAGE_USE_INDEX);
}

/* A segment with these slots, in the image but not in the directory. */
static struct segment *segment_new(
	struct image_index *index, uint32_t depth, const uint64_t *slots, const uint32_t *high)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	segment->depth = depth;
	segment->offset = part_take(index, SEGMENT_UNITS);
	if (!segment->offset) {
		free(segment);
		return NULL;
	}
	memcpy(segment->high, high, sizeof(segment->high));
	for (uint32_t i = 0; i < PLACES; i++)
		segment->live += SLOT_OFFSET(slots[i]) != 0;
	image_store_bytes(index->targets, segment->offset, 0, slots, IMAGE_SEGMENT_SIZE);
	return segment;
}

static void segment_give(struct image_index *index, struct segment *segment)
{
	if (!segment)
		return;
	image_space_give(index->space, segment->offset, IMAGE_USE_INDEX);
	free(segment);
}

int image_index_new(struct image_index **out, const struct image_targets *targets,
	struct image_space *space, uint32_t word_at)
{
	static const uint64_t empty[PLACES];
	static const uint32_t none[PLACES];
	struct image_index *index = calloc(1, sizeof(*index));
	struct segment *segment;

	if (!index)
		return -ENOMEM;
	index->targets = targets;
	index->space = space;
	index->word_at = word_at;
	index->depth_max = targets->memory[0]->shard_shift - 2;
	if (index->depth_max > IMAGE_DEPTH_MAX)
		index->depth_max = IMAGE_DEPTH_MAX;
	index->directory = calloc(1, sizeof(struct segment *));
	segment = index->directory ? segment_new(index, 0, empty, none) : NULL;
	index->offset = image_space_take(space, directory_units(0), IMAGE_USE_INDEX);
	if (!segment || !index->offset) {
		if (index->offset)
			image_space_give(space, index->offset, IMAGE_USE_INDEX);
		segment_give(index, segment);
		free(index->directory);
		free(index);
		return -ENOSPC;
	}
	index->directory[0] = segment;
	index->segments = 1;
	image_store_bytes(targets, index->offset, 0, (uint32_t[4]){segment->offset}, IMAGE_UNIT);
	*out = index;
	return 0;
}

void image_index_keep(struct image_index *index)
{
	index->kept = true;
}

static void word_store(struct image_index *index)
{
	if (index->shown)
		image_store_u64(
			index->targets, 0, index->word_at, INDEX_WORD(index->offset, index->depth));
}

void image_index_show(struct image_index *index)
{
	index->shown = true;
	word_store(index);
}

/* A segment or directory that the index leads to no more. */
static void part_drop(struct image_index *index, uint32_t offset)
{
	if (index->shown)
		image_space_retire(index->space, offset, IMAGE_USE_INDEX);
	else
		image_space_give(index->space, offset, IMAGE_USE_INDEX);
}

void image_index_free(struct image_index *index)
{
	if (!index)
		return;
	/* a segment of depth d stands 2^(depth - d) times in a row */
	for (uint32_t i = 0; i < 1u << index->depth;) {
		uint32_t step = 1u << (index->depth - index->directory[i]->depth);
		free(index->directory[i]);
		i += step;
	}
	free(index->directory);
	free(index);
}

static bool object_is(const struct image_index *index, uint32_t offset, uint32_t zone,
	const uint8_t *key, uint32_t key_len)
{
	const struct image_keyed *k = image_place(index->targets->memory[0], offset);

	return k->zone == zone && k->key_len == key_len && !memcmp(k->key, key, key_len);
}

/* Walks the places where objects of this hash may be: turn 0 .. 15. */
static uint32_t hash_place(uint64_t hash, uint32_t turn)
{
	uint32_t bucket = HASH_BUCKET(hash);

	if (turn >= IMAGE_SLOTS)
		bucket = HASH_SECOND(bucket, HASH_TAG(hash));
	return bucket * IMAGE_SLOTS + (HASH_SLOT(hash) + turn) % IMAGE_SLOTS;
}

static bool slot_search(struct image_index *index, uint64_t hash, uint32_t offset, uint32_t zone,
	const uint8_t *key, uint32_t key_len, struct image_slot *found)
{
	uint32_t at = HASH_DIRECTORY(hash, index->depth);
	const struct segment *segment = index->directory[at];
	const uint64_t *slots = segment_slots(index, segment);

	for (uint32_t turn = 0; turn < 2 * IMAGE_SLOTS; turn++) {
		uint32_t place = hash_place(hash, turn);
		uint32_t holds = SLOT_OFFSET(slots[place]);

		if (!holds || SLOT_TAG(slots[place]) != HASH_TAG(hash) ||
			segment->high[place] != HASH_HIGH(hash))
			continue;
		if (key ? object_is(index, holds, zone, key, key_len) : holds == offset) {
			*found = (struct image_slot){at, place, holds};
			return true;
		}
	}
	return false;
}

bool image_index_find(struct image_index *index, uint64_t hash, uint32_t zone, const uint8_t *key,
	uint32_t key_len, struct image_slot *slot)
{
	return slot_search(index, hash, 0, zone, key, key_len, slot);
}

bool image_index_locate(
	struct image_index *index, uint64_t hash, uint32_t offset, struct image_slot *slot)
{
	return slot_search(index, hash, offset, 0, NULL, 0, slot);
}

/*
 * Where a new object of this hash may go: a reader looks into the second bucket only if the first
 * has no empty slot, so the second is taken only when the first is full of objects.
 */
static uint32_t free_place(const uint64_t *slots, uint64_t hash)
{
	for (uint32_t turn = 0; turn < 2 * IMAGE_SLOTS; turn++) {
		uint32_t place = hash_place(hash, turn);
		if (SLOT_OFFSET(slots[place]) == 0)
			return place;
	}
	return NO_PLACE;
}

/* Files a bucket's objects anew: from where an object's search begins to where it is nothing is
 * empty. */
static void bucket_fill(uint64_t *slots, uint32_t *high)
{
	uint64_t old_slots[IMAGE_SLOTS];
	uint32_t old_high[IMAGE_SLOTS];

	memcpy(old_slots, slots, sizeof(old_slots));
	memcpy(old_high, high, sizeof(old_high));
	memset(slots, 0, sizeof(old_slots));
	memset(high, 0, sizeof(old_high));
	for (uint32_t i = 0; i < IMAGE_SLOTS; i++) {
		uint32_t place = HASH_SLOT((uint64_t)old_high[i] << 32);

		if (!old_slots[i])
			continue;
		while (slots[place])
			place = (place + 1) % IMAGE_SLOTS;
		slots[place] = old_slots[i];
		high[place] = old_high[i];
	}
}

/*
 * Slots of one half of a segment that is split. Each object stays in its bucket; then those in
 * their second bucket go back to the first where that has room now, until nothing moves. What is
 * empty then may be marked so.
 */
static void half_fill(const struct segment *segment, const uint64_t *from, uint32_t half,
	uint64_t *slots, uint32_t *high)
{
	bool moved = true;

	for (uint32_t i = 0; i < PLACES; i++) {
		bool mine = SLOT_OFFSET(from[i]) &&
			    (segment->high[i] >> (31 - segment->depth) & 1) == half;
		slots[i] = mine ? from[i] : 0;
		high[i] = mine ? segment->high[i] : 0;
	}
	while (moved) {
		moved = false;
		for (uint32_t i = 0; i < PLACES; i++) {
			uint64_t hash = (uint64_t)high[i] << 32 | SLOT_TAG(slots[i]);

			if (!slots[i] || i / IMAGE_SLOTS == HASH_BUCKET(hash))
				continue;
			uint32_t place = free_place(slots, hash);
			if (place == NO_PLACE || place / IMAGE_SLOTS != HASH_BUCKET(hash))
				continue;
			slots[place] = slots[i];
			high[place] = high[i];
			slots[i] = 0;
			high[i] = 0;
			moved = true;
		}
	}
	for (uint32_t bucket = 0; bucket < PLACES; bucket += IMAGE_SLOTS)
		bucket_fill(slots + bucket, high + bucket);
}

/* The directory of another depth, one more or one less, which every segment's allows. */
static int directory_resize(struct image_index *index, uint32_t depth)
{
	uint32_t count = 1u << depth, units = directory_units(depth);
	struct segment **directory;
	uint32_t *words, offset;

	if (depth > index->depth_max)
		return -EXFULL;
	directory = calloc(count, sizeof(*directory));
	words = calloc((size_t)units * IMAGE_UNIT, 1);
	offset = directory && words ? part_take(index, units) : 0;
	if (!offset) {
		free(directory);
		free(words);
		return -ENOSPC;
	}
	for (uint32_t i = 0; i < count; i++) {
		directory[i] = index->directory[depth > index->depth ? i / 2 : i * 2];
		words[i] = directory[i]->offset;
	}
	image_store_bytes(index->targets, offset, 0, words, (size_t)units * IMAGE_UNIT);
	free(words);
	free(index->directory);
	index->directory = directory;
	uint32_t old = index->offset;
	index->offset = offset;
	index->depth = depth;
	word_store(index);
	part_drop(index, old);
	return 0;
}

/* 'count' words from 'first' on name the segment: in the image before they do beside it. */
static void directory_set(
	struct image_index *index, uint32_t first, uint32_t count, struct segment *segment)
{
	for (uint32_t i = 0; i < count; i++)
		image_store_u32(index->targets, index->offset, (first + i) * 4, segment->offset);
	for (uint32_t i = 0; i < count; i++)
		index->directory[first + i] = segment;
}

/* The segment of this hash becomes two. The old one keeps all that readers of the old words look
 * for. */
static int segment_split(struct image_index *index, uint64_t hash)
{
	struct segment *old = index->directory[HASH_DIRECTORY(hash, index->depth)], *half[2];
	uint64_t slots[PLACES];
	uint32_t high[PLACES];

	if (old->depth == index->depth) {
		int error = directory_resize(index, index->depth + 1);
		if (error)
			return error;
	}
	for (uint32_t i = 0; i < 2; i++) {
		half_fill(old, segment_slots(index, old), i, slots, high);
		half[i] = segment_new(index, old->depth + 1, slots, high);
		if (!half[i]) {
			if (i)
				segment_give(index, half[0]);
			return -ENOSPC;
		}
	}
	uint32_t run = 1u << (index->depth - old->depth);
	uint32_t first = HASH_DIRECTORY(hash, index->depth) & ~(run - 1);
	for (uint32_t i = 0; i < run; i++)
		image_store_u32(
			index->targets, index->offset, (first + i) * 4, half[i >= run / 2]->offset);
	for (uint32_t i = 0; i < run; i++)
		index->directory[first + i] = half[i >= run / 2];
	part_drop(index, old->offset);
	index->segments++;
	free(old);
	return 0;
}

int image_index_insert(struct image_index *index, uint64_t hash, uint32_t offset)
{
	for (;;) {
		struct segment *segment = index->directory[HASH_DIRECTORY(hash, index->depth)];
		uint32_t place = free_place(segment_slots(index, segment), hash);

		if (place != NO_PLACE) {
			segment->high[place] = HASH_HIGH(hash);
			segment->live++;
			index->objects++;
			image_store_u64(index->targets, segment->offset, place * 8,
				SLOT_OF(offset, HASH_TAG(hash)));
			return 0;
		}
		int error = segment_split(index, hash);
		if (error)
			return error;
	}
}

static uint64_t slot_value(struct image_index *index, const struct image_slot *slot)
{
	return segment_slots(index, index->directory[slot->segment])[slot->place];
}

void image_index_replace(struct image_index *index, const struct image_slot *slot, uint32_t offset)
{
	uint32_t tag = SLOT_TAG(slot_value(index, slot));

	image_store_u64(index->targets, index->directory[slot->segment]->offset, slot->place * 8,
		SLOT_OF(offset, tag));
}

void image_index_delete(struct image_index *index, const struct image_slot *slot)
{
	struct segment *segment = index->directory[slot->segment];

	segment->live--;
	index->objects--;
	image_store_u64(index->targets, segment->offset, slot->place * 8, SLOT_DELETED);
}

void image_index_state(const struct image_index *index, struct image_index_state *state)
{
	*state = (struct image_index_state){index->objects, index->segments, index->depth};
}

/* Adds the segment's objects to the slots; false if they don't fit. */
static bool half_join(const struct image_index *index, const struct segment *segment,
	uint64_t *slots, uint32_t *high)
{
	const uint64_t *from = segment_slots(index, segment);

	for (uint32_t i = 0; i < PLACES; i++) {
		uint64_t hash = (uint64_t)segment->high[i] << 32 | SLOT_TAG(from[i]);
		uint32_t place = SLOT_OFFSET(from[i]) ? free_place(slots, hash) : i;

		if (place == NO_PLACE)
			return false;
		if (!SLOT_OFFSET(from[i]))
			continue;
		slots[place] = from[i];
		high[place] = segment->high[i];
	}
	return true;
}

/* The segment at 'first' and its sibling become one, if they are sparse enough. */
static bool segments_merge(struct image_index *index, uint32_t first)
{
	struct segment *low = index->directory[first], *upper, *both;
	uint32_t run = 1u << (index->depth - low->depth);
	uint64_t slots[PLACES] = {0};
	uint32_t high[PLACES] = {0};

	if (low->depth == 0 || first & run)
		return false;
	upper = index->directory[first + run];
	if (upper->depth != low->depth || low->live + upper->live > MERGE_LIVE ||
		!half_join(index, low, slots, high) || !half_join(index, upper, slots, high))
		return false;
	both = segment_new(index, low->depth - 1, slots, high);
	if (!both)
		return false;
	directory_set(index, first, 2 * run, both);
	part_drop(index, low->offset);
	part_drop(index, upper->offset);
	index->segments--;
	free(low);
	free(upper);
	return true;
}

static uint32_t depth_most(const struct image_index *index)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < 1u << index->depth; i++) {
		if (index->directory[i]->depth > most)
			most = index->directory[i]->depth;
	}
	return most;
}

void image_index_shrink(struct image_index *index)
{
	bool merged = true;

	while (merged) {
		merged = false;
		for (uint32_t i = 0; i < 1u << index->depth;) {
			merged |= segments_merge(index, i);
			i += 1u << (index->depth - index->directory[i]->depth);
		}
	}
	while (depth_most(index) < index->depth) {
		if (directory_resize(index, index->depth - 1))
			return;
	}
}
