/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transfers as messages, without a socket: what is taken, what is refused and by which word.
 */
#include "control/zone/axfr.h"
#include "control/zone/tsig.h"
#include "tests/unit/zone/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct zone_limits unlimited;

/* Seconds by which "now" is off; libknot's clock too, because this takes libc's place. */
static time_t clock_offset;

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += clock_offset;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

/* One transfer of "example.", fed by hand. */
struct feed {
	struct axfr *axfr;
	struct key *key;
	struct signer *signer;
	struct zone_fault fault;
	struct wire wire;
	uint16_t id;
	uint8_t query[DNS_QUERY_MAX_SIZE];
	size_t query_size;
};

static char folder[] = "/tmp/anode-axfr-XXXXXX";
static char *key_file;

static int folder_make(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	key_file = wire_key_file(folder, "mirror.key", WIRE_SECRET);
	return 0;
}

static int folder_remove(void **state)
{
	unlink(key_file);
	free(key_file);
	return rmdir(folder);
}

static struct feed *feed_new(const struct zone_limits *limits, const char *server_secret)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	uint8_t origin[NAME_MAX_SIZE];
	char reason[KEY_REASON_SIZE];

	name_from_text(origin, "eXample.");
	if (server_secret) {
		struct key_options options = {"mirror", "hmac-sha256", key_file};

		assert_int_equal(key_load(&feed->key, &options, reason), 0);
	}
	assert_int_equal(axfr_new(&feed->axfr, origin, feed->key, limits), 0);
	int size = axfr_query(feed->axfr, feed->query);
	assert_true(size > 0);
	feed->query_size = (size_t)size;
	feed->id = (uint16_t)(feed->query[0] << 8 | feed->query[1]);
	if (server_secret) {
		feed->signer = malloc(sizeof(*feed->signer));
		signer_begin(feed->signer, server_secret, feed->query, feed->query_size);
	}
	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA, "example.", RR_AXFR);
	return feed;
}

static void feed_free(struct feed *feed)
{
	axfr_free(feed->axfr);
	key_free(feed->key);
	if (feed->signer)
		signer_end(feed->signer);
	free(feed->signer);
	free(feed);
}

/* Hands the message over and begins the next, which has no question. */
static int feed_message(struct feed *feed)
{
	int result = axfr_message(feed->axfr, feed->wire.octets, feed->wire.size, &feed->fault);

	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA, NULL, 0);
	return result;
}

static int feed_signed(struct feed *feed)
{
	signer_sign(feed->signer, &feed->wire);
	return feed_message(feed);
}

static int feed_unsigned(struct feed *feed)
{
	signer_skip(feed->signer, &feed->wire);
	return feed_message(feed);
}

static void assert_fault(const struct feed *feed, int result, enum zone_fault_kind kind)
{
	assert_string_equal(zone_fault_label(feed->fault.kind), zone_fault_label(kind));
	assert_int_equal(result, zone_fault_errno(kind));
	assert_true(result < 0);
	assert_int_not_equal(strlen(feed->fault.text), 0);
}

static struct zone *feed_finish(struct feed *feed)
{
	struct zone *zone = NULL;

	assert_int_equal(axfr_finish(feed->axfr, &zone, &feed->fault), 0);
	return zone;
}

static void a_transfer_may_come_in_any_cut_of_messages(void **state)
{
	for (int cuts = 0; cuts < 16; cuts++) {
		struct feed *feed = feed_new(&unlimited, NULL);
		int result = 0;

		wire_soa(&feed->wire, "EXAMPLE.", 7, 86400);
		if (cuts & 1)
			result |= feed_message(feed);
		wire_a(&feed->wire, "a.example.", "\300\0\2\1");
		if (cuts & 2)
			result |= feed_message(feed);
		wire_a(&feed->wire, "b.example.", "\300\0\2\2");
		if (cuts & 4)
			result |= feed_message(feed);
		if (cuts & 8)
			result |= feed_message(feed); /* an empty one */
		assert_int_equal(result, 0);
		wire_soa(&feed->wire, "example.", 7, 86400);
		assert_int_equal(feed_message(feed), 1);
		struct zone *zone = feed_finish(feed);
		assert_int_equal(zone->record_count, 3);
		assert_int_equal(zone->soa.serial, 7);
		assert_int_equal(zone->soa.expire, 86400);
		zone_free(zone);
		feed_free(feed);
	}
}

