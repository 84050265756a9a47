/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an answer costs, in bare reflectors (swap addresses, XDP_TX).
 *
 * In: nothing. Out: a line "<case> <ratio>" for each case. A case is a question (hit, referral,
 * nodata, nxdomain, wildcard) asked of a zone of a thousand names, of a million names at random
 * ("-random"), of a thousand names in 10,000 zones of a hundred ("-zones"), or of all of these at
 * random ("-zones-random"). IPv4, but for "-ipv6". "-nsec" and "-nsec3" are signed zones, asked
 * with DO as everything is here: signatures and proofs come along; their delegations have a DS, but
 * in
 * "-opt-out". "-cookie" comes with a good DNS cookie.
 *
 * cost = full - restore + reflector, where full and restore are the programs of core.bpf.c; ratio =
 * cost / reflector; the three are timed in turn on one CPU, and the median of the rounds' ratios is
 * printed. Counters, settings, lease and versions are all in. A case counts only if every run of it
 * was answered from the image: the counters tell.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include "core.skel.h"
#include "dataset.h"
#include "engine_parts.h"
#include "measure.h"
#include "tests/host/ask.h"
#include "tests/host/sandbox.h"
#include "tests/host/second.h"

#define IMAGE_BYTES    (256ull << 20) /* one shard: what a node has that isn't a large one */
#define IMAGE_LARGE    (1ull << 30)   /* a million signed names */
#define HOT_PACKETS    1024u
#define RANDOM_PACKETS (1u << 20)
#define ROUNDS_MAX     101
#define REFLECTIONS    400000u

struct plan {
	int rounds;
	uint32_t repeat_hot, repeat_random; /* runs of a program in a round */
	bool verbose;
	const char *only; /* pattern of the cases to run, or NULL */
	double limit;     /* for the case "hit"; 0 = none */
};

struct bench {
	const struct plan *plan;
	struct engine *engine;
	uint64_t image_bytes; /* of the engine */
	struct core_bpf *skeleton;
	const struct dataset *dataset; /* that the image holds */
	struct core_packet *packets;
	uint32_t packet_count; /* of the loaded object's table */
};

static int complain(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int complain(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, err ? ": %s\n" : "\n", strerror(-err));
	return err ? err : -EIO;
}

static int no_grace(void *engine)
{
	return 0; /* nobody reads while the image is written */
}

static size_t table_bytes(uint32_t packets)
{
	return (size_t)packets * sizeof(struct core_packet);
}

static void bench_unload(struct bench *b)
{
	if (b->packets)
		munmap(b->packets, table_bytes(b->packet_count));
	b->packets = NULL;
	core_bpf__destroy(b->skeleton);
	b->skeleton = NULL;
}

/* The object's maps are the engine's; the table is its own. */
static int bench_load(struct bench *b, uint32_t packets)
{
	int err;

	if (b->packets && b->packet_count == packets)
		return 0;
	bench_unload(b);
	b->packet_count = packets;
	err = second_begin();
	if (err)
		return complain(err, "prepare to load the BPF object");
	b->skeleton = core_bpf__open();
	if (!b->skeleton)
		return complain(-errno, "open the BPF object");
	b->skeleton->rodata->packet_mask = packets - 1;
	err = bpf_map__set_max_entries(b->skeleton->maps.packets, packets);
	if (!err)
		err = second_load(b->skeleton->obj, b->engine);
	if (err)
		return complain(err, "load the BPF object: %s", loadlog_tail());
	b->packets = mmap(NULL, table_bytes(packets), PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(b->skeleton->maps.packets), 0);
	if (b->packets == MAP_FAILED) {
		b->packets = NULL;
		return complain(-errno, "map the table of packets");
	}
	return 0;
}

static uint64_t answered(const struct bench *b)
{
	const struct engine_memory *m = engine_memory(b->engine);
	uint64_t sum = 0;

	for (uint32_t row = 0; row < m->rows; row++)
		for (uint32_t i = 0; i < SETTINGS_IFACES; i++)
			sum += m->counters[row].paths[i][0].fast +
			       m->counters[row].paths[i][1].fast;
	return sum;
}

