/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The zone worker's thread, its letters and its options. What it has under way is mirror_work.c's,
 * what to do about a zone mirror_zone.c's.
 */
#include "control/zone/mirror.h"

#include "control/zone/mailbox.h"
#include "control/zone/mirror_setup.h"
#include "control/zone/mirror_work.h"
#include "control/zone/mirror_zone.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define MAIL_LIMIT 65536 /* reports and pokes that wait while a compile runs */

enum letter_kind { LETTER_STOP, LETTER_RELOAD, LETTER_REPORT, LETTER_POKE };

struct letter {
	struct mail mail; /* first */
	enum letter_kind kind;
	uint32_t id, serial;
	struct zone_fault fault;
	/* RELOAD: with all the memory that it takes. */
	struct mirror_setup *setup;
	struct mirror_holdings holdings;
};

struct mirror_change {
	struct letter letter;
};

/* The zone of another setup that continues this one: the same id and name. */
static bool successor(const struct mirror *mirror, uint32_t zone, const struct mirror_setup *setup,
	uint32_t *index)
{
	const struct mirror_setup_zone *old = &mirror->setup->zones[zone];

	return mirror_setup_find(setup, old->options.id, index) &&
	       name_equal(setup->zones[*index].name, old->name);
}

/* Transfers go on under their zone's new index; those of zones that went stay, to be cut off. */
static void jobs_carry(
	struct mirror *mirror, struct mirror_holdings *holdings, const struct mirror_setup *setup)
{
	unsigned next = 0;

	for (unsigned i = 0; mirror->setup && i < mirror->setup->transfers; i++) {
		struct mirror_job *job = &mirror->held.jobs[i];
		uint32_t index;

		if (!job->transfer)
			continue;
		bool kept = successor(mirror, job->zone, setup, &index);
		if (kept && next < setup->transfers) {
			holdings->jobs[next] = *job;
			holdings->jobs[next++].zone = index;
			job->transfer = NULL;
			continue;
		}
		if (kept) {
			/* Fewer at once now: it begins again when there is room. */
			holdings->zones[index].state.transferring = false;
			holdings->zones[index].state.status.next_transfer = monotime_now();
		}
	}
}

/* The state of each zone under the new setup: the one it had, or a fresh one. */
static void states_carry(
	struct mirror *mirror, struct mirror_holdings *holdings, const struct mirror_setup *setup)
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
			mirror_work_event(mirror, i, &event);
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
	struct mirror *mirror, struct mirror_setup *setup, struct mirror_holdings *holdings)
{
	states_carry(mirror, holdings, setup);
	mirror->handed_over = 0;
	for (uint32_t i = 0; i < setup->zone_count; i++)
		mirror->handed_over += holdings->zones[i].handed_over;
	mirror->crowded = false;
	jobs_carry(mirror, holdings, setup);
	mirror_work_forget_asks(mirror);
	if (mirror->setup)
		mirror_holdings_free(&mirror->held, mirror->setup);
	mirror->held = *holdings;
	mirror_setup_free(mirror->setup);
	mirror->setup = setup;
	for (uint32_t i = 0; i < setup->zone_count; i++)
		mirror_work_touched(mirror, i, false);
}

static void letter_free(struct mail *mail)
{
	struct letter *letter = (struct letter *)mail;

	if (letter->setup)
		mirror_holdings_free(&letter->holdings, letter->setup);
	mirror_setup_free(letter->setup);
	free(letter);
}

static void letter_take(struct mirror *mirror, struct letter *letter)
{
	struct mirror_event event;
	uint32_t zone;

	switch (letter->kind) {
	case LETTER_STOP:
		mirror->stopping = true;
		return;
	case LETTER_RELOAD:
		setup_apply(mirror, letter->setup, &letter->holdings);
		letter->setup = NULL;
		return;
	case LETTER_REPORT:
		if (!mirror_setup_find(mirror->setup, letter->id, &zone))
			return;
		mirror_work_reported(mirror, zone);
		if (mirror_zone_reported(&mirror->held.zones[zone].state, monotime_now(),
			    letter->serial, &letter->fault, &event))
			mirror_work_event(mirror, zone, &event);
		break;
	case LETTER_POKE:
		if (!mirror_setup_find(mirror->setup, letter->id, &zone))
			return;
		mirror_zone_poke(&mirror->held.zones[zone].state, monotime_now());
		break;
	}
	mirror_work_touched(mirror, zone, false);
}

