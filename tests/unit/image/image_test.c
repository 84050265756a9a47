/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Properties of the image's writer: what it keeps, what it gives back, what it does when there is
 * no room, and what the next daemon finds. The checker looks at the whole image after every step.
 */
#include "control/zone/image_check.h"
#include "control/zone/image_index.h"
#include "control/zone/image_state.h"
#include "tests/host/zone_image.h"
#include "tests/host/zone_sample.h"
#include "tests/unit/image/reader.h"

#include "answer/hash.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APEX "@ 3600 SOA ns1 hostmaster 7 3600 600 86400 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n"

static void expect_sound(const struct zone_image *z)
{
	struct image_report report;
	int error = image_check(&z->memory, !image_unsettled(z->image), NULL, &report);

	if (error)
		fail_msg("%s (%s)", report.error, strerror(-error));
}

static void open_image(struct zone_image *z, uint32_t shards, uint32_t shift)
{
	if (zone_image_open(z, shards, shift))
		fail_msg("%s", z->error);
}

static struct compiled *compiled_of(const char *origin, const char *text)
{
	const struct zone_limits limits = {0};
	char reason[ZONE_REASON_SIZE];
	struct compiled *compiled;
	struct zone *zone;

	if (zone_text_parse(&zone, text, strlen(text), origin, &limits, reason))
		fail_msg("%s", reason);
	assert_int_equal(compile_zone(&compiled, zone), 0);
	zone_free(zone);
	return compiled;
}

static struct compiled *sample_of(
	enum zone_sample_kind kind, uint32_t names, uint32_t version, uint32_t changes)
{
	struct compiled *compiled;
	struct zone *zone;

	assert_int_equal(zone_sample(&zone, kind, "example.com.", names, version, changes), 0);
	assert_int_equal(compile_zone(&compiled, zone), 0);
	zone_free(zone);
	return compiled;
}

static struct image_result publish(struct zone_image *z, struct compiled *compiled)
{
	struct image_result result;
	int error = image_zone_add(z->image, compiled->apex);

	assert_true(error == 0 || error == -EEXIST);
	assert_int_equal(image_zone_publish(z->image, compiled, UINT64_MAX, &result), 0);
	expect_sound(z);
	compiled_free(compiled);
	return result;
}

static void settle(struct zone_image *z)
{
	while (image_unsettled(z->image))
		assert_int_equal(image_settle(z->image), 0);
	expect_sound(z);
}

static const uint8_t *apex_of(const char *origin)
{
	static uint8_t apex[NAME_MAX_SIZE];

	assert_true(name_from_text(apex, origin) > 0);
	return apex;
}

static const struct image_entry *look(
	const struct zone_image *z, struct reader *reader, const char *origin, const char *name)
{
	uint8_t key[NAME_MAX_SIZE];

	assert_true(reader_enter(reader, &z->memory, apex_of(origin)));
	assert_non_null(reader->version);
	assert_true(name_from_text(key, name) > 0);
	return reader_entry(reader, key, (uint32_t)name_size(key) - 1);
}

static void names_that_did_not_change_stay_where_they_are(void **state)
{
	struct zone_image z;
	struct reader before, after;
	struct image_result result;

	(void)state;
	open_image(&z, 1, 24);
	result = publish(
		&z, compiled_of("example.", APEX "a A 10.0.0.1\nb A 10.0.0.2\nc.d A 10.0.0.3\n"));
	assert_true(result.instance);
	assert_int_equal(result.added, 6);
	const struct image_entry *a = look(&z, &before, "example.", "a");
	const struct image_entry *b = look(&z, &before, "example.", "b");
	result = publish(
		&z, compiled_of("example.", "e TXT x\n" APEX "b A 10.0.0.9\na A 10.0.0.1\n"));
	assert_false(result.instance);
	assert_int_equal(result.kept, 3); /* apex, ns1, a */
	assert_int_equal(result.replaced, 1);
	assert_int_equal(result.added, 1);
	assert_int_equal(result.removed, 2); /* c.d and the empty non-terminal d */
	assert_ptr_equal(look(&z, &after, "example.", "a"), a);
	assert_ptr_not_equal(look(&z, &after, "example.", "b"), b);
	assert_null(look(&z, &after, "example.", "c.d"));
	assert_null(look(&z, &after, "example.", "d"));
	assert_int_equal(after.version->number, before.version->number + 1);
	/* the reader that came before is still right */
	assert_ptr_equal(reader_entry(&before, (const uint8_t *)"\1b", 2), b);
	assert_null(reader_entry(&before, (const uint8_t *)"\1e", 2));
	settle(&z);
	assert_ptr_equal(look(&z, &after, "example.", "a"), a);
	zone_image_close(&z);
}

