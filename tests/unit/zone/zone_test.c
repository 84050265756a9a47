/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Properties of the zone store, on zones written as text and on records added by hand.
 */
#include "control/zone/zone.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct zone_limits unlimited;

#define APEX                                                                                       \
	"@ 3600 SOA ns hostmaster 7 3600 600 86400 300\n"                                          \
	"@ 3600 NS ns\n"

static struct zone *zone_of(const char *text)
{
	char reason[ZONE_REASON_SIZE];
	struct zone *zone = NULL;

	int error = zone_text_parse(&zone, text, strlen(text), "example.", &unlimited, reason);
	if (error)
		fail_msg("%s (%s)", reason, strerror(-error));
	return zone;
}

static int refusal_of(const char *text, char reason[ZONE_REASON_SIZE])
{
	struct zone *zone = NULL;

	int error = zone_text_parse(&zone, text, strlen(text), "example.", &unlimited, reason);
	assert_null(zone);
	return error;
}

static const struct zone_node *node_of(const struct zone *zone, const char *text)
{
	uint8_t name[NAME_MAX_SIZE];
	int size = name_from_text(name, text);

	assert_true(size > 0);
	name_fold(name, name, (size_t)size);
	return zone_find(zone, name);
}

static int flags_of(const struct zone *zone, const char *text)
{
	const struct zone_node *node = node_of(zone, text);

	return node ? node->flags : -1;
}

static void names_are_in_canonical_order_whatever_order_they_came_in(void **state)
{
	/* RFC 4034 6.1's own example. */
	static const char *const order[] = {"example.", "a.example.", "yljkjljk.a.example.",
		"Z.a.example.", "zABC.a.EXAMPLE.", "z.example.", "\\001.z.example.", "*.z.example.",
		"\\200.z.example."};
	struct zone *zone = zone_of(APEX "\\200.z A 192.0.2.1\n"
					 "z A 192.0.2.1\n"
					 "zABC.a A 192.0.2.1\n"
					 "*.z A 192.0.2.1\n"
					 "a A 192.0.2.1\n"
					 "\\001.z A 192.0.2.1\n"
					 "yljkjljk.a A 192.0.2.1\n"
					 "z A 192.0.2.2\n"
					 "Z.a A 192.0.2.1\n");

	assert_int_equal(zone->node_count, 9);
	for (size_t i = 0; i < 9; i++)
		assert_ptr_equal(node_of(zone, order[i]), &zone->nodes[i]);
	assert_int_equal(zone_rrset(node_of(zone, "z.example."), RR_A)->count, 2);
	zone_free(zone);
}

static void labels_with_octets_0_and_1_sort_as_octets(void **state)
{
	struct zone *zone = zone_of(APEX "x\\001 A 192.0.2.1\n"
					 "b.x A 192.0.2.1\n"
					 "x\\000 A 192.0.2.1\n"
					 "x\\000\\000 A 192.0.2.1\n"
					 "x A 192.0.2.1\n"
					 "\\000.x A 192.0.2.1\n"
					 "x\\002 A 192.0.2.1\n");
	static const char *const order[] = {"x.example.", "\\000.x.example.", "b.x.example.",
		"x\\000.example.", "x\\000\\000.example.", "x\\001.example.", "x\\002.example."};

	for (size_t i = 0; i < 7; i++)
		assert_ptr_equal(node_of(zone, order[i]), &zone->nodes[i + 1]);
	zone_free(zone);
}

