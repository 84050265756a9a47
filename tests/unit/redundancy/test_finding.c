/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found in a survey: a table of zones' servers, and what must be said of each. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/redundancy/finding.h"

/* One address; the zero of each member is a sound one. */
struct row {
	const char *server, *address, *nsid;
	enum survey_state udp, tcp;
	uint32_t serial; /* 0: 7 */
	uint32_t origin; /* with a path of BIRD's; 0: none */
	const char *prefix;
	unsigned paths;
	const char *names; /* its NS records, by their first letters; NULL: a. and b. */
	bool ours;
};

struct zone {
	const char *name;
	struct row rows[5];
	const char *site;
	unsigned paths_min;
	const char *found; /* kinds, sorted as they are found */
	enum finding_grade worst;
};

static const struct zone zones[] = {
	{"sound", {{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y"}}, .found = ""},
	{"sound in two families, with one NSID for a server's addresses",
		{{"a", "192.0.2.1", "x"}, {"a", "2001:db8:1::1", "x"}, {"b", "198.51.100.1", "y"},
			{"b", "2001:db8:2::1", "y"}},
		.found = ""},
	{"no NSID says nothing about sites", {{"a", "192.0.2.1", ""}, {"b", "198.51.100.1", ""}},
		.found = ""},
	{"all down",
		{{"a", "192.0.2.1", "x", SURVEY_SILENT, SURVEY_SILENT},
			{"b", "198.51.100.1", "y", SURVEY_REFUSED, SURVEY_REFUSED}},
		.found = "all-down,down,down", .worst = FINDING_DEAD},
	{"all lame: nobody serves the zone",
		{{"a", "192.0.2.1", "x", SURVEY_LAME, SURVEY_LAME},
			{"b", "198.51.100.1", "y", SURVEY_LAME, SURVEY_LAME}},
		.found = "all-down,lame,lame", .worst = FINDING_DEAD},
	{"one down",
		{{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y", SURVEY_SILENT, SURVEY_BROKEN}},
		.found = "down", .worst = FINDING_BAD},
	{"no TCP, no UDP",
		{{"a", "192.0.2.1", "x", SURVEY_GOOD, SURVEY_SILENT},
			{"b", "198.51.100.1", "y", SURVEY_SILENT, SURVEY_GOOD}},
		.found = "no-tcp,no-udp", .worst = FINDING_BAD},
	{"lame over UDP alone", {{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y", SURVEY_LAME}},
		.found = "lame", .worst = FINDING_BAD},
	{"this host has no IPv6: not the servers' fault",
		{{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y"},
			{"b", "2001:db8:2::1", "", SURVEY_UNTESTED, SURVEY_UNTESTED}},
		.found = "untested"},
	{"behind", {{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y", .serial = 6}},
		.found = "serials", .worst = FINDING_BAD},
	{"ahead over the end of the numbers (RFC 1982): the small one is the new one",
		{{"a", "192.0.2.1", "x", .serial = 1},
			{"b", "198.51.100.1", "y", .serial = 0xfffffff0}},
		.found = "serials", .worst = FINDING_BAD},
	{"names another server",
		{{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y", .names = "abc"}},
		.found = "ns-set", .worst = FINDING_BAD},
	{"doesn't name one", {{"a", "192.0.2.1", "x", .names = "a"}, {"b", "198.51.100.1", "y"}},
		.found = "ns-set", .worst = FINDING_BAD},
	{"one server",
		{{"a", "192.0.2.1", "x", .names = "a"}, {"a", "2001:db8:1::1", "x", .names = "a"}},
		.found = "one-server", .worst = FINDING_WEAK},
	{"two names, one address", {{"a", "192.0.2.1", "x"}, {"b", "192.0.2.1", "y"}},
		.found = "one-server", .worst = FINDING_WEAK},
	{"one /24", {{"a", "192.0.2.1", "x"}, {"b", "192.0.2.250", "y"}}, .found = "same-prefix",
		.worst = FINDING_WEAK},
	{"one /48, though two /24",
		{{"a", "192.0.2.1", "x"}, {"a", "2001:db8:1::1", "x"}, {"b", "198.51.100.1", "y"},
			{"b", "2001:db8:1:ffff::1", "y"}},
		.found = "same-prefix", .worst = FINDING_WEAK},
	{"two /24 in one route of BIRD's",
		{{"a", "192.0.2.1", "x", .origin = 64500, .prefix = "192.0.2.0/23", .paths = 2},
			{"b", "192.0.3.1", "y", .origin = 64500, .prefix = "192.0.2.0/23",
				.paths = 2}},
		.found = "same-prefix,same-origin", .worst = FINDING_WEAK},
	{"two AS",
		{{"a", "192.0.2.1", "x", .origin = 64500, .prefix = "192.0.2.0/24", .paths = 2},
			{"b", "192.0.3.1", "y", .origin = 64501, .prefix = "192.0.3.0/24",
				.paths = 2}},
		.found = ""},
	{"an unknown origin isn't the same one",
		{{"a", "192.0.2.1", "x", .origin = 64500, .prefix = "192.0.2.0/24", .paths = 2},
			{"b", "192.0.3.1", "y"}},
		.found = ""},
	{"few paths",
		{{"a", "192.0.2.1", "x", .origin = 64500, .prefix = "192.0.2.0/24", .paths = 1},
			{"b", "192.0.3.1", "y"}},
		.paths_min = 2, .found = "few-paths", .worst = FINDING_WEAK},
	{"one node for all", {{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "x"}},
		.found = "one-node", .worst = FINDING_WEAK},
	{"one node for two of three",
		{{"a", "192.0.2.1", "x", .names = "abc"},
			{"b", "198.51.100.1", "x", .names = "abc"},
			{"c", "203.0.113.1", "y", .names = "abc"}},
		.found = "same-site", .worst = FINDING_WEAK},
	{"one site, two nodes", {{"a", "192.0.2.1", "ams1"}, {"b", "198.51.100.1", "ams2"}},
		.site = "^([a-z]+)[0-9]$", .found = "same-site", .worst = FINDING_WEAK},
	{"two sites", {{"a", "192.0.2.1", "ams1"}, {"b", "198.51.100.1", "fra1"}},
		.site = "^([a-z]+)[0-9]$", .found = ""},
	{"this node announces all of them",
		{{"a", "192.0.2.1", "x", .ours = true}, {"b", "198.51.100.1", "y", .ours = true}},
		.found = "one-node", .worst = FINDING_WEAK},
	{"this node announces one of them",
		{{"a", "192.0.2.1", "x", .ours = true}, {"b", "198.51.100.1", "y"}}, .found = ""},
};

static void name_make(uint8_t name[NAME_MAX_SIZE], char letter)
{
	char text[] = "?.example.";

	text[0] = letter;
	assert_true(name_from_text(name, text) > 0);
}

static void answer_make(
	struct survey_answer *answer, const struct row *row, enum survey_state state)
{
	answer->state = state;
	answer->has_serial = state == SURVEY_GOOD;
	answer->serial = row->serial ? row->serial : 7;
	answer->nsid_size = state == SURVEY_GOOD ? strlen(row->nsid) : 0;
	memcpy(answer->nsid, row->nsid, answer->nsid_size);
}

static void row_make(struct survey *survey, const struct row *row)
{
	struct sockaddr_storage storage = {
		.ss_family = strchr(row->address, ':') ? AF_INET6 : AF_INET};
	const char *names = row->names ? row->names : "ab";
	struct survey_address *made;
	uint8_t name[NAME_MAX_SIZE];
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
	struct sockaddr_in *four = (struct sockaddr_in *)&storage;

	four->sin_port = htons(53);
	assert_int_equal(inet_pton(storage.ss_family, row->address,
				 storage.ss_family == AF_INET ? (void *)&four->sin_addr
							      : (void *)&six->sin6_addr),
		1);
	name_make(name, row->server[0]);
	assert_int_equal(survey_add(survey, name, &storage), 0);
	made = &survey->addresses[survey->addresses_count - 1];
	answer_make(&made->udp, row, row->udp);
	answer_make(&made->tcp, row, row->tcp);
	made->ours = row->ours;
	made->listed = true;
	made->names_count = strlen(names);
	made->names = calloc(made->names_count, NAME_MAX_SIZE);
	assert_non_null(made->names);
	for (size_t i = 0; i < made->names_count; i++)
		name_make(made->names[i], names[i]);
	if (row->prefix) {
		made->path.known = true;
		made->path.origin = row->origin;
		made->path.paths = row->paths;
		strcpy(made->path.prefix, row->prefix);
	}
}

static struct survey *zone_make(const struct zone *zone)
{
	static const uint8_t apex[] = "\7example";
	struct survey *survey;

	assert_int_equal(survey_new(&survey, apex), 0);
	for (size_t i = 0; i < 5 && zone->rows[i].server; i++)
		row_make(survey, &zone->rows[i]);
	return survey;
}

static void kinds_text(const struct finding_list *list, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "," : "",
			finding_name(list->items[i].kind));
}

static void what_is_found_in_each_zone(void **state)
{
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const struct zone *zone = &zones[i];
		struct finding_options options = {.paths_min = zone->paths_min};
		struct survey *survey = zone_make(zone);
		struct finding_list list;
		char text[256];
		regex_t site;

		if (zone->site) {
			assert_int_equal(regcomp(&site, zone->site, REG_EXTENDED), 0);
			options.site = &site;
		}
		assert_int_equal(finding_make(&list, survey, &options), 0);
		kinds_text(&list, text, sizeof(text));
		if (strcmp(text, zone->found) != 0 || list.worst != zone->worst)
			fail_msg("%s: found \"%s\" (grade %d), not \"%s\" (grade %d)", zone->name,
				text, list.worst, zone->found, zone->worst);
		if (zone->site)
			regfree(&site);
		finding_free(&list);
		survey_free(survey);
	}
}

static void what_is_accepted_is_not_found(void **state)
{
	struct finding_options options = {.accepted = 1u << FINDING_SAME_PREFIX};
	static const struct zone zone = {
		"one /24", {{"a", "192.0.2.1", "x"}, {"b", "192.0.2.250", "y"}}};
	struct survey *survey = zone_make(&zone);
	struct finding_list list;

	assert_int_equal(finding_make(&list, survey, &options), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(list.worst, FINDING_NOTE);
	finding_free(&list);
	survey_free(survey);
}

static void a_name_without_address_and_an_alias_are_found(void **state)
{
	static const struct zone zone = {"", {{"a", "192.0.2.1", "x"}, {"b", "198.51.100.1", "y"}}};
	struct finding_options options = {0};
	struct survey *survey = zone_make(&zone);
	struct finding_list list;
	uint8_t name[NAME_MAX_SIZE];
	char text[256];

	name_make(name, 'c');
	assert_int_equal(survey_add(survey, name, NULL), 0);
	survey->servers[0].alias = true;
	assert_int_equal(finding_make(&list, survey, &options), 0);
	kinds_text(&list, text, sizeof(text));
	assert_string_equal(text, "ns-set,ns-set,alias,no-address");
	finding_free(&list);
	survey_free(survey);
}

static void every_kind_has_a_name_that_is_read_back(void **state)
{
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++)
		assert_int_equal(
			finding_parse(finding_name(kind), strlen(finding_name(kind))), kind);
	assert_int_equal(finding_parse("down,", 3), FINDING_KINDS);
}

static void an_nsid_of_any_octets_is_harmless_text(void **state)
{
	uint8_t nsid[REPLY_NSID];
	char text[FINDING_NSID], site[FINDING_SITE];

	for (size_t i = 0; i < sizeof(nsid); i++)
		nsid[i] = (uint8_t)(0x80 + i);
	finding_nsid(text, nsid, sizeof(nsid));
	assert_int_equal(strlen(text), FINDING_NSID - 1);
	assert_int_equal(strspn(text, "\\x0123456789abcdef"), strlen(text));
	finding_site(site, NULL, nsid, sizeof(nsid));
	assert_true(strlen(site) < FINDING_SITE);
	assert_string_equal(finding_nsid(text, (const uint8_t *)"a\033\\", 3), "a\\x1b\\x5c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_found_in_each_zone),
		cmocka_unit_test(what_is_accepted_is_not_found),
		cmocka_unit_test(a_name_without_address_and_an_alias_are_found),
		cmocka_unit_test(every_kind_has_a_name_that_is_read_back),
		cmocka_unit_test(an_nsid_of_any_octets_is_harmless_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
