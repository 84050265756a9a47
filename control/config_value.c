/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/config_value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <libknot/descriptor.h>
#include <libknot/dname.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, so that the text forms find the largest exact one. */
static const struct unit time_units[] = {
	{"d", UINT64_C(86400000000)},
	{"h", UINT64_C(3600000000)},
	{"m", UINT64_C(60000000)},
	{"s", UINT64_C(1000000)},
	{"ms", 1000},
	{"us", 1},
	{NULL, 0},
};

static const struct unit size_units[] = {
	{"TiB", UINT64_C(1) << 40},
	{"GiB", UINT64_C(1) << 30},
	{"MiB", UINT64_C(1) << 20},
	{"KiB", UINT64_C(1) << 10},
	{"TB", UINT64_C(1000000000000)},
	{"GB", UINT64_C(1000000000)},
	{"MB", UINT64_C(1000000)},
	{"kB", UINT64_C(1000)},
	{"B", 1},
	{NULL, 0},
};

/* Digits at *text; moves *text behind them. False: none, or beyond 64 bits. */
static bool digits_take(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t v = 0;

	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*text = p;
	*value = v;
	return true;
}

/* The sum of one or more "<digits><unit>"; each unit once, larger ones first. */
static bool units_parse(const char *text, const struct unit *units, uint64_t *value)
{
	uint64_t sum = 0;

	if (*text == '\0')
		return false;
	while (*text != '\0') {
		uint64_t number;
		size_t length = 0;

		if (!digits_take(&text, &number))
			return false;
		while (isalpha((unsigned char)text[length]))
			length++;
		while (units->name &&
			(strlen(units->name) != length || strncmp(units->name, text, length) != 0))
			units++;
		if (!units->name || number > (UINT64_MAX - sum) / units->factor)
			return false;
		sum += number * units->factor;
		text += length;
		units++;
	}
	*value = sum;
	return true;
}

static const char *units_text(uint64_t value, const struct unit *units, size_t count, char *buffer)
{
	const struct unit *unit = units;

	while (unit < units + count - 1 && (value == 0 || value % unit->factor != 0))
		unit++;
	snprintf(buffer, VALUE_TEXT, "%" PRIu64 "%s", value / unit->factor, unit->name);
	return buffer;
}

const char *duration_parse(const char *text, struct duration *value)
{
	if (!units_parse(text, time_units, &value->us))
		return "a duration needs a unit, as in 100ms, 5s, 1m, 2h, 1d";
	return NULL;
}

const char *size_parse(const char *text, uint64_t *value)
{
	if (!units_parse(text, size_units, value))
		return "a size needs a unit, as in 512MiB, 2GiB";
	return NULL;
}

const char *number_parse(const char *text, uint64_t *value)
{
	if (!digits_take(&text, value) || *text != '\0')
		return "not a whole number";
	return NULL;
}

const char *percent_parse(const char *text, uint32_t *value)
{
	uint64_t number;

	if (!digits_take(&text, &number) || strcmp(text, "%") != 0 || number > 100)
		return "not a share, as in 50%";
	*value = (uint32_t)number;
	return NULL;
}

const char *bool_parse(const char *text, bool *value)
{
	static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {
									"false", "no", "off"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*value = strcmp(text, yes[i]) == 0;
			return NULL;
		}
	}
	return "neither true nor false";
}

static unsigned int family_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

const char *address_parse(const char *text, struct address *value)
{
	memset(value, 0, sizeof(*value));
	value->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(value->family, text, value->bytes) != 1)
		return "not an IPv4 or IPv6 address";
	return NULL;
}

/* Bits of `bytes` from `length` on are zero. */
static bool bits_clear(const uint8_t *bytes, unsigned int length, unsigned int bits)
{
	for (unsigned int i = length; i < bits; i++) {
		if (bytes[i / 8] & (0x80u >> (i % 8)))
			return false;
	}
	return true;
}

const char *prefix_parse(const char *text, struct prefix *value)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint64_t length;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return "not a prefix, as in 203.0.113.0/24 or 2001:db8:53::/48";
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (address_parse(address, &value->address) || number_parse(slash + 1, &length) ||
		length > family_bits(value->address.family))
		return "not a prefix, as in 203.0.113.0/24 or 2001:db8:53::/48";
	if (!bits_clear(
		    value->address.bytes, (unsigned int)length, family_bits(value->address.family)))
		return "bits beyond the prefix length are set";
	value->length = (uint8_t)length;
	return NULL;
}

