/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What BIRD 2.0.12, 2.19.2 and 3.3.2 say (taken from them), and what is understood of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/peering/protocol.h"

struct said {
	int code;
	const char *text;
};

static const struct said protocols[] = {
	{2002, "Name       Proto      Table      State  Since         Info"},
	{1002, "anycast4   Static     master4    up     06:17:55.846  "},
	{1006, "  Channel ipv4"},
	{1006, "    State:          UP"},
	{1002, "edge1      BGP        ---        up     06:17:56.629  Established   "},
	{1006, "  Created:            06:28:59.146"}, /* 3.x */
	{1006, "  BGP state:          Established"},
	{1006, "    Neighbor address: 10.99.0.2"},
	{1006, "    Neighbor AS:      64496"},
	{1006, "    Local AS:         65053"},
	{1006, "    Local capabilities"},
	{1006, "      Multiprotocol"},
	{1006, "        AF announced: ipv4"},
	{1006, "      Graceful restart"},
	{1006, "        Restart time: 120"},
	{1006, "        AF supported: ipv4"},
	{1006, "        AF preserved:"},
	{1006, "    Neighbor capabilities"},
	{1006, "      Graceful restart"},
	{1006, "    Session:          internal multihop AS4"},
	{1006, "  Channel ipv4"},
	{1006, "    State:          UP"},
	{1006, "    Input filter:   REJECT"},
	{1006, "    Output filter:  anode_export"},
	{1006, "  Channel ipv6"},
	{1006, "    State:          DOWN"},
	{1006, "    Input filter:   (unnamed)"},
	{1006, "    Output filter:  ACCEPT"},
	{1006, ""},
	{1002, "edge2      BGP        ---        start  06:17:55.846  Connect       Socket: No "
	       "route"},
	{1006, "  BGP state:          Active"},
	{1006, "    Neighbor address: fe80::2%eth0"},
	{1006, "    Local capabilities"},
	{1006, "      Graceful restart"},
	{1006, "    Neighbor capabilities"},
	{1006, "      Graceful restart"},
	{1006, "        AF supported: ipv4"},
	{1006, "    Last error:       Socket: No route to host"},
	{0, ""},
};

static void protocol_list_read(struct protocol_list *list, const struct said *said, size_t count)
{
	memset(list, 0, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		struct bird_line line = {
			BIRD_LINE_PART, said[i].code, said[i].text, strlen(said[i].text)};

		protocol_list_line(list, &line);
	}
}

static void each_protocol_is_read_with_its_channels(void **state)
{
	struct protocol_list list;
	const struct protocol *edge1, *edge2;

	protocol_list_read(&list, protocols, sizeof(protocols) / sizeof(protocols[0]));
	assert_false(list.failed);
	assert_int_equal(list.count, 3);
	assert_string_equal(protocol_find(&list, "anycast4")->type, "Static");
	edge1 = protocol_find(&list, "edge1");
	assert_true(edge1->established && edge1->internal && edge1->multihop);
	assert_string_equal(edge1->state, "Established");
	assert_string_equal(edge1->neighbor, "10.99.0.2");
	assert_int_equal(edge1->neighbor_as, 64496);
	assert_int_equal(edge1->local_as, 65053);
	assert_string_equal(protocol_channel(edge1, AF_INET)->input, "REJECT");
	assert_string_equal(protocol_channel(edge1, AF_INET)->output, "anode_export");
	assert_string_equal(protocol_channel(edge1, AF_INET6)->output, "ACCEPT");
	assert_false(protocol_channel(edge1, AF_INET6)->up);
	edge2 = protocol_find(&list, "edge2");
	assert_false(edge2->established);
	assert_string_equal(edge2->error, "Socket: No route to host");
	assert_null(protocol_channel(edge2, AF_INET));
	assert_null(protocol_find(&list, "edge3"));
	protocol_list_free(&list);
}

static void graceful_restart_is_ours_and_of_some_family(void **state)
{
	struct protocol_list list;

	protocol_list_read(&list, protocols, sizeof(protocols) / sizeof(protocols[0]));
	assert_true(protocol_find(&list, "edge1")->graceful_restart);
	/* Ours names no family, the neighbour's does: that is its own business. */
	assert_false(protocol_find(&list, "edge2")->graceful_restart);
	protocol_list_free(&list);
}

static void an_error_is_not_an_empty_list(void **state)
{
	static const struct said error[] = {{9001, "syntax error"}};
	struct protocol_list list;

	protocol_list_read(&list, error, 1);
	assert_true(list.failed);
	protocol_list_free(&list);
}

