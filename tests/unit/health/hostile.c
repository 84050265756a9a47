/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests and fuzzers: what must hold for any bytes from a peer.
 */
#include "tests/unit/health/hostile.h"

#include <string.h>

#include "control/health/bird_answer.h"
#include "control/health/question.h"
#include "tests/unit/health/must.h"

/* A sum over all that a stream says, so that two readings can be compared. */
struct digest {
	uint64_t sum;
	int error;
};

static void digest_add(struct digest *digest, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		digest->sum = (digest->sum ^ p[i]) * UINT64_C(0x100000001b3);
}

static void line_check(const struct bird_line *line)
{
	MUST(line->kind == BIRD_LINE_ASYNC ? line->code == -1
					   : line->code >= 0 && line->code <= 9999);
	MUST(line->len <= BIRD_LINE_MAX && strlen(line->text) == line->len);
	for (size_t i = 0; i < line->len; i++)
		MUST((unsigned char)line->text[i] >= 0x20 || line->text[i] == '\t');
}

static void line_interpret(struct bird_answer answers[5], const struct bird_line *line)
{
	struct bird_protocol_line protocol;
	struct bird_prefix prefix;
	char version[32], text[BIRD_PREFIX_TEXT];

	for (int i = 0; i < 5; i++)
		bird_answer_line(&answers[i], line);
	if (bird_protocol_parse(&protocol, line->text) == 0)
		MUST(strlen(protocol.name) > 0 && strlen(protocol.name) < sizeof protocol.name);
	if (bird_version_parse(version, line->text) == 0)
		MUST(strlen(version) > 0);
	if (bird_prefix_parse(&prefix, line->text) == 0) {
		struct bird_prefix again;

		bird_prefix_format(&prefix, text);
		MUST(bird_prefix_parse(&again, text) == 0 && bird_prefix_equal(&prefix, &again));
	}
	/* A name may go into a path and into a quoted command. */
	if (bird_name_valid(line->text))
		MUST(!strpbrk(line->text, "/\"'*?\\ ;\n\t") && line->len < BIRD_NAME_MAX);
}

static struct digest read_stream(const char *bytes, size_t len, size_t cut)
{
	struct digest digest = {.sum = 1};
	struct bird_answer answers[5];
	struct bird_reader reader;
	struct bird_prefix prefix;
	struct bird_line line;
	size_t at = 0, used;

	bird_reader_reset(&reader);
	MUST(bird_prefix_parse(&prefix, "203.0.113.0/24") == 0);
	for (int i = 0; i < 5; i++)
		bird_answer_begin(&answers[i], (enum bird_question)i, &prefix);
	while (at < len) {
		size_t piece = at < cut ? cut - at : len - at;
		int r = bird_reader_push(&reader, bytes + at, piece, &used, &line);

		if (r < 0) {
			/* For good. */
			MUST(bird_reader_push(&reader, "0000 \n", 6, &used, &line) == r);
			digest.error = r;
			return digest;
		}
		MUST(used > 0 && used <= piece);
		at += used;
		if (r == 0)
			continue;
		line_check(&line);
		digest_add(&digest, &line.code, sizeof line.code);
		digest_add(&digest, line.text, line.len + 1);
		line_interpret(answers, &line);
	}
	MUST(!answers[BIRD_ROUTE].exported || answers[BIRD_ROUTE].from[0]);
	return digest;
}

void hostile_bird(const uint8_t *bytes, size_t len)
{
	struct digest whole, cut;

	if (len < 1)
		return;
	whole = read_stream((const char *)bytes + 1, len - 1, 0);
	cut = read_stream((const char *)bytes + 1, len - 1, len > 1 ? bytes[0] % (len - 1) : 0);
	MUST(whole.error == cut.error && (whole.error || whole.sum == cut.sum));
}

void hostile_dns(const uint8_t *bytes, size_t len)
{
	const struct question_expect expect = {
		.rcode = 0, .authoritative = true, .answered = true, .rdata_contains = "ns1."};
	struct question_answer answer;
	struct question_wire query;

	MUST(question_build(&query, "example.com", 6) == 0);
	query.bytes[0] = 0x12;
	query.bytes[1] = 0x34;
	if (question_read(&query, bytes, len, &expect, &answer) < 0)
		return;
	/* Only a reply to this query gets so far. */
	MUST(len >= 12 && bytes[0] == 0x12 && bytes[1] == 0x34 && (bytes[2] & 0x80));
	MUST(answer.expected == (answer.detail[0] == '\0'));
	MUST(memchr(answer.detail, 0, sizeof answer.detail));
}
