/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cli/show.h"

#include <stdio.h>
#include <string.h>

enum tone state_tone(const char *state)
{
	if (!state)
		return TONE_DIM;
	if (strcmp(state, "announced") == 0)
		return TONE_GOOD;
	return strcmp(state, "degraded") == 0 ? TONE_WARN : TONE_BAD;
}

void checks_show(const struct cli *cli, const json_t *now, const json_t *checks)
{
	static const char *const titles[] = {
		"CHECK", "SEVERITY", "STATE", ">SINCE", ">LAST GOOD", ">RTT", "REASON", NULL};
	struct table *table = table_new(cli, titles);
	char phrase[PHRASE];
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
	{
		bool good = json_is_true(json_object_get(check, "good"));
		const char *verdict = text_of(check, "verdict");
		double rtt = json_real_value(json_object_get(check, "rtt"));
		char rtt_text[PHRASE];

		table_cell(table, TONE_PLAIN, text_of(check, "name"));
		table_cell(table, TONE_PLAIN, text_of(check, "severity"));
		table_cell(table, good ? TONE_GOOD : TONE_BAD, verdict);
		table_cell(
			table, TONE_PLAIN, age_text(now, json_object_get(check, "since"), phrase));
		table_cell(table, TONE_PLAIN,
			age_text(now, json_object_get(check, "last_good"), phrase));
		snprintf(rtt_text, sizeof(rtt_text), "%.2f ms", rtt * 1000);
		table_cell(table, TONE_PLAIN, rtt > 0 ? rtt_text : NULL);
		table_cell(table, TONE_PLAIN, text_of(check, "reason"));
	}
	table_print(table);
}

void zones_show(const struct cli *cli, const json_t *now, const json_t *zones)
{
	static const char *const titles[] = {"ZONE", "STATE", ">SERVER", ">MIRROR", ">FAST",
		">RECORDS", ">SINCE", "REASON", NULL};
	struct table *table = table_new(cli, titles);
	char phrase[PHRASE];
	const json_t *zone;
	size_t i;

	json_array_foreach(zones, i, zone)
	{
		const json_t *serial = json_object_get(zone, "serial");
		bool fast = json_is_true(json_object_get(zone, "fast"));
		bool trouble = json_is_true(json_object_get(zone, "trouble"));

		table_cell(table, TONE_PLAIN, text_of(zone, "zone"));
		table_cell(table,
			trouble ? TONE_BAD
			: fast  ? TONE_GOOD
				: TONE_WARN,
			text_of(zone, "state"));
		table_cell(
			table, TONE_PLAIN, serial_text(json_object_get(serial, "server"), phrase));
		table_cell(
			table, TONE_PLAIN, serial_text(json_object_get(serial, "mirror"), phrase));
		table_cell(table, TONE_PLAIN, serial_text(json_object_get(serial, "fast"), phrase));
		table_cell(table, TONE_PLAIN, count_text(json_object_get(zone, "records"), phrase));
		table_cell(
			table, TONE_PLAIN, age_text(now, json_object_get(zone, "since"), phrase));
		table_cell(table, TONE_PLAIN, text_of(zone, "reason"));
	}
	table_print(table);
}

void queries_show(const struct cli *cli, const json_t *queries)
{
	char share[PHRASE], fast[PHRASE], passed[PHRASE], dropped[PHRASE];
	const char *text = share_text(json_object_get(queries, "fast_share"), share);

	count_text(json_object_get(queries, "fast"), fast);
	count_text(json_object_get(queries, "passed"), passed);
	count_text(json_object_get(queries, "dropped"), dropped);
	printf("  queries: %s answered fast (%s), %s passed, %s dropped\n", fast,
		text ? text : "no queries yet", passed, dropped);
}

void counters_show(const struct cli *cli, const char *title, const json_t *counters, bool texts)
{
	const char *const titles[] = {title, ">COUNT", texts ? "MEANING" : NULL, NULL};
	struct table *table = table_new(cli, titles);
	const json_t *counter;
	char phrase[PHRASE];
	size_t i;

	json_array_foreach(counters, i, counter)
	{
		table_cell(table, TONE_PLAIN, text_of(counter, "name"));
		table_cell(
			table, TONE_PLAIN, count_text(json_object_get(counter, "value"), phrase));
		if (texts)
			table_cell(table, TONE_DIM, text_of(counter, "text"));
	}
	table_print(table);
}
