/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/fastpath.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/clock.h"
#include "control/interface_doubt.h"
#include "control/log.h"
#include "control/testframe.h"
#include <linux/bpf.h>

/* lo has the last place in the settings, so that the others keep theirs. */
#define PROBE_PLACE  (SETTINGS_IFACES - 1)
#define WALL_STEP_NS INT64_C(1000000000)
/* Opening takes seconds (verifier, memory): a failure isn't repeated each second. */
#define OPEN_PAUSE_MIN_US UINT64_C(1000000)
#define OPEN_PAUSE_MAX_US UINT64_C(30000000)

/* An interface that the configuration names. */
struct fastpath_link {
	char name[16];
	enum attach_mode wanted;
	enum attach_mode was; /* when it was attached last */
	bool lost;            /* it was attached, and then not, without us */
	bool renew;           /* attached, but not in the mode that is wanted now */
	struct engine_attachment now;
	char doubts[INTERFACE_DOUBTS][INTERFACE_DOUBT_TEXT]; /* "" = none */
};

_Static_assert(INTERFACE_DOUBTS == FASTPATH_WARNINGS, "each doubt has its place in the status");

/* engine_open() under way; all but `runs` is its thread's until that is joined. */
struct opening {
	bool runs;
	pthread_t thread;
	char instance[32];
	uint64_t bytes;
	struct engine *engine;
	bool adopted;
	int result;
	char error[512];
};

struct fastpath {
	struct waiting *waiting;
	struct engine *engine; /* NULL: not open */
	struct opening opening;
	bool adopted, settled;
	uint64_t open_next, open_pause; /* CLOCK_MONOTONIC us */
	/* Settings: what is published, and whether the other block may be filled. */
	bool published, clear;
	struct settings current;
	/* Cookies: the secrets, whose configuration they are of, and Unix time less the monotonic.
	 */
	struct cookie_secrets secrets;
	const struct config *secrets_of; /* compared only */
	uint64_t wall;
	bool foreign; /* the local server's secret isn't ours, and that was said */
	struct fastpath_link links[CONFIG_MAX_INTERFACES];
	size_t links_count;
	uint16_t question_id;
	bool suspect;      /* the last test run showed a serial that we don't know of */
	char trouble[256]; /* of the last probe; "" = none */
	bool probed;
};

int fastpath_new(struct fastpath **fastpath, struct waiting *waiting)
{
	*fastpath = calloc(1, sizeof(**fastpath));
	if (!*fastpath)
		return -ENOMEM;
	(*fastpath)->waiting = waiting;
	return 0;
}

/* ---- in a thread of its own: the verifier and the kernel take seconds ---- */

static void *opening_run(void *arg)
{
	struct opening *opening = arg;
	const struct engine_options options = {
		.instance = opening->instance, .image_bytes = opening->bytes};

	opening->result = engine_open(&opening->engine, &options, &opening->adopted, opening->error,
		sizeof(opening->error));
	return NULL;
}

/* ---- on the loop ---- */

static int opening_begin(struct fastpath *fastpath, const struct config *config)
{
	struct opening *opening = &fastpath->opening;
	sigset_t all, before;
	int r;

	*opening = (struct opening){.bytes = config->fastpath.memory};
	snprintf(opening->instance, sizeof(opening->instance), "%s", config->instance);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&opening->thread, NULL, opening_run, opening);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	opening->runs = r == 0;
	return -r;
}

/* Waits so long for its end; false: it isn't through. */
static bool opening_end(struct opening *opening, uint64_t patience_us)
{
	uint64_t until = clock_monotonic_us() + patience_us;
	struct timespec at = {(time_t)(until / 1000000), (long)(until % 1000000) * 1000};

	if (!opening->runs)
		return true;
	if (pthread_clockjoin_np(opening->thread, NULL, CLOCK_MONOTONIC, &at) != 0)
		return false;
	opening->runs = false;
	return true;
}

