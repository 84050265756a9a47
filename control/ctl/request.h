/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A request of the control protocol (docs/internals/control.md): one line of
 * bytes in, a struct out, or an error code with a sentence. Pure and bounded:
 * fuzzed as it is. Unknown commands, members and arguments are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/config_value.h"

#define CTL_SCHEMA         1
#define CTL_REQUEST_MAX    4096 /* bytes of a line, its newline not counted */
#define CTL_REASON_MAX     200
#define CTL_WHAT_IF_MAX    400
#define CTL_HISTORY_COUNT  50 /* unless said */
#define CTL_HISTORY_MAX    2000
#define CTL_ZONES_PER_PAGE 1000

/* C(symbol, name): the protocol's commands. */
#define CTL_COMMANDS(C)                                                                            \
	C(STATUS, "status")                                                                        \
	C(ZONES, "zones")                                                                          \
	C(STATS, "stats")                                                                          \
	C(HEALTH, "health")                                                                        \
	C(ANNOUNCE, "announce")                                                                    \
	C(DRAIN, "drain")                                                                          \
	C(WITHDRAW, "withdraw")                                                                    \
	C(AUTO, "auto")                                                                            \
	C(RELOAD, "reload")                                                                        \
	C(BYPASS, "bypass")                                                                        \
	C(HISTORY, "history")                                                                      \
	C(POLICY, "policy")                                                                        \
	C(CONFIG, "config")                                                                        \
	C(VERSION, "version")

enum ctl_command {
#define CTL_COMMAND_ENUM(symbol, name) CTL_##symbol,
	CTL_COMMANDS(CTL_COMMAND_ENUM)
#undef CTL_COMMAND_ENUM
		CTL_COMMAND_COUNT
};

struct ctl_request {
	enum ctl_command command;
	/* zones, bypass */
	char zone[1024];  /* this one only; "" = all */
	char after[1024]; /* those behind it; "" = from the first */
	bool on, has_on;  /* bypass */
	/* announce, drain, withdraw, auto */
	char reason[CTL_REASON_MAX + 1]; /* "" = none given */
	struct duration span;            /* `for`; 0 = none given */
	sa_family_t family;              /* AF_UNSPEC = both */
	bool has_prefix;
	struct prefix prefix;
	/* history */
	unsigned count; /* at most so many, the last ones */
	/* policy */
	char what_if[CTL_WHAT_IF_MAX + 1]; /* "NAME=STATE"; "" = as it is */
};

/* Error codes of the protocol. */
enum ctl_error {
	CTL_OK,
	CTL_BAD_REQUEST,
	CTL_TOO_LONG,
	CTL_BAD_CONFIG,
	CTL_FAILED,
	CTL_BUSY,
};

const char *ctl_error_name(enum ctl_error error);
const char *ctl_command_name(enum ctl_command command);

/*
 * Parses one line without its newline. CTL_OK and *request, or an error with
 * its sentence in `message` (size bytes).
 */
enum ctl_error ctl_request_parse(
	const char *line, size_t length, struct ctl_request *request, char *message, size_t size);
