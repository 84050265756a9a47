/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/cli.h"
#include "control/config_value.h"

#define OWN_MAX    16
#define CLI_CONFIG "/etc/anode/anode.yaml"

#define OVERRIDE "[--for TIME] [--reason TEXT] [--family 4|6] [--prefix PREFIX]"

static const struct cli_command commands[] = {
	{"status", cmd_status, "[--watch[=SEC]]",
		"announced or not, and why; the exit code is the state"},
	{"zones", cmd_zones, "[ZONE]", "each zone: serials, where it is answered, what is wrong"},
	{"stats", cmd_stats, "", "counters of the fast path"},
	{"health", cmd_health, "", "each check of the local server"},
	{"announce", cmd_announce, OVERRIDE,
		"announce, whatever the checks say (1 h unless --for)"},
	{"drain", cmd_drain, OVERRIDE, "ask the routers to prefer others"},
	{"withdraw", cmd_withdraw, OVERRIDE " | --offline [--dead-for TIME]",
		"withdraw, until `auto` unless --for; --offline: without the daemon"},
	{"auto", cmd_auto, "[--family 4|6] [--prefix PREFIX]",
		"end overrides: the policy decides again"},
	{"bypass", cmd_bypass, "on|off [ZONE]",
		"let the local server answer a zone, or every zone, until off"},
	{"history", cmd_history, "[--count N] [--prefix PREFIX]",
		"what was announced, drained and withdrawn, when and why"},
	{"policy", cmd_policy, "[--what-if CHECK=down]",
		"what the policy wants and why; what it would want if"},
	{"reload", cmd_reload, "", "read the configuration again"},
	{"config", cmd_config, "check [FILE] | show",
		"check a file (needs no daemon); show what is in force"},
	{"bgp", cmd_bgp, "", "each peer: session, what it is sent, with what (needs no daemon)"},
	{"doctor", cmd_doctor, "[--bird-conf FILE]",
		"look for what is wrong with BIRD and this host (needs no daemon)"},
	{"bird-config", cmd_bird_config, "",
		"print what bird.conf includes, for the prefixes of -c (needs no daemon)"},
	{"check-zone", cmd_check_zone,
		"ZONE [--from ADDR[,ADDR]] [--resolver ADDR | --server NAME=ADDR,...] [--family "
		"4|6]\n"
		"           [--watch[=SEC]] [--nagios] [--metrics FILE] [--bird SOCKET] [--site "
		"REGEX]\n"
		"           [--paths N] [--grace TIME] [--accept FINDING,...]",
		"ask every server of a zone from here, and tell what is wrong or weak (needs no "
		"daemon)"},
	{"help", cmd_help, "[COMMAND]", "this, or the usage of a command"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char global_help[] =
	"Options, before or behind the command:\n"
	"  -c, --config FILE    the daemon's configuration (default " CLI_CONFIG ")\n"
	"  -s, --socket PATH    the control socket (default: the configuration's)\n"
	"      --json           print JSON, with \"schema\": 1\n"
	"      --no-color       no colours; NO_COLOR does the same\n"
	"      --timeout TIME   wait that long for an answer (default 5s)\n"
	"  -q, --quiet          only the exit code\n"
	"  -v, --verbose        say more\n"
	"  -h, --help           this, or the usage of a command\n"
	"  -V, --version        version\n"
	"Exit codes: 0 good, 1 failed, 2 usage, 3 configuration, 4 daemon unreachable,\n"
	"            5 degraded, 6 withdrawn, 7 timed out, 8 doubtful (works, against advice)\n";

enum { OPTION_JSON = 256, OPTION_NO_COLOR, OPTION_TIMEOUT, OPTION_OWN };

static const struct option global_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"no-color", no_argument, NULL, OPTION_NO_COLOR},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};
#define GLOBALS (sizeof(global_options) / sizeof(global_options[0]))

static void error_print(const char *format, va_list args)
{
	fputs("anodectl: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void cli_error(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->quiet)
		return;
	va_start(args, format);
	error_print(format, args);
	va_end(args);
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_print(format, args);
	va_end(args);
	fputs("anodectl: `anodectl help` shows the usage\n", stderr);
	return EXIT_USAGE;
}

void cli_json(const json_t *result)
{
	json_t *object = json_pack("{s:i}", "schema", 1);

	if (!object || json_object_update(object, (json_t *)(uintptr_t)result) < 0 ||
		json_dumpf(object, stdout, JSON_INDENT(2)) < 0)
		fputs("anodectl: out of memory\n", stderr);
	putchar('\n');
	json_decref(object);
}

static const struct cli_command *command_find(const struct cli *cli, const char *word)
{
	const struct cli_command *found = NULL;
	size_t length = strlen(word);

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, word) == 0)
			return &commands[i];
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strncmp(commands[i].name, word, length) != 0)
			continue;
		if (found) {
			cli_usage(
				cli, "\"%s\" may be %s or %s", word, found->name, commands[i].name);
			return NULL;
		}
		found = &commands[i];
	}
	if (!found)
		cli_usage(cli, "unknown command \"%s\"", word);
	return found;
}

