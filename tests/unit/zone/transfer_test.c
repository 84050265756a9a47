/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transfers over real sockets, from a server of the test's own that misbehaves.
 */
#include "control/zone/transfer.h"
#include "tests/unit/zone/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static const struct zone_limits unlimited;

/* A transfer of "example." by these options; the zone if it comes. */
static struct zone *fetch(
	const struct stream_options *options, int cancel_fd, struct zone_fault *fault)
{
	struct transfer_figures figures;
	struct zone *zone = NULL;
	uint8_t origin[NAME_MAX_SIZE];

	name_from_text(origin, "example.");
	int result =
		transfer_run(&zone, options, origin, NULL, &unlimited, cancel_fd, &figures, fault);
	if (result)
		assert_int_equal(result, zone_fault_errno(fault->kind));
	else
		assert_non_null(zone);
	return zone;
}

static void assert_kind(const struct zone_fault *fault, enum zone_fault_kind kind)
{
	if (fault->kind != kind)
		fail_msg("%s (%s) is not %s", zone_fault_label(fault->kind), fault->text,
			zone_fault_label(kind));
	assert_int_not_equal(strlen(fault->text), 0);
}

/* What a peer must do to fail a transfer in this way. */
static void fetch_fails(
	peer_answer *answer, enum zone_fault_kind kind, const struct stream_options *change)
{
	struct zone_fault fault;
	struct peer peer;

	peer_open(&peer, AF_INET, answer, NULL);
	struct stream_options options = peer_options(&peer);
	if (change) {
		options.idle = change->idle;
		options.total = change->total;
	}
	assert_null(fetch(&options, -1, &fault));
	peer_close(&peer);
	assert_kind(&fault, kind);
}

static void begin(struct ask *ask, struct wire *wire)
{
	wire_begin(wire, ask->id, WIRE_QR | WIRE_AA, "example.", RR_AXFR);
	wire_soa(wire, "example.", 7, 86400);
	wire_a(wire, "a.example.", "\300\0\2\1");
}

static void answer_well(struct ask *ask)
{
	struct wire wire;

	begin(ask, &wire);
	ask_send(ask, &wire);
	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, NULL, 0);
	wire_soa(&wire, "example.", 7, 86400);
	ask_send(ask, &wire);
}

static void a_zone_comes_over_both_families(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (int i = 0; i < 2; i++) {
		struct zone_fault fault;
		struct peer peer;

		peer_open(&peer, families[i], answer_well, NULL);
		struct stream_options options = peer_options(&peer);
		struct zone *zone = fetch(&options, -1, &fault);
		peer_close(&peer);
		assert_non_null(zone);
		assert_int_equal(zone->record_count, 2);
		zone_free(zone);
	}
}

static void answer_in_single_octets(struct ask *ask)
{
	struct wire wire;
	uint8_t octets[1024];

	begin(ask, &wire);
	wire_soa(&wire, "example.", 7, 86400);
	octets[0] = (uint8_t)(wire.size >> 8);
	octets[1] = (uint8_t)wire.size;
	memcpy(octets + 2, wire.octets, wire.size);
	for (size_t i = 0; i < wire.size + 2; i++)
		send(ask->fd, octets + i, 1, MSG_NOSIGNAL);
}

static void segments_need_not_match_messages(void **state)
{
	struct zone_fault fault;
	struct peer peer;

	peer_open(&peer, AF_INET, answer_in_single_octets, NULL);
	struct stream_options options = peer_options(&peer);
	struct zone *zone = fetch(&options, -1, &fault);
	peer_close(&peer);
	assert_non_null(zone);
	zone_free(zone);
}

static void answer_if_from_127_0_0_9(struct ask *ask)
{
	if (((struct sockaddr_in *)&ask->from)->sin_addr.s_addr == inet_addr("127.0.0.9"))
		answer_well(ask);
}

static void the_source_address_is_used(void **state)
{
	struct zone_fault fault;
	struct peer peer;

	peer_open(&peer, AF_INET, answer_if_from_127_0_0_9, NULL);
	struct stream_options options = peer_options(&peer);
	struct sockaddr_in *source = (struct sockaddr_in *)&options.source;
	*source = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.9")};
	struct zone *zone = fetch(&options, -1, &fault);
	assert_non_null(zone);
	zone_free(zone);

	source->sin_addr.s_addr = inet_addr("203.0.113.77"); /* not an address of this host */
	assert_null(fetch(&options, -1, &fault));
	peer_close(&peer);
	assert_kind(&fault, ZONE_FAULT_UNREACHABLE);
	assert_non_null(strstr(fault.text, "source address"));
}

static void a_refused_port_is_unreachable(void **state)
{
	struct stream_options options = peer_nobody();
	struct zone_fault fault;

	assert_null(fetch(&options, -1, &fault));
	assert_kind(&fault, ZONE_FAULT_UNREACHABLE);
}

static void answer_nothing(struct ask *ask)
{
}

static void answer_half(struct ask *ask)
{
	struct wire wire;

	begin(ask, &wire);
	ask_send(ask, &wire);
}

