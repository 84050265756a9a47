/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which parts of the image are in use: an allocator whose own state lies beside the image.
 *
 *     take ─▶ object ─▶ retire ─▶ quarantine ── a whole grace period ──▶ free
 *                 └──── give: was never linked, or no reader is left ───▶ free
 *
 * Pages of 4 KiB come from a buddy system in each shard, so that nothing crosses a shard. Up to 3
 * KiB an object lies in a run of pages cut into places of one size; larger ones have pages of their
 * own. Sizes grow in steps of 16 bytes up to 256 and then by a twelfth or so; 64 bytes and less
 * never straddle a line.
 *
 * Offsets and sizes are in units of 16 bytes. It refuses when nothing fits (offset 0). Publisher
 * thread only.
 */
#ifndef ANODE_ZONE_IMAGE_SPACE_H
#define ANODE_ZONE_IMAGE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

/* What memory is used for, as metrics name it. */
enum image_use {
	IMAGE_USE_INDEX,
	IMAGE_USE_ZONES, /* zones and versions */
	IMAGE_USE_ENTRIES,
	IMAGE_USE_QUARANTINE,
	IMAGE_USES,
};

struct image_space;

/* The first page (the header's) is taken; of the rest nothing is known until image_space_ready(). 0
 * or -ENOMEM. */
int image_space_new(struct image_space **space, uint32_t shards, uint32_t shard_shift);
void image_space_free(struct image_space *space);

/* An object that is there already. -EINVAL: this allocator would not have put it there. Before
 * image_space_ready(). */
int image_space_adopt(
	struct image_space *space, uint32_t offset, uint32_t units, enum image_use use);
/* Everything that wasn't adopted is free. Once. */
void image_space_ready(struct image_space *space);

/* Room for 'units'; 0 if there is none. */
uint32_t image_space_take(struct image_space *space, uint32_t units, enum image_use use);

/* That many free pages are kept from image_space_take(), for what has to find room in a full image;
 * if fewer are free, those. */
void image_space_keep(struct image_space *space, uint32_t pages);
/* The same, from the kept pages as well. */
uint32_t image_space_take_kept(struct image_space *space, uint32_t units, enum image_use use);

/* Free at once. */
void image_space_give(struct image_space *space, uint32_t offset, enum image_use use);

/* Unlinked just now: free after the grace period that begins next has ended. Never fails; when
 * there is no memory to remember it the object is lost until the image is adopted anew. */
void image_space_retire(struct image_space *space, uint32_t offset, enum image_use use);

/* Around a grace period. Call the end only if it succeeded. */
void image_space_grace_begin(struct image_space *space);
void image_space_grace_end(struct image_space *space);

/* 'freed' is called for each object that becomes free, before it can be taken again. */
void image_space_watch(struct image_space *space,
	void (*freed)(void *context, uint32_t offset, uint32_t units), void *context);

/* Units that an object of that size really takes. */
uint32_t image_space_cost(uint32_t units);

/* Bytes by use; bytes in no page that is used or kept. The sum is less than the image: places left
 * in pages. */
uint64_t image_space_used(const struct image_space *space, enum image_use use);
uint64_t image_space_unused(const struct image_space *space);
uint64_t image_space_size(const struct image_space *space);
uint64_t image_space_lost(const struct image_space *space);

#endif
