/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the image says of a zone is the zone: every answer is put together the way the core does it,
 * for questions at many places, decompressed, and compared with the RRsets that it came from.
 */
#include "control/zone/image_check.h"
#include "tests/host/zone_image.h"
#include "tests/host/zone_sample.h"
#include "tests/unit/image/reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct zone_limits unlimited;

static struct zone *zone_of(const char *origin, const char *text)
{
	char reason[ZONE_REASON_SIZE];
	struct zone *zone = NULL;

	if (zone_text_parse(&zone, text, strlen(text), origin, &unlimited, reason))
		fail_msg("%s", reason);
	return zone;
}

/* The zone in a fresh image that the checker finds nothing wrong with. */
static void image_of(struct zone_image *z, const struct zone *zone, uint32_t shards)
{
	struct image_report report;

	if (zone_image_open(z, shards, 24) || zone_image_publish(z, zone))
		fail_msg("%s", z->error);
	int error = image_check(&z->memory, true, NULL, &report);
	if (error)
		fail_msg("%s (%s)", report.error, strerror(-error));
	assert_int_equal(report.published, 1);
}

/* The name at 'at', decompressed; the place behind it. Fails on loops and on pointers forward. */
static uint32_t name_read(const struct reader_message *m, uint32_t at, uint8_t name[NAME_MAX_SIZE])
{
	uint32_t size = 0, behind = 0, bound = at;

	for (;;) {
		assert_true(at < m->size);
		uint32_t label = m->bytes[at];

		if (label >= 0xc0) {
			uint32_t target = (label & 0x3f) << 8 | m->bytes[at + 1];

			if (!behind)
				behind = at + 2;
			assert_true(target >= 12 && target < bound);
			bound = at = target;
			continue;
		}
		assert_true(label <= 63 && size + 1 + label <= NAME_MAX_SIZE);
		memcpy(name + size, m->bytes + at, 1 + label);
		size += 1 + label;
		at += 1 + label;
		if (label == 0)
			return behind ? behind : at;
	}
}

struct record {
	uint8_t owner[NAME_MAX_SIZE]; /* folded */
	uint16_t type;
	uint32_t ttl;
	uint8_t rdata[65536];
	uint32_t size;
};

/* Names inside RDATA come out whole; those whose type allows no compression must be. */
static uint32_t rdata_read(
	const struct reader_message *m, uint32_t at, uint32_t length, struct record *record)
{
	uint8_t before[] = {[RR_MX] = 2};
	uint32_t end = at + length, fixed = record->type == RR_MX ? before[RR_MX] : 0;
	unsigned names = record->type == RR_SOA ? 2
			 : record->type == RR_NS || record->type == RR_CNAME ||
					 record->type == RR_PTR || record->type == RR_MX
				 ? 1
				 : 0;

	memcpy(record->rdata, m->bytes + at, fixed);
	record->size = fixed;
	at += fixed;
	while (names--) {
		at = name_read(m, at, record->rdata + record->size);
		record->size += (uint32_t)name_size(record->rdata + record->size);
	}
	assert_true(at <= end);
	memcpy(record->rdata + record->size, m->bytes + at, end - at);
	record->size += end - at;
	return end;
}

static uint32_t record_read(const struct reader_message *m, uint32_t at, struct record *record)
{
	at = name_read(m, at, record->owner);
	name_fold(record->owner, record->owner, name_size(record->owner));
	const uint8_t *fixed = m->bytes + at;
	assert_true(at + 10 <= m->size);
	record->type = (uint16_t)(fixed[0] << 8 | fixed[1]);
	assert_int_equal(fixed[2] << 8 | fixed[3], RR_CLASS_IN);
	record->ttl = (uint32_t)fixed[4] << 24 | (uint32_t)fixed[5] << 16 |
		      (uint32_t)fixed[6] << 8 | fixed[7];
	uint32_t length = (uint32_t)fixed[8] << 8 | fixed[9];
	assert_true(at + 10 + length <= m->size);
	return rdata_read(m, at + 10, length, record);
}

