/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The gate of the answer image: one writer that publishes, removes, bypasses, and dies between any
 * two of its stores (or in the middle of one); readers that never wait. Every look-up of every
 * reader is that of one version, and of one that was current while it ran: of a name, and in signed
 * zones of the denial at or before it. What was freed is poisoned at once.
 *
 * This file brings its own image_store_*(): the linker takes them instead of
 * control/zone/image_store.c's.
 */
#include "control/zone/image_check.h"
#include "control/zone/image_store.h"
#include "control/zone/image.h"
#include "tests/host/chain.h"
#include "tests/unit/image/reader.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#define ZONES     3
#define NAMES     150 /* that a zone may have */
#define READERS   3
#define SECONDS   4
#define RRS       5
#define TEXT_SIZE 65536

/* A killed writer frees nothing: no leaks are looked for, whatever the environment's options are.
 */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}

/* ---- stores that may be the writer's last ---- */

static jmp_buf death;
static long stores_left = -1; /* -1: immortal */
static long stores_made;

static bool store_dies(void)
{
	stores_made++;
	return stores_left >= 0 && stores_left-- == 0;
}

void image_store_bytes(const struct image_targets *targets, uint32_t offset, uint32_t at,
	const void *from, size_t size)
{
	for (unsigned i = 0; i < targets->count; i++) {
		bool dies = store_dies();

		memcpy((uint8_t *)image_place(targets->memory[i], offset) + at, from,
			dies ? size / 2 : size);
		if (dies)
			longjmp(death, 1);
	}
}

void image_store_u32(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint32_t value)
{
	for (unsigned i = 0; i < targets->count; i++) {
		uint8_t *place = image_place(targets->memory[i], offset);

		if (store_dies())
			longjmp(death, 1);
		__atomic_store_n((uint32_t *)(void *)(place + at), value, __ATOMIC_RELEASE);
	}
}

void image_store_u64(
	const struct image_targets *targets, uint32_t offset, uint32_t at, uint64_t value)
{
	for (unsigned i = 0; i < targets->count; i++) {
		uint8_t *place = image_place(targets->memory[i], offset);

		if (store_dies())
			longjmp(death, 1);
		__atomic_store_n((uint64_t *)(void *)(place + at), value, __ATOMIC_RELEASE);
	}
}

/* ---- what each version of each zone says: a function, so that readers need no data ---- */

static const char *const origins[ZONES] = {"example.", "sub.example.", "another.test."};
/* How each is signed. */
static const struct zone_signing signings[ZONES] = {
	{0},
	{.denial = ZONE_NSEC},
	{.denial = ZONE_NSEC3, .salt_size = 2, .salt = (const uint8_t *)"\xab\xcd"},
};

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
	uint64_t h = (a * 0x9e3779b97f4a7c15ull) ^ (b * 0xc2b2ae3d27d4eb4full) ^
		     (c + 1) * 0xd6e8feb86659fd93ull;

	h ^= h >> 29;
	h *= 0x9e3779b97f4a7c15ull;
	return (uint32_t)(h >> 32);
}

/* When the name last changed: most seldom, a few with each version, and all with every 16th. */
static uint32_t edition(uint32_t zone, uint32_t name, uint32_t serial)
{
	uint32_t period = 1 + mix(zone, name, 0) % 20;

	return serial / 16 * 64 + serial % 16 / period + 1;
}

/* Address records of the name: 0 = it doesn't exist. */
static uint32_t records_of(uint32_t zone, uint32_t name, uint32_t serial)
{
	uint32_t h = mix(zone, name, edition(zone, name, serial));

	return h % 4 == 0 ? 0 : 1 + h / 4 % RRS;
}

static uint32_t address_of(uint32_t zone, uint32_t name, uint32_t serial, uint32_t record)
{
	return mix(zone, name, edition(zone, name, serial)) << 3 | record;
}

