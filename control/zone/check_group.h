/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of the checker that looks into groups of fragments: lengths, counts, sums, places of
 * pointers and what they name, records as the wire has them.
 *
 * In: bytes of any content. Out: the group's size, or what is wrong. Any thread.
 */
#ifndef ANODE_ZONE_CHECK_GROUP_H
#define ANODE_ZONE_CHECK_GROUP_H

#include <stddef.h>
#include <stdint.h>

#define CHECK_GROUP_UNPLACED                                                                       \
	UINT32_MAX /* instead of an apex_len: don't judge what pointers name                       \
		    */

/* The group at 'bytes' (4-byte aligned), rendered for a relative name of 'r' octets below an apex
 * of 'apex_len'. Octets it takes, a multiple of 4, at most 'room'; or -EBADMSG and '*fault' says
 * why. */
int check_group(
	const uint8_t *bytes, size_t room, uint32_t r, uint32_t apex_len, const char **fault);

#endif