static void a_large_change_makes_a_new_instance(void **state)
{
	struct zone_image z;
	struct reader before, after;
	struct image_result result;

	(void)state;
	open_image(&z, 1, 24);
	publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 2000, 1, 500));
	settle(&z);
	assert_true(reader_enter(&before, &z.memory, apex_of("example.com.")));
	result = publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 2000, 2, 500));
	assert_true(result.instance);
	assert_true(reader_enter(&after, &z.memory, apex_of("example.com.")));
	assert_int_not_equal(before.version->seed, after.version->seed);
	/* number goes on */
	assert_int_equal(after.version->number, 2);
	/* and both versions can be read until grace */
	assert_non_null(reader_entry(&before, (const uint8_t *)"", 0));
	assert_non_null(reader_entry(&after, (const uint8_t *)"", 0));
	settle(&z);
	zone_image_close(&z);
}

static void everything_comes_back_when_zones_go(void **state)
{
	struct image_usage empty, full, after;
	struct zone_image z;

	(void)state;
	open_image(&z, 1, 24);
	image_usage(z.image, &empty);
	for (uint32_t version = 1; version < 6; version++) {
		publish(&z, sample_of(ZONE_SAMPLE_TLD, 3000, version, version % 2 ? 20 : 1500));
		publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	}
	image_usage(z.image, &full);
	assert_true(full.entries > 100000 && full.names > 3000 && full.zone_count == 2);
	assert_int_equal(image_zone_remove(z.image, apex_of("example.com.")), 0);
	assert_int_equal(image_zone_remove(z.image, apex_of("example.")), 0);
	assert_int_equal(image_zone_remove(z.image, apex_of("example.")), -ENOENT);
	settle(&z);
	image_usage(z.image, &after);
	assert_int_equal(after.entries, 0);
	assert_int_equal(after.zones, 0);
	assert_int_equal(after.names, 0);
	assert_int_equal(after.quarantine, 0);
	assert_int_equal(after.index, empty.index);
	assert_int_equal(after.unused, empty.unused);
	assert_int_equal(after.lost, 0);
	zone_image_close(&z);
}

static void a_zone_that_does_not_fit_changes_nothing(void **state)
{
	struct compiled *large = sample_of(ZONE_SAMPLE_TLD, 20000, 1, 0);
	struct image_result result;
	struct image_usage before, after;
	struct zone_image z;
	struct reader reader;

	(void)state;
	open_image(&z, 2, 18);
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	assert_int_equal(image_zone_add(z.image, large->apex), 0);
	settle(&z);
	image_usage(z.image, &before);
	assert_int_equal(image_zone_publish(z.image, large, UINT64_MAX, &result), -ENOSPC);
	assert_true(result.needed > result.unused);
	settle(&z);
	image_usage(z.image, &after);
	assert_int_equal(after.entries, before.entries);
	assert_int_equal(after.zones, before.zones);
	/* it is a pass apex, the other one answers */
	assert_true(reader_enter(&reader, &z.memory, large->apex));
	assert_null(reader.version);
	assert_non_null(look(&z, &reader, "example.", "a"));
	compiled_free(large);
	zone_image_close(&z);
}

/* To the last page and the last place that entries may take. */
static void fill_image(struct zone_image *z)
{
	static const uint32_t units[] = {256, 204, 64, 16, 8, 4, 2};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		while (image_space_take(z->image->space, units[i], IMAGE_USE_ENTRIES))
			;
}

