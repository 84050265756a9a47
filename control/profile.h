/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the local server answers, where servers differ: measured by asking it,
 * not looked up by its make. For now one point: which header flags it copies
 * from a query into its reply.
 *
 * In: configuration. Out: a profile, once the server has answered, and again an
 * hour later or after profile_again(). Loop thread only; never blocks.
 */
#pragma once

#include <systemd/sd-event.h>

#include "control/config.h"
#include "control/settings.h"

#define PROFILE_FLAGS (0x0100 | 0x0010) /* RD, CD: those that the core can copy */

struct profile;

/* `changed` is called from the loop when the profile became known or another. */
int profile_open(struct profile **profile, sd_event *loop, void (*changed)(void *arg), void *arg);
void profile_close(struct profile *profile);

/* Asks when it is due; call about once a second. Where nothing was measured yet
 * it asks every time. */
void profile_run(struct profile *profile, const struct config *config);
/* The server may be another one now. */
void profile_again(struct profile *profile);

/* What an earlier daemon had measured, until we have. */
void profile_adopt(struct profile *profile, const struct settings_profile *known);
/* NULL while nothing is known. */
const struct settings_profile *profile_known(const struct profile *profile);

/* The query (its size), and what an answer to it tells: -EBADMSG when it isn't
 * one. Pure. */
size_t profile_query(uint8_t query[static 300], const struct domain *zone, uint16_t id);
int profile_answer(const uint8_t *answer, size_t size, uint16_t id, struct settings_profile *told);
