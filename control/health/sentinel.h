/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A standing TCP connection to the local server that carries nothing: when the
 * server's process dies the kernel ends it, long before the next probe is due.
 * In: an address. Out: "it ended", a hint to probe at once, never a verdict.
 *
 * Servers close idle connections: it comes back, less often the shorter the
 * last one lived. Loop thread only; never blocks.
 */
#ifndef ANODE_HEALTH_SENTINEL_H
#define ANODE_HEALTH_SENTINEL_H

#include <sys/socket.h>
#include <systemd/sd-event.h>

struct sentinel;

/* The connection ended. sentinel_free() may not be called in it. */
typedef void sentinel_ended_fn(void *arg);

/* source: AF_UNSPEC = the kernel's choice. Connects as soon as the loop runs.
 * 0 or negative errno. */
int sentinel_new(struct sentinel **sentinel, sd_event *loop, const struct sockaddr_storage *source,
	const struct sockaddr_storage *destination, sentinel_ended_fn *ended, void *arg);
void sentinel_free(struct sentinel *sentinel);

/* The server is known to accept: connect now, if it isn't. NULL is fine. */
void sentinel_now(struct sentinel *sentinel);

#endif
