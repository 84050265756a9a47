/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The public face of the XDP engine: open, map, wait for grace, test, leave.
 *
 * In: options and a pinned generation. Out: struct engine_memory and errors that a person can act
 * on.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "answer/image.h"
#include "engine_parts.h"

int engine_fail(struct engine *e, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->error, sizeof(e->error), format, args);
	va_end(args);
	return err;
}

/* Those of the capabilities we need that this thread doesn't have. CAP_SYS_ADMIN stands for the BPF
 * ones. */
static void capabilities_missing(char *text, size_t size)
{
	static const struct {
		int number;
		bool administrator;
		const char *name;
	} needed[] = {
		{CAP_NET_ADMIN, false, " CAP_NET_ADMIN"},
		{CAP_BPF, true, " CAP_BPF"},
		{CAP_PERFMON, true, " CAP_PERFMON"},
	};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	bool administrator;
	size_t at = 0;

	text[0] = 0;
	if (syscall(SYS_capget, &header, data) != 0)
		return;
	administrator = data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!(data[CAP_TO_INDEX(needed[i].number)].effective &
			    CAP_TO_MASK(needed[i].number)) &&
			!(needed[i].administrator && administrator) && at < size)
			at += (size_t)snprintf(text + at, size - at, "%s", needed[i].name);
}

const char *engine_advice(struct engine *e, int err)
{
	char missing[64];

	e->advice[0] = 0;
	switch (err) {
	case -EPERM:
	case -EACCES:
		capabilities_missing(missing, sizeof(missing));
		if (missing[0])
			snprintf(e->advice, sizeof(e->advice),
				": missing%s (run as root, or AmbientCapabilities= in the unit)",
				missing);
		else if (err == -EPERM)
			snprintf(e->advice, sizeof(e->advice),
				": check that /sys/fs/bpf is writable and that the unit's "
				"SystemCallFilter= has bpf");
		break;
	case -ENOMEM:
		snprintf(e->advice, sizeof(e->advice),
			": lower fastpath.memory, or raise the unit's MemoryMax=");
		break;
	case -ENOSYS:
		snprintf(e->advice, sizeof(e->advice),
			": this kernel has no BPF; 6.1 or later is needed");
		break;
	case -EROFS:
		snprintf(e->advice, sizeof(e->advice),
			": /sys/fs/bpf is read-only here (ReadWritePaths=/sys/fs/bpf in the unit)");
		break;
	}
	return e->advice;
}

/* A one-slot map-in-map: replacing what is in it makes the kernel wait for every program that runs
 * (RCU). */
static int engine_grace(void *data)
{
	const struct engine *e = data;
	uint32_t key = 0;

	return bpf_map_update_elem(e->grace_outer, &key, &e->grace_inner, BPF_ANY) == 0 ? 0
											: -errno;
}

/* The wait needs no program to use the map, so the map is this process's own and is pinned nowhere.
 */
static int engine_open_grace(struct engine *e)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	e->grace_inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "anode_grace_in", 4, 4, 1, NULL);
	if (e->grace_inner >= 0) {
		options.inner_map_fd = (uint32_t)e->grace_inner;
		e->grace_outer = bpf_map_create(
			BPF_MAP_TYPE_ARRAY_OF_MAPS, "anode_grace", 4, 4, 1, &options);
	}
	if (e->grace_inner < 0 || e->grace_outer < 0) {
		int err = -errno;

		return engine_fail(e, err, "can't make the grace map: %s%s", strerror(-err),
			engine_advice(e, err));
	}
	return 0;
}

static size_t engine_map_bytes(const struct engine *e, enum generation_map map)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	/* As the kernel lays it out: values rounded to 8, the whole rounded to pages. */
	size_t value = ((size_t)e->about.value_size[map] + 7) & ~(size_t)7;

	return (value * e->about.entries[map] + page - 1) & ~(page - 1);
}

static void *engine_map_one(struct engine *e, enum generation_map map, int *err)
{
	void *at;

	if (*err)
		return NULL;
	at = mmap(NULL, engine_map_bytes(e, map), PROT_READ | PROT_WRITE, MAP_SHARED, e->maps[map],
		0);
	if (at == MAP_FAILED) {
		*err = -errno;
		engine_fail(e, *err, "can't map shared memory of the XDP program: %s%s",
			strerror(-*err), engine_advice(e, *err));
		return NULL;
	}
	return at;
}

