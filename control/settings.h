/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's settings block out of the configuration and the interfaces as
 * they are. Pure; who publishes the block is fastpath.c.
 */
#pragma once

#include "control/config.h"
#include "control/cookie.h"
#include "shared/settings.h"

/* An interface as the kernel has it. */
struct settings_link {
	uint32_t ifindex;
	uint32_t mtu; /* IP bytes */
	uint8_t mac[6];
	bool probe; /* lo, for test runs */
};

/* What the local server does with what an OPT can hold; zeros: not known, so pass. */
struct settings_profile_edns {
	uint8_t version, nsid, subnet, cookie; /* enum edns_action */
	bool version_do;                       /* its BADVERS repeats DO */
	uint8_t nsid_length;
	uint8_t nsid_text[SETTINGS_NSID_MAX]; /* what it calls itself */
	/* Cookies: one that it made for `client`, to see whether its secret is ours; or it was seen
	 * by the daemon before us. */
	uint8_t made[24];
	struct address client;
	bool adopted;
};

/* How the local server answers, where servers differ. */
struct settings_profile {
	uint16_t copy_flags; /* DNS header flags that it copies from the query */
	/* SETTINGS_*: of those that mean "pass", the ones that needn't; and how it answers */
	uint32_t settled, ways;
	struct settings_chaos chaos[CHAOS_NAMES];
	struct settings_profile_edns edns;
};

/*
 * Fills *settings. `bypass`: pass everything. 0; -ENOSPC: more interfaces or
 * addresses than there is room for. Any thread.
 */
int settings_fill(struct settings *settings, const struct config *config,
	const struct settings_profile *profile, const struct settings_link *links, size_t count,
	bool bypass);

/*
 * Fills the EDNS part of a block that settings_fill filled. A configured NSID goes before the
 * server's own; cookies are answered only with secrets that the server has, too. `wall`: Unix time
 * less CLOCK_MONOTONIC, ns. False: the server makes cookies, but not with our secrets. Any thread.
 */
bool settings_fill_edns(struct settings *settings, const struct config *config,
	const struct settings_profile_edns *profile, const struct cookie_secrets *secrets,
	uint64_t wall);
