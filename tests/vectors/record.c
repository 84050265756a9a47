/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records: text through libzscanner and libknot, order by the canonical form (RFC 4034 section 6).
 */
#include "record.h"

#include "control/zone/name.h"
#include "control/zone/rdata.h"

#include <errno.h>
#include <libknot/libknot.h>
#include <libzscanner/scanner.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_CHAOS 3

int records_add(struct records *records, const struct record *record)
{
	struct record *list = realloc(records->list, (records->count + 1) * sizeof(*list));
	uint8_t *rdata = malloc(record->rdata_size + 1u);

	if (list)
		records->list = list;
	if (!list || !rdata) {
		free(rdata);
		return -ENOMEM;
	}
	memcpy(rdata, record->rdata, record->rdata_size);
	list[records->count] = *record;
	list[records->count++].rdata = rdata;
	return 0;
}

int records_add_text(struct records *records, const char *line, char *error, size_t error_size)
{
	zs_scanner_t *scanner = malloc(sizeof(*scanner));
	struct record record = {0};
	size_t size = strlen(line);
	char *text = malloc(size + 2);
	int result = -ENOMEM;

	const char *chaos = strstr(line, " CH ");

	if (!scanner || !text || zs_init(scanner, ".", chaos ? CLASS_CHAOS : RR_CLASS_IN, 0))
		goto out;
	memcpy(text, line, size);
	/* the scanner knows other classes only as a default */
	if (chaos)
		memset(text + (chaos - line), ' ', strlen(" CH "));
	text[size++] = '\n'; /* a record ends where its line does */
	result = -EINVAL;
	if (zs_set_input_string(scanner, text, size) || zs_parse_record(scanner) ||
		scanner->state != ZS_STATE_DATA) {
		snprintf(error, error_size, "not a record: %s",
			scanner->error.code ? zs_strerror(scanner->error.code)
					    : "the line is empty");
		goto out_scanner;
	}
	memcpy(record.owner, scanner->r_owner, scanner->r_owner_length);
	record.owner_size = (uint8_t)scanner->r_owner_length;
	record.type = scanner->r_type;
	record.class = scanner->r_class;
	record.ttl = scanner->r_ttl;
	record.rdata = scanner->r_data;
	record.rdata_size = (uint16_t)scanner->r_data_length;
	result = records_add(records, &record);
out_scanner:
	zs_deinit(scanner);
out:
	free(text);
	free(scanner);
	return result;
}

int record_compare(const struct record *a, const struct record *b)
{
	uint8_t x[255], y[255];
	int order;

	name_fold(x, a->owner, a->owner_size);
	name_fold(y, b->owner, b->owner_size);
	order = name_compare(x, y, NULL);
	if (!order)
		order = (a->type > b->type) - (a->type < b->type);
	if (!order)
		order = (a->class > b->class) - (a->class < b->class);
	if (!order)
		order = (a->ttl > b->ttl) - (a->ttl < b->ttl);
	if (!order)
		order = rdata_compare(a->type, a->rdata, a->rdata_size, b->rdata, b->rdata_size);
	return order;
}

static int record_order(const void *a, const void *b)
{
	return record_compare(a, b);
}

void records_sort(struct records *records)
{
	if (records->count)
		qsort(records->list, records->count, sizeof(*records->list), record_order);
}

void records_free(struct records *records)
{
	for (size_t i = 0; i < records->count; i++)
		free(records->list[i].rdata);
	free(records->list);
	*records = (struct records){0};
}

void record_print(const struct record *record, FILE *to)
{
	char *text = malloc(RECORD_TEXT_MAX);
	size_t size = RECORD_TEXT_MAX;
	knot_rrset_t set;

	knot_rrset_init(&set, (knot_dname_t *)(uintptr_t)record->owner, record->type, record->class,
		record->ttl);
	if (text &&
		knot_rrset_add_rdata(&set, record->rdata, record->rdata_size, NULL) == KNOT_EOK &&
		knot_rrset_txt_dump(&set, &text, &size, &KNOT_DUMP_STYLE_DEFAULT) > 0)
		fprintf(to, "%.*s", (int)strcspn(text, "\n"), text);
	else
		fprintf(to, "(type %u, %u octets of RDATA that can't be shown)", record->type,
			record->rdata_size);
	knot_rdataset_clear(&set.rrs, NULL);
	free(text);
}

bool records_walk(const struct records *expected, const struct records *got,
	void (*only)(char sign, const struct record *record, void *arg), void *arg)
{
	bool differ = false;
	size_t e = 0, g = 0;

	while (e < expected->count || g < got->count) {
		int order = e == expected->count ? 1
			    : g == got->count    ? -1
					      : record_compare(&expected->list[e], &got->list[g]);

		if (order < 0)
			only('-', &expected->list[e], arg);
		if (order > 0)
			only('+', &got->list[g], arg);
		differ |= order != 0;
		e += order <= 0;
		g += order >= 0;
	}
	return differ;
}

struct difference_print {
	const char *section;
	FILE *to;
};

static void difference_print(char sign, const struct record *record, void *arg)
{
	const struct difference_print *print = arg;

	fprintf(print->to, "%c %s ", sign, print->section);
	record_print(record, print->to);
	fputc('\n', print->to);
}

bool records_differ(
	const struct records *expected, const struct records *got, const char *section, FILE *to)
{
	struct difference_print print = {section, to};

	return records_walk(expected, got, difference_print, &print);
}
