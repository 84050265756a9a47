/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/image_check.h"

#include "control/zone/check_group.h"
#include "control/zone/image_index.h"
#include "control/zone/image_walk.h"
#include "control/zone/name.h"
#include "control/zone/rdata.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES        (IMAGE_BUCKETS * IMAGE_SLOTS)
#define SEGMENT_UNITS (IMAGE_SEGMENT_SIZE / IMAGE_UNIT)
#define ZONE_HEAD     sizeof(struct image_zone)
#define LINE_UNITS    4u

int walk_wrong(struct walk *w, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(w->report->error, sizeof(w->report->error), format, arguments);
	va_end(arguments);
	return -EBADMSG;
}

static bool bit_get(const uint64_t *bits, uint64_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void bit_set(uint64_t *bits, uint64_t i)
{
	bits[i / 64] |= 1ull << i % 64;
}

uint64_t walk_room(const struct walk *w, uint32_t offset)
{
	uint64_t shard = 1ull << w->memory->shard_shift;

	if (offset == 0 || offset >= w->units)
		return 0;
	return shard - ((uint64_t)offset * IMAGE_UNIT & (shard - 1));
}

const void *walk_at(const struct walk *w, uint32_t offset)
{
	uint64_t byte = (uint64_t)offset * IMAGE_UNIT;
	uint64_t shard = byte >> w->memory->shard_shift;

	return w->memory->image + shard * IMAGE_STRIDE(w->memory->shard_shift) +
	       (byte & ((1ull << w->memory->shard_shift) - 1));
}

int walk_meet(struct walk *w, uint32_t offset, uint64_t size, enum image_use use, const char *what)
{
	uint32_t units = (uint32_t)((size + IMAGE_UNIT - 1) / IMAGE_UNIT);

	if (size > walk_room(w, offset))
		return walk_wrong(w, "%s at %u: %llu octets cross a shard or lie outside", what,
			offset, (unsigned long long)size);
	if (units <= LINE_UNITS && offset % LINE_UNITS + units > LINE_UNITS)
		return walk_wrong(w, "%s at %u: straddles a line", what, offset);
	if (bit_get(w->first, offset))
		return OBJECT_KNOWN;
	for (uint32_t i = 0; i < units; i++) {
		if (bit_get(w->taken, offset + i))
			return walk_wrong(w, "%s at %u: lies over another object", what, offset);
		bit_set(w->taken, offset + i);
	}
	bit_set(w->first, offset);
	w->report->bytes += (uint64_t)units * IMAGE_UNIT;
	return w->visitor && w->visitor->object
		       ? w->visitor->object(w->visitor->context, offset, units, use)
		       : OBJECT_NEW;
}

/* What a reader finds: the object of that hash, zone and key in the index, or 0. */
static uint32_t reader_find(const struct walk *w, uint64_t word, uint64_t hash, uint32_t zone,
	const uint8_t *key, uint32_t key_len)
{
	const uint32_t *directory = walk_at(w, INDEX_DIRECTORY(word));
	uint32_t segment = directory[HASH_DIRECTORY(hash, INDEX_DEPTH(word))];
	const uint64_t *slots = walk_at(w, segment);
	uint32_t bucket = HASH_BUCKET(hash);

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < IMAGE_SLOTS; i++) {
			uint64_t slot = slots[SLOT_PLACE(bucket, HASH_SLOT(hash) + i) / 8];
			uint32_t offset = SLOT_OFFSET(slot);
			const struct image_keyed *k;

			if (!slot)
				return 0;
			if (SLOT_TAG(slot) != HASH_TAG(hash) || !walk_room(w, offset))
				continue;
			k = walk_at(w, offset);
			if (k->zone == zone && k->key_len == key_len &&
				!memcmp(k->key, key, key_len))
				return offset;
		}
		bucket = HASH_SECOND(bucket, HASH_TAG(hash));
	}
	return 0;
}

