/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/image_space.h"

#include "answer/image.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT  12
#define PAGE_UNITS  256u /* of 16 bytes */
#define ORDERS      (IMAGE_SHARD_MAX - PAGE_SHIFT + 1)
#define NONE        UINT32_MAX
#define RUN_ORDER   2 /* runs of the larger classes: 4 pages */
#define SMALL_UNITS 16u

/* Sizes of places, units. Up to SMALL_UNITS in runs of one page, above in runs of four. */
static const uint16_t class_units[] = {
	2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* a line, then steps of 16 bytes */
	18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 52, 56, 60, 64, /* steps of 32, 64 bytes */
	68, 73, 78, 85, 93, 102, 113, 128, 146, 170, 204, /* a run divided by 15, 14, ... */
};
#define CLASSES (sizeof(class_units) / sizeof(class_units[0]))
#define LARGEST 204u /* larger objects have whole pages: so have segments of the index */

enum page_state {
	PAGE_UNCLAIMED, /* before image_space_ready() */
	PAGE_INSIDE,    /* not the first of whatever it is part of */
	PAGE_FREE,      /* first of a free block of order 'order' */
	PAGE_RUN,       /* first of a run of places */
	PAGE_LARGE,     /* first of an object's own pages, 'next' of them */
};

struct page {
	uint64_t taken[2];   /* places of a run */
	uint32_t next, prev; /* in the list of free blocks, or of runs with a free place */
	uint16_t used;       /* places taken */
	uint8_t class;
	uint8_t order;
	uint8_t state;
};

struct offsets {
	uint32_t *items;
	uint32_t count, room;
};

struct image_space {
	struct page *pages;
	uint32_t page_count;
	uint32_t shard_pages;
	uint32_t free_blocks[ORDERS]; /* first page of each list */
	uint32_t open_runs[CLASSES];
	uint32_t free_pages;
	uint32_t kept_pages;       /* of the free ones */
	uint64_t used[IMAGE_USES]; /* units */
	uint64_t lost;             /* units */
	struct offsets fresh;      /* unlinked since the last grace period began */
	struct offsets waiting;    /* before that */
	void (*freed)(void *context, uint32_t offset, uint32_t units);
	void *context;
};

static unsigned class_of(uint32_t units)
{
	unsigned low = 0, high = CLASSES - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		if (class_units[middle] < units)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned class_order(unsigned class)
{
	return class_units[class] <= SMALL_UNITS ? 0 : RUN_ORDER;
}

static uint32_t class_places(unsigned class)
{
	return (PAGE_UNITS << class_order(class)) / class_units[class];
}

static uint32_t large_pages(uint32_t units)
{
	return (units + PAGE_UNITS - 1) / PAGE_UNITS;
}

uint32_t image_space_cost(uint32_t units)
{
	return units > LARGEST ? large_pages(units) * PAGE_UNITS : class_units[class_of(units)];
}

static void list_push(struct image_space *space, uint32_t *head, uint32_t page)
{
	space->pages[page].prev = NONE;
	space->pages[page].next = *head;
	if (*head != NONE)
		space->pages[*head].prev = page;
	*head = page;
}

static void list_remove(struct image_space *space, uint32_t *head, uint32_t page)
{
	struct page *p = &space->pages[page];

	if (p->prev == NONE)
		*head = p->next;
	else
		space->pages[p->prev].next = p->next;
	if (p->next != NONE)
		space->pages[p->next].prev = p->prev;
}

/* A block of 2^order pages joins its free buddies. Buddies share a shard: shards are powers of two.
 */
static void block_free(struct image_space *space, uint32_t page, unsigned order)
{
	while (1u << (order + 1) <= space->shard_pages) {
		uint32_t buddy = page ^ 1u << order;
		struct page *b = &space->pages[buddy];

		if (b->state != PAGE_FREE || b->order != order)
			break;
		list_remove(space, &space->free_blocks[order], buddy);
		b->state = PAGE_INSIDE;
		page &= ~(1u << order);
		order++;
	}
	space->pages[page].state = PAGE_FREE;
	space->pages[page].order = (uint8_t)order;
	list_push(space, &space->free_blocks[order], page);
}

/* Any range within a shard, as aligned blocks. */
static void pages_free(struct image_space *space, uint32_t page, uint32_t count)
{
	space->free_pages += count;
	while (count) {
		unsigned order = 0;

		while (!(page & 1u << order) && 2u << order <= count &&
			2u << order <= space->shard_pages)
			order++;
		space->pages[page].state = PAGE_INSIDE;
		block_free(space, page, order);
		page += 1u << order;
		count -= 1u << order;
	}
}

/* The first of 'count' pages in a row, or NONE; 'leave' pages stay free. */
static uint32_t pages_take(struct image_space *space, uint32_t count, uint32_t leave)
{
	unsigned order = 0, at;

	if (space->free_pages < (uint64_t)count + leave)
		return NONE;
	while (1u << order < count)
		order++;
	for (at = order; at < ORDERS && space->free_blocks[at] == NONE; at++)
		;
	if (at >= ORDERS)
		return NONE;
	uint32_t page = space->free_blocks[at];
	list_remove(space, &space->free_blocks[at], page);
	space->free_pages -= 1u << at;
	space->pages[page].state = PAGE_INSIDE;
	pages_free(space, page + count, (1u << at) - count);
	return page;
}

int image_space_new(struct image_space **out, uint32_t shards, uint32_t shard_shift)
{
	struct image_space *space = calloc(1, sizeof(*space));

	if (!space)
		return -ENOMEM;
	space->shard_pages = 1u << (shard_shift - PAGE_SHIFT);
	space->page_count = shards * space->shard_pages;
	space->pages = calloc(space->page_count, sizeof(*space->pages));
	if (!space->pages) {
		free(space);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < ORDERS; i++)
		space->free_blocks[i] = NONE;
	for (unsigned i = 0; i < CLASSES; i++)
		space->open_runs[i] = NONE;
	space->pages[0] = (struct page){.state = PAGE_LARGE, .next = 1}; /* the header's */
	*out = space;
	return 0;
}

static bool pages_claim(struct image_space *space, uint32_t page, uint32_t count)
{
	if (page / space->shard_pages != (page + count - 1) / space->shard_pages)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (space->pages[page + i].state != PAGE_UNCLAIMED)
			return false;
	}
	for (uint32_t i = 0; i < count; i++)
		space->pages[page + i].state = PAGE_INSIDE;
	return true;
}

