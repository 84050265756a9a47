/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domain names in uncompressed wire format (RFC 1035 3.1).
 *
 * In: octets from a message or a zone file. Out: their length, folded copies,
 * their canonical order (RFC 4034 6.1), and text for a person to read.
 * A name that has passed name_check() is safe for every other function here;
 * none of them follows compression pointers.
 */
#ifndef ANODE_ZONE_NAME_H
#define ANODE_ZONE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_SIZE   255  /* octets, root label included (RFC 1035 2.3.4) */
#define NAME_MAX_LABELS 127  /* root label not counted */
#define NAME_TEXT_SIZE  1024 /* every octet escaped as \DDD, dots, NUL */

/* Length of the name at 'name' in octets, or -EBADMSG if it doesn't end within
 * 'size' octets, is longer than NAME_MAX_SIZE, or holds a pointer. */
int name_check(const uint8_t *name, size_t size);

/* Length in octets of a checked name. */
size_t name_size(const uint8_t *name);

/* Labels of a checked name, the root label not counted. */
unsigned name_labels(const uint8_t *name);

/* Copies 'size' octets of a checked name with A-Z folded to a-z; true if that
 * changed any octet. 'to' may be 'from'. Length octets are below 64, so they
 * are never taken for letters. */
bool name_fold(uint8_t *to, const uint8_t *from, size_t size);

/* True if two folded names are the same. Labels may hold zero octets: strcmp() won't do. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* Canonical order (RFC 4034 6.1) of two folded names: below, equal to or above
 * zero. '*shared' (may be NULL) is set to the count of labels they share from
 * the root down. */
int name_compare(const uint8_t *a, const uint8_t *b, unsigned *shared);

/* True if folded 'name' is 'origin' (folded) or lies below it. */
bool name_within(const uint8_t *name, const uint8_t *origin);

/* The checked name without its 'count' leftmost labels. */
const uint8_t *name_skip(const uint8_t *name, unsigned count);

/* Presentation format with a final dot, special octets escaped (RFC 1035 5.1).
 * Returns 'text'. */
const char *name_to_text(char text[NAME_TEXT_SIZE], const uint8_t *name);

/* Reads presentation format; a missing final dot is added. Returns the length
 * in octets or -EINVAL. */
int name_from_text(uint8_t name[NAME_MAX_SIZE], const char *text);

#endif
