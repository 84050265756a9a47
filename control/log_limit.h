/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Says which of many repeated lines are written: LOG_BURST of one kind and
 * subject per window, the rest is counted and told once at the window's end.
 * Pure: the caller brings the time and the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOG_BURST     3
#define LOG_WINDOW_US UINT64_C(30000000)
#define LOG_SLOTS     256
#define LOG_SUBJECT   64
#define LOG_TEXT      512

struct log_repeat {
	bool used;
	unsigned int kind;
	char subject[LOG_SUBJECT]; /* cut */
	uint64_t since_us;         /* begin of the window */
	uint32_t written, counted;
	char last[LOG_TEXT]; /* the line counted last */
};

struct log_limit {
	struct log_repeat slots[LOG_SLOTS];
};

/* True: write the line. With every slot in use, lines are written. */
bool log_limit_pass(struct log_limit *limit, unsigned int kind, const char *subject,
	const char *text, uint64_t now_us);
/* A window that has ended with lines counted, its slot emptied into *repeat;
 * false: none (any more). Ended windows without such lines are forgotten. */
bool log_limit_due(struct log_limit *limit, uint64_t now_us, struct log_repeat *repeat);
