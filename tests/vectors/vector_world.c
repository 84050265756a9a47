/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The world of a vector, put into an engine's memory the way the daemon does it: zone text,
 * compile, publish.
 */
#include "vector.h"

#include "tests/host/zone_image.h"

#include <errno.h>
#include <string.h>

#define SECOND 1000000000ll

static uint64_t later(uint64_t now, int64_t seconds)
{
	return now + (uint64_t)(seconds * SECOND);
}

static struct settings_address address_of(const struct vector_end *end)
{
	struct settings_address a = {.used = 1};
	uint8_t octets[16] = {[10] = 0xff, [11] = 0xff};

	if (end->ipv6)
		memcpy(octets, end->address, 16);
	else
		memcpy(octets + 12, end->address, 4);
	memcpy(a.word, octets, sizeof(octets));
	return a;
}

static int services_fill(const struct vector_settings *s, struct settings *block)
{
	for (size_t i = 0; i < s->service_count; i++) {
		struct settings_address a = address_of(&s->services[i]);

		if (settings_add(block, a.word[0], a.word[1]))
			return -ENOSPC;
	}
	return 0;
}

static int settings_fill(const struct vector_settings *s, struct settings_area *area, uint64_t now)
{
	struct settings *block = &area->block[0];

	memset(area, 0, sizeof(*area));
	area->magic = SETTINGS_MAGIC;
	area->layout = SETTINGS_LAYOUT;
	area->lease_end = s->lease == INT64_MIN ? 0 : later(now, s->lease);
	block->flags =
		(s->bypass ? SETTINGS_BYPASS : 0) | (s->hold ? SETTINGS_HOLD : 0) | s->server;
	memcpy(block->chaos, s->chaos, sizeof(block->chaos));
	block->max_udp_size = s->max_udp_size;
	block->copy_flags = s->copy_flags;
	block->edns = s->edns;
	/* the second is young: the world has nearly all of it */
	block->edns.wall = (uint64_t)s->time * SECOND - now;
	block->address_seed = 0x5eed;
	block->ifaces[0] = (struct settings_iface){
		.ifindex = VECTOR_IFINDEX,
		.mtu = s->mtu,
		.mac = {2, 0, 0, 0, 0, 0x53},
		.flags = (s->probe ? IFACE_PROBE : 0) | (s->fib ? IFACE_FIB : 0),
	};
	return services_fill(s, block);
}

static int zone_fill(const struct vector_zone *z, struct zone_image *image, uint64_t now)
{
	uint8_t apex[NAME_MAX_SIZE];
	int result = z->path ? zone_image_file(image, z->path, z->origin)
			     : zone_image_pass(image, z->origin);

	if (result || !z->path)
		return result;
	name_fold(apex, apex, (size_t)name_from_text(apex, z->origin));
	result = image_zone_deadline(image->image, apex, later(now, z->expires));
	if (!result && z->bypassed)
		result = image_zone_bypass(image->image, apex, true);
	return result;
}

static int image_fill(const struct vector *vector, struct engine_memory *memory, uint64_t now,
	char error[VECTOR_ERROR_SIZE])
{
	struct zone_image image;
	int result = zone_image_over(&image, memory);

	if (result)
		snprintf(error, VECTOR_ERROR_SIZE, "%.300s", image.error);
	for (size_t i = 0; i < vector->zone_count && !result; i++) {
		const struct vector_zone *z = &vector->zones[i];

		result = zone_fill(z, &image, now);
		if (result)
			snprintf(error, VECTOR_ERROR_SIZE, "%.150s: zone %.100s: %.200s",
				vector->path, z->origin,
				*image.error ? image.error : strerror(-result));
	}
	zone_image_close(&image);
	return result;
}

int vector_world_fill(const struct vector *vector, struct engine_memory *memory, uint64_t now,
	char error[VECTOR_ERROR_SIZE])
{
	struct image_header *header = (struct image_header *)(void *)memory->image;
	int result = 0;

	if (vector->settings.image_none)
		memset(memory->image, 0, memory->shards * IMAGE_STRIDE(memory->shard_shift));
	else
		result = image_fill(vector, memory, now, error);
	if (result)
		return result;
	if (vector->settings.image_layout)
		header->layout = vector->settings.image_layout;
	result = settings_fill(&vector->settings, memory->settings, now);
	if (result)
		snprintf(error, VECTOR_ERROR_SIZE, "the settings: %s", strerror(-result));
	return result;
}

void vector_counters_sum(const struct engine_memory *memory, struct counters *sum)
{
	uint64_t *to = (uint64_t *)(void *)sum;

	memset(sum, 0, sizeof(*sum));
	for (uint32_t row = 0; row < memory->rows; row++) {
		const uint64_t *from = (const uint64_t *)(const void *)&memory->counters[row];

		for (size_t i = 0; i < sizeof(*sum) / sizeof(*from); i++)
			to[i] += from[i];
	}
}
