/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a look-up of an image shard costs: one preallocated array against an array of maps.
 *
 * Prints "array <ns>" and "array-of-maps <ns>" for each look-up, dependent and hot: medians of
 * interleaved rounds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lookup.h"
#include "lookup.skel.h"
#include "measure.h"
#include "tests/host/sandbox.h"

#define ROUNDS 15
#define REPEAT 100000

int main(void)
{
	static const uint8_t frame[64];
	double flat[ROUNDS], nested[ROUNDS];
	struct lookup_bpf *skeleton;
	int err;

	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	err = measure_pin(-1);
	if (err < 0) {
		fprintf(stderr, "can't stay on one CPU: %s\n", strerror(-err));
		return 1;
	}
	skeleton = lookup_bpf__open_and_load();
	if (!skeleton) {
		fprintf(stderr, "can't load: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++) {
		double none = measure_run(bpf_program__fd(skeleton->progs.lookup_none), frame,
			sizeof(frame), REPEAT, NULL);

		flat[i] = measure_run(bpf_program__fd(skeleton->progs.lookup_flat), frame,
			sizeof(frame), REPEAT, NULL);
		nested[i] = measure_run(bpf_program__fd(skeleton->progs.lookup_nested), frame,
			sizeof(frame), REPEAT, NULL);
		if (none < 0 || flat[i] < 0 || nested[i] < 0) {
			fprintf(stderr, "a test run failed\n");
			return 1;
		}
		flat[i] = (flat[i] - none) / LOOKUPS;
		nested[i] = (nested[i] - none) / LOOKUPS;
	}
	printf("array %.2f\n", measure_median(flat, ROUNDS));
	printf("array-of-maps %.2f\n", measure_median(nested, ROUNDS));
	lookup_bpf__destroy(skeleton);
	return 0;
}
