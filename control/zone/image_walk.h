/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of the image checker share: image_check.c walks zones, indexes and entries,
 * check_denial.c the denials of signed zones. Nobody else's.
 */
#ifndef ANODE_ZONE_IMAGE_WALK_H
#define ANODE_ZONE_IMAGE_WALK_H

#include "control/zone/image_check.h"

#include "answer/image.h"

struct walk {
	const struct engine_memory *memory;
	const struct image_header *header;
	const struct image_visitor *visitor;
	struct image_report *report;
	bool settled;
	uint64_t units;  /* of the whole image */
	uint64_t *taken; /* a bit for each unit */
	uint64_t *first; /* likewise: an object begins there */
	int error;
};

/* Notes what is wrong; -EBADMSG. */
__attribute__((format(printf, 2, 3))) int walk_wrong(struct walk *w, const char *format, ...);

/*
 * Octets from 'offset' to the end of its shard; 0 if it lies outside the image. Where there is any
 * room, a head and a key may be read: the shard's slack is behind it.
 */
uint64_t walk_room(const struct walk *w, uint32_t offset);

/* The object's bytes, where there is room. */
const void *walk_at(const struct walk *w, uint32_t offset);

enum { OBJECT_NEW, OBJECT_KNOWN };

/* An object of this many octets: inside one shard, aligned, over no other. OBJECT_KNOWN if it was
 * met before. */
int walk_meet(struct walk *w, uint32_t offset, uint64_t size, enum image_use use, const char *what);

/* The group at 'rel' of the object; its end, or an error. */
int walk_group(struct walk *w, uint32_t offset, uint32_t rel, uint32_t r, uint32_t apex_len);

/* The version's flags of signed zones, its tree and all denials in it. */
int denial_check(struct walk *w, uint32_t offset, const struct image_version *version);

#endif
