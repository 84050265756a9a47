/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of BIRD's configuration that anode needs, out of the prefixes of its
 * own: per prefix a static protocol and one for the drain, the state files'
 * includes, the export and import filters. Text out; BIRD 2.0.12 and newer take
 * it (2.x, 3.x). Pure. docs/internals/bird.md.
 */
#pragma once

#include <stdio.h>

#include "control/config.h"

/* The pattern that includes `protocol`'s state file, whether it is there or not:
 * "/run/anod[e]/bird/anycast4.conf". 0, or -EINVAL: BIRD would take something in
 * state_dir for a pattern, or can't quote it. Frees with free(). */
int include_pattern(char **pattern, const char *state_dir, const char *protocol);

/* 0, or -EINVAL with a sentence in `wrong`. Nothing is written then. */
int include_print(FILE *out, const struct config *config, const char *file, const char **wrong);
