/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anodectl check-zone: every server of a zone, seen from here. Needs no daemon. */
#include "control/cli/check_zone.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/config.h"
#include "control/health/address.h"
#include "control/health/bird_ask.h"
#include "control/health/bird_show.h"
#include "control/redundancy/path.h"

#define RESOLVERS      3 /* as the libc's */
#define DNS_PORT       53
#define BIRD_DEFAULT   "/run/bird/bird.ctl"
#define BIRD_MS        1000
#define GRACE_US       2000000
#define NAGIOS_UNKNOWN 3

/* The words of the command line. */
struct words {
	const char *from, *resolver, *server, *family, *watch, *nagios, *metrics, *bird, *site,
		*paths, *grace, *accept;
};

struct task {
	struct cli *cli;
	struct words words;
	struct domain zone;
	struct survey_options survey;
	struct sockaddr_storage resolvers[RESOLVERS];
	size_t resolvers_count;
	struct finding_options finding;
	regex_t site;
	bool has_site;
	struct duration pause;
	struct config *config; /* NULL: none here */
};

/* "192.0.2.1", or with a port "192.0.2.1:5300", "[2001:db8::1]:5300". */
static const char *server_parse(const char *text, struct sockaddr_storage *storage)
{
	struct endpoint endpoint = {.port = DNS_PORT};
	const char *wrong = address_parse(text, &endpoint.address);

	if (wrong && (text[0] == '[' || strchr(text, '.')))
		wrong = endpoint_parse(text, &endpoint);
	if (!wrong) {
		memset(storage, 0, sizeof(*storage));
		address_sockaddr(&endpoint.address, endpoint.port, storage);
	}
	return wrong;
}

/* One family each. */
static int from_take(struct task *task)
{
	char *words = strdupa(task->words.from), *word;

	while ((word = strsep(&words, ",")) != NULL) {
		struct sockaddr_storage storage;
		struct address address;
		const char *wrong = address_parse(word, &address);

		if (wrong)
			return cli_usage(task->cli, "--from: %s: %s", word, wrong);
		memset(&storage, 0, sizeof(storage));
		address_sockaddr(&address, 0, &storage);
		if (address.family == AF_INET)
			task->survey.from4 = storage;
		else
			task->survey.from6 = storage;
	}
	return EXIT_GOOD;
}

static void resolv_conf_read(struct task *task)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[512], address[INET6_ADDRSTRLEN];

	while (file && fgets(line, sizeof(line), file)) {
		if (task->resolvers_count < RESOLVERS &&
			sscanf(line, " nameserver %45s", address) == 1 &&
			!server_parse(address, &task->resolvers[task->resolvers_count]))
			task->resolvers_count++;
	}
	if (file)
		fclose(file);
}

static int resolver_take(struct task *task)
{
	const char *wrong;

	if (!task->words.resolver) {
		resolv_conf_read(task);
		if (task->resolvers_count == 0 && !task->words.server)
			return cli_usage(task->cli,
				"no nameserver in /etc/resolv.conf: give --resolver or --server");
		return EXIT_GOOD;
	}
	wrong = server_parse(task->words.resolver, &task->resolvers[0]);
	task->resolvers_count = 1;
	return wrong ? cli_usage(task->cli, "--resolver: %s", wrong) : EXIT_GOOD;
}

static int accept_take(struct task *task)
{
	const char *word = task->words.accept;

	while (*word) {
		size_t length = strcspn(word, ",");
		enum finding_kind kind = finding_parse(word, length);

		if (kind == FINDING_KINDS)
			return cli_usage(
				task->cli, "--accept: no finding is \"%.*s\"", (int)length, word);
		task->finding.accepted |= UINT32_C(1) << kind;
		word += length + (word[length] == ',');
	}
	return EXIT_GOOD;
}

static int watch_take(struct task *task)
{
	const char *text = *task->words.watch ? task->words.watch : "60", *wrong;
	char seconds[32];

	/* As watch(1): a bare number is seconds. */
	snprintf(seconds, sizeof(seconds), "%s%s", text,
		strspn(text, "0123456789") == strlen(text) ? "s" : "");
	wrong = duration_parse(seconds, &task->pause);
	if (!wrong && task->pause.us < 1000000)
		wrong = "1s at least: these servers belong to others, too";
	return wrong ? cli_usage(task->cli, "--watch: %s", wrong) : EXIT_GOOD;
}

static int numbers_take(struct task *task)
{
	struct duration grace = {GRACE_US};
	uint64_t paths = 0;
	const char *wrong = NULL;

	if (task->words.grace)
		wrong = duration_parse(task->words.grace, &grace);
	if (!wrong && grace.us > 600000000)
		wrong = "10m at most";
	if (wrong)
		return cli_usage(task->cli, "--grace: %s", wrong);
	if (task->words.paths)
		wrong = number_parse(task->words.paths, &paths);
	if (!wrong && paths > PATH_ROUTES)
		wrong = "64 at most";
	if (wrong)
		return cli_usage(task->cli, "--paths: %s", wrong);
	task->survey.grace_us = grace.us;
	task->finding.paths_min = (unsigned)paths;
	return EXIT_GOOD;
}

