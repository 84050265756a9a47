/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The zone worker: one thread around poll(2). What to do is decided in mirror_zone.c; here it is
 * done.
 */
#include "control/zone/mirror.h"

#include "control/zone/mailbox.h"
#include "control/zone/mirror_setup.h"
#include "control/zone/mirror_zone.h"
#include "control/zone/poller.h"
#include "control/zone/schedule.h"
#include "control/zone/transfer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MAIL_LIMIT     65536 /* reports and pokes that wait while a compile runs */
#define SLOW_ASKS      8     /* SOA queries over TCP at once */
#define STATUS_SOON    timespan_ms(100)
#define STATUS_REGULAR timespan_s(1)
#define BURST          timespan_ms(50) /* polls saved up while there was other work */

enum letter_kind { LETTER_STOP, LETTER_RELOAD, LETTER_REPORT, LETTER_POKE };

struct letter {
	struct mail mail; /* first */
	enum letter_kind kind;
	uint32_t id, serial;
	struct zone_fault fault;
	struct mirror_setup *setup;
};

struct zone_slot {
	struct mirror_zone state;
	struct monotime told; /* the last status */
	bool news;            /* more than 'confirmed' moved since */
};

/* A transfer under way. */
struct job {
	struct transfer *transfer; /* NULL: free */
	uint32_t zone;
	struct monotime began;
};

/* A SOA query over TCP under way. */
struct slow_ask {
	struct soa_stream *query; /* NULL: free */
	uint32_t zone;
	struct monotime asked;
};

/* Everything that hangs on a setup. */
struct holdings {
	struct zone_slot *zones;                    /* as setup->zones */
	struct schedule polls, transfers, statuses; /* by index of the zone */
	struct poller *poller;
	struct job *jobs; /* setup->transfers */
};

struct mirror {
	pthread_t thread;
	struct mailbox *mailbox;
	struct mirror_sink sink;

	/* The worker's own from here on. */
	bool stopping;
	struct mirror_setup *setup;
	struct holdings held;
	struct monotime next_poll_free; /* the rate allows the next poll then */
	struct slow_ask slow_asks[SLOW_ASKS];
};

static void event_send(struct mirror *mirror, uint32_t zone, struct mirror_event *event)
{
	event->name = mirror->setup->zones[zone].name;
	mirror->sink.event(mirror->sink.context, event);
}

/* After anything happened to a zone: when is it due, and who wants to know. */
static void zone_touched(struct mirror *mirror, uint32_t zone, bool only_confirmed)
{
	struct zone_slot *slot = &mirror->held.zones[zone];

	schedule_set(&mirror->held.polls, zone, mirror_zone_poll_due(&slot->state));
	schedule_set(&mirror->held.transfers, zone, mirror_zone_transfer_due(&slot->state));
	slot->news |= !only_confirmed;
	schedule_set(&mirror->held.statuses, zone,
		monotime_add(slot->told, slot->news ? STATUS_SOON : STATUS_REGULAR));
}

/* Zones at rest give way when there are more of them than the rate can poll. */
static struct timespan poll_interval(
	const struct mirror *mirror, const struct mirror_zone *zone, struct monotime now)
{
	struct timespan fair = {
		(uint64_t)mirror->setup->zone_count * 1000000000u / mirror->setup->poll_rate};

	if (zone->poll.ns >= fair.ns || mirror_zone_is_active(zone, now))
		return zone->poll;
	return fair;
}

static void poll_ended(struct mirror *mirror, uint32_t zone, struct monotime asked,
	const struct soa_answer *answer, const struct zone_fault *fault)
{
	struct mirror_zone *state = &mirror->held.zones[zone].state;
	struct mirror_setup_key *key = mirror->setup->zones[zone].key;
	struct monotime now = monotime_now();
	struct mirror_event event;
	bool was_current = state->status.phase == MIRROR_CURRENT;

	/* The operator may be changing the key: look at the file before the next try. */
	if (key && fault->kind >= ZONE_FAULT_TSIG_KEY && fault->kind <= ZONE_FAULT_TSIG_MISSING)
		key->next_look = now;
	if (mirror_zone_polled(
		    state, now, asked, answer, fault, poll_interval(mirror, state, now), &event))
		event_send(mirror, zone, &event);
	zone_touched(mirror, zone,
		was_current && mirror_zone_status(state, now)->phase == MIRROR_CURRENT);
}

