/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cli/check_zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/cli/table.h"
#include "control/health/address.h"

/* The name without its final dot, but for the root. */
static const char *bare_name(char text[static NAME_TEXT_SIZE], const uint8_t *name)
{
	size_t length = strlen(name_to_text(text, name));

	if (length > 1)
		text[length - 1] = '\0';
	return text;
}

/* ---- text ---- */

static void answer_cells(struct table *table, const struct survey_answer *answer)
{
	char rtt[PHRASE];
	bool good = answer->state == SURVEY_GOOD;

	snprintf(rtt, sizeof(rtt), "%.1f ms", (double)answer->rtt_us / 1000);
	table_cell(table,
		good                               ? TONE_GOOD
		: answer->state == SURVEY_UNTESTED ? TONE_DIM
						   : TONE_BAD,
		good ? rtt : survey_state_name(answer->state));
}

static void path_cell(struct table *table, const struct survey_path *path)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %u path%s, best %s", path->prefix, path->paths,
		path->paths == 1 ? "" : "s", path->best[0] ? path->best : "(our own AS)");
	table_cell(table, TONE_PLAIN, path->known ? text : NULL);
}

static void row_cells(
	struct table *table, const struct check_zone *look, const struct survey_address *row)
{
	const struct survey_answer *answer = row->udp.has_serial ? &row->udp : &row->tcp;
	char name[NAME_TEXT_SIZE], address[FINDING_ADDRESS], nsid[FINDING_NSID], serial[PHRASE];

	table_cell(table, TONE_PLAIN, bare_name(name, look->survey->servers[row->server].name));
	table_cell(table, TONE_PLAIN, finding_address(address, &row->addr));
	answer_cells(table, &row->udp);
	answer_cells(table, &row->tcp);
	snprintf(serial, sizeof(serial), "%u", answer->serial);
	table_cell(table, TONE_PLAIN, answer->has_serial ? serial : NULL);
	if (!row->udp.nsid_size)
		answer = &row->tcp;
	table_cell(table, TONE_PLAIN,
		answer->nsid_size ? finding_nsid(nsid, answer->nsid, answer->nsid_size) : NULL);
	if (look->bird)
		path_cell(table, &row->path);
}

static enum tone grade_tone(enum finding_grade grade)
{
	return grade == FINDING_NOTE ? TONE_DIM : grade == FINDING_WEAK ? TONE_WARN : TONE_BAD;
}

void check_zone_text(const struct cli *cli, const struct check_zone *look)
{
	const char *titles[] = {
		"SERVER", "ADDRESS", ">UDP", ">TCP", ">SERIAL", "NSID", "WAY (BIRD)", NULL};
	struct table *table;

	if (!look->bird)
		titles[6] = NULL;
	printf("%s: %zu of %zu addresses answer\n", look->zone, look->up, look->tested);
	table = table_new(cli, titles);
	for (size_t i = 0; i < look->survey->addresses_count; i++)
		row_cells(table, look, &look->survey->addresses[i]);
	table_print(table);
	if (look->survey->cut)
		printf("  more than %d addresses: the rest isn't asked\n", SURVEY_ADDRESSES);
	for (size_t i = 0; i < look->findings.count; i++) {
		const struct finding *finding = &look->findings.items[i];

		tone_print(
			cli, grade_tone(finding_grade(finding->kind)), finding_name(finding->kind));
		printf(": %s\n", finding->text);
	}
	if (look->findings.count == 0)
		puts("nothing found");
}

/* ---- JSON ---- */

static const char *grade_name(enum finding_grade grade)
{
	static const char *const names[] = {"note", "weak", "bad", "dead"};

	return names[grade];
}

static json_t *answer_json(const struct survey_answer *answer)
{
	char nsid[FINDING_NSID];
	json_t *json = json_pack("{s:s, s:i, s:b, s:b}", "state", survey_state_name(answer->state),
		"tries", (int)answer->tries, "truncated", (int)answer->truncated, "edns",
		(int)!answer->no_edns);

	json_object_set_new(
		json, "reason", answer->text[0] ? json_string(answer->text) : json_null());
	json_object_set_new(json, "rtt",
		answer->rtt_us ? json_real((double)answer->rtt_us / 1e6) : json_null());
	json_object_set_new(
		json, "serial", answer->has_serial ? json_integer(answer->serial) : json_null());
	json_object_set_new(json, "nsid",
		answer->nsid_size ? json_string(finding_nsid(nsid, answer->nsid, answer->nsid_size))
				  : json_null());
	return json;
}

