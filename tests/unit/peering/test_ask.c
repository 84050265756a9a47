/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bird_ask against a BIRD that lies, hangs and breaks off: every call ends by its time. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/bird_ask.h"

#define TIMEOUT_MS 200
#define GREETING   "0001 BIRD 2.0.12 ready.\n"

static char dir[32], path[64];
static pid_t child;

/* Accepts one client, says `greeting`, reads a line, says `reply` in pieces of `piece` bytes, and
 * then waits (or goes, with `leave`). */
static void bird_start(const char *greeting, const char *reply, size_t piece, bool leave)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	unlink(path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	if (child == 0) {
		int fd = accept(listener, NULL, NULL);
		char line[1024];

		signal(SIGPIPE, SIG_IGN);
		if (write(fd, greeting, strlen(greeting)) < 0 || read(fd, line, sizeof(line)) < 0)
			_exit(1);
		for (size_t at = 0; at < strlen(reply); at += piece) {
			size_t rest = strlen(reply) - at;

			if (write(fd, reply + at, rest < piece ? rest : piece) < 0)
				_exit(1);
			poll(NULL, 0, 1);
		}
		if (leave)
			_exit(0);
		pause();
	}
	close(listener);
}

static void bird_stop(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

struct heard {
	char text[1024];
	size_t used;
};

static void hear(void *arg, const struct bird_line *line)
{
	struct heard *heard = arg;

	heard->used += (size_t)snprintf(heard->text + heard->used,
		sizeof(heard->text) - heard->used, "%d %s|", line->code, line->text);
}

static int ask(
	const char *greeting, const char *reply, size_t piece, bool leave, struct heard *heard)
{
	struct mono begin = mono_now();
	struct bird_ask *bird;
	int r;

	memset(heard, 0, sizeof(*heard));
	bird_start(greeting, reply, piece, leave);
	r = bird_ask_open(&bird, path, span_ms(TIMEOUT_MS));
	if (r == 0) {
		r = bird_ask(bird, "show status", hear, heard);
		if (r < 0) /* and stays broken: nothing more is sent */
			assert_int_equal(bird_ask(bird, "show status", hear, heard), r);
	}
	bird_ask_close(bird);
	bird_stop();
	assert_true(span_to_ms(mono_since(mono_now(), begin)) < 10 * TIMEOUT_MS);
	return r;
}

static void a_reply_in_any_pieces_is_the_same(void **state)
{
	static const char reply[] = "1000-BIRD 2.0.12\n1011-Router ID is 1.2.3.4\n Hostname is x\n"
				    "+bird: a word between\n0013 Daemon is up\n";
	struct heard heard;

	for (size_t piece = 1; piece < 40; piece += 6) {
		assert_int_equal(ask(GREETING, reply, piece, false, &heard), 0);
		assert_string_equal(heard.text,
			"1000 BIRD 2.0.12|1011 Router ID is 1.2.3.4|1011 Hostname is x|"
			"13 Daemon is up|");
	}
}

static void silence_ends_in_time(void **state)
{
	struct heard heard;

	assert_int_equal(ask("", "", 1, false, &heard), -ETIMEDOUT); /* frozen: no greeting */
	assert_int_equal(ask(GREETING, "", 1, false, &heard), -ETIMEDOUT);
	assert_int_equal(ask(GREETING, "1000-BIRD\n", 99, false, &heard), -ETIMEDOUT);
}

/* One byte now and then doesn't keep it waiting: the time is that of the whole reply. */
static void a_trickle_ends_in_time(void **state)
{
	char reply[4000];
	struct heard heard;

	memset(reply, 'x', sizeof(reply) - 1);
	reply[sizeof(reply) - 1] = '\0';
	memcpy(reply, "1000-", 5);
	assert_int_equal(ask(GREETING, reply, 1, false, &heard), -ETIMEDOUT);
}

static void what_is_not_bird_is_refused(void **state)
{
	struct heard heard;

	assert_int_equal(ask("220 mail ready\n", "", 1, false, &heard), -EBADMSG);
	assert_int_equal(ask("0001 CAT 1.0 ready.\n", "", 1, false, &heard), -EBADMSG);
	assert_int_equal(ask(GREETING, "what?\n", 99, false, &heard), -EBADMSG);
	assert_int_equal(ask(GREETING, "1000-half", 99, true, &heard), -ECONNRESET);
}

static void commands_are_one_short_line(void **state)
{
	char longer[600];
	struct bird_ask *bird;
	struct heard heard = {.used = 0};

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	bird_start(GREETING, "0000 \n", 99, false);
	assert_int_equal(bird_ask_open(&bird, path, span_ms(TIMEOUT_MS)), 0);
	assert_string_equal(bird_ask_version(bird), "2.0.12");
	assert_int_equal(bird_ask(bird, "", hear, &heard), -EINVAL);
	assert_int_equal(bird_ask(bird, "disable a\nconfigure", hear, &heard), -EINVAL);
	assert_int_equal(bird_ask(bird, longer, hear, &heard), -EINVAL);
	/* Nothing was sent, so it can still be asked. */
	assert_int_equal(bird_ask(bird, "show status", hear, &heard), 0);
	bird_ask_close(bird);
	bird_stop();
}

static void nobody_there(void **state)
{
	struct bird_ask *bird;

	unlink(path);
	assert_int_equal(bird_ask_open(&bird, path, span_ms(TIMEOUT_MS)), -ENOENT);
	assert_null(bird);
	assert_int_equal(
		bird_ask_open(&bird,
			"/a/very/long/path/that/no/socket/can/have/because/it/is/longer/than/one/"
			"hundred/and/eight/bytes/in/all/of/it/indeed",
			span_ms(TIMEOUT_MS)),
		-ENAMETOOLONG);
}

static int folder_make(void **state)
{
	strcpy(dir, "/tmp/anode-ask-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/bird.ctl", dir);
	return 0;
}

static int folder_remove(void **state)
{
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_in_any_pieces_is_the_same),
		cmocka_unit_test(silence_ends_in_time),
		cmocka_unit_test(a_trickle_ends_in_time),
		cmocka_unit_test(what_is_not_bird_is_refused),
		cmocka_unit_test(commands_are_one_short_line),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
