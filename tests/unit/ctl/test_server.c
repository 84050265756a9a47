/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket with real sockets and the real loop, in a folder of its
 * own: framing, turns, bounds, and clients that misbehave.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/ctl/render.h"
#include "control/ctl/server.h"

#define STATUS   "{\"schema\":1,\"command\":\"status\"}\n"
#define VERSION  "{\"schema\":1,\"command\":\"version\"}\n"
#define LARGE    (1u << 20)
#define DEADLINE 5.0

struct bench {
	char dir[32], path[64];
	sd_event *loop;
	struct ctl_server *server;
	struct ctl_peer peer; /* of the last request */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* `status` is answered with megabytes, the rest with the command's name. */
static char *answer(void *arg, const struct ctl_request *request, const struct ctl_peer *peer)
{
	struct bench *bench = arg;
	char *text, *line;

	bench->peer = *peer;
	if (request->command != CTL_STATUS)
		return ctl_response(json_string(ctl_command_name(request->command)));
	text = malloc(LARGE);
	memset(text, 'x', LARGE);
	line = ctl_response(json_stringn(text, LARGE));
	free(text);
	return line;
}

static int bench_new(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct ctl_options options = {.patience = {300000}};

	strcpy(bench->dir, "/tmp/anode-ctl-XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	snprintf(bench->path, sizeof(bench->path), "%s/control.sock", bench->dir);
	options.socket = bench->path;
	assert_int_equal(sd_event_new(&bench->loop), 0);
	assert_int_equal(ctl_server_open(&bench->server, bench->loop, &options, answer, bench), 0);
	*state = bench;
	return 0;
}

static int bench_drop(void **state)
{
	struct bench *bench = *state;

	ctl_server_close(bench->server);
	assert_int_equal(access(bench->path, F_OK), -1);
	sd_event_unref(bench->loop);
	assert_int_equal(rmdir(bench->dir), 0);
	free(bench);
	return 0;
}

static int client(struct bench *bench)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, bench->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void ask(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void turn(struct bench *bench)
{
	assert_true(sd_event_run(bench->loop, 10000) >= 0);
}

/* Reads a line while the loop runs. True: a line; false: closed before one. */
static bool line_read(struct bench *bench, int fd, char *line, size_t size)
{
	double end = now() + DEADLINE;
	size_t length = 0;

	while (now() < end) {
		/* What lies behind the line stays for the next call. */
		ssize_t n = recv(fd, line + length, size - length, MSG_PEEK);
		char *newline;

		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return false;
		if (n < 0) {
			turn(bench);
			continue;
		}
		newline = memchr(line + length, '\n', (size_t)n);
		if (newline)
			n = newline + 1 - (line + length);
		assert_int_equal(recv(fd, line + length, (size_t)n, 0), n);
		length += (size_t)n;
		if (newline) {
			*newline = '\0';
			return true;
		}
		assert_true(length < size);
	}
	fail_msg("no line and no end within %g s", DEADLINE);
	return false;
}

static void request_gets_one_line_and_the_peer_is_known(void **state)
{
	struct bench *bench = *state;
	int fd = client(bench);
	char line[256];

	ask(fd, VERSION);
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_string_equal(line, "{\"schema\":1,\"ok\":true,\"result\":\"version\"}");
	assert_int_equal(bench->peer.uid, getuid());
	assert_int_equal(bench->peer.pid, getpid());
	close(fd);
}

static void requests_in_one_write_are_answered_in_order(void **state)
{
	struct bench *bench = *state;
	int fd = client(bench);
	char line[256];

	ask(fd, "{\"schema\":1,\"command\":\"health\"}\n" VERSION "{\"x\n" VERSION);
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "health"));
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "version"));
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "bad-request"));
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "version"));
	close(fd);
}

static void request_may_come_byte_by_byte_and_end_with_half_a_connection(void **state)
{
	struct bench *bench = *state;
	int fd = client(bench);
	char line[256];

	for (const char *p = VERSION; *p; p++) {
		assert_int_equal(send(fd, p, 1, 0), 1);
		turn(bench);
	}
	shutdown(fd, SHUT_WR);
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "version"));
	assert_false(line_read(bench, fd, line, sizeof(line)));
	close(fd);
}

