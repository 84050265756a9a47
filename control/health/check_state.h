/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of the checks share: check.c takes results, check_sum.c says
 * what they amount to, check_build.c makes them. Internal to them.
 */
#ifndef ANODE_HEALTH_CHECK_STATE_H
#define ANODE_HEALTH_CHECK_STATE_H

#include <arpa/inet.h>

#include "control/health/check.h"
#include "control/health/script.h"

struct target {
	struct sockaddr_storage address;
	bool service;
	char text[INET6_ADDRSTRLEN];
	char who[INET6_ADDRSTRLEN + 24];
};

struct check {
	struct checks *checks;
	const struct target *target;
	bool implicit;
	bool dependency;  /* of another host: never withdraws */
	bool peer;        /* another node: only the guard asks about it */
	int family;       /* speaks for prefixes of this one; AF_UNSPEC: of both */
	bool must_answer; /* of a required zone: a condition for announcing */
	enum health_severity severity;
	enum query_transport transport;
	struct verdict_options verdict_options;
	struct span steady, unsteady; /* intervals */
	struct probe *probe;          /* or */
	struct script *script;        /* the other one is NULL */
	char *name;

	struct verdict live, content;
	struct wall since, last_good;
	struct probe_result last;
	struct span rtt;
	uint64_t sent, failed;
	char failing[320]; /* "udp ... example.com SOA: silent" */
};

struct checks {
	sd_event *loop;
	checks_changed_fn *changed;
	void *arg;
	struct target *targets; /* the first is the server's own address */
	size_t target_count;    /* that speak for prefixes; those of other hosts stand behind */
	size_t target_room;
	struct check *all;
	size_t count, room;
	struct sentinel *sentinel;
	struct sockaddr_storage source4, source6;
	bool want_sentinel;
	sd_event_source *burst_timer;
	struct mono burst_from;
	size_t burst_next;
};

/* For struct probe_options and struct sentinel; arg: the check, the checks. */
void check_probed(void *arg, const struct probe_result *result);
void checks_sentinel_ended(void *arg);
int checks_burst_due(sd_event_source *source, uint64_t usec, void *arg);
/* No burst goes on. */
void checks_burst_reset(struct checks *checks);
bool check_is_good(const struct check *check);

#endif
