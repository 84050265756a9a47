/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/include.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config_value.h"

/* Above what BGP imports have (100), so that ours stays the one that is sent. */
#define PREFERENCE_MAIN  200
#define PREFERENCE_DRAIN 190

/* The bracket stands in the component below a top directory, which always exists. */
int include_pattern(char **pattern, const char *state_dir, const char *protocol)
{
	size_t first = 1 + strcspn(state_dir + 1, "/"), end;

	*pattern = NULL;
	if (state_dir[0] != '/' || strpbrk(state_dir, "*?[]{}\\\"'$\n"))
		return -EINVAL;
	end = state_dir[first] ? first + 1 + strcspn(state_dir + first + 1, "/") : first;
	if (end < 2 || state_dir[end - 1] == '/')
		return -EINVAL;
	if (asprintf(pattern, "%.*s[%c]%s/%s.conf", (int)(end - 1), state_dir, state_dir[end - 1],
		    state_dir + end, protocol) < 0) {
		*pattern = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* BIRD takes '-', '.' and ':' in a name only between quotes. */
static const char *quote(const char *name)
{
	return strpbrk(name, "-.:") ? "'" : "";
}

static void communities_print(FILE *out, const struct config *config)
{
	for (size_t i = 0; i < config->routing.large_communities_count; i++) {
		uint32_t parts[3] = {0};

		sscanf(config->routing.large_communities[i], "%u:%u:%u", &parts[0], &parts[1],
			&parts[2]);
		fprintf(out, "\t\tbgp_large_community.add((%u, %u, %u));\n", parts[0], parts[1],
			parts[2]);
	}
}

static void drain_print(FILE *out, const struct config *config)
{
	if (config->routing.drain.graceful_shutdown)
		fputs("\t\tbgp_community.add((65535, 0)); # GRACEFUL_SHUTDOWN, RFC 8326\n", out);
	for (uint32_t i = 0; i < config->routing.drain.prepends; i++) {
		if (config->routing.as)
			fprintf(out, "\t\tbgp_path.prepend(%u);\n", config->routing.as);
		else
			fputs("\t\tbgp_path.prepend(NODE_AS);\n", out);
	}
	if (config->routing.drain.med)
		fprintf(out, "\t\tbgp_med = %u;\n", config->routing.drain.med);
}

static int static_print(FILE *out, const struct config *config, const struct config_prefix *prefix,
	const char *protocol, bool drain)
{
	char text[VALUE_TEXT], *pattern;
	int r = include_pattern(&pattern, config->routing.bird.state_dir, protocol);

	if (r < 0)
		return r;
	prefix_text(&prefix->prefix, text);
	fprintf(out,
		"\nprotocol static %s%s%s {\n\tdisabled;\n\tinclude \"%s\";\n"
		"\t%s { preference %d; };\n\troute %s blackhole",
		quote(protocol), protocol, quote(protocol), pattern,
		prefix->prefix.address.family == AF_INET ? "ipv4" : "ipv6",
		drain ? PREFERENCE_DRAIN : PREFERENCE_MAIN, text);
	free(pattern);
	if (config->routing.large_communities_count || drain) {
		fputs(" {\n", out);
		communities_print(out, config);
		if (drain)
			drain_print(out, config);
		fputs("\t}", out);
	}
	fputs(";\n}\n", out);
	return 0;
}

/* Ours, and what is done to a route before it is sent. */
static void export_print(FILE *out, const struct config *config, const char *name, bool internal)
{
	const char *separator = "";

	fprintf(out, "filter %s {\n\tif ", name);
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];

		fprintf(out, "%sproto = \"%s\"", separator, prefix->protocol);
		separator = " ||\n\t   ";
		if (prefix->drain_protocol)
			fprintf(out, "%sproto = \"%s\"", separator, prefix->drain_protocol);
	}
	if (!internal)
		fputs(" then accept;\n\treject;\n}\n", out);
	else if (config->routing.as)
		fprintf(out, " then {\n\t\tbgp_path.delete(%u);\n\t\taccept;\n\t}\n\treject;\n}\n",
			config->routing.as);
	else
		fputs(" then {\n\t\tbgp_path.delete(NODE_AS);\n\t\taccept;\n\t}\n\treject;\n}\n",
			out);
}

static void filters_print(FILE *out, const struct config *config)
{
	char text[VALUE_TEXT];

	fputs("\n# Only what anode switches leaves this host, whatever else is in the table.\n",
		out);
	export_print(out, config, "anode_export", false);
	fputs("\n# The same for iBGP: a drain's prepends would be a loop there, and the route "
	      "dropped.\n",
		out);
	export_print(out, config, "anode_export_internal", true);
	for (int family = 4; family <= 6; family += 2) {
		sa_family_t wanted = family == 4 ? AF_INET : AF_INET6;
		bool any = false;

		fprintf(out,
			"\n# For `import`: who else announces, and nothing more. "
			"`import none` blinds the guard.\nfilter anode_import%d {\n",
			family);
		for (size_t i = 0; i < config->routing.prefixes_count; i++) {
			const struct config_prefix *prefix = &config->routing.prefixes[i];

			if (prefix->prefix.address.family != wanted)
				continue;
			fprintf(out, "\tif net = %s then accept;\n",
				prefix_text(&prefix->prefix, text));
			any = true;
		}
		fprintf(out, "%s\treject;\n}\n", any ? "" : "\t# no prefix of this family\n");
	}
}

static void head_print(FILE *out, const struct config *config, const char *file)
{
	bool named = !config->routing.as;

	fprintf(out,
		"# Printed by `anodectl bird-config` from %s: print it again when\n"
		"# routing there changes. Include it from bird.conf%s.\n"
		"#\n"
		"# Each prefix has a static protocol, and one with the attributes of a drain. Both "
		"are\n"
		"# disabled here, so that every boot starts withdrawn; anoded writes `disabled "
		"off;` into\n"
		"# the file that is included behind it before it enables one, so that `birdc "
		"configure`\n"
		"# changes nothing. The bracket makes a missing file legal.\n"
		"#\n"
		"# Your sessions, by the names of `peers`:\n"
		"#\n"
		"#       protocol bgp edge1 {\n"
		"#               local 192.0.2.1 as 65053; neighbor 192.0.2.254 as 64496;\n"
		"#               graceful restart off;   # else the router keeps a dead node's "
		"routes\n"
		"#               ipv4 { import filter anode_import4; export filter anode_export; "
		"};\n"
		"#       }\n"
		"#\n"
		"# For iBGP: `export filter anode_export_internal`, and `next hop self` where you "
		"need it.\n"
		"# No `protocol kernel` may export these routes: they are there for BGP.\n",
		file, named ? ", behind `define NODE_AS = 65053;`" : "");
}

int include_print(FILE *out, const struct config *config, const char *file, const char **wrong)
{
	char *pattern;
	int r = include_pattern(&pattern, config->routing.bird.state_dir, "x");

	free(pattern);
	*wrong = r < 0 ? "routing.bird.state_dir: BIRD can't include from there: use letters, "
			 "digits, - _ . and two directories at the least, as in /run/anode/bird"
		 : config->routing.prefixes_count == 0
			 ? "routing.prefixes is empty: nothing to print"
			 : NULL;
	if (*wrong)
		return -EINVAL;
	head_print(out, config, file);
	for (size_t i = 0; r == 0 && i < config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];

		r = static_print(out, config, prefix, prefix->protocol, false);
		if (r == 0 && prefix->drain_protocol)
			r = static_print(out, config, prefix, prefix->drain_protocol, true);
	}
	if (r == 0)
		filters_print(out, config);
	return r;
}
