/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key files: what is taken, what waits, what is refused, and that secrets stay out of texts.
 */
#include "control/zone/key.h"
#include "tests/unit/zone/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/anode-key-XXXXXX";

static int folder_make(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	return rmdir(folder);
}

/* Loads a key whose file holds 'content' with 'mode'. */
static int load(const char *content, mode_t mode, const char *algorithm, char *reason)
{
	char *file = wire_key_file(folder, "k", content);
	struct key_options options = {"mirror", algorithm, file};
	struct key *key = NULL;

	assert_int_equal(chmod(file, mode), 0);
	int error = key_load(&key, &options, reason);
	assert_int_equal(!key, !!error);
	key_free(key);
	unlink(file);
	free(file);
	return error;
}

static void every_algorithm_of_rfc_8945_is_taken(void **state)
{
	static const char *const names[] = {"hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256",
		"hmac-sha384", "hmac-sha512"};
	char reason[KEY_REASON_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(load(WIRE_SECRET, 0600, names[i], reason), 0);
		assert_string_equal(reason, "");
	}
	assert_int_equal(load(WIRE_SECRET, 0600, "hmac-sha3", reason), -EINVAL);
	assert_non_null(strstr(reason, "hmac-sha3"));
}

static void white_space_around_the_secret_is_ignored(void **state)
{
	char reason[KEY_REASON_SIZE];

	assert_int_equal(load("\n  " WIRE_SECRET " \n\n", 0640, "hmac-sha256", reason), 0);
}

static void what_is_no_secret_is_refused_without_showing_it(void **state)
{
	static const char *const contents[] = {"", " \n", "not base64!",
		"key mirror { secret \"c2VjcmV0\"; };", "c2VjcmV0 c2VjcmV0"};
	char reason[KEY_REASON_SIZE];

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		assert_int_equal(load(contents[i], 0600, "hmac-sha256", reason), -EINVAL);
		assert_non_null(strstr(reason, "base64"));
		assert_null(strstr(reason, "c2VjcmV0"));
	}
	char *large = malloc(100001);
	memset(large, 'A', 100000);
	large[100000] = '\0';
	assert_int_equal(load(large, 0600, "hmac-sha256", reason), -EFBIG);
	free(large);
}

static void a_file_others_can_read_gives_a_warning(void **state)
{
	char reason[KEY_REASON_SIZE];

	assert_int_equal(load(WIRE_SECRET, 0644, "hmac-sha256", reason), 0);
	assert_non_null(strstr(reason, "0644"));
	assert_int_equal(load(WIRE_SECRET, 0660, "hmac-sha256", reason), 0);
	assert_non_null(strstr(reason, "0660"));
}

static void a_missing_file_is_to_be_waited_for(void **state)
{
	char path[64], reason[KEY_REASON_SIZE];
	struct key_options options = {"mirror", "hmac-sha256", path};
	struct key *key = NULL;

	snprintf(path, sizeof(path), "%s/none", folder);
	assert_int_equal(key_load(&key, &options, reason), -ENOENT);
	assert_non_null(strstr(reason, path));
	snprintf(path, sizeof(path), "%s/none/none", folder);
	assert_int_equal(key_load(&key, &options, reason), -ENOENT);
	snprintf(path, sizeof(path), "%s", folder);
	assert_int_equal(key_load(&key, &options, reason), -EINVAL);
	assert_null(key);
}

static void a_replaced_file_is_noticed(void **state)
{
	char *file = wire_key_file(folder, "k", WIRE_SECRET), reason[KEY_REASON_SIZE];
	struct key_options options = {"mirror", "hmac-sha256", file};
	struct key *key;

	assert_int_equal(key_load(&key, &options, reason), 0);
	assert_false(key_is_stale(key));
	char *other = wire_key_file(folder, "other", WIRE_SECRET);
	assert_int_equal(rename(other, file), 0);
	assert_true(key_is_stale(key));
	unlink(file);
	assert_true(key_is_stale(key));
	key_free(key);
	free(file);
	free(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_of_rfc_8945_is_taken),
		cmocka_unit_test(white_space_around_the_secret_is_ignored),
		cmocka_unit_test(what_is_no_secret_is_refused_without_showing_it),
		cmocka_unit_test(a_file_others_can_read_gives_a_warning),
		cmocka_unit_test(a_missing_file_is_to_be_waited_for),
		cmocka_unit_test(a_replaced_file_is_noticed),
	};
	return cmocka_run_group_tests_name("key", tests, folder_make, folder_remove);
}
