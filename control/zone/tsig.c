/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/tsig.h"

#include "control/zone/key_tsig.h"
#include "control/zone/message.h"
#include "control/zone/octets.h"
#include "control/zone/rdata.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libdnssec/tsig.h>
#include <libknot/errcode.h>
#include <libknot/packet/rrset-wire.h>
#include <libknot/rrtype/tsig.h>
#include <libknot/tsig-op.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAC_MAX_SIZE 64 /* SHA-512 */

struct tsig {
	struct key *holder;
	const knot_tsig_key_t *key; /* the holder's */
	uint8_t mac[MAC_MAX_SIZE];  /* of the query, then of the last signed answer */
	size_t mac_size;
	uint64_t time_signed; /* of the last signed answer, seconds since 1970; 0: none yet */
	uint8_t *pending;     /* messages since then, behind each other */
	size_t pending_size, pending_room;
	unsigned unsigned_count;
	bool complete;
};

int tsig_new(struct tsig **out, struct key *key)
{
	struct tsig *tsig = calloc(1, sizeof(*tsig));

	if (!tsig)
		return -ENOMEM;
	tsig->holder = key_hold(key);
	tsig->key = key_tsig(key);
	*out = tsig;
	return 0;
}

void tsig_free(struct tsig *tsig)
{
	if (!tsig)
		return;
	key_free(tsig->holder);
	free(tsig->pending);
	free(tsig);
}

int tsig_sign_query(struct tsig *tsig, uint8_t *wire, size_t *size, size_t room)
{
	tsig->mac_size = sizeof(tsig->mac);
	tsig->time_signed = 0;
	tsig->pending_size = 0;
	tsig->unsigned_count = 0;
	tsig->complete = false;
	int result = knot_tsig_sign(
		wire, size, room, NULL, 0, tsig->mac, &tsig->mac_size, tsig->key, 0, 0);
	if (result == KNOT_EOK)
		return 0;
	return result == KNOT_ENOMEM ? -ENOMEM : -EINVAL;
}

bool tsig_is_complete(const struct tsig *tsig)
{
	return tsig->complete;
}

/* Offset of the TSIG record, which must stand alone at the end of the additional section; 'size'
 * if there is none. */
static int record_find(const uint8_t *wire, size_t size, size_t *at)
{
	struct message message;
	struct message_place place;
	int got;

	*at = size;
	if (message_open(&message, wire, size))
		return -EBADMSG;
	while ((got = message_skip(&message, &place)) > 0) {
		if (*at != size)
			return -EBADMSG; /* something follows the TSIG record */
		if (place.type != RR_TSIG)
			continue;
		if (place.section != MESSAGE_ADDITIONAL)
			return -EBADMSG;
		*at = place.at;
	}
	return got < 0 || message.at != size ? -EBADMSG : 0;
}

/* Appends a message, up to its TSIG record, to what the next signature covers. */
static int pending_add(struct tsig *tsig, const uint8_t *wire, size_t size)
{
	if (tsig->pending_room - tsig->pending_size < size) {
		size_t room = 2 * tsig->pending_size + size;
		uint8_t *pending = realloc(tsig->pending, room);

		if (!pending)
			return -ENOMEM;
		tsig->pending = pending;
		tsig->pending_room = room;
	}
	memcpy(tsig->pending + tsig->pending_size, wire, size);
	tsig->pending_size += size;
	return 0;
}

/* What the server says about our signature (RFC 8945 5.2); such answers needn't be signed. */
static int fault_from_error(struct zone_fault *fault, const knot_rrset_t *record)
{
	switch (knot_tsig_rdata_error(record)) {
	case KNOT_RCODE_BADKEY:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_KEY,
			"the server doesn't know the key, or not with this algorithm (BADKEY)");
	case KNOT_RCODE_BADSIG:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_SIGNATURE,
			"the server's secret for the key is another one (BADSIG)");
	case KNOT_RCODE_BADTIME: {
		const uint8_t *other = knot_tsig_rdata_other_data(record);
		int64_t theirs = 0;

		if (knot_tsig_rdata_other_data_length(record) != 6)
			return zone_fault_set(fault, ZONE_FAULT_TSIG_TIME,
				"the server's clock differs from ours by more than 300 s "
				"(BADTIME)");
		for (int i = 0; i < 6; i++)
			theirs = theirs << 8 | other[i];
		return zone_fault_set(fault, ZONE_FAULT_TSIG_TIME,
			"the server's clock is %" PRId64 " s ahead of ours (BADTIME)",
			theirs - (int64_t)time(NULL));
	}
	case KNOT_RCODE_BADTRUNC:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_SIGNATURE,
			"the server refuses the length of our signature (BADTRUNC)");
	default:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_SIGNATURE,
			"the server reports TSIG error %u", knot_tsig_rdata_error(record));
	}
}

