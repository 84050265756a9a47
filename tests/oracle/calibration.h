/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon finds out about a real server, by the daemon's own code.
 *
 * In: a server that answers, the zones that it serves. Out: the settings of a fast path before it,
 * as far as they depend on the server. It asks as the daemon does, only faster.
 */
#ifndef ANODE_TESTS_CALIBRATION_H
#define ANODE_TESTS_CALIBRATION_H

#include "flight.h"
#include "question.h"

/* 0 or a negative errno with the reason in `error`; -ETIMEDOUT when the server doesn't answer. */
int calibration_fill(struct vector_settings *settings, const struct question_zones *zones,
	const struct flight_server *server, const uint8_t cookie_secret[16],
	char error[VECTOR_ERROR_SIZE]);

/* One line without its end: what was found. */
void calibration_print(const struct vector_settings *settings, FILE *to);

#endif
