/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One case through the plain host. */
#ifndef ANODE_TESTS_VECTOR_RUN_H
#define ANODE_TESTS_VECTOR_RUN_H

#include "vector.h"

#include "tests/host/plain_engine.h"

#define VECTOR_NOW                                                                                 \
	4000000000000000ull /* ns: some 46 days after boot, so that deadlines lie on both sides */

/* What a run leaves. */
struct vector_run {
	struct vector_packet packet;
	uint8_t octets[VECTOR_REPLY_MAX]; /* the frame afterwards */
	struct counters before, after;
	struct vector_outcome outcome; /* points into this */
};

/* Builds the case's packet and runs it, in a world that was filled for VECTOR_NOW. 0, or -EINVAL
 * with a reason. */
int vector_run_case(struct vector_run *run, struct plain_engine *engine,
	const struct vector_case *c, char error[VECTOR_ERROR_SIZE]);

#endif