static void open_fail(struct fastpath *fastpath, const char *why)
{
	fastpath->open_pause = fastpath->open_pause ? fastpath->open_pause * 2 : OPEN_PAUSE_MIN_US;
	if (fastpath->open_pause > OPEN_PAUSE_MAX_US)
		fastpath->open_pause = OPEN_PAUSE_MAX_US;
	fastpath->open_next = clock_monotonic_us() + fastpath->open_pause;
	waiting_begin(fastpath->waiting, "engine", "", why);
}

int fastpath_open(struct fastpath *fastpath, const struct config *config, uint64_t patience_us)
{
	struct opening *opening = &fastpath->opening;
	int r;

	if (fastpath->engine)
		return 0;
	if (!opening->runs) {
		if (clock_monotonic_us() < fastpath->open_next)
			return 0;
		r = opening_begin(fastpath, config);
		if (r < 0) {
			open_fail(fastpath, strerror(-r));
			return 0;
		}
	}
	if (!opening_end(opening, patience_us)) {
		waiting_begin(fastpath->waiting, "engine", "", "the XDP program is being loaded");
		return 0;
	}
	if (opening->result < 0) {
		open_fail(fastpath, opening->error);
		return opening->result == -EBUSY ? -EBUSY : 0;
	}
	fastpath->engine = opening->engine;
	fastpath->adopted = opening->adopted;
	fastpath->open_pause = 0;
	fastpath->published = false;
	/* What was just loaded runs nowhere yet. */
	fastpath->clear = !fastpath->adopted;
	waiting_end(fastpath->waiting, "engine", "");
	log_write(LOG_ENGINE_READY, NULL, NULL, "XDP program %s, image of %llu MiB%s%s",
		fastpath->adopted ? "adopted as it was found" : "loaded",
		(unsigned long long)(opening->bytes >> 20),
		*engine_note(fastpath->engine) ? ": " : "", engine_note(fastpath->engine));
	return 0;
}

/* Nobody needs it any more, but it can't be cut off. */
static void opening_abandon(struct fastpath *fastpath)
{
	struct opening *opening = &fastpath->opening;

	if (!opening->runs)
		return;
	pthread_join(opening->thread, NULL);
	opening->runs = false;
	if (opening->result == 0)
		fastpath->engine = opening->engine;
}

void fastpath_free(struct fastpath *fastpath)
{
	if (!fastpath)
		return;
	opening_abandon(fastpath);
	engine_close(fastpath->engine);
	free(fastpath);
}

struct engine_memory *fastpath_memory(struct fastpath *fastpath)
{
	return fastpath->engine ? engine_memory(fastpath->engine) : NULL;
}

bool fastpath_profile(const struct fastpath *fastpath, struct settings_profile *profile)
{
	const struct settings_area *area;
	const struct settings *block;

	if (!fastpath->engine || !fastpath->adopted)
		return false;
	area = engine_memory(fastpath->engine)->settings;
	if (area->magic != SETTINGS_MAGIC || area->layout != SETTINGS_LAYOUT)
		return false;
	block = &area->block[area->active & 1];
	*profile = (struct settings_profile){.copy_flags = block->copy_flags,
		.settled = ~block->flags & SETTINGS_PASSES,
		.ways = block->flags & SETTINGS_WAYS};
	memcpy(profile->chaos, block->chaos, sizeof(profile->chaos));
	profile->edns = (struct settings_profile_edns){.version = block->edns.version,
		.version_do = block->edns.version_do,
		.nsid = block->edns.nsid,
		.subnet = block->edns.subnet,
		.cookie = block->edns.cookie,
		.adopted = true};
	if (block->edns.nsid_length > 4 && block->edns.nsid_length - 4u <= SETTINGS_NSID_MAX) {
		profile->edns.nsid_length = (uint8_t)(block->edns.nsid_length - 4);
		memcpy(profile->edns.nsid_text, block->edns.nsid_option + 4,
			profile->edns.nsid_length);
	}
	return !(block->flags & SETTINGS_BYPASS);
}

