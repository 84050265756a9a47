/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's settings as a reader finds them, and the test run's frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "answer/packet.h"
#include "control/settings.h"
#include "control/testframe.h"

static const struct settings_profile profile = {.copy_flags = DNS_RD};

/* As the core looks an address up (dataplane/answer/parse.h). */
static bool served(const struct settings *settings, const struct address *address)
{
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
	u64 word[2];
	u32 slot;

	if (address->family == AF_INET)
		memcpy(bytes + 12, address->bytes, 4);
	else
		memcpy(bytes, address->bytes, 16);
	memcpy(word, bytes, 16);
	slot = settings_slot(settings->address_seed, word[0], word[1]);
	for (u32 i = 0; i < SETTINGS_PROBES; i++) {
		const struct settings_address *place =
			&settings->addresses[(slot + i) % SETTINGS_ADDRESSES];

		if (place->used && place->word[0] == word[0] && place->word[1] == word[1])
			return true;
	}
	return false;
}

static void every_address_is_found_and_no_other(void **state)
{
	struct address addresses[CONFIG_MAX_ADDRESSES], absent;
	struct config config = {
		.service = {addresses, CONFIG_MAX_ADDRESSES}, .fastpath = {.max_udp_size = 1232}};
	struct settings *settings = malloc(sizeof(*settings));
	char text[VALUE_TEXT];

	for (size_t i = 0; i < CONFIG_MAX_ADDRESSES; i++) {
		snprintf(text, sizeof(text), i % 2 ? "2001:db8::%zx" : "192.0.%zu.53",
			i / (i % 2 ? 1 : 2));
		assert_null(address_parse(text, &addresses[i]));
	}
	assert_int_equal(settings_fill(settings, &config, &profile, NULL, 0, false), 0);
	for (size_t i = 0; i < CONFIG_MAX_ADDRESSES; i++)
		assert_true(served(settings, &addresses[i]));
	assert_null(address_parse("198.51.100.1", &absent));
	assert_false(served(settings, &absent));
	free(settings);
}

static void options_and_links_have_their_places(void **state)
{
	struct config config = {.fastpath = {.max_udp_size = 1400,
					.lease_end = CONFIG_LEASE_END_HOLD,
					.reply = CONFIG_REPLY_FIB}};
	struct settings_link links[SETTINGS_IFACES + 1] = {
		{.ifindex = 7, .mtu = 9000, .mac = {2, 0, 0, 0, 0, 9}},
		{.ifindex = 1, .mtu = 70000, .probe = true},
	};
	struct settings *settings = malloc(sizeof(*settings));

	assert_int_equal(settings_fill(settings, &config, &profile, links, 2, true), 0);
	assert_int_equal(settings->flags, SETTINGS_BYPASS | SETTINGS_HOLD | SETTINGS_PASSES);
	assert_int_equal(settings->max_udp_size, 1400);
	assert_int_equal(settings->copy_flags, DNS_RD);
	assert_int_equal(settings->ifaces[0].ifindex, 7);
	assert_int_equal(settings->ifaces[0].mtu, 9000);
	assert_int_equal(settings->ifaces[0].mac[5], 9);
	assert_int_equal(settings->ifaces[0].flags, IFACE_FIB);
	assert_int_equal(settings->ifaces[1].flags, IFACE_PROBE);
	assert_int_equal(settings->ifaces[1].mtu, UINT16_MAX);
	assert_int_equal(
		settings_fill(settings, &config, &profile, links, SETTINGS_IFACES + 1, false),
		-ENOSPC);
	free(settings);
}

