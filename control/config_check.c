/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/config_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct check {
	const struct config *config;
	const struct config_node *tree;
	struct config_error *error;
};

/* The error stands at the value `path`, or where it would stand. */
static int __attribute__((format(printf, 3, 4)))
check_fail(struct check *check, const char *path, const char *format, ...)
{
	const struct config_node *node = config_tree_nearest(check->tree, path);
	struct config_place place = node == check->tree ? (struct config_place){1, 1} : node->place;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return config_error_set(check->error, place, "%s: %s", path, text);
}

/* A thing that must not stand twice, and where it stands. */
struct entry {
	const char *text;
	const char *path; /* "zones[%zu].name" */
	size_t index, index2;
};

static void entry_path(const struct entry *entry, char *buffer, size_t size)
{
	const char *p = entry->path;
	size_t index = entry->index, used = 0;

	for (; *p && used + 24 < size; p++) {
		if (*p == '#') {
			used += (size_t)snprintf(buffer + used, size - used, "%zu", index);
			index = entry->index2;
		} else {
			buffer[used++] = *p;
		}
	}
	buffer[used] = '\0';
}

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	if (order != 0)
		return order;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->index2 < y->index2 ? -1 : x->index2 > y->index2;
}

/* Sorts `entries`; the one that comes second in the file is the error. */
static int twins_refuse(struct check *check, struct entry *entries, size_t count)
{
	const struct entry *twin = NULL;
	char path[96], first[96];

	if (count > 1)
		qsort(entries, count, sizeof(*entries), entry_compare);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(entries[i - 1].text, entries[i].text) == 0 &&
			(!twin || entries[i].index < twin->index))
			twin = &entries[i];
	}
	if (!twin)
		return 0;
	entry_path(twin, path, sizeof(path));
	entry_path(twin - 1, first, sizeof(first));
	return check_fail(check, path, "%s stands twice, first in %s", twin->text, first);
}

/* Texts of the addresses' or prefixes' own making, to be sorted. */
static int address_twins(
	struct check *check, const struct address *addresses, size_t count, const char *path)
{
	char(*texts)[VALUE_TEXT] = calloc(count + 1, sizeof(*texts));
	struct entry *entries = calloc(count + 1, sizeof(*entries));
	int r = -ENOMEM;

	if (texts && entries) {
		for (size_t i = 0; i < count; i++)
			entries[i] =
				(struct entry){address_text(&addresses[i], texts[i]), path, i, 0};
		r = twins_refuse(check, entries, count);
	}
	free(entries);
	free(texts);
	return r;
}

/* What an anycast address can't be. */
static const char *service_wrong(const struct address *address)
{
	const uint8_t *b = address->bytes;
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[16];

	if (address->family == AF_INET) {
		if (b[0] == 0)
			return "is not a host's address";
		if (b[0] == 127)
			return "is a loopback address; the service address is the anycast one";
		if (b[0] >= 224)
			return "is not a unicast address";
		return NULL;
	}
	if (memcmp(b, zero, 16) == 0)
		return "is not a host's address";
	if (memcmp(b, zero, 15) == 0 && b[15] == 1)
		return "is a loopback address; the service address is the anycast one";
	if (b[0] == 0xff)
		return "is not a unicast address";
	if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)
		return "is a link-local address";
	if (memcmp(b, mapped, 12) == 0)
		return "is an IPv4 address in IPv6 form";
	return NULL;
}

static int service_check(struct check *check)
{
	const struct config *config = check->config;
	char path[64], text[VALUE_TEXT];

	for (size_t i = 0; i < config->service.addresses_count; i++) {
		const struct address *address = &config->service.addresses[i];
		const char *wrong = service_wrong(address);

		if (wrong) {
			snprintf(path, sizeof(path), "service.addresses[%zu]", i);
			return check_fail(check, path, "%s %s", address_text(address, text), wrong);
		}
		if (address_equal(address, &config->local_server.address))
			return check_fail(check, "local_server.address",
				"%s is a service address; probes and transfers need an address of "
				"the "
				"server's own",
				address_text(address, text));
		for (size_t j = 0; j < config->local_server.source_count; j++) {
			if (!address_equal(address, &config->local_server.source[j]))
				continue;
			snprintf(path, sizeof(path), "local_server.source[%zu]", j);
			return check_fail(check, path, "%s is a service address",
				address_text(address, text));
		}
	}
	return address_twins(check, config->service.addresses, config->service.addresses_count,
		"service.addresses[#]");
}

static int server_check(struct check *check)
{
	const struct config *config = check->config;
	bool seen4 = false, seen6 = false;

	for (size_t i = 0; i < config->local_server.source_count; i++) {
		bool *seen = config->local_server.source[i].family == AF_INET ? &seen4 : &seen6;
		char path[64];

		if (*seen) {
			snprintf(path, sizeof(path), "local_server.source[%zu]", i);
			return check_fail(check, path, "a second source of this family; one each");
		}
		*seen = true;
	}
	return 0;
}

