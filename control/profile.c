/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/profile.h"

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

	profile->due = clock_monotonic_us() + AGAIN_US;
	profile->turn = 0;
	if (same)
		return;
	profile->known = true;
	profile->told = *told;
	log_write(LOG_DETAIL, "profile", NULL, "the local server copies%s%s of a query's flags",
		told->copy_flags & DNS_RD ? " RD" : " nothing",
		told->copy_flags & DNS_CD ? " and CD" : "");
	profile->changed(profile->arg);
}

static int answer_ready(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct profile *profile = arg;
	struct settings_profile told;
	uint8_t answer[4096];
	ssize_t size = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return 0;
	query_end(profile);
	/* Refused, or no answer to what we asked: profile_run() asks again. */
	if (size >= 0 && profile_answer(answer, (size_t)size, profile->id, &told) == 0)
		profile_take(profile, &told);
	return 0;
}

static int query_send(
	struct profile *profile, const struct config *config, const struct domain *zone)
{
	const struct address *server = &config->local_server.address;
	struct sockaddr_storage address;
	uint8_t query[300];
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
	const struct domain *zone;

	if (clock_monotonic_us() < profile->due)
		return;
	query_end(profile);
	zone = zone_choose(profile, config);
	if (zone && query_send(profile, config, zone) < 0)
		query_end(profile);
}

void profile_again(struct profile *profile)
{
	profile->due = 0;
	profile->turn = 0;
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
