/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of places into struct config, by the table of keys. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_check.h"
#include "control/config_schema.h"
#include "control/config_tree.h"

#define PATH_TEXT 160

/* The list of a CONFIG_MANY field: every such pair in struct config has this
 * form, and is copied in and out of it by bytes. */
struct list {
	void *items;
	size_t count;
};

struct reader {
	struct config_error *error;
	char path[PATH_TEXT]; /* of the value being read, for messages */
};

static int section_read(struct reader *reader, const struct config_section *section,
	const struct config_node *node, void *base);

static int place_error(struct reader *reader, struct config_place place, const char *what)
{
	return config_error_set(reader->error, place, "%s: %s", reader->path, what);
}

static int range_error(
	struct reader *reader, const struct config_field *field, struct config_place place)
{
	char low[VALUE_TEXT], high[VALUE_TEXT], text[3 * VALUE_TEXT];

	if (field->type == CONFIG_TYPE_DURATION) {
		duration_text((struct duration){field->min}, low);
		duration_text((struct duration){field->max}, high);
	} else if (field->type == CONFIG_TYPE_SIZE) {
		size_text(field->min, low);
		size_text(field->max, high);
	} else {
		snprintf(low, sizeof(low), "%" PRIu64, field->min);
		snprintf(high, sizeof(high), "%" PRIu64, field->max);
	}
	if (field->min == field->max)
		snprintf(text, sizeof(text), "must be %s", low);
	else
		snprintf(text, sizeof(text), "must be between %s and %s", low, high);
	return place_error(reader, place, text);
}

static bool field_range_holds(const struct config_field *field, uint64_t value)
{
	return field->max == 0 || (value >= field->min && value <= field->max);
}

struct choices {
	const char *const *next;
};

static const char *choice_next(void *state)
{
	struct choices *choices = state;

	return *choices->next ? *choices->next++ : NULL;
}

/* The index of `text` among the choices, or -EINVAL. */
static int choice_read(struct reader *reader, const struct config_field *field, const char *text,
	struct config_place place)
{
	char list[PATH_TEXT] = "";
	struct choices choices = {field->choices};
	const char *meant;

	for (int i = 0; field->choices[i]; i++) {
		if (strcmp(field->choices[i], text) == 0)
			return i;
	}
	for (int i = 0; field->choices[i]; i++) {
		size_t length = strlen(list);

		snprintf(list + length, sizeof(list) - length, "%s%s", i ? ", " : "",
			field->choices[i]);
	}
	meant = config_suggest(text, choice_next, &choices);
	return config_error_set(reader->error, place, "%s: \"%.64s\" is none of %s%s%s%s",
		reader->path, text, list, meant ? "; did you mean \"" : "", meant ? meant : "",
		meant ? "\"?" : "");
}

static int string_read(struct reader *reader, const struct config_field *field, const char *text,
	struct config_place place, void *value)
{
	size_t length = strlen(text);
	const char *wrong = NULL;
	char *copy;

	if (field->type == CONFIG_TYPE_PATH && text[0] != '/')
		wrong = "must be an absolute path";
	else if (field->check)
		wrong = field->check(text);
	if (wrong)
		return place_error(reader, place, wrong);
	if (field->choices) {
		int r = choice_read(reader, field, text, place);

		if (r < 0)
			return r;
	}
	if (field->max && (length < field->min || length > field->max))
		return config_error_set(reader->error, place,
			"%s: must have %" PRIu64 " to %" PRIu64 " characters, has %zu",
			reader->path, field->min, field->max, length);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	memcpy(value, &copy, sizeof(copy));
	return 0;
}

static int scalar_read(struct reader *reader, const struct config_field *field, const char *text,
	struct config_place place, void *value)
{
	const char *wrong = NULL;
	uint64_t number = 0;
	int r;

