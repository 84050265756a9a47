/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reference reader of the answer image: docs/internals/image.md told a second time, as plainly as
 * it goes, to compare the writer and the core with. It may run beside a writer; every load that can
 * race is an atomic one.
 */
#ifndef ANODE_TESTS_IMAGE_READER_H
#define ANODE_TESTS_IMAGE_READER_H

#include "control/zone/zone.h"

#include "answer/image.h"
#include "shared/memory.h"

/* Called between loads of which one depends on the other, where a writer might be ahead. May be
 * NULL. */
extern void (*reader_pause)(void);

struct reader {
	const struct engine_memory *memory;
	uint32_t zone;
	const struct image_version *version; /* NULL: pass */
};

/* The zone with exactly that apex (folded, root label included), and its version. False: no zone.
 */
bool reader_enter(struct reader *reader, const struct engine_memory *memory, const uint8_t *apex);

/* The entry of a relative name as the version has it, or NULL. */
const struct image_entry *reader_entry(
	const struct reader *reader, const uint8_t *key, uint32_t key_len);

/*
 * The denial of the key, or the last one before it (of all, if there is none); NULL: the version
 * has none. Looks at whole keys only: what the tree says in short is the checker's to compare with
 * them.
 */
const struct image_denial *reader_denial(
	const struct reader *reader, const uint8_t *key, uint32_t key_len);

/* The first fragment of a type's group, or NULL. '*r' is what it was rendered for. */
const struct image_fragment *reader_group(
	const struct reader *reader, const struct image_entry *entry, uint16_t type, uint32_t *r);
const struct image_fragment *reader_negative(const struct reader *reader);

/* The fragment behind it in its group, or NULL. */
const struct image_fragment *reader_next(const struct image_fragment *fragment);

/* A reply as the core would put it together, with the question at 12. */
struct reader_message {
	uint8_t bytes[8192];
	uint32_t size; /* so far */
	uint32_t records[3];
	uint64_t sum; /* of what the fragments brought, from their stored sums alone; fold it */
};

/* Where the bases lie in this message: O, A and the relative name's length that the group was
 * rendered for. */
struct reader_places {
	uint32_t owner_at, apex_at, r, apex_len;
};

/* Appends a group, patched; optional fragments and DNSSEC ones on request. */
void reader_append(struct reader_message *message, const struct image_fragment *group,
	const struct reader_places *places, bool optional);

#endif
