/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/redundancy/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"

#define OPTION_NSID 3 /* RFC 5001 */

static void nsid_read(struct reply *reply, const uint8_t *options, size_t size)
{
	size_t length;
	const uint8_t *data = message_option(options, size, OPTION_NSID, &length);

	if (!data)
		return;
	reply->nsid_size = length < REPLY_NSID ? length : REPLY_NSID;
	memcpy(reply->nsid, data, reply->nsid_size);
}

static void name_take(struct reply *reply, const struct message_record *record)
{
	uint8_t *name = reply->names[reply->names_count];

	if (name_check(record->rdata, record->rdata_size) != record->rdata_size)
		return;
	if (reply->names_count == REPLY_NAMES) {
		reply->names_cut = true;
		return;
	}
	name_fold(name, record->rdata, record->rdata_size);
	for (size_t i = 0; i < reply->names_count; i++) {
		if (name_equal(reply->names[i], name))
			return;
	}
	reply->names_count++;
}

static void address_take(struct reply *reply, const struct message_record *record)
{
	struct sockaddr_storage *to = &reply->addresses[reply->addresses_count];

	if (reply->addresses_count == REPLY_ADDRESSES)
		return;
	if (record->type == RR_A && record->rdata_size == 4) {
		to->ss_family = AF_INET;
		memcpy(&((struct sockaddr_in *)to)->sin_addr, record->rdata, 4);
	} else if (record->type == RR_AAAA && record->rdata_size == 16) {
		to->ss_family = AF_INET6;
		memcpy(&((struct sockaddr_in6 *)to)->sin6_addr, record->rdata, 16);
	} else {
		return;
	}
	reply->addresses_count++;
}

static void soa_take(struct reply *reply, const struct message_record *record)
{
	struct rdata_name names[RDATA_MAX_NAMES];

	if (rdata_names(RR_SOA, record->rdata, record->rdata_size, names) < 0)
		return;
	reply->has_serial = true;
	reply->serial = octets_u32(record->rdata + record->rdata_size - 20);
}

static void record_take(
	struct reply *reply, const struct message *message, struct message_record *record)
{
	bool own;

	if (record->section == MESSAGE_ADDITIONAL) {
		if (record->type == RR_OPT) {
			reply->edns = true;
			reply->rcode |= record->ttl >> 24 << 4;
			nsid_read(reply, record->rdata, record->rdata_size);
		}
		return;
	}
	if (record->class != RR_CLASS_IN)
		return;
	name_fold(record->owner, record->owner, record->owner_size);
	own = message->has_question && name_equal(record->owner, message->question);
	if (own && record->type == RR_NS)
		name_take(reply, record);
	if (record->section != MESSAGE_ANSWER)
		return;
	if (own && record->type == RR_SOA)
		soa_take(reply, record);
	if (own && record->type == RR_CNAME)
		reply->alias = true;
	address_take(reply, record);
}

int reply_read(struct reply *reply, const uint8_t *wire, size_t size)
{
	struct message_record *record = malloc(sizeof(*record));
	struct message message;
	int got;

	memset(reply, 0, sizeof(*reply));
	if (!record)
		return -ENOMEM;
	got = message_open(&message, wire, size);
	if (got == 0) {
		reply->rcode = message.rcode;
		reply->authoritative = message.authoritative;
		reply->truncated = message.truncated;
		while ((got = message_next(&message, record)) > 0)
			record_take(reply, &message, record);
		if (reply->truncated)
			got = 0;
	}
	free(record);
	return got;
}
