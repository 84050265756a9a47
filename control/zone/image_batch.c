/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One publish of one zone: what changes, room for it, objects, links, the head.
 * docs/internals/image.md, "Publish".
 */
#include "control/zone/image_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOMBSTONE UINT32_MAX
#define ENTRY_BODY                                                                                 \
	offsetof(struct image_entry, key_len) /* what comes before depends on the image */
#define INSTANCE_LEAST    64 /* fewer changes than that go into the instance that is there */
#define SEED_TRIES        8
#define VERSION_AT(field) ((uint32_t)offsetof(struct image_version, field))

struct item {
	struct change change;
	uint32_t entry; /* of the compilation, or TOMBSTONE */
};

struct batch {
	struct image *image;
	struct tenant *tenant;
	const struct compiled *compiled;
	struct image_result *result;
	bool instance;
	uint64_t seed;
	uint32_t *roster; /* as it will be; 0 where something new goes */
	struct item *items;
	uint32_t item_count, linked;
	uint32_t version, negative;
	bool negative_kept;
	struct denial_change denials;
};

static uint64_t entry_hash(const struct image_entry *entry, uint64_t seed)
{
	return image_index_hash(entry->key, entry->key_len, seed);
}

static uint32_t entry_key_units(const struct image_entry *entry)
{
	return (ENTRY_TYPES_AT(entry->key_len) + IMAGE_UNIT - 1) / IMAGE_UNIT;
}

static uint32_t object_units(const struct batch *b, const struct item *item)
{
	if (item->entry != TOMBSTONE)
		return b->compiled->entries[item->entry].units;
	return entry_key_units(image_object(b->image, item->change.before));
}

bool image_object_same(
	const struct image *image, uint32_t offset, const uint8_t *bytes, size_t size, size_t skip)
{
	uint64_t shard = 1ull << image->targets.memory[0]->shard_shift;
	uint64_t place = (uint64_t)offset * IMAGE_UNIT & (shard - 1);
	const uint8_t *there = image_object(image, offset);

	return size <= shard - place && !memcmp(there + skip, bytes + skip, size - skip);
}

static bool entry_find(struct batch *b, const struct image_entry *entry, struct image_slot *slot)
{
	return image_index_find(b->image->names, entry_hash(entry, b->seed), b->tenant->zone,
		entry->key, entry->key_len, slot);
}

/* Sort each compiled entry into: there already, replaces one, new. */
static void batch_compare(struct batch *b)
{
	const struct compiled *c = b->compiled;

	b->instance = false;
	b->seed = b->tenant->seed;
	b->item_count = 0;
	memset(b->roster, 0, c->count * sizeof(*b->roster));
	*b->result = (struct image_result){.unused = b->result->unused};
	for (uint32_t i = 0; i < c->count; i++) {
		const struct image_entry *entry = compiled_at(c, &c->entries[i]);
		struct item item = {.entry = i};
		struct image_slot slot;

		image_part_done(b->image);
		if (entry_find(b, entry, &slot)) {
			item.change.before = slot.offset;
			if (image_object_same(b->image, slot.offset, (const uint8_t *)entry,
				    (size_t)c->entries[i].units * IMAGE_UNIT, ENTRY_BODY)) {
				b->roster[i] = slot.offset;
				b->result->kept++;
				continue;
			}
			b->result->replaced++;
		} else {
			b->result->added++;
		}
		b->items[b->item_count++] = item;
	}
	b->result->removed = b->tenant->names - b->result->kept - b->result->replaced;
}

