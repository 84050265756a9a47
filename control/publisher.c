/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/publisher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#define HASH_NONFATAL_OOM 1 /* an element that wasn't added has no table */
#include <uthash.h>

#include "control/clock.h"

/* After something was refused that may go well later. */
#define RETRY_MS 100
/* A busy queue doesn't keep unlinked memory for ever. */
#define STEPS_UNSETTLED 256

/* What takes no time goes first: a bypass or a deadline doesn't wait behind a
 * million names of another zone. */
enum work { WORK_LIGHT, WORK_HEAVY, WORK_KINDS };

/* What is wanted of a zone and not done yet, and what is so now. */
struct zone_entry {
	UT_hash_handle hh;
	uint8_t apex[NAME_MAX_SIZE];
	struct compiled *compiled; /* to publish, NULL: nothing */
	uint64_t compiled_deadline;
	uint64_t deadline; /* for what is published */
	bool deadline_new;
	bool bypass;
	bool held; /* by a person */
	bool remove;
	bool news;
	bool queued[WORK_KINDS];
	struct zone_entry *next[WORK_KINDS]; /* in the queues */
	struct publisher_zone zone;
};

struct zone_queue {
	struct zone_entry *first, *last;
};

struct publisher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	int news; /* eventfd */
	struct pulse pulse;
	/* Under the lock. */
	bool stop;
	struct engine_memory *memory;
	struct zone_entry *zones; /* uthash by apex */
	struct zone_queue queues[WORK_KINDS];
	bool held; /* all of them */
	uint64_t grace_asked, grace_done;
	struct publisher_image state;
	/* The thread's own. */
	struct image *image;
	unsigned steps; /* of the queues since the last settling */
};

/* Under the lock, as the thread's rest, so that none follows a call. */
static void work_call(struct publisher *publisher)
{
	pulse_call(&publisher->pulse);
	pthread_cond_signal(&publisher->work);
}

static struct zone_entry *zone_find_entry(struct publisher *publisher, const uint8_t *apex)
{
	struct zone_entry *entry;

	HASH_FIND(hh, publisher->zones, apex, name_size(apex), entry);
	return entry;
}

/* False: no memory, and the entry is gone. */
static bool zone_enter(struct publisher *publisher, struct zone_entry *entry)
{
	HASH_ADD_KEYPTR(hh, publisher->zones, entry->apex, name_size(entry->apex), entry);
	if (entry->hh.tbl)
		return true;
	free(entry);
	return false;
}

static void zone_queue(struct publisher *publisher, struct zone_entry *entry, enum work work)
{
	struct zone_queue *queue = &publisher->queues[work];

	if (entry->queued[work])
		return;
	entry->queued[work] = true;
	entry->next[work] = NULL;
	if (queue->last)
		queue->last->next[work] = entry;
	else
		queue->first = entry;
	queue->last = entry;
	work_call(publisher);
}

static struct zone_entry *zone_dequeue(struct publisher *publisher, enum work work)
{
	struct zone_queue *queue = &publisher->queues[work];
	struct zone_entry *entry = queue->first;

	if (!entry)
		return NULL;
	queue->first = entry->next[work];
	if (!queue->first)
		queue->last = NULL;
	entry->queued[work] = false;
	return entry;
}

static void zone_drop(struct publisher *publisher, struct zone_entry *entry)
{
	HASH_DEL(publisher->zones, entry);
	compiled_free(entry->compiled);
	free(entry);
}