/* Publishes `next` in the block that isn't active, if nobody can be reading that. */
static void settings_publish(struct fastpath *fastpath, const struct settings *next)
{
	struct settings_area *area = engine_memory(fastpath->engine)->settings;
	u32 active;

	if (fastpath->published && memcmp(next, &fastpath->current, sizeof(*next)) == 0)
		return;
	if (!fastpath->clear)
		return; /* again when grace has ended */
	active = __atomic_load_n(&area->active, __ATOMIC_RELAXED) == 0;
	area->block[active] = *next;
	__atomic_store_n(&area->active, active, __ATOMIC_RELEASE);
	/* Last: readers of a fresh area pass until it has them. */
	area->layout = SETTINGS_LAYOUT;
	__atomic_store_n(&area->magic, SETTINGS_MAGIC, __ATOMIC_RELEASE);
	fastpath->current = *next;
	fastpath->published = true;
	fastpath->clear = false;
}

bool fastpath_wants_grace(const struct fastpath *fastpath)
{
	return fastpath->engine && !fastpath->clear;
}

void fastpath_grace_ended(struct fastpath *fastpath)
{
	fastpath->clear = true;
}

static enum attach_mode attach_mode_of(const struct config_interface *interface)
{
	return interface->mode == CONFIG_XDP_NATIVE    ? ATTACH_NATIVE
	       : interface->mode == CONFIG_XDP_GENERIC ? ATTACH_GENERIC
						       : ATTACH_AUTO;
}

static const char *mode_text(enum attach_mode mode)
{
	return mode == ATTACH_GENERIC ? "generic" : "native";
}

static void link_tell(const struct fastpath_link *link)
{
	if (link->now.mode == ATTACH_GENERIC && link->wanted == ATTACH_AUTO)
		log_write(LOG_ENGINE_GENERIC, link->name, NULL,
			"interface %s: answers in generic mode, slower than native: %s", link->name,
			link->now.note);
	else
		log_write(LOG_ENGINE_ATTACHED, link->name, NULL,
			"interface %s: fast path attached, %s mode", link->name,
			mode_text(link->now.mode));
}

static void renewal_await(struct fastpath *fastpath, const struct fastpath_link *link)
{
	waiting_begin(fastpath->waiting, "interface", link->name,
		"another mode is configured; changing it may flap the link, so not before "
		"nothing "
		"is announced");
}

/*
 * Attaches what isn't attached. A native program that comes or goes may take the
 * link down for a moment, and BGP with it, so that is done only while nothing is
 * announced (`may_flap`); what an earlier daemon has attached is just taken over.
 */
static void link_follow(struct fastpath *fastpath, struct fastpath_link *link, bool may_flap)
{
	enum attach_mode mode = link->wanted;
	int r;

	if (link->renew && may_flap) {
		engine_detach(fastpath->engine, link->name);
		link->renew = link->now.attached = false;
	}
	if (link->renew)
		renewal_await(fastpath, link);
	if (link->now.attached)
		return;
	/* The driver has refused native before. */
	if (link->lost && link->was == ATTACH_GENERIC && mode == ATTACH_AUTO && !may_flap)
		mode = ATTACH_GENERIC;
	r = engine_attach(fastpath->engine, link->name, mode, may_flap, &link->now);
	/* An earlier daemon's, in another mode. */
	link->renew = r == -EAGAIN && link->now.attached;
	if ((r < 0 && !link->renew) || !link->now.attached) {
		link->now.attached = false;
		waiting_begin(fastpath->waiting, "interface", link->name,
			*link->now.note ? link->now.note : strerror(-r));
		return;
	}
	if (link->renew)
		renewal_await(fastpath, link);
	else
		waiting_end(fastpath->waiting, "interface", link->name);
	link->lost = false;
	link->was = link->now.mode;
	fastpath->settled = false;
	link_tell(link);
}

