/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the local server copies of a query's flags: asked of servers made up here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "answer/packet.h"
#include "control/profile.h"
#include "control/profile_edns.h"

#define DEADLINE 5

struct world {
	sd_event *loop;
	struct profile *profile;
	struct config config;
	struct config_zone zones[2];
	int server;
	unsigned changes;
};

static void changed(void *arg)
{
	((struct world *)arg)->changes++;
}

static int world_new(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);

	world->server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(world->server, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(world->server, (struct sockaddr *)&address, &size), 0);
	assert_null(address_parse("127.0.0.1", &world->config.local_server.address));
	world->config.local_server.port = ntohs(address.sin_port);
	assert_null(domain_parse("a.example", &world->zones[0].name));
	assert_null(domain_parse("b.example", &world->zones[1].name));
	world->config.zones = world->zones;
	world->config.zones_count = 2;
	assert_int_equal(sd_event_new(&world->loop), 0);
	assert_int_equal(profile_open(&world->profile, world->loop, changed, world), 0);
	*state = world;
	return 0;
}

static int world_drop(void **state)
{
	struct world *world = *state;

	profile_close(world->profile);
	sd_event_unref(world->loop);
	close(world->server);
	domain_free(&world->zones[0].name);
	domain_free(&world->zones[1].name);
	free(world);
	return 0;
}

/* Of the question. */
static int message_class(const uint8_t *message)
{
	const uint8_t *at = message + sizeof(struct dns);

	for (; *at; at += *at + 1)
		;
	return at[4];
}

/* Takes one query and answers it with these flags beside QR and AA; returns the
 * first letter of the zone asked for. */
static char serve(struct world *world, u16 copies, u16 rcode)
{
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	uint8_t message[512];
	struct dns header;
	ssize_t size;
	time_t end = time(NULL) + DEADLINE;

	do {
		size = recvfrom(world->server, message, sizeof(message), 0,
			(struct sockaddr *)&from, &from_size);
		assert_true(time(NULL) <= end);
	} while (size < 0);
	memcpy(&header, message, sizeof(header));
	/* the questions of class IN with EDNS ask for no flags */
	assert_int_equal(be16_get(header.flags),
		be16_get(header.records[2]) && message_class(message) == CLASS_IN
			? 0
			: DNS_RD | DNS_CD);
	header.flags = be16_of(
		(u16)(DNS_QR | (rcode ? 0 : DNS_AA) | rcode | (be16_get(header.flags) & copies)));
	memcpy(message, &header, sizeof(header));
	assert_int_equal(sendto(world->server, message, (size_t)size, 0, (struct sockaddr *)&from,
				 from_size),
		size);
	return (char)message[sizeof(header) + 1];
}

static void turn(struct world *world)
{
	assert_true(sd_event_run(world->loop, 1000000) >= 0);
}

static void nothing_is_known_before_an_answer(void **state)
{
	struct world *world = *state;

	assert_null(profile_known(world->profile));
	profile_run(world->profile, &world->config, NULL);
	assert_null(profile_known(world->profile));
}

static void flags_that_come_back_are_copied(void **state)
{
	static const u16 kinds[] = {0, DNS_RD, DNS_CD, DNS_RD | DNS_CD};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		profile_again(world->profile);
		profile_run(world->profile, &world->config, NULL);
		serve(world, kinds[i], 0);
		turn(world);
		assert_int_equal(profile_known(world->profile)->copy_flags, kinds[i]);
		assert_int_equal(world->changes, i + 1);
	}
}

static void the_same_again_is_no_change(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 2; i++) {
		profile_again(world->profile);
		profile_run(world->profile, &world->config, NULL);
		serve(world, DNS_RD, 0);
		turn(world);
	}
	assert_int_equal(world->changes, 1);
}

static void a_refused_zone_makes_it_ask_for_another(void **state)
{
	struct world *world = *state;

	profile_run(world->profile, &world->config, NULL);
	assert_int_equal(serve(world, DNS_RD, 5), 'a');
	turn(world);
	assert_null(profile_known(world->profile));
	do
		profile_run(world->profile, &world->config, NULL);
	while (serve(world, DNS_RD, 0) != 'b');
	turn(world);
	assert_non_null(profile_known(world->profile));
}