static void sorting_agrees_with_comparing_for_random_names(void **state)
{
	uint8_t origin[NAME_MAX_SIZE];
	struct zone_builder *builder;
	struct zone *zone;
	uint64_t seed = 88172645463325252u;

	name_from_text(origin, "example.");
	assert_int_equal(zone_builder_new(&builder, origin, &unlimited), 0);
	static const uint8_t soa[22] = {0, 0};
	struct zone_record record = {.owner = origin,
		.owner_size = 9,
		.type = RR_SOA,
		.class = RR_CLASS_IN,
		.rdata = soa,
		.rdata_size = 22};
	assert_int_equal(zone_builder_add(builder, &record), 0);
	for (int n = 0; n < 20000; n++) {
		static const char letters[] = {0, 1, 2, 'a', 'b', '*'};
		uint8_t name[NAME_MAX_SIZE];
		size_t at = 0;

		for (int label = 1 + n % 4; label; label--) {
			uint8_t length = 1 + (uint8_t)(seed >> 40) % 4;

			name[at++] = length;
			while (length--) {
				seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
				name[at++] = (uint8_t)letters[(seed >> 20) % sizeof(letters)];
			}
		}
		memcpy(name + at, origin, 9);
		record.owner = name;
		record.owner_size = (uint16_t)(at + 9);
		record.type = RR_TXT;
		record.rdata = (const uint8_t *)"\1x";
		record.rdata_size = 2;
		assert_int_equal(zone_builder_add(builder, &record), 0);
	}
	assert_int_equal(zone_builder_finish(builder, &zone), 0);
	zone_builder_free(builder);
	assert_true(zone->node_count > 5000);
	for (uint32_t i = 1; i < zone->node_count; i++) {
		const struct zone_node *node = &zone->nodes[i];

		assert_true(name_compare(node[-1].name, node->name, NULL) < 0);
		assert_ptr_equal(zone_find(zone, node->name), node);
		assert_ptr_equal(zone_find_before(zone, node->name), node);
		assert_string_equal(zone->nodes[node->parent].name, node->name + 1 + node->name[0]);
	}
	zone_free(zone);
}

static void missing_ancestors_become_empty_non_terminals(void **state)
{
	struct zone *zone = zone_of(APEX "a.b.C.d A 192.0.2.1\n"
					 "x.b.c.d A 192.0.2.1\n");

	assert_int_equal(flags_of(zone, "d.example."), ZONE_NODE_EMPTY);
	assert_int_equal(flags_of(zone, "c.d.example."), ZONE_NODE_EMPTY);
	assert_int_equal(flags_of(zone, "b.c.d.example."), ZONE_NODE_EMPTY);
	assert_int_equal(flags_of(zone, "a.b.c.d.example."), 0);
	assert_int_equal(flags_of(zone, "e.example."), -1);
	assert_int_equal(zone->empty_count, 3);
	assert_int_equal(zone->node_count, 6);
	assert_int_equal(node_of(zone, "b.c.d.example.")->end, 6);
	assert_memory_equal(node_of(zone, "c.d.example.")->cased, "\1C\1d\7example", 13);
	zone_free(zone);
}

static void cuts_and_dnames_occlude_what_is_below_but_glue_is_found(void **state)
{
	struct zone *zone = zone_of(APEX "sub NS ns.sub\n"
					 "sub A 192.0.2.9\n"
					 "ns.sub A 192.0.2.1\n"
					 "deep.ns.sub NS ns.sub\n"
					 "x.deep.ns.sub A 192.0.2.1\n"
					 "d DNAME elsewhere.\n"
					 "y.x.d A 192.0.2.1\n"
					 "suba A 192.0.2.1\n");
	uint32_t cut = zone_index(zone, node_of(zone, "sub.example."));

	assert_int_equal(flags_of(zone, "sub.example."), ZONE_NODE_CUT);
	assert_int_equal(flags_of(zone, "ns.sub.example."), ZONE_NODE_OCCLUDED);
	assert_int_equal(flags_of(zone, "deep.ns.sub.example."), ZONE_NODE_OCCLUDED);
	assert_int_equal(node_of(zone, "x.deep.ns.sub.example.")->cover, cut);
	assert_non_null(zone_rrset(node_of(zone, "ns.sub.example."), RR_A));
	assert_int_equal(flags_of(zone, "d.example."), ZONE_NODE_DNAME);
	assert_int_equal(flags_of(zone, "x.d.example."), ZONE_NODE_EMPTY | ZONE_NODE_OCCLUDED);
	assert_int_equal(flags_of(zone, "y.x.d.example."), ZONE_NODE_OCCLUDED);
	assert_int_equal(flags_of(zone, "suba.example."), 0);
	assert_int_equal(zone->cut_count, 1);
	assert_int_equal(zone->occluded_count, 5);
	zone_free(zone);
}

