/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many rows the per-CPU arrays need: the program indexes them by the CPU's id, and ids may have
 * gaps (0,2-3), so it isn't the number of CPUs. */
#ifndef ANODE_BPF_CPUS_H
#define ANODE_BPF_CPUS_H

#define CPUS_MAX 8192 /* of any kernel so far */

/* The highest id in a list like "0-3,8-11" and one more; -EINVAL: no such list. Pure. */
int cpus_list_end(const char *list);
/* Of the CPUs that may ever be there; negative errno. */
int cpus_possible_end(void);

#endif