static int interfaces_check(struct check *check)
{
	const struct config *config = check->config;
	struct entry *entries = calloc(config->interfaces_count, sizeof(*entries));
	char path[64];
	int r = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < config->interfaces_count && r == 0; i++) {
		entries[i] = (struct entry){config->interfaces[i].name, "interfaces[#].name", i, 0};
		if (config->interfaces[i].engine == CONFIG_ENGINE_DPDK) {
			snprintf(path, sizeof(path), "interfaces[%zu].engine", i);
			r = check_fail(check, path, "this build has no DPDK engine");
		}
	}
	if (r == 0)
		r = twins_refuse(check, entries, config->interfaces_count);
	free(entries);
	return r;
}

static int keys_check(struct check *check)
{
	const struct config *config = check->config;
	struct entry *entries = calloc(config->keys_count + 1, sizeof(*entries));
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < config->keys_count; i++)
		entries[i] = (struct entry){config->keys[i].name.text, "keys[#].name", i, 0};
	r = twins_refuse(check, entries, config->keys_count);
	free(entries);
	return r;
}

struct names {
	const struct config *config;
	size_t next;
};

static const char *key_next(void *state)
{
	struct names *names = state;

	if (names->next == names->config->keys_count)
		return NULL;
	return names->config->keys[names->next++].name.text;
}

/* `path` names a key that isn't there. */
static int key_refuse(struct check *check, const struct domain *key, const char *path)
{
	struct names names = {check->config, 0};
	const char *meant = config_suggest(key->text, key_next, &names);

	return check_fail(check, path, "no key \"%.64s\" in keys%s%.64s%s", key->text,
		meant ? ", did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
}

static const char *zone_next(void *state)
{
	struct names *names = state;

	while (names->next < names->config->zones_count) {
		const struct config_zone *zone = &names->config->zones[names->next++];

		if (zone->name.text)
			return zone->name.text;
	}
	return NULL;
}

static int zone_check(struct check *check, size_t index)
{
	const struct config_zone *zone = &check->config->zones[index];
	char path[64];

	if (!zone->name.text == !zone->match) {
		snprintf(path, sizeof(path), "zones[%zu]", index);
		return check_fail(check, path,
			zone->match ? "has both name and match; one of them"
				    : "has neither name nor match");
	}
	if (!zone->key.text || config_zone_key(check->config, zone))
		return 0;
	snprintf(path, sizeof(path), "zones[%zu].key", index);
	return key_refuse(check, &zone->key, path);
}

static int zones_check(struct check *check)
{
	const struct config *config = check->config;
	struct entry *entries = calloc(config->zones_count, sizeof(*entries));
	int r = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < config->zones_count && r == 0; i++) {
		const struct config_zone *zone = &config->zones[i];

		r = zone_check(check, i);
		entries[i].text = zone->match ? zone->match : zone->name.text;
		entries[i].path = zone->match ? "zones[#].match" : "zones[#].name";
		entries[i].index = i;
	}
	if (r == 0)
		r = twins_refuse(check, entries, config->zones_count);
	free(entries);
	return r;
}

static bool zone_mirrored(const struct config *config, const struct domain *name)
{
	for (size_t i = 0; i < config->zones_count; i++) {
		const struct config_zone *zone = &config->zones[i];
		struct domain suffix = {0};
		bool holds;

		if (zone->name.text && strcmp(zone->name.text, name->text) == 0)
			return true;
		if (!zone->match || domain_parse(zone->match + 2, &suffix))
			continue;
		holds = domain_within(name, &suffix) && strcmp(name->text, suffix.text) != 0;
		domain_free(&suffix);
		if (holds)
			return true;
	}
	return false;
}

