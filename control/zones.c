/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zones.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#define HASH_NONFATAL_OOM 1 /* an element that wasn't added has no table */
#include <uthash.h>

#include "control/clock.h"
#include "control/log.h"
#include "control/watch.h"
#include "control/zone/compile.h"
#include "control/zone/name.h"

/* A zone's records may take so many times the image's memory while they are
 * read: the compiled form is denser. */
#define ARENA_PER_IMAGE 2

#define NEEDS "serial %u needs %llu KiB of the image, %llu KiB are free"

/* One zone; its id is for ever, its place in the array isn't. */
struct zone_row {
	UT_hash_handle hh; /* by apex */
	uint32_t id;
	const struct config_zone *config;
	uint64_t reported; /* image.taken that the mirror was told of */
	char key[256];     /* awaited, "" = none */
};

/* What the zone worker leaves for the loop; sorted by id. */
struct board_row {
	uint32_t id;
	size_t row; /* in rows[] */
	bool news;
	struct mirror_status status;
};

/* The zones of one configuration. */
struct zones_set {
	const struct config *config;
	struct zone_row *rows; /* by name, as views[] */
	struct zone_row *by_apex;
	struct zones_view *views;
	struct board_row *board; /* written by the zone worker under the lock */
	size_t count;
};

struct zones {
	sd_event_source *image_news, *mirror_news;
	struct waiting *waiting;
	void (*changed)(void *arg, bool image);
	void *arg;
	struct zones_set set;
	struct specimen_shelf shelf; /* the loop's copy */
	struct publisher *publisher;
	struct bypass bypass;
	struct mirror *mirror;
	struct engine_memory *memory; /* until the publisher has it */
	bool memory_given, image_known;
	struct watch worker_watch, publisher_watch;
	uint32_t next_id;
	/* Written by the zone worker under the lock. */
	pthread_mutex_t lock;
	int news; /* eventfd */
	struct zones_totals totals;
	struct specimen_shelf shown;
};

/* ---- in the zone worker ---- */

/* The closest zone at or above the name that is mirrored, and so one of the local server's. */
static size_t zone_mirrored(void *arg, const uint8_t *name)
{
	struct zones *zones = arg;
	struct zone_row *row = NULL;

	pthread_mutex_lock(&zones->lock);
	for (;; name = name_skip(name, 1)) {
		HASH_FIND(hh, zones->set.by_apex, name, name_size(name), row);
		if (row || !*name)
			break;
	}
	pthread_mutex_unlock(&zones->lock);
	return row ? name_size(name) : 0;
}

static void worker_specimens(struct zones *zones, uint32_t id, const struct zone *zone)
{
	struct specimen specimens[SPECIMEN_KINDS];

	if (zone)
		specimens_collect(specimens, zone, zone_mirrored, zones);
	pthread_mutex_lock(&zones->lock);
	specimen_shelf_put(&zones->shown, id, zone ? specimens : NULL);
	pthread_mutex_unlock(&zones->lock);
}

static void worker_publish(struct zones *zones, const struct mirror_event *event)
{
	struct zone_fault fault;
	struct compiled *compiled;
	int r = compile_zone(&compiled, event->zone);

	worker_specimens(zones, event->id, event->zone);

	if (r == 0) {
		r = publisher_publish(zones->publisher, compiled, event->bypass_after.ns);
		/* Not wanted any more: a reload is under way, and says so to the mirror. */
		if (r == -ENOENT)
			zone_fault_set(&fault, ZONE_FAULT_CANCELLED, "no longer configured");
	} else {
		zone_fault_set(&fault, ZONE_FAULT_SYSTEM, "compiling: %s", strerror(-r));
	}
	if (r < 0) {
		/* The loop holds the lock until it has the mirror's address. */
		pthread_mutex_lock(&zones->lock);
		mirror_report(zones->mirror, event->id, event->zone->soa.serial, &fault);
		pthread_mutex_unlock(&zones->lock);
	}
	zone_free(event->zone);
}

