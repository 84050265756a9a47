/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of the configuration as the health flow's checks use them: a message in, a signed one
 * out; a reply in, whether the key's holder sent it out. A secret is read when it is first needed
 * and when its file has changed; while it can't be read, nothing is asked rather than unsigned.
 *
 * Loop thread only.
 */
#pragma once

#include "control/config.h"
#include "control/health/query.h"

struct signers;

/* One for each key; strings are copied. 0 or -ENOMEM. */
int signers_new(struct signers **signers, const struct config *config);
/* No query may be using them. NULL is fine. */
void signers_free(struct signers *signers);
/* The signer of that key, or NULL for an empty name. */
const struct query_signer *signers_find(const struct signers *signers, const struct domain *name);