static void compressed_names_are_expanded_in_every_type_that_may_hold_them(void **state)
{
	static const struct {
		uint16_t type, names_at;
		const char *rdata;
		size_t size;
		const char *expanded;
		size_t expanded_size;
	} cases[] = {
		/* Pointer to the question's name at 12. */
		{RR_NS, 0, "\2ns\300\14", 5, "\2ns\7example", 12},
		{RR_MX, 2, "\0\5\300\14", 4, "\0\5\7example", 11},
		{9 /* MR */, 0, "\1m\300\14", 4, "\1m\7example", 11},
		{14 /* MINFO */, 0, "\300\14\1x\300\14", 6, "\7example\0\1x\7example", 20},
		{RR_SRV, 6, "\0\1\0\2\0\3\1s\300\14", 10, "\0\1\0\2\0\3\1s\7example", 17},
		{RR_DNAME, 0, "\300\14", 2, "\7example", 9},
		{35 /* NAPTR */, 7, "\0\1\0\2\1U\0\0\300\14", 10, "\0\1\0\2\1U\0\0\7example", 17},
		{65280, 0, "\300\14", 2, "\300\14", 2},
		{65281, 0, "", 0, "", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed *feed = feed_new(&unlimited, NULL);
		struct zone_rdata at = {0};

		wire_soa(&feed->wire, "example.", 7, 86400);
		wire_record(
			&feed->wire, "x.example.", cases[i].type, 5, cases[i].rdata, cases[i].size);
		wire_soa(&feed->wire, "example.", 7, 86400);
		assert_int_equal(feed_message(feed), 1);
		struct zone *zone = feed_finish(feed);
		const struct zone_rrset *rrset = zone_rrset(&zone->nodes[1], cases[i].type);
		assert_true(zone_rdata_next(rrset, &at));
		assert_int_equal(at.size, cases[i].expanded_size);
		assert_memory_equal(at.data, cases[i].expanded, at.size);
		zone_free(zone);
		feed_free(feed);
	}
}

static void refusals_are_named_by_their_rcode(void **state)
{
	static const struct {
		unsigned rcode;
		enum zone_fault_kind kind;
	} cases[] = {{1, ZONE_FAULT_RCODE}, {2, ZONE_FAULT_SERVFAIL}, {3, ZONE_FAULT_NXDOMAIN},
		{4, ZONE_FAULT_RCODE}, {5, ZONE_FAULT_REFUSED}, {9, ZONE_FAULT_NOT_AUTHORITATIVE},
		{15, ZONE_FAULT_RCODE}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int is_signed = 0; is_signed < 2; is_signed++) {
			struct feed *feed = feed_new(&unlimited, is_signed ? WIRE_SECRET : NULL);

			wire_begin(&feed->wire, feed->id, WIRE_QR | cases[i].rcode, "example.",
				RR_AXFR);
			assert_fault(feed, feed_message(feed), cases[i].kind);
			feed_free(feed);
		}
	}
}

static void a_later_error_ends_the_transfer(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_message(feed), 0);
	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA | 2, NULL, 0);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_SERVFAIL);
	feed_free(feed);
}

static void a_transfer_with_aa_clear_is_taken_because_knot_sends_it(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_begin(&feed->wire, feed->id, WIRE_QR, "example.", RR_AXFR);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_message(feed), 1);
	feed_free(feed);
}

static void an_answer_to_another_query_is_refused(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_begin(&feed->wire, feed->id ^ 1, WIRE_QR | WIRE_AA, "example.", RR_AXFR);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_begin(&feed->wire, feed->id, WIRE_AA, "example.", RR_AXFR); /* a query */
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA, "example.org.", RR_AXFR);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_WRONG_ZONE);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA, "example.", RR_SOA);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_WRONG_ZONE);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_begin(&feed->wire, feed->id, WIRE_QR | WIRE_AA | WIRE_TC, "example.", RR_AXFR);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);
}

static void another_zone_than_asked_for_is_refused(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_soa(&feed->wire, "example.org.", 7, 86400);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_WRONG_ZONE);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_a(&feed->wire, "a.example.org.", "\300\0\2\1");
	assert_fault(feed, feed_message(feed), ZONE_FAULT_INVALID_ZONE);
	assert_non_null(strstr(feed->fault.text, "a.example.org. A: outside the zone example."));
	feed_free(feed);
}

static void the_transfer_begins_and_ends_with_the_same_soa(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_NOT_AUTHORITATIVE); /* no record */
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	wire_soa(&feed->wire, "example.", 8, 86400);
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);

	feed = feed_new(&unlimited, NULL);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);
}

