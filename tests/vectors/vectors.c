/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs vector files through the plain host: TAP on standard output, a line per case.
 *
 *     vectors [--reasons] [--rounds N] FILE|DIRECTORY...
 *     vectors --frames DIRECTORY FILE|DIRECTORY...
 *
 * --reasons adds a check: every reason of reason.h that a packet can cause was expected by some
 * case.
 * --rounds runs each file so often, every time in a world with other hash seeds.
 * --frames runs nothing: it writes each case's frame to a file of the directory, as a seed for the
 * packet fuzzer.
 */
#include "vector_list.h"
#include "vector_run.h"

#include "answer/reason.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct run {
	struct plain_engine *engine;
	unsigned rounds;
	unsigned count, failed;
	bool expected[REASON_COUNT]; /* by a case that was run */
	const char *frames;
};

/* Prints `text`, every line of it as a comment. */
static void comment(char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("#   %s\n", line);
}

static void result_print(struct run *run, bool ok, const char *path, const char *title, char *text)
{

	printf("%sok %u - %s: %s\n", ok ? "" : "not ", ++run->count, vector_file_name(path), title);
	if (!ok) {
		run->failed++;
		comment(text);
	}
}

static bool case_run(
	struct run *run, const struct vector *vector, const struct vector_case *c, FILE *to)
{
	static struct vector_run result;
	char error[VECTOR_ERROR_SIZE];

	if (vector_run_case(&result, run->engine, c, error)) {
		fprintf(to, "%s\n", error);
		return false;
	}
	return vector_check(vector, c, &result.packet, &result.outcome, to);
}

/* Which of tests/fuzz/packet.c's worlds has this zone. */
static uint8_t fuzz_world(const char *origin)
{
	static const char *const marks[] = {[1] = ".", "nsec.test.", "nsec3.test.", "optout.test."};

	for (uint8_t i = 1; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (!strcmp(origin, marks[i]))
			return i;
	return 0;
}

/* The frame, behind the octet that tells tests/fuzz/packet.c which world to ask. */
static bool frame_save(
	const struct run *run, const struct vector *vector, const struct vector_case *c, FILE *to)
{
	static struct vector_packet packet;
	char error[VECTOR_ERROR_SIZE], *path = NULL;
	uint8_t world = 0;
	bool ok = false;
	FILE *file;

	for (size_t i = 0; i < vector->zone_count; i++)
		world = world ? world : fuzz_world(vector->zones[i].origin);
	if (vector_packet_build(c, &packet, error)) {
		fprintf(to, "%s\n", error);
		return false;
	}
	if (asprintf(&path, "%s/%s-%u", run->frames, vector_file_name(c->path), c->line) < 0)
		return false;
	file = fopen(path, "w");
	if (file) {
		ok = fputc(world, file) != EOF &&
		     fwrite(packet.octets, 1, packet.size, file) == packet.size;
		ok &= !fclose(file);
	}
	if (!ok)
		fprintf(to, "can't write %s\n", path);
	free(path);
	return ok;
}

/* What is wrong with the case's outcome, or NULL; the caller frees it. */
static char *case_judge(struct run *run, const struct vector *vector, const struct vector_case *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	bool ok;

	if (!to)
		abort();
	ok = run->frames ? frame_save(run, vector, c, to) : case_run(run, vector, c, to);
	fprintf(to, "%s:%u\n", c->path, c->line);
	fclose(to);
	if (ok)
		free(text);
	return ok ? NULL : text;
}

/* Runs all cases in a world that is built anew for each round: each has other hash seeds. */
static bool rounds_run(struct run *run, const struct vector *vector, char **texts, char *error)
{
	for (unsigned round = 0; round < run->rounds; round++) {
		if (!run->frames && vector_world_fill(vector, plain_engine_memory(run->engine),
					    VECTOR_NOW, error))
			return false;
		for (size_t i = 0; i < vector->case_count; i++)
			if (!texts[i])
				texts[i] = case_judge(run, vector, &vector->cases[i]);
	}
	return true;
}

static void file_run(struct run *run, const char *path)
{
	char error[VECTOR_ERROR_SIZE] = "out of memory";
	struct vector *vector = NULL;
	char **texts = NULL;

	if (!vector_load(&vector, path, error))
		texts = calloc(vector->case_count, sizeof(*texts));
	if (!texts || !rounds_run(run, vector, texts, error)) {
		result_print(run, false, path, "the file can be used", error);
		goto out;
	}
	for (size_t i = 0; i < vector->case_count; i++) {
		const struct vector_case *c = &vector->cases[i];

		result_print(run, !texts[i], path, c->title, texts[i]);
		if (!c->replies && c->reason < REASON_COUNT)
			run->expected[c->reason] = true;
	}
out:
	for (size_t i = 0; texts && i < vector->case_count; i++)
		free(texts[i]);
	free(texts);
	vector_free(vector);
}

/* `internal` is what no packet and no image can cause. */
static void reasons_judge(struct run *run)
{
	for (uint32_t i = REASON_INTERNAL + 1; i < REASON_COUNT; i++) {
		char text[] = "no case expects it";

		result_print(run, run->expected[i], "reason.h", vector_reason_name(i), text);
	}
}

static int usage(void)
{
	fputs("Usage: vectors [--reasons] [--rounds N] FILE|DIRECTORY...\n"
	      "       vectors --frames DIRECTORY FILE|DIRECTORY...\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"reasons", no_argument, NULL, 'r'},
		{"rounds", required_argument, NULL, 'n'}, {"frames", required_argument, NULL, 'f'},
		{0}};
	struct vector_list list = {0};
	struct run run = {.rounds = 1};
	bool reasons = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			reasons = true;
			break;
		case 'n':
			run.rounds = (unsigned)atoi(optarg);
			break;
		case 'f':
			run.frames = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind == argc || !run.rounds)
		return usage();
	if (vector_list_read(&list, argv + optind) || plain_engine_new(&run.engine, 4, 18)) {
		fputs("vectors: can't read the names of the files\n", stderr);
		vector_list_free(&list);
		return 1;
	}
	if (run.frames && mkdir(run.frames, 0777) && errno != EEXIST) {
		perror(run.frames);
		return 1;
	}
	for (size_t i = 0; i < list.count; i++)
		file_run(&run, list.paths[i]);
	if (reasons)
		reasons_judge(&run);
	printf("1..%u\n", run.count);
	plain_engine_free(run.engine);
	vector_list_free(&list);
	return run.failed || !run.count;
}