static void once_measured_it_rests(void **state)
{
	struct world *world = *state;
	uint8_t byte;

	for (int i = 0; i < PROFILE_ASKS + CHAOS_NAMES; i++) {
		assert_false(profile_rests(world->profile));
		profile_run(world->profile, &world->config, NULL);
		serve(world, DNS_RD, 0);
		turn(world);
	}
	profile_run(world->profile, &world->config, NULL);
	assert_true(profile_rests(world->profile));
	assert_int_equal(recv(world->server, &byte, 1, MSG_DONTWAIT), -1);
}

static void what_was_adopted_yields_to_what_is_measured(void **state)
{
	const struct settings_profile adopted = {.copy_flags = DNS_RD};
	struct world *world = *state;

	profile_adopt(world->profile, &adopted);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD);
	profile_run(world->profile, &world->config, NULL);
	serve(world, DNS_RD | DNS_CD, 0);
	turn(world);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD | DNS_CD);
	/* And not the other way round. */
	profile_adopt(world->profile, &adopted);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD | DNS_CD);
}

/* An answer as a server writes it: `head` from the flags' second octet on, one question, one
 * record, the OPT. */
static size_t answer_write(uint8_t *answer, uint16_t flags, bool data, uint8_t extended,
	uint8_t does, const uint8_t *options, uint8_t size)
{
	const uint8_t head[] = {0, 7, (uint8_t)(flags >> 8), (uint8_t)flags, 0, 1, 0, data, 0, 0, 0,
		1, 1, 'a', 0, 0, TYPE_SOA, 0, 1};
	static const uint8_t record[] = {0xc0, 12, 0, TYPE_SOA, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3};
	const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, extended, 0, does, 0, 0, size};
	size_t at = sizeof(head);

	memcpy(answer, head, sizeof(head));
	if (data) {
		memcpy(answer + at, record, sizeof(record));
		at += sizeof(record);
	}
	memcpy(answer + at, opt, sizeof(opt));
	at += sizeof(opt);
	if (size)
		memcpy(answer + at, options, size);
	return at + size;
}

#define AA 0x8400
#define QR 0x8000

static const uint8_t client[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct settings_profile_edns edns_told(enum profile_ask ask, uint16_t flags, bool data,
	uint8_t extended, uint8_t does, const uint8_t *options, uint8_t size)
{
	const struct address here = {.family = AF_INET, .bytes = {127, 0, 0, 1}};
	struct settings_profile_edns told = {.nsid = 9, .subnet = 9, .cookie = 9, .version = 9};
	uint8_t answer[300];
	size_t length = answer_write(answer, flags, data, extended, does, options, size);

	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, answer, cut);
		assert_int_equal(
			profile_edns_answer(copy, cut, ask, client, &here, &told), -EBADMSG);
		free(copy);
	}
	assert_int_equal(profile_edns_answer(answer, length, ask, client, &here, &told), 0);
	return told;
}

static void options_tell_of_nsid_and_subnet(void **state)
{
	static const uint8_t nsid[] = {0, 3, 0, 4, 'a', 'm', 's', '1', 0, 8, 0, 4, 0, 1, 0, 0};
	struct settings_profile_edns told;

	/* NSD without one */
	told = edns_told(PROFILE_ASK_OPTIONS, AA, true, 0, 0, NULL, 0);
	assert_int_equal(told.nsid, EDNS_IGNORE);
	assert_int_equal(told.subnet, EDNS_IGNORE);
	/* Knot */
	told = edns_told(PROFILE_ASK_OPTIONS, AA, true, 0, 0, nsid, 8);
	assert_int_equal(told.nsid, EDNS_ANSWER);
	assert_int_equal(told.nsid_length, 4);
	assert_memory_equal(told.nsid_text, "ams1", 4);
	assert_int_equal(told.subnet, EDNS_IGNORE);
	/* BIND echoes a client subnet */
	told = edns_told(PROFILE_ASK_OPTIONS, AA, true, 0, 0, nsid, 16);
	assert_int_equal(told.nsid, EDNS_ANSWER);
	assert_int_equal(told.subnet, EDNS_PASS);
	/* a refusal tells nothing */
	told = edns_told(PROFILE_ASK_OPTIONS, QR | 5, false, 0, 0, NULL, 0);
	assert_int_equal(told.nsid, EDNS_PASS);
	assert_int_equal(told.subnet, EDNS_PASS);
}

