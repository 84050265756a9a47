/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The small words of the core (hash.h, sum.h, the name's part of parse.h), each against the
 * plainest way to say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/host/plain.h"
#include "answer/answer.h"

#define ROUNDS  20000u
#define DNS_AT  42u
#define NAME_AT (DNS_AT + DNS_HEADER)

static u64 random_next(void)
{
	static u64 state = 0x2545f4914f6cdd1dull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x9e3779b97f4a7c15ull;
}

static u32 random_below(u32 limit)
{
	return (u32)((random_next() >> 32) * limit >> 32);
}

static u8 octet_fold(u8 octet)
{
	return octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;
}

static void folding_touches_letters_only(void **state)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		u64 word = random_next(), expected = 0;

		/* each octet in each place, among random ones */
		word &= ~(0xffull << round % 8 * 8);
		word |= (u64)(round / 8 % 256) << round % 8 * 8;
		for (u32 i = 0; i < 64; i += 8)
			expected |= (u64)octet_fold((u8)(word >> i)) << i;
		assert_int_equal(word_fold(word), expected);
	}
}

static void a_word_matches_a_key_when_its_folded_octets_do(void **state)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		u64 word = random_next(), key = word_fold(word);
		u64 other = word ^ 1ull << random_below(64);

		assert_false(words_differ(word, other, key, word_fold(other), ~0ull, ~0ull));
		assert_int_equal(!words_differ(word, other, key, key, ~0ull, ~0ull),
			word_fold(other) == key);
		assert_int_equal(!words_differ(other, word, key, key, ~0ull, ~0ull),
			word_fold(other) == key);
		/* an octet beside the letters, whose 0x20 differs */
		other = (word & ~0xffull) | "@[`{\0 \xc1\xe1"[random_below(8)];
		assert_true(words_differ(other ^ 0x20, word, word_fold(other), key, ~0ull, ~0ull));
	}
}

static void a_word_keeps_its_first_octets(void **state)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		u32 n = 1 + round % 8;
		u64 word = random_next() | 0x8080808080808080ull, expected = 0;

		for (u32 i = 0; i < n; i++)
			expected |= word & 0xffull << i * 8;
		assert_int_equal(word_first(word, n), expected);
	}
}

/* What hash.h says of the hash, in single octets. */
static u64 hash_said(const u8 *name, u32 length, u64 seed)
{
	u64 start = seed ^ (u64)length * HASH_K2;
	u64 lanes[2] = {start, (start >> 32 | start << 32) + HASH_K1};
	u64 h;

	for (s32 block = (s32)length - 16;; block -= 16) {
		for (s32 lane = 0; lane < 2; lane++) {
			u64 word = 0, x;

			for (s32 i = 0; i < 8; i++)
				if (block + lane * 8 + i >= 0)
					word |= (u64)name[block + lane * 8 + i] << i * 8;
			x = lanes[lane] ^ (word | 0x2020202020202020ull);
			lanes[lane] = (x & 0xffffffff) * (x >> 32) + (x << 23 | x >> 41);
		}
		if (block <= 0)
			break;
	}
	h = lanes[0] + (lanes[1] << 32 | lanes[1] >> 32);
	h = (h ^ h >> 32) * HASH_K2;
	h = (h ^ h >> 29) * HASH_K0;
	return h ^ h >> 32;
}

/* A name of random labels, without the root label, of at most `room` octets. */
static u32 name_random(u8 *name, u32 room)
{
	u32 length = 0;

	for (;;) {
		u32 label = 1 + random_below(random_below(8) ? 12 : 63);

		if (length + 1 + label > room || random_below(12) == 0)
			return length;
		name[length++] = (u8)label;
		for (u32 i = 0; i < label; i++)
			name[length++] = (u8)random_next();
	}
}

/* The core's hash of name[at .. at + length). */
static u64 hash_taken(struct query *q, u32 at, u32 length, u64 seed)
{
	assert_int_equal(name_hash(NULL, q, NAME_IN_QUERY, at + length, length, seed), STEP_NEXT);
	return q->hash;
}

static void the_hash_is_the_normative_one(void **state)
{
	static struct query q;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 at = random_below(8), length = name_random(q.name + at, 250 - at);
		u64 seed = random_next();

		/* what is around the name doesn't count */
		q.name[at + length] = (u8)random_next();
		for (u32 i = 0; i < NAME_BLOCK; i++)
			q.name_front[i] = (u8)random_next();
		assert_int_equal(
			hash_taken(&q, at, length, seed), hash_said(q.name + at, length, seed));
	}
}

static void the_hash_does_not_see_case(void **state)
{
	static struct query q;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 length = name_random(q.name, 254);
		u64 hash = hash_taken(&q, 0, length, 7);

		for (u32 i = 0; i < length; i++)
			q.name[i] = octet_fold(q.name[i]);
		assert_int_equal(hash_taken(&q, 0, length, 7), hash);
	}
}

/*
 * Two names that differ in few bits are filed apart, under nearly every seed: no difference cancels
 * another one. Bit 5 of an octet isn't part of the hash.
 */
