/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What zones show of servers: the specimens that a zone has, and what answers to questions for them
 * settle. Answers are made up here as NSD, Knot, BIND and PowerDNS give them; tests/oracle asks the
 * real ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/profile_zone.h"

#define QR 0x8000
#define AA 0x0400
#define TC 0x0200

static const char zone_text[] = "@ 3600 SOA ns h 1 7200 3600 1209600 300\n"
				"@ 3600 NS ns\n"
				"ns 60 A 192.0.2.1\n"
				"www 60 A 192.0.2.2\n"
				"www 60 A 192.0.2.3\n"
				"www 60 A 192.0.2.4\n"
				"text 60 HINFO a b\n"
				"text 60 TXT c\n"
				"moved 60 DNAME a-target-with-a-longer-name\n"
				"out 60 CNAME x.held.\n"
				"far 60 CNAME x.elsewhere.\n"
				"*.star 60 CNAME www\n"
				"cut 60 NS ns.cut\n"
				"ns.cut 60 A 192.0.2.5\n"
				"low.cut 60 NS ns.elsewhere.\n"
				"child 60 NS ns.elsewhere.\n"
				"low.child 60 NS ns.elsewhere.\n";

/* The server holds example., child.example. and held. */
static size_t held(void *arg, const uint8_t *name)
{
	static const char *const zones[] = {"child.example.", "held.", "example."};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		uint8_t origin[NAME_MAX_SIZE];

		name_from_text(origin, zones[i]);
		if (name_within(name, origin))
			return name_size(origin);
	}
	return 0;
}

static void collect(struct specimen all[SPECIMEN_KINDS], const char *text)
{
	const struct zone_limits limits = {0};
	char reason[ZONE_REASON_SIZE];
	struct zone *zone;

	assert_int_equal(
		zone_text_parse(&zone, text, strlen(text), "example.", &limits, reason), 0);
	specimens_collect(all, zone, held, NULL);
	zone_free(zone);
}

static const char *shown(const struct specimen *specimen)
{
	static char text[NAME_TEXT_SIZE];

	return specimen->name_size ? name_to_text(text, specimen->name) : "";
}

static void a_zone_shows_what_it_has(void **state)
{
	struct specimen all[SPECIMEN_KINDS];

	collect(all, zone_text);
	assert_string_equal(shown(&all[SPECIMEN_ABSENT]), "no-such-name.example.");
	assert_int_equal(all[SPECIMEN_ABSENT].expect, 300);
	assert_string_equal(shown(&all[SPECIMEN_BARE]), "moved.example.");
	assert_string_equal(shown(&all[SPECIMEN_DNAME]), "no-such-name.moved.example.");
	assert_int_equal(all[SPECIMEN_LONG].name_size, NAME_MAX_SIZE);
	assert_int_equal(name_check(all[SPECIMEN_LONG].name, NAME_MAX_SIZE), NAME_MAX_SIZE);
	assert_string_equal(shown(&all[SPECIMEN_ALIAS_OUT]), "out.example.");
	assert_string_equal(shown(&all[SPECIMEN_STAR_ALIAS]), "no-such-name.star.example.");
	/* not the one in the child that the server holds */
	assert_string_equal(shown(&all[SPECIMEN_NESTED]), "low.cut.example.");
	assert_int_equal(all[SPECIMEN_NESTED].expect, sizeof("\3cut\7example"));
	assert_string_equal(shown(&all[SPECIMEN_SET]), "www.example.");
	assert_int_equal(all[SPECIMEN_SET].expect, 3);
	/* its lowest type isn't A */
	assert_string_equal(shown(&all[SPECIMEN_MANY]), "example.");
	assert_int_equal(all[SPECIMEN_MANY].expect, RR_NS);
	/* no signed zone, no glue that doesn't fit */
	assert_string_equal(shown(&all[SPECIMEN_SECURE]), "");
	assert_string_equal(shown(&all[SPECIMEN_PARAM]), "");
	assert_string_equal(shown(&all[SPECIMEN_DENIED]), "");
	assert_string_equal(shown(&all[SPECIMEN_GLUE]), "");
}

static void a_zone_without_shows_nothing(void **state)
{
	struct specimen all[SPECIMEN_KINDS];

	/* a wildcard covers what isn't there, and nothing may be kept */
	collect(all, "@ 0 SOA ns h 1 7200 3600 1209600 300\n@ 60 NS ns.elsewhere.\n* 60 TXT a\n");
	for (int kind = 0; kind < SPECIMEN_KINDS; kind++)
		if (kind != SPECIMEN_MANY)
			assert_string_equal(shown(&all[kind]), "");
}