static void a_child_zones_soa_doesnt_end_the_transfer(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);

	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_soa(&feed->wire, "child.example.", 7, 86400);
	assert_int_equal(feed_message(feed), 0);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_message(feed), 1);
	struct zone *zone = feed_finish(feed);
	assert_int_equal(zone->record_count, 2);
	zone_free(zone);
	feed_free(feed);
}

static void records_that_do_not_parse_are_refused(void **state)
{
	static const struct {
		uint16_t type;
		const char *rdata;
		size_t size;
	} cases[] = {
		{RR_A, "\1\2\3", 3},
		{RR_A, "", 0},
		{RR_NS, "\2ns", 3},
		{RR_NS, "\300\377", 2},    /* a pointer forward */
		{RR_NS, "\300\127", 2},    /* to itself */
		{RR_NS, "\1a\300\127", 4}, /* to its own beginning */
		{RR_NS, "\300\0", 2},      /* into the header */
		{RR_NS, "\100", 1},        /* a reserved label type */
		{RR_MX, "\0", 1},
		{RR_TSIG, "x", 1},
		{RR_OPT, "", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed *feed = feed_new(&unlimited, NULL);

		wire_soa(&feed->wire, "example.", 7, 86400);
		wire_record(
			&feed->wire, "x.example.", cases[i].type, 5, cases[i].rdata, cases[i].size);
		int result = feed_message(feed);
		assert_true(feed->fault.kind == ZONE_FAULT_MALFORMED ||
			    feed->fault.kind == ZONE_FAULT_INVALID_ZONE);
		assert_int_equal(result, -EBADMSG);
		feed_free(feed);
	}
}

static void every_cut_of_a_message_is_refused(void **state)
{
	struct feed *feed = feed_new(&unlimited, NULL);
	struct wire whole;

	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_record(&feed->wire, "x.example.", RR_NS, 5, "\2ns\300\14", 5);
	wire_soa(&feed->wire, "example.", 7, 86400);
	whole = feed->wire;
	feed_free(feed);
	for (size_t size = 0; size < whole.size; size++) {
		feed = feed_new(&unlimited, NULL);
		uint8_t *exact =
			malloc(size ? size : 1); /* so that a sanitizer sees any octet more */

		memcpy(exact, whole.octets, size);
		if (size >= 2) {
			exact[0] = (uint8_t)(feed->id >> 8);
			exact[1] = (uint8_t)feed->id;
		}
		assert_int_equal(axfr_message(feed->axfr, exact, size, &feed->fault), -EBADMSG);
		assert_int_equal(feed->fault.kind, ZONE_FAULT_MALFORMED);
		free(exact);
		feed_free(feed);
	}
}

static void altered_octets_never_do_worse_than_fail(void **state)
{
	struct wire whole;
	struct feed *feed = feed_new(&unlimited, NULL);
	uint64_t seed = 0x9e3779b97f4a7c15u;
	int taken = 0;

	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_record(&feed->wire, "x.y.example.", RR_NS, 5, "\2ns\300\14", 5);
	wire_record(&feed->wire, "x.example.", RR_MX, 5, "\0\1\2ns\300\14", 7);
	wire_soa(&feed->wire, "example.", 7, 86400);
	whole = feed->wire;
	feed_free(feed);
	for (int n = 0; n < 20000; n++) {
		feed = feed_new(&unlimited, NULL);
		uint8_t *octets = malloc(whole.size);

		memcpy(octets, whole.octets, whole.size);
		octets[0] = (uint8_t)(feed->id >> 8);
		octets[1] = (uint8_t)feed->id;
		for (int changes = 1 + n % 3; changes; changes--) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			octets[2 + seed % (whole.size - 2)] = (uint8_t)(seed >> 32);
		}
		int result = axfr_message(feed->axfr, octets, whole.size, &feed->fault);
		if (result == 1) {
			struct zone *zone;

			if (!axfr_finish(feed->axfr, &zone, &feed->fault)) {
				zone_free(zone);
				taken++;
			}
		} else if (result < 0) {
			assert_int_not_equal(feed->fault.kind, ZONE_FAULT_NONE);
		}
		free(octets);
		feed_free(feed);
	}
	assert_true(taken > 100); /* changed addresses and TTLs are still a zone */
}

