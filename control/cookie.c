/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cookie.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

int cookie_sign(
	uint8_t *server, const uint8_t *address, size_t size, const uint8_t key[COOKIE_SECRET])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t hash_size = 8, done = 0;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &hash_size),
		OSSL_PARAM_construct_end()};
	int r = -ENOTSUP;

	/* SipHash-2-4 is its default */
	if (context && EVP_MAC_init(context, key, COOKIE_SECRET, params) &&
		EVP_MAC_update(context, server - 8, 16) && EVP_MAC_update(context, address, size) &&
		EVP_MAC_final(context, server + 8, &done, 8) && done == 8)
		r = 0;
	EVP_MAC_CTX_free(context);
	EVP_MAC_free(mac);
	return r;
}

bool cookie_is_ours(const struct cookie_secrets *secrets, const uint8_t cookie[24],
	const uint8_t *address, size_t size)
{
	uint8_t copy[24];

	for (size_t i = 0; i < secrets->count; i++) {
		memcpy(copy, cookie, sizeof(copy));
		if (cookie_sign(copy + 8, address, size, secrets->keys[i]) == 0 &&
			memcmp(copy, cookie, sizeof(copy)) == 0)
			return true;
	}
	return false;
}

static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *place = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return place ? (int)(place - digits) : -1;
}

/* False: the line isn't just so many digits. */
static bool secret_parse(const char *line, uint8_t key[COOKIE_SECRET])
{
	if (strlen(line) != 2 * (size_t)COOKIE_SECRET)
		return false;
	for (size_t i = 0; i < COOKIE_SECRET; i++) {
		int high = digit_value(line[2 * i]), low = digit_value(line[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int cookie_secrets_read(
	const char *path, struct cookie_secrets *secrets, char reason[COOKIE_REASON_SIZE])
{
	struct cookie_secrets found = {.count = 0};
	FILE *file = fopen(path, "re");
	unsigned number = 0;
	char line[256];
	int r = -EINVAL;

	if (!file) {
		r = -errno;
		snprintf(reason, COOKIE_REASON_SIZE, "%.200s: %s", path, strerrordesc_np(-r));
		return r;
	}
	while (fgets(line, sizeof(line), file)) {
		size_t length = strlen(line);

		number++;
		while (length && isspace((unsigned char)line[length - 1]))
			line[--length] = '\0';
		if (length == 0 || line[0] == '#')
			continue;
		if (found.count == COOKIE_SECRETS) {
			snprintf(reason, COOKIE_REASON_SIZE,
				"%.200s:%u: more than %d secrets; the one in use and one more",
				path, number, COOKIE_SECRETS);
			goto out;
		}
		if (!secret_parse(line, found.keys[found.count++])) {
			snprintf(reason, COOKIE_REASON_SIZE,
				"%.200s:%u: not a secret of 32 hexadecimal digits", path, number);
			goto out;
		}
	}
	if (found.count == 0) {
		snprintf(reason, COOKIE_REASON_SIZE, "%.200s holds no secret", path);
		goto out;
	}
	*secrets = found;
	r = 0;
out:
	explicit_bzero(line, sizeof(line));
	fclose(file);
	return r;
}
