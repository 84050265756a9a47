/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: a node and a router in two network namespaces.
 */
#include "tests/unit/health/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *config_dir;

static int __attribute__((format(printf, 1, 2))) run(const char *format, ...)
{
	char command[1024];
	va_list args;
	int r;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	r = system(command);
	if (r != 0)
		fprintf(stderr, "failed (%d): %s\n", r, command);
	return r == 0 ? 0 : -1;
}

static bool have(const char *program)
{
	char command[96];

	snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

const char *pair_missing(void)
{
	if (geteuid() != 0)
		return "needs root for network namespaces";
	if (!have("ip"))
		return "needs iproute2";
	if (!have("bird") || !have("birdc"))
		return "needs bird2";
	if (!have("nsd"))
		return "needs nsd";
	return NULL;
}

static FILE *file_open(const struct pair *pair, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", pair->top, name);
	file = fopen(path, "w");
	if (!file)
		perror(path);
	return file;
}

/* deploy/bird's file for a node, with our state directory in it. */
static int node_conf_copy(const struct pair *pair, bool with_include)
{
	char path[256], line[512];
	FILE *from, *to;

	snprintf(path, sizeof path, "%s/anode-node.conf", config_dir);
	from = fopen(path, "r");
	to = file_open(pair, "anode-node.conf");
	if (!from || !to) {
		perror(path);
		return -1;
	}
	while (fgets(line, sizeof line, from)) {
		const char *include = strstr(line, "include \"/run/anod[e]/bird/");

		if (!include || line[0] == '#')
			fputs(line, to);
		else if (with_include)
			fprintf(to, "\tinclude \"%s/anod[e]/bird/%s", pair->top,
				include + strlen("include \"/run/anod[e]/bird/"));
	}
	fclose(from);
	return fclose(to);
}

static int confs_write(const struct pair *pair)
{
	FILE *node = file_open(pair, "node.conf"), *router = file_open(pair, "router.conf");
	FILE *zone = file_open(pair, "zone"), *server = file_open(pair, "nsd.conf");

	if (!node || !router || !zone || !server || node_conf_copy(pair, true) < 0)
		return -1;
	fprintf(node,
		"define NODE_ID = 192.0.2.1;\n"
		"define NODE_AS = 65053;\n"
		"define EDGE_AS = 64496;\n"
		"define NODE_ADDR4 = 192.0.2.1;\n"
		"define NODE_ADDR6 = 2001:db8:ffff::1;\n"
		"define EDGE_ADDR4 = 192.0.2.254;\n"
		"define EDGE_ADDR6 = 2001:db8:ffff::fe;\n"
		"include \"%s/anode-node.conf\";\n",
		pair->top);
	fprintf(router,
		"define ROUTER_ID = 192.0.2.254;\n"
		"define ROUTER_AS = 64496;\n"
		"include \"%s/anode-router.conf\";\n"
		"protocol bgp node1 from anode_node4 { neighbor 192.0.2.1 as 65053;"
		" source address 192.0.2.254; }\n"
		"protocol bgp node1_v6 from anode_node6 { neighbor 2001:db8:ffff::1 as 65053;"
		" source address 2001:db8:ffff::fe; }\n",
		config_dir);
	fprintf(zone, "@ 300 IN SOA ns1 hostmaster 2026112201 3600 900 86400 300\n"
		      "@ 300 IN NS ns1\nns1 300 IN A 203.0.113.53\n");
	fprintf(server,
		"server:\n"
		"  ip-address: 127.0.0.1\n  ip-address: 203.0.113.53\n"
		"  ip-address: 2001:db8:53::53\n  port: %d\n  server-count: 1\n"
		"  username: \"\"\n  database: \"\"\n  pidfile: \"%s/nsd.pid\"\n"
		"  zonelistfile: \"%s/nsd.zones\"\n  xfrdfile: \"%s/nsd.xfrd\"\n"
		"  xfrdir: \"%s\"\n  logfile: \"%s/nsd.log\"\n"
		"remote-control:\n  control-enable: no\n"
		"zone:\n  name: example.com\n  zonefile: \"%s/zone\"\n",
		PAIR_PORT, pair->top, pair->top, pair->top, pair->top, pair->top, pair->top);
	return fclose(node) | fclose(router) | fclose(zone) | fclose(server);
}

static int links_up(const struct pair *pair)
{
	const char *n = pair->node_ns, *r = pair->router_ns, *b = pair->beyond_ns;

	if (run("ip netns add %s && ip netns add %s && ip netns add %s", n, r, b) < 0 ||
		run("ip link add name up0 netns %s type veth peer name down0 netns %s", n, r) < 0 ||
		run("ip link add name up0 netns %s type veth peer name out0 netns %s", b, r) < 0 ||
		run("for n in %s %s %s; do ip -n $n link set lo up; done; ip -n %s link set up0 up;"
		    " ip -n %s link set up0 up; ip -n %s link set down0 up; ip -n %s link set out0 "
		    "up",
			n, r, b, n, b, r, r) < 0)
		return -1;
	if (run("ip -n %s -b - <<E\naddr add 192.0.2.1/24 dev up0\n"
		"addr add 2001:db8:ffff::1/64 dev up0 nodad\naddr add 203.0.113.53/32 dev lo\n"
		"addr add 2001:db8:53::53/128 dev lo nodad\nroute add default via 192.0.2.254\n"
		"route add default via 2001:db8:ffff::fe\nE",
		    n) < 0 ||
		run("ip -n %s -b - <<E\naddr add 192.0.2.254/24 dev down0\n"
		    "addr add 2001:db8:ffff::fe/64 dev down0 nodad\naddr add 198.51.100.1/24 dev "
		    "out0\n"
		    "addr add 2001:db8:99::1/64 dev out0 nodad\nE",
			r) < 0 ||
		run("ip -n %s -b - <<E\naddr add 198.51.100.53/24 dev up0\n"
		    "addr add 2001:db8:99::53/64 dev up0 nodad\nroute add default via "
		    "198.51.100.1\n"
		    "route add default via 2001:db8:99::1\nE",
			b) < 0)
		return -1;
	return run("ip netns exec %s sysctl -q -w net.ipv4.ip_forward=1 "
		   "net.ipv6.conf.all.forwarding=1",
		r);
}

static int namespace_enter(const char *name)
{
	char path[96];
	int fd, r;

	snprintf(path, sizeof path, "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = setns(fd, CLONE_NEWNET);
	close(fd);
	return r;
}

/* Forks. In the child (0): in a session of its own (as a service is, so that the
 * scheduler treats it alike), in the namespace, with output to a file; the caller
 * executes a program in the foreground. */
static pid_t spawn(const struct pair *pair, const char *ns, const char *log)
{
	pid_t pid = fork();
	char path[128];
	int fd;

	if (pid != 0)
		return pid;
	setsid();
	snprintf(path, sizeof path, "%s/%s", pair->top, log);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (namespace_enter(ns) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(127);
	return 0;
}

static void group_kill(pid_t *pid)
{
	if (*pid <= 0)
		return;
	/* The group, and the child itself: it may not have made its group yet. */
	kill(-*pid, SIGCONT);
	kill(-*pid, SIGKILL);
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

static pid_t bird_start(
	const struct pair *pair, const char *ns, const char *conf, const char *socket)
{
	char path[128], log[64];
	pid_t pid;

	snprintf(path, sizeof path, "%s/%s", pair->top, conf);
	snprintf(log, sizeof log, "%s.log", conf);
	pid = spawn(pair, ns, log);
	if (pid != 0)
		return pid;
	execlp("bird", "bird", "-f", "-c", path, "-s", socket, (char *)NULL);
	_exit(127);
}

int pair_node_bird_start(struct pair *pair)
{
	pair->node_bird = bird_start(pair, pair->node_ns, "node.conf", pair->node_socket);
	return pair->node_bird > 0 ? 0 : -1;
}

void pair_node_bird_kill(struct pair *pair)
{
	group_kill(&pair->node_bird);
}

int pair_server_start(struct pair *pair)
{
	char path[128];

	snprintf(path, sizeof path, "%s/nsd.conf", pair->top);
	pair->server = spawn(pair, pair->node_ns, "nsd.out");
	if (pair->server != 0)
		return pair->server > 0 ? 0 : -1;
	execlp("nsd", "nsd", "-d", "-c", path, (char *)NULL);
	_exit(127);
}

void pair_server_signal(struct pair *pair, int signal)
{
	if (pair->server > 0)
		kill(-pair->server, signal);
}

void pair_server_kill(struct pair *pair)
{
	group_kill(&pair->server);
}

void pair_configure(struct pair *pair, bool with_include)
{
	if (node_conf_copy(pair, with_include) == 0)
		run("birdc -s %s configure >/dev/null", pair->node_socket);
}

int pair_up(struct pair *pair, const char *config)
{
	config_dir = config;
	memset(pair, 0, sizeof *pair);
	strcpy(pair->top, "/run/anode-pair-XXXXXX");
	if (!mkdtemp(pair->top))
		return -1;
	snprintf(pair->node_ns, sizeof pair->node_ns, "anode-health-n-%d", (int)getpid());
	snprintf(pair->router_ns, sizeof pair->router_ns, "anode-health-r-%d", (int)getpid());
	snprintf(pair->beyond_ns, sizeof pair->beyond_ns, "anode-health-b-%d", (int)getpid());
	snprintf(pair->state_dir, sizeof pair->state_dir, "%s/anode/bird", pair->top);
	snprintf(pair->node_socket, sizeof pair->node_socket, "%s/node.ctl", pair->top);
	snprintf(pair->router_socket, sizeof pair->router_socket, "%s/router.ctl", pair->top);
	if (confs_write(pair) != 0 || links_up(pair) < 0)
		return -1;
	pair->router_bird = bird_start(pair, pair->router_ns, "router.conf", pair->router_socket);
	if (pair->router_bird < 0 || pair_node_bird_start(pair) < 0 || pair_server_start(pair) < 0)
		return -1;
	return namespace_enter(pair->node_ns);
}

void pair_down(struct pair *pair)
{
	group_kill(&pair->server);
	group_kill(&pair->node_bird);
	group_kill(&pair->router_bird);
	if (pair->node_ns[0])
		run("ip netns del %s; ip netns del %s; ip netns del %s; rm -rf %s", pair->node_ns,
			pair->router_ns, pair->beyond_ns, pair->top);
}