/* Some packets of the table, one by one: do they get the answers that the case is about? */
static int bench_check(struct bench *b, const struct asking *asking)
{
	for (uint32_t i = 0; i < 64; i++) {
		uint8_t frame[CORE_PACKET_MAX] = {0}, reply[2048];
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
			.data_out = reply, .data_size_out = sizeof(reply), .repeat = 1);

		if (bpf_prog_test_run_opts(bpf_program__fd(b->skeleton->progs.core_full), &run) !=
			0)
			return complain(-errno, "test run");
		if (run.retval != XDP_TX ||
			!dataset_reply_fits(b->dataset, asking, reply, run.data_size_out))
			return complain(0, "question %u of %s gets another answer (action %u)", i,
				question_names[asking->question], run.retval);
	}
	return 0;
}

/* ns per run of each program; in a round, or the least of all rounds. */
struct round {
	double reflector, restore, full;
};

static double round_cost(const struct round *round)
{
	return round->full - round->restore + round->reflector;
}

static void round_least(struct round *least, const struct round *round)
{
	if (round->reflector < least->reflector)
		least->reflector = round->reflector;
	if (round->restore < least->restore)
		least->restore = round->restore;
	if (round->full < least->full)
		least->full = round->full;
}

static int bench_round(struct bench *b, uint32_t repeat, struct round *round)
{
	uint8_t frame[CORE_PACKET_MAX] = {0};
	uint64_t before;

	round->reflector = measure_run(bpf_program__fd(b->skeleton->progs.core_reflect), frame,
		sizeof(frame), REFLECTIONS, NULL);
	round->restore = measure_run(bpf_program__fd(b->skeleton->progs.core_restore), frame,
		sizeof(frame), repeat, NULL);
	before = answered(b);
	round->full = measure_run(
		bpf_program__fd(b->skeleton->progs.core_full), frame, sizeof(frame), repeat, NULL);
	if (round->reflector < 0 || round->restore < 0 || round->full < 0)
		return complain(0, "a test run failed");
	if (answered(b) - before != repeat)
		return complain(0, "%llu of %u questions were answered",
			(unsigned long long)(answered(b) - before), repeat);
	return 0;
}

static void bench_close(struct bench *b)
{
	bench_unload(b);
	if (b->engine)
		engine_remove(b->engine);
	b->engine = NULL;
}

/* An engine with room for the data set. */
static int bench_engine(struct bench *b, const struct dataset *dataset)
{
	bool large = dataset->signing.denial != ZONE_UNSIGNED && dataset->hosts > 100000;
	uint64_t bytes = large ? IMAGE_LARGE : IMAGE_BYTES;
	struct engine_options options = {.instance = "bench", .image_bytes = bytes};
	char error[1024];
	bool adopted;

	if (b->engine && b->image_bytes == bytes)
		return 0;
	bench_close(b);
	if (engine_open(&b->engine, &options, &adopted, error, sizeof(error)))
		return complain(0, "%s", error);
	b->image_bytes = bytes;
	dataset_settings(engine_memory(b->engine)->settings);
	return 0;
}

/* The image holds this data set and nothing else. */
static int bench_publish(struct bench *b, const struct dataset *dataset)
{
	struct engine_memory memory, *list[] = {&memory};
	struct image *image = NULL;
	struct image_usage usage;
	int err;

	if (b->dataset == dataset)
		return 0;
	b->dataset = NULL;
	err = bench_engine(b, dataset);
	if (err)
		return err;
	memory = *engine_memory(b->engine);
	memory.grace = no_grace;
	memset(memory.image, 0, sizeof(struct image_header)); /* not the last data set's */
	err = image_open(&image, list, 1, &(struct image_options){0}, NULL);
	if (!err)
		err = dataset_publish(dataset, image);
	if (err) {
		image_close(image);
		return complain(err, "publish %u zones", dataset->zones);
	}
	image_usage(image, &usage);
	if (b->plan->verbose)
		fprintf(stderr, "%u zones, %llu names, %llu KiB of image\n", usage.zone_count,
			(unsigned long long)usage.names,
			(unsigned long long)(usage.size - usage.unused) >> 10);
	image_close(image);
	b->dataset = dataset;
	return 0;
}

/* What is asked, of which data. */
struct bench_case {
	const char *name;
	const struct dataset *dataset;
	struct asking asking;
	bool random; /* all names; otherwise a thousand */
};

