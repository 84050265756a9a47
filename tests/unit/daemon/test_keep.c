/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What outlives the daemon: overrides and history, on a disk that may hold anything. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/folder.h"
#include "control/history.h"
#include "control/overrides.h"

#define P4 "203.0.113.0/24"
#define P6 "2001:db8:53::/48"

struct fixture {
	char top[32], folder[64], path[96];
	sd_event *loop;
	struct health *health;
};

static struct health *health_make(struct fixture *f)
{
	static const char *const peers[] = {"edge1"};
	static char socket[96], state_dir[96];
	struct route_prefix_options prefixes[] = {
		{P4, "a4", NULL, peers, 1}, {P6, "a6", NULL, peers, 1}};
	struct health_options options = {.prefixes = prefixes, .prefix_count = 2};
	struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct health_events events = {0};
	struct health_error error;
	struct health *health;

	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(&options.server, &server, sizeof server);
	snprintf(socket, sizeof socket, "%s/ctl", f->top);
	snprintf(state_dir, sizeof state_dir, "%s/bird", f->top);
	options.route.bird.socket = socket;
	options.route.state_dir = state_dir;
	options.route.owner = "test";
	assert_int_equal(health_new(&health, f->loop, &options, &events, NULL, &error), 0);
	return health;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->top, "/tmp/anode-keep-XXXXXX");
	if (!mkdtemp(f->top) || sd_event_new(&f->loop) < 0)
		return -1;
	snprintf(f->folder, sizeof f->folder, "%s/state/default", f->top);
	snprintf(f->path, sizeof f->path, "%s/overrides.json", f->folder);
	f->health = health_make(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[64];
	int r;

	health_free(f->health);
	sd_event_unref(f->loop);
	snprintf(command, sizeof command, "rm -rf %s", f->top);
	r = system(command);
	free(f);
	return r;
}

static void override(
	struct fixture *f, enum policy_override_kind kind, const char *prefix, int64_t ms)
{
	struct health_override o = {.kind = kind,
		.owner = "uid 1000",
		.uid = 1000,
		.reason = "line \"card\"",
		.length = span_ms(ms),
		.prefix = prefix};

	assert_int_equal(health_override(f->health, &o), 0);
}

/* As the next daemon finds it. */
static int again(struct fixture *f, char error[200])
{
	health_free(f->health);
	f->health = health_make(f);
	return overrides_read(f->folder, f->health, error, 200);
}

static const struct policy_override *kept(struct fixture *f, size_t i)
{
	struct health_prefix_status status;

	health_prefix_status(f->health, i, &status);
	return status.override;
}

static void overrides_outlive_the_daemon(void **state)
{
	struct fixture *f = *state;
	char error[200];

	override(f, POLICY_WITHDRAW, P4, 0);
	override(f, POLICY_DRAIN, P6, 60000);
	assert_int_equal(overrides_write(f->folder, f->health), 0);
	assert_int_equal(again(f, error), 0);
	assert_int_equal(kept(f, 0)->kind, POLICY_WITHDRAW);
	assert_int_equal(kept(f, 0)->until.ns, MONO_NEVER.ns);
	assert_int_equal(kept(f, 0)->uid, 1000);
	assert_string_equal(kept(f, 0)->owner, "uid 1000");
	assert_string_equal(kept(f, 0)->reason, "line \"card\"");
	assert_int_equal(kept(f, 1)->kind, POLICY_DRAIN);
	assert_in_range(span_to_ms(mono_since(kept(f, 1)->until, mono_now())), 50000, 60000);
	/* And so does that there is none. */
	override(f, POLICY_AUTO, NULL, 0);
	assert_int_equal(overrides_write(f->folder, f->health), 0);
	assert_int_equal(again(f, error), 0);
	assert_null(kept(f, 0));
	assert_null(kept(f, 1));
}

static void file_of(struct fixture *f, const char *text)
{
	assert_int_equal(folder_make(f->folder), 0);
	assert_int_equal(folder_replace(f->path, text, strlen(text)), 0);
}

