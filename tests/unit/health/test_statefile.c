/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * State files and their fence.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/health/statefile.h"

struct fixture {
	char top[32];
	char dir[64];
	struct statefile files;
};

static void path(const struct fixture *f, char *out, const char *name)
{
	snprintf(out, 128, "%s/%s", f->dir, name);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->top, "/tmp/anode-state-XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->dir, sizeof f->dir, "%s/anode/bird", f->top);
	*state = f;
	return statefile_init(&f->files, f->dir, "test[1]");
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];
	int r;

	snprintf(command, sizeof command, "rm -rf %s", f->top);
	r = system(command);
	free(f);
	return r;
}

static void slurp(const struct fixture *f, const char *name, char *text, size_t size)
{
	char p[128];
	FILE *file;
	size_t n;

	path(f, p, name);
	file = fopen(p, "r");
	assert_non_null(file);
	n = fread(text, 1, size - 1, file);
	text[n] = '\0';
	fclose(file);
}

static void what_is_written_is_one_statement_that_bird_may_read(void **state)
{
	struct fixture *f = *state;
	char text[512], p[128];
	mode_t old = umask(0077);
	struct stat st;
	bool up = false;

	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(
		statefile_write(&f->files, "anycast4", true, "announced: good\n}\nprotocol"), 0);
	umask(old);
	slurp(f, "anycast4.conf", text, sizeof text);
	assert_non_null(strstr(text, "\ndisabled off;\n"));
	/* One comment line, one statement, whatever the note holds. */
	assert_ptr_equal(strchr(text, '\n') + 1, strstr(text, "disabled off;\n"));
	assert_int_equal(text[0], '#');
	assert_non_null(strstr(text, "generation 2, written by test[1]"));
	path(f, p, "anycast4.conf");
	assert_int_equal(stat(p, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_true(up);
	assert_int_equal(statefile_write(&f->files, "anycast4", false, "x"), 0);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
}

static void no_file_and_an_empty_file_are_down(void **state)
{
	struct fixture *f = *state;
	char p[128];
	bool up = true;

	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
	assert_int_equal(statefile_claim(&f->files), 0);
	path(f, p, "anycast4.conf");
	close(open(p, O_WRONLY | O_CREAT, 0644));
	up = true;
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
	/* Somebody's own text is not taken for ours. */
	FILE *file = fopen(p, "w");

	fputs("disabled off;\n", file);
	fclose(file);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), -EBADMSG);
}

static void a_stale_writer_gives_up_and_names_the_new_one(void **state)
{
	struct fixture *f = *state;
	struct statefile other;
	char holder[64];
	bool up;

	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
	assert_int_equal(statefile_check(&f->files, holder), 0);
	assert_int_equal(statefile_init(&other, f->dir, "anodectl[2]"), 0);
	assert_int_equal(statefile_claim(&other), 0);
	assert_int_equal(statefile_write(&other, "anycast4", false, "offline"), 0);
	assert_int_equal(statefile_check(&f->files, holder), -ESTALE);
	assert_string_equal(holder, "anodectl[2]");
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), -ESTALE);
	assert_int_equal(statefile_remove(&f->files, "anycast4"), -ESTALE);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
	/* Until it takes the fence back. */
	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
	assert_int_equal(statefile_write(&other, "anycast4", false, "x"), -ESTALE);
}

static void a_held_lock_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	char p[128];
	int fd;

	assert_int_equal(statefile_claim(&f->files), 0);
	path(f, p, "lock");
	fd = open(p, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), -EAGAIN);
	assert_int_equal(statefile_claim(&f->files), -EAGAIN);
	close(fd);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
}

static void a_directory_that_vanished_comes_back_with_the_next_write(void **state)
{
	struct fixture *f = *state;
	char command[96], holder[64];
	bool up = true;

	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
	snprintf(command, sizeof command, "rm -rf %s/anode", f->top);
	assert_int_equal(system(command), 0);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
	assert_int_equal(statefile_check(&f->files, holder), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_true(up);
}

static void a_broken_fence_stops_writes_until_it_is_claimed_again(void **state)
{
	struct fixture *f = *state;
	char p[128];
	FILE *file;

	assert_int_equal(statefile_claim(&f->files), 0);
	path(f, p, "generation");
	file = fopen(p, "w");
	fputs("many\n", file);
	fclose(file);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), -EBADMSG);
	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	struct fixture *f = *state;
	char p[128];
	bool up;

	assert_int_equal(statefile_claim(&f->files), 0);
	assert_int_equal(statefile_write(&f->files, "anycast4", true, "x"), 0);
	/* A directory in the temporary file's place. */
	path(f, p, ".anycast4.tmp");
	assert_int_equal(mkdir(p, 0755), 0);
	assert_true(statefile_write(&f->files, "anycast4", false, "x") < 0);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_true(up);
	assert_int_equal(statefile_remove(&f->files, "anycast4"), 0);
	assert_int_equal(statefile_read(&f->files, "anycast4", &up), 0);
	assert_false(up);
	rmdir(p);
}

static void only_absolute_directories_will_do(void **state)
{
	struct statefile files;

	assert_int_equal(statefile_init(&files, "run/anode", "x"), -EINVAL);
	assert_int_equal(statefile_init(&files, "", "x"), -EINVAL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_one_statement_that_bird_may_read),
		TEST(no_file_and_an_empty_file_are_down),
		TEST(a_stale_writer_gives_up_and_names_the_new_one),
		TEST(a_held_lock_is_not_waited_for),
		TEST(a_directory_that_vanished_comes_back_with_the_next_write),
		TEST(a_broken_fence_stops_writes_until_it_is_claimed_again),
		TEST(a_write_that_fails_leaves_the_old_file),
		TEST(only_absolute_directories_will_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
