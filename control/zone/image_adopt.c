/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A new daemon takes over what a former one left, wherever that one stopped.
 * docs/internals/image.md, "Publish".
 *
 *     walk ─▶ grace ─▶ clear prev ─▶ a new index of what readers find ─▶ show it ─▶ retire all else
 *
 * Every object is checked and noted first. The index is built anew because the old one may be half
 * split; it also gets rid of deleted slots. An entry whose version was never shown gives way to the
 * one it would have replaced.
 */
#include "control/zone/image_check.h"
#include "control/zone/image_state.h"
#include "control/zone/offsets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct adoption {
	struct image *image;
	struct offsets kept;     /* entries */
	struct offsets replaced; /* of these: whose prev is to be cleared */
	struct offsets entries;  /* to be retired */
	struct offsets parts;    /* of the old indexes: likewise */
	struct tenant **by_zone;
	size_t tenant_count;
};

static int object_note(void *context, uint32_t offset, uint32_t units, enum image_use use)
{
	struct adoption *a = context;
	int error = image_space_adopt(a->image->space, offset, units, use);

	if (!error && use == IMAGE_USE_INDEX)
		error = offsets_add(&a->parts, offset);
	return error;
}

static int zone_note(void *context, uint32_t offset)
{
	struct adoption *a = context;
	const struct image_zone *z = image_object(a->image, offset);
	struct tenant *tenant = image_tenant_new(a->image, z->key, z->key_len);

	if (!tenant)
		return -ENOMEM;
	tenant->zone = offset;
	tenant->version = z->head;
	if (z->head) {
		const struct image_version *v = image_object(a->image, z->head);
		tenant->number = v->number;
		tenant->negative = v->negative;
		tenant->seed = v->seed;
		tenant->bypassed = v->flags & VERSION_PASS;
		return denials_read(a->image, v->denial, &tenant->denials);
	}
	return 0;
}

static int entry_note(void *context, uint32_t offset, enum image_standing standing)
{
	struct adoption *a = context;
	const struct image_entry *e = image_object(a->image, offset);
	uint32_t prev = standing == IMAGE_STRAY ? 0 : e->prev;
	int error;

	if (standing != IMAGE_LIVE)
		error = offsets_add(&a->entries, offset);
	else
		error = offsets_add(&a->kept, offset);
	if (error || !prev)
		return error;
	if (standing == IMAGE_NEWER)
		return offsets_add(&a->kept, prev);
	error = offsets_add(&a->entries, prev);
	return error ? error : offsets_add(&a->replaced, offset);
}

static int zone_order(const void *a, const void *b)
{
	uint32_t x = (*(struct tenant *const *)a)->zone, y = (*(struct tenant *const *)b)->zone;

	return x < y ? -1 : x > y;
}

static struct tenant *tenant_by_zone(struct adoption *a, uint32_t zone)
{
	const struct tenant wanted = {.zone = zone}, *key = &wanted;
	struct tenant **found =
		bsearch(&key, a->by_zone, a->tenant_count, sizeof(*a->by_zone), zone_order);

	return found ? *found : NULL;
}

static const struct image_entry *entry_of(struct adoption *a, size_t i)
{
	return image_object(a->image, a->kept.items[i]);
}

/* Each zone's entries. 0, -ENOMEM, or -EBADMSG for an entry without a zone. */
static int rosters_fill(struct adoption *a)
{
	struct tenant *tenant, *next;

	a->tenant_count = HASH_COUNT(a->image->tenants);
	a->by_zone = calloc(a->tenant_count + 1, sizeof(*a->by_zone));
	if (!a->by_zone)
		return -ENOMEM;
	size_t at = 0;
	HASH_ITER (hh, a->image->tenants, tenant, next)
		a->by_zone[at++] = tenant;
	qsort(a->by_zone, a->tenant_count, sizeof(*a->by_zone), zone_order);
	for (size_t i = 0; i < a->kept.count; i++) {
		tenant = tenant_by_zone(a, entry_of(a, i)->zone);
		if (!tenant)
			return -EBADMSG;
		tenant->names++;
	}
	HASH_ITER (hh, a->image->tenants, tenant, next) {
		tenant->roster = calloc(tenant->names + 1u, sizeof(*tenant->roster));
		if (!tenant->roster)
			return -ENOMEM;
		tenant->names = 0;
	}
	for (size_t i = 0; i < a->kept.count; i++) {
		tenant = tenant_by_zone(a, entry_of(a, i)->zone);
		tenant->roster[tenant->names++] = a->kept.items[i];
	}
	return 0;
}

