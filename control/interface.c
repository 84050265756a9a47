/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/interface.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/interface_ask.h"

struct interfaces {
	sd_event_source *source;
	int news;  /* rtnetlink, joined to the links' group */
	int asker; /* for interface_ask() */
	void (*changed)(void *arg);
	void *arg;
	struct interface list[INTERFACES_MOST];
	size_t count;
};

/* True: something of it has changed. */
static bool interface_update(const struct interfaces *interfaces, struct interface *interface)
{
	struct interface found;
	bool moved, flipped;

	interface_ask(interfaces->asker, interface->name, &found);
	moved = found.ifindex != interface->ifindex || found.mtu != interface->mtu ||
		memcmp(found.mac, interface->mac, sizeof(found.mac)) != 0;
	flipped = found.carrier != interface->carrier || found.ifindex != interface->ifindex;

	found.changed = interface->changed + moved;
	found.carrier_since = flipped ? clock_monotonic_us() : interface->carrier_since;
	*interface = found;
	return moved || flipped;
}

void interfaces_look(struct interfaces *interfaces)
{
	bool changed = false;

	for (size_t i = 0; i < interfaces->count; i++)
		changed |= interface_update(interfaces, &interfaces->list[i]);
	if (changed)
		interfaces->changed(interfaces->arg);
}

/* What the news say doesn't matter, that there are some does: a message may be
 * lost (ENOBUFS), a look isn't. */
static int news_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	char buffer[8192];
	ssize_t n;

	do
		n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && (errno == EINTR || errno == ENOBUFS)));
	interfaces_look(arg);
	return 0;
}

int interfaces_open(struct interfaces **out, sd_event *loop, void (*changed)(void *arg), void *arg)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct interfaces *interfaces = calloc(1, sizeof(*interfaces));
	int r;

	*out = NULL;
	if (!interfaces)
		return -ENOMEM;
	interfaces->changed = changed;
	interfaces->arg = arg;
	interfaces->news =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	interfaces->asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (interfaces->news < 0 || interfaces->asker < 0 ||
		bind(interfaces->news, (struct sockaddr *)&address, sizeof(address)) < 0)
		r = -errno;
	else
		r = sd_event_add_io(loop, &interfaces->source, interfaces->news, EPOLLIN,
			news_ready, interfaces);
	if (r < 0) {
		interfaces_close(interfaces);
		return r;
	}
	*out = interfaces;
	return 0;
}

void interfaces_close(struct interfaces *interfaces)
{
	if (!interfaces)
		return;
	sd_event_source_disable_unref(interfaces->source);
	if (interfaces->news >= 0)
		close(interfaces->news);
	if (interfaces->asker >= 0)
		close(interfaces->asker);
	free(interfaces);
}

static const struct interface *interface_find(const struct interfaces *interfaces, const char *name)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		if (strcmp(interfaces->list[i].name, name) == 0)
			return &interfaces->list[i];
	}
	return NULL;
}

void interfaces_set(struct interfaces *interfaces, const char *const *names, size_t count)
{
	struct interface list[INTERFACES_MOST] = {0};

	if (count > INTERFACES_MOST)
		count = INTERFACES_MOST;
	for (size_t i = 0; i < count; i++) {
		const struct interface *known = interface_find(interfaces, names[i]);

		if (known)
			list[i] = *known;
		else
			snprintf(list[i].name, sizeof(list[i].name), "%s", names[i]);
	}
	memcpy(interfaces->list, list, sizeof(list));
	interfaces->count = count;
	for (size_t i = 0; i < count; i++)
		interface_update(interfaces, &interfaces->list[i]);
}

const struct interface *interfaces_list(const struct interfaces *interfaces, size_t *count)
{
	*count = interfaces->count;
	return interfaces->list;
}
