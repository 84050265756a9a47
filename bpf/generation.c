/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One generation: a loaded program and its maps, pinned under gen-N/.
 *
 * In: how much image. Out: descriptors in struct engine. A generation is built in new-N/ and
 * renamed when it is whole, so what is called gen-N is complete; a loader that died leaves new-N,
 * which the next one removes. Loading ends in adopting what was pinned, so there is one way to open
 * a generation. It refuses to know interfaces.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "answer/image.h"
#include "anode.skel.h"
#include "direct.h"
#include "cpus.h"
#include "engine_parts.h"

#define ABOUT_MAGIC     0x3154554f42414e41ull /* "ANABOUT1" */
#define USED_MAPS_MAX   64
#define SHARD_SHIFT     26                           /* of an image that needs several */
#define IMAGE_BYTES_MAX ((uint64_t)IMAGE_UNIT << 32) /* what a u32 offset reaches */
#define NUMBER_NONE     UINT32_MAX

static const char *const map_names[GENERATION_MAPS] = {
	[MAP_IMAGE] = "image",
	[MAP_SETTINGS] = "settings",
	[MAP_COUNTERS] = "counters",
	[MAP_SAMPLES] = "samples",
};

static const char *const program_names[GENERATION_PROGRAMS] = {
	[PROGRAM_NATIVE] = "xdp",
	[PROGRAM_GENERIC] = "xdp-generic",
};

