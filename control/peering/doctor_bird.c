/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the running BIRD says: protocols, sessions, filters, and what peers are sent. */
#include "control/peering/doctor_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURE_EXPORT "export filter anode_export, as `anodectl bird-config` prints it"

static const char *where_of(const char *protocol, char text[static 96])
{
	snprintf(text, 96, "protocol %s", protocol);
	return text;
}

/* One of the prefix's two: there, and static. */
static const struct protocol *static_look(struct visit *visit, const char *name)
{
	const struct protocol *protocol = protocol_find(&visit->view.protocols, name);
	char where[96];

	if (!protocol)
		visit_remark(visit, DOCTOR_FAULT, "no-protocol", where_of(name, where),
			"include what `anodectl bird-config` prints in bird.conf, then birdc "
			"configure",
			"BIRD has none of that name: it can't be enabled");
	else if (strcmp(protocol->type, "Static") != 0)
		visit_remark(visit, DOCTOR_FAULT, "not-static", where_of(name, where),
			"name a static protocol in routing.prefixes",
			"is of type %s: enabling it does more than announce", protocol->type);
	return protocol;
}

static void session_look(struct visit *visit, const struct protocol *peer)
{
	const char *bfd = bfd_find(&visit->view.bfd, peer->neighbor);
	char where[96];

	where_of(peer->name, where);
	if (!peer->established)
		visit_remark(visit, DOCTOR_DOUBT, "session-down", where,
			peer->up ? "look at the router, and at birdc show protocols all"
				 : "birdc enable it",
			"the session is %s%s%s: nothing reaches this router",
			peer->state[0] ? peer->state : "down", peer->error[0] ? ", " : "",
			peer->error);
	if (peer->graceful_restart)
		visit_remark(visit, DOCTOR_FAULT, "graceful-restart", where,
			"graceful restart off; long lived graceful restart off;",
			"graceful restart is on: when this BIRD dies the router keeps sending us "
			"traffic for minutes");
	if (peer->established && !bfd)
		visit_remark(visit, DOCTOR_NOTE, "no-bfd", where,
			"bfd on, and a protocol bfd, at both ends (300 ms x 3 holds on a busy "
			"host)",
			"no BFD: a dead node is noticed by the hold time alone");
	else if (bfd && strcmp(bfd, "Up") != 0)
		visit_remark(visit, DOCTOR_DOUBT, "bfd-down", where, "turn it on at both ends",
			"BFD with %s is %s", peer->neighbor, bfd);
}

static void filters_look(struct visit *visit, const struct protocol *peer, int family)
{
	const struct protocol_channel *channel = protocol_channel(peer, family);
	char where[96];

	where_of(peer->name, where);
	if (!channel) {
		visit_remark(visit, DOCTOR_FAULT, "no-channel", where,
			family == AF_INET ? "ipv4 { ... };" : "ipv6 { ... };",
			"has no IPv%c: the prefix can't be sent", family == AF_INET ? '4' : '6');
		return;
	}
	if (strcmp(channel->output, "ACCEPT") == 0)
		visit_remark(visit, DOCTOR_FAULT, "filter-leaks", where, CURE_EXPORT,
			"%s: export all: whatever else gets into the table leaves this host",
			channel->name);
	if (strcmp(channel->output, "REJECT") == 0)
		visit_remark(visit, DOCTOR_FAULT, "filter-blocks", where, CURE_EXPORT,
			"%s: export none: the prefix is never announced", channel->name);
	if (protocol_internal(peer) && visit->config->routing.drain.prepends &&
		strcmp(channel->output, "anode_export") == 0)
		visit_remark(visit, DOCTOR_FAULT, "drain-loops", where,
			"export filter anode_export_internal, as `anodectl bird-config` prints it",
			"%s: iBGP, and a drain prepends our own AS: the router drops the route as "
			"a loop, and a drain is a withdrawal",
			channel->name);
	if (strcmp(channel->input, "REJECT") == 0)
		visit_remark(visit, DOCTOR_DOUBT, "guard-blind", where,
			"import filter anode_import4 or anode_import6 (and have the router send "
			"them)",
			"%s: import none: whether others announce can't be seen, and counts as "
			"nobody",
			channel->name);
}

/* What the peer is sent of the prefix, and what is kept from it. */
static void export_look(struct visit *visit, const struct config_prefix *prefix,
	const struct protocol *peer, bool enabled)
{
	struct exported_route route;
	struct bird_prefix wanted;
	bool filtered = false;
	char where[96];

	visit_prefix(prefix, &wanted);
	where_of(peer->name, where);
	if (view_exported(&visit->view, &route, &wanted, peer->name) < 0)
		return;
	if (route.there && !visit_ours(visit, route.from))
		visit_remark(visit, DOCTOR_FAULT, "foreign", where,
			"stop the other protocol, or keep it out by the export filter",
			"sends the prefix out of protocol %s, which anode doesn't switch: it can't "
			"be withdrawn",
			route.from);
	if (!route.there && route.understood && enabled && peer->established &&
		view_filtered(&visit->view, &wanted, peer->name, &filtered) == 0 && filtered)
		visit_remark(visit, DOCTOR_FAULT, "filter-blocks", where, CURE_EXPORT,
			"the prefix of %s is there, but the export filter rejects it",
			prefix->protocol);
}

