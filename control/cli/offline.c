/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anodectl withdraw --offline: without the daemon, by a person, by systemd when
 * the daemon has ended (ExecStopPost=), or by a timer when it stays dead.
 */
#include "control/peering/offline.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/client.h"
#include "control/cli/offline.h"
#include "control/clock.h"

#define SETTLE_MS 3000
/* A daemon that lives answers at once; one that is busy within the watchdog's time. */
#define ALIVE_US  2000000
#define DEAD_FILE "dead-since"

struct task {
	struct cli *cli;
	struct config *config;
	struct offline_options options;
	struct prefix prefix;
	struct duration dead;
	bool wait_dead;
	char reason[128];
};

static bool daemon_lives(struct cli *cli, const struct config *config)
{
	struct cli quiet = *cli;
	json_t *result = NULL;
	int r;

	quiet.quiet = true;
	quiet.timeout_us = ALIVE_US;
	if (!quiet.socket)
		quiet.socket = config->control.socket;
	r = client_request(&quiet, "version", NULL, &result);
	json_decref(result);
	return r == EXIT_GOOD;
}

/*
 * Since when was it dead, as earlier calls saw it? 0 with *since (CLOCK_MONOTONIC us), now when
 * this is the first; the file is in /run, so that no boot finds an old one.
 */
static int dead_since(const char *path, uint64_t now, uint64_t *since)
{
	FILE *file = fopen(path, "re");
	unsigned long long was = 0;
	int r = 0;

	if (file && fscanf(file, "%llu", &was) == 1 && was && was <= now) {
		*since = was;
		fclose(file);
		return 0;
	}
	if (file)
		fclose(file);
	*since = now;
	file = fopen(path, "we");
	if (!file)
		return -errno;
	if (fprintf(file, "%llu\n", (unsigned long long)now) < 0)
		r = -EIO;
	if (fclose(file) != 0 && r == 0)
		r = -errno;
	return r;
}

/* True: dead for long enough. Else *exit says what to end with. */
static bool dead_enough(struct task *task, int *exit)
{
	uint64_t now = clock_monotonic_us(), since;
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "%s/" DEAD_FILE, task->config->routing.bird.state_dir);
	*exit = EXIT_GOOD;
	if (daemon_lives(task->cli, task->config)) {
		unlink(path);
		return false;
	}
	if (!offline_announced(task->config))
		return false; /* nothing to withdraw */
	r = dead_since(path, now, &since);
	if (r < 0) {
		/* Better too early than never: nobody would notice the second death either. */
		cli_error(task->cli, "%s: %s: not waiting", path, strerror(-r));
		return true;
	}
	if (now - since >= task->dead.us)
		return true;
	if (!task->cli->quiet)
		printf("anoded doesn't answer for %llu s: withdrawing after %llu s\n",
			(unsigned long long)(now - since) / 1000000,
			(unsigned long long)task->dead.us / 1000000);
	return false;
}

/* After its end, systemd says how it ended; "success" left service and withdrew by itself. */
static bool death_withdraws(const struct task *task)
{
	const char *result = getenv("SERVICE_RESULT");

	if (!result)
		return true; /* a person */
	if (strcmp(result, "success") == 0)
		return false;
	if (task->config->routing.on_daemon_death == CONFIG_DEATH_WITHDRAW)
		return true;
	if (!task->cli->quiet)
		printf("anoded ended (%s): on_daemon_death is hold, nothing is withdrawn\n",
			result);
	return false;
}

static int withdraw_run(struct task *task)
{
	static const struct {
		const char *name;
		int exit;
	} ends[] = {
		[OFFLINE_WITHDRAWN] = {"withdrawn", EXIT_GOOD},
		[OFFLINE_BIRD_GONE] = {"bird-gone", EXIT_GOOD},
		[OFFLINE_STANDS] = {"stands", EXIT_DEGRADED},
		[OFFLINE_NO_PREFIX] = {"no-prefix", EXIT_FAILED},
		[OFFLINE_FAILED] = {"failed", EXIT_FAILED},
	};
	char text[320];
	enum offline_end end;

	end = offline_withdraw(&task->options, text, sizeof(text));
	if (task->cli->json && !task->cli->quiet) {
		json_t *json = json_pack("{s:s, s:s}", "end", ends[end].name, "text", text);

		cli_json(json);
		json_decref(json);
	} else if (ends[end].exit == EXIT_GOOD && !task->cli->quiet) {
		printf("withdrawn%s%s\n", text[0] ? ": " : "", text);
	}
	if (end == OFFLINE_NO_PREFIX)
		cli_error(task->cli, "no such prefix in routing.prefixes");
	else if (ends[end].exit != EXIT_GOOD)
		cli_error(task->cli, "not withdrawn: %s", text);
	return ends[end].exit;
}

