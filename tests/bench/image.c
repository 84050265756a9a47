/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the image costs: compile, first publish, a later version of which 1 in 1,000 names changed,
 * one that changed by a fifth, the checker's walk, adoption; and bytes per name, per byte of the
 * zone on the wire. Needs no root: plain memory, no readers, so a grace period takes no time here
 * (8 to 20 ms under XDP).
 *
 *     image [names...]                 default: 1000 100000
 *     image --zone ORIGIN=FILE         a real zone
 *     --max-seconds S --max-ratio R    fail above
 */
#include "control/zone/image_check.h"
#include "tests/host/zone_image.h"
#include "tests/host/zone_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SHARD_SHIFT 26

static double max_seconds, max_ratio;
static int failures;

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-error));
	exit(1);
}

/* Bytes of pages in use: what the image really takes. */
static uint64_t image_bytes(const struct zone_image *z, struct image_usage *usage)
{
	image_usage(z->image, usage);
	return usage->size - usage->unused;
}

/* The longest time for which the writer let nobody in. */
static double gap_began, gap_longest;

static void gap_end(void *context)
{
	double now = now_ms();

	if (now - gap_began > gap_longest)
		gap_longest = now - gap_began;
	gap_began = now;
}

static double publish(struct zone_image *z, const struct zone *zone, double *compile_ms,
	struct image_result *result)
{
	double start = now_ms(), compiled_at;
	struct compiled *compiled;

	check(compile_zone(&compiled, zone), "compile");
	compiled_at = now_ms();
	*compile_ms = compiled_at - start;
	gap_began = compiled_at;
	gap_longest = 0;
	check(image_zone_publish(z->image, compiled, UINT64_MAX, result), "publish");
	check(image_settle(z->image), "settle");
	gap_end(NULL);
	double end = now_ms();
	check(image_settle(z->image), "settle"); /* frees what the first unlinked: for the sizes */
	compiled_free(compiled);
	return end - compiled_at;
}

static void limit(const char *what, double value, double most)
{
	if (most > 0 && value > most) {
		printf("  %s %.2f is above %.2f\n", what, value, most);
		failures++;
	}
}

static void open_image(struct zone_image *z, const struct zone *zone)
{
	uint32_t shards = (uint32_t)(zone->wire_size * 8 >> SHARD_SHIFT) + 2;

	const struct image_options options = {.between = gap_end};
	struct engine_memory *memory = &z->memory;

	check(zone_image_open(z, shards, SHARD_SHIFT), "memory");
	/* Again, with somebody who wants to be let in. */
	image_close(z->image);
	check(image_open(&z->image, &memory, 1, &options, NULL), "open");
	check(image_zone_add(z->image, zone_origin(zone)), "add");
}

static void adopt_measure(struct zone_image *z)
{
	struct engine_memory *memory = &z->memory;
	const struct image_options options = {.between = gap_end};
	struct image_report report;
	double start = now_ms(), walked;
	bool adopted;

	check(image_check(memory, true, NULL, &report), report.error);
	walked = now_ms();
	image_close(z->image);
	check(image_open(&z->image, &memory, 1, &options, &adopted), "adopt");
	printf("  check %.0f ms, adopt %.0f ms%s\n", walked - start, now_ms() - walked,
		adopted ? "" : " (formatted!)");
	failures += !adopted;
}

static void first_measure(struct zone_image *z, const struct zone *zone, const char *name)
{
	struct image_usage usage;
	struct image_result result;
	double compile_ms, publish_ms = publish(z, zone, &compile_ms, &result);
	uint64_t bytes = image_bytes(z, &usage), names = usage.names;
	double ratio = (double)bytes / (double)zone->wire_size;

	printf("%s: %llu names, %llu records, %llu bytes on the wire\n", name,
		(unsigned long long)names, (unsigned long long)zone->record_count,
		(unsigned long long)zone->wire_size);
	printf("  compile %.0f ms, publish %.0f ms (a bypass waits %.0f ms at most)\n", compile_ms,
		publish_ms, gap_longest);
	printf("  image %llu bytes, %.1f a name (entries %.1f, index %.1f), %.2f of the wire "
	       "size\n",
		(unsigned long long)bytes, (double)bytes / (double)names,
		(double)usage.entries / (double)names, (double)usage.index / (double)names, ratio);
	limit("seconds", (compile_ms + publish_ms) / 1e3, max_seconds);
	limit("ratio", ratio, max_ratio);
}

