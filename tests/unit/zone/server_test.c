/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transfers and SOA queries against real servers: NSD and Knot (packages nsd, knot).
 */
#include "tests/unit/zone/server.h"

#include "control/zone/mirror.h"
#include "control/zone/soa.h"
#include "control/zone/transfer.h"
#include "tests/unit/zone/wire.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct zone_limits unlimited;

#define SMALL                                                                                      \
	"$TTL 300\n"                                                                               \
	"@ SOA ns.example. hostmaster.example. 17 3600 600 86400 60\n"                             \
	"@ NS ns.example.\n"                                                                       \
	"a.b.c A 192.0.2.1\n"                                                                      \
	"*.w TXT \"x y\" \"z\"\n"                                                                  \
	"m MX 10 a.b.c\n"                                                                          \
	"m MX 20 ns.example.\n"                                                                    \
	"r 60 TYPE9 \\# 11 016d076578616d706c6500\n"                                               \
	"i MINFO responsible errors\n"                                                             \
	"s SRV 1 2 3 target\n"                                                                     \
	"d DNAME elsewhere.example.\n"                                                             \
	"sub NS ns.sub\n"                                                                          \
	"ns.sub AAAA 2001:db8::1\n"                                                                \
	"n NAPTR 100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:x@example.!\" .\n"                           \
	"u TYPE65280 \\# 3 c00c01\n"                                                               \
	"e TYPE65281 \\# 0\n"                                                                      \
	"\\000\\001\\255 A 192.0.2.2\n"

/* Both servers, one after the other; cmocka skips what isn't installed. */
struct servers {
	struct server server;
	struct key *key;
	char *root_file;
	const char *root_is;
};

static const char *const origins[] = {"example.", "open.", "."};

static int servers_begin(void **state, enum server_kind kind)
{
	struct servers *servers = calloc(1, sizeof(*servers));

	*state = NULL;
	if (!server_is_here(kind)) {
		free(servers);
		return 0;
	}
	server_prepare(&servers->server, kind);
	free(server_zone(&servers->server, "example.", SMALL));
	free(server_zone(&servers->server, "open.", SMALL));
	servers->root_file = server_zone(&servers->server, ".", NULL);
	servers->root_is = server_root_zone(servers->root_file);
	server_start(&servers->server, origins, 3);
	servers->key = server_key(&servers->server, "mirror", WIRE_SECRET);
	*state = servers;
	return 0;
}

static int begin_nsd(void **state)
{
	return servers_begin(state, SERVER_NSD);
}

static int begin_knot(void **state)
{
	return servers_begin(state, SERVER_KNOT);
}

static int end(void **state)
{
	struct servers *servers = *state;

	if (!servers)
		return 0;
	key_free(servers->key);
	server_stop(&servers->server);
	free(servers->root_file);
	free(servers);
	return 0;
}

static struct servers *running(void **state)
{
	if (!*state)
		skip();
	return *state;
}

static struct zone *fetch(
	struct servers *servers, const char *name, struct key *key, struct zone_fault *fault)
{
	struct stream_options options = server_options(&servers->server);
	struct transfer_figures figures;
	struct zone *zone = NULL;
	uint8_t origin[NAME_MAX_SIZE];

	name_from_text(origin, name);
	fault->text[0] = '\0';
	transfer_run(&zone, &options, origin, key, &unlimited, -1, &figures, fault);
	return zone;
}

static bool rrset_holds(const struct zone_rrset *rrset, const struct zone_rdata *wanted)
{
	struct zone_rdata at = {0};

	while (zone_rdata_next(rrset, &at))
		if (!rdata_compare(rrset->type, at.data, at.size, wanted->data, wanted->size))
			return true;
	return false;
}

/* The same names in the same order, the same RRsets; only the order within an RRset is free. */
static void assert_same(const struct zone *a, const struct zone *b)
{
	assert_int_equal(a->node_count, b->node_count);
	assert_int_equal(a->record_count, b->record_count);
	assert_int_equal(a->wire_size, b->wire_size);
	for (uint32_t i = 0; i < a->node_count; i++) {
		const struct zone_node *x = &a->nodes[i], *y = &b->nodes[i];

		assert_int_equal(x->name_size, y->name_size);
		assert_memory_equal(x->name, y->name, x->name_size);
		assert_int_equal(x->flags, y->flags);
		assert_int_equal(x->rrset_count, y->rrset_count);
		for (uint32_t n = 0; n < x->rrset_count; n++) {
			const struct zone_rrset *s = &x->rrsets[n], *t = &y->rrsets[n];
			struct zone_rdata at = {0};

			assert_int_equal(s->type, t->type);
			assert_int_equal(s->covered, t->covered);
			assert_int_equal(s->ttl, t->ttl);
			assert_int_equal(s->count, t->count);
			while (zone_rdata_next(s, &at))
				assert_true(rrset_holds(t, &at));
		}
	}
}

