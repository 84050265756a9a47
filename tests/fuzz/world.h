/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the core's fuzz targets run it on: the world of a vector file, in plain memory. */
#ifndef ANODE_FUZZ_WORLD_H
#define ANODE_FUZZ_WORLD_H

#include "tests/fuzz/target.h"
#include "tests/vectors/vector_run.h"

struct fuzz_world {
	struct vector *vector;
	struct plain_engine *engine;
};

/* The world of the vector file `name` of tests/vectors. Every case of it is run once, and must be
 * as expected: a target that fuzzes a broken world finds nothing. Prints and aborts if anything
 * fails. */
void fuzz_world_open(struct fuzz_world *world, const char *name);

#endif