/* Some names stand below an empty non-terminal. */
static void name_write(char *to, size_t size, uint32_t name)
{
	if (name % 3)
		snprintf(to, size, "n%u", name);
	else
		snprintf(to, size, "n%u.e%u", name, name % 9);
}

static struct compiled *version_compile(uint32_t zone, uint32_t serial)
{
	const struct zone_limits limits = {0};
	char reason[ZONE_REASON_SIZE], *text = malloc(TEXT_SIZE), label[32];
	struct compiled *compiled = NULL;
	struct zone *parsed = NULL, *whole = NULL;
	size_t used;

	used = (size_t)snprintf(text, TEXT_SIZE,
		"@ 60 SOA ns h %u 60 60 600 60\n@ 60 NS ns\nns 60 A 192.0.2.1\n", serial);
	for (uint32_t i = 0; i < NAMES; i++) {
		name_write(label, sizeof(label), i);
		for (uint32_t r = 0; r < records_of(zone, i, serial); r++) {
			uint32_t a = address_of(zone, i, serial, r);
			used += (size_t)snprintf(text + used, TEXT_SIZE - used,
				"%s 60 A %u.%u.%u.%u\n", label, a >> 24, a >> 16 & 255,
				a >> 8 & 255, a & 255);
		}
	}
	if (zone_text_parse(&parsed, text, used, origins[zone], &limits, reason) ||
		zone_sign(&whole, parsed, &signings[zone]) || compile_zone(&compiled, whole)) {
		fprintf(stderr, "model zone: %s\n", reason);
		abort();
	}
	zone_free(whole);
	zone_free(parsed);
	free(text);
	return compiled;
}

/* ---- chains ---- */

/* Names of a chain beyond the numbered ones. */
enum { WHO_ALWAYS = NAMES, WHO_EMPTY }; /* WHO_EMPTY + e: the empty non-terminal "e<e>" */

static struct chain chains[ZONES];

static bool who_exists(uint32_t who, uint32_t serial, void *context)
{
	uint32_t zone = *(const uint32_t *)context;

	if (who < NAMES)
		return records_of(zone, who, serial) != 0;
	if (who == WHO_ALWAYS)
		return true;
	/* RFC 5155 section 7.1; NSEC has none of them */
	for (uint32_t name = 0; name < NAMES; name += 3) {
		if (name % 9 == who - WHO_EMPTY && records_of(zone, name, serial))
			return signings[zone].denial == ZONE_NSEC3;
	}
	return false;
}

static void chain_name(uint32_t zone, const char *label, uint32_t who)
{
	uint8_t name[NAME_MAX_SIZE];
	char text[64];

	snprintf(text, sizeof(text), "%s%s%s", label, *label ? "." : "", origins[zone]);
	assert_true(name_from_text(name, text) > 0);
	assert_int_equal(chain_add(&chains[zone], name, who), 0);
}

static void chains_make(void)
{
	static uint32_t numbers[ZONES];
	char label[32];

	for (uint32_t zone = 0; zone < ZONES; zone++) {
		struct chain *chain = &chains[zone];

		numbers[zone] = zone;
		*chain = (struct chain){
			.signing = signings[zone], .exists = who_exists, .context = &numbers[zone]};
		assert_true(name_from_text(chain->origin, origins[zone]) > 0);
		chain_name(zone, "", WHO_ALWAYS);
		chain_name(zone, "ns", WHO_ALWAYS);
		for (uint32_t i = 0; i < NAMES; i++) {
			name_write(label, sizeof(label), i);
			chain_name(zone, label, i);
		}
		for (uint32_t e = 0; e < 9; e += 3) {
			snprintf(label, sizeof(label), "e%u", e);
			chain_name(zone, label, WHO_EMPTY + e);
		}
		chain_sort(chain);
	}
}

static void chains_drop(void)
{
	for (uint32_t zone = 0; zone < ZONES; zone++)
		chain_free(&chains[zone]);
}

/* ---- readers ---- */

struct counted {
	uint64_t lookups; /* odd while it reads */
	uint64_t answers; /* by the reader alone */
	uint8_t pad[48];
};

