/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The zone worker against a server of the test's own: what reaches the publisher, and when.
 */
#include "control/zone/message.h"
#include "control/zone/mirror.h"
#include "control/zone/rdata.h"
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

#define ZONES_MOST 3000
#define PATIENCE   timespan_s(20) /* a test that has to wait so long has failed */

enum behaviour {
	SERVE,
	REFUSE,
	STAY_SILENT,
	BREAK_OFF,
	HANG,
	TRUNCATE,
	SERVE_SIGNED,
	SERVE_TWICE,
	SERVE_SLOWLY
};

/* The server's zones "z<number>.", and what the mirror told about them. */
struct world {
	pthread_mutex_t lock;
	struct peer peer;
	struct mirror *mirror;
	struct mirror_options options;
	struct mirror_zone_options zones[ZONES_MOST];
	uint8_t names[ZONES_MOST][NAME_MAX_SIZE];

	/* Under the lock: */
	enum behaviour behaviour[ZONES_MOST];
	uint32_t serial[ZONES_MOST];
	int transfers[ZONES_MOST];
	int polls;
	struct {
		int fd; /* 0: none */
		unsigned number;
		uint16_t id;
		struct monotime ends;
	} slow[16]; /* transfers but for their last message */
	int cancelled;
	int records;       /* in each zone */
	bool keep_reports; /* leave zones that are handed over unreported */
	bool hold;         /* don't return from an event of a zone */
	enum zone_fault_kind report_as;
	struct {
		int count[MIRROR_GONE + 1]; /* events by kind */
		uint32_t serial;            /* of the last zone */
		struct monotime bypass_after;
		enum zone_fault_kind bypass_fault;
		struct mirror_status status;
	} seen[ZONES_MOST];
};

static bool zone_number(const uint8_t *question, unsigned *number)
{
	char text[NAME_TEXT_SIZE];

	return sscanf(name_to_text(text, question), "z%u.", number) == 1 && *number < ZONES_MOST;
}

static void send_zone(struct ask *ask, const char *name, uint32_t serial, int records, bool whole)
{
	struct wire wire;
	char owner[64];

	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, name, RR_AXFR);
	wire_soa(&wire, name, serial, 1000);
	for (int i = 0; i < records; i++) {
		snprintf(owner, sizeof(owner), "n%d.%s", i, name);
		wire_a(&wire, owner, "\300\0\2\1");
	}
	if (whole)
		wire_soa(&wire, name, serial, 1000);
	ask_send(ask, &wire);
}

/* All but the end now, which comes 100 ms later: the peer serves the next one meanwhile. */
static void slow_begin(struct world *world, struct ask *ask, unsigned number)
{
	pthread_mutex_lock(&world->lock);
	for (unsigned i = 0; i < 16; i++) {
		if (world->slow[i].fd)
			continue;
		world->slow[i].fd = dup(ask->fd);
		world->slow[i].number = number;
		world->slow[i].id = ask->id;
		world->slow[i].ends = monotime_add(monotime_now(), timespan_ms(100));
		break;
	}
	pthread_mutex_unlock(&world->lock);
}

static void slow_end(struct world *world)
{
	struct ask *ask = calloc(1, sizeof(*ask));
	struct wire wire;
	char name[32];

	pthread_mutex_lock(&world->lock);
	for (unsigned i = 0; i < 16; i++) {
		if (!world->slow[i].fd || monotime_before(monotime_now(), world->slow[i].ends))
			continue;
		ask->fd = world->slow[i].fd;
		ask->tcp = true;
		snprintf(name, sizeof(name), "z%u.", world->slow[i].number);
		wire_begin(&wire, world->slow[i].id, WIRE_QR | WIRE_AA, name, RR_AXFR);
		wire_soa(&wire, name, world->serial[world->slow[i].number], 1000);
		ask_send(ask, &wire);
		close(ask->fd);
		world->slow[i].fd = 0;
	}
	pthread_mutex_unlock(&world->lock);
	free(ask);
}

static void send_signed(struct ask *ask, const char *name, uint16_t type, uint32_t serial)
{
	struct signer *signer = malloc(sizeof(*signer));
	struct wire wire;

	signer_begin(signer, WIRE_SECRET, ask->query, ask->size);
	wire_begin(&wire, ask->id, WIRE_QR | WIRE_AA, name, type);
	wire_soa(&wire, name, serial, 1000);
	if (type == RR_AXFR)
		wire_soa(&wire, name, serial, 1000);
	signer_sign(signer, &wire);
	ask_send(ask, &wire);
	signer_end(signer);
	free(signer);
}

