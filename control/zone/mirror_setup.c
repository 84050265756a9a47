/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/mirror_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct timespan span_or(struct timespan span, struct timespan otherwise)
{
	return span.ns ? span : otherwise;
}

static int keys_copy(struct mirror_setup *setup, const struct mirror_options *options)
{
	for (size_t i = 0; i < options->key_count; i++) {
		const struct key_options *from = &options->keys[i];
		struct key_options *to = &setup->keys[i].options;

		setup->key_count++;
		to->name = strdup(from->name);
		to->algorithm = strdup(from->algorithm);
		to->secret_file = strdup(from->secret_file);
		if (!to->name || !to->algorithm || !to->secret_file)
			return -ENOMEM;
		zone_fault_set(&setup->keys[i].fault, ZONE_FAULT_NO_KEY, "not read yet");
	}
	return 0;
}

static int zone_compare(const void *a, const void *b)
{
	const struct mirror_setup_zone *x = a, *y = b;

	return x->options.id < y->options.id ? -1 : x->options.id > y->options.id;
}

static int zones_copy(struct mirror_setup *setup, const struct mirror_options *options)
{
	for (size_t i = 0; i < options->zone_count; i++) {
		const struct mirror_zone_options *from = &options->zones[i];
		struct mirror_setup_zone *to = &setup->zones[i];

		to->options = *from;
		to->options.poll = span_or(from->poll, timespan_s(1));
		name_fold(to->name, from->name, name_size(from->name));
		if (!from->key)
			continue;
		for (size_t n = 0; n < setup->key_count && !to->key; n++)
			if (!strcasecmp(setup->keys[n].options.name, from->key))
				to->key = &setup->keys[n];
		if (!to->key)
			return -EINVAL;
		to->options.key = to->key->options.name;
	}
	setup->zone_count = options->zone_count;
	qsort(setup->zones, setup->zone_count, sizeof(*setup->zones), zone_compare);
	for (size_t i = 0; i < setup->zone_count; i++) {
		setup->zones[i].options.name = setup->zones[i].name; /* its place is final now */
		if (i && setup->zones[i].options.id == setup->zones[i - 1].options.id)
			return -EINVAL;
	}
	return 0;
}

int mirror_setup_new(struct mirror_setup **out, const struct mirror_options *options)
{
	struct mirror_setup *setup;
	int error = -ENOMEM;

	if (!options->server.ss_family)
		return -EINVAL;
	setup = calloc(1, sizeof(*setup));
	if (!setup)
		return error;
	setup->stream = (struct stream_options){
		.server = options->server,
		.source = options->source,
		.connect = span_or(options->connect, timespan_s(2)),
		.idle = span_or(options->idle, timespan_s(10)),
		.total = span_or(options->total, timespan_s(600)),
	};
	setup->poll_timeout = span_or(options->poll_timeout, timespan_ms(500));
	setup->stale_limit = span_or(options->stale_limit, timespan_s(60));
	setup->transfers = options->transfers ? options->transfers : 4;
	if (setup->transfers > MIRROR_MOST_TRANSFERS)
		setup->transfers = MIRROR_MOST_TRANSFERS;
	setup->memory = options->memory ? options->memory : UINT64_MAX;
	setup->polls = options->polls ? options->polls : 256;
	setup->poll_rate = options->poll_rate ? options->poll_rate : 2000;
	setup->keys = calloc(options->key_count + 1, sizeof(*setup->keys));
	setup->zones = calloc(options->zone_count + 1, sizeof(*setup->zones));
	if (!setup->keys || !setup->zones)
		goto out;
	error = keys_copy(setup, options);
	if (!error)
		error = zones_copy(setup, options);
	if (error)
		goto out;
	*out = setup;
	setup = NULL;
out:
	mirror_setup_free(setup);
	return error;
}

/* The options' strings are const to everybody else. */
static void string_free(const char *string)
{
	free((void *)(uintptr_t)string);
}

void mirror_setup_free(struct mirror_setup *setup)
{
	if (!setup)
		return;
	for (size_t i = 0; i < setup->key_count; i++) {
		key_free(setup->keys[i].key);
		string_free(setup->keys[i].options.name);
		string_free(setup->keys[i].options.algorithm);
		string_free(setup->keys[i].options.secret_file);
	}
	free(setup->keys);
	free(setup->zones);
	free(setup);
}

bool mirror_setup_find(const struct mirror_setup *setup, uint32_t id, uint32_t *index)
{
	struct mirror_setup_zone wanted = {.options.id = id};
	const struct mirror_setup_zone *found =
		bsearch(&wanted, setup->zones, setup->zone_count, sizeof(wanted), zone_compare);

	if (found)
		*index = (uint32_t)(found - setup->zones);
	return found != NULL;
}

int mirror_setup_key(struct mirror_setup_zone *zone, struct monotime now, struct key **out,
	struct zone_fault *fault)
{
	struct mirror_setup_key *key = zone->key;
	char reason[KEY_REASON_SIZE];
	struct key *read;

	*out = NULL;
	if (!key)
		return 0;
	if (!monotime_before(now, key->next_look) && (!key->key || key_is_stale(key->key))) {
		int error = key_load(&read, &key->options, reason);

		/* A key that was good stays so while its file is away or half written. */
		if (!error) {
			key_free(key->key);
			key->key = read;
		}
		if (!key->key)
			zone_fault_set(&key->fault, ZONE_FAULT_NO_KEY, "%.250s", reason);
	}
	if (!monotime_before(now, key->next_look))
		key->next_look = monotime_add(now, timespan_s(key->key ? 10 : 1));
	*out = key->key;
	if (key->key)
		return 0;
	*fault = key->fault;
	return zone_fault_errno(fault->kind);
}
