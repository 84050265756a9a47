/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the local server treats what a query's OPT can hold: the questions, and what an answer tells.
 *
 * In: a zone that it serves, its answers. Out: the EDNS part of a profile. Pure; who sends is
 * profile.c.
 */
#pragma once

#include "control/settings.h"

/* In this order; each tells something else. */
enum profile_ask {
	PROFILE_ASK_FLAGS,   /* no EDNS: which header flags it copies */
	PROFILE_ASK_OPTIONS, /* NSID, and a client subnet of no bits */
	PROFILE_ASK_COOKIE,  /* a client's cookie */
	PROFILE_ASK_VERSION, /* EDNS version 1, with DO */
	PROFILE_ASKS         /* profile_zone.h has more */
};

#define PROFILE_OPT_MAX 64

/* The OPT of a question for the zone's SOA; its octets. `cookie`: the client's. */
size_t profile_edns_query(
	uint8_t opt[static PROFILE_OPT_MAX], enum profile_ask ask, const uint8_t cookie[8]);

/*
 * What the answer to such a question tells; the rest of *told stays. The ID was checked. 0, or
 * -EBADMSG when it can't be read: then nothing is told. `client`: whom the server saw asking.
 */
int profile_edns_answer(const uint8_t *answer, size_t size, enum profile_ask ask,
	const uint8_t cookie[8], const struct address *client, struct settings_profile_edns *told);
