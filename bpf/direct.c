/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placeholder maps become addresses of values; why is in direct.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include "direct.h"
#include "direct_marks.h"

#define PLACEHOLDER "_value"

/* libbpf's callback knows the program only */
static struct {
	const struct bpf_object *object;
	uint32_t shards, shift;
} loading;

void direct_object(const struct bpf_object *object, uint32_t shards, uint32_t shift)
{
	loading.object = object;
	loading.shards = shards;
	loading.shift = shift;
}

/*
 * What the map behind `fd` stands for: the descriptor of `image` for `image_value`; -1 for any
 * other map, and where the target has several elements: the program knows by a constant that it
 * won't come there.
 */
static int direct_target(int fd)
{
	const struct bpf_map *map;

	bpf_object__for_each_map(map, loading.object)
	{
		const char *name = bpf_map__name(map), *tail = strstr(name, PLACEHOLDER);
		char target[64];

		if (bpf_map__fd(map) != fd || !tail || strcmp(tail, PLACEHOLDER) != 0)
			continue;
		snprintf(target, sizeof(target), "%.*s", (int)(tail - name), name);
		map = bpf_object__find_map_by_name(loading.object, target);
		return map && bpf_map__max_entries(map) == 1 ? bpf_map__fd(map) : -1;
	}
	return -1;
}

static int direct_prepare(
	struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie)
{
	size_t count = bpf_program__insn_cnt(program);
	struct bpf_insn *insns;
	int err;

	options->prog_flags |= (unsigned int)cookie;
	if (!loading.object)
		return 0;
	insns = malloc(count * sizeof(*insns));
	if (!insns)
		return -ENOMEM;
	memcpy(insns, bpf_program__insns(program), count * sizeof(*insns));
	for (size_t i = 0; i + 1 < count; i++) {
		int target;

		if (insns[i].code == (BPF_ALU64 | BPF_MOV | BPF_K) && insns[i].imm == DIRECT_SHARDS)
			insns[i].imm = (int)loading.shards;
		else if (insns[i].code == (BPF_ALU64 | BPF_AND | BPF_K) &&
			 insns[i].imm == DIRECT_MASK)
			insns[i].imm = (int)((1u << loading.shift) - 1);
		else if (insns[i].code == (BPF_ALU64 | BPF_RSH | BPF_K) &&
			 insns[i].imm == DIRECT_SHIFT)
			insns[i].imm = (int)loading.shift;
		if (insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if (insns[i].src_reg == BPF_PSEUDO_MAP_FD &&
			(target = direct_target(insns[i].imm)) >= 0) {
			insns[i].src_reg = BPF_PSEUDO_MAP_VALUE;
			insns[i].imm = target;
			insns[i + 1].imm = 0;
		}
		i++;
	}
	err = bpf_program__set_insns(program, insns, count);
	free(insns);
	return err;
}

/* libbpf's own handlers of these sections do no more than set the flag, which comes here as the
 * cookie. */
int direct_register(void)
{
	static const struct {
		const char *section;
		long flags;
	} handlers[] = {{"xdp", 0}, {"xdp.frags", BPF_F_XDP_HAS_FRAGS}};
	static bool registered;

	if (registered)
		return 0;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, options,
			.prog_prepare_load_fn = direct_prepare, .cookie = handlers[i].flags);
		int err = libbpf_register_prog_handler(
			handlers[i].section, BPF_PROG_TYPE_XDP, BPF_XDP, &options);

		if (err < 0)
			return err;
	}
	registered = true;
	return 0;
}
