/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server cookies as RFC 9018 has them, hashed by somebody else's SipHash: the judge of the core's.
 */
#ifndef ANODE_TESTS_COOKIE_H
#define ANODE_TESTS_COOKIE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes the hash of a cookie's last eight octets. `server`: the 16 octets of the server's part;
 * the client's eight stand before them. `address`: `size` octets in network order; `secret` 16
 * octets. Exits if the library can't.
 */
void cookie_sign(uint8_t *server, const uint8_t *address, size_t size, const void *secret);

#endif
