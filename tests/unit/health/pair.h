/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests, needs root: a node and a router in two network namespaces joined
 * by veth, each with a real BIRD that runs deploy/bird's configuration, eBGP
 * over IPv4 and IPv6, and NSD on the node. The calling process is moved into
 * the node's namespace.
 *
 *      node 192.0.2.1, 2001:db8:ffff::1 -- 192.0.2.254, 2001:db8:ffff::fe router
 *      router -- 198.51.100.53, 2001:db8:99::53 beyond: a host that serves nothing
 *      node's lo: 203.0.113.53, 2001:db8:53::53; NSD on these and 127.0.0.1, port 5300
 */
#ifndef TEST_HEALTH_PAIR_H
#define TEST_HEALTH_PAIR_H

#include <stdbool.h>
#include <sys/types.h>

#define PAIR_PORT 5300

struct pair {
	char top[48]; /* all files; removed by pair_down() */
	char node_ns[48], router_ns[48], beyond_ns[48];
	char state_dir[96]; /* doesn't exist until somebody makes it */
	char node_socket[96], router_socket[96];
	pid_t node_bird, router_bird, server; /* 0 = not running */
};

/* Why the pair can't be built here; NULL = it can. */
const char *pair_missing(void);

/* 0, or -1 after a message; then pair_down() still cleans up. config: where
 * anode-node.conf and anode-router.conf are. */
int pair_up(struct pair *pair, const char *config);
void pair_down(struct pair *pair);

/* Starts NSD; returns when its process runs. Its process group is `server`. */
int pair_server_start(struct pair *pair);
void pair_server_signal(struct pair *pair, int signal);
/* SIGKILL, and waits for the end. */
void pair_server_kill(struct pair *pair);

int pair_node_bird_start(struct pair *pair);
void pair_node_bird_kill(struct pair *pair);
/* Lets BIRD read its configuration again, with or without the state files'
 * include lines. */
void pair_configure(struct pair *pair, bool with_include);

#endif
