/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's settings block out of the configuration and the interfaces as
 * they are. Pure; who publishes the block is fastpath.c.
 */
#pragma once

#include "control/config.h"
#include "shared/settings.h"

/* An interface as the kernel has it. */
struct settings_link {
	uint32_t ifindex;
	uint32_t mtu; /* IP bytes */
	uint8_t mac[6];
	bool probe; /* lo, for test runs */
};

/* How the local server answers, where servers differ. */
struct settings_profile {
	uint16_t copy_flags; /* DNS header flags that it copies from the query */
	bool chains_end; /* it doesn't follow a CNAME out of the zone, even into one that it holds
			  */
	bool yxdomain;   /* a name that a DNAME makes too long gets YXDOMAIN and nothing more */
};

/*
 * Fills *settings. `bypass`: pass everything. 0; -ENOSPC: more interfaces or
 * addresses than there is room for. Any thread.
 */
int settings_fill(struct settings *settings, const struct config *config,
	const struct settings_profile *profile, const struct settings_link *links, size_t count,
	bool bypass);
