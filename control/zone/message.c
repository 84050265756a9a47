/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/message.h"

#include "control/zone/octets.h"
#include "control/zone/rdata.h"

#include <errno.h>
#include <string.h>

int message_name(
	const uint8_t *wire, size_t at, size_t limit, uint8_t name[NAME_MAX_SIZE], size_t *size)
{
	size_t behind = 0, out = 0;

	for (;;) {
		if (at >= limit)
			return -EBADMSG;
		uint8_t label = wire[at];

		if (label >= 0xc0) {
			if (at + 2 > limit)
				return -EBADMSG;
			size_t target = (size_t)(label & 0x3f) << 8 | wire[at + 1];
			if (!behind)
				behind = at + 2;
			if (target < MESSAGE_HEADER_SIZE)
				return -EBADMSG;
			/* What a pointer leads to begins and ends before it: no loops. */
			limit = at;
			at = target;
			continue;
		}
		if (label > 63 || at + 1 + label > limit || out + 1 + label > NAME_MAX_SIZE)
			return -EBADMSG;
		memcpy(name + out, wire + at, 1U + label);
		at += 1U + label;
		out += 1U + label;
		if (!label)
			break;
	}
	*size = out;
	return (int)(behind ? behind : at);
}

int message_open(struct message *message, const uint8_t *wire, size_t size)
{
	if (size < MESSAGE_HEADER_SIZE || size > MESSAGE_MAX_SIZE)
		return -EBADMSG;
	*message = (struct message){
		.wire = wire,
		.size = size,
		.at = MESSAGE_HEADER_SIZE,
		.id = octets_u16(wire),
		.response = wire[2] & 0x80,
		.opcode = wire[2] >> 3 & 15,
		.authoritative = wire[2] & 0x04,
		.truncated = wire[2] & 0x02,
		.rcode = wire[3] & 15,
		.left = {octets_u16(wire + 6), octets_u16(wire + 8), octets_u16(wire + 10)},
	};

	uint16_t questions = octets_u16(wire + 4);
	if (questions > 1)
		return -EBADMSG;
	if (!questions)
		return 0;

	/* The first name of a message has nothing to point back to. */
	int length = name_check(wire + message->at, size - message->at);
	if (length < 0 || message->at + (size_t)length + 4 > size)
		return -EBADMSG;
	name_fold(message->question, wire + message->at, (size_t)length);
	message->at += (size_t)length;
	message->question_type = octets_u16(wire + message->at);
	message->question_class = octets_u16(wire + message->at + 2);
	message->at += 4;
	message->has_question = true;
	return 0;
}

/* Takes one record off the counts; MESSAGE_END if none is left. */
static enum message_section section_step(struct message *message)
{
	enum message_section section = MESSAGE_ANSWER;

	while (section < MESSAGE_END && !message->left[section])
		section++;
	if (section < MESSAGE_END)
		message->left[section]--;
	return section;
}

/* Octets from offset 'at' to behind a name, its pointer not followed. */
static int name_span(const uint8_t *wire, size_t at, size_t size)
{
	size_t start = at;

	while (at < size && at - start < NAME_MAX_SIZE) {
		if (wire[at] >= 0xc0)
			return at + 2 <= size ? (int)(at + 2 - start) : -EBADMSG;
		if (wire[at] > 63)
			return -EBADMSG;
		if (!wire[at])
			return (int)(at + 1 - start);
		at += 1U + wire[at];
	}
	return -EBADMSG;
}

int message_skip(struct message *message, struct message_place *place)
{
	place->section = section_step(message);
	if (place->section == MESSAGE_END)
		return 0;
	place->at = message->at;
	int span = name_span(message->wire, message->at, message->size);
	if (span < 0)
		return span;
	const uint8_t *fixed = message->wire + message->at + span;
	if (message->at + (size_t)span + 10 > message->size)
		return -EBADMSG;
	place->type = octets_u16(fixed);
	message->at += (size_t)span + 10 + octets_u16(fixed + 8);
	return message->at <= message->size ? 1 : -EBADMSG;
}

int message_next(struct message *message, struct message_record *record)
{
	const uint8_t *wire = message->wire;
	size_t size;

	record->section = section_step(message);
	if (record->section == MESSAGE_END)
		return 0;
	int behind = message_name(wire, message->at, message->size, record->owner, &size);
	if (behind < 0)
		return behind;
	size_t at = (size_t)behind;
	if (at + 10 > message->size)
		return -EBADMSG;
	record->owner_size = (uint16_t)size;
	record->type = octets_u16(wire + at);
	record->class = octets_u16(wire + at + 2);
	record->ttl = octets_u32(wire + at + 4);
	size_t rdata_size = octets_u16(wire + at + 8);
	at += 10;
	if (at + rdata_size > message->size)
		return -EBADMSG;
	int expanded = rdata_expand(record->type, wire, at, rdata_size, record->expanded);
	if (expanded < 0)
		return expanded;
	record->rdata = expanded ? record->expanded : wire + at;
	record->rdata_size = (uint16_t)(expanded ? (size_t)expanded : rdata_size);
	message->at = at + rdata_size;
	return 1;
}

const uint8_t *message_option(const uint8_t *rdata, size_t size, uint16_t code, size_t *length)
{
	for (size_t at = 0; at + 4 <= size; at += *length) {
		bool found = octets_u16(rdata + at) == code;

		*length = octets_u16(rdata + at + 2);
		at += 4;
		if (*length > size - at)
			break;
		if (found)
			return rdata + at;
	}
	return NULL;
}
