/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BIRD's configuration as a text to search, and the pattern that includes a state file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/peering/birdconf.h"
#include "control/peering/include.h"

static void take(struct birdconf *conf, const char *text)
{
	memset(conf, 0, sizeof(*conf));
	assert_int_equal(
		birdconf_take(conf, text, strlen(text), "/etc/bird", "/run/anode/bird", 0), 0);
}

static bool says(const char *text, const char *words)
{
	struct birdconf conf;
	bool said;

	take(&conf, text);
	said = birdconf_says(conf.text, conf.size, words);
	birdconf_free(&conf);
	return said;
}

static void comments_say_nothing(void **state)
{
	assert_true(says("protocol bgp a { graceful restart on; }", "graceful restart on"));
	assert_true(says("graceful\n\t restart/* x */on", "graceful restart on"));
	assert_false(says("# graceful restart on\n", "graceful restart on"));
	assert_false(says("/* graceful restart on; */", "graceful restart on"));
	assert_false(says("/* graceful restart on;", "graceful restart on")); /* not closed */
	assert_true(says("\"# no comment\" graceful restart on", "graceful restart on"));
	assert_false(says("graceful restart only", "graceful restart on"));
	assert_false(says("ungraceful restart on", "graceful restart on"));
}

static void a_protocols_block_ends_with_its_brace(void **state)
{
	struct birdconf conf;
	const char *block;
	size_t size;

	take(&conf, "protocol static 'any-4' { ipv4 { preference 1; }; disabled; }\n"
		    "protocol bgp edge1 from t { ipv4 { }; }\n"
		    "protocol bgp edge10 { x; }\n");
	block = birdconf_protocol(&conf, "static", "any-4", &size);
	assert_non_null(block);
	assert_int_equal(size, strlen(" ipv4 { preference 1; }; disabled; "));
	block = birdconf_protocol(&conf, "bgp", "edge1", &size);
	assert_non_null(block);
	assert_int_equal(size, strlen(" ipv4 { }; "));
	assert_null(birdconf_protocol(&conf, "bgp", "edge", &size));
	assert_null(birdconf_protocol(&conf, "static", "edge1", &size));
	birdconf_free(&conf);
}

static void includes_are_patterns_from_the_files_folder(void **state)
{
	struct birdconf conf;

	take(&conf, "include \"/run/anod[e]/bird/a.conf\"; include \"local*.conf\";\n"
		    "# include \"/x\";\n log \"/y\" all;");
	assert_string_equal(conf.includes, "/run/anod[e]/bird/a.conf\n/etc/bird/local*.conf\n");
	assert_true(birdconf_includes(&conf, "/run/anode/bird/a.conf"));
	assert_false(birdconf_includes(&conf, "/run/anode/bird/b.conf"));
	assert_true(birdconf_includes(&conf, "/etc/bird/local1.conf"));
	birdconf_free(&conf);
}

static void the_pattern_stands_below_a_top_folder(void **state)
{
	static const char *const good[][2] = {
		{"/run/anode/bird", "/run/anod[e]/bird/p.conf"},
		{"/var/lib/x/y", "/var/li[b]/x/y/p.conf"},
		{"/run/a", "/run/[a]/p.conf"},
		{"/state", "/stat[e]/p.conf"},
	};
	static const char *const bad[] = {"/run/an*de", "/run/\"/x", "relative/x", "/run/", "/"};
	char *pattern;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct birdconf conf = {0};

		assert_int_equal(include_pattern(&pattern, good[i][0], "p"), 0);
		assert_string_equal(pattern, good[i][1]);
		free(pattern);
		birdconf_free(&conf);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(include_pattern(&pattern, bad[i], "p"), -EINVAL);
}

static void any_text_is_survived(void **state)
{
	static const char letters[] = "{}\"/*# \nipnclude;protocol bgp a'";
	unsigned seed = 4;

	for (unsigned round = 0; round < 20000; round++) {
		struct birdconf conf;
		char text[64];
		size_t size;

		for (size_t i = 0; i < sizeof(text) - 1; i++)
			text[i] = letters[(unsigned)rand_r(&seed) % (sizeof(letters) - 1)];
		text[sizeof(text) - 1] = '\0';
		take(&conf, text);
		birdconf_protocol(&conf, "bgp", "a", &size);
		birdconf_says(conf.text, conf.size, "protocol bgp");
		birdconf_free(&conf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_say_nothing),
		cmocka_unit_test(a_protocols_block_ends_with_its_brace),
		cmocka_unit_test(includes_are_patterns_from_the_files_folder),
		cmocka_unit_test(the_pattern_stands_below_a_top_folder),
		cmocka_unit_test(any_text_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
