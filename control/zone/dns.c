/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/dns.h"

#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"
#include "control/zone/tsig.h"

#include <libknot/codes.h>
#include <libknot/descriptor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *dns_type_text(char text[DNS_TYPE_TEXT_SIZE], uint16_t type)
{
	if (knot_rrtype_to_string(type, text, DNS_TYPE_TEXT_SIZE) < 0)
		snprintf(text, DNS_TYPE_TEXT_SIZE, "TYPE%u", type);
	return text;
}

const char *dns_rcode_text(unsigned rcode)
{
	const knot_lookup_t *item = knot_lookup_by_id(knot_rcode_names, (int)rcode);

	return item ? item->name : "an unknown rcode";
}

int dns_rcode_fault(struct zone_fault *fault, unsigned rcode)
{
	static const enum zone_fault_kind kinds[] = {
		[RCODE_SERVFAIL] = ZONE_FAULT_SERVFAIL,
		[RCODE_NXDOMAIN] = ZONE_FAULT_NXDOMAIN,
		[RCODE_REFUSED] = ZONE_FAULT_REFUSED,
		[RCODE_NOTAUTH] = ZONE_FAULT_NOT_AUTHORITATIVE,
	};
	enum zone_fault_kind kind = ZONE_FAULT_RCODE;

	if (rcode < sizeof(kinds) / sizeof(kinds[0]) && kinds[rcode] != ZONE_FAULT_NONE)
		kind = kinds[rcode];
	return zone_fault_set(fault, kind, "the server answers %s", dns_rcode_text(rcode));
}

uint16_t dns_random_id(void)
{
	return (uint16_t)arc4random();
}

int dns_query_write(uint8_t wire[DNS_QUERY_MAX_SIZE], uint16_t id, const uint8_t *name,
	uint16_t type, uint16_t udp_size, struct tsig *tsig)
{
	size_t name_length = name_size(name);
	uint8_t *to = wire;

	memset(wire, 0, MESSAGE_HEADER_SIZE);
	octets_put_u16(wire, id);
	octets_put_u16(wire + 4, 1); /* QDCOUNT */
	to += MESSAGE_HEADER_SIZE;
	memcpy(to, name, name_length);
	to = octets_put_u16(to + name_length, type);
	to = octets_put_u16(to, RR_CLASS_IN);
	if (udp_size) {
		octets_put_u16(wire + 10, 1); /* ARCOUNT */
		*to++ = 0;
		to = octets_put_u16(to, RR_OPT);
		to = octets_put_u16(to, udp_size);
		to = octets_put_u16(to, 0); /* extended rcode, version */
		to = octets_put_u16(to, 0); /* flags */
		to = octets_put_u16(to, 4);
		to = octets_put_u16(to, 9); /* EXPIRE, empty in queries */
		to = octets_put_u16(to, 0);
	}
	size_t size = (size_t)(to - wire);
	if (tsig) {
		int error = tsig_sign_query(tsig, wire, &size, DNS_QUERY_MAX_SIZE);

		if (error)
			return error;
	}
	return (int)size;
}