static void no_difference_cancels_another(void **state)
{
	static struct query q;

	for (u32 round = 0; round < 2000; round++) {
		u32 places[2] = {random_below(32), random_below(32)};
		u32 bits[2] = {round & 1 ? 7 : random_below(8), round & 1 ? 7 : random_below(8)};
		u32 same = 0;

		if (bits[0] == 5 || bits[1] == 5 || (places[0] == places[1] && bits[0] == bits[1]))
			continue;
		for (u32 seed = 0; seed < 16; seed++) {
			u64 secret = random_next(), hash;

			for (u32 i = 0; i < 32; i++)
				q.name[i] = (u8)random_next();
			hash = hash_taken(&q, 0, 32, secret);
			for (u32 i = 0; i < 2; i++)
				q.name[places[i]] ^= (u8)(1 << bits[i]);
			same += HASH_TAG(hash_taken(&q, 0, 32, secret)) == HASH_TAG(hash);
		}
		assert_in_range(same, 0, 1);
	}
}

/* Chi-square over the buckets of a segment; 63 degrees of freedom, 140 is beyond one in ten
 * million. */
static void names_spread_over_buckets(void **state)
{
	static struct query q;
	u32 counts[2][IMAGE_BUCKETS] = {0};
	u32 slots[IMAGE_SLOTS] = {0};
	double chi[2] = {0, 0};

	for (u32 i = 0; i < 64 * 256; i++) {
		u64 hash;
		/* as registries have them: h000000 and so on */
		int length = snprintf((char *)q.name, 200, "%ch%06u", 7, i);

		hash = hash_taken(&q, 0, (u32)length, 0x1234);
		counts[0][HASH_BUCKET(hash)]++;
		counts[1][HASH_DIRECTORY(hash, 6)]++;
		slots[HASH_SLOT(hash)]++;
	}
	for (u32 k = 0; k < 2; k++)
		for (u32 i = 0; i < IMAGE_BUCKETS; i++)
			chi[k] += ((double)counts[k][i] - 256) * ((double)counts[k][i] - 256) / 256;
	assert_true(chi[0] < 140);
	assert_true(chi[1] < 140);
	for (u32 i = 0; i < IMAGE_SLOTS; i++)
		assert_in_range(slots[i], 2048 - 250, 2048 + 250);
}

static void the_second_bucket_is_another(void **state)
{
	for (u32 bucket = 0; bucket < IMAGE_BUCKETS; bucket++)
		for (u64 tag = 0; tag < 1ull << 32; tag += 1u << 24)
			assert_true(HASH_SECOND(bucket, (u32)tag) != bucket &&
				    HASH_SECOND(bucket, (u32)tag) < IMAGE_BUCKETS);
}

/* Modulo 0xffff, where 0 is written 0xffff unless all was zero. */
static u16 sum_said(const u8 *octets, u32 size, u32 at)
{
	u64 sum = 0;

	for (u32 i = 0; i < size; i++)
		sum += (u64)octets[i] << ((at + i) % 2 ? 8 : 0);
	if (!sum)
		return 0;
	return sum % 0xffff ? (u16)(sum % 0xffff) : 0xffff;
}

static void sums_are_modulo_ffff(void **state)
{
	static u8 octets[4096 + 8];

	for (u32 round = 0; round < 2000; round++) {
		u32 size = random_below(round % 100 ? 300 : 4096);
		u64 sum = 0;

		memset(octets, round % 7 == 0 ? 0xff : 0, sizeof(octets));
		for (u32 i = 0; i < size && round % 7; i++)
			octets[i] = (u8)random_next();
		for (u32 i = 0; i < size; i += 8)
			sum = sum_word(sum,
				word_first(word_load64(octets + i), size - i < 8 ? size - i : 8));
		assert_int_equal(sum_fold(sum), sum_said(octets, size, 0));
		assert_int_equal(sum_fold(sum_shift(sum, 1)), sum_said(octets, size, 1));
		assert_int_equal(sum_fold(sum_shift(sum, 2)), sum_said(octets, size, 0));
	}
}

static void any_sum_folds(void **state)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		/* many ones, so that carries run on */
		u64 sum = round ? random_next() | random_next() | random_next() : ~0ull;

		sum >>= round % 64;
		assert_int_equal(sum_fold(sum), sum && sum % 0xffff == 0 ? 0xffff : sum % 0xffff);
	}
	assert_int_equal(sum_fold(0), 0);
}

/* Moving pointers changes a fragment's sum by what pointers_sum says, wherever they and the
 * fragment stand. */
