/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judges the judge: would vector_check see a wrong reply?
 *
 *     judge FILE|DIRECTORY...
 *
 * Every octet of every right reply is made wrong, one at a time and in two ways, with checksums
 * computed afresh, and vector_check must object to each. Likewise to a counter that is off by one,
 * and to a passing packet with one octet changed. TAP, a line per file.
 */
#include "checksum.h"
#include "vector_list.h"
#include "vector_run.h"

#include <stdlib.h>
#include <string.h>

struct trial {
	const struct vector *vector;
	const struct vector_case *c;
	struct vector_run *run;
	FILE *null;
	unsigned tried, missed;
};

static void trial_judge(struct trial *t, const char *what, size_t at)
{
	t->tried++;
	if (!vector_check(t->vector, t->c, &t->run->packet, &t->run->outcome, t->null))
		return;
	if (!t->missed++)
		printf("#   %s:%u: nobody objects to a wrong %s (%zu)\n", t->c->path, t->c->line,
			what, at);
}

/* Makes the checksums of a frame with plain headers right again. */
static void checksums_fix(uint8_t *frame, size_t size)
{
	size_t ip = 12;
	bool ipv6;

	while (frame[ip] == 0x81 || frame[ip] == 0x88)
		ip += 4;
	ipv6 = frame[ip] == 0x86;
	ip += 2;
	checksum_write(frame, size, ip, ip + (ipv6 ? 40 : 20), ipv6);
}

/* The name at `at` of a message, pointers followed, without them: its length, or 0 if it is none.
 */
static size_t name_read(const uint8_t *dns, size_t size, size_t at, uint8_t *name)
{
	size_t length = 0;

	for (unsigned steps = 0; steps < 256 && at < size; steps++) {
		size_t label = dns[at];

		if (label >= 0xc0 && at + 1 < size) {
			at = (label & 0x3f) << 8 | dns[at + 1];
			continue;
		}
		if (label > 63 || at + label >= size || length + label > 254)
			return 0;
		memcpy(name + length, dns + at, label + 1);
		length += label + 1;
		if (label == 0)
			return length;
		at += label + 1;
	}
	return 0;
}

/* A pointer that is changed may lead to the same name elsewhere, and be as right as it was. */
static bool pointer_is_equal(const uint8_t *right, const uint8_t *wrong, size_t size, size_t at)
{
	uint8_t names[2][256];
	size_t dns = 12, length;

	while (right[dns] == 0x81 || right[dns] == 0x88)
		dns += 4;
	dns += 2 + (right[dns] == 0x86 ? 40 : 20) + 8;
	/* either octet of it */
	if (at > dns && right[at - 1] >= 0xc0)
		at--;
	else if (at <= dns || right[at] < 0xc0 || wrong[at] < 0xc0)
		return false;
	length = name_read(right + dns, size - dns, at - dns, names[0]);
	return length && name_read(wrong + dns, size - dns, at - dns, names[1]) == length &&
	       !memcmp(names[0], names[1], length);
}

/* 0x20 is not tried: it is the case of a letter, which doesn't count in records. */
static void octets_try(struct trial *t)
{
	static uint8_t right[VECTOR_REPLY_MAX];
	struct vector_outcome *o = &t->run->outcome;

	memcpy(right, t->run->octets, o->size);
	for (size_t i = 0; i < o->size; i++) {
		for (unsigned bit = 1; bit <= 0x80; bit <<= 7) {
			t->run->octets[i] ^= (uint8_t)bit;
			if (o->action == VECTOR_REPLIED)
				checksums_fix(t->run->octets, o->size);
			/* where the fix undid it, it was a checksum: that one stays wrong */
			if (!memcmp(t->run->octets, right, o->size))
				t->run->octets[i] ^= (uint8_t)bit;
			if (!pointer_is_equal(right, t->run->octets, o->size, i))
				trial_judge(t, "octet", i);
			memcpy(t->run->octets, right, o->size);
		}
	}
}

static void counters_try(struct trial *t)
{
	uint64_t *words = (uint64_t *)(void *)&t->run->after;

	for (size_t i = 0; i < offsetof(struct counters, samples) / sizeof(*words); i++) {
		bool free = i == 0 || (i >= REASON_COUNT && i < COUNTERS_REASONS) ||
			    (i >= offsetof(struct counters, paths) / sizeof(*words) &&
				    i < offsetof(struct counters, truncated) / sizeof(*words) &&
				    i % 4 == 3);

		if (free) /* reserved */
			continue;
		words[i]++;
		/* a packet with an odd source may be counted as a query or not */
		if (t->c->reason != REASON_SOURCE)
			trial_judge(t, "counter", i);
		words[i]--;
	}
}

static void file_judge(const char *path, struct plain_engine *engine, FILE *null, unsigned *failed)
{
	static struct vector_run run;
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;
	struct trial t = {.run = &run, .null = null};
	bool ok = false;

	if (vector_load(&vector, path, error) ||
		vector_world_fill(vector, plain_engine_memory(engine), VECTOR_NOW, error)) {
		printf("#   %s\n", error);
		goto out;
	}
	t.vector = vector;
	ok = true;
	for (size_t i = 0; i < vector->case_count && ok; i++) {
		t.c = &vector->cases[i];
		ok = !vector_run_case(&run, engine, t.c, error) &&
		     vector_check(vector, t.c, &run.packet, &run.outcome, null);
		if (!ok)
			printf("#   %s:%u fails by itself\n", path, t.c->line);
		if (ok) {
			octets_try(&t);
			counters_try(&t);
		}
	}
out:
	ok = ok && !t.missed && t.tried;
	printf("%sok - %s: %u wrong outcomes, %u unseen\n", ok ? "" : "not ",
		vector_file_name(path), t.tried, t.missed);
	*failed += !ok;
	vector_free(vector);
}

int main(int argc, char **argv)
{
	struct vector_list list = {0};
	struct plain_engine *engine = NULL;
	FILE *null = fopen("/dev/null", "w");
	unsigned failed = 0;

	if (argc < 2 || vector_list_read(&list, argv + 1) || plain_engine_new(&engine, 4, 18) ||
		!null) {
		fputs("Usage: judge FILE|DIRECTORY...\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < list.count; i++)
		file_judge(list.paths[i], engine, null, &failed);
	printf("1..%zu\n", list.count);
	fclose(null);
	plain_engine_free(engine);
	vector_list_free(&list);
	return failed != 0;
}