static const struct fastpath_link *link_find(
	const struct fastpath_link *links, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(links[i].name, name) == 0)
			return &links[i];
	}
	return NULL;
}

/* A link that works isn't touched by an attach: another mode needs a new one. */
static bool mode_suits(const struct fastpath_link *link)
{
	return link->now.mode == link->wanted ||
	       (link->wanted == ATTACH_AUTO && link->now.mode == ATTACH_NATIVE);
}

/*
 * Without forwarding nothing is answered where replies ask the routing table:
 * that is awaited, as the program is. The others are only said.
 */
static bool doubt_awaited(enum interface_doubt doubt)
{
	return doubt == INTERFACE_NOT_FORWARDING4 || doubt == INTERFACE_NOT_FORWARDING6;
}

static void doubt_subject(
	const struct fastpath_link *link, enum interface_doubt doubt, char subject[static 24])
{
	snprintf(
		subject, 24, "%.15s IPv%d", link->name, doubt == INTERFACE_NOT_FORWARDING6 ? 6 : 4);
}

static void doubt_end(
	struct fastpath *fastpath, struct fastpath_link *link, enum interface_doubt doubt)
{
	char subject[24];

	doubt_subject(link, doubt, subject);
	if (doubt_awaited(doubt))
		waiting_end(fastpath->waiting, "forwarding", subject);
	link->doubts[doubt][0] = '\0';
}

static void doubt_begin(struct fastpath *fastpath, struct fastpath_link *link,
	enum interface_doubt doubt, const char *text)
{
	char subject[24];

	doubt_subject(link, doubt, subject);
	if (doubt_awaited(doubt))
		waiting_begin(fastpath->waiting, "forwarding", subject, text);
	else if (strcmp(link->doubts[doubt], text) != 0)
		log_write(LOG_INTERFACE_DOUBTFUL, link->name, NULL, "interface %s: %s", link->name,
			text);
	snprintf(link->doubts[doubt], INTERFACE_DOUBT_TEXT, "%s", text);
}

/* What the interfaces themselves say about the replies' way. */
static void links_doubt(
	struct fastpath *fastpath, const struct config *config, const struct interfaces *interfaces)
{
	char text[INTERFACE_DOUBT_TEXT];
	size_t count;
	const struct interface *list = interfaces_list(interfaces, &count);

	for (size_t i = 0; i < fastpath->links_count && i < count; i++) {
		struct fastpath_link *link = &fastpath->links[i];

		for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++) {
			if (interface_doubt(&list[i], config, (enum interface_doubt)doubt, text))
				doubt_begin(fastpath, link, (enum interface_doubt)doubt, text);
			else
				doubt_end(fastpath, link, (enum interface_doubt)doubt);
		}
	}
}

/* The configuration's interfaces, with what is known of those that stay. */
static void links_take(struct fastpath *fastpath, const struct config *config)
{
	struct fastpath_link before[CONFIG_MAX_INTERFACES];
	size_t count = fastpath->links_count;

	memcpy(before, fastpath->links, sizeof(before));
	memset(fastpath->links, 0, sizeof(fastpath->links));
	fastpath->links_count = config->interfaces_count;
	for (size_t i = 0; i < config->interfaces_count; i++) {
		struct fastpath_link *link = &fastpath->links[i];
		const char *name = config->interfaces[i].name;
		const struct fastpath_link *known = link_find(before, count, name);

		if (known)
			*link = *known;
		snprintf(link->name, sizeof(link->name), "%s", name);
		link->wanted = attach_mode_of(&config->interfaces[i]);
		if (known && known->wanted != link->wanted) {
			link->renew = link->now.attached && !mode_suits(link);
			if (link->now.attached && !link->renew)
				waiting_end(fastpath->waiting, "interface", name);
		}
	}
	for (size_t j = 0; j < count; j++) {
		if (link_find(fastpath->links, fastpath->links_count, before[j].name))
			continue;
		waiting_end(fastpath->waiting, "interface", before[j].name);
		for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++)
			doubt_end(fastpath, &before[j], (enum interface_doubt)doubt);
		fastpath->settled = false;
	}
}

