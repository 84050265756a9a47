/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Framing of BIRD's control protocol: bytes in, lines out. No I/O and no
 * allocation, so it can be fuzzed as it is and used by a blocking client too.
 * Source: BIRD 2.0.12's doc/reply_codes and behaviour; docs/internals/bird.md.
 *
 *      NNNN-text       more follows
 *      NNNN text       last line of the reply
 *      <space>text     same code as the line before, more follows
 *      +text           asynchronous
 *
 * It refuses whatever else arrives; framing that was lost can't be found again.
 */
#ifndef ANODE_HEALTH_BIRD_REPLY_H
#define ANODE_HEALTH_BIRD_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* Longest line, without its newline. */
#define BIRD_LINE_MAX 4096

/* Reply codes that we act on. 0..999 success, 1000.. table lines, 8000..
 * run-time errors, 9000.. errors in the command. */
enum bird_code {
	BIRD_CODE_OK = 0,
	BIRD_CODE_WELCOME = 1,
	BIRD_CODE_RECONFIGURED = 3,
	BIRD_CODE_RECONFIG_PROGRESS = 4,
	BIRD_CODE_RECONFIG_QUEUED = 5,
	BIRD_CODE_ALREADY_DISABLED = 8,
	BIRD_CODE_DISABLED = 9,
	BIRD_CODE_ALREADY_ENABLED = 10,
	BIRD_CODE_ENABLED = 11,
	BIRD_CODE_STATUS = 13,
	BIRD_CODE_PROTOCOL = 1002,
	BIRD_CODE_ROUTE = 1007,
	BIRD_CODE_UPTIME = 1011,
	BIRD_CODE_ROUTE_NOT_FOUND = 8001,
	BIRD_CODE_BROKEN_CONFIG = 8002,
	BIRD_CODE_NO_PROTOCOL = 8003,
	BIRD_CODE_STOPPED = 8004,
	BIRD_CODE_DENIED = 8007,
	BIRD_CODE_PARSE_ERROR = 9001,
	BIRD_CODE_INVALID_SYMBOL = 9002,
};

enum bird_line_kind {
	BIRD_LINE_PART,  /* of a reply that goes on */
	BIRD_LINE_LAST,  /* of a reply */
	BIRD_LINE_ASYNC, /* belongs to no reply; code is -1 */
};

struct bird_line {
	enum bird_line_kind kind;
	int code;         /* 0..9999 */
	const char *text; /* NUL-terminated, no control characters but tab; in the reader, until its
			     next use */
	size_t len;
};

struct bird_reader {
	char line[BIRD_LINE_MAX + 1];
	size_t len;
	int code;    /* of the line before, -1 = none: a continuation is an error */
	bool broken; /* stays so until bird_reader_reset() */
};

void bird_reader_reset(struct bird_reader *reader);

/* Takes bytes up to the end of one line; *used says how many.
 * 1: *line is filled. 0: all bytes used, no complete line yet. -EBADMSG: not
 * BIRD's protocol (or a line too long); so is every later call. */
int bird_reader_push(struct bird_reader *reader, const char *bytes, size_t len, size_t *used,
	struct bird_line *line);

/* Is this code an error (8000 and above)? */
bool bird_code_failed(int code);

#endif
