/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Which serial do you have?", asked of a server of the test's own.
 */
#include "control/zone/name.h"
#include "control/zone/rdata.h"
#include "control/zone/soa.h"
#include "tests/unit/zone/peer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/anode-soa-XXXXXX";
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

/* Asks a peer that answers so; the fault if there is one. */
static struct zone_fault asked(
	peer_answer *answer, void *context, bool with_key, struct soa_answer *got)
{
	struct zone_fault fault;
	struct key *key = NULL;
	struct peer peer;
	uint8_t origin[NAME_MAX_SIZE];
	char reason[KEY_REASON_SIZE];
	struct key_options key_options = {"mirror", "hmac-sha256", key_file};

	name_from_text(origin, "Example.");
	if (with_key)
		assert_int_equal(key_load(&key, &key_options, reason), 0);
	peer_open(&peer, AF_INET, answer, context);
	struct stream_options options = peer_options(&peer);
	options.connect = timespan_ms(150);
	int result = soa_query(got, &options, origin, key, -1, &fault);
	peer_close(&peer);
	key_free(key);
	assert_int_equal(result, zone_fault_errno(fault.kind));
	return fault;
}

static void assert_kind(struct zone_fault fault, enum zone_fault_kind kind)
{
	if (fault.kind != kind)
		fail_msg("%s (%s) is not %s", zone_fault_label(fault.kind), fault.text,
			zone_fault_label(kind));
}

static void answer_serial(struct ask *ask)
{
	struct wire wire;

	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, "EXAMPLE.", RR_SOA);
	wire_soa(&wire, "eXample.", 4294967295u, 604800);
	if (ask->context)
		wire_expire(&wire, *(uint32_t *)ask->context);
	ask_send(ask, &wire);
}