static struct counted readers[READERS];
static struct engine_memory memory;
static uint8_t apexes[ZONES][NAME_MAX_SIZE];

/* Of each zone: the last version that a publish returned for (0: none, or anything may be), and the
 * last begun. */
static uint32_t shown[ZONES], begun[ZONES];
static uint32_t stop_readers;
static char failure[256];
static uint32_t failed;

__attribute__((format(printf, 1, 2))) static void reader_failed(const char *format, ...)
{
	va_list arguments;

	if (__atomic_exchange_n(&failed, 1, __ATOMIC_ACQ_REL))
		return;
	va_start(arguments, format);
	vsnprintf(failure, sizeof(failure), format, arguments);
	va_end(arguments);
	__atomic_store_n(&failed, 2, __ATOMIC_RELEASE);
}

static int grace_count(void *engine)
{
	(void)engine;
	for (int i = 0; i < READERS; i++) {
		/* read-modify-write on both sides: whoever comes second has seen all that the other
		 * did before */
		uint64_t seen = __atomic_fetch_add(&readers[i].lookups, 0, __ATOMIC_SEQ_CST);

		while (seen & 1 && __atomic_load_n(&readers[i].lookups, __ATOMIC_ACQUIRE) == seen)
			sched_yield();
	}
	return 0;
}

static uint32_t serial_of(const struct image_fragment *soa)
{
	const uint8_t *at = soa->data + soa->length - 20;

	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t fragment_sum(const struct image_fragment *f)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < f->length; i++)
		sum += (uint32_t)f->data[i] << (i & 1 ? 8 : 0);
	return (uint32_t)(sum % 65535);
}

/* Is the entry exactly what the version says of the name? */
static bool entry_matches(const struct reader *reader, const struct image_entry *entry,
	uint32_t zone, uint32_t name, uint32_t serial)
{
	uint32_t wanted = records_of(zone, name, serial), met = 0, r;
	const struct image_fragment *f = entry ? reader_group(reader, entry, RR_A, &r) : NULL;

	if (!wanted || !f)
		return !wanted && !f;
	if (f->records[0] != wanted || f->length != 16 * wanted ||
		fragment_sum(f) != f->sum % 65535u)
		return false;
	for (uint32_t i = 0; i < wanted; i++) {
		const uint8_t *at = f->data + 16 * i + 12;
		uint32_t a = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			     at[3];

		for (uint32_t j = 0; j < wanted; j++)
			met |= (uint32_t)(a == address_of(zone, name, serial, j)) << j;
	}
	return met == (1u << wanted) - 1;
}

/* Behind the owner's name and the fixed fields of a record: RDATA. */
static const uint8_t *record_rdata(const uint8_t *record)
{
	while (*record && *record < 0xc0)
		record += 1u + *record;
	return record + (*record ? 2 : 1) + 10;
}

/* Is what the version proves of one of the chain's names what it says? */
static bool denial_matches(
	const struct reader *reader, uint32_t zone, uint32_t which, uint32_t serial)
{
	const struct chain *chain = &chains[zone];
	const struct chain_point *of = &chain->points[which], *wanted;
	const struct image_denial *d;
	const struct image_fragment *f;
	const uint8_t *rdata;

	if (signings[zone].denial == ZONE_UNSIGNED)
		return !reader->version->denial;
	d = reader_denial(reader, of->key, of->key_size);
	wanted = chain_at(chain, which, serial);
	if (!d || d->key_len != wanted->key_size || memcmp(d->key, wanted->key, d->key_len))
		return false;
	f = (const void *)((const uint8_t *)d + DENIAL_GROUP_AT(d->key_len));
	rdata = record_rdata(f->data);
	return f->records[1] == 2 && fragment_sum(f) == f->sum % 65535u &&
	       chain_leads(chain, wanted, serial, rdata, (size_t)(f->data + f->length - rdata));
}

