/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Same packet, same bytes: the vectors through the real XDP program and through the plain host.
 *
 *     same FILE|DIRECTORY...
 *
 * Each case's frame is a test run (BPF_PROG_TEST_RUN) of the loaded programs, native and generic,
 * over an image of one shard and one of several, which they reach in different ways. What comes out
 * must be what the vector says, and byte for byte what the plain host makes of the frame. TAP on
 * standard output, a line per case and program. Needs root; in a network namespace of its own, so
 * that no route is known there.
 */
#include "vector.h"
#include "vector_list.h"

#include "answer/image.h"
#include "engine.h"
#include "tests/host/plain_engine.h"
#include "tests/host/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>

#define MIB 1048576ull

/* Where the engine takes one shard, and where it takes several. */
static const struct {
	const char *name;
	uint64_t image_bytes;
	bool several;
} images[] = {
	{"one shard", 1 * MIB, false},
	{"several shards", 257 * MIB, true},
};
static const struct {
	const char *name;
	enum attach_mode mode;
} programs[] = {
	{"native", ATTACH_NATIVE},
	{"generic", ATTACH_GENERIC},
};

struct same {
	struct engine *engine;
	struct plain_engine *plain;
	uint64_t now; /* of the vector's world: CLOCK_MONOTONIC, ns */
	const char *image;
	unsigned count, failed;
};

static uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Prints a result; `text` says by lines what is wrong, or why it was skipped. */
static void result_print(
	struct same *s, const char *what, const char *title, bool ok, const char *skip, char *text)
{
	char *save = NULL;

	printf("%sok %u - %s: %s%s%s\n", ok ? "" : "not ", ++s->count, what, title,
		skip ? " # SKIP " : "", skip ? skip : "");
	if (ok)
		return;
	s->failed++;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		printf("#   %s\n", line);
}

/* Why the kernel can't run it, or NULL. */
static const char *refusal(const struct vector_case *c, const struct vector_packet *packet)
{
	if (c->room != VECTOR_ROOM)
		return "a test run's room is what it is";
	if (packet->size < ETH_HLEN)
		return "the kernel runs no frame shorter than its Ethernet header";
	return NULL;
}

static bool run_program(struct same *s, enum attach_mode mode, const struct vector_packet *packet,
	uint8_t octets[VECTOR_REPLY_MAX], struct vector_outcome *outcome, FILE *to)
{
	uint32_t action;
	size_t size = VECTOR_REPLY_MAX;

	if (engine_test(s->engine, mode, packet->octets, packet->size, octets, &size, &action)) {
		fprintf(to, "%s\n", engine_error(s->engine));
		return false;
	}
	outcome->action = action == XDP_TX     ? VECTOR_REPLIED
			  : action == XDP_PASS ? VECTOR_PASSED
					       : VECTOR_DROPPED;
	outcome->octets = octets;
	outcome->size = size;
	return true;
}

static void run_plain(struct same *s, const struct vector_case *c,
	const struct vector_packet *packet, uint8_t octets[VECTOR_REPLY_MAX],
	struct vector_outcome *outcome)
{
	static const enum vector_action actions[] = {[PLAIN_PASS] = VECTOR_PASSED,
		[PLAIN_REPLY] = VECTOR_REPLIED,
		[PLAIN_DROP] = VECTOR_DROPPED};

	memcpy(octets, packet->octets, packet->size);
	outcome->octets = octets;
	outcome->size = packet->size;
	outcome->action =
		actions[plain_engine_run(s->plain, octets, &outcome->size, c->room, s->now)];
}

static bool equal(
	const struct vector_outcome *program, const struct vector_outcome *plain, FILE *to)
{
	size_t at = 0;

	if (program->action != plain->action) {
		fprintf(to, "action %d, the plain host's is %d\n", program->action, plain->action);
		return false;
	}
	if (program->size != plain->size) {
		fprintf(to, "%zu bytes, the plain host has %zu\n", program->size, plain->size);
		return false;
	}
	while (at < program->size && program->octets[at] == plain->octets[at])
		at++;
	if (at == program->size)
		return true;
	fprintf(to, "byte %zu is %02x, the plain host's is %02x\n", at, program->octets[at],
		plain->octets[at]);
	return false;
}