static void worker_event(void *context, const struct mirror_event *event)
{
	struct zones *zones = context;

	switch (event->kind) {
	case MIRROR_ZONE:
		worker_publish(zones, event);
		break;
	case MIRROR_DEADLINE:
		publisher_deadline(zones->publisher, event->name, event->bypass_after.ns);
		break;
	case MIRROR_BYPASS:
		publisher_bypass(zones->publisher, event->name, true);
		break;
	case MIRROR_RESUME:
		publisher_deadline(zones->publisher, event->name, event->bypass_after.ns);
		publisher_bypass(zones->publisher, event->name, false);
		break;
	case MIRROR_GONE: /* the loop has taken it out */
		worker_specimens(zones, event->id, NULL);
		break;
	case MIRROR_NOTHING:
		break;
	}
}

static void news_tell(struct zones *zones)
{
	uint64_t one = 1;

	if (write(zones->news, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort(); /* an eventfd of ours can't fail otherwise */
}

static void worker_status(void *context, const struct mirror_status *status)
{
	struct zones *zones = context;

	pthread_mutex_lock(&zones->lock);
	for (size_t low = 0, high = zones->set.count; low < high;) {
		size_t middle = (low + high) / 2;
		struct board_row *row = &zones->set.board[middle];

		if (row->id == status->id) {
			row->status = *status;
			row->news = true;
			break;
		}
		if (row->id < status->id)
			low = middle + 1;
		else
			high = middle;
	}
	pthread_mutex_unlock(&zones->lock);
	news_tell(zones);
}

static void worker_transferred(void *context, enum zone_fault_kind result, struct timespan took)
{
	struct zones *zones = context;

	pthread_mutex_lock(&zones->lock);
	zones->totals.transfers[result]++;
	zones->totals.transfer_us += took.ns / 1000;
	pthread_mutex_unlock(&zones->lock);
}

/* ---- on the loop ---- */

static struct zone_row *row_of_apex(struct zones *zones, const uint8_t *apex)
{
	struct zone_row *row;

	HASH_FIND(hh, zones->set.by_apex, apex, name_size(apex), row);
	return row;
}

static struct zones_view *row_view(struct zones *zones, const struct zone_row *row)
{
	return &zones->set.views[row - zones->set.rows];
}

static bool key_missing(const struct mirror_status *status)
{
	return status->fault.kind == ZONE_FAULT_NO_KEY;
}

/* What the zone's key waits for, said once for all zones that share it. */
static void key_await(struct zones *zones, struct zone_row *row)
{
	const struct mirror_status *mirror = &row_view(zones, row)->mirror;
	bool others = false;

	if (key_missing(mirror) && row->config->key.text) {
		snprintf(row->key, sizeof(row->key), "%s", row->config->key.text);
		waiting_begin(zones->waiting, "key", row->key, mirror->fault.text);
		return;
	}
	if (row->key[0] == '\0')
		return;
	for (size_t i = 0; i < zones->set.count; i++)
		others |=
			&zones->set.rows[i] != row && strcmp(zones->set.rows[i].key, row->key) == 0;
	if (!others)
		waiting_end(zones->waiting, "key", row->key);
	row->key[0] = '\0';
}

static void reason_write(struct zones_view *view)
{
	const struct publisher_zone *image = &view->image;

	view->reason[0] = '\0';
	if (image->error == -ENOSPC)
		snprintf(view->reason, sizeof(view->reason), NEEDS ": raise fastpath.memory",
			image->taken_serial, (unsigned long long)(image->needed >> 10),
			(unsigned long long)(image->unused >> 10));
	else if (image->error != 0)
		snprintf(view->reason, sizeof(view->reason), "image: %s", strerror(-image->error));
	else if (view->mirror.fault.kind != ZONE_FAULT_NONE)
		snprintf(view->reason, sizeof(view->reason), "%s", view->mirror.fault.text);
	else if (!view->fast)
		snprintf(view->reason, sizeof(view->reason), "%s",
			!image->published ? mirror_phase_name(view->mirror.phase)
			: image->held     ? "bypassed by an operator"
			: image->bypassed ? "bypassed"
					  : "not confirmed by the server in time");
}

/* Another kind of trouble than the one that was logged: a server that was silent
 * and now refuses. */
static bool fault_is_new(const struct zones_view *view)
{
	return view->mirror.fault.kind != ZONE_FAULT_NONE && view->mirror.fault.kind != view->said;
}

/* The view's own words out of its two states; logs when the zone begins or
 * ceases to be answered. */
static void view_judge(struct zones_view *view)
{
	const struct publisher_zone *image = &view->image;
	const char *before = view->state;
	bool was_trouble = view->trouble;

	view->fast = image->published && !image->bypassed &&
		     clock_us(CLOCK_MONOTONIC) < image->deadline / 1000;
	view->trouble = image->error != 0 || view->mirror.fault.kind != ZONE_FAULT_NONE ||
			(image->published && !view->fast && !image->held);
	view->state = view->fast ? "fast" : image->published ? "passing" : "waiting";
	if (image->error == -ENOSPC || (image->bypassed && !view->fast))
		view->state = "passing";
	reason_write(view);
	if (!before || strcmp(before, view->state) != 0)
		view->since = clock_us(CLOCK_REALTIME);
	if (before && strcmp(before, "fast") == 0 && !view->fast)
		log_write(LOG_ZONE_BYPASSED, view->name->text, NULL, "zone %s passes: %s",
			view->name->text, view->reason);
	else if (before && view->trouble && (!was_trouble || fault_is_new(view)))
		log_write(LOG_ZONE_FAILED, view->name->text, NULL, "zone %s: %s", view->name->text,
			view->reason);
	else if (before && strcmp(before, "passing") == 0 && view->fast)
		log_write(LOG_ZONE_RESTORED, view->name->text, NULL,
			"zone %s is answered fast again, serial %u", view->name->text,
			image->serial);
	if (!view->trouble || view->mirror.fault.kind != ZONE_FAULT_NONE)
		view->said = view->mirror.fault.kind;
}

/* The publisher is through with a zone that the mirror handed over: it wants to
 * know. */
static void image_taken(struct zones *zones, struct zone_row *row, const struct zones_view *view)
{
	const struct publisher_zone *image = &view->image;
	struct zone_fault fault = {.kind = ZONE_FAULT_NONE};

	if (image->taken == row->reported || !zones->mirror)
		return;
	row->reported = image->taken;
	if (image->error == -ENOSPC)
		zone_fault_set(&fault, ZONE_FAULT_TOO_LARGE, NEEDS, image->taken_serial,
			(unsigned long long)(image->needed >> 10),
			(unsigned long long)(image->unused >> 10));
	else if (image->error != 0)
		zone_fault_set(&fault, ZONE_FAULT_SYSTEM, "image: %s", strerror(-image->error));
	else
		log_write(LOG_ZONE_PUBLISHED, view->name->text, NULL,
			"zone %s: serial %u published, %u names", view->name->text, image->serial,
			image->names);
	mirror_report(zones->mirror, row->id, image->taken_serial, &fault);
}

static void image_report(void *arg, const struct publisher_zone *report)
{
	struct zones *zones = arg;
	struct zone_row *row = row_of_apex(zones, report->apex);
	struct zones_view *view;

	if (!row)
		return;
	view = row_view(zones, row);
	if (view->image.published && report->serial != view->image.serial)
		view->serial_before = view->image.serial;
	view->image = *report;
	image_taken(zones, row, view);
	view_judge(view);
}

static void set_free(struct zones_set *set)
{
	HASH_CLEAR(hh, set->by_apex);
	free(set->rows);
	free(set->views);
	free(set->board);
}

/* Options for the mirror, in memory of one allocation each; freed by
 * options_free(). 0 or -ENOMEM. */
static int options_fill(const struct zones_set *set, struct mirror_options *options)
{
	const struct config *config = set->config;
	struct mirror_zone_options *list = calloc(set->count + 1, sizeof(*list));
	struct key_options *keys = calloc(config->keys_count + 1, sizeof(*keys));

	*options = (struct mirror_options){.keys = keys,
		.key_count = config->keys_count,
		.zones = list,
		.zone_count = set->count,
		.memory = config->fastpath.memory * ARENA_PER_IMAGE};
	if (!list || !keys) {
		free(list);
		free(keys);
		return -ENOMEM;
	}
	address_sockaddr(&config->local_server.address, (uint16_t)config->local_server.port,
		&options->server);
	for (size_t i = 0; i < config->local_server.source_count; i++) {
		const struct address *source = &config->local_server.source[i];

		if (source->family == config->local_server.address.family)
			address_sockaddr(source, 0, &options->source);
	}
	for (size_t i = 0; i < config->keys_count; i++)
		keys[i] = (struct key_options){config->keys[i].name.text, config->keys[i].algorithm,
			config->keys[i].secret_file};
	for (size_t i = 0; i < set->count; i++) {
		const struct zone_row *row = &set->rows[i];
		const struct publisher_zone *image = &set->views[i].image;

		list[i] = (struct mirror_zone_options){.id = row->id,
			.name = row->config->name.wire,
			.key = row->config->key.text,
			.poll = {row->config->max_lag.us * 1000},
			.limits = {.max_bytes = config->fastpath.memory * ARENA_PER_IMAGE},
			.adopted = image->adopted && image->published,
			.adopted_serial = image->serial,
			.adopted_bypassed = image->bypassed};
	}
	return 0;
}

static void options_free(struct mirror_options *options)
{
	free((void *)(uintptr_t)options->keys);
	free((void *)(uintptr_t)options->zones);
}

/* Starts the mirror once it is known what the image already holds. */
static int mirror_begin(struct zones *zones)
{
	const struct mirror_sink sink = {zones, worker_event, worker_status, worker_transferred};
	struct mirror_options options;
	int r;

	if (zones->mirror || !zones->set.config || (zones->memory_given && !zones->image_known))
		return 0;
	r = options_fill(&zones->set, &options);
	if (r < 0)
		return r;
	pthread_mutex_lock(&zones->lock);
	r = mirror_start(&zones->mirror, &options, &sink);
	pthread_mutex_unlock(&zones->lock);
	options_free(&options);
	if (r < 0)
		log_write(LOG_TROUBLE, "mirror", NULL, "the zone worker can't start: %s",
			strerror(-r));
	return r;
}

/* Nothing gets into the image meanwhile; the publisher tries again by itself. */
static void image_await(struct zones *zones, const struct publisher_image *image)
{
	char reason[160];

	if (image->error == 0 && image->grace_error == 0) {
		waiting_end(zones->waiting, "image", "");
		return;
	}
	snprintf(reason, sizeof(reason), "%s: %s: no zone can be published",
		image->error ? "it can't be opened" : "no grace period of its readers",
		strerror(-(image->error ? image->error : image->grace_error)));
	waiting_begin(zones->waiting, "image", "", reason);
}

static int image_news(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct zones *zones = arg;
	struct publisher_image image;

	/* Before the reports: what was there at the opening is among them then. */
	publisher_image(zones->publisher, &image);
	publisher_reports(zones->publisher, image_report, zones);
	zones->image_known |= image.open || image.error != 0;
	image_await(zones, &image);
	mirror_begin(zones);
	zones->changed(zones->arg, true);
	return 0;
}

static int mirror_news(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct zones *zones = arg;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	pthread_mutex_lock(&zones->lock);
	if (zones->shelf.number != zones->shown.number)
		zones->shelf = zones->shown;
	for (size_t i = 0; i < zones->set.count; i++) {
		struct board_row *left = &zones->set.board[i];
		struct zone_row *row = &zones->set.rows[left->row];

		if (!left->news)
			continue;
		left->news = false;
		row_view(zones, row)->mirror = left->status;
		key_await(zones, row);
		view_judge(row_view(zones, row));
	}
	pthread_mutex_unlock(&zones->lock);
	zones->changed(zones->arg, false);
	return 0;
}

int zones_open(struct zones **out, sd_event *loop, struct waiting *waiting,
	void (*changed)(void *arg, bool image), void *arg)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	int r;

	*out = NULL;
	if (!zones)
		return -ENOMEM;
	pthread_mutex_init(&zones->lock, NULL);
	zones->worker_watch = (struct watch){.thread = "zone worker",
		.consequence = "no zone is asked for or transferred; answers go on until each "
			       "zone's deadline"};
	zones->publisher_watch = (struct watch){.thread = "publisher",
		.consequence = "nothing reaches the image, bypasses neither; answers go on until "
			       "each zone's deadline"};
	zones->waiting = waiting;
	zones->changed = changed;
	zones->arg = arg;
	zones->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = zones->news < 0 ? -errno : publisher_start(&zones->publisher);
	if (r >= 0)
		r = sd_event_add_io(loop, &zones->image_news, publisher_fd(zones->publisher),
			EPOLLIN, image_news, zones);
	if (r >= 0)
		r = sd_event_add_io(
			loop, &zones->mirror_news, zones->news, EPOLLIN, mirror_news, zones);
	if (r < 0) {
		zones_close(zones);
		return r;
	}
	*out = zones;
	return 0;
}

void zones_end(struct zones *zones)
{
	if (zones->mirror)
		mirror_end(zones->mirror);
	publisher_end(zones->publisher);
}

bool zones_ended(const struct zones *zones)
{
	return (!zones->mirror || mirror_pulse(zones->mirror)->ended) &&
	       publisher_pulse(zones->publisher)->ended;
}

void zones_close(struct zones *zones)
{
	if (!zones)
		return;
	sd_event_source_disable_unref(zones->mirror_news);
	sd_event_source_disable_unref(zones->image_news);
	/* The worker hands zones to the publisher, so it ends first. */
	mirror_stop(zones->mirror);
	publisher_stop(zones->publisher);
	if (zones->news >= 0)
		close(zones->news);
	set_free(&zones->set);
	bypass_close(&zones->bypass);
	pthread_mutex_destroy(&zones->lock);
	free(zones);
}

const struct specimen_shelf *zones_shelf(const struct zones *zones)
{
	return &zones->shelf;
}

struct publisher *zones_publisher(struct zones *zones)
{
	return zones->publisher;
}

static int row_compare(const void *a, const void *b)
{
	const struct zone_row *x = a, *y = b;

	return strcmp(x->config->name.text, y->config->name.text);
}

static int board_compare(const void *a, const void *b)
{
	const struct board_row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* What is known of zones that stay moves over; the others get an id. */
static int set_fill(struct zones *zones, const struct config *config, struct zones_set *set)
{
	*set = (struct zones_set){.config = config,
		.rows = calloc(config->zones_count + 1, sizeof(*set->rows)),
		.views = calloc(config->zones_count + 1, sizeof(*set->views)),
		.board = calloc(config->zones_count + 1, sizeof(*set->board))};
	if (!set->rows || !set->views || !set->board)
		return -ENOMEM;
	for (size_t i = 0; i < config->zones_count; i++) {
		if (config->zones[i].name.text)
			set->rows[set->count++].config = &config->zones[i];
	}
	qsort(set->rows, set->count, sizeof(*set->rows), row_compare);
	for (size_t i = 0; i < set->count; i++) {
		struct zone_row *row = &set->rows[i];
		const uint8_t *apex = row->config->name.wire;
		const struct zone_row *known = row_of_apex(zones, apex);

		if (known) {
			set->views[i] = *row_view(zones, known);
			row->id = known->id;
			row->reported = known->reported;
			memcpy(row->key, known->key, sizeof(row->key));
		} else {
			row->id = zones->next_id++;
		}
		set->views[i].name = &row->config->name;
		set->board[i] = (struct board_row){.id = row->id, .row = i};
		HASH_ADD_KEYPTR(hh, set->by_apex, row->config->name.wire, name_size(apex), row);
		if (!row->hh.tbl)
			return -ENOMEM;
		if (!set->views[i].state)
			view_judge(&set->views[i]);
	}
	qsort(set->board, set->count, sizeof(*set->board), board_compare);
	return 0;
}

/* Those of the first `count` zones that aren't in force are wanted no more. */
static void set_unwant(struct zones *zones, const struct zones_set *set, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *apex = set->rows[i].config->name.wire;

		if (!row_of_apex(zones, apex))
			publisher_remove(zones->publisher, apex);
	}
}

/* Zones that are new are wanted of the publisher. */
static int set_want(struct zones *zones, const struct zones_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		int r = publisher_add(zones->publisher, set->rows[i].config->name.wire);

		if (r < 0) {
			set_unwant(zones, set, i);
			return r;
		}
		if (bypass_has(&zones->bypass, set->rows[i].config->name.text))
			publisher_hold(zones->publisher, set->rows[i].config->name.wire, true);
	}
	return 0;
}

