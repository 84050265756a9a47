/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass over the message; every place where a label begins is remembered, because only there may
 * a pointer lead.
 */
#include "message.h"

#include "control/zone/rdata.h"

#include <errno.h>
#include <string.h>

#define POINTER_PLACES 0x4000u
#define TYPE_OPT_RR    41

const char *const section_names[SECTIONS] = {"answer", "authority", "additional"};

struct reader {
	const uint8_t *octets;
	size_t size;
	size_t at;
	uint8_t label[POINTER_PLACES / 8]; /* bit set: a label of a name begins here */
	char *error;
	size_t error_size;
};

static int fault(struct reader *r, const char *what)
{
	snprintf(r->error, r->error_size, "octet %zu: %s", r->at, what);
	return -EBADMSG;
}

static int u8_read(struct reader *r, uint8_t *value)
{
	if (r->at >= r->size)
		return fault(r, "the message ends here");
	*value = r->octets[r->at++];
	return 0;
}

static int u16_read(struct reader *r, uint16_t *value)
{
	if (r->size - r->at < 2)
		return fault(r, "the message ends here");
	*value = (uint16_t)(r->octets[r->at] << 8 | r->octets[r->at + 1]);
	r->at += 2;
	return 0;
}

static int u32_read(struct reader *r, uint32_t *value)
{
	uint16_t high, low;

	if (u16_read(r, &high) || u16_read(r, &low))
		return -EBADMSG;
	*value = (uint32_t)high << 16 | low;
	return 0;
}

static bool label_known(const struct reader *r, size_t at)
{
	return r->label[at / 8] >> (at % 8) & 1;
}

static void label_learn(struct reader *r, size_t at)
{
	if (at < POINTER_PLACES)
		r->label[at / 8] |= (uint8_t)(1 << (at % 8));
}

/* The name behind a pointer was read before, so it ends, and its pointers were judged. */
static int pointer_follow(
	struct reader *r, size_t start, size_t target, uint8_t *name, size_t *size)
{
	if (target >= start)
		return fault(r, "a compression pointer that doesn't point backwards");
	if (!label_known(r, target))
		return fault(r, "a compression pointer at something that isn't a name");
	while (r->octets[target]) {
		uint8_t length = r->octets[target];

		if (length >= 0xc0) {
			target = (size_t)(length & 0x3f) << 8 | r->octets[target + 1];
			continue;
		}
		if (*size + 1 + length + 1 > 255)
			return fault(r, "a name of more than 255 octets");
		memcpy(name + *size, r->octets + target, 1u + length);
		*size += 1u + length;
		target += 1u + length;
	}
	name[(*size)++] = 0;
	return 0;
}

static int name_read(struct reader *r, bool compressible, uint8_t name[255], size_t *size)
{
	size_t start = r->at;

	*size = 0;
	for (;;) {
		size_t here = r->at;
		uint8_t length;

		if (u8_read(r, &length))
			return -EBADMSG;
		if (length >= 0xc0) {
			uint8_t low;

			if (!compressible)
				return fault(r, "a compressed name where RFC 3597 allows none");
			if (u8_read(r, &low))
				return -EBADMSG;
			label_learn(r, here); /* a pointer may be pointed at */
			return pointer_follow(
				r, start, (size_t)(length & 0x3f) << 8 | low, name, size);
		}
		if (length > 63)
			return fault(r, "a label of an unknown kind");
		if (*size + 1 + length + (length ? 1 : 0) > 255)
			return fault(r, "a name of more than 255 octets");
		if (length > r->size - r->at)
			return fault(r, "the message ends within a label");
		label_learn(r, here);
		name[(*size)++] = length;
		memcpy(name + *size, r->octets + r->at, length);
		*size += length;
		r->at += length;
		if (!length)
			return 0;
	}
}

/* How RDATA of the types of RFC 1035 is laid out: octets before the names, names, octets behind
 * them. */
static bool compressed_layout(uint16_t type, size_t *before, unsigned *names, size_t *behind)
{
	*before = *behind = 0;
	*names = 1;
	switch (type) {
	case 2: /* NS, MD, MF, CNAME */
	case 3:
	case 4:
	case 5:
	case 7: /* MB, MG, MR */
	case 8:
	case 9:
	case 12: /* PTR */
		return true;
	case 6: /* SOA */
		*names = 2;
		*behind = 20;
		return true;
	case 14: /* MINFO */
		*names = 2;
		return true;
	case 15: /* MX */
		*before = 2;
		return true;
	default:
		return false;
	}
}