int image_space_adopt(
	struct image_space *space, uint32_t offset, uint32_t units, enum image_use use)
{
	uint32_t page = offset / PAGE_UNITS;

	space->used[use] += image_space_cost(units);
	if (units > LARGEST) {
		if (offset % PAGE_UNITS || !pages_claim(space, page, large_pages(units)))
			return -EINVAL;
		space->pages[page] = (struct page){.state = PAGE_LARGE, .next = large_pages(units)};
		return 0;
	}
	unsigned class = class_of(units);
	page &= ~((1u << class_order(class)) - 1);
	struct page *p = &space->pages[page];
	if (p->state == PAGE_UNCLAIMED && pages_claim(space, page, 1u << class_order(class)))
		*p = (struct page){.state = PAGE_RUN, .class = (uint8_t) class};
	uint32_t place = (offset - page * PAGE_UNITS) / class_units[class];
	if (p->state != PAGE_RUN || p->class != class || place >= class_places(class) ||
		(offset - page * PAGE_UNITS) % class_units[class] ||
		p->taken[place / 64] & 1ull << place % 64)
		return -EINVAL;
	p->taken[place / 64] |= 1ull << place % 64;
	p->used++;
	return 0;
}

void image_space_ready(struct image_space *space)
{
	for (uint32_t i = space->page_count; i > 0; i--) {
		struct page *p = &space->pages[i - 1];
		uint32_t first = i - 1;

		if (p->state == PAGE_RUN && p->used < class_places(p->class))
			list_push(space, &space->open_runs[p->class], first);
		if (p->state != PAGE_UNCLAIMED)
			continue;
		while (first % space->shard_pages &&
			space->pages[first - 1].state == PAGE_UNCLAIMED)
			first--;
		for (uint32_t page = first; page < i; page++)
			space->pages[page].state = PAGE_INSIDE;
		pages_free(space, first, i - first);
		i = first + 1;
	}
}

void image_space_free(struct image_space *space)
{
	if (!space)
		return;
	free(space->pages);
	free(space->fresh.items);
	free(space->waiting.items);
	free(space);
}

static uint32_t run_place(struct image_space *space, uint32_t page)
{
	struct page *p = &space->pages[page];
	uint32_t places = class_places(p->class);
	uint32_t place = (uint32_t)(~p->taken[0] ? __builtin_ctzll(~p->taken[0])
						 : 64 + __builtin_ctzll(~p->taken[1]));

	p->taken[place / 64] |= 1ull << place % 64;
	if (++p->used == places)
		list_remove(space, &space->open_runs[p->class], page);
	return page * PAGE_UNITS + place * class_units[p->class];
}

static uint32_t run_take(struct image_space *space, unsigned class, uint32_t leave)
{
	uint32_t page = space->open_runs[class];

	if (page == NONE) {
		page = pages_take(space, 1u << class_order(class), leave);
		if (page == NONE)
			return 0;
		space->pages[page] = (struct page){.state = PAGE_RUN, .class = (uint8_t) class};
		list_push(space, &space->open_runs[class], page);
	}
	return run_place(space, page);
}

static uint32_t large_take(struct image_space *space, uint32_t units, uint32_t leave)
{
	uint32_t count = large_pages(units);
	uint32_t page = count <= space->shard_pages ? pages_take(space, count, leave) : NONE;

	if (page == NONE)
		return 0;
	space->pages[page] = (struct page){.state = PAGE_LARGE, .next = count};
	return page * PAGE_UNITS;
}