static void entry_of(struct fixture *f, double since, double until)
{
	char text[400];

	snprintf(text, sizeof text,
		"{\"schema\":1,\"overrides\":[{\"prefix\":\"" P4 "\",\"verb\":\"withdraw\","
		"\"owner\":\"uid 0\",\"uid\":0,\"reason\":\"\",\"since\":%f,\"until\":%f}]}",
		since, until);
	file_of(f, text);
}

static void the_clock_neither_lengthens_nor_revives_an_override(void **state)
{
	struct fixture *f = *state;
	double now = (double)wall_now().ns / 1e9;
	char error[200];

	/* The clock was set back by a day: its whole length, not a day more. */
	entry_of(f, now + 86400, now + 86400 + 600);
	assert_int_equal(again(f, error), 0);
	assert_in_range(span_to_ms(mono_since(kept(f, 0)->until, mono_now())), 590000, 600001);
	/* It has ended meanwhile. */
	entry_of(f, now - 700, now - 100);
	assert_int_equal(again(f, error), 0);
	assert_null(kept(f, 0));
}

static void no_file_is_no_override(void **state)
{
	struct fixture *f = *state;
	char error[200];

	assert_int_equal(overrides_read(f->folder, f->health, error, sizeof error), 0);
}

static void what_is_not_ours_is_refused_whole(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}", "{\"overrides\": 7}",
		"{\"overrides\": [7]}", "{\"overrides\": [{\"prefix\": \"" P4 "\"}]}",
		/* The first of them is good. */
		"{\"overrides\": [{\"prefix\": \"" P4
		"\", \"verb\": \"withdraw\", \"owner\": \"x\","
		"\"uid\": 0, \"reason\": \"\", \"since\": 1, \"until\": null},"
		"{\"prefix\": \"" P6 "\", \"verb\": \"explode\", \"owner\": \"x\","
		"\"uid\": 0, \"reason\": \"\", \"since\": 1, \"until\": null}]}",
		"{\"overrides\": [{\"prefix\": \"" P4
		"\", \"verb\": \"withdraw\", \"owner\": \"x\","
		"\"uid\": 0, \"reason\": \"\", \"since\": 1e300, \"until\": null}]}"};
	struct fixture *f = *state;
	char error[200];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		file_of(f, texts[i]);
		assert_int_equal(again(f, error), -EBADMSG);
		assert_non_null(strstr(error, "overrides.json"));
		assert_null(kept(f, 0));
		assert_null(kept(f, 1));
	}
	unlink(f->path);
	assert_int_equal(mkdir(f->path, 0755), 0);
	assert_int_equal(again(f, error), -EFBIG);
}

static void a_file_that_cannot_be_written_stays_the_old_one(void **state)
{
	struct fixture *f = *state;
	char error[200], blocked[128];

	override(f, POLICY_WITHDRAW, P4, 0);
	assert_int_equal(overrides_write(f->folder, f->health), 0);
	snprintf(blocked, sizeof blocked, "%s.new", f->path);
	assert_int_equal(mkdir(blocked, 0755), 0); /* unlink() doesn't remove it */
	override(f, POLICY_AUTO, NULL, 0);
	assert_true(overrides_write(f->folder, f->health) < 0);
	assert_int_equal(again(f, error), 0);
	assert_int_equal(kept(f, 0)->kind, POLICY_WITHDRAW);
}

static void add(struct fixture *f, const char *prefix, enum route_state to, const char *reason,
	int64_t ms_ago)
{
	struct health_transition t = {.prefix = prefix,
		.from = to == ROUTE_WITHDRAWN ? ROUTE_ANNOUNCED : ROUTE_WITHDRAWN,
		.to = to,
		.cause = to == ROUTE_WITHDRAWN ? POLICY_REFUSED : POLICY_GOOD,
		.reason = reason,
		.at_wall = {wall_now().ns - span_ms(ms_ago).ns}};

	assert_int_equal(history_add(f->folder, &t), 0);
}