static int offset_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* A tombstone for each entry that no compiled one keeps or replaces. 0 or -ENOMEM. */
static int batch_tombstones(struct batch *b)
{
	const struct tenant *t = b->tenant;
	uint32_t met = 0, next = 0, *matched;

	if (b->result->removed == 0)
		return 0;
	matched = malloc(((size_t)t->names + 1) * sizeof(*matched));
	if (!matched)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->compiled->count; i++) {
		if (b->roster[i])
			matched[met++] = b->roster[i];
	}
	for (uint32_t i = 0; i < b->item_count; i++) {
		if (b->items[i].change.before)
			matched[met++] = b->items[i].change.before;
	}
	qsort(matched, met, sizeof(*matched), offset_order);
	qsort(t->roster, t->names, sizeof(*t->roster), offset_order);
	for (uint32_t i = 0; i < t->names; i++) {
		image_part_done(b->image);
		if (next < met && matched[next] == t->roster[i])
			next++;
		else
			b->items[b->item_count++] = (struct item){{0, t->roster[i]}, TOMBSTONE};
	}
	free(matched);
	return 0;
}

/* All names, nothing kept. */
static void batch_whole(struct batch *b)
{
	memset(b->roster, 0, b->compiled->count * sizeof(*b->roster));
	for (uint32_t i = 0; i < b->compiled->count; i++)
		b->items[i] = (struct item){.entry = i};
	b->item_count = b->compiled->count;
	*b->result = (struct image_result){
		.added = b->compiled->count, .instance = true, .unused = b->result->unused};
}

static bool seed_fits_entry(const struct image_entry *entry, uint64_t old, uint64_t seed)
{
	return (uint32_t)entry_hash(entry, old) != (uint32_t)entry_hash(entry, seed);
}

/* No name may have the same tag under both seeds: a reader of one instance would find the other's
 * entry. */
static bool seed_fits(const struct batch *b, uint64_t seed)
{
	const struct compiled *c = b->compiled;
	const struct tenant *t = b->tenant;

	for (uint32_t i = 0; i < t->names; i++) {
		image_part_done(b->image);
		if (!seed_fits_entry(image_object(b->image, t->roster[i]), t->seed, seed))
			return false;
	}
	for (uint32_t i = 0; i < c->count && t->names; i++) {
		image_part_done(b->image);
		if (!seed_fits_entry(compiled_at(c, &c->entries[i]), t->seed, seed))
			return false;
	}
	return true;
}

static void batch_give(struct batch *b)
{
	for (uint32_t i = b->linked; i < b->item_count; i++)
		image_give(b->image, b->items[i].change.now, IMAGE_USE_ENTRIES);
	image_give(b->image, b->version, IMAGE_USE_ZONES);
	if (!b->negative_kept)
		image_give(b->image, b->negative, IMAGE_USE_ZONES);
	denials_undo(b->image, &b->denials);
	for (uint32_t i = b->linked; i < b->item_count; i++)
		b->items[i].change.now = 0;
	b->version = b->negative = 0;
}

static uint32_t version_units(const struct compiled *c)
{
	return (uint32_t)(sizeof(struct image_version) + c->salt_size + IMAGE_UNIT - 1) /
	       IMAGE_UNIT;
}

/* Room for everything, or an error and none taken. */
static int batch_take(struct batch *b)
{
	const struct compiled *c = b->compiled;
	struct image_space *space = b->image->space;
	const struct tenant *t = b->tenant;
	bool complete = true;
	int error;

	b->result->needed =
		(uint64_t)(version_units(c) + image_space_cost(c->negative.units)) * IMAGE_UNIT;
	b->negative_kept = t->version && image_object_same(b->image, t->negative,
						 c->bytes + (size_t)c->negative.at * IMAGE_UNIT,
						 (size_t)c->negative.units * IMAGE_UNIT, 0);
	b->version = image_space_take(space, version_units(c), IMAGE_USE_ZONES);
	b->negative = b->negative_kept
			      ? t->negative
			      : image_space_take(space, c->negative.units, IMAGE_USE_ZONES);
	complete = b->version && b->negative;
	for (uint32_t i = 0; i < b->item_count; i++) {
		uint32_t units = object_units(b, &b->items[i]);

		image_part_done(b->image);
		b->result->needed += (uint64_t)image_space_cost(units) * IMAGE_UNIT;
		b->items[i].change.now =
			complete ? image_space_take(space, units, IMAGE_USE_ENTRIES) : 0;
		complete &= b->items[i].change.now != 0;
	}
	error = denials_change(b->image, &t->denials, c, b->seed, &b->denials);
	b->result->needed += b->denials.units * IMAGE_UNIT;
	if (complete && !error)
		return 0;
	batch_give(b);
	return complete ? error : -ENOSPC;
}