/* The name's key without its zone, from the presentation form of name_write(). */
static uint32_t key_make(uint32_t name, uint8_t key[NAME_MAX_SIZE])
{
	char text[32];

	name_write(text, sizeof(text), name);
	return (uint32_t)name_from_text(key, text) - 1;
}

/* One look-up; between the counts. */
static void zone_look(uint32_t zone, uint32_t name, uint32_t before)
{
	struct reader reader = {0};
	uint8_t key[NAME_MAX_SIZE];
	uint32_t key_len = key_make(name, key), serial;
	bool there = reader_enter(&reader, &memory, apexes[zone]) && reader.version;

	if (!there) {
		/* passing is right whenever the zone is gone, bypassed, or the image is being
		 * formatted */
		if (before && __atomic_load_n(&shown[zone], __ATOMIC_ACQUIRE) == before)
			reader_failed("zone %u passes though version %u stands", zone, before);
		return;
	}
	serial = reader.version->serial;
	if (serial < before || serial > __atomic_load_n(&begun[zone], __ATOMIC_ACQUIRE))
		reader_failed("zone %u: version %u after %u was shown", zone, serial, before);
	if (serial_of(reader_negative(&reader)) != serial)
		reader_failed("zone %u: SOA of another version than %u", zone, serial);
	if (!entry_matches(&reader, reader_entry(&reader, key, key_len), zone, name, serial))
		reader_failed("zone %u, name %u: not what version %u says", zone, name, serial);
	if (!denial_matches(&reader, zone, name, serial))
		reader_failed(
			"zone %u: version %u proves something else of %u", zone, serial, name);
}

/* A reader is interrupted now and then, anywhere. */
static void reader_dawdle(void)
{
	static __thread uint32_t random = 1;

	random = mix(random, 5, 7);
	for (uint32_t i = 0; random % 64 == 0 && i < 3; i++)
		sched_yield();
}

static void *reader_run(void *argument)
{
	struct counted *me = argument;
	uint32_t random = (uint32_t)(me - readers) + 1;

	while (!__atomic_load_n(&stop_readers, __ATOMIC_ACQUIRE) &&
		!__atomic_load_n(&failed, __ATOMIC_ACQUIRE)) {
		random = mix(random, 1, 2);
		uint32_t zone = random % ZONES, name = random / ZONES % NAMES;
		uint32_t before = __atomic_load_n(&shown[zone], __ATOMIC_ACQUIRE);

		__atomic_fetch_add(&me->lookups, 1, __ATOMIC_SEQ_CST);
		zone_look(zone, name, before);
		__atomic_fetch_add(&me->lookups, 1, __ATOMIC_SEQ_CST);
		if (++me->answers % 64 == 0)
			sched_yield(); /* so that few are interrupted inside a look-up, which holds
					  up the grace period */
	}
	return NULL;
}

/* ---- the writer ---- */

static const struct image_options poison = {.poison = true};

static void memory_make(uint32_t shards, uint32_t shift)
{
	memory = (struct engine_memory){
		.shards = shards, .shard_shift = shift, .grace = grace_count};
	memory.image = mmap(NULL, shards * IMAGE_STRIDE(shift), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory.image != MAP_FAILED);
	for (int i = 0; i < ZONES; i++)
		assert_true(name_from_text(apexes[i], origins[i]) > 0);
	memset(shown, 0, sizeof(shown));
	memset(begun, 0, sizeof(begun));
}

static void memory_drop(void)
{
	munmap(memory.image, memory.shards * IMAGE_STRIDE(memory.shard_shift));
}

static struct image *writer_open(bool expect_adopted)
{
	struct engine_memory *memories[] = {&memory};
	struct image *image = NULL;
	bool adopted = false;
	int error = image_open(&image, memories, 1, &poison, &adopted);

	assert_int_equal(error, 0);
	assert_int_equal(adopted, expect_adopted);
	return image;
}

static void image_expect_settled(void)
{
	struct image_report report;
	int error = image_check(&memory, true, NULL, &report);

	if (error)
		fail_msg("%s (%s)", report.error, strerror(-error));
}

