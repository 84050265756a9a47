/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs vector files through the plain host: TAP on standard output, a line per case.
 *
 *     vectors [--reasons] FILE|DIRECTORY...
 *     vectors --frames DIRECTORY FILE|DIRECTORY...
 *
 * --reasons adds a check: every reason of reason.h that a packet can cause was expected by some
 * case.
 * --frames runs nothing: it writes each case's frame to a file, as seeds for the packet fuzzer.
 */
#include "vector_list.h"
#include "vector_run.h"

#include "answer/reason.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct plain_engine *engine;
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
	const char *slash = strrchr(path, '/');

	printf("%sok %u - %s: %s\n", ok ? "" : "not ", ++run->count, slash ? slash + 1 : path,
		title);
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

/* The frame, under a name that its content and place give. */
static bool frame_save(const struct run *run, const struct vector_case *c, FILE *to)
{
	static struct vector_packet packet;
	char error[VECTOR_ERROR_SIZE], *path = NULL;
	const char *slash = strrchr(c->path, '/');
	FILE *file;
	bool ok = false;

	if (vector_packet_build(c, &packet, error)) {
		fprintf(to, "%s\n", error);
		return false;
	}
	if (asprintf(&path, "%s/%s-%u", run->frames, slash ? slash + 1 : c->path, c->line) < 0)
		return false;
	file = fopen(path, "w");
	if (file) {
		ok = fwrite(packet.octets, 1, packet.size, file) == packet.size;
		ok &= !fclose(file);
	}
	if (!ok)
		fprintf(to, "can't write %s\n", path);
	free(path);
	return ok;
}

static void file_run(struct run *run, const char *path)
{
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;

	if (vector_load(&vector, path, error) ||
		(!run->frames && vector_world_fill(vector, plain_engine_memory(run->engine),
					 VECTOR_NOW, error))) {
		result_print(run, false, path, "the file can be used", error);
		vector_free(vector);
		return;
	}
	for (size_t i = 0; i < vector->case_count; i++) {
		const struct vector_case *c = &vector->cases[i];
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		bool ok =
			to && (run->frames ? frame_save(run, c, to) : case_run(run, vector, c, to));

		if (to && !ok)
			fprintf(to, "%s:%u\n", path, c->line);
		if (to)
			fclose(to);
		result_print(run, ok, path, c->title, text);
		free(text);
		if (!c->replies && c->reason < REASON_COUNT)
			run->expected[c->reason] = true;
	}
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
	fputs("Usage: vectors [--reasons] FILE|DIRECTORY...\n"
	      "       vectors --frames DIRECTORY FILE|DIRECTORY...\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"reasons", no_argument, NULL, 'r'}, {"frames", required_argument, NULL, 'f'}, {0}};
	struct vector_list list = {0};
	struct run run = {0};
	bool reasons = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			reasons = true;
			break;
		case 'f':
			run.frames = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind == argc)
		return usage();
	if (vector_list_read(&list, argv + optind) || plain_engine_new(&run.engine, 4, 18)) {
		fputs("vectors: can't read the names of the files\n", stderr);
		vector_list_free(&list);
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
