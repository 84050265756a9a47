/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the fuzz targets run the core on: the world of a vector file, in plain memory, and a check
 * that never returns when it fails.
 */
#ifndef ANODE_FUZZ_WORLD_H
#define ANODE_FUZZ_WORLD_H

#include "tests/vectors/vector_run.h"

/* The targets' entry (libFuzzer's, or replay.c's). Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_world {
	struct vector *vector;
	struct plain_engine *engine;
};

/* The world of the vector file `name` of tests/vectors. Every case of it is run once, and must be
 * as expected: a target that fuzzes a broken world finds nothing. Prints and aborts if anything
 * fails. */
void fuzz_world_open(struct fuzz_world *world, const char *name);

/* Prints and aborts, so that the fuzzer keeps the input. */
#define FUZZ_MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
__attribute__((noreturn)) void fuzz_fail(const char *condition, const char *file, int line);

#endif