static void answer(struct ask *ask)
{
	struct world *world = ask->context;
	struct message message;
	struct wire wire;
	unsigned number;
	char name[32];

	if (message_open(&message, ask->query, ask->size) ||
		!zone_number(message.question, &number))
		return;
	uint16_t type = message.question_type;
	snprintf(name, sizeof(name), "z%u.", number);
	pthread_mutex_lock(&world->lock);
	enum behaviour behaviour = world->behaviour[number];
	uint32_t serial = world->serial[number];
	int records = world->records;
	world->polls += type == RR_SOA;
	world->transfers[number] += type == RR_AXFR;
	pthread_mutex_unlock(&world->lock);

	slow_end(world); /* polls come each 20 ms */
	if (type == RR_AXFR && behaviour == SERVE_SLOWLY) {
		send_zone(ask, name, serial, records, false);
		slow_begin(world, ask, number);
		return;
	}
	if (behaviour == STAY_SILENT)
		return;
	if (behaviour == SERVE_SIGNED) {
		send_signed(ask, name, type, serial);
		return;
	}
	wire_begin(&wire, ask->id,
		WIRE_QR | (behaviour == REFUSE ? 5 : WIRE_AA) |
			(behaviour == TRUNCATE && !ask->tcp ? WIRE_TC : 0),
		name, type);
	if (behaviour == REFUSE || (behaviour == TRUNCATE && !ask->tcp)) {
		ask_send(ask, &wire);
		return;
	}
	if (type == RR_AXFR && (behaviour == SERVE || behaviour == TRUNCATE)) {
		send_zone(ask, name, serial, records, true);
		return;
	}
	wire_soa(&wire, name, serial, 1000);
	ask_send(ask, &wire);
	if (behaviour == SERVE_TWICE)
		ask_send(ask, &wire);
	if (type == RR_AXFR && behaviour == HANG)
		ask_hang(ask);
}

static void on_event(void *context, const struct mirror_event *event)
{
	struct world *world = context;
	bool report = false, hold;
	uint32_t serial = 0;

	pthread_mutex_lock(&world->lock);
	world->seen[event->id].count[event->kind]++;
	if (event->kind == MIRROR_BYPASS)
		world->seen[event->id].bypass_fault = event->fault->kind;
	if (event->kind == MIRROR_ZONE) {
		serial = event->zone->soa.serial;
		report = !world->keep_reports;
	}
	if (event->bypass_after.ns)
		world->seen[event->id].bypass_after = event->bypass_after;
	enum zone_fault_kind report_as = world->report_as;
	hold = world->hold;
	pthread_mutex_unlock(&world->lock);

	while (event->kind == MIRROR_ZONE && hold) {
		usleep(1000);
		pthread_mutex_lock(&world->lock);
		hold = world->hold;
		pthread_mutex_unlock(&world->lock);
	}
	zone_free(event->zone);
	if (report) {
		struct zone_fault fault;

		zone_fault_set(&fault, report_as, "the image is full");
		mirror_report(world->mirror, event->id, serial, &fault);
	}
}

static void on_status(void *context, const struct mirror_status *status)
{
	struct world *world = context;

	pthread_mutex_lock(&world->lock);
	world->seen[status->id].status = *status;
	pthread_mutex_unlock(&world->lock);
}

static void on_transferred(void *context, enum zone_fault_kind result, struct timespan took)
{
	struct world *world = context;

	pthread_mutex_lock(&world->lock);
	world->cancelled += result == ZONE_FAULT_CANCELLED;
	pthread_mutex_unlock(&world->lock);
}

static int world_begin(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	char name[32];

	pthread_mutex_init(&world->lock, NULL);
	world->records = 1;
	for (uint32_t i = 0; i < ZONES_MOST; i++) {
		snprintf(name, sizeof(name), "z%u.", i);
		name_from_text(world->names[i], name);
		world->serial[i] = 1;
		world->zones[i] = (struct mirror_zone_options){
			.id = i, .name = world->names[i], .poll = timespan_ms(20)};
	}
	peer_open(&world->peer, AF_INET, answer, world);
	world->options = (struct mirror_options){
		.server = peer_options(&world->peer).server,
		.zones = world->zones,
		.zone_count = 1,
		.poll_timeout = timespan_ms(100),
	};
	*state = world;
	return 0;
}

