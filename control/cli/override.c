/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl announce, drain, withdraw, auto: a person's word over the policy's. */
#include <stdio.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/offline.h"
#include "control/cli/table.h"

static void overrides_show(const struct cli *cli, const json_t *result)
{
	static const char *const titles[] = {"PREFIX", "OVERRIDE", "BY", "REASON", NULL};
	const json_t *list = json_object_get(result, "overrides"), *item;
	struct table *table;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("no overrides: the policy decides");
		return;
	}
	table = table_new(cli, titles);
	json_array_foreach(list, i, item)
	{
		const json_t *override = json_object_get(item, "override");

		table_cell(table, TONE_PLAIN, text_of(item, "prefix"));
		table_cell(table, TONE_PLAIN, text_of(override, "verb"));
		table_cell(table, TONE_PLAIN, text_of(override, "owner"));
		table_cell(table, TONE_PLAIN, text_of(override, "reason"));
	}
	table_print(table);
}

static int override_run(struct cli *cli, int argc, char **argv, const char *command)
{
	const char *span = NULL, *reason = NULL, *family = NULL, *prefix = NULL;
	const struct cli_option own[] = {
		{"family", CLI_VALUE, &family, "4 or 6; default: both"},
		{"prefix", CLI_VALUE, &prefix, "this one; default: all"},
		{"for", CLI_VALUE, &span, "ends after that time"},
		{"reason", CLI_VALUE, &reason, "shown by status"},
	};
	json_t *args = json_object(), *result;
	int operand, r;

	r = cli_parse(cli, argc, argv, own, strcmp(command, "auto") == 0 ? 2 : 4, &operand);
	if (r != 0) {
		json_decref(args);
		return r - 1;
	}
	if (operand != argc || (family && strcmp(family, "4") != 0 && strcmp(family, "6") != 0)) {
		json_decref(args);
		return operand != argc
			       ? cli_usage(cli, "%s takes no \"%s\"", command, argv[operand])
			       : cli_usage(cli, "--family is 4 or 6");
	}
	if (span)
		json_object_set_new(args, "for", json_string(span));
	if (reason)
		json_object_set_new(args, "reason", json_string(reason));
	if (prefix)
		json_object_set_new(args, "prefix", json_string(prefix));
	if (family)
		json_object_set_new(args, "family", json_integer(family[0] - '0'));
	r = client_request(cli, command, args, &result);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(result);
	else if (!cli->quiet)
		overrides_show(cli, result);
	json_decref(result);
	return EXIT_GOOD;
}

int cmd_announce(struct cli *cli, int argc, char **argv)
{
	return override_run(cli, argc, argv, "announce");
}

int cmd_drain(struct cli *cli, int argc, char **argv)
{
	return override_run(cli, argc, argv, "drain");
}

int cmd_withdraw(struct cli *cli, int argc, char **argv)
{
	if (offline_asked(argc, argv))
		return offline_run(cli, argc, argv);
	return override_run(cli, argc, argv, "withdraw");
}

int cmd_auto(struct cli *cli, int argc, char **argv)
{
	return override_run(cli, argc, argv, "auto");
}
