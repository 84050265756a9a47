/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/compile_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POINTER_MARK  0xc000u /* RFC 1035 4.1.4 */
#define QUESTION_AT   12u     /* the header's size: where the question's name begins */
#define QUESTION_TAIL 4u      /* QTYPE and QCLASS */
#define RR_FIXED      12u     /* pointer to the owner, type, class, TTL, RDLENGTH */
#define NAMES_ROOM    (2 * IMAGE_RRS_MAX)
#define SUFFIXES_ROOM (IMAGE_FRAGMENT_MAX / 2)
#define SUFFIX_HEADS  256

struct draft {
	uint8_t data[IMAGE_FRAGMENT_MAX];
	uint16_t places[BASES][2 * IMAGE_RRS_MAX];
	uint32_t pointers[BASES];
	uint32_t records[3];
	uint32_t length;
	uint8_t flags;
	bool oversize;    /* more bytes than a fragment holds */
	bool overcounted; /* more records or pointers than it counts */
	bool other_names; /* an owner field that isn't the group's owner */
};

/* A name, or the end of one, that stands in the first fragment. */
struct suffix {
	uint16_t place;
	uint16_t next; /* in the chain; 0 ends it */
	const uint8_t *name;
	uint8_t size;
};

struct group {
	uint8_t owner[NAME_MAX_SIZE]; /* folded */
	bool owner_label[NAME_MAX_SIZE];
	uint32_t owner_size, apex_at; /* where the apex begins in the owner */
	bool wildcard;
	uint32_t drafts;
	struct draft draft[IMAGE_GROUP_MAX];
	struct zone_rdata rdatas[IMAGE_RRS_MAX];

	uint8_t names[NAMES_ROOM][NAME_MAX_SIZE]; /* folded: what suffixes point into */
	uint32_t name_count;
	struct suffix suffixes[SUFFIXES_ROOM]; /* [0] is unused */
	uint32_t suffix_count;
	uint16_t heads[SUFFIX_HEADS];
};