/* Else their names would be answered out of the zone above. */
static void an_image_full_of_names_has_room_for_pass_apexes(void **state)
{
	struct zone_image z;
	struct reader reader;

	(void)state;
	open_image(&z, 2, 18);
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	fill_image(&z);
	for (unsigned i = 0; i < 100; i++) {
		uint8_t apex[] = "\3c00\7example";

		apex[2] = (uint8_t)('0' + i / 10);
		apex[3] = (uint8_t)('0' + i % 10);
		assert_int_equal(image_zone_add(z.image, apex), 0);
		assert_true(reader_enter(&reader, &z.memory, apex));
		assert_null(reader.version);
	}
	expect_sound(&z);
	zone_image_close(&z);
}

/* A zone that takes most of the memory: its successor can't stand beside it, and no more than that
 * happens. */
static void a_version_without_room_beside_the_old_one_needs_it_cleared(void **state)
{
	struct compiled *second = sample_of(ZONE_SAMPLE_TLD, 2500, 2, 1500);
	struct zone_image z;
	struct reader reader;

	(void)state;
	open_image(&z, 2, 18);
	publish(&z, sample_of(ZONE_SAMPLE_TLD, 2500, 1, 1500));
	settle(&z);
	assert_int_equal(image_zone_publish(z.image, second, UINT64_MAX, NULL), -ENOSPC);
	expect_sound(&z);
	assert_true(reader_enter(&reader, &z.memory, second->apex));
	assert_int_equal(reader.version->serial, 1);
	assert_int_equal(image_zone_clear(z.image, second->apex), 0);
	assert_true(reader_enter(&reader, &z.memory, second->apex));
	assert_null(reader.version);
	settle(&z);
	publish(&z, second);
	settle(&z);
	assert_true(reader_enter(&reader, &z.memory, apex_of("example.com.")));
	assert_int_equal(reader.version->serial, 2);
	assert_int_equal(reader.version->number, 2);
	zone_image_close(&z);
}

/* Fails at every possible place of the index's growth, too. */
static void running_out_of_memory_anywhere_leaves_the_old_version(void **state)
{
	(void)state;
	for (uint32_t names = 300; names < 1500; names += 37) {
		struct compiled *second = sample_of(ZONE_SAMPLE_HOSTS, names, 2, 3);
		struct zone_image z;
		struct reader reader;
		int error;

		open_image(&z, 3, 16);
		publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 300, 1, 3));
		error = image_zone_publish(z.image, second, UINT64_MAX, NULL);
		assert_true(error == 0 || error == -ENOSPC);
		expect_sound(&z);
		assert_true(reader_enter(&reader, &z.memory, second->apex));
		assert_int_equal(reader.version->serial, error ? 1 : 2);
		settle(&z);
		assert_int_equal(reader_enter(&reader, &z.memory, second->apex), true);
		assert_int_equal(reader.version->serial, error ? 1 : 2);
		compiled_free(second);
		zone_image_close(&z);
	}
}

static void bypass_and_deadline_are_stored_in_place(void **state)
{
	struct image_zone_state zone_state;
	struct zone_image z;
	struct reader reader;
	uint8_t apex[NAME_MAX_SIZE];

	(void)state;
	name_from_text(apex, "example.");
	open_image(&z, 1, 16);
	assert_int_equal(image_zone_bypass(z.image, apex, true), -ENOENT);
	assert_int_equal(image_zone_add(z.image, apex), 0);
	assert_int_equal(image_zone_add(z.image, apex), -EEXIST);
	assert_int_equal(image_zone_deadline(z.image, apex, 5), -ENODATA);
	publish(&z, compiled_of("example.", APEX));
	assert_int_equal(image_zone_deadline(z.image, apex, 123456789), 0);
	assert_true(reader_enter(&reader, &z.memory, apex));
	assert_int_equal(reader.version->bypass_after, 123456789);
	assert_int_equal(image_zone_bypass(z.image, apex, true), 0);
	assert_true(reader_enter(&reader, &z.memory, apex));
	assert_null(reader.version);
	/* a publish doesn't end it */
	publish(&z, compiled_of("example.", APEX "x A 10.0.0.1\n"));
	assert_true(reader_enter(&reader, &z.memory, apex));
	assert_null(reader.version);
	assert_int_equal(image_zone_bypass(z.image, apex, false), 0);
	assert_int_equal(image_zone_state(z.image, apex, &zone_state), 0);
	assert_false(zone_state.bypassed);
	assert_int_equal(zone_state.names, 3);
	assert_true(reader_enter(&reader, &z.memory, apex));
	assert_int_equal(reader.version->number, 2);
	zone_image_close(&z);
}

