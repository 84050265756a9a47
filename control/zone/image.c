/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/image_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HEADER_AT(field)  ((uint32_t)offsetof(struct image_header, field))
#define POISON            0xdb
#define VERSION_AT(field) ((uint32_t)offsetof(struct image_version, field))

uint64_t image_random(void)
{
	uint64_t value = 0;

	while (getrandom(&value, sizeof(value), 0) != sizeof(value))
		;
	return value;
}

struct tenant *image_tenant(const struct image *image, const uint8_t *apex)
{
	struct tenant *tenant;

	HASH_FIND(hh, image->tenants, apex, name_size(apex), tenant);
	return tenant;
}

static void object_poison(void *context, uint32_t offset, uint32_t units)
{
	const struct image *image = context;
	uint8_t poison[IMAGE_UNIT];

	memset(poison, POISON, sizeof(poison));
	for (uint32_t at = 0; at < units * IMAGE_UNIT; at += IMAGE_UNIT)
		image_store_bytes(&image->targets, offset, at, poison, IMAGE_UNIT);
}

/* One grace period of each copy's readers. A copy without one has no readers. */
static int targets_grace(const struct image *image)
{
	int error = 0;

	for (unsigned i = 0; i < image->targets.count && !error; i++) {
		const struct engine_memory *memory = image->targets.memory[i];
		error = memory->grace ? memory->grace(memory->engine) : 0;
	}
	return error;
}

int image_grace(struct image *image)
{
	int error;

	image_space_grace_begin(image->space);
	error = targets_grace(image);
	if (!error)
		image_space_grace_end(image->space);
	return error;
}

int image_settle(struct image *image)
{
	struct tenant *tenant, *next;
	int error = image_unsettled(image) ? image_grace(image) : 0;
	uint64_t deleted = 0;

	if (error || !image->unsettled)
		return error;
	HASH_ITER (hh, image->tenants, tenant, next) {
		if (!tenant->unsettled)
			continue;
		deleted += tenant->old_names;
		batch_finish(image, tenant);
	}
	if (deleted)
		image_index_shrink(image->names);
	return 0;
}

bool image_unsettled(const struct image *image)
{
	return image->unsettled || image_quarantine(image);
}

int image_space_begin(struct image *image)
{
	const struct engine_memory *memory = image->targets.memory[0];
	int error = image_space_new(&image->space, memory->shards, memory->shard_shift);

	if (!error && image->options.poison)
		image_space_watch(image->space, object_poison, image);
	return error;
}

/* The greatest of all copies: each may have readers of its own, who remember. */
static uint32_t zones_gone(const struct image *image)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < image->targets.count; i++) {
		const struct image_header *header = image_place(image->targets.memory[i], 0);

		if (header->zones_gone > most)
			most = header->zones_gone;
	}
	return most;
}

void image_zones_forget(struct image *image)
{
	image_store_u32(&image->targets, 0, HEADER_AT(zones_gone), zones_gone(image) + 1);
}

/* An empty image. Readers pass from the first store to the last. */
static int image_format(struct image *image)
{
	const struct engine_memory *memory = image->targets.memory[0];
	struct image_header header = {
		.layout = IMAGE_LAYOUT,
		.shard_shift = memory->shard_shift,
		.shards = memory->shards,
		.instance = image_random(),
		.zone_seed = image->zone_seed = image_random(),
		/* readers may remember zones of what was here before */
		.zones_gone = zones_gone(image) + 1,
	};
	int error;

	image_store_u64(&image->targets, 0, HEADER_AT(magic), 0);
	error = image_space_begin(image);
	if (error)
		return error;
	image_space_ready(image->space);
	error = image_grace(image);
	if (error)
		return error;
	image_store_bytes(&image->targets, 0, HEADER_AT(layout), &header.layout,
		sizeof(header) - HEADER_AT(layout));
	error = image_index_new(&image->zones, &image->targets, image->space, HEADER_AT(zones));
	if (!error)
		error = image_index_new(
			&image->names, &image->targets, image->space, HEADER_AT(names));
	if (error)
		return error;
	image_index_show(image->zones);
	image_index_show(image->names);
	image_store_u64(&image->targets, 0, HEADER_AT(magic), IMAGE_MAGIC);
	return 0;
}

static bool shapes_match(struct engine_memory *const memory[], unsigned count)
{
	if (count == 0 || count > IMAGE_TARGETS_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (memory[i]->shard_shift < IMAGE_SHARD_MIN ||
			memory[i]->shard_shift > IMAGE_SHARD_MAX || memory[i]->shards == 0 ||
			memory[i]->shards > IMAGE_SHARDS_MAX ||
			memory[i]->shards != memory[0]->shards ||
			memory[i]->shard_shift != memory[0]->shard_shift)
			return false;
	}
	return true;
}