static void the_serial_and_the_expiry_are_read(void **state)
{
	struct soa_answer got;

	assert_kind(asked(answer_serial, NULL, false, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.serial, 4294967295u);
	assert_int_equal(got.expire, 604800);
}

static void the_servers_own_expiry_counts_when_it_is_sooner(void **state)
{
	struct soa_answer got;
	uint32_t left = 60;

	assert_kind(asked(answer_serial, &left, false, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.expire, 60);
	left = 700000;
	assert_kind(asked(answer_serial, &left, false, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.expire, 604800);
}

static void answer_flags(struct ask *ask)
{
	unsigned flags = *(unsigned *)ask->context;
	struct wire wire;

	wire_begin(&wire, ask->id, WIRE_QR | flags, "example.", RR_SOA);
	if (!(flags & 15))
		wire_soa(&wire, "example.", 1, 604800);
	ask_send(ask, &wire);
}

static void denials_are_told_apart(void **state)
{
	static const struct {
		unsigned flags;
		enum zone_fault_kind kind;
	} cases[] = {{WIRE_AA | 2, ZONE_FAULT_SERVFAIL}, {5, ZONE_FAULT_REFUSED},
		{WIRE_AA | 3, ZONE_FAULT_NXDOMAIN}, {0, ZONE_FAULT_NOT_AUTHORITATIVE},
		{9, ZONE_FAULT_NOT_AUTHORITATIVE}, {1, ZONE_FAULT_RCODE}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned flags = cases[i].flags;
		struct soa_answer got;
		struct zone_fault fault = asked(answer_flags, &flags, false, &got);

		assert_kind(fault, cases[i].kind);
		assert_true(zone_fault_is_denial(fault.kind));
		if (flags & 15) /* a denial counts though it isn't signed */
			assert_kind(asked(answer_flags, &flags, true, &got), cases[i].kind);
	}
}

static void answer_no_soa(struct ask *ask)
{
	struct wire wire;

	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, "example.", RR_SOA);
	if (ask->context)
		wire_soa(&wire, "other.example.", 1, 604800);
	ask_send(ask, &wire);
}

static void an_answer_without_the_zones_soa_is_a_denial(void **state)
{
	struct soa_answer got;

	assert_kind(asked(answer_no_soa, NULL, false, &got), ZONE_FAULT_NOT_AUTHORITATIVE);
	assert_kind(asked(answer_no_soa, &got, false, &got), ZONE_FAULT_NOT_AUTHORITATIVE);
}

static void answer_strays_first(struct ask *ask)
{
	static const char junk[] = "junk";
	struct wire wire;

	sendto(ask->fd, junk, sizeof(junk), 0, (struct sockaddr *)&ask->from, ask->from_size);
	wire_begin(&wire, ask->id ^ 1, WIRE_QR | WIRE_AA, "example.", RR_SOA);
	wire_soa(&wire, "example.", 1, 1);
	ask_send(ask, &wire);
	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, "example.org.", RR_SOA);
	wire_soa(&wire, "example.org.", 1, 1);
	ask_send(ask, &wire);
	wire_begin(&wire, ask->id, WIRE_AA, "example.", RR_SOA);
	ask_send(ask, &wire);
	answer_serial(ask);
}

static void stray_datagrams_are_ignored(void **state)
{
	struct soa_answer got;

	assert_kind(asked(answer_strays_first, NULL, false, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.serial, 4294967295u);
}

/* Signed answers, some of them wrong. */
enum forgery { FORGE_NOTHING, FORGE_BEFORE, FORGE_ALL, FORGE_SECRET };

static void answer_signed(struct ask *ask)
{
	enum forgery forgery = *(enum forgery *)ask->context;
	struct signer *signer = malloc(sizeof(*signer));
	struct wire wire;

	signer_begin(
		signer, forgery == FORGE_SECRET ? "d3Jvbmc=" : WIRE_SECRET, ask->query, ask->size);
	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, "example.", RR_SOA);
	wire_soa(&wire, "example.", 99, 604800);
	if (forgery == FORGE_BEFORE || forgery == FORGE_ALL) {
		struct wire forged = wire;

		ask_send(ask, &forged); /* unsigned */
		signer_sign(signer, &forged);
		forged.octets[forged.size - 20] ^= 1; /* in the MAC */
		ask_send(ask, &forged);
		signer->signed_messages = 0;
		signer->mac_size = 0;
		signer_end(signer);
		signer_begin(signer, WIRE_SECRET, ask->query, ask->size);
	}
	signer_sign(signer, &wire);
	if (forgery != FORGE_ALL)
		ask_send(ask, &wire);
	signer_end(signer);
	free(signer);
}

static void only_a_signed_answer_counts_when_a_key_is_configured(void **state)
{
	enum forgery forgery = FORGE_NOTHING;
	struct soa_answer got;

	assert_kind(asked(answer_signed, &forgery, true, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.serial, 99);
	forgery = FORGE_BEFORE;
	assert_kind(asked(answer_signed, &forgery, true, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.serial, 99);
	forgery = FORGE_ALL;
	assert_kind(asked(answer_signed, &forgery, true, &got), ZONE_FAULT_TSIG_SIGNATURE);
	forgery = FORGE_SECRET;
	assert_kind(asked(answer_signed, &forgery, true, &got), ZONE_FAULT_TSIG_SIGNATURE);
	assert_kind(asked(answer_serial, NULL, true, &got), ZONE_FAULT_TSIG_MISSING);
}

static void answer_over_tcp_only(struct ask *ask)
{
	struct wire wire;

	if (ask->tcp) {
		answer_serial(ask);
		return;
	}
	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA | WIRE_TC, "example.", RR_SOA);
	ask_send(ask, &wire);
}

static void answer_truncated(struct ask *ask)
{
	struct wire wire;

	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA | WIRE_TC, "example.", RR_SOA);
	ask_send(ask, &wire);
}

static void a_truncated_answer_is_asked_for_over_tcp(void **state)
{
	struct soa_answer got;

	assert_kind(asked(answer_over_tcp_only, NULL, false, &got), ZONE_FAULT_NONE);
	assert_int_equal(got.serial, 4294967295u);
	assert_kind(asked(answer_truncated, NULL, false, &got), ZONE_FAULT_MALFORMED);
}

static void answer_nothing(struct ask *ask)
{
}

static void silence_and_a_closed_port_are_told_apart(void **state)
{
	struct stream_options options = peer_nobody();
	struct zone_fault fault;
	struct soa_answer got;
	uint8_t origin[NAME_MAX_SIZE];

	assert_kind(asked(answer_nothing, NULL, false, &got), ZONE_FAULT_TIMEOUT);
	name_from_text(origin, "example.");
	soa_query(&got, &options, origin, NULL, -1, &fault);
	assert_kind(fault, ZONE_FAULT_UNREACHABLE);
}

static void serials_compare_as_rfc_1982_says(void **state)
{
	assert_true(soa_serial_is_newer(1, 0));
	assert_true(soa_serial_is_newer(0, 4294967295u));
	assert_true(soa_serial_is_newer(0x7fffffff, 0));
	assert_false(soa_serial_is_newer(0x80000000, 0)); /* undefined */
	assert_false(soa_serial_is_newer(0, 0x80000000));
	assert_false(soa_serial_is_newer(5, 5));
	assert_false(soa_serial_is_newer(0, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_serial_and_the_expiry_are_read),
		cmocka_unit_test(the_servers_own_expiry_counts_when_it_is_sooner),
		cmocka_unit_test(denials_are_told_apart),
		cmocka_unit_test(an_answer_without_the_zones_soa_is_a_denial),
		cmocka_unit_test(stray_datagrams_are_ignored),
		cmocka_unit_test(only_a_signed_answer_counts_when_a_key_is_configured),
		cmocka_unit_test(a_truncated_answer_is_asked_for_over_tcp),
		cmocka_unit_test(silence_and_a_closed_port_are_told_apart),
		cmocka_unit_test(serials_compare_as_rfc_1982_says),
	};
	return cmocka_run_group_tests_name("soa", tests, folder_make, folder_remove);
}
