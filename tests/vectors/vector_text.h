/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Words and numbers of a vector file's lines. Private to vector*.c.
 *
 * Every function returns 0 or a negative errno after it has written `path:line: reason` to the
 * caller's buffer.
 */
#ifndef ANODE_TESTS_VECTOR_TEXT_H
#define ANODE_TESTS_VECTOR_TEXT_H

#include "vector.h"

#define WORDS_MAX 1024

struct vector_text {
	const char *path;
	unsigned line;
	char *error;            /* VECTOR_ERROR_SIZE */
	char *words[WORDS_MAX]; /* of the line, NULL at the end */
	size_t count;
	const char *rest; /* the line behind its first word, as it stands */
};

__attribute__((format(printf, 2, 3))) int text_fault(
	struct vector_text *t, const char *format, ...);

/* A decimal number within min..max. */
int text_number(struct vector_text *t, const char *word, int64_t min, int64_t max, int64_t *value);
/* Hexadecimal octets, "-" for none; the caller owns *octets. Appends to what is there. */
int text_hex(struct vector_text *t, const char *word, uint8_t **octets, size_t *size);
int text_name(struct vector_text *t, const char *word, uint8_t name[255], uint8_t *size);
int text_type(struct vector_text *t, const char *word, uint16_t *type);
/* ADDRESS[#PORT]; the port stays as it is if there is none. */
int text_end(struct vector_text *t, const char *word, struct vector_end *end);
/* Place of `word` in the names, or -1. */
int text_choice(const char *word, const char *const *names, size_t count);

/* An EDNS option in wire format, behind what is there; the caller owns *octets. */
int vector_option_read(
	struct vector_text *t, uint8_t **octets, size_t *size, const char *code, const char *hex);

/* vector_ask.c: `ask` and the lines that change a packet. */
int vector_ask_read(struct vector_text *t, struct vector_case *c);
int vector_step_read(struct vector_text *t, struct vector_case *c);

#endif