static void wildcards_are_marked_and_found_from_their_parent(void **state)
{
	struct zone *zone = zone_of(APEX "* A 192.0.2.1\n"
					 "*.a TXT x\n"
					 "b.*.a TXT x\n"
					 "**.c TXT x\n");

	assert_ptr_equal(zone_wildcard(zone, &zone->nodes[0]), node_of(zone, "*.example."));
	assert_ptr_equal(
		zone_wildcard(zone, node_of(zone, "a.example.")), node_of(zone, "*.a.example."));
	assert_int_equal(flags_of(zone, "a.example."), ZONE_NODE_EMPTY | ZONE_NODE_STAR_BELOW);
	assert_int_equal(flags_of(zone, "*.a.example."), ZONE_NODE_WILDCARD);
	assert_int_equal(flags_of(zone, "b.*.a.example."), 0);
	assert_null(zone_wildcard(zone, node_of(zone, "c.example.")));
	zone_free(zone);
}

static void the_encloser_is_the_deepest_node_above(void **state)
{
	struct zone *zone = zone_of(APEX "a.b TXT x\n");
	uint8_t name[NAME_MAX_SIZE];

	name_from_text(name, "x.y.b.example.");
	assert_ptr_equal(zone_find_encloser(zone, name), node_of(zone, "b.example."));
	name_from_text(name, "a.b.example.");
	assert_ptr_equal(zone_find_encloser(zone, name), node_of(zone, "a.b.example."));
	name_from_text(name, "a.b.");
	assert_null(zone_find_encloser(zone, name));
	name_from_text(name, ".");
	assert_null(zone_find_encloser(zone, name));
	assert_null(zone_find_before(zone, name));
	zone_free(zone);
}

static void duplicates_go_and_the_least_ttl_stays(void **state)
{
	struct zone *zone = zone_of(APEX "a 300 A 192.0.2.2\n"
					 "a 200 A 192.0.2.1\n"
					 "a 300 A 192.0.2.2\n"
					 "a 300 MX 1 Mail.example.\n"
					 "A 300 MX 1 mail.Example.\n");
	const struct zone_node *node = node_of(zone, "a.example.");
	const struct zone_rrset *a = zone_rrset(node, RR_A);
	struct zone_rdata at = {0};

	assert_int_equal(a->count, 2);
	assert_int_equal(a->ttl, 200);
	assert_true(zone_rdata_next(a, &at));
	assert_memory_equal(at.data, "\xc0\0\2\2", 4);
	assert_true(zone_rdata_next(a, &at));
	assert_memory_equal(at.data, "\xc0\0\2\1", 4);
	assert_false(zone_rdata_next(a, &at));
	assert_int_equal(zone_rrset(node, RR_MX)->count, 1);
	assert_int_equal(zone->duplicates, 2);
	assert_int_equal(zone->ttl_unified, 1);
	/* SOA and NS by hand: 9 + 10 + 12 + 20 + 20, 9 + 10 + 12; A: 2 x (11 + 10 + 4); MX: 11 +
	 * 10 + 2 + 14. */
	assert_int_equal(zone->wire_size, 71 + 31 + 50 + 37);
	assert_int_equal(zone->record_count, 5);
	zone_free(zone);
}

