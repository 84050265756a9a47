/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What isn't there yet, and since when: the list that `status` shows. Each entry
 * is logged when it begins, when its reason changes in kind, and when it ends;
 * who awaits it tries again. Loop thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WAITING_MOST 64

struct waiting_entry {
	char kind[16];    /* "interface", "engine", "bird", "key", "thread" */
	char subject[72]; /* which one; "" = there is only one */
	char reason[256];
	uint64_t since; /* CLOCK_REALTIME us */
};

struct waiting {
	struct waiting_entry entries[WAITING_MOST];
	size_t count;
	size_t lost; /* begun while the list was full */
};

/* Begins it, or takes over a new reason. */
void waiting_begin(
	struct waiting *waiting, const char *kind, const char *subject, const char *reason);
/* Nothing when it isn't awaited. */
void waiting_end(struct waiting *waiting, const char *kind, const char *subject);