/* A truncated answer: the same over TCP. */
static void slow_ask_begin(struct mirror *mirror, uint32_t zone, struct monotime asked)
{
	struct mirror_setup_zone *setup = &mirror->setup->zones[zone];
	static const struct soa_answer none;
	struct zone_fault fault;
	struct slow_ask *ask = mirror->slow_asks;
	struct key *key;

	while (ask < mirror->slow_asks + SLOW_ASKS && ask->query)
		ask++;
	if (ask == mirror->slow_asks + SLOW_ASKS)
		zone_fault_set(&fault, ZONE_FAULT_SYSTEM,
			"%d other zones are being asked over TCP already", SLOW_ASKS);
	else if (!mirror_setup_key(setup, asked, &key, &fault) &&
		 !soa_stream_open(&ask->query, &mirror->setup->stream, setup->name, key, &fault)) {
		ask->zone = zone;
		ask->asked = asked;
		return;
	}
	poll_ended(mirror, zone, asked, &none, &fault);
}

static void poll_answered(void *context, uint32_t zone, struct monotime asked,
	const struct soa_answer *answer, const struct zone_fault *fault)
{
	struct mirror *mirror = context;

	if (fault->kind == ZONE_FAULT_NONE && answer->truncated)
		slow_ask_begin(mirror, zone, asked);
	else
		poll_ended(mirror, zone, asked, answer, fault);
}

static void slow_ask_step(struct mirror *mirror, struct slow_ask *ask)
{
	struct soa_answer answer;
	struct zone_fault fault;
	int result = soa_stream_step(ask->query, &answer, &fault);

	if (!result)
		return;
	if (result > 0)
		zone_fault_set(&fault, ZONE_FAULT_NONE, "%s", "");
	soa_stream_free(ask->query);
	ask->query = NULL;
	poll_ended(mirror, ask->zone, ask->asked, &answer, &fault);
}

/* Polls what is due, as the rate and the number of unanswered polls allow. */
static void polls_begin(struct mirror *mirror)
{
	struct monotime now = monotime_now(), due;
	struct timespan gap = {1000000000u / mirror->setup->poll_rate};
	static const struct soa_answer none;
	struct zone_fault fault;
	struct key *key;
	uint32_t zone;

	if (monotime_before(mirror->next_poll_free, now)) {
		struct monotime least = {now.ns > BURST.ns ? now.ns - BURST.ns : 0};

		if (monotime_before(mirror->next_poll_free, least))
			mirror->next_poll_free = least;
	}
	while (schedule_first(&mirror->held.polls, &zone, &due) && !monotime_before(now, due) &&
		!monotime_before(now, mirror->next_poll_free) &&
		!poller_is_full(mirror->held.poller)) {
		mirror->next_poll_free = monotime_add(mirror->next_poll_free, gap);
		mirror_zone_polls(&mirror->held.zones[zone].state);
		schedule_set(&mirror->held.polls, zone, MONOTIME_NEVER);
		if (mirror_setup_key(&mirror->setup->zones[zone], now, &key, &fault))
			poll_ended(mirror, zone, now, &none, &fault);
		else
			poller_ask(mirror->held.poller, zone, mirror->setup->zones[zone].name, key);
	}
}

static struct job *job_free(struct mirror *mirror)
{
	for (unsigned i = 0; i < mirror->setup->transfers; i++)
		if (!mirror->held.jobs[i].transfer)
			return &mirror->held.jobs[i];
	return NULL;
}

static void job_failed(
	struct mirror *mirror, uint32_t zone, const struct zone_fault *fault, struct timespan took)
{
	struct mirror_zone *state = &mirror->held.zones[zone].state;

	state->status.transfer_took = took;
	if (mirror->sink.transferred)
		mirror->sink.transferred(mirror->sink.context, fault->kind, took);
	mirror_zone_failed(state, monotime_now(), fault);
	zone_touched(mirror, zone, false);
}

static void jobs_begin(struct mirror *mirror)
{
	struct monotime now = monotime_now(), due;
	struct zone_fault fault;
	struct job *job;
	struct key *key;
	uint32_t zone;

	while ((job = job_free(mirror)) && schedule_first(&mirror->held.transfers, &zone, &due) &&
		!monotime_before(now, due)) {
		struct mirror_setup_zone *setup = &mirror->setup->zones[zone];

		mirror_zone_transfers(&mirror->held.zones[zone].state);
		*job = (struct job){.zone = zone, .began = now};
		if (mirror_setup_key(setup, now, &key, &fault) ||
			transfer_open(&job->transfer, &mirror->setup->stream, setup->name, key,
				&setup->options.limits, &fault))
			job_failed(mirror, zone, &fault, (struct timespan){0});
		else
			zone_touched(mirror, zone, false);
	}
}

