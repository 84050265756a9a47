/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder of what outlives the daemon, and files in it that are replaced whole: a path and
 * bytes in, a file that is either the old or the new one out. Any thread.
 */
#pragma once

#include <stddef.h>

/* Makes the folder (0755) and those above it, where they are missing. 0 or negative errno. */
int folder_make(const char *path);

/* Replaces `path` by `length` bytes (0644): a temporary file beside it, renamed. No fsync: after a
 * crash of the kernel it may be the old one. 0 or negative errno; then it is the old one. */
int folder_replace(const char *path, const char *bytes, size_t length);
