/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl reload: the configuration again, all of it or nothing. */
#include <stdio.h>

#include "control/cli/client.h"

int cmd_reload(struct cli *cli, int argc, char **argv)
{
	json_t *result;
	const json_t *name;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);
	size_t i;

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "reload takes no \"%s\"", argv[operand]);
	r = client_request(cli, "reload", NULL, &result);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(result);
	else if (!cli->quiet && json_array_size(json_object_get(result, "changed")) == 0)
		puts("reloaded; nothing has changed");
	else if (!cli->quiet)
		json_array_foreach(json_object_get(result, "changed"), i, name)
			printf("changed: %s\n", json_string_value(name));
	json_decref(result);
	return EXIT_GOOD;
}
