/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * anodectl bgp: each peer's session and BFD, what it is sent of each prefix and
 * with which attributes, and how many AS paths carry a prefix. Asks BIRD itself,
 * so that it works with no daemon.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/table.h"
#include "control/config.h"
#include "control/peering/view.h"

struct bgp {
	struct cli *cli;
	const struct config *config;
	struct view view;
	json_t *peers, *prefixes, *warnings;
	int exit;
};

/* The worst code wins: degraded over doubtful. */
static void warn(struct bgp *bgp, int exit, json_t *text)
{
	json_array_append_new(bgp->warnings, text);
	if (bgp->exit == EXIT_GOOD || exit == EXIT_DEGRADED)
		bgp->exit = exit;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *peer_find(const struct bgp *bgp, const char *name)
{
	json_t *peer;
	size_t i;

	json_array_foreach(bgp->peers, i, peer)
	{
		if (strcmp(text_of(peer, "peer"), name) == 0)
			return peer;
	}
	return NULL;
}

static json_t *peer_json(struct bgp *bgp, const char *name)
{
	const struct protocol *peer = protocol_find(&bgp->view.protocols, name);
	json_t *json = json_pack(
		"{s:s, s:b, s:o}", "peer", name, "found", peer != NULL, "prefixes", json_array());

	if (!peer) {
		warn(bgp, EXIT_DEGRADED, json_sprintf("%s: BIRD has no such protocol", name));
		return json;
	}
	json_object_set_new(json, "established", json_boolean(peer->established));
	json_object_set_new(json, "state", text_or_null(peer->state));
	json_object_set_new(json, "error", text_or_null(peer->error));
	json_object_set_new(json, "neighbor", text_or_null(peer->neighbor));
	json_object_set_new(json, "neighbor_as", json_integer(peer->neighbor_as));
	json_object_set_new(json, "local_as", json_integer(peer->local_as));
	json_object_set_new(json, "internal", json_boolean(protocol_internal(peer)));
	json_object_set_new(
		json, "multihop", peer->established ? json_boolean(peer->multihop) : json_null());
	json_object_set_new(json, "bfd", text_or_null(bfd_find(&bgp->view.bfd, peer->neighbor)));
	if (!peer->established)
		warn(bgp, EXIT_DEGRADED,
			json_sprintf("%s: the session is %s%s%s", name,
				peer->state[0] ? peer->state : "down", peer->error[0] ? ", " : "",
				peer->error));
	return json;
}

/* As it goes out: BIRD shows what its filter made, and puts our AS in front when it sends. */
static json_t *as_path_sent(const struct protocol *peer, const struct exported_route *route)
{
	const char *path = exported_attribute(route, "as_path");

	if (protocol_internal(peer) || !peer->local_as)
		return json_string(path ? path : "");
	return json_sprintf("%u%s%s", peer->local_as, path && *path ? " " : "", path ? path : "");
}

static json_t *attributes_json(const struct protocol *peer, const struct exported_route *route)
{
	json_t *json = json_object();

	for (size_t i = 0; i < route->attributes_count; i++)
		json_object_set_new(
			json, route->attributes[i].name, json_string(route->attributes[i].value));
	json_object_set_new(json, "as_path", as_path_sent(peer, route));
	return json;
}

/* What makes one way out different from another: whose network it is. */
static void upstream_add(json_t *upstreams, const struct protocol *peer)
{
	json_t *known, *path = protocol_internal(peer) ? json_sprintf("%u (iBGP)", peer->local_as)
						       : json_sprintf("%u", peer->neighbor_as);
	size_t i;

	json_array_foreach(upstreams, i, known)
	{
		if (json_equal(known, path)) {
			json_decref(path);
			return;
		}
	}
	json_array_append_new(upstreams, path);
}

static const char *state_of(const struct config_prefix *prefix, const struct exported_route *route)
{
	if (!route->there)
		return route->understood ? "withdrawn" : NULL;
	if (strcmp(route->from, prefix->protocol) == 0)
		return "announced";
	if (prefix->drain_protocol && strcmp(route->from, prefix->drain_protocol) == 0)
		return "degraded";
	return "foreign";
}

static int export_add(struct bgp *bgp, const struct config_prefix *prefix, const char *text,
	const char *name, json_t *upstreams)
{
	const struct protocol *peer = protocol_find(&bgp->view.protocols, name);
	json_t *json = peer_find(bgp, name);
	struct exported_route route;
	struct bird_prefix wanted;
	const char *state = NULL;
	int r = 0;

	if (!json) {
		json = peer_json(bgp, name);
		json_array_append_new(bgp->peers, json);
	}
	exported_begin(&route, &(struct bird_prefix){0});
	if (peer && bird_prefix_parse(&wanted, text) == 0)
		r = view_exported(&bgp->view, &route, &wanted, name);
	if (r < 0)
		return r;
	/* "No valid tables" while the session is down: nothing is sent. */
	state = peer && !peer->established && !route.there ? "withdrawn" : state_of(prefix, &route);
	if (route.there)
		upstream_add(upstreams, peer);
	if (state && strcmp(state, "foreign") == 0)
		warn(bgp, EXIT_DEGRADED,
			json_sprintf(
				"%s: %s is sent out of protocol %s, which anode doesn't switch",
				name, text, route.from));
	json_array_append_new(json_object_get(json, "prefixes"),
		json_pack("{s:s, s:o, s:o, s:o}", "prefix", text, "state", text_or_null(state),
			"from", text_or_null(route.from), "attributes",
			route.there ? attributes_json(peer, &route) : json_null()));
	return 0;
}

static int prefix_add(struct bgp *bgp, const struct config_prefix *prefix)
{
	json_t *upstreams = json_array();
	char text[VALUE_TEXT];
	size_t paths;
	int r = 0;

	prefix_text(&prefix->prefix, text);
	for (size_t i = 0; r == 0 && i < prefix->peers_count; i++)
		r = export_add(bgp, prefix, text, prefix->peers[i], upstreams);
	paths = json_array_size(upstreams);
	/* A prefix that is withdrawn has none, and that is another matter. */
	if (paths > 0 && paths < bgp->config->routing.upstream_paths)
		warn(bgp, EXIT_DOUBTFUL,
			json_sprintf("%s: %zu upstream AS path%s, routing.upstream_paths is %u",
				text, paths, paths == 1 ? "" : "s",
				bgp->config->routing.upstream_paths));
	json_array_append_new(
		bgp->prefixes, json_pack("{s:s, s:i, s:o}", "prefix", text, "upstream_paths",
				       (int)paths, "upstreams", upstreams));
	return r;
}

/* ---- text ---- */

static void peers_show(const struct bgp *bgp)
{
	static const char *const titles[] = {
		"PEER", "NEIGHBOUR", ">AS", "KIND", "SESSION", "BFD", "ERROR", NULL};
	struct table *table = table_new(bgp->cli, titles);
	const json_t *peer;
	size_t i;

	json_array_foreach(bgp->peers, i, peer)
	{
		bool up = json_is_true(json_object_get(peer, "established"));
		const char *bfd = text_of(peer, "bfd");
		char as[PHRASE], kind[PHRASE];

		table_cell(table, TONE_PLAIN, text_of(peer, "peer"));
		table_cell(table, TONE_PLAIN, text_of(peer, "neighbor"));
		table_cell(
			table, TONE_PLAIN, serial_text(json_object_get(peer, "neighbor_as"), as));
		snprintf(kind, sizeof(kind), "%s%s",
			json_is_true(json_object_get(peer, "internal")) ? "iBGP" : "eBGP",
			json_is_true(json_object_get(peer, "multihop")) ? ", multihop" : "");
		table_cell(table, TONE_PLAIN,
			json_is_true(json_object_get(peer, "found")) ? kind : NULL);
		table_cell(table, up ? TONE_GOOD : TONE_BAD,
			text_of(peer, "state") ? text_of(peer, "state") : "no such protocol");
		table_cell(table,
			!bfd                     ? TONE_DIM
			: strcmp(bfd, "Up") == 0 ? TONE_GOOD
						 : TONE_BAD,
			bfd);
		table_cell(table, TONE_PLAIN, text_of(peer, "error"));
	}
	table_print(table);
}

static const char *attributes_text(const json_t *attributes, char text[static 512])
{
	json_t *object = (json_t *)(uintptr_t)attributes, *value;
	const char *name;
	size_t used = 0;

	text[0] = '\0';
	json_object_foreach(object, name, value)
	{
		const char *word = json_string_value(value);

		if (strcmp(name, "origin") == 0 || !word || !*word || used + 160 > 512)
			continue;
		used += (size_t)snprintf(
			text + used, 512 - used, "%s%s %s", used ? ", " : "", name, word);
	}
	return used ? text : NULL;
}

static void exports_show(const struct bgp *bgp)
{
	static const char *const titles[] = {"PEER", "PREFIX", "STATE", "SENT WITH", NULL};
	struct table *table = table_new(bgp->cli, titles);
	const json_t *peer, *prefix;
	char text[512];
	size_t i, j;

	json_array_foreach(bgp->peers, i, peer)
	{
		json_array_foreach(json_object_get(peer, "prefixes"), j, prefix)
		{
			const char *state = text_of(prefix, "state");

			table_cell(table, TONE_PLAIN, text_of(peer, "peer"));
			table_cell(table, TONE_PLAIN, text_of(prefix, "prefix"));
			table_cell(table,
				!state                            ? TONE_DIM
				: strcmp(state, "announced") == 0 ? TONE_GOOD
				: strcmp(state, "degraded") == 0  ? TONE_WARN
								  : TONE_BAD,
				state ? state : "not known");
			table_cell(table, TONE_PLAIN,
				attributes_text(json_object_get(prefix, "attributes"), text));
		}
	}
	table_print(table);
}

static void bgp_show(const struct bgp *bgp)
{
	const json_t *item, *upstream;
	size_t i, j;

	printf("BIRD %s\n", bird_ask_version(bgp->view.bird));
	peers_show(bgp);
	putchar('\n');
	exports_show(bgp);
	putchar('\n');
	json_array_foreach(bgp->prefixes, i, item)
	{
		printf("%s: %d upstream AS path%s", text_of(item, "prefix"),
			(int)json_integer_value(json_object_get(item, "upstream_paths")),
			json_integer_value(json_object_get(item, "upstream_paths")) == 1 ? ""
											 : "s");
		json_array_foreach(json_object_get(item, "upstreams"), j, upstream)
			printf("%s %s", j ? "," : ":", json_string_value(upstream));
		putchar('\n');
	}
	json_array_foreach(bgp->warnings, i, item)
	{
		tone_print(bgp->cli, TONE_WARN, "warning");
		printf(": %s\n", json_string_value(item));
	}
}

static int bgp_look(struct bgp *bgp)
{
	const char *socket = bgp->config->routing.bird.socket;
	int r = view_open(&bgp->view, socket, (struct span){(int64_t)bgp->cli->timeout_us * 1000});

	for (size_t i = 0; r == 0 && i < bgp->config->routing.prefixes_count; i++)
		r = prefix_add(bgp, &bgp->config->routing.prefixes[i]);
	if (r < 0) {
		cli_error(bgp->cli, "%s: %s%s", socket, strerror(-r),
			r == -ENOENT || r == -ECONNREFUSED ? "; is BIRD running?" : "");
		return r == -ETIMEDOUT ? EXIT_TIMEOUT : EXIT_UNREACHABLE;
	}
	if (bgp->cli->json && !bgp->cli->quiet) {
		json_t *json = json_pack("{s:s, s:O, s:O, s:O}", "bird",
			bird_ask_version(bgp->view.bird), "peers", bgp->peers, "prefixes",
			bgp->prefixes, "warnings", bgp->warnings);

		cli_json(json);
		json_decref(json);
	} else if (!bgp->cli->quiet) {
		bgp_show(bgp);
	}
	return bgp->exit;
}

int cmd_bgp(struct cli *cli, int argc, char **argv)
{
	struct bgp bgp = {.cli = cli, .exit = EXIT_GOOD};
	struct config_error error;
	struct config *config;
	const char *file;
	int operand, r = cli_parse(cli, argc, argv, NULL, 0, &operand);

	if (r != 0)
		return r - 1;
	if (operand != argc)
		return cli_usage(cli, "bgp takes no \"%s\"", argv[operand]);
	file = cli->config ? cli->config : CONFIG_DEFAULT_PATH;
	if (config_read(file, &config, &error) < 0) {
		config_error_print(&error, file, stderr);
		return EXIT_CONFIG;
	}
	bgp.config = config;
	bgp.peers = json_array();
	bgp.prefixes = json_array();
	bgp.warnings = json_array();
	r = bgp_look(&bgp);
	view_close(&bgp.view);
	json_decref(bgp.peers);
	json_decref(bgp.prefixes);
	json_decref(bgp.warnings);
	config_free(config);
	return r;
}