static int site_take(struct task *task)
{
	int error = regcomp(&task->site, task->words.site, REG_EXTENDED);
	char text[128];

	if (error) {
		regerror(error, &task->site, text, sizeof(text));
		return cli_usage(task->cli, "--site: %s", text);
	}
	task->has_site = true;
	task->finding.site = &task->site;
	return EXIT_GOOD;
}

/* The configuration, when there is one: which prefixes are ours, where BIRD is. */
static int config_take(struct task *task)
{
	const char *file = task->cli->config ? task->cli->config : CONFIG_DEFAULT_PATH;
	struct config_error error;

	if (config_read(file, &task->config, &error) == 0 || !task->cli->config)
		return EXIT_GOOD;
	config_error_print(&error, file, stderr);
	return EXIT_CONFIG;
}

static int words_take(struct task *task)
{
	const struct words *words = &task->words;
	int r = EXIT_GOOD;

	if (words->family && strcmp(words->family, "4") != 0 && strcmp(words->family, "6") != 0)
		return cli_usage(task->cli, "--family is 4 or 6");
	if (words->family)
		task->survey.family = words->family[0] == '4' ? AF_INET : AF_INET6;
	if (words->server && words->resolver)
		return cli_usage(task->cli, "either --server or --resolver");
	if (words->nagios && task->cli->json)
		return cli_usage(task->cli, "either --nagios or --json");
	if (words->from)
		r = from_take(task);
	if (r == EXIT_GOOD)
		r = resolver_take(task);
	if (r == EXIT_GOOD && words->accept)
		r = accept_take(task);
	if (r == EXIT_GOOD && words->watch)
		r = watch_take(task);
	if (r == EXIT_GOOD)
		r = numbers_take(task);
	if (r == EXIT_GOOD && words->site)
		r = site_take(task);
	return r == EXIT_GOOD ? config_take(task) : r;
}

/* "ns1.example.com=192.0.2.1,ns2.example.com=[2001:db8::1]:5300" */
static int servers_given(struct task *task, struct survey *survey)
{
	char *words = strdupa(task->words.server), *word;

	survey->given = true;
	while ((word = strsep(&words, ",")) != NULL) {
		char *address = strchr(word, '=');
		struct sockaddr_storage storage;
		struct domain name = {0};
		const char *wrong;
		int r;

		if (!address)
			return cli_usage(task->cli, "--server: %s: write NAME=ADDRESS", word);
		*address++ = '\0';
		wrong = domain_parse(word, &name);
		if (!wrong)
			wrong = server_parse(address, &storage);
		r = wrong ? 0 : survey_add(survey, name.wire, &storage);
		domain_free(&name);
		if (wrong)
			return cli_usage(task->cli, "--server: %s: %s", word, wrong);
		if (r < 0)
			return EXIT_FAILED;
	}
	return EXIT_GOOD;
}

/* The next resolver is asked only where the one before is of no use. */
static int servers_find(struct task *task, struct survey *survey)
{
	char text[SURVEY_TEXT] = "";
	int r = -ECONNREFUSED;

	for (size_t i = 0; i < task->resolvers_count; i++) {
		task->survey.resolver = task->resolvers[i];
		r = survey_find(survey, &task->survey, text);
		if (r == 0)
			return EXIT_GOOD;
		if (r == -ENOENT)
			break;
	}
	cli_error(task->cli, "%s", text);
	return r == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_FAILED;
}

/* Which addresses this node announces, as it is configured. */
static void ours_mark(const struct config *config, struct survey *survey)
{
	for (size_t i = 0; i < survey->addresses_count; i++) {
		struct survey_address *row = &survey->addresses[i];
		struct address address = {.family = row->addr.ss_family};

		memcpy(address.bytes, address_bytes(&row->addr),
			address.family == AF_INET ? 4 : 16);
		for (size_t j = 0; config && j < config->routing.prefixes_count; j++)
			row->ours |= prefix_holds(&config->routing.prefixes[j].prefix, &address);
	}
}

/* BIRD is asked where there is one; only one that was named must answer. */
static int paths_ask(struct task *task, struct check_zone *look)
{
	const char *socket = task->words.bird ? task->words.bird
			     : task->config   ? task->config->routing.bird.socket
					      : BIRD_DEFAULT;
	struct bird_ask *bird = NULL;
	int r = 0;

	if (task->words.bird || access(socket, R_OK | W_OK) == 0)
		r = bird_ask_open(&bird, socket, span_ms(BIRD_MS));
	if (r == 0 && bird) {
		look->bird = true;
		r = path_survey(look->survey, bird);
	}
	bird_ask_close(bird);
	if (r < 0 && task->words.bird) {
		cli_error(task->cli, "%s: %s", socket, strerror(-r));
		return EXIT_UNREACHABLE;
	}
	return EXIT_GOOD;
}

