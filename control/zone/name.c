/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/name.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int name_check(const uint8_t *name, size_t size)
{
	size_t at = 0;

	for (;;) {
		if (at >= size || at >= NAME_MAX_SIZE)
			return -EBADMSG;
		uint8_t label = name[at];
		if (label > 63)
			return -EBADMSG;
		at += 1 + (size_t)label;
		if (label == 0)
			return (int)at;
	}
}

size_t name_size(const uint8_t *name)
{
	size_t at = 0;

	while (name[at])
		at += 1 + (size_t)name[at];
	return at + 1;
}

unsigned name_labels(const uint8_t *name)
{
	unsigned count = 0;

	for (; *name; name += 1 + *name)
		count++;
	return count;
}

static inline uint8_t octet_fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

bool name_fold(uint8_t *to, const uint8_t *from, size_t size)
{
	uint8_t changed = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t c = octet_fold(from[i]);
		changed |= c ^ from[i];
		to[i] = c;
	}
	return changed != 0;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t size = name_size(a);

	return size == name_size(b) && !memcmp(a, b, size);
}

/* Offsets of the labels, leftmost first; returns their count. */
static unsigned label_offsets(const uint8_t *name, uint8_t offsets[NAME_MAX_LABELS])
{
	unsigned count = 0;

	for (unsigned at = 0; name[at] && count < NAME_MAX_LABELS; at += 1U + name[at])
		offsets[count++] = (uint8_t)at;
	return count;
}

int name_compare(const uint8_t *a, const uint8_t *b, unsigned *shared)
{
	uint8_t at_a[NAME_MAX_LABELS], at_b[NAME_MAX_LABELS];
	unsigned left_a = label_offsets(a, at_a), left_b = label_offsets(b, at_b);
	unsigned same = 0;
	int order = 0;

	while (left_a && left_b) {
		const uint8_t *la = a + at_a[--left_a], *lb = b + at_b[--left_b];
		size_t least = *la < *lb ? *la : *lb;

		order = memcmp(la + 1, lb + 1, least);
		if (!order)
			order = (int)*la - (int)*lb;
		if (order)
			break;
		same++;
	}
	if (shared)
		*shared = same;
	return order ? order : (int)left_a - (int)left_b;
}

bool name_within(const uint8_t *name, const uint8_t *origin)
{
	size_t origin_size = name_size(origin);

	for (;; name += 1 + *name) {
		size_t left = name_size(name);

		if (left == origin_size)
			return !memcmp(name, origin, left);
		if (left < origin_size)
			return false;
	}
}

const uint8_t *name_skip(const uint8_t *name, unsigned count)
{
	while (count-- && *name)
		name += 1 + *name;
	return name;
}

const char *name_to_text(char text[NAME_TEXT_SIZE], const uint8_t *name)
{
	char *to = text;

	if (!*name)
		*to++ = '.';
	for (; *name; name += 1 + *name) {
		for (unsigned i = 1; i <= *name; i++) {
			uint8_t c = name[i];

			if (strchr(".\\\"();@$", c) && c) {
				*to++ = '\\';
				*to++ = (char)c;
			} else if (c > ' ' && c < 127) {
				*to++ = (char)c;
			} else {
				to += sprintf(to, "\\%03u", c);
			}
		}
		*to++ = '.';
	}
	*to = '\0';
	return text;
}

/* One octet of presentation format at *text; moves *text behind it. */
static int octet_from_text(const char **text)
{
	const char *s = *text;

	if (*s != '\\') {
		*text = s + 1;
		return (uint8_t)*s;
	}
	if (isdigit((unsigned char)s[1])) {
		if (!isdigit((unsigned char)s[2]) || !isdigit((unsigned char)s[3]))
			return -EINVAL;
		int value = (s[1] - '0') * 100 + (s[2] - '0') * 10 + (s[3] - '0');
		*text = s + 4;
		return value > 255 ? -EINVAL : value;
	}
	if (!s[1])
		return -EINVAL;
	*text = s + 2;
	return (uint8_t)s[1];
}

int name_from_text(uint8_t name[NAME_MAX_SIZE], const char *text)
{
	size_t label = 0, at = 1; /* of the open label's length octet, of the next octet */

	if (!*text)
		return -EINVAL;
	if (!strcmp(text, ".")) {
		name[0] = 0;
		return 1;
	}
	while (*text) {
		bool ends = *text == '.';
		int c = octet_from_text(&text);

		if (c < 0 || at >= NAME_MAX_SIZE)
			return -EINVAL;
		if (!ends) {
			name[at++] = (uint8_t)c;
			if (at - label - 1 > 63)
				return -EINVAL;
			continue;
		}
		if (at == label + 1) /* empty label */
			return -EINVAL;
		name[label] = (uint8_t)(at - label - 1);
		label = at++;
	}
	if (at != label + 1) {
		name[label] = (uint8_t)(at - label - 1);
		label = at++;
	}
	if (label >= NAME_MAX_SIZE)
		return -EINVAL;
	name[label] = 0;
	return (int)label + 1;
}
