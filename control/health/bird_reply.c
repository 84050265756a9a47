/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Framing of BIRD's control protocol: bytes in, lines out.
 */
#include "control/health/bird_reply.h"

#include <errno.h>
#include <string.h>

void bird_reader_reset(struct bird_reader *reader)
{
	reader->len = 0;
	reader->code = -1;
	reader->broken = false;
}

bool bird_code_failed(int code)
{
	return code >= 8000;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The line is complete and NUL-terminated: what is it? */
static int line_classify(struct bird_reader *reader, struct bird_line *line)
{
	char *s = reader->line;
	size_t skip;

	if (s[0] == '+') {
		line->kind = BIRD_LINE_ASYNC;
		line->code = -1;
		skip = 1;
	} else if (s[0] == ' ') {
		if (reader->code < 0)
			return -EBADMSG;
		line->kind = BIRD_LINE_PART;
		line->code = reader->code;
		skip = 1;
	} else {
		for (int i = 0; i < 4; i++)
			if (!is_digit(s[i]))
				return -EBADMSG;
		if (s[4] != '-' && s[4] != ' ')
			return -EBADMSG;
		line->code =
			(s[0] - '0') * 1000 + (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
		line->kind = s[4] == '-' ? BIRD_LINE_PART : BIRD_LINE_LAST;
		reader->code = line->kind == BIRD_LINE_LAST ? -1 : line->code;
		skip = 5;
	}
	line->text = s + skip;
	line->len = reader->len - skip;
	return 1;
}

int bird_reader_push(struct bird_reader *reader, const char *bytes, size_t len, size_t *used,
	struct bird_line *line)
{
	const char *end = memchr(bytes, '\n', len);
	size_t n = end ? (size_t)(end - bytes) : len;

	*used = 0;
	if (reader->broken || n > BIRD_LINE_MAX - reader->len) {
		reader->broken = true;
		return -EBADMSG;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		/* A NUL would end the text early. The text may reach a terminal. */
		if (c == 0) {
			reader->broken = true;
			return -EBADMSG;
		}
		reader->line[reader->len++] = (c < 0x20 && c != '\t') || c == 0x7f ? '?' : (char)c;
	}
	*used = n;
	if (!end)
		return 0;
	*used = n + 1;
	reader->line[reader->len] = '\0';
	if (line_classify(reader, line) < 0) {
		reader->broken = true;
		return -EBADMSG;
	}
	reader->len = 0;
	return 1;
}
