/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: a control socket that behaves, or misbehaves, like BIRD's. It runs
 * on the same loop as the client under test.
 */
#ifndef TEST_HEALTH_FAKE_BIRD_H
#define TEST_HEALTH_FAKE_BIRD_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct fake_bird {
	sd_event *loop;
	char path[108];
	int listener, client;
	sd_event_source *listener_io, *client_io, *drip;

	/* How it behaves; may be changed at any time. */
	const char *greeting; /* NULL = never greets */
	bool frozen;          /* reads nothing, sends nothing */
	size_t split;     /* send the first `split` bytes, the rest a turn later; 0 = all at once */
	bool bytewise;    /* send one byte a turn */
	size_t die_after; /* close after so many bytes of a reply; 0 = never */
	/* What it says to a command (without newline); the text is copied. */
	const char *(*reply)(void *arg, const char *command);
	void *arg;

	/* What it saw. */
	unsigned connections, commands;
	char last_command[600];

	char in[600];
	size_t in_len;
	char *out; /* queued */
	size_t out_len, out_at, out_total;
};

/* Listens at path; greeting "0001 BIRD 2.0.12 ready.\n". Aborts on failure. */
void fake_bird_start(struct fake_bird *fake, sd_event *loop, const char *path);
/* Closes socket and connection, as a killed BIRD does (the path stays). */
void fake_bird_stop(struct fake_bird *fake);
/* Sends text at once, whatever was asked. */
void fake_bird_say(struct fake_bird *fake, const char *text, size_t len);
/* Acts on what arrived while frozen. */
void fake_bird_thaw(struct fake_bird *fake);

#endif