struct leaks {
	struct visit *visit;
	size_t count;
	char first[BIRD_PREFIX_TEXT], from[BIRD_NAME_MAX];
};

static void leak_take(void *arg, const struct bird_prefix *prefix, const char *from)
{
	const struct config *config;
	struct leaks *leaks = arg;

	config = leaks->visit->config;
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		struct bird_prefix ours;

		visit_prefix(&config->routing.prefixes[i], &ours);
		if (bird_prefix_equal(prefix, &ours))
			return;
	}
	if (leaks->count++ == 0) {
		bird_prefix_format(prefix, leaks->first);
		snprintf(leaks->from, sizeof(leaks->from), "%s", from);
	}
}

static void leaks_look(struct visit *visit, const struct protocol *peer)
{
	struct leaks leaks = {.visit = visit};
	char where[96];

	if (peer->established &&
		view_each_exported(&visit->view, peer->name, leak_take, &leaks) == 0 && leaks.count)
		visit_remark(visit, DOCTOR_FAULT, "leak", where_of(peer->name, where), CURE_EXPORT,
			"is sent %zu route%s that anode doesn't announce, such as %s of %s",
			leaks.count, leaks.count == 1 ? "" : "s", leaks.first, leaks.from);
}

/* A blackhole in the kernel's table would swallow the answers' way, or the queries. */
static void kernel_look(struct visit *visit, const struct config_prefix *prefix)
{
	struct bird_prefix wanted;

	visit_prefix(prefix, &wanted);
	for (size_t i = 0; i < visit->view.protocols.count; i++) {
		const struct protocol *protocol = &visit->view.protocols.items[i];
		struct exported_route route;
		char where[96];

		if (strcmp(protocol->type, "Kernel") != 0 ||
			!protocol_channel(protocol, wanted.family))
			continue;
		if (view_exported(&visit->view, &route, &wanted, protocol->name) == 0 &&
			route.there && visit_ours(visit, route.from))
			visit_remark(visit, DOCTOR_FAULT, "kernel-export",
				where_of(protocol->name, where),
				"export where proto != \"PROTOCOL\" for each of anode's, or export "
				"none",
				"puts the blackhole of %s into the kernel's table: what isn't "
				"addressed to a local address there is lost",
				route.from);
	}
}

static bool peer_seen(const struct config *config, size_t prefix, size_t peer)
{
	const char *name = config->routing.prefixes[prefix].peers[peer];

	for (size_t i = 0; i <= prefix; i++) {
		size_t end = i < prefix ? config->routing.prefixes[i].peers_count : peer;

		for (size_t j = 0; j < end; j++) {
			if (strcmp(config->routing.prefixes[i].peers[j], name) == 0)
				return true;
		}
	}
	return false;
}

static void prefix_look(struct visit *visit, size_t index)
{
	const struct config_prefix *prefix = &visit->config->routing.prefixes[index];
	const struct protocol *main = static_look(visit, prefix->protocol), *drain = NULL;

	if (prefix->drain_protocol)
		drain = static_look(visit, prefix->drain_protocol);
	for (size_t i = 0; i < prefix->peers_count; i++) {
		const struct protocol *peer =
			protocol_find(&visit->view.protocols, prefix->peers[i]);
		char where[96];

		if (!peer || strcmp(peer->type, "BGP") != 0) {
			if (!peer_seen(visit->config, index, i))
				visit_remark(visit, DOCTOR_FAULT, "no-peer",
					where_of(prefix->peers[i], where),
					"name a BGP protocol in peers, or add it to bird.conf",
					peer ? "isn't BGP: what routers get can't be read back "
					       "from "
					       "it"
					     : "BIRD has no such protocol: what was sent is not "
					       "known");
			continue;
		}
		if (!peer_seen(visit->config, index, i)) {
			session_look(visit, peer);
			leaks_look(visit, peer);
		}
		filters_look(visit, peer, prefix->prefix.address.family);
		export_look(visit, prefix, peer, (main && main->up) || (drain && drain->up));
	}
	kernel_look(visit, prefix);
}

/* "2.0.12" -> 2, 0, 12 */
static void version_look(struct visit *visit)
{
	const char *version = visit->doctor->bird;
	int numbers[3] = {0};

	if (sscanf(version, "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]) < 2)
		return;
	if (numbers[0] < 2 || (numbers[0] == 2 && numbers[1] == 0 && numbers[2] < 12))
		visit_remark(visit, DOCTOR_DOUBT, "bird-old", visit->config->routing.bird.socket,
			"BIRD 2.0.12 (Debian 12) or newer", "BIRD %s isn't tested with anode",
			version);
}

void visit_bird(struct visit *visit)
{
	version_look(visit);
	if (!visit->view.dated)
		visit_remark(visit, DOCTOR_DOUBT, "timeformat", "timeformat base in bird.conf",
			"leave timeformat base at its default",
			"the dates of `show status` aren't in BIRD's default format: a configure "
			"looks like a person's `disable`");
	for (size_t i = 0; i < visit->config->routing.prefixes_count; i++)
		prefix_look(visit, i);
}
