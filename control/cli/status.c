/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl status: one screen; the exit code is the state. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/cli/client.h"
#include "control/cli/show.h"
#include "control/config_value.h"

static void title_show(const struct cli *cli, const char *title)
{
	putchar('\n');
	tone_print(cli, TONE_BOLD, title);
	putchar('\n');
}

static void head_show(const struct cli *cli, const json_t *status)
{
	const char *state = text_of(status, "state"), *cause = text_of(status, "cause");
	char up[PHRASE];

	tone_print(cli, TONE_BOLD, text_of(status, "node"));
	fputs(": ", stdout);
	tone_print(cli, state_tone(state), state);
	if (cause)
		printf(", %s", cause);
	printf("\nanoded %s, instance %s, pid %d, up %s%s\n", text_of(status, "version"),
		text_of(status, "instance"),
		(int)json_integer_value(json_object_get(status, "pid")),
		age_text(json_object_get(status, "now"), json_object_get(status, "started"), up),
		json_is_true(json_object_get(status, "leaving")) ? ", leaving service" : "");
}

static void override_text(const json_t *override, const json_t *now, char *buffer, size_t size)
{
	const json_t *until = json_object_get(override, "until");
	const char *reason = text_of(override, "reason");
	char left[PHRASE];

	snprintf(buffer, size, "%s by %s%s%s, %s%s", text_of(override, "verb"),
		text_of(override, "owner"), reason ? ": " : "", reason ? reason : "",
		json_is_number(until) ? "for " : "until auto",
		json_is_number(until) ? age_text(until, now, left) : "");
}

static void prefixes_show(const struct cli *cli, const json_t *status)
{
	static const char *const titles[] = {"PREFIX", "WANTED", "IN BIRD", ">SINCE", "WHY", NULL};
	const json_t *now = json_object_get(status, "now"), *prefix;
	struct table *table = table_new(cli, titles);
	size_t i;

	json_array_foreach(json_object_get(status, "prefixes"), i, prefix)
	{
		const char *wanted = text_of(prefix, "wanted"), *seen = text_of(prefix, "seen");
		const json_t *override = json_object_get(prefix, "override");
		const char *reason = text_of(prefix, "reason"), *cause = text_of(prefix, "cause");
		char phrase[PHRASE], why[600];
		size_t used;

		/* The override's own text is newer than the reason that it made. */
		if (cause && strcmp(cause, "override") == 0 && json_is_object(override))
			override_text(override, now, why, sizeof(why));
		else if (json_is_object(override)) {
			used = (size_t)snprintf(
				why, sizeof(why), "%.300s; ", reason ? reason : "-");
			override_text(override, now, why + used, sizeof(why) - used);
		} else {
			snprintf(why, sizeof(why), "%.300s", reason ? reason : "-");
		}
		table_cell(table, TONE_PLAIN, text_of(prefix, "prefix"));
		table_cell(table, state_tone(wanted), wanted);
		table_cell(table, state_tone(seen), seen ? seen : "unknown");
		table_cell(
			table, TONE_PLAIN, age_text(now, json_object_get(prefix, "since"), phrase));
		table_cell(table, TONE_PLAIN, why);
	}
	table_print(table);
}

static void waits_show(const struct cli *cli, const json_t *status)
{
	static const char *const titles[] = {"FOR", "WHICH", ">SINCE", "WHY", NULL};
	const json_t *waits = json_object_get(status, "waiting"), *wait;
	struct table *table;
	char phrase[PHRASE];
	size_t i;

	if (json_array_size(waits) == 0)
		return;
	title_show(cli, "Waiting");
	table = table_new(cli, titles);
	json_array_foreach(waits, i, wait)
	{
		table_cell(table, TONE_WARN, text_of(wait, "kind"));
		table_cell(table, TONE_PLAIN, text_of(wait, "subject"));
		table_cell(table, TONE_PLAIN,
			age_text(json_object_get(status, "now"), json_object_get(wait, "since"),
				phrase));
		table_cell(table, TONE_PLAIN, text_of(wait, "reason"));
	}
	table_print(table);
}

/* Troubled ones first, then as many of the others as a screen has room for. */
static void zones_part_show(const struct cli *cli, const json_t *status)
{
	const json_t *zones = json_object_get(status, "zones"),
		     *now = json_object_get(status, "now");
	const json_t *troubled = json_object_get(zones, "troubled");
	json_int_t count = json_integer_value(json_object_get(zones, "count"));
	json_int_t trouble = json_integer_value(json_object_get(zones, "trouble"));
	char title[128];

	snprintf(title, sizeof(title),
		"Zones: %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
		" fast, %" JSON_INTEGER_FORMAT " in trouble",
		count, json_integer_value(json_object_get(zones, "fast")), trouble);
	title_show(cli, title);
	if (count <= 20)
		zones_show(cli, now, json_object_get(zones, "first"));
	else
		zones_show(cli, now, troubled);
	if (count > 20 && trouble > (json_int_t)json_array_size(troubled))
		puts("  (more: anodectl zones)");
}

