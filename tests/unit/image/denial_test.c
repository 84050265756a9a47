/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree of denials through many versions of a signed zone: it always holds the chain and nothing
 * else, a small change leaves most of it where it was, what is unlinked comes back, and the next
 * daemon adopts it.
 *
 * Signatures are made up: nobody between the zone and the image checks them.
 */
#include "control/zone/denial.h"
#include "control/zone/image_check.h"
#include "control/zone/image_store.h"
#include "tests/host/zone_image.h"
#include "tests/host/plain.h"
#include "tests/unit/image/reader.h"

#include "answer/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES     3000
#define VERSIONS  40
#define NODES_MAX 1000
#define SHAPES    80
#define TEXT_SIZE (NAMES * 300)
#define RRSIG     "13 2 60 20700101000000 20200101000000 1 example. AAAA"

static uint32_t shape; /* other names, and so another tree: their hashes say where nodes end */

/* Names whose keys share long beginnings, and some that don't. Ascending. */
static void name_write(char to[64], uint32_t i)
{
	if (i % 2)
		snprintf(to, 64, "host-number-%05u-%u.example.", i, shape);
	else
		snprintf(to, 64, "host-number-%05u-even.example.", i);
}

/* A zone with the names of which present[] says so, signed with NSEC. */
static void zone_publish(struct zone_image *z, const bool present[NAMES], uint32_t serial)
{
	char *text = malloc(TEXT_SIZE), name[64], next[64] = "example.";
	size_t used;

	assert_non_null(text);
	used = (size_t)snprintf(text, TEXT_SIZE,
		"@ 60 SOA ns h %u 60 60 600 60\n@ 60 RRSIG SOA " RRSIG "\n@ 60 NS ns.test.\n"
		"@ 60 RRSIG NS " RRSIG "\n@ 60 DNSKEY 257 3 13 AAAA\n@ 60 RRSIG NSEC " RRSIG "\n",
		serial);
	for (uint32_t i = NAMES; i--;) {
		if (!present[i])
			continue;
		name_write(name, i);
		used += (size_t)snprintf(text + used, TEXT_SIZE - used,
			"%s 60 A 192.0.2.1\n%s 60 NSEC %s A\n%s 60 RRSIG NSEC " RRSIG "\n", name,
			name, next, name);
		strcpy(next, name);
	}
	used += (size_t)snprintf(text + used, TEXT_SIZE - used, "@ 60 NSEC %s SOA\n", next);
	if (zone_image_text(z, text, used, "example."))
		fail_msg("%s", z->error);
	free(text);
}

struct walk {
	const struct zone_image *z;
	uint32_t last; /* the denial before */
	uint32_t denials, nodes;
	uint64_t sum; /* of the nodes' offsets: which they are */
	uint32_t list[NODES_MAX];
};

static const void *object(const struct zone_image *z, uint32_t offset)
{
	return image_place(&z->memory, offset);
}

static void node_walk(struct walk *w, uint32_t offset)
{
	const struct image_node *node = object(w->z, offset);

	assert_true(w->nodes < NODES_MAX);
	w->list[w->nodes++] = offset;
	w->sum += offset;
	for (uint32_t i = 0; i < node->count; i++) {
		const struct image_branch *b = &node_branches(node)[i];

		if (node->level) {
			node_walk(w, b->down);
			continue;
		}
		if (w->last)
			assert_true(denial_order(object(w->z, w->last), object(w->z, b->down)) < 0);
		w->last = b->down;
		w->denials++;
	}
}

static struct walk tree_walk(const struct zone_image *z)
{
	uint8_t apex[NAME_MAX_SIZE];
	struct walk w = {.z = z};
	struct reader reader;

	name_from_text(apex, "example.");
	assert_true(reader_enter(&reader, &z->memory, apex));
	assert_true(reader.version->flags & VERSION_NSEC);
	node_walk(&w, reader.version->denial);
	return w;
}

/* What the core finds below `node` for the key with `more` behind it. */
static uint32_t seek(
	const struct zone_image *z, uint32_t node, const struct image_denial *d, const char *more)
{
	static struct query q;
	struct plain_packet p = {.memory = &z->memory};
	uint32_t size = d->key_len + (uint32_t)strlen(more);

	memcpy(q.key, d->key, d->key_len);
	memcpy(q.key + d->key_len, more, strlen(more));
	key_end(&q, size);
	q.denial = node;
	assert_int_equal(denial_seek(&p, &q), STEP_NEXT);
	return q.node;
}