static void moved_pointers_change_the_sum(void **state)
{
	for (u32 round = 0; round < ROUNDS; round++) {
		u8 fragment[128];
		u32 count = 1 + random_below(6), odd = 0, at = random_below(2);
		/* up, or down as far as the rendered place allows: as 16 bits */
		u32 shift = random_below(2) ? random_below(0x3000) : (u16)-random_below(0x200);
		u64 sum;

		for (u32 i = 0; i < sizeof(fragment); i++)
			fragment[i] = (u8)random_next();
		for (u32 i = 0; i < count; i++) {
			u32 place = i * 20 + random_below(16);

			odd += place & 1;
			word_store16(
				fragment + place, be16_of((u16)(0xc200 + random_below(0x100))).raw);
			/* remembered in the octet behind, so that the second pass finds it */
			fragment[i * 20 + 19] = (u8)place;
		}
		sum = sum_said(fragment, sizeof(fragment), 0);
		sum += pointers_sum(shift, count, odd);
		for (u32 i = 0; i < count; i++) {
			u32 place = fragment[i * 20 + 19];
			u16 pointer = be16_get((be16){word_load16(fragment + place)});

			word_store16(fragment + place, be16_of((u16)(pointer + shift)).raw);
		}
		assert_int_equal(
			sum_fold(sum_shift(sum, at)), sum_said(fragment, sizeof(fragment), at));
	}
}

/* A frame with a message of `size` octets that begins with a header of zeros. */
struct message {
	u8 frame[2048];
	struct plain_packet packet;
	struct query query;
};

static void message_make(struct message *m, u32 size)
{
	memset(m->frame, 0, NAME_AT);
	m->packet = (struct plain_packet){
		.frame = m->frame, .length = DNS_AT + size, .room = sizeof(m->frame)};
	m->query.dns_at = DNS_AT;
	m->query.dns_length = (u16)size;
}

/* The number of labels, or -1 for what is no name that a question can have. */
static int labels_said(const u8 *name, u32 room, u16 *length)
{
	int labels = 0;
	u32 at = 0;

	while (at < room && name[at]) {
		if (name[at] > 63)
			return -1;
		at += 1u + name[at];
		labels++;
	}
	*length = (u16)(at + 1);
	return at + 1 + QUESTION_FIXED <= room && at + 1 <= 255 ? labels : -1;
}

static void message_judge(struct message *m, u32 size)
{
	u16 length = 0;
	int labels = labels_said(m->frame + NAME_AT, size - DNS_HEADER, &length);
	int reason = parse_labels(&m->packet, &m->query);

	assert_int_equal(reason, labels < 0 ? REASON_QNAME : STEP_NEXT);
	if (reason)
		return;
	assert_int_equal(m->query.name_labels, labels);
	assert_int_equal(m->query.name_length, length);
	for (u32 at = 0, i = 0; m->frame[NAME_AT + at]; at += 1u + m->frame[NAME_AT + at], i++)
		assert_int_equal(m->query.label[i], at);
}

static void labels_are_found_where_they_are(void **state)
{
	static struct message m;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 length = name_random(m.frame + NAME_AT, random_below(2) ? 300 : 254);
		u32 size = DNS_HEADER + length + 1 + QUESTION_FIXED;

		m.frame[NAME_AT + length] = 0;
		for (u32 i = 1; i < 20; i++)
			m.frame[NAME_AT + length + i] = (u8)random_next();
		switch (random_below(4)) {
		case 0: /* any octet, anything */
			m.frame[NAME_AT + random_below(length + 1)] = (u8)random_next();
			break;
		case 1: /* a message that ends somewhere near */
			size += random_below(12) - 6;
			break;
		}
		if (size < DNS_HEADER + 1 + QUESTION_FIXED)
			continue;
		message_make(&m, size);
		message_judge(&m, size);
	}
}

static void the_name_is_copied_and_the_question_summed(void **state)
{
	static struct message m;

	for (u32 round = 0; round < ROUNDS; round++) {
		u32 length = name_random(m.frame + NAME_AT, 254) + 1;
		u32 size = DNS_HEADER + length + QUESTION_FIXED;

		m.frame[NAME_AT + length - 1] = 0;
		word_store32(m.frame + NAME_AT + length, (u32)random_next());
		message_make(&m, size);
		m.query.name_length = (u16)length;
		m.query.flags = 0;
		memset(m.query.name, 0xa5, sizeof(m.query.name));
		assert_int_equal(name_take(&m.packet, &m.query), STEP_NEXT);
		assert_memory_equal(m.query.name, m.frame + NAME_AT, length);
		assert_int_equal(question_sum(&m.packet, &m.query), STEP_NEXT);
		assert_int_equal(sum_fold(m.query.question_sum),
			sum_said(m.frame + NAME_AT, length + QUESTION_FIXED, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folding_touches_letters_only),
		cmocka_unit_test(a_word_matches_a_key_when_its_folded_octets_do),
		cmocka_unit_test(a_word_keeps_its_first_octets),
		cmocka_unit_test(the_hash_is_the_normative_one),
		cmocka_unit_test(the_hash_does_not_see_case),
		cmocka_unit_test(no_difference_cancels_another),
		cmocka_unit_test(names_spread_over_buckets),
		cmocka_unit_test(the_second_bucket_is_another),
		cmocka_unit_test(sums_are_modulo_ffff),
		cmocka_unit_test(any_sum_folds),
		cmocka_unit_test(moved_pointers_change_the_sum),
		cmocka_unit_test(labels_are_found_where_they_are),
		cmocka_unit_test(the_name_is_copied_and_the_question_summed),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
