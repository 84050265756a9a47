/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the writer knows of the image beside the image itself. Shared by image.c, image_batch.c and
 * image_adopt.c; nobody else's.
 */
#ifndef ANODE_ZONE_IMAGE_STATE_H
#define ANODE_ZONE_IMAGE_STATE_H

#include "control/zone/image.h"
#include "control/zone/image_denial.h"
#include "control/zone/image_index.h"
#include "control/zone/image_space.h"
#include "control/zone/image_store.h"

#define HASH_NONFATAL_OOM 1 /* an element that wasn't added has no table */
#include <uthash.h>

#define IMAGE_PARTS 2048 /* names, about a millisecond of work, between two calls of `between` */

/* Unlinked by the last batch, or to be unlinked: work for image_settle(). */
struct change {
	uint32_t now;    /* the entry that is in the index */
	uint32_t before; /* what it replaced, or 0 */
};

/* The zone's part of the image. */
struct tenant {
	UT_hash_handle hh;
	uint8_t apex[NAME_MAX_SIZE];
	uint8_t apex_size;
	bool bypassed;

	uint32_t zone;    /* the image_zone */
	uint32_t version; /* 0: pass apex */
	uint32_t number;  /* of the last version that there was */
	uint32_t negative;
	uint64_t seed;
	uint32_t *roster; /* its entries in the index */
	uint32_t names;
	struct denials denials;

	/* The batch that isn't settled. */
	bool unsettled;
	struct change *changes;
	uint32_t change_count;
	uint32_t *old_roster; /* entries of a former instance, still in the index */
	uint32_t old_names;
	uint64_t old_seed;
	uint32_t old_version, old_negative; /* 0: none */
	struct offsets old_denials;         /* and nodes */
};

struct image {
	struct image_targets targets;
	struct image_options options;
	struct image_space *space;
	struct image_index *zones, *names;
	struct tenant *tenants; /* by apex */
	uint64_t zone_seed;
	uint32_t unsettled; /* tenants */
	uint32_t parts;     /* of long work */
};

/* In each long loop, where a zone's books and its image agree. */
static inline void image_part_done(struct image *image)
{
	if (image->options.between && ++image->parts % IMAGE_PARTS == 0)
		image->options.between(image->options.context);
}

struct tenant *image_tenant(const struct image *image, const uint8_t *apex);
/* 'labels': the apex without the root label. NULL: no memory. */
struct tenant *image_tenant_new(struct image *image, const uint8_t *labels, uint32_t size);

/* A zone's place may become something else after the next grace period: no reader goes by its
 * memory of it. */
void image_zones_forget(struct image *image);

/* Some zone's apex has that many labels. */
void image_depth_mark(struct image *image, unsigned labels);

/* An empty space, not ready. */
int image_space_begin(struct image *image);

/*
 * Takes over the image that is in the memory. 0, or any error: then nothing that a reader sees has
 * changed for the worse, and the image is to be forgotten and formatted.
 */
int image_adopt(struct image *image);

/* The object as the first copy has it. */
static inline const void *image_object(const struct image *image, uint32_t offset)
{
	return image_place(image->targets.memory[0], offset);
}

/*
 * Are the bytes at 'offset' these, from 'skip' on? What is there may be shorter; then it differs
 * before its end, because its own types and lengths say where that is.
 */
bool image_object_same(
	const struct image *image, uint32_t offset, const uint8_t *bytes, size_t size, size_t skip);

/* Frees at once what no reader can hold. 0 is fine. */
static inline void image_give(struct image *image, uint32_t offset, enum image_use use)
{
	if (offset)
		image_space_give(image->space, offset, use);
}

/* Bytes that wait for a grace period. */
static inline uint64_t image_quarantine(const struct image *image)
{
	return image_space_used(image->space, IMAGE_USE_QUARANTINE);
}

/* Waits until no reader holds what was unlinked before. */
int image_grace(struct image *image);

/* Finishes the tenant's batch, a grace period after it became visible. */
void batch_finish(struct image *image, struct tenant *tenant);

/* Takes entries out of the index that no reader looks for any more. */
void roster_remove(struct image *image, const uint32_t *roster, uint32_t names, uint64_t seed);

uint64_t image_random(void);

#endif
