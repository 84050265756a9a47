/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a judge finds wrong: a line for each fault. */
#ifndef ANODE_TESTS_FAULT_H
#define ANODE_TESTS_FAULT_H

#include <stdbool.h>
#include <stdio.h>

struct faults {
	FILE *to;
	bool any;
};

/* Writes a line. */
__attribute__((format(printf, 2, 3))) void fault_say(
	struct faults *faults, const char *format, ...);

#endif