static void a_shelf_holds_some_of_each_kind(void **state)
{
	struct specimen_shelf *shelf = calloc(1, sizeof(*shelf));
	struct specimen all[SPECIMEN_KINDS];
	uint64_t number;

	collect(all, zone_text);
	for (uint32_t zone = 0; zone < 2 * SPECIMEN_SHELF; zone++)
		specimen_shelf_put(shelf, zone, all);
	assert_non_null(specimen_shelf_find(shelf, SPECIMEN_SET, SPECIMEN_SHELF - 1));
	assert_null(specimen_shelf_find(shelf, SPECIMEN_SET, SPECIMEN_SHELF));
	assert_null(specimen_shelf_find(shelf, SPECIMEN_SECURE, 0));
	number = shelf->number;
	specimen_shelf_put(shelf, 0, all);
	assert_int_equal(shelf->number, number);
	for (uint32_t zone = 0; zone < SPECIMEN_SHELF; zone++)
		specimen_shelf_put(shelf, zone, NULL);
	assert_null(specimen_shelf_find(shelf, SPECIMEN_SET, 0));
	assert_true(shelf->number > number);
	free(shelf);
}

/* An answer to the question for a specimen: flags, then records "OWNER TYPE TTL RDATA" as octets.
 */
struct answer {
	uint8_t octets[1024];
	size_t size;
};

static void answer_begin(
	struct answer *a, const struct specimen *specimen, enum specimen_kind kind, uint16_t flags)
{
	a->size = profile_specimen_query(a->octets, specimen, kind, 7);
	/* without its OPT */
	if (a->octets[11])
		a->size -= 11;
	a->octets[11] = 0;
	a->octets[2] = (uint8_t)(flags >> 8);
	a->octets[3] = (uint8_t)flags;
}

/* `section`: 0 answer, 1 authority, 2 additional. */
static void answer_add(struct answer *a, int section, const char *owner, uint16_t type,
	uint32_t ttl, const void *rdata, size_t size)
{
	uint8_t name[NAME_MAX_SIZE];
	size_t length = (size_t)name_from_text(name, owner);
	const uint8_t fixed[] = {(uint8_t)(type >> 8), (uint8_t)type, 0, 1, (uint8_t)(ttl >> 24),
		(uint8_t)(ttl >> 16), (uint8_t)(ttl >> 8), (uint8_t)ttl, 0, (uint8_t)size};

	a->octets[7 + 2 * section]++;
	memcpy(a->octets + a->size, name, length);
	memcpy(a->octets + a->size + length, fixed, sizeof(fixed));
	memcpy(a->octets + a->size + length + sizeof(fixed), rdata, size);
	a->size += length + sizeof(fixed) + size;
}

static void soa_add(struct answer *a, uint32_t ttl)
{
	uint8_t rdata[22] = {0};

	answer_add(a, 1, "example.", RR_SOA, ttl, rdata, sizeof(rdata));
}

/* What it settles; `expected`: what reading it returns. */
static struct settings_profile told(const struct answer *a, const struct specimen *specimen,
	enum specimen_kind kind, int expected)
{
	struct settings_profile profile = {0};
	uint64_t order = 0;

	for (size_t cut = 0; cut < a->size; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, a->octets, cut);
		assert_int_equal(
			profile_specimen_answer(copy, cut, specimen, kind, &order, &profile),
			-EBADMSG);
		free(copy);
	}
	assert_int_equal(
		profile_specimen_answer(a->octets, a->size, specimen, kind, &order, &profile),
		expected);
	return profile;
}

static void what_must_be_denied_shows_whose_nsec_does_it(void **state)
{
	/* t.example. is an empty non-terminal: b.t.example.'s NSEC denies, the apex's covers t */
	static const char signed_text[] =
		"@ 60 SOA ns h 1 7200 3600 1209600 300\n@ 60 NS ns.elsewhere.\n"
		"@ 60 DNSKEY 257 3 13 AAAA\n"
		"@ 60 RRSIG SOA 13 1 60 20700101000000 20260101000000 1 example. AAAA\n"
		"@ 60 NSEC b.t NS SOA\nb.t 60 A 192.0.2.1\nb.t 60 NSEC u A\n"
		"u 60 DNAME t\nu 60 NSEC @ DNAME\n";
	struct specimen all[SPECIMEN_KINDS];
	const struct specimen *denied = &all[SPECIMEN_DENIED];
	uint8_t dname[] = "\1t\7example", cname[] = "\14no-such-name\1t\7example";
	uint8_t apex_nsec[] = "\1b\1t\7example", right_nsec[] = "\1u\7example";
	struct answer a;

	collect(all, signed_text);
	assert_string_equal(shown(denied), "no-such-name.u.example.");
	answer_begin(&a, denied, SPECIMEN_DENIED, QR | AA | 3);
	answer_add(&a, 0, "u.example.", RR_DNAME, 60, dname, sizeof(dname));
	answer_add(&a, 0, "no-such-name.u.example.", RR_CNAME, 60, cname, sizeof(cname));
	answer_add(&a, 1, "example.", RR_NSEC, 60, apex_nsec, sizeof(apex_nsec));
	/* NSD */
	assert_int_equal(told(&a, denied, SPECIMEN_DENIED, 0).settled, 0);
	answer_add(&a, 1, "b.t.example.", RR_NSEC, 60, right_nsec, sizeof(right_nsec));
	assert_int_equal(told(&a, denied, SPECIMEN_DENIED, 0).settled, SETTINGS_DNAME_NSEC_PASS);
}

