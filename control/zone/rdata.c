/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/rdata.h"

#include "control/zone/message.h"
#include "control/zone/name.h"

#include <errno.h>
#include <string.h>

enum {
	COMPRESS = 1, /* the names may be compressed (RFC 3597 4: RFC 1035's types only) */
	FOLD = 2,     /* the names are folded in canonical form (RFC 4034 6.2) */
	EXACT = 4,    /* 'after' octets follow the names, no more; else at least that many */
	STRINGS3 = 8, /* three character strings stand between 'before' and the name (NAPTR) */
};

struct layout {
	uint16_t type;
	uint8_t before; /* octets before the first name */
	uint8_t names;
	uint8_t after;
	uint8_t flags;
};

/* Sorted by type. Names whose place depends on the data (IPSECKEY, AMTRELAY,
 * HIP, A6) are never compressed nor looked up by us: opaque. */
static const struct layout layouts[] = {
	{RR_A, 4, 0, 0, EXACT},
	{RR_NS, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{3 /* MD */, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{4 /* MF */, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{RR_CNAME, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{RR_SOA, 0, 2, 20, EXACT | COMPRESS | FOLD},
	{7 /* MB */, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{8 /* MG */, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{9 /* MR */, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{RR_PTR, 0, 1, 0, EXACT | COMPRESS | FOLD},
	{14 /* MINFO */, 0, 2, 0, EXACT | COMPRESS | FOLD},
	{RR_MX, 2, 1, 0, EXACT | COMPRESS | FOLD},
	{17 /* RP */, 0, 2, 0, EXACT | FOLD},
	{18 /* AFSDB */, 2, 1, 0, EXACT | FOLD},
	{21 /* RT */, 2, 1, 0, EXACT | FOLD},
	{24 /* SIG */, 18, 1, 0, FOLD},
	{26 /* PX */, 2, 2, 0, EXACT | FOLD},
	{RR_AAAA, 16, 0, 0, EXACT},
	{30 /* NXT */, 0, 1, 0, FOLD},
	{RR_SRV, 6, 1, 0, EXACT | FOLD},
	{35 /* NAPTR */, 4, 1, 0, EXACT | FOLD | STRINGS3},
	{36 /* KX */, 2, 1, 0, EXACT | FOLD},
	{RR_DNAME, 0, 1, 0, EXACT | FOLD},
	{RR_DS, 5, 0, 0, 0},
	{RR_RRSIG, 18, 1, 1, FOLD},
	{RR_NSEC, 0, 1, 2, 0},
	{RR_DNSKEY, 4, 0, 0, 0},
	{RR_SVCB, 2, 1, 0, 0},
	{RR_HTTPS, 2, 1, 0, 0},
	{107 /* LP */, 2, 1, 0, EXACT},
};

static const struct layout *layout_find(uint16_t type)
{
	size_t low = 0, high = sizeof(layouts) / sizeof(layouts[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (layouts[middle].type == type)
			return &layouts[middle];
		if (layouts[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* RFC 5155 3.2 and 4.2: fixed part, salt; NSEC3 also a hash and type bitmaps. */
static int nsec3_check(uint16_t type, const uint8_t *rdata, size_t size)
{
	if (size < 5)
		return -EBADMSG;
	size_t at = 5U + rdata[4];
	if (type == RR_NSEC3PARAM)
		return at == size ? 0 : -EBADMSG;
	if (at >= size)
		return -EBADMSG;
	at += 1U + rdata[at];
	return at <= size ? 0 : -EBADMSG;
}

/* Octets before the first name; beyond 'size' if they don't fit. */
static size_t layout_before(const struct layout *layout, const uint8_t *rdata, size_t size)
{
	size_t at = layout->before;

	for (int i = 0; layout->flags & STRINGS3 && i < 3 && at < size; i++)
		at += 1U + rdata[at];
	return at;
}

int rdata_names(
	uint16_t type, const uint8_t *rdata, size_t size, struct rdata_name names[RDATA_MAX_NAMES])
{
	if (type == RR_NSEC3 || type == RR_NSEC3PARAM)
		return nsec3_check(type, rdata, size);

	const struct layout *layout = layout_find(type);
	if (!layout)
		return 0;

	size_t at = layout_before(layout, rdata, size);
	for (int i = 0; i < layout->names; i++) {
		if (at > size)
			return -EBADMSG;
		int length = name_check(rdata + at, size - at);
		if (length < 0)
			return -EBADMSG;
		names[i] = (struct rdata_name){
			.offset = (uint16_t)at,
			.size = (uint8_t)length,
			.compressible = layout->flags & COMPRESS,
		};
		at += (size_t)length;
	}
	at += layout->after;
	if (layout->flags & EXACT ? at != size : at > size)
		return -EBADMSG;
	return layout->names;
}

int rdata_expand(
	uint16_t type, const uint8_t *wire, size_t at, size_t size, uint8_t out[RDATA_MAX_SIZE])
{
	const struct layout *layout = layout_find(type);
	uint8_t name[NAME_MAX_SIZE];
	size_t end = at + size, length, written;

	if (!layout || !layout->names)
		return 0;
	written = layout_before(layout, wire + at, size);
	if (written >= size)
		return -EBADMSG;
	memcpy(out, wire + at, written);
	at += written;
	for (int i = 0; i < layout->names; i++) {
		int behind = message_name(wire, at, end, name, &length);

		if (behind < 0 || written + length > RDATA_MAX_SIZE)
			return -EBADMSG;
		memcpy(out + written, name, length);
		written += length;
		at = (size_t)behind;
	}
	if (written + (end - at) > RDATA_MAX_SIZE)
		return -EBADMSG;
	memcpy(out + written, wire + at, end - at);
	return (int)(written + (end - at));
}

int rdata_compare(uint16_t type, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
	const struct layout *layout = layout_find(type);
	size_t least = a_size < b_size ? a_size : b_size;
	size_t start = 0, end = 0; /* of the names in 'a', to fold there */

	if (layout && layout->flags & FOLD) {
		struct rdata_name names[RDATA_MAX_NAMES];
		int count = rdata_names(type, a, a_size, names);

		if (count > 0) {
			start = names[0].offset;
			end = (size_t)names[count - 1].offset + names[count - 1].size;
		}
	}
	for (size_t i = 0; i < least; i++) {
		uint8_t x = a[i], y = b[i];

		if (i >= start && i < end) {
			name_fold(&x, &x, 1);
			name_fold(&y, &y, 1);
		}
		if (x != y)
			return (int)x - (int)y;
	}
	return a_size < b_size ? -1 : a_size > b_size;
}

bool rr_type_is_meta(uint16_t type)
{
	return type == 0 || type == RR_OPT || (type >= 128 && type <= 255);
}
