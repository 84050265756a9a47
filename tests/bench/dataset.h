/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones of a benchmark, and questions to them.
 *
 * Zone k is z<k>.bench.example: an apex, hosts with an A record, delegations (a quarter as many)
 * with a name server and its glue. Labels are numbers scrambled, so that neighbours in number are
 * not neighbours in the image. Signatures are of form only (tests/host/zone_signing.h).
 */
#ifndef ANODE_TESTS_BENCH_DATASET_H
#define ANODE_TESTS_BENCH_DATASET_H

#include <stdbool.h>
#include <stdint.h>
#include "control/zone/image.h"
#include "core_packet.h"
#include "tests/host/zone_signing.h"

enum question {
	QUESTION_HIT,
	QUESTION_REFERRAL,
	QUESTION_NODATA,
	QUESTION_NXDOMAIN,
	QUESTION_WILDCARD, /* of a dataset with wildcards */
	QUESTIONS
};

struct dataset {
	uint32_t zones;
	uint32_t hosts; /* in each zone */
	bool wildcards; /* each host's record is that of a wildcard below its name */
	bool secure;    /* delegations have a DS */
	struct zone_signing signing;
};

/* How a question is asked. */
struct asking {
	enum question question;
	bool ipv6;
	bool cookie; /* with a good one (RFC 9018); dataset_settings() has told the secret */
};

/* "hit" and so on. */
extern const char *const question_names[QUESTIONS];

/* Publish all zones into an image without readers. 0 or a negative errno. */
int dataset_publish(const struct dataset *dataset, struct image *image);

/* ask_settings(), and cookies are answered. */
void dataset_settings(struct settings_area *area);

/* Frame of question number `number` (any value: hosts of all zones in turn) with EDNS and DO, from
 * a client to the service. */
void dataset_question(const struct dataset *dataset, const struct asking *asking, uint64_t number,
	struct core_packet *packet);

/* Is this frame the reply that such a question gets? Looks at the DNS header: which answer, and
 * whether signatures and proofs are in. */
bool dataset_reply_fits(const struct dataset *dataset, const struct asking *asking,
	const uint8_t *frame, size_t size);

#endif