static void answer_half_a_message(struct ask *ask)
{
	struct wire wire;
	uint8_t prefix[2] = {0x10, 0};

	begin(ask, &wire);
	send(ask->fd, prefix, 2, MSG_NOSIGNAL);
	send(ask->fd, wire.octets, wire.size, MSG_NOSIGNAL);
}

static void answer_half_and_reset(struct ask *ask)
{
	struct linger linger = {.l_onoff = 1};

	answer_half(ask);
	usleep(1000);
	setsockopt(ask->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void a_transfer_that_breaks_off_is_no_zone(void **state)
{
	fetch_fails(answer_nothing, ZONE_FAULT_BROKEN_OFF, NULL);
	fetch_fails(answer_half, ZONE_FAULT_BROKEN_OFF, NULL);
	fetch_fails(answer_half_a_message, ZONE_FAULT_BROKEN_OFF, NULL);
	fetch_fails(answer_half_and_reset, ZONE_FAULT_BROKEN_OFF, NULL);
}

static void answer_half_and_hang(struct ask *ask)
{
	answer_half(ask);
	ask_hang(ask);
}

/* An octet now and then keeps a connection busy for ever. */
static void answer_in_drips(struct ask *ask)
{
	uint8_t octet = 0xff;

	for (int i = 0; i < 2000 && send(ask->fd, &octet, 1, MSG_NOSIGNAL) == 1; i++)
		usleep(5000);
}

static void a_server_that_falls_silent_or_drips_times_out(void **state)
{
	struct stream_options soon = {.idle = timespan_ms(50), .total = timespan_ms(5000)};

	fetch_fails(answer_half_and_hang, ZONE_FAULT_TIMEOUT, &soon);
	soon = (struct stream_options){.idle = timespan_ms(2000), .total = timespan_ms(100)};
	fetch_fails(answer_in_drips, ZONE_FAULT_TIMEOUT, &soon);
}

static void a_server_that_never_accepts_times_out(void **state)
{
	struct stream_options options = peer_nobody();
	struct sockaddr_in *address = (struct sockaddr_in *)&options.server;
	struct zone_fault fault;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[4];

	/* A full accept queue: further connections are left waiting. */
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 4; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fill[i], (struct sockaddr *)address, sizeof(*address));
	}
	options.connect = timespan_ms(100);
	assert_null(fetch(&options, -1, &fault));
	assert_kind(&fault, ZONE_FAULT_TIMEOUT);
	for (int i = 0; i < 4; i++)
		close(fill[i]);
	close(fd);
}

static void a_cancelled_transfer_ends_at_once(void **state)
{
	struct zone_fault fault;
	struct peer peer;
	int cancel = eventfd(1, EFD_CLOEXEC);

	peer_open(&peer, AF_INET, answer_half_and_hang, NULL);
	struct stream_options options = peer_options(&peer);
	assert_null(fetch(&options, cancel, &fault));
	peer_close(&peer);
	close(cancel);
	assert_kind(&fault, ZONE_FAULT_CANCELLED);
}

static void answer_a_large_zone(struct ask *ask)
{
	struct wire wire;
	char owner[64];

	begin(ask, &wire);
	for (int i = 0; i < 100000; i++) {
		snprintf(owner, sizeof(owner), "n%d.example.", i);
		wire_a(&wire, owner, "\300\0\2\1");
		if (wire.size > 60000) {
			ask_send(ask, &wire);
			wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, NULL, 0);
		}
	}
	wire_soa(&wire, "example.", 7, 86400);
	ask_send(ask, &wire);
}

static void a_zone_too_large_ends_the_transfer_early(void **state)
{
	struct zone_limits limits = {.max_records = 5000};
	struct transfer_figures figures;
	struct zone_fault fault;
	struct zone *zone = NULL;
	struct peer peer;
	uint8_t origin[NAME_MAX_SIZE];

	name_from_text(origin, "example.");
	peer_open(&peer, AF_INET, answer_a_large_zone, NULL);
	struct stream_options options = peer_options(&peer);
	int result = transfer_run(&zone, &options, origin, NULL, &limits, -1, &figures, &fault);
	assert_int_equal(result, -EFBIG);
	assert_kind(&fault, ZONE_FAULT_TOO_LARGE);
	assert_true(figures.octets < 1000000);

	assert_int_equal(
		transfer_run(&zone, &options, origin, NULL, &unlimited, -1, &figures, &fault), 0);
	peer_close(&peer);
	assert_int_equal(zone->record_count, 100002);
	assert_true(figures.octets > 2000000);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_comes_over_both_families),
		cmocka_unit_test(segments_need_not_match_messages),
		cmocka_unit_test(the_source_address_is_used),
		cmocka_unit_test(a_refused_port_is_unreachable),
		cmocka_unit_test(a_transfer_that_breaks_off_is_no_zone),
		cmocka_unit_test(a_server_that_falls_silent_or_drips_times_out),
		cmocka_unit_test(a_server_that_never_accepts_times_out),
		cmocka_unit_test(a_cancelled_transfer_ends_at_once),
		cmocka_unit_test(a_zone_too_large_ends_the_transfer_early),
	};
	return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}
