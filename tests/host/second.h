/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second BPF object of the same core, on the maps of a running engine: programs that a test needs
 * beside the engine's own, over the very same image, settings and counters.
 *
 *     second_begin, X_bpf__open, second_load, ... X_bpf__destroy
 */
#ifndef ANODE_TESTS_SECOND_H
#define ANODE_TESTS_SECOND_H

#include <bpf/libbpf.h>
#include "engine_parts.h"

/* Before the skeleton is opened. 0 or negative errno. */
int second_begin(void);

/* Loads the object. 0, or a negative errno; loadlog_tail() has the reason. */
int second_load(struct bpf_object *object, const struct engine *engine);

#endif
