/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anodectl: what every subcommand knows. A subcommand parses its words, asks
 * the daemon over the control protocol (docs/internals/control.md) and shows
 * the answer as tables or JSON. It knows the protocol, not the daemon.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The documented exit codes. */
enum cli_exit {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_CONFIG = 3,
	EXIT_UNREACHABLE = 4,
	EXIT_DEGRADED = 5,
	EXIT_WITHDRAWN = 6,
	EXIT_TIMEOUT = 7,
	EXIT_DOUBTFUL = 8, /* it works, but something was found (check-zone, doctor, bgp) */
};

/* The global options. */
struct cli {
	const char *config; /* NULL: the default path */
	const char *socket; /* NULL: $ANODE_SOCKET, the configuration's, the default */
	const char *timeout_text;
	uint64_t timeout_us;
	bool json, no_color, quiet, verbose;
	bool color; /* decided: a terminal, and nobody against it */
};

/* An option of one subcommand; its value goes to *value, a flag sets it to "". */
struct cli_option {
	const char *name;
	enum { CLI_FLAG, CLI_VALUE, CLI_VALUE_OPTIONAL } kind;
	const char **value;
	const char *help;
};

struct cli_command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv); /* gives an exit code */
	const char *synopsis;                               /* behind the name */
	const char *help;
};

/*
 * Parses a subcommand's words: its own options and the global ones, mixed with
 * operands. 0 with *operands the index of the first operand in argv, or an
 * exit code + 1 (usage error, or help printed).
 */
int cli_parse(struct cli *cli, int argc, char **argv, const struct cli_option *own, size_t count,
	int *operands);

/* "anodectl: ..." on stderr, unless -q. */
void cli_error(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A usage error: the text, and where help is. Gives EXIT_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a result with "schema" in front. */
void cli_json(const json_t *result);

/* The subcommands, one file each. */
int cmd_status(struct cli *cli, int argc, char **argv);
int cmd_zones(struct cli *cli, int argc, char **argv);
int cmd_stats(struct cli *cli, int argc, char **argv);
int cmd_health(struct cli *cli, int argc, char **argv);
int cmd_announce(struct cli *cli, int argc, char **argv);
int cmd_drain(struct cli *cli, int argc, char **argv);
int cmd_withdraw(struct cli *cli, int argc, char **argv);
int cmd_auto(struct cli *cli, int argc, char **argv);
int cmd_history(struct cli *cli, int argc, char **argv);
int cmd_policy(struct cli *cli, int argc, char **argv);
int cmd_reload(struct cli *cli, int argc, char **argv);
int cmd_config(struct cli *cli, int argc, char **argv);
int cmd_bypass(struct cli *cli, int argc, char **argv);
int cmd_bgp(struct cli *cli, int argc, char **argv);
int cmd_doctor(struct cli *cli, int argc, char **argv);
int cmd_bird_config(struct cli *cli, int argc, char **argv);
int cmd_check_zone(struct cli *cli, int argc, char **argv);
int cmd_help(struct cli *cli, int argc, char **argv);
