/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "second.h"

#include <errno.h>
#include "direct.h"

int second_begin(void)
{
	loadlog_start();
	return direct_register();
}

int second_load(struct bpf_object *object, const struct engine *engine)
{
	static const char *const names[GENERATION_MAPS] = {
		[MAP_IMAGE] = "image",
		[MAP_SETTINGS] = "settings",
		[MAP_COUNTERS] = "counters",
		[MAP_SAMPLES] = "samples",
	};
	int err = 0;

	for (int i = 0; i < GENERATION_MAPS && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		err = map ? bpf_map__reuse_fd(map, engine->maps[i]) : -ENOENT;
	}
	if (err)
		return err;
	direct_object(object, engine->about.entries[MAP_IMAGE], engine->about.shard_shift);
	err = bpf_object__load(object);
	direct_object(NULL, 0, 0);
	return err;
}
