/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the zone store costs: `meson test --benchmark`. Prints one line per case: records, build
 * time, look-up time, octets of arena per octet of wire format. Fails only if it can't run.
 */
#include "control/zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* Owner names like a TLD's: "<random letters><number>.example." */
static size_t owner_write(uint8_t *owner, uint32_t n)
{
	char label[64];
	uint32_t mixed = n * 2654435761u;
	int size = snprintf(label, sizeof(label), "%c%c%c%u", 'a' + mixed % 26,
		'a' + mixed / 26 % 26, 'a' + mixed / 676 % 26, n);

	owner[0] = (uint8_t)size;
	memcpy(owner + 1, label, (size_t)size);
	memcpy(owner + 1 + size, "\7example", 9);
	return (size_t)size + 10;
}

static int order_compare(const void *a, const void *b)
{
	uint8_t x[NAME_MAX_SIZE], y[NAME_MAX_SIZE];

	owner_write(x, *(const uint32_t *)a);
	owner_write(y, *(const uint32_t *)b);
	return name_compare(x, y, NULL);
}

static int run(const char *label, const uint32_t *order, uint32_t names, int records_each)
{
	static const struct zone_limits unlimited;
	static const uint8_t origin[] = "\7example";
	struct zone_builder *builder = NULL;
	struct zone *zone = NULL;
	uint8_t owner[NAME_MAX_SIZE], rdata[22] = {0};
	struct zone_record record = {origin, rdata, 3600, 9, 22, RR_SOA, RR_CLASS_IN};
	double start = now_ms();

	if (zone_builder_new(&builder, origin, &unlimited) || zone_builder_add(builder, &record))
		return 1;
	for (uint32_t i = 0; i < names; i++) {
		record.owner = owner;
		record.owner_size = (uint16_t)owner_write(owner, order[i]);
		record.type = RR_A;
		record.rdata_size = 4;
		for (int n = 0; n < records_each; n++) {
			memcpy(rdata, &i, 4);
			rdata[3] = (uint8_t)n;
			if (zone_builder_add(builder, &record))
				return 1;
		}
	}
	double added = now_ms();
	if (zone_builder_finish(builder, &zone))
		return 1;
	double finished = now_ms();
	uint32_t found = 0;
	for (uint32_t i = 0; i < names; i++) {
		/* 7919 is a prime: each name once, and not in order */
		owner_write(owner, order[i * UINT64_C(7919) % names]);
		found += zone_find(zone, owner) != NULL;
	}
	double looked = now_ms();
	printf("%s: %lu records, add %.0f ms, finish %.0f ms, find %.0f ns, arena %.2f x wire "
	       "(%.1f MB)\n",
		label, (unsigned long)zone->record_count, added - start, finished - added,
		(looked - finished) * 1e6 / names, (double)zone->memory / (double)zone->wire_size,
		(double)zone->memory / 1e6);
	zone_builder_free(builder);
	zone_free(zone);
	if (found != names)
		fprintf(stderr, "%s: %u of %u names found\n", label, found, names);
	return found != names;
}

int main(void)
{
	const uint32_t names = 1000000;
	uint32_t *order = calloc(names, sizeof(*order));
	struct rusage usage;
	int failed = 0;

	if (!order)
		return 1;
	for (uint32_t i = 0; i < names; i++)
		order[i] = i;
	failed |= run("any order   ", order, names, 1);
	qsort(order, names, sizeof(*order), order_compare);
	failed |= run("in order    ", order, names, 1);
	failed |= run("4 per name  ", order, names / 4, 4);
	getrusage(RUSAGE_SELF, &usage);
	printf("peak resident %ld MB\n", usage.ru_maxrss / 1024);
	free(order);
	return failed;
}
