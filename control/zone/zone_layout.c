/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a zone of the runs that zone_builder.c gathered: puts them in order if they aren't, joins
 * those of the same owner, adds missing ancestors, and copies everything into one arena of the
 * exact size.
 */
#include "control/zone/octets.h"
#include "control/zone/zone.h"
#include "control/zone/zone_build.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sorting: a key of 8 octets decides most comparisons. */
struct run_key {
	uint64_t key;
	uint32_t run;
};

/* The first octets of the name below the origin, root-most label first, such that keys compare as
 * the names do: octets 0 and 1 are escaped, and a label ends with 0. */
static uint64_t run_sort_key(const struct zone_builder *builder, const struct build_run *run)
{
	unsigned labels = run->labels - builder->origin_labels;
	uint64_t key = 0;
	int left = 8;

	while (labels-- && left > 0) {
		const uint8_t *label = name_skip(run->folded, labels);

		for (unsigned i = 1; i <= *label && left > 0; i++) {
			if (label[i] <= 1) {
				key = key << 8 | 1;
				if (--left == 0)
					break;
			}
			key = key << 8 | (label[i] <= 1 ? label[i] + 1U : label[i]);
			left--;
		}
		if (left > 0) {
			key <<= 8;
			left--;
		}
	}
	return left > 0 && left < 8 ? key << (8 * left) : key;
}

static int run_key_compare(const void *a, const void *b, void *runs)
{
	const struct run_key *x = a, *y = b;
	const struct build_run *all = runs;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	int order = name_compare(all[x->run].folded, all[y->run].folded, NULL);
	if (order)
		return order;
	return x->run < y->run ? -1 : 1; /* records stay in the order they came */
}

static int runs_sort(struct zone_builder *builder)
{
	uint32_t count = builder->run_count;
	struct run_key *keys = calloc(count, sizeof(*keys));
	struct build_run *sorted = calloc(count, sizeof(*sorted));

	if (!keys || !sorted) {
		free(keys);
		free(sorted);
		return zone_builder_fail_memory(builder);
	}
	for (uint32_t i = 0; i < count; i++)
		keys[i] = (struct run_key){run_sort_key(builder, &builder->runs[i]), i};
	qsort_r(keys, count, sizeof(*keys), run_key_compare, builder->runs);
	for (uint32_t i = 0; i < count; i++)
		sorted[i] = builder->runs[keys[i].run];
	free(keys);
	free(builder->runs);
	builder->runs = sorted;
	builder->run_room = count;
	return 0;
}

/* Compares each run with the one before. False at the first that isn't in order. */
static bool runs_link(struct zone_builder *builder)
{
	for (uint32_t i = 1; i < builder->run_count; i++) {
		struct build_run *run = &builder->runs[i];
		unsigned shared;
		int order = name_compare(run[-1].folded, run->folded, &shared);

		if (order > 0)
			return false;
		run->same = order == 0;
		run->shared = (uint8_t)shared;
	}
	return true;
}

/* Nodes of the ordered runs: owners, and the ancestors that no record names. */
static uint64_t runs_nodes(const struct zone_builder *builder)
{
	uint64_t count = 1;

	for (uint32_t i = 1; i < builder->run_count; i++) {
		const struct build_run *run = &builder->runs[i];

		if (!run->same)
			count += (uint64_t)run->labels - run->shared;
	}
	return count;
}

static int item_compare(const void *a, const void *b)
{
	const struct build_item *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->covered != y->covered)
		return x->covered < y->covered ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int item_rdata_compare(const void *a, const void *b)
{
	const struct build_item *x = *(struct build_item *const *)a,
				*y = *(struct build_item *const *)b;
	int order = rdata_compare(x->type, x->rdata, x->size, y->rdata, y->size);

	if (order)
		return order;
	return x->place < y->place ? -1 : x->place > y->place;
}

