/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checker finds what is wrong, and nothing else happens: not with a broken image, not with
 * noise.
 */
#include "control/zone/compile_group.h"
#include "control/zone/image_check.h"
#include "tests/host/zone_image.h"
#include "tests/unit/image/reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 6000

static const char text[] =
	"@ 3600 SOA ns1 hostmaster 7 3600 600 86400 300\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n"
	"www A 10.0.0.1\nwww A 10.0.0.2\nwww MX 10 ns1\nalias CNAME www\n*.wild TXT x\n"
	"sub NS ns.sub\nsub NS ns.other\nns.sub A 10.0.0.3\nother NS ns.other\nns.other AAAA ::1\n"
	"tree DNAME example.net.\nbranch DNAME x.b.c\na.b.c MX 5 x.b.c\nx.b.c A 10.0.0.4\n";

/* The image and a copy to begin each case from. */
struct bench {
	struct zone_image z;
	uint8_t *sound;
	size_t size;
	struct reader reader;
};

static void bench_open(struct bench *b)
{
	uint8_t apex[NAME_MAX_SIZE];

	if (zone_image_open(&b->z, 1, 17) ||
		zone_image_text(&b->z, text, sizeof(text) - 1, "example."))
		fail_msg("%s", b->z.error);
	for (int i = 0; i < 900; i++) {
		char origin[32];
		snprintf(origin, sizeof(origin), "p%d.test.", i);
		if (zone_image_pass(&b->z, origin))
			break;
	}
	assert_int_equal(image_settle(b->z.image), 0);
	b->size = IMAGE_STRIDE(17);
	b->sound = malloc(b->size);
	memcpy(b->sound, b->z.memory.image, b->size);
	name_from_text(apex, "example.");
	assert_true(reader_enter(&b->reader, &b->z.memory, apex));
}

static void bench_close(struct bench *b)
{
	free(b->sound);
	zone_image_close(&b->z);
}

static int check(struct bench *b, struct image_report *report)
{
	return image_check(&b->z.memory, true, NULL, report);
}

/* Something in the image, to be broken through a pointer that may write. */
static void *at(struct bench *b, const void *place)
{
	return b->z.memory.image + ((const uint8_t *)place - b->z.memory.image);
}

static struct image_entry *entry_of(struct bench *b, const char *name)
{
	uint8_t key[NAME_MAX_SIZE];

	assert_true(name_from_text(key, name) > 0);
	return at(b, reader_entry(&b->reader, key, (uint32_t)name_size(key) - 1));
}

static struct image_fragment *group_of(struct bench *b, const char *name, uint16_t type)
{
	uint32_t r;

	return at(b, reader_group(&b->reader, entry_of(b, name), type, &r));
}

static struct image_type *types_of(struct image_entry *entry)
{
	return (void *)((uint8_t *)entry + ENTRY_TYPES_AT(entry->key_len));
}

/* Says what was found, and mends it. */
static void expect_wrong(struct bench *b, const char *what)
{
	struct image_report report;

	assert_int_equal(check(b, &report), -EBADMSG);
	if (!strstr(report.error, what))
		fail_msg("'%s' instead of '%s'", report.error, what);
	memcpy(b->z.memory.image, b->sound, b->size);
	assert_int_equal(check(b, &report), 0);
}

static void what_is_broken_in_an_entry_is_named(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	entry_of(&b, "www")->birth = 2;
	expect_wrong(&b, "settled");
	entry_of(&b, "www")->prev = 77;
	expect_wrong(&b, "settled");
	entry_of(&b, "www")->zone ^= 1;
	expect_wrong(&b, "settled");
	entry_of(&b, "www")->key[1] = 'v';
	expect_wrong(&b, "settled");
	entry_of(&b, "www")->key[1] = 'W';
	expect_wrong(&b, "bad key");
	entry_of(&b, "www")->key_len = 5;
	expect_wrong(&b, "bad key");
	entry_of(&b, "www")->labels = 2;
	expect_wrong(&b, "bad key");
	entry_of(&b, "www")->flags = ENTRY_HASHED;
	expect_wrong(&b, "lies at");
	entry_of(&b, "www")->flags = ENTRY_CUT;
	expect_wrong(&b, "flags");
	entry_of(&b, "www")->flags = ENTRY_WILDCARD;
	expect_wrong(&b, "wildcard is missing");
	entry_of(&b, "wild")->flags = 0;
	expect_wrong(&b, "wildcard unknown above");
	entry_of(&b, "b.c")->flags = ENTRY_PASS | ENTRY_CUT;
	expect_wrong(&b, "below a cut");
	entry_of(&b, "www")->types = 65;
	expect_wrong(&b, "types");
	types_of(entry_of(&b, "www"))[0].type = RR_TXT;
	expect_wrong(&b, "not in order");
	types_of(entry_of(&b, "www"))[0].where = 2;
	expect_wrong(&b, "lies at");
	types_of(entry_of(&b, "www"))[1].where -= 1;
	expect_wrong(&b, "lies at");
	bench_close(&b);
}