static int world_end(void **state)
{
	struct world *world = *state;

	mirror_stop(world->mirror);
	peer_close(&world->peer);
	for (unsigned i = 0; i < 16; i++)
		if (world->slow[i].fd)
			close(world->slow[i].fd);
	pthread_mutex_destroy(&world->lock);
	free(world);
	return 0;
}

static void start(struct world *world)
{
	struct mirror_sink sink = {.context = world,
		.event = on_event,
		.status = on_status,
		.transferred = on_transferred};

	assert_int_equal(mirror_start(&world->mirror, &world->options, &sink), 0);
}

static void behave(struct world *world, uint32_t number, enum behaviour behaviour)
{
	pthread_mutex_lock(&world->lock);
	world->behaviour[number] = behaviour;
	pthread_mutex_unlock(&world->lock);
}

static void serve_serial(struct world *world, uint32_t number, uint32_t serial)
{
	pthread_mutex_lock(&world->lock);
	world->serial[number] = serial;
	pthread_mutex_unlock(&world->lock);
}

typedef bool condition(struct world *world, uint32_t number, uint32_t value);

/* Waits, under the lock, until the condition holds. */
static void await(
	struct world *world, const char *what, condition *holds, uint32_t number, uint32_t value)
{
	struct monotime deadline = monotime_add(monotime_now(), PATIENCE);

	for (bool held = false; !held; usleep(500)) {
		pthread_mutex_lock(&world->lock);
		held = holds(world, number, value);
		pthread_mutex_unlock(&world->lock);
		if (!held && !monotime_before(monotime_now(), deadline)) {
			const struct mirror_status *status = &world->seen[number].status;

			fail_msg(
				"%s of z%u didn't come: phase %s, %s (%s), server %u, published %u",
				what, number, mirror_phase_name(status->phase),
				zone_fault_label(status->fault.kind), status->fault.text,
				status->server_serial, status->published_serial);
		}
	}
}

#define AWAIT(world, condition, number, value) await(world, #condition, condition, number, value)

static bool phase(struct world *world, uint32_t number, uint32_t value)
{
	return world->seen[number].status.phase == value;
}

static bool published(struct world *world, uint32_t number, uint32_t value)
{
	const struct mirror_status *status = &world->seen[number].status;

	return status->phase == MIRROR_CURRENT && status->published_serial == value;
}

static bool fault(struct world *world, uint32_t number, uint32_t value)
{
	return world->seen[number].status.fault.kind == value;
}

static bool bypasses(struct world *world, uint32_t number, uint32_t value)
{
	return (uint32_t)world->seen[number].count[MIRROR_BYPASS] == value;
}

static bool resumes(struct world *world, uint32_t number, uint32_t value)
{
	return (uint32_t)world->seen[number].count[MIRROR_RESUME] == value;
}

static bool gone(struct world *world, uint32_t number, uint32_t value)
{
	return (uint32_t)world->seen[number].count[MIRROR_GONE] == value;
}

static bool polled_more_than(struct world *world, uint32_t number, uint32_t value)
{
	return (uint32_t)world->polls > value;
}

static int events_of(struct world *world, uint32_t number, enum mirror_event_kind kind)
{
	pthread_mutex_lock(&world->lock);
	int count = world->seen[number].count[kind];
	pthread_mutex_unlock(&world->lock);
	return count;
}

static struct mirror_status status_of(struct world *world, uint32_t number)
{
	pthread_mutex_lock(&world->lock);
	struct mirror_status status = world->seen[number].status;
	pthread_mutex_unlock(&world->lock);
	return status;
}

static int polls_of(struct world *world)
{
	pthread_mutex_lock(&world->lock);
	int polls = world->polls;
	pthread_mutex_unlock(&world->lock);
	return polls;
}

static int transfers_of(struct world *world, uint32_t number)
{
	pthread_mutex_lock(&world->lock);
	int transfers = world->transfers[number];
	pthread_mutex_unlock(&world->lock);
	return transfers;
}

static void a_zone_is_handed_over_once_for_each_serial(void **state)
{
	struct world *world = *state;

	start(world);
	AWAIT(world, published, 0, 1);
	serve_serial(world, 0, 2);
	AWAIT(world, published, 0, 2);
	AWAIT(world, polled_more_than, 0, (uint32_t)polls_of(world) + 5);
	assert_int_equal(transfers_of(world, 0), 2);
	assert_int_equal(events_of(world, 0, MIRROR_ZONE), 2);
	assert_int_equal(events_of(world, 0, MIRROR_BYPASS), 0);
}

