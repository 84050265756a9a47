/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overload: the kernel's counters as text, and the sockets of this host made to overflow. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/clock.h"
#include "control/overload.h"

static const char snmp[] =
	"Ip: Forwarding DefaultTTL\nIp: 1 64\n"
	"Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\n"
	"Udp: 11 22 33 44 55 66\n"
	"UdpLite: InDatagrams RcvbufErrors\nUdpLite: 7 8\n";

static void counters_are_found_by_their_names(void **state)
{
	assert_int_equal(overload_snmp(snmp, "Udp:", "RcvbufErrors"), 55);
	assert_int_equal(overload_snmp(snmp, "Udp:", "InDatagrams"), 11);
	assert_int_equal(overload_snmp(snmp, "UdpLite:", "RcvbufErrors"), 8);
	assert_int_equal(overload_snmp(snmp, "Udp:", "Rcvbuf"), 0);
	assert_int_equal(overload_snmp(snmp, "Tcp:", "RcvbufErrors"), 0);
	assert_int_equal(
		overload_snmp6("Udp6InErrors \t7\nUdp6RcvbufErrors   \t9\n", "Udp6RcvbufErrors"),
		9);
	assert_int_equal(overload_snmp6("Udp6RcvbufErrorsX 9\n", "Udp6RcvbufErrors"), 0);
	assert_int_equal(overload_softnet("00000001 0000000a 0\n00000002 00000010 0\n"), 26);
}

static void cut_texts_count_nothing_and_end(void **state)
{
	char text[sizeof snmp];

	for (size_t n = 0; n < sizeof snmp; n++) {
		memcpy(text, snmp, n);
		text[n] = '\0';
		assert_true(overload_snmp(text, "Udp:", "RcvbufErrors") <= 55);
		overload_snmp6(text, "Udp6RcvbufErrors");
		overload_softnet(text);
	}
}

struct seen {
	unsigned begun, ended;
	char text[160];
};

static void changed(void *arg, const char *text)
{
	struct seen *seen = arg;

	if (!text) {
		seen->ended++;
		return;
	}
	seen->begun++;
	snprintf(seen->text, sizeof seen->text, "%s", text);
}

/* A socket that nobody reads. */
static void a_full_socket_is_overload_until_it_is_calm(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t end = clock_monotonic_us() + 10000000;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 1;
	socklen_t size = sizeof address;
	struct overload *overload;
	struct seen seen = {0};
	char bytes[512] = "";
	sd_event *loop;

	assert_true(sd_event_new(&loop) >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
	assert_int_equal(overload_open(&overload, loop, changed, &seen), 0);
	assert_null(overload_text(overload));
	while (!seen.begun && clock_monotonic_us() < end) {
		for (int i = 0; i < 50; i++)
			sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&address,
				sizeof address);
		assert_true(sd_event_run(loop, 50000) >= 0);
	}
	assert_int_equal(seen.begun, 1);
	assert_non_null(strstr(seen.text, "UDP sockets are full (IPv4)"));
	assert_non_null(overload_text(overload));
	while (!seen.ended && clock_monotonic_us() < end)
		assert_true(sd_event_run(loop, 50000) >= 0);
	assert_int_equal(seen.ended, 1);
	assert_null(overload_text(overload));
	overload_close(overload);
	sd_event_unref(loop);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_found_by_their_names),
		cmocka_unit_test(cut_texts_count_nothing_and_end),
		cmocka_unit_test(a_full_socket_is_overload_until_it_is_calm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
