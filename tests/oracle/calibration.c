/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibration.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control/profile.h"

#define DEADLINE_MS 30000
#define PATIENCE_US 1000000 /* for an answer, as the daemon has */

static size_t zone_held(void *arg, const uint8_t *name)
{
	const struct question_zones *zones = arg;
	size_t longest = 0;

	for (size_t i = 0; i < zones->count; i++) {
		const uint8_t *origin = zone_origin(zones->list[i]);

		if (name_within(name, origin) && name_size(origin) > longest)
			longest = name_size(origin);
	}
	return longest;
}

static void shelf_fill(struct specimen_shelf *shelf, const struct question_zones *zones)
{
	struct question_zones held = *zones;
	struct specimen specimens[SPECIMEN_KINDS];

	for (uint32_t i = 0; i < zones->count; i++) {
		specimens_collect(specimens, zones->list[i], zone_held, &held);
		specimen_shelf_put(shelf, i, specimens);
	}
}

/* What the daemon would read out of its file. */
static int config_make(struct config *config, const struct question_zones *zones,
	const struct flight_server *server)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	if (getpeername(server->fd, (struct sockaddr *)&at, &size) < 0)
		return -errno;
	config->local_server.address.family = AF_INET;
	memcpy(config->local_server.address.bytes, &at.sin_addr, sizeof(at.sin_addr));
	config->local_server.port = ntohs(at.sin_port);
	config->fastpath.max_udp_size = 1232;
	config->zones = calloc(zones->count, sizeof(*config->zones));
	if (!config->zones)
		return -ENOMEM;
	for (; config->zones_count < zones->count; config->zones_count++) {
		struct domain *name = &config->zones[config->zones_count].name;
		char text[NAME_TEXT_SIZE];

		name_to_text(text, zone_origin(zones->list[config->zones_count]));
		if (domain_parse(text, name))
			return -EINVAL;
	}
	return 0;
}

static void config_drop(struct config *config)
{
	for (size_t i = 0; i < config->zones_count; i++)
		domain_free(&config->zones[i].name);
	free(config->zones);
}

static void changed(void *arg)
{
}

/* Until all is asked that can be. */
static int profile_finish(struct profile *profile, sd_event *loop, const struct config *config,
	const struct specimen_shelf *shelf)
{
	int64_t deadline = flight_now_ms() + DEADLINE_MS;
	int r = 0;

	for (profile_run(profile, config, shelf); !profile_rests(profile) && r >= 0;
		profile_run(profile, config, shelf)) {
		if (flight_now_ms() > deadline)
			return -ETIMEDOUT;
		r = sd_event_run(loop, PATIENCE_US);
	}
	return r < 0 ? r : 0;
}

static void settings_take(struct vector_settings *to, const struct config *config,
	const struct settings_profile *profile, const uint8_t cookie_secret[16])
{
	static struct settings block;
	struct cookie_secrets secrets = {.count = 1};

	memcpy(secrets.keys[0], cookie_secret, sizeof(secrets.keys[0]));
	settings_fill(&block, config, profile, NULL, 0, false);
	settings_fill_edns(&block, config, &profile->edns, &secrets, 0);
	to->copy_flags = block.copy_flags;
	to->server = block.flags & (SETTINGS_PASSES | SETTINGS_WAYS);
	to->edns = block.edns;
	memcpy(to->chaos, block.chaos, sizeof(to->chaos));
}

int calibration_fill(struct vector_settings *settings, const struct question_zones *zones,
	const struct flight_server *server, const uint8_t cookie_secret[16],
	char error[VECTOR_ERROR_SIZE])
{
	struct specimen_shelf *shelf = calloc(1, sizeof(*shelf));
	struct config config = {0};
	struct profile *profile = NULL;
	sd_event *loop = NULL;
	int r = shelf ? config_make(&config, zones, server) : -ENOMEM;

	if (r == 0)
		r = sd_event_new(&loop);
	if (r >= 0)
		r = profile_open(&profile, loop, changed, NULL);
	if (r >= 0) {
		shelf_fill(shelf, zones);
		r = profile_finish(profile, loop, &config, shelf);
	}
	if (r >= 0)
		settings_take(settings, &config, profile_known(profile), cookie_secret);
	else
		snprintf(error, VECTOR_ERROR_SIZE, "%s can't be calibrated: %s", server->name,
			strerror(-r));
	profile_close(profile);
	sd_event_unref(loop);
	config_drop(&config);
	free(shelf);
	return r;
}

void calibration_print(const struct vector_settings *settings, FILE *to)
{
	static const char *const actions[] = {"pass", "ignore", "answer", "require"};
	static const struct {
		uint32_t flag;
		const char *text;
	} flags[] = {{SETTINGS_CHAINS_PASS, "chains-pass"},
		{SETTINGS_YXDOMAIN_PASS, "yxdomain-pass"},
		{SETTINGS_YXDOMAIN_EDNS_PASS, "yxdomain-edns-pass"},
		{SETTINGS_DNAME_PASS, "dname-pass"}, {SETTINGS_SOA_PASS, "soa-pass"},
		{SETTINGS_SOA_ZERO, "soa-zero"}, {SETTINGS_SOA_NODATA_PASS, "soa-nodata-pass"},
		{SETTINGS_SOA_NODATA_ZERO, "soa-nodata-zero"},
		{SETTINGS_STAR_CNAME_PASS, "star-cname-pass"}, {SETTINGS_ANY_TC, "any-tc"},
		{SETTINGS_ANY_LOWEST, "any-lowest"}, {SETTINGS_DS_PASS, "ds-pass"},
		{SETTINGS_DS_PLAIN, "ds-plain"}, {SETTINGS_NESTED_PASS, "nested-pass"},
		{SETTINGS_PARAM_PASS, "param-pass"}, {SETTINGS_DNAME_NSEC_PASS, "dname-nsec-pass"},
		{SETTINGS_GLUE_TC, "glue-tc"}, {SETTINGS_ROTATE, "rotate"}};
	static const char *const chaos[CHAOS_NAMES] = {
		"id.server", "hostname.bind", "version.server", "version.bind"};
	const struct settings_edns *e = &settings->edns;

	fprintf(to, "copies%s%s; version %s%s, nsid %s, subnet %s, cookie %s;",
		settings->copy_flags & 0x0100 ? " rd" : "",
		settings->copy_flags & 0x0010 ? " cd" : "", actions[e->version & 3],
		e->version_do ? " do" : "", actions[e->nsid & 3], actions[e->subnet & 3],
		actions[e->cookie & 3]);
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (settings->server & flags[i].flag)
			fprintf(to, " %s", flags[i].text);
	fputc(';', to);
	for (size_t i = 0; i < CHAOS_NAMES; i++) {
		const struct settings_chaos *c = &settings->chaos[i];

		if (c->action == EDNS_ANSWER)
			fprintf(to, " %s %u%s%s", chaos[i], c->rcode, c->authoritative ? " aa" : "",
				c->length ? " text" : "");
	}
}