/* Somebody who, at a certain call of `between`, says whether two zones are bypassed. */
struct visitor {
	const struct zone_image *z;
	unsigned calls, at;
	bool on;
	bool met;
};

static bool passes(const struct zone_image *z, const char *origin)
{
	struct reader reader;

	return reader_enter(&reader, &z->memory, apex_of(origin)) && !reader.version;
}

static void visit(void *context)
{
	struct visitor *visitor = context;
	struct image *image = visitor->z->image;

	if (!image || ++visitor->calls != visitor->at)
		return;
	visitor->met = true;
	assert_int_equal(image_zone_bypass(image, apex_of("example.com."), visitor->on), 0);
	assert_int_equal(image_zone_bypass(image, apex_of("other."), visitor->on), 0);
	assert_int_equal(image_zone_deadline(image, apex_of("other."), visitor->at), 0);
	/* Readers see it now, not when the publish is over. */
	assert_int_equal(passes(visitor->z, "example.com."), visitor->on);
	assert_int_equal(passes(visitor->z, "other."), visitor->on);
}

static void bypass_in_the_midst_of_a_publish_is_seen_at_once_and_stays(void **state)
{
	static const uint32_t changes[] = {10, 5000}; /* into the instance, and a new one */
	struct zone_image z;
	struct visitor visitor = {.z = &z};
	struct engine_memory *memory = &z.memory;
	const struct image_options options = {
		.poison = true, .between = visit, .context = &visitor};
	struct image_zone_state other;
	unsigned most = 0;

	(void)state;
	open_image(&z, 16, 20);
	publish(&z, compiled_of("other.", APEX));
	publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 5000, 1, 0));
	settle(&z);
	image_close(z.image);
	z.image = NULL;
	assert_int_equal(image_open(&z.image, &memory, 1, &options, NULL), 0);
	for (uint32_t i = 0; i < 2; i++) {
		visitor.met = true;
		for (visitor.at = 1; visitor.met; visitor.at++) {
			visitor.on = visitor.at % 2;
			visitor.calls = 0;
			visitor.met = false;
			assert_int_equal(
				image_zone_bypass(z.image, apex_of("example.com."), !visitor.on),
				0);
			assert_int_equal(
				image_zone_bypass(z.image, apex_of("other."), !visitor.on), 0);
			publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 5000, visitor.at + 1, changes[i]));
			settle(&z);
			assert_int_equal(passes(&z, "example.com."), visitor.on == visitor.met);
			assert_int_equal(passes(&z, "other."), visitor.on == visitor.met);
			assert_int_equal(image_zone_state(z.image, apex_of("other."), &other), 0);
			if (visitor.met)
				assert_int_equal(other.bypass_after, visitor.at);
		}
		if (visitor.at > most)
			most = visitor.at;
		assert_true(visitor.at > 2);
	}
	assert_true(most > 8); /* each long loop lets others in */
	zone_image_close(&z);
}

