/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl bird-config: what bird.conf includes, out of the configuration's file. */
#include <stdio.h>

#include "control/cli/cli.h"
#include "control/peering/include.h"

int cmd_bird_config(struct cli *cli, int argc, char **argv)
{
	const char *file, *wrong;
	struct config_error error;
	struct config *config;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(
			cli, "bird-config takes no \"%s\"; -c names the file", argv[operand]);
	file = cli->config ? cli->config : CONFIG_DEFAULT_PATH;
	if (config_read(file, &config, &error) < 0) {
		config_error_print(&error, file, stderr);
		return EXIT_CONFIG;
	}
	r = EXIT_GOOD;
	if (include_print(stdout, config, file, &wrong) < 0) {
		cli_error(cli, "%s: %s", file, wrong ? wrong : "out of memory");
		r = wrong ? EXIT_CONFIG : EXIT_FAILED;
	}
	config_free(config);
	return r;
}
