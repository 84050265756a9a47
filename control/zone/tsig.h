/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One signed exchange (RFC 8945): our query, then the server's one or many answers.
 *
 * In: messages in the order they came. Out: whether they are what the key's holder sent.
 * In a transfer the server may leave up to 99 messages between two signed ones unsigned
 * (RFC 8945 5.3.1); they are believed only once the next signature covers them, so nothing read
 * from them may be published before tsig_finish() agrees.
 */
#ifndef ANODE_ZONE_TSIG_H
#define ANODE_ZONE_TSIG_H

#include "control/zone/key.h"
#include "control/zone/zone_fault.h"

#include <stddef.h>
#include <stdint.h>

#define TSIG_MAX_UNSIGNED 99

struct tsig;

/* Holds a reference to 'key'. 0 or -ENOMEM. */
int tsig_new(struct tsig **tsig, struct key *key);

/* Signs the query in 'wire' of '*size' octets and room for 'room'; begins the exchange anew. 0 or
 * a negative errno. */
int tsig_sign_query(struct tsig *tsig, uint8_t *wire, size_t *size, size_t room);

/* Checks the next message. Its TSIG record, if it has one, must be its last record. 0, or a
 * negative errno with 'fault' filled: TSIG_*, MALFORMED or SYSTEM. */
int tsig_verify(struct tsig *tsig, const uint8_t *wire, size_t size, struct zone_fault *fault);

/* True once the last message given was signed, so that all are covered. */
bool tsig_is_complete(const struct tsig *tsig);

void tsig_free(struct tsig *tsig);

#endif
