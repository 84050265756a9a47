/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration in force as JSON: in the form of the file, defaults filled
 * in, key by key as the table says. No secret is in it, because none is in
 * struct config.
 */
#pragma once

#include <jansson.h>

#include "control/config.h"

/* A new object that the caller owns; NULL: out of memory. */
json_t *config_show(const struct config *config);

/*
 * The dotted names of the keys that differ, as a new array of strings; NULL:
 * out of memory. *restart: the first of them that a reload can't change, borrowed
 * from the array, or NULL.
 */
json_t *config_diff(const struct config *before, const struct config *after, const char **restart);
