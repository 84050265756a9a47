/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/image/reader.h"

#include "answer/hash.h"

#include <string.h>

void (*reader_pause)(void);

static void pause_here(void)
{
	if (reader_pause)
		reader_pause();
}

static const void *object(const struct engine_memory *memory, uint32_t offset)
{
	uint64_t byte = (uint64_t)offset * 16, size = 1ull << memory->shard_shift;

	return memory->image + byte / size * (size + IMAGE_SLACK) + byte % size;
}

static uint32_t load32(const uint32_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static uint64_t load64(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

static uint64_t hash(const uint8_t *key, uint32_t length, uint64_t seed)
{
	struct name_lanes lanes = name_lanes_start(seed, length);
	uint8_t padded[16 + 272] = {0};
	uint32_t end = length;

	memcpy(padded + 16, key, length);
	do {
		uint64_t words[2];
		memcpy(words, padded + end, 16);
		name_lanes_feed(&lanes, words[0], words[1]);
		end = end > 16 ? end - 16 : 0;
	} while (end);
	return name_lanes_end(&lanes);
}

static uint32_t find(const struct engine_memory *memory, uint64_t word, uint64_t h, uint32_t zone,
	const uint8_t *key, uint32_t key_len)
{
	uint32_t depth = word >> 32 & 31;
	const uint32_t *directory = object(memory, (uint32_t)word);
	uint32_t top = depth ? (uint32_t)(h >> (64 - depth)) : 0;
	const uint64_t *segment = object(memory, load32(&directory[top]));
	uint32_t bucket = h >> 32 & 63;

	pause_here();
	for (int turn = 0; turn < 2; turn++) {
		bool empty = false;

		for (int i = 0; i < 8; i++) {
			uint64_t slot = load64(&segment[bucket * 8 + ((h >> 38) + i) % 8]);
			const struct image_keyed *k = object(memory, (uint32_t)slot);

			empty = slot == 0;
			if (empty)
				break;
			if (!(uint32_t)slot || slot >> 32 != (uint32_t)h)
				continue;
			pause_here();
			if (k->zone == zone && k->key_len == key_len &&
				!memcmp(k->key, key, key_len))
				return (uint32_t)slot;
		}
		if (empty)
			return 0;
		bucket ^= 1 + ((uint32_t)h >> 27);
		bucket &= 63;
	}
	return 0;
}

bool reader_enter(struct reader *reader, const struct engine_memory *memory, const uint8_t *apex)
{
	const struct image_header *header = (const void *)memory->image;
	uint32_t length = (uint32_t)name_size(apex) - 1, head;
	const struct image_zone *zone;

	if (load64(&header->magic) != IMAGE_MAGIC)
		return false;
	*reader = (struct reader){.memory = memory};
	reader->zone = find(memory, load64(&header->zones), hash(apex, length, header->zone_seed),
		0, apex, length);
	if (!reader->zone)
		return false;
	zone = object(memory, reader->zone);
	pause_here();
	head = load32(&zone->head);
	pause_here();
	reader->version = head ? object(memory, head) : NULL;
	if (head && load32(&reader->version->flags) & VERSION_PASS)
		reader->version = NULL;
	return true;
}

const struct image_entry *reader_entry(
	const struct reader *reader, const uint8_t *key, uint32_t key_len)
{
	const struct image_header *header = (const void *)reader->memory->image;
	uint32_t offset = find(reader->memory, load64(&header->names),
		hash(key, key_len, reader->version->seed), reader->zone, key, key_len);
	const struct image_entry *entry = object(reader->memory, offset);

	pause_here();
	if (offset && entry->birth > reader->version->number) {
		offset = load32(&entry->prev);
		entry = object(reader->memory, offset);
	}
	return offset && !(entry->flags & ENTRY_TOMBSTONE) ? entry : NULL;
}

static bool denial_beyond(const struct image_denial *d, const uint8_t *key, uint32_t key_len)
{
	uint32_t least = d->key_len < key_len ? d->key_len : key_len;
	int order = memcmp(d->key, key, least);

	return order ? order > 0 : d->key_len > key_len;
}

const struct image_denial *reader_denial(
	const struct reader *reader, const uint8_t *key, uint32_t key_len)
{
	const struct image_node *node = object(reader->memory, reader->version->denial);
	bool before_all = false;

	if (!reader->version->denial)
		return NULL;
	for (uint32_t turn = 0; turn < IMAGE_NODE_LEVELS; turn++) {
		const struct image_branch *items =
			(const void *)((const uint8_t *)node +
				       NODE_BRANCHES_AT(node->prefix, node->count));
		uint32_t pick = node->count;

		pause_here();
		while (pick && !before_all &&
			denial_beyond(object(reader->memory, items[pick - 1].first), key, key_len))
			pick--;
		before_all |= pick == 0;
		pick = (pick ? pick : node->count) - 1;
		if (node->level == 0)
			return object(reader->memory, items[pick].down);
		node = object(reader->memory, items[pick].down);
	}
	return NULL;
}

const struct image_fragment *reader_group(
	const struct reader *reader, const struct image_entry *entry, uint16_t type, uint32_t *r)
{
	const uint8_t *bytes = (const uint8_t *)entry;
	const struct image_type *types = (const void *)(bytes + ENTRY_TYPES_AT(entry->key_len));

	for (uint32_t i = 0; i < entry->types; i++) {
		const uint8_t *place = bytes + (types[i].where & 0x7fff) * 4;

		if (types[i].type != type)
			continue;
		*r = types[i].where & TYPE_SHARED ? 0 : entry->key_len;
		if (types[i].where & TYPE_SHARED)
			return object(reader->memory, *(const uint32_t *)(const void *)place);
		return (const void *)place;
	}
	return NULL;
}

const struct image_fragment *reader_negative(const struct reader *reader)
{
	return object(reader->memory, reader->version->negative);
}

static uint32_t listed(const struct image_fragment *f)
{
	return (f->stride ? 0 : f->pointers[0]) + f->pointers[1] + f->pointers[2];
}

const struct image_fragment *reader_next(const struct image_fragment *f)
{
	uint32_t size = FRAGMENT_PLACES_AT(f->length) + 2 * listed(f);

	if (!(f->flags & FRAGMENT_MORE))
		return NULL;
	return (const void *)((const uint8_t *)f + ((size + 3) & ~3u));
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void fragment_append(
	struct reader_message *m, const struct image_fragment *f, const int32_t shift[BASES])
{
	const uint16_t *places = (const void *)((const uint8_t *)f + FRAGMENT_PLACES_AT(f->length));
	uint8_t *to = m->bytes + m->size;
	uint64_t sum = f->sum;

	memcpy(to, f->data, f->length);
	for (int base = 0; base < BASES; base++) {
		uint16_t s = (uint16_t)(shift[base] < 0 ? 65535 + shift[base] : shift[base]);

		for (uint32_t i = 0; i < f->pointers[base]; i++) {
			uint32_t at = base == BASE_OWNER && f->stride ? i * f->stride : *places++;
			uint32_t value =
				(uint32_t)(to[at] << 8 | to[at + 1]) + (uint32_t)shift[base];
			to[at] = (uint8_t)(value >> 8);
			to[at + 1] = (uint8_t)value;
		}
		/* image.md: even * swap(shift) + odd * shift */
		sum += (uint64_t)(f->pointers[base] - f->odd[base]) * __builtin_bswap16(s);
		sum += (uint64_t)f->odd[base] * s;
	}
	m->sum += m->size & 1 ? __builtin_bswap16(fold(sum)) : fold(sum);
	m->size += f->length;
	for (int i = 0; i < 3; i++)
		m->records[i] += f->records[i];
}

void reader_append(struct reader_message *m, const struct image_fragment *f,
	const struct reader_places *p, bool optional)
{
	uint32_t group_at = 12 + p->r + p->apex_len + 1 + 4;
	int32_t shift[BASES] = {(int32_t)p->owner_at - 12, (int32_t)p->apex_at - 12 - (int32_t)p->r,
		(int32_t)m->size - (int32_t)group_at};

	for (; f; f = reader_next(f)) {
		if (!(f->flags & FRAGMENT_OPTIONAL) || optional)
			fragment_append(m, f, shift);
	}
}