static void negative_answers_tell_of_the_soa(void **state)
{
	struct specimen all[SPECIMEN_KINDS];
	const struct specimen *absent = &all[SPECIMEN_ABSENT];
	struct settings_profile profile;
	struct answer a;

	collect(all, zone_text);
	answer_begin(&a, absent, SPECIMEN_ABSENT, QR | AA | 3);
	soa_add(&a, 300);
	profile = told(&a, absent, SPECIMEN_ABSENT, 0);
	assert_int_equal(profile.settled, SETTINGS_SOA_PASS);
	assert_int_equal(profile.ways, 0);
	/* BIND */
	answer_begin(&a, absent, SPECIMEN_ABSENT, QR | AA | 3);
	soa_add(&a, 0);
	profile = told(&a, absent, SPECIMEN_ABSENT, 0);
	assert_int_equal(profile.settled, SETTINGS_SOA_PASS);
	assert_int_equal(profile.ways, SETTINGS_SOA_ZERO);
	/* another TTL is neither; NODATA is another point; a refusal tells nothing */
	answer_begin(&a, absent, SPECIMEN_ABSENT, QR | AA | 3);
	soa_add(&a, 60);
	assert_int_equal(told(&a, absent, SPECIMEN_ABSENT, 0).settled, 0);
	answer_begin(&a, absent, SPECIMEN_ABSENT, QR | AA);
	soa_add(&a, 300);
	assert_int_equal(told(&a, absent, SPECIMEN_ABSENT, 0).settled, 0);
	answer_begin(&a, absent, SPECIMEN_ABSENT, QR | 5);
	assert_int_equal(told(&a, absent, SPECIMEN_ABSENT, -EAGAIN).settled, 0);
}

static void aliases_tell_where_chains_end(void **state)
{
	struct specimen all[SPECIMEN_KINDS];
	const struct specimen *out = &all[SPECIMEN_ALIAS_OUT];
	uint8_t target[] = "\1x\4held", address[4] = {192, 0, 2, 1};
	struct answer a;

	collect(all, zone_text);
	answer_begin(&a, out, SPECIMEN_ALIAS_OUT, QR | AA);
	answer_add(&a, 0, "out.example.", RR_CNAME, 60, target, sizeof(target));
	assert_int_equal(told(&a, out, SPECIMEN_ALIAS_OUT, 0).settled, SETTINGS_CHAINS_PASS);
	/* followed: to data, or to none */
	answer_add(&a, 0, "x.held.", RR_A, 60, address, sizeof(address));
	assert_int_equal(told(&a, out, SPECIMEN_ALIAS_OUT, 0).settled, 0);
	answer_begin(&a, out, SPECIMEN_ALIAS_OUT, QR | AA);
	answer_add(&a, 0, "out.example.", RR_CNAME, 60, target, sizeof(target));
	soa_add(&a, 300);
	assert_int_equal(told(&a, out, SPECIMEN_ALIAS_OUT, 0).settled, 0);
}

static void any_tells_the_lowest_type_or_tc(void **state)
{
	struct specimen all[SPECIMEN_KINDS];
	const struct specimen *many = &all[SPECIMEN_MANY];
	uint8_t target[] = "\2ns\7example";
	struct answer a;

	collect(all, zone_text);
	answer_begin(&a, many, SPECIMEN_MANY, QR | AA);
	answer_add(&a, 0, "example.", RR_NS, 60, target, sizeof(target));
	assert_int_equal(told(&a, many, SPECIMEN_MANY, 0).ways, SETTINGS_ANY_LOWEST);
	/* all of them */
	answer_add(&a, 0, "example.", RR_PTR, 60, target, sizeof(target));
	assert_int_equal(told(&a, many, SPECIMEN_MANY, 0).ways, 0);
	answer_begin(&a, many, SPECIMEN_MANY, QR | AA | TC);
	assert_int_equal(told(&a, many, SPECIMEN_MANY, 0).ways, SETTINGS_ANY_TC);
}