static void the_zone_arrives_as_its_file_says(void **state)
{
	struct servers *servers = running(state);
	struct zone_fault fault;
	struct zone *wanted;
	char reason[ZONE_REASON_SIZE];

	if (zone_text_parse(&wanted, SMALL, strlen(SMALL), "example.", &unlimited, reason))
		fail_msg("%s", reason);
	struct zone *zone = fetch(servers, "example.", servers->key, &fault);
	if (!zone)
		fail_msg("%s", fault.text);
	assert_same(wanted, zone);
	zone_free(zone);
	zone_free(wanted);
}

static void the_root_zone_arrives_as_its_file_says(void **state)
{
	struct servers *servers = running(state);
	struct zone_fault fault;
	struct zone *wanted;
	char reason[ZONE_REASON_SIZE];

	assert_int_equal(zone_text_load(&wanted, servers->root_file, ".", &unlimited, reason), 0);
	assert_true(wanted->record_count > 10000);
	assert_true(wanted->cut_count >= 1400);
	struct zone *zone = fetch(servers, ".", servers->key, &fault);
	if (!zone)
		fail_msg("%s: %s", servers->root_is, fault.text);
	assert_same(wanted, zone);
	zone_free(zone);
	zone_free(wanted);
}

static void an_open_zone_needs_no_key(void **state)
{
	struct zone_fault fault;
	struct zone *zone = fetch(running(state), "open.", NULL, &fault);

	assert_non_null(zone);
	zone_free(zone);
}

static void a_transfer_without_the_key_is_refused(void **state)
{
	struct servers *servers = running(state);
	struct zone_fault fault;

	assert_null(fetch(servers, "example.", NULL, &fault));
	/* NSD says REFUSED, Knot NOTAUTH (RFC 5936 2.2.1 allows both). */
	assert_string_equal(zone_fault_label(fault.kind),
		servers->server.kind == SERVER_NSD ? "refused" : "not_authoritative");
}

static void wrong_keys_are_named(void **state)
{
	struct servers *servers = running(state);
	struct zone_fault fault;

	struct key *key = server_key(&servers->server, "mirror", "YW5vdGhlciBzZWNyZXQ=");
	assert_null(fetch(servers, "example.", key, &fault));
	assert_string_equal(zone_fault_label(fault.kind), "tsig_signature");
	key_free(key);
	key = server_key(&servers->server, "nobody", WIRE_SECRET);
	assert_null(fetch(servers, "example.", key, &fault));
	assert_string_equal(zone_fault_label(fault.kind), "tsig_key");
	key_free(key);
}

static void a_zone_the_server_doesnt_have_is_denied(void **state)
{
	struct servers *servers = running(state);
	struct stream_options options = server_options(&servers->server);
	struct zone_fault fault;
	struct soa_answer answer;
	uint8_t origin[NAME_MAX_SIZE];

	assert_null(fetch(servers, "other.example.", servers->key, &fault));
	assert_true(zone_fault_is_denial(fault.kind));
	name_from_text(origin, "other.example.");
	soa_query(&answer, &options, origin, servers->key, -1, &fault);
	assert_true(zone_fault_is_denial(fault.kind));
}

static void the_serial_is_asked_signed_and_unsigned(void **state)
{
	struct servers *servers = running(state);
	struct stream_options options = server_options(&servers->server);
	struct zone_fault fault;
	struct soa_answer answer;
	uint8_t origin[NAME_MAX_SIZE];

	name_from_text(origin, "example.");
	assert_int_equal(soa_query(&answer, &options, origin, servers->key, -1, &fault), 0);
	assert_int_equal(answer.serial, 17);
	assert_int_equal(answer.expire, 86400);
	assert_int_equal(soa_query(&answer, &options, origin, NULL, -1, &fault), 0);
	struct key *key = server_key(&servers->server, "mirror", "YW5vdGhlciBzZWNyZXQ=");
	assert_int_not_equal(soa_query(&answer, &options, origin, key, -1, &fault), 0);
	assert_string_equal(zone_fault_label(fault.kind), "tsig_signature");
	key_free(key);
}

/* What the mirror told of its one zone. */
struct told {
	pthread_mutex_t lock;
	struct mirror *mirror;
	struct mirror_status status;
	int bypasses;
};

