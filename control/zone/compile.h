/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A zone turned into the entries of the answer image (docs/internals/image.md), before it has a
 * place in one.
 *
 * In: a finished zone. Out: an entry for every name that the image knows of it, as bytes in which
 * only birth, prev and zone are still 0; of a signed zone the denials as well; they don't depend on
 * the image, nor on what is in it. The same zone data gives the same bytes. It decides what each
 * answer holds. It refuses nothing: a name that the layout can't hold becomes ENTRY_PASS.
 *
 * Zone worker; a finished compilation is read by one thread, which frees it.
 */
#ifndef ANODE_ZONE_COMPILE_H
#define ANODE_ZONE_COMPILE_H

#include "control/zone/zone.h"

#include "answer/image.h"

struct compiled_entry {
	uint32_t at;    /* place in bytes[], units of 16 */
	uint32_t units; /* size, units of 16; padded with zeros */
};

struct compiled {
	uint8_t *bytes;
	struct compiled_entry *entries; /* canonical order; [0] is the apex */
	uint32_t count;
	uint32_t passed; /* of these: ENTRY_PASS */
	struct compiled_entry
		negative; /* the group of fragments that image_version.negative names */
	struct compiled_entry *denials; /* struct image_denial, ascending keys */
	uint32_t denial_count;
	uint16_t iterations; /* NSEC3, with the salt */
	uint8_t salt_size;
	uint8_t salt[UINT8_MAX];
	uint8_t apex[NAME_MAX_SIZE]; /* folded, root label included */
	uint8_t apex_size;
	uint8_t apex_labels;
	uint8_t max_labels; /* below the apex */
	uint32_t flags;     /* VERSION_SIGNED, VERSION_NESTED, and VERSION_NSEC or VERSION_NSEC3
			     * with denials */
	uint32_t serial;
	uint64_t wire_size; /* octets of the zone's records, uncompressed */
	size_t size;        /* octets of bytes[] */
	size_t room;
};

/* 0 or -ENOMEM. The zone may be freed afterwards. */
int compile_zone(struct compiled **compiled, const struct zone *zone);

/* NULL is fine. */
void compiled_free(struct compiled *compiled);

static inline const struct image_denial *compiled_denial(
	const struct compiled *compiled, uint32_t i)
{
	return (const struct image_denial *)(const void *)(compiled->bytes +
							   (size_t)compiled->denials[i].at *
								   IMAGE_UNIT);
}

static inline const struct image_entry *compiled_at(
	const struct compiled *compiled, const struct compiled_entry *entry)
{
	return (const struct image_entry *)(const void *)(compiled->bytes +
							  (size_t)entry->at * IMAGE_UNIT);
}

#endif
