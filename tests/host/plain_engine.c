/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/plain_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/host/plain.h"
#include "answer/answer.h"

_Static_assert((int)PLAIN_PASS == (int)ACTION_PASS && (int)PLAIN_REPLY == (int)ACTION_REPLY &&
		       (int)PLAIN_DROP == (int)ACTION_DROP,
	"the same actions");

struct plain_engine {
	struct engine_memory memory;
	struct query query; /* never cleared, like a real host's */
};

/* Nobody reads while the writer writes. */
static int grace_none(void *engine)
{
	return 0;
}

int plain_engine_new(struct plain_engine **engine, uint32_t shards, uint32_t shard_shift)
{
	struct plain_engine *e = calloc(1, sizeof(*e));

	*engine = NULL;
	if (!e)
		return -ENOMEM;
	e->memory = (struct engine_memory){
		.image = aligned_alloc(64, shards * IMAGE_STRIDE(shard_shift)),
		.shards = shards,
		.shard_shift = shard_shift,
		.settings = calloc(1, sizeof(*e->memory.settings)),
		.counters = aligned_alloc(64, sizeof(*e->memory.counters)),
		.samples = aligned_alloc(64, sizeof(*e->memory.samples)),
		.rows = 1,
		.grace = grace_none,
		.engine = e,
	};
	if (!e->memory.image || !e->memory.settings || !e->memory.counters || !e->memory.samples) {
		plain_engine_free(e);
		return -ENOMEM;
	}
	memset(e->memory.image, 0, shards * IMAGE_STRIDE(shard_shift));
	memset(e->memory.counters, 0, sizeof(*e->memory.counters));
	memset(e->memory.samples, 0, sizeof(*e->memory.samples));
	e->memory.settings->magic = SETTINGS_MAGIC;
	e->memory.settings->layout = SETTINGS_LAYOUT;
	*engine = e;
	return 0;
}

void plain_engine_free(struct plain_engine *engine)
{
	if (!engine)
		return;
	free(engine->memory.image);
	free(engine->memory.settings);
	free(engine->memory.counters);
	free(engine->memory.samples);
	free(engine);
}

struct engine_memory *plain_engine_memory(struct plain_engine *engine)
{
	return &engine->memory;
}

void plain_engine_stain(struct plain_engine *engine, uint8_t octet)
{
	memset(&engine->query, octet, sizeof(engine->query));
}

enum plain_action plain_engine_run(
	struct plain_engine *engine, uint8_t *octets, size_t *size, size_t room, uint64_t now)
{
	uint8_t *frame = malloc(room ? room : 1);
	struct plain_packet packet = {.frame = frame,
		.length = (u32)*size,
		.room = (u32)room,
		.ifindex = 1,
		.now = now,
		.memory = &engine->memory};
	enum plain_action action;

	if (!frame || *size > room)
		abort(); /* a test that can't be run isn't a test that passed */
	memcpy(frame, octets, *size);
	action = (enum plain_action)answer_packet(&packet, &engine->query);
	memcpy(octets, frame, packet.length);
	*size = packet.length;
	free(frame);
	return action;
}