/* Calls 'found' for each object that a slot of the index leads to. */
static int index_walk(struct walk *w, uint64_t word, const char *name,
	int (*found)(struct walk *w, uint32_t offset, uint32_t tag))
{
	uint32_t depth = INDEX_DEPTH(word), count = 1u << depth;
	uint32_t offset = INDEX_DIRECTORY(word);
	int error;

	if (depth > IMAGE_DEPTH_MAX || word >> 40)
		return walk_wrong(w, "%s: index word %llx", name, (unsigned long long)word);
	error = walk_meet(w, offset, 4ull << depth, IMAGE_USE_INDEX, "directory");
	if (error)
		return error < 0 ? error : walk_wrong(w, "%s: directory is something else", name);
	const uint32_t *directory = walk_at(w, offset);
	for (uint32_t i = 0, run; i < count; i += run) {
		run = 1;
		while (i + run < count && directory[i + run] == directory[i])
			run++;
		/* a segment split half-way stands in odd numbers, or twice */
		if (w->settled && (run & (run - 1) || i % run))
			return walk_wrong(w, "%s: segment %u stands %u times from %u", name,
				directory[i], run, i);
		error = walk_meet(w, directory[i], IMAGE_SEGMENT_SIZE, IMAGE_USE_INDEX, "segment");
		if (error < 0)
			return error;
		if (directory[i] % LINE_UNITS)
			return walk_wrong(w, "segment %u: buckets straddle lines", directory[i]);
		if (error == OBJECT_KNOWN) {
			if (w->settled)
				return walk_wrong(
					w, "%s: segment %u stands apart", name, directory[i]);
			continue;
		}
		const uint64_t *slots = walk_at(w, directory[i]);
		for (uint32_t place = 0; place < PLACES; place++) {
			if (!SLOT_OFFSET(slots[place]))
				continue;
			error = found(w, SLOT_OFFSET(slots[place]), SLOT_TAG(slots[place]));
			if (error)
				return error;
		}
	}
	return 0;
}

/* A key: whole labels, folded, as many as it says, padded with zeros. */
static bool key_fits(const struct image_keyed *k, uint32_t others)
{
	uint32_t place = 0, labels = 0;
	uint8_t folded[UINT8_MAX];

	if (k->key_len + others > NAME_MAX_SIZE)
		return false;
	for (; place < k->key_len; labels++) {
		if (k->key[place] == 0 || k->key[place] > 63)
			return false;
		place += 1u + k->key[place];
	}
	if (place != k->key_len || labels != k->labels)
		return false;
	for (; place % 4; place++) {
		if (k->key[place])
			return false;
	}
	return !name_fold(folded, k->key, k->key_len);
}

static uint64_t keyed_hash(const struct image_keyed *k, uint64_t seed)
{
	return image_index_hash(k->key, k->key_len, seed);
}

int walk_group(struct walk *w, uint32_t offset, uint32_t rel, uint32_t r, uint32_t apex_len)
{
	uint64_t room = walk_room(w, offset);
	const char *fault = "does not fit";
	int size;

	if (room > IMAGE_ENTRY_MAX)
		room = IMAGE_ENTRY_MAX;
	size = rel < room ? check_group((const uint8_t *)walk_at(w, offset) + rel,
				    (size_t)room - rel, r, apex_len, &fault)
			  : -EBADMSG;
	return size < 0 ? walk_wrong(w, "group at %u + %u: %s", offset, rel, fault)
			: (int)rel + size;
}

static int shared_walk(struct walk *w, uint32_t offset, uint32_t apex_len)
{
	int end, error;

	if (walk_room(w, offset) < FRAGMENT_HEAD)
		return walk_wrong(w, "shared fragment %u lies outside", offset);
	end = walk_group(w, offset, 0, 0, apex_len);
	if (end < 0)
		return end;
	error = walk_meet(w, offset, (uint64_t)end, IMAGE_USE_ENTRIES, "shared fragment");
	return error < 0 ? error : 0;
}