static void what_is_broken_in_a_fragment_is_named(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	group_of(&b, "www", RR_A)->sum ^= 1;
	expect_wrong(&b, "sum");
	group_of(&b, "www", RR_A)->data[12] ^= 1;
	expect_wrong(&b, "sum");
	group_of(&b, "www", RR_A)->stride = 14;
	expect_wrong(&b, "stride");
	group_of(&b, "www", RR_A)->records[0] = 3;
	expect_wrong(&b, "count of records");
	group_of(&b, "www", RR_A)->length -= 2;
	expect_wrong(&b, "stride and length");
	group_of(&b, "www", RR_A)->flags = 0x40;
	expect_wrong(&b, "unknown flags");
	group_of(&b, "www", RR_A)->flags = FRAGMENT_TARGET;
	expect_wrong(&b, "TARGET");
	group_of(&b, "tree", RR_DNAME)->flags = FRAGMENT_TARGET;
	expect_wrong(&b, "doesn't end at the apex");
	struct image_fragment *branch = group_of(&b, "branch", RR_DNAME);
	assert_memory_equal(branch->data + 12, "\1x\1b\1c\7example", 15);
	branch->data[16] = 9; /* a label that goes on beyond where the apex begins */
	branch->sum = group_sum(branch->data, branch->length);
	expect_wrong(&b, "doesn't end at the apex");
	branch->data[12] = 63;
	branch->sum = group_sum(branch->data, branch->length);
	expect_wrong(&b, "an alias's target");
	group_of(&b, "www", RR_A)->flags = FRAGMENT_OVERSIZE;
	expect_wrong(&b, "oversize");
	group_of(&b, "www", RR_MX)->odd[BASE_APEX] ^= 1;
	expect_wrong(&b, "odd places");
	group_of(&b, "www", RR_MX)->data[0] = 0x80;
	expect_wrong(&b, "no pointer");
	group_of(&b, "www", RR_MX)->data[1] = 13;
	expect_wrong(&b, "");
	group_of(&b, "sub", RR_NS)->data[1] = 200;
	expect_wrong(&b, "leads astray");
	at(&b, reader_negative(&b.reader));
	((struct image_fragment *)at(&b, reader_negative(&b.reader)))->sum ^= 0x100;
	expect_wrong(&b, "sum");
	bench_close(&b);
}

static void what_is_broken_around_them_is_named(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	struct image_header *header = at(&b, b.z.memory.image);
	struct image_version *version = at(&b, b.reader.version);
	header->names += 1;
	expect_wrong(&b, "");
	header->names |= 20ull << 32;
	expect_wrong(&b, "index word");
	header->shards = 2;
	expect_wrong(&b, "shards");
	header->depths[0] = 0;
	expect_wrong(&b, "depth");
	header->zone_seed ^= 1;
	expect_wrong(&b, "don't find");
	version->number = 0;
	expect_wrong(&b, "number");
	version->apex += 1;
	expect_wrong(&b, "another apex");
	version->seed ^= 1;
	expect_wrong(&b, "another apex");
	version->max_labels = 1;
	expect_wrong(&b, "max_labels");
	version->negative = 0xffffff;
	expect_wrong(&b, "negative");
	header->magic = 0;
	struct image_report report;
	assert_int_equal(check(&b, &report), -ENODATA);
	bench_close(&b);
}

/* Each bucket's slots in turn: gone, somewhere else, twice. */
static void what_is_broken_in_the_index_is_named(void **state)
{
	struct bench b;
	struct image_report report;
	uint32_t seen = 0, spare;

	(void)state;
	bench_open(&b);
	const struct image_header *header = at(&b, b.z.memory.image);
	const uint32_t *directory = at(&b, b.z.memory.image + (size_t)(uint32_t)header->names * 16);
	uint64_t *slots = at(&b, b.z.memory.image + (size_t)directory[0] * 16);
	for (uint32_t i = 0; i < IMAGE_BUCKETS * IMAGE_SLOTS; i++) {
		if (!SLOT_OFFSET(slots[i]))
			continue;
		seen++;
		slots[(i + 8 * 33) % 512] = slots[i];
		slots[i] = 0; /* not where its hash says */
		expect_wrong(&b, "");
		slots[i] ^= 1ull << 32; /* another tag */
		expect_wrong(&b, "");
		spare = i / IMAGE_SLOTS * IMAGE_SLOTS;
		while (spare % IMAGE_SLOTS != IMAGE_SLOTS - 1 && slots[spare])
			spare++;
		if (!slots[spare]) {
			slots[spare] = slots[i]; /* twice in the bucket */
			expect_wrong(&b, "twice");
		}
		slots[i] += 1; /* the middle of an object */
		expect_wrong(&b, "");
	}
	assert_true(seen >= 12);
	assert_int_equal(check(&b, &report), 0);
	bench_close(&b);
}

static void noise_is_survived(void **state)
{
	struct bench b;
	struct image_report report;
	uint64_t random = 1;
	uint32_t wrong = 0;

	(void)state;
	bench_open(&b);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t places = 1 + round % 4;

		for (uint32_t i = 0; i < places; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			size_t place = (size_t)(random >> 20) % (1u << 17);
			if (place >= 16)
				b.z.memory.image[place] ^= (uint8_t)(1u << (random >> 60 & 7));
		}
		int error = image_check(&b.z.memory, round % 2, NULL, &report);
		assert_true(error == 0 || error == -EBADMSG);
		wrong += error != 0;
		memcpy(b.z.memory.image, b.sound, b.size);
	}
	/* a good part of the image is in use */
	assert_true(wrong > ROUNDS / 4);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_broken_in_an_entry_is_named),
		cmocka_unit_test(what_is_broken_in_a_fragment_is_named),
		cmocka_unit_test(what_is_broken_around_them_is_named),
		cmocka_unit_test(what_is_broken_in_the_index_is_named),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
