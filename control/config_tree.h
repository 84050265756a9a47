/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML text as a tree of places: in flows the text, out flows mappings, lists
 * and scalars, each with its line and column.
 *
 * Refuses what a configuration doesn't need and an attacker would like:
 * anchors, aliases, tags, several documents, keys twice, deep nesting.
 */
#pragma once

#include "control/config.h"

enum config_node_type { CONFIG_SCALAR, CONFIG_MAPPING, CONFIG_LIST };

/* Children of a mapping carry their key; those of a list don't. */
struct config_node {
	enum config_node_type type;
	struct config_place place;     /* of the value */
	struct config_place key_place; /* of the key; the value's in a list */
	char *key;
	char *text; /* of a scalar */
	bool null;  /* a scalar with nothing in it, or a plain ~ or null */
	struct config_node *parent, *first, *last, *next;
	uint32_t count; /* of children */
};

/* Free *root with config_tree_free. 0, -EINVAL with *error, -ENOMEM. */
int config_tree_parse(
	const char *text, size_t length, struct config_node **root, struct config_error *error);
void config_tree_free(struct config_node *root);

/* The child with that key, or NULL. */
struct config_node *config_tree_child(const struct config_node *node, const char *key);
/* The child with that index, or NULL. */
struct config_node *config_tree_item(const struct config_node *node, size_t index);
/* "health.timeout", "zones[2].key": the deepest node on the way that exists. */
const struct config_node *config_tree_nearest(const struct config_node *root, const char *path);

/* Fills *error in: message and place. Returns -EINVAL. */
int config_error_set(struct config_error *error, struct config_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Copies the line at error->place out of the text. */
void config_error_quote(struct config_error *error, const char *text, size_t length);

/* The candidate nearest to `word` if it is near enough to be meant, or NULL.
 * `next` gives the candidates one by one, NULL at the end. */
const char *config_suggest(const char *word, const char *(*next)(void *state), void *state);
