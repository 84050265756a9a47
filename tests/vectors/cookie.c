/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cookie.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cookie_sign(uint8_t *server, const uint8_t *address, size_t size, const void *secret)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t hash_size = 8, done = 0;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &hash_size),
		OSSL_PARAM_construct_end()};

	if (!context || !EVP_MAC_init(context, secret, 16, params) ||
		!EVP_MAC_update(context, server - 8, 16) ||
		!EVP_MAC_update(context, address, size) ||
		!EVP_MAC_final(context, server + 8, &done, 8) || done != 8) {
		fputs("SipHash of the crypto library doesn't work\n", stderr);
		exit(2);
	}
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
}
