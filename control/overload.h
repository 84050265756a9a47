/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does this host drop packets for want of room? In: the kernel's counters of its UDP
 * sockets, of its CPUs' backlog and of the interfaces' rings. Out: a sentence while they
 * rise. It doesn't know what was dropped, nor whether it was a probe: the policy asks it
 * only when the server is silent (docs/internals/policy.md).
 *
 * Loop thread only; reads a few small files of /proc and /sys five times a second.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct overload;

/* Called when it begins and when it ends; text as of overload_text(). */
typedef void overload_changed_fn(void *arg, const char *text);

/* 0 or negative errno. A counter that can't be read counts nothing. */
int overload_open(
	struct overload **overload, sd_event *loop, overload_changed_fn *changed, void *arg);
/* NULL is fine. */
void overload_close(struct overload *overload);
/* The interfaces to look at; their names are copied. NULL is fine. */
void overload_interfaces(struct overload *overload, const char *const *names, size_t count);
/* What is dropped, or NULL. */
const char *overload_text(const struct overload *overload);

/* ---- the parts that do no I/O ---- */

/* The value of `column` ("RcvbufErrors") in the pair of lines that begin with `row`
 * ("Udp:") of /proc/net/snmp. 0 if it isn't there. */
uint64_t overload_snmp(const char *text, const char *row, const char *column);
/* The value behind `name` in lines of "name value", as /proc/net/snmp6 has them. */
uint64_t overload_snmp6(const char *text, const char *name);
/* Sum of the second column of /proc/net/softnet_stat, which is in hexadecimal. */
uint64_t overload_softnet(const char *text);