static void each_of_many_zones_finds_its_own_names(void **state)
{
	struct zone_image z;
	char origin[64], text[256];

	(void)state;
	open_image(&z, 2, 22);
	for (int i = 0; i < 2000; i++) {
		snprintf(origin, sizeof(origin), "z%d.example.", i);
		snprintf(text, sizeof(text), APEX "www A 10.0.%d.%d\nmail A 10.1.%d.%d\n", i / 256,
			i % 256, i / 256, i % 256);
		struct compiled *compiled = compiled_of(origin, text);
		assert_int_equal(image_zone_add(z.image, compiled->apex), 0);
		assert_int_equal(image_zone_publish(z.image, compiled, UINT64_MAX, NULL), 0);
		compiled_free(compiled);
	}
	expect_sound(&z);
	settle(&z);
	for (int i = 0; i < 2000; i++) {
		struct reader reader;
		uint32_t r;
		uint8_t address[4] = {10, 0, (uint8_t)(i / 256), (uint8_t)(i % 256)};

		snprintf(origin, sizeof(origin), "z%d.example.", i);
		const struct image_entry *entry = look(&z, &reader, origin, "www");
		assert_memory_equal(reader_group(&reader, entry, RR_A, &r)->data + 12, address, 4);
	}
	zone_image_close(&z);
}

static size_t memory_size(const struct engine_memory *memory)
{
	return memory->shards * IMAGE_STRIDE(memory->shard_shift);
}

static void copies_are_alike_and_a_new_one_becomes_so(void **state)
{
	struct zone_image z;
	struct engine_memory second = {.shards = 2, .shard_shift = 20},
			     *both[2] = {&z.memory, &second};
	const struct image_options options = {0};
	bool adopted;

	(void)state;
	open_image(&z, 2, 20);
	publish(&z, sample_of(ZONE_SAMPLE_TLD, 1000, 1, 10));
	image_close(z.image);
	second.image = calloc(1, memory_size(&second));
	assert_non_null(second.image);
	assert_int_equal(image_open(&z.image, both, 2, &options, &adopted), 0);
	assert_true(adopted);
	for (uint32_t version = 2; version < 8; version++) {
		publish(&z, sample_of(ZONE_SAMPLE_TLD, 1000, version, version == 5 ? 500 : 10));
		assert_memory_equal(z.memory.image, second.image, memory_size(&second));
	}
	settle(&z);
	assert_memory_equal(z.memory.image, second.image, memory_size(&second));
	free(second.image);
	zone_image_close(&z);
}

static void copies_of_another_shape_are_refused(void **state)
{
	struct zone_image z;
	struct engine_memory second = {.shards = 1, .shard_shift = 20},
			     *both[2] = {&z.memory, &second};
	const struct image_options options = {0};
	struct image *image = NULL;

	(void)state;
	open_image(&z, 2, 20);
	assert_int_equal(image_open(&image, both, 2, &options, NULL), -EINVAL);
	assert_int_equal(image_open(&image, both, 0, &options, NULL), -EINVAL);
	second = (struct engine_memory){.shards = 1, .shard_shift = 12};
	assert_int_equal(image_open(&image, &both[1], 1, &options, NULL), -EINVAL);
	zone_image_close(&z);
}

static void apex_note(void *context, const uint8_t *apex)
{
	char text[NAME_TEXT_SIZE];

	strcat(strcat(context, name_to_text(text, apex)), " ");
}

static void the_next_daemon_finds_every_zone_and_keeps_every_name(void **state)
{
	const struct image_options options = {.poison = true};
	struct zone_image z;
	struct engine_memory *memory = &z.memory;
	struct image_zone_state zone_state;
	struct image_result result;
	char apexes[256] = "";
	bool adopted;

	(void)state;
	open_image(&z, 2, 20);
	publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 1000, 1, 10));
	publish(&z, compiled_of("example.", APEX));
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	assert_int_equal(image_zone_add(z.image, apex_of("pass.test.")), 0);
	assert_int_equal(image_zone_bypass(z.image, apex_of("example."), true), 0);
	assert_int_equal(image_zone_deadline(z.image, apex_of("example."), 77), 0);
	image_close(z.image); /* unsettled */
	assert_int_equal(image_open(&z.image, &memory, 1, &options, &adopted), 0);
	assert_true(adopted);
	settle(&z);
	image_zone_each(z.image, apex_note, apexes);
	assert_non_null(strstr(apexes, "example.com. "));
	assert_non_null(strstr(apexes, "pass.test. "));
	assert_int_equal(image_zone_state(z.image, apex_of("example."), &zone_state), 0);
	assert_int_equal(zone_state.number, 2);
	assert_int_equal(zone_state.names, 3);
	assert_int_equal(zone_state.serial, 7);
	assert_int_equal(zone_state.bypass_after, 77);
	assert_true(zone_state.bypassed);
	result = publish(&z, sample_of(ZONE_SAMPLE_HOSTS, 1000, 1, 10));
	assert_int_equal(result.added + result.replaced + result.removed, 0);
	settle(&z);
	zone_image_close(&z);
}