int zones_bypass_open(struct zones *zones, const char *path)
{
	int r = bypass_open(&zones->bypass, path);

	if (zones->bypass.all)
		publisher_hold(zones->publisher, NULL, true);
	return r;
}

int zones_bypass(struct zones *zones, const struct domain *name, bool on, int *kept)
{
	int r;

	*kept = 0;
	/* One that isn't configured any more can still be taken back. */
	if (name && on && !row_of_apex(zones, name->wire))
		return -ENOENT;
	if (name && !on && !bypass_has(&zones->bypass, name->text))
		return -ENOENT;
	r = bypass_put(&zones->bypass, name ? name->text : NULL, on);
	if (r < 0)
		return r;
	publisher_hold(zones->publisher, name ? name->wire : NULL, on);
	*kept = bypass_save(&zones->bypass);
	return 0;
}

const struct bypass *zones_bypassed(const struct zones *zones)
{
	return &zones->bypass;
}

/* Zones that are in force and not in the set aren't wanted any more. */
static void set_leave(struct zones *zones, const struct zones_set *set)
{
	for (size_t i = 0; i < zones->set.count; i++) {
		struct zone_row *row = &zones->set.rows[i];
		const uint8_t *apex = row->config->name.wire;
		struct zone_row *stays;

		HASH_FIND(hh, set->by_apex, apex, name_size(apex), stays);
		if (stays)
			continue;
		publisher_remove(zones->publisher, apex);
		row_view(zones, row)->mirror.fault.kind = ZONE_FAULT_NONE;
		key_await(zones, row);
	}
}