static void tenant_free(struct image *image, struct tenant *tenant)
{
	HASH_DEL(image->tenants, tenant);
	free(tenant->roster);
	free(tenant->old_roster);
	free(tenant->changes);
	free(tenant->old_denials.items);
	denials_free(&tenant->denials);
	free(tenant);
}

/* All that is known of the image beside it. */
static void image_forget(struct image *image)
{
	struct tenant *tenant, *next;

	HASH_ITER (hh, image->tenants, tenant, next)
		tenant_free(image, tenant);
	image_index_free(image->zones);
	image_index_free(image->names);
	image_space_free(image->space);
	image->zones = image->names = NULL;
	image->space = NULL;
	image->unsettled = 0;
}

/*
 * Pages for pass apexes when names have filled the image: without its own object a zone's names
 * would be its parent's, which denies or delegates them. A 64th of the image is some dozen zones in
 * a small one; 1 MiB is thousands.
 */
static uint32_t pages_kept(const struct engine_memory *memory)
{
	uint64_t pages = ((uint64_t)memory->shards << memory->shard_shift) >> 12;

	return pages / 64 < 8 ? 8 : pages / 64 > 256 ? 256 : (uint32_t)(pages / 64);
}

int image_open(struct image **out, struct engine_memory *const memory[], unsigned count,
	const struct image_options *options, bool *adopted)
{
	struct image *image;
	int error;

	if (adopted)
		*adopted = false;
	if (!shapes_match(memory, count))
		return -EINVAL;
	image = calloc(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	image->targets.count = count;
	memcpy(image->targets.memory, memory, count * sizeof(*memory));
	image->options = *options;
	error = targets_grace(image); /* what comes can't stop half-way for want of it */
	if (!error && image_adopt(image)) {
		image_forget(image);
		error = image_format(image);
	} else if (adopted) {
		*adopted = error == 0;
	}
	if (error) {
		image_close(image);
		return error;
	}
	image_space_keep(image->space, pages_kept(memory[0]));
	image_index_keep(image->zones);
	*out = image;
	return 0;
}

void image_close(struct image *image)
{
	if (!image)
		return;
	image_forget(image);
	free(image);
}

void image_depth_mark(struct image *image, unsigned labels)
{
	const struct image_header *header = image_object(image, 0);
	unsigned word = labels / 64;

	image_store_u64(&image->targets, 0, HEADER_AT(depths) + word * 8,
		header->depths[word] | 1ull << labels % 64);
}

/* The zone object, in the index; its head is 0. The offset, or 0 with *error. */
static uint32_t zone_link(struct image *image, const uint8_t *apex, uint32_t key_len, int *error)
{
	uint8_t bytes[sizeof(struct image_zone) + NAME_MAX_SIZE + IMAGE_UNIT] = {0};
	struct image_zone head = {
		.key_len = (uint8_t)key_len, .labels = (uint8_t)name_labels(apex)};
	uint32_t units = (uint32_t)((sizeof(head) + key_len + IMAGE_UNIT - 1) / IMAGE_UNIT);
	uint32_t offset = image_space_take_kept(image->space, units, IMAGE_USE_ZONES);

	*error = -ENOSPC;
	if (!offset)
		return 0;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), apex, key_len);
	image_store_bytes(&image->targets, offset, 0, bytes, (size_t)units * IMAGE_UNIT);
	*error = image_index_insert(
		image->zones, image_index_hash(apex, key_len, image->zone_seed), offset);
	if (*error) {
		image_give(image, offset, IMAGE_USE_ZONES);
		return 0;
	}
	image_depth_mark(image, head.labels);
	return offset;
}

struct tenant *image_tenant_new(struct image *image, const uint8_t *labels, uint32_t size)
{
	struct tenant *tenant = calloc(1, sizeof(*tenant));

	if (!tenant)
		return NULL;
	memcpy(tenant->apex, labels, size);
	tenant->apex_size = (uint8_t)(size + 1);
	HASH_ADD_KEYPTR(hh, image->tenants, tenant->apex, tenant->apex_size, tenant);
	if (tenant->hh.tbl)
		return tenant;
	free(tenant);
	return NULL;
}

/* -EEXIST; or 0 if the zone's removal had begun, and failed, and is taken back. */
static int zone_relink(struct image *image, const struct tenant *tenant)
{
	uint64_t hash = image_index_hash(tenant->apex, tenant->apex_size - 1u, image->zone_seed);
	struct image_slot slot;

	if (image_index_locate(image->zones, hash, tenant->zone, &slot))
		return -EEXIST;
	return image_index_insert(image->zones, hash, tenant->zone);
}

