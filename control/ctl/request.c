/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/ctl/request.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARGS_OVERRIDE "reason", "for", "family", "prefix"

static const struct {
	const char *name;
	const char *args[5]; /* those it takes */
} ctl_commands[CTL_COMMAND_COUNT] = {
#define CTL_COMMAND_NAME(symbol, text) [CTL_##symbol].name = text,
	CTL_COMMANDS(CTL_COMMAND_NAME)
#undef CTL_COMMAND_NAME
		[CTL_ZONES]
			.args = {"zone", "after"},
	[CTL_ANNOUNCE].args = {ARGS_OVERRIDE},
	[CTL_DRAIN].args = {ARGS_OVERRIDE},
	[CTL_WITHDRAW].args = {ARGS_OVERRIDE},
	[CTL_AUTO].args = {"family", "prefix"},
	[CTL_BYPASS].args = {"on", "zone"},
	[CTL_HISTORY].args = {"count", "prefix"},
	[CTL_POLICY].args = {"what_if"},
};

struct parse {
	struct ctl_request *request;
	char *message;
	size_t size;
};

const char *ctl_command_name(enum ctl_command command)
{
	return ctl_commands[command].name;
}

const char *ctl_error_name(enum ctl_error error)
{
	static const char *const names[] = {
		[CTL_OK] = "ok",
		[CTL_BAD_REQUEST] = "bad-request",
		[CTL_TOO_LONG] = "too-long",
		[CTL_BAD_CONFIG] = "bad-config",
		[CTL_FAILED] = "failed",
		[CTL_BUSY] = "busy",
	};

	return names[error];
}

static enum ctl_error __attribute__((format(printf, 2, 3)))
refuse(struct parse *parse, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->message, parse->size, format, args);
	va_end(args);
	return CTL_BAD_REQUEST;
}

/* A string of at most size - 1 bytes, without control characters. */
static enum ctl_error text_take(
	struct parse *parse, const char *name, const json_t *value, char *buffer, size_t size)
{
	const char *text = json_string_value(value);
	size_t length = json_string_length(value);

	if (!text)
		return refuse(parse, "%s must be a string", name);
	if (length >= size)
		return refuse(parse, "%s is longer than %zu bytes", name, size - 1);
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return refuse(parse, "%s holds a control character", name);
	}
	memcpy(buffer, text, length + 1);
	return CTL_OK;
}

static enum ctl_error arg_take(struct parse *parse, const char *name, const json_t *value)
{
	struct ctl_request *request = parse->request;
	const char *wrong = NULL;
	char text[64];

	if (strcmp(name, "zone") == 0)
		return text_take(parse, name, value, request->zone, sizeof(request->zone));
	if (strcmp(name, "after") == 0)
		return text_take(parse, name, value, request->after, sizeof(request->after));
	if (strcmp(name, "reason") == 0)
		return text_take(parse, name, value, request->reason, sizeof(request->reason));
	if (strcmp(name, "family") == 0) {
		json_int_t family = json_integer_value(value);

		if (!json_is_integer(value) || (family != 4 && family != 6))
			return refuse(parse, "family must be 4 or 6");
		request->family = family == 4 ? AF_INET : AF_INET6;
		return CTL_OK;
	}
	if (strcmp(name, "on") == 0) {
		if (!json_is_boolean(value))
			return refuse(parse, "on must be true or false");
		request->on = json_is_true(value);
		request->has_on = true;
		return CTL_OK;
	}
	if (strcmp(name, "what_if") == 0)
		return text_take(parse, name, value, request->what_if, sizeof(request->what_if));
	if (strcmp(name, "count") == 0) {
		json_int_t count = json_integer_value(value);

		if (!json_is_integer(value) || count < 1 || count > CTL_HISTORY_MAX)
			return refuse(parse, "count must be between 1 and %d", CTL_HISTORY_MAX);
		request->count = (unsigned)count;
		return CTL_OK;
	}
	if (text_take(parse, name, value, text, sizeof(text)) != CTL_OK)
		return CTL_BAD_REQUEST;
	if (strcmp(name, "for") == 0) {
		wrong = duration_parse(text, &request->span);
		if (!wrong && request->span.us == 0)
			wrong = "must be longer than nothing";
	} else {
		wrong = prefix_parse(text, &request->prefix);
		request->has_prefix = true;
	}
	return wrong ? refuse(parse, "%s: %s", name, wrong) : CTL_OK;
}

static enum ctl_error args_take(struct parse *parse, json_t *args)
{
	const char *const *known = ctl_commands[parse->request->command].args;
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value)
	{
		enum ctl_error error;
		size_t i = 0;

		while (known[i] && strcmp(known[i], name) != 0)
			i++;
		if (!known[i])
			return refuse(parse, "%s takes no argument \"%.40s\"",
				ctl_command_name(parse->request->command), name);
		error = arg_take(parse, known[i], value);
		if (error != CTL_OK)
			return error;
	}
	if (parse->request->has_prefix && parse->request->family != AF_UNSPEC &&
		parse->request->family != parse->request->prefix.address.family)
		return refuse(parse, "the prefix is not of that family");
	return CTL_OK;
}

static enum ctl_error command_take(struct parse *parse, const json_t *value)
{
	const char *name = json_string_value(value);

	if (!name)
		return refuse(parse, "command is missing");
	for (int i = 0; i < CTL_COMMAND_COUNT; i++) {
		if (strcmp(ctl_commands[i].name, name) == 0) {
			parse->request->command = (enum ctl_command)i;
			return CTL_OK;
		}
	}
	return refuse(parse, "unknown command \"%.40s\"", name);
}

static enum ctl_error object_take(struct parse *parse, json_t *object)
{
	const json_t *schema = json_object_get(object, "schema");
	json_t *args = json_object_get(object, "args");
	enum ctl_error error;
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return refuse(parse, "a request is a JSON object");
	if (!json_is_integer(schema) || json_integer_value(schema) != CTL_SCHEMA)
		return refuse(parse, "schema must be %d", CTL_SCHEMA);
	json_object_foreach(object, name, value)
	{
		if (strcmp(name, "schema") != 0 && strcmp(name, "command") != 0 &&
			strcmp(name, "args") != 0)
			return refuse(parse, "unknown member \"%.40s\"", name);
	}
	error = command_take(parse, json_object_get(object, "command"));
	if (error != CTL_OK || !args)
		return error;
	if (!json_is_object(args))
		return refuse(parse, "args must be an object");
	return args_take(parse, args);
}

enum ctl_error ctl_request_parse(
	const char *line, size_t length, struct ctl_request *request, char *message, size_t size)
{
	struct parse parse = {request, message, size};
	json_error_t json_error;
	enum ctl_error error;
	json_t *object;

	memset(request, 0, sizeof(*request));
	request->count = CTL_HISTORY_COUNT;
	message[0] = '\0';
	if (length > CTL_REQUEST_MAX) {
		snprintf(message, size, "a request has %d bytes at most", CTL_REQUEST_MAX);
		return CTL_TOO_LONG;
	}
	object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &json_error);
	if (!object)
		return refuse(&parse, "not JSON: %s", json_error.text);
	error = object_take(&parse, object);
	json_decref(object);
	return error;
}