/* The publisher removes what it finds and nobody has asked for: not before the
 * configuration's zones are known. */
static void memory_hand_over(struct zones *zones)
{
	if (!zones->set.config || !zones->memory)
		return;
	publisher_memory(zones->publisher, zones->memory);
	zones->memory = NULL;
}

/* All that a reload needs, in hand. */
struct zones_change {
	struct zones_set set;
	struct mirror_change *mirror; /* NULL: the mirror doesn't run yet */
};

static int change_fill(
	struct zones *zones, const struct config *config, struct zones_change *change)
{
	struct mirror_options options;
	int r = set_fill(zones, config, &change->set);

	if (r < 0 || !zones->mirror)
		return r < 0 ? r : set_want(zones, &change->set);
	r = options_fill(&change->set, &options);
	if (r < 0)
		return r;
	r = mirror_prepare(zones->mirror, &options, &change->mirror);
	options_free(&options);
	return r < 0 ? r : set_want(zones, &change->set);
}

int zones_prepare(struct zones *zones, const struct config *config, struct zones_change **out)
{
	struct zones_change *change = calloc(1, sizeof(*change));
	int r = change ? change_fill(zones, config, change) : -ENOMEM;

	if (r == 0) {
		*out = change;
		return 0;
	}
	if (change) {
		mirror_abandon(change->mirror);
		set_free(&change->set);
	}
	free(change);
	return r;
}

