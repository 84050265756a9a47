/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets of server cookies (RFC 9018), and whether a cookie was made with one of them.
 *
 * In: the file that the local server and the fleet have the same secrets from. Out: keys for the
 * engine's settings. Makes no cookies: the engine does. No state, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COOKIE_SECRETS     2
#define COOKIE_SECRET      16 /* octets */
#define COOKIE_REASON_SIZE 300

/* The first makes cookies, all of them are good. */
struct cookie_secrets {
	uint8_t keys[COOKIE_SECRETS][COOKIE_SECRET];
	size_t count;
};

/*
 * Reads one or two lines of 32 hexadecimal digits, as NSD's cookie-secret; blank lines and those
 * that begin with # don't count. 0; -EINVAL or what reading said, with the text in `reason`.
 */
int cookie_secrets_read(
	const char *path, struct cookie_secrets *secrets, char reason[COOKIE_REASON_SIZE]);

/*
 * Writes the hash, the cookie's last eight octets. `server`: the 16 octets of the server's part;
 * the client's eight stand before them. `address`: the client's, `size` octets in network order. 0,
 * or -ENOTSUP if the crypto library has no SipHash.
 */
int cookie_sign(
	uint8_t *server, const uint8_t *address, size_t size, const uint8_t key[COOKIE_SECRET]);

/* Was this cookie (24 octets) made with one of the secrets? Its time doesn't matter. */
bool cookie_is_ours(const struct cookie_secrets *secrets, const uint8_t cookie[24],
	const uint8_t *address, size_t size);