/* One version; returns what image_zone_publish() did. */
static int version_publish(struct image *image, uint32_t zone, struct compiled *compiled)
{
	int error = image_zone_add(image, apexes[zone]);

	assert_true(error == 0 || error == -EEXIST);
	__atomic_store_n(&begun[zone], compiled->serial, __ATOMIC_RELEASE);
	error = image_zone_publish(image, compiled, UINT64_MAX, NULL);
	if (!error)
		__atomic_store_n(&shown[zone], compiled->serial, __ATOMIC_RELEASE);
	return error;
}

/* What the writer does next; may die. */
static void writer_step(
	struct image *image, uint32_t zone, uint32_t dice, struct compiled *compiled)
{
	if (dice % 32 == 0) {
		__atomic_store_n(&shown[zone], 0, __ATOMIC_RELEASE);
		image_zone_remove(image, apexes[zone]);
	} else if (dice % 32 == 1) {
		__atomic_store_n(&shown[zone], 0, __ATOMIC_RELEASE);
		image_zone_bypass(image, apexes[zone], true);
		image_zone_bypass(image, apexes[zone], false);
	} else if (dice % 32 == 2) {
		__atomic_store_n(&shown[zone], 0, __ATOMIC_RELEASE);
		image_zone_clear(image, apexes[zone]);
	} else {
		assert_int_equal(version_publish(image, zone, compiled), 0);
	}
	if (dice / 32 % 3 == 0)
		assert_int_equal(image_settle(image), 0);
}