static void help_print(FILE *out)
{
	fputs("Usage: anodectl [OPTION]... COMMAND [ARGUMENT]...\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs(global_help, out);
}

int cmd_help(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2) {
		help_print(stdout);
		return EXIT_GOOD;
	}
	command = command_find(cli, argv[1]);
	if (!command)
		return EXIT_USAGE;
	printf("Usage: anodectl %s %s\n%s\n", command->name, command->synopsis, command->help);
	return EXIT_GOOD;
}

/* Takes one global option. 0, or an exit code + 1. */
static int global_take(struct cli *cli, int option, const char *value, const char *command)
{
	struct duration timeout;
	const char *wrong;

	switch (option) {
	case 'c':
		cli->config = value;
		return 0;
	case 's':
		cli->socket = value;
		return 0;
	case OPTION_JSON:
		cli->json = true;
		return 0;
	case OPTION_NO_COLOR:
		cli->no_color = true;
		return 0;
	case OPTION_TIMEOUT:
		wrong = duration_parse(value, &timeout);
		if (wrong)
			return cli_usage(cli, "--timeout: %s", wrong) + 1;
		cli->timeout_us = timeout.us;
		return 0;
	case 'q':
		cli->quiet = true;
		return 0;
	case 'v':
		cli->verbose = true;
		return 0;
	case 'h': {
		char *words[] = {(char[]){"help"}, NULL, NULL};

		if (command)
			words[1] = strdupa(command);
		return cmd_help(cli, command ? 2 : 1, words) + 1;
	}
	case 'V':
		puts("anodectl " ANODE_VERSION);
		return EXIT_GOOD + 1;
	default:
		/* getopt has said what is wrong. */
		fputs("anodectl: `anodectl help` shows the usage\n", stderr);
		return EXIT_USAGE + 1;
	}
}

static int options_take(struct cli *cli, int argc, char **argv, const char *letters,
	const struct cli_option *own, size_t count, const char *command)
{
	struct option options[GLOBALS + OWN_MAX + 1] = {0};
	int option, r;

	memcpy(options, global_options, sizeof(global_options));
	for (size_t i = 0; i < count && i < OWN_MAX; i++)
		options[GLOBALS + i] = (struct option){own[i].name,
			own[i].kind == CLI_FLAG    ? no_argument
			: own[i].kind == CLI_VALUE ? required_argument
						   : optional_argument,
			NULL, OPTION_OWN + (int)i};
	optind = 0; /* start afresh, with glibc's own state as well */
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (option >= OPTION_OWN) {
			*own[option - OPTION_OWN].value = optarg ? optarg : "";
			continue;
		}
		r = global_take(cli, option, optarg, command);
		if (r != 0)
			return r;
	}
	return 0;
}

int cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *own, size_t count,
	int *operands)
{
	const char *command = argv[0];
	char name[] = "anodectl";
	int r;

	argv[0] = name; /* what getopt calls itself */
	r = options_take(cli, argc, argv, "c:s:qvhV", own, count, command);
	*operands = optind;
	cli->color = !cli->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO) && !cli->json;
	return r;
}

int main(int argc, char **argv)
{
	struct cli cli = {.timeout_us = 5000000};
	const struct cli_command *command;
	int r;

	/* "+": up to the command; what follows it is the command's to parse. */
	r = options_take(&cli, argc, argv, "+c:s:qvhV", NULL, 0, NULL);
	if (r != 0)
		return r - 1;
	if (optind == argc) {
		help_print(stderr);
		return EXIT_USAGE;
	}
	command = command_find(&cli, argv[optind]);
	if (!command)
		return EXIT_USAGE;
	argc -= optind;
	argv += optind;
	argv[0] = strdupa(command->name);
	r = command->run(&cli, argc, argv);
	if (fflush(stdout) != 0 && r == EXIT_GOOD)
		r = EXIT_FAILED;
	return r;
}