static void bench_fill(struct bench *b, const struct bench_case *c)
{
	uint64_t number = 0x2545f4914f6cdd1dull;

	for (uint32_t i = 0; i < b->packet_count; i++) {
		number ^= number << 13, number ^= number >> 7, number ^= number << 17;
		dataset_question(c->dataset, &c->asking,
			number % ((uint64_t)c->dataset->zones * c->dataset->hosts), &b->packets[i]);
	}
}

static int bench_measure(struct bench *b, const struct bench_case *c)
{
	const struct plan *plan = b->plan;
	double ratios[ROUNDS_MAX], costs[ROUNDS_MAX], reflectors[ROUNDS_MAX];
	struct round round, least = {1e9, 1e9, 1e9};
	int err = bench_publish(b, c->dataset);

	if (!err)
		err = bench_load(b, c->random ? RANDOM_PACKETS : HOT_PACKETS);
	if (err)
		return err;
	bench_fill(b, c);
	err = bench_check(b, &c->asking);
	for (int i = 0; i < plan->rounds && !err; i++) {
		err = bench_round(b, c->random ? plan->repeat_random : plan->repeat_hot, &round);
		costs[i] = round_cost(&round);
		reflectors[i] = round.reflector;
		ratios[i] = costs[i] / reflectors[i];
		round_least(&least, &round);
	}
	if (err)
		return err;
	printf("%s %.2f", c->name, measure_median(ratios, (size_t)plan->rounds));
	if (plan->verbose)
		printf("    %.1f ns, reflector %.1f ns; least %.1f, %.1f",
			measure_median(costs, (size_t)plan->rounds),
			measure_median(reflectors, (size_t)plan->rounds), round_cost(&least),
			least.reflector);
	printf("\n");
	fflush(stdout);
	if (plan->limit > 0 && strcmp(c->name, "hit") == 0 &&
		ratios[plan->rounds / 2] > plan->limit)
		return complain(0, "a hit costs more than %.2f reflectors", plan->limit);
	return 0;
}

#define THOUSAND .zones = 1, .hosts = 1000
#define MILLION  .zones = 1, .hosts = 1000000
#define NSEC     .signing = {.denial = ZONE_NSEC}
#define NSEC3    .signing = {.denial = ZONE_NSEC3}
#define OPT_OUT  .signing = {.denial = ZONE_NSEC3, .opt_out = true}

static const struct dataset thousand = {THOUSAND}, million = {MILLION},
			    stars = {THOUSAND, .wildcards = true},
			    million_stars = {MILLION, .wildcards = true},
			    zones = {.zones = 10000, .hosts = 100},
			    nsec = {THOUSAND, NSEC, .secure = true},
			    million_nsec = {MILLION, NSEC, .secure = true},
			    nsec3 = {THOUSAND, NSEC3, .secure = true},
			    million_nsec3 = {MILLION, NSEC3, .secure = true},
			    opt_out = {THOUSAND, OPT_OUT}, million_opt_out = {MILLION, OPT_OUT},
			    stars_nsec = {THOUSAND, NSEC, .wildcards = true},
			    million_stars_nsec = {MILLION, NSEC, .wildcards = true},
			    stars_nsec3 = {THOUSAND, NSEC3, .wildcards = true},
			    million_stars_nsec3 = {MILLION, NSEC3, .wildcards = true};

