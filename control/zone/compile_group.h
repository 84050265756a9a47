/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Renders a group of fragments (docs/internals/image.md): records in wire format, names compressed
 * against the question, the apex and the group itself, with the places of the pointers and the
 * partial sum.
 *
 *     group_begin ─▶ group_fragment ─▶ group_rrset ... ─▶ group_fragment ─▶ ... ─▶ group_end
 *
 * In: RRsets of a finished zone. Out: bytes as they will stand in the image. It doesn't choose what
 * belongs into an answer (compile.c does), and refuses what the layout can't hold. One thread at a
 * time.
 */
#ifndef ANODE_ZONE_COMPILE_GROUP_H
#define ANODE_ZONE_COMPILE_GROUP_H

#include "control/zone/zone.h"

#include "answer/image.h"

enum group_section { GROUP_ANSWER, GROUP_AUTHORITY, GROUP_ADDITIONAL };

struct group;

/* 0 or -ENOMEM. */
int group_new(struct group **group);
void group_free(struct group *group);

/* A new group, rendered for a question of exactly 'owner' (folded, at or below 'origin', folded). A
 * wildcard's group is also used for names that it covers, so nothing in it may lean on the owner's
 * own labels. */
void group_begin(struct group *group, const uint8_t *owner, const uint8_t *origin, bool wildcard);

/* The next fragment: 'flags' are those of the layout but MORE, PLAIN_LAST and OVERSIZE, which
 * follow from the content. At most IMAGE_GROUP_MAX. */
void group_fragment(struct group *group, uint8_t flags);

/* Appends an RRset in canonical order (RFC 4034 6.3). 'owner' is NULL for the group's owner, else a
 * folded name with its cased form. 'ttl' in seconds. Sections may not go back within a fragment. */
void group_rrset(struct group *group, enum group_section section, const struct zone_node *owner,
	const struct zone_rrset *rrset, uint32_t ttl);

/* Writes the group at 'out'. Bytes written, a multiple of 4; -EFBIG if a required fragment has more
 * records than the layout counts; -ENOSPC if 'room' is too small. Fragments without a record
 * are left out, but for the first. */
int group_end(struct group *group, uint8_t *out, size_t room);

/* Ones'-complement sum of little-endian words, an odd last byte as the low half of one. */
uint16_t group_sum(const uint8_t *bytes, uint32_t size);

#endif
