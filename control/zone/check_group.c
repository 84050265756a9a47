/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/check_group.h"

#include "control/zone/compile_group.h"

#include <errno.h>
#include <string.h>

#define QUESTION_AT   12u /* the question's name, behind the header */
#define QUESTION_TAIL 4u
#define RR_FIXED      10u /* type, class, TTL, RDLENGTH */

struct look {
	const struct image_fragment *head;
	const uint16_t *places[BASES];
	uint32_t r, apex_len;
	uint32_t first_length; /* of the group's first fragment: what F pointers may name */
	bool pointer[IMAGE_FRAGMENT_MAX];
};

static uint32_t place_of(const struct look *l, unsigned base, uint32_t i)
{
	return base == BASE_OWNER && l->head->stride ? i * l->head->stride : l->places[base][i];
}

/* Is this what a pointer of the base may be, where the question is exactly the entry's name? */
static bool target_fits(
	const struct look *l, unsigned base, uint32_t target, uint32_t place, bool first)
{
	uint32_t apex_at = QUESTION_AT + l->r;
	uint32_t group_at = apex_at + l->apex_len + 1 + QUESTION_TAIL;

	if (l->apex_len == CHECK_GROUP_UNPLACED)
		return true;
	if (base == BASE_OWNER)
		return target >= QUESTION_AT && (target == QUESTION_AT || target < apex_at);
	if (base == BASE_APEX)
		return target >= apex_at && target < apex_at + l->apex_len;
	return target >= group_at && target - group_at < (first ? place : l->first_length);
}

static const char *pointers_fault(struct look *l, unsigned base, bool first)
{
	const struct image_fragment *f = l->head;
	uint32_t odd = 0, last = 0;

	for (uint32_t i = 0; i < f->pointers[base]; i++) {
		uint32_t place = place_of(l, base, i);

		if (place + 2 > f->length || (i && place <= last))
			return "a pointer's place";
		uint32_t value = (uint32_t)f->data[place] << 8 | f->data[place + 1];
		if (value >> 14 != 3)
			return "no pointer at its place";
		if (!target_fits(l, base, value & 0x3fff, place, first))
			return "a pointer leads astray";
		if (l->pointer[place])
			return "a pointer is listed twice";
		l->pointer[place] = true;
		odd += place & 1;
		last = place;
	}
	return odd == f->odd[base] ? NULL : "count of pointers at odd places";
}

/* The place behind a name that begins at 'place', or 0. Every pointer must be a listed one. */
static uint32_t name_end(const struct look *l, uint32_t place)
{
	const struct image_fragment *f = l->head;

	while (place < f->length) {
		uint32_t label = f->data[place];

		if (label == 0)
			return place + 1;
		if (label >= 0xc0)
			return l->pointer[place] ? place + 2 : 0;
		if (label > 63)
			return 0;
		place += 1 + label;
	}
	return 0;
}

static const char *records_fault(const struct look *l)
{
	const struct image_fragment *f = l->head;
	uint32_t place = 0, count = 0;

	while (place < f->length) {
		place = name_end(l, place);
		if (place == 0)
			return "an owner name";
		if (place + RR_FIXED > f->length)
			return "a record is cut off";
		const uint8_t *fixed = f->data + place;
		if (fixed[2] != 0 || fixed[3] != RR_CLASS_IN)
			return "a record's class";
		place += RR_FIXED + ((uint32_t)fixed[8] << 8 | fixed[9]);
		count++;
	}
	if (place != f->length)
		return "the last record is longer than the fragment";
	return count == (uint32_t)f->records[0] + f->records[1] + f->records[2] && count
		       ? NULL
		       : "count of records";
}

/* Does a label of the uncompressed name from 'place' on begin at 'at'? */
static bool label_begins(const struct image_fragment *f, uint32_t place, uint32_t at)
{
	while (place < at && f->data[place])
		place += 1u + f->data[place];
	return place == at;
}

/*
 * An alias whose labels the core reads. A CNAME's end in the pointer to the apex, or in the root's
 * label; a DNAME's target is a whole name that ends in as many octets as the apex has.
 */
static const char *target_fault(const struct look *l)
{
	const struct image_fragment *f = l->head;
	uint32_t place = 2 + RR_FIXED, end, apex = l->apex_len;
	bool dname = f->length > place && f->data[3] == RR_DNAME;

	if (f->records[0] != 1 || f->length < place + 1 || f->data[2] ||
		(!dname && f->data[3] != RR_CNAME))
		return "TARGET on something else than an alias";
	end = name_end(l, place);
	if (end != f->length)
		return "an alias's target";
	if (dname)
		return f->pointers[BASE_OWNER] == 1 && !f->pointers[BASE_APEX] &&
				       !f->pointers[BASE_GROUP] && end >= place + 1 + apex &&
				       label_begins(f, place, end - 1 - apex)
			       ? NULL
			       : "a DNAME's target doesn't end at the apex";
	if (apex == 0)
		return f->pointers[BASE_APEX] ? "a pointer to the root" : NULL;
	return f->pointers[BASE_APEX] == 1 && l->places[BASE_APEX][0] == end - 2
		       ? NULL
		       : "a CNAME's target doesn't end at the apex";
}

