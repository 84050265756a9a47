/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the image costs: taking the records of a transfer, compile, first publish, a later version
 * of which 1 in 1,000 names changed, one that changed by a fifth, the checker's walk, adoption;
 * bytes per name, per byte of the zone on the wire, and what the process takes at most. Needs no
 * root: plain memory, no readers, so a grace period takes no time here (8 to 20 ms under XDP).
 *
 *     image [names...]                     default: 1000 100000
 *     image --zone ORIGIN=FILE             a real zone
 *     --sign nsec|nsec3|opt-out|none       what follows is signed (tests/host/zone_signing.h)
 *     --max-seconds S --max-ratio R        fail above
 */
#include "control/zone/image_check.h"
#include "tests/host/zone_image.h"
#include "tests/host/zone_sample.h"
#include "tests/host/zone_signing.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHARD_SHIFT 26

static double max_seconds, max_ratio;
static struct zone_signing signing;
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

/* ---- what the process takes ---- */

/* A line of /proc/self/status, in MiB. */
static double status_mib(const char *what)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, what, strlen(what)) == 0)
			kib = atof(line + strlen(what) + 1);
	}
	if (file)
		fclose(file);
	return kib / 1024;
}

/* The most from now on is counted afresh. What there is now, in MiB. */
static double peak_begin(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY);

	malloc_trim(0);
	if (fd < 0 || write(fd, "5", 1) != 1)
		fprintf(stderr, "the peaks below are those of all that was before, too\n");
	if (fd >= 0)
		close(fd);
	return status_mib("VmRSS");
}

static double peak_end(double before)
{
	return status_mib("VmHWM") - before;
}

/* The zone once more, as a transfer builds it: record by record. */
static struct zone *zone_take(struct zone *from)
{
	double start, before = peak_begin();
	struct zone_builder *builder;
	struct zone *zone;

	start = now_ms();
	check(zone_builder_new(&builder, zone_origin(from), &(struct zone_limits){0}), "builder");
	for (uint32_t i = 0; i < from->node_count; i++) {
		const struct zone_node *node = &from->nodes[i];

		for (uint32_t r = 0; r < node->rrset_count; r++) {
			struct zone_rdata at = {0};

			while (zone_rdata_next(&node->rrsets[r], &at))
				check(zone_builder_add(
					      builder, &(struct zone_record){.owner = node->cased,
							       .owner_size = node->name_size,
							       .rdata = at.data,
							       .rdata_size = at.size,
							       .ttl = node->rrsets[r].ttl,
							       .type = node->rrsets[r].type,
							       .class = RR_CLASS_IN}),
					"record");
		}
	}
	check(zone_builder_finish(builder, &zone), "finish");
	zone_builder_free(builder);
	printf("  taken in %.0f ms, %.0f MiB at most, then %.0f\n", now_ms() - start,
		peak_end(before), (double)zone->memory / 1048576);
	zone_free(from);
	return zone;
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

static struct zone *first_measure(struct zone_image *z, struct zone *zone, const char *name)
{
	struct image_usage usage;
	struct image_result result;
	double compile_ms, publish_ms, ratio, before;
	uint64_t bytes, names;

	printf("%s: %llu records, %llu bytes on the wire\n", name,
		(unsigned long long)zone->record_count, (unsigned long long)zone->wire_size);
	zone = zone_take(zone);
	before = peak_begin() - (double)zone->memory / 1048576;
	publish_ms = publish(z, zone, &compile_ms, &result);
	bytes = image_bytes(z, &usage);
	names = usage.names;
	ratio = (double)bytes / (double)zone->wire_size;
	printf("  compile %.0f ms, publish %.0f ms (a bypass waits %.0f ms at most), %.0f MiB at "
	       "most\n",
		compile_ms, publish_ms, gap_longest, peak_end(before));
	printf("  image %llu names, %llu bytes, %.1f a name (entries %.1f, index %.1f), %.2f of "
	       "the wire size\n",
		(unsigned long long)names, (unsigned long long)bytes, (double)bytes / (double)names,
		(double)usage.entries / (double)names, (double)usage.index / (double)names, ratio);
	limit("seconds", (compile_ms + publish_ms) / 1e3, max_seconds);
	limit("ratio", ratio, max_ratio);
	return zone;
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

static struct zone *sample_make(
	enum zone_sample_kind kind, uint32_t names, uint32_t version, uint32_t changes)
{
	struct zone *plain, *zone;

	check(zone_sample(&plain, kind, "example.com.", names, version, changes), "sample");
	check(zone_sign(&zone, plain, &signing), "sign");
	zone_free(plain);
	return zone;
}

static void sample_measure(enum zone_sample_kind kind, uint32_t names)
{
	static const char *const denials[] = {"", ", NSEC", ", NSEC3"};
	struct zone *zone = sample_make(kind, names, 1, names / 1000);
	struct zone_image z;
	char name[80];

	snprintf(name, sizeof(name), "%u %s%s%s", names,
		kind == ZONE_SAMPLE_TLD ? "delegations" : "hosts", denials[signing.denial],
		signing.opt_out ? " with opt-out" : "");
	open_image(&z, zone);
	zone = first_measure(&z, zone, name);
	zone_free(zone);
	zone = sample_make(kind, names, 2, names / 1000);
	change_measure(&z, zone, "1 in 1000 changed");
	zone_free(zone);
	zone = sample_make(kind, names, 3, names / 5);
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
	zone = first_measure(&z, zone, origin);
	change_measure(&z, zone, "again");
	adopt_measure(&z);
	zone_image_close(&z);
	zone_free(zone);
}

static void signing_read(const char *argument)
{
	static const struct {
		const char *name;
		struct zone_signing signing;
	} known[] = {
		{"none", {0}},
		{"nsec", {.denial = ZONE_NSEC}},
		{"nsec3", {.denial = ZONE_NSEC3}},
		{"opt-out", {.denial = ZONE_NSEC3, .opt_out = true}},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(argument, known[i].name) == 0) {
			signing = known[i].signing;
			return;
		}
	}
	fprintf(stderr, "--sign none|nsec|nsec3|opt-out\n");
	exit(2);
}

int main(int argc, char **argv)
{
	bool measured = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--max-seconds") && i + 1 < argc) {
			max_seconds = atof(argv[++i]);
		} else if (!strcmp(argv[i], "--max-ratio") && i + 1 < argc) {
			max_ratio = atof(argv[++i]);
		} else if (!strcmp(argv[i], "--sign") && i + 1 < argc) {
			signing_read(argv[++i]);
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
