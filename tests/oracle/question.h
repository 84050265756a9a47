/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The questions of the oracle: systematic, and the same for the same zones and seed.
 *
 * In: zones as the control plane reads them. Out, one after the other: every owner name of every
 * zone, names below, beside and above it, each with the types that the name has and with usual and
 * unusual ones, each without EDNS, with it, with DO, and now and then with an option or another
 * version; header flags, sizes and letters' case are drawn at random. What each question is about
 * (its class) is read from the zones, for the statistics only: nobody's answer is judged by it.
 */
#ifndef ANODE_TESTS_QUESTION_H
#define ANODE_TESTS_QUESTION_H

#include "vector.h"

#include "control/zone/zone.h"

#define QUESTION_ZONES_MAX 64

/* What the name is in the zone it belongs to. */
#define QUESTION_CLASSES(C)                                                                        \
	C(HIT, "hit")                                                                              \
	C(NODATA, "nodata")                                                                        \
	C(NXDOMAIN, "nxdomain")                                                                    \
	C(REFERRAL, "referral")                                                                    \
	C(DS, "ds-at-cut")                                                                         \
	C(WILDCARD, "wildcard")                                                                    \
	C(WILDCARD_NODATA, "wildcard-nodata")                                                      \
	C(CNAME, "cname")                                                                          \
	C(WILDCARD_CNAME, "wildcard-cname")                                                        \
	C(DNAME, "dname")                                                                          \
	C(NSEC3_OWNER, "at-nsec3-owner") /* or below: an owner of NSEC3 is no name of the zone */  \
	C(META, "any-rrsig-nsec")                                                                  \
	C(OUTSIDE, "outside")                                                                      \
	C(EDNS, "odd-edns") /* whatever the name */

enum question_class {
#define C(symbol, name) CLASS_##symbol,
	QUESTION_CLASSES(C)
#undef C
		CLASSES
};

extern const char *const question_class_names[CLASSES];

/* How a zone denies. */
enum zone_kind {
	ZONE_KIND_UNSIGNED,
	ZONE_KIND_NSEC,
	ZONE_KIND_NSEC3,
	ZONE_KIND_OPTOUT,
	ZONE_KINDS
};

struct question_zones {
	struct zone *list[QUESTION_ZONES_MAX]; /* owned */
	size_t count;
};

struct question {
	struct vector_question q; /* of a vector's `ask`; ID 0 */
	size_t zone;              /* the one whose names led to it */
	enum question_class class;
	bool edns, dnssec;
};

/* Loads the mirrored zones of a vector's world, in its order. 0 or a negative errno with the
 * reason. */
int question_zones_load(
	struct question_zones *zones, const struct vector *vector, char error[VECTOR_ERROR_SIZE]);
void question_zones_free(struct question_zones *zones);

enum zone_kind zone_kind(const struct zone *zone);

/*
 * Calls `ask` for questions about all zones, at most some more than `limit` for each: where there
 * would be more they are drawn at random, everywhere with the same chance. Returns how many.
 */
uint64_t questions_walk(const struct question_zones *zones, const struct vector_question *ends,
	uint64_t seed, uint64_t limit, void (*ask)(const struct question *question, void *arg),
	void *arg);

/* As a person would type it after `ask` in a vector file. */
void question_print(const struct vector_question *q, FILE *to);

#endif
