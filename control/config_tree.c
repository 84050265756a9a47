/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/config_tree.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#define TREE_MAX_DEPTH 8
#define TREE_MAX_NODES 400000
/* No section has as many keys; keeps the look for twins short. */
#define TREE_MAX_KEYS 64

struct tree_reader {
	struct config_node *root;
	struct config_node *open; /* innermost mapping or list */
	char *key;                /* read, its value not yet */
	struct config_place key_place;
	uint32_t depth, nodes, documents;
	struct config_error *error;
};

/* Where the value begins, with its quote or star: libfyaml's mark stands behind
 * that. */
static struct config_place event_place(struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct config_place place;

	if (!mark)
		return (struct config_place){0};
	place = (struct config_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
	if (event->type == FYET_SCALAR && event->scalar.value && mark->column > 0) {
		enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);

		if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
			place.column--;
	}
	if (event->type == FYET_ALIAS && mark->column > 0)
		place.column--;
	return place;
}

static void node_free(struct config_node *node)
{
	free(node->key);
	free(node->text);
	free(node);
}

void config_tree_free(struct config_node *root)
{
	struct config_node *node = root;

	while (node) {
		struct config_node *up = node->parent;

		if (node->first) {
			struct config_node *child = node->first;

			node->first = child->next;
			node = child;
			continue;
		}
		node_free(node);
		node = up;
	}
}

struct config_node *config_tree_child(const struct config_node *node, const char *key)
{
	if (!node || node->type != CONFIG_MAPPING)
		return NULL;
	for (struct config_node *child = node->first; child; child = child->next) {
		if (strcmp(child->key, key) == 0)
			return child;
	}
	return NULL;
}

struct config_node *config_tree_item(const struct config_node *node, size_t index)
{
	struct config_node *child = node->first;

	while (child && index-- > 0)
		child = child->next;
	return child;
}

const struct config_node *config_tree_nearest(const struct config_node *root, const char *path)
{
	const struct config_node *node = root;

	while (*path != '\0') {
		const struct config_node *child;
		size_t length = strcspn(path + 1, ".[") + 1;

		if (*path == '[') {
			child = config_tree_item(node, strtoul(path + 1, NULL, 10));
		} else {
			char *key = strndup(path, length);

			child = key ? config_tree_child(node, key) : NULL;
			free(key);
		}
		if (!child)
			break;
		node = child;
		path += length;
		path += *path == '.';
	}
	return node;
}

static int key_take(struct tree_reader *reader, char *text, struct config_place place)
{
	const struct config_node *twin = config_tree_child(reader->open, text);

	if (twin) {
		int r = config_error_set(reader->error, place,
			"\"%s\" stands twice, first in line %u", text, twin->key_place.line);

		free(text);
		return r;
	}
	if (reader->open->count == TREE_MAX_KEYS) {
		free(text);
		return config_error_set(reader->error, place, "too many keys");
	}
	reader->key = text;
	reader->key_place = place;
	return 0;
}

/* Hangs a new node below the open one; takes `text` over. */
static int node_add(struct tree_reader *reader, enum config_node_type type,
	struct config_place place, char *text, struct config_node **added)
{
	struct config_node *node, *parent = reader->open;

	if (++reader->nodes > TREE_MAX_NODES) {
		free(text);
		return config_error_set(reader->error, place, "too many values");
	}
	node = calloc(1, sizeof(*node));
	if (!node) {
		free(text);
		return -ENOMEM;
	}
	node->type = type;
	node->place = place;
	node->key_place = reader->key ? reader->key_place : place;
	node->key = reader->key;
	node->text = text;
	node->parent = parent;
	reader->key = NULL;
	if (!parent)
		reader->root = node;
	else if (!parent->first)
		parent->first = node;
	else
		parent->last->next = node;
	if (parent) {
		parent->last = node;
		parent->count++;
	}
	*added = node;
	return 0;
}

static int collection_open(
	struct tree_reader *reader, enum config_node_type type, struct config_place place)
{
	struct config_node *node = NULL;
	int r;

	if (reader->open && reader->open->type == CONFIG_MAPPING && !reader->key)
		return config_error_set(reader->error, place, "a key must be a word");
	if (reader->depth == TREE_MAX_DEPTH)
		return config_error_set(reader->error, place, "nested too deep");
	r = node_add(reader, type, place, NULL, &node);
	if (r < 0)
		return r;
	reader->depth++;
	reader->open = node;
	return 0;
}

static int scalar_add(struct tree_reader *reader, struct fy_event *event)
{
	struct config_place place = event_place(event);
	struct fy_token *token = event->scalar.value;
	size_t length = 0;
	const char *from = token ? fy_token_get_text(token, &length) : NULL;
	struct config_node *node = NULL;
	char *text;
	int r;

	if (from && memchr(from, '\0', length))
		return config_error_set(reader->error, place, "a NUL byte");
	text = from ? strndup(from, length) : strdup("");
	if (!text)
		return -ENOMEM;
	if (reader->open && reader->open->type == CONFIG_MAPPING && !reader->key)
		return key_take(reader, text, place);
	r = node_add(reader, CONFIG_SCALAR, place, text, &node);
	if (r < 0)
		return r;
	/* What isn't there has no place but its key's. */
	if (place.line == 0)
		node->place = node->key_place;
	node->null = !token ||
		     (fy_token_scalar_style(token) == FYSS_PLAIN &&
			     (length == 0 || strcmp(text, "~") == 0 || strcmp(text, "null") == 0));
	return 0;
}