static void a_refused_zone_is_bypassed_until_it_is_back(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 2;
	start(world);
	AWAIT(world, published, 0, 1);
	AWAIT(world, published, 1, 1);
	behave(world, 0, REFUSE);
	AWAIT(world, bypasses, 0, 1);
	AWAIT(world, phase, 0, MIRROR_BYPASSED);
	assert_int_equal(world->seen[0].bypass_fault, ZONE_FAULT_REFUSED);
	behave(world, 0, SERVE);
	AWAIT(world, resumes, 0, 1);
	AWAIT(world, phase, 0, MIRROR_CURRENT);
	/* It comes back with other data: those are published before the bypass ends. */
	behave(world, 0, REFUSE);
	AWAIT(world, bypasses, 0, 2);
	serve_serial(world, 0, 9);
	behave(world, 0, SERVE);
	AWAIT(world, resumes, 0, 2);
	AWAIT(world, published, 0, 9);
	assert_int_equal(events_of(world, 1, MIRROR_BYPASS), 0);
}

static void a_silent_server_leaves_zones_answering(void **state)
{
	struct world *world = *state;

	start(world);
	AWAIT(world, published, 0, 1);
	behave(world, 0, STAY_SILENT);
	AWAIT(world, phase, 0, MIRROR_UNCONFIRMED);
	AWAIT(world, fault, 0, ZONE_FAULT_TIMEOUT);
	behave(world, 0, SERVE);
	AWAIT(world, phase, 0, MIRROR_CURRENT);
	assert_int_equal(events_of(world, 0, MIRROR_BYPASS), 0);
	assert_int_equal(transfers_of(world, 0), 1);
}

static void a_closed_port_is_told_from_silence_and_at_once_of_all_zones(void **state)
{
	struct world *world = *state;

	world->options.server = peer_nobody().server;
	world->options.poll_timeout = timespan_s(3600);
	world->options.zone_count = 50;
	start(world);
	for (uint32_t i = 0; i < 50; i++)
		AWAIT(world, fault, i, ZONE_FAULT_UNREACHABLE);
	AWAIT(world, phase, 0, MIRROR_WAITING);
}

static void an_answer_that_comes_twice_counts_once(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 3;
	start(world);
	for (uint32_t i = 0; i < 3; i++) {
		AWAIT(world, published, i, 1);
		behave(world, i, SERVE_TWICE);
	}
	AWAIT(world, polled_more_than, 0, (uint32_t)polls_of(world) + 100);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(status_of(world, i).phase, MIRROR_CURRENT);
}

static void a_broken_transfer_leaves_the_old_zone_and_its_reason(void **state)
{
	struct world *world = *state;

	start(world);
	AWAIT(world, published, 0, 1);
	behave(world, 0, BREAK_OFF);
	serve_serial(world, 0, 2);
	AWAIT(world, fault, 0, ZONE_FAULT_BROKEN_OFF);
	AWAIT(world, phase, 0, MIRROR_BEHIND);
	assert_int_equal(status_of(world, 0).published_serial, 1);
	assert_int_equal(events_of(world, 0, MIRROR_ZONE), 1);
	behave(world, 0, SERVE);
	AWAIT(world, published, 0, 2);
}

static void a_hanging_transfer_holds_up_neither_polls_nor_other_zones(void **state)
{
	struct world *world = *state;

	/* The peer serves one connection at a time, so z1 has its zone before z0 hangs. */
	world->options.zone_count = 2;
	start(world);
	AWAIT(world, published, 0, 1);
	AWAIT(world, published, 1, 1);
	behave(world, 0, HANG);
	serve_serial(world, 0, 2);
	AWAIT(world, phase, 0, MIRROR_TRANSFERRING);
	behave(world, 1, REFUSE);
	AWAIT(world, bypasses, 1, 1);
	behave(world, 1, SERVE);
	AWAIT(world, resumes, 1, 1);
	/* And it doesn't hold up the end. */
	struct monotime before = monotime_now();
	mirror_stop(world->mirror);
	world->mirror = NULL;
	assert_true(monotime_since(before, monotime_now()).ns < 1000000000u);
}

