/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP engine as the daemon handles it: load or adopt, attach, test, leave. docs/internals/engine.md.
 *
 * In: options, interfaces. Out: struct engine_memory (mapped), states of attachments, test runs.
 * It refuses to know zones, settings' content or routing. Errors are negative errno with a text in `error`
 * that tells the operator what to do. Loop thread only, but for memory->grace (publisher thread).
 */
#ifndef ANODE_BPF_ENGINE_H
#define ANODE_BPF_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "shared/memory.h"

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC };

struct engine_options {
	const char *instance; /* name under /sys/fs/bpf/anode/ */
	uint64_t image_bytes; /* fastpath.memory; rounded up to shards */
	const char *pin_root; /* NULL = /sys/fs/bpf/anode */
};

struct engine_attachment {
	char ifname[16];
	unsigned int ifindex;
	bool attached;	       /* the link exists and the interface names our program */
	enum attach_mode mode; /* as it is: native or generic */
	char note[160];	       /* why not, or why generic */
};

struct engine;

/* Load a new generation, or adopt what is pinned when it fits. `adopted` tells which. */
int engine_open(struct engine **engine, const struct engine_options *options, bool *adopted, char *error, size_t error_size);
struct engine_memory *engine_memory(struct engine *engine);

/* Attach by interface name; -ENODEV while the interface doesn't exist (ask again). Idempotent. */
int engine_attach(struct engine *engine, const char *ifname, enum attach_mode mode, struct engine_attachment *result);
/* What is really there now. Never changes anything. */
int engine_inspect(struct engine *engine, const char *ifname, struct engine_attachment *result);
int engine_detach(struct engine *engine, const char *ifname);

/*
 * One test run of the current program on a frame that comes in on lo. reply holds the frame as the program left
 * it; *action is the XDP action. Twice at most when live traffic disturbed it is the caller's rule.
 */
int engine_test(struct engine *engine, const void *frame, size_t frame_size, void *reply, size_t *reply_size, uint32_t *action);

/* Forget the mappings; program, links and pins stay (restart, upgrade). Accepts NULL. */
void engine_close(struct engine *engine);
/* Leave service: links, pins and maps go. */
int engine_remove(struct engine *engine);

#endif