static void a_zone_beyond_its_limits_is_too_large(void **state)
{
	struct zone_limits limits = {.max_records = 2};
	struct feed *feed = feed_new(&limits, NULL);

	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	assert_int_equal(feed_message(feed), 0);
	wire_a(&feed->wire, "b.example.", "\300\0\2\1");
	assert_fault(feed, feed_message(feed), ZONE_FAULT_TOO_LARGE);
	feed_free(feed);

	limits = (struct zone_limits){.max_bytes = 300};
	feed = feed_new(&limits, NULL);
	wire_soa(&feed->wire, "example.", 7, 86400);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	wire_soa(&feed->wire, "example.", 7, 86400);
	struct zone *zone;
	assert_int_equal(feed_message(feed), 1);
	int result = axfr_finish(feed->axfr, &zone, &feed->fault);
	assert_fault(feed, result, ZONE_FAULT_TOO_LARGE);
	feed_free(feed);
}

static void signed_messages_are_taken(void **state)
{
	struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_signed(feed), 0);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	assert_int_equal(feed_signed(feed), 0);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_signed(feed), 1);
	zone_free(feed_finish(feed));
	feed_free(feed);
}

static void up_to_99_messages_may_go_unsigned_between_two_signatures(void **state)
{
	for (int count = TSIG_MAX_UNSIGNED; count <= TSIG_MAX_UNSIGNED + 1; count++) {
		struct feed *feed = feed_new(&unlimited, WIRE_SECRET);
		char owner[32];

		wire_soa(&feed->wire, "example.", 7, 86400);
		assert_int_equal(feed_signed(feed), 0);
		for (int round = 0; round < 2; round++) {
			for (int i = 0; i < TSIG_MAX_UNSIGNED; i++) {
				snprintf(owner, sizeof(owner), "a%d-%d.example.", round, i);
				wire_a(&feed->wire, owner, "\300\0\2\1");
				assert_int_equal(feed_unsigned(feed), 0);
			}
			if (count > TSIG_MAX_UNSIGNED && round == 1) {
				assert_fault(feed, feed_unsigned(feed), ZONE_FAULT_TSIG_MISSING);
				break;
			}
			if (round == 1)
				wire_soa(&feed->wire, "example.", 7, 86400);
			assert_int_equal(feed_signed(feed), round);
		}
		if (count == TSIG_MAX_UNSIGNED) {
			struct zone *zone = feed_finish(feed);
			assert_int_equal(zone->record_count, 1 + 2 * TSIG_MAX_UNSIGNED);
			zone_free(zone);
		}
		feed_free(feed);
	}
}

static void an_altered_unsigned_message_shows_at_the_next_signature(void **state)
{
	struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_signed(feed), 0);
	wire_a(&feed->wire, "a.example.", "\300\0\2\1");
	signer_skip(feed->signer, &feed->wire);
	feed->wire.octets[feed->wire.size - 1] ^= 1;
	assert_int_equal(feed_message(feed), 0);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_signed(feed), ZONE_FAULT_TSIG_SIGNATURE);
	feed_free(feed);
}

static void first_and_last_message_must_be_signed(void **state)
{
	struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_unsigned(feed), ZONE_FAULT_TSIG_MISSING);
	feed_free(feed);

	feed = feed_new(&unlimited, WIRE_SECRET);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_signed(feed), 0);
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_unsigned(feed), ZONE_FAULT_TSIG_MISSING);
	feed_free(feed);
}

static void a_wrong_signature_is_told_from_a_wrong_key(void **state)
{
	struct feed *feed = feed_new(&unlimited, "YW5vdGhlciBzZWNyZXQ=");

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_signed(feed), ZONE_FAULT_TSIG_SIGNATURE);
	feed_free(feed);

	feed = feed_new(&unlimited, WIRE_SECRET);
	memcpy(feed->signer->key.name, "\6mirrox", 7); /* in place: same length */
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_signed(feed), ZONE_FAULT_TSIG_KEY);
	feed_free(feed);

	feed = feed_new(&unlimited, WIRE_SECRET);
	wire_soa(&feed->wire, "example.", 7, 86400);
	signer_sign(feed->signer, &feed->wire);
	feed->wire.octets[50] ^= 1; /* in the SOA's numbers */
	assert_fault(feed, feed_message(feed), ZONE_FAULT_TSIG_SIGNATURE);
	feed_free(feed);

	feed = feed_new(&unlimited, WIRE_SECRET);
	feed->signer->mac[0] ^= 1; /* signed for another query */
	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_fault(feed, feed_signed(feed), ZONE_FAULT_TSIG_SIGNATURE);
	feed_free(feed);
}

