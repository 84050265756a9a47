/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fast path as the oracle asks it: the loaded XDP program by test runs, and the plain host
 * beside it.
 *
 * In: a vector's world, the settings of one local server, questions. Out: the reply's DNS message,
 * or the reason of a pass. The plain host must give the same bytes.
 */
#ifndef ANODE_TESTS_FAST_H
#define ANODE_TESTS_FAST_H

#include "vector.h"

struct fast;

struct fast_answer {
	enum vector_action action;
	uint32_t reason;       /* of a pass or a drop */
	const uint8_t *octets; /* of a reply: the message; valid until the next question */
	size_t size;
	bool plain_differs; /* the plain host did something else */
};

/* Loads the program. Needs root and a BPF file system of one's own. 0, or a negative errno with the
 * reason. */
int fast_open(struct fast **fast, char error[VECTOR_ERROR_SIZE]);
void fast_close(struct fast *fast);

/* Fills the image and the settings, as the vector says them. */
int fast_fill(struct fast *fast, const struct vector *vector, char error[VECTOR_ERROR_SIZE]);

/* 0; or a negative errno with the reason: the packet couldn't be built or run, or the frame that
 * came out isn't a reply to it. */
int fast_ask(struct fast *fast, const struct vector_case *c, struct fast_answer *answer,
	char error[VECTOR_ERROR_SIZE]);

#endif