/* The types of an entry and what they lead to. Its size in octets, or an error. */
static int types_walk(struct walk *w, uint32_t offset, uint32_t apex_len)
{
	const struct image_entry *e = walk_at(w, offset);
	uint32_t rel = ENTRY_TYPES_AT(e->key_len);
	uint32_t end = ENTRY_HASHES_AT(e->key_len, e->types) + ENTRY_HASHES_SIZE(e->flags);
	const struct image_type *types = (const void *)((const uint8_t *)e + rel);

	if (e->types > IMAGE_TYPES_MAX || end > walk_room(w, offset))
		return walk_wrong(w, "entry %u: %u types", offset, e->types);
	for (uint32_t i = 0; i < e->types; i++) {
		uint32_t where = (types[i].where & ~TYPE_SHARED) * 4u;
		bool shared = types[i].where & TYPE_SHARED;

		if (i && types[i - 1].type >= types[i].type)
			return walk_wrong(w, "entry %u: types are not in order", offset);
		if (where < end || where + 4u > walk_room(w, offset))
			return walk_wrong(
				w, "entry %u: type %u lies at %u", offset, types[i].type, where);
		int error = shared ? shared_walk(w,
					     *(const uint32_t *)(const void *)((const uint8_t *)e +
									       where),
					     apex_len)
				   : walk_group(w, offset, where, e->key_len, apex_len);
		if (error < 0)
			return error;
		end = shared ? where + 4u : (uint32_t)error;
	}
	return (int)end;
}

static bool entry_has(const struct image_entry *e, uint16_t type)
{
	const struct image_type *types =
		(const void *)((const uint8_t *)e + ENTRY_TYPES_AT(e->key_len));

	for (uint32_t i = 0; i < e->types; i++) {
		if (types[i].type == type)
			return true;
	}
	return false;
}

/* The zone that an entry says it is of, if readers find it; NULL: it is gone. */
static const struct image_zone *entry_zone(const struct walk *w, const struct image_entry *e)
{
	const struct image_zone *z = walk_at(w, e->zone);
	uint64_t hash;

	if (!walk_room(w, e->zone))
		return NULL;
	/* not every offset is a zone: only what the zones index leads to */
	hash = image_index_hash(z->key, z->key_len, w->header->zone_seed);
	return reader_find(w, w->header->zones, hash, 0, z->key, z->key_len) == e->zone ? z : NULL;
}

/* The entry as an object, wherever a slot or prev leads to it. OBJECT_NEW, OBJECT_KNOWN or an
 * error. */
static int entry_walk(struct walk *w, uint32_t offset)
{
	const struct image_entry *e = walk_at(w, offset);
	const struct image_zone *zone;
	int size;

	if (bit_get(w->first, offset))
		return OBJECT_KNOWN;
	zone = entry_zone(w, e);
	if (!key_fits((const struct image_keyed *)e, 1))
		return walk_wrong(w, "entry %u: bad key", offset);
	size = types_walk(w, offset, zone ? zone->key_len : CHECK_GROUP_UNPLACED);
	if (size < 0)
		return size;
	if (e->flags & (ENTRY_PASS | ENTRY_TOMBSTONE) && (e->types || e->flags & ENTRY_HASHED))
		return walk_wrong(w, "entry %u: has types though it passes or is gone", offset);
	if (!(e->flags & (ENTRY_PASS | ENTRY_TOMBSTONE)) &&
		((e->flags & ENTRY_CUT && !entry_has(e, RR_NS)) ||
			!(e->flags & ENTRY_CNAME) != !entry_has(e, RR_CNAME) ||
			(e->flags & ENTRY_DNAME && !(e->flags & ENTRY_CUT) &&
				!entry_has(e, RR_DNAME))))
		return walk_wrong(w, "entry %u: flags %x don't fit its types", offset, e->flags);
	if (!(e->flags & ENTRY_TOMBSTONE) && !(e->flags & ENTRY_APEX) != (e->key_len != 0))
		return walk_wrong(w, "entry %u: apex or not?", offset);
	return walk_meet(w, offset, (uint64_t)size, IMAGE_USE_ENTRIES, "entry");
}

