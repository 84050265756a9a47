/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An error in the configuration: what is wrong, where, the line with a caret,
 * and the word that was probably meant.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "control/config_tree.h"

#define SUGGEST_MAX_WORD 64

int config_error_set(struct config_error *error, struct config_place place, const char *format, ...)
{
	va_list args;

	memset(error, 0, sizeof(*error));
	error->place = place;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	/* The message may hold words of the file. */
	for (char *p = error->message; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return -EINVAL;
}

void config_error_quote(struct config_error *error, const char *text, size_t length)
{
	const char *end = text + length, *line = text, *stop;
	size_t size;

	error->source[0] = '\0';
	if (error->place.line == 0)
		return;
	for (uint32_t i = 1; i < error->place.line; i++) {
		line = memchr(line, '\n', (size_t)(end - line));
		if (!line)
			return;
		line++;
	}
	stop = memchr(line, '\n', (size_t)(end - line));
	size = (size_t)((stop ? stop : end) - line);
	if (size > 160)
		size = 160;
	memcpy(error->source, line, size);
	error->source[size] = '\0';
	for (char *p = error->source; *p; p++) {
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			*p = '?';
	}
}

void config_error_text(
	const struct config_error *error, const char *path, char *buffer, size_t size)
{
	if (error->place.line == 0)
		snprintf(buffer, size, "%s: %s", path, error->message);
	else
		snprintf(buffer, size, "%s:%u:%u: %s", path, error->place.line, error->place.column,
			error->message);
}

void config_error_print(const struct config_error *error, const char *path, FILE *out)
{
	const char *p = error->source;
	char text[1024];

	config_error_text(error, path, text, sizeof(text));
	fprintf(out, "%s\n", text);
	if (error->source[0] == '\0')
		return;
	fprintf(out, "    %s\n    ", error->source);
	/* A column is a character: bytes that continue one (10xxxxxx) take no place. */
	for (uint32_t column = 1; column < error->place.column && *p; p++) {
		if (((unsigned char)p[1] & 0xc0) != 0x80)
			column++;
		if (((unsigned char)*p & 0xc0) != 0x80)
			fputc(*p == '\t' ? '\t' : ' ', out);
	}
	fputs("^\n", out);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits between two words: a letter added, dropped, changed, or two swapped. */
static size_t word_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_MAX_WORD + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > SUGGEST_MAX_WORD || lb > SUGGEST_MAX_WORD)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		last[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(
				last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = min3(row[j], before[j - 2] + 1, row[j]);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

const char *config_suggest(const char *word, const char *(*next)(void *state), void *state)
{
	size_t nearest = strlen(word) / 3 + 1;
	const char *candidate, *meant = NULL;

	while ((candidate = next(state))) {
		size_t distance = word_distance(word, candidate);

		if (distance <= nearest && (!meant || distance < nearest) &&
			distance < strlen(candidate)) {
			nearest = distance;
			meant = candidate;
		}
	}
	return meant;
}