static int look_take(struct task *task, struct check_zone *look)
{
	int r;

	look->at = clock_wall_us();
	look->zone = task->zone.text;
	if (survey_new(&look->survey, task->zone.wire) < 0)
		return EXIT_FAILED;
	r = task->words.server ? servers_given(task, look->survey)
			       : servers_find(task, look->survey);
	if (r == EXIT_GOOD && survey_ask(look->survey, &task->survey) < 0)
		r = EXIT_FAILED;
	if (r == EXIT_GOOD)
		r = paths_ask(task, look);
	if (r != EXIT_GOOD)
		return r;
	ours_mark(task->config, look->survey);
	if (finding_make(&look->findings, look->survey, &task->finding) < 0)
		return EXIT_FAILED;
	for (size_t i = 0; i < look->survey->addresses_count; i++) {
		look->up += finding_up(&look->survey->addresses[i]);
		look->tested += !finding_untested(&look->survey->addresses[i]);
	}
	if (look->tested == 0 && look->survey->addresses_count > 0) {
		cli_error(task->cli, "%s: this host has no way to any of the servers: %s",
			look->zone, look->survey->addresses[0].udp.text);
		return EXIT_FAILED;
	}
	return EXIT_GOOD;
}

static void metrics_write(struct task *task, const struct check_zone *look, int r)
{
	const char *path = task->words.metrics;
	int error = r == EXIT_GOOD ? check_zone_metrics(look, path)
				   : check_zone_metrics_failed(look->zone, look->at, path);

	if (error < 0)
		cli_error(task->cli, "%s: %s", path, strerror(-error));
}

static int look_show(struct task *task, const struct check_zone *look)
{
	static const int exits[] = {[FINDING_NOTE] = EXIT_GOOD,
		[FINDING_WEAK] = EXIT_DOUBTFUL,
		[FINDING_BAD] = EXIT_DEGRADED,
		[FINDING_DEAD] = EXIT_WITHDRAWN};

	if (task->words.nagios)
		return check_zone_nagios(look);
	if (task->cli->json && !task->cli->quiet) {
		json_t *json = check_zone_json(look);

		cli_json(json);
		json_decref(json);
	} else if (!task->cli->quiet) {
		check_zone_text(task->cli, look);
	}
	return exits[look->findings.worst];
}

static int look_once(struct task *task)
{
	struct check_zone look = {0};
	int r = look_take(task, &look);

	if (task->words.metrics)
		metrics_write(task, &look, r);
	if (r == EXIT_GOOD)
		r = look_show(task, &look);
	else if (task->words.nagios) {
		printf("ZONE UNKNOWN - %s: the servers could not be asked\n", look.zone);
		r = NAGIOS_UNKNOWN;
	}
	finding_free(&look.findings);
	survey_free(look.survey);
	return r;
}

static int look_again(struct task *task)
{
	while (true) {
		int r;

		if (task->cli->color)
			fputs("\033[H\033[2J", stdout);
		r = look_once(task);
		if (fflush(stdout) != 0 || r == EXIT_USAGE)
			return r;
		poll(NULL, 0, (int)(task->pause.us / 1000));
	}
}

static void task_free(struct task *task)
{
	if (task->has_site)
		regfree(&task->site);
	domain_free(&task->zone);
	config_free(task->config);
}

int cmd_check_zone(struct cli *cli, int argc, char **argv)
{
	struct task task = {.cli = cli, .survey.timeout_us = cli->timeout_us};
	struct words *words = &task.words;
	const struct cli_option own[] = {
		{"from", CLI_VALUE, &words->from, "source address, one per family"},
		{"resolver", CLI_VALUE, &words->resolver, "who finds the servers"},
		{"server", CLI_VALUE, &words->server, "NAME=ADDRESS,...: these, instead"},
		{"family", CLI_VALUE, &words->family, "4 or 6; default: both"},
		{"watch", CLI_VALUE_OPTIONAL, &words->watch, "again and again, each minute"},
		{"nagios", CLI_FLAG, &words->nagios, "as a plugin: 0, 1, 2, 3"},
		{"metrics", CLI_VALUE, &words->metrics, "write this file for Prometheus"},
		{"bird", CLI_VALUE, &words->bird, "BIRD's socket, for AS paths"},
		{"site", CLI_VALUE, &words->site, "what of an NSID names the site"},
		{"paths", CLI_VALUE, &words->paths, "AS paths wanted to each address"},
		{"grace", CLI_VALUE, &words->grace, "time that a change may take (2s)"},
		{"accept", CLI_VALUE, &words->accept, "findings that are known"},
	};
	const char *wrong;
	int operand, r;

	r = cli_parse(cli, argc, argv, own, sizeof(own) / sizeof(own[0]), &operand);
	if (r != 0)
		return r - 1;
	task.survey.timeout_us = cli->timeout_us;
	if (operand + 1 != argc)
		return cli_usage(cli, "check-zone takes one zone");
	wrong = domain_parse(argv[operand], &task.zone);
	r = wrong ? cli_usage(cli, "%s: %s", argv[operand], wrong) : words_take(&task);
	if (r == EXIT_GOOD)
		r = words->watch ? look_again(&task) : look_once(&task);
	else if (words->nagios)
		r = NAGIOS_UNKNOWN;
	task_free(&task);
	return r;
}