static void job_step(struct mirror *mirror, struct job *job)
{
	struct zone_slot *slot = &mirror->held.zones[job->zone];
	struct transfer_figures figures;
	struct mirror_event event;
	struct zone_fault fault;
	struct zone *zone;
	int result = transfer_step(job->transfer, &zone, &fault);

	if (!result)
		return;
	transfer_figures(job->transfer, &figures);
	transfer_free(job->transfer);
	job->transfer = NULL;
	if (result < 0) {
		job_failed(mirror, job->zone, &fault, figures.took);
		return;
	}
	slot->state.status.transfer_took = figures.took;
	slot->state.status.transfer_octets = figures.octets;
	if (mirror->sink.transferred)
		mirror->sink.transferred(mirror->sink.context, ZONE_FAULT_NONE, figures.took);
	mirror_zone_arrived(&slot->state, monotime_now(), job->began, zone, &event);
	zone_touched(mirror, job->zone, false);
	event_send(mirror, job->zone, &event);
}

/* States that are due to be told; then the moment at which one changes by itself. */
static void statuses_tell(struct mirror *mirror)
{
	struct monotime now = monotime_now(), due;
	uint32_t zone;

	while (schedule_first(&mirror->held.statuses, &zone, &due) && !monotime_before(now, due)) {
		struct zone_slot *slot = &mirror->held.zones[zone];
		const struct mirror_status *status = mirror_zone_status(&slot->state, now);

		slot->told = now;
		slot->news = false;
		schedule_set(&mirror->held.statuses, zone,
			monotime_before(now, status->bypass_after) ? status->bypass_after
								   : MONOTIME_NEVER);
		if (mirror->sink.status)
			mirror->sink.status(mirror->sink.context, status);
	}
}

static void holdings_free(struct holdings *holdings)
{
	free(holdings->zones);
	schedule_free(&holdings->polls);
	schedule_free(&holdings->transfers);
	schedule_free(&holdings->statuses);
	poller_free(holdings->poller);
	free(holdings->jobs);
}

static int holdings_new(
	struct holdings *holdings, struct mirror *mirror, const struct mirror_setup *setup)
{
	uint32_t count = (uint32_t)setup->zone_count;

	*holdings = (struct holdings){
		.zones = calloc(count + 1U, sizeof(*holdings->zones)),
		.jobs = calloc(setup->transfers, sizeof(*holdings->jobs)),
	};
	if (!holdings->zones || !holdings->jobs || schedule_init(&holdings->polls, count) ||
		schedule_init(&holdings->transfers, count) ||
		schedule_init(&holdings->statuses, count) ||
		poller_new(&holdings->poller, &setup->stream, setup->polls, setup->poll_timeout,
			poll_answered, mirror)) {
		holdings_free(holdings);
		return -ENOMEM;
	}
	return 0;
}

/* The zone of another setup that continues this one: the same id and name. */
static bool successor(const struct mirror *mirror, uint32_t zone, const struct mirror_setup *setup,
	uint32_t *index)
{
	const struct mirror_setup_zone *old = &mirror->setup->zones[zone];

	return mirror_setup_find(setup, old->options.id, index) &&
	       name_equal(setup->zones[*index].name, old->name);
}

/* Transfers go on under their zone's new index; those of zones that went are cut off. */
static void jobs_carry(
	struct mirror *mirror, struct holdings *holdings, const struct mirror_setup *setup)
{
	unsigned next = 0;

	for (unsigned i = 0; mirror->setup && i < mirror->setup->transfers; i++) {
		struct job *job = &mirror->held.jobs[i];
		uint32_t index;

		if (!job->transfer)
			continue;
		bool kept = successor(mirror, job->zone, setup, &index);
		if (kept && next < setup->transfers) {
			holdings->jobs[next] = *job;
			holdings->jobs[next++].zone = index;
			continue;
		}
		if (kept) {
			/* Fewer at once now: it begins again when there is room. */
			holdings->zones[index].state.transferring = false;
			holdings->zones[index].state.status.next_transfer = monotime_now();
		}
		transfer_free(job->transfer);
	}
}

/* The state of each zone under the new setup: the one it had, or a fresh one. */
static void states_carry(
	struct mirror *mirror, struct holdings *holdings, const struct mirror_setup *setup)
{
	struct monotime now = monotime_now();