/* Each key leads to its own denial, and so does whatever lies behind it and before the next. */
static void node_expect_found(const struct zone_image *z, uint32_t root, uint32_t offset)
{
	const struct image_node *node = object(z, offset);

	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t down = node_branches(node)[i].down;

		if (node->level) {
			node_expect_found(z, root, down);
			continue;
		}
		const struct image_denial *d = object(z, down);
		assert_int_equal(seek(z, root, d, ""), down);
		assert_int_equal(seek(z, root, d, "\2"), down);
		if (d->key_len) /* all keys lie behind the apex's */
			assert_int_equal(
				seek(z, root, d, "\377\377\377\377\377\377\377\377"), down);
	}
}

static uint32_t nodes_shared(const struct walk *a, const struct walk *b)
{
	uint32_t shared = 0;

	for (uint32_t i = 0; i < a->nodes; i++)
		for (uint32_t j = 0; j < b->nodes; j++)
			shared += a->list[i] == b->list[j];
	return shared;
}

static void image_expect_sound(struct zone_image *z)
{
	struct image_report report;

	assert_int_equal(image_settle(z->image), 0);
	assert_int_equal(image_settle(z->image), 0);
	if (image_check(&z->memory, true, NULL, &report))
		fail_msg("%s", report.error);
}

static uint64_t entries_used(const struct zone_image *z)
{
	struct image_usage usage;

	image_usage(z->image, &usage);
	return usage.entries;
}

static void the_tree_is_the_chain_through_every_version(void **state)
{
	static bool present[NAMES];
	uint32_t count = 1, random = 1; /* the apex */
	struct zone_image z;

	(void)state;
	assert_int_equal(zone_image_open(&z, 4, 22), 0);
	for (uint32_t serial = 1; serial <= VERSIONS; serial++) {
		/* many at first and in the middle, then a few */
		uint32_t changes = serial == 1 ? NAMES : serial == VERSIONS / 2 ? NAMES / 3 : 5;

		for (uint32_t i = 0; i < changes; i++) {
			random = random * 1664525 + 1013904223;
			uint32_t name = (random >> 8) % NAMES;
			count += present[name] ? -1u : 1u;
			present[name] = !present[name];
		}
		zone_publish(&z, present, serial);
		image_expect_sound(&z);
		struct walk walk = tree_walk(&z);
		assert_int_equal(walk.denials, count);
		node_expect_found(&z, walk.list[0], walk.list[0]);
	}
	zone_image_close(&z);
}

/* A node above the lowest may hold a single item, or its items what a key below the last has not.
 */
static void keys_are_found_in_trees_of_many_shapes(void **state)
{
	static bool present[NAMES];
	struct zone_image z;

	(void)state;
	assert_int_equal(zone_image_open(&z, 4, 22), 0);
	memset(present, true, sizeof(present));
	for (shape = 1; shape <= SHAPES; shape++) {
		zone_publish(&z, present, shape);
		assert_int_equal(image_settle(z.image), 0);
		assert_int_equal(image_settle(z.image), 0);
		uint32_t root = tree_walk(&z).list[0];
		node_expect_found(&z, root, root);
	}
	shape = 0;
	zone_image_close(&z);
}

static void a_change_of_one_name_leaves_the_rest_of_the_tree(void **state)
{
	static bool present[NAMES];
	struct zone_image z;
	struct walk before, after;
	uint64_t used;

	(void)state;
	memset(present, true, sizeof(present));
	assert_int_equal(zone_image_open(&z, 4, 22), 0);
	zone_publish(&z, present, 1);
	image_expect_sound(&z);
	before = tree_walk(&z);
	used = entries_used(&z);
	present[NAMES / 2] = false;
	zone_publish(&z, present, 2);
	image_expect_sound(&z);
	after = tree_walk(&z);
	assert_true(before.nodes > 60);
	assert_int_equal(after.denials, before.denials - 1);
	assert_true(after.sum != before.sum);
	/* gone: the removed name's node, its predecessor's if that is another, and their ancestors;
	 * where 64 names ended a node, the few up to the next key that ends one */
	assert_true(nodes_shared(&before, &after) + 12 >= before.nodes);
	/* and back: the same tree, in as much memory */
	present[NAMES / 2] = true;
	zone_publish(&z, present, 3);
	image_expect_sound(&z);
	assert_int_equal(tree_walk(&z).nodes, before.nodes);
	assert_int_equal(entries_used(&z), used);
	zone_image_close(&z);
}