/* Exactly the RRset's records stand from *at on, owned by 'owner', in canonical order. */
static void rrset_expect(const struct reader_message *m, uint32_t *at, const uint8_t *owner,
	const struct zone_rrset *rrset, uint32_t ttl)
{
	static struct record record, last;
	bool met[256] = {false};

	for (uint32_t i = 0; i < rrset->count; i++) {
		struct zone_rdata there = {0};
		uint32_t place = 0;

		*at = record_read(m, *at, &record);
		assert_int_equal(record.type, rrset->type);
		assert_int_equal(record.ttl, ttl);
		assert_memory_equal(record.owner, owner, name_size(owner));
		while (zone_rdata_next(rrset, &there) &&
			rdata_compare(
				rrset->type, record.rdata, record.size, there.data, there.size))
			place++;
		assert_non_null(there.data);
		assert_true(place < rrset->count && !met[place]);
		met[place] = true;
		assert_true(i == 0 || rdata_compare(rrset->type, last.rdata, last.size,
					      record.rdata, record.size) < 0);
		last = record;
	}
}

/* A question for 'below' labels more than the owner, at 12; with 'pad' octets behind it. */
static void message_begin(struct reader_message *m, struct reader_places *p, const uint8_t *owner,
	const uint8_t *origin, uint32_t below, uint32_t pad)
{
	*m = (struct reader_message){.size = 12};
	for (uint32_t i = 0; i < below && name_size(owner) + 2 * (i + 1) <= NAME_MAX_SIZE; i++) {
		memcpy(m->bytes + m->size, "\1x", 2);
		m->size += 2;
	}
	p->owner_at = m->size;
	p->apex_len = (uint32_t)name_size(origin) - 1;
	p->r = (uint32_t)(name_size(owner) - name_size(origin));
	p->apex_at = m->size + p->r;
	memcpy(m->bytes + m->size, owner, name_size(owner));
	m->size += (uint32_t)name_size(owner) + 4;
	memset(m->bytes + m->size, 0xee, pad);
	m->size += pad;
}

static void sum_expect(const struct reader_message *m, uint32_t from)
{
	uint64_t sum = 0, stored = m->sum;

	for (uint32_t i = from; i < m->size; i++)
		sum += (uint32_t)m->bytes[i] << (i & 1 ? 8 : 0);
	sum %= 65535;
	stored %= 65535;
	assert_int_equal(sum, stored);
}

static bool is_occluded(const struct zone_node *node)
{
	return node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3);
}

/* From the one kind of address to the other: 0 is A, 1 is AAAA. */
static uint32_t addresses_expect(const struct reader_message *m, uint32_t *at, const uint8_t *owner,
	const struct zone_node *node, int from, int to)
{
	const uint16_t types[] = {RR_A, RR_AAAA};
	uint32_t count = 0;

	for (int i = from; i <= to; i++) {
		const struct zone_rrset *rrset = zone_rrset(node, types[i]);
		if (rrset)
			rrset_expect(m, at, owner, rrset, rrset->ttl);
		count += rrset ? rrset->count : 0;
	}
	return count;
}

/* Do the addresses of a target belong into the answer, and must they? 0 no, 1 as a courtesy, 2 yes.
 */
static int address_duty(const struct zone_node *node, const struct zone_rrset *rrset,
	const uint8_t *name, const struct zone_node *source)
{
	bool cut = node->flags & ZONE_NODE_CUT;

	if (!zone_rrset(source, RR_A) && !zone_rrset(source, RR_AAAA))
		return 0;
	if (cut && name_within(name, node->name))
		return 2;
	return cut || rrset->type == RR_NS ||
			       !(source->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_CUT))
		       ? 1
		       : 0;
}

/* Whose records a name has: its own, those of "*" below the first ancestor that is there, or NULL.
 */
static const struct zone_node *records_of(const struct zone *zone, const uint8_t *name)
{
	const struct zone_node *node = zone_find(zone, name);
	uint8_t star[NAME_MAX_SIZE + 2] = {1, '*'};

	if (node || !name_within(name, zone_origin(zone)))
		return node;
	while (!zone_find(zone, name))
		name += 1 + *name;
	memcpy(star + 2, name, name_size(name));
	return zone_find(zone, star);
}