static void on_event(void *context, const struct mirror_event *event)
{
	struct told *told = context;

	if (event->kind == MIRROR_ZONE)
		mirror_report(told->mirror, event->id, event->zone->soa.serial, NULL);
	zone_free(event->zone);
	pthread_mutex_lock(&told->lock);
	told->bypasses += event->kind == MIRROR_BYPASS;
	pthread_mutex_unlock(&told->lock);
}

static void on_status(void *context, const struct mirror_status *status)
{
	struct told *told = context;

	pthread_mutex_lock(&told->lock);
	told->status = *status;
	pthread_mutex_unlock(&told->lock);
}

/* Waits for a phase with this serial published, for this reason. */
static void await(
	struct told *told, enum mirror_phase phase, uint32_t serial, enum zone_fault_kind fault)
{
	struct monotime deadline = monotime_add(monotime_now(), timespan_s(20));
	struct mirror_status status;

	do {
		usleep(1000);
		pthread_mutex_lock(&told->lock);
		status = told->status;
		pthread_mutex_unlock(&told->lock);
		if (!monotime_before(monotime_now(), deadline))
			fail_msg("still %s with serial %u, %s", mirror_phase_name(status.phase),
				status.published_serial, status.fault.text);
	} while (status.phase != phase || status.published_serial != serial ||
		 status.fault.kind != fault);
}

static void the_mirror_follows_the_server_through_change_and_silence(void **state)
{
	struct servers *servers = running(state);
	struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char *path = server_zone(&servers->server, "key", NULL); /* "<folder>/keyzone" */
	struct key_options key = {"mirror", "hmac-sha256", path};
	uint8_t name[NAME_MAX_SIZE];
	struct mirror_zone_options zone = {.name = name, .key = "mirror", .poll = timespan_ms(50)};
	struct mirror_options options = {
		.server = server_options(&servers->server).server,
		.keys = &key,
		.key_count = 1,
		.zones = &zone,
		.zone_count = 1,
		.poll_timeout = timespan_ms(200),
	};
	struct mirror_sink sink = {.context = &told, .event = on_event, .status = on_status};

	FILE *file = fopen(path, "we");
	fputs(WIRE_SECRET, file);
	fclose(file);
	name_from_text(name, "example.");
	assert_int_equal(mirror_start(&told.mirror, &options, &sink), 0);
	await(&told, MIRROR_CURRENT, 17, ZONE_FAULT_NONE);

	char *text = strdup(SMALL);
	*strstr(text, "17 3600") = '2';
	free(server_zone(&servers->server, "example.", text));
	server_reload(&servers->server);
	await(&told, MIRROR_CURRENT, 27, ZONE_FAULT_NONE);

	if (servers->server.kind == SERVER_KNOT) { /* NSD's children don't stop with it */
		server_signal(&servers->server, SIGSTOP);
		await(&told, MIRROR_UNCONFIRMED, 27, ZONE_FAULT_TIMEOUT);
		server_signal(&servers->server, SIGCONT);
		await(&told, MIRROR_CURRENT, 27, ZONE_FAULT_NONE);
	}
	server_end(&servers->server);
	await(&told, MIRROR_UNCONFIRMED, 27, ZONE_FAULT_UNREACHABLE);
	server_start(&servers->server, origins, 3);
	await(&told, MIRROR_CURRENT, 27, ZONE_FAULT_NONE);
	pthread_mutex_lock(&told.lock);
	/* A server that is starting may say SERVFAIL or REFUSED for a moment. */
	assert_in_range(told.bypasses, 0, 1);
	pthread_mutex_unlock(&told.lock);
	mirror_stop(told.mirror);
	free(text);
	free(path);
}

static int run_against(enum server_kind kind)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_zone_arrives_as_its_file_says),
		cmocka_unit_test(the_root_zone_arrives_as_its_file_says),
		cmocka_unit_test(an_open_zone_needs_no_key),
		cmocka_unit_test(a_transfer_without_the_key_is_refused),
		cmocka_unit_test(wrong_keys_are_named),
		cmocka_unit_test(a_zone_the_server_doesnt_have_is_denied),
		cmocka_unit_test(the_serial_is_asked_signed_and_unsigned),
		cmocka_unit_test(the_mirror_follows_the_server_through_change_and_silence),
	};

	if (kind == SERVER_NSD)
		return cmocka_run_group_tests_name("nsd", tests, begin_nsd, end);
	return cmocka_run_group_tests_name("knot", tests, begin_knot, end);
}

int main(void)
{
	return run_against(SERVER_NSD) + run_against(SERVER_KNOT);
}
