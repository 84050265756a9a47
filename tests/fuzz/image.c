/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the core and the image's checker with corrupted images, on fixed queries.
 *
 * In: operations of 8 octets on a world's image. The octet behind them, if there is one, names the
 * world (unsigned zones of all kinds, one with NSEC, one with NSEC3 and opt-out) and whether the
 * checker is to find it settled. Then the checker walks it: it accepts it, or says what is wrong;
 * and every case of the world is asked. The answers are garbage; but no access leaves the image's
 * memory (the sanitizers watch it), every query ends, a packet that passes is as it came, none
 * grows beyond its room, each is counted once.
 */
#include "world.h"

#include "answer/image.h"
#include "control/zone/image_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS_MAX 64u
#define LINE           64u
#define ROOM           2048u
#define PLACES         3u

/* The image as the writer left it, and which lines of it hold anything. */
struct original {
	uint8_t *octets;
	size_t size;
	uint32_t *lines;
	uint32_t line_count;
};

static bool line_is_used(const uint8_t *line)
{
	static const uint8_t zeros[LINE];

	return memcmp(line, zeros, LINE) != 0;
}

static void original_take(struct original *o, const struct engine_memory *memory)
{
	o->size = memory->shards * IMAGE_STRIDE(memory->shard_shift);
	o->octets = malloc(o->size);
	o->lines = calloc(o->size / LINE, sizeof(*o->lines));
	FUZZ_MUST(o->octets && o->lines);
	memcpy(o->octets, memory->image, o->size);
	for (size_t i = 0; i < o->size / LINE; i++)
		if (line_is_used(o->octets + i * LINE))
			o->lines[o->line_count++] = (uint32_t)i;
}

/* u16 which line, u8 the place in it, u8 what to do, u32 with what. Returns the line's place in the
 * image. */
static size_t operation_apply(const struct original *o, uint8_t *image, const uint8_t operation[8])
{
	enum { SET, XOR, ADD, COPY };
	uint16_t which;
	uint32_t value;
	uint64_t word = 0;
	size_t line, at, width = (size_t)1 << (operation[3] & 3);

	memcpy(&which, operation, sizeof(which));
	memcpy(&value, operation + 4, sizeof(value));
	line = o->lines[which % o->line_count] * (size_t)LINE;
	at = line + operation[2] % LINE / width * width;
	memcpy(&word, image + at, width);
	switch (operation[3] >> 2 & 3) {
	case SET:
		word = value;
		break;
	case XOR:
		word ^= value;
		break;
	case ADD:
		word += value;
		break;
	case COPY: /* what stands elsewhere: offsets of other objects, other counts */
		memcpy(&word,
			image + o->lines[value % o->line_count] * (size_t)LINE +
				(value >> 24) % LINE / 8 * 8,
			8);
		break;
	}
	memcpy(image + at, &word, width);
	return line;
}

static void case_run(struct fuzz_world *world, const struct vector_packet *packet)
{
	static uint8_t octets[VECTOR_REPLY_MAX];
	size_t size = packet->size, room = size > ROOM ? size : ROOM;
	struct counters before, after;
	const struct engine_memory *memory = plain_engine_memory(world->engine);
	enum plain_action action;
	uint64_t counted = 0;

	memcpy(octets, packet->octets, size);
	vector_counters_sum(memory, &before);
	action = plain_engine_run(world->engine, octets, &size, room, VECTOR_NOW);
	vector_counters_sum(memory, &after);
	if (action == PLAIN_PASS)
		FUZZ_MUST(size == packet->size && !memcmp(octets, packet->octets, size));
	FUZZ_MUST(size <= room);
	for (unsigned i = 0; i < COUNTERS_REASONS; i++)
		counted += after.reasons[i] - before.reasons[i];
	for (unsigned i = 0; i < COUNTERS_RCODES; i++)
		counted += after.rcodes[i] - before.rcodes[i];
	FUZZ_MUST(counted == 1);
}

/* A world with its image as it was. */
struct place {
	struct fuzz_world world;
	struct original original;
	struct vector_packet *packets;
};

static void place_open(struct place *place, const char *name)
{
	char error[VECTOR_ERROR_SIZE];
	const struct vector *vector;

	fuzz_world_open(&place->world, name);
	vector = place->world.vector;
	original_take(&place->original, plain_engine_memory(place->world.engine));
	place->packets = calloc(vector->case_count, sizeof(*place->packets));
	FUZZ_MUST(place->packets);
	for (size_t i = 0; i < vector->case_count; i++)
		FUZZ_MUST(!vector_packet_build(&vector->cases[i], &place->packets[i], error));
}

static void image_walk(const struct engine_memory *memory, bool settled)
{
	struct image_report report;
	int result = image_check(memory, settled, NULL, &report);

	FUZZ_MUST(result == 0 || result == -ENODATA || (result == -EBADMSG && *report.error));
}

static void place_fuzz(struct place *place, bool settled, const uint8_t *data, size_t size)
{
	const struct engine_memory *memory = plain_engine_memory(place->world.engine);
	size_t touched[OPERATIONS_MAX], count = 0;
	uint8_t *image = memory->image;

	for (; size >= 8 && count < OPERATIONS_MAX; data += 8, size -= 8)
		touched[count++] = operation_apply(&place->original, image, data);
	image_walk(memory, settled);
	for (size_t i = 0; i < place->world.vector->case_count; i++)
		case_run(&place->world, &place->packets[i]);
	for (size_t i = 0; i < count; i++)
		memcpy(image + touched[i], place->original.octets + touched[i], LINE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[PLACES] = {
		"many-zones.vec", "nsec.vec", "nsec3-opt-out.vec"};
	static struct place places[PLACES];
	uint8_t last = size % 8 ? data[size / 8 * 8] : 0;
	uint32_t which = last % PLACES;

	if (!places[which].packets)
		place_open(&places[which], names[which]);
	place_fuzz(&places[which], last / PLACES & 1, data, size);
	return 0;
}
