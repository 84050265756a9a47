/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/cli/table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDENT "  "

struct table {
	const struct cli *cli;
	struct libscols_table *scols;
	struct libscols_line *line; /* the row being filled */
	size_t columns, next;
};

static const char *const tone_names[] = {
	[TONE_GOOD] = "green", [TONE_WARN] = "yellow", [TONE_BAD] = "red"};
static const char *const tone_codes[] = {[TONE_PLAIN] = "",
	[TONE_GOOD] = "\033[32m",
	[TONE_WARN] = "\033[33m",
	[TONE_BAD] = "\033[31m",
	[TONE_DIM] = "\033[2m",
	[TONE_BOLD] = "\033[1m"};

struct table *table_new(const struct cli *cli, const char *const *titles)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->cli = cli;
	table->scols = scols_new_table();
	if (!table->scols) {
		free(table);
		return NULL;
	}
	scols_table_enable_colors(table->scols, cli->color);
	scols_table_set_column_separator(table->scols, "  ");
	for (; titles[table->columns]; table->columns++) {
		const char *title = titles[table->columns];
		int flags = 0;

		if (title[0] == '>') {
			title++;
			flags = SCOLS_FL_RIGHT;
		} else if (!titles[table->columns + 1]) {
			flags = SCOLS_FL_WRAP;
		}
		scols_table_new_column(table->scols, title, 0, flags);
	}
	return table;
}

void table_cell(struct table *table, enum tone tone, const char *text)
{
	if (!table)
		return;
	if (table->next == 0)
		table->line = scols_table_new_line(table->scols, NULL);
	if (table->line) {
		struct libscols_cell *cell = scols_line_get_cell(table->line, table->next);

		scols_line_set_data(table->line, table->next, text ? text : "-");
		if (table->cli->color && cell &&
			tone < sizeof(tone_names) / sizeof(tone_names[0]) && tone_names[tone])
			scols_cell_set_color(cell, tone_names[tone]);
	}
	table->next = (table->next + 1) % table->columns;
}

void table_print(struct table *table)
{
	char *text = NULL;

	if (!table)
		return;
	if (!scols_table_is_empty(table->scols) &&
		scols_print_table_to_string(table->scols, &text) == 0 && text) {
		for (char *line = text, *end; *line; line = end) {
			size_t length;

			end = strchrnul(line, '\n');
			length = (size_t)(end - line);
			while (length > 0 && line[length - 1] == ' ')
				length--;
			printf(INDENT "%.*s\n", (int)length, line);
			end += *end == '\n';
		}
	}
	free(text);
	scols_unref_table(table->scols);
	free(table);
}

void tone_print(const struct cli *cli, enum tone tone, const char *text)
{
	if (cli->color && tone != TONE_PLAIN)
		printf("%s%s\033[0m", tone_codes[tone], text);
	else
		fputs(text, stdout);
}

const char *age_text(const json_t *now, const json_t *when, char buffer[static PHRASE])
{
	double age = json_number_value(now) - json_number_value(when);
	unsigned long s;

	if (!json_is_number(when))
		return NULL;
	s = age > 0 ? (unsigned long)age : 0;
	if (age < 1)
		snprintf(buffer, PHRASE, "%ums", age > 0 ? (unsigned int)(age * 1000) : 0);
	else if (s < 60)
		snprintf(buffer, PHRASE, "%lus", s);
	else if (s < 3600)
		snprintf(buffer, PHRASE, "%lum%02lus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buffer, PHRASE, "%luh%02lum", s / 3600, s / 60 % 60);
	else
		snprintf(buffer, PHRASE, "%lud%02luh", s / 86400, s / 3600 % 24);
	return buffer;
}

const char *count_text(const json_t *value, char buffer[static PHRASE])
{
	char digits[PHRASE];
	size_t length, used = 0;

	if (!json_is_integer(value))
		return NULL;
	length = (size_t)snprintf(
		digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			buffer[used++] = ',';
		buffer[used++] = digits[i];
	}
	buffer[used] = '\0';
	return buffer;
}

const char *bytes_text(const json_t *value, char buffer[static PHRASE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double bytes = (double)json_integer_value(value);
	size_t unit = 0;

	if (!json_is_integer(value))
		return NULL;
	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buffer, PHRASE, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
	return buffer;
}

const char *share_text(const json_t *value, char buffer[static PHRASE])
{
	double share = json_real_value(value) * 100;

	if (!json_is_real(value))
		return NULL;
	/* Never "100 %" while something passed. */
	if (share < 100 && share > 99.995)
		share = 99.99;
	snprintf(buffer, PHRASE, "%.*f %%", share < 100 ? 2 : 0, share);
	return buffer;
}

const char *serial_text(const json_t *value, char buffer[static PHRASE])
{
	if (!json_is_integer(value))
		return NULL;
	snprintf(buffer, PHRASE, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return buffer;
}

const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
