/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an interface says about the way of replies: the words out of its state, and its state out
 * of the kernel. The latter needs root (a network namespace of its own), and says so without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/rtnetlink.h>

#include "control/interface_ask.h"
#include "control/interface_doubt.h"
#include "tests/host/sandbox.h"

static bool rooted;

static struct config config_with(enum config_reply reply, struct address *addresses, size_t count)
{
	struct config config = {0};

	config.fastpath.reply = reply;
	config.service.addresses = addresses;
	config.service.addresses_count = count;
	return config;
}

static struct address both[] = {{.family = AF_INET}, {.family = AF_INET6}};

static void expect(const struct interface *interface, const struct config *config,
	enum interface_doubt doubt, const char *part)
{
	char text[INTERFACE_DOUBT_TEXT];

	assert_int_equal(interface_doubt(interface, config, doubt, text), part != NULL);
	if (part && !strstr(text, part))
		fail_msg("\"%s\" doesn't say \"%s\"", text, part);
	if (!part)
		assert_string_equal(text, "");
}

static void without_forwarding_replies_by_the_routing_table_are_doubted_by_family(void **state)
{
	struct interface interface = {.name = "uplink", .ifindex = 3, .forwards = {false, true}};
	struct config config = config_with(CONFIG_REPLY_FIB, both, 2);

	expect(&interface, &config, INTERFACE_NOT_FORWARDING4, "net.ipv4.conf.uplink.forwarding");
	expect(&interface, &config, INTERFACE_NOT_FORWARDING6, NULL);
	interface.forwards[0] = true;
	interface.forwards[1] = false;
	expect(&interface, &config, INTERFACE_NOT_FORWARDING4, NULL);
	expect(&interface, &config, INTERFACE_NOT_FORWARDING6, "net.ipv6.conf.uplink.forwarding");
	config = config_with(CONFIG_REPLY_FIB, both, 1);
	expect(&interface, &config, INTERFACE_NOT_FORWARDING6, NULL);
	config = config_with(CONFIG_REPLY_SOURCE_MAC, both, 2);
	expect(&interface, &config, INTERFACE_NOT_FORWARDING6, NULL);
}

static void vlans_are_doubted_where_their_tags_or_their_routes_are_lost(void **state)
{
	struct interface interface = {.name = "uplink",
		.ifindex = 3,
		.forwards = {true, true},
		.vlan_offload = true,
		.vlans = 1,
		.vlan = "uplink.7"};
	struct config config = config_with(CONFIG_REPLY_SOURCE_MAC, both, 2);

	expect(&interface, &config, INTERFACE_VLAN_STRIPPED, "ethtool -K uplink rxvlan off");
	expect(&interface, &config, INTERFACE_VLAN_UNROUTED, NULL);
	config = config_with(CONFIG_REPLY_FIB, both, 2);
	interface.vlan_offload = false;
	expect(&interface, &config, INTERFACE_VLAN_STRIPPED, NULL);
	expect(&interface, &config, INTERFACE_VLAN_UNROUTED, "uplink.7");
	interface.vlans = 0;
	interface.vlan_offload = true;
	expect(&interface, &config, INTERFACE_VLAN_STRIPPED, NULL);
	expect(&interface, &config, INTERFACE_VLAN_UNROUTED, NULL);
}

static void an_interface_that_is_not_there_is_not_doubted(void **state)
{
	struct interface interface = {.name = "uplink", .vlans = 1, .vlan_offload = true};
	struct config config = config_with(CONFIG_REPLY_FIB, both, 2);

	for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++)
		expect(&interface, &config, (enum interface_doubt)doubt, NULL);
}

/* ---- the kernel's messages ---- */

struct message {
	_Alignas(struct nlmsghdr) char bytes[512];
};

static struct nlmsghdr *message_begin(struct message *message)
{
	struct nlmsghdr *head = (struct nlmsghdr *)(void *)message->bytes;

	memset(message, 0, sizeof(*message));
	head->nlmsg_type = RTM_NEWLINK;
	head->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	return head;
}

static struct rtattr *message_add(
	struct nlmsghdr *head, unsigned short type, const void *value, size_t size)
{
	struct rtattr *attribute =
		(struct rtattr *)(void *)((char *)head + NLMSG_ALIGN(head->nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(attribute), value, size);
	head->nlmsg_len = NLMSG_ALIGN(head->nlmsg_len) + (uint32_t)RTA_SPACE(size);
	return attribute;
}

/* As the kernel writes it: the kind is nested. */
static struct nlmsghdr *link_message(struct message *message, const char *kind)
{
	struct nlmsghdr *head = message_begin(message);
	char info[64] = {0};
	struct rtattr *nested = (struct rtattr *)(void *)info;
	uint32_t below = 3;