static int name_order(const void *a, const void *b)
{
	return name_compare(a, b, NULL);
}

/* The additional records, in the zone's order: those of this duty; a courtesy kind by kind. */
static uint32_t additional_expect(const struct zone *zone, const struct zone_node *node,
	const struct zone_rrset *rrset, const struct reader_message *m, uint32_t *at, int duty)
{
	static uint8_t named[IMAGE_RRS_MAX][NAME_MAX_SIZE];
	struct zone_rdata there = {0};
	uint32_t count = 0, names = 0;

	for (; zone_rdata_next(rrset, &there); names++) {
		struct rdata_name name[RDATA_MAX_NAMES];

		assert_int_equal(rdata_names(rrset->type, there.data, there.size, name), 1);
		assert_true(names < IMAGE_RRS_MAX);
		name_fold(named[names], there.data + name[0].offset, name[0].size);
	}
	qsort(named, names, NAME_MAX_SIZE, name_order);
	for (int kind = 0; kind < (duty == 1 ? 2 : 1); kind++) {
		for (uint32_t i = 0; i < names; i++) {
			const struct zone_node *source = records_of(zone, named[i]);

			if ((i && name_equal(named[i], named[i - 1])) || !source)
				continue;
			if (address_duty(node, rrset, named[i], source) == duty)
				count += addresses_expect(
					m, at, named[i], source, kind, duty == 1 ? kind : 1);
		}
	}
	return count;
}

static void type_expect(const struct zone *zone, const struct reader *reader,
	const struct zone_node *node, const struct zone_rrset *rrset, bool additional)
{
	uint32_t r, key_len = node->name_size - zone->nodes[0].name_size;
	const struct image_entry *entry = reader_entry(reader, node->name, key_len);
	const struct image_fragment *group = reader_group(reader, entry, rrset->type, &r);
	bool referral = node->flags & ZONE_NODE_CUT && rrset->type == RR_NS;
	bool names = rrset->type == RR_NS || rrset->type == RR_MX || rrset->type == RR_SRV;

	assert_non_null(group);
	assert_int_equal(r, key_len);
	for (uint32_t below = 0; below < 3; below++) {
		static struct reader_message m;
		struct reader_places places;
		uint32_t from, at, required, extra = 0;

		message_begin(&m, &places, node->name, zone_origin(zone), below, below & 1);
		from = at = m.size;
		reader_append(&m, group, &places, true);
		sum_expect(&m, from);
		rrset_expect(&m, &at, node->name, rrset, rrset->ttl);
		assert_int_equal(m.records[referral ? 1 : 0], rrset->count);
		assert_int_equal(m.records[referral ? 0 : 1], 0);
		if (names && additional) {
			required = additional_expect(zone, node, rrset, &m, &at, 2);
			assert_int_equal(group->records[2], required);
			extra = required + additional_expect(zone, node, rrset, &m, &at, 1);
			assert_int_equal(m.records[2], extra);
		}
		if (!names || additional)
			assert_int_equal(at, m.size);
	}
}

static void negative_expect(const struct zone *zone, const struct reader *reader)
{
	uint32_t ttl = zone->soa.ttl < zone->soa.minimum ? zone->soa.ttl : zone->soa.minimum;

	for (uint32_t below = 0; below < 4; below++) {
		static struct reader_message m;
		struct reader_places places;
		uint32_t at;

		message_begin(&m, &places, zone_origin(zone), zone_origin(zone), below, below & 1);
		at = m.size;
		reader_append(&m, reader_negative(reader), &places, true);
		sum_expect(&m, at);
		rrset_expect(&m, &at, zone_origin(zone), zone_rrset(zone->nodes, RR_SOA), ttl);
		assert_int_equal(at, m.size);
		assert_int_equal(m.records[1], 1);
	}
}

/* All of the zone comes back out of the image, and nothing else. 'additional': look at those
 * records too (slow). */
