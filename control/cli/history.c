/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl history: transitions with their causes, the last ones, oldest first. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/cli/client.h"
#include "control/cli/show.h"

#define DATE 32

/* "2026-11-22 22:55:48.253", in the local time zone. */
static const char *date_text(const json_t *at, char buffer[static DATE])
{
	double seconds = json_number_value(at);
	time_t whole = (time_t)seconds;
	struct tm tm;
	size_t used;

	if (!localtime_r(&whole, &tm))
		return NULL;
	used = strftime(buffer, DATE, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(buffer + used, DATE - used, ".%03d",
		(int)((seconds - (double)whole) * 1000) % 1000);
	return buffer;
}

static void history_show(const struct cli *cli, const json_t *list)
{
	static const char *const titles[] = {"WHEN", "PREFIX", "FROM", "TO", "CAUSE", "WHY", NULL};
	struct table *table;
	const json_t *item;
	char date[DATE];
	size_t i;

	if (json_array_size(list) == 0) {
		puts("no transition yet");
		return;
	}
	table = table_new(cli, titles);
	json_array_foreach(list, i, item)
	{
		const char *from = text_of(item, "from"), *to = text_of(item, "to");

		table_cell(table, TONE_PLAIN, date_text(json_object_get(item, "at"), date));
		table_cell(table, TONE_PLAIN, text_of(item, "prefix"));
		table_cell(table, state_tone(from), from);
		table_cell(table, state_tone(to), to);
		table_cell(table, TONE_PLAIN, text_of(item, "cause"));
		table_cell(table, TONE_PLAIN, text_of(item, "reason"));
	}
	table_print(table);
}

int cmd_history(struct cli *cli, int argc, char **argv)
{
	const char *count = NULL, *prefix = NULL;
	const struct cli_option own[] = {
		{"count", CLI_VALUE, &count, "so many, the last ones; default: 50"},
		{"prefix", CLI_VALUE, &prefix, "of this one; default: all"},
	};
	int operand, r = cli_parse(cli, argc, argv, own, 2, &operand);
	json_t *args, *history;
	char *end = NULL;
	long number = 0;

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "history takes no \"%s\"", argv[operand]);
	if (count)
		number = strtol(count, &end, 10);
	if (count && (*end || end == count || number < 1))
		return cli_usage(cli, "--count is a number");
	args = json_object();
	if (count)
		json_object_set_new(args, "count", json_integer(number));
	if (prefix)
		json_object_set_new(args, "prefix", json_string(prefix));
	r = client_request(cli, "history", args, &history);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(history);
	else if (!cli->quiet)
		history_show(cli, json_object_get(history, "transitions"));
	json_decref(history);
	return EXIT_GOOD;
}
