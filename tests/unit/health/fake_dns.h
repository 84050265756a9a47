/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: a DNS server on 127.0.0.1 or ::1, UDP and TCP on one port, on the
 * same loop. It answers SOA questions with authority, or as it is told.
 */
#ifndef TEST_HEALTH_FAKE_DNS_H
#define TEST_HEALTH_FAKE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "control/health/moment.h"

#define FAKE_DNS_CLIENTS 16

struct fake_dns {
	sd_event *loop;
	struct sockaddr_storage address; /* with the port that was free */
	int keep_udp, keep_tcp;          /* have the port for us */
	int udp, tcp, clients[FAKE_DNS_CLIENTS];
	sd_event_source *udp_io, *tcp_io, *client_io[FAKE_DNS_CLIENTS];

	/* How it behaves; may be changed at any time. */
	bool silent, silent_tcp;
	int rcode;
	bool no_authority, no_record, truncated;
	bool wrong_id, wrong_question, not_a_reply, garbage, no_question;
	uint32_t serial;
	size_t tcp_split;    /* send so many bytes of a reply, then no more; 0 = all */
	unsigned delay_ms;   /* of UDP replies */
	unsigned udp_forged; /* so many wrong replies before the right one */

	/* Delayed replies, a ring. */
	struct {
		uint8_t bytes[600];
		size_t len;
		struct sockaddr_storage to;
		struct mono at;
	} delayed[16];
	unsigned delayed_from, delayed_to;
	sd_event_source *delay_timer;

	unsigned udp_queries, tcp_queries, tcp_connections;
	uint16_t ids[64], ports[64]; /* of the last UDP queries */
};

/* Listens on a free port of the family's loopback address. Aborts on failure. */
void fake_dns_start(struct fake_dns *dns, sd_event *loop, int family);
/* Closes all, as a killed server does; the port refuses from now on. */
void fake_dns_stop(struct fake_dns *dns);
/* Back on the same port, which nobody else could get. */
void fake_dns_again(struct fake_dns *dns);
/* Stops it, and gives the port back. Nothing when it wasn't started. */
void fake_dns_end(struct fake_dns *dns);

#endif