static void zone_expect(const struct zone *zone, const struct zone_image *z, bool additional)
{
	struct reader reader;
	struct image_usage usage;
	uint32_t names = 0;

	assert_true(reader_enter(&reader, &z->memory, zone_origin(zone)));
	assert_non_null(reader.version);
	assert_int_equal(reader.version->serial, zone->soa.serial);
	negative_expect(zone, &reader);
	for (uint32_t i = 0; i < zone->node_count; i++) {
		const struct zone_node *node = &zone->nodes[i];
		uint32_t key_len = node->name_size - zone->nodes[0].name_size, types = 0;
		const struct image_entry *entry = reader_entry(&reader, node->name, key_len);

		assert_int_equal(entry == NULL, is_occluded(node));
		if (!entry)
			continue;
		names++;
		assert_int_equal(!!(entry->flags & ENTRY_CUT), !!(node->flags & ZONE_NODE_CUT));
		assert_int_equal(
			!!(entry->flags & ENTRY_WILDCARD), !!(node->flags & ZONE_NODE_STAR_BELOW));
		assert_int_equal(!!(entry->flags & ENTRY_CNAME), !!(node->flags & ZONE_NODE_CNAME));
		assert_false(entry->flags & ENTRY_PASS);
		for (uint32_t j = 0; j < node->rrset_count; j++) {
			const struct zone_rrset *rrset = &node->rrsets[j];
			if (rrset->type == RR_RRSIG || rrset->type == RR_NSEC ||
				(node->flags & ZONE_NODE_CUT && rrset->type != RR_NS &&
					rrset->type != RR_DS))
				continue;
			type_expect(zone, &reader, node, rrset, additional);
			types++;
		}
		assert_int_equal(entry->types, types);
	}
	image_usage(z->image, &usage);
	assert_int_equal(usage.names, names);
}

#define APEX                                                                                       \
	"@ 3600 SOA ns1 hostmaster 7 3600 600 86400 300\n"                                         \
	"@ 3600 NS ns1\n"                                                                          \
	"ns1 3600 A 192.0.2.1\n"

static const char odd_zone[] = APEX
	"@ 3600 NS NS.Sub\n@ 60 NS ns.elsewhere.org.\n"
	"@ 300 MX 10 mail\n@ 300 MX 20 @\n@ 300 MX 30 other.com.\n@ A 192.0.2.9\n@ AAAA "
	"2001:db8::9\n"
	"Mail 300 A 192.0.2.2\nmail 300 A 192.0.2.3\nmail 300 A 192.0.2.4\nmail AAAA 2001:db8::2\n"
	"www CNAME Mail\nalias CNAME @\nout CNAME x.y.example.net.\nchain CNAME nothing.there\n"
	"a.b.c TXT \"three labels down\" \"second\"\nc MX 5 x.c\nx.c MX 5 y.x.c\ny.x.c A 10.0.0.1\n"
	"y.x.c MX 1 x.c\ny.x.c MX 2 c\ny.x.c MX 3 y.x.c\n"
	"*.wild A 10.0.0.2\n*.wild MX 10 z.wild\n*.wild MX 20 *.wild\n*.wild MX 30 wild\n*.wild MX "
	"40 mail\n"
	"sub NS NS.Sub\nsub NS ns2.sub\nsub NS ns.other\nsub NS ns1\nsub NS ns.elsewhere.org.\n"
	"sub NS Any.Wild\nsub NS any.wild.wild\nsub NS x.starred\nstarred NS y.starred\n"
	"*.starred A 10.4.0.1\n*.starred AAAA 2001:db8:4::1\n"
	"sub DS 1 13 2 000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\n"
	"ns.sub A 10.1.0.1\nns.sub AAAA 2001:db8:1::1\nns2.sub A 10.1.0.2\nother NS ns.other\n"
	"ns.other A 10.2.0.1\nhidden.sub TXT \"occluded\"\n"
	"self NS self\nself A 10.3.0.1\n"
	"_sip._tcp SRV 0 5 5060 mail\n_sip._tcp SRV 1 5 5060 sip.example.net.\n_sip._tcp SRV 2 5 "
	"5060 .\n"
	"tree DNAME example.net.\nlost.tree A 10.9.9.9\nbranch DNAME a.B.c\nroot DNAME @\n"
	"p PTR a.b.c\np HINFO \"x\" \"y\"\np TYPE65280 \\# 3 010203\np TYPE65281 \\# 0\n"
	"many NAPTR 1 1 \"u\" \"sip\" \"!x!y!\" a.b.c\nmany RP mail c\nmany AFSDB 1 mail\n"
	"odd 1 TXT \"a\"\nodd TYPE300 \\# 1 aa\n";

