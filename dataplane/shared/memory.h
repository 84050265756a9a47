/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * The engine contract as the daemon sees it: one engine's shared memory, mapped, and its grace
 * period. The same struct for both engines; whoever opened the engine owns the mappings.
 * docs/internals/engine.md.
 */
#ifndef ANODE_SHARED_MEMORY_H
#define ANODE_SHARED_MEMORY_H

#include "counters.h"
#include "settings.h"

struct engine_memory {
	u8 *image; /* shard i begins at image + i * IMAGE_STRIDE(shard_shift) */
	u32 shards;
	u32 shard_shift;
	struct settings_area *settings;
	struct counters *counters; /* [rows] */
	struct samples *samples;   /* [rows] */
	u32 rows;

	/*
	 * Wait until no reader holds anything that was unlinked before the call. Publisher thread
	 * only (it takes 8 to 20 ms). 0, or a negative errno: then nothing may be reused, now or
	 * later, until a call succeeds.
	 */
	int (*grace)(void *engine);
	void *engine;
};

#endif