static void the_servers_tsig_errors_are_named(void **state)
{
	static const struct {
		uint16_t error;
		enum zone_fault_kind kind;
	} cases[] = {{16, ZONE_FAULT_TSIG_SIGNATURE}, {17, ZONE_FAULT_TSIG_KEY},
		{18, ZONE_FAULT_TSIG_TIME}, {22, ZONE_FAULT_TSIG_SIGNATURE},
		{99, ZONE_FAULT_TSIG_SIGNATURE}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

		wire_begin(&feed->wire, feed->id, WIRE_QR | 9, "example.", RR_AXFR);
		wire_tsig_error(&feed->wire, "mirror.", cases[i].error);
		assert_fault(feed, feed_message(feed), cases[i].kind);
		feed_free(feed);
	}
}

static void clocks_that_differ_are_named(void **state)
{
	static const time_t offsets[] = {-1000, 1000, -299, 299};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

		wire_soa(&feed->wire, "example.", 7, 86400);
		wire_soa(&feed->wire, "example.", 7, 86400);
		clock_offset = offsets[i];
		signer_sign(feed->signer, &feed->wire);
		clock_offset = 0;
		int result = feed_message(feed);
		if (i < 2)
			assert_fault(feed, result, ZONE_FAULT_TSIG_TIME);
		else
			assert_int_equal(result, 1); /* within the fudge */
		feed_free(feed);
	}
}

static void a_message_signed_before_the_last_one_is_a_replay(void **state)
{
	struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

	wire_soa(&feed->wire, "example.", 7, 86400);
	assert_int_equal(feed_signed(feed), 0);
	wire_soa(&feed->wire, "example.", 7, 86400);
	clock_offset = -10;
	signer_sign(feed->signer, &feed->wire);
	clock_offset = 0;
	assert_fault(feed, feed_message(feed), ZONE_FAULT_TSIG_TIME);
	feed_free(feed);
}

static void a_tsig_record_out_of_place_is_malformed(void **state)
{
	struct feed *feed = feed_new(&unlimited, WIRE_SECRET);

	wire_soa(&feed->wire, "example.", 7, 86400);
	signer_sign(feed->signer, &feed->wire);
	wire_expire(&feed->wire, 5); /* a record behind it */
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);

	feed = feed_new(&unlimited, WIRE_SECRET);
	wire_soa(&feed->wire, "example.", 7, 86400);
	signer_sign(feed->signer, &feed->wire);
	feed->wire.octets[feed->wire.size++] = 0; /* an octet behind it */
	assert_fault(feed, feed_message(feed), ZONE_FAULT_MALFORMED);
	feed_free(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transfer_may_come_in_any_cut_of_messages),
		cmocka_unit_test(compressed_names_are_expanded_in_every_type_that_may_hold_them),
		cmocka_unit_test(refusals_are_named_by_their_rcode),
		cmocka_unit_test(a_later_error_ends_the_transfer),
		cmocka_unit_test(a_transfer_with_aa_clear_is_taken_because_knot_sends_it),
		cmocka_unit_test(an_answer_to_another_query_is_refused),
		cmocka_unit_test(another_zone_than_asked_for_is_refused),
		cmocka_unit_test(the_transfer_begins_and_ends_with_the_same_soa),
		cmocka_unit_test(a_child_zones_soa_doesnt_end_the_transfer),
		cmocka_unit_test(records_that_do_not_parse_are_refused),
		cmocka_unit_test(every_cut_of_a_message_is_refused),
		cmocka_unit_test(altered_octets_never_do_worse_than_fail),
		cmocka_unit_test(a_zone_beyond_its_limits_is_too_large),
		cmocka_unit_test(signed_messages_are_taken),
		cmocka_unit_test(up_to_99_messages_may_go_unsigned_between_two_signatures),
		cmocka_unit_test(an_altered_unsigned_message_shows_at_the_next_signature),
		cmocka_unit_test(first_and_last_message_must_be_signed),
		cmocka_unit_test(a_wrong_signature_is_told_from_a_wrong_key),
		cmocka_unit_test(the_servers_tsig_errors_are_named),
		cmocka_unit_test(clocks_that_differ_are_named),
		cmocka_unit_test(a_message_signed_before_the_last_one_is_a_replay),
		cmocka_unit_test(a_tsig_record_out_of_place_is_malformed),
	};
	return cmocka_run_group_tests_name("axfr", tests, folder_make, folder_remove);
}
