/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/profile.h"
#include "control/profile_edns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer/packet.h"
#include "control/clock.h"
#include "control/log.h"

#define AGAIN_US UINT64_C(3600000000)
#define TRIES    3

_Static_assert(PROFILE_FLAGS == (DNS_RD | DNS_CD), "the flags that are asked for");

struct profile {
	sd_event *loop;
	sd_event_source *source; /* of the socket, while a query is out */
	int fd;
	uint16_t id;
	void (*changed)(void *arg);
	void *arg;
	bool known;
	struct settings_profile told;
	uint64_t due; /* CLOCK_MONOTONIC us */
	size_t turn;  /* questions since it was due */
	/* What is being asked, how often in vain, and what the answers so far told. */
	enum profile_ask ask;
	unsigned tries;
	uint8_t cookie[8];
	const struct domain *asked;  /* for this zone; borrowed from `config` */
	const struct config *config; /* compared only */
	struct address client;
	struct settings_profile telling;
};

size_t profile_query(uint8_t query[static 300], const struct domain *zone, uint16_t id)
{
	static const uint8_t tail[] = {0, TYPE_SOA, 0, CLASS_IN};
	struct dns header = {.id = id, .flags = be16_of(PROFILE_FLAGS), .questions = be16_of(1)};
	size_t at = sizeof(header);

	memcpy(query, &header, sizeof(header));
	memcpy(query + at, zone->wire, zone->wire_length);
	at += zone->wire_length;
	memcpy(query + at, tail, sizeof(tail));
	return at + sizeof(tail);
}

int profile_answer(const uint8_t *answer, size_t size, uint16_t id, struct settings_profile *told)
{
	struct dns header;
	u16 flags;

	if (size < sizeof(header))
		return -EBADMSG;
	memcpy(&header, answer, sizeof(header));
	flags = be16_get(header.flags);
	if (header.id != id || !(flags & DNS_QR))
		return -EBADMSG;
	/* A refusal is built elsewhere in a server than an answer. */
	if (!(flags & DNS_AA) || (flags & DNS_RCODE) != RCODE_NOERROR)
		return -EBADMSG;
	*told = (struct settings_profile){.copy_flags = flags & PROFILE_FLAGS};
	return 0;
}

static void query_end(struct profile *profile)
{
	profile->source = sd_event_source_disable_unref(profile->source);
	if (profile->fd >= 0)
		close(profile->fd);
	profile->fd = -1;
}

static void profile_take(struct profile *profile, const struct settings_profile *told)
{
	bool same = profile->known && told->copy_flags == profile->told.copy_flags;

	if (same && memcmp(&told->edns, &profile->told.edns, sizeof(told->edns)) == 0)
		return;
	profile->known = true;
	profile->told = *told;
	if (!same)
		log_write(LOG_DETAIL, "profile", NULL,
			"the local server copies%s%s of a query's flags",
			told->copy_flags & DNS_RD ? " RD" : " nothing",
			told->copy_flags & DNS_CD ? " and CD" : "");
	profile->changed(profile->arg);
}

static void edns_say(const struct settings_profile_edns *edns)
{
	static const char *const ways[] = {"passed", "ignored", "answered", "required"};

	log_write(LOG_DETAIL, "profile", NULL,
		"the local server: EDNS versions %s, NSID %s, client subnet %s, cookies %s",
		ways[edns->version & 3], ways[edns->nsid & 3], ways[edns->subnet & 3],
		ways[edns->cookie & 3]);
}

/* On to the next question; after the last one it is known how the server answers. */
static void ask_next(struct profile *profile)
{
	profile->tries = 0;
	if (++profile->ask < PROFILE_ASKS)
		return;
	profile->ask = PROFILE_ASK_FLAGS;
	profile->due = clock_monotonic_us() + AGAIN_US;
	profile->turn = 0;
	edns_say(&profile->telling.edns);
	profile_take(profile, &profile->telling);
}

static void answer_take(struct profile *profile, const uint8_t *answer, size_t size)
{
	struct settings_profile told;
	struct dns header;

	if (profile->ask == PROFILE_ASK_FLAGS) {
		/* Refused, or no answer to what we asked: profile_run() asks again. */
		if (profile_answer(answer, size, profile->id, &told) < 0)
			return;
		profile->telling = told;
		/* of EDNS what was known until now */
		told.edns = profile->told.edns;
		profile_take(profile, &told);
		ask_next(profile);
	} else if (size >= sizeof(header)) {
		memcpy(&header, answer, sizeof(header));
		if (header.id != profile->id || !(be16_get(header.flags) & DNS_QR))
			return;
		/* unread: that feature passes */
		profile_edns_answer(answer, size, profile->ask, profile->cookie, &profile->client,
			&profile->telling.edns);
		ask_next(profile);
	}
}

