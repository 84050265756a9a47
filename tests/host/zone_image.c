/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/zone_image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t memory_size(const struct engine_memory *memory)
{
	return memory->shards * IMAGE_STRIDE(memory->shard_shift);
}

static int failed(struct zone_image *z, int error, const char *what)
{
	if (error && !*z->error)
		snprintf(z->error, sizeof(z->error), "%s: %s", what, strerror(-error));
	return error;
}

static int formatted_open(struct zone_image *z)
{
	const struct image_options options = {.poison = true};
	struct engine_memory *memory = &z->memory;

	return failed(z, image_open(&z->image, &memory, 1, &options, NULL), "format the image");
}

int zone_image_over(struct zone_image *z, const struct engine_memory *memory)
{
	*z = (struct zone_image){.memory = *memory};
	z->memory.grace = NULL; /* nobody reads: nothing to wait for */
	memset(memory->image, 0, memory_size(memory));
	return formatted_open(z);
}

int zone_image_open(struct zone_image *z, uint32_t shards, uint32_t shard_shift)
{
	struct engine_memory *memory = &z->memory;

	*z = (struct zone_image){.memory = {.shards = shards, .shard_shift = shard_shift}};
	memory->image = mmap(NULL, memory_size(memory), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory->image == MAP_FAILED) {
		memory->image = NULL;
		return failed(z, -errno, "memory for the image");
	}
	z->mapped = true;
	return formatted_open(z);
}

void zone_image_close(struct zone_image *z)
{
	image_close(z->image);
	if (z->mapped)
		munmap(z->memory.image, memory_size(&z->memory));
	*z = (struct zone_image){0};
}

int zone_image_publish(struct zone_image *z, const struct zone *zone)
{
	struct compiled *compiled = NULL;
	int error = image_zone_add(z->image, zone_origin(zone));

	if (error == -EEXIST)
		error = 0;
	if (!error)
		error = compile_zone(&compiled, zone);
	if (!error)
		error = image_zone_publish(z->image, compiled, UINT64_MAX, NULL);
	if (!error)
		error = image_settle(z->image);
	compiled_free(compiled);
	return failed(z, error, "publish the zone");
}

static int loaded_publish(struct zone_image *z, int error, struct zone *zone)
{
	if (error)
		return failed(z, error, "load the zone");
	error = zone_image_publish(z, zone);
	zone_free(zone);
	return error;
}

int zone_image_text(struct zone_image *z, const char *text, size_t size, const char *origin)
{
	const struct zone_limits limits = {0};
	struct zone *zone = NULL;
	int error = zone_text_parse(&zone, text, size, origin, &limits, z->error);

	return loaded_publish(z, error, zone);
}

int zone_image_file(struct zone_image *z, const char *path, const char *origin)
{
	const struct zone_limits limits = {0};
	struct zone *zone = NULL;
	int error = zone_text_load(&zone, path, origin, &limits, z->error);

	return loaded_publish(z, error, zone);
}

int zone_image_pass(struct zone_image *z, const char *origin)
{
	uint8_t apex[NAME_MAX_SIZE];
	int size = name_from_text(apex, origin);

	if (size < 0)
		return failed(z, size, origin);
	name_fold(apex, apex, (size_t)size);
	return failed(z, image_zone_add(z->image, apex), origin);
}
