/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The state files that BIRD's configuration includes, and their fence.
 */
#include "control/health/statefile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX_BYTES 512

/* dir and the longest name in it: "/.<protocol>.conf.tmp" */
#define FILE_PATH (PATH_MAX + 64)

static void path_of(const struct statefile *state, char path[FILE_PATH], const char *dot,
	const char *name, const char *suffix)
{
	snprintf(path, FILE_PATH, "%s/%s%s%s", state->dir, dot, name, suffix);
}

int statefile_init(struct statefile *state, const char *dir, const char *owner)
{
	size_t len = strlen(dir);

	memset(state, 0, sizeof *state);
	if (dir[0] != '/')
		return -EINVAL;
	if (len >= sizeof state->dir)
		return -ENAMETOOLONG;
	memcpy(state->dir, dir, len + 1);
	while (len > 1 && state->dir[len - 1] == '/')
		state->dir[--len] = '\0';
	snprintf(state->owner, sizeof state->owner, "%s", owner);
	return 0;
}

/* BIRD runs as a user of its own: what it has to enter and read is made so
 * whatever our umask is. An existing directory is left as it is. */
static int directory_make(const char *path)
{
	if (mkdir(path, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	return chmod(path, 0755) < 0 ? -errno : 0;
}

static int directories_make(const struct statefile *state)
{
	char parent[sizeof state->dir];
	char *slash;
	int r;

	memcpy(parent, state->dir, sizeof parent);
	slash = strrchr(parent, '/');
	if (slash > parent) {
		*slash = '\0';
		r = directory_make(parent);
		if (r < 0)
			return r;
	}
	return directory_make(state->dir);
}

/* Whole small file, NUL-terminated. Its length or negative errno. */
static int file_read(const char *path, char text[FILE_MAX_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, FILE_MAX_BYTES - 1);
	if (n < 0)
		n = -errno;
	else
		text[n] = '\0';
	close(fd);
	return (int)n;
}

/* Replaces the file whole: BIRD reads the old one or the new one. */
static int file_replace(const struct statefile *state, const char *name, const char *suffix,
	const char *text, size_t len)
{
	char path[FILE_PATH], temporary[FILE_PATH];
	ssize_t n;
	int fd, r = 0;

	path_of(state, path, "", name, suffix);
	path_of(state, temporary, ".", name, ".tmp");
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		r = -errno;
	else if ((size_t)n != len)
		r = -ENOSPC;
	else if (fchmod(fd, 0644) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

/* The fence's number, and who wrote it; 0 when there is none. A fence that
 * can't be read as one is an error: never guess a number. */
static int fence_read(const struct statefile *state, uint64_t *number, char holder[64])
{
	char path[FILE_PATH], text[FILE_MAX_BYTES];
	char *end;
	int r;

	path_of(state, path, "", "generation", "");
	r = file_read(path, text);
	if (r == -ENOENT || r == 0) {
		*number = 0;
		holder[0] = '\0';
		return 0;
	}
	if (r < 0)
		return r;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno || end == text || text[0] < '0' || text[0] > '9' || *end != ' ')
		return -EBADMSG;
	end++;
	snprintf(holder, 64, "%.*s", (int)strcspn(end, "\n"), end);
	for (char *c = holder; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return 0;
}

static int fence_write(const struct statefile *state, uint64_t number)
{
	char text[FILE_MAX_BYTES];
	int len = snprintf(text, sizeof text, "%" PRIu64 " %s\n", number, state->owner);

	return file_replace(state, "generation", "", text, (size_t)len);
}

/* A descriptor that holds the lock, or negative errno. */
static int lock_take(const struct statefile *state)
{
	char path[FILE_PATH];
	int fd, r;

	r = directories_make(state);
	if (r < 0)
		return r;
	path_of(state, path, "", "lock", "");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int fence_compare(const struct statefile *state, char holder[64])
{
	uint64_t number;
	int r;

	if (state->generation == 0)
		return 0;
	r = fence_read(state, &number, holder);
	/* 0: the directory was emptied under us; nobody took over. */
	if (r == 0 && number != 0 && number != state->generation)
		return -ESTALE;
	return r;
}

/* With the lock. */
static int fence_claim(struct statefile *state)
{
	char holder[64];
	uint64_t number = 0;
	int r = fence_read(state, &number, holder);

	if (r == -EBADMSG) {
		/* Not a fence: begin where nobody's number can be higher soon. */
		number = (uint64_t)time(NULL) << 16;
		r = 0;
	}
	if (r == 0) {
		number = number > state->generation ? number : state->generation;
		r = fence_write(state, number + 1);
	}
	if (r == 0)
		state->generation = number + 1;
	return r;
}

int statefile_claim(struct statefile *state)
{
	int fd = lock_take(state);
	int r;

	if (fd < 0)
		return fd;
	r = fence_claim(state);
	close(fd);
	return r;
}

int statefile_check(const struct statefile *state, char holder[64])
{
	return fence_compare(state, holder);
}

static int conf_write(
	const struct statefile *state, const char *protocol, bool up, const char *note)
{
	char text[FILE_MAX_BYTES], clean[160], date[32];
	time_t now = time(NULL);
	struct tm tm;
	int len;

	/* A newline in the note would be configuration. */
	snprintf(clean, sizeof clean, "%s", note);
	for (char *c = clean; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
	len = snprintf(text, sizeof text,
		"# anode: %s, generation %" PRIu64 ", written by %s at %s\n"
		"disabled %s;\n",
		clean, state->generation, state->owner, date, up ? "off" : "on");
	return file_replace(state, protocol, ".conf", text, (size_t)len);
}

int statefile_write(struct statefile *state, const char *protocol, bool up, const char *note)
{
	char holder[64];
	int fd = lock_take(state);
	int r;

	if (fd < 0)
		return fd;
	r = state->generation == 0 ? fence_claim(state) : fence_compare(state, holder);
	if (r == 0)
		r = fence_write(state, state->generation + 1);
	if (r == 0) {
		state->generation++;
		r = conf_write(state, protocol, up, note);
	}
	close(fd);
	return r;
}

int statefile_remove(const struct statefile *state, const char *protocol)
{
	char path[FILE_PATH], holder[64];

	if (fence_compare(state, holder) == -ESTALE)
		return -ESTALE;
	path_of(state, path, "", protocol, ".conf");
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int statefile_read(const struct statefile *state, const char *protocol, bool *up)
{
	char path[FILE_PATH], text[FILE_MAX_BYTES];
	const char *line;
	int r;

	*up = false;
	path_of(state, path, "", protocol, ".conf");
	r = file_read(path, text);
	if (r == -ENOENT || r == 0)
		return 0;
	if (r < 0)
		return r;
	line = strchr(text, '\n');
	if (text[0] != '#' || !line)
		return -EBADMSG;
	if (strcmp(line + 1, "disabled off;\n") == 0)
		*up = true;
	else if (strcmp(line + 1, "disabled on;\n") != 0)
		return -EBADMSG;
	return 0;
}
