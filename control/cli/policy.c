/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl policy: what the policy wants now and why, or would want if something were so. */
#include <stdio.h>

#include "control/cli/client.h"
#include "control/cli/show.h"

static void would_show(const struct cli *cli, const json_t *prefixes, bool supposed)
{
	static const char *const now_titles[] = {"PREFIX", "WANTED", "CAUSE", "WHY", NULL};
	static const char *const if_titles[] = {"PREFIX", "NOW", "THEN", "CAUSE", "WHY", NULL};
	struct table *table = table_new(cli, supposed ? if_titles : now_titles);
	const json_t *item;
	size_t i;

	json_array_foreach(prefixes, i, item)
	{
		const json_t *would = json_object_get(item, "would");
		const char *wanted = text_of(item, "wanted"), *then = text_of(would, "state");

		table_cell(table, TONE_PLAIN, text_of(item, "prefix"));
		table_cell(table, state_tone(wanted), wanted);
		if (supposed)
			table_cell(table, state_tone(then), then);
		table_cell(table, TONE_PLAIN, text_of(would, "cause"));
		table_cell(table, TONE_PLAIN, text_of(would, "reason"));
	}
	table_print(table);
}

static void memory_show(const struct cli *cli, const json_t *prefixes)
{
	static const char *const titles[] = {"PREFIX", "OTHERS", ">ROUTES", ">FLAPS", ">HOLD-DOWN",
		">IN AN HOUR", ">PENALTY", "DAMPED BY", NULL};
	struct table *table = table_new(cli, titles);
	const json_t *item;
	size_t i;

	json_array_foreach(prefixes, i, item)
	{
		const json_t *policy = json_object_get(item, "policy");
		const char *others = text_of(policy, "others"),
			   *damped = text_of(policy, "damped_by");
		char text[64], phrase[PHRASE];

		table_cell(table, TONE_PLAIN, text_of(item, "prefix"));
		table_cell(table, TONE_PLAIN, others);
		table_cell(
			table, TONE_PLAIN, count_text(json_object_get(policy, "routes"), phrase));
		table_cell(table, TONE_PLAIN, count_text(json_object_get(policy, "flaps"), phrase));
		snprintf(text, sizeof(text), "%.0f s",
			json_number_value(json_object_get(policy, "hold_down")));
		table_cell(table, TONE_PLAIN, text);
		snprintf(text, sizeof(text), "%d of %d",
			(int)json_integer_value(json_object_get(policy, "transitions")),
			(int)json_integer_value(json_object_get(policy, "budget")));
		table_cell(table, TONE_PLAIN, text);
		snprintf(text, sizeof(text), "%.0f",
			json_number_value(json_object_get(policy, "penalty")));
		table_cell(table, damped ? TONE_WARN : TONE_PLAIN, text);
		table_cell(table, damped ? TONE_WARN : TONE_PLAIN, damped);
	}
	table_print(table);
}

int cmd_policy(struct cli *cli, int argc, char **argv)
{
	const char *what_if = NULL;
	const struct cli_option own[] = {
		{"what-if", CLI_VALUE, &what_if, "suppose so: server=refused, CHECK=down, ..."}};
	int operand, r = cli_parse(cli, argc, argv, own, 1, &operand);
	json_t *args, *policy;

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "policy takes no \"%s\"", argv[operand]);
	args = json_object();
	if (what_if)
		json_object_set_new(args, "what_if", json_string(what_if));
	r = client_request(cli, "policy", args, &policy);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet) {
		cli_json(policy);
	} else if (!cli->quiet) {
		would_show(cli, json_object_get(policy, "prefixes"), what_if != NULL);
		if (!what_if)
			memory_show(cli, json_object_get(policy, "prefixes"));
	}
	json_decref(policy);
	return EXIT_GOOD;
}