static void every_answer_of_an_odd_zone_is_the_zones(void **state)
{
	const char *origins[] = {"example.", "an.example.com.", "."};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct zone *zone = zone_of(origins[i], odd_zone);
		struct zone_image z;

		image_of(&z, zone, 1);
		zone_expect(zone, &z, true);
		zone_image_close(&z);
		zone_free(zone);
	}
}

static void every_answer_of_the_root_zone_is_the_zones(void **state)
{
	const char *command = "zcat '" ROOT_ZONE "' | grep -vwE 'RRSIG|NSEC|DNSKEY|ZONEMD'";
	char reason[ZONE_REASON_SIZE], *text = malloc(8u << 20);
	FILE *from = NULL;
	struct zone *zone;
	struct zone_image z;
	size_t size;

	(void)state;
	if (access(ROOT_ZONE, R_OK)) {
		print_message("no root zone at %s\n", ROOT_ZONE);
		free(text);
		skip();
	}
	from = popen(command, "r");
	assert_non_null(from);
	size = fread(text, 1, 8u << 20, from);
	assert_int_equal(pclose(from), 0);
	assert_int_equal(zone_text_parse(&zone, text, size, ".", &unlimited, reason), 0);
	assert_true(zone->cut_count > 1400);
	image_of(&z, zone, 1);
	zone_expect(zone, &z, false);
	/* with additional records: a few of the delegations that have most of them */
	struct reader reader;
	assert_true(reader_enter(&reader, &z.memory, zone_origin(zone)));
	for (uint32_t i = 0; i < zone->node_count; i += 97) {
		const struct zone_node *node = &zone->nodes[i];
		if (node->flags & ZONE_NODE_CUT)
			type_expect(zone, &reader, node, zone_rrset(node, RR_NS), true);
	}
	type_expect(zone, &reader, zone->nodes, zone_rrset(zone->nodes, RR_NS), true);
	zone_image_close(&z);
	zone_free(zone);
	free(text);
}

static void every_answer_of_100000_names_is_the_zones(void **state)
{
	const enum zone_sample_kind kinds[] = {ZONE_SAMPLE_HOSTS, ZONE_SAMPLE_TLD};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct zone *zone;
		struct zone_image z;

		assert_int_equal(zone_sample(&zone, kinds[i], "example.com.", 100000, 1, 0), 0);
		image_of(&z, zone, 4);
		zone_expect(zone, &z, false);
		zone_image_close(&z);
		zone_free(zone);
	}
}

static const struct image_entry *entry_of(
	const struct zone_image *z, const char *origin, const char *relative, struct reader *reader)
{
	uint8_t apex[NAME_MAX_SIZE], key[NAME_MAX_SIZE];

	assert_true(name_from_text(apex, origin) > 0);
	assert_true(name_from_text(key, relative) > 0);
	assert_true(reader_enter(reader, &z->memory, apex));
	return reader_entry(reader, key, (uint32_t)name_size(key) - 1);
}