static int answer_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct profile *profile = arg;
	uint8_t answer[4096];
	ssize_t size = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return 0;
	query_end(profile);
	if (size >= 0)
		answer_take(profile, answer, (size_t)size);
	return 0;
}

/* The address that the server sees. */
static int client_learn(struct profile *profile)
{
	struct sockaddr_storage own;
	socklen_t length = sizeof(own);

	if (getsockname(profile->fd, (struct sockaddr *)&own, &length) < 0)
		return -errno;
	profile->client = (struct address){.family = own.ss_family};
	if (own.ss_family == AF_INET)
		memcpy(profile->client.bytes, &((struct sockaddr_in *)&own)->sin_addr, 4);
	else
		memcpy(profile->client.bytes, &((struct sockaddr_in6 *)&own)->sin6_addr, 16);
	return 0;
}

static int query_send(
	struct profile *profile, const struct config *config, const struct domain *zone)
{
	const struct address *server = &config->local_server.address;
	struct sockaddr_storage address;
	uint8_t query[300 + PROFILE_OPT_MAX];
	socklen_t length;
	size_t size;

	profile->fd = socket(server->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (profile->fd < 0)
		return -errno;
	for (size_t i = 0; i < config->local_server.source_count; i++) {
		const struct address *from = &config->local_server.source[i];

		length = address_sockaddr(from, 0, &address);
		if (from->family == server->family &&
			bind(profile->fd, (struct sockaddr *)&address, length) < 0)
			return -errno;
	}
	length = address_sockaddr(server, (uint16_t)config->local_server.port, &address);
	if (connect(profile->fd, (struct sockaddr *)&address, length) < 0 ||
		getrandom(&profile->id, sizeof(profile->id), GRND_NONBLOCK) < 0)
		return -errno;
	size = profile_query(query, zone, profile->id);
	if (profile->ask != PROFILE_ASK_FLAGS) {
		query[2] = query[3] = 0; /* RD and CD would make BADVERS and others differ */
		query[11] = 1;
		if (getrandom(profile->cookie, sizeof(profile->cookie), GRND_NONBLOCK) < 0 ||
			client_learn(profile) < 0)
			return -EIO;
		size += profile_edns_query(query + size, profile->ask, profile->cookie);
	}
	if (send(profile->fd, query, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return sd_event_add_io(
		profile->loop, &profile->source, profile->fd, EPOLLIN, answer_ready, profile);
}

/* Another zone each time: one that the server doesn't answer for must not keep
 * the others from being answered fast. The required ones come first. */
static const struct domain *zone_choose(struct profile *profile, const struct config *config)
{
	size_t required, turn = profile->turn++;
	const struct domain *zones = config_required_zones(config, &required);

	if (turn < required)
		return &zones[turn];
	for (size_t i = 0; i < config->zones_count; i++) {
		size_t at = (turn - required + i) % config->zones_count;

		if (config->zones[at].name.text)
			return &config->zones[at].name;
	}
	return NULL;
}

void profile_run(struct profile *profile, const struct config *config)
{
	if (clock_monotonic_us() < profile->due)
		return;
	query_end(profile);
	/* The zone was the other configuration's. */
	if (profile->config != config)
		profile->ask = PROFILE_ASK_FLAGS;
	profile->config = config;
	/* No answer: a server that drops such questions gets them itself. */
	if (profile->ask != PROFILE_ASK_FLAGS && profile->tries++ == TRIES)
		ask_next(profile);
	if (clock_monotonic_us() < profile->due)
		return;
	/* The other questions are for the zone that answered the first. */
	if (profile->ask == PROFILE_ASK_FLAGS)
		profile->asked = zone_choose(profile, config);
	if (profile->asked && query_send(profile, config, profile->asked) < 0)
		query_end(profile);
}

void profile_again(struct profile *profile)
{
	profile->due = 0;
	profile->turn = 0;
	profile->ask = PROFILE_ASK_FLAGS;
}

void profile_adopt(struct profile *profile, const struct settings_profile *known)
{
	if (profile->known)
		return;
	profile->known = true;
	profile->told = *known;
}

const struct settings_profile *profile_known(const struct profile *profile)
{
	return profile->known ? &profile->told : NULL;
}

int profile_open(struct profile **out, sd_event *loop, void (*changed)(void *arg), void *arg)
{
	struct profile *profile = calloc(1, sizeof(*profile));

	*out = profile;
	if (!profile)
		return -ENOMEM;
	profile->loop = sd_event_ref(loop);
	profile->fd = -1;
	profile->changed = changed;
	profile->arg = arg;
	return 0;
}

void profile_close(struct profile *profile)
{
	if (!profile)
		return;
	query_end(profile);
	sd_event_unref(profile->loop);
	free(profile);
}
