/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <stdlib.h>

#define WORLD_SHARDS 12
#define WORLD_SHIFT  16

void fuzz_world_open(struct fuzz_world *world, const char *name)
{
	static struct vector_run run;
	char path[4096], error[VECTOR_ERROR_SIZE];

	snprintf(path, sizeof(path), "%s/%s", FUZZ_DIRECTORY, name);
	if (vector_load(&world->vector, path, error) ||
		plain_engine_new(&world->engine, WORLD_SHARDS, WORLD_SHIFT) ||
		vector_world_fill(
			world->vector, plain_engine_memory(world->engine), VECTOR_NOW, error)) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	for (size_t i = 0; i < world->vector->case_count; i++) {
		const struct vector_case *c = &world->vector->cases[i];

		FUZZ_MUST(!vector_run_case(&run, world->engine, c, error));
		if (!vector_check(world->vector, c, &run.packet, &run.outcome, stderr)) {
			fprintf(stderr, "%s:%u: %s\n", c->path, c->line, c->title);
			abort();
		}
	}
}
