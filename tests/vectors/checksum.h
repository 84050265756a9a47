/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Internet checksum (RFC 1071) in the plainest form, big-endian and octet by octet: what
 * packets of tests get, and what replies are judged by. It shares no code with the core's.
 */
#ifndef ANODE_TESTS_CHECKSUM_H
#define ANODE_TESTS_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds octets, the first of which stands at an even place. */
uint32_t checksum_add(uint32_t sum, const uint8_t *octets, size_t size);

/* The sum in 16 bits: 0xffff over data that holds its right checksum. */
uint16_t checksum_fold(uint32_t sum);

/* The sum of the pseudo header: `addresses` both, one behind the other, as they stand in the
 * header. */
uint32_t checksum_pseudo(const uint8_t *addresses, size_t addresses_size, size_t udp_size);

/* Writes the checksums of a frame whose IP header is at `ip` and whose UDP header is at `udp`; it
 * ends with the datagram. */
void checksum_write(uint8_t *frame, size_t size, size_t ip, size_t udp, bool ipv6);

#endif
