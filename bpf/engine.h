/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP engine as the daemon handles it: load or adopt, attach, test, leave.
 * docs/internals/engine.md.
 *
 * In: options, interfaces. Out: struct engine_memory (mapped), states of attachments, test runs.
 * It refuses to know zones, settings' content or routing. Errors are negative errno with a text in
 * `error` that tells the operator what to do. One thread at a time (the one that opens, then the
 * loop), but for memory->grace (publisher thread).
 *
 *     open, fill the image, attach each interface, settle
 *       then as often as wanted: inspect, attach, test
 *         then close (restart, upgrade: packets are answered on) or remove (leave service)
 */
#ifndef ANODE_BPF_ENGINE_H
#define ANODE_BPF_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "shared/memory.h"

enum attach_mode { ATTACH_AUTO, ATTACH_NATIVE, ATTACH_GENERIC };

struct engine_options {
	const char *instance; /* name under /sys/fs/bpf/anode/: 1 to 31 of A-Z a-z 0-9 _ - */
	uint64_t image_bytes; /* fastpath.memory; rounded up to shards */
	const char *pin_root; /* NULL = /sys/fs/bpf/anode */
};

struct engine_attachment {
	char ifname[16];
	unsigned int ifindex;
	bool attached;         /* the link exists and the interface names our program */
	enum attach_mode mode; /* as it is: native or generic; auto = not attached */
	char note[256];        /* why not, or why generic; empty when there is nothing to say */
};

struct engine;

/*
 * Load a new generation, or adopt what is pinned when it fits. `adopted` tells which: false means
 * an empty image. -EBUSY: another daemon runs this instance. Any failure leaves pins and links as
 * they were.
 */
int engine_open(struct engine **engine, const struct engine_options *options, bool *adopted,
	char *error, size_t error_size);
/* Owned by the engine, valid until close or remove. */
struct engine_memory *engine_memory(struct engine *engine);
/* What open did, for the log: which generation, adopted or loaded, and why not the one that is
 * there. */
const char *engine_note(const struct engine *engine);
/* Text of the last failed call on this engine. */
const char *engine_error(const struct engine *engine);

/*
 * Attach by interface name, or move an existing link to this generation's program; -ENODEV while
 * the interface doesn't exist (ask again). Idempotent; a link that works is left alone, so that no
 * driver flaps. result->note says why not, or why generic.
 *
 * Many drivers reset their rings when a program comes or goes natively, and the link with them.
 * `may_flap` false: -EAGAIN where that would have to be, and all stays as it is.
 */
int engine_attach(struct engine *engine, const char *ifname, enum attach_mode mode, bool may_flap,
	struct engine_attachment *result);
/* What is really there now. Never changes anything. -ENODEV: no such interface (result is filled).
 */
int engine_inspect(struct engine *engine, const char *ifname, struct engine_attachment *result);
/* 0 also when nothing was attached. */
int engine_detach(struct engine *engine, const char *ifname);
/*
 * These interfaces and no others: detach the rest (of an earlier configuration), and let older
 * generations go as soon as no link runs their program. -EAGAIN: one still does; attach it, then
 * call again. Also -EAGAIN: an interface must be detached that runs natively, and nothing
 * `may_flap`.
 */
int engine_settle(struct engine *engine, const char *const *ifnames, size_t count, bool may_flap);

/*
 * One test run, on a frame that comes in on lo, of the program that an interface in this mode runs
 * (native if auto). *reply_size: in, room; out, bytes of the frame as the program left it; *action
 * is the XDP action. Twice at most when live traffic disturbed it is the caller's rule.
 */
int engine_test(struct engine *engine, enum attach_mode mode, const void *frame, size_t frame_size,
	void *reply, size_t *reply_size, uint32_t *action);

/* Forget the mappings; program, links and pins stay (restart, upgrade). Accepts NULL. */
void engine_close(struct engine *engine);
/* Links and pins go, the memory stays mapped until close. The first error is returned; it goes on.
 */
int engine_unpin(struct engine *engine);
/* Leave service: links, pins and maps go, the engine is closed. The first error is returned; it
 * goes on. */
int engine_remove(struct engine *engine);

#endif
