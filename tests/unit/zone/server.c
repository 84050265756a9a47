/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/zone/server.h"

#include "control/zone/name.h"
#include "control/zone/soa.h"
#include "tests/unit/zone/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const server_names[SERVER_KINDS] = {"nsd", "knot"};
static const char *const programs[SERVER_KINDS] = {"/usr/sbin/nsd", "/usr/sbin/knotd"};

/* With errno's text behind it. */
__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " (%s)\n", strerrordesc_np(error));
	abort();
}

bool server_is_here(enum server_kind kind)
{
	return access(programs[kind], X_OK) == 0;
}

void server_prepare(struct server *server, enum server_kind kind)
{
	*server = (struct server){.kind = kind, .folder = "/tmp/anode-server-XXXXXX"};
	if (!mkdtemp(server->folder))
		die("mkdtemp");
}

char *server_zone(const struct server *server, const char *origin, const char *text)
{
	char *path;

	/* The root zone's file would be hidden, and its name "..zone". */
	if (asprintf(&path, "%s/%szone", server->folder, strcmp(origin, ".") ? origin : "root.") <
		0)
		die("out of memory");
	if (text) {
		FILE *file = fopen(path, "we");

		if (!file || fputs(text, file) < 0 || fclose(file))
			die("%s", path);
	}
	return path;
}

static void nsd_configure(
	const struct server *server, FILE *file, const char *const *origins, size_t count)
{
	fprintf(file,
		"server:\n ip-address: 127.0.0.1@%u\n zonesdir: %s\n database: \"\"\n pidfile: "
		"%s/pid\n"
		" xfrdfile: %s/xfrd\n zonelistfile: %s/zones\n logfile: %s/log\n username: \"\"\n"
		" server-count: 1\n xfrdir: %s\n"
		"remote-control:\n control-enable: no\n"
		"key:\n name: mirror\n algorithm: hmac-sha256\n secret: \"%s\"\n",
		server->port, server->folder, server->folder, server->folder, server->folder,
		server->folder, server->folder, WIRE_SECRET);
	for (size_t i = 0; i < count; i++) {
		char *path = server_zone(server, origins[i], NULL);

		fprintf(file,
			"zone:\n name: \"%s\"\n zonefile: %s\n provide-xfr: 127.0.0.1 mirror\n",
			origins[i], path);
		if (!strcmp(origins[i], "open."))
			fputs(" provide-xfr: 127.0.0.1 NOKEY\n", file);
		free(path);
	}
}

static void knot_configure(
	const struct server *server, FILE *file, const char *const *origins, size_t count)
{
	fprintf(file,
		"server:\n  listen: 127.0.0.1@%u\n  rundir: %s\n  pidfile: %s/pid\n"
		"  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
		"log:\n  - target: %s/log\n    any: info\n"
		"database:\n  storage: %s\n"
		"key:\n  - id: mirror\n    algorithm: hmac-sha256\n    secret: %s\n"
		"acl:\n  - id: keyed\n    key: mirror\n    action: transfer\n"
		"  - id: anyone\n    address: 127.0.0.1\n    action: transfer\n"
		"zone:\n",
		server->port, server->folder, server->folder, server->folder, server->folder,
		WIRE_SECRET);
	for (size_t i = 0; i < count; i++) {
		char *path = server_zone(server, origins[i], NULL);

		fprintf(file,
			"  - domain: \"%s\"\n    file: %s\n    acl: %s\n    journal-content: none\n"
			"    zonefile-load: whole\n    zonefile-sync: -1\n    semantic-checks: "
			"off\n",
			origins[i], path,
			strcmp(origins[i], "open.") ? "keyed" : "[keyed, anyone]");
		free(path);
	}
}

static uint16_t free_port(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) ||
		getsockname(fd, (struct sockaddr *)&address, &size))
		die("no free port");
	close(fd);
	return ntohs(address.sin_port);
}

struct stream_options server_options(const struct server *server)
{
	struct stream_options options = {
		.connect = timespan_ms(2000), .idle = timespan_s(10), .total = timespan_s(120)};

	*(struct sockaddr_in *)&options.server = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(server->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return options;
}

struct key *server_key(const struct server *server, const char *name, const char *secret)
{
	char reason[KEY_REASON_SIZE], *file = wire_key_file(server->folder, "key", secret);
	struct key_options options = {name, "hmac-sha256", file};
	struct key *key;

