/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/key.h"
#include "control/zone/key_tsig.h"

#include "control/zone/name.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libknot/errcode.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX_SIZE 2048 /* octets of base64; a SHA-512 key takes 88 */

struct key {
	knot_tsig_key_t tsig;
	_Atomic unsigned references;
	char *file;
	struct stat read; /* the file as it was read */
};

const knot_tsig_key_t *key_tsig(const struct key *key)
{
	return &key->tsig;
}

bool key_algorithm_is_known(const char *name)
{
	return dnssec_tsig_algorithm_from_name(name) != DNSSEC_TSIG_UNKNOWN;
}

bool key_is_stale(const struct key *key)
{
	struct stat now;

	return stat(key->file, &now) || now.st_ino != key->read.st_ino ||
	       now.st_dev != key->read.st_dev || now.st_size != key->read.st_size ||
	       now.st_mtim.tv_sec != key->read.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != key->read.st_mtim.tv_nsec;
}

struct key *key_hold(struct key *key)
{
	atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
	return key;
}

void key_free(struct key *key)
{
	if (!key || atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) != 1)
		return;
	if (key->tsig.secret.data)
		explicit_bzero(key->tsig.secret.data, key->tsig.secret.size);
	knot_tsig_key_deinit(&key->tsig);
	free(key->file);
	free(key);
}

/* Reads the whole file and trims white space around the text. */
static int secret_read(const char *file, char secret[SECRET_MAX_SIZE + 1], struct stat *read_as,
	char reason[KEY_REASON_SIZE])
{
	int error = 0, fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t size = 0;

	if (fd < 0 || fstat(fd, read_as)) {
		error = errno == ENOTDIR ? -ENOENT : -errno;
		snprintf(reason, KEY_REASON_SIZE, "secret_file %.200s: %s", file,
			strerrordesc_np(-error));
		goto out;
	}
	if (!S_ISREG(read_as->st_mode)) {
		error = -EINVAL;
		snprintf(reason, KEY_REASON_SIZE, "secret_file %.200s is not a regular file", file);
		goto out;
	}
	for (ssize_t got = 1; got && size <= SECRET_MAX_SIZE; size += (size_t)got) {
		got = read(fd, secret + size, SECRET_MAX_SIZE + 1 - size);
		if (got < 0) {
			error = -errno;
			snprintf(reason, KEY_REASON_SIZE, "secret_file %.200s: %s", file,
				strerrordesc_np(-error));
			goto out;
		}
	}
	if (size > SECRET_MAX_SIZE) {
		error = -EFBIG;
		snprintf(reason, KEY_REASON_SIZE,
			"secret_file %.200s is longer than %d bytes; it must hold the base64 "
			"secret only",
			file, SECRET_MAX_SIZE);
		goto out;
	}
	while (size && isspace((unsigned char)secret[size - 1]))
		size--;
	size_t start = 0;
	while (start < size && isspace((unsigned char)secret[start]))
		start++;
	memmove(secret, secret + start, size - start);
	secret[size - start] = '\0';
	if (size == start || strlen(secret) != size - start) {
		error = -EINVAL;
		snprintf(reason, KEY_REASON_SIZE,
			"secret_file %.200s %s; it must hold the base64 secret only", file,
			size == start ? "is empty" : "is not text");
	}
out:
	if (fd >= 0)
		close(fd);
	return error;
}

int key_load(struct key **out, const struct key_options *options, char reason[KEY_REASON_SIZE])
{
	char secret[SECRET_MAX_SIZE + 1];
	uint8_t name[NAME_MAX_SIZE];
	struct key *key = NULL;
	int error = -EINVAL;

	reason[0] = '\0';
	if (name_from_text(name, options->name) < 0) {
		snprintf(reason, KEY_REASON_SIZE, "key name '%.200s' is not a domain name",
			options->name);
		return error;
	}
	if (!key_algorithm_is_known(options->algorithm)) {
		snprintf(reason, KEY_REASON_SIZE,
			"key %.100s: algorithm '%.60s' is not known (hmac-sha256 is usual)",
			options->name, options->algorithm);
		return error;
	}
	key = calloc(1, sizeof(*key));
	if (key) {
		key->references = 1;
		key->file = strdup(options->secret_file);
	}
	if (!key || !key->file) {
		error = -ENOMEM;
		snprintf(reason, KEY_REASON_SIZE, "out of memory");
		goto out;
	}
	error = secret_read(options->secret_file, secret, &key->read, reason);
	if (error)
		goto out;
	int result = knot_tsig_key_init(&key->tsig, options->algorithm, options->name, secret);
	if (result != KNOT_EOK || !key->tsig.secret.size) {
		error = result == KNOT_ENOMEM ? -ENOMEM : -EINVAL;
		snprintf(reason, KEY_REASON_SIZE,
			"secret_file %.200s doesn't hold a base64 secret and nothing else",
			options->secret_file);
		goto out;
	}
	if (key->read.st_mode & (S_IRWXG | S_IRWXO) & ~(mode_t)S_IRGRP)
		snprintf(reason, KEY_REASON_SIZE,
			"secret_file %.200s has mode %04o: others can read or change it; chmod "
			"0640 or less",
			options->secret_file, (unsigned)(key->read.st_mode & 07777));
	*out = key;
	key = NULL;
out:
	explicit_bzero(secret, sizeof(secret));
	key_free(key);
	return error;
}
