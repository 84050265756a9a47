/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A network namespace and a BPF file system of its own for a test with root: nothing that it
 * attaches or pins can outlive it, however it ends.
 */
#ifndef ANODE_TESTS_SANDBOX_H
#define ANODE_TESTS_SANDBOX_H

/*
 * For the calling process and its later children; before any thread. 0, or a negative errno.
 * Without root it prints what TAP calls a skip of everything, and returns -EPERM: exit with
 * SANDBOX_SKIP then.
 */
#define SANDBOX_SKIP 77
int sandbox_enter(void);

#endif