	for (uint32_t i = 0; i < setup->zone_count; i++)
		mirror_zone_init(&holdings->zones[i].state, &setup->zones[i].options,
			setup->stale_limit, now);
	for (uint32_t i = 0; mirror->setup && i < mirror->setup->zone_count; i++) {
		struct mirror_event event = {
			.kind = MIRROR_GONE, .id = mirror->setup->zones[i].options.id};
		uint32_t index;

		if (!successor(mirror, i, setup, &index)) {
			event_send(mirror, i, &event);
			continue;
		}
		struct mirror_zone *state = &holdings->zones[index].state;
		holdings->zones[index] = mirror->held.zones[i];
		state->poll = setup->zones[index].options.poll;
		state->stale_limit = setup->stale_limit;
		state->polling = false; /* its poll is forgotten with the poller */
		state->status.next_poll = now;
	}
}

/* Puts a setup in force; zones that were there before keep their state. Takes it over. */
static void setup_apply(
	struct mirror *mirror, struct mirror_setup *setup, struct holdings *holdings)
{
	states_carry(mirror, holdings, setup);
	jobs_carry(mirror, holdings, setup);
	for (unsigned i = 0; i < SLOW_ASKS; i++) {
		soa_stream_free(mirror->slow_asks[i].query);
		mirror->slow_asks[i].query = NULL;
	}

	holdings_free(&mirror->held);
	mirror->held = *holdings;
	mirror_setup_free(mirror->setup);
	mirror->setup = setup;
	for (uint32_t i = 0; i < setup->zone_count; i++)
		zone_touched(mirror, i, false);
}

static void letter_free(struct mail *mail)
{
	struct letter *letter = (struct letter *)mail;

	mirror_setup_free(letter->setup);
	free(letter);
}

static void letter_take(struct mirror *mirror, struct letter *letter)
{
	struct mirror_event event;
	struct holdings holdings;
	uint32_t zone;

	switch (letter->kind) {
	case LETTER_STOP:
		mirror->stopping = true;
		return;
	case LETTER_RELOAD:
		/* Without memory the old options stay in force; the next reload may do better. */
		if (holdings_new(&holdings, mirror, letter->setup))
			return;
		setup_apply(mirror, letter->setup, &holdings);
		letter->setup = NULL;
		return;
	case LETTER_REPORT:
		if (!mirror_setup_find(mirror->setup, letter->id, &zone))
			return;
		if (mirror_zone_reported(&mirror->held.zones[zone].state, monotime_now(),
			    letter->serial, &letter->fault, &event))
			event_send(mirror, zone, &event);
		break;
	case LETTER_POKE:
		if (!mirror_setup_find(mirror->setup, letter->id, &zone))
			return;
		mirror_zone_poke(&mirror->held.zones[zone].state, monotime_now());
		break;
	}
	zone_touched(mirror, zone, false);
}

static void letters_take(struct mirror *mirror)
{
	struct mail *mail;

	while (!mirror->stopping && (mail = mailbox_take(mirror->mailbox))) {
		letter_take(mirror, (struct letter *)mail);
		letter_free(mail);
	}
}

/* When the worker must wake up though no descriptor is ready. */
static struct monotime next_moment(struct mirror *mirror)
{
	struct monotime first = poller_deadline(mirror->held.poller), due;
	uint32_t zone;

	schedule_first(&mirror->held.statuses, &zone, &due);
	first = monotime_first(first, due);
	if (job_free(mirror)) {
		schedule_first(&mirror->held.transfers, &zone, &due);
		first = monotime_first(first, due);
	}
	if (!poller_is_full(mirror->held.poller)) {
		schedule_first(&mirror->held.polls, &zone, &due);
		if (monotime_before(due, mirror->next_poll_free))
			due = mirror->next_poll_free;
		first = monotime_first(first, due);
	}
	for (unsigned i = 0; i < mirror->setup->transfers; i++)
		if (mirror->held.jobs[i].transfer)
			first = monotime_first(
				first, transfer_deadline(mirror->held.jobs[i].transfer));
	for (unsigned i = 0; i < SLOW_ASKS; i++)
		if (mirror->slow_asks[i].query)
			first = monotime_first(
				first, soa_stream_deadline(mirror->slow_asks[i].query));
	return first;
}

/* The descriptors to wait for; returns their count. */
static nfds_t descriptors(const struct mirror *mirror, struct pollfd *fds)
{
	nfds_t count = 0;

	fds[count++] = (struct pollfd){.fd = mailbox_fd(mirror->mailbox), .events = POLLIN};
	fds[count++] = (struct pollfd){.fd = poller_fd(mirror->held.poller), .events = POLLIN};
	for (unsigned i = 0; i < SLOW_ASKS; i++) {
		const struct soa_stream *query = mirror->slow_asks[i].query;

		if (query)
			fds[count++] = (struct pollfd){
				.fd = soa_stream_fd(query), .events = soa_stream_events(query)};
	}
	for (unsigned i = 0; i < mirror->setup->transfers; i++) {
		const struct transfer *transfer = mirror->held.jobs[i].transfer;

		if (transfer)
			fds[count++] = (struct pollfd){
				.fd = transfer_fd(transfer), .events = transfer_events(transfer)};
	}
	return count;
}