const char *endpoint_parse(const char *text, struct endpoint *value)
{
	static const char wrong[] =
		"not an address with a port, as in 127.0.0.1:9953 or [::1]:9953";
	char address[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(text, ':');
	size_t length;
	uint64_t port;
	char *start = address;

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return wrong;
	length = (size_t)(colon - text);
	memcpy(address, text, length);
	address[length] = '\0';
	if (address[0] == '[' && length > 2 && address[length - 1] == ']') {
		address[length - 1] = '\0';
		start++;
		if (!strchr(start, ':'))
			return wrong;
	} else if (strchr(address, ':')) {
		return wrong;
	}
	if (address_parse(start, &value->address) || number_parse(colon + 1, &port) || port == 0 ||
		port > UINT16_MAX)
		return wrong;
	value->port = (uint16_t)port;
	return NULL;
}

/* libknot takes a name without its last dot for absolute, as we do; but it
 * also takes empty labels in some places, so those are refused here. */
const char *domain_parse(const char *text, struct domain *value)
{
	static const char wrong[] =
		"not a domain name (RFC 1035: labels of 1 to 63 octets, 255 in all)";
	size_t length = strlen(text);
	knot_dname_t *wire;

	*value = (struct domain){0};
	if (length == 0 || (text[0] == '.' && length > 1) || strstr(text, ".."))
		return wrong;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 0x7f)
			return wrong;
	}
	wire = knot_dname_from_str_alloc(text);
	if (!wire)
		return wrong;
	knot_dname_to_lower(wire);
	value->wire_length = (uint8_t)knot_dname_size(wire);
	value->wire = wire;
	value->text = knot_dname_to_str_alloc(wire);
	if (!value->text) {
		domain_free(value);
		return "out of memory";
	}
	length = strlen(value->text);
	/* A last dot that is escaped belongs to a label. */
	if (length > 1 && value->text[length - 1] == '.' && value->text[length - 2] != '\\')
		value->text[length - 1] = '\0';
	return NULL;
}

void domain_free(struct domain *domain)
{
	free(domain->text);
	free(domain->wire);
	*domain = (struct domain){0};
}

bool domain_within(const struct domain *name, const struct domain *zone)
{
	return knot_dname_in_bailiwick(name->wire, zone->wire) >= 0;
}

const char *rrtype_parse(const char *text, uint16_t *value)
{
	if (knot_rrtype_from_string(text, value) != 0)
		return "not a record type, as in SOA, A or TYPE65280";
	return NULL;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool prefix_holds(const struct prefix *prefix, const struct address *address)
{
	if (prefix->address.family != address->family)
		return false;
	for (unsigned int i = 0; i < prefix->length; i++) {
		unsigned int mask = 0x80u >> (i % 8);

		if ((prefix->address.bytes[i / 8] ^ address->bytes[i / 8]) & mask)
			return false;
	}
	return true;
}

socklen_t address_sockaddr(
	const struct address *address, uint16_t port, struct sockaddr_storage *storage)
{
	memset(storage, 0, sizeof(*storage));
	storage->ss_family = address->family;
	if (address->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)storage;

		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;

	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, 16);
	return sizeof(*in6);
}

const char *address_text(const struct address *address, char buffer[static VALUE_TEXT])
{
	if (!inet_ntop(address->family, address->bytes, buffer, VALUE_TEXT))
		snprintf(buffer, VALUE_TEXT, "?");
	return buffer;
}

const char *prefix_text(const struct prefix *prefix, char buffer[static VALUE_TEXT])
{
	size_t length = strlen(address_text(&prefix->address, buffer));

	snprintf(buffer + length, VALUE_TEXT - length, "/%u", prefix->length);
	return buffer;
}

const char *endpoint_text(const struct endpoint *endpoint, char buffer[static VALUE_TEXT])
{
	char address[VALUE_TEXT];
	const char *format = endpoint->address.family == AF_INET6 ? "[%.46s]:%u" : "%.46s:%u";

	snprintf(buffer, VALUE_TEXT, format, address_text(&endpoint->address, address),
		endpoint->port);
	return buffer;
}

const char *duration_text(struct duration duration, char buffer[static VALUE_TEXT])
{
	if (duration.us == 0)
		return strcpy(buffer, "0s");
	return units_text(
		duration.us, time_units, sizeof(time_units) / sizeof(time_units[0]) - 1, buffer);
}

const char *size_text(uint64_t bytes, char buffer[static VALUE_TEXT])
{
	return units_text(
		bytes, size_units, sizeof(size_units) / sizeof(size_units[0]) - 1, buffer);
}