static int words_take(struct task *task, const char *family, const char *prefix, const char *dead,
	const char *reason)
{
	const char *wrong;

	if (family && strcmp(family, "4") != 0 && strcmp(family, "6") != 0)
		return cli_usage(task->cli, "--family is 4 or 6");
	if (family)
		task->options.family = family[0] == '4' ? AF_INET : AF_INET6;
	wrong = prefix ? prefix_parse(prefix, &task->prefix) : NULL;
	if (wrong)
		return cli_usage(task->cli, "--prefix: %s", wrong);
	if (prefix)
		task->options.prefix = &task->prefix;
	wrong = dead ? duration_parse(dead, &task->dead) : NULL;
	if (wrong)
		return cli_usage(task->cli, "--dead-for: %s", wrong);
	task->wait_dead = dead != NULL;
	snprintf(task->reason, sizeof(task->reason), "withdrawn offline%s%s", reason ? ": " : "",
		reason ? reason
		: dead ? ": anoded stays dead"
		       : "");
	if (!reason && getenv("SERVICE_RESULT"))
		snprintf(task->reason, sizeof(task->reason), "withdrawn offline: anoded ended (%s)",
			getenv("SERVICE_RESULT"));
	task->options.reason = task->reason;
	return EXIT_GOOD;
}

/*
 * A configuration that can't be read is what may keep the daemon dead: the state files tell what is
 * announced. on_daemon_death isn't known then, and the default is to hold.
 */
static int config_guess(struct task *task, const char *state_dir, const char *bird)
{
	int r;

	if (getenv("SERVICE_RESULT") && !task->wait_dead)
		return EXIT_CONFIG;
	if (task->options.family != AF_UNSPEC || task->options.prefix) {
		cli_error(task->cli, "without a configuration everything is withdrawn, or nothing");
		return EXIT_CONFIG;
	}
	r = offline_guess(&task->config, state_dir, bird,
		task->cli->socket ? task->cli->socket : "/run/anode/control.sock");
	if (r < 0) {
		cli_error(task->cli, "%s: %s: nothing is known to withdraw", state_dir,
			r == -ENOENT ? "no state file" : strerror(-r));
		return EXIT_CONFIG;
	}
	cli_error(task->cli, "going by the state files in %s", state_dir);
	return EXIT_GOOD;
}

bool offline_asked(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--offline") == 0)
			return true;
	}
	return false;
}

int offline_run(struct cli *cli, int argc, char **argv)
{
	const char *state_dir = "/run/anode/bird", *bird = "/run/bird/bird.ctl";
	const char *offline = NULL, *dead = NULL, *reason = NULL, *family = NULL, *prefix = NULL;
	const struct cli_option own[] = {
		{"offline", CLI_FLAG, &offline, "without the daemon"},
		{"dead-for", CLI_VALUE, &dead, "only if it hasn't answered for that long"},
		{"reason", CLI_VALUE, &reason, "goes into the state files"},
		{"family", CLI_VALUE, &family, "4 or 6; default: both"},
		{"prefix", CLI_VALUE, &prefix, "this one; default: all"},
		{"state-dir", CLI_VALUE, &state_dir, "where no configuration says it"},
		{"bird", CLI_VALUE, &bird, "BIRD's socket, likewise"},
	};
	struct task task = {.cli = cli, .options.settle = span_ms(SETTLE_MS)};
	struct config_error error;
	const char *file;
	int operand, r;

	r = cli_parse(cli, argc, argv, own, sizeof(own) / sizeof(own[0]), &operand);
	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "withdraw takes no \"%s\"", argv[operand]);
	r = words_take(&task, family, prefix, dead, reason);
	if (r != EXIT_GOOD)
		return r;
	file = cli->config ? cli->config : CONFIG_DEFAULT_PATH;
	if (config_read(file, &task.config, &error) < 0) {
		config_error_print(&error, file, stderr);
		r = config_guess(&task, state_dir, bird);
		if (r != EXIT_GOOD)
			return r;
	}
	task.options.config = task.config;
	task.options.timeout = (struct span){(int64_t)cli->timeout_us * 1000};
	if (task.wait_dead ? dead_enough(&task, &r) : death_withdraws(&task))
		r = withdraw_run(&task);
	config_free(task.config);
	return r;
}