static void only_what_all_specimens_say_is_settled(void **state)
{
	const struct settings_profile same = {.settled = SETTINGS_SOA_PASS},
				      zero = {.settled = SETTINGS_SOA_PASS,
					      .ways = SETTINGS_SOA_ZERO},
				      none = {0};
	struct settings_profile profile = {.settled = SETTINGS_CHAINS_PASS};

	profile_specimen_join(&profile, &same, SPECIMEN_ABSENT, true);
	profile_specimen_join(&profile, &same, SPECIMEN_ABSENT, false);
	assert_int_equal(profile.settled, SETTINGS_CHAINS_PASS | SETTINGS_SOA_PASS);
	profile_specimen_join(&profile, &zero, SPECIMEN_ABSENT, false);
	assert_int_equal(profile.settled, SETTINGS_CHAINS_PASS);
	assert_int_equal(profile.ways, 0);
	profile_specimen_join(&profile, &zero, SPECIMEN_ABSENT, true);
	profile_specimen_join(&profile, &none, SPECIMEN_ABSENT, false);
	assert_int_equal(profile.settled, SETTINGS_CHAINS_PASS);
}

static void sets_tell_whether_they_change_places(void **state)
{
	static const uint8_t one[4] = {192, 0, 2, 2}, two[4] = {192, 0, 2, 3};
	struct specimen all[SPECIMEN_KINDS];
	const struct specimen *set = &all[SPECIMEN_SET];
	struct settings_profile profile = {0};
	uint64_t order = 0;
	struct answer a;

	collect(all, zone_text);
	for (int i = 0; i < 3; i++) {
		answer_begin(&a, set, SPECIMEN_SET, QR | AA);
		answer_add(&a, 0, "www.example.", RR_A, 60, i < 2 ? one : two, 4);
		answer_add(&a, 0, "www.example.", RR_A, 60, i < 2 ? two : one, 4);
		assert_int_equal(profile_specimen_answer(
					 a.octets, a.size, set, SPECIMEN_SET, &order, &profile),
			0);
		assert_int_equal(profile.ways, i < 2 ? 0 : SETTINGS_ROTATE);
	}
}

static struct settings_chaos chaos_told(uint16_t flags, bool data, bool opt)
{
	static const uint8_t record[] = {
		0xc0, 12, 0, RR_TXT, 0, 3, 0, 0, 0, 5, 0, 5, 4, 'a', 'm', 's', '1'};
	struct settings_profile profile = {.copy_flags = 0x0100};
	uint8_t answer[PROFILE_QUERY_MAX];
	uint8_t optional[11];
	size_t size = profile_chaos_query(answer, CHAOS_ID_SERVER, 7) - sizeof(optional);

	memcpy(optional, answer + size, sizeof(optional));
	answer[2] = (uint8_t)(flags >> 8);
	answer[3] = (uint8_t)flags;
	answer[7] = data;
	answer[11] = opt;
	if (data) {
		memcpy(answer + size, record, sizeof(record));
		size += sizeof(record);
	}
	if (opt) {
		memcpy(answer + size, optional, sizeof(optional));
		size += sizeof(optional);
	}
	assert_int_equal(profile_chaos_answer(answer, size, CHAOS_ID_SERVER, &profile), 0);
	return profile.chaos[CHAOS_ID_SERVER];
}

static void a_server_says_what_it_is(void **state)
{
	struct settings_chaos chaos = chaos_told(QR | AA | 0x0100, true, true);

	assert_int_equal(chaos.action, EDNS_ANSWER);
	assert_true(chaos.authoritative);
	assert_int_equal(chaos.ttl, 5);
	assert_int_equal(chaos.length, 4);
	assert_memory_equal(chaos.text, "ams1", 4);
	chaos = chaos_told(QR | 0x0100 | 5, false, true);
	assert_int_equal(chaos.action, EDNS_ANSWER);
	assert_int_equal(chaos.rcode, 5);
	assert_false(chaos.authoritative);
	/* other flags than those that the core would set; no OPT; an error with data */
	assert_int_equal(chaos_told(QR | AA, true, true).action, EDNS_PASS);
	assert_int_equal(chaos_told(QR | AA | 0x0180, true, true).action, EDNS_PASS);
	assert_int_equal(chaos_told(QR | AA | 0x0100, true, false).action, EDNS_PASS);
	assert_int_equal(chaos_told(QR | 0x0105, true, true).action, EDNS_PASS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_shows_what_it_has),
		cmocka_unit_test(a_zone_without_shows_nothing),
		cmocka_unit_test(a_shelf_holds_some_of_each_kind),
		cmocka_unit_test(what_must_be_denied_shows_whose_nsec_does_it),
		cmocka_unit_test(negative_answers_tell_of_the_soa),
		cmocka_unit_test(aliases_tell_where_chains_end),
		cmocka_unit_test(any_tells_the_lowest_type_or_tc),
		cmocka_unit_test(only_what_all_specimens_say_is_settled),
		cmocka_unit_test(sets_tell_whether_they_change_places),
		cmocka_unit_test(a_server_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