static bool run_case(struct same *s, const struct vector *vector, const struct vector_case *c,
	enum attach_mode mode, const struct vector_packet *packet, FILE *to)
{
	static uint8_t octets[VECTOR_REPLY_MAX], plain_octets[VECTOR_REPLY_MAX];
	struct counters before, after;
	struct vector_outcome outcome = {.before = &before, .after = &after}, plain = {0};
	bool ok;

	vector_counters_sum(engine_memory(s->engine), &before);
	if (!run_program(s, mode, packet, octets, &outcome, to))
		return false;
	vector_counters_sum(engine_memory(s->engine), &after);
	run_plain(s, c, packet, plain_octets, &plain);
	ok = vector_check(vector, c, packet, &outcome, to);
	return equal(&outcome, &plain, to) && ok;
}

static void run_case_everywhere(
	struct same *s, const struct vector *vector, const struct vector_case *c)
{
	static struct vector_packet packet;
	const char *slash = strrchr(c->path, '/'), *name = slash ? slash + 1 : c->path, *skip;
	char error[VECTOR_ERROR_SIZE], what[300];

	if (vector_packet_build(c, &packet, error)) {
		result_print(s, name, c->title, false, NULL, error);
		return;
	}
	skip = refusal(c, &packet);
	if (skip) {
		if (s->image == images[0].name)
			result_print(s, name, c->title, true, skip, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		bool ok = to && run_case(s, vector, c, programs[i].mode, &packet, to);

		if (to) {
			fprintf(to, "%s:%u\n", c->path, c->line);
			fclose(to);
		}
		snprintf(what, sizeof(what), "%.200s, %s, %s", name, programs[i].name, s->image);
		result_print(s, what, c->title, ok, NULL, text);
		free(text);
	}
}

static void run_file(struct same *s, const char *path)
{
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;

	s->now = clock_now();
	if (vector_load(&vector, path, error) ||
		vector_world_fill(vector, engine_memory(s->engine), s->now, error) ||
		vector_world_fill(vector, plain_engine_memory(s->plain), s->now, error)) {
		result_print(s, path, "the file can be used", false, NULL, error);
		vector_free(vector);
		return;
	}
	for (size_t i = 0; i < vector->case_count; i++)
		run_case_everywhere(s, vector, &vector->cases[i]);
	vector_free(vector);
}

/* All files over one image. 0, or a negative errno after saying why. */
static int run_image(struct same *s, size_t which, const struct vector_list *list)
{
	struct engine_options options = {
		.instance = "same", .image_bytes = images[which].image_bytes};
	char error[1024] = "no memory";
	bool adopted;
	int err;

	s->image = images[which].name;
	err = plain_engine_new(&s->plain, 1, 20);
	if (!err)
		err = engine_open(&s->engine, &options, &adopted, error, sizeof(error));
	if (err) {
		fprintf(stderr, "same: %s\n", error);
		plain_engine_free(s->plain);
		return err;
	}
	if ((engine_memory(s->engine)->shards > 1) != images[which].several) {
		char text[] = "the engine chose otherwise: change the sizes in same.c";

		result_print(s, "image", s->image, false, NULL, text);
	}
	for (size_t i = 0; i < list->count; i++)
		run_file(s, list->paths[i]);
	engine_remove(s->engine);
	plain_engine_free(s->plain);
	return 0;
}

int main(int argc, char **argv)
{
	struct vector_list list = {0};
	struct same same = {0};
	int err;

	if (argc < 2) {
		fputs("Usage: same FILE|DIRECTORY...\n", stderr);
		return 2;
	}
	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	if (vector_list_read(&list, argv + 1)) {
		perror("same");
		vector_list_free(&list);
		return 1;
	}
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]) && !err; i++)
		err = run_image(&same, i, &list);
	printf("1..%u\n", same.count);
	vector_list_free(&list);
	return err || same.failed || !same.count;
}