static void the_next_daemon_goes_on_with_the_tree(void **state)
{
	static bool present[NAMES];
	struct engine_memory *memories[1];
	struct image_options options = {.poison = true};
	struct zone_image z;
	struct walk before;
	bool adopted;
	uint64_t used;

	(void)state;
	memset(present, true, sizeof(present));
	assert_int_equal(zone_image_open(&z, 4, 22), 0);
	zone_publish(&z, present, 1);
	image_expect_sound(&z);
	before = tree_walk(&z);
	used = entries_used(&z);
	image_close(z.image);
	memories[0] = &z.memory;
	assert_int_equal(image_open(&z.image, memories, 1, &options, &adopted), 0);
	assert_true(adopted);
	image_expect_sound(&z);
	assert_int_equal(tree_walk(&z).sum, before.sum);
	assert_int_equal(entries_used(&z), used);
	zone_publish(&z, present, 2); /* nothing of the chain changed */
	image_expect_sound(&z);
	assert_int_equal(tree_walk(&z).sum, before.sum);
	present[7] = false;
	zone_publish(&z, present, 3);
	image_expect_sound(&z);
	assert_int_equal(tree_walk(&z).denials, before.denials - 1);
	zone_image_close(&z);
}

static void a_chain_with_a_gap_is_none(void **state)
{
	static const char text[] =
		"@ 60 SOA ns h 1 60 60 600 60\n@ 60 RRSIG SOA " RRSIG "\n@ 60 NS ns.test.\n"
		"@ 60 DNSKEY 257 3 13 AAAA\n@ 60 RRSIG NSEC " RRSIG "\n@ 60 NSEC b SOA\n"
		"a 60 A 192.0.2.1\nb 60 A 192.0.2.2\nb 60 NSEC @ A\nb 60 RRSIG NSEC " RRSIG "\n";
	uint8_t apex[NAME_MAX_SIZE];
	struct reader reader;
	struct zone_image z;

	(void)state;
	assert_int_equal(zone_image_open(&z, 1, 20), 0);
	if (zone_image_text(&z, text, sizeof(text) - 1, "example."))
		fail_msg("%s", z.error);
	image_expect_sound(&z);
	name_from_text(apex, "example.");
	assert_true(reader_enter(&reader, &z.memory, apex));
	assert_int_equal(reader.version->flags, VERSION_SIGNED);
	assert_int_equal(reader.version->denial, 0);
	zone_image_close(&z);
}

static void names_with_octets_0_and_1_are_in_the_chains_order(void **state)
{
	/* RFC 4034 section 6.1; "@" comes first and last */
	static const char *const names[] = {"@", "\\000", "\\000\\000", "\\000\\001", "\\001",
		"\\001\\000", "\\001\\001", "\\002", "a", "\\000.a", "x.a", "a\\000", "x.a\\000",
		"a\\000b", "a\\001", "a\\001.a\\001", "a\\002"};
	const uint32_t count = sizeof(names) / sizeof(*names);
	struct image_denial *last;
	struct image_report report;
	struct zone_image z;
	struct walk walk;
	char text[8192];
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, sizeof(text),
		"@ 60 SOA ns h 1 60 60 600 60\n@ 60 RRSIG SOA " RRSIG "\n@ 60 NS ns.test.\n"
		"@ 60 DNSKEY 257 3 13 AAAA\n");
	for (uint32_t i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"%s 60 NSEC %s A\n%s 60 RRSIG NSEC " RRSIG "\n", names[i],
			names[(i + 1) % count], names[i]);
	assert_int_equal(zone_image_open(&z, 1, 20), 0);
	if (zone_image_text(&z, text, used, "example."))
		fail_msg("%s", z.error);
	image_expect_sound(&z);
	walk = tree_walk(&z);
	assert_int_equal(walk.denials, count);
	last = image_place(&z.memory, walk.last);
	assert_int_equal(last->labels, 1);
	assert_int_equal(last->key_len, 3);
	last->labels++; /* what the core goes by must be what the key says */
	assert_int_not_equal(image_check(&z.memory, true, NULL, &report), 0);
	assert_non_null(strstr(report.error, "bad key"));
	last->labels--;
	zone_image_close(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_the_chain_through_every_version),
		cmocka_unit_test(keys_are_found_in_trees_of_many_shapes),
		cmocka_unit_test(a_change_of_one_name_leaves_the_rest_of_the_tree),
		cmocka_unit_test(the_next_daemon_goes_on_with_the_tree),
		cmocka_unit_test(a_chain_with_a_gap_is_none),
		cmocka_unit_test(names_with_octets_0_and_1_are_in_the_chains_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
