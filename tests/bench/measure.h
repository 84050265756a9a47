/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Timing of BPF programs by test runs (BPF_PROG_TEST_RUN).
 *
 * In: a program, a frame, how often. Out: nanoseconds a run. The time is the thread's own, taken
 * around the system call: the kernel's own figure is whole nanoseconds, too coarse for a reflector,
 * and wall time would count others.
 */
#ifndef ANODE_TESTS_BENCH_MEASURE_H
#define ANODE_TESTS_BENCH_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Stay on one CPU from now on; -1 = the last one we may use. Negative errno, or the CPU. */
int measure_pin(int cpu);
/*
 * Mean ns of `repeat` runs of a program on a frame; repeat >= 1. The program sees its own leavings,
 * the frame is not restored in between. Negative errno if the kernel refuses. *action, if wanted,
 * is the last run's.
 */
double measure_run(int program, const void *frame, size_t size, uint32_t repeat, uint32_t *action);
/* Sorts values; count >= 1. */
double measure_median(double *values, size_t count);

#endif
