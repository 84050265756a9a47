/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Takes the records of a zone. They arrive grouped by owner, mostly in canonical order, so they are
 * kept as runs (one owner, its records behind each other) until zone_layout.c puts them in order.
 */
#include "control/zone/dns.h"
#include "control/zone/octets.h"
#include "control/zone/zone.h"
#include "control/zone/zone_build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST (16U << 10)
#define CHUNK_MOST  (4U << 20)

int zone_builder_fail(struct zone_builder *builder, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(builder->reason, sizeof(builder->reason), format, arguments);
	va_end(arguments);
	return error;
}

int zone_builder_fail_memory(struct zone_builder *builder)
{
	return zone_builder_fail(
		builder, -ENOMEM, "out of memory after %" PRIu64 " records", builder->records);
}

/* "example.org. TYPE: what" */
static int fail_record(
	struct zone_builder *builder, int error, const struct zone_record *record, const char *what)
{
	char owner[NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];

	return zone_builder_fail(builder, error, "%.300s %s: %s",
		name_to_text(owner, record->owner), dns_type_text(type, record->type), what);
}

int zone_builder_new(
	struct zone_builder **out, const uint8_t *origin, const struct zone_limits *limits)
{
	struct zone_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		return -ENOMEM;
	builder->limits = *limits;
	builder->origin_size = (uint8_t)name_size(origin);
	builder->origin_labels = (uint8_t)name_labels(origin);
	name_fold(builder->origin, origin, builder->origin_size);
	*out = builder;
	return 0;
}

static void chunks_free(struct zone_builder *builder)
{
	while (builder->chunks) {
		struct build_chunk *next = builder->chunks->next;

		free(builder->chunks);
		builder->chunks = next;
	}
}

void zone_builder_empty(struct zone_builder *builder)
{
	chunks_free(builder);
	free(builder->runs);
	free(builder->items);
	builder->runs = NULL;
	builder->items = NULL;
	builder->run_count = builder->run_room = builder->item_room = 0;
	builder->chunk_bytes = 0;
}

void zone_builder_free(struct zone_builder *builder)
{
	if (!builder)
		return;
	zone_builder_empty(builder);
	free(builder);
}

const char *zone_builder_reason(const struct zone_builder *builder)
{
	return builder->reason;
}

uint64_t zone_builder_records(const struct zone_builder *builder)
{
	return builder->records;
}

uint64_t zone_builder_memory(const struct zone_builder *builder)
{
	return builder->chunk_bytes + (uint64_t)builder->run_room * sizeof(*builder->runs) +
	       (uint64_t)builder->item_room * sizeof(*builder->items);
}

static size_t chunk_left(const struct zone_builder *builder)
{
	return builder->chunks ? builder->chunks->size - builder->chunks->used : 0;
}

/* 'size' octets of the newest chunk, or of a new one when they don't fit. */
static uint8_t *chunk_room(struct zone_builder *builder, size_t size)
{
	if (chunk_left(builder) < size) {
		size_t want = builder->chunks ? builder->chunks->size * 2 : CHUNK_FIRST;

		if (want > CHUNK_MOST)
			want = CHUNK_MOST;
		if (want < size) /* the first chunk, and 64 KiB of RDATA */
			want = size;
		struct build_chunk *chunk = malloc(sizeof(*chunk) + want);
		if (!chunk)
			return NULL;
		*chunk = (struct build_chunk){.next = builder->chunks, .size = want};
		builder->chunks = chunk;
		builder->chunk_bytes += sizeof(*chunk) + want;
	}
	uint8_t *room = builder->chunks->bytes + builder->chunks->used;
	builder->chunks->used += size;
	return room;
}

static struct build_run *run_new(struct zone_builder *builder)
{
	if (builder->run_count == builder->run_room) {
		uint32_t room = builder->run_room ? builder->run_room * 2 : 64;

		if (room < builder->run_room)
			return NULL;
		struct build_run *runs = realloc(builder->runs, room * sizeof(*runs));
		if (!runs)
			return NULL;
		builder->runs = runs;
		builder->run_room = room;
	}
	return &builder->runs[builder->run_count++];
}