static void what_the_layout_cannot_hold_passes_or_is_truncated(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct zone_image z;
	struct reader reader;
	const struct image_fragment *f;
	uint32_t r;

	(void)state;
	fputs(APEX, out);
	for (int i = 0; i < 300; i++)
		fprintf(out, "large A 10.0.%d.%d\ncrowd TYPE65400 \\# 1 %02x\n", i / 256, i % 256,
			i % 256);
	fprintf(out, "crowd TYPE65400 \\# 0\n");
	for (int i = 0; i < 255; i++)
		fprintf(out, "full A 10.0.0.%d\n", i);
	for (int i = 0; i < 65; i++)
		fprintf(out, "types TYPE%d \\# 1 00\n", 65280 + i);
	for (int i = 0; i < 64; i++)
		fprintf(out, "types64 TYPE%d \\# 1 00\n", 65280 + i);
	for (int i = 0; i < 20; i++) {
		fprintf(out, "big TYPE%d \\# 4000 ", 65280 + i);
		for (int j = 0; j < 4000; j++)
			fputs("5a", out);
		fputs("\nlong TXT", out);
		for (int j = 0; j < 3; j++)
			fprintf(out, " \"%d%0250d\"", i, j);
		fputs("\n", out);
	}
	fputs("clash CNAME ns1\nclash A 10.0.0.1\n", out);
	fclose(out);
	if (zone_image_open(&z, 1, 24) || zone_image_text(&z, text, size, "example."))
		fail_msg("%s", z.error);
	assert_true(entry_of(&z, "example.", "types", &reader)->flags & ENTRY_PASS);
	assert_int_equal(entry_of(&z, "example.", "types64", &reader)->types, 64);
	assert_true(entry_of(&z, "example.", "big", &reader)->flags & ENTRY_PASS);
	assert_true(entry_of(&z, "example.", "crowd", &reader)->flags & ENTRY_PASS);
	assert_true(entry_of(&z, "example.", "clash", &reader)->flags & ENTRY_PASS);
	f = reader_group(&reader, entry_of(&z, "example.", "full", &reader), RR_A, &r);
	assert_int_equal(f->records[0], 255);
	assert_int_equal(f->stride, 16);
	f = reader_group(&reader, entry_of(&z, "example.", "large", &reader), RR_A, &r);
	assert_int_equal(f->flags, FRAGMENT_OVERSIZE);
	f = reader_group(&reader, entry_of(&z, "example.", "long", &reader), RR_TXT, &r);
	assert_int_equal(f->flags, FRAGMENT_OVERSIZE);
	zone_image_close(&z);
	free(text);
}

static void a_target_in_the_zone_ends_at_the_apex(void **state)
{
	struct zone *zone = zone_of("example.", odd_zone);
	struct zone_image z;
	struct reader reader;
	const struct image_fragment *f;
	uint32_t r;

	(void)state;
	image_of(&z, zone, 1);
	f = reader_group(&reader, entry_of(&z, "example.", "www", &reader), RR_CNAME, &r);
	assert_int_equal(f->flags, FRAGMENT_TARGET);
	assert_memory_equal(
		f->data + 12, "\4Mail\xc0\x10", 7); /* "www" is four octets: apex at 16 */
	f = reader_group(&reader, entry_of(&z, "example.", "alias", &reader), RR_CNAME, &r);
	assert_int_equal(f->flags, FRAGMENT_TARGET);
	assert_memory_equal(f->data + 12, "\xc0\x12", 2);
	f = reader_group(&reader, entry_of(&z, "example.", "out", &reader), RR_CNAME, &r);
	assert_int_equal(f->flags, 0);
	/* a DNAME's target is never compressed (RFC 6672 section 2.5) */
	f = reader_group(&reader, entry_of(&z, "example.", "branch", &reader), RR_DNAME, &r);
	assert_int_equal(f->flags, FRAGMENT_TARGET);
	assert_memory_equal(f->data + 12, "\1a\1B\1c\7example", 15);
	f = reader_group(&reader, entry_of(&z, "example.", "root", &reader), RR_DNAME, &r);
	assert_int_equal(f->flags, FRAGMENT_TARGET);
	f = reader_group(&reader, entry_of(&z, "example.", "tree", &reader), RR_DNAME, &r);
	assert_int_equal(f->flags, 0);
	zone_image_close(&z);
	zone_free(zone);
}