static bool is_star(const struct image_entry *e)
{
	return e->key_len >= 2 && e->key[0] == 1 && e->key[1] == '*';
}

/* What a reader of 'version' finds under a relative name, or 0. */
static uint32_t version_find(const struct walk *w, const struct image_version *version,
	uint32_t zone, const uint8_t *key, uint32_t key_len)
{
	uint64_t hash = image_index_hash(key, key_len, version->seed);
	uint32_t offset = reader_find(w, w->header->names, hash, zone, key, key_len);
	const struct image_entry *e = walk_at(w, offset);

	if (offset && e->birth > version->number) {
		offset = e->prev;
		e = walk_room(w, offset) ? walk_at(w, offset) : NULL;
	}
	return offset && e && !(e->flags & ENTRY_TOMBSTONE) ? offset : 0;
}

/* The walk to the closest encloser (RFC 4592 section 3.3.1) needs every ancestor, and none of them
 * may be an end. */
static int kin_check(struct walk *w, uint32_t offset, const struct image_version *version)
{
	const struct image_entry *e = walk_at(w, offset);
	uint8_t child[NAME_MAX_SIZE + 2] = {1, '*'};

	bool hashed = version->flags & VERSION_NSEC3 && !(e->flags & ENTRY_PASS);

	if (hashed != !!(e->flags & ENTRY_HASHED))
		return walk_wrong(w, "entry %u: NSEC3 hashes where none belong, or none", offset);
	if (e->labels > version->max_labels)
		return walk_wrong(w, "entry %u: deeper than its version's max_labels", offset);
	if (e->key_len) {
		uint32_t label = 1u + e->key[0];
		uint32_t up = version_find(w, version, e->zone, e->key + label, e->key_len - label);
		const struct image_entry *parent = walk_at(w, up);
		if (!up)
			return walk_wrong(w, "entry %u: no entry for the name above it", offset);
		if (parent->flags & (ENTRY_CUT | ENTRY_DNAME))
			return walk_wrong(w, "entry %u: below a cut or a DNAME", offset);
		if (is_star(e) && !(parent->flags & ENTRY_WILDCARD))
			return walk_wrong(w, "entry %u: wildcard unknown above", offset);
	}
	if (e->flags & ENTRY_WILDCARD && !(e->flags & (ENTRY_CUT | ENTRY_DNAME))) {
		memcpy(child + 2, e->key, e->key_len);
		if (!version_find(w, version, e->zone, child, e->key_len + 2u))
			return walk_wrong(w, "entry %u: its wildcard is missing", offset);
	}
	return 0;
}

static int prev_check(struct walk *w, uint32_t offset)
{
	const struct image_entry *e = walk_at(w, offset), *p = walk_at(w, e->prev);

	if (!walk_room(w, e->prev))
		return walk_wrong(w, "entry %u: prev lies outside", offset);
	if (p->birth >= e->birth || p->prev || p->zone != e->zone || p->key_len != e->key_len ||
		memcmp(p->key, e->key, p->key_len) || p->flags & ENTRY_TOMBSTONE)
		return walk_wrong(w, "entry %u: prev %u isn't what it replaces", offset, e->prev);
	int error = entry_walk(w, e->prev);
	if (error == OBJECT_KNOWN)
		return walk_wrong(w, "entry %u: prev %u stands elsewhere", offset, e->prev);
	return error;
}

