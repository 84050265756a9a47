/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl stats: the fast path's counters. */
#include <stdio.h>

#include "control/cli/client.h"
#include "control/cli/show.h"

static void stats_show(const struct cli *cli, const json_t *stats)
{
	const json_t *image = json_object_get(stats, "image");
	char used[PHRASE], all[PHRASE], quarantined[PHRASE], zones[PHRASE], cut[PHRASE];

	queries_show(cli, json_object_get(stats, "queries"));
	printf("  truncated: %s\n", count_text(json_object_get(stats, "truncated"), cut));
	printf("  image: %s of %s, %s waiting for readers, %s zones\n\n",
		bytes_text(json_object_get(image, "used"), used),
		bytes_text(json_object_get(image, "bytes"), all),
		bytes_text(json_object_get(image, "quarantined"), quarantined),
		count_text(json_object_get(image, "zones"), zones));
	counters_show(cli, "ANSWERED WITH", json_object_get(stats, "answers"), false);
	putchar('\n');
	counters_show(cli, "PASSED FOR", json_object_get(stats, "passed_reasons"), true);
}

int cmd_stats(struct cli *cli, int argc, char **argv)
{
	json_t *stats;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "stats takes no \"%s\"", argv[operand]);
	r = client_request(cli, "stats", NULL, &stats);
	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(stats);
	else if (!cli->quiet)
		stats_show(cli, stats);
	json_decref(stats);
	return EXIT_GOOD;
}
