/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a transfer costs: `meson test --benchmark`. A zone of 100,000 names and one of a million
 * records, from each real server that is installed, signed and unsigned; one line per case with the
 * medians of five runs. Fails only if it can't run.
 */
#include "control/zone/transfer.h"
#include "tests/unit/zone/server.h"
#include "tests/unit/zone/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define RUNS 5

/* "open." for everybody; a TLD-like mix: delegations with two name servers, some with glue and
 * DS, for the small zone; one address per name for the large one. */
static void write_zone(const char *path, const char *kind)
{
	FILE *file = fopen(path, "we");

	if (!file)
		abort();
	fputs("@ 3600 SOA ns hostmaster 1 3600 600 604800 300\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n",
		file);
	if (!strcmp(kind, "delegations")) {
		for (int i = 0; i < 100000; i++) {
			fprintf(file, "d%06d 3600 NS ns1.host%d.example.\n", i, i % 1000);
			fprintf(file, "d%06d 3600 NS ns2.host%d.example.\n", i, i % 1000);
			if (i % 4 == 0)
				fprintf(file, "d%06d 3600 DS %d 13 2 %064X\n", i, i & 0xffff,
					(unsigned)i);
		}
	} else {
		for (int i = 0; i < 1000000; i++)
			fprintf(file, "name%07d 300 A 10.%d.%d.%d\n", i, i >> 16, i >> 8 & 255,
				i & 255);
	}
	if (fclose(file))
		abort();
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Milliseconds of CPU that this thread has taken: what others do on the machine isn't in it. */
static double cpu_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

static int measure(const struct server *server, const char *kind, const char *name, struct key *key)
{
	static const struct zone_limits unlimited;
	struct stream_options options = server_options(server);
	struct transfer_figures figures;
	struct zone_fault fault;
	double ms[RUNS], cpu[RUNS], memory = 0, wire = 0;
	unsigned long records = 0;
	uint8_t origin[NAME_MAX_SIZE];

	name_from_text(origin, name);
	for (int i = 0; i < RUNS; i++) {
		struct zone *zone;
		double began = cpu_ms();

		if (transfer_run(&zone, &options, origin, key, &unlimited, -1, &figures, &fault)) {
			printf("%s: %s\n", server_names[server->kind], fault.text);
			return 1;
		}
		cpu[i] = cpu_ms() - began;
		ms[i] = (double)figures.took.ns / 1e6;
		memory = (double)zone->memory;
		wire = (double)zone->wire_size;
		records = zone->record_count;
		zone_free(zone);
	}
	qsort(ms, RUNS, sizeof(*ms), double_compare);
	qsort(cpu, RUNS, sizeof(*cpu), double_compare);
	printf("%-5s %-12s %8lu records %-8s %5.0f ms (%.0f to %.0f), CPU %4.0f ms, %6.1f MB "
	       "received, %5lu "
	       "messages, store %.1f MB = %.2f x wire\n",
		server_names[server->kind], kind, records, key ? "signed" : "unsigned",
		ms[RUNS / 2], ms[0], ms[RUNS - 1], cpu[RUNS / 2], (double)figures.octets / 1e6,
		(unsigned long)figures.messages, memory / 1e6, memory / wire);
	fflush(stdout);
	return 0;
}

static int run(enum server_kind kind, const char *zone_kind)
{
	static const char *const origins[] = {"open."};
	struct server server;
	int failed;

	server_prepare(&server, kind);
	char *path = server_zone(&server, "open.", NULL);
	write_zone(path, zone_kind);
	server_start(&server, origins, 1);
	struct key *key = server_key(&server, "mirror", WIRE_SECRET);
	failed = measure(&server, zone_kind, "open.", NULL);
	failed |= measure(&server, zone_kind, "open.", key);
	key_free(key);
	free(path);
	server_stop(&server);
	return failed;
}

int main(void)
{
	struct rusage usage;
	int failed = 0;

	for (enum server_kind kind = 0; kind < SERVER_KINDS; kind++) {
		if (!server_is_here(kind)) {
			printf("%s isn't installed\n", server_names[kind]);
			continue;
		}
		failed |= run(kind, "delegations");
		failed |= run(kind, "addresses");
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("peak resident %ld MB\n", usage.ru_maxrss / 1024);
	return failed;
}
