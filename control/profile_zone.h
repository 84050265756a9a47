/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the local server answers where zones make servers differ, and what it says of itself: the
 * questions, and what an answer settles (docs/internals/servers.md lists the points).
 *
 * In: specimens of its zones, its answers. Out: flags of a profile. What an answer doesn't settle
 * stays unsettled, and passes. Pure; who sends is profile.c.
 */
#pragma once

#include "control/settings.h"
#include "control/zone/specimen.h"

#define PROFILE_QUERY_MAX 320
#define PROFILE_ORDERS    8 /* answers whose order is compared */

/* A question; its octets. `id` as it stands in the packet. */
size_t profile_specimen_query(uint8_t query[static PROFILE_QUERY_MAX],
	const struct specimen *specimen, enum specimen_kind kind, uint16_t id);
size_t profile_chaos_query(
	uint8_t query[static PROFILE_QUERY_MAX], enum settings_chaos_name name, uint16_t id);

/* Forgets what is known of a point. */
void profile_specimen_forget(struct settings_profile *told, enum specimen_kind kind);
/* Adds what one more specimen of that kind settled: only what all of them say is settled. */
void profile_specimen_join(struct settings_profile *told, const struct settings_profile *one,
	enum specimen_kind kind, bool first);

/*
 * What the answer to the question for a specimen settles, as flags of *told, which has none of that
 * kind before. The ID was checked. 0; -EAGAIN when it says nothing about the point, as a refusal;
 * -EBADMSG when it is no answer to it. `order`: SPECIMEN_SET alone; 0 before the first of
 * PROFILE_ORDERS answers.
 */
int profile_specimen_answer(const uint8_t *answer, size_t size, const struct specimen *specimen,
	enum specimen_kind kind, uint64_t *order, struct settings_profile *told);
int profile_chaos_answer(const uint8_t *answer, size_t size, enum settings_chaos_name name,
	struct settings_profile *told);