static json_t *row_json(const struct survey_address *row)
{
	char address[INET6_ADDRSTRLEN] = "";
	json_t *json;

	inet_ntop(row->addr.ss_family, address_bytes(&row->addr), address, sizeof(address));
	json = json_pack("{s:s, s:i, s:b, s:b, s:o, s:o}", "address", address, "port",
		(int)ntohs(address_port(&row->addr)), "up", (int)finding_up(row), "tested",
		(int)!finding_untested(row), "udp", answer_json(&row->udp), "tcp",
		answer_json(&row->tcp));
	json_object_set_new(json, "path",
		row->path.known ? json_pack("{s:s, s:I, s:i, s:i, s:s}", "prefix", row->path.prefix,
					  "origin", (json_int_t)row->path.origin, "routes",
					  (int)row->path.routes, "as_paths", (int)row->path.paths,
					  "best", row->path.best)
				: json_null());
	return json;
}

static json_t *findings_json(const struct finding_list *list)
{
	json_t *json = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct finding *finding = &list->items[i];

		json_array_append_new(
			json, json_pack("{s:s, s:s, s:s}", "finding", finding_name(finding->kind),
				      "grade", grade_name(finding_grade(finding->kind)), "text",
				      finding->text));
	}
	return json;
}

json_t *check_zone_json(const struct check_zone *look)
{
	const struct survey *survey = look->survey;
	json_t *servers = json_array();

	for (size_t i = 0; i < survey->servers_count; i++) {
		json_t *rows = json_array();
		char name[NAME_TEXT_SIZE];

		for (size_t j = 0; j < survey->addresses_count; j++) {
			if (survey->addresses[j].server == i)
				json_array_append_new(rows, row_json(&survey->addresses[j]));
		}
		json_array_append_new(
			servers, json_pack("{s:s, s:b, s:o}", "name",
					 bare_name(name, survey->servers[i].name), "alias",
					 (int)survey->servers[i].alias, "addresses", rows));
	}
	return json_pack("{s:s, s:f, s:s, s:i, s:i, s:o, s:o}", "zone", look->zone, "now",
		(double)look->at / 1e6, "state",
		look->findings.worst == FINDING_NOTE ? "good" : grade_name(look->findings.worst),
		"up", (int)look->up, "tested", (int)look->tested, "servers", servers, "findings",
		findings_json(&look->findings));
}

/* ---- Nagios ---- */

int check_zone_nagios(const struct check_zone *look)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
	int exit = look->findings.worst == FINDING_NOTE   ? 0
		   : look->findings.worst == FINDING_DEAD ? 2
							  : 1;
	const struct finding *first = NULL;

	/* The gravest stands in the line; "|" would begin the figures. */
	for (size_t i = 0; i < look->findings.count; i++) {
		if (!first ||
			finding_grade(look->findings.items[i].kind) > finding_grade(first->kind))
			first = &look->findings.items[i];
	}
	printf("ZONE %s - %s: %zu of %zu addresses answer", words[exit], look->zone, look->up,
		look->tested);
	if (first && exit)
		printf("; %s: %s", finding_name(first->kind), first->text);
	printf(" | up=%zu down=%zu findings=%zu\n", look->up, look->tested - look->up,
		look->findings.count);
	for (size_t i = 0; i < look->findings.count; i++)
		printf("%s: %s\n", finding_name(look->findings.items[i].kind),
			look->findings.items[i].text);
	return exit;
}

/* ---- Prometheus ---- */