int image_zone_add(struct image *image, const uint8_t *apex)
{
	uint32_t labels = (uint32_t)name_size(apex) - 1;
	struct tenant *tenant;
	int error;

	tenant = image_tenant(image, apex);
	if (tenant)
		return zone_relink(image, tenant);
	tenant = image_tenant_new(image, apex, labels);
	if (!tenant)
		return -ENOMEM;
	tenant->zone = zone_link(image, apex, labels, &error);
	if (tenant->zone)
		return 0;
	tenant_free(image, tenant);
	return error == -EXFULL ? -ENOSPC : error;
}

static struct image_version *tenant_version(const struct image *image, const struct tenant *tenant)
{
	return image_place(image->targets.memory[0], tenant->version);
}

int image_zone_deadline(struct image *image, const uint8_t *apex, uint64_t bypass_after)
{
	const struct tenant *tenant = image_tenant(image, apex);

	if (!tenant)
		return -ENOENT;
	if (!tenant->version)
		return -ENODATA;
	image_store_u64(&image->targets, tenant->version, VERSION_AT(bypass_after), bypass_after);
	return 0;
}

int image_zone_bypass(struct image *image, const uint8_t *apex, bool on)
{
	struct tenant *tenant = image_tenant(image, apex);

	if (!tenant)
		return -ENOENT;
	tenant->bypassed = on;
	if (tenant->version) {
		uint32_t flags = tenant_version(image, tenant)->flags & ~(uint32_t)VERSION_PASS;
		image_store_u32(&image->targets, tenant->version, VERSION_AT(flags),
			flags | (on ? VERSION_PASS : 0));
	}
	return 0;
}

int image_zone_clear(struct image *image, const uint8_t *apex)
{
	struct tenant *tenant = image_tenant(image, apex);
	int error = 0;

	if (!tenant)
		return -ENOENT;
	/* First of all: what was wrong isn't answered any more. */
	image_store_u32(&image->targets, tenant->zone, offsetof(struct image_zone, head), 0);
	if (tenant->unsettled)
		error = image_settle(image);
	if (error || !tenant->version)
		return error;
	error = denials_list(&tenant->denials, &tenant->old_denials);
	if (error)
		return error;
	denials_free(&tenant->denials);
	tenant->old_version = tenant->version;
	tenant->old_negative = tenant->negative;
	tenant->old_roster = tenant->roster;
	tenant->old_names = tenant->names;
	tenant->old_seed = tenant->seed;
	tenant->version = tenant->negative = tenant->names = 0;
	tenant->roster = NULL;
	tenant->unsettled = true;
	image->unsettled++;
	return 0;
}

int image_zone_remove(struct image *image, const uint8_t *apex)
{
	struct tenant *tenant = image_tenant(image, apex);
	struct image_slot slot;
	int error;

	if (!tenant)
		return -ENOENT;
	if (image_index_locate(image->zones,
		    image_index_hash(tenant->apex, tenant->apex_size - 1u, image->zone_seed),
		    tenant->zone, &slot))
		image_index_delete(image->zones, &slot);
	image_zones_forget(image);
	error = image_zone_clear(image, apex);
	if (!error)
		error = image_settle(image);
	if (error)
		return error;
	image_space_retire(image->space, tenant->zone, IMAGE_USE_ZONES);
	tenant_free(image, tenant);
	return 0;
}

int image_zone_state(const struct image *image, const uint8_t *apex, struct image_zone_state *state)
{
	const struct tenant *tenant = image_tenant(image, apex);

	if (!tenant)
		return -ENOENT;
	*state = (struct image_zone_state){.bypassed = tenant->bypassed};
	if (tenant->version) {
		const struct image_version *version = tenant_version(image, tenant);
		state->number = version->number;
		state->serial = version->serial;
		state->names = tenant->names;
		state->bypass_after = version->bypass_after;
	}
	return 0;
}

void image_zone_each(
	const struct image *image, void (*zone)(void *context, const uint8_t *apex), void *context)
{
	const struct tenant *tenant, *next;

	HASH_ITER (hh, image->tenants, tenant, next)
		zone(context, tenant->apex);
}

void image_usage(const struct image *image, struct image_usage *usage)
{
	struct image_index_state names;

	image_index_state(image->names, &names);
	*usage = (struct image_usage){
		.size = image_space_size(image->space),
		.unused = image_space_unused(image->space),
		.index = image_space_used(image->space, IMAGE_USE_INDEX),
		.zones = image_space_used(image->space, IMAGE_USE_ZONES),
		.entries = image_space_used(image->space, IMAGE_USE_ENTRIES),
		.quarantine = image_space_used(image->space, IMAGE_USE_QUARANTINE),
		.lost = image_space_lost(image->space),
		.names = names.objects,
		.zone_count = HASH_COUNT(image->tenants),
	};
}