static void a_zone_beyond_its_limits_waits_and_others_go_on(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 2;
	world->records = 10;
	world->zones[0].limits.max_records = 5;
	start(world);
	AWAIT(world, published, 1, 1);
	AWAIT(world, fault, 0, ZONE_FAULT_TOO_LARGE);
	AWAIT(world, phase, 0, MIRROR_WAITING);
	assert_int_equal(transfers_of(world, 0), 1);
}

/* Four that begin at once, each of which takes more than a third of what all may. */
static void zones_too_large_together_come_one_after_the_other(void **state)
{
	struct world *world = *state;
	int cut_off = 0;

	world->options.zone_count = 4;
	world->records = 800;
	world->options.memory = 170 << 10;
	for (uint32_t i = 0; i < 4; i++)
		behave(world, i, SERVE_SLOWLY);
	start(world);
	for (uint32_t i = 0; i < 4; i++)
		AWAIT(world, published, i, 1);
	for (uint32_t i = 0; i < 4; i++)
		cut_off += transfers_of(world, i) - 1;
	assert_in_range(cut_off, 1, 12);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(status_of(world, i).transfers_failed, 0);
	pthread_mutex_lock(&world->lock);
	assert_true(world->cancelled >= cut_off);
	pthread_mutex_unlock(&world->lock);
}

static void a_zone_too_large_for_all_of_the_memory_waits_and_others_go_on(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 1;
	world->records = 800;
	world->options.memory = 32 << 10;
	behave(world, 0, SERVE_SLOWLY);
	start(world);
	AWAIT(world, fault, 0, ZONE_FAULT_TOO_LARGE);
	AWAIT(world, phase, 0, MIRROR_WAITING);
	assert_int_equal(transfers_of(world, 0), 1);
	pthread_mutex_lock(&world->lock);
	world->records = 1;
	pthread_mutex_unlock(&world->lock);
	mirror_poke(world->mirror, 0);
	AWAIT(world, published, 0, 1);
}

/* What waits for a report takes memory too. */
static void a_zone_that_nobody_reports_holds_the_next_one_up(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 2;
	world->records = 800;
	world->options.memory = 120 << 10;
	behave(world, 0, SERVE_SLOWLY);
	behave(world, 1, SERVE_SLOWLY);
	world->options.transfers = 1;
	world->keep_reports = true;
	start(world);
	while (events_of(world, 0, MIRROR_ZONE) + events_of(world, 1, MIRROR_ZONE) == 0)
		usleep(1000);
	uint32_t first = events_of(world, 0, MIRROR_ZONE) ? 0 : 1;
	AWAIT(world, polled_more_than, 0, (uint32_t)polls_of(world) + 20);
	assert_int_equal(events_of(world, !first, MIRROR_ZONE), 0);
	pthread_mutex_lock(&world->lock);
	world->keep_reports = false;
	pthread_mutex_unlock(&world->lock);
	mirror_report(world->mirror, first, 1, NULL);
	AWAIT(world, published, !first, 1);
	AWAIT(world, published, first, 1);
}

static void a_zone_the_image_cant_hold_waits(void **state)
{
	struct world *world = *state;

	world->report_as = ZONE_FAULT_TOO_LARGE;
	start(world);
	AWAIT(world, fault, 0, ZONE_FAULT_TOO_LARGE);
	assert_int_equal(status_of(world, 0).published_known, false);
	assert_int_equal(transfers_of(world, 0), 1);
}

static void nothing_is_fetched_while_a_zone_is_being_compiled(void **state)
{
	struct world *world = *state;

	world->keep_reports = true;
	start(world);
	AWAIT(world, phase, 0, MIRROR_COMPILING);
	serve_serial(world, 0, 2);
	AWAIT(world, polled_more_than, 0, (uint32_t)polls_of(world) + 5);
	assert_int_equal(transfers_of(world, 0), 1);
	pthread_mutex_lock(&world->lock);
	world->keep_reports = false;
	pthread_mutex_unlock(&world->lock);
	mirror_report(world->mirror, 0, 1, NULL);
	AWAIT(world, published, 0, 2);
	assert_int_equal(transfers_of(world, 0), 2);
}