static const char *stride_fault(const struct image_fragment *f)
{
	if (!f->stride)
		return NULL;
	if (f->pointers[BASE_APEX] || f->pointers[BASE_GROUP] || f->stride % 2 ||
		f->pointers[BASE_OWNER] == 0)
		return "stride";
	if (f->pointers[BASE_OWNER] > 1 && f->stride * f->pointers[BASE_OWNER] != f->length)
		return "stride and length";
	return NULL;
}

static const char *fragment_fault(struct look *l, bool first)
{
	const struct image_fragment *f = l->head;
	const char *fault = stride_fault(f);

	memset(l->pointer, 0, sizeof(l->pointer));
	for (unsigned base = 0; base < BASES && !fault; base++)
		fault = pointers_fault(l, base, first);
	if (!fault && group_sum(f->data, f->length) != f->sum)
		fault = "sum";
	if (!fault)
		fault = records_fault(l);
	if (!fault && f->flags & FRAGMENT_TARGET && l->apex_len != CHECK_GROUP_UNPLACED)
		fault = target_fault(l);
	return fault;
}

/* Octets of the fragment with its places, or 0 with a fault. */
static uint32_t fragment_check(struct look *l, size_t room, bool first, const char **fault)
{
	const struct image_fragment *f = l->head;
	uint32_t listed = 0, at, size;

	*fault = "length";
	if (room < FRAGMENT_HEAD || f->length > IMAGE_FRAGMENT_MAX)
		return 0;
	for (unsigned base = f->stride ? BASE_APEX : BASE_OWNER; base < BASES; base++)
		listed += f->pointers[base];
	at = FRAGMENT_PLACES_AT(f->length);
	size = (at + 2 * listed + 3) & ~3u;
	if (size > room)
		return 0;
	for (unsigned base = f->stride ? BASE_APEX : BASE_OWNER; base < BASES; base++) {
		l->places[base] = (const void *)((const uint8_t *)f + at);
		at += 2u * f->pointers[base];
	}
	if (f->flags & FRAGMENT_OVERSIZE) {
		static const struct image_fragment none;
		*fault = "an oversize fragment isn't empty";
		if (f->length || memcmp(f->records, none.records, sizeof(f->records)) ||
			memcmp(f->pointers, none.pointers, sizeof(f->pointers)))
			return 0;
		return size;
	}
	*fault = fragment_fault(l, first);
	return *fault ? 0 : size;
}

int check_group(
	const uint8_t *bytes, size_t room, uint32_t r, uint32_t apex_len, const char **fault)
{
	const uint8_t known = FRAGMENT_OPTIONAL | FRAGMENT_MORE | FRAGMENT_OVERSIZE |
			      FRAGMENT_TARGET | FRAGMENT_DNSSEC | FRAGMENT_PLAIN_LAST;
	struct look l = {.r = r, .apex_len = apex_len};
	bool optional = false, plain_last = false;
	size_t used = 0;

	for (unsigned i = 0; i < IMAGE_GROUP_MAX; i++) {
		uint32_t size;

		l.head = (const void *)(bytes + used);
		size = fragment_check(&l, room - used, i == 0, fault);
		if (size == 0)
			return -EBADMSG;
		*fault = "a required fragment behind an optional one, or unknown flags";
		if (l.head->flags & ~known || (optional && !(l.head->flags & FRAGMENT_OPTIONAL)))
			return -EBADMSG;
		optional = l.head->flags & FRAGMENT_OPTIONAL;
		*fault = "what a query without DO takes of the group";
		if (l.head->flags & FRAGMENT_DNSSEC ? i == 0 || l.head->flags & FRAGMENT_PLAIN_LAST
						    : plain_last)
			return -EBADMSG;
		if (l.head->flags & FRAGMENT_PLAIN_LAST) {
			if (!(l.head->flags & FRAGMENT_MORE))
				return -EBADMSG;
			plain_last = true;
		}
		if (i == 0)
			l.first_length = l.head->length;
		used += size;
		if (!(l.head->flags & FRAGMENT_MORE))
			return (int)used;
	}
	*fault = "too many fragments";
	return -EBADMSG;
}
