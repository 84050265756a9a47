/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * Numbers that stand in the BPF program for what the loader knows (direct.h). They are found by
 * value, each only in one kind of instruction.
 */
#ifndef ANODE_BPF_DIRECT_MARKS_H
#define ANODE_BPF_DIRECT_MARKS_H

#define DIRECT_SHARDS 0x0ad0de01 /* register = number of the image's shards */
#define DIRECT_MASK   0x0ad0de02 /* register &= a shard's mask */
#define DIRECT_SHIFT  61         /* register >>= a shard's shift */

#endif