/* Longer than any poll or timeout of these tests, which all bring a beat. */
static void a_worker_that_hangs_in_a_compile_shows_by_its_pulse(void **state)
{
	struct world *world = *state;
	struct monotime began = monotime_now();
	struct timespan longest = {0};
	const char *doing;

	start(world);
	AWAIT(world, published, 0, 1);
	behave(world, 0, STAY_SILENT);
	while (monotime_since(began, monotime_now()).ns < timespan_s(1).ns) {
		struct timespan overdue = pulse_overdue(mirror_pulse(world->mirror), &doing);

		if (overdue.ns > longest.ns)
			longest = overdue;
		usleep(1000);
	}
	assert_true(longest.ns < timespan_ms(900).ns);
	pthread_mutex_lock(&world->lock);
	world->hold = true;
	pthread_mutex_unlock(&world->lock);
	serve_serial(world, 0, 2);
	behave(world, 0, SERVE);
	began = monotime_now();
	while (pulse_overdue(mirror_pulse(world->mirror), &doing).ns < timespan_s(1).ns) {
		assert_true(monotime_since(began, monotime_now()).ns < PATIENCE.ns);
		usleep(1000);
	}
	assert_string_equal(doing, "compiling a zone");
	pthread_mutex_lock(&world->lock);
	world->hold = false;
	pthread_mutex_unlock(&world->lock);
	AWAIT(world, published, 0, 2);
	assert_true(pulse_overdue(mirror_pulse(world->mirror), &doing).ns < timespan_s(1).ns);
}

static void a_key_that_isnt_there_yet_is_waited_for_and_never_done_without(void **state)
{
	char folder[] = "/tmp/anode-mirror-XXXXXX", path[64];
	struct world *world = *state;
	struct key_options key = {"mirror", "hmac-sha256", path};

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/mirror.key", folder);
	world->options.keys = &key;
	world->options.key_count = 1;
	world->zones[0].key = "mirror";
	behave(world, 0, SERVE_SIGNED);
	start(world);
	AWAIT(world, fault, 0, ZONE_FAULT_NO_KEY);
	assert_int_equal(polls_of(world), 0);
	free(wire_key_file(folder, "mirror.key", WIRE_SECRET));
	AWAIT(world, published, 0, 1);
	unlink(path);
	rmdir(folder);
}

static void an_unsigned_answer_is_no_answer_where_a_key_is_configured(void **state)
{
	char folder[] = "/tmp/anode-mirror-XXXXXX";
	struct world *world = *state;

	assert_non_null(mkdtemp(folder));
	char *path = wire_key_file(folder, "mirror.key", WIRE_SECRET);
	struct key_options key = {"mirror", "hmac-sha256", path};
	world->options.keys = &key;
	world->options.key_count = 1;
	world->zones[0].key = "mirror";
	start(world);
	AWAIT(world, fault, 0, ZONE_FAULT_TSIG_MISSING);
	assert_int_equal(transfers_of(world, 0), 0);
	unlink(path);
	rmdir(folder);
	free(path);
}

static void a_truncated_serial_is_asked_for_over_tcp(void **state)
{
	struct world *world = *state;

	behave(world, 0, TRUNCATE);
	start(world);
	AWAIT(world, published, 0, 1);
	serve_serial(world, 0, 2);
	AWAIT(world, published, 0, 2);
}

static void a_poke_doesnt_wait_for_the_next_poll(void **state)
{
	struct world *world = *state;

	world->zones[0].poll = timespan_s(3600);
	start(world);
	AWAIT(world, published, 0, 1);
	serve_serial(world, 0, 2);
	mirror_poke(world->mirror, 0);
	AWAIT(world, published, 0, 2);
}

static void an_adopted_zone_isnt_fetched_again(void **state)
{
	struct world *world = *state;

	world->zones[0].adopted = true;
	world->zones[0].adopted_serial = 1;
	start(world);
	AWAIT(world, published, 0, 1);
	assert_int_equal(transfers_of(world, 0), 0);
	assert_int_equal(events_of(world, 0, MIRROR_DEADLINE), 1);
}

static void a_reload_adds_removes_and_keeps(void **state)
{
	struct world *world = *state;

	world->options.zone_count = 2;
	start(world);
	AWAIT(world, published, 0, 1);
	AWAIT(world, published, 1, 1);
	world->options.zones = world->zones + 1; /* without z0, with z2 */
	assert_int_equal(mirror_reload(world->mirror, &world->options), 0);
	AWAIT(world, gone, 0, 1);
	AWAIT(world, published, 2, 1);
	serve_serial(world, 1, 2);
	AWAIT(world, published, 1, 2);
	assert_int_equal(transfers_of(world, 1), 2);
	assert_int_equal(events_of(world, 1, MIRROR_GONE), 0);
	world->zones[1].key = "nobody";
	assert_int_equal(mirror_reload(world->mirror, &world->options), -EINVAL);
}

