/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes a zone's way into the image with the messages of a transfer.
 *
 * In: an octet of options (1: signatures are due), then messages as TCP carries them, each behind
 * its length; their IDs are made right. A transfer ends in a fault that is explained, or in a zone
 * which compiles, goes into an image that its checker finds good, and is answered from: every
 * question about a name of it, and about one below it, asked with DO, passes or gets a reply that
 * reply.h finds right.
 */
#include "target.h"

#include "control/zone/axfr.h"
#include "control/zone/image.h"
#include "control/zone/image_check.h"
#include "tests/host/ask.h"
#include "tests/host/plain_engine.h"
#include "tests/host/zone_image.h"
#include "tests/vectors/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHARD_SHIFT 20
#define NAMES_MAX   64 /* that are asked about */
#define ROOM        2048

enum { OPTION_KEY = 1 };

static struct key *key_make(void)
{
	char path[] = "/tmp/anode-fuzz-XXXXXX", reason[KEY_REASON_SIZE];
	struct key_options options = {"mirror.", "hmac-sha256", path};
	int fd = mkstemp(path);
	struct key *key;

	FUZZ_MUST(fd >= 0 && write(fd, "c2VjcmV0c2VjcmV0\n", 17) == 17);
	close(fd);
	FUZZ_MUST(key_load(&key, &options, reason) == 0);
	unlink(path);
	return key;
}

/* 1: complete; else a fault. */
static int messages_take(
	struct axfr *axfr, const uint8_t *data, size_t size, struct zone_fault *fault)
{
	uint8_t query[DNS_QUERY_MAX_SIZE];
	int result = 0;

	FUZZ_MUST(axfr_query(axfr, query) > 0);
	while (!result && size >= 2) {
		size_t length = (size_t)data[0] << 8 | data[1];
		uint8_t *message;

		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		message = fuzz_exact(data, length);
		if (length >= 2)
			memcpy(message, query, 2);
		result = axfr_message(axfr, message, length, fault);
		free(message);
		data += length;
		size -= length;
	}
	return result;
}

static void name_ask(struct plain_engine *engine, uint64_t now, const uint8_t *name, uint16_t type)
{
	static uint8_t query[ROOM], frame[ROOM];
	struct ask ask = {.name = name,
		.name_size = name_size(name),
		.type = type,
		.id = 7,
		.port = 4000,
		.edns = true};
	size_t size = ask_frame(&ask, query, sizeof(query)), reply_size = size;
	enum plain_action action;
	struct reply reply;

	FUZZ_MUST(size);
	memcpy(frame, query, size);
	action = plain_engine_run(engine, frame, &reply_size, sizeof(frame), now);
	FUZZ_MUST(action != PLAIN_DROP);
	if (action == PLAIN_PASS)
		return;
	FUZZ_MUST(reply_read(&reply, &(struct reply_frame){query, size},
		&(struct reply_frame){frame, reply_size}, false, stderr));
	reply_free(&reply);
}

static void zone_ask(struct plain_engine *engine, const struct zone *zone)
{
	uint8_t below[NAME_MAX_SIZE] = {1, 'x'};
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	for (uint32_t i = 0; i < zone->node_count && i < NAMES_MAX; i++) {
		const struct zone_node *node = &zone->nodes[i];

		name_ask(engine, now, node->name, RR_A);
		name_ask(engine, now, node->name, RR_DS);
		for (uint32_t r = 0; r < node->rrset_count; r++)
			name_ask(engine, now, node->name, node->rrsets[r].type);
		if (node->name_size + 2u > NAME_MAX_SIZE)
			continue;
		memcpy(below + 2, node->name, node->name_size);
		name_ask(engine, now, below, RR_A);
	}
}

static void zone_use(const struct zone *zone)
{
	static struct plain_engine *engine;
	struct image_report report;
	struct zone_image image;
	int result;

	if (!engine)
		FUZZ_MUST(plain_engine_new(&engine, 1, SHARD_SHIFT) == 0);
	FUZZ_MUST(zone_image_over(&image, plain_engine_memory(engine)) == 0);
	ask_settings(plain_engine_memory(engine)->settings);
	result = zone_image_publish(&image, zone);
	FUZZ_MUST(result == 0 || result == -ENOSPC);
	zone_image_close(&image);
	result = image_check(plain_engine_memory(engine), true, NULL, &report);
	if (result)
		fprintf(stderr, "%s\n", report.error);
	FUZZ_MUST(result == 0);
	zone_ask(engine, zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct zone_limits limits = {.max_records = 1000, .max_bytes = 1 << 19};
	static const uint8_t origin[] = "\7example";
	static struct key *key;
	struct zone_fault fault = {0};
	struct zone *zone = NULL;
	struct axfr *axfr;
	int result;

	if (!key)
		key = key_make();
	if (size < 1)
		return 0;
	FUZZ_MUST(axfr_new(&axfr, origin, data[0] & OPTION_KEY ? key : NULL, &limits) == 0);
	result = messages_take(axfr, data + 1, size - 1, &fault);
	if (result == 1)
		result = axfr_finish(axfr, &zone, &fault);
	else
		FUZZ_MUST(result <= 0);
	FUZZ_MUST(result == 0 || (result < 0 && fault.kind && *fault.text));
	if (zone)
		zone_use(zone);
	zone_free(zone);
	axfr_free(axfr);
	return 0;
}