/* Sums to zero over what the checksum covers (RFC 1071). */
static bool sum_holds(uint32_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void question_is_a_valid_packet(void **state)
{
	static const char *const targets[] = {"192.0.2.53", "2001:db8::53"};
	struct domain zone;

	assert_null(domain_parse("example.com", &zone));
	for (size_t i = 0; i < 2; i++) {
		uint8_t frame[TESTFRAME_MAX];
		struct address target;
		size_t length, ip = 14, udp, addresses;

		assert_null(address_parse(targets[i], &target));
		length = testframe_question(frame, &target, &zone, 0x1234);
		udp = ip + (i == 0 ? 20 : 40);
		addresses = i == 0 ? 8 : 32;
		if (i == 0)
			assert_true(sum_holds(0, frame + ip, 20));
		/* Source and target stand right before UDP in both headers. */
		assert_true(sum_holds(PROTOCOL_UDP + (uint32_t)(length - udp),
			frame + udp - addresses, length - udp + addresses));
		assert_int_equal(length, udp + 8 + 12 + zone.wire_length + 4);
	}
	domain_free(&zone);
}

/* The frame that a right answer is, for the tests to spoil. */
static size_t answer(uint8_t *frame, const struct address *target, const struct domain *zone)
{
	static const uint8_t soa[] = {0xc0, 0x0c, 0, 6, 0, 1, 0, 0, 0x0e, 0x10, 0, 26, 2, 'n', 's',
		0xc0, 0x0c, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	size_t length = testframe_question(frame, target, zone, 1);
	uint8_t word[4];

	memcpy(word, frame + 26, 4);
	memcpy(frame + 26, frame + 30, 4);
	memcpy(frame + 30, word, 4);
	memcpy(word, frame + 34, 2);
	memcpy(frame + 34, frame + 36, 2);
	memcpy(frame + 36, word, 2);
	frame[44] = 0x84; /* QR, AA */
	frame[49] = 1;    /* one answer */
	memcpy(frame + length, soa, sizeof(soa));
	return length + sizeof(soa);
}

static void right_answer_gives_the_serial(void **state)
{
	uint8_t frame[TESTFRAME_MAX];
	struct address target;
	struct domain zone;
	uint32_t serial;
	size_t length;

	assert_null(domain_parse("example.com", &zone));
	assert_null(address_parse("192.0.2.53", &target));
	length = answer(frame, &target, &zone);
	assert_null(testframe_answer(frame, length, &target, &zone, 1, &serial));
	assert_int_equal(serial, 7);
	domain_free(&zone);
}

static void spoiled_answers_are_refused(void **state)
{
	static const size_t bytes[] = {26, 30, 34, 36, 42, 44, 45, 49, 55};
	uint8_t frame[TESTFRAME_MAX];
	struct address target;
	struct domain zone;
	uint32_t serial;
	size_t length;

	assert_null(domain_parse("example.com", &zone));
	assert_null(address_parse("192.0.2.53", &target));
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		length = answer(frame, &target, &zone);
		frame[bytes[i]] ^= bytes[i] == 44 ? 0x84 : 0x01;
		assert_non_null(testframe_answer(frame, length, &target, &zone, 1, &serial));
	}
	length = answer(frame, &target, &zone);
	for (size_t cut = 0; cut < length; cut++) {
		/* On the heap, so that ASan sees a step beyond the end. */
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, frame, cut);
		assert_non_null(testframe_answer(copy, cut, &target, &zone, 1, &serial));
		free(copy);
	}
	domain_free(&zone);
}

/* RFC 9018 appendix A.1: what a server with this secret made for 198.51.100.100. */
static const char secret_text[] = "# the fleet's\n\nE5E973e5a6b2a43f48e7dc849e37bfcf\n";
static const struct settings_profile_edns cookies = {.cookie = EDNS_ANSWER,
	.nsid = EDNS_ANSWER,
	.nsid_length = 2,
	.nsid_text = "n1",
	.made = {0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57, 1, 0, 0, 0, 0x5c, 0xf7, 0x9f, 0x11,
		0x1f, 0x81, 0x30, 0xc3, 0xee, 0xe2, 0x94, 0x80},
	.client = {.family = AF_INET, .bytes = {198, 51, 100, 100}}};

static int secrets_of(const char *text, struct cookie_secrets *secrets, char *reason)
{
	char path[] = "/tmp/test_settings.XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = cookie_secrets_read(path, secrets, reason);
	unlink(path);
	return r;
}