/* Marks the items of one RRset that came before with the same RDATA (RFC 2181 5). */
static int items_drop_duplicates(struct build_item *items, uint32_t count, uint32_t *dropped)
{
	if (count <= 8) {
		for (uint32_t i = 1; i < count; i++)
			for (uint32_t j = 0; j < i && !items[i].dropped; j++)
				items[i].dropped = !rdata_compare(items[i].type, items[j].rdata,
					items[j].size, items[i].rdata, items[i].size);
	} else {
		/* Sorted, so that a huge RRset isn't a quadratic one. */
		struct build_item **sorted = calloc(count, sizeof(struct build_item *));

		if (!sorted)
			return -ENOMEM;
		for (uint32_t i = 0; i < count; i++)
			sorted[i] = &items[i];
		qsort(sorted, count, sizeof(struct build_item *), item_rdata_compare);
		for (uint32_t i = 1; i < count; i++)
			sorted[i]->dropped = !rdata_compare(sorted[i]->type, sorted[i - 1]->rdata,
				sorted[i - 1]->size, sorted[i]->rdata, sorted[i]->size);
		free(sorted);
	}
	for (uint32_t i = 0; i < count; i++)
		*dropped += items[i].dropped;
	return 0;
}

/* Gathers the records of the joined runs [first, last) into builder->items, by type, then in the
 * order they came. Returns their count or -ENOMEM. */
static int64_t runs_items(struct zone_builder *builder, uint32_t first, uint32_t last)
{
	uint64_t count = 0;

	for (uint32_t i = first; i < last; i++)
		count += builder->runs[i].count;
	if (count > builder->item_room) {
		uint64_t room = count * 2;
		struct build_item *items =
			room > UINT32_MAX ? NULL : realloc(builder->items, room * sizeof(*items));

		if (!items)
			return -ENOMEM;
		builder->items = items;
		builder->item_room = (uint32_t)room;
	}

	struct build_item *item = builder->items;
	bool ordered = true;
	for (uint32_t i = first; i < last; i++) {
		const uint8_t *from = builder->runs[i].heads;

		for (uint32_t n = builder->runs[i].count; n; n--, item++) {
			struct build_head head;

			memcpy(&head, from, sizeof(head));
			from += sizeof(head);
			*item = (struct build_item){
				.rdata = from,
				.ttl = head.ttl,
				.place = (uint32_t)(item - builder->items),
				.size = head.size,
				.type = head.type,
			};
			if (head.type == RR_RRSIG)
				item->covered = octets_u16(from);
			from += head.size;
			if (item > builder->items && item_compare(item - 1, item) > 0)
				ordered = false;
		}
	}
	if (!ordered)
		qsort(builder->items, count, sizeof(*item), item_compare);
	return (int64_t)count;
}

/* The arena and what of it is in use. */
struct layout {
	struct zone *zone;
	struct zone_node *nodes;
	struct zone_rrset *rrsets, *rrsets_end;
	uint8_t *bytes, *bytes_end;
	uint32_t at_depth[NAME_MAX_LABELS + 1]; /* the newest node with so many labels */
};

static const uint8_t *layout_bytes(struct layout *layout, const void *from, size_t size)
{
	uint8_t *to = layout->bytes;

	assert(size <= (size_t)(layout->bytes_end - layout->bytes));
	if (size)
		memcpy(to, from, size);
	layout->bytes += size;
	return to;
}

static void layout_rrset(
	struct layout *layout, const struct build_item *items, uint32_t count, size_t owner_size)
{
	struct zone *zone = layout->zone;
	bool differ = false;

