/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl config check [FILE] (needs no daemon), config show (asks it). */
#include "control/config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/cli/client.h"
#include "control/config_show.h"
#include "control/interface_ask.h"
#include "control/interface_doubt.h"

static void check_json(const char *file, const struct config_error *error)
{
	json_t *result = json_pack("{s:s, s:b, s:s, s:i, s:i}", "file", file, "ok", 0, "message",
		error->message, "line", (int)error->place.line, "column", (int)error->place.column);

	cli_json(result);
	json_decref(result);
}

static void doubt_tell(const struct cli *cli, const char *file, const char *doubt, json_t *list)
{
	json_array_append_new(list, json_string(doubt));
	if (!cli->quiet)
		fprintf(stderr, "%s: doubtful: %s\n", file, doubt);
}

/* Of this host as it is now: where the file is for another one, the interfaces aren't there, or
 * aren't its own. */
static void interfaces_doubt(
	const struct cli *cli, const char *file, const struct config *config, json_t *list)
{
	int asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; asker >= 0 && i < config->interfaces_count; i++) {
		char text[INTERFACE_DOUBT_TEXT], doubt[INTERFACE_DOUBT_TEXT + 64];
		struct interface interface;

		interface_ask(asker, config->interfaces[i].name, &interface);
		for (int kind = 0; kind < INTERFACE_DOUBTS; kind++) {
			if (!interface_doubt(&interface, config, (enum interface_doubt)kind, text))
				continue;
			snprintf(doubt, sizeof(doubt), "interfaces[%zu] %s, as it is now: %s", i,
				interface.name, text);
			doubt_tell(cli, file, doubt, list);
		}
	}
	if (asker >= 0)
		close(asker);
}

/* A list for JSON; as text they go to stderr. */
static json_t *doubts_tell(const struct cli *cli, const char *file, const struct config *config)
{
	char doubts[CONFIG_DOUBTS][CONFIG_DOUBT_TEXT];
	size_t count = config_doubts(config, doubts, CONFIG_DOUBTS);
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		doubt_tell(cli, file, doubts[i], list);
	interfaces_doubt(cli, file, config, list);
	return list;
}

static int config_check_file(struct cli *cli, const char *file)
{
	struct config_error error;
	struct config *config;
	json_t *result, *doubts;

	if (config_read(file, &config, &error) < 0) {
		if (cli->json && !cli->quiet)
			check_json(file, &error);
		if (!cli->quiet)
			config_error_print(&error, file, stderr);
		return EXIT_CONFIG;
	}
	doubts = doubts_tell(cli, file, config);
	if (cli->json && !cli->quiet) {
		result = json_pack("{s:s, s:b, s:O, s:o}", "file", file, "ok", 1, "doubts", doubts,
			"config", config_show(config));
		cli_json(result);
		json_decref(result);
	} else if (!cli->quiet) {
		printf("%s: good\n", file);
	}
	json_decref(doubts);
	config_free(config);
	return EXIT_GOOD;
}

static int config_show_running(struct cli *cli)
{
	json_t *result;
	int r = client_request(cli, "config", NULL, &result);

	if (r != EXIT_GOOD)
		return r;
	/* JSON is what the file may hold as well: nothing is lost in it. */
	if (!cli->quiet)
		cli_json(result);
	json_decref(result);
	return EXIT_GOOD;
}

int cmd_config(struct cli *cli, int argc, char **argv)
{
	const char *word, *file;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);

	if (r != 0)
		return r - 1;
	word = operand < argc ? argv[operand] : "";
	file = operand + 1 < argc ? argv[operand + 1] : NULL;
	if (operand + 2 < argc || *word == '\0')
		return cli_usage(cli, "config check [FILE], or config show");
	if (strncmp("check", word, strlen(word)) == 0)
		return config_check_file(cli, file          ? file
					      : cli->config ? cli->config
							    : CONFIG_DEFAULT_PATH);
	if (strncmp("show", word, strlen(word)) == 0 && !file)
		return config_show_running(cli);
	return cli_usage(cli, "config check [FILE], or config show");
}
