/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plain questions as frames, and settings under which they are answered: for tests and benchmarks
 * that ask often and ask nothing unusual.
 *
 * The client is 198.51.100.7 or 2001:db8:9::7, the service 192.0.2.53 or 2001:db8::53; the frame
 * comes in on interface 1, as a test run does.
 */
#ifndef ANODE_TESTS_ASK_H
#define ANODE_TESTS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "shared/settings.h"

#define ASK_CLIENT                                                                                 \
	{                                                                                          \
		198, 51, 100, 7                                                                    \
	}

struct ask {
	const uint8_t *name; /* wire format with the root label */
	size_t name_size;
	uint16_t type, id, port; /* host order */
	bool ipv6;
	bool edns;              /* 1232 bytes and DO */
	const uint8_t *options; /* of the OPT, as they are sent */
	size_t options_size;
};

/* Where the DNS message begins. */
size_t ask_message_at(bool ipv6);
/* Writes the frame and returns its size, 0 if it doesn't fit. */
size_t ask_frame(const struct ask *ask, uint8_t *frame, size_t room);
/* The service's addresses, 1232 bytes at most, a sample of 1,024, a lease of an hour. */
void ask_settings(struct settings_area *area);

#endif
