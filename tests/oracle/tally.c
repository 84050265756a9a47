/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[ZONE_KINDS] = {"unsigned", "nsec", "nsec3", "opt-out"};

struct cell {
	uint64_t verdicts[VERDICTS];
	uint64_t reasons[REASON_COUNT + 1];
};

struct tally {
	const struct question_zones *zones;
	const char *const *servers;
	size_t server_count;
	enum zone_kind kinds[QUESTION_ZONES_MAX];
	struct cell *cells; /* [server][zone][class][DO?] */
};

int tally_new(struct tally **tally, const struct question_zones *zones, const char *const servers[],
	size_t server_count)
{
	struct tally *t = calloc(1, sizeof(*t));

	*tally = t;
	if (!t)
		return -ENOMEM;
	t->zones = zones;
	t->servers = servers;
	t->server_count = server_count;
	t->cells = calloc(server_count * zones->count * CLASSES * 2, sizeof(*t->cells));
	for (size_t i = 0; i < zones->count; i++)
		t->kinds[i] = zone_kind(zones->list[i]);
	if (t->cells)
		return 0;
	tally_free(t);
	*tally = NULL;
	return -ENOMEM;
}

void tally_free(struct tally *tally)
{
	if (!tally)
		return;
	free(tally->cells);
	free(tally);
}

static struct cell *cell_at(
	const struct tally *t, size_t server, size_t zone, enum question_class class, bool dnssec)
{
	return &t->cells[((server * t->zones->count + zone) * CLASSES + class) * 2 + dnssec];
}

void tally_add(struct tally *tally, size_t server, const struct question *question,
	enum verdict verdict, uint32_t reason)
{
	struct cell *cell =
		cell_at(tally, server, question->zone, question->class, question->dnssec);

	cell->verdicts[verdict]++;
	if (verdict == VERDICT_PASSED)
		cell->reasons[reason]++;
}

static void cell_sum(struct cell *to, const struct cell *from)
{
	for (size_t i = 0; i < VERDICTS; i++)
		to->verdicts[i] += from->verdicts[i];
	for (size_t i = 0; i <= REASON_COUNT; i++)
		to->reasons[i] += from->reasons[i];
}

static uint64_t cell_asked(const struct cell *cell)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < VERDICTS; i++)
		sum += cell->verdicts[i];
	return sum;
}

static uint64_t cell_wrong(const struct cell *cell)
{
	return cell->verdicts[VERDICT_WRONG] + cell->verdicts[VERDICT_WRONG_ALL];
}

/* The part of all questions that were answered, not passed. */
static double cell_share(const struct cell *cell)
{
	uint64_t asked = cell_asked(cell);

	return asked ? 100.0 * (double)(asked - cell->verdicts[VERDICT_PASSED]) / (double)asked : 0;
}

/* Passed for what the question is, whatever the zone's names and the reply's size: reasons.md lists
 * them as the local server's to answer. */
static uint64_t cell_never(const struct cell *cell)
{
	return cell->reasons[REASON_QTYPE] + cell->reasons[REASON_NO_ZONE] +
	       cell->reasons[REASON_OPT] + cell->reasons[REASON_EDNS_VERSION] +
	       cell->reasons[REASON_EDNS_OPTION];
}

/* The part that was answered of all but those. */
static double cell_share_of_others(const struct cell *cell)
{
	uint64_t asked = cell_asked(cell) - cell_never(cell);

	return asked ? 100.0 * (double)(cell_asked(cell) - cell->verdicts[VERDICT_PASSED]) /
			       (double)asked
		     : 0;
}

uint64_t tally_comparisons(const struct tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < tally->server_count * tally->zones->count * CLASSES * 2; i++)
		sum += cell_asked(&tally->cells[i]);
	return sum;
}

static bool is_loose(const struct tally *t, size_t server, size_t zone, enum question_class class,
	const struct tally_loose *loose, size_t count)
{
	const uint8_t *origin = zone_origin(t->zones->list[zone]);

	for (size_t i = 0; i < count; i++) {
		const char *where = loose[i].where;

		if (!strcmp(loose[i].server, t->servers[server]) &&
			(!where || !strcmp(where, question_class_names[class]) ||
				(strlen(where) == origin[0] &&
					!memcmp(where, origin + 1, origin[0]))))
			return true;
	}
	return false;
}

/* One zone and class: true if nothing is wrong that counts. */
static bool check_say(const struct tally *t, size_t zone, enum question_class class,
	const struct tally_loose *loose, size_t loose_count, char *text, size_t size)
{
	char origin[NAME_TEXT_SIZE];
	bool ok = true;
	size_t n = 0;

	for (size_t s = 0; s < t->server_count; s++) {
		struct cell sum = {0};
		uint64_t wrong;

		cell_sum(&sum, cell_at(t, s, zone, class, false));
		cell_sum(&sum, cell_at(t, s, zone, class, true));
		if (!cell_asked(&sum))
			return *text = '\0', true;
		if (!s)
			n += (size_t)snprintf(text, size, "%s %s: %" PRIu64 " questions",
				name_to_text(origin, zone_origin(t->zones->list[zone])),
				question_class_names[class], cell_asked(&sum));
		wrong = cell_wrong(&sum);
		n += (size_t)snprintf(text + n, size - n, "; %s: %.1f %% answered", t->servers[s],
			cell_share(&sum));
		if (wrong)
			n += (size_t)snprintf(
				text + n, size - n, ", %" PRIu64 " not as it says", wrong);
		ok &= !wrong || is_loose(t, s, zone, class, loose, loose_count);
	}
	return ok;
}

