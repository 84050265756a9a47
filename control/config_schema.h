/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one table of keys: what each is called, what it holds, its range, its
 * default, and where it goes in struct config. The parser, `config show`,
 * reload and the manual's page of keys all walk this table.
 */
#pragma once

#include "control/config.h"

/* The C type at `offset` stands behind each. */
enum config_type {
	CONFIG_TYPE_BOOL,     /* bool */
	CONFIG_TYPE_NUMBER,   /* uint32_t */
	CONFIG_TYPE_DURATION, /* struct duration; min, max in us */
	CONFIG_TYPE_SIZE,     /* uint64_t bytes */
	CONFIG_TYPE_PERCENT,  /* uint32_t */
	CONFIG_TYPE_CHOICE,   /* int, index into `choices` */
	CONFIG_TYPE_STRING,   /* char *; max: bytes */
	CONFIG_TYPE_PATH,     /* char *, absolute; max: bytes */
	CONFIG_TYPE_ADDRESS,  /* struct address */
	CONFIG_TYPE_PREFIX,   /* struct prefix */
	CONFIG_TYPE_ENDPOINT, /* struct endpoint */
	CONFIG_TYPE_DOMAIN,   /* struct domain */
	CONFIG_TYPE_RRTYPE,   /* uint16_t */
	CONFIG_TYPE_SECTION,  /* the section's members, at the section's own offsets */
};

enum config_flag {
	CONFIG_REQUIRED = 1, /* no default; lists: at least one */
	CONFIG_MANY = 2,     /* a list of the type: pointer at offset, size_t count behind it */
	CONFIG_RESTART = 4,  /* a reload can't change it */
};

struct config_section;

struct config_field {
	const char *name;
	enum config_type type;
	unsigned int flags;
	size_t offset;        /* from the start of the enclosing struct of the section */
	uint64_t min, max;    /* lists: of each element; max 0: no bound but the type's */
	size_t most;          /* elements of a list */
	const char *fallback; /* the default, as it would stand in the file; NULL: unset */
	const char *const *choices;
	const char *(*check)(const char *text); /* NULL, or says what is wrong */
	const struct config_section *section;
	const char *help;
};

/* Elements of lists are structs of `size` bytes; plain sections have size 0,
 * their offsets count from the enclosing struct. */
struct config_section {
	size_t size;
	size_t count;
	const struct config_field *fields;
};

extern const struct config_section config_root;

/* Bytes of one value of the field. */
size_t config_field_size(const struct config_field *field);
