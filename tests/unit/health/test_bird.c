/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client of BIRD's control socket against a socket that splits, babbles,
 * dies, freezes and lies.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/bird.h"
#include "tests/unit/health/fake_bird.h"
#include "tests/unit/health/loop.h"

struct fixture {
	sd_event *loop;
	char dir[32], path[64];
	struct fake_bird fake;
	struct bird *bird;

	unsigned link_events, dones;
	int error;
	char lines[8192]; /* "code text|" of all replies */
};

static void on_link(void *arg, enum bird_link link)
{
	((struct fixture *)arg)->link_events++;
}

static void on_line(void *arg, const struct bird_line *line)
{
	struct fixture *f = arg;
	size_t n = strlen(f->lines);

	snprintf(f->lines + n, sizeof f->lines - n, "%d %s|", line->code, line->text);
}

static void on_done(void *arg, int error)
{
	struct fixture *f = arg;

	f->dones++;
	f->error = error;
}

static const char *show(void *arg, const char *command)
{
	if (strcmp(command, "show") == 0)
		return "1002-a Static\n+noise\n b Static\n0000 \n";
	return "9001 syntax error\n";
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/anode-bird-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->path, sizeof f->path, "%s/ctl", f->dir);
	f->fake.reply = show;
	*state = f;
	return 0;
}