static void an_image_that_fails_the_walk_is_formatted(void **state)
{
	const struct image_options options = {0};
	struct zone_image z;
	struct engine_memory *memory = &z.memory;
	struct reader reader;
	bool adopted;

	(void)state;
	open_image(&z, 2, 20);
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	settle(&z);
	const struct image_entry *entry = look(&z, &reader, "example.", "a");
	image_close(z.image);
	z.memory.image[(const uint8_t *)entry - z.memory.image + 40] ^= 1;
	assert_int_equal(image_open(&z.image, &memory, 1, &options, &adopted), 0);
	assert_false(adopted);
	assert_false(reader_enter(&reader, &z.memory, apex_of("example.")));
	expect_sound(&z);
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\n"));
	assert_non_null(look(&z, &reader, "example.", "a"));
	zone_image_close(&z);
}

static int grace_refusals;

static int grace_refuse(void *engine)
{
	(void)engine;
	return grace_refusals-- > 0 ? -EBUSY : 0;
}

static void nothing_is_reused_while_the_grace_period_fails(void **state)
{
	struct image_usage before, after;
	struct zone_image z;

	(void)state;
	open_image(&z, 1, 20);
	z.memory.grace = grace_refuse;
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.1\nb A 10.0.0.1\n"));
	settle(&z);
	publish(&z, compiled_of("example.", APEX "a A 10.0.0.2\n"));
	image_usage(z.image, &before);
	grace_refusals = 3;
	for (int i = 0; i < 3; i++) {
		struct compiled *third = compiled_of("example.", APEX "a A 10.0.0.3\n");

		if (i % 2)
			assert_int_equal(image_settle(z.image), -EBUSY);
		else
			assert_int_equal(image_zone_publish(z.image, third, 0, NULL), -EBUSY);
		compiled_free(third);
		image_usage(z.image, &after);
		assert_int_equal(after.entries, before.entries);
		assert_true(image_unsettled(z.image));
		expect_sound(&z);
	}
	settle(&z);
	image_usage(z.image, &after);
	assert_true(after.entries < before.entries);
	grace_refusals = 1;
	assert_int_equal(image_zone_remove(z.image, apex_of("example.")), -EBUSY);
	/* wanted again after all: readers find it again, as a pass apex first */
	assert_int_equal(image_zone_add(z.image, apex_of("example.")), 0);
	assert_int_equal(image_zone_add(z.image, apex_of("example.")), -EEXIST);
	expect_sound(&z);
	grace_refusals = 1;
	assert_int_equal(image_zone_remove(z.image, apex_of("example.")), -EBUSY);
	assert_int_equal(image_zone_remove(z.image, apex_of("example.")), 0);
	settle(&z);
	image_usage(z.image, &after);
	assert_int_equal(after.entries, 0);
	zone_image_close(&z);
}

static void the_deepest_names_and_the_root_have_their_place(void **state)
{
	char text[2048], deep[1024] = "";
	struct zone_image z;
	struct reader reader;
	uint8_t name[NAME_MAX_SIZE];

	(void)state;
	for (int i = 0; i < 127; i++)
		strcat(deep, i % 2 ? "b." : "a.");
	snprintf(text, sizeof(text), "%s A 10.0.0.1\n. SOA a b 1 2 3 4 5\n. NS a.\na. A 10.0.0.2\n",
		deep);
	open_image(&z, 1, 20);
	publish(&z, compiled_of(".", text));
	assert_true(reader_enter(&reader, &z.memory, (const uint8_t *)""));
	assert_int_equal(reader.version->max_labels, 127);
	assert_int_equal(name_from_text(name, deep), 255);
	assert_non_null(reader_entry(&reader, name, 254));
	/* the same name as an apex */
	snprintf(text, sizeof(text), "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n");
	publish(&z, compiled_of(deep, text));
	assert_true(reader_enter(&reader, &z.memory, name));
	assert_non_null(reader_entry(&reader, name, 0));
	settle(&z);
	zone_image_close(&z);
}

