/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The queries that the zone flow sends, and the words for what comes back.
 */
#ifndef ANODE_ZONE_DNS_H
#define ANODE_ZONE_DNS_H

#include "control/zone/zone_fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_TYPE_TEXT_SIZE 32
#define DNS_QUERY_MAX_SIZE 1024 /* question, OPT, and a TSIG with the longest names */

struct tsig;

/* "AAAA", or "TYPE65280" for a type without a name. Returns 'text'. */
const char *dns_type_text(char text[DNS_TYPE_TEXT_SIZE], uint16_t type);

/* "REFUSED"; "an unknown rcode" beyond the list. */
const char *dns_rcode_text(unsigned rcode);

/* What an rcode other than NOERROR means for a zone; fills 'fault', returns its negative errno. */
int dns_rcode_fault(struct zone_fault *fault, unsigned rcode);

/* Writes a query for 'name' (checked), class IN, RD clear. With 'udp_size' (octets, host order) an
 * OPT record is added that offers that size and asks for EXPIRE (RFC 7314). With 'tsig' the query
 * is signed and 'tsig' is ready to verify the answer. Returns its length or a negative errno. */
int dns_query_write(uint8_t wire[DNS_QUERY_MAX_SIZE], uint16_t id, const uint8_t *name,
	uint16_t type, uint16_t udp_size, struct tsig *tsig);

/* A random message ID. */
uint16_t dns_random_id(void);

#endif