static enum image_standing entry_standing(
	const struct walk *w, uint32_t offset, const struct image_version *version)
{
	const struct image_entry *e = walk_at(w, offset);

	if (!version || reader_find(w, w->header->names, keyed_hash((const void *)e, version->seed),
				e->zone, e->key, e->key_len) != offset)
		return IMAGE_STRAY;
	if (e->birth > version->number)
		return IMAGE_NEWER;
	return e->flags & ENTRY_TOMBSTONE ? IMAGE_TOMBSTONE : IMAGE_LIVE;
}

static int entry_found(struct walk *w, uint32_t offset, uint32_t tag)
{
	const struct image_entry *e = walk_at(w, offset);
	const struct image_version *version;
	const struct image_zone *zone;
	enum image_standing standing;
	int error;

	if (walk_room(w, offset) < ENTRY_HEAD || walk_room(w, offset) < ENTRY_TYPES_AT(e->key_len))
		return walk_wrong(w, "slot leads to %u, outside", offset);
	error = entry_walk(w, offset);
	if (error < 0)
		return error;
	if (error == OBJECT_KNOWN)
		return w->settled ? walk_wrong(w, "entry %u stands twice", offset) : 0;
	zone = entry_zone(w, e);
	version = zone && zone->head ? walk_at(w, zone->head) : NULL;
	standing = entry_standing(w, offset, version);
	if (w->settled && (standing != IMAGE_LIVE || e->prev))
		return walk_wrong(w, "entry %u: standing %d, prev %u, in a settled image", offset,
			standing, e->prev);
	if (standing == IMAGE_NEWER && e->birth != version->number + 1)
		return walk_wrong(w, "entry %u: birth %u, the version is %u", offset, e->birth,
			version->number);
	if (version && standing != IMAGE_STRAY &&
		HASH_TAG(keyed_hash((const void *)e, version->seed)) != tag)
		return walk_wrong(w, "entry %u: its slot has another tag", offset);
	error = e->prev && standing != IMAGE_STRAY ? prev_check(w, offset) : 0;
	if (!error && standing == IMAGE_LIVE)
		error = kin_check(w, offset, version);
	w->report->entries[standing]++;
	w->report->replaced += e->prev != 0;
	if (!error && w->visitor && w->visitor->entry)
		error = w->visitor->entry(w->visitor->context, offset, standing);
	return error;
}

static int version_check(struct walk *w, uint32_t zone, uint32_t offset)
{
	const struct image_zone *z = walk_at(w, zone);
	const struct image_version *v = walk_at(w, offset);
	int error = walk_meet(w, offset, sizeof(*v) + v->salt_len, IMAGE_USE_ZONES, "version");
	int end;

	if (error)
		return error < 0 ? error : walk_wrong(w, "version %u is something else", offset);
	if (v->number == 0 || v->apex_len != z->key_len || v->apex_labels != z->labels ||
		v->flags & ~(uint32_t)(VERSION_PASS | VERSION_SIGNED | VERSION_NSEC |
				       VERSION_NSEC3 | VERSION_HASHED | VERSION_NESTED))
		return walk_wrong(w, "version %u: number %u, apex_len %u, flags %x", offset,
			v->number, v->apex_len, v->flags);
	if (walk_room(w, v->negative) < FRAGMENT_HEAD)
		return walk_wrong(w, "version %u: no negative answer", offset);
	end = walk_group(w, v->negative, 0, 0, v->apex_len);
	if (end < 0)
		return end;
	error = walk_meet(w, v->negative, (uint64_t)end, IMAGE_USE_ZONES, "negative answer");
	if (error)
		return error < 0 ? error
				 : walk_wrong(w, "version %u: negative answer is shared", offset);
	if (version_find(w, v, zone, z->key, 0) != v->apex)
		return walk_wrong(w, "version %u: the index has another apex", offset);
	w->report->published++;
	return denial_check(w, offset, v);
}