static int fault_from_check(struct zone_fault *fault, int result, const knot_rrset_t *record)
{
	switch (result) {
	case KNOT_TSIG_EBADKEY:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_KEY,
			"the answer is signed with another key or algorithm");
	case KNOT_TSIG_EBADTIME:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_TIME,
			"the answer was signed %" PRId64 " s ago: clocks differ, or it is a replay",
			(int64_t)time(NULL) - (int64_t)knot_tsig_rdata_time_signed(record));
	case KNOT_ENOMEM:
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	default:
		return zone_fault_set(fault, ZONE_FAULT_TSIG_SIGNATURE,
			"the answer's signature is wrong: secrets differ, or it was altered");
	}
}

static int signed_verify(struct tsig *tsig, const knot_rrset_t *record, struct zone_fault *fault)
{
	if (record->rclass != KNOT_CLASS_ANY || record->ttl)
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "malformed TSIG record");
	/* An error with a MAC (BADTIME) must verify before it is believed; without one it can't be
	 * verified and is only a hint to the operator, which is all we use it for. */
	if (knot_tsig_rdata_error(record) && !knot_tsig_rdata_mac_length(record))
		return fault_from_error(fault, record);

	int result;
	if (!tsig->time_signed)
		result = knot_tsig_client_check(record, tsig->pending, tsig->pending_size,
			tsig->mac, tsig->mac_size, tsig->key, 0);
	else
		result = knot_tsig_client_check_next(record, tsig->pending, tsig->pending_size,
			tsig->mac, tsig->mac_size, tsig->key, tsig->time_signed);
	/* BADTIME answers carry our time: they may look late, but say more themselves. */
	if (knot_tsig_rdata_error(record) && (!result || result == KNOT_TSIG_EBADTIME))
		return fault_from_error(fault, record);
	if (result)
		return fault_from_check(fault, result, record);

	/* The check demands the full length of the algorithm's MAC. */
	tsig->mac_size = knot_tsig_rdata_mac_length(record);
	assert(tsig->mac_size <= sizeof(tsig->mac));
	memcpy(tsig->mac, knot_tsig_rdata_mac(record), tsig->mac_size);
	tsig->time_signed = knot_tsig_rdata_time_signed(record);
	tsig->pending_size = 0;
	tsig->unsigned_count = 0;
	tsig->complete = true;
	return 0;
}

/* A message with its TSIG record at offset 'at'; pending[first] on holds it without. */
static int record_verify(struct tsig *tsig, const uint8_t *wire, size_t size, size_t at,
	size_t first, struct zone_fault *fault)
{
	uint8_t *header = tsig->pending + first;
	knot_rrset_t record;

	knot_rrset_init_empty(&record);
	if (knot_rrset_rr_from_wire(wire, &at, size, &record, NULL, true) ||
		!knot_tsig_rdata_is_ok(&record)) {
		knot_rrset_clear(&record, NULL);
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "malformed TSIG record");
	}
	/* What was signed: no TSIG record, and the ID as first sent (RFC 8945 4.3.1). */
	octets_put_u16(header + 10, octets_u16(header + 10) - 1U);
	octets_put_u16(header, knot_tsig_rdata_orig_id(&record));

	int error = signed_verify(tsig, &record, fault);
	knot_rrset_clear(&record, NULL);
	return error;
}

int tsig_verify(struct tsig *tsig, const uint8_t *wire, size_t size, struct zone_fault *fault)
{
	size_t at, first = tsig->pending_size;
	int error;

	if (record_find(wire, size, &at))
		return zone_fault_set(fault, ZONE_FAULT_MALFORMED, "malformed message");
	tsig->complete = false;
	if (pending_add(tsig, wire, at))
		return zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
	if (at != size)
		error = record_verify(tsig, wire, size, at, first, fault);
	else if (!tsig->time_signed)
		error = zone_fault_set(fault, ZONE_FAULT_TSIG_MISSING,
			"the answer to a signed query isn't signed");
	else if (++tsig->unsigned_count > TSIG_MAX_UNSIGNED)
		error = zone_fault_set(fault, ZONE_FAULT_TSIG_MISSING,
			"more than %d messages without a signature", TSIG_MAX_UNSIGNED);
	else
		error = 0;
	/* Over UDP the right answer may still come behind a wrong one. */
	if (error)
		tsig->pending_size = first;
	return error;
}
