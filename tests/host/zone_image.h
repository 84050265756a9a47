/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zone files into an answer image: what vectors, fuzzers and benchmarks run the core on.
 *
 * In its own plain memory (no kernel, no threads: the grace period is over at once, because nobody
 * reads while it writes), or in an engine's.
 */
#ifndef ANODE_TESTS_HOST_ZONE_IMAGE_H
#define ANODE_TESTS_HOST_ZONE_IMAGE_H

#include "control/zone/image.h"

struct zone_image {
	struct engine_memory memory; /* image only; settings and counters are the caller's */
	struct image *image;
	bool mapped; /* the memory is its own */
	char error[ZONE_REASON_SIZE];
};

/* Memory of an engine, which outlives this and which nobody reads until it is closed: formatted
 * afresh, whatever it held. 0 or negative errno with the text. */
int zone_image_over(struct zone_image *z, const struct engine_memory *memory);

/* Memory of 'shards' of 2^shard_shift bytes, formatted. 0 or negative errno with the text. */
int zone_image_open(struct zone_image *z, uint32_t shards, uint32_t shard_shift);
void zone_image_close(struct zone_image *z);

/* Adds the zone if it isn't there and publishes it, without a deadline. 'origin' in presentation
 * format. */
int zone_image_text(struct zone_image *z, const char *text, size_t size, const char *origin);
int zone_image_file(struct zone_image *z, const char *path, const char *origin);
int zone_image_publish(struct zone_image *z, const struct zone *zone);

/* The zone is there but not mirrored: a pass apex. */
int zone_image_pass(struct zone_image *z, const char *origin);

#endif