void zones_abandon(struct zones *zones, struct zones_change *change)
{
	if (!change)
		return;
	set_unwant(zones, &change->set, change->set.count);
	mirror_abandon(change->mirror);
	set_free(&change->set);
	free(change);
}

void zones_commit(struct zones *zones, struct zones_change *change)
{
	struct zones_set old = zones->set;

	set_leave(zones, &change->set);
	pthread_mutex_lock(&zones->lock);
	zones->set = change->set;
	pthread_mutex_unlock(&zones->lock);
	set_free(&old);
	if (change->mirror)
		mirror_commit(zones->mirror, change->mirror);
	free(change);
	memory_hand_over(zones);
	mirror_begin(zones); /* says so when it can't, and zones_tick() tries again */
}

int zones_set(struct zones *zones, const struct config *config)
{
	struct zones_change *change;
	int r = zones_prepare(zones, config, &change);

	if (r == 0)
		zones_commit(zones, change);
	return r;
}

void zones_memory(struct zones *zones, struct engine_memory *memory)
{
	if (zones->memory_given)
		return;
	zones->memory_given = true;
	zones->memory = memory;
	memory_hand_over(zones);
}

bool zones_image_known(const struct zones *zones)
{
	return zones->image_known;
}

const struct zones_view *zones_views(const struct zones *zones, size_t *count)
{
	*count = zones->set.count;
	return zones->set.views;
}

