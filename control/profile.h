/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the local server answers, where servers differ: measured by asking it,
 * not looked up by its make (docs/internals/servers.md lists the points).
 *
 * In: configuration, specimens of the zones. Out: a profile, once the server has answered, and
 * again an hour later or after profile_again(). Loop thread only; never blocks.
 */
#pragma once

#include <systemd/sd-event.h>

#include "control/config.h"
#include "control/settings.h"
#include "control/zone/specimen.h"

#define PROFILE_FLAGS (0x0100 | 0x0010) /* RD, CD: those that the core can copy */

struct profile;

/* `changed` is called from the loop when the profile became known or another. */
int profile_open(struct profile **profile, sd_event *loop, void (*changed)(void *arg), void *arg);
void profile_close(struct profile *profile);

/* Asks when it is due; call about once a second. Where nothing was measured yet
 * it asks every time; so it does when the shelf shows something new. `shelf`: NULL: no zone is
 * known yet. */
void profile_run(
	struct profile *profile, const struct config *config, const struct specimen_shelf *shelf);
/* The server may be another one now. */
void profile_again(struct profile *profile);
/* All was asked that can be, until it is due again. */
bool profile_rests(const struct profile *profile);

/* What an earlier daemon had measured, until we have. */
void profile_adopt(struct profile *profile, const struct settings_profile *known);
/* NULL while nothing is known. */
const struct settings_profile *profile_known(const struct profile *profile);

/* The query (its size), and what an answer to it tells: -EBADMSG when it isn't
 * one. Pure. */
size_t profile_query(uint8_t query[static 300], const struct domain *zone, uint16_t id);
int profile_answer(const uint8_t *answer, size_t size, uint16_t id, struct settings_profile *told);