static void cookies_are_answered_with_the_servers_secret_only(void **state)
{
	static const char other[] = "dd3bdf9344b678b185a6f5cb60fca715\n";
	struct settings *settings = calloc(1, sizeof(*settings));
	struct cookie_secrets secrets = {.count = 0}, both;
	struct config config = {.fastpath = {.max_udp_size = 1232}};
	char reason[COOKIE_REASON_SIZE], text[128];

	/* none configured */
	assert_false(settings_fill_edns(settings, &config, &cookies, &secrets, 5));
	assert_int_equal(settings->edns.cookie, EDNS_PASS);
	/* the server's: both places hold it */
	assert_int_equal(secrets_of(secret_text, &secrets, reason), 0);
	assert_int_equal(secrets.count, 1);
	assert_true(settings_fill_edns(settings, &config, &cookies, &secrets, 5));
	assert_int_equal(settings->edns.cookie, EDNS_ANSWER);
	assert_int_equal(settings->edns.wall, 5);
	assert_memory_equal(settings->edns.secrets[0], secrets.keys[0], 16);
	assert_memory_equal(settings->edns.secrets[1], secrets.keys[0], 16);
	/* another one */
	assert_int_equal(secrets_of(other, &secrets, reason), 0);
	assert_false(settings_fill_edns(settings, &config, &cookies, &secrets, 5));
	assert_int_equal(settings->edns.cookie, EDNS_PASS);
	/* while they roll the server's is the second */
	snprintf(text, sizeof(text), "%s%s", other, secret_text);
	assert_int_equal(secrets_of(text, &both, reason), 0);
	assert_int_equal(both.count, 2);
	assert_true(settings_fill_edns(settings, &config, &cookies, &both, 5));
	assert_memory_equal(settings->edns.secrets[0], secrets.keys[0], 16);
	assert_memory_not_equal(settings->edns.secrets[1], secrets.keys[0], 16);
	free(settings);
}

static void an_nsid_of_the_configuration_goes_first(void **state)
{
	static const uint8_t own[] = {0, 3, 0, 2, 'n', '1', 0},
			     said[] = {0, 3, 0, 4, 'a', 'm', 's', '1', 0};
	struct settings *settings = calloc(1, sizeof(*settings));
	struct config config = {.fastpath = {.max_udp_size = 1232}};
	struct settings_profile_edns none = {.nsid = EDNS_IGNORE};
	struct cookie_secrets secrets = {.count = 0};

	settings_fill_edns(settings, &config, &cookies, &secrets, 0);
	assert_int_equal(settings->edns.nsid, EDNS_ANSWER);
	assert_int_equal(settings->edns.nsid_length, 6);
	assert_memory_equal(settings->edns.nsid_option, own, sizeof(own));
	settings_fill_edns(settings, &config, &none, &secrets, 0);
	assert_int_equal(settings->edns.nsid, EDNS_IGNORE);
	config.fastpath.nsid = (char[]){"ams1"};
	settings_fill_edns(settings, &config, &none, &secrets, 0);
	assert_int_equal(settings->edns.nsid, EDNS_ANSWER);
	assert_int_equal(settings->edns.nsid_length, 8);
	assert_memory_equal(settings->edns.nsid_option, said, sizeof(said));
	free(settings);
}

static void files_without_secrets_are_refused(void **state)
{
	static const char *const bad[] = {"", "# nothing\n", "e5e973e5a6b2a43f48e7dc849e37bf\n",
		"e5e973e5a6b2a43f48e7dc849e37bfcf00\n", "x5e973e5a6b2a43f48e7dc849e37bfcf\n",
		("e5e973e5a6b2a43f48e7dc849e37bfcf\ne5e973e5a6b2a43f48e7dc849e37bfcf\n"
		 "e5e973e5a6b2a43f48e7dc849e37bfcf\n")};
	struct cookie_secrets secrets = {.count = 7};
	char reason[COOKIE_REASON_SIZE];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		reason[0] = '\0';
		assert_int_equal(secrets_of(bad[i], &secrets, reason), -EINVAL);
		assert_int_not_equal(reason[0], '\0');
		assert_int_equal(secrets.count, 7);
	}
	assert_int_equal(cookie_secrets_read("/nonexistent", &secrets, reason), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_found_and_no_other),
		cmocka_unit_test(options_and_links_have_their_places),
		cmocka_unit_test(cookies_are_answered_with_the_servers_secret_only),
		cmocka_unit_test(an_nsid_of_the_configuration_goes_first),
		cmocka_unit_test(files_without_secrets_are_refused),
		cmocka_unit_test(question_is_a_valid_packet),
		cmocka_unit_test(right_answer_gives_the_serial),
		cmocka_unit_test(spoiled_answers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