/* FNV-1a. Tells builds apart; an attacker who can write to our pins needs no collision. */
static uint64_t generation_object_hash(void)
{
	size_t size;
	const unsigned char *bytes = anode_bpf__elf_bytes(&size);
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

int generation_size(struct engine *e, uint64_t image_bytes)
{
	uint32_t shift = IMAGE_SHARD_MIN, shards;
	int rows = cpus_possible_end();

	if (rows < 1)
		return engine_fail(e, rows ? rows : -EIO,
			"can't read which CPUs are possible (/sys/devices/system/cpu/possible): %s",
			strerror(rows ? -rows : EIO));
	if (!image_bytes || image_bytes > IMAGE_BYTES_MAX)
		return engine_fail(e, -EINVAL, "fastpath.memory: from 64 KiB to %llu GiB",
			(unsigned long long)(IMAGE_BYTES_MAX >> 30));
	/* one shard is reached without a look-up (direct.h), so several only where one can't do */
	while (shift < IMAGE_SHARD_MAX && (1ull << shift) < image_bytes)
		shift++;
	if ((1ull << shift) < image_bytes)
		shift = SHARD_SHIFT;
	shards = (uint32_t)((image_bytes + (1ull << shift) - 1) >> shift);
	e->about = (struct generation_about){
		.magic = ABOUT_MAGIC,
		.object = generation_object_hash(),
		.image_layout = IMAGE_LAYOUT,
		.settings_layout = SETTINGS_LAYOUT,
		.value_size = {[MAP_IMAGE] = (uint32_t)IMAGE_STRIDE(shift),
			[MAP_SETTINGS] = sizeof(struct settings_area),
			[MAP_COUNTERS] = sizeof(struct counters),
			[MAP_SAMPLES] = sizeof(struct samples)},
		.entries = {[MAP_IMAGE] = shards,
			[MAP_SETTINGS] = 1,
			[MAP_COUNTERS] = (uint32_t)rows,
			[MAP_SAMPLES] = (uint32_t)rows},
		.shard_shift = shift,
	};
	return 0;
}

/* N of "gen-N"; NUMBER_NONE for anything else. */
static uint32_t generation_number(const char *name)
{
	unsigned long number;
	char *end;

	if (strncmp(name, "gen-", 4) != 0 || name[4] < '0' || name[4] > '9')
		return NUMBER_NONE;
	number = strtoul(name + 4, &end, 10);
	return *end || number >= NUMBER_NONE ? NUMBER_NONE : (uint32_t)number;
}

struct newest {
	uint32_t below; /* in: only numbers below this */
	uint32_t number;
};

static int generation_visit_newest(struct engine *e, const char *name, void *data)
{
	struct newest *newest = data;
	uint32_t number = generation_number(name);

	if (number < newest->below && (newest->number == NUMBER_NONE || number > newest->number))
		newest->number = number;
	return 0;
}

static int generation_newest(struct engine *e, uint32_t below, uint32_t *number)
{
	struct newest newest = {.below = below, .number = NUMBER_NONE};
	int err = pins_each(e, "gen-", generation_visit_newest, &newest);

	*number = newest.number;
	return err;
}

void generation_close(struct engine *e)
{
	for (int i = 0; i < GENERATION_MAPS; i++) {
		if (e->maps[i] >= 0)
			close(e->maps[i]);
		e->maps[i] = -1;
	}
	for (int i = 0; i < GENERATION_PROGRAMS; i++) {
		if (e->program[i] >= 0)
			close(e->program[i]);
		e->program[i] = -1;
	}
}

static int generation_get(const struct engine *e, uint32_t number, const char *name)
{
	char path[PINS_PATH_MAX];
	int err = pins_path(e, path, "gen-%u/%s", number, name);

	if (err)
		return err;
	return bpf_obj_get(path);
}

/* Does the pinned record say what we would load? */
static bool generation_about_matches(const struct engine *e, uint32_t number)
{
	struct bpf_map_info info = {0};
	struct generation_about about;
	uint32_t size = sizeof(info), key = 0;
	int map = generation_get(e, number, "about");
	bool matches;

	if (map < 0)
		return false;
	matches = bpf_obj_get_info_by_fd(map, &info, &size) == 0 &&
		  info.type == BPF_MAP_TYPE_ARRAY && info.value_size == sizeof(about) &&
		  bpf_map_lookup_elem(map, &key, &about) == 0 &&
		  memcmp(&about, &e->about, sizeof(about)) == 0;
	close(map);
	return matches;
}

/* The pinned program, and whether it is an XDP program that uses all of these maps. */
static bool generation_open_program(struct engine *e, uint32_t number,
	enum generation_program which, const uint32_t map_id[GENERATION_MAPS])
{
	struct bpf_prog_info info = {0};
	uint32_t used[USED_MAPS_MAX], size = sizeof(info);
	int program = generation_get(e, number, program_names[which]);

	e->program[which] = program;
	info.map_ids = (uintptr_t)used;
	info.nr_map_ids = USED_MAPS_MAX;
	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &size) != 0 ||
		info.type != BPF_PROG_TYPE_XDP || info.nr_map_ids > USED_MAPS_MAX)
		return false;
	e->program_id[which] = info.id;
	for (int i = 0; i < GENERATION_MAPS; i++) {
		bool found = false;

		for (uint32_t u = 0; u < info.nr_map_ids; u++)
			found |= used[u] == map_id[i];
		if (!found)
			return false;
	}
	return true;
}

/* The pinned map, and whether it has the shape that `about` says. */
static bool generation_open_map(
	struct engine *e, uint32_t number, enum generation_map which, uint32_t *id)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int map = generation_get(e, number, map_names[which]);

	e->maps[which] = map;
	if (map < 0 || bpf_obj_get_info_by_fd(map, &info, &size) != 0)
		return false;
	*id = info.id;
	return info.type == BPF_MAP_TYPE_ARRAY && info.map_flags & BPF_F_MMAPABLE &&
	       info.value_size == e->about.value_size[which] &&
	       info.max_entries == e->about.entries[which];
}

static bool generation_open_pins(struct engine *e, uint32_t number)
{
	uint32_t map_id[GENERATION_MAPS];

	for (int i = 0; i < GENERATION_MAPS; i++)
		if (!generation_open_map(e, number, (enum generation_map)i, &map_id[i]))
			return false;
	for (int i = 0; i < GENERATION_PROGRAMS; i++)
		if (!generation_open_program(e, number, (enum generation_program)i, map_id))
			return false;
	return true;
}

