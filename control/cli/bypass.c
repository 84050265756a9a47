/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl bypass on|off [ZONE]: the local server answers, the fast path passes. */
#include <stdio.h>
#include <string.h>

#include "control/cli/client.h"
#include "control/cli/table.h"

static void bypass_show(const json_t *result)
{
	const json_t *zones = json_object_get(result, "zones"), *zone;
	const char *trouble = text_of(result, "trouble");
	size_t i;

	if (json_is_true(json_object_get(result, "all")))
		puts("every zone is bypassed: the local server answers");
	json_array_foreach(zones, i, zone) printf("bypassed: %s\n", json_string_value(zone));
	if (!json_is_true(json_object_get(result, "all")) && json_array_size(zones) == 0)
		puts("nothing is bypassed");
	if (trouble)
		printf("not kept over a restart: %s\n", trouble);
}

int cmd_bypass(struct cli *cli, int argc, char **argv)
{
	json_t *args, *result;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);
	bool on, off;

	if (r != 0)
		return r - 1;
	on = operand < argc && strcmp(argv[operand], "on") == 0;
	off = operand < argc && strcmp(argv[operand], "off") == 0;
	if ((!on && !off) || operand + 2 < argc)
		return cli_usage(cli, "bypass on|off [ZONE]");
	args = json_pack("{s:b}", "on", (int)on);
	if (operand + 1 < argc)
		json_object_set_new(args, "zone", json_string(argv[operand + 1]));
	r = client_request(cli, "bypass", args, &result);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(result);
	else if (!cli->quiet)
		bypass_show(result);
	json_decref(result);
	return EXIT_GOOD;
}