/* Those of a data set stand together: it is made and published for the first. */
static const struct bench_case cases[] = {
	{"hit", &thousand, {QUESTION_HIT}},
	{"hit-cookie", &thousand, {QUESTION_HIT, .cookie = true}},
	{"referral", &thousand, {QUESTION_REFERRAL}},
	{"nodata", &thousand, {QUESTION_NODATA}},
	{"nxdomain", &thousand, {QUESTION_NXDOMAIN}},
	{"hit-ipv6", &thousand, {QUESTION_HIT, .ipv6 = true}},
	{"hit-random", &million, {QUESTION_HIT}, .random = true},
	{"referral-random", &million, {QUESTION_REFERRAL}, .random = true},
	{"nodata-random", &million, {QUESTION_NODATA}, .random = true},
	{"nxdomain-random", &million, {QUESTION_NXDOMAIN}, .random = true},
	{"wildcard", &stars, {QUESTION_WILDCARD}},
	{"wildcard-random", &million_stars, {QUESTION_WILDCARD}, .random = true},
	{"hit-zones", &zones, {QUESTION_HIT}},
	{"referral-zones", &zones, {QUESTION_REFERRAL}},
	{"nodata-zones", &zones, {QUESTION_NODATA}},
	{"nxdomain-zones", &zones, {QUESTION_NXDOMAIN}},
	{"hit-zones-random", &zones, {QUESTION_HIT}, .random = true},
	{"referral-zones-random", &zones, {QUESTION_REFERRAL}, .random = true},
	{"nodata-zones-random", &zones, {QUESTION_NODATA}, .random = true},
	{"nxdomain-zones-random", &zones, {QUESTION_NXDOMAIN}, .random = true},
	{"hit-nsec", &nsec, {QUESTION_HIT}},
	{"referral-nsec", &nsec, {QUESTION_REFERRAL}},
	{"nodata-nsec", &nsec, {QUESTION_NODATA}},
	{"nxdomain-nsec", &nsec, {QUESTION_NXDOMAIN}},
	{"referral-nsec3", &nsec3, {QUESTION_REFERRAL}},
	{"nodata-nsec3", &nsec3, {QUESTION_NODATA}},
	{"nxdomain-nsec3", &nsec3, {QUESTION_NXDOMAIN}},
	{"referral-opt-out", &opt_out, {QUESTION_REFERRAL}},
	{"wildcard-nsec", &stars_nsec, {QUESTION_WILDCARD}},
	{"wildcard-nsec3", &stars_nsec3, {QUESTION_WILDCARD}},
	{"hit-nsec-random", &million_nsec, {QUESTION_HIT}, .random = true},
	{"referral-nsec-random", &million_nsec, {QUESTION_REFERRAL}, .random = true},
	{"nodata-nsec-random", &million_nsec, {QUESTION_NODATA}, .random = true},
	{"nxdomain-nsec-random", &million_nsec, {QUESTION_NXDOMAIN}, .random = true},
	{"referral-nsec3-random", &million_nsec3, {QUESTION_REFERRAL}, .random = true},
	{"nodata-nsec3-random", &million_nsec3, {QUESTION_NODATA}, .random = true},
	{"nxdomain-nsec3-random", &million_nsec3, {QUESTION_NXDOMAIN}, .random = true},
	{"referral-opt-out-random", &million_opt_out, {QUESTION_REFERRAL}, .random = true},
	{"wildcard-nsec-random", &million_stars_nsec, {QUESTION_WILDCARD}, .random = true},
	{"wildcard-nsec3-random", &million_stars_nsec3, {QUESTION_WILDCARD}, .random = true},
};

static int bench_run(const struct plan *plan)
{
	struct bench bench = {.plan = plan};
	int err = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && !err; i++)
		if (!plan->only || fnmatch(plan->only, cases[i].name, 0) == 0)
			err = bench_measure(&bench, &cases[i]);
	bench_close(&bench);
	return err;
}

static void usage(FILE *to)
{
	fprintf(to, "Usage: bench-core [OPTION]...\n"
		    "What an answer costs, in bare reflectors; a line for each case.\n"
		    "  -q, --quick        fewer rounds\n"
		    "  -c, --cpu=N        stay on this CPU (default: the last one)\n"
		    "  -o, --only=PATTERN only cases whose name matches (as in a shell)\n"
		    "  -m, --max=RATIO    fail if the case \"hit\" costs more\n"
		    "  -v, --verbose      nanoseconds as well\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"quick", no_argument, NULL, 'q'},
		{"cpu", required_argument, NULL, 'c'},
		{"only", required_argument, NULL, 'o'},
		{"max", required_argument, NULL, 'm'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct plan plan = {.rounds = 31, .repeat_hot = 300000, .repeat_random = 1u << 20};
	int option, err, cpu = -1;

	while ((option = getopt_long(argc, argv, "qc:o:m:vh", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			plan.rounds = 15;
			plan.repeat_hot = 50000;
			plan.repeat_random = 1u << 17;
			break;
		case 'c':
			cpu = atoi(optarg);
			break;
		case 'o':
			plan.only = optarg;
			break;
		case 'm':
			plan.limit = atof(optarg);
			break;
		case 'v':
			plan.verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	err = sandbox_enter();
	if (err)
		return err == -EPERM ? SANDBOX_SKIP : 1;
	cpu = measure_pin(cpu);
	if (cpu < 0) {
		complain(cpu, "stay on one CPU");
		return 1;
	}
	return bench_run(&plan) ? 1 : 0;
}
