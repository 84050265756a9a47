/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resource records as tests compare them: owner, type, class, TTL, RDATA, all names written out.
 *
 * In: a zone-file line, or what message.h read. Out: an order that knows no case in names, and
 * text. It shares no code with the core.
 */
#ifndef ANODE_TESTS_RECORD_H
#define ANODE_TESTS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RECORD_TEXT_MAX 70000

/* Numbers in host order. */
struct record {
	uint8_t owner[255];
	uint8_t owner_size;
	uint16_t type;
	uint16_t class;
	uint32_t ttl;
	uint16_t rdata_size;
	uint8_t *rdata; /* owned */
};

struct records {
	struct record *list; /* owned */
	size_t count;
};

/* Appends a copy. 0 or -ENOMEM. */
int records_add(struct records *records, const struct record *record);

/* Appends what one zone-file line says; names without a final dot are below the root. 0, -ENOMEM,
 * or -EINVAL with the reason in `error`. */
int records_add_text(struct records *records, const char *line, char *error, size_t error_size);

/* Sorts; equal records stand side by side then. */
void records_sort(struct records *records);
void records_free(struct records *records);

/* Below, equal to or above zero; case of names counts neither in the owner nor in RDATA. */
int record_compare(const struct record *a, const struct record *b);

/* Of two sorted sets: gives each record that only one of them has, behind '-' if it is `expected`,
 * '+' if it is `got`. True if there was any. */
bool records_walk(const struct records *expected, const struct records *got,
	void (*only)(char sign, const struct record *record, void *arg), void *arg);

/* Of two sorted sets: prints what is only in `got` behind '+', what is only in `expected` behind
 * '-'. True if they differ. */
bool records_differ(
	const struct records *expected, const struct records *got, const char *section, FILE *to);

/* One line, no newline. */
void record_print(const struct record *record, FILE *to);

#endif
