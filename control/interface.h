/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configured interfaces as the kernel has them: index, MAC, MTU, carrier,
 * and what decides whether replies find their way (interface_doubt.h).
 * In flow rtnetlink's news, out flows a call when one of ours has changed.
 * Changes nothing. Loop thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define INTERFACES_MOST 16

struct interface {
	char name[16];
	uint32_t ifindex; /* 0 = it isn't there */
	uint32_t mtu;
	uint8_t mac[6];
	bool forwards[2];       /* IPv4, IPv6: it routes what comes in */
	bool vlan_offload;      /* the driver takes VLAN tags out of frames that come in */
	uint32_t vlans;         /* VLAN devices on it, */
	char vlan[16];          /* and the name of one */
	bool carrier;           /* up, and something at the other end */
	uint64_t carrier_since; /* CLOCK_MONOTONIC us; of the last change */
	uint64_t changed;       /* counts changes of index, MTU, MAC */
};

struct interfaces;

/* `changed` is called from the loop after any of them has changed. */
int interfaces_open(
	struct interfaces **interfaces, sd_event *loop, void (*changed)(void *arg), void *arg);
void interfaces_close(struct interfaces *interfaces);

/* These names from now on, at most INTERFACES_MOST; what is known of those that stay is kept. */
void interfaces_set(struct interfaces *interfaces, const char *const *names, size_t count);

const struct interface *interfaces_list(const struct interfaces *interfaces, size_t *count);

/* Looks again, in case news were lost; calls `changed` if so. */
void interfaces_look(struct interfaces *interfaces);