/* A label's value: backslash, quote and newline are escaped. */
static void label_print(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

static void type_print(FILE *out, const char *metric, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

static void row_label(FILE *out, const char *metric, const struct check_zone *look,
	const struct survey_address *row, const char *transport)
{
	char name[NAME_TEXT_SIZE], address[FINDING_ADDRESS];

	fprintf(out, "%s{", metric);
	label_print(out, "zone", look->zone);
	fputc(',', out);
	label_print(out, "server", bare_name(name, look->survey->servers[row->server].name));
	fputc(',', out);
	label_print(out, "address", finding_address(address, &row->addr));
	fprintf(out, ",transport=\"%s\"} ", transport);
}

static void rows_print(FILE *out, const struct check_zone *look)
{
	static const char *const metrics[][2] = {
		{"anode_check_zone_up", "1: the address answers with authority"},
		{"anode_check_zone_rtt_seconds", "time to its answer"},
		{"anode_check_zone_serial", "serial of the zone there"},
	};

	for (size_t m = 0; m < 3; m++) {
		type_print(out, metrics[m][0], metrics[m][1]);
		for (size_t i = 0; i < look->survey->addresses_count * 2; i++) {
			const struct survey_address *row = &look->survey->addresses[i / 2];
			const struct survey_answer *answer = i % 2 ? &row->tcp : &row->udp;

			if (answer->state == SURVEY_UNTESTED || (m == 1 && !answer->rtt_us) ||
				(m == 2 && !answer->has_serial))
				continue;
			row_label(out, metrics[m][0], look, row, i % 2 ? "tcp" : "udp");
			if (m == 0)
				fprintf(out, "%d\n", answer->state == SURVEY_GOOD);
			else if (m == 1)
				fprintf(out, "%.6f\n", (double)answer->rtt_us / 1e6);
			else
				fprintf(out, "%u\n", answer->serial);
		}
	}
}

static void findings_print(FILE *out, const struct check_zone *look)
{
	unsigned counts[FINDING_KINDS] = {0};

	for (size_t i = 0; i < look->findings.count; i++)
		counts[look->findings.items[i].kind]++;
	type_print(out, "anode_check_zone_findings", "what was found, by kind");
	for (enum finding_kind kind = 0; kind < FINDING_KINDS; kind++) {
		fputs("anode_check_zone_findings{", out);
		label_print(out, "zone", look->zone);
		fprintf(out, ",finding=\"%s\",grade=\"%s\"} %u\n", finding_name(kind),
			grade_name(finding_grade(kind)), counts[kind]);
	}
}

/* A file that a scraper never sees half written. */
static int metrics_begin(const char *path, char **temporary, FILE **out)
{
	int fd;

	*out = NULL;
	if (asprintf(temporary, "%s.XXXXXX", path) < 0) {
		*temporary = NULL;
		return -ENOMEM;
	}
	fd = mkstemp(*temporary);
	if (fd >= 0)
		*out = fdopen(fd, "w");
	if (*out && fchmod(fd, 0644) == 0)
		return 0;
	return -errno;
}

static int metrics_end(const char *path, char *temporary, FILE *out, int r)
{
	if (out && fflush(out) != 0 && r == 0)
		r = -errno;
	if (out)
		fclose(out);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0 && temporary && out)
		unlink(temporary);
	free(temporary);
	return r;
}

static void head_print(FILE *out, const char *zone, uint64_t at, bool good)
{
	type_print(out, "anode_check_zone_success", "1: the zone's servers could be found");
	fputs("anode_check_zone_success{", out);
	label_print(out, "zone", zone);
	fprintf(out, "} %d\n", good);
	type_print(out, "anode_check_zone_time_seconds", "when it was looked at");
	fputs("anode_check_zone_time_seconds{", out);
	label_print(out, "zone", zone);
	fprintf(out, "} %.3f\n", (double)at / 1e6);
}

int check_zone_metrics(const struct check_zone *look, const char *path)
{
	char *temporary;
	FILE *out;
	int r = metrics_begin(path, &temporary, &out);

	if (r == 0) {
		head_print(out, look->zone, look->at, true);
		rows_print(out, look);
		findings_print(out, look);
	}
	return metrics_end(path, temporary, out, r);
}

int check_zone_metrics_failed(const char *zone, uint64_t at, const char *path)
{
	char *temporary;
	FILE *out;
	int r = metrics_begin(path, &temporary, &out);

	if (r == 0)
		head_print(out, zone, at, false);
	return metrics_end(path, temporary, out, r);
}
