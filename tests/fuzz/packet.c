/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the core with packets, on good images.
 *
 * In: an octet that names a world (unsigned zones of all kinds; the root; a zone with NSEC, with
 * NSEC3, with opt-out), then a frame. Whatever it is:
 *  - it passes as it came, or is answered; it is never dropped, and it is counted once;
 *  - a reply is all that reply.h asks of one (it parses, its checksums are right, nothing with QR
 * was answered);
 *  - what an earlier packet left in memory changes nothing;
 *  - a frame with too little room for the reply passes as it came, one with just enough is answered
 * the same.
 */
#include "world.h"

#include "tests/vectors/reply.h"

#include "answer/reason.h"

#include <string.h>

/* In the order of vectors.c, fuzz_world(). */
static const char *const world_names[] = {
	"many-zones.vec",
	"root-and-below.vec",
	"nsec.vec",
	"nsec3.vec",
	"nsec3-opt-out.vec",
};
#define WORLDS (sizeof(world_names) / sizeof(world_names[0]))

struct fate {
	enum plain_action action;
	uint8_t octets[VECTOR_REPLY_MAX];
	size_t size;
};

static void frame_run(struct fate *fate, struct plain_engine *engine, const uint8_t *frame,
	size_t size, size_t room, uint8_t stain)
{
	memcpy(fate->octets, frame, size);
	fate->size = size;
	plain_engine_stain(engine, stain);
	fate->action = plain_engine_run(engine, fate->octets, &fate->size, room, VECTOR_NOW);
}

static bool fate_same(const struct fate *a, const struct fate *b)
{
	return a->action == b->action && a->size == b->size &&
	       !memcmp(a->octets, b->octets, a->size);
}

static uint64_t counted(struct plain_engine *engine)
{
	const struct counters *c = plain_engine_memory(engine)->counters;
	uint64_t sum = 0;

	for (unsigned i = 0; i < COUNTERS_REASONS; i++)
		sum += c->reasons[i];
	for (unsigned i = 0; i < COUNTERS_RCODES; i++)
		sum += c->rcodes[i];
	return sum;
}

static void reply_must(const struct fate *fate, const uint8_t *frame, size_t size)
{
	const struct reply_frame query = {frame, size}, answer = {fate->octets, fate->size};
	struct reply reply;

	FUZZ_MUST(reply_read(&reply, &query, &answer, false, stderr));
	reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_world worlds[WORLDS];
	static struct fate first, again;
	struct plain_engine *engine;
	uint64_t before;

	for (size_t i = 0; i < WORLDS && !worlds[i].engine; i++)
		fuzz_world_open(&worlds[i], world_names[i]);
	if (size < 1 || size > VECTOR_FRAME_MAX)
		return 0;
	engine = worlds[data[0] % WORLDS].engine;
	data++;
	size--;
	before = counted(engine);
	frame_run(&first, engine, data, size, VECTOR_REPLY_MAX, 0);
	FUZZ_MUST(first.action != PLAIN_DROP);
	FUZZ_MUST(counted(engine) == before + 1);
	/* in memory that ends where the longer of the two does: an access beyond it shows */
	frame_run(&again, engine, data, size, first.size > size ? first.size : size, 0xff);
	FUZZ_MUST(fate_same(&first, &again));
	if (first.action == PLAIN_PASS) {
		FUZZ_MUST(first.size == size && !memcmp(first.octets, data, size));
		return 0;
	}
	reply_must(&first, data, size);
	if (first.size > size) {
		frame_run(&again, engine, data, size, first.size - 1, 0);
		FUZZ_MUST(again.action == PLAIN_PASS && again.size == size &&
			  !memcmp(again.octets, data, size));
	}
	return 0;
}