	if (key_load(&key, &options, reason))
		die("%s", reason);
	free(file);
	return key;
}

static void launch(struct server *server, const char *config)
{
	server->pid = fork();
	if (server->pid < 0)
		die("fork");
	if (server->pid)
		return;
	/* Whatever becomes of the test, its server doesn't outlive it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (server->kind == SERVER_NSD)
		execl(programs[server->kind], "nsd", "-d", "-c", config, (char *)NULL);
	else
		execl(programs[server->kind], "knotd", "-c", config, (char *)NULL);
	_exit(127);
}

static void log_print(const struct server *server)
{
	char line[512], *path;
	FILE *file;

	if (asprintf(&path, "%s/log", server->folder) < 0)
		return;
	file = fopen(path, "re");
	free(path);
	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

void server_start(struct server *server, const char *const *origins, size_t count)
{
	struct monotime deadline = monotime_add(monotime_now(), timespan_s(120));
	struct zone_fault fault;
	struct soa_answer answer;
	uint8_t origin[NAME_MAX_SIZE];
	char config[128];

	snprintf(config, sizeof(config), "%s/conf", server->folder);
	if (!server->port)
		server->port = free_port();
	FILE *file = fopen(config, "we");
	if (!file)
		die("%s", config);
	(server->kind == SERVER_NSD ? nsd_configure : knot_configure)(server, file, origins, count);
	fclose(file);
	launch(server, config);

	struct stream_options options = server_options(server);
	options.connect = timespan_ms(200);
	name_from_text(origin, origins[0]);
	while (soa_query(&answer, &options, origin, NULL, -1, &fault)) {
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid ||
			!monotime_before(monotime_now(), deadline)) {
			log_print(server);
			die("%s doesn't answer: %s", server_names[server->kind], fault.text);
		}
		usleep(10000);
	}
}

void server_reload(struct server *server)
{
	server_signal(server, SIGHUP);
}

void server_signal(struct server *server, int signal)
{
	kill(server->pid, signal);
}

void server_end(struct server *server)
{
	struct monotime deadline = monotime_add(monotime_now(), timespan_s(5));

	if (server->pid <= 0)
		return;
	kill(server->pid, SIGCONT);
	kill(server->pid, SIGTERM);
	while (waitpid(server->pid, NULL, WNOHANG) == 0) {
		if (!monotime_before(monotime_now(), deadline))
			kill(server->pid, SIGKILL);
		usleep(2000);
	}
	server->pid = 0;
}

void server_stop(struct server *server)
{
	char *command;

	server_end(server);
	if (asprintf(&command, "rm -r '%s'", server->folder) < 0 || system(command))
		die("%s is left over", server->folder);
	free(command);
}

static void made_up_zone(FILE *file)
{
	fputs(".\t86400\tIN\tSOA\ta.nic. admin.nic. 2026010100 1800 900 604800 86400\n"
	      ".\t518400\tIN\tNS\ta.nic.\n",
		file);
	for (int i = 0; i < 1400; i++) {
		for (int server = 0; server < 4; server++) {
			fprintf(file, "tld%d.\t172800\tIN\tNS\tns%d.nic.tld%d.\n", i, server, i);
			fprintf(file, "ns%d.nic.tld%d.\t172800\tIN\tA\t192.0.%d.%d\n", server, i,
				i % 256, server);
			fprintf(file, "ns%d.nic.tld%d.\t172800\tIN\tAAAA\t2001:db8::%x:%d\n",
				server, i, i, server);
		}
		fprintf(file, "tld%d.\t86400\tIN\tDS\t%d 13 2 %064X\n", i, i, (unsigned)i);
	}
}

const char *server_root_zone(const char *path)
{
	glob_t found;
	char *command;

	if (!glob(ANODE_SOURCE_ROOT "/../shared/data/root/*.zone.gz", 0, NULL, &found)) {
		const char *newest = found.gl_pathv[found.gl_pathc - 1];

		if (asprintf(&command, "zcat '%s' > '%s'", newest, path) < 0 || system(command))
			die("can't unpack %s", newest);
		free(command);
		globfree(&found);
		return "the real root zone";
	}
	FILE *file = fopen(path, "we");
	if (!file)
		die("%s", path);
	made_up_zone(file);
	if (fclose(file))
		die("%s", path);
	return "a made-up root zone";
}
