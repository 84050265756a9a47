/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/mirror_work.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define STATUS_SOON    timespan_ms(100)
#define STATUS_REGULAR timespan_s(1)
#define BURST          timespan_ms(50) /* polls saved up while there was other work */

void mirror_work_event(struct mirror *mirror, uint32_t zone, struct mirror_event *event)
{
	event->name = mirror->setup->zones[zone].name;
	pulse_beat(&mirror->pulse,
		event->kind == MIRROR_ZONE ? "compiling a zone" : "telling of a zone");
	mirror->sink.event(mirror->sink.context, event);
}

void mirror_work_touched(struct mirror *mirror, uint32_t zone, bool only_confirmed)
{
	struct mirror_slot *slot = &mirror->held.zones[zone];

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
		mirror_work_event(mirror, zone, &event);
	mirror_work_touched(mirror, zone,
		was_current && mirror_zone_status(state, now)->phase == MIRROR_CURRENT);
}

/* A truncated answer: the same over TCP. */
static void slow_ask_begin(struct mirror *mirror, uint32_t zone, struct monotime asked)
{
	struct mirror_setup_zone *setup = &mirror->setup->zones[zone];
	static const struct soa_answer none;
	struct zone_fault fault;
	struct mirror_slow_ask *ask = mirror->slow_asks;
	struct key *key;

	while (ask < mirror->slow_asks + MIRROR_SLOW_ASKS && ask->query)
		ask++;
	if (ask == mirror->slow_asks + MIRROR_SLOW_ASKS)
		zone_fault_set(&fault, ZONE_FAULT_SYSTEM,
			"%d other zones are being asked over TCP already", MIRROR_SLOW_ASKS);
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

static void slow_ask_step(struct mirror *mirror, struct mirror_slow_ask *ask)
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

/* Room for another transfer, or NULL. */
static struct mirror_job *job_free(struct mirror *mirror)
{
	if (mirror->crowded)
		return NULL;
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
	mirror_work_touched(mirror, zone, false);
}

static void jobs_begin(struct mirror *mirror)
{
	struct monotime now = monotime_now(), due;
	struct zone_fault fault;
	struct mirror_job *job;
	struct key *key;
	uint32_t zone;

	while ((job = job_free(mirror)) && schedule_first(&mirror->held.transfers, &zone, &due) &&
		!monotime_before(now, due)) {
		struct mirror_setup_zone *setup = &mirror->setup->zones[zone];

		mirror_zone_transfers(&mirror->held.zones[zone].state);
		*job = (struct mirror_job){.zone = zone, .began = now};
		if (mirror_setup_key(setup, now, &key, &fault) ||
			transfer_open(&job->transfer, &mirror->setup->stream, setup->name, key,
				&setup->options.limits, &fault))
			job_failed(mirror, zone, &fault, (struct timespan){0});
		else
			mirror_work_touched(mirror, zone, false);
	}
}

static void job_step(struct mirror *mirror, struct mirror_job *job)
{
	struct mirror_slot *slot = &mirror->held.zones[job->zone];
	struct transfer_figures figures;
	struct mirror_event event;
	struct zone_fault fault;
	struct zone *zone;
	int result;

	pulse_beat(&mirror->pulse, "reading a transfer");
	result = transfer_step(job->transfer, &zone, &fault);
	if (!result)
		return;
	transfer_figures(job->transfer, &figures);
	transfer_free(job->transfer);
	job->transfer = NULL;
	mirror->crowded = false;
	if (result < 0) {
		job_failed(mirror, job->zone, &fault, figures.took);
		return;
	}
	slot->state.status.transfer_took = figures.took;
	slot->state.status.transfer_octets = figures.octets;
	if (mirror->sink.transferred)
		mirror->sink.transferred(mirror->sink.context, ZONE_FAULT_NONE, figures.took);
	slot->handed_over = zone->memory;
	mirror->handed_over += zone->memory;
	mirror_zone_arrived(&slot->state, monotime_now(), job->began, zone, &event);
	mirror_work_touched(mirror, job->zone, false);
	mirror_work_event(mirror, job->zone, &event);
}

void mirror_work_reported(struct mirror *mirror, uint32_t zone)
{
	struct mirror_slot *slot = &mirror->held.zones[zone];

	mirror->handed_over -= slot->handed_over;
	slot->handed_over = 0;
	mirror->crowded = false;
}

static void job_cut_off(struct mirror *mirror, struct mirror_job *job, bool alone)
{
	struct mirror_zone *state = &mirror->held.zones[job->zone].state;
	struct timespan took = monotime_since(job->began, monotime_now());
	struct zone_fault fault;

	transfer_free(job->transfer);
	job->transfer = NULL;
	if (alone) {
		zone_fault_set(&fault, ZONE_FAULT_TOO_LARGE,
			"its transfer takes more than the %llu MiB that all together may",
			(unsigned long long)(mirror->setup->memory >> 20));
		job_failed(mirror, job->zone, &fault, took);
		return;
	}
	if (mirror->sink.transferred)
		mirror->sink.transferred(mirror->sink.context, ZONE_FAULT_CANCELLED, took);
	mirror->crowded = true;
	mirror_zone_put_off(state, monotime_now());
	mirror_work_touched(mirror, job->zone, false);
}

/* What takes too much together goes on one after the other: the youngest is put off, so the oldest
 * always gets to its end. */
static void jobs_bound(struct mirror *mirror)
{
	for (;;) {
		uint64_t sum = mirror->handed_over;
		struct mirror_job *youngest = NULL;
		unsigned running = 0;

		for (unsigned i = 0; i < mirror->setup->transfers; i++) {
			struct mirror_job *job = &mirror->held.jobs[i];

			if (!job->transfer)
				continue;
			running++;
			sum += transfer_memory(job->transfer);
			if (!youngest || !monotime_before(job->began, youngest->began))
				youngest = job;
		}
		if (!youngest || sum <= mirror->setup->memory)
			return;
		job_cut_off(mirror, youngest, running == 1 && mirror->handed_over == 0);
	}
}

/* States that are due to be told; then the moment at which one changes by itself. */
static void statuses_tell(struct mirror *mirror)
{
	struct monotime now = monotime_now(), due;
	uint32_t zone;

	while (schedule_first(&mirror->held.statuses, &zone, &due) && !monotime_before(now, due)) {
		struct mirror_slot *slot = &mirror->held.zones[zone];
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

void mirror_work_forget_asks(struct mirror *mirror)
{
	for (unsigned i = 0; i < MIRROR_SLOW_ASKS; i++) {
		soa_stream_free(mirror->slow_asks[i].query);
		mirror->slow_asks[i].query = NULL;
	}
}

void mirror_holdings_free(struct mirror_holdings *holdings, const struct mirror_setup *setup)
{
	for (unsigned i = 0; holdings->jobs && i < setup->transfers; i++)
		transfer_free(holdings->jobs[i].transfer);
	free(holdings->zones);
	schedule_free(&holdings->polls);
	schedule_free(&holdings->transfers);
	schedule_free(&holdings->statuses);
	poller_free(holdings->poller);
	free(holdings->jobs);
}

int mirror_holdings_new(
	struct mirror_holdings *holdings, struct mirror *mirror, const struct mirror_setup *setup)
{
	uint32_t count = (uint32_t)setup->zone_count;

	*holdings = (struct mirror_holdings){
		.zones = calloc(count + 1U, sizeof(*holdings->zones)),
		.jobs = calloc(setup->transfers, sizeof(*holdings->jobs)),
	};
	if (!holdings->zones || !holdings->jobs || schedule_init(&holdings->polls, count) ||
		schedule_init(&holdings->transfers, count) ||
		schedule_init(&holdings->statuses, count) ||
		poller_new(&holdings->poller, &setup->stream, setup->polls, setup->poll_timeout,
			poll_answered, mirror)) {
		mirror_holdings_free(holdings, setup);
		return -ENOMEM;
	}
	return 0;
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
	for (unsigned i = 0; i < MIRROR_SLOW_ASKS; i++)
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
	for (unsigned i = 0; i < MIRROR_SLOW_ASKS; i++) {
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

void mirror_work(struct mirror *mirror)
{
	struct pollfd fds[2 + MIRROR_SLOW_ASKS + MIRROR_MOST_TRANSFERS];
	nfds_t count = descriptors(mirror, fds);
	struct monotime next = next_moment(mirror);

	pulse_rest(&mirror->pulse, next);
	poll(fds, count, monotime_poll_ms(monotime_now(), next));
	pulse_beat(&mirror->pulse, "asking for serials");
	/* Answers first: a transfer's last step, and the event after it, may take long. A step of
	 * what isn't ready costs a system call and does no harm. */
	poller_step(mirror->held.poller);
	for (unsigned i = 0; i < MIRROR_SLOW_ASKS; i++)
		if (mirror->slow_asks[i].query)
			slow_ask_step(mirror, &mirror->slow_asks[i]);
	for (unsigned i = 0; i < mirror->setup->transfers; i++)
		if (mirror->held.jobs[i].transfer)
			job_step(mirror, &mirror->held.jobs[i]);
	jobs_bound(mirror);
	pulse_beat(&mirror->pulse, "asking for serials");
	polls_begin(mirror);
	jobs_begin(mirror);
	statuses_tell(mirror);
}
