/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: what a fake needs and can't do without.
 */
#ifndef TEST_HEALTH_MUST_H
#define TEST_HEALTH_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			perror(#x);                                                                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
