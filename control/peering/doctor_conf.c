/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What BIRD's configuration file says that the running BIRD can't: what it will do next time. */
#include "control/peering/doctor_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURE_INCLUDE "take the block as `anodectl bird-config` prints it"

static const char *where_in(const struct visit *visit, const char *protocol, char text[static 128])
{
	snprintf(text, 128, "protocol %.40s in %.70s", protocol, visit->doctor->bird_conf);
	return text;
}

/* `disabled;`, then the include of the state file: in this order. */
static void static_look(struct visit *visit, const char *name)
{
	const char *disabled, *include, *block;
	char where[128], path[4352];
	size_t size;

	where_in(visit, name, where);
	block = birdconf_protocol(&visit->conf, "static", name, &size);
	if (!block) {
		/* A running one was there; the file changed since. Without BIRD it is all we know.
		 */
		visit_remark(visit, DOCTOR_FAULT, "not-in-conf", where, CURE_INCLUDE,
			"the file has no such static protocol: the next configure takes it away");
		return;
	}
	snprintf(path, sizeof(path), "%s/%s.conf", visit->config->routing.bird.state_dir, name);
	if (!birdconf_includes(&visit->conf, path)) {
		visit_remark(visit, DOCTOR_FAULT, "no-include", where, CURE_INCLUDE,
			"doesn't include %.100s: `birdc configure` undoes what anode did, and may "
			"announce a sick node",
			path);
		return;
	}
	disabled = memmem(block, size, "disabled", 8);
	include = memmem(block, size, "include", 7);
	if (!disabled || !include || disabled > include)
		visit_remark(visit, DOCTOR_FAULT, "not-disabled", where, CURE_INCLUDE,
			"isn't `disabled;` ahead of its include: every boot announces before "
			"anything was checked");
	if (birdconf_includes(&visit->conf, path) &&
		memmem(visit->conf.includes, visit->conf.includes_size, path, strlen(path)))
		visit_remark(visit, DOCTOR_FAULT, "include-literal", where, CURE_INCLUDE,
			"the include has no pattern: BIRD refuses to start while the file is "
			"missing, as it is after every boot");
}

static const struct config_prefix *prefix_of_family(
	const struct config *config, const char *peer, int family)
{
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];

		if (prefix->prefix.address.family != family)
			continue;
		for (size_t j = 0; j < prefix->peers_count; j++) {
			if (strcmp(prefix->peers[j], peer) == 0)
				return prefix;
		}
	}
	return NULL;
}

/* Siblings of the same AS are dropped as loops, unless the session allows our own AS in a path. */
static void loops_look(struct visit *visit, const struct protocol *peer)
{
	const char *block;
	char where[128];
	size_t size;

	if (strcmp(peer->type, "BGP") != 0 || protocol_internal(peer) || !peer->local_as)
		return;
	if (!prefix_of_family(visit->config, peer->name, AF_INET) &&
		!prefix_of_family(visit->config, peer->name, AF_INET6))
		return;
	block = birdconf_protocol(&visit->conf, "bgp", peer->name, &size);
	if (!block || birdconf_says(block, size, "allow local as") ||
		birdconf_says(visit->conf.text, visit->conf.size, "allow local as"))
		return;
	for (size_t i = 0; i < peer->channels_count; i++) {
		if (strcmp(peer->channels[i].input, "REJECT") == 0)
			return; /* said already: nothing is imported at all */
	}
	visit_remark(visit, DOCTOR_DOUBT, "guard-blind", where_in(visit, peer->name, where),
		"allow local as 1;",
		"routes of nodes with our own AS %u are dropped as loops: whether others "
		"announce can't be seen, and counts as nobody",
		peer->local_as);
}

void visit_conf(struct visit *visit)
{
	const struct config *config = visit->config;
	const char *text = visit->conf.text;
	size_t size = visit->conf.size;

	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		static_look(visit, config->routing.prefixes[i].protocol);
		if (config->routing.prefixes[i].drain_protocol)
			static_look(visit, config->routing.prefixes[i].drain_protocol);
	}
	if (birdconf_says(text, size, "graceful restart on") ||
		birdconf_says(text, size, "graceful restart yes") ||
		birdconf_says(text, size, "graceful restart true"))
		visit_remark(visit, DOCTOR_FAULT, "graceful-restart", visit->doctor->bird_conf,
			"graceful restart off; long lived graceful restart off;",
			"graceful restart is on: when this BIRD dies routers keep sending us "
			"traffic for minutes");
	if (visit->conf.failed[0])
		visit_remark(visit, DOCTOR_NOTE, "include-unread", visit->doctor->bird_conf,
			"look as root", "an included file can't be read: %s", visit->conf.failed);
	for (size_t i = 0; visit->has_view && i < visit->view.protocols.count; i++)
		loops_look(visit, &visit->view.protocols.items[i]);
}
