/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers in network order, at any alignment, to and from host order. No bounds: the caller has
 * checked them.
 */
#ifndef ANODE_ZONE_OCTETS_H
#define ANODE_ZONE_OCTETS_H

#include <stdint.h>

static inline uint16_t octets_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t octets_u32(const uint8_t *at)
{
	return (uint32_t)octets_u16(at) << 16 | octets_u16(at + 2);
}

/* Writes the number; returns the place behind it. */
static inline uint8_t *octets_put_u16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return to + 2;
}

#endif
