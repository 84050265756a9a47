/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/protocol.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CODE_DETAIL 1006
#define CODE_BFD    1020

/* The value behind "Name:", or NULL. */
static const char *value_of(const char *text, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(text, name, length) != 0)
		return NULL;
	return text + length + strspn(text + length, " \t");
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* ---- show protocols all ---- */

static void protocol_begin(struct protocol_list *list, const char *text)
{
	struct bird_protocol_line head;
	struct protocol *longer;

	if (bird_protocol_parse(&head, text) < 0 || list->count == PROTOCOLS_MAX)
		return;
	longer = reallocarray(list->items, list->count + 1, sizeof(*longer));
	if (!longer) {
		list->failed = true;
		return;
	}
	list->items = longer;
	longer += list->count++;
	memset(longer, 0, sizeof(*longer));
	copy(longer->name, sizeof(longer->name), head.name);
	copy(longer->type, sizeof(longer->type), head.type);
	longer->up = head.up;
	longer->established = head.established;
	list->local = list->restarting = false;
}

static void channel_line(struct protocol *protocol, const char *text)
{
	struct protocol_channel *channel = &protocol->channels[protocol->channels_count - 1];
	const char *value;

	if ((value = value_of(text, "State:")))
		channel->up = strcmp(value, "UP") == 0;
	else if ((value = value_of(text, "Input filter:")))
		copy(channel->input, sizeof(channel->input), value);
	else if ((value = value_of(text, "Output filter:")))
		copy(channel->output, sizeof(channel->output), value);
}

/* A capability that names no family keeps no routes: "AF supported:" under "Graceful restart". */
static void capability_line(struct protocol_list *list, struct protocol *protocol, const char *text)
{
	const char *value;

	if (strcmp(text, "Local capabilities") == 0) {
		list->local = true;
		list->restarting = false;
	} else if (strcmp(text, "Neighbor capabilities") == 0) {
		list->local = false;
	} else if (strcmp(text, "Graceful restart") == 0 ||
		   strcmp(text, "Long-lived graceful restart") == 0) {
		list->restarting = true;
	} else if ((value = value_of(text, "AF supported:"))) {
		protocol->graceful_restart |= list->local && list->restarting && *value;
	}
}

static void bgp_line(struct protocol_list *list, struct protocol *protocol, const char *text)
{
	const char *value;

	if ((value = value_of(text, "BGP state:")))
		copy(protocol->state, sizeof(protocol->state), value);
	else if ((value = value_of(text, "Neighbor address:")))
		copy(protocol->neighbor, sizeof(protocol->neighbor), value);
	else if ((value = value_of(text, "Neighbor AS:")))
		protocol->neighbor_as = (uint32_t)strtoul(value, NULL, 10);
	else if ((value = value_of(text, "Local AS:")))
		protocol->local_as = (uint32_t)strtoul(value, NULL, 10);
	else if ((value = value_of(text, "Last error:")))
		copy(protocol->error, sizeof(protocol->error), value);
	else if ((value = value_of(text, "Session:"))) {
		protocol->internal = strstr(value, "internal") != NULL;
		protocol->multihop = strstr(value, "multihop") != NULL;
	} else
		capability_line(list, protocol, text);
}

static void detail_line(struct protocol_list *list, const char *text)
{
	struct protocol *protocol = list->count ? &list->items[list->count - 1] : NULL;
	const char *value;

	text += strspn(text, " \t");
	if (!protocol)
		return;
	value = value_of(text, "Channel ");
	if (value && protocol->channels_count < PROTOCOL_CHANNELS)
		copy(protocol->channels[protocol->channels_count++].name,
			sizeof(protocol->channels[0].name), value);
	else if (protocol->channels_count)
		channel_line(protocol, text);
	else
		bgp_line(list, protocol, text);
}

void protocol_list_line(struct protocol_list *list, const struct bird_line *line)
{
	if (bird_code_failed(line->code))
		list->failed = true;
	else if (line->code == BIRD_CODE_PROTOCOL)
		protocol_begin(list, line->text);
	else if (line->code == CODE_DETAIL)
		detail_line(list, line->text);
}

