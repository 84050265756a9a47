/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of offsets that grows. Whoever empties it frees items. */
#ifndef ANODE_ZONE_OFFSETS_H
#define ANODE_ZONE_OFFSETS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct offsets {
	uint32_t *items;
	size_t count, room;
};

/* 0 or -ENOMEM. */
static inline int offsets_add(struct offsets *list, uint32_t offset)
{
	if (list->count == list->room) {
		size_t room = list->room * 2 + 256;
		uint32_t *items = realloc(list->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = offset;
	return 0;
}

#endif