	message_add(head, IFLA_IFNAME, "uplink.7", sizeof("uplink.7"));
	message_add(head, IFLA_LINK, &below, sizeof(below));
	nested->rta_type = IFLA_INFO_KIND;
	nested->rta_len = (unsigned short)RTA_LENGTH(strlen(kind) + 1);
	memcpy(RTA_DATA(nested), kind, strlen(kind) + 1);
	message_add(head, IFLA_LINKINFO, info, RTA_SPACE(strlen(kind) + 1));
	return head;
}

static void a_vlan_device_is_known_by_its_message(void **state)
{
	struct message message;
	struct nlmsghdr *head = link_message(&message, "vlan");
	uint32_t parent = 0;
	char name[16];

	assert_true(interface_vlan_message(head, &parent, name));
	assert_int_equal(parent, 3);
	assert_string_equal(name, "uplink.7");
	assert_false(interface_vlan_message(link_message(&message, "macvlan"), &parent, name));
	head = link_message(&message, "vlan");
	head->nlmsg_type = RTM_DELLINK;
	assert_false(interface_vlan_message(head, &parent, name));
	/* on an interface of another namespace, whose index says nothing here */
	head = link_message(&message, "vlan");
	message_add(head, IFLA_LINK_NETNSID, &parent, sizeof(parent));
	assert_false(interface_vlan_message(head, &parent, name));
}

static void a_message_is_read_no_further_than_its_length(void **state)
{
	struct message whole;
	uint32_t length = link_message(&whole, "vlan")->nlmsg_len, parent;
	unsigned known = 0;
	char name[16];

	for (uint32_t cut = 0; cut <= length; cut++) {
		/* of its own size, so that a sanitizer sees a byte too far */
		char *bytes = malloc(cut < sizeof(struct nlmsghdr) ? sizeof(struct nlmsghdr) : cut);
		struct nlmsghdr *head = (struct nlmsghdr *)(void *)bytes;

		memcpy(bytes, whole.bytes,
			cut < sizeof(struct nlmsghdr) ? sizeof(struct nlmsghdr) : cut);
		head->nlmsg_len = cut;
		known += interface_vlan_message(head, &parent, name);
		free(bytes);
	}
	assert_in_range(known, 1, 4); /* but for padding, only the whole message */
}

/* ---- the kernel ---- */

static void run(const char *command)
{
	int status = system(command);

	if (status != 0)
		fail_msg("%s: status %d", command, status);
}

static struct interface ask(const char *name)
{
	int asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct interface found;

	assert_true(asker >= 0);
	interface_ask(asker, name, &found);
	close(asker);
	return found;
}

/* The kernel's link watch says it within a second, when it gets to it. */
static int carrier_comes(const char *name)
{
	for (int i = 0; i < 1000; i++) {
		if (ask(name).carrier)
			return 1;
		usleep(10000);
	}
	return 0;
}

static void forwarding_and_offload_are_those_of_the_interface(void **state)
{
	struct interface found;

	if (!rooted)
		skip();
	run("ip link add near mtu 1400 type veth peer name far");
	found = ask("near");
	assert_int_equal(found.ifindex, if_nametoindex("near"));
	assert_int_equal(found.mtu, 1400);
	assert_false(found.carrier);
	run("ip link set near up && ip link set far up");
	assert_true(carrier_comes("near"));
	run("sysctl -qw net.ipv4.conf.near.forwarding=0 net.ipv6.conf.near.forwarding=1");
	found = ask("near");
	assert_false(found.forwards[0]);
	assert_true(found.forwards[1]);
	run("sysctl -qw net.ipv4.conf.near.forwarding=1 net.ipv6.conf.near.forwarding=0");
	found = ask("near");
	assert_true(found.forwards[0]);
	assert_false(found.forwards[1]);
	run("ethtool -K near rxvlan on");
	assert_true(ask("near").vlan_offload);
	run("ethtool -K near rxvlan off");
	assert_false(ask("near").vlan_offload);
	assert_int_equal(ask("near").vlans, 0);
	assert_int_equal(ask("elsewhere").ifindex, 0);
}

static void vlan_devices_on_the_interface_are_counted(void **state)
{
	struct interface found;

	if (!rooted)
		skip();
	run("ip link add near2 type veth peer name far2");
	if (system("ip link add link near2 name near2.7 type vlan id 7 2>/dev/null") != 0) {
		print_message("this kernel has no VLAN devices (CONFIG_VLAN_8021Q)\n");
		skip();
	}
	run("ip link add link near2 name near2.9 type vlan id 9");
	found = ask("near2");
	assert_int_equal(found.vlans, 2);
	assert_non_null(strstr(found.vlan, "near2."));
	assert_int_equal(ask("far2").vlans, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			without_forwarding_replies_by_the_routing_table_are_doubted_by_family),
		cmocka_unit_test(vlans_are_doubted_where_their_tags_or_their_routes_are_lost),
		cmocka_unit_test(an_interface_that_is_not_there_is_not_doubted),
		cmocka_unit_test(a_vlan_device_is_known_by_its_message),
		cmocka_unit_test(a_message_is_read_no_further_than_its_length),
		cmocka_unit_test(forwarding_and_offload_are_those_of_the_interface),
		cmocka_unit_test(vlan_devices_on_the_interface_are_counted),
	};

	rooted = geteuid() == 0 && sandbox_enter() == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
