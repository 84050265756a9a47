/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this must be true: %s\n", file, line, condition);
	abort();
}

uint8_t *fuzz_exact(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	FUZZ_MUST(exact);
	if (size)
		memcpy(exact, data, size);
	return exact;
}
