/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * People's overrides, kept over a restart and a boot: `<folder>/overrides.json`. In: what the
 * health flow has. Out: the same, for the one that starts next; ends are dates, and what is left
 * is never more than what was asked for.
 *
 * Loop thread only.
 */
#pragma once

#include <stddef.h>

#include "control/health/health.h"

/* Writes those in force, all of them. 0 or negative errno; then the file is the old one. */
int overrides_write(const char *folder, const struct health *health);

/*
 * Puts what was kept into force, in a health flow that hasn't started. 0: all of it, and that
 * there is no file counts as none. -EBADMSG, or what the file system said, with `error`: none of
 * it; what people wanted isn't known then.
 */
int overrides_read(const char *folder, struct health *health, char *error, size_t error_size);
