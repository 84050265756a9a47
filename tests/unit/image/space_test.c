/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The allocator against a map of who holds what.
 */
#include "control/zone/image_space.h"

#include "answer/image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHARDS      3
#define SHIFT       18
#define UNITS       (SHARDS << SHIFT >> 4)
#define SHARD_UNITS (1u << SHIFT >> 4)
#define OBJECTS     4000

struct object {
	uint32_t offset, units;
};

static uint8_t held[UNITS];
static struct object objects[OBJECTS];
static uint32_t count;
static uint64_t freed;

static uint32_t draw(uint32_t bound)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % bound;
}

/* Mostly small, as entries are; a few of every size up to a shard. */
static uint32_t size_draw(void)
{
	uint32_t kind = draw(100);

	return 1 + (kind < 80          ? draw(16)
			   : kind < 97 ? draw(256)
			   : kind < 99 ? draw(4096)
				       : draw(SHARD_UNITS));
}

static void object_hold(uint32_t offset, uint32_t units)
{
	assert_true(offset >= 8 && offset + units <= UNITS); /* not over the header */
	assert_int_equal(offset / SHARD_UNITS, (offset + units - 1) / SHARD_UNITS);
	if (units <= 4)
		assert_int_equal(offset / 4, (offset + units - 1) / 4);
	for (uint32_t i = 0; i < units; i++) {
		assert_int_equal(held[offset + i], 0);
		held[offset + i] = 1;
	}
	objects[count++] = (struct object){offset, units};
}

static struct object object_let_go(uint32_t i)
{
	struct object object = objects[i];

	objects[i] = objects[--count];
	memset(held + object.offset, 0, object.units);
	return object;
}

static void freed_note(void *context, uint32_t offset, uint32_t units)
{
	(void)context;
	for (uint32_t i = 0; i < units; i++)
		assert_int_equal(held[offset + i], 0);
	freed += units;
}

static struct image_space *space_of(void)
{
	struct image_space *space;

	assert_int_equal(image_space_new(&space, SHARDS, SHIFT), 0);
	memset(held, 0, sizeof(held));
	count = 0;
	return space;
}

static uint64_t cost_of_all(void)
{
	uint64_t units = 0;

	for (uint32_t i = 0; i < count; i++)
		units += image_space_cost(objects[i].units);
	return units * 16;
}

/* Takes and gives until the image has been full several times. */
static void churn(struct image_space *space, uint32_t steps)
{
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t units = size_draw(), offset;

		if (count < OBJECTS && draw(5) < 3 &&
			(offset = image_space_take(space, units, IMAGE_USE_ENTRIES)))
			object_hold(offset, units);
		else if (count)
			image_space_give(
				space, object_let_go(draw(count)).offset, IMAGE_USE_ENTRIES);
		if (i % 500 == 0)
			assert_int_equal(image_space_used(space, IMAGE_USE_ENTRIES), cost_of_all());
	}
}

static void objects_never_overlap_nor_cross_what_they_must_not(void **state)
{
	struct image_space *space = space_of();
	uint64_t unused;

	(void)state;
	image_space_ready(space);
	unused = image_space_unused(space);
	image_space_watch(space, freed_note, NULL);
	churn(space, 60000);
	while (count)
		image_space_give(space, object_let_go(0).offset, IMAGE_USE_ENTRIES);
	/* all in one piece again */
	assert_int_equal(image_space_unused(space), unused);
	assert_int_equal(image_space_used(space, IMAGE_USE_ENTRIES), 0);
	uint32_t whole = image_space_take(space, SHARD_UNITS, IMAGE_USE_INDEX);
	assert_int_not_equal(whole, 0);
	assert_int_not_equal(image_space_take(space, SHARD_UNITS, IMAGE_USE_INDEX), 0);
	assert_int_equal(image_space_take(space, SHARD_UNITS, IMAGE_USE_INDEX), 0);
	assert_int_equal(image_space_take(space, SHARD_UNITS + 1, IMAGE_USE_INDEX), 0);
	image_space_free(space);
}

static void what_is_retired_comes_back_after_the_next_grace_period_only(void **state)
{
	struct image_space *space = space_of();

	(void)state;
	image_space_ready(space);
	image_space_watch(space, freed_note, NULL);
	uint32_t a = image_space_take(space, 4, IMAGE_USE_ENTRIES);
	uint32_t b = image_space_take(space, 4, IMAGE_USE_ENTRIES);
	uint32_t c = image_space_take(space, 300, IMAGE_USE_ENTRIES);
	freed = 0;
	image_space_retire(space, a, IMAGE_USE_ENTRIES);
	image_space_grace_begin(space);
	image_space_retire(space, b, IMAGE_USE_ENTRIES); /* during it */
	assert_int_equal(freed, 0);
	image_space_grace_end(space);
	assert_int_equal(freed, 4);
	image_space_retire(space, c, IMAGE_USE_ENTRIES);
	assert_int_equal(image_space_used(space, IMAGE_USE_QUARANTINE), (4 + 512) * 16);
	image_space_grace_begin(space);
	/* it fails: no end */
	image_space_grace_begin(space);
	assert_int_equal(freed, 4);
	image_space_grace_end(space);
	assert_int_equal(freed, 4 + 4 + 512);
	assert_int_equal(image_space_used(space, IMAGE_USE_QUARANTINE), 0);
	image_space_free(space);
}

static void an_adopted_space_goes_on_as_the_old_one_would(void **state)
{
	struct image_space *old = space_of(), *space;

	(void)state;
	image_space_ready(old);
	churn(old, 20000);
	assert_int_equal(image_space_new(&space, SHARDS, SHIFT), 0);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(image_space_adopt(space, objects[i].offset, objects[i].units,
					 IMAGE_USE_ENTRIES),
			0);
	image_space_ready(space);
	assert_int_equal(image_space_unused(space), image_space_unused(old));
	image_space_free(old);
	churn(space, 20000);
	while (count)
		image_space_give(space, object_let_go(0).offset, IMAGE_USE_ENTRIES);
	assert_int_equal(image_space_unused(space), image_space_size(space) - 4096);
	image_space_free(space);
}

static void objects_that_this_allocator_never_made_are_not_adopted(void **state)
{
	struct image_space *space = space_of();

	(void)state;
	assert_int_equal(
		image_space_adopt(space, 0, 8, IMAGE_USE_INDEX), -EINVAL); /* the header's page */
	assert_int_equal(image_space_adopt(space, 256 + 1, 5, IMAGE_USE_ENTRIES), -EINVAL);
	assert_int_equal(image_space_adopt(space, 512 + 16, 300, IMAGE_USE_ENTRIES), -EINVAL);
	assert_int_equal(image_space_adopt(space, 1024, 5, IMAGE_USE_ENTRIES), 0);
	assert_int_equal(image_space_adopt(space, 1024, 5, IMAGE_USE_ENTRIES), -EINVAL);
	assert_int_equal(image_space_adopt(space, 1024 + 30, 6, IMAGE_USE_ENTRIES), -EINVAL);
	assert_int_equal(image_space_adopt(space, 1024, 300, IMAGE_USE_ENTRIES), -EINVAL);
	assert_int_equal(
		image_space_adopt(space, SHARD_UNITS - 256, 300, IMAGE_USE_ENTRIES), -EINVAL);
	image_space_free(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_never_overlap_nor_cross_what_they_must_not),
		cmocka_unit_test(what_is_retired_comes_back_after_the_next_grace_period_only),
		cmocka_unit_test(an_adopted_space_goes_on_as_the_old_one_would),
		cmocka_unit_test(objects_that_this_allocator_never_made_are_not_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
