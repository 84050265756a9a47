/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question "which serial do you have?" and its answer.
 *
 * In: the octets of an answer, hostile. Out: the SOA's serial and expire, or why the server doesn't
 * say. Pure but for soa_query(), which is for tools and tests; the mirror polls many zones at once.
 */
#ifndef ANODE_ZONE_SOA_H
#define ANODE_ZONE_SOA_H

#include "control/zone/dns.h"
#include "control/zone/key.h"
#include "control/zone/stream.h"
#include "control/zone/zone_fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOA_UDP_SIZE 1232 /* offered to the server: no fragments (RFC 9715) */

struct soa_answer {
	uint32_t serial;
	uint32_t expire; /* seconds that the zone may still be used: the SOA's expire or, when the
			  * server knows that less is left, its EXPIRE option (RFC 7314) */
	bool truncated;  /* over UDP: ask again over TCP; the rest isn't set */
};

/* Reads an answer to our query 'id' for the SOA of 'origin' (folded). 'tsig' signed the query, or
 * is NULL. 0; -EAGAIN if the message isn't an answer to that query at all and should be ignored, or
 * carries a signature that isn't the server's (RFC 8945 5.3: wait for the real one; 'fault' is
 * filled, for when none comes); else a negative errno with 'fault' filled. */
int soa_answer_read(struct soa_answer *answer, const uint8_t *wire, size_t size, uint16_t id,
	const uint8_t *origin, struct tsig *tsig, struct zone_fault *fault);

/* RFC 1982 3.2: a comes after b. False too when the order is undefined. */
static inline bool soa_serial_is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < 0x80000000u;
}

/* The same question over TCP, for an answer that doesn't fit a datagram; driven like a stream. */
struct soa_stream;

int soa_stream_open(struct soa_stream **query, const struct stream_options *options,
	const uint8_t *origin, struct key *key, struct zone_fault *fault);
int soa_stream_fd(const struct soa_stream *query);
short soa_stream_events(const struct soa_stream *query);
struct monotime soa_stream_deadline(const struct soa_stream *query);
/* 0: poll again; 1 with 'answer' filled; negative errno with 'fault' filled. */
int soa_stream_step(struct soa_stream *query, struct soa_answer *answer, struct zone_fault *fault);
void soa_stream_free(struct soa_stream *query);

/* Asks over UDP, then over TCP if truncated; waits at most options->connect for UDP and
 * options->total for TCP, or until 'cancel_fd' is readable. 'key' may be NULL. 0, or a negative
 * errno with 'fault' filled. */
int soa_query(struct soa_answer *answer, const struct stream_options *options,
	const uint8_t *origin, struct key *key, int cancel_fd, struct zone_fault *fault);

#endif