int generation_adopt(struct engine *e)
{
	uint32_t below = NUMBER_NONE, number;
	int err;

	while (!(err = generation_newest(e, below, &number)) && number != NUMBER_NONE) {
		if (generation_about_matches(e, number) && generation_open_pins(e, number)) {
			e->number = number;
			return 0;
		}
		generation_close(e);
		if (!e->refused[0])
			snprintf(e->refused, sizeof(e->refused),
				"; generation %u is of another build, or for another "
				"fastpath.memory",
				number);
		below = number;
	}
	return err ? err : -ENOENT;
}

/* Pin `about` with everything else already in place. */
static int generation_pin_about(struct engine *e, const char *path)
{
	uint32_t key = 0;
	int err = 0, map;

	map = bpf_map_create(
		BPF_MAP_TYPE_ARRAY, "anode_about", sizeof(key), sizeof(e->about), 1, NULL);
	if (map < 0)
		return map;
	if (bpf_map_update_elem(map, &key, &e->about, BPF_ANY) != 0 || bpf_map_freeze(map) != 0 ||
		bpf_obj_pin(map, path) != 0)
		err = -errno;
	close(map);
	return err;
}

/* Pin what is loaded under new-N, then give it its name. */
static int generation_pin(struct engine *e, struct anode_bpf *skeleton, uint32_t number)
{
	const struct {
		const char *name;
		int fd;
	} pins[] = {
		{map_names[MAP_IMAGE], bpf_map__fd(skeleton->maps.image)},
		{map_names[MAP_SETTINGS], bpf_map__fd(skeleton->maps.settings)},
		{map_names[MAP_COUNTERS], bpf_map__fd(skeleton->maps.counters)},
		{map_names[MAP_SAMPLES], bpf_map__fd(skeleton->maps.samples)},
		{program_names[PROGRAM_NATIVE], bpf_program__fd(skeleton->progs.anode_native)},
		{program_names[PROGRAM_GENERIC], bpf_program__fd(skeleton->progs.anode_generic)},
	};
	char building[PINS_PATH_MAX], whole[PINS_PATH_MAX], path[PINS_PATH_MAX];
	int err = pins_path(e, building, "new-%u", number);

	if (!err)
		err = pins_path(e, whole, "gen-%u", number);
	if (err)
		return err;
	if (mkdir(building, 0700) != 0)
		return -errno;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]) && !err; i++) {
		err = pins_path(e, path, "new-%u/%s", number, pins[i].name);
		if (!err && bpf_obj_pin(pins[i].fd, path) != 0)
			err = -errno;
	}
	if (!err)
		err = pins_path(e, path, "new-%u/about", number);
	if (!err)
		err = generation_pin_about(e, path);
	if (!err && rename(building, whole) != 0)
		err = -errno;
	if (err)
		pins_clear(building);
	return err;
}

static int generation_visit_clear(struct engine *e, const char *name, void *data)
{
	char path[PINS_PATH_MAX];
	const uint32_t *keep = data;
	int err;

	if (keep && generation_number(name) == *keep)
		return 0;
	err = pins_path(e, path, "%s", name);
	if (!err)
		err = pins_clear(path);
	if (err)
		return engine_fail(
			e, err, "can't remove %s/%s: %s", e->directory, name, strerror(-err));
	return 0;
}

static int generation_load_failed(struct engine *e, int err)
{
	const char *log = loadlog_tail();

	if (err == -ENOMEM)
		return engine_fail(e, err,
			"can't reserve %llu MiB for the image: lower fastpath.memory, or raise the "
			"service's MemoryMax",
			(unsigned long long)e->about.entries[MAP_IMAGE] << e->about.shard_shift >>
				20);
	return engine_fail(e, err, "can't load the XDP program: %s%s%s%s", strerror(-err),
		engine_advice(e, err), *log ? "; the kernel said:\n" : "", log);
}

