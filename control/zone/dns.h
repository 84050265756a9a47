/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS messages through libknot, which nothing else in the control plane includes: its ABI moves.
 */
#ifndef ANODE_ZONE_DNS_H
#define ANODE_ZONE_DNS_H

#include <stddef.h>
#include <stdint.h>

#define DNS_TYPE_TEXT_SIZE 32

/* "AAAA", or "TYPE65280" for a type without a name. Returns 'text'. */
const char *dns_type_text(char text[DNS_TYPE_TEXT_SIZE], uint16_t type);

#endif