const struct zones_view *zones_find(const struct zones *zones, const struct domain *name)
{
	struct zone_row *row;

	HASH_FIND(hh, zones->set.by_apex, name->wire, name->wire_length, row);
	return row ? &zones->set.views[row - zones->set.rows] : NULL;
}

bool zones_view_failed(const struct zones_view *view)
{
	enum zone_fault_kind fault = view->mirror.fault.kind;

	if (fault != ZONE_FAULT_NONE && fault != ZONE_FAULT_TOO_LARGE)
		return true;
	return view->trouble && fault != ZONE_FAULT_TOO_LARGE && view->image.error != -ENOSPC;
}

void zones_totals(struct zones *zones, struct zones_totals *totals)
{
	pthread_mutex_lock(&zones->lock);
	*totals = zones->totals;
	pthread_mutex_unlock(&zones->lock);
	totals->count = (unsigned)zones->set.count;
	for (size_t i = 0; i < zones->set.count; i++) {
		totals->fast += zones->set.views[i].fast;
		totals->trouble += zones->set.views[i].trouble;
		totals->failed += zones_view_failed(&zones->set.views[i]);
	}
}

const char *zones_stuck(const struct zones *zones)
{
	/* Who waits for the publisher isn't the culprit. */
	return zones->publisher_watch.text[0] ? zones->publisher_watch.text
	       : zones->worker_watch.text[0]  ? zones->worker_watch.text
					      : NULL;
}

static void threads_watch(struct zones *zones)
{
	struct timespan patience;

	if (!zones->set.config)
		return;
	patience = watch_patience(zones->set.config->fastpath.memory);
	watch_look(&zones->publisher_watch, publisher_pulse(zones->publisher), patience,
		zones->waiting);
	watch_look(&zones->worker_watch, zones->mirror ? mirror_pulse(zones->mirror) : NULL,
		patience, zones->waiting);
}

void zones_tick(struct zones *zones)
{
	mirror_begin(zones);
	threads_watch(zones);
	for (size_t i = 0; i < zones->set.count; i++)
		view_judge(&zones->set.views[i]);
}