/* A difference in the top bit of a word must not be taken away by the next word, whatever the seed.
 */
static void names_cannot_be_chosen_to_collide(void **state)
{
	uint8_t a[32], b[32];
	unsigned met = 0;

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (uint64_t seed = 1; seed < 200; seed++) {
			memset(a, 'x', sizeof(a));
			memcpy(b, a, sizeof(a));
			b[7] ^= 0x80;
			b[16 + bit / 8] ^= (uint8_t)(1 << bit % 8);
			met += image_index_hash(a, 32, seed * HASH_K0) ==
			       image_index_hash(b, 32, seed * HASH_K0);
			b[23] ^= 0x80;
			met += image_index_hash(a, 32, seed * HASH_K0) ==
			       image_index_hash(b, 32, seed * HASH_K0);
		}
	}
	assert_int_equal(met, 0);
}

/* Names as people make them: tags, buckets and directory bits are as good as drawn. */
static void hashes_of_like_names_are_spread(void **state)
{
	static uint32_t buckets[64], tops[64];
	uint32_t names = 64000, equal_tags = 0;
	uint32_t *tags = calloc(names, sizeof(*tags));

	(void)state;
	memset(buckets, 0, sizeof(buckets));
	memset(tops, 0, sizeof(tops));
	for (uint32_t i = 0; i < names; i++) {
		uint8_t key[16];
		char label[12];
		int size = snprintf(label, sizeof(label), "h%06u", i);
		key[0] = (uint8_t)size;
		memcpy(key + 1, label, (size_t)size);
		uint64_t hash = image_index_hash(key, (uint32_t)size + 1, 12345);
		buckets[HASH_BUCKET(hash)]++;
		tops[HASH_DIRECTORY(hash, 6)]++;
		tags[i] = HASH_TAG(hash);
	}
	for (int i = 0; i < 64; i++) {
		/* six standard deviations */
		assert_in_range(buckets[i], 1000 - 190, 1000 + 190);
		assert_in_range(tops[i], 1000 - 190, 1000 + 190);
	}
	for (uint32_t i = 0; i < names; i += 16) {
		for (uint32_t j = 0; j < i; j++)
			equal_tags += tags[i] == tags[j];
	}
	assert_in_range(equal_tags, 0, 3);
	free(tags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_did_not_change_stay_where_they_are),
		cmocka_unit_test(a_large_change_makes_a_new_instance),
		cmocka_unit_test(everything_comes_back_when_zones_go),
		cmocka_unit_test(a_zone_that_does_not_fit_changes_nothing),
		cmocka_unit_test(an_image_full_of_names_has_room_for_pass_apexes),
		cmocka_unit_test(a_version_without_room_beside_the_old_one_needs_it_cleared),
		cmocka_unit_test(running_out_of_memory_anywhere_leaves_the_old_version),
		cmocka_unit_test(bypass_and_deadline_are_stored_in_place),
		cmocka_unit_test(bypass_in_the_midst_of_a_publish_is_seen_at_once_and_stays),
		cmocka_unit_test(each_of_many_zones_finds_its_own_names),
		cmocka_unit_test(copies_are_alike_and_a_new_one_becomes_so),
		cmocka_unit_test(copies_of_another_shape_are_refused),
		cmocka_unit_test(the_next_daemon_finds_every_zone_and_keeps_every_name),
		cmocka_unit_test(an_image_that_fails_the_walk_is_formatted),
		cmocka_unit_test(nothing_is_reused_while_the_grace_period_fails),
		cmocka_unit_test(the_deepest_names_and_the_root_have_their_place),
		cmocka_unit_test(names_cannot_be_chosen_to_collide),
		cmocka_unit_test(hashes_of_like_names_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