static void letters_take(struct mirror *mirror)
{
	struct mail *mail;

	while (!mirror->stopping && (mail = mailbox_take(mirror->mailbox))) {
		pulse_beat(&mirror->pulse, "reading what it was told");
		letter_take(mirror, (struct letter *)mail);
		letter_free(mail);
	}
}

static void *work(void *context)
{
	struct mirror *mirror = context;

	pthread_setname_np(pthread_self(), "zone-worker");
	for (letters_take(mirror); !mirror->stopping; letters_take(mirror))
		mirror_work(mirror);
	pulse_end(&mirror->pulse);
	return NULL;
}

static void mirror_free(struct mirror *mirror)
{
	mirror_work_forget_asks(mirror);
	if (mirror->setup)
		mirror_holdings_free(&mirror->held, mirror->setup);
	mirror_setup_free(mirror->setup);
	mailbox_close(mirror->mailbox, letter_free);
	free(mirror->stop);
	free(mirror);
}

int mirror_start(
	struct mirror **out, const struct mirror_options *options, const struct mirror_sink *sink)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));
	struct mirror_setup *setup = NULL;
	struct mirror_holdings holdings;
	sigset_t all, before;
	int error = -ENOMEM;

	if (!mirror)
		return error;
	mirror->sink = *sink;
	pulse_beat(&mirror->pulse, "starting");
	error = mailbox_open(&mirror->mailbox, MAIL_LIMIT);
	if (error)
		goto out;
	mirror->stop = calloc(1, sizeof(*mirror->stop));
	if (!mirror->stop) {
		error = -ENOMEM;
		goto out;
	}
	mirror->stop->kind = LETTER_STOP;
	error = mirror_setup_new(&setup, options);
	if (error)
		goto out;
	error = mirror_holdings_new(&holdings, mirror, setup);
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
	pulse_call(&mirror->pulse);
	int error = mailbox_post(mirror->mailbox, &letter->mail);
	if (error)
		free(letter);
	return error;
}

int mirror_prepare(
	struct mirror *mirror, const struct mirror_options *options, struct mirror_change **out)
{
	struct mirror_change *change = calloc(1, sizeof(*change));
	int error = change ? mirror_setup_new(&change->letter.setup, options) : -ENOMEM;

	if (!error) {
		change->letter.kind = LETTER_RELOAD;
		error = mirror_holdings_new(&change->letter.holdings, mirror, change->letter.setup);
	}
	if (!error) {
		*out = change;
		return 0;
	}
	if (change)
		mirror_setup_free(change->letter.setup);
	free(change);
	return error;
}

void mirror_commit(struct mirror *mirror, struct mirror_change *change)
{
	pulse_call(&mirror->pulse);
	mailbox_press(mirror->mailbox, &change->letter.mail);
}

void mirror_abandon(struct mirror_change *change)
{
	if (change)
		letter_free(&change->letter.mail);
}

int mirror_reload(struct mirror *mirror, const struct mirror_options *options)
{
	struct mirror_change *change;
	int error = mirror_prepare(mirror, options, &change);

	if (!error)
		mirror_commit(mirror, change);
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

const struct pulse *mirror_pulse(const struct mirror *mirror)
{
	return &mirror->pulse;
}

int mirror_poke(struct mirror *mirror, uint32_t id)
{
	struct letter letter = {.kind = LETTER_POKE, .id = id};

	return letter_send(mirror, &letter);
}

void mirror_end(struct mirror *mirror)
{
	struct letter *stop = mirror->stop;

	mirror->stop = NULL;
	if (!stop)
		return; /* it has it */
	pulse_call(&mirror->pulse);
	mailbox_press(mirror->mailbox, &stop->mail);
}

void mirror_stop(struct mirror *mirror)
{
	if (!mirror)
		return;
	mirror_end(mirror);
	pthread_join(mirror->thread, NULL);
	mirror_free(mirror);
}