static void client_start(struct fixture *f)
{
	static const struct bird_events events = {
		.link = on_link, .line = on_line, .done = on_done};
	struct bird_options options = {.socket = f->path,
		.greeting_timeout = span_ms(60),
		.reply_timeout = span_ms(60),
		.backoff_min = span_ms(2),
		.backoff_max = span_ms(10),
		.silent_retry = span_ms(120)};

	assert_int_equal(bird_new(&f->bird, f->loop, &options, &events, f), 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bird_free(f->bird);
	if (f->fake.loop)
		fake_bird_stop(&f->fake);
	unlink(f->path);
	rmdir(f->dir);
	sd_event_unref(f->loop);
	free(f);
	return 0;
}

static void connect_up(struct fixture *f)
{
	fake_bird_start(&f->fake, f->loop, f->path);
	client_start(f);
	assert_int_equal(bird_link(f->bird), BIRD_UNKNOWN);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
}

static void it_greets_asks_and_hears(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	assert_string_equal(bird_version(f->bird), "2.0.12");
	assert_int_equal(bird_command(f->bird, "show"), 0);
	assert_int_equal(bird_command(f->bird, "show"), -EBUSY);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
	assert_int_equal(f->error, 0);
	assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |");
	assert_int_equal(bird_command(f->bird, "nonsense"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 2);
	assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |9001 syntax error|");
	assert_int_equal(f->fake.connections, 1);
}

static void a_reply_split_anywhere_is_the_same_reply(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	for (size_t split = 1; split < 40; split++) {
		f->fake.split = split;
		f->lines[0] = '\0';
		f->dones = 0;
		assert_int_equal(bird_command(f->bird, "show"), 0);
		ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
		assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |");
	}
	f->fake.bytewise = true;
	f->lines[0] = '\0';
	assert_int_equal(bird_command(f->bird, "show"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 2);
	assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |");
}

static void asynchronous_lines_disturb_nothing(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	fake_bird_say(&f->fake, "+between replies\n", 17);
	assert_int_equal(bird_command(f->bird, "show"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
	assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |");
	assert_int_equal(bird_link(f->bird), BIRD_UP);
}

static void commands_that_would_hang_bird_are_refused(void **state)
{
	struct fixture *f = *state;
	char text[BIRD_COMMAND_MAX + 1];

	fake_bird_start(&f->fake, f->loop, f->path);
	client_start(f);
	assert_int_equal(bird_command(f->bird, "show"), -ENOTCONN);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
	assert_int_equal(bird_command(f->bird, ""), -EINVAL);
	assert_int_equal(bird_command(f->bird, "a\nb"), -EINVAL);
	memset(text, 'x', sizeof text);
	text[BIRD_COMMAND_MAX - 1] = '\0';
	assert_int_equal(bird_command(f->bird, text), -EINVAL);
	text[BIRD_COMMAND_MAX - 2] = '\0';
	assert_int_equal(bird_command(f->bird, text), 0);
}

static void death_in_a_reply_fails_the_command_and_is_gone(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	for (size_t n = 1; n < 37; n++) {
		f->fake.die_after = n;
		f->dones = 0;
		assert_int_equal(bird_command(f->bird, "show"), 0);
		ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
		assert_int_equal(f->error, -ECONNRESET);
		assert_int_equal(bird_link(f->bird), BIRD_GONE);
		assert_true(strlen(bird_error(f->bird)) > 0);
		f->fake.die_after = 0;
		ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
		assert_string_equal(bird_error(f->bird), "");
	}
}

static void no_socket_is_gone_until_there_is_one(void **state)
{
	struct fixture *f = *state;

	client_start(f);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_GONE);
	assert_non_null(strstr(bird_error(f->bird), "No such file"));
	fake_bird_start(&f->fake, f->loop, f->path);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
	fake_bird_stop(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_GONE);
	/* The file without a listener is gone as well. */
	unsigned before = f->link_events;

	LOOP_WHILE_NOT(f->loop, 30, false);
	assert_int_equal(f->link_events, before);
	fake_bird_start(&f->fake, f->loop, f->path);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
}

static void a_bird_that_never_greets_is_silent_and_tried_again(void **state)
{
	struct fixture *f = *state;

	fake_bird_start(&f->fake, f->loop, f->path);
	f->fake.greeting = NULL;
	client_start(f);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) != BIRD_UNKNOWN);
	assert_int_equal(bird_link(f->bird), BIRD_SILENT);
	assert_int_equal(bird_command(f->bird, "show"), -ENOTCONN);
	ASSERT_WITHIN(f->loop, 2000, f->fake.connections >= 2);
	assert_int_equal(bird_link(f->bird), BIRD_SILENT);
	f->fake.greeting = "0001 BIRD 3.1.0 ready.\n";
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
	assert_string_equal(bird_version(f->bird), "3.1.0");
}

static void a_late_greeting_still_counts(void **state)
{
	struct fixture *f = *state;

	fake_bird_start(&f->fake, f->loop, f->path);
	f->fake.greeting = NULL;
	client_start(f);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_SILENT);
	fake_bird_say(&f->fake, "0001 BIRD 2.0.12 ready.\n", 24);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
	assert_int_equal(f->fake.connections, 1);
}

static void a_full_accept_queue_is_silence_not_absence(void **state)
{
	struct fixture *f = *state;

	fake_bird_start(&f->fake, f->loop, f->path);
	f->fake.frozen = true;
	client_start(f);
	/* Each retry leaves a connection in the queue of one (and one). */
	ASSERT_WITHIN(f->loop, 2000, strstr(bird_error(f->bird), "accepts no connection"));
	assert_int_equal(bird_link(f->bird), BIRD_SILENT);
	fake_bird_thaw(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
}

static void a_late_reply_is_dropped_and_the_link_comes_back(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	f->fake.frozen = true;
	assert_int_equal(bird_command(f->bird, "show"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
	assert_int_equal(f->error, -ETIMEDOUT);
	assert_int_equal(bird_link(f->bird), BIRD_SILENT);
	fake_bird_thaw(&f->fake);
	ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
	/* The late lines were nobody's. */
	assert_string_equal(f->lines, "");
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->fake.connections, 1);
	assert_int_equal(bird_command(f->bird, "show"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 2);
	assert_string_equal(f->lines, "1002 a Static|1002 b Static|0 |");
}

static const char *garbage[] = {
	"hello\n",
	"00x0 \n",
	"1002-a\n1002:b\n",
	" no line before\n",
	"0000 \n0000 \n",
};

static const char *speak_garbage(void *arg, const char *command)
{
	return garbage[*(int *)arg];
}

static void garbage_costs_the_connection(void **state)
{
	struct fixture *f = *state;
	static int which;

	connect_up(f);
	f->fake.arg = &which;
	for (which = 0; which < (int)(sizeof garbage / sizeof garbage[0]); which++) {
		unsigned connections = f->fake.connections;

		f->fake.reply = speak_garbage;
		f->dones = 0;
		assert_int_equal(bird_command(f->bird, "show"), 0);
		ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
		assert_int_equal(f->error, -EBADMSG);
		assert_int_equal(bird_link(f->bird), BIRD_SILENT);
		f->fake.reply = show;
		ASSERT_WITHIN(f->loop, 2000, bird_link(f->bird) == BIRD_UP);
		assert_int_equal(f->fake.connections, connections + 1);
	}
}

static const char *speak_without_end(void *arg, const char *command)
{
	static char text[BIRD_LINE_MAX + 100];

	memset(text, 'x', sizeof text - 1);
	memcpy(text, "0000 ", 5);
	return text;
}

static void a_line_without_end_costs_the_connection(void **state)
{
	struct fixture *f = *state;

	connect_up(f);
	f->fake.reply = speak_without_end;
	assert_int_equal(bird_command(f->bird, "show"), 0);
	ASSERT_WITHIN(f->loop, 2000, f->dones == 1);
	assert_int_equal(f->error, -EBADMSG);
}

static void a_reply_without_end_costs_the_connection(void **state)
{
	struct fixture *f = *state;
	static char block[64 * 1024];

	connect_up(f);
	f->fake.reply = NULL;
	for (size_t i = 0; i < sizeof block; i += 64) {
		memset(block + i, 'x', 63);
		memcpy(block + i, "1002-", 5);
		block[i + 63] = '\n';
	}
	f->fake.frozen = true; /* so that it doesn't end it */
	assert_int_equal(bird_command(f->bird, "show"), 0);
	for (int i = 0; i < 64 && f->dones == 0; i++) {
		fake_bird_say(&f->fake, block, sizeof block);
		LOOP_WHILE_NOT(f->loop, 2000, f->dones || f->fake.out_len == 0);
	}
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->error, -EMSGSIZE);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[200];
	struct bird_options options = {.socket = path};
	struct bird_events events = {0};

	memset(path, 'x', sizeof path);
	path[108] = '\0';
	assert_int_equal(bird_new(&f->bird, f->loop, &options, &events, f), -ENAMETOOLONG);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_greets_asks_and_hears),
		TEST(a_reply_split_anywhere_is_the_same_reply),
		TEST(asynchronous_lines_disturb_nothing),
		TEST(commands_that_would_hang_bird_are_refused),
		TEST(death_in_a_reply_fails_the_command_and_is_gone),
		TEST(no_socket_is_gone_until_there_is_one),
		TEST(a_bird_that_never_greets_is_silent_and_tried_again),
		TEST(a_late_greeting_still_counts),
		TEST(a_full_accept_queue_is_silence_not_absence),
		TEST(a_late_reply_is_dropped_and_the_link_comes_back),
		TEST(garbage_costs_the_connection),
		TEST(a_line_without_end_costs_the_connection),
		TEST(a_reply_without_end_costs_the_connection),
		TEST(a_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