static void *work(void *context)
{
	struct pollfd fds[2 + SLOW_ASKS + MIRROR_MOST_TRANSFERS];
	struct mirror *mirror = context;

	pthread_setname_np(pthread_self(), "zone-worker");
	while (!mirror->stopping) {
		nfds_t count = descriptors(mirror, fds);

		poll(fds, count, monotime_poll_ms(monotime_now(), next_moment(mirror)));
		/* Answers first: a transfer's last step, and the event after it, may take long. A
		 * step of what isn't ready costs a system call and does no harm. */
		poller_step(mirror->held.poller);
		for (unsigned i = 0; i < SLOW_ASKS; i++)
			if (mirror->slow_asks[i].query)
				slow_ask_step(mirror, &mirror->slow_asks[i]);
		for (unsigned i = 0; i < mirror->setup->transfers; i++)
			if (mirror->held.jobs[i].transfer)
				job_step(mirror, &mirror->held.jobs[i]);
		letters_take(mirror);
		polls_begin(mirror);
		jobs_begin(mirror);
		statuses_tell(mirror);
	}
	return NULL;
}

static void mirror_free(struct mirror *mirror)
{
	for (unsigned i = 0; mirror->held.jobs && i < mirror->setup->transfers; i++)
		transfer_free(mirror->held.jobs[i].transfer);
	for (unsigned i = 0; i < SLOW_ASKS; i++)
		soa_stream_free(mirror->slow_asks[i].query);
	holdings_free(&mirror->held);
	mirror_setup_free(mirror->setup);
	mailbox_close(mirror->mailbox, letter_free);
	free(mirror);
}

int mirror_start(
	struct mirror **out, const struct mirror_options *options, const struct mirror_sink *sink)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));
	struct mirror_setup *setup = NULL;
	struct holdings holdings;
	sigset_t all, before;
	int error = -ENOMEM;

	if (!mirror)
		return error;
	mirror->sink = *sink;
	error = mailbox_open(&mirror->mailbox, MAIL_LIMIT);
	if (error)
		goto out;
	error = mirror_setup_new(&setup, options);
	if (error)
		goto out;
	error = holdings_new(&holdings, mirror, setup);
	if (error) {
		mirror_setup_free(setup);
		goto out;
	}
	setup_apply(mirror, setup, &holdings);

	/* Signals are the main thread's. */
	sigfillset(&all);
	*out = mirror; /* before the first event */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = -pthread_create(&mirror->thread, NULL, work, mirror);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return 0;
	*out = NULL;
out:
	mirror_free(mirror);
	return error;
}

static int letter_send(struct mirror *mirror, const struct letter *content)
{
	struct letter *letter = malloc(sizeof(*letter));

	if (!letter)
		return -ENOMEM;
	*letter = *content;
	int error = mailbox_post(mirror->mailbox, &letter->mail);
	if (error)
		free(letter);
	return error;
}

int mirror_reload(struct mirror *mirror, const struct mirror_options *options)
{
	struct letter letter = {.kind = LETTER_RELOAD};
	int error = mirror_setup_new(&letter.setup, options);

	if (!error)
		error = letter_send(mirror, &letter);
	if (error)
		mirror_setup_free(letter.setup);
	return error;
}

int mirror_report(
	struct mirror *mirror, uint32_t id, uint32_t serial, const struct zone_fault *fault)
{
	struct letter letter = {.kind = LETTER_REPORT, .id = id, .serial = serial};

	if (fault)
		letter.fault = *fault;
	return letter_send(mirror, &letter);
}

int mirror_poke(struct mirror *mirror, uint32_t id)
{
	struct letter letter = {.kind = LETTER_POKE, .id = id};

	return letter_send(mirror, &letter);
}

void mirror_stop(struct mirror *mirror)
{
	struct letter letter = {.kind = LETTER_STOP};

	if (!mirror)
		return;
	/* A full mailbox is being emptied. */
	while (letter_send(mirror, &letter))
		poll(NULL, 0, 1);
	pthread_join(mirror->thread, NULL);
	mirror_free(mirror);
}
