/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Denials and nodes of the image (docs/internals/image.md, "Signed zones") as their writer and the
 * checker read them. No bounds: the writer made them, the checker has looked first.
 */
#ifndef ANODE_ZONE_DENIAL_H
#define ANODE_ZONE_DENIAL_H

#include "answer/image.h"

#include <stdint.h>
#include <string.h>

/* By their keys, octet by octet. */
static inline int denial_order(const struct image_denial *a, const struct image_denial *b)
{
	uint32_t least = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->key, b->key, least);

	return order ? order : (int)a->key_len - (int)b->key_len;
}

/* Eight octets of a key from 'at' on, zeros behind its end. */
static inline uint64_t denial_slice(const struct image_denial *denial, uint32_t at)
{
	uint64_t slice = 0;

	for (uint32_t i = at; i < at + 8; i++)
		slice = slice << 8 | (i < denial->key_len ? denial->key[i] : 0);
	return slice;
}

static inline const struct image_branch *node_branches(const struct image_node *node)
{
	return (const void *)((const uint8_t *)node + NODE_BRANCHES_AT(node->prefix, node->count));
}

#endif
