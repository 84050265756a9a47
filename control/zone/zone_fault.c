/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/zone_fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *zone_fault_label(enum zone_fault_kind kind)
{
	static const char *const labels[] = {
#define X(name, label) label,
		ZONE_FAULTS(X)
#undef X
	};

	return kind < ZONE_FAULT_COUNT ? labels[kind] : "unknown";
}

int zone_fault_errno(enum zone_fault_kind kind)
{
	switch (kind) {
	case ZONE_FAULT_NONE:
		return 0;
	case ZONE_FAULT_UNREACHABLE:
		return -ECONNREFUSED;
	case ZONE_FAULT_TIMEOUT:
		return -ETIMEDOUT;
	case ZONE_FAULT_BROKEN_OFF:
		return -ECONNRESET;
	case ZONE_FAULT_REFUSED:
		return -EACCES;
	case ZONE_FAULT_TSIG_KEY:
	case ZONE_FAULT_TSIG_SIGNATURE:
	case ZONE_FAULT_TSIG_TIME:
	case ZONE_FAULT_TSIG_MISSING:
		return -EKEYREJECTED;
	case ZONE_FAULT_NO_KEY:
		return -ENOKEY;
	case ZONE_FAULT_MALFORMED:
	case ZONE_FAULT_WRONG_ZONE:
	case ZONE_FAULT_INVALID_ZONE:
		return -EBADMSG;
	case ZONE_FAULT_TOO_LARGE:
		return -EFBIG;
	case ZONE_FAULT_CANCELLED:
		return -ECANCELED;
	case ZONE_FAULT_SYSTEM:
		return -ENOMEM;
	default:
		return -EREMOTEIO;
	}
}

bool zone_fault_is_denial(enum zone_fault_kind kind)
{
	return kind == ZONE_FAULT_REFUSED || kind == ZONE_FAULT_SERVFAIL ||
	       kind == ZONE_FAULT_NXDOMAIN || kind == ZONE_FAULT_NOT_AUTHORITATIVE ||
	       kind == ZONE_FAULT_RCODE;
}

int zone_fault_set(struct zone_fault *fault, enum zone_fault_kind kind, const char *format, ...)
{
	va_list arguments;

	fault->kind = kind;
	va_start(arguments, format);
	vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	return zone_fault_errno(kind);
}

int zone_fault_set_errno(struct zone_fault *fault, int error, const char *what)
{
	enum zone_fault_kind kind = ZONE_FAULT_SYSTEM;

	switch (error) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EADDRNOTAVAIL: /* the source address isn't here (yet) */
	case EACCES:
	case EPERM: /* a packet filter */
		kind = ZONE_FAULT_UNREACHABLE;
		break;
	case ETIMEDOUT:
		kind = ZONE_FAULT_TIMEOUT;
		break;
	case ECONNRESET:
	case EPIPE:
		kind = ZONE_FAULT_BROKEN_OFF;
		break;
	}
	return zone_fault_set(fault, kind, "%s: %s", what, strerrordesc_np(error));
}