static void line_without_end_is_refused_and_closed(void **state)
{
	struct bench *bench = *state;
	int fd = client(bench);
	char line[8192];

	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	ask(fd, line);
	assert_true(line_read(bench, fd, line, sizeof(line)));
	assert_non_null(strstr(line, "too-long"));
	assert_false(line_read(bench, fd, line, sizeof(line)));
	close(fd);
}

static void client_that_does_not_read_delays_nobody_and_is_closed(void **state)
{
	struct bench *bench = *state;
	int slow = client(bench), quick = client(bench);
	double begin;
	char line[256], rest[65536];
	size_t got = 0;
	ssize_t n;

	ask(slow, STATUS);
	turn(bench);
	begin = now();
	ask(quick, VERSION);
	assert_true(line_read(bench, quick, line, sizeof(line)));
	assert_true(now() - begin < 0.25);
	/* Its patience over, the rest of the answer is lost: less than all comes. */
	while (now() - begin < 1.0)
		turn(bench);
	while ((n = recv(slow, rest, sizeof(rest), 0)) > 0)
		got += (size_t)n;
	assert_true(n == 0 || errno == ECONNRESET);
	assert_true(got < LARGE);
	close(slow);
	close(quick);
}

static void slow_reader_gets_all_of_a_large_answer(void **state)
{
	struct bench *bench = *state;
	char *all = malloc(LARGE + 1024);
	int fd = client(bench);

	ask(fd, STATUS);
	assert_true(line_read(bench, fd, all, LARGE + 1024));
	assert_true(strlen(all) > LARGE);
	free(all);
	close(fd);
}

static void silent_client_is_closed(void **state)
{
	struct bench *bench = *state;
	int fd = client(bench);
	char line[16];

	ask(fd, "{");
	assert_false(line_read(bench, fd, line, sizeof(line)));
	close(fd);
}

static void one_client_too_many_is_told(void **state)
{
	struct bench *bench = *state;
	int fds[CTL_CLIENTS + 1];
	char line[256];

	for (size_t i = 0; i < CTL_CLIENTS; i++) {
		fds[i] = client(bench);
		ask(fds[i], VERSION);
		assert_true(line_read(bench, fds[i], line, sizeof(line)));
	}
	fds[CTL_CLIENTS] = client(bench);
	assert_true(line_read(bench, fds[CTL_CLIENTS], line, sizeof(line)));
	assert_non_null(strstr(line, "\"busy\""));
	for (size_t i = 0; i <= CTL_CLIENTS; i++)
		close(fds[i]);
}

static void live_socket_is_not_taken_and_stays(void **state)
{
	struct bench *bench = *state;
	struct ctl_options options = {.socket = bench->path};
	struct ctl_server *second;

	assert_int_equal(
		ctl_server_open(&second, bench->loop, &options, answer, bench), -EADDRINUSE);
	assert_null(second);
	assert_int_equal(access(bench->path, F_OK), 0);
}

static void dead_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct bench *bench = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ctl_options options = {.socket = address.sun_path};
	struct ctl_server *second;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/other.sock", bench->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(ctl_server_open(&second, bench->loop, &options, answer, bench), 0);
	ctl_server_close(second);

	fd = open(address.sun_path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(ctl_server_open(&second, bench->loop, &options, answer, bench), -EEXIST);
	assert_int_equal(unlink(address.sun_path), 0);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_new, bench_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(request_gets_one_line_and_the_peer_is_known),
		BENCH_TEST(requests_in_one_write_are_answered_in_order),
		BENCH_TEST(request_may_come_byte_by_byte_and_end_with_half_a_connection),
		BENCH_TEST(line_without_end_is_refused_and_closed),
		BENCH_TEST(client_that_does_not_read_delays_nobody_and_is_closed),
		BENCH_TEST(slow_reader_gets_all_of_a_large_answer),
		BENCH_TEST(silent_client_is_closed),
		BENCH_TEST(one_client_too_many_is_told),
		BENCH_TEST(live_socket_is_not_taken_and_stays),
		BENCH_TEST(dead_socket_is_replaced_and_a_file_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