static int health_check(struct check *check)
{
	const struct config *config = check->config;
	char interval[VALUE_TEXT], timeout[VALUE_TEXT], path[64];

	if (config->health.timeout.us > config->health.interval.us) {
		const struct config_node *health = config_tree_child(check->tree, "health");
		bool written = config_tree_child(health, "timeout") != NULL;

		return check_fail(check, written ? "health.timeout" : "health.interval",
			"the timeout (%s) is longer than the interval (%s)",
			duration_text(config->health.timeout, timeout),
			duration_text(config->health.interval, interval));
	}
	for (size_t i = 0; i < config->health.checks_count; i++) {
		const struct config_check *one = &config->health.checks[i];

		snprintf(path, sizeof(path), "health.checks[%zu]", i);
		if (one->type == CONFIG_CHECK_SCRIPT
				? one->name.text || one->command_count == 0 ||
					  one->command[0][0] != '/' ||
					  one->address.family != AF_UNSPEC || one->key.text
				: !one->name.text || one->command_count > 0)
			return check_fail(check, path,
				one->type == CONFIG_CHECK_SCRIPT
					? "a script has a command that begins with its whole path, "
					  "and no name, address or key"
					: "a question has a name, and no command");
		snprintf(path, sizeof(path), "health.checks[%zu].key", i);
		if (one->key.text && !config_key_named(config, &one->key))
			return key_refuse(check, &one->key, path);
		if (one->interval.us == 0 || one->timeout.us <= one->interval.us)
			continue;
		snprintf(path, sizeof(path), "health.checks[%zu].timeout", i);
		return check_fail(check, path, "the timeout (%s) is longer than the interval",
			duration_text(one->timeout, timeout));
	}
	for (size_t i = 0; i < config->health.required_count; i++) {
		const struct domain *name = &config->health.required[i];
		struct names names = {config, 0};
		const char *meant;

		if (zone_mirrored(config, name))
			continue;
		snprintf(path, sizeof(path), "health.required[%zu]", i);
		meant = config_suggest(name->text, zone_next, &names);
		return check_fail(check, path, "no zone \"%.64s\" in zones%s%.64s%s", name->text,
			meant ? ", did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
	}
	return 0;
}

/* Each prefix holds a service address, each service address has a prefix. */
static int cover_check(struct check *check)
{
	const struct config *config = check->config;
	char path[64], text[VALUE_TEXT];

	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		const struct prefix *prefix = &config->routing.prefixes[i].prefix;
		size_t j = 0;

		while (j < config->service.addresses_count &&
			!prefix_holds(prefix, &config->service.addresses[j]))
			j++;
		if (j == config->service.addresses_count) {
			snprintf(path, sizeof(path), "routing.prefixes[%zu].prefix", i);
			return check_fail(check, path, "%s holds none of the service addresses",
				prefix_text(prefix, text));
		}
	}
	for (size_t i = 0; i < config->service.addresses_count; i++) {
		const struct address *address = &config->service.addresses[i];
		size_t j = 0;

		while (j < config->routing.prefixes_count &&
			!prefix_holds(&config->routing.prefixes[j].prefix, address))
			j++;
		if (j == config->routing.prefixes_count) {
			snprintf(path, sizeof(path), "service.addresses[%zu]", i);
			return check_fail(check, path, "%s is in none of routing.prefixes",
				address_text(address, text));
		}
	}
	return 0;
}

/* A protocol that serves two prefixes could not be switched for one. */
static int protocols_check(struct check *check)
{
	const struct config *config = check->config;
	size_t count = config->routing.prefixes_count, used = 0;
	struct entry *entries = calloc(2 * count, sizeof(*entries));
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];

		entries[used++] =
			(struct entry){prefix->protocol, "routing.prefixes[#].protocol", i, 0};
		if (prefix->drain_protocol)
			entries[used++] = (struct entry){
				prefix->drain_protocol, "routing.prefixes[#].drain_protocol", i, 1};
	}
	r = twins_refuse(check, entries, used);
	free(entries);
	return r;
}

static int peers_check(struct check *check, size_t index)
{
	const struct config_prefix *prefix = &check->config->routing.prefixes[index];
	struct entry *entries = calloc(prefix->peers_count, sizeof(*entries));
	int r;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < prefix->peers_count; i++)
		entries[i] =
			(struct entry){prefix->peers[i], "routing.prefixes[#].peers[#]", index, i};
	r = twins_refuse(check, entries, prefix->peers_count);
	free(entries);
	return r;
}

static int guard_check(struct check *check)
{
	const struct config *config = check->config;
	char path[64], text[VALUE_TEXT];

	for (size_t i = 0; i < config->routing.guard.peers_count; i++) {
		const struct config_peer *peer = &config->routing.guard.peers[i];

		for (size_t j = 0; j < config->service.addresses_count; j++) {
			if (!address_equal(&config->service.addresses[j], &peer->address))
				continue;
			snprintf(path, sizeof(path), "routing.guard.peers[%zu].address", i);
			return check_fail(check, path,
				"%s is a service address; this node would ask itself",
				address_text(&peer->address, text));
		}
		if (!peer->key.text || config_key_named(config, &peer->key))
			continue;
		snprintf(path, sizeof(path), "routing.guard.peers[%zu].key", i);
		return key_refuse(check, &peer->key, path);
	}
	return 0;
}

static int routing_check(struct check *check)
{
	const struct config *config = check->config;
	size_t count = config->routing.prefixes_count;
	char(*texts)[VALUE_TEXT];
	struct entry *entries;
	int r = -ENOMEM;

	if (count == 0)
		return 0;
	texts = calloc(count, sizeof(*texts));
	entries = calloc(count, sizeof(*entries));
	if (texts && entries) {
		for (size_t i = 0; i < count; i++)
			entries[i] = (struct entry){
				prefix_text(&config->routing.prefixes[i].prefix, texts[i]),
				"routing.prefixes[#].prefix", i, 0};
		r = twins_refuse(check, entries, count);
	}
	free(entries);
	free(texts);
	if (r == 0)
		r = cover_check(check);
	if (r == 0)
		r = protocols_check(check);
	for (size_t i = 0; i < count && r == 0; i++)
		r = peers_check(check, i);
	if (r == 0)
		r = guard_check(check);
	return r;
}

int config_check(
	const struct config *config, const struct config_node *tree, struct config_error *error)
{
	static int (*const checks[])(struct check *) = {service_check, server_check,
		interfaces_check, keys_check, zones_check, health_check, routing_check};
	struct check check = {config, tree, error};
	int r = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]) && r == 0; i++)
		r = checks[i](&check);
	return r;
}