static void warnings_show(const struct cli *cli, const json_t *interfaces)
{
	const json_t *interface, *warning;
	size_t i, j;

	json_array_foreach(interfaces, i, interface)
	{
		json_array_foreach(json_object_get(interface, "warnings"), j, warning)
		{
			tone_print(cli, TONE_WARN, "warning: ");
			printf("%s: %s\n", text_of(interface, "name"), json_string_value(warning));
		}
	}
}

static void fastpath_show(const struct cli *cli, const json_t *status)
{
	static const char *const titles[] = {"INTERFACE", "ENGINE", "MODE", "NOTE", NULL};
	const json_t *fastpath = json_object_get(status, "fastpath"), *interface;
	const json_t *image = json_object_get(fastpath, "image");
	const char *reason = text_of(fastpath, "reason");
	bool healthy = json_is_true(json_object_get(fastpath, "healthy"));
	char used[PHRASE], all[PHRASE];
	struct table *table = table_new(cli, titles);
	size_t i;

	putchar('\n');
	tone_print(cli, TONE_BOLD, "Fast path: ");
	tone_print(cli, healthy ? TONE_GOOD : TONE_BAD, healthy ? "good" : "not good");
	if (reason)
		printf(", %s", reason);
	printf("; lease %.0f s; image %s of %s\n",
		json_number_value(json_object_get(fastpath, "lease_left")),
		bytes_text(json_object_get(image, "used"), used),
		bytes_text(json_object_get(image, "bytes"), all));
	json_array_foreach(json_object_get(fastpath, "interfaces"), i, interface)
	{
		bool attached = json_is_true(json_object_get(interface, "attached"));
		const char *mode = text_of(interface, "mode");

		table_cell(table, TONE_PLAIN, text_of(interface, "name"));
		table_cell(table, TONE_PLAIN, text_of(interface, "engine"));
		table_cell(
			table, attached ? TONE_GOOD : TONE_BAD, attached ? mode : "not attached");
		table_cell(table, TONE_PLAIN, text_of(interface, "note"));
	}
	table_print(table);
	warnings_show(cli, json_object_get(fastpath, "interfaces"));
	queries_show(cli, json_object_get(fastpath, "queries"));
	counters_show(cli, "PASSED FOR", json_object_get(fastpath, "passed_reasons"), cli->verbose);
}

static void status_show(const struct cli *cli, const json_t *status)
{
	const json_t *bird = json_object_get(status, "bird");
	const char *text = text_of(bird, "text");

	head_show(cli, status);
	putchar('\n');
	tone_print(cli, TONE_BOLD, "Routes");
	fputs(": BIRD ", stdout);
	tone_print(cli, json_is_true(json_object_get(bird, "up")) ? TONE_GOOD : TONE_BAD,
		text ? text : "not used");
	putchar('\n');
	prefixes_show(cli, status);
	waits_show(cli, status);
	title_show(cli, "Health of the local server");
	checks_show(cli, json_object_get(status, "now"), json_object_get(status, "health"));
	zones_part_show(cli, status);
	fastpath_show(cli, status);
}

static int state_exit(const json_t *status)
{
	const char *state = text_of(status, "state");

	if (state && strcmp(state, "announced") == 0)
		return EXIT_GOOD;
	return state && strcmp(state, "degraded") == 0 ? EXIT_DEGRADED : EXIT_WITHDRAWN;
}

static int status_once(struct cli *cli)
{
	json_t *status;
	int r = client_request(cli, "status", NULL, &status);

	if (r != EXIT_GOOD)
		return r;
	if (cli->json && !cli->quiet)
		cli_json(status);
	else if (!cli->quiet)
		status_show(cli, status);
	r = state_exit(status);
	json_decref(status);
	return r;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
	const char *watch = NULL, *wrong;
	const struct cli_option own[] = {
		{"watch", CLI_VALUE_OPTIONAL, &watch, "again and again, each second or as said"}};
	struct duration pause = {1000000};
	char seconds[32];
	int operand, r = cli_parse(cli, argc, argv, own, 1, &operand);

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "status takes no \"%s\"", argv[operand]);
	if (!watch)
		return status_once(cli);
	if (*watch) {
		/* As watch(1): a bare number is seconds here. */
		snprintf(seconds, sizeof(seconds), "%s%s", watch,
			strspn(watch, "0123456789") == strlen(watch) ? "s" : "");
		wrong = duration_parse(seconds, &pause);
		if (wrong || pause.us < 100000)
			return cli_usage(cli, "--watch: %s", wrong ? wrong : "100ms at least");
	}
	while (true) {
		if (cli->color)
			fputs("\033[H\033[2J", stdout);
		r = status_once(cli);
		if (!cli->json && !cli->color)
			putchar('\n');
		if (fflush(stdout) != 0 || r == EXIT_CONFIG || r == EXIT_USAGE)
			return r;
		poll(NULL, 0, (int)(pause.us / 1000));
	}
}
