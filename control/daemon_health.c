/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The health flow's options out of the configuration, and its words into the log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "control/daemon.h"
#include "control/log.h"
#include "control/signer.h"

/* What struct health_options borrows; it copies all of it. */
struct borrowed {
	struct sockaddr_storage *service;
	const char **required;
	struct health_check_options *checks;
	size_t command_count;
	const char ***commands; /* NULL at the end, as exec() has them */
	struct route_prefix_options *prefixes;
	char (*texts)[VALUE_TEXT];
	struct signers *signers; /* not copied: it has to live as long as the flow */
	char owner[32];
};

static void borrowed_free(struct borrowed *borrowed)
{
	free(borrowed->service);
	free(borrowed->required);
	free(borrowed->checks);
	for (size_t i = 0; borrowed->commands && i < borrowed->command_count; i++)
		free(borrowed->commands[i]);
	free(borrowed->commands);
	free(borrowed->prefixes);
	free(borrowed->texts);
	signers_free(borrowed->signers);
}

static struct span span_of(struct duration duration)
{
	return (struct span){(int64_t)duration.us * 1000};
}

/* 0 means "none" in the file, "the default" in struct policy_options. */
static struct span span_or_none(struct duration duration)
{
	return duration.us ? span_of(duration) : (struct span){-1};
}

static int rcode_of(const char *name)
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

	for (int i = 0; name && i < (int)(sizeof(names) / sizeof(names[0])); i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return -1;
}

static void checks_fill(const struct config *config, const struct signers *signers,
	struct health_check_options *checks)
{
	static const enum health_severity severities[] = {[CONFIG_INFO] = HEALTH_INFO,
		[CONFIG_DEGRADE] = HEALTH_DEGRADE,
		[CONFIG_FATAL] = HEALTH_FATAL};
	static const int families[] = {[CONFIG_FAMILY_BOTH] = AF_UNSPEC,
		[CONFIG_FAMILY_4] = AF_INET,
		[CONFIG_FAMILY_6] = AF_INET6};

	for (size_t i = 0; i < config->health.checks_count; i++) {
		const struct config_check *check = &config->health.checks[i];

		checks[i] = (struct health_check_options){
			.transport = check->type == CONFIG_CHECK_TCP ? QUERY_TCP : QUERY_UDP,
			.name = check->name.text,
			.qtype = check->qtype,
			.rcode = rcode_of(check->expect.rcode),
			.authoritative = check->expect.authoritative,
			.rdata_contains = check->expect.rdata_contains,
			.severity = severities[check->severity],
			.interval = span_of(check->interval),
			.timeout = span_of(check->timeout),
			.fail = check->fail,
			.rise = check->rise,
			.family = families[check->family],
			.signer = signers_find(signers, &check->key)};
		if (check->address.family != AF_UNSPEC)
			address_sockaddr(
				&check->address, (uint16_t)check->port, &checks[i].address);
	}
}

/* The other nodes are asked for what this one is required to answer. */
static void peers_fill(const struct config *config, const struct signers *signers,
	struct health_check_options *checks)
{
	const struct domain *required;
	size_t count;

	required = config_required_zones(config, &count);
	for (size_t i = 0; i < config->routing.guard.peers_count; i++) {
		const struct config_peer *peer = &config->routing.guard.peers[i];

		checks[i] = (struct health_check_options){.transport = QUERY_TCP,
			.name = count > 0 ? required[0].text : ".",
			.qtype = 6, /* SOA */
			.rcode = count > 0 ? 0 : -1,
			.authoritative = count > 0,
			.severity = HEALTH_INFO,
			.signer = signers_find(signers, &peer->key),
			.peer = true};
		address_sockaddr(&peer->address, (uint16_t)peer->port, &checks[i].address);
	}
}

/* The scripts' words, with an end. */
static int commands_fill(const struct config *config, struct borrowed *borrowed)
{
	borrowed->command_count = config->health.checks_count;
	borrowed->commands = calloc(borrowed->command_count + 1, sizeof(*borrowed->commands));
	if (!borrowed->commands)
		return -ENOMEM;
	for (size_t i = 0; i < borrowed->command_count; i++) {
		const struct config_check *check = &config->health.checks[i];
		const char **words;

		if (check->type != CONFIG_CHECK_SCRIPT)
			continue;
		words = calloc(check->command_count + 1, sizeof(*words));
		if (!words)
			return -ENOMEM;
		for (size_t j = 0; j < check->command_count; j++)
			words[j] = check->command[j];
		borrowed->commands[i] = words;
		borrowed->checks[i].command = words;
	}
	return 0;
}

