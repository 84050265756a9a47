/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libFuzzer: build with -Dfuzz=true and clang.
 */
#include "tests/unit/health/hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	hostile_dns(bytes, len);
	return 0;
}