static uint32_t object_take(
	struct image_space *space, uint32_t units, enum image_use use, uint32_t leave)
{
	uint32_t offset = units > LARGEST ? large_take(space, units, leave)
					  : run_take(space, class_of(units), leave);

	if (offset)
		space->used[use] += image_space_cost(units);
	return offset;
}

uint32_t image_space_take(struct image_space *space, uint32_t units, enum image_use use)
{
	return object_take(space, units, use, space->kept_pages);
}

uint32_t image_space_take_kept(struct image_space *space, uint32_t units, enum image_use use)
{
	return object_take(space, units, use, 0);
}

void image_space_keep(struct image_space *space, uint32_t pages)
{
	space->kept_pages = pages;
}

/* The first page of the run or large object that 'offset' lies in. */
static uint32_t page_of(const struct image_space *space, uint32_t offset)
{
	uint32_t page = offset / PAGE_UNITS;

	if (space->pages[page].state == PAGE_INSIDE)
		page &= ~((1u << RUN_ORDER) - 1);
	return page;
}

/* Units that the object at 'offset' takes. */
static uint32_t units_at(const struct image_space *space, uint32_t offset)
{
	const struct page *p = &space->pages[page_of(space, offset)];

	return p->state == PAGE_LARGE ? p->next * PAGE_UNITS : class_units[p->class];
}

static void place_free(struct image_space *space, uint32_t offset)
{
	uint32_t page = page_of(space, offset);
	struct page *p = &space->pages[page];

	if (p->state == PAGE_LARGE) {
		pages_free(space, page, p->next);
		return;
	}
	assert(p->state == PAGE_RUN);
	uint32_t place = (offset - page * PAGE_UNITS) / class_units[p->class];
	assert(p->taken[place / 64] & 1ull << place % 64);
	p->taken[place / 64] &= ~(1ull << place % 64);
	if (p->used-- == class_places(p->class))
		list_push(space, &space->open_runs[p->class], page);
	if (p->used == 0) {
		list_remove(space, &space->open_runs[p->class], page);
		pages_free(space, page, 1u << class_order(p->class));
	}
}

void image_space_give(struct image_space *space, uint32_t offset, enum image_use use)
{
	uint32_t units = units_at(space, offset);

	space->used[use] -= units;
	if (space->freed)
		space->freed(space->context, offset, units);
	place_free(space, offset);
}

static bool list_room(struct offsets *list, uint32_t more)
{
	if (list->room - list->count >= more)
		return true;
	uint64_t room = (uint64_t)list->room * 2 + more + 64;
	if (room > UINT32_MAX)
		return false;
	uint32_t *items = realloc(list->items, room * sizeof(*items));
	if (!items)
		return false;
	list->items = items;
	list->room = (uint32_t)room;
	return true;
}

void image_space_retire(struct image_space *space, uint32_t offset, enum image_use use)
{
	uint32_t units = units_at(space, offset);

	space->used[use] -= units;
	if (!list_room(&space->fresh, 1)) {
		space->lost += units;
		return;
	}
	space->used[IMAGE_USE_QUARANTINE] += units;
	space->fresh.items[space->fresh.count++] = offset;
}

void image_space_grace_begin(struct image_space *space)
{
	struct offsets *fresh = &space->fresh, *waiting = &space->waiting;

	if (waiting->count == 0) {
		struct offsets empty = *waiting;

		*waiting = *fresh;
		*fresh = empty;
		return;
	}
	/* the last grace period failed: its objects wait on, with the new ones if there is room to
	 * note them */
	if (!list_room(waiting, fresh->count))
		return;
	memcpy(waiting->items + waiting->count, fresh->items, fresh->count * sizeof(*fresh->items));
	waiting->count += fresh->count;
	fresh->count = 0;
}

void image_space_grace_end(struct image_space *space)
{
	for (uint32_t i = 0; i < space->waiting.count; i++)
		image_space_give(space, space->waiting.items[i], IMAGE_USE_QUARANTINE);
	space->waiting.count = 0;
}

void image_space_watch(struct image_space *space,
	void (*freed)(void *context, uint32_t offset, uint32_t units), void *context)
{
	space->freed = freed;
	space->context = context;
}

uint64_t image_space_used(const struct image_space *space, enum image_use use)
{
	return space->used[use] * IMAGE_UNIT;
}

uint64_t image_space_unused(const struct image_space *space)
{
	if (space->free_pages < space->kept_pages)
		return 0;
	return (uint64_t)(space->free_pages - space->kept_pages) << PAGE_SHIFT;
}

uint64_t image_space_size(const struct image_space *space)
{
	return (uint64_t)space->page_count << PAGE_SHIFT;
}

uint64_t image_space_lost(const struct image_space *space)
{
	return space->lost * IMAGE_UNIT;
}
