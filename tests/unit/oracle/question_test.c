/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which questions the oracle asks, and what it says that they are about. */
#include "tests/oracle/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char parent[] = "$TTL 60\n"
			     "@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
			     "a.ent A 192.0.2.1\n"
			     "alias CNAME ns\n"
			     "*.wild A 192.0.2.1\n*.wildcn CNAME ns\n"
			     "moved DNAME ns\n"
			     "cut NS ns.cut\nns.cut A 192.0.2.1\n"
			     "child NS ns.child\n";
static const char child[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n";

static struct question_zones zones;

static int zones_make(void **state)
{
	char reason[ZONE_REASON_SIZE];

	zones.count = 2;
	return zone_text_parse(&zones.list[0], parent, strlen(parent), "example.",
		       &(struct zone_limits){0}, reason) ||
	       zone_text_parse(&zones.list[1], child, strlen(child), "child.example.",
		       &(struct zone_limits){0}, reason);
}

static int zones_drop(void **state)
{
	question_zones_free(&zones);
	return 0;
}

struct seen {
	const char *name; /* the one looked for */
	uint16_t type;
	enum question_class class; /* of it; CLASSES: not asked yet */
	uint64_t sum;              /* of everything, in order */
	uint64_t count;
	uint64_t ways[4];
};

static void question_see(const struct question *question, void *arg)
{
	struct seen *seen = arg;
	uint8_t wanted[NAME_MAX_SIZE], name[NAME_MAX_SIZE];
	int size;

	seen->count++;
	seen->sum = seen->sum * 31 + question->q.type + question->q.flags + question->q.edns_size;
	for (size_t i = 0; i < question->q.name_size; i++)
		seen->sum = seen->sum * 31 + question->q.name[i];
	seen->ways[!question->edns                 ? 0
		   : question->class == CLASS_EDNS ? 3
						   : 1 + question->dnssec]++;
	if (!seen->name || question->class == CLASS_EDNS)
		return;
	size = name_from_text(wanted, seen->name);
	name_fold(name, question->q.name, question->q.name_size);
	if (question->q.type == seen->type && size == question->q.name_size &&
		!memcmp(name, wanted, (size_t)size))
		seen->class = question->class;
}

static struct seen walked(const char *name, uint16_t type, uint64_t seed, uint64_t limit)
{
	static const struct vector_question ends = {.class = 1};
	struct seen seen = {.name = name, .type = type, .class = CLASSES};
	uint64_t count = questions_walk(&zones, &ends, seed, limit, question_see, &seen);

	assert_int_equal(count, seen.count);
	return seen;
}

static void classes_are_what_the_zone_makes_of_a_question(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		enum question_class class;
	} cases[] = {
		{"ns.example.", 1, CLASS_HIT},
		{"example.", 6, CLASS_HIT},
		{"ns.example.", 28, CLASS_NODATA},
		{"ent.example.", 1, CLASS_NODATA},
		{"*.ns.example.", 1, CLASS_NXDOMAIN},
		{"*.a.ent.example.", 1, CLASS_NXDOMAIN},
		{"alias.example.", 1, CLASS_CNAME},
		{"alias.example.", 5, CLASS_HIT},
		{"*.*.wild.example.", 1, CLASS_NXDOMAIN},
		{"+.wild.example.", 1, CLASS_WILDCARD},
		{"+.wild.example.", 28, CLASS_WILDCARD_NODATA},
		{"+.wildcn.example.", 28, CLASS_WILDCARD_CNAME},
		{"*.wild.example.", 1, CLASS_HIT},
		{"*.moved.example.", 1, CLASS_DNAME},
		{"moved.example.", 39, CLASS_HIT},
		{"cut.example.", 1, CLASS_REFERRAL},
		{"ns.cut.example.", 1, CLASS_REFERRAL},
		{"cut.example.", 43, CLASS_DS},
		{"child.example.", 43, CLASS_DS},
		{"child.example.", 6, CLASS_HIT},
		{"*.child.example.", 6, CLASS_NXDOMAIN},
		{"example.", 43, CLASS_OUTSIDE},
		{"ns.example.", 255, CLASS_META},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen seen = walked(cases[i].name, cases[i].type, 1, 1000000);

		if (seen.class != cases[i].class)
			fail_msg("%s TYPE%u: %s, not %s", cases[i].name, cases[i].type,
				seen.class == CLASSES ? "never asked"
						      : question_class_names[seen.class],
				question_class_names[cases[i].class]);
	}
}

static void the_same_seed_gives_the_same_questions(void **state)
{
	struct seen a = walked(NULL, 0, 7, 500), b = walked(NULL, 0, 7, 500),
		    c = walked(NULL, 0, 8, 500);

	assert_int_equal(a.sum, b.sum);
	assert_int_equal(a.count, b.count);
	assert_int_not_equal(a.sum, c.sum);
}

static void a_limit_is_kept_about_and_leaves_every_way_of_asking(void **state)
{
	struct seen all = walked(NULL, 0, 1, 1000000), some = walked(NULL, 0, 1, 1000);

	assert_in_range(some.count, 1500, 2500); /* two zones */
	assert_true(all.count > some.count);
	for (size_t i = 0; i < 4; i++)
		assert_true(some.ways[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_what_the_zone_makes_of_a_question),
		cmocka_unit_test(the_same_seed_gives_the_same_questions),
		cmocka_unit_test(a_limit_is_kept_about_and_leaves_every_way_of_asking),
	};

	return cmocka_run_group_tests(tests, zones_make, zones_drop);
}