	switch (field->type) {
	case CONFIG_TYPE_BOOL:
		wrong = bool_parse(text, value);
		break;
	case CONFIG_TYPE_NUMBER:
		wrong = number_parse(text, &number);
		if (!wrong && (!field_range_holds(field, number) || number > UINT32_MAX))
			return range_error(reader, field, place);
		*(uint32_t *)value = (uint32_t)number;
		break;
	case CONFIG_TYPE_PERCENT:
		wrong = percent_parse(text, value);
		if (!wrong && !field_range_holds(field, *(uint32_t *)value))
			return range_error(reader, field, place);
		break;
	case CONFIG_TYPE_DURATION:
		wrong = duration_parse(text, value);
		if (!wrong && !field_range_holds(field, ((struct duration *)value)->us))
			return range_error(reader, field, place);
		break;
	case CONFIG_TYPE_SIZE:
		wrong = size_parse(text, value);
		if (!wrong && !field_range_holds(field, *(uint64_t *)value))
			return range_error(reader, field, place);
		break;
	case CONFIG_TYPE_CHOICE:
		r = choice_read(reader, field, text, place);
		if (r < 0)
			return r;
		*(int *)value = r;
		break;
	case CONFIG_TYPE_STRING:
	case CONFIG_TYPE_PATH:
		return string_read(reader, field, text, place, value);
	case CONFIG_TYPE_ADDRESS:
		wrong = address_parse(text, value);
		break;
	case CONFIG_TYPE_PREFIX:
		wrong = prefix_parse(text, value);
		break;
	case CONFIG_TYPE_ENDPOINT:
		wrong = endpoint_parse(text, value);
		break;
	case CONFIG_TYPE_DOMAIN:
		wrong = domain_parse(text, value);
		break;
	case CONFIG_TYPE_RRTYPE:
		wrong = rrtype_parse(text, value);
		break;
	case CONFIG_TYPE_SECTION:
		return -EINVAL;
	}
	return wrong ? place_error(reader, place, wrong) : 0;
}

static int value_read(struct reader *reader, const struct config_field *field,
	const struct config_node *node, void *value)
{
	if (field->type == CONFIG_TYPE_SECTION)
		return section_read(reader, field->section, node, value);
	if (node->type != CONFIG_SCALAR)
		return place_error(reader, node->place, "must be one value");
	if (node->null)
		return place_error(
			reader, node->place, "has no value; leave the key out for its default");
	return scalar_read(reader, field, node->text, node->place, value);
}

static int list_read(struct reader *reader, const struct config_field *field,
	const struct config_node *node, void *value)
{
	size_t size = config_field_size(field), path = strlen(reader->path);
	struct list list = {0};
	char *item;
	int r = 0;

	if (node->type != CONFIG_LIST)
		return place_error(reader, node->place, "must be a list, as in [a, b]");
	if ((field->flags & CONFIG_REQUIRED) && node->count == 0)
		return place_error(reader, node->place, "must have at least one item");
	if (node->count > field->most) {
		char text[64];

		snprintf(text, sizeof(text), "has %u items, %zu at most", node->count, field->most);
		return place_error(reader, node->place, text);
	}
	if (node->count == 0)
		return 0;
	list.items = calloc(node->count, size);
	if (!list.items)
		return -ENOMEM;
	item = list.items;
	for (const struct config_node *child = node->first; child && r == 0; child = child->next) {
		snprintf(reader->path + path, sizeof(reader->path) - path, "[%zu]", list.count);
		/* Counted before it is read, so that a half-read item is freed. */
		list.count++;
		memcpy(value, &list, sizeof(list));
		r = value_read(reader, field, child, item);
		item += size;
	}
	if (r == 0)
		reader->path[path] = '\0';
	return r;
}

static const char *field_next(void *state)
{
	struct config_section *rest = state;

	if (rest->count == 0)
		return NULL;
	rest->count--;
	return rest->fields++->name;
}