static void a_wildcards_answers_name_nothing_inside_its_owner(void **state)
{
	struct zone *zone = zone_of("example.", odd_zone);
	struct zone_image z;
	struct reader reader;
	const struct image_fragment *f;
	uint32_t r;

	(void)state;
	image_of(&z, zone, 1);
	f = reader_group(&reader, entry_of(&z, "example.", "*.wild", &reader), RR_MX, &r);
	assert_int_equal(f->pointers[BASE_OWNER], f->records[0]);
	/* a synthesized answer for q.q.wild.example.: the exchanges stay what they are */
	static struct reader_message m;
	struct reader_places places;
	uint8_t owner[NAME_MAX_SIZE], synthesized[NAME_MAX_SIZE];
	struct record *record = malloc(sizeof(*record));
	name_from_text(owner, "*.wild.example.");
	name_from_text(synthesized, "q.q.wild.example.");
	message_begin(&m, &places, synthesized, zone_origin(zone), 0, 0);
	places.r = r;
	uint32_t at = m.size;
	reader_append(&m, f, &places, true);
	const char *expected[] = {
		"z.wild.example.", "*.wild.example.", "wild.example.", "mail.example."};
	for (int i = 0; i < 4; i++) {
		char name[NAME_TEXT_SIZE];
		at = record_read(&m, at, record);
		assert_memory_equal(record->owner, synthesized, name_size(synthesized));
		assert_string_equal(name_to_text(name, record->rdata + 2), expected[i]);
	}
	free(record);
	zone_image_close(&z);
	zone_free(zone);
}

static void the_same_records_in_another_order_give_the_same_bytes(void **state)
{
	struct zone *a = zone_of(
		"example.", APEX "h A 10.0.0.1\nh A 10.0.0.2\nh A 10.0.0.3\nh MX 1 b\nh MX 1 a\n");
	struct zone *b = zone_of(
		"example.", "h MX 1 a\nh A 10.0.0.3\nh A 10.0.0.1\nh MX 1 b\nh A 10.0.0.2\n" APEX);
	struct compiled *x, *y;

	(void)state;
	assert_int_equal(compile_zone(&x, a), 0);
	assert_int_equal(compile_zone(&y, b), 0);
	assert_int_equal(x->size, y->size);
	assert_memory_equal(x->bytes, y->bytes, x->size);
	compiled_free(x);
	compiled_free(y);
	zone_free(a);
	zone_free(b);
}

static void equal_even_records_carry_their_stride(void **state)
{
	struct zone *zone = zone_of("example.",
		APEX "a A 1.1.1.1\na A 1.1.1.2\na AAAA ::1\nt TXT \"1\"\nt TXT \"2\"\n"
		     "u TXT \"12\"\nu TXT \"34\"\nm MX 1 x\nm MX 2 y\n");
	struct {
		const char *name;
		uint16_t type, stride;
	} cases[] = {
		{"a", RR_A, 16},
		{"a", RR_AAAA, 28},
		{"t", RR_TXT, 14},
		{"u", RR_TXT, 0},
		{"m", RR_MX, 0},
	};
	struct zone_image z;

	(void)state;
	image_of(&z, zone, 1);
	for (unsigned i = 0; i < 5; i++) {
		struct reader reader;
		uint32_t r;
		const struct image_fragment *f = reader_group(&reader,
			entry_of(&z, "example.", cases[i].name, &reader), cases[i].type, &r);
		assert_int_equal(f->stride, cases[i].stride);
	}
	zone_image_close(&z);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_answer_of_an_odd_zone_is_the_zones),
		cmocka_unit_test(every_answer_of_the_root_zone_is_the_zones),
		cmocka_unit_test(every_answer_of_100000_names_is_the_zones),
		cmocka_unit_test(what_the_layout_cannot_hold_passes_or_is_truncated),
		cmocka_unit_test(a_target_in_the_zone_ends_at_the_apex),
		cmocka_unit_test(a_wildcards_answers_name_nothing_inside_its_owner),
		cmocka_unit_test(the_same_records_in_another_order_give_the_same_bytes),
		cmocka_unit_test(equal_even_records_carry_their_stride),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