static void history_says_what_happened_and_why(void **state)
{
	struct fixture *f = *state;
	const json_t *last;
	json_t *list;

	add(f, P4, ROUTE_ANNOUNCED, "all good", 3000);
	add(f, P6, ROUTE_ANNOUNCED, "all good", 2000);
	add(f, P4, ROUTE_WITHDRAWN, "local server \"refused\"\nat once", 1000);
	list = history_read(f->folder, NULL, 100);
	assert_int_equal(json_array_size(list), 3);
	last = json_array_get(list, 2);
	assert_string_equal(json_string_value(json_object_get(last, "to")), "withdrawn");
	assert_string_equal(json_string_value(json_object_get(last, "cause")), "refused");
	assert_string_equal(json_string_value(json_object_get(last, "reason")),
		"local server \"refused\"\nat once");
	json_decref(list);
	list = history_read(f->folder, P4, 1);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "cause")), "refused");
	json_decref(list);
}

static void history_is_bounded_and_turned(void **state)
{
	struct fixture *f = *state;
	char path[96], former[96], reason[200];
	struct stat status;
	json_t *list;

	memset(reason, 'x', sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	snprintf(path, sizeof path, "%s/history", f->folder);
	snprintf(former, sizeof former, "%s/history.1", f->folder);
	for (int i = 0; i < 2500; i++)
		add(f, P4, i % 2 ? ROUTE_WITHDRAWN : ROUTE_ANNOUNCED, reason, 0);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size < HISTORY_BYTES + 512);
	assert_int_equal(stat(former, &status), 0);
	assert_true(status.st_size < HISTORY_BYTES + 512);
	list = history_read(f->folder, NULL, 2000);
	assert_in_range(json_array_size(list), 500, 2000);
	json_decref(list);
}

static void lines_that_are_none_of_ours_are_left_out(void **state)
{
	struct fixture *f = *state;
	char path[96];
	json_t *list;
	FILE *file;

	add(f, P4, ROUTE_ANNOUNCED, "all good", 2000);
	snprintf(path, sizeof path, "%s/history", f->folder);
	file = fopen(path, "a");
	assert_non_null(file);
	fputs("nonsense\n{}\n{\"at\": "
	      "\"x\"}\n{\"at\":1,\"prefix\":\"p\",\"from\":\"x\",\"to\":\"y\"}\n",
		file);
	fclose(file);
	add(f, P4, ROUTE_WITHDRAWN, "refused", 1000);
	list = history_read(f->folder, NULL, 100);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
}

static void what_history_says_is_remembered_by_the_policy(void **state)
{
	struct fixture *f = *state;
	struct health_prefix_status status;

	for (int i = 0; i < 3; i++) {
		add(f, P4, ROUTE_ANNOUNCED, "all good", 60000 - i * 2000);
		add(f, P4, ROUTE_WITHDRAWN, "refused", 59000 - i * 2000);
	}
	history_recall(f->folder, f->health);
	health_prefix_status(f->health, 0, &status);
	assert_int_equal(status.flaps, 3);
	assert_int_equal(status.spent, 6);
	assert_int_equal(span_to_ms(status.hold_down), 20000);
	assert_true(status.penalty > 5000 && status.penalty < 6000);
	health_prefix_status(f->health, 1, &status);
	assert_int_equal(status.flaps, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(overrides_outlive_the_daemon),
		TEST(the_clock_neither_lengthens_nor_revives_an_override),
		TEST(no_file_is_no_override),
		TEST(what_is_not_ours_is_refused_whole),
		TEST(a_file_that_cannot_be_written_stays_the_old_one),
		TEST(history_says_what_happened_and_why),
		TEST(history_is_bounded_and_turned),
		TEST(lines_that_are_none_of_ours_are_left_out),
		TEST(what_history_says_is_remembered_by_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