unsigned tally_checks(const struct tally *tally, unsigned first, const struct tally_loose *loose,
	size_t loose_count, unsigned *failed, FILE *to)
{
	char text[NAME_TEXT_SIZE + 1024];
	unsigned number = first;

	for (size_t zone = 0; zone < tally->zones->count; zone++) {
		for (int class = 0; class < CLASSES; class ++) {
			bool ok = check_say(tally, zone, (enum question_class) class, loose,
				loose_count, text, sizeof(text));

			if (!*text)
				continue;
			fprintf(to, "%sok %u - %s\n", ok ? "" : "not ", number++, text);
			*failed += !ok;
		}
	}
	return number - first;
}

static struct cell kind_sum(const struct tally *t, size_t server, enum zone_kind kind,
	enum question_class class, bool dnssec)
{
	struct cell sum = {0};

	for (size_t zone = 0; zone < t->zones->count; zone++)
		if (t->kinds[zone] == kind)
			cell_sum(&sum, cell_at(t, server, zone, class, dnssec));
	return sum;
}

/* `others`: but for those that are never answered. */
static void share_print(const struct cell *cell, bool others, FILE *to)
{
	if (cell_asked(cell) > (others ? cell_never(cell) : 0))
		fprintf(to, " %9.2f", others ? cell_share_of_others(cell) : cell_share(cell));
	else
		fprintf(to, " %9s", "-");
}

static void shares_print(const struct tally *t, size_t server, bool others, FILE *to)
{
	fprintf(to,
		"#\n# answered by the fast path before %s, %% of questions%s "
		"(without DO, with DO):\n# %-18s",
		t->servers[server],
		others ? " but for those passed as qtype, no_zone, opt, edns_version, edns_option"
		       : "",
		"");
	for (int kind = 0; kind < ZONE_KINDS; kind++)
		fprintf(to, " %9s %9s", kind_names[kind], "+do");
	fprintf(to, "  questions\n");
	for (int class = 0; class <= CLASSES; class ++) {
		struct cell columns[ZONE_KINDS * 2] = {0}, all = {0};

		for (int i = 0; i < ZONE_KINDS * 2; i++) {
			for (int c = 0; c < CLASSES; c++) {
				struct cell part = kind_sum(t, server, (enum zone_kind)(i / 2),
					(enum question_class)c, i % 2);

				if (c == class || class == CLASSES)
					cell_sum(&columns[i], &part);
			}
			cell_sum(&all, &columns[i]);
		}
		if (!cell_asked(&all))
			continue;
		fprintf(to, "# %-18s", class == CLASSES ? "all" : question_class_names[class]);
		for (int i = 0; i < ZONE_KINDS * 2; i++)
			share_print(&columns[i], others, to);
		fprintf(to, " %10" PRIu64 "\n", cell_asked(&all));
	}
}

static void reasons_print(const struct tally *t, size_t server, FILE *to)
{
	fprintf(to, "# passed before %s, by reason and class:\n", t->servers[server]);
	for (uint32_t reason = 0; reason <= REASON_COUNT; reason++) {
		uint64_t sum = 0;

		for (int pass = 0; pass < 2; pass++) {
			for (int class = 0; class < CLASSES; class ++) {
				uint64_t n = 0;

				for (size_t i = 0; i < t->zones->count * 2; i++)
					n += cell_at(t, server, i / 2, (enum question_class) class,
						i % 2)
						     ->reasons[reason];
				if (!pass)
					sum += n;
				else if (n)
					fprintf(to, " %s %" PRIu64, question_class_names[class], n);
			}
			if (!sum)
				break;
			if (!pass)
				fprintf(to, "#   %-14s %8" PRIu64 " =",
					reason < REASON_COUNT && reason ? vector_reason_name(reason)
									: "?",
					sum);
		}
		if (sum)
			fputc('\n', to);
	}
}

static void verdicts_print(const struct tally *t, size_t server, FILE *to)
{
	static const char *const names[VERDICTS] = {"passed", "as all servers say",
		"as this server says, others differ", "as this server but for optional records",
		"not as this server says, others differ", "not as all servers say"};
	struct cell sum = {0};

	for (size_t i = 0; i < t->zones->count * CLASSES * 2; i++)
		cell_sum(&sum, &t->cells[server * t->zones->count * CLASSES * 2 + i]);
	fprintf(to, "# verdicts before %s:", t->servers[server]);
	for (int v = 0; v < VERDICTS; v++)
		fprintf(to, "%s %" PRIu64 " %s", v ? "," : "", sum.verdicts[v], names[v]);
	fputc('\n', to);
}

void tally_tables(const struct tally *tally, FILE *to)
{
	for (size_t s = 0; s < tally->server_count; s++) {
		shares_print(tally, s, false, to);
		shares_print(tally, s, true, to);
		reasons_print(tally, s, to);
		verdicts_print(tally, s, to);
	}
}