/* Every configured interface, and no other. */
static void links_follow(struct fastpath *fastpath, const struct config *config, bool may_flap)
{
	const char *names[CONFIG_MAX_INTERFACES];

	links_take(fastpath, config);
	for (size_t i = 0; i < fastpath->links_count; i++) {
		link_follow(fastpath, &fastpath->links[i], may_flap);
		names[i] = fastpath->links[i].name;
	}
	if (fastpath->settled)
		return;
	fastpath->settled =
		engine_settle(fastpath->engine, names, fastpath->links_count, may_flap) == 0;
	if (fastpath->settled)
		waiting_end(fastpath->waiting, "detach", "");
	else
		waiting_begin(fastpath->waiting, "detach", "", engine_error(fastpath->engine));
}

static void links_of(const struct interfaces *interfaces, struct settings_link *links)
{
	size_t count;
	const struct interface *list = interfaces_list(interfaces, &count);

	memset(links, 0, SETTINGS_IFACES * sizeof(*links));
	for (size_t i = 0; i < count && i < PROBE_PLACE; i++) {
		links[i].ifindex = list[i].ifindex;
		links[i].mtu = list[i].mtu;
		memcpy(links[i].mac, list[i].mac, sizeof(links[i].mac));
	}
	links[PROBE_PLACE] = (struct settings_link){
		.ifindex = if_nametoindex("lo"), .mtu = UINT16_MAX, .probe = true};
}

/* The secrets of this configuration, read once; again each time while the file can't be. */
static void secrets_follow(struct fastpath *fastpath, const struct config *config)
{
	const char *path = config->fastpath.cookie_secret_file;
	char reason[COOKIE_REASON_SIZE];

	if (fastpath->secrets_of == config)
		return;
	if (!path)
		fastpath->secrets.count = 0;
	if (path && cookie_secrets_read(path, &fastpath->secrets, reason) < 0) {
		waiting_begin(fastpath->waiting, "cookies", "", reason);
		return;
	}
	waiting_end(fastpath->waiting, "cookies", "");
	fastpath->secrets_of = config;
}

/* Follows the clock in steps of a second: each step is a new block of settings. */
static void wall_follow(struct fastpath *fastpath)
{
	uint64_t wall = (clock_wall_us() - clock_monotonic_us()) * 1000;
	int64_t off = (int64_t)(wall - fastpath->wall);

	if (off > WALL_STEP_NS || off < -WALL_STEP_NS)
		fastpath->wall = wall;
}

static void edns_fill(struct fastpath *fastpath, const struct config *config,
	const struct settings_profile *profile, struct settings *next)
{
	bool ours;

	secrets_follow(fastpath, config);
	wall_follow(fastpath);
	ours = settings_fill_edns(next, config, &profile->edns, &fastpath->secrets, fastpath->wall);
	if (!ours && fastpath->secrets.count && !fastpath->foreign)
		log_write(LOG_DETAIL, "cookies", NULL,
			"the local server makes cookies with another secret than those of "
			"fastpath.cookie_secret_file: queries with cookies are left to it");
	fastpath->foreign = !ours && fastpath->secrets.count;
}