/* Tells the loop; a full counter is as good as a readable one. */
static void news_tell(struct publisher *publisher)
{
	uint64_t one = 1;

	if (write(publisher->news, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort(); /* an eventfd of ours can't fail otherwise */
}

/* ---- the thread, which holds the lock only where it says so ---- */

static void zone_look(const struct publisher *publisher, struct publisher_zone *zone)
{
	struct image_zone_state state;

	if (image_zone_state(publisher->image, zone->apex, &state) < 0)
		memset(&state, 0, sizeof(state));
	zone->published = state.number != 0;
	zone->bypassed = state.bypassed;
	zone->serial = state.serial;
	zone->names = state.names;
	zone->deadline = state.bypass_after;
}

/*
 * Publishes, making room step by step: what readers have left, then the zone's
 * own old version, which would be out of date in any case.
 */
static int zone_publish(struct publisher *publisher, const struct compiled *compiled,
	uint64_t deadline, struct image_result *result)
{
	int r = image_zone_publish(publisher->image, compiled, deadline, result);

	for (int turn = 0; turn < 2 && r == -ENOSPC; turn++) {
		if (turn == 1 && image_zone_clear(publisher->image, compiled->apex) < 0)
			break;
		/* The second frees what the first has unlinked. */
		if (image_settle(publisher->image) < 0 || image_settle(publisher->image) < 0)
			break;
		r = image_zone_publish(publisher->image, compiled, deadline, result);
	}
	return r;
}

/*
 * The zone's place in the image, so that its names pass instead of being its
 * parent's. Pages are kept for it; when those are full as well, what readers
 * have left makes room.
 */
static int zone_place(struct publisher *publisher, const uint8_t *apex)
{
	int r = image_zone_add(publisher->image, apex);

	/* The second settling frees what the first has unlinked. */
	for (int turn = 0; turn < 2 && r == -ENOSPC && image_unsettled(publisher->image); turn++) {
		if (image_settle(publisher->image) < 0)
			break;
		r = image_zone_add(publisher->image, apex);
	}
	return r == -EEXIST ? 0 : r;
}

/* Is the zone to pass? Under the lock. */
static bool zone_passes(const struct publisher *publisher, const struct zone_entry *entry)
{
	return entry->bypass || entry->held || publisher->held;
}

/* One zone's wishes, taken out of its entry under the lock. */
struct wish {
	struct publisher_zone zone;
	struct compiled *compiled;
	uint64_t compiled_deadline, deadline;
	bool deadline_new, bypass, remove;
};

/* True: done; false: to be tried again. */
static bool wish_fulfil(struct publisher *publisher, struct wish *wish)
{
	struct image_result result = {0};
	int r;

	if (wish->remove) {
		r = image_zone_remove(publisher->image, wish->zone.apex);
		return r == 0 || r == -ENOENT;
	}
	r = zone_place(publisher, wish->zone.apex);
	zone_look(publisher, &wish->zone);
	if (r == 0 && wish->bypass != wish->zone.bypassed)
		r = image_zone_bypass(publisher->image, wish->zone.apex, wish->bypass);
	if (r == 0 && wish->deadline_new) {
		r = image_zone_deadline(publisher->image, wish->zone.apex, wish->deadline);
		if (r == -ENODATA)
			r = 0;
	}
	if (r == 0 && wish->compiled) {
		r = zone_publish(publisher, wish->compiled, wish->compiled_deadline, &result);
		if (r == 0)
			wish->zone.published_at = clock_wall_us();
		wish->zone.needed = result.needed;
		wish->zone.unused = result.unused;
	}
	/* A deadline says nothing about the version that failed before. */
	if (wish->compiled || r != 0)
		wish->zone.error = r;
	zone_look(publisher, &wish->zone);
	return r == 0 || r == -ENOSPC;
}

/* What wasn't done is wanted still, unless something newer came meanwhile. */
static void wish_keep(struct publisher *publisher, struct zone_entry *entry, struct wish *wish)
{
	if (wish->compiled && !entry->compiled) {
		entry->compiled = wish->compiled;
		entry->compiled_deadline = wish->compiled_deadline;
		wish->compiled = NULL;
	}
	if (!entry->deadline_new) {
		entry->deadline = wish->deadline;
		entry->deadline_new = wish->deadline_new;
	}
	/* Behind the others: what fails for long doesn't hold them up. */
	zone_queue(publisher, entry, WORK_HEAVY);
}

/* Takes the first zone of the queue through what is wanted of it: all of it, or
 * what is light. False: the queues should rest. Called and left with the lock
 * held. */
static bool queue_step(struct publisher *publisher, enum work work)
{
	struct zone_entry *entry = zone_dequeue(publisher, work);
	struct wish wish;
	bool done;

	publisher->steps++;
	if (!entry || (work == WORK_LIGHT && entry->remove))
		return true;
	wish = (struct wish){.zone = entry->zone,
		.deadline = entry->deadline,
		.deadline_new = entry->deadline_new,
		.bypass = zone_passes(publisher, entry),
		.remove = entry->remove};
	entry->deadline_new = false;
	if (work == WORK_HEAVY) {
		wish.compiled = entry->compiled;
		wish.compiled_deadline = entry->compiled_deadline;
		entry->compiled = NULL;
	}
	pulse_beat(&publisher->pulse, wish.compiled ? "publishing a zone"
				      : wish.remove ? "removing a zone"
						    : "changing a zone's deadline or bypass");
	pthread_mutex_unlock(&publisher->lock);

	done = wish_fulfil(publisher, &wish);

	pthread_mutex_lock(&publisher->lock);
	publisher->state.versions += wish.compiled && wish.zone.error == 0;
	if (done && wish.remove && entry->remove && !entry->queued[WORK_LIGHT] &&
		!entry->queued[WORK_HEAVY]) {
		zone_drop(publisher, entry);
	} else if (wish.remove) {
		/* Not gone yet, or wanted again meanwhile. */
		zone_queue(publisher, entry, WORK_HEAVY);
	} else {
		entry->zone = wish.zone;
		if (!done)
			wish_keep(publisher, entry, &wish);
		if (wish.compiled) {
			entry->zone.taken++;
			entry->zone.taken_serial = wish.compiled->serial;
		}
		entry->news = true;
	}
	image_usage(publisher->image, &publisher->state.usage);
	pthread_mutex_unlock(&publisher->lock);
	compiled_free(wish.compiled);
	news_tell(publisher);
	pthread_mutex_lock(&publisher->lock);
	return done;
}

/* What is light of a zone's wishes, if the image has the zone. Under the lock. */
static bool zone_touch(struct publisher *publisher, struct zone_entry *entry)
{
	bool passes = zone_passes(publisher, entry);

	zone_look(publisher, &entry->zone);
	if (passes != entry->zone.bypassed &&
		image_zone_bypass(publisher->image, entry->apex, passes) < 0)
		return false;
	if (entry->deadline_new &&
		image_zone_deadline(publisher->image, entry->apex, entry->deadline) == -ENOENT)
		return false;
	entry->deadline_new = false;
	zone_look(publisher, &entry->zone);
	entry->news = true;
	return true;
}

/*
 * Called by the image in the midst of long work: a bypass or a deadline is a
 * store in place, of whichever zone, and doesn't wait for the end of it. What
 * needs more (a zone that isn't in the image yet) stays in the queue.
 */
static void work_between(void *arg)
{
	struct publisher *publisher = arg;
	struct zone_entry *entry, *left = NULL;
	bool news = false;

	if (!publisher->image)
		return; /* it is being opened */
	pulse_go_on(&publisher->pulse);
	pthread_mutex_lock(&publisher->lock);
	while ((entry = zone_dequeue(publisher, WORK_LIGHT))) {
		struct image_zone_state state;

		if (entry->remove)
			continue;
		if (image_zone_state(publisher->image, entry->apex, &state) == 0 &&
			zone_touch(publisher, entry)) {
			news = true;
			continue;
		}
		entry->next[WORK_LIGHT] = left;
		left = entry;
	}
	while (left) {
		entry = left;
		left = entry->next[WORK_LIGHT];
		zone_queue(publisher, entry, WORK_LIGHT);
	}
	pthread_mutex_unlock(&publisher->lock);
	if (news)
		news_tell(publisher);
}

/* Puts zones that an adopted image holds into their entries; those that nobody
 * wants get one with `remove`. Under the lock. */
static void zone_adopt(void *context, const uint8_t *apex)
{
	struct publisher *publisher = context;
	struct zone_entry *entry = zone_find_entry(publisher, apex);

	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return; /* it goes on answering until its deadline */
		memcpy(entry->apex, apex, name_size(apex));
		entry->remove = true;
		if (!zone_enter(publisher, entry))
			return;
		memcpy(entry->zone.apex, apex, name_size(apex));
	}
	zone_look(publisher, &entry->zone);
	/* Who decides about it will say otherwise, or has, before there was an image. */
	entry->bypass |= entry->zone.bypassed;
	entry->zone.adopted = entry->zone.published;
	entry->news = true;
	zone_queue(publisher, entry, entry->remove ? WORK_HEAVY : WORK_LIGHT);
}

/* Opens the image in the memory that was handed over. Lock held at both ends. */
static void image_begin(struct publisher *publisher)
{
	struct engine_memory *memory = publisher->memory;
	struct image_options options = {.between = work_between, .context = publisher};
	bool adopted = false;
	int r;

	pulse_beat(&publisher->pulse, "opening the image");
	pthread_mutex_unlock(&publisher->lock);
	r = image_open(&publisher->image, &memory, 1, &options, &adopted);
	pthread_mutex_lock(&publisher->lock);
	publisher->state.error = r;
	publisher->state.open = r == 0;
	publisher->state.adopted = adopted;
	if (r == 0) {
		image_zone_each(publisher->image, zone_adopt, publisher);
		image_usage(publisher->image, &publisher->state.usage);
	}
	news_tell(publisher);
}

/* A grace period for whoever asked before now. Lock held at both ends. */
static bool grace_step(struct publisher *publisher)
{
	uint64_t asked = publisher->grace_asked;
	int r;

	if (asked == publisher->grace_done)
		return true;
	pulse_beat(&publisher->pulse, "waiting for the image's readers");
	pthread_mutex_unlock(&publisher->lock);
	r = publisher->memory->grace(publisher->memory->engine);
	pthread_mutex_lock(&publisher->lock);
	publisher->state.grace_error = r;
	if (r == 0)
		publisher->grace_done = asked;
	news_tell(publisher);
	return r == 0;
}

static bool settle_step(struct publisher *publisher)
{
	int r;

	publisher->steps = 0;
	if (!publisher->image || !image_unsettled(publisher->image))
		return true;
	pulse_beat(&publisher->pulse, "freeing what readers have left");
	pthread_mutex_unlock(&publisher->lock);
	r = image_settle(publisher->image);
	pthread_mutex_lock(&publisher->lock);
	publisher->state.settles += r == 0;
	if (r != publisher->state.grace_error)
		news_tell(publisher);
	publisher->state.grace_error = r;
	image_usage(publisher->image, &publisher->state.usage);
	return r == 0;
}

static void work_wait(struct publisher *publisher, bool rest)
{
	struct timespec until;

	if (!rest) {
		pulse_rest(&publisher->pulse, MONOTIME_NEVER);
		pthread_cond_wait(&publisher->work, &publisher->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += RETRY_MS * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pulse_rest(&publisher->pulse,
		(struct monotime){(uint64_t)until.tv_sec * 1000000000u + (uint64_t)until.tv_nsec});
	pthread_cond_timedwait(&publisher->work, &publisher->lock, &until);
}

static bool work_waits(const struct publisher *publisher)
{
	return publisher->memory &&
	       (publisher->queues[WORK_LIGHT].first || publisher->queues[WORK_HEAVY].first ||
		       publisher->grace_asked != publisher->grace_done || !publisher->image ||
		       image_unsettled(publisher->image));
}

static void *publisher_run(void *arg)
{
	struct publisher *publisher = arg;
	bool good = true;

	pthread_mutex_lock(&publisher->lock);
	while (!publisher->stop) {
		if (!work_waits(publisher) || !good) {
			work_wait(publisher, !good);
			good = true;
			continue;
		}
		/* The settings' grace doesn't wait for an image: that may take seconds to
		 * open, or never open. */
		if (!publisher->image && !grace_step(publisher)) {
			good = false;
			continue;
		}
		if (!publisher->image)
			image_begin(publisher);
		if (!publisher->image)
			good = false;
		else if (publisher->queues[WORK_LIGHT].first)
			good = queue_step(publisher, WORK_LIGHT);
		else if (!grace_step(publisher))
			good = false;
		else if (publisher->queues[WORK_HEAVY].first && publisher->steps < STEPS_UNSETTLED)
			good = queue_step(publisher, WORK_HEAVY);
		else
			good = settle_step(publisher);
	}
	pthread_mutex_unlock(&publisher->lock);
	image_close(publisher->image);
	pulse_end(&publisher->pulse);
	return NULL;
}

/* ---- for everybody ---- */

int publisher_start(struct publisher **out)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	pthread_condattr_t attributes;
	sigset_t all, before;
	int r;

	*out = NULL;
	if (!publisher)
		return -ENOMEM;
	publisher->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (publisher->news < 0) {
		r = -errno;
		free(publisher);
		return r;
	}
	pulse_rest(&publisher->pulse, MONOTIME_NEVER);
	pthread_mutex_init(&publisher->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&publisher->work, &attributes);
	pthread_condattr_destroy(&attributes);
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&publisher->thread, NULL, publisher_run, publisher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		close(publisher->news);
		free(publisher);
		return -r;
	}
	pthread_setname_np(publisher->thread, "publisher");
	*out = publisher;
	return 0;
}

void publisher_end(struct publisher *publisher)
{
	pthread_mutex_lock(&publisher->lock);
	publisher->stop = true;
	work_call(publisher);
	pthread_mutex_unlock(&publisher->lock);
}

void publisher_stop(struct publisher *publisher)
{
	struct zone_entry *entry, *next;

	if (!publisher)
		return;
	publisher_end(publisher);
	pthread_join(publisher->thread, NULL);
	HASH_ITER (hh, publisher->zones, entry, next) {
		zone_drop(publisher, entry);
	}
	pthread_cond_destroy(&publisher->work);
	pthread_mutex_destroy(&publisher->lock);
	close(publisher->news);
	free(publisher);
}

void publisher_memory(struct publisher *publisher, struct engine_memory *memory)
{
	pthread_mutex_lock(&publisher->lock);
	publisher->memory = memory;
	work_call(publisher);
	pthread_mutex_unlock(&publisher->lock);
}

const struct pulse *publisher_pulse(const struct publisher *publisher)
{
	return &publisher->pulse;
}

int publisher_fd(const struct publisher *publisher)
{
	return publisher->news;
}

void publisher_reports(struct publisher *publisher,
	void (*zone)(void *arg, const struct publisher_zone *zone), void *arg)
{
	struct zone_entry *entry, *next;
	uint64_t count;

	if (read(publisher->news, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&publisher->lock);
	HASH_ITER (hh, publisher->zones, entry, next) {
		if (!entry->news)
			continue;
		entry->news = false;
		entry->zone.held = entry->held || publisher->held;
		if (!entry->remove)
			zone(arg, &entry->zone);
	}
	pthread_mutex_unlock(&publisher->lock);
}

void publisher_image(struct publisher *publisher, struct publisher_image *image)
{
	pthread_mutex_lock(&publisher->lock);
	*image = publisher->state;
	pthread_mutex_unlock(&publisher->lock);
}

int publisher_add(struct publisher *publisher, const uint8_t *apex)
{
	struct zone_entry *entry;
	size_t size = name_size(apex);
	int r = 0;

	pthread_mutex_lock(&publisher->lock);
	entry = zone_find_entry(publisher, apex);
	if (!entry) {
		entry = calloc(1, sizeof(*entry));
		if (!entry) {
			r = -ENOMEM;
			goto out;
		}
		memcpy(entry->apex, apex, size);
		memcpy(entry->zone.apex, apex, size);
		if (!zone_enter(publisher, entry)) {
			r = -ENOMEM;
			goto out;
		}
	}
	/* Wanted again before it was gone: nothing that was said of it before counts. */
	if (entry->remove) {
		compiled_free(entry->compiled);
		entry->compiled = NULL;
		entry->bypass = entry->deadline_new = false;
		entry->remove = false;
	}
	zone_queue(publisher, entry, WORK_LIGHT);
out:
	pthread_mutex_unlock(&publisher->lock);
	return r;
}

/* The entry of a zone that is wanted, with the lock held; NULL: none. */
static struct zone_entry *wanted_lock(struct publisher *publisher, const uint8_t *apex)
{
	struct zone_entry *entry;

	pthread_mutex_lock(&publisher->lock);
	entry = zone_find_entry(publisher, apex);
	return entry && !entry->remove ? entry : NULL;
}

/* Queues the entry, if there is one, and gives the lock back. */
static int wanted_unlock(struct publisher *publisher, struct zone_entry *entry, enum work work)
{
	if (entry)
		zone_queue(publisher, entry, work);
	pthread_mutex_unlock(&publisher->lock);
	return entry ? 0 : -ENOENT;
}

int publisher_publish(struct publisher *publisher, struct compiled *compiled, uint64_t deadline)
{
	struct zone_entry *entry = wanted_lock(publisher, compiled->apex);
	struct compiled *replaced = compiled;

	if (entry) {
		replaced = entry->compiled;
		entry->compiled = compiled;
		entry->compiled_deadline = deadline;
	}
	compiled_free(replaced);
	return wanted_unlock(publisher, entry, WORK_HEAVY);
}

int publisher_deadline(struct publisher *publisher, const uint8_t *apex, uint64_t deadline)
{
	struct zone_entry *entry = wanted_lock(publisher, apex);

	if (entry) {
		entry->deadline = deadline;
		entry->deadline_new = true;
	}
	return wanted_unlock(publisher, entry, WORK_LIGHT);
}

int publisher_bypass(struct publisher *publisher, const uint8_t *apex, bool on)
{
	struct zone_entry *entry = wanted_lock(publisher, apex);

	if (entry)
		entry->bypass = on;
	return wanted_unlock(publisher, entry, WORK_LIGHT);
}

int publisher_hold(struct publisher *publisher, const uint8_t *apex, bool on)
{
	struct zone_entry *entry;

	if (apex) {
		entry = wanted_lock(publisher, apex);
		if (entry)
			entry->held = on;
		return wanted_unlock(publisher, entry, WORK_LIGHT);
	}
	pthread_mutex_lock(&publisher->lock);
	publisher->held = on;
	for (entry = publisher->zones; entry; entry = entry->hh.next) {
		if (!entry->remove)
			zone_queue(publisher, entry, WORK_LIGHT);
	}
	pthread_mutex_unlock(&publisher->lock);
	return 0;
}

int publisher_remove(struct publisher *publisher, const uint8_t *apex)
{
	struct zone_entry *entry = wanted_lock(publisher, apex);

	if (entry)
		entry->remove = true;
	return wanted_unlock(publisher, entry, WORK_HEAVY);
}

uint64_t publisher_grace(struct publisher *publisher)
{
	uint64_t asked;

	pthread_mutex_lock(&publisher->lock);
	asked = ++publisher->grace_asked;
	work_call(publisher);
	pthread_mutex_unlock(&publisher->lock);
	return asked;
}

uint64_t publisher_grace_count(struct publisher *publisher)
{
	uint64_t count;

	pthread_mutex_lock(&publisher->lock);
	count = publisher->grace_done;
	pthread_mutex_unlock(&publisher->lock);
	return count;
}
