/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/dns.h"

#include "control/zone/message.h"
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

static uint8_t *write_u16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return to + 2;
}

int dns_query_write(uint8_t wire[DNS_QUERY_MAX_SIZE], uint16_t id, const uint8_t *name,
	uint16_t type, uint16_t udp_size, struct tsig *tsig)
{
	size_t name_length = name_size(name);
	uint8_t *to = wire;

	memset(wire, 0, MESSAGE_HEADER_SIZE);
	write_u16(wire, id);
	write_u16(wire + 4, 1); /* QDCOUNT */
	to += MESSAGE_HEADER_SIZE;
	memcpy(to, name, name_length);
	to = write_u16(to + name_length, type);
	to = write_u16(to, RR_CLASS_IN);
	if (udp_size) {
		write_u16(wire + 10, 1); /* ARCOUNT */
		*to++ = 0;
		to = write_u16(to, RR_OPT);
		to = write_u16(to, udp_size);
		to = write_u16(to, 0); /* extended rcode, version */
		to = write_u16(to, 0); /* flags */
		to = write_u16(to, 4);
		to = write_u16(to, 9); /* EXPIRE, empty in queries */
		to = write_u16(to, 0);
	}
	size_t size = (size_t)(to - wire);
	if (tsig) {
		int error = tsig_sign_query(tsig, wire, &size, DNS_QUERY_MAX_SIZE);

		if (error)
			return error;
	}
	return (int)size;
}
