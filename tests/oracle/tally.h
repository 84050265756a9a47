/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What became of the questions: counts by zone, class and kind of query, for each server that could
 * stand behind the fast path.
 *
 * In: one verdict at a time. Out: TAP, a check for each zone and class; tables of shares.
 */
#ifndef ANODE_TESTS_TALLY_H
#define ANODE_TESTS_TALLY_H

#include "question.h"

#define TALLY_SERVERS_MAX 8

enum verdict {
	VERDICT_PASSED,
	VERDICT_SAME_ALL,    /* as every server says */
	VERDICT_SAME_BEHIND, /* as the server behind us says; others say something else */
	VERDICT_OPTIONAL,    /* as the server behind us but for optional additional records */
	VERDICT_WRONG,       /* not as the server behind us */
	VERDICT_WRONG_ALL,   /* not as the server behind us, and all servers agree */
	VERDICTS
};

struct tally;

/* Whose numbers: the names are the caller's and must stay. 0 or -ENOMEM. */
int tally_new(struct tally **tally, const struct question_zones *zones, const char *const servers[],
	size_t server_count);
void tally_free(struct tally *tally);

/* `reason`: of a pass. */
void tally_add(struct tally *tally, size_t server, const struct question *question,
	enum verdict verdict, uint32_t reason);

/* The fast path can't be told to be like this server (whose differences are counted and no fault):
 * everywhere, or in zones whose origin has this first label, or for questions of this class. */
struct tally_loose {
	const char *server;
	const char *where; /* NULL: everywhere */
};

/* Prints a TAP line for each zone and class. Returns how many lines; adds failures to *failed. */
unsigned tally_checks(const struct tally *tally, unsigned first, const struct tally_loose *loose,
	size_t loose_count, unsigned *failed, FILE *to);

/* Shares of answers by class, and reasons of passes, as comment lines. */
void tally_tables(const struct tally *tally, FILE *to);

/* Comparisons of the fast path's answers and of servers' replies so far. */
uint64_t tally_comparisons(const struct tally *tally);

#endif
