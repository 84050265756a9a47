/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Generated zones, the same for the same arguments: for tests and benchmarks that need more than a
 * handful of names.
 */
#ifndef ANODE_TESTS_HOST_ZONE_SAMPLE_H
#define ANODE_TESTS_HOST_ZONE_SAMPLE_H

#include "control/zone/zone.h"

enum zone_sample_kind {
	/* Delegations as a top-level domain has them: two or three servers, mostly of some
	 * providers, some with glue of their own, every fourth with DS. */
	ZONE_SAMPLE_TLD,
	/* Hosts as a company has them: addresses, mail, text, aliases, services, wildcards, names
	   several labels deep. */
	ZONE_SAMPLE_HOSTS,
};

/*
 * 'names' owner names, apex not counted, below 'origin' (presentation format). 'version' becomes
 * the serial, and each one differs from that before in the records of about 'changes' names. 0 or
 * negative errno.
 */
int zone_sample(struct zone **zone, enum zone_sample_kind kind, const char *origin, uint32_t names,
	uint32_t version, uint32_t changes);

#endif
