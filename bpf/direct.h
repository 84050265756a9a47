/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Direct addresses of map values: what makes a look-up in the image three instructions.
 *
 * A program that looks an array map up pays for the call's arguments, the bounds and the NULL check
 * each time. An array of one element has a fixed address, which the kernel puts into the program at
 * load (BPF_PSEUDO_MAP_VALUE). C has no word for that but a global variable, whose map libbpf sizes
 * by itself and doesn't let us name. So the BPF source names a placeholder, `image_value` for
 * `image`, and its loads are swapped before the kernel sees the program. The image's shape goes
 * into the instructions in the same way (direct_marks.h).
 */
#ifndef ANODE_BPF_DIRECT_H
#define ANODE_BPF_DIRECT_H

#include <stdint.h>
#include <bpf/libbpf.h>

/* Before bpf_object__open: XDP programs opened from now on are swapped at load. 0 or negative
 * errno. */
int direct_register(void);

/*
 * Before and after bpf_object__load of that object; one at a time, one thread; shards and shift are
 * those of its image. NULL ends it.
 */
void direct_object(const struct bpf_object *object, uint32_t shards, uint32_t shift);

#endif
