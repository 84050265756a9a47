/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a poll or a transfer failed: a kind to decide by and to count, and a text to read.
 */
#ifndef ANODE_ZONE_ZONE_FAULT_H
#define ANODE_ZONE_ZONE_FAULT_H

#include <stdbool.h>

/* kind, metric label. Labels are an interface: `anode_transfers_total{result}`. */
#define ZONE_FAULTS(X)                                                                             \
	X(NONE, "ok")                                                                              \
	X(UNREACHABLE, "unreachable") /* port refused, no route, source address missing */         \
	X(TIMEOUT, "timeout")         /* no answer, or too slow */                                 \
	X(BROKEN_OFF, "broken_off")   /* connection ended before the last message */               \
	X(REFUSED, "refused")         /* rcode REFUSED */                                          \
	X(SERVFAIL, "servfail")                                                                    \
	X(NXDOMAIN, "nxdomain")                                                                    \
	X(NOT_AUTHORITATIVE, "not_authoritative") /* rcode NOTAUTH, AA clear, or no SOA */         \
	X(RCODE, "rcode")                         /* any other rcode */                            \
	X(TSIG_KEY, "tsig_key")                   /* key or algorithm unknown to one side */       \
	X(TSIG_SIGNATURE, "tsig_signature")       /* MAC wrong: secrets differ, or data altered */ \
	X(TSIG_TIME, "tsig_time")                 /* clocks differ by more than the fudge */       \
	X(TSIG_MISSING, "tsig_missing")           /* unsigned where a signature is due */          \
	X(NO_KEY, "no_key")                       /* our key's file is missing or unusable */      \
	X(MALFORMED, "malformed")       /* octets that aren't such a message or record */          \
	X(WRONG_ZONE, "wrong_zone")     /* about another zone than asked for */                    \
	X(INVALID_ZONE, "invalid_zone") /* records that make no zone */                            \
	X(TOO_LARGE, "too_large")       /* beyond the zone's limits, or the image's */             \
	X(LAGGING, "lagging")           /* the server's serial is newer than ours for too long */  \
	X(CANCELLED, "cancelled")                                                                  \
	X(SYSTEM, "system") /* out of memory, descriptors, ... here */

enum zone_fault_kind {
#define X(name, label) ZONE_FAULT_##name,
	ZONE_FAULTS(X)
#undef X
		ZONE_FAULT_COUNT
};

#define ZONE_FAULT_TEXT_SIZE 256

struct zone_fault {
	enum zone_fault_kind kind;
	char text[ZONE_FAULT_TEXT_SIZE]; /* what, of what; for log and status */
};

/* The metric label of a kind. */
const char *zone_fault_label(enum zone_fault_kind kind);

/* Fills 'fault'. Returns the kind as a negative errno (0 for NONE), so that callers can
 * `return zone_fault_set(...)`. */
__attribute__((format(printf, 3, 4))) int zone_fault_set(
	struct zone_fault *fault, enum zone_fault_kind kind, const char *format, ...);

/* The same for a failed system call: 'error' is its errno (positive); its text is appended.
 * Refused, unreachable and timed out connections get their own kinds, the rest is SYSTEM. */
int zone_fault_set_errno(struct zone_fault *fault, int error, const char *what);

/* Negative errno of a kind: ECONNREFUSED, ETIMEDOUT, ECONNRESET, EACCES, EKEYREJECTED, ENOKEY,
 * EBADMSG, EFBIG, ECANCELED, ENOMEM, EREMOTEIO for what the server said. */
int zone_fault_errno(enum zone_fault_kind kind);

/* True if the server spoke and denied the zone: its queries pass. */
bool zone_fault_is_denial(enum zone_fault_kind kind);

#endif
