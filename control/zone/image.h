/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer image as its only writer handles it (docs/internals/image.md).
 *
 *     open ─▶ zone_add ─▶ zone_publish ─▶ zone_publish ... ─▶ zone_remove ─▶ close
 *                            (each visible at return)     settle, now and then
 *
 * In: compiled zones, deadlines, bypasses. Out: the image in shared memory, one or several copies,
 * right for every reader at every moment. What a call changes is visible when it returns; memory
 * that it unlinked comes back in image_settle(), which waits for a grace period. It refuses (and
 * changes nothing) when there is no room. It doesn't lock: there is one writer, and main sees to
 * it.
 *
 * Publisher thread only. Names are folded, in wire format, root label included.
 */
#ifndef ANODE_ZONE_IMAGE_H
#define ANODE_ZONE_IMAGE_H

#include "control/zone/compile.h"

#include "shared/memory.h"

struct image;

struct image_options {
	bool poison; /* fill what becomes free with 0xdb: shows a reader that outlived its grace
			period */
	/* Called each few milliseconds while zones are published, removed or settled; NULL: never.
	 * It may call image_zone_bypass(), image_zone_deadline() and image_zone_state() for any
	 * zone, the one under way too, and nothing else here. */
	void (*between)(void *context);
	void *context;
};

/*
 * Takes the memory over: an image that is there is checked and adopted with all its zones (what a
 * killed writer left half done is undone or finished), anything else is formatted while readers
 * pass. 'adopted' may be NULL. 'memory': up to 8 copies of one shape; they outlive the image. 0,
 * -EINVAL (shape), -ENOMEM, -ENOSPC, or what the grace period returned.
 */
int image_open(struct image **image, struct engine_memory *const memory[], unsigned count,
	const struct image_options *options, bool *adopted);

/* Forgets the image, which stays as it is and goes on answering. NULL is fine. */
void image_close(struct image *image);

/* From now on queries at and below the apex pass, until it is published. 0, -EEXIST, -ENOSPC,
 * -ENOMEM. */
int image_zone_add(struct image *image, const uint8_t *apex);

struct image_result {
	uint32_t kept, replaced, added, removed; /* names */
	bool instance;   /* all names were written afresh under a new seed */
	uint64_t needed; /* bytes that it takes at once; when -ENOSPC: and doesn't get */
	uint64_t unused; /* bytes in no page in use, before */
};

/*
 * Makes the compiled zone what readers see of it, at once and as a whole; names whose bytes didn't
 * change are left alone. 'bypass_after': CLOCK_MONOTONIC ns. 'result' may be NULL. 0; -ENOENT (not
 * added); -ENOSPC or -ENOMEM: readers see what they saw before; or what the grace period returned.
 */
int image_zone_publish(struct image *image, const struct compiled *compiled, uint64_t bypass_after,
	struct image_result *result);

/* A new deadline for what is published. 0, -ENOENT, -ENODATA (nothing is). */
int image_zone_deadline(struct image *image, const uint8_t *apex, uint64_t bypass_after);

/* All queries of the zone pass while 'on'; kept over publishes, one under way included. Needs no
 * memory. 0 or -ENOENT. */
int image_zone_bypass(struct image *image, const uint8_t *apex, bool on);

/* Takes the zone's data out; its queries pass. For one that can't be brought up to date. 0,
 * -ENOENT, or what the grace period of an earlier batch of the zone returned. */
int image_zone_clear(struct image *image, const uint8_t *apex);

/* The zone goes; a zone above answers for its names again. Waits for grace. 0, -ENOENT, or what
 * grace returned: then call again. */
int image_zone_remove(struct image *image, const uint8_t *apex);

/* Finishes what was published, after one grace period for all of it, and frees what the last one
 * left. Call it when nothing else waits, and before long. 0 or what the grace period returned (call
 * again). */
int image_settle(struct image *image);

/* Is there anything for image_settle() to do? */
bool image_unsettled(const struct image *image);

struct image_zone_state {
	uint32_t number; /* of the version; 0: pass apex */
	uint32_t serial;
	uint32_t names;
	bool bypassed;
	uint64_t bypass_after;
};
int image_zone_state(
	const struct image *image, const uint8_t *apex, struct image_zone_state *state);

/* Each zone's apex, in no order. The callback must not change the image. */
void image_zone_each(
	const struct image *image, void (*zone)(void *context, const uint8_t *apex), void *context);

struct image_usage {
	uint64_t size;   /* bytes, all shards */
	uint64_t unused; /* in pages of which nothing is used */
	uint64_t index;  /* directories and segments */
	uint64_t zones;  /* zones, versions, negative answers */
	uint64_t entries;
	uint64_t quarantine; /* unlinked, but readers may still be there */
	uint64_t lost;  /* unlinked and forgotten for want of memory; found again by the next daemon
			 */
	uint64_t names; /* entries in the index */
	uint32_t zone_count;
};
void image_usage(const struct image *image, struct image_usage *usage);

#endif