static void entry_write(struct batch *b, const struct item *item, uint32_t birth)
{
	const struct compiled *c = b->compiled;
	struct image_entry head = {birth, item->change.before, b->tenant->zone};
	const struct image_targets *to = &b->image->targets;
	uint32_t now = item->change.now;

	if (item->entry != TOMBSTONE) {
		const struct compiled_entry *at = &c->entries[item->entry];
		const uint8_t *bytes = c->bytes + (size_t)at->at * IMAGE_UNIT;
		image_store_bytes(to, now, 0, &head, ENTRY_BODY);
		image_store_bytes(to, now, ENTRY_BODY, bytes + ENTRY_BODY,
			(size_t)at->units * IMAGE_UNIT - ENTRY_BODY);
		return;
	}
	const struct image_entry *before = image_object(b->image, item->change.before);
	uint8_t bytes[ENTRY_TYPES_AT(NAME_MAX_SIZE) + IMAGE_UNIT] = {0};
	head.key_len = before->key_len;
	head.labels = before->labels;
	head.flags = ENTRY_TOMBSTONE;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + ENTRY_HEAD, before->key, before->key_len);
	image_store_bytes(to, now, 0, bytes, (size_t)entry_key_units(before) * IMAGE_UNIT);
}

static void version_write(struct batch *b, uint64_t bypass_after)
{
	const struct compiled *c = b->compiled;
	uint8_t bytes[sizeof(struct image_version) + UINT8_MAX + IMAGE_UNIT] = {0};
	const struct image_version version = {
		.number = b->tenant->number + 1,
		.flags = c->flags | (b->tenant->bypassed ? VERSION_PASS : 0),
		.seed = b->seed,
		.bypass_after = bypass_after,
		.serial = c->serial,
		.apex = b->roster[0],
		.negative = b->negative,
		.max_labels = c->max_labels,
		.apex_len = (uint8_t)(c->apex_size - 1),
		.apex_labels = c->apex_labels,
		.denial = b->denials.next.root,
		.iterations = c->iterations,
		.salt_len = c->salt_size,
	};

	memcpy(bytes, &version, sizeof(version));
	memcpy(bytes + sizeof(version), c->salt, c->salt_size);
	image_store_bytes(
		&b->image->targets, b->version, 0, bytes, (size_t)version_units(c) * IMAGE_UNIT);
}

/* Objects that nothing leads to yet. */
static void batch_write(struct batch *b, uint64_t bypass_after)
{
	const struct compiled *c = b->compiled;

	for (uint32_t i = 0; i < b->item_count; i++) {
		const struct item *item = &b->items[i];

		image_part_done(b->image);
		entry_write(b, item, b->tenant->number + 1);
		if (item->entry != TOMBSTONE)
			b->roster[item->entry] = item->change.now;
	}
	if (!b->negative_kept)
		image_store_bytes(&b->image->targets, b->negative, 0,
			c->bytes + (size_t)c->negative.at * IMAGE_UNIT,
			(size_t)c->negative.units * IMAGE_UNIT);
	version_write(b, bypass_after);
}

static bool item_locate(struct batch *b, uint32_t offset, struct image_slot *slot)
{
	return image_index_locate(
		b->image->names, entry_hash(image_object(b->image, offset), b->seed), offset, slot);
}