static void prefixes_fill(const struct config *config, struct borrowed *borrowed)
{
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];

		borrowed->prefixes[i] = (struct route_prefix_options){
			.prefix = prefix_text(&prefix->prefix, borrowed->texts[i]),
			.protocol = prefix->protocol,
			.drain_protocol = prefix->drain_protocol,
			.peers = (const char *const *)prefix->peers,
			.peer_count = prefix->peers_count};
	}
}

/* Always the same for a node, so that two don't draw the same lot again and again: the
 * share of `most` that its name hashes to (FNV-1a). */
static struct span jitter_of(const char *node, struct duration most)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *node; node++)
		hash = (hash ^ (unsigned char)*node) * UINT32_C(16777619);
	return (struct span){(int64_t)(most.us * (hash % 1000))};
}

static void policy_fill(
	const struct config *config, const char *node, struct policy_options *policy)
{
	*policy = (struct policy_options){.fastpath = config->fastpath.required
							      ? POLICY_FASTPATH_REQUIRED
							      : POLICY_FASTPATH_OPTIONAL,
		.restart_grace = span_of(config->health.restart_grace),
		.silence_withdraw = span_of(config->health.silence_withdraw),
		.carrier_stable = span_or_none(config->health.carrier_stable),
		.hold_down = span_or_none(config->health.hold_down),
		.hold_down_max = span_of(config->health.hold_down_max),
		.slow_start = span_or_none(config->health.slow_start),
		.overload_patience = span_of(config->health.overload_patience),
		.budget = config->health.budget,
		.drain_limit = span_of(config->routing.drain_limit),
		.jitter = jitter_of(node, config->routing.guard.jitter),
		.degrade_withdraws = config->routing.degrade == CONFIG_DEGRADE_WITHDRAWS,
		.last_leaves = config->routing.guard.last == CONFIG_GUARD_WITHDRAW,
		.blind_holds = config->routing.guard.blind == CONFIG_GUARD_HOLD,
		.zones_failed = config->health.zones_failed,
		.unit = config->local_server.unit};
}

static int options_fill(const struct config *config, const char *node,
	struct health_options *options, struct borrowed *borrowed)
{
	size_t peers = config->routing.guard.peers_count;
	size_t addresses = config->service.addresses_count;
	const struct domain *required;

	required = config_required_zones(config, &options->required_count);
	*borrowed = (struct borrowed){.service = calloc(addresses + 1, sizeof(*borrowed->service)),
		.required = calloc(options->required_count + 1, sizeof(*borrowed->required)),
		.checks =
			calloc(config->health.checks_count + peers + 1, sizeof(*borrowed->checks)),
		.prefixes = calloc(config->routing.prefixes_count + 1, sizeof(*borrowed->prefixes)),
		.texts = calloc(config->routing.prefixes_count + 1, sizeof(*borrowed->texts))};
	if (!borrowed->service || !borrowed->required || !borrowed->checks || !borrowed->prefixes ||
		!borrowed->texts || signers_new(&borrowed->signers, config) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < addresses; i++)
		address_sockaddr(&config->service.addresses[i], (uint16_t)config->local_server.port,
			&borrowed->service[i]);
	for (size_t i = 0; i < options->required_count; i++)
		borrowed->required[i] = required[i].text;
	for (size_t i = 0; i < config->local_server.source_count; i++) {
		const struct address *source = &config->local_server.source[i];

		address_sockaddr(source, 0,
			source->family == AF_INET ? &options->source4 : &options->source6);
	}
	checks_fill(config, borrowed->signers, borrowed->checks);
	peers_fill(config, borrowed->signers, borrowed->checks + config->health.checks_count);
	prefixes_fill(config, borrowed);
	if (commands_fill(config, borrowed) < 0)
		return -ENOMEM;
	snprintf(borrowed->owner, sizeof(borrowed->owner), "anoded[%d]", getpid());