/* volatile: they live over longjmp() */
static void every_lookup_is_of_one_version_while_the_writer_dies_again_and_again(void **state)
{
	pthread_t threads[READERS];
	struct timespec now, end;
	struct image *volatile image;
	struct compiled *volatile compiled = NULL;
	volatile uint32_t serial = 0, dice = 1, deaths = 0;
	volatile uint64_t answers = 0;

	(void)state;
	memory_make(8, 17);
	image = writer_open(false);
	reader_pause = reader_dawdle;
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += SECONDS;
	do {
		uint32_t zone;

		dice = mix(dice, 3, serial);
		zone = dice / 64 % ZONES;
		serial++;
		compiled_free(compiled);
		compiled = version_compile(zone, serial);
		if (setjmp(death) == 0) {
			/* near and far: within the slots of a batch, and in the middle of objects
			 */
			stores_left = dice & 1 ? dice / 1024 % 64 : (long)(dice / 1024 % 1500);
			if (serial % 2)
				stores_left = -1;
			writer_step(image, zone, dice / 4096, compiled);
			stores_left = -1;
		} else {
			stores_left = -1;
			deaths++;
			image_close(image);
			image = writer_open(true);
			/* a writer that died between the two may have left it bypassed */
			for (uint32_t i = 0; i < ZONES; i++) {
				struct image_zone_state zone_state;
				if (!image_zone_state(image, apexes[i], &zone_state) &&
					zone_state.bypassed) {
					image_zone_bypass(image, apexes[i], false);
				}
			}
		}
		if (serial % 8 == 0) {
			assert_int_equal(image_settle(image), 0);
			image_expect_settled();
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec && !__atomic_load_n(&failed, __ATOMIC_ACQUIRE));
	__atomic_store_n(&stop_readers, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		answers += readers[i].answers;
	}
	if (failed)
		fail_msg("%s", failure);
	print_message("%u versions, %u deaths, %llu look-ups\n", serial, deaths,
		(unsigned long long)answers);
	assert_true(deaths >= 20);
	assert_true(answers > 10000);
	assert_int_equal(image_settle(image), 0);
	assert_int_equal(image_settle(image), 0);
	image_expect_settled();
	compiled_free(compiled);
	image_close(image);
	memory_drop();
}

/* All names of the zone at once, as one reader sees them: the version, or 0 if it passes. */
static uint32_t zone_expect_whole(uint32_t zone)
{
	struct reader reader;

	if (!reader_enter(&reader, &memory, apexes[zone]) || !reader.version)
		return 0;
	uint32_t serial = reader.version->serial;
	assert_int_equal(serial_of(reader_negative(&reader)), serial);
	for (uint32_t name = 0; name < NAMES; name++) {
		uint8_t key[NAME_MAX_SIZE];
		uint32_t key_len = key_make(name, key);
		const struct image_entry *entry = reader_entry(&reader, key, key_len);

		if (!entry_matches(&reader, entry, zone, name, serial))
			fail_msg("name %u is not what version %u says", name, serial);
	}
	for (uint32_t which = 0; which < chains[zone].count; which++) {
		if (!denial_matches(&reader, zone, which, serial))
			fail_msg("version %u proves something else of %u", serial, which);
	}
	return serial;
}

/*
 * From version 'from' to 'to' of a zone, settled: dies at every single store, and each time the
 * next writer finds the whole of one version or the other.
 */
static void every_death_leaves_one_version(uint32_t zone, uint32_t from, uint32_t to)
{
	struct compiled *compiled[2] = {version_compile(zone, from), version_compile(zone, to)};
	struct image *volatile image;
	volatile long at;

	for (at = 0;; at++) {
		uint32_t met;

		memory_make(8, 16);
		image = writer_open(false);
		assert_int_equal(version_publish(image, zone, compiled[0]), 0);
		assert_int_equal(image_settle(image), 0);
		if (setjmp(death) == 0) {
			stores_left = at;
			assert_int_equal(version_publish(image, zone, compiled[1]), 0);
			assert_int_equal(image_settle(image), 0);
			stores_left = -1;
			image_close(image);
			memory_drop();
			break;
		}
		stores_left = -1;
		met = zone_expect_whole(zone);
		assert_true(met == from || met == to);
		image_close(image);
		image = writer_open(true);
		assert_int_equal(zone_expect_whole(zone), met);
		assert_int_equal(image_settle(image), 0);
		image_expect_settled();
		assert_int_equal(zone_expect_whole(zone), met);
		assert_int_equal(version_publish(image, zone, compiled[1]), 0);
		assert_int_equal(zone_expect_whole(zone), to);
		assert_int_equal(image_settle(image), 0);
		image_expect_settled();
		image_close(image);
		memory_drop();
	}
	print_message("%ld deaths\n", at);
	assert_true(at > 50);
	compiled_free(compiled[0]);
	compiled_free(compiled[1]);
}

static void every_death_in_a_change_leaves_one_version(void **state)
{
	(void)state;
	every_death_leaves_one_version(0, 17, 18);
}

static void every_death_in_a_new_instance_leaves_one_version(void **state)
{
	(void)state;
	every_death_leaves_one_version(0, 14, 17);
}

static void every_death_in_a_change_leaves_one_chain_of_nsec(void **state)
{
	(void)state;
	every_death_leaves_one_version(1, 17, 18);
}

static void every_death_in_a_change_leaves_one_chain_of_nsec3(void **state)
{
	(void)state;
	every_death_leaves_one_version(2, 17, 18);
}

static struct image *writer_open_two(struct engine_memory *second)
{
	struct engine_memory *memories[] = {&memory, second};
	struct image *image = NULL;

	assert_int_equal(image_open(&image, memories, 2, &poison, NULL), 0);
	return image;
}

/* Readers of each copy see one version or the other; the next writer makes the copies equal. */
static void every_death_between_two_copies_is_mended(void **state)
{
	struct compiled *compiled[2] = {version_compile(0, 17), version_compile(0, 18)};
	struct image *volatile image;
	volatile long at = 0;
	volatile bool died = true;
	struct engine_memory second;

	(void)state;
	for (; died; at++) {
		uint32_t met[2];

		memory_make(4, 16);
		second = memory;
		memory_make(4, 16);
		image = writer_open_two(&second);
		assert_int_equal(version_publish(image, 0, compiled[0]), 0);
		died = false;
		if (setjmp(death) == 0) {
			stores_left = at;
			version_publish(image, 0, compiled[1]);
			image_settle(image);
		} else {
			died = true;
		}
		stores_left = -1;
		image_close(image);
		for (int i = 0; i < 2; i++) {
			struct engine_memory first = memory;

			met[i] = zone_expect_whole(0);
			assert_true(met[i] == 17 || met[i] == 18);
			memory = second; /* look at the other one */
			second = first;
		}
		image = writer_open_two(&second);
		assert_int_equal(zone_expect_whole(0), met[0]);
		assert_memory_equal(memory.image, second.image, 4 * IMAGE_STRIDE(16));
		assert_int_equal(image_settle(image), 0);
		image_expect_settled();
		assert_memory_equal(memory.image, second.image, 4 * IMAGE_STRIDE(16));
		image_close(image);
		memory_drop();
		memory = second;
		memory_drop();
	}
	assert_true(at > 100);
	compiled_free(compiled[0]);
	compiled_free(compiled[1]);
}

/* What the first writer is at when it dies, after version 17 of zone 0. */
typedef void deed(struct image *image, struct compiled *next);

static void deed_publish(struct image *image, struct compiled *next)
{
	version_publish(image, 0, next);
	image_settle(image);
}

static void deed_remove(struct image *image, struct compiled *next)
{
	(void)next;
	image_zone_remove(image, apexes[0]);
	image_settle(image);
}

/* The first writer dies at store `first` of its deed, the one that adopts at store `at`. False:
 * nobody died there. */
static bool two_deaths(deed *act, long first, long at, struct compiled *compiled[2])
{
	struct image *volatile image;
	volatile bool died = false;
	volatile uint32_t met;

	memory_make(4, 16);
	image = writer_open(false);
	assert_int_equal(version_publish(image, 0, compiled[0]), 0);
	if (setjmp(death) == 0) {
		stores_left = first;
		act(image, compiled[1]);
	}
	stores_left = -1;
	image_close(image);
	met = zone_expect_whole(0);
	assert_true(met == 17 || met == (act == deed_remove ? 0 : 18));
	if (setjmp(death) == 0) {
		stores_left = at;
		image = writer_open(true);
		stores_left = -1;
	} else {
		died = true;
		stores_left = -1;
		assert_int_equal(zone_expect_whole(0), met);
		image = writer_open(true);
	}
	assert_int_equal(zone_expect_whole(0), met);
	assert_int_equal(image_settle(image), 0);
	image_expect_settled();
	assert_int_equal(zone_expect_whole(0), met);
	image_close(image);
	memory_drop();
	return died;
}

static void every_death_of_an_adopting_writer_can_be_adopted(void **state)
{
	struct compiled *compiled[2] = {version_compile(0, 17), version_compile(0, 18)};
	deed *const deeds[] = {deed_publish, deed_remove};

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (long first = 1; first < 400; first += 29) {
			long at = 0;

			while (two_deaths(deeds[i], first, at, compiled))
				at += 5;
			assert_true(at > 0);
		}
	}
	compiled_free(compiled[0]);
	compiled_free(compiled[1]);
}

static int chains_setup(void **state)
{
	(void)state;
	chains_make();
	return 0;
}

static int chains_teardown(void **state)
{
	(void)state;
	chains_drop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_death_in_a_change_leaves_one_version),
		cmocka_unit_test(every_death_in_a_new_instance_leaves_one_version),
		cmocka_unit_test(every_death_in_a_change_leaves_one_chain_of_nsec),
		cmocka_unit_test(every_death_in_a_change_leaves_one_chain_of_nsec3),
		cmocka_unit_test(every_death_of_an_adopting_writer_can_be_adopted),
		cmocka_unit_test(every_death_between_two_copies_is_mended),
		cmocka_unit_test(
			every_lookup_is_of_one_version_while_the_writer_dies_again_and_again),
	};

	return cmocka_run_group_tests(tests, chains_setup, chains_teardown);
}