static void cookies_are_off_answered_or_required(void **state)
{
	static const uint8_t made[28] = {0, 10, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 1, [27] = 7};
	static const uint8_t foreign[28] = {0, 10, 0, 24, 9, 2, 3, 4, 5, 6, 7, 8, 1, [27] = 7};
	struct settings_profile_edns told;

	told = edns_told(PROFILE_ASK_COOKIE, AA, true, 0, 0, NULL, 0);
	assert_int_equal(told.cookie, EDNS_IGNORE);
	told = edns_told(PROFILE_ASK_COOKIE, AA, true, 0, 0, made, 28);
	assert_int_equal(told.cookie, EDNS_ANSWER);
	assert_memory_equal(told.made, made + 4, 24);
	assert_int_equal(told.client.bytes[0], 127);
	/* BADCOOKIE is 23: 1 in the OPT, 7 in the header */
	told = edns_told(PROFILE_ASK_COOKIE, QR | 7, false, 1, 0, made, 28);
	assert_int_equal(told.cookie, EDNS_REQUIRE);
	told = edns_told(PROFILE_ASK_COOKIE, QR | 5, false, 0, 0, made, 28);
	assert_int_equal(told.cookie, EDNS_PASS);
	/* a cookie for somebody else, or of another make (RFC 7873 allows 8 to 32 octets) */
	told = edns_told(PROFILE_ASK_COOKIE, AA, true, 0, 0, foreign, 28);
	assert_int_equal(told.cookie, EDNS_PASS);
	told = edns_told(PROFILE_ASK_COOKIE, AA, true, 0, 0,
		(const uint8_t[]){0, 10, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0},
		20);
	assert_int_equal(told.cookie, EDNS_PASS);
}

static void badvers_is_copied_if_it_is_plain(void **state)
{
	static const uint8_t nsid[] = {0, 3, 0, 1, 'a'};
	struct settings_profile_edns told;

	told = edns_told(PROFILE_ASK_VERSION, QR, false, 1, 0, NULL, 0);
	assert_int_equal(told.version, EDNS_ANSWER);
	assert_false(told.version_do);
	told = edns_told(PROFILE_ASK_VERSION, QR, false, 1, 0x80, NULL, 0);
	assert_int_equal(told.version, EDNS_ANSWER);
	assert_true(told.version_do);
	/* PowerDNS sets AA */
	told = edns_told(PROFILE_ASK_VERSION, AA, false, 1, 0, NULL, 0);
	assert_int_equal(told.version, EDNS_PASS);
	told = edns_told(PROFILE_ASK_VERSION, QR, false, 1, 0, nsid, 5);
	assert_int_equal(told.version, EDNS_PASS);
	told = edns_told(PROFILE_ASK_VERSION, AA, true, 0, 0, NULL, 0);
	assert_int_equal(told.version, EDNS_PASS);
}

static void answers_to_other_questions_tell_nothing(void **state)
{
	struct settings_profile told;
	uint8_t query[300];
	struct domain zone;
	size_t size;

	assert_null(domain_parse("a.example", &zone));
	size = profile_query(query, &zone, 7);
	assert_int_equal(profile_answer(query, size, 7, &told), -EBADMSG); /* no QR */
	query[2] |= 0x84;
	assert_int_equal(profile_answer(query, size, 8, &told), -EBADMSG);
	assert_int_equal(profile_answer(query, 11, 7, &told), -EBADMSG);
	assert_int_equal(profile_answer(query, size, 7, &told), 0);
	domain_free(&zone);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_new, world_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(nothing_is_known_before_an_answer),
		WORLD_TEST(flags_that_come_back_are_copied),
		WORLD_TEST(the_same_again_is_no_change),
		WORLD_TEST(a_refused_zone_makes_it_ask_for_another),
		WORLD_TEST(once_measured_it_rests),
		WORLD_TEST(what_was_adopted_yields_to_what_is_measured),
		cmocka_unit_test(options_tell_of_nsid_and_subnet),
		cmocka_unit_test(cookies_are_off_answered_or_required),
		cmocka_unit_test(badvers_is_copied_if_it_is_plain),
		cmocka_unit_test(answers_to_other_questions_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
