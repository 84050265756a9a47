/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * "What if": a sentence of a person's in, the policy's input changed. It asks
 * and decides nothing. Internal to control/health.
 */
#ifndef ANODE_HEALTH_WHAT_IF_H
#define ANODE_HEALTH_WHAT_IF_H

#include "control/health/check.h"

/* text: "NAME=STATE". 0, or -EINVAL with what would have been understood in error.
 * What input points to afterwards lives as long as `checks`. */
int what_if_apply(const char *text, const struct checks *checks, const struct bird_prefix *prefix,
	struct policy_options *options, struct policy_node *node, struct policy_input *input,
	struct health_error *error);

#endif
