/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The zone of churn.c: what each version of it says, as a function of the version's serial.
 *
 * In: a serial. Out: the zone, unsigned or signed in form; and whether a reply is right for that
 * version: data, referrals, denials with their next names, signatures over just these data.
 */
#ifndef ANODE_TESTS_SAME_CHURN_ZONE_H
#define ANODE_TESTS_SAME_CHURN_ZONE_H

#include "tests/host/chain.h"

#define CHURN_ORIGIN "churn.example"
#define CHURN_NAMES  2000u
#define CHURN_APEX   CHURN_NAMES /* stands for the apex in a question */
#define UPHEAVAL     41u         /* all names change: the zone is built as a new instance */

enum churn_kind { KIND_ABSENT, KIND_CUT, KIND_HOST, KIND_APEX, KINDS };

struct churn_question {
	uint32_t name;
	uint16_t type;
	uint8_t qname[NAME_MAX_SIZE];
	size_t qname_size;
};

/* How the zone is signed, for all that follows in this process and its children. 0 or -errno. */
int churn_zone_open(const struct zone_signing *signing);
void churn_zone_close(void);

int churn_zone(struct zone **zone, uint32_t version, char reason[ZONE_REASON_SIZE]);
enum churn_kind churn_kind(uint32_t name, uint32_t version);
/* Fills in qname. */
void churn_question_name(struct churn_question *q);
/* Is the DNS message what version v says? */
bool churn_reply_is(
	const struct churn_question *q, uint32_t version, const uint8_t *dns, size_t size);

#endif
