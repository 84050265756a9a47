/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of an interface keeps the fast path from answering, though everything is
 * configured and attached: words for the operator. Pure.
 */
#pragma once

#include "control/config.h"
#include "control/interface.h"

#define INTERFACE_DOUBT_TEXT 256

enum interface_doubt {
	INTERFACE_NOT_FORWARDING4, /* reply: fib, and no route is looked up: every query passes */
	INTERFACE_NOT_FORWARDING6,
	INTERFACE_VLAN_STRIPPED, /* the driver hides the tags */
	INTERFACE_VLAN_UNROUTED, /* reply: fib, and the route leads to a VLAN device */
	INTERFACE_DOUBTS
};

/* True: it is so, and `text` says what comes of it and what to do. Never of an
 * interface that isn't there. */
bool interface_doubt(const struct interface *interface, const struct config *config,
	enum interface_doubt doubt, char text[static INTERFACE_DOUBT_TEXT]);
