/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checker: walks an answer image as its readers do and says whether it keeps the rules of
 * docs/internals/image.md.
 *
 * In: image memory, whatever is in it, with no writer at work. Out: the first thing that is wrong,
 * or counts; to a visitor every object, once. It changes nothing, trusts no byte, reads nothing
 * outside the image, and takes time in proportion to the image's size.
 */
#ifndef ANODE_ZONE_IMAGE_CHECK_H
#define ANODE_ZONE_IMAGE_CHECK_H

#include "control/zone/image_space.h"

#include "shared/memory.h"

/* What a reader of the current versions makes of an entry that a slot leads to. */
enum image_standing {
	IMAGE_LIVE,      /* finds it */
	IMAGE_NEWER,     /* takes what it replaces: its version isn't visible yet */
	IMAGE_TOMBSTONE, /* finds that the name is gone */
	IMAGE_STRAY,     /* never comes to it: another instance's, or its zone is gone */
	IMAGE_STANDINGS,
};

struct image_report {
	char error[200];           /* empty: none */
	uint32_t zones, published; /* of these with a version */
	uint64_t entries[IMAGE_STANDINGS];
	uint64_t replaced; /* entries that still name what they replaced */
	uint64_t bytes;    /* of all objects, as their content has it */
};

/* Each returns 0 or an error that ends the walk. Any may be NULL. */
struct image_visitor {
	void *context;
	int (*object)(void *context, uint32_t offset, uint32_t units, enum image_use use);
	int (*zone)(void *context, uint32_t offset);
	int (*entry)(void *context, uint32_t offset, enum image_standing standing);
};

/*
 * 'settled': no batch may be unfinished; else what a killed writer can leave is accepted too.
 * 'visitor' may be NULL. 0, -EBADMSG with the report's error, -ENODATA (no image here), -ENOMEM, or
 * what the visitor returned.
 */
int image_check(const struct engine_memory *memory, bool settled,
	const struct image_visitor *visitor, struct image_report *report);

#endif
