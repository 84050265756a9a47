/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages of a zone transfer (RFC 5936), made a zone. No I/O: octets in, records out.
 *
 * In: the messages in order, hostile. Out: a finished zone, or why there is none. Refused: another
 * ID, question or zone, a missing or wrong signature where one is due, octets that don't parse,
 * records the zone store refuses, anything behind the final SOA.
 */
#ifndef ANODE_ZONE_AXFR_H
#define ANODE_ZONE_AXFR_H

#include "control/zone/dns.h"
#include "control/zone/key.h"
#include "control/zone/zone.h"
#include "control/zone/zone_fault.h"

struct axfr;

/* Prepares a transfer of the zone 'origin' (checked name). 'key' may be NULL; else every message
 * is verified. 0 or -ENOMEM. */
int axfr_new(struct axfr **axfr, const uint8_t *origin, struct key *key,
	const struct zone_limits *limits);

/* Writes the query to send; the answers must come with its ID. Its length or a negative errno. */
int axfr_query(struct axfr *axfr, uint8_t wire[DNS_QUERY_MAX_SIZE]);

/* Takes the next message (a stream_sink; 'axfr' is the context). 0: more are due; 1: that was the
 * last one, and all is verified; negative errno with 'fault' filled. */
int axfr_message(void *axfr, uint8_t *wire, size_t size, struct zone_fault *fault);

/* After axfr_message() returned 1: builds the zone, which takes its time when it is large. 0 with
 * *zone owned by the caller, or a negative errno with 'fault' filled. */
int axfr_finish(struct axfr *axfr, struct zone **zone, struct zone_fault *fault);

uint64_t axfr_messages(const struct axfr *axfr);
uint64_t axfr_memory(const struct axfr *axfr); /* octets of the records so far */

void axfr_free(struct axfr *axfr);

#endif