static int event_take(struct tree_reader *reader, struct fy_event *event)
{
	struct config_place place = event_place(event);
	const struct fy_token *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case FYET_SCALAR:
		anchor = event->scalar.anchor;
		tag = event->scalar.tag;
		break;
	case FYET_MAPPING_START:
		anchor = event->mapping_start.anchor;
		tag = event->mapping_start.tag;
		break;
	case FYET_SEQUENCE_START:
		anchor = event->sequence_start.anchor;
		tag = event->sequence_start.tag;
		break;
	default:
		break;
	}
	if (anchor || tag)
		return config_error_set(reader->error, place, "%s have no place here",
			anchor ? "anchors (&)" : "tags (!)");

	switch (event->type) {
	case FYET_SCALAR:
		return scalar_add(reader, event);
	case FYET_MAPPING_START:
		return collection_open(reader, CONFIG_MAPPING, place);
	case FYET_SEQUENCE_START:
		return collection_open(reader, CONFIG_LIST, place);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		reader->open = reader->open->parent;
		reader->depth--;
		return 0;
	case FYET_ALIAS:
		return config_error_set(reader->error, place,
			"aliases (*) have no place here; quote the "
			"text if it is meant to begin with *");
	case FYET_DOCUMENT_START:
		if (reader->documents++ > 0)
			return config_error_set(reader->error, place, "a second document");
		return 0;
	default:
		return 0;
	}
}

/* Bytes of the UTF-8 character at p (RFC 3629 4), 0: none. */
static size_t character_length(const unsigned char *p, size_t left)
{
	size_t length = *p < 0x80   ? 1
			: *p < 0xc2 ? 0
			: *p < 0xe0 ? 2
			: *p < 0xf0 ? 3
			: *p < 0xf5 ? 4
				    : 0;

	if (length > left)
		return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) ||
		(*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90))
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* libfyaml lets broken UTF-8 and control characters through; they would break
 * logs and JSON. Sets *end to the place behind the last character. */
static int characters_check(
	const char *text, size_t size, struct config_place *end, struct config_error *error)
{
	const unsigned char *p = (const unsigned char *)text;
	struct config_place place = {1, 1};

	*end = place;
	for (size_t at = 0, length; at < size; at += length) {
		length = character_length(p + at, size - at);
		if (length == 0)
			return config_error_set(error, place, "not UTF-8");
		if ((p[at] < ' ' && !strchr("\t\r\n", p[at])) || p[at] == 0x7f || p[at] == 0)
			return config_error_set(error, place, "a control character");
		place.column++;
		if (p[at] != '\n')
			*end = place;
		else
			place = (struct config_place){place.line + 1, 1};
	}
	return 0;
}

/* What the parser had against the text, in our words' form. What it finds
 * missing at the end it places behind it; `end` is the last place there is. */
static int parser_error(struct fy_diag *diag, struct config_place end, struct config_error *error)
{
	const struct fy_diag_error *first;
	struct config_place place = end;
	void *state = NULL;

	first = fy_diag_errors_iterate(diag, &state);
	if (first && (uint32_t)first->line <= end.line)
		place = (struct config_place){(uint32_t)first->line, (uint32_t)first->column};
	return config_error_set(
		error, place, "not YAML: %s", first ? first->msg : "no reason given");
}

/* Keeps errors instead of printing them. */
static struct fy_diag *diag_create(void)
{
	struct fy_diag_cfg cfg;
	struct fy_diag *diag;

	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.colorize = false;
	diag = fy_diag_create(&cfg);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

int config_tree_parse(
	const char *text, size_t length, struct config_node **root, struct config_error *error)
{
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET, .diag = diag_create()};
	struct tree_reader reader = {.error = error};
	struct fy_parser *parser = NULL;
	struct config_place end;
	struct fy_event *event;
	int r = 0;

	if (length > CONFIG_MAX_BYTES) {
		r = config_error_set(
			error, (struct config_place){0}, "larger than %u bytes", CONFIG_MAX_BYTES);
		goto out;
	}
	r = characters_check(text, length, &end, error);
	if (r < 0)
		goto out;
	parser = cfg.diag ? fy_parser_create(&cfg) : NULL;
	if (!parser || fy_parser_set_string(parser, text, length) != 0) {
		r = -ENOMEM;
		goto out;
	}
	while (r == 0 && (event = fy_parser_parse(parser))) {
		r = event_take(&reader, event);
		fy_parser_event_free(parser, event);
	}
	if (r == 0 && fy_parser_get_stream_error(parser))
		r = parser_error(cfg.diag, end, error);
	if (r == 0 && (!reader.root || reader.root->type != CONFIG_MAPPING))
		r = config_error_set(error, (struct config_place){1, 1},
			"the file must hold keys and values, as in \"version: 1\"");
out:
	if (r == -ENOMEM)
		config_error_set(error, (struct config_place){0}, "out of memory");
	if (r < 0) {
		config_error_quote(error, text, length);
		config_tree_free(reader.root);
		reader.root = NULL;
	}
	free(reader.key);
	fy_parser_destroy(parser);
	fy_diag_destroy(cfg.diag);
	*root = reader.root;
	return r;
}
