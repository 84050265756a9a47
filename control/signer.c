/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/signer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/log.h"
#include "control/zone/key.h"
#include "control/zone/tsig.h"

struct signer {
	struct query_signer out;
	char *name, *algorithm, *secret_file;
	struct key *key; /* NULL: not read yet */
};

struct signers {
	struct signer *all;
	size_t count;
};

/* The key as its file has it now. */
static int key_read(struct signer *signer)
{
	struct key_options options = {signer->name, signer->algorithm, signer->secret_file};
	char reason[KEY_REASON_SIZE] = "";
	struct key *key;
	int r;

	if (signer->key && !key_is_stale(signer->key))
		return 0;
	r = key_load(&key, &options, reason);
	if (r < 0) {
		log_write(LOG_TROUBLE, signer->name, NULL, "key %s: %s", signer->name, reason);
		return r;
	}
	key_free(signer->key);
	signer->key = key;
	return 0;
}

static int sign(void *arg, uint8_t *wire, size_t *size, size_t room, void **session)
{
	struct signer *signer = arg;
	struct tsig *tsig = NULL;
	int r = key_read(signer);

	if (r == 0)
		r = tsig_new(&tsig, signer->key);
	if (r == 0)
		r = tsig_sign_query(tsig, wire, size, room);
	if (r < 0) {
		tsig_free(tsig);
		return r;
	}
	*session = tsig;
	return 0;
}

static bool verify(void *session, const uint8_t *wire, size_t size)
{
	struct zone_fault fault;

	return tsig_verify(session, wire, size, &fault) == 0 && tsig_is_complete(session);
}

static void end(void *session)
{
	tsig_free(session);
}

int signers_new(struct signers **out, const struct config *config)
{
	struct signers *signers = calloc(1, sizeof(*signers));

	if (signers)
		signers->all = calloc(config->keys_count + 1, sizeof(*signers->all));
	if (!signers || !signers->all) {
		signers_free(signers);
		return -ENOMEM;
	}
	for (; signers->count < config->keys_count; signers->count++) {
		const struct config_key *key = &config->keys[signers->count];
		struct signer *signer = &signers->all[signers->count];

		signer->out = (struct query_signer){sign, verify, end, signer};
		signer->name = strdup(key->name.text);
		signer->algorithm = strdup(key->algorithm);
		signer->secret_file = strdup(key->secret_file);
		if (!signer->name || !signer->algorithm || !signer->secret_file) {
			signers->count++;
			signers_free(signers);
			return -ENOMEM;
		}
	}
	*out = signers;
	return 0;
}

void signers_free(struct signers *signers)
{
	if (!signers)
		return;
	for (size_t i = 0; i < signers->count; i++) {
		free(signers->all[i].name);
		free(signers->all[i].algorithm);
		free(signers->all[i].secret_file);
		key_free(signers->all[i].key);
	}
	free(signers->all);
	free(signers);
}

const struct query_signer *signers_find(const struct signers *signers, const struct domain *name)
{
	for (size_t i = 0; name->text && i < signers->count; i++) {
		if (strcmp(signers->all[i].name, name->text) == 0)
			return &signers->all[i].out;
	}
	return NULL;
}
