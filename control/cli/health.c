/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl health: each check; 5 when one of them isn't good. */
#include "control/cli/client.h"
#include "control/cli/show.h"

int cmd_health(struct cli *cli, int argc, char **argv)
{
	json_t *health;
	const json_t *check;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);
	size_t i;

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "health takes no \"%s\"", argv[operand]);
	r = client_request(cli, "health", NULL, &health);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(health);
	else if (!cli->quiet)
		checks_show(cli, json_object_get(health, "now"), json_object_get(health, "checks"));
	json_array_foreach(json_object_get(health, "checks"), i, check)
	{
		if (!json_is_true(json_object_get(check, "good")))
			r = EXIT_DEGRADED;
	}
	json_decref(health);
	return r;
}
