/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no single key can tell: whether the values fit together. */
#pragma once

#include "control/config_tree.h"

/* 0, or -EINVAL with *error (message and place; the tree gives the place). */
int config_check(
	const struct config *config, const struct config_node *tree, struct config_error *error);