static void a_reload_leaves_a_transfer_under_way(void **state)
{
	struct world *world = *state;

	behave(world, 1, HANG);
	world->options.zone_count = 2;
	start(world);
	AWAIT(world, published, 0, 1);
	AWAIT(world, phase, 1, MIRROR_TRANSFERRING);
	world->options.zones = world->zones + 1; /* now z1 comes first */
	assert_int_equal(mirror_reload(world->mirror, &world->options), 0);
	AWAIT(world, gone, 0, 1);
	AWAIT(world, phase, 1, MIRROR_TRANSFERRING);
	assert_int_equal(transfers_of(world, 1), 1);
	world->options.zone_count = 0;
	assert_int_equal(mirror_reload(world->mirror, &world->options), 0);
	AWAIT(world, gone, 1, 1);
}

static void thousands_of_zones_share_the_rate(void **state)
{
	struct world *world = *state;

	world->options.zone_count = ZONES_MOST;
	world->options.poll_rate = 3000;
	for (uint32_t i = 0; i < ZONES_MOST; i++)
		world->zones[i].poll = timespan_s(1);
	start(world);
	struct monotime began = monotime_now();
	for (uint32_t i = 0; i < ZONES_MOST; i++)
		AWAIT(world, published, i, 1);
	/* Each change is seen though all are polled. */
	serve_serial(world, 77, 2);
	serve_serial(world, ZONES_MOST - 1, 3);
	AWAIT(world, published, 77, 2);
	AWAIT(world, published, ZONES_MOST - 1, 3);
	double seconds = (double)monotime_since(began, monotime_now()).ns / 1e9;
	assert_true(polls_of(world) <= (int)(3000 * (seconds + 0.1)));
	for (uint32_t i = 0; i < ZONES_MOST; i++)
		assert_int_equal(events_of(world, i, MIRROR_BYPASS), 0);
}

static void options_that_cant_work_are_refused(void **state)
{
	struct world *world = *state;
	struct mirror_sink sink = {.context = world, .event = on_event};
	struct mirror *mirror = NULL;

	world->zones[0].key = "nobody";
	assert_int_equal(mirror_start(&mirror, &world->options, &sink), -EINVAL);
	world->zones[0].key = NULL;
	world->zones[1].id = 0;
	world->options.zone_count = 2;
	assert_int_equal(mirror_start(&mirror, &world->options, &sink), -EINVAL);
	world->zones[1].id = 1;
	world->options.server.ss_family = 0;
	assert_int_equal(mirror_start(&mirror, &world->options, &sink), -EINVAL);
	assert_null(mirror);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_zone_is_handed_over_once_for_each_serial),
		TEST(a_refused_zone_is_bypassed_until_it_is_back),
		TEST(a_silent_server_leaves_zones_answering),
		TEST(a_closed_port_is_told_from_silence_and_at_once_of_all_zones),
		TEST(an_answer_that_comes_twice_counts_once),
		TEST(a_broken_transfer_leaves_the_old_zone_and_its_reason),
		TEST(a_hanging_transfer_holds_up_neither_polls_nor_other_zones),
		TEST(a_zone_beyond_its_limits_waits_and_others_go_on),
		TEST(zones_too_large_together_come_one_after_the_other),
		TEST(a_zone_too_large_for_all_of_the_memory_waits_and_others_go_on),
		TEST(a_zone_that_nobody_reports_holds_the_next_one_up),
		TEST(a_zone_the_image_cant_hold_waits),
		TEST(nothing_is_fetched_while_a_zone_is_being_compiled),
		TEST(a_worker_that_hangs_in_a_compile_shows_by_its_pulse),
		TEST(a_key_that_isnt_there_yet_is_waited_for_and_never_done_without),
		TEST(an_unsigned_answer_is_no_answer_where_a_key_is_configured),
		TEST(a_truncated_serial_is_asked_for_over_tcp),
		TEST(a_poke_doesnt_wait_for_the_next_poll),
		TEST(an_adopted_zone_isnt_fetched_again),
		TEST(a_reload_adds_removes_and_keeps),
		TEST(a_reload_leaves_a_transfer_under_way),
		TEST(thousands_of_zones_share_the_rate),
		TEST(options_that_cant_work_are_refused),
	};
	return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
