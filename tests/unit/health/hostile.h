/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests and fuzzers: what must hold for any bytes that a peer of the health
 * flow may send. Aborts if it doesn't.
 */
#ifndef TEST_HEALTH_HOSTILE_H
#define TEST_HEALTH_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes from BIRD's socket. The first one says where the stream is cut; cut or
 * whole, the lines are the same. Then each line is read as whatever it could be. */
void hostile_bird(const uint8_t *bytes, size_t len);

/* Bytes from a DNS server, in answer to "example.com SOA" with ID 0x1234. */
void hostile_dns(const uint8_t *bytes, size_t len);

#endif
