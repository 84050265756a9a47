/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/config_show.h"

#include <libknot/descriptor.h>
#include <string.h>

#include "control/config_schema.h"

static json_t *section_show(const struct config_section *section, const void *base);

static json_t *value_show(const struct config_field *field, const void *value)
{
	char text[VALUE_TEXT];
	const char *string;

	switch (field->type) {
	case CONFIG_TYPE_BOOL:
		return json_boolean(*(const bool *)value);
	case CONFIG_TYPE_NUMBER:
		return json_integer(*(const uint32_t *)value);
	case CONFIG_TYPE_PERCENT:
		return json_sprintf("%u%%", *(const uint32_t *)value);
	case CONFIG_TYPE_DURATION:
		return json_string(duration_text(*(const struct duration *)value, text));
	case CONFIG_TYPE_SIZE:
		return json_string(size_text(*(const uint64_t *)value, text));
	case CONFIG_TYPE_CHOICE:
		return json_string(field->choices[*(const int *)value]);
	case CONFIG_TYPE_STRING:
	case CONFIG_TYPE_PATH:
		string = *(char *const *)value;
		return string ? json_string(string) : json_null();
	case CONFIG_TYPE_ADDRESS:
		if (((const struct address *)value)->family == AF_UNSPEC)
			return json_null();
		return json_string(address_text(value, text));
	case CONFIG_TYPE_PREFIX:
		return json_string(prefix_text(value, text));
	case CONFIG_TYPE_ENDPOINT:
		if (((const struct endpoint *)value)->port == 0)
			return json_null();
		return json_string(endpoint_text(value, text));
	case CONFIG_TYPE_DOMAIN:
		string = ((const struct domain *)value)->text;
		return string ? json_string(string) : json_null();
	case CONFIG_TYPE_RRTYPE:
		if (knot_rrtype_to_string(*(const uint16_t *)value, text, sizeof(text)) < 0)
			return json_null();
		return json_string(text);
	case CONFIG_TYPE_SECTION:
		return section_show(field->section, value);
	}
	return json_null();
}

static json_t *list_show(const struct config_field *field, const char *value)
{
	json_t *array = json_array();
	const char *items;
	size_t count;

	memcpy(&items, value, sizeof(items));
	memcpy(&count, value + sizeof(items), sizeof(count));
	for (size_t i = 0; array && i < count; i++) {
		if (json_array_append_new(
			    array, value_show(field, items + i * config_field_size(field))) < 0) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

static json_t *field_show(const struct config_field *field, const void *base)
{
	const char *value = (const char *)base + field->offset;

	if (field->flags & CONFIG_MANY)
		return list_show(field, value);
	return value_show(field, field->type == CONFIG_TYPE_SECTION ? base : value);
}

static json_t *section_show(const struct config_section *section, const void *base)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < section->count; i++) {
		json_t *value = field_show(&section->fields[i], base);

		/* What is unset is left out, as in the file: not every key may be null there. */
		if (json_is_null(value))
			continue;
		if (json_object_set_new(object, section->fields[i].name, value) < 0) {
			json_decref(object);
			object = NULL;
		}
	}
	return object;
}

json_t *config_show(const struct config *config)
{
	return section_show(&config_root, config);
}

struct diff {
	json_t *names;
	const char *restart;
};

/* A key that is unset is in neither. */
static bool same(const json_t *was, const json_t *is)
{
	return (!was && !is) || json_equal(was, is);
}

/* Does some element of a list differ in a key that a reload can't change? */
static bool items_restart(
	const struct config_field *field, const json_t *before, const json_t *after)
{
	if (field->type != CONFIG_TYPE_SECTION)
		return false;
	for (size_t i = 0; i < field->section->count; i++) {
		const struct config_field *member = &field->section->fields[i];

		for (size_t j = 0; (member->flags & CONFIG_RESTART) && j < json_array_size(before);
			j++) {
			const json_t *item = json_array_get(after, j);

			if (item && !same(json_object_get(json_array_get(before, j), member->name),
					    json_object_get(item, member->name)))
				return true;
		}
	}
	return false;
}

static int section_diff(struct diff *diff, const struct config_section *section, const char *path,
	const json_t *before, const json_t *after)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct config_field *field = &section->fields[i];
		const json_t *was = json_object_get(before, field->name);
		const json_t *is = json_object_get(after, field->name);
		bool restart;
		char name[128];

		if (same(was, is))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", path, *path ? "." : "", field->name);
		if (field->type == CONFIG_TYPE_SECTION && !(field->flags & CONFIG_MANY)) {
			if (section_diff(diff, field->section, name, was, is) < 0)
				return -1;
			continue;
		}
		if (json_array_append_new(diff->names, json_string(name)) < 0)
			return -1;
		restart = (field->flags & CONFIG_RESTART) ||
			  ((field->flags & CONFIG_MANY) && items_restart(field, was, is));
		if (restart && !diff->restart)
			diff->restart = json_string_value(
				json_array_get(diff->names, json_array_size(diff->names) - 1));
	}
	return 0;
}

json_t *config_diff(const struct config *before, const struct config *after, const char **restart)
{
	struct diff diff = {json_array(), NULL};
	json_t *was = config_show(before), *is = config_show(after);

	if (!diff.names || !was || !is || section_diff(&diff, &config_root, "", was, is) < 0) {
		json_decref(diff.names);
		diff.names = NULL;
	}
	json_decref(was);
	json_decref(is);
	*restart = diff.restart;
	return diff.names;
}
