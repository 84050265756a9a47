/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/profile.h"
#include "control/profile_edns.h"
#include "control/profile_zone.h"

#include <errno.h>
#include <stdio.h>
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

/* What is asked, in this order: EDNS, what the server says of itself, then its zones. */
#define ASK_CHAOS    PROFILE_ASKS
#define ASK_SPECIMEN (ASK_CHAOS + CHAOS_NAMES)
#define ASKS         (ASK_SPECIMEN + SPECIMEN_KINDS)

struct profile {
	sd_event *loop;
	sd_event_source *source; /* of the socket, while a query is out */
	int fd;
	uint16_t id;
	void (*changed)(void *arg);
	void *arg;
	bool known;
	struct settings_profile told;
	uint64_t due;   /* CLOCK_MONOTONIC us; 0: there is something to ask */
	uint64_t again; /* when the next round is due; 0 while this one lasts */
	size_t turn;    /* questions since it was due */
	/* What is being asked, how often in vain, what was asked in this round, and what the
	 * answers so far told. */
	unsigned ask, tries;
	uint32_t done;       /* 1 << ask */
	bool measured;       /* a round came to its end */
	bool doubted;        /* the server may be another one since then */
	uint64_t shelf;      /* number of the shelf that was looked through */
	uint64_t order;      /* of a set */
	unsigned orders;     /* answers to the same question */
	unsigned row, heard; /* specimens of a kind: asked, and that told something */
	uint8_t cookie[8];
	const struct domain *asked;  /* for this zone; borrowed from `config` */
	struct specimen specimen;    /* or for this one */
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

