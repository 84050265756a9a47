/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vector_run.h"

#include <errno.h>
#include <string.h>

int vector_run_case(struct vector_run *run, struct plain_engine *engine,
	const struct vector_case *c, char error[VECTOR_ERROR_SIZE])
{
	static const enum vector_action actions[] = {[PLAIN_PASS] = VECTOR_PASSED,
		[PLAIN_REPLY] = VECTOR_REPLIED,
		[PLAIN_DROP] = VECTOR_DROPPED};
	const struct engine_memory *memory = plain_engine_memory(engine);
	size_t size;

	if (vector_packet_build(c, &run->packet, error))
		return -EINVAL;
	size = run->packet.size;
	if (size > c->room) {
		snprintf(error, VECTOR_ERROR_SIZE, "the frame is larger than its room");
		return -EINVAL;
	}
	memcpy(run->octets, run->packet.octets, size);
	plain_engine_stain(engine, 0xa5); /* what another packet left */
	vector_counters_sum(memory, &run->before);
	run->outcome.action =
		actions[plain_engine_run(engine, run->octets, &size, c->room, VECTOR_NOW)];
	vector_counters_sum(memory, &run->after);
	run->outcome.octets = run->octets;
	run->outcome.size = size;
	run->outcome.before = &run->before;
	run->outcome.after = &run->after;
	return 0;
}
