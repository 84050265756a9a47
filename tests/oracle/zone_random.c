/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone that nobody would write: the same for the same seed.
 *
 *     zone_random SEED NAMES     zone-file text without $ORIGIN on standard output
 *
 * Owner names are drawn from few labels, so that they meet: wildcards beside and below cuts,
 * aliases at what another alias names, empty non-terminals, names hidden by a delegation. It keeps
 * to what every server loads: an alias alone at its name, nothing below a DNAME, one DNAME a name.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 5000
#define NAME_SIZE 96
#define DEPTH_MAX 5

struct owner {
	char name[NAME_SIZE];
	bool moved; /* holds a DNAME */
};

static uint64_t state;
static struct owner owners[NAMES_MAX];
static size_t owner_count;

static uint32_t below(uint32_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * limit >> 32);
}

static const char *label_draw(void)
{
	static const char *const labels[] = {"a", "b", "c", "d", "www", "*", "*", "mail", "x-1",
		"_tcp", "ns", "\\001", "a\\.b", "\\255", "Zz", "zz-zz", "9",
		"long-label-that-takes-room"};

	return labels[below(sizeof(labels) / sizeof(*labels))];
}

static void name_draw(char name[NAME_SIZE])
{
	uint32_t depth = 1 + below(DEPTH_MAX);
	char drawn[NAME_SIZE] = "";

	for (uint32_t i = 0; i < depth; i++) {
		char longer[NAME_SIZE];
		int n = snprintf(
			longer, sizeof(longer), "%s%s%s", label_draw(), *drawn ? "." : "", drawn);

		if (n >= (int)sizeof(longer))
			break;
		strcpy(drawn, longer);
	}
	strcpy(name, drawn);
}

/* Is `name` at or below `above`? Labels here hold no dot of their own but behind a backslash. */
static bool name_at_or_below(const char *name, const char *above)
{
	size_t n = strlen(name), a = strlen(above);

	return n >= a && !strcasecmp(name + n - a, above) &&
	       (n == a || (name[n - a - 1] == '.' && (n - a < 2 || name[n - a - 2] != '\\')));
}

/* May the name have records? */
static bool name_is_free(const char *name)
{
	for (size_t i = 0; i < owner_count; i++)
		if (!strcasecmp(owners[i].name, name) ||
			(owners[i].moved && name_at_or_below(name, owners[i].name)))
			return false;
	return true;
}

static bool name_has_below(const char *name)
{
	for (size_t i = 0; i < owner_count; i++)
		if (name_at_or_below(owners[i].name, name))
			return true;
	return false;
}

/* Where something points to: mostly a name of the zone. */
static const char *target_draw(void)
{
	static char drawn[NAME_SIZE];

	switch (below(8)) {
	case 0:
		return "www.other.";
	case 1:
		return "host.elsewhere.test.";
	case 2:
		return "@";
	case 3:
		name_draw(drawn);
		return drawn;
	default:
		if (!owner_count)
			return "ns";
		if (!below(4)) {
			snprintf(drawn, sizeof(drawn), "x.%.90s",
				owners[below((uint32_t)owner_count)].name);
			return drawn;
		}
		return owners[below((uint32_t)owner_count)].name;
	}
}

static void hosts_write(const char *name, unsigned ttl)
{
	if (below(2))
		for (uint32_t i = 0, n = 1 + below(4); i < n; i++)
			printf("%s %u A 192.0.2.%u\n", name, ttl, below(256));
	if (below(3) == 0)
		printf("%s %u AAAA 2001:db8::%x\n", name, ttl, below(65536));
	if (below(4) == 0)
		printf("%s %u TXT \"%u\" \"second\"\n", name, ttl, below(100000));
	if (below(5) == 0)
		printf("%s %u MX %u %s\n", name, ttl, below(50), target_draw());
	if (below(8) == 0)
		printf("%s %u SRV 1 2 %u %s\n", name, ttl, below(65536), target_draw());
	printf("%s %u TYPE%u \\# 2 %04x\n", name, ttl, 65300 + below(3), below(65536));
}

static void cut_write(const char *name, unsigned ttl)
{
	for (uint32_t i = 0, n = 1 + below(3); i < n; i++) {
		if (below(2))
			printf("%s %u NS ns%u.%s\nns%u.%s %u A 203.0.113.%u\n", name, ttl, i, name,
				i, name, ttl, below(256));
		else
			printf("%s %u NS %s\n", name, ttl, target_draw());
	}
	if (below(3) == 0)
		printf("%s %u DS %u 13 2 %064x\n", name, ttl, below(65536), below(1u << 30));
}

static void owner_write(const char *name)
{
	static const unsigned ttls[] = {0, 60, 300, 3600, 86400};
	unsigned ttl = ttls[below(5)];
	struct owner *owner = &owners[owner_count];
	uint32_t kind = below(10);

	if (kind == 0 && *name != '*' && !name_has_below(name)) {
		printf("%s %u DNAME %s\n", name, ttl, target_draw());
		owner->moved = true;
	} else if (kind <= 2) {
		printf("%s %u CNAME %s\n", name, ttl, target_draw());
	} else if (kind <= 4 && *name != '*') {
		cut_write(name, ttl);
	} else {
		hosts_write(name, ttl);
	}
	strcpy(owner->name, name);
	owner_count++;
}

int main(int argc, char **argv)
{
	unsigned names = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	if (!names || names > NAMES_MAX) {
		fprintf(stderr, "Usage: zone_random SEED NAMES (at most %d)\n", NAMES_MAX);
		return 2;
	}
	state = 0x9e3779b97f4a7c15ull ^ (strtoull(argv[1], NULL, 10) + 1) * 0xc2b2ae3d27d4eb4full;
	printf("$TTL 300\n@ %u SOA ns hostmaster 1 7200 3600 1209600 %u\n@ NS ns\n@ NS "
	       "host.elsewhere.test.\n"
	       "ns A 192.0.2.1\n",
		below(2) ? 60 : 7200, below(2) ? 300 : 3600);
	strcpy(owners[owner_count++].name, "ns");
	for (unsigned tries = 0; owner_count < names && tries < names * 20; tries++) {
		char name[NAME_SIZE];

		name_draw(name);
		if (name_is_free(name))
			owner_write(name);
	}
	return 0;
}