	assert(layout->rrsets < layout->rrsets_end);
	struct zone_rrset *rrset = layout->rrsets++;
	*rrset = (struct zone_rrset){
		.rdata = layout->bytes,
		.ttl = items[0].ttl,
		.type = items[0].type,
		.covered = items[0].covered,
	};
	for (const struct build_item *item = items; item < items + count; item++) {
		if (item->ttl != rrset->ttl)
			differ = true;
		if (item->ttl < rrset->ttl)
			rrset->ttl = item->ttl;
		if (item->dropped)
			continue;
		layout_bytes(layout, &item->size, sizeof(item->size));
		layout_bytes(layout, item->rdata, item->size);
		rrset->size += item->size;
		rrset->count++;
		if (item->type == RR_RRSIG) {
			uint32_t expiration = octets_u32(item->rdata + 8);

			if (!zone->has_rrsig || (int32_t)(expiration - zone->first_expiration) < 0)
				zone->first_expiration = expiration;
			zone->has_rrsig = true;
		}
	}
	zone->rrset_count++;
	zone->record_count += rrset->count;
	/* Owner, type, class, TTL and length of each record. */
	zone->wire_size += (uint64_t)rrset->count * (owner_size + 10) + rrset->size;
	zone->ttl_unified += differ;
}

/* A node under the newest node of one label less; its name points into the arena. */
static struct zone_node *layout_node(
	struct layout *layout, const uint8_t *name, const uint8_t *cased, unsigned labels)
{
	struct zone *zone = layout->zone;
	struct zone_node *node = &layout->nodes[zone->node_count];

	*node = (struct zone_node){
		.name = name,
		.cased = cased,
		.rrsets = layout->rrsets,
		.parent = zone->node_count ? layout->at_depth[labels - 1] : ZONE_NONE,
		.name_size = (uint8_t)name_size(name),
		.labels = (uint8_t)labels,
	};
	layout->at_depth[labels] = zone->node_count++;
	return node;
}

/* The owner of the joined runs [first, last), its missing ancestors before it. */
static int layout_owner(
	struct zone_builder *builder, struct layout *layout, uint32_t first, uint32_t last)
{
	const struct build_run *run = &builder->runs[first];
	const uint8_t *name = layout_bytes(layout, run->folded, run->size), *cased = name;

	if (run->cased != run->folded)
		cased = layout_bytes(layout, run->cased, run->size);
	for (unsigned depth = run->shared + 1U; first && depth < run->labels; depth++) {
		unsigned skip = run->labels - depth;

		layout_node(layout, name_skip(name, skip), name_skip(cased, skip), depth);
	}
	struct zone_node *node = layout_node(layout, name, cased, run->labels);

	int64_t count = runs_items(builder, first, last);
	if (count < 0)
		return zone_builder_fail_memory(builder);
	for (int64_t start = 0, end; start < count; start = end) {
		struct build_item *items = builder->items + start;

		for (end = start + 1; end < count; end++)
			if (builder->items[end].type != items->type ||
				builder->items[end].covered != items->covered)
				break;
		uint32_t size = (uint32_t)(end - start);
		if (size > 1 && items_drop_duplicates(items, size, &layout->zone->duplicates))
			return zone_builder_fail_memory(builder);
		layout_rrset(layout, items, size, run->size);
		node->rrset_count++;
	}
	return 0;
}

