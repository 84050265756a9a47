/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The instance's directory in bpffs: where it is, who holds it, what lies in it.
 *
 * In: the root and the instance's name. Out: a locked directory, paths, removal. The lock is an
 * flock on the directory itself: it ends with the process and leaves no file. bpffs refuses dots in
 * names. It refuses to know what the pins are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include "engine_parts.h"

#define PINS_BPFFS "/sys/fs/bpf"
#define PINS_ROOT  PINS_BPFFS "/anode"

static bool pins_on_bpffs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/* In a mount namespace of its own a mount would vanish with the daemon, and every pin with it. */
static bool pins_namespace_is_init(void)
{
	struct stat own, init;

	return stat("/proc/self/ns/mnt", &own) == 0 && stat("/proc/1/ns/mnt", &init) == 0 &&
	       own.st_ino == init.st_ino && own.st_dev == init.st_dev;
}

/* The directory that holds the root must be on bpffs; the usual one is mounted if that is all that
 * is missing. */
static int pins_check_bpffs(struct engine *e)
{
	char parent[PINS_ROOT_MAX];
	char *slash;
	int err;

	snprintf(parent, sizeof(parent), "%s", e->root);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return engine_fail(
			e, -EINVAL, "pin root %s: must be a directory below " PINS_BPFFS, e->root);
	*slash = 0;
	if (pins_on_bpffs(parent))
		return 0;
	if (strcmp(parent, PINS_BPFFS) != 0)
		return engine_fail(
			e, -EINVAL, "pin root %s: %s is not on a BPF file system", e->root, parent);
	if (!pins_namespace_is_init())
		return engine_fail(e, -ENODEV,
			"no BPF file system on " PINS_BPFFS ": mount it on the host "
			"(mount -t bpf bpf " PINS_BPFFS "), a mount made here would end with "
			"the daemon");
	if (mount("bpf", PINS_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
		    "mode=0700") == 0)
		return 0;
	err = -errno;
	return engine_fail(e, err,
		"no BPF file system on " PINS_BPFFS " (%s): mount -t bpf bpf " PINS_BPFFS,
		strerror(-err));
}

static int pins_make(struct engine *e, const char *path)
{
	int err;

	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	err = -errno;
	return engine_fail(
		e, err, "can't make %s: %s%s", path, strerror(-err), engine_advice(e, err));
}

static bool pins_name_valid(const char *name)
{
	size_t length =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return length > 0 && length <= INSTANCE_MAX && name[length] == 0;
}

/*
 * Make the directory and lock it. A daemon that leaves may remove both directories at any moment:
 * then begin again, and a lock on a directory that the path doesn't name any more doesn't count.
 */
static int pins_lock(struct engine *e)
{
	struct stat held, named;

	for (int attempt = 0; attempt < 3; attempt++) {
		int err = pins_make(e, e->root);

		if (!err)
			err = pins_make(e, e->directory);
		if (err == -ENOENT)
			continue;
		if (err)
			return err;
		e->lock = open(e->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (e->lock < 0 && errno == ENOENT)
			continue;
		if (e->lock < 0) {
			err = -errno;
			return engine_fail(e, err, "can't open %s: %s%s", e->directory,
				strerror(-err), engine_advice(e, err));
		}
		if (flock(e->lock, LOCK_EX | LOCK_NB) != 0) {
			err = errno == EWOULDBLOCK ? -EBUSY : -errno;
			pins_close(e);
			if (err == -EBUSY)
				return engine_fail(e, err,
					"%s: another daemon runs this instance; stop it, or give "
					"this "
					"one another instance name",
					e->directory);
			return engine_fail(
				e, err, "can't lock %s: %s", e->directory, strerror(-err));
		}
		if (fstat(e->lock, &held) == 0 && stat(e->directory, &named) == 0 &&
			held.st_ino == named.st_ino)
			return 0;
		pins_close(e);
	}
	return engine_fail(
		e, -EBUSY, "%s: another daemon starts and leaves; try again", e->directory);
}

int pins_open(struct engine *e, const char *root, const char *instance)
{
	int err, length;

	if (!instance || !pins_name_valid(instance))
		return engine_fail(e, -EINVAL,
			"instance name \"%s\": 1 to %d letters, digits, \"_\" and \"-\"",
			instance ? instance : "", INSTANCE_MAX);
	length = snprintf(e->root, sizeof(e->root), "%s", root ? root : PINS_ROOT);
	if (length < 0 || length >= (int)sizeof(e->root))
		return engine_fail(
			e, -ENAMETOOLONG, "pin root: more than %d characters", PINS_ROOT_MAX - 1);
	while (length > 1 && e->root[length - 1] == '/')
		e->root[--length] = 0;
	snprintf(e->directory, sizeof(e->directory), "%s/%s", e->root, instance);
	err = pins_check_bpffs(e);
	if (!err)
		err = pins_lock(e);
	return err;
}

void pins_close(struct engine *e)
{
	if (e->lock >= 0)
		close(e->lock);
	e->lock = -1;
}

int pins_path(const struct engine *e, char path[PINS_PATH_MAX], const char *format, ...)
{
	int at = snprintf(path, PINS_PATH_MAX, "%s/", e->directory), n;
	va_list args;

	va_start(args, format);
	n = vsnprintf(path + at, (size_t)(PINS_PATH_MAX - at), format, args);
	va_end(args);
	return n < 0 || n >= PINS_PATH_MAX - at ? -ENAMETOOLONG : 0;
}

int pins_clear(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(directory), entry->d_name, 0) != 0 &&
			!err)
			err = -errno;
	closedir(directory);
	if (rmdir(path) != 0 && !err)
		err = -errno;
	return err;
}

int pins_each(struct engine *e, const char *prefix,
	int (*visit)(struct engine *engine, const char *name, void *data), void *data)
{
	DIR *directory = opendir(e->directory);
	size_t length = strlen(prefix);
	struct dirent *entry;
	int result = 0;

	if (!directory) {
		result = -errno;
		return engine_fail(e, result, "can't read %s: %s", e->directory, strerror(-result));
	}
	/* A removal by visit doesn't disturb the walk: bpffs keeps its cursor between entries. */
	while (!result && (entry = readdir(directory)))
		if (strncmp(entry->d_name, prefix, length) == 0)
			result = visit(e, entry->d_name, data);
	closedir(directory);
	return result;
}

int pins_remove(struct engine *e)
{
	if (rmdir(e->directory) != 0 && errno != ENOENT)
		return -errno;
	if (rmdir(e->root) != 0 && errno != ENOENT && errno != ENOTEMPTY)
		return -errno;
	return 0;
}