static int record_check(struct zone_builder *builder, const struct zone_record *record,
	uint8_t folded[NAME_MAX_SIZE])
{
	struct rdata_name names[RDATA_MAX_NAMES];

	if (name_check(record->owner, record->owner_size) != record->owner_size)
		return zone_builder_fail(builder, -EBADMSG,
			"record %" PRIu64 ": malformed owner name", builder->records + 1);
	if (record->class != RR_CLASS_IN)
		return fail_record(builder, -EBADMSG, record, "class is not IN");
	if (rr_type_is_meta(record->type))
		return fail_record(builder, -EBADMSG, record, "a zone can't hold this type");
	if (rdata_names(record->type, record->rdata, record->rdata_size, names) < 0)
		return fail_record(builder, -EBADMSG, record, "RDATA doesn't fit the type");
	name_fold(folded, record->owner, record->owner_size);
	if (!name_within(folded, builder->origin)) {
		char origin[NAME_TEXT_SIZE], what[64 + NAME_TEXT_SIZE];

		snprintf(what, sizeof(what), "outside the zone %.200s",
			name_to_text(origin, builder->origin));
		return fail_record(builder, -EXDEV, record, what);
	}
	if (builder->limits.max_records && builder->records >= builder->limits.max_records)
		return zone_builder_fail(builder, -EFBIG,
			"more than %" PRIu64 " records (the zone's limit)",
			builder->limits.max_records);
	return 0;
}

int zone_builder_fail_bytes(struct zone_builder *builder)
{
	return zone_builder_fail(builder, -EFBIG,
		"more than %" PRIu64 " bytes (the zone's limit) after %" PRIu64 " records",
		builder->limits.max_bytes, builder->records);
}

int zone_builder_add(struct zone_builder *builder, const struct zone_record *record)
{
	uint8_t folded[NAME_MAX_SIZE];
	int error = record_check(builder, record, folded);

	if (error)
		return error;

	size_t owner_size = record->owner_size;
	bool cased = memcmp(folded, record->owner, owner_size) != 0;
	size_t owner_bytes = owner_size * (cased ? 2 : 1);
	size_t bytes = sizeof(struct build_head) + record->rdata_size;
	struct build_run *run = builder->run_count ? &builder->runs[builder->run_count - 1] : NULL;
	/* A run never spans chunks; runs with the same owner are joined at the end. */
	bool joins = run && run->size == owner_size && !memcmp(run->folded, folded, owner_size) &&
		     chunk_left(builder) >= bytes;
	uint8_t *to = chunk_room(builder, bytes + (joins ? 0 : owner_bytes));

	if (!to)
		return zone_builder_fail_memory(builder);
	if (!joins) {
		run = run_new(builder);
		if (!run)
			return zone_builder_fail_memory(builder);
		*run = (struct build_run){.folded = to, .cased = to, .size = (uint8_t)owner_size};
		run->labels = (uint8_t)name_labels(folded);
		memcpy(to, folded, owner_size);
		to += owner_size;
		if (cased) {
			run->cased = to;
			memcpy(to, record->owner, owner_size);
			to += owner_size;
		}
		run->heads = to;
		builder->bytes += owner_bytes;
	}

	struct build_head head = {record->ttl, record->type, record->rdata_size};
	uint16_t covered = 0;
	if (record->type == RR_RRSIG)
		covered = octets_u16(record->rdata);
	if (!joins || head.type != builder->last_type || covered != builder->last_covered)
		builder->rrset_bound++;
	builder->last_type = head.type;
	builder->last_covered = covered;

	memcpy(to, &head, sizeof(head));
	if (record->rdata_size)
		memcpy(to + sizeof(head), record->rdata, record->rdata_size);
	run->count++;
	builder->records++;
	builder->bytes += sizeof(uint16_t) + record->rdata_size;
	if (builder->limits.max_bytes && builder->bytes > builder->limits.max_bytes)
		return zone_builder_fail_bytes(builder);
	return 0;
}
