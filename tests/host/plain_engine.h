/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An engine in ordinary memory: what the daemon writes for XDP or DPDK, and the plain host run on
 * it.
 *
 * In: image and settings through struct engine_memory, frames. Out: what the core made of them. No
 * packet moves. Memory is exactly as large as the contract says, so that the sanitizers see an
 * access beyond it.
 */
#ifndef ANODE_TESTS_PLAIN_ENGINE_H
#define ANODE_TESTS_PLAIN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/memory.h"

struct plain_engine;

enum plain_action { PLAIN_PASS, PLAIN_REPLY, PLAIN_DROP };

/* One row of counters and samples; all memory is zero, settings are valid and empty. 0 or -ENOMEM.
 */
int plain_engine_new(struct plain_engine **engine, uint32_t shards, uint32_t shard_shift);
void plain_engine_free(struct plain_engine *engine);
struct engine_memory *plain_engine_memory(struct plain_engine *engine);

/* Fills what the core keeps between packets with an octet: no packet's fate may depend on it. */
void plain_engine_stain(struct plain_engine *engine, uint8_t octet);

/*
 * Runs one frame that comes in on interface 1 at `now` (ns). It is changed in place and may grow to
 * `room` octets. The frame is copied to a place of just `room` octets first.
 */
enum plain_action plain_engine_run(
	struct plain_engine *engine, uint8_t *octets, size_t *size, size_t room, uint64_t now);

#endif
