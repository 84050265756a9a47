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
	assert_int_equal(be16_get(header.flags), DNS_RD | DNS_CD);
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
	profile_run(world->profile, &world->config);
	assert_null(profile_known(world->profile));
}

static void flags_that_come_back_are_copied(void **state)
{
	static const u16 kinds[] = {0, DNS_RD, DNS_CD, DNS_RD | DNS_CD};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		profile_again(world->profile);
		profile_run(world->profile, &world->config);
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
		profile_run(world->profile, &world->config);
		serve(world, DNS_RD, 0);
		turn(world);
	}
	assert_int_equal(world->changes, 1);
}

static void a_refused_zone_makes_it_ask_for_another(void **state)
{
	struct world *world = *state;

	profile_run(world->profile, &world->config);
	assert_int_equal(serve(world, DNS_RD, 5), 'a');
	turn(world);
	assert_null(profile_known(world->profile));
	do
		profile_run(world->profile, &world->config);
	while (serve(world, DNS_RD, 0) != 'b');
	turn(world);
	assert_non_null(profile_known(world->profile));
}

static void once_measured_it_rests(void **state)
{
	struct world *world = *state;
	uint8_t byte;

	profile_run(world->profile, &world->config);
	serve(world, DNS_RD, 0);
	turn(world);
	profile_run(world->profile, &world->config);
	assert_int_equal(recv(world->server, &byte, 1, MSG_DONTWAIT), -1);
}

static void what_was_adopted_yields_to_what_is_measured(void **state)
{
	const struct settings_profile adopted = {.copy_flags = DNS_RD};
	struct world *world = *state;

	profile_adopt(world->profile, &adopted);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD);
	profile_run(world->profile, &world->config);
	serve(world, DNS_RD | DNS_CD, 0);
	turn(world);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD | DNS_CD);
	/* And not the other way round. */
	profile_adopt(world->profile, &adopted);
	assert_int_equal(profile_known(world->profile)->copy_flags, DNS_RD | DNS_CD);
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
		cmocka_unit_test(answers_to_other_questions_tell_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