static int zone_found(struct walk *w, uint32_t offset, uint32_t tag)
{
	const struct image_zone *z = walk_at(w, offset);
	uint64_t hash;
	int error;

	if (walk_room(w, offset) < ZONE_HEAD || walk_room(w, offset) < ZONE_HEAD + z->key_len + 3u)
		return walk_wrong(w, "slot leads to zone %u, outside", offset);
	error = walk_meet(w, offset, ZONE_HEAD + z->key_len, IMAGE_USE_ZONES, "zone");
	if (error < 0)
		return error;
	if (error == OBJECT_KNOWN)
		return w->settled ? walk_wrong(w, "zone %u stands twice", offset) : 0;
	if (z->zone || z->types || !key_fits((const struct image_keyed *)z, 1))
		return walk_wrong(w, "zone %u: bad key", offset);
	hash = keyed_hash((const struct image_keyed *)z, w->header->zone_seed);
	if (HASH_TAG(hash) != tag ||
		reader_find(w, w->header->zones, hash, 0, z->key, z->key_len) != offset)
		return walk_wrong(w, "zone %u: readers don't find it", offset);
	/* the bit is stored after the slot */
	if (w->settled && !(w->header->depths[z->labels / 64 & 1] >> z->labels % 64 & 1))
		return walk_wrong(w, "zone %u: no bit for its depth", offset);
	if (z->head && walk_room(w, z->head) < sizeof(struct image_version))
		return walk_wrong(w, "zone %u: version lies outside", offset);
	error = z->head ? version_check(w, offset, z->head) : 0;
	w->report->zones++;
	if (!error && w->visitor && w->visitor->zone)
		error = w->visitor->zone(w->visitor->context, offset);
	return error;
}

static int walk_run(struct walk *w)
{
	const struct image_header *h = w->header;
	int error;

	bit_set(w->taken, 0);
	error = index_walk(w, h->zones, "zones", zone_found);
	if (!error)
		error = index_walk(w, h->names, "names", entry_found);
	return error;
}

/* Is the directory there, are its segments? The look-ups of the walk rely on it. */
static int index_bounds(struct walk *w, uint64_t word, const char *name)
{
	uint32_t depth = INDEX_DEPTH(word);
	const uint32_t *directory = walk_at(w, INDEX_DIRECTORY(word));

	if (depth > IMAGE_DEPTH_MAX || walk_room(w, INDEX_DIRECTORY(word)) < 4ull << depth)
		return walk_wrong(w, "%s: index word %llx", name, (unsigned long long)word);
	for (uint32_t i = 0; i < 1u << depth; i++) {
		if (walk_room(w, directory[i]) < IMAGE_SEGMENT_SIZE)
			return walk_wrong(w, "%s: segment %u lies outside", name, directory[i]);
	}
	return 0;
}

static int header_check(struct walk *w)
{
	const struct image_header *h = w->header;

	if (h->magic != IMAGE_MAGIC || h->layout != IMAGE_LAYOUT)
		return -ENODATA;
	if (h->shard_shift != w->memory->shard_shift || h->shards != w->memory->shards)
		return walk_wrong(w, "header: %u shards of 2^%u", h->shards, h->shard_shift);
	int error = index_bounds(w, h->zones, "zones");
	return error ? error : index_bounds(w, h->names, "names");
}

int image_check(const struct engine_memory *memory, bool settled,
	const struct image_visitor *visitor, struct image_report *report)
{
	struct walk w = {
		.memory = memory,
		.header = (const void *)memory->image,
		.visitor = visitor,
		.report = report,
		.settled = settled,
		.units = ((uint64_t)memory->shards << memory->shard_shift) / IMAGE_UNIT,
	};
	int error;

	*report = (struct image_report){0};
	error = header_check(&w);
	if (error)
		return error;
	w.taken = calloc(w.units / 64 + 1, sizeof(*w.taken));
	w.first = calloc(w.units / 64 + 1, sizeof(*w.first));
	error = w.taken && w.first ? walk_run(&w) : -ENOMEM;
	free(w.taken);
	free(w.first);
	return error;
}