static int keys_known(
	struct reader *reader, const struct config_section *section, const struct config_node *node)
{
	for (const struct config_node *child = node->first; child; child = child->next) {
		struct config_section rest = *section;
		const char *name, *meant;

		while ((name = field_next(&rest)) && strcmp(name, child->key) != 0)
			;
		if (name)
			continue;
		rest = *section;
		meant = config_suggest(child->key, field_next, &rest);
		return config_error_set(reader->error, child->key_place,
			"unknown key \"%.64s\"%s%s%s%s%s", child->key,
			reader->path[0] ? " in " : "", reader->path,
			meant ? ", did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
	}
	return 0;
}

static int field_read(struct reader *reader, const struct config_field *field,
	const struct config_node *parent, struct config_place place, void *base)
{
	const struct config_node *node = config_tree_child(parent, field->name);
	char *value = (char *)base + field->offset;

	if (node && (field->flags & CONFIG_MANY))
		return list_read(reader, field, node, value);
	if (node)
		return value_read(
			reader, field, node, field->type == CONFIG_TYPE_SECTION ? base : value);
	if (field->flags & CONFIG_REQUIRED)
		return place_error(reader, place, "is missing");
	if (field->type == CONFIG_TYPE_SECTION && !(field->flags & CONFIG_MANY))
		return section_read(reader, field->section, NULL, base);
	if (field->fallback)
		return scalar_read(reader, field, field->fallback, place, value);
	return 0;
}

/* `node` NULL: the section isn't in the file, every key takes its default. */
static int section_read(struct reader *reader, const struct config_section *section,
	const struct config_node *node, void *base)
{
	struct config_place place = node ? node->key_place : (struct config_place){1, 1};
	size_t path = strlen(reader->path);
	int r = 0;

	if (node && node->type != CONFIG_MAPPING)
		return place_error(reader, node->place, "must hold keys and values");
	if (node)
		r = keys_known(reader, section, node);
	for (size_t i = 0; i < section->count && r == 0; i++) {
		snprintf(reader->path + path, sizeof(reader->path) - path, "%s%s", path ? "." : "",
			section->fields[i].name);
		r = field_read(reader, &section->fields[i], node, place, base);
	}
	if (r == 0)
		reader->path[path] = '\0';
	return r;
}

static void section_free(const struct config_section *section, void *base);

static void value_free(const struct config_field *field, void *value)
{
	switch (field->type) {
	case CONFIG_TYPE_STRING:
	case CONFIG_TYPE_PATH:
		free(*(char **)value);
		break;
	case CONFIG_TYPE_DOMAIN:
		domain_free(value);
		break;
	case CONFIG_TYPE_SECTION:
		section_free(field->section, value);
		break;
	default:
		break;
	}
}

static void section_free(const struct config_section *section, void *base)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct config_field *field = &section->fields[i];
		char *value = (char *)base + field->offset;
		struct list list;

		if (!(field->flags & CONFIG_MANY)) {
			value_free(field, field->type == CONFIG_TYPE_SECTION ? base : value);
			continue;
		}
		memcpy(&list, value, sizeof(list));
		for (size_t j = 0; j < list.count; j++)
			value_free(field, (char *)list.items + j * config_field_size(field));
		free(list.items);
	}
}

void config_free(struct config *config)
{
	if (!config)
		return;
	section_free(&config_root, config);
	free(config);
}

int config_parse(
	const char *text, size_t length, struct config **config, struct config_error *error)
{
	struct reader reader = {.error = error};
	struct config_node *tree = NULL;
	struct config *read = NULL;
	int r;

	*config = NULL;
	r = config_tree_parse(text, length, &tree, error);
	if (r < 0)
		goto out;
	read = calloc(1, sizeof(*read));
	if (!read) {
		r = -ENOMEM;
		goto out;
	}
	r = section_read(&reader, &config_root, tree, read);
	if (r == 0)
		r = config_check(read, tree, error);
	if (r == -EINVAL)
		config_error_quote(error, text, length);
out:
	if (r == -ENOMEM)
		config_error_set(error, (struct config_place){0}, "out of memory");
	if (r < 0) {
		config_free(read);
		read = NULL;
	}
	config_tree_free(tree);
	*config = read;
	return r;
}