static int indexes_build(struct adoption *a)
{
	struct image *image = a->image;
	struct tenant *tenant, *next;
	int error;

	error = image_index_new(&image->zones, &image->targets, image->space,
		(uint32_t)offsetof(struct image_header, zones));
	if (!error)
		error = image_index_new(&image->names, &image->targets, image->space,
			(uint32_t)offsetof(struct image_header, names));
	HASH_ITER (hh, image->tenants, tenant, next) {
		if (!error)
			error = image_index_insert(image->zones,
				image_index_hash(
					tenant->apex, tenant->apex_size - 1u, image->zone_seed),
				tenant->zone);
	}
	for (size_t i = 0; i < a->kept.count && !error; i++) {
		const struct image_entry *e = entry_of(a, i);
		uint64_t seed = tenant_by_zone(a, e->zone)->seed;
		error = image_index_insert(
			image->names, image_index_hash(e->key, e->key_len, seed), a->kept.items[i]);
	}
	return error;
}

/* Readers see the same as before, from tidy memory. */
static int image_tidy(struct adoption *a)
{
	struct image *image = a->image;
	int error;

	/* Whoever holds what the former writer had unlinked, or came for a version before the
	 * heads: let them go. */
	error = image_grace(image);
	if (error)
		return error;
	for (size_t i = 0; i < a->replaced.count; i++)
		image_store_u32(&image->targets, a->replaced.items[i],
			(uint32_t)offsetof(struct image_entry, prev), 0);
	error = rosters_fill(a);
	if (!error)
		error = indexes_build(a);
	if (error)
		return error;
	image_index_show(image->names);
	image_index_show(image->zones);
	for (size_t i = 0; i < a->tenant_count; i++)
		image_depth_mark(image, name_labels(a->by_zone[i]->apex));
	for (size_t i = 0; i < a->entries.count; i++)
		image_space_retire(image->space, a->entries.items[i], IMAGE_USE_ENTRIES);
	for (size_t i = 0; i < a->parts.count; i++)
		image_space_retire(image->space, a->parts.items[i], IMAGE_USE_INDEX);
	return 0;
}

/*
 * Copies may differ by the former writer's last store, and a new one is empty: each becomes what
 * the first is. Readers of a copy pass meanwhile.
 */
static int copies_equal(struct image *image)
{
	const struct engine_memory *first = image->targets.memory[0];
	struct image_targets others = image->targets;
	int error;

	if (image->targets.count == 1)
		return 0;
	others.count--;
	memmove(others.memory, others.memory + 1, others.count * sizeof(*others.memory));
	image_store_u64(&others, 0, 0, 0);
	error = image_grace(image);
	if (error)
		return error;
	for (uint32_t shard = 0; shard < first->shards; shard++) {
		uint64_t at = shard * IMAGE_STRIDE(first->shard_shift);
		uint64_t skip = shard ? 0 : sizeof(uint64_t); /* the magic comes last */
		uint64_t size = 1ull << first->shard_shift;

		for (unsigned i = 0; i < others.count; i++)
			memcpy(others.memory[i]->image + at + skip, first->image + at + skip,
				size - skip);
	}
	image_store_u64(&others, 0, 0, IMAGE_MAGIC);
	return 0;
}

int image_adopt(struct image *image)
{
	const struct image_header *header = image_object(image, 0);
	struct adoption a = {.image = image};
	const struct image_visitor visitor = {&a, object_note, zone_note, entry_note};
	struct image_report report;
	int error;

	if (header->magic != IMAGE_MAGIC)
		return -ENODATA;
	error = image_space_begin(image);
	if (error)
		return error;
	image->zone_seed = header->zone_seed;
	error = image_check(image->targets.memory[0], false, &visitor, &report);
	if (error)
		goto out;
	image_space_ready(image->space);
	/* the former writer may have died between the slot of a zone that goes and this */
	image_zones_forget(image);
	error = copies_equal(image);
	if (!error)
		error = image_tidy(&a);
out:
	free(a.kept.items);
	free(a.replaced.items);
	free(a.entries.items);
	free(a.parts.items);
	free(a.by_zone);
	return error;
}
