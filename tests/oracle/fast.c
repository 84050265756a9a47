/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fast.h"
#include "reply.h"

#include "engine.h"
#include "tests/host/plain_engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/bpf.h>

#define IMAGE_BYTES (128ull << 20)

struct fast {
	struct engine *engine;
	struct plain_engine *plain;
	struct vector_packet packet;
	uint8_t octets[VECTOR_REPLY_MAX];
	uint8_t plain_octets[VECTOR_REPLY_MAX];
};

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int fast_open(struct fast **fast, char error[VECTOR_ERROR_SIZE])
{
	struct engine_options options = {.instance = "oracle", .image_bytes = IMAGE_BYTES};
	struct fast *f = calloc(1, sizeof(*f));
	const struct engine_memory *memory;
	bool adopted;
	int result;

	*fast = f;
	snprintf(error, VECTOR_ERROR_SIZE, "out of memory");
	if (!f)
		return -ENOMEM;
	result = engine_open(&f->engine, &options, &adopted, error, VECTOR_ERROR_SIZE);
	if (!result) {
		memory = engine_memory(f->engine);
		result = plain_engine_new(&f->plain, memory->shards, memory->shard_shift);
	}
	if (result) {
		fast_close(f);
		*fast = NULL;
	}
	return result;
}

void fast_close(struct fast *fast)
{
	if (!fast)
		return;
	plain_engine_free(fast->plain);
	if (fast->engine)
		engine_remove(fast->engine);
	free(fast);
}

int fast_fill(struct fast *fast, const struct vector *vector, char error[VECTOR_ERROR_SIZE])
{
	uint64_t now = clock_now();
	int result = vector_world_fill(vector, engine_memory(fast->engine), now, error);

	return result ? result
		      : vector_world_fill(vector, plain_engine_memory(fast->plain), now, error);
}

/* The reason that was counted between the two. */
static uint32_t reason_counted(const struct counters *before, const struct counters *after)
{
	for (uint32_t i = 1; i < REASON_COUNT; i++)
		if (before->reasons[i] != after->reasons[i])
			return i;
	return REASON_COUNT;
}

static bool plain_agrees(struct fast *f, enum vector_action action, size_t size)
{
	static const enum vector_action actions[] = {[PLAIN_PASS] = VECTOR_PASSED,
		[PLAIN_REPLY] = VECTOR_REPLIED,
		[PLAIN_DROP] = VECTOR_DROPPED};
	size_t plain_size = f->packet.size;
	enum plain_action did;

	memcpy(f->plain_octets, f->packet.octets, plain_size);
	plain_engine_stain(f->plain, 0xa5);
	did = plain_engine_run(f->plain, f->plain_octets, &plain_size, VECTOR_ROOM, clock_now());
	return actions[did] == action && plain_size == size &&
	       !memcmp(f->plain_octets, f->octets, size);
}

/* Where the message stands in a frame that reply.h finds right. */
static int message_find(
	struct fast *f, size_t size, struct fast_answer *answer, char error[VECTOR_ERROR_SIZE])
{
	const struct reply_frame query = {f->packet.octets, f->packet.size};
	const struct reply_frame frame = {f->octets, size};
	struct reply reply;
	FILE *to = fmemopen(error, VECTOR_ERROR_SIZE, "w");
	bool ok;

	if (!to)
		return -ENOMEM;
	ok = reply_read(&reply, &query, &frame, false, to);
	fclose(to);
	answer->octets = f->octets + reply.dns;
	answer->size = reply.dns_size;
	reply_free(&reply);
	return ok ? 0 : -EBADMSG;
}

/* Through both hosts, one behind the other. 0 or -EIO. */
static int frame_run(
	struct fast *fast, struct fast_answer *answer, size_t *size, char error[VECTOR_ERROR_SIZE])
{
	struct counters before, after;
	uint32_t action;

	*size = sizeof(fast->octets);
	vector_counters_sum(engine_memory(fast->engine), &before);
	if (engine_test(fast->engine, ATTACH_NATIVE, fast->packet.octets, fast->packet.size,
		    fast->octets, size, &action)) {
		snprintf(error, VECTOR_ERROR_SIZE, "%.400s", engine_error(fast->engine));
		return -EIO;
	}
	vector_counters_sum(engine_memory(fast->engine), &after);
	answer->action = action == XDP_TX     ? VECTOR_REPLIED
			 : action == XDP_PASS ? VECTOR_PASSED
					      : VECTOR_DROPPED;
	answer->reason = reason_counted(&before, &after);
	answer->plain_differs = !plain_agrees(fast, answer->action, *size);
	return 0;
}

int fast_ask(struct fast *fast, const struct vector_case *c, struct fast_answer *answer,
	char error[VECTOR_ERROR_SIZE])
{
	size_t size;
	int result;

	*answer = (struct fast_answer){.reason = REASON_COUNT};
	if (vector_packet_build(c, &fast->packet, error))
		return -EINVAL;
	result = frame_run(fast, answer, &size, error);
	/* A server cookie holds the time: it may have gone on from one host to the other. */
	if (!result && answer->plain_differs)
		result = frame_run(fast, answer, &size, error);
	if (result)
		return result;
	return answer->action == VECTOR_REPLIED ? message_find(fast, size, answer, error) : 0;
}
