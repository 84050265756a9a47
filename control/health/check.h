/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The checks of a node: what is asked of whom, the verdict on each, and what
 * they amount to for one prefix. In: addresses, zones, explicit checks. Out: a
 * struct policy_server per prefix. Which checks speak for a prefix is decided
 * here; what follows from it is not (policy.c).
 *
 * Loop thread only. Internal to control/health; docs/internals/policy.md.
 */
#ifndef ANODE_HEALTH_CHECK_H
#define ANODE_HEALTH_CHECK_H

#include "control/health/health.h"

struct checks;

/* A verdict changed: what checks_server() says may have. */
typedef void checks_changed_fn(void *arg);

/* Strings and addresses are copied. 0, -EINVAL, -ENOMEM with one line in error. */
int checks_new(struct checks **checks, sd_event *loop, const struct health_options *options,
	checks_changed_fn *changed, void *arg, struct health_error *error);
void checks_free(struct checks *checks);

/* Takes over the verdicts of checks that are the same in both. */
void checks_inherit(struct checks *checks, const struct checks *old);
void checks_start(struct checks *checks);

/* What the checks say about a prefix. The texts point into checks. */
void checks_server(const struct checks *checks, const struct bird_prefix *prefix,
	struct policy_server *server);

/* The checks of other hosts. */
void checks_dependencies(const struct checks *checks, struct policy_dependencies *out);

/* As if the check of that name (its first `length` characters) failed, refused where it is
 * a question to the local server. false: no such check. */
bool checks_suppose(const struct checks *checks, const char *name, size_t length,
	const struct bird_prefix *prefix, struct policy_node *node, struct policy_input *input);

size_t checks_count(const struct checks *checks);
void checks_status(const struct checks *checks, size_t index, struct health_check_status *status);

#endif