static void any_lines_are_survived(void **state)
{
	unsigned seed = 4;

	for (unsigned round = 0; round < 3000; round++) {
		struct said mixed[40];
		struct protocol_list list;

		for (size_t i = 0; i < 40; i++) {
			size_t count = sizeof(protocols) / sizeof(protocols[0]);

			mixed[i] = protocols[(unsigned)rand_r(&seed) % count];
			if (rand_r(&seed) % 8 == 0)
				mixed[i].code = 1002 + rand_r(&seed) % 5;
		}
		protocol_list_read(&list, mixed, 40);
		for (size_t i = 0; i < list.count; i++)
			assert_true(list.items[i].channels_count <= PROTOCOL_CHANNELS);
		protocol_list_free(&list);
	}
}

static void bfd_is_found_by_neighbour(void **state)
{
	static const char *const said[] = {"bfd1:",
		"IP address                Interface  State      Since         Interval  Timeout",
		"10.99.0.2                 e          Up         06:17:56.628    0.300    0.900",
		"fe80::2%eth0              eth0       Down       06:17:56.628    0.300    0.900"};
	struct bfd_list list = {0};

	for (size_t i = 0; i < 4; i++) {
		struct bird_line line = {BIRD_LINE_PART, 1020, said[i], strlen(said[i])};

		bfd_list_line(&list, &line);
	}
	assert_int_equal(list.count, 2);
	assert_string_equal(bfd_find(&list, "10.99.0.2"), "Up");
	assert_string_equal(bfd_find(&list, "fe80::2%eth0"), "Down");
	assert_null(bfd_find(&list, "10.99.0.3"));
}

static void exported(struct exported_route *route, const struct said *said, size_t count)
{
	struct bird_prefix prefix;

	assert_int_equal(bird_prefix_parse(&prefix, "203.0.113.0/24"), 0);
	exported_begin(route, &prefix);
	for (size_t i = 0; i < count; i++) {
		struct bird_line line = {
			BIRD_LINE_PART, said[i].code, said[i].text, strlen(said[i].text)};

		exported_line(route, &line);
	}
}

static void attributes_have_one_name_in_all_versions(void **state)
{
	static const struct said two[] = {
		{1007, "Table master4:"},
		{1007, "203.0.113.0/24       blackhole [anycast4_drain 06:17:55.846] * (190)"},
		{1008, "\tType: static univ"},
		{1012, "\tBGP.as_path: 65053 65053"},
		{1012, "\tBGP.community: (65535,0)"},
		{0, ""},
	};
	static const struct said three[] = {
		{1007, "203.0.113.0/24       blackhole [anycast4_drain 06:28:59.146] * (200)"},
		{1012, "\tpreference: 200"},
		{1012, "\tsource: static"},
		{1012, "\tbgp_path: 65053 65053"},
		{1012, "\tbgp_community: (65535, 0)"},
		{1008, "\tInternal route handling values: 0L 3G 0S id 1"},
		{0, ""},
	};
	struct exported_route route;

	exported(&route, two, 6);
	assert_true(route.there && route.understood);
	assert_string_equal(route.from, "anycast4_drain");
	assert_string_equal(exported_attribute(&route, "as_path"), "65053 65053");
	assert_string_equal(exported_attribute(&route, "community"), "(65535,0)");
	exported(&route, three, 7);
	assert_string_equal(exported_attribute(&route, "as_path"), "65053 65053");
	assert_string_equal(exported_attribute(&route, "community"), "(65535, 0)");
	assert_int_equal(route.attributes_count, 2);
}

static void nothing_sent_and_nothing_known_differ(void **state)
{
	static const struct said none[] = {{8001, "Network not found"}};
	static const struct said down[] = {{9001, "No valid tables"}};
	static const struct said other[] = {
		{1007, "203.0.113.0/25       blackhole [anycast4 06:17:55.846] * (190)"}, {0, ""}};
	struct exported_route route;

	exported(&route, none, 1);
	assert_true(!route.there && route.understood);
	exported(&route, down, 1);
	assert_true(!route.there && !route.understood);
	exported(&route, other, 2);
	assert_true(!route.there && route.understood);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protocol_is_read_with_its_channels),
		cmocka_unit_test(graceful_restart_is_ours_and_of_some_family),
		cmocka_unit_test(an_error_is_not_an_empty_list),
		cmocka_unit_test(any_lines_are_survived),
		cmocka_unit_test(bfd_is_found_by_neighbour),
		cmocka_unit_test(attributes_have_one_name_in_all_versions),
		cmocka_unit_test(nothing_sent_and_nothing_known_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
