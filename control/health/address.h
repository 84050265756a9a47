/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the socket calls want to know of an IPv4 or IPv6 address.
 */
#ifndef ANODE_HEALTH_ADDRESS_H
#define ANODE_HEALTH_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

static inline socklen_t address_size(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

/* Network byte order, 4 or 16 bytes. */
static inline const void *address_bytes(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return &((const struct sockaddr_in *)address)->sin_addr;
	return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

/* Network byte order. */
static inline in_port_t address_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ((const struct sockaddr_in *)address)->sin_port;
	return ((const struct sockaddr_in6 *)address)->sin6_port;
}

#endif
