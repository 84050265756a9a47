/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl zones: each zone's serials and state, page by page. */
#include "control/cli/client.h"
#include "control/cli/show.h"
#include "control/config_value.h"

/* All pages in one: *now and *zones are the caller's. */
static int pages_get(struct cli *cli, const char *zone, json_t **now, json_t **zones)
{
	json_t *after = NULL, *result = NULL;
	struct client *client;
	int r = client_open(cli, &client);

	*zones = json_array();
	*now = NULL;
	while (r == EXIT_GOOD) {
		json_t *args = zone    ? json_pack("{s:s}", "zone", zone)
			       : after ? json_pack("{s:O}", "after", after)
				       : NULL;

		r = client_ask(client, "zones", args, &result);
		if (r != EXIT_GOOD)
			break;
		json_array_extend(*zones, json_object_get(result, "zones"));
		json_decref(*now);
		*now = json_incref(json_object_get(result, "now"));
		json_decref(after);
		after = json_incref(json_object_get(result, "next"));
		json_decref(result);
		if (!json_is_string(after))
			break;
	}
	json_decref(after);
	client_close(client);
	return r;
}

int cmd_zones(struct cli *cli, int argc, char **argv)
{
	struct domain domain = {0};
	json_t *now = NULL, *zones = NULL;
	const char *wrong = NULL;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);

	if (r != 0)
		return r - 1;
	if (argc - operand > 1)
		return cli_usage(cli, "zones takes one zone at most");
	if (operand < argc)
		wrong = domain_parse(argv[operand], &domain);
	if (wrong)
		return cli_usage(cli, "%s: %s", argv[operand], wrong);
	r = pages_get(cli, domain.text, &now, &zones);
	if (r == EXIT_GOOD && domain.text && json_array_size(zones) == 0) {
		cli_error(cli, "no zone %s here", domain.text);
		r = EXIT_FAILED;
	}
	if (r == EXIT_GOOD && cli->json && !cli->quiet) {
		json_t *result = json_pack("{s:O, s:O}", "now", now, "zones", zones);

		cli_json(result);
		json_decref(result);
	} else if (r == EXIT_GOOD && !cli->quiet) {
		zones_show(cli, now, zones);
	}
	domain_free(&domain);
	json_decref(now);
	json_decref(zones);
	return r;
}