int generation_load(struct engine *e)
{
	const struct generation_about *about = &e->about;
	struct anode_bpf *skeleton;
	uint32_t number;
	int err;

	err = pins_each(e, "new-", generation_visit_clear, NULL);
	if (!err)
		err = generation_newest(e, NUMBER_NONE, &number);
	if (err)
		return err;
	number = number == NUMBER_NONE ? 1 : number + 1;

	loadlog_start();
	err = direct_register();
	if (err)
		return generation_load_failed(e, err);
	skeleton = anode_bpf__open();
	if (!skeleton)
		return generation_load_failed(e, -errno);
	err = bpf_map__set_value_size(skeleton->maps.image, about->value_size[MAP_IMAGE]);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.image, about->entries[MAP_IMAGE]);
	if (!err)
		err = bpf_map__set_max_entries(
			skeleton->maps.counters, about->entries[MAP_COUNTERS]);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.samples, about->entries[MAP_SAMPLES]);
	direct_object(skeleton->obj, about->entries[MAP_IMAGE], about->shard_shift);
	if (!err)
		err = anode_bpf__load(skeleton);
	direct_object(NULL, 0, 0);
	if (err) {
		err = generation_load_failed(e, err);
		goto out;
	}
	err = generation_pin(e, skeleton, number);
	if (err) {
		engine_fail(e, err, "can't pin the XDP program in %s: %s%s", e->directory,
			strerror(-err), engine_advice(e, err));
		goto out;
	}
	err = generation_adopt(e);
	if (err || e->number != number)
		err = engine_fail(e, err ? err : -EIO,
			"%s/gen-%u was loaded but isn't what it should be; remove it", e->directory,
			number);
out:
	anode_bpf__destroy(skeleton);
	return err;
}

enum generation_program generation_program_of(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? PROGRAM_GENERIC : PROGRAM_NATIVE;
}

bool generation_has_program(const struct engine *e, uint32_t program_id)
{
	for (int i = 0; i < GENERATION_PROGRAMS; i++)
		if (e->program_id[i] == program_id)
			return true;
	return false;
}

/* Replace one pin, in one step for whoever looks. */
static int generation_publish_one(struct engine *e, enum generation_program which)
{
	char path[PINS_PATH_MAX], next[PINS_PATH_MAX];
	int err = pins_path(e, path, "%s", program_names[which]), pinned;

	if (!err)
		err = pins_path(e, next, "%s-new", program_names[which]);
	if (err)
		return err;
	pinned = bpf_obj_get(path);
	if (pinned >= 0) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);
		bool ours = bpf_obj_get_info_by_fd(pinned, &info, &size) == 0 &&
			    info.id == e->program_id[which];

		close(pinned);
		if (ours)
			return 0;
	}
	unlink(next);
	if (bpf_obj_pin(e->program[which], next) != 0 || rename(next, path) != 0) {
		err = -errno;
		return engine_fail(
			e, err, "can't pin %s: %s%s", path, strerror(-err), engine_advice(e, err));
	}
	return 0;
}

int generation_publish(struct engine *e)
{
	int err = 0;

	for (int i = 0; i < GENERATION_PROGRAMS && !err; i++)
		err = generation_publish_one(e, (enum generation_program)i);
	return err;
}

static int generation_visit_unlink(struct engine *e, const char *name, void *data)
{
	char path[PINS_PATH_MAX];
	int err = pins_path(e, path, "%s", name);

	if (!err && unlink(path) != 0)
		err = -errno;
	return err;
}

int generation_retire_others(struct engine *e)
{
	return pins_each(e, "gen-", generation_visit_clear, &e->number);
}

int generation_remove_all(struct engine *e)
{
	int err = pins_each(e, "xdp", generation_visit_unlink, NULL);

	if (!err)
		err = pins_each(e, "gen-", generation_visit_clear, NULL);
	return err;
}