	if (same && memcmp(told, &profile->told, sizeof(*told)) == 0)
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

/* How the server answers where zones make servers differ; "?" is passed: not known, or not to be
 * said by the core. */
static void ways_say(const struct settings_profile *told)
{
	static const struct {
		uint32_t pass;
		const char *text;
	} points[] = {{SETTINGS_SOA_PASS | SETTINGS_SOA_NODATA_PASS, "SOA where there is none"},
		{SETTINGS_CHAINS_PASS, "aliases into other zones"}, {SETTINGS_DNAME_PASS, "DNAME"},
		{SETTINGS_YXDOMAIN_PASS, "YXDOMAIN"},
		{SETTINGS_STAR_CNAME_PASS, "wildcards' CNAME"}, {SETTINGS_DS_PASS, "DS without DO"},
		{SETTINGS_NESTED_PASS, "cuts below cuts"}, {SETTINGS_PARAM_PASS, "NSEC3PARAM"},
		{SETTINGS_DNAME_NSEC_PASS, "NSEC below a DNAME"}};
	char text[400] = "";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		if ((told->settled & points[i].pass) != points[i].pass && at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? ", " : "",
				points[i].text);
	log_write(LOG_DETAIL, "profile", NULL,
		"the local server: ANY gets %s, sets %s; not known, or its own to answer: %s",
		told->ways & SETTINGS_ANY_TC       ? "TC"
		: told->ways & SETTINGS_ANY_LOWEST ? "the lowest type"
						   : "passed",
		told->ways & SETTINGS_ROTATE ? "change their order" : "keep their order",
		at ? text : "nothing");
}

/* Is it the server that was measured before, by what it says of itself? */
static bool server_same(const struct settings_profile *a, const struct settings_profile *b)
{
	return a->copy_flags == b->copy_flags && !memcmp(a->chaos, b->chaos, sizeof(a->chaos));
}

static bool ask_possible(unsigned ask, const struct specimen_shelf *shelf)
{
	return ask < ASK_SPECIMEN ||
	       specimen_shelf_find(shelf, (enum specimen_kind)(ask - ASK_SPECIMEN), 0);
}

/* Is there a new specimen of what no zone has shown in this round? */
static bool shelf_shows_more(struct profile *profile, const struct specimen_shelf *shelf)
{
	if (!shelf || shelf->number == profile->shelf)
		return false;
	profile->shelf = shelf->number;
	for (unsigned ask = ASK_SPECIMEN; ask < ASKS; ask++)
		if (!(profile->done >> ask & 1) && ask_possible(ask, shelf))
			return true;
	return false;
}

/* Of what no zone shows now, what was known stays, as long as it is the same server. */
static void round_doubt(struct profile *profile)
{
	if (!profile->doubted && server_same(&profile->telling, &profile->told))
		return;
	for (unsigned kind = 0; kind < SPECIMEN_KINDS; kind++)
		if (!(profile->done >> (ASK_SPECIMEN + kind) & 1))
			profile_specimen_forget(&profile->telling, (enum specimen_kind)kind);
}

/* The next question that wasn't asked; after the last one it is known how the server answers. */
static void ask_choose(struct profile *profile, const struct specimen_shelf *shelf)
{
	for (unsigned ask = PROFILE_ASK_OPTIONS; ask < ASKS; ask++) {
		if (profile->done >> ask & 1 || !ask_possible(ask, shelf))
			continue;
		profile->ask = ask;
		return;
	}
	if (!profile->again)
		profile->again = clock_monotonic_us() + AGAIN_US;
	profile->due = profile->again;
	profile->turn = 0;
	profile->shelf = shelf ? shelf->number : 0;
	round_doubt(profile);
	profile->measured = true;
	profile->doubted = false;
	edns_say(&profile->telling.edns);
	ways_say(&profile->telling);
	profile_take(profile, &profile->telling);
}

/* That question is through. */
static void ask_end(struct profile *profile)
{
	profile->tries = 0;
	profile->order = 0;
	profile->orders = 0;
	profile->row = 0;
	profile->heard = 0;
	profile->done |= 1u << profile->ask;
}

/* A round begins anew, with what is known of zones until now. */
static void round_begin(struct profile *profile)
{
	profile->ask = PROFILE_ASK_FLAGS;
	profile->again = 0;
	profile->done = 0;
	profile->tries = 0;
	profile->order = 0;
	profile->orders = 0;
	profile->row = 0;
	profile->heard = 0;
}

static void flags_take(struct profile *profile, const uint8_t *answer, size_t size)
{
	struct settings_profile told;

	/* Refused, or no answer to what we asked: profile_run() asks again. */
	if (profile_answer(answer, size, profile->id, &told) < 0)
		return;
	profile->telling = told;
	profile->telling.settled = profile->told.settled;
	profile->telling.ways = profile->told.ways;
	/* of the rest what was known until now */
	told = profile->told;
	told.copy_flags = profile->telling.copy_flags;
	profile_take(profile, &told);
	ask_end(profile);
}

static void specimen_take(struct profile *profile, const uint8_t *answer, size_t size)
{
	enum specimen_kind kind = (enum specimen_kind)(profile->ask - ASK_SPECIMEN);
	struct settings_profile one = {0};
	int r = profile_specimen_answer(
		answer, size, &profile->specimen, kind, &profile->order, &one);

	if (r == -EBADMSG)
		return;
	profile->tries = 0;
	if (kind == SPECIMEN_SET && r == 0) {
		/* the same set again; one change of its order is enough */
		if (profile->orders == 0)
			profile_specimen_forget(&profile->telling, kind);
		profile->telling.ways |= one.ways;
		if (++profile->orders == PROFILE_ORDERS)
			ask_end(profile);
		return;
	}
	if (r == 0) {
		profile_specimen_join(&profile->telling, &one, kind, !profile->heard);
		profile->heard++;
	}
	/* profile_run() ends it behind the last */
	profile->row++;
	if (profile->orders)
		ask_end(profile);
}

/*
 * Of a server with cookies the same is asked some times: one that says BADCOOKIE only now and then
 * (Knot's badcookie-slip) can't be copied.
 */
static void edns_take(struct profile *profile, const uint8_t *answer, size_t size)
{
	struct settings_profile_edns *edns = &profile->telling.edns;
	uint8_t before = edns->cookie;

	/* unread: that feature passes */
	profile_edns_answer(answer, size, (enum profile_ask)profile->ask, profile->cookie,
		&profile->client, edns);
	if (profile->ask == PROFILE_ASK_COOKIE &&
		(edns->cookie == EDNS_ANSWER || edns->cookie == EDNS_REQUIRE)) {
		if (profile->orders++ && edns->cookie != before)
			edns->cookie = EDNS_PASS;
		else if (profile->orders < PROFILE_ORDERS)
			return;
	}
	ask_end(profile);
}

static void answer_take(struct profile *profile, const uint8_t *answer, size_t size)
{
	struct dns header;

	if (profile->ask == PROFILE_ASK_FLAGS) {
		flags_take(profile, answer, size);
		return;
	}
	if (size < sizeof(header))
		return;
	memcpy(&header, answer, sizeof(header));
	if (header.id != profile->id || !(be16_get(header.flags) & DNS_QR))
		return;
	if (profile->ask >= ASK_SPECIMEN) {
		specimen_take(profile, answer, size);
		return;
	}
	if (profile->ask < ASK_CHAOS) {
		edns_take(profile, answer, size);
		return;
	}
	profile_chaos_answer(answer, size, (enum settings_chaos_name)(profile->ask - ASK_CHAOS),
		&profile->telling);
	ask_end(profile);
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

static size_t query_make(struct profile *profile, uint8_t *query, const struct domain *zone)
{
	size_t size;

	if (profile->ask >= ASK_SPECIMEN)
		return profile_specimen_query(query, &profile->specimen,
			(enum specimen_kind)(profile->ask - ASK_SPECIMEN), profile->id);
	if (profile->ask >= ASK_CHAOS)
		return profile_chaos_query(
			query, (enum settings_chaos_name)(profile->ask - ASK_CHAOS), profile->id);
	size = profile_query(query, zone, profile->id);
	if (profile->ask == PROFILE_ASK_FLAGS)
		return size;
	query[2] = query[3] = 0; /* RD and CD would make BADVERS and others differ */
	query[11] = 1;
	return size +
	       profile_edns_query(query + size, (enum profile_ask)profile->ask, profile->cookie);
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
	if (getrandom(profile->cookie, sizeof(profile->cookie), GRND_NONBLOCK) < 0 ||
		client_learn(profile) < 0)
		return -EIO;
	size = query_make(profile, query, zone);
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

/* The specimen is copied: the shelf may change before the answer comes. False: that was the last.
 */
static bool specimen_choose(struct profile *profile, const struct specimen_shelf *shelf)
{
	enum specimen_kind kind = (enum specimen_kind)(profile->ask - ASK_SPECIMEN);
	const struct specimen *found;

	/* the order of one set is compared */
	if (profile->orders)
		return true;
	found = specimen_shelf_find(shelf, kind, profile->row);
	if (found)
		profile->specimen = *found;
	return found;
}

/* No answer: a server that drops such questions gets them itself. */
static void ask_give_up(struct profile *profile)
{
	if (profile->ask >= ASK_SPECIMEN)
		profile_specimen_forget(
			&profile->telling, (enum specimen_kind)(profile->ask - ASK_SPECIMEN));
	ask_end(profile);
}

void profile_run(
	struct profile *profile, const struct config *config, const struct specimen_shelf *shelf)
{
	if (profile->due && shelf_shows_more(profile, shelf))
		profile->due = 0;
	if (clock_monotonic_us() < profile->due)
		return;
	query_end(profile);
	/* The zone was the other configuration's; or an hour is over. */
	if (profile->config != config || profile->due)
		round_begin(profile);
	profile->due = 0;
	profile->config = config;
	if (profile->done & 1u << PROFILE_ASK_FLAGS) {
		if (!(profile->done >> profile->ask & 1) && profile->tries++ == TRIES)
			ask_give_up(profile);
		if (profile->done >> profile->ask & 1)
			ask_choose(profile, shelf);
		if (profile->due)
			return;
	}
	/* The other questions are for the zone that answered the first. */
	if (profile->ask == PROFILE_ASK_FLAGS)
		profile->asked = zone_choose(profile, config);
	while (profile->ask >= ASK_SPECIMEN && !specimen_choose(profile, shelf)) {
		if (!profile->heard)
			ask_give_up(profile);
		ask_end(profile);
		ask_choose(profile, shelf);
		if (profile->due)
			return;
	}
	if (profile->asked && query_send(profile, config, profile->asked) < 0)
		query_end(profile);
}

bool profile_rests(const struct profile *profile)
{
	return profile->due != 0;
}

void profile_again(struct profile *profile)
{
	profile->due = 0;
	profile->turn = 0;
	profile->doubted |= profile->measured;
	round_begin(profile);
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