void protocol_list_free(struct protocol_list *list)
{
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

const struct protocol *protocol_find(const struct protocol_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	}
	return NULL;
}

bool protocol_internal(const struct protocol *peer)
{
	return peer->internal || (peer->local_as && peer->local_as == peer->neighbor_as);
}

const struct protocol_channel *protocol_channel(const struct protocol *protocol, int family)
{
	for (size_t i = 0; i < protocol->channels_count; i++) {
		if (strcmp(protocol->channels[i].name, family == AF_INET ? "ipv4" : "ipv6") == 0)
			return &protocol->channels[i];
	}
	return NULL;
}

/* ---- show bfd sessions ---- */

/* "10.99.0.2   eth0   Up   06:17:56.628   0.300   0.900" */
void bfd_list_line(struct bfd_list *list, const struct bird_line *line)
{
	struct bfd_session *session = &list->items[list->count];

	if (line->code != CODE_BFD || list->count == BFD_SESSIONS ||
		sscanf(line->text, "%71s %*s %15s", session->neighbor, session->state) != 2 ||
		!strpbrk(session->neighbor, ".:") || !strchr("UDIA", session->state[0]))
		return;
	list->count++;
}

/* A link-local neighbour is "fe80::1%eth0" with one of them. */
const char *bfd_find(const struct bfd_list *list, const char *neighbor)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t length = strcspn(list->items[i].neighbor, "%");

		if (strcspn(neighbor, "%") == length &&
			strncmp(list->items[i].neighbor, neighbor, length) == 0)
			return list->items[i].state;
	}
	return NULL;
}

/* ---- show route P exported PEER all ---- */

void exported_begin(struct exported_route *route, const struct bird_prefix *prefix)
{
	memset(route, 0, sizeof(*route));
	route->prefix = *prefix;
}

/* "BGP.as_path: 64496" of 2.x, "bgp_path: 64496" of 3.x. */
static void attribute_take(struct exported_route *route, const char *text)
{
	static const char *const renamed[][2] = {{"path", "as_path"}};
	struct route_attribute *attribute = &route->attributes[route->attributes_count];
	size_t length = strcspn(text, ":");
	const char *name = text;

	if (strncmp(text, "BGP.", 4) == 0 || strncmp(text, "bgp_", 4) == 0) {
		name += 4;
		length -= 4;
	} else {
		return;
	}
	if (route->attributes_count == ROUTE_ATTRIBUTES || name[length] != ':' ||
		length >= sizeof(attribute->name))
		return;
	memcpy(attribute->name, name, length);
	attribute->name[length] = '\0';
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		if (strcmp(attribute->name, renamed[i][0]) == 0)
			copy(attribute->name, sizeof(attribute->name), renamed[i][1]);
	}
	name += length + 1;
	copy(attribute->value, sizeof(attribute->value), name + strspn(name, " "));
	route->attributes_count++;
}

void exported_line(struct exported_route *route, const struct bird_line *line)
{
	const char *text = line->text + strspn(line->text, " \t");
	char from[BIRD_NAME_MAX];
	int r;

	if (line->code == BIRD_CODE_ROUTE_NOT_FOUND || line->code == BIRD_CODE_OK)
		route->understood = true;
	if (line->code < BIRD_CODE_ROUTE || bird_code_failed(line->code))
		return;
	if (line->code == BIRD_CODE_ROUTE && !route->there) {
		r = bird_route_parse(from, line->text, &route->prefix);
		if (r == 0) {
			route->there = route->understood = route->under = true;
			memcpy(route->from, from, sizeof(from));
			return;
		}
	} else if (line->code == BIRD_CODE_ROUTE && strchr(line->text, '[')) {
		route->under = false; /* a second route: add-paths */
	}
	if (route->under)
		attribute_take(route, text);
}

const char *exported_attribute(const struct exported_route *route, const char *name)
{
	for (size_t i = 0; i < route->attributes_count; i++) {
		if (strcmp(route->attributes[i].name, name) == 0)
			return route->attributes[i].value;
	}
	return NULL;
}