static int rdata_read(struct reader *r, uint16_t type, size_t length, uint8_t *rdata, size_t *size)
{
	struct rdata_name names[RDATA_MAX_NAMES];
	size_t start = r->at, end = start + length, before, behind, name_size;
	unsigned count;
	bool compressed = compressed_layout(type, &before, &count, &behind);
	int plain;

	*size = 0;
	if (compressed) {
		if (before > end - r->at)
			return fault(r, "RDATA too short for its type");
		memcpy(rdata, r->octets + r->at, before);
		*size = before;
		r->at += before;
		for (unsigned i = 0; i < count; i++) {
			if (name_read(r, true, rdata + *size, &name_size))
				return -EBADMSG;
			*size += name_size;
		}
		if (r->at > end || end - r->at != behind)
			return fault(r, "RDATA of another length than it says");
		length = behind;
	}
	memcpy(rdata + *size, r->octets + r->at, length);
	*size += length;
	r->at = end;
	plain = type == TYPE_OPT_RR ? 0 : rdata_names(type, rdata, *size, names);
	if (plain < 0)
		return fault(r, "RDATA that doesn't fit its type");
	/* a name that may not be compressed may be pointed at all the same */
	for (int i = 0; !compressed && i < plain; i++)
		for (size_t at = names[i].offset;; at += 1u + rdata[at]) {
			label_learn(r, start + at);
			if (!rdata[at])
				break;
		}
	return 0;
}

static int record_read(struct reader *r, struct message *m, enum section section, bool last)
{
	static _Thread_local uint8_t rdata[65535 + 2 * 255];
	struct record record = {.rdata = rdata};
	uint16_t length;
	size_t size;

	if (name_read(r, true, record.owner, &size))
		return -EBADMSG;
	record.owner_size = (uint8_t)size;
	if (u16_read(r, &record.type) || u16_read(r, &record.class) || u32_read(r, &record.ttl) ||
		u16_read(r, &length))
		return -EBADMSG;
	if (length > r->size - r->at)
		return fault(r, "the message ends within RDATA");
	if (rdata_read(r, record.type, length, rdata, &size))
		return -EBADMSG;
	if (record.type != TYPE_OPT_RR) {
		record.rdata_size = (uint16_t)size;
		return records_add(&m->sections[section], &record);
	}
	if (section != SECTION_ADDITIONAL || !last || m->opt || record.owner_size != 1)
		return fault(r, "an OPT that isn't the one last record, owned by the root");
	m->opt = true;
	m->opt_size = record.class;
	m->opt_ttl = record.ttl;
	m->opt_octets = length;
	memcpy(m->opt_options, rdata, size < MESSAGE_OPTIONS_MAX ? size : MESSAGE_OPTIONS_MAX);
	return 0;
}

int message_read(
	struct message *message, const uint8_t *octets, size_t size, char *error, size_t error_size)
{
	struct reader r = {
		.octets = octets, .size = size, .error = error, .error_size = error_size};
	uint16_t questions, counts[SECTIONS];
	size_t name_size;
	int result;

	*message = (struct message){0};
	if (u16_read(&r, &message->id) || u16_read(&r, &message->flags) || u16_read(&r, &questions))
		return -EBADMSG;
	for (int s = 0; s < SECTIONS; s++)
		if (u16_read(&r, &counts[s]))
			return -EBADMSG;
	if (questions != 1)
		return fault(&r, "other than one question");
	if (name_read(&r, false, message->qname, &name_size))
		return -EBADMSG;
	message->qname_size = (uint8_t)name_size;
	if (u16_read(&r, &message->qtype) || u16_read(&r, &message->qclass))
		return -EBADMSG;
	for (int s = 0; s < SECTIONS; s++) {
		for (unsigned i = 0; i < counts[s]; i++) {
			result = record_read(&r, message, (enum section)s, i + 1u == counts[s]);
			if (result)
				return result;
		}
		records_sort(&message->sections[s]);
	}
	if (r.at != size)
		return fault(&r, "octets behind the last record");
	return 0;
}

void message_free(struct message *message)
{
	for (int s = 0; s < SECTIONS; s++)
		records_free(&message->sections[s]);
}