static int item_link(struct batch *b, const struct item *item)
{
	const struct image_entry *entry = image_object(b->image, item->change.now);
	struct image_slot slot;

	if (!item->change.before) {
		uint64_t hash = entry_hash(entry, b->seed);
		int error = image_index_insert(b->image->names, hash, item->change.now);
		/* what the index's own growth unlinked may be all that is missing */
		if (error == -ENOSPC && image_quarantine(b->image) && !image_grace(b->image))
			error = image_index_insert(b->image->names, hash, item->change.now);
		return error;
	}
	bool there = item_locate(b, item->change.before, &slot);
	assert(there);
	(void)there;
	image_index_replace(b->image->names, &slot, item->change.now);
	return 0;
}

static void item_unlink(struct batch *b, const struct item *item)
{
	struct image_slot slot;
	bool there = item_locate(b, item->change.now, &slot);

	assert(there);
	(void)there;
	if (item->change.before)
		image_index_replace(b->image->names, &slot, item->change.before);
	else
		image_index_delete(b->image->names, &slot);
	image_space_retire(b->image->space, item->change.now, IMAGE_USE_ENTRIES);
}

/* Slots, for readers of the version that comes. All, or the old ones stand again. */
static int batch_link(struct batch *b)
{
	while (b->linked < b->item_count) {
		int error = item_link(b, &b->items[b->linked]);

		image_part_done(b->image);
		if (!error) {
			b->linked++;
			continue;
		}
		for (uint32_t i = 0; i < b->linked; i++)
			item_unlink(b, &b->items[i]);
		batch_give(b);
		b->linked = 0;
		return error;
	}
	return 0;
}

/* The one store that makes it visible; then the books. */
static void batch_show(struct batch *b)
{
	struct tenant *t = b->tenant;
	uint32_t count = 0;

	/* Whoever was let in between may have bypassed it, or ended that, since it was written. */
	image_store_u32(&b->image->targets, b->version, VERSION_AT(flags),
		b->compiled->flags | (t->bypassed ? VERSION_PASS : 0));
	image_store_u32(&b->image->targets, t->zone, offsetof(struct image_zone, head), b->version);
	t->old_version = t->version;
	t->old_negative = b->negative_kept ? 0 : t->negative;
	if (b->instance) {
		t->old_roster = t->roster;
		t->old_names = t->names;
		t->old_seed = t->seed;
	} else {
		free(t->roster);
	}
	denials_free(&t->denials);
	t->denials = b->denials.next;
	t->old_denials = b->denials.gone;
	free(b->denials.fresh.items);
	b->denials = (struct denial_change){0};
	t->version = b->version;
	t->negative = b->negative;
	t->number++;
	t->seed = b->seed;
	t->roster = b->roster;
	t->names = b->compiled->count;
	b->roster = NULL;
	for (uint32_t i = 0; i < b->item_count; i++) {
		if (b->items[i].change.before)
			t->changes[count++] = b->items[i].change;
	}
	t->change_count = count;
	t->unsettled = true;
	b->image->unsettled++;
}

static int batch_run(struct batch *b, uint64_t bypass_after)
{
	struct tenant *t = b->tenant;
	uint32_t before = b->instance ? 0 : b->result->replaced + b->result->removed;
	int error;

	t->changes = before ? malloc(before * sizeof(*t->changes)) : NULL;
	if (before && !t->changes)
		return -ENOMEM;
	error = batch_take(b);
	if (error)
		goto out;
	batch_write(b, bypass_after);
	error = batch_link(b);
	if (error)
		goto out;
	batch_show(b);
out:
	if (error) {
		free(t->changes);
		t->changes = NULL;
	}
	return error;
}

/* Beside what is there, under another seed. */
static int batch_instance(struct batch *b, uint64_t bypass_after)
{
	int error = -EXFULL;

	b->instance = true;
	for (unsigned i = 0; i < SEED_TRIES && error == -EXFULL; i++) {
		b->seed = image_random();
		if (!seed_fits(b, b->seed))
			continue;
		batch_whole(b);
		error = batch_run(b, bypass_after);
	}
	return error == -EXFULL ? -ENOSPC : error;
}