void fastpath_apply(struct fastpath *fastpath, const struct config *config,
	const struct settings_profile *profile, const struct interfaces *interfaces, bool may_flap)
{
	static const struct settings_profile unknown;
	struct settings_link links[SETTINGS_IFACES];
	struct settings next;

	if (!fastpath->engine)
		return;
	links_of(interfaces, links);
	/* Room was checked with the configuration: -ENOSPC can't come. */
	if (settings_fill(&next, config, profile ? profile : &unknown, links, SETTINGS_IFACES,
		    !profile) == 0) {
		edns_fill(fastpath, config, profile ? profile : &unknown, &next);
		settings_publish(fastpath, &next);
	}
	links_follow(fastpath, config, may_flap);
	links_doubt(fastpath, config, interfaces);
}

void fastpath_lease(struct fastpath *fastpath, const struct config *config)
{
	if (fastpath->engine)
		__atomic_store_n(&engine_memory(fastpath->engine)->settings->lease_end,
			(clock_monotonic_us() + config->fastpath.lease.us) * 1000,
			__ATOMIC_RELAXED);
}

/* One test run in the mode of a link: NULL when it was answered right, with the
 * serial, else what is wrong. */
static const char *question_run(struct fastpath *fastpath, const struct address *target,
	const struct fastpath_question *question, uint32_t *serial)
{
	uint8_t frame[TESTFRAME_MAX], reply[4096];
	size_t length, room = sizeof(reply);
	uint32_t action;

	length = testframe_question(frame, target, &question->zone, ++fastpath->question_id);
	if (engine_test(fastpath->engine, fastpath->links[0].now.mode, frame, length, reply, &room,
		    &action) < 0)
		return engine_error(fastpath->engine);
	if (action != XDP_TX)
		return "the program passed the question";
	return testframe_answer(
		reply, room, target, &question->zone, fastpath->question_id, serial);
}

/* A second run when the first failed: live traffic shares the CPU's scratch. */
static const char *question_ask(struct fastpath *fastpath, const struct address *target,
	const struct fastpath_question *question)
{
	uint32_t serial = 0;
	const char *wrong = question_run(fastpath, target, question, &serial);

	if (wrong)
		wrong = question_run(fastpath, target, question, &serial);
	if (wrong)
		return wrong;
	if (serial == question->serials[0] || serial == question->serials[1]) {
		fastpath->suspect = false;
		return NULL;
	}
	/* The publisher may be ahead of its report: not so twice in a row. */
	if (!fastpath->suspect) {
		fastpath->suspect = true;
		return NULL;
	}
	return "the answer has another serial than the one published";
}

static void links_inspect(struct fastpath *fastpath)
{
	for (size_t i = 0; i < fastpath->links_count; i++) {
		struct fastpath_link *link = &fastpath->links[i];

		if (!link->now.attached)
			continue;
		engine_inspect(fastpath->engine, link->name, &link->now);
		if (link->now.attached)
			continue;
		link->lost = true;
		log_write(LOG_ENGINE_LOST, link->name, NULL,
			"interface %s: the fast path is gone: %s", link->name, link->now.note);
	}
}

void fastpath_probe(struct fastpath *fastpath, const struct config *config,
	const struct fastpath_question *question)
{
	bool asked4 = false, asked6 = false;

	if (!fastpath->engine)
		return;
	links_inspect(fastpath);
	fastpath->probed = true;
	fastpath->trouble[0] = '\0';
	if (fastpath->current.flags & SETTINGS_BYPASS) {
		snprintf(fastpath->trouble, sizeof(fastpath->trouble),
			"how the local server answers isn't known yet: no answer to a "
			"question for "
			"a required zone's SOA");
		return;
	}
	if (!question->zone.wire) {
		snprintf(fastpath->trouble, sizeof(fastpath->trouble),
			"no zone is answered fast now");
		return;
	}
	for (size_t i = 0; i < config->service.addresses_count; i++) {
		const struct address *target = &config->service.addresses[i];
		bool *asked = target->family == AF_INET ? &asked4 : &asked6;
		const char *wrong = *asked ? NULL : question_ask(fastpath, target, question);
		char text[VALUE_TEXT];

		*asked = true;
		if (!wrong)
			continue;
		snprintf(fastpath->trouble, sizeof(fastpath->trouble), "test run for %s at %s: %s",
			question->zone.text, address_text(target, text), wrong);
		return;
	}
}