static void change_measure(struct zone_image *z, const struct zone *zone, const char *what)
{
	struct image_usage usage;
	struct image_result result;
	double compile_ms, publish_ms = publish(z, zone, &compile_ms, &result);
	uint64_t bytes = image_bytes(z, &usage);

	printf("  %s: compile %.0f ms, publish %.0f ms (%.0f ms), %u kept, %u replaced, %u added, "
	       "%u "
	       "removed%s, %.2f "
	       "of the wire size (entries %.1f a name, index %.1f)\n",
		what, compile_ms, publish_ms, gap_longest, result.kept, result.replaced,
		result.added, result.removed, result.instance ? ", new instance" : "",
		(double)bytes / (double)zone->wire_size,
		(double)usage.entries / (double)usage.names,
		(double)usage.index / (double)usage.names);
}

static void sample_measure(enum zone_sample_kind kind, uint32_t names)
{
	const char *name = kind == ZONE_SAMPLE_TLD ? "delegations" : "hosts";
	struct zone_image z;
	struct zone *zone;

	check(zone_sample(&zone, kind, "example.com.", names, 1, names / 1000), "sample");
	open_image(&z, zone);
	first_measure(&z, zone, name);
	zone_free(zone);
	check(zone_sample(&zone, kind, "example.com.", names, 2, names / 1000), "sample");
	change_measure(&z, zone, "1 in 1000 changed");
	zone_free(zone);
	check(zone_sample(&zone, kind, "example.com.", names, 3, names / 5), "sample");
	change_measure(&z, zone, "1 in 5 changed");
	zone_free(zone);
	adopt_measure(&z);
	zone_image_close(&z);
}

static void file_measure(const char *argument)
{
	const struct zone_limits limits = {0};
	const char *path = strchr(argument, '=');
	char origin[NAME_TEXT_SIZE], reason[ZONE_REASON_SIZE];
	struct zone_image z;
	struct zone *zone;

	if (!path || (size_t)(path - argument) >= sizeof(origin)) {
		fprintf(stderr, "--zone ORIGIN=FILE\n");
		exit(2);
	}
	snprintf(origin, sizeof(origin), "%.*s", (int)(path - argument), argument);
	if (zone_text_load(&zone, path + 1, origin, &limits, reason)) {
		fprintf(stderr, "%s\n", reason);
		exit(1);
	}
	open_image(&z, zone);
	first_measure(&z, zone, origin);
	change_measure(&z, zone, "again");
	adopt_measure(&z);
	zone_image_close(&z);
	zone_free(zone);
}

int main(int argc, char **argv)
{
	bool measured = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--max-seconds") && i + 1 < argc) {
			max_seconds = atof(argv[++i]);
		} else if (!strcmp(argv[i], "--max-ratio") && i + 1 < argc) {
			max_ratio = atof(argv[++i]);
		} else if (!strcmp(argv[i], "--zone") && i + 1 < argc) {
			file_measure(argv[++i]);
			measured = true;
		} else {
			sample_measure(ZONE_SAMPLE_TLD, (uint32_t)atol(argv[i]));
			sample_measure(ZONE_SAMPLE_HOSTS, (uint32_t)atol(argv[i]));
			measured = true;
		}
	}
	for (unsigned i = 0; i < 2 && !measured; i++) {
		const uint32_t names[] = {1000, 100000};
		sample_measure(ZONE_SAMPLE_TLD, names[i]);
		sample_measure(ZONE_SAMPLE_HOSTS, names[i]);
	}
	return failures ? 1 : 0;
}
