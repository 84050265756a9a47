/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

int sandbox_enter(void)
{
	int err;

	if (geteuid() != 0) {
		printf("1..0 # SKIP needs root\n");
		return -EPERM;
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700") == 0)
		return 0;
	err = -errno;
	fprintf(stderr, "can't make namespaces of its own: %s\n", strerror(-err));
	return err;
}