static int engine_map(struct engine *e)
{
	int err = 0;

	e->memory = (struct engine_memory){
		.image = engine_map_one(e, MAP_IMAGE, &err),
		.shards = e->about.entries[MAP_IMAGE],
		.shard_shift = e->about.shard_shift,
		.settings = engine_map_one(e, MAP_SETTINGS, &err),
		.counters = engine_map_one(e, MAP_COUNTERS, &err),
		.samples = engine_map_one(e, MAP_SAMPLES, &err),
		.rows = e->about.entries[MAP_COUNTERS],
		.grace = engine_grace,
		.engine = e,
	};
	return err;
}

static void engine_unmap(struct engine *e)
{
	void *const at[GENERATION_MAPS] = {
		[MAP_IMAGE] = e->memory.image,
		[MAP_SETTINGS] = e->memory.settings,
		[MAP_COUNTERS] = e->memory.counters,
		[MAP_SAMPLES] = e->memory.samples,
	};

	for (int i = 0; i < GENERATION_MAPS; i++)
		if (at[i])
			munmap(at[i], engine_map_bytes(e, (enum generation_map)i));
	memset(&e->memory, 0, sizeof(e->memory));
}

int engine_open(struct engine **engine, const struct engine_options *options, bool *adopted,
	char *error, size_t error_size)
{
	struct engine *e = calloc(1, sizeof(*e));
	int err;

	*engine = NULL;
	*adopted = false;
	if (!e) {
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	e->lock = e->grace_outer = e->grace_inner = -1;
	for (int i = 0; i < GENERATION_MAPS; i++)
		e->maps[i] = -1;
	for (int i = 0; i < GENERATION_PROGRAMS; i++)
		e->program[i] = -1;

	err = pins_open(e, options->pin_root, options->instance);
	if (err)
		goto out;
	err = generation_size(e, options->image_bytes);
	if (err)
		goto out;
	err = generation_adopt(e);
	if (!err)
		*adopted = true;
	else if (err == -ENOENT)
		err = generation_load(e);
	if (err)
		goto out;
	err = engine_open_grace(e);
	if (err)
		goto out;
	err = engine_map(e);
	if (err)
		goto out;
	snprintf(e->note, sizeof(e->note), "XDP program: generation %u %s%s", e->number,
		*adopted ? "adopted" : "loaded", e->refused);
	/* While links run an older program, that one is the current one. */
	if (!link_any(e))
		err = generation_publish(e);
out:
	if (err) {
		snprintf(error, error_size, "%s", e->error);
		*adopted = false;
		/* Leave no empty directory behind; one with pins in it stays. */
		if (e->lock >= 0)
			pins_remove(e);
		engine_close(e);
		return err;
	}
	*engine = e;
	return 0;
}

struct engine_memory *engine_memory(struct engine *e)
{
	return &e->memory;
}

const char *engine_note(const struct engine *e)
{
	return e->note;
}

const char *engine_error(const struct engine *e)
{
	return e->error;
}

int engine_settle(struct engine *e, const char *const *ifnames, size_t count, bool may_flap)
{
	struct link_rest rest;
	int err = link_settle(e, ifnames, count, may_flap, &rest);

	if (!err && rest.foreign)
		err = engine_fail(e, -EAGAIN, "%u interface%s still on an older program",
			rest.foreign, rest.foreign == 1 ? "" : "s");
	if (!err)
		err = generation_publish(e);
	if (!err)
		err = generation_retire_others(e);
	if (!err && rest.kept)
		err = engine_fail(e, -EAGAIN,
			"%u interface%s no longer configured: detaching may flap the link, so not "
			"before nothing is announced",
			rest.kept, rest.kept == 1 ? " is" : "s are");
	return err;
}

int engine_test(struct engine *e, enum attach_mode mode, const void *frame, size_t frame_size,
	void *reply, size_t *reply_size, uint32_t *action)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (uint32_t)frame_size,
		.data_out = reply, .data_size_out = (uint32_t)*reply_size, .repeat = 1);
	enum generation_program which = generation_program_of(mode);
	int err;

	if (bpf_prog_test_run_opts(e->program[which], &run) != 0) {
		err = -errno;
		return engine_fail(e, err, "test run of program %u: %s%s", e->program_id[which],
			strerror(-err), engine_advice(e, err));
	}
	*reply_size = run.data_size_out;
	*action = run.retval;
	return 0;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	engine_unmap(e);
	generation_close(e);
	if (e->grace_outer >= 0)
		close(e->grace_outer);
	if (e->grace_inner >= 0)
		close(e->grace_inner);
	pins_close(e);
	free(e);
}

int engine_unpin(struct engine *e)
{
	int err = link_remove_all(e), next;

	next = generation_remove_all(e);
	if (!err)
		err = next;
	next = pins_remove(e);
	return err ? err : next;
}

int engine_remove(struct engine *e)
{
	int err = engine_unpin(e);

	engine_close(e);
	return err;
}
