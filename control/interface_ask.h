/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One interface as the kernel has it, asked now: ioctls, sysctls, and rtnetlink
 * for the VLAN devices on it. Changes nothing, needs no privilege. Any thread.
 */
#pragma once

#include <linux/netlink.h>

#include "control/interface.h"

/* Fills *found but for what time tells (carrier_since, changed): what the
 * kernel doesn't say is zero, all of it when there is no such interface.
 * `asker`: any datagram socket; kept by the caller, so that want of descriptors
 * doesn't look like a lost interface. */
void interface_ask(int asker, const char *name, struct interface *found);

/* Is it a link message about a VLAN device? Then of which interface (ifindex),
 * and its name. Pure; for hostile bytes within message->nlmsg_len. */
bool interface_vlan_message(struct nlmsghdr *message, uint32_t *parent, char name[static 16]);
