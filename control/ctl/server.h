/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket on the loop: in flow lines of clients, out flow response
 * lines. Knows framing, peers and bounds, not what a request means.
 *
 * Never blocks: a client that doesn't read or doesn't finish its line waits
 * alone and is closed when its time is over. Loop thread only.
 */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "control/ctl/request.h"

#define CTL_CLIENTS     32
#define CTL_PATIENCE_US UINT64_C(10000000)
#define CTL_PEER_TEXT   64

/* Who asks: SO_PEERCRED of the connection. */
struct ctl_peer {
	uid_t uid;
	pid_t pid;
	char name[CTL_PEER_TEXT]; /* "uid 0" */
};

/*
 * Answers one good request with one line as ctl_response() makes it (the server
 * frees it); NULL closes the connection.
 */
typedef char *ctl_answer(void *arg, const struct ctl_request *request, const struct ctl_peer *peer);

struct ctl_options {
	const char *socket;       /* path */
	struct duration patience; /* with a client's next step; 0 = CTL_PATIENCE_US */
};

struct ctl_server;

/*
 * Listens on the socket, mode 0660, in place of a dead socket; its directory must
 * be there. 0, or negative errno: -EADDRINUSE when somebody listens there.
 */
int ctl_server_open(struct ctl_server **server, sd_event *loop, const struct ctl_options *options,
	ctl_answer *answer, void *arg);
/* Closes every connection and removes the socket. NULL is fine. */
void ctl_server_close(struct ctl_server *server);