/* The test run's reply needs no route, so this is judged by itself. */
static bool links_routed(const struct fastpath *fastpath, char reason[static 256])
{
	for (size_t i = 0; i < fastpath->links_count; i++) {
		for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++) {
			const char *text = fastpath->links[i].doubts[doubt];

			if (!doubt_awaited((enum interface_doubt)doubt) || !*text)
				continue;
			snprintf(reason, 256, "%s", text);
			return false;
		}
	}
	return true;
}

void fastpath_status(const struct fastpath *fastpath, struct fastpath_status *status)
{
	uint64_t end, now = clock_monotonic_us() * 1000;

	*status = (struct fastpath_status){.adopted = fastpath->adopted};
	if (!fastpath->engine) {
		snprintf(status->reason, sizeof(status->reason), "the XDP program isn't loaded");
		return;
	}
	status->present = true;
	status->attached = true;
	status->links_count = fastpath->links_count;
	for (size_t i = 0; i < status->links_count; i++) {
		status->links[i] = fastpath->links[i].now;
		for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++)
			status->warnings[i][doubt] = doubt_awaited((enum interface_doubt)doubt)
							     ? ""
							     : fastpath->links[i].doubts[doubt];
	}
	end = __atomic_load_n(
		&engine_memory(fastpath->engine)->settings->lease_end, __ATOMIC_RELAXED);
	status->lease_left_us = end > now ? (end - now) / 1000 : 0;
	for (size_t i = 0; i < status->links_count; i++) {
		if (status->links[i].attached)
			continue;
		status->attached = false;
		snprintf(status->reason, sizeof(status->reason), "not attached to %s: %.200s",
			fastpath->links[i].name, status->links[i].note);
	}
	if (status->attached && status->lease_left_us == 0)
		snprintf(status->reason, sizeof(status->reason), "its lease has ended");
	else if (status->attached && !links_routed(fastpath, status->reason))
		return;
	else if (status->attached)
		snprintf(status->reason, sizeof(status->reason), "%s",
			fastpath->probed ? fastpath->trouble : "not probed yet");
	status->healthy = status->reason[0] == '\0';
}

static void path_add(struct counters_path *sum, const volatile struct counters_path *path)
{
	sum->fast += path->fast;
	sum->passed += path->passed;
	sum->dropped += path->dropped;
}

void fastpath_counters(const struct fastpath *fastpath, struct fastpath_counters *sum)
{
	const struct engine_memory *memory;

	*sum = (struct fastpath_counters){0};
	if (!fastpath->engine)
		return;
	memory = engine_memory(fastpath->engine);
	for (u32 row = 0; row < memory->rows; row++) {
		const volatile struct counters *c = &memory->counters[row];

		for (size_t i = 0; i < COUNTERS_REASONS; i++)
			sum->reasons[i] += c->reasons[i];
		for (size_t i = 0; i < COUNTERS_RCODES; i++)
			sum->rcodes[i] += c->rcodes[i];
		sum->truncated += c->truncated;
		for (size_t i = 0; i < 2 * SETTINGS_IFACES; i++) {
			path_add(&sum->all, &c->paths[i / 2][i % 2]);
			if (i / 2 < CONFIG_MAX_INTERFACES)
				path_add(&sum->paths[i / 2][i % 2], &c->paths[i / 2][i % 2]);
		}
	}
}

int fastpath_leave(struct fastpath *fastpath, bool memory_stays)
{
	int r;

	opening_abandon(fastpath);
	if (!fastpath->engine)
		return 0;
	r = memory_stays ? engine_unpin(fastpath->engine) : engine_remove(fastpath->engine);
	fastpath->engine = NULL;
	fastpath->links_count = 0;
	return r;
}