int group_new(struct group **out)
{
	*out = malloc(sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void group_free(struct group *group)
{
	free(group);
}

void group_begin(struct group *group, const uint8_t *owner, const uint8_t *origin, bool wildcard)
{
	group->owner_size = (uint32_t)name_size(owner);
	group->apex_at = group->owner_size - (uint32_t)name_size(origin);
	memcpy(group->owner, owner, group->owner_size);
	memset(group->owner_label, 0, sizeof(group->owner_label));
	for (uint32_t at = 0; owner[at]; at += 1u + owner[at])
		group->owner_label[at] = true;
	group->wildcard = wildcard;
	group->drafts = 0;
	group->name_count = 0;
	group->suffix_count = 1;
	memset(group->heads, 0, sizeof(group->heads));
}

void group_fragment(struct group *group, uint8_t flags)
{
	struct draft *draft = &group->draft[group->drafts++];

	memset(draft->pointers, 0, sizeof(draft->pointers));
	memset(draft->records, 0, sizeof(draft->records));
	draft->length = 0;
	draft->flags = flags;
	draft->oversize = draft->overcounted = draft->other_names = false;
}

static void draft_bytes(struct draft *draft, const uint8_t *from, uint32_t size)
{
	if (draft->oversize || size > IMAGE_FRAGMENT_MAX - draft->length) {
		draft->oversize = true;
		return;
	}
	memcpy(draft->data + draft->length, from, size);
	draft->length += size;
}

static void draft_u16(struct draft *draft, uint32_t value)
{
	draft_bytes(draft, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void draft_pointer(struct draft *draft, unsigned base, uint32_t target)
{
	if (draft->oversize)
		return;
	if (draft->pointers[base] == UINT8_MAX) {
		draft->overcounted = true;
		return;
	}
	draft->places[base][draft->pointers[base]++] = (uint16_t)draft->length;
	draft_u16(draft, POINTER_MARK | target);
}

static uint16_t *suffix_head(struct group *group, const uint8_t *name, uint32_t size)
{
	return &group->heads[(size * 31 + name[1]) % SUFFIX_HEADS];
}

/* The place in the first fragment where 'name' stands, or -1. */
static int suffix_find(struct group *group, const uint8_t *name, uint32_t size)
{
	for (uint16_t i = *suffix_head(group, name, size); i; i = group->suffixes[i].next) {
		const struct suffix *s = &group->suffixes[i];
		if (s->size == size && !memcmp(s->name, name, size))
			return s->place;
	}
	return -1;
}

/* 'name' (folded) was written at 'place', its first 'literal' octets as they are. */
static void suffix_add(
	struct group *group, const uint8_t *name, uint32_t size, uint32_t literal, uint32_t place)
{
	if (group->name_count == NAMES_ROOM)
		return;
	uint8_t *kept = memcpy(group->names[group->name_count++], name, size);

	for (uint32_t at = 0; at < literal && name[at]; at += 1u + name[at]) {
		if (group->suffix_count == SUFFIXES_ROOM)
			return;
		uint16_t *head = suffix_head(group, kept + at, size - at);
		group->suffixes[group->suffix_count] = (struct suffix){
			.place = (uint16_t)(place + at),
			.next = *head,
			.name = kept + at,
			.size = (uint8_t)(size - at),
		};
		*head = (uint16_t)group->suffix_count++;
	}
}

enum name_mode {
	NAME_WHOLE,  /* no pointer */
	NAME_SHORT,  /* against all three bases */
	NAME_TARGET, /* against the apex only: the core reads the labels before it */
};

struct match {
	unsigned base;
	uint32_t target; /* where the question is exactly the owner's name */
};

/*
 * Can the end of a name ('name', folded, more than the root label) be a pointer? The owner's own
 * labels lie where they do only in a question for the owner; a wildcard answers other questions as
 * well.
 */
static bool suffix_match(struct group *group, enum name_mode mode, const uint8_t *name,
	uint32_t size, struct match *match)
{
	uint32_t at = group->owner_size - size;

	if (size <= group->owner_size && group->owner_label[at] &&
		!memcmp(group->owner + at, name, size)) {
		if (at >= group->apex_at && (mode != NAME_TARGET || at == group->apex_at)) {
			*match = (struct match){BASE_APEX, QUESTION_AT + at};
			return true;
		}
		if (at < group->apex_at && mode == NAME_SHORT && !group->wildcard) {
			*match = (struct match){BASE_OWNER, QUESTION_AT + at};
			return true;
		}
	}
	if (mode != NAME_SHORT)
		return false;
	int place = suffix_find(group, name, size);
	if (place < 0)
		return false;
	*match = (struct match){
		BASE_GROUP, QUESTION_AT + group->owner_size + QUESTION_TAIL + (uint32_t)place};
	return true;
}

/* 'reusable': later names may point into this one. */
static void draft_name(struct group *group, struct draft *draft, const uint8_t *name, uint32_t size,
	enum name_mode mode, bool reusable)
{
	uint8_t folded[NAME_MAX_SIZE];
	struct match match;
	uint32_t place = draft->length, at;
	bool found = false;

	name_fold(folded, name, size);
	for (at = 0; folded[at] && mode != NAME_WHOLE; at += 1u + folded[at]) {
		found = suffix_match(group, mode, folded + at, size - at, &match);
		if (found)
			break;
	}
	if (!found)
		at = size;
	draft_bytes(draft, name, at);
	if (found)
		draft_pointer(draft, match.base, match.target);
	if (reusable && draft == &group->draft[0])
		suffix_add(group, folded, size, at, place);
}

static void draft_owner(struct group *group, struct draft *draft, const struct zone_node *owner,
	enum name_mode mode)
{
	if (!owner) {
		draft_pointer(draft, BASE_OWNER, QUESTION_AT);
		return;
	}
	draft->other_names = true;
	draft_name(group, draft, owner->cased, owner->name_size, mode, true);
}

static void draft_rdata(
	struct group *group, struct draft *draft, uint16_t type, const struct zone_rdata *rdata)
{
	struct rdata_name names[RDATA_MAX_NAMES];
	int count = rdata_names(type, rdata->data, rdata->size, names);
	uint32_t length_at = draft->length, from = 0;

	draft_u16(draft, 0);
	for (int i = 0; i < count; i++) {
		enum name_mode mode = !names[i].compressible           ? NAME_WHOLE
				      : draft->flags & FRAGMENT_TARGET ? NAME_TARGET
								       : NAME_SHORT;

		draft_bytes(draft, rdata->data + from, names[i].offset - from);
		draft_name(group, draft, rdata->data + names[i].offset, names[i].size, mode,
			names[i].compressible || type == RR_SRV);
		from = names[i].offset + names[i].size;
	}
	draft_bytes(draft, rdata->data + from, rdata->size - from);
	if (draft->oversize)
		return;
	uint32_t length = draft->length - length_at - 2;
	draft->data[length_at] = (uint8_t)(length >> 8);
	draft->data[length_at + 1] = (uint8_t)length;
}

/* Octets that the RRset takes at least, however well its names compress. */
static uint64_t rrset_least(const struct zone_rrset *rrset)
{
	struct rdata_name names[RDATA_MAX_NAMES];
	struct zone_rdata first = {0};

	zone_rdata_next(rrset, &first);
	if (rdata_names(rrset->type, first.data, first.size, names) > 0)
		return (uint64_t)rrset->count * (RR_FIXED + 2);
	return (uint64_t)rrset->count * RR_FIXED + rrset->size;
}

static int rdata_order(const void *a, const void *b, void *type)
{
	const struct zone_rdata *x = a, *y = b;

	return rdata_compare(*(uint16_t *)type, x->data, x->size, y->data, y->size);
}

void group_rrset(struct group *group, enum group_section section, const struct zone_node *owner,
	const struct zone_rrset *rrset, uint32_t ttl)
{
	struct draft *draft = &group->draft[group->drafts - 1];
	struct zone_rdata at = {0};
	uint16_t type = rrset->type;
	uint32_t count = 0;

	if (rrset->count + draft->records[section] > IMAGE_RRS_MAX) {
		draft->overcounted = true;
		draft->oversize = rrset_least(rrset) > IMAGE_FRAGMENT_MAX;
		return;
	}
	while (zone_rdata_next(rrset, &at))
		group->rdatas[count++] = at;
	if (count > 1)
		qsort_r(group->rdatas, count, sizeof(at), rdata_order, &type);
	for (uint32_t i = 0; i < count && !draft->oversize; i++) {
		draft_owner(group, draft, owner, NAME_SHORT);
		draft_u16(draft, type);
		draft_u16(draft, RR_CLASS_IN);
		draft_u16(draft, ttl >> 16);
		draft_u16(draft, ttl);
		draft_rdata(group, draft, type, &group->rdatas[i]);
	}
	draft->records[section] += count;
}

uint16_t group_sum(const uint8_t *bytes, uint32_t size)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8;
	if (size & 1)
		sum += bytes[size - 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Bytes between the owner pointers if these are all there is, else 0. */
static uint16_t draft_stride(const struct draft *draft)
{
	uint32_t count = draft->pointers[BASE_OWNER];

	if (count == 0 || draft->pointers[BASE_APEX] || draft->pointers[BASE_GROUP] ||
		draft->other_names)
		return 0;
	if (count == 1)
		return (uint16_t)((draft->length + 1) & ~1u);
	if (draft->length % count || draft->length / count % 2)
		return 0;
	uint32_t stride = draft->length / count;
	for (uint32_t i = 0; i < count; i++) {
		if (draft->places[BASE_OWNER][i] != i * stride)
			return 0;
	}
	return (uint16_t)stride;
}

/* Bytes written, or -ENOSPC. 'links': FRAGMENT_MORE and FRAGMENT_PLAIN_LAST as they apply. */
static int draft_write(const struct draft *draft, uint8_t links, uint8_t *out, size_t room)
{
	struct image_fragment head = {.flags = draft->flags};
	uint32_t listed = 0, size = FRAGMENT_PLACES_AT(0);

	if (draft->oversize || draft->overcounted) {
		head.flags =
			(draft->flags & (FRAGMENT_OPTIONAL | FRAGMENT_DNSSEC)) | FRAGMENT_OVERSIZE;
	} else {
		head.length = (uint16_t)draft->length;
		head.sum = group_sum(draft->data, draft->length);
		head.stride = draft_stride(draft);
		for (unsigned i = 0; i < 3; i++)
			head.records[i] = (uint8_t)draft->records[i];
		for (unsigned base = 0; base < BASES; base++) {
			head.pointers[base] = (uint8_t)draft->pointers[base];
			for (uint32_t i = 0; i < draft->pointers[base]; i++)
				head.odd[base] += draft->places[base][i] & 1;
			if (base != BASE_OWNER || !head.stride)
				listed += draft->pointers[base];
		}
		size = FRAGMENT_PLACES_AT(draft->length) + 2 * listed;
	}
	head.flags |= links;
	size = (size + 3) & ~3u;
	if (size > room)
		return -ENOSPC;
	memset(out, 0, size);
	memcpy(out, &head, sizeof(head));
	memcpy(out + FRAGMENT_HEAD, draft->data, head.length);
	uint8_t *to = out + FRAGMENT_PLACES_AT(head.length);
	for (unsigned base = head.stride ? BASE_APEX : BASE_OWNER; base < BASES && listed; base++) {
		memcpy(to, draft->places[base], 2 * draft->pointers[base]);
		to += 2 * draft->pointers[base];
	}
	return (int)size;
}

static bool draft_empty(const struct draft *draft)
{
	return draft->length == 0 && !draft->oversize && !draft->overcounted;
}

/* What a reader of draft i needs to know of those behind it. */
static uint8_t draft_links(struct draft *const drafts[], uint32_t count, uint32_t i)
{
	bool plain = false;

	if (i + 1 == count)
		return 0;
	for (uint32_t j = i + 1; j < count; j++)
		plain |= !(drafts[j]->flags & FRAGMENT_DNSSEC);
	if (plain || drafts[i]->flags & FRAGMENT_DNSSEC)
		return FRAGMENT_MORE;
	return FRAGMENT_MORE | FRAGMENT_PLAIN_LAST;
}

int group_end(struct group *group, uint8_t *out, size_t room)
{
	struct draft *first = &group->draft[0], *drafts[IMAGE_GROUP_MAX] = {first};
	uint32_t count = 1;
	size_t used = 0;

	if (first->overcounted && !first->oversize)
		return -EFBIG;
	/* behind one that is always truncated nothing is ever sent */
	for (uint32_t i = 1; i < group->drafts && !first->oversize; i++) {
		if (!draft_empty(&group->draft[i]))
			drafts[count++] = &group->draft[i];
	}
	for (uint32_t i = 0; i < count; i++) {
		int size = draft_write(
			drafts[i], draft_links(drafts, count, i), out + used, room - used);
		if (size < 0)
			return size;
		used += (size_t)size;
	}
	return (int)used;
}