/* Reads SOA and the way the zone denies existence from the apex. */
static int zone_read_apex(struct zone_builder *builder, struct zone *zone)
{
	const struct zone_node *apex = &zone->nodes[0];
	const struct zone_rrset *soa = zone_rrset(apex, RR_SOA);
	struct zone_rdata rdata = {0};

	if (!soa)
		return zone_builder_fail(builder, -EBADMSG, "no SOA record at the apex");
	if (soa->count > 1)
		return zone_builder_fail(builder, -EBADMSG, "%u different SOA records", soa->count);
	zone_rdata_next(soa, &rdata);
	const uint8_t *numbers = rdata.data + rdata.size - 20;
	zone->soa = (struct zone_soa){
		.serial = octets_u32(numbers),
		.refresh = octets_u32(numbers + 4),
		.retry = octets_u32(numbers + 8),
		.expire = octets_u32(numbers + 12),
		.minimum = octets_u32(numbers + 16),
		.ttl = soa->ttl,
	};

	if (!zone_rrset(apex, RR_DNSKEY) || !zone_rrsig(apex, RR_SOA))
		return 0;
	const struct zone_rrset *param = zone_rrset(apex, RR_NSEC3PARAM);
	for (rdata.data = NULL; param && zone_rdata_next(param, &rdata);) {
		/* RFC 5155 4.1.2: other flags than 0 mean that it isn't for use. */
		if (rdata.data[0] != 1 || rdata.data[1] != 0)
			continue;
		zone->denial = ZONE_NSEC3;
		zone->nsec3 = (struct zone_nsec3){
			.algorithm = rdata.data[0],
			.iterations = octets_u16(rdata.data + 2),
			.salt_size = rdata.data[4],
			.salt = rdata.data + 5,
		};
		return 0;
	}
	if (zone_rrset(apex, RR_NSEC))
		zone->denial = ZONE_NSEC;
	return 0;
}

/* Reserves the arena: zone, nodes, RRsets, hash slots, bytes. */
static int layout_begin(
	struct zone_builder *builder, struct layout *layout, uint64_t nodes, uint64_t slot_count)
{
	uint64_t size = sizeof(struct zone) + nodes * sizeof(struct zone_node) +
			builder->rrset_bound * sizeof(struct zone_rrset) +
			slot_count * sizeof(uint32_t) + builder->bytes;

	if (builder->limits.max_bytes && size > builder->limits.max_bytes)
		return zone_builder_fail_bytes(builder);
	if (nodes >= ZONE_NONE / 2 || size > SIZE_MAX / 2)
		return zone_builder_fail(builder, -EFBIG, "more than %u names", ZONE_NONE / 2);
	uint8_t *arena = malloc(size);
	if (!arena)
		return zone_builder_fail_memory(builder);

	layout->zone = (struct zone *)arena;
	memset(layout->zone, 0, sizeof(struct zone));
	layout->nodes = (struct zone_node *)(layout->zone + 1);
	layout->rrsets = (struct zone_rrset *)(layout->nodes + nodes);
	layout->rrsets_end = layout->rrsets + builder->rrset_bound;
	layout->bytes = (uint8_t *)((uint32_t *)layout->rrsets_end + slot_count);
	layout->bytes_end = arena + size;
	layout->zone->nodes = layout->nodes;
	layout->zone->memory = size;
	layout->zone->references = 1;
	return 0;
}

int zone_builder_finish(struct zone_builder *builder, struct zone **out)
{
	struct layout layout = {0};
	int error;

	if (!builder->run_count)
		return zone_builder_fail(builder, -EBADMSG, "no records");
	if (!runs_link(builder)) {
		error = runs_sort(builder);
		if (error)
			return error;
		runs_link(builder);
	}
	/* The apex sorts before all else in the zone. */
	if (builder->runs[0].labels != builder->origin_labels)
		return zone_builder_fail(builder, -EBADMSG, "no SOA record at the apex");

	uint64_t nodes = runs_nodes(builder), slot_count = zone_slot_count(nodes);
	error = layout_begin(builder, &layout, nodes, slot_count);
	if (error)
		return error;
	uint32_t *slots = (uint32_t *)layout.rrsets_end;
	for (uint32_t first = 0, last; first < builder->run_count; first = last) {
		for (last = first + 1; last < builder->run_count && builder->runs[last].same;)
			last++;
		error = layout_owner(builder, &layout, first, last);
		if (error)
			goto out;
	}
	assert(layout.zone->node_count == nodes);
	zone_mark(layout.zone, layout.nodes);
	zone_index_fill(layout.zone, slots, slot_count);
	error = zone_read_apex(builder, layout.zone);
	if (error)
		goto out;
	*out = layout.zone;
	layout.zone = NULL;
	zone_builder_empty(builder);
out:
	zone_free(layout.zone);
	return error;
}
