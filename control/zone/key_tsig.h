/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a key is to libknot; for tsig.c only.
 */
#ifndef ANODE_ZONE_KEY_TSIG_H
#define ANODE_ZONE_KEY_TSIG_H

#include "control/zone/key.h"

#include <libknot/tsig.h>

const knot_tsig_key_t *key_tsig(const struct key *key);

#endif
