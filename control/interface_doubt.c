/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/interface_doubt.h"

#include <stdio.h>
#include <sys/socket.h>

static bool family_served(const struct config *config, int family)
{
	for (size_t i = 0; i < config->service.addresses_count; i++) {
		if (config->service.addresses[i].family == family)
			return true;
	}
	return false;
}

/* bpf_fib_lookup answers only where the interface forwards (docs/internals/engine.md). */
static bool forwarding_doubt(const struct interface *interface, const struct config *config,
	bool ipv6, char text[static INTERFACE_DOUBT_TEXT])
{
	if (config->fastpath.reply != CONFIG_REPLY_FIB || interface->forwards[ipv6] ||
		!family_served(config, ipv6 ? AF_INET6 : AF_INET))
		return false;
	snprintf(text, INTERFACE_DOUBT_TEXT,
		"reply: fib finds no route unless net.ipv%d.conf.%s.forwarding is 1, and every "
		"IPv%d query passes: set it%s, or use reply: source-mac",
		ipv6 ? 6 : 4, interface->name, ipv6 ? 6 : 4,
		ipv6 ? " (and accept_ra to 2, where routes come from router advertisements)" : "");
	return true;
}

bool interface_doubt(const struct interface *interface, const struct config *config,
	enum interface_doubt doubt, char text[static INTERFACE_DOUBT_TEXT])
{
	text[0] = '\0';
	if (!interface->ifindex)
		return false;
	switch (doubt) {
	case INTERFACE_NOT_FORWARDING4:
		return forwarding_doubt(interface, config, false, text);
	case INTERFACE_NOT_FORWARDING6:
		return forwarding_doubt(interface, config, true, text);
	case INTERFACE_VLAN_STRIPPED:
		if (!interface->vlans || !interface->vlan_offload)
			return false;
		snprintf(text, INTERFACE_DOUBT_TEXT,
			"rx-vlan-offload takes the tag away before the program sees it, and a "
			"reply to a client behind %s leaves without: ethtool -K %s rxvlan off",
			interface->vlan, interface->name);
		return true;
	case INTERFACE_VLAN_UNROUTED:
		if (!interface->vlans || config->fastpath.reply != CONFIG_REPLY_FIB)
			return false;
		snprintf(text, INTERFACE_DOUBT_TEXT,
			"reply: fib passes what comes in with a VLAN tag (reason route), because "
			"the route leads to another device (%s): reply: source-mac answers it",
			interface->vlan);
		return true;
	case INTERFACE_DOUBTS:
		break;
	}
	return false;
}
