/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the XDP engine share among themselves; nobody else includes it.
 *
 *     engine.c      the public face: mapping, grace period, test runs
 *     generation.c  one loaded program with its maps: load, pin, adopt
 *     link.c        interfaces
 *     pins.c        the instance's directory in bpffs and its lock
 *     loadlog.c     what libbpf and the kernel said
 *
 * Loop thread only, but for engine_grace. All functions return 0 or a negative errno; with a struct
 * engine they leave the operator's text in engine->error.
 */
#ifndef ANODE_BPF_ENGINE_PARTS_H
#define ANODE_BPF_ENGINE_PARTS_H

#include "engine.h"

#define PINS_ROOT_MAX 96
#define INSTANCE_MAX  31
#define PINS_PATH_MAX                                                                              \
	192 /* root, instance, "gen-4294967295/settings" or "link-" and an escaped interface name  \
	     */

/* The same program for either mode; anode.bpf.c says why. */
enum generation_program { PROGRAM_NATIVE, PROGRAM_GENERIC, GENERATION_PROGRAMS };
enum generation_map { MAP_IMAGE, MAP_SETTINGS, MAP_COUNTERS, MAP_SAMPLES, GENERATION_MAPS };

/* What a generation must equal to be adopted; stored in its pinned map "about" as these bytes. */
struct generation_about {
	uint64_t magic;
	uint64_t object; /* hash of the BPF object it was loaded from */
	uint32_t image_layout;
	uint32_t settings_layout;
	uint32_t value_size[GENERATION_MAPS];
	uint32_t entries[GENERATION_MAPS];
	uint32_t shard_shift;
	uint32_t reserved;
};

struct engine {
	char root[PINS_ROOT_MAX];
	char directory[PINS_ROOT_MAX + INSTANCE_MAX + 1]; /* <root>/<instance> */
	int lock;                                         /* descriptor of the directory, flocked */

	struct generation_about about;
	uint32_t number; /* N of gen-N */
	int program[GENERATION_PROGRAMS];
	uint32_t program_id[GENERATION_PROGRAMS];
	int maps[GENERATION_MAPS];

	int grace_outer, grace_inner;
	struct engine_memory memory;

	char refused[128]; /* the newest generation that can't be adopted, and why; or "" */
	char note[256];
	char advice[192];
	char error[1536];
};

/* Set engine->error and return err. */
int engine_fail(struct engine *engine, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* What to do about an errno of bpf(2) or bpffs, as the end of a sentence; "" if there is nothing to
 * advise. */
const char *engine_advice(struct engine *engine, int err);

/* Make and lock <pin_root>/<instance>. -EBUSY when another process holds it. */
int pins_open(struct engine *engine, const char *root, const char *instance);
/* Release the lock, leave the directory. */
void pins_close(struct engine *engine);
/* Path of a pin in the instance's directory; -ENAMETOOLONG. */
int pins_path(const struct engine *engine, char path[PINS_PATH_MAX], const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Remove a directory of pins and what is in it, one level; 0 if it doesn't exist. */
int pins_clear(const char *path);
/* Call visit for each name in the directory that begins with prefix, until it returns non-zero;
 * that is returned. */
int pins_each(struct engine *engine, const char *prefix,
	int (*visit)(struct engine *engine, const char *name, void *data), void *data);
/* Remove the instance's directory, and the root when that was the last instance. */
int pins_remove(struct engine *engine);

/* Decide sizes for this many bytes of image: fills engine->about, and engine->note when it gives
 * less. */
int generation_size(struct engine *engine, uint64_t image_bytes);
/* Newest pinned generation that equals engine->about; -ENOENT if there is none. */
int generation_adopt(struct engine *engine);
/* Load and pin the next generation, then adopt it. */
int generation_load(struct engine *engine);
/* The program that an interface in this mode runs; native if auto. */
enum generation_program generation_program_of(enum attach_mode mode);
/* Is it one of this generation's? */
bool generation_has_program(const struct engine *engine, uint32_t program_id);
/* Make <instance>/xdp and xdp-generic name this generation's programs. */
int generation_publish(struct engine *engine);
/* Remove every generation but this one. */
int generation_retire_others(struct engine *engine);
int generation_remove_all(struct engine *engine);
/* Close the descriptors; pins stay. */
void generation_close(struct engine *engine);

/* XDP links. What link_settle() left: */
struct link_rest {
	unsigned int foreign; /* links that run a program of another generation */
	unsigned int kept;    /* not wanted, but detaching may flap */
};
int link_settle(struct engine *engine, const char *const *ifnames, size_t count, bool may_flap,
	struct link_rest *rest);
int link_remove_all(struct engine *engine);
bool link_any(struct engine *engine);

/* Collect what libbpf prints from now on. */
void loadlog_start(void);
/* The last lines of the verifier's log, or libbpf's last warning; "" if nothing was said. */
const char *loadlog_tail(void);
/* The last extended acknowledgement of netlink; "" if there was none. */
const char *loadlog_netlink(void);

#endif