	address_sockaddr(&config->local_server.address, (uint16_t)config->local_server.port,
		&options->server);
	options->service = borrowed->service;
	options->service_count = addresses;
	options->no_service_probes = !config->health.service_probes;
	options->required = borrowed->required;
	options->checks = borrowed->checks;
	options->check_count = config->health.checks_count + peers;
	options->coupled = config->routing.coupled;
	options->interval = span_of(config->health.interval);
	options->timeout = span_of(config->health.timeout);
	options->fail = config->health.fail;
	options->rise = config->health.rise;
	options->prefixes = borrowed->prefixes;
	options->prefix_count = config->routing.prefixes_count;
	options->route = (struct route_options){.bird = {.socket = config->routing.bird.socket},
		.state_dir = config->routing.bird.state_dir,
		.owner = borrowed->owner};
	policy_fill(config, node, &options->policy);
	return 0;
}

/* The flow's own lines; those of transitions come by themselves (below). */
static void health_log(void *arg, int level, const char *text)
{
	log_write(level <= LOG_ERR       ? LOG_HEALTH_ERROR
		  : level <= LOG_WARNING ? LOG_HEALTH_WARNING
		  : level <= LOG_INFO    ? LOG_HEALTH_INFO
					 : LOG_DETAIL,
		"health", NULL, "%s", text);
}

static bool server_lost(const struct daemon *daemon)
{
	for (size_t i = 0; i < health_check_count(daemon->health); i++) {
		struct health_check_status check;

		health_check_status(daemon->health, i, &check);
		if (check.verdict == VERDICT_SILENT || check.verdict == VERDICT_REFUSED)
			return true;
	}
	return false;
}

static void health_changed(void *arg)
{
	struct daemon *daemon = arg;
	struct health_node_status status;
	bool was_lost = daemon->server_lost;

	health_node_status(daemon->health, &status);
	if (status.bird == BIRD_UP)
		waiting_end(&daemon->waiting, "bird", "");
	else if (status.bird == BIRD_GONE)
		waiting_begin(&daemon->waiting, "bird", "",
			*status.bird_error ? status.bird_error : "it doesn't answer");
	daemon->server_lost = server_lost(daemon);
	if (was_lost && !daemon->server_lost) {
		profile_again(daemon->profile);
		profile_run(daemon->profile, daemon->config, zones_shelf(daemon->zones));
	}
}

static void health_left(void *arg, int result)
{
	daemon_left_routes(arg, result);
}

/* The flow uses these now; those of before are nobody's. */
static void signers_keep(struct daemon *daemon, struct borrowed *borrowed)
{
	struct signers *before = daemon->signers;

	daemon->signers = borrowed->signers;
	borrowed->signers = before;
}

int daemon_health_open(struct daemon *daemon)
{
	static const struct health_events events = {.log = health_log,
		.transition = daemon_keep_transition,
		.overridden = daemon_keep_overrides,
		.changed = health_changed,
		.left = health_left};
	struct health_options options = {0};
	struct health_error error = {""};
	struct borrowed borrowed;
	int r = options_fill(daemon->config, daemon->node, &options, &borrowed);

	if (r == 0)
		r = health_new(&daemon->health, daemon->loop, &options, &events, daemon, &error);
	if (r < 0)
		log_write(LOG_DAEMON_FAILED, NULL, NULL, "health: %s",
			error.text[0] ? error.text : strerror(-r));
	else
		signers_keep(daemon, &borrowed);
	if (r == 0)
		daemon_recall(daemon);
	borrowed_free(&borrowed);
	return r;
}

int daemon_health_reload(
	struct daemon *daemon, const struct config *config, char *error, size_t error_size)
{
	struct health_options options = {0};
	struct health_error health_error = {""};
	struct borrowed borrowed;
	int r = options_fill(
		config, config->node.name ? config->node.name : daemon->node, &options, &borrowed);

	if (r == 0)
		r = health_reload(daemon->health, &options, &health_error);
	if (r == 0)
		signers_keep(daemon, &borrowed);
	else
		snprintf(error, error_size, "%s",
			health_error.text[0] ? health_error.text : strerror(-r));
	borrowed_free(&borrowed);
	return r;
}
