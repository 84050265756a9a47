/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/dns.h"

#include <libknot/descriptor.h>
#include <stdio.h>

const char *dns_type_text(char text[DNS_TYPE_TEXT_SIZE], uint16_t type)
{
	if (knot_rrtype_to_string(type, text, DNS_TYPE_TEXT_SIZE) < 0)
		snprintf(text, DNS_TYPE_TEXT_SIZE, "TYPE%u", type);
	return text;
}
