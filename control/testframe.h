/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question of the fast path's test run: a frame that asks a service address
 * for a zone's SOA, and whether a frame that came back answers it. Pure.
 */
#pragma once

#include "control/config_value.h"

#define TESTFRAME_MAX 512

/*
 * Ethernet (all addresses zero, as lo's), IP, UDP, DNS: "zone SOA IN" to
 * `target` from an address of the benchmarking ranges (RFC 2544, RFC 5180), so
 * never a client's. The frame's length.
 */
size_t testframe_question(uint8_t frame[static TESTFRAME_MAX], const struct address *target,
	const struct domain *zone, uint16_t id);

/*
 * Is it the answer: addresses and ports swapped, same id and question, QR, AA,
 * NOERROR, first record the zone's SOA? NULL: yes, and *serial is set; else
 * what is wrong (static).
 */
const char *testframe_answer(const uint8_t *frame, size_t length, const struct address *target,
	const struct domain *zone, uint16_t id, uint32_t *serial);
