/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every fuzz target has: the entry, and a check that never returns when it fails. */
#ifndef ANODE_FUZZ_TARGET_H
#define ANODE_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer calls it, or replay.c. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints and aborts, so that the fuzzer keeps the input. */
#define FUZZ_MUST(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))
__attribute__((noreturn)) void fuzz_fail(const char *condition, const char *file, int line);

/* The same octets in memory of just that size: the sanitizers see an access beyond it. Free it. */
uint8_t *fuzz_exact(const uint8_t *data, size_t size);

#endif
