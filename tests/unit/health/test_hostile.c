/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mutations of what BIRD and a DNS server really say, the same ones every time.
 * For more, the fuzz targets beside this file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/health/hostile.h"

#define TURNS 200000

static const char session[] =
	"\x11"
	"0001 BIRD 2.0.12 ready.\n"
	"2002-Name       Proto      Table      State  Since         Info\n"
	"1002-anycast4   Static     master4    up     22:55:49.234  \n"
	" edge1      BGP        ---        up     22:55:26.708  Established   \n"
	"0000 \n"
	"+bird: <INFO> something happened\n"
	"1011-Router ID is 192.0.2.1\n"
	" Last reboot on 2026-11-22 22:55:25.891\n"
	" Last reconfiguration on 2026-11-22 22:55:49.234\n"
	"0013 Daemon is up and running\n"
	"1007-Table master4:\n"
	" 203.0.113.0/24       blackhole [anycast4 22:55:49.253] * (200)\n"
	"0000 \n"
	"0009-anycast4: disabled\n"
	"0000 \n"
	"8003 No protocols match\n";

static const uint8_t reply[] = {0x12, 0x34, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0, 7, 'e', 'x', 'a', 'm',
	'p', 'l', 'e', 3, 'c', 'o', 'm', 0, 0, 6, 0, 1, 0xc0, 12, 0, 6, 0, 1, 0, 0, 14, 16, 0, 39,
	3, 'n', 's', '1', 0xc0, 12, 10, 'h', 'o', 's', 't', 'm', 'a', 's', 't', 'e', 'r', 0xc0, 12,
	0x78, 0xc3, 0xbb, 0x09, 0, 0, 14, 16, 0, 0, 3, 132, 0, 1, 81, 128, 0, 0, 1, 44};

static uint64_t seed;

static unsigned dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static size_t mutate(uint8_t *bytes, size_t len, size_t room)
{
	static const uint8_t telling[] = {
		0, '\n', ' ', '+', '-', '0', '9', '[', ']', '/', 0xc0, 0xff};

	for (unsigned n = dice(6); n > 0 && len > 1; n--) {
		size_t at = dice((unsigned)len), span = dice(20);

		if (span > len - at)
			span = len - at;
		switch (dice(5)) {
		case 0:
			bytes[at] ^= (uint8_t)(1u << dice(8));
			break;
		case 1:
			bytes[at] = telling[dice(sizeof telling)];
			break;
		case 2: /* cut out */
			memmove(bytes + at, bytes + at + span, len - at - span);
			len -= span;
			break;
		case 3: /* repeat */
			if (len + span > room)
				break;
			memmove(bytes + at + span, bytes + at, len - at);
			len += span;
			break;
		default: /* end early */
			if (dice(4) == 0)
				len = at + 1;
			break;
		}
	}
	return len;
}

static void run(const void *sample, size_t len, void (*check)(const uint8_t *, size_t))
{
	uint8_t bytes[2048];

	seed = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < TURNS; i++) {
		memcpy(bytes, sample, len);
		check(bytes, mutate(bytes, len, sizeof bytes));
	}
}

static void whatever_bird_says_is_read_the_same_whole_and_cut(void **state)
{
	run(session, sizeof session - 1, hostile_bird);
}

static void whatever_a_server_answers_is_judged_or_ignored(void **state)
{
	run(reply, sizeof reply, hostile_dns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_bird_says_is_read_the_same_whole_and_cut),
		cmocka_unit_test(whatever_a_server_answers_is_judged_or_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