static void a_huge_rrset_loses_its_duplicates_too(void **state)
{
	char *text = malloc(2u << 20), *end = text;

	end += sprintf(end, "%s", APEX);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 20000; i++)
			end += sprintf(end, "big A 10.0.%d.%d\n", i % 200, i / 200);
	struct zone *zone = zone_of(text);
	const struct zone_rrset *rrset = zone_rrset(node_of(zone, "big.example."), RR_A);
	struct zone_rdata at = {0};

	assert_int_equal(rrset->count, 20000);
	assert_int_equal(zone->duplicates, 20000);
	for (int i = 0; i < 20000; i++) {
		assert_true(zone_rdata_next(rrset, &at));
		assert_int_equal(at.data[2], i % 200);
		assert_int_equal(at.data[3], i / 200);
	}
	assert_false(zone_rdata_next(rrset, &at));
	zone_free(zone);
	free(text);
}

static void signatures_are_kept_by_the_type_they_cover(void **state)
{
	struct zone *zone = zone_of(
		APEX "a 300 A 192.0.2.1\n"
		     "a 300 RRSIG A 8 2 300 20300101000000 20200101000000 1 example. AAAA\n"
		     "a 60 AAAA ::1\n"
		     "a 60 RRSIG AAAA 8 2 60 20250101000000 20200101000000 1 example. AAAA\n"
		     "@ 3600 DNSKEY 256 3 8 AAAA\n"
		     "@ 3600 RRSIG SOA 8 1 60 20300101000000 20200101000000 1 example. AAAA\n"
		     "@ 0 NSEC3PARAM 1 0 5 ABCD\n"
		     "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom 300 NSEC3 1 1 5 ABCD "
		     "2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n");
	const struct zone_node *node = node_of(zone, "a.example.");

	assert_int_equal(node->rrset_count, 4);
	assert_int_equal(zone_rrsig(node, RR_A)->ttl, 300);
	assert_int_equal(zone_rrsig(node, RR_AAAA)->ttl, 60);
	assert_null(zone_rrsig(node, RR_TXT));
	assert_null(zone_rrset(node, RR_RRSIG));
	assert_int_equal(zone->ttl_unified, 0);
	assert_true(zone->has_rrsig);
	assert_int_equal(zone->first_expiration, 1735689600);
	assert_int_equal(zone->denial, ZONE_NSEC3);
	assert_int_equal(zone->nsec3.iterations, 5);
	assert_int_equal(zone->nsec3.salt_size, 2);
	assert_memory_equal(zone->nsec3.salt, "\xab\xcd", 2);
	assert_int_equal(
		flags_of(zone, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."), ZONE_NODE_NSEC3);
	zone_free(zone);
}

static void a_dname_at_the_apex_hides_all_but_the_nsec3_chain(void **state)
{
	struct zone *zone = zone_of(APEX "@ DNAME elsewhere.\n"
					 "ns A 192.0.2.1\n"
					 "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
					 "2t7b4g4vsa5smi47k61mv5bv1a22bojr A\n");

	assert_int_equal(flags_of(zone, "example."), ZONE_NODE_DNAME);
	assert_int_equal(flags_of(zone, "ns.example."), ZONE_NODE_OCCLUDED);
	assert_int_equal(
		flags_of(zone, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."), ZONE_NODE_NSEC3);
	zone_free(zone);
}

static void a_cname_beside_other_data_is_flagged_not_refused(void **state)
{
	struct zone *zone = zone_of(APEX "c CNAME a\n"
					 "d CNAME a\n"
					 "d TXT x\n"
					 "e CNAME a\n"
					 "e CNAME b\n");

	assert_int_equal(flags_of(zone, "c.example."), ZONE_NODE_CNAME);
	assert_int_equal(flags_of(zone, "d.example."), ZONE_NODE_CNAME | ZONE_NODE_CLASH);
	assert_int_equal(flags_of(zone, "e.example."), ZONE_NODE_CNAME | ZONE_NODE_CLASH);
	zone_free(zone);
}

static void owners_keep_their_case_beside_the_folded_name(void **state)
{
	struct zone *zone = zone_of(APEX "WWW TXT x\n"
					 "mail TXT x\n");
	const struct zone_node *www = node_of(zone, "www.example.");

	assert_memory_equal(www->cased, "\3WWW\7example", 13);
	assert_memory_equal(www->name, "\3www\7example", 13);
	assert_ptr_equal(
		node_of(zone, "mail.example.")->cased, node_of(zone, "mail.example.")->name);
	zone_free(zone);
}

static void the_root_zone_works(void **state)
{
	static const char text[] = ". 86400 SOA a. b. 1 2 3 4 5\n"
				   ". 86400 NS a.\n"
				   "com. 3600 NS a.gtld.com.\n"
				   "a.gtld.com. 3600 A 192.0.2.1\n";
	char reason[ZONE_REASON_SIZE];
	struct zone *zone;

	assert_int_equal(
		zone_text_parse(&zone, text, sizeof(text) - 1, ".", &unlimited, reason), 0);
	assert_int_equal(zone->nodes[0].labels, 0);
	assert_int_equal(flags_of(zone, "com."), ZONE_NODE_CUT);
	assert_int_equal(node_of(zone, "a.gtld.com.")->cover, 1);
	uint8_t name[NAME_MAX_SIZE];
	name_from_text(name, "no.such.tld.");
	assert_ptr_equal(zone_find_encloser(zone, name), &zone->nodes[0]);
	zone_free(zone);
}

static void what_a_zone_cannot_hold_is_refused_with_its_place(void **state)
{
	char reason[ZONE_REASON_SIZE];

	assert_int_equal(refusal_of(APEX "other.org. A 192.0.2.1\n", reason), -EXDEV);
	assert_string_equal(reason, "line 3: other.org. A: outside the zone example.");
	assert_int_equal(refusal_of("@ NS ns\n", reason), -EBADMSG);
	assert_string_equal(reason, "no SOA record at the apex");
	assert_int_equal(refusal_of("www A 192.0.2.1\n", reason), -EBADMSG);
	assert_string_equal(reason, "no SOA record at the apex");
	assert_int_equal(refusal_of("", reason), -EBADMSG);
	assert_string_equal(reason, "no records");
	assert_int_equal(refusal_of(APEX "@ SOA ns hostmaster 8 1 1 1 1\n", reason), -EBADMSG);
	assert_string_equal(reason, "2 different SOA records");
	assert_int_equal(refusal_of(APEX "a TYPE250 \\# 1 00\n", reason), -EBADMSG);
	assert_string_equal(reason, "line 3: a.example. TSIG: a zone can't hold this type");
	assert_int_equal(refusal_of(APEX "a A 192.0.2\n", reason), -EBADMSG);
}

/* The answer to one record added to an empty zone "example.". */
static int one_record(const struct zone_record *record, char reason[ZONE_REASON_SIZE])
{
	uint8_t origin[NAME_MAX_SIZE];
	struct zone_builder *builder;

	name_from_text(origin, "example.");
	assert_int_equal(zone_builder_new(&builder, origin, &unlimited), 0);
	int error = zone_builder_add(builder, record);
	snprintf(reason, ZONE_REASON_SIZE, "%s", zone_builder_reason(builder));
	zone_builder_free(builder);
	return error;
}

static void owners_and_classes_are_checked(void **state)
{
	char reason[ZONE_REASON_SIZE];
	struct zone_record record = {.owner = (const uint8_t *)"\7example",
		.owner_size = 9,
		.type = RR_TXT,
		.class = 3,
		.rdata = (const uint8_t *)"\1x",
		.rdata_size = 2};

	assert_int_equal(one_record(&record, reason), -EBADMSG);
	assert_string_equal(reason, "example. TXT: class is not IN");
	record.class = RR_CLASS_IN;
	assert_int_equal(one_record(&record, reason), 0);
	record.owner_size = 8;
	assert_int_equal(one_record(&record, reason), -EBADMSG);
	assert_string_equal(reason, "record 1: malformed owner name");
	record.owner_size = 10;
	assert_int_equal(one_record(&record, reason), -EBADMSG);
	record.owner = (const uint8_t *)"\xc0\x0c";
	record.owner_size = 2;
	assert_int_equal(one_record(&record, reason), -EBADMSG);
}

static void a_record_with_broken_octets_is_refused(void **state)
{
	static const struct {
		uint16_t type, size;
		const char *rdata;
	} broken[] = {
		{RR_A, 3, "\1\2\3"},
		{RR_AAAA, 17, "01234567890123456"},
		{RR_NS, 4, "\3abc"},
		{RR_NS, 0, ""},
		{RR_MX, 5, "\0\1\1a\1"},
		{RR_CNAME, 4, "\1a\0\0"},
		{RR_CNAME, 2, "\xc0\x0c"},
		{RR_SOA, 21, "\0\0xxxxxxxxxxxxxxxxxxx"},
		{RR_RRSIG, 19, "xxxxxxxxxxxxxxxxxx\0"},
		{RR_NSEC3, 6, "\1\0\0\0\1x"},
		{RR_NSEC3PARAM, 6, "\1\0\0\0\2x"},
		{35, 6, "\0\1\0\1\1a"},
	};
	char reason[ZONE_REASON_SIZE];

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct zone_record record = {.owner = (const uint8_t *)"\7example",
			.owner_size = 9,
			.type = broken[i].type,
			.class = RR_CLASS_IN,
			.rdata = (const uint8_t *)broken[i].rdata,
			.rdata_size = broken[i].size};

		assert_int_equal(one_record(&record, reason), -EBADMSG);
		assert_non_null(strstr(reason, "RDATA doesn't fit"));
	}
}

static void limits_stop_a_zone_while_it_comes_in(void **state)
{
	static const char text[] = APEX "a A 192.0.2.1\n"
					"b A 192.0.2.1\n";
	struct zone_limits limits = {.max_records = 4};
	char reason[ZONE_REASON_SIZE];
	struct zone *zone = NULL;

	assert_int_equal(
		zone_text_parse(&zone, text, sizeof(text) - 1, "example.", &limits, reason), 0);
	uint64_t memory = zone->memory;
	zone_free(zone);
	limits.max_records = 3;
	assert_int_equal(
		zone_text_parse(&zone, text, sizeof(text) - 1, "example.", &limits, reason),
		-EFBIG);
	assert_non_null(strstr(reason, "more than 3 records"));

	limits = (struct zone_limits){.max_bytes = memory};
	assert_int_equal(
		zone_text_parse(&zone, text, sizeof(text) - 1, "example.", &limits, reason), 0);
	zone_free(zone);
	for (limits.max_bytes = 1; limits.max_bytes < memory; limits.max_bytes += 7)
		assert_int_equal(
			zone_text_parse(&zone, text, sizeof(text) - 1, "example.", &limits, reason),
			-EFBIG);
	assert_non_null(strstr(reason, "bytes"));
}

static void deep_names_count_their_empty_ancestors_against_the_limit(void **state)
{
	char text[1024] = APEX;

	for (int i = 0; i < 110; i++)
		strcat(text, i ? ".a" : "a");
	strcat(text, " A 192.0.2.1\n");
	struct zone *zone = zone_of(text);
	assert_int_equal(zone->empty_count, 109);
	struct zone_limits limits = {.max_bytes = zone->memory - 1};
	zone_free(zone);
	char reason[ZONE_REASON_SIZE];
	assert_int_equal(
		zone_text_parse(&zone, text, strlen(text), "example.", &limits, reason), -EFBIG);
}

static void only_the_old_types_have_compressible_names(void **state)
{
	struct rdata_name names[RDATA_MAX_NAMES];

	assert_int_equal(rdata_names(RR_MX, (const uint8_t *)"\0\1\1a\0", 5, names), 1);
	assert_int_equal(names[0].offset, 2);
	assert_int_equal(names[0].size, 3);
	assert_true(names[0].compressible);
	assert_int_equal(rdata_names(RR_SRV, (const uint8_t *)"\0\1\0\1\0\1\1a\0", 9, names), 1);
	assert_int_equal(names[0].offset, 6);
	assert_false(names[0].compressible);
	assert_int_equal(rdata_names(RR_DNAME, (const uint8_t *)"\1a\0", 3, names), 1);
	assert_false(names[0].compressible);
	assert_int_equal(rdata_names(14, (const uint8_t *)"\1a\0\1b\0", 6, names), 2);
	assert_int_equal(names[1].offset, 3);
	assert_int_equal(rdata_names(35, (const uint8_t *)"\0\1\0\1\1U\0\2xx\1b\0", 13, names), 1);
	assert_int_equal(names[0].offset, 10);
	assert_int_equal(rdata_names(65280, (const uint8_t *)"\xff", 1, names), 0);
}

static void names_survive_text_and_back(void **state)
{
	static const char *const good[] = {
		".", "a.", "\\000\\001\\255.b.", "a\\.b\\\\c.d.", "*.x."};
	static const char *const bad[] = {"", "..", ".a", "a..b", "\\25", "\\256", "a\\"};
	uint8_t name[NAME_MAX_SIZE];
	char text[NAME_TEXT_SIZE], longest[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int size = name_from_text(name, good[i]);

		assert_true(size > 0);
		assert_int_equal(name_check(name, sizeof(name)), size);
		assert_string_equal(name_to_text(text, name), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(name_from_text(name, bad[i]), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	for (int i = 63; i < 255; i += 64)
		longest[i] = '.';
	longest[253] = '\0';
	assert_int_equal(name_from_text(name, longest), 255);
	memcpy(longest + 253, "a", 2);
	assert_int_equal(name_from_text(name, longest), -EINVAL);
	memset(longest, 'a', 64);
	longest[64] = '\0';
	assert_int_equal(name_from_text(name, longest), -EINVAL);
	memset(name, 1, sizeof(name)); /* 127 labels of one octet and no end */
	assert_int_equal(name_check(name, sizeof(name)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_in_canonical_order_whatever_order_they_came_in),
		cmocka_unit_test(labels_with_octets_0_and_1_sort_as_octets),
		cmocka_unit_test(sorting_agrees_with_comparing_for_random_names),
		cmocka_unit_test(missing_ancestors_become_empty_non_terminals),
		cmocka_unit_test(cuts_and_dnames_occlude_what_is_below_but_glue_is_found),
		cmocka_unit_test(wildcards_are_marked_and_found_from_their_parent),
		cmocka_unit_test(the_encloser_is_the_deepest_node_above),
		cmocka_unit_test(duplicates_go_and_the_least_ttl_stays),
		cmocka_unit_test(a_huge_rrset_loses_its_duplicates_too),
		cmocka_unit_test(signatures_are_kept_by_the_type_they_cover),
		cmocka_unit_test(a_dname_at_the_apex_hides_all_but_the_nsec3_chain),
		cmocka_unit_test(a_cname_beside_other_data_is_flagged_not_refused),
		cmocka_unit_test(owners_keep_their_case_beside_the_folded_name),
		cmocka_unit_test(the_root_zone_works),
		cmocka_unit_test(what_a_zone_cannot_hold_is_refused_with_its_place),
		cmocka_unit_test(owners_and_classes_are_checked),
		cmocka_unit_test(a_record_with_broken_octets_is_refused),
		cmocka_unit_test(limits_stop_a_zone_while_it_comes_in),
		cmocka_unit_test(deep_names_count_their_empty_ancestors_against_the_limit),
		cmocka_unit_test(only_the_old_types_have_compressible_names),
		cmocka_unit_test(names_survive_text_and_back),
	};
	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
