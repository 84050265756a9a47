/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What one whole reply of BIRD says: the command's kind and the reply's lines
 * in, an answer out. Pure, so that a blocking client can use it too.
 */
#ifndef ANODE_HEALTH_BIRD_ANSWER_H
#define ANODE_HEALTH_BIRD_ANSWER_H

#include "control/health/bird_reply.h"
#include "control/health/bird_show.h"

enum bird_question {
	BIRD_ENABLE,    /* enable "P" */
	BIRD_DISABLE,   /* disable "P" */
	BIRD_STATUS,    /* show status */
	BIRD_PROTOCOLS, /* show protocols; its lines are for bird_protocol_parse() */
	BIRD_ROUTE,     /* show route PREFIX exported 'PEER' */
	BIRD_ORIGINS,   /* show route PREFIX */
};

/* Of one prefix; who has more of them has enough. */
#define BIRD_ORIGINS_MAX 16

struct bird_answer {
	enum bird_question question;
	struct bird_prefix prefix; /* BIRD_ROUTE */

	bool obeyed;              /* ENABLE, DISABLE: done, or it was so already */
	bool exported;            /* ROUTE: the peer gets the prefix, from `from` */
	char from[BIRD_NAME_MAX]; /* protocol */
	char origins[BIRD_ORIGINS_MAX][BIRD_NAME_MAX]; /* ORIGINS: protocols */
	unsigned origin_count;
	bool dated;             /* STATUS: configured_age is known */
	int64_t configured_age; /* ms from BIRD's start to its last configuration, +-2 */
	bool stopped;           /* by a reconfiguration: says nothing */
	int failure;            /* the first code of 8000 and above; 0 = none */
	char text[128];         /* with its code, as BIRD says it */

	int64_t boot_ms, configured_ms;
};

/* prefix: for BIRD_ROUTE, else NULL. */
void bird_answer_begin(
	struct bird_answer *answer, enum bird_question question, const struct bird_prefix *prefix);
void bird_answer_line(struct bird_answer *answer, const struct bird_line *line);

#endif