/* Into what is there, after batch_compare(). */
static int batch_change(struct batch *b, uint64_t bypass_after)
{
	int error = batch_tombstones(b);

	return error ? error : batch_run(b, bypass_after);
}

/* A change of more than a tenth goes beside what is there, so that it becomes dense again; if that
 * has no room, then into it. */
static bool batch_large(const struct batch *b)
{
	uint64_t changed = (uint64_t)b->result->replaced + b->result->added + b->result->removed;

	return changed >= INSTANCE_LEAST && changed * 10 > b->tenant->names;
}

static int batch_choose(struct batch *b, uint64_t bypass_after)
{
	int error;

	if (!b->tenant->version)
		return batch_instance(b, bypass_after);
	batch_compare(b);
	if (batch_large(b)) {
		error = batch_instance(b, bypass_after);
		if (error != -ENOSPC)
			return error;
		batch_compare(b);
	}
	error = batch_change(b, bypass_after);
	return error == -EXFULL ? batch_instance(b, bypass_after) : error;
}

int image_zone_publish(struct image *image, const struct compiled *compiled, uint64_t bypass_after,
	struct image_result *result)
{
	struct image_result unused_result;
	struct tenant *tenant = image_tenant(image, compiled->apex);
	struct batch batch = {.image = image,
		.tenant = tenant,
		.compiled = compiled,
		.result = result ? result : &unused_result};
	int error = 0;

	if (!tenant)
		return -ENOENT;
	/* At most two versions of a zone, and a bound for what waits to be freed. */
	if (tenant->unsettled || image_quarantine(image) > image_space_size(image->space) / 8)
		error = image_settle(image);
	if (error)
		return error;
	*batch.result = (struct image_result){.unused = image_space_unused(image->space)};
	batch.roster = calloc(compiled->count, sizeof(*batch.roster));
	batch.items = calloc((size_t)compiled->count + tenant->names, sizeof(*batch.items));
	error = batch.roster && batch.items ? batch_choose(&batch, bypass_after) : -ENOMEM;
	if (error == -ENOSPC && image_unsettled(image) && !image_settle(image)) {
		batch.result->unused = image_space_unused(image->space);
		error = batch_choose(&batch, bypass_after);
	}
	free(batch.roster);
	free(batch.items);
	return error;
}

void roster_remove(struct image *image, const uint32_t *roster, uint32_t names, uint64_t seed)
{
	for (uint32_t i = 0; i < names; i++) {
		struct image_slot slot;
		uint64_t hash = entry_hash(image_object(image, roster[i]), seed);

		image_part_done(image);
		if (image_index_locate(image->names, hash, roster[i], &slot))
			image_index_delete(image->names, &slot);
		image_space_retire(image->space, roster[i], IMAGE_USE_ENTRIES);
	}
}

/* A tombstone has done its work: nobody carries a version that still has the name. */
static void tombstone_remove(struct image *image, const struct tenant *t, uint32_t offset)
{
	roster_remove(image, &offset, 1, t->seed);
}

void batch_finish(struct image *image, struct tenant *t)
{
	for (uint32_t i = 0; i < t->change_count; i++) {
		const struct change *c = &t->changes[i];
		const struct image_entry *now = image_object(image, c->now);

		image_part_done(image);
		image_store_u32(&image->targets, c->now, offsetof(struct image_entry, prev), 0);
		image_give(image, c->before, IMAGE_USE_ENTRIES);
		if (now->flags & ENTRY_TOMBSTONE)
			tombstone_remove(image, t, c->now);
	}
	roster_remove(image, t->old_roster, t->old_names, t->old_seed);
	image_give(image, t->old_version, IMAGE_USE_ZONES);
	image_give(image, t->old_negative, IMAGE_USE_ZONES);
	denials_give(image, &t->old_denials);
	free(t->changes);
	free(t->old_roster);
	t->changes = NULL;
	t->old_roster = NULL;
	t->change_count = t->old_names = 0;
	t->old_version = t->old_negative = 0;
	t->unsettled = false;
	image->unsettled--;
}
