/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anoded: options, configuration, then the loop until it ends.
 * docs/internals/control.md says what happens in which order, and why.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "control/daemon.h"
#include "control/log.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

static const char usage[] =
	"Usage: anoded [-c FILE] [--check]\n"
	"  -c, --config FILE  configuration (default " CONFIG_DEFAULT_PATH ")\n"
	"      --check        check the configuration and end: 0 good, 3 not\n"
	"  -f, --foreground   stay in the foreground (it always does)\n"
	"  -h, --help         this\n"
	"  -V, --version      version\n"
	"Signals: TERM, INT leave service (withdraw, drain, detach); HUP reloads.\n";

enum { OPTION_CHECK = 256 };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"foreground", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static int daemon_run(struct config *config, const char *path)
{
	static struct daemon daemon;
	int r = daemon_open(&daemon, config, path);

	if (r == 0)
		r = sd_event_loop(daemon.loop);
	if (r < 0)
		log_write(LOG_DAEMON_FAILED, NULL, NULL, "anoded ends: %s", strerror(-r));
	daemon_close(&daemon);
	log_flush();
	return r == 0 ? EXIT_GOOD : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *path = CONFIG_DEFAULT_PATH;
	struct config_error error;
	struct config *config;
	bool check = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:fhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case OPTION_CHECK:
			check = true;
			break;
		case 'f':
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_GOOD;
		case 'V':
			puts("anoded " ANODE_VERSION);
			return EXIT_GOOD;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		fprintf(stderr, "anoded: what is \"%s\"?\n%s", argv[optind], usage);
		return EXIT_USAGE;
	}
	if (config_read(path, &config, &error) < 0) {
		config_error_print(&error, path, stderr);
		return EXIT_CONFIG;
	}
	if (check) {
		config_free(config);
		printf("%s: good\n", path);
		return EXIT_GOOD;
	}
	return daemon_run(config, path);
}
