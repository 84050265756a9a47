/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/config_show.h"
#include "control/log.h"
#include "control/signer.h"

#define TICK_US UINT64_C(1000000)
/* What is there is adopted within this; loading goes on beside the loop. */
#define OPEN_PATIENCE_US UINT64_C(1000000)

/*
 * The zone that the test run asks for: the first required one that is answered,
 * or else any: a zone's fault isn't the fast path's. NULL: none is.
 */
static const struct zones_view *zone_choose(const struct daemon *daemon)
{
	const struct zones_view *views;
	const struct domain *required;
	size_t count;

	required = config_required_zones(daemon->config, &count);
	for (size_t i = 0; i < count; i++) {
		const struct zones_view *view = zones_find(daemon->zones, &required[i]);

		if (view && view->fast)
			return view;
	}
	views = zones_views(daemon->zones, &count);
	for (size_t i = 0; i < count; i++) {
		if (views[i].fast)
			return &views[i];
	}
	return NULL;
}

static struct fastpath_question question_choose(const struct daemon *daemon)
{
	const struct zones_view *view = zone_choose(daemon);
	struct fastpath_question question = {0};

	if (view) {
		question.zone = *view->name;
		question.serials[0] = view->image.serial;
		question.serials[1] = view->serial_before;
	}
	return question;
}

/* One that has no room passes for good, and the local server answers it: that
 * is as published as it gets, and doesn't keep the others from being announced. */
static bool required_published(const struct daemon *daemon)
{
	const struct domain *required;
	size_t count;

	required = config_required_zones(daemon->config, &count);
	for (size_t i = 0; i < count; i++) {
		const struct zones_view *view = zones_find(daemon->zones, &required[i]);

		if (view && !view->image.published && view->image.error != -ENOSPC)
			return false;
	}
	return true;
}

/* Every required zone is answered fast now: what a silent server can't answer
 * isn't missed for a while. */
static bool required_covered(const struct daemon *daemon)
{
	const struct domain *required;
	size_t count;

	required = config_required_zones(daemon->config, &count);
	for (size_t i = 0; i < count; i++) {
		const struct zones_view *view = zones_find(daemon->zones, &required[i]);

		if (!view || !view->fast)
			return false;
	}
	return count > 0;
}

/*
 * Carrier is lost when no interface has one: the sessions over a link that fails
 * fall by themselves, and the others may go on.
 */
static void carrier_tell(struct daemon *daemon)
{
	char text[64] = "no interface has carrier";
	bool carrier = false;
	size_t count;
	const struct interface *list = interfaces_list(daemon->interfaces, &count);

	for (size_t i = 0; i < count; i++)
		carrier |= list[i].carrier;
	if (count == 1)
		snprintf(text, sizeof(text), "%s %s", list[0].name,
			list[0].ifindex ? "has no carrier" : "isn't there");
	health_set_carrier(daemon->health, carrier, carrier ? NULL : text);
}

void daemon_tell_health(struct daemon *daemon)
{
	struct health_fastpath fastpath;
	struct fastpath_status status;
	struct zones_totals totals;

	fastpath_status(daemon->fastpath, &status);
	zones_totals(daemon->zones, &totals);
	fastpath = (struct health_fastpath){.healthy = status.healthy,
		.published = required_published(daemon),
		.covers = status.healthy && required_covered(daemon),
		.text = status.healthy ? NULL : status.reason};
	/* An adopted program answers while its image is still being read. */
	if (status.adopted && !zones_image_known(daemon->zones)) {
		bool answers = status.attached && status.lease_left_us > 0;

		fastpath = (struct health_fastpath){answers, true, answers, NULL};
	}
	health_set_fastpath(daemon->health, &fastpath);
	health_set_zones(daemon->health, totals.count, totals.failed);
	health_set_stuck(daemon->health, zones_stuck(daemon->zones));
	carrier_tell(daemon);
}

#define QUIET_US UINT64_C(3000000)

/* Few queries for a while: whoever drains has drained. */
static void traffic_look(struct daemon *daemon)
{
	struct fastpath_counters counters;
	struct fastpath_status status;
	uint64_t now = clock_monotonic_us(), queries;

	fastpath_counters(daemon->fastpath, &counters);
	fastpath_status(daemon->fastpath, &status);
	queries = counters.all.fast + counters.all.passed + counters.all.dropped;
	/* Where nobody counts, nothing is known to be quiet. */
	if (daemon->traffic_at == 0 || !status.attached || queries < daemon->traffic_queries ||
		(queries - daemon->traffic_queries) * UINT64_C(1000000) >
			daemon->config->routing.drain_below * (now - daemon->traffic_at))
		daemon->traffic_high = now;
	daemon->traffic_at = now;
	daemon->traffic_queries = queries;
	health_set_quiet(daemon->health, now - daemon->traffic_high >= QUIET_US);
}

/* Settings and attachments as configuration and interfaces are now. */
static void fastpath_follow(struct daemon *daemon)
{
	struct publisher *publisher = zones_publisher(daemon->zones);

	if (daemon->grace_due && publisher_grace_count(publisher) >= daemon->grace_wanted) {
		daemon->grace_due = false;
		fastpath_grace_ended(daemon->fastpath);
	}
	fastpath_apply(daemon->fastpath, daemon->config, profile_known(daemon->profile),
		daemon->interfaces, health_withdrawn(daemon->health));
	if (daemon->grace_due || !fastpath_wants_grace(daemon->fastpath))
		return;
	daemon->grace_due = true;
	daemon->grace_wanted = publisher_grace(publisher);
}

/* What is there is looked at first, so that what is missing and may come back
 * at once does, before anybody hears of it. */
static void fastpath_look(struct daemon *daemon)
{
	struct fastpath_question question = question_choose(daemon);

	fastpath_probe(daemon->fastpath, daemon->config, &question);
	fastpath_follow(daemon);
	daemon_tell_health(daemon);
}

static void zones_changed(void *arg, bool image)
{
	struct daemon *daemon = arg;

	if (daemon->leave != LEAVE_NOT)
		return;
	if (!image) {
		daemon_tell_health(daemon);
		return;
	}
	fastpath_look(daemon);
}

static void profile_changed(void *arg)
{
	struct daemon *daemon = arg;

	if (daemon->leave != LEAVE_NOT)
		return;
	fastpath_look(daemon);
}

static void interfaces_changed(void *arg)
{
	struct daemon *daemon = arg;

	if (daemon->leave != LEAVE_NOT || !daemon->health)
		return;
	fastpath_look(daemon);
}

/* Opens the engine if it isn't open; its memory goes to the publisher. */
static int engine_try(struct daemon *daemon, uint64_t patience_us)
{
	bool was_open = fastpath_memory(daemon->fastpath) != NULL;
	int r = fastpath_open(daemon->fastpath, daemon->config, patience_us);
	struct engine_memory *memory = fastpath_memory(daemon->fastpath);
	struct settings_profile profile;

	if (memory)
		zones_memory(daemon->zones, memory);
	if (memory && !was_open && fastpath_profile(daemon->fastpath, &profile))
		profile_adopt(daemon->profile, &profile);
	return r;
}

static void systemd_tell(const struct daemon *daemon)
{
	static const char *const names[] = {"announced", "degraded", "withdrawn"};
	const char *cause;
	enum ctl_state state = daemon_state(daemon, &cause);

	sd_notifyf(0, "STATUS=%s%s%s", names[state], cause ? ": " : "", cause ? cause : "");
}

static int tick(sd_event_source *source, uint64_t usec, void *arg)
{
	struct daemon *daemon = arg;

	fastpath_lease(daemon->fastpath, daemon->config);
	if (daemon->leave == LEAVE_NOT) {
		engine_try(daemon, 0);
		interfaces_look(daemon->interfaces);
		profile_run(daemon->profile, daemon->config, zones_shelf(daemon->zones));
		zones_tick(daemon->zones);
		fastpath_look(daemon);
		traffic_look(daemon);
	}
	log_flush();
	systemd_tell(daemon);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int signal_leave(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	daemon_leave(arg);
	return 0;
}

static int signal_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *arg)
{
	struct daemon *daemon = arg;
	char error[1024];
	json_t *changed;

	if (daemon_reload(daemon, &changed, error, sizeof(error)) == 0)
		json_decref(changed);
	return 0;
}

static void overload_changed(void *arg, const char *text)
{
	struct daemon *daemon = arg;

	log_write(text ? LOG_HEALTH_WARNING : LOG_HEALTH_INFO, "overload", NULL, "%s",
		text ? text : "no packet is dropped any more");
	if (daemon->health)
		health_set_overload(daemon->health, text);
}

static void interfaces_follow(struct daemon *daemon, const struct config *config)
{
	const char *names[CONFIG_MAX_INTERFACES];

	for (size_t i = 0; i < config->interfaces_count; i++)
		names[i] = config->interfaces[i].name;
	interfaces_set(daemon->interfaces, names, config->interfaces_count);
	overload_interfaces(daemon->overload, names, config->interfaces_count);
}

static enum log_level log_level_of(const struct config *config)
{
	static const enum log_level levels[] = {[CONFIG_LOG_ERROR] = LOG_LEVEL_ERROR,
		[CONFIG_LOG_WARNING] = LOG_LEVEL_WARNING,
		[CONFIG_LOG_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_DEBUG] = LOG_LEVEL_DEBUG};

	return levels[config->log.level];
}

static void doubts_log(const struct config *config)
{
	char doubts[CONFIG_DOUBTS][CONFIG_DOUBT_TEXT];
	size_t count = config_doubts(config, doubts, CONFIG_DOUBTS);

	for (size_t i = 0; i < count; i++)
		log_write(LOG_CONFIG_DOUBTFUL, NULL, NULL, "%s", doubts[i]);
}

/* A step of the start, named for the line that says why it failed. */
static int step(int r, const char *what)
{
	if (r < 0)
		log_write(LOG_DAEMON_FAILED, NULL, NULL, "%s: %s", what, strerror(-r));
	return r < 0 ? r : 0;
}

static int loop_open(struct daemon *daemon)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = sd_event_new(&daemon->loop);
	if (r >= 0)
		r = sd_event_add_signal(daemon->loop, &daemon->term, SIGTERM, signal_leave, daemon);
	if (r >= 0)
		r = sd_event_add_signal(
			daemon->loop, &daemon->interrupt, SIGINT, signal_leave, daemon);
	if (r >= 0)
		r = sd_event_add_signal(daemon->loop, &daemon->hup, SIGHUP, signal_reload, daemon);
	if (r >= 0)
		r = sd_event_add_time_relative(
			daemon->loop, &daemon->tick, CLOCK_MONOTONIC, 0, 0, tick, daemon);
	if (r >= 0)
		r = sd_event_set_watchdog(daemon->loop, true);
	return r;
}

static int server_open(struct daemon *daemon)
{
	struct ctl_options options = {.socket = daemon->config->control.socket};
	int r = ctl_server_open(&daemon->server, daemon->loop, &options, daemon_answer, daemon);

	if (r == -EADDRINUSE)
		log_write(LOG_DAEMON_FAILED, NULL, NULL, "%s: another anoded answers there",
			options.socket);
	else
		step(r, options.socket);
	return r;
}

/* Nothing depends on the metrics page: without it the node goes on. */
static void metrics_start(struct daemon *daemon)
{
	char text[VALUE_TEXT];
	int r;

	if (daemon->config->metrics.listen.port == 0)
		return;
	r = metrics_open(&daemon->metrics, daemon->loop, &daemon->config->metrics.listen,
		daemon_metrics, daemon);
	if (r < 0)
		log_write(LOG_TROUBLE, "metrics", NULL, "no metrics page on %s: %s",
			endpoint_text(&daemon->config->metrics.listen, text), strerror(-r));
}

/* What a person bypassed before a restart stays so. It stands beside the socket, in /run. */
static void bypass_read(struct daemon *daemon)
{
	const char *socket = daemon->config->control.socket, *slash = strrchr(socket, '/');
	char path[128];
	int r;

	snprintf(path, sizeof(path), "%.*s/bypass", (int)(slash ? slash - socket : 0), socket);
	r = zones_bypass_open(daemon->zones, path);
	if (r < 0)
		log_write(LOG_TROUBLE, "bypass", NULL, "%s: %s: nothing is bypassed", path,
			strerror(-r));
}

int daemon_open(struct daemon *daemon, struct config *config, const char *config_path)
{
	int r;

	*daemon = (struct daemon){
		.config = config, .config_path = config_path, .started = clock_wall_us()};
	log_open(log_level_of(config));
	if (config->node.name)
		snprintf(daemon->node, sizeof(daemon->node), "%s", config->node.name);
	else
		gethostname(daemon->node, sizeof(daemon->node) - 1);
	r = step(loop_open(daemon), "event loop");
	if (r == 0)
		r = server_open(daemon);
	if (r == 0)
		r = step(overload_open(&daemon->overload, daemon->loop, overload_changed, daemon),
			"overload");
	if (r == 0)
		r = step(interfaces_open(
				 &daemon->interfaces, daemon->loop, interfaces_changed, daemon),
			"rtnetlink");
	if (r == 0)
		interfaces_follow(daemon, config);
	if (r == 0)
		r = step(fastpath_new(&daemon->fastpath, &daemon->waiting), "fast path");
	if (r == 0)
		r = step(profile_open(&daemon->profile, daemon->loop, profile_changed, daemon),
			"profile");
	if (r == 0)
		r = step(zones_open(&daemon->zones, daemon->loop, &daemon->waiting, zones_changed,
				 daemon),
			"zones");
	if (r < 0)
		return r;
	doubts_log(config);
	/* -EBUSY: another daemon has this instance's pins. Anything else is awaited. Before
	 * the routes: what follows takes the state files over from whoever has them. */
	r = step(engine_try(daemon, OPEN_PATIENCE_US), "engine");
	if (r == 0)
		r = daemon_health_open(daemon);
	if (r == 0)
		bypass_read(daemon);
	if (r == 0)
		r = step(zones_set(daemon->zones, config), "zones");
	if (r < 0)
		return r;
	metrics_start(daemon);
	/* First attach, withdrawn or as it was found; then look and speak. */
	fastpath_lease(daemon->fastpath, config);
	profile_run(daemon->profile, config, zones_shelf(daemon->zones));
	fastpath_follow(daemon);
	daemon_tell_health(daemon);
	health_start(daemon->health);
	log_write(LOG_DAEMON_STARTED, NULL, NULL,
		"anoded " ANODE_VERSION " started, node %s, instance %s", daemon->node,
		config->instance);
	sd_notify(0, "READY=1");
	return 0;
}

void daemon_close(struct daemon *daemon)
{
	health_free(daemon->health);
	signers_free(daemon->signers);
	metrics_close(daemon->metrics);
	ctl_server_close(daemon->server);
	zones_close(daemon->zones);
	profile_close(daemon->profile);
	fastpath_free(daemon->fastpath);
	overload_close(daemon->overload);
	interfaces_close(daemon->interfaces);
	sd_event_source_disable_unref(daemon->leave_timer);
	sd_event_source_disable_unref(daemon->tick);
	sd_event_source_disable_unref(daemon->term);
	sd_event_source_disable_unref(daemon->interrupt);
	sd_event_source_disable_unref(daemon->hup);
	sd_event_unref(daemon->loop);
	config_free(daemon->config);
}

/* Everything that can say no comes first, for want of memory too, and leaves all
 * as it is: nothing may point into a configuration that was refused. */
static int config_take(struct daemon *daemon, struct config *config, char *error, size_t error_size)
{
	struct config *before = daemon->config;
	struct zones_change *zones;
	int r = zones_prepare(daemon->zones, config, &zones);

	if (r < 0) {
		snprintf(error, error_size, "zones: %s", strerror(-r));
		return r;
	}
	r = daemon_health_reload(daemon, config, error, error_size);
	if (r < 0) {
		zones_abandon(daemon->zones, zones);
		return r;
	}
	zones_commit(daemon->zones, zones);
	interfaces_follow(daemon, config);
	daemon->config = config;
	config_free(before);
	log_open(log_level_of(config));
	if (config->node.name)
		snprintf(daemon->node, sizeof(daemon->node), "%s", config->node.name);
	doubts_log(config);
	fastpath_look(daemon);
	return 0;
}

int daemon_reload(struct daemon *daemon, json_t **changed, char *error, size_t error_size)
{
	struct config_error config_error;
	struct config *config = NULL;
	const char *restart;
	int r;

	*changed = NULL;
	sd_notify(0, "RELOADING=1");
	r = config_read(daemon->config_path, &config, &config_error);
	if (r < 0) {
		config_error_text(&config_error, daemon->config_path, error, error_size);
		r = -EINVAL;
		goto out;
	}
	*changed = config_diff(daemon->config, config, &restart);
	if (!*changed) {
		snprintf(error, error_size, "out of memory");
		r = -ENOMEM;
	} else if (restart) {
		snprintf(error, error_size,
			"%s: a change of %s takes a restart; nothing was changed",
			daemon->config_path, restart);
		r = -EINVAL;
	} else {
		r = config_take(daemon, config, error, error_size);
	}
out:
	if (r < 0) {
		config_free(config);
		json_decref(*changed);
		*changed = NULL;
		log_write(LOG_CONFIG_REFUSED, NULL, NULL, "reload refused: %s", error);
	} else {
		log_write(LOG_CONFIG_LOADED, NULL, NULL, "%s reloaded, %zu keys changed",
			daemon->config_path, json_array_size(*changed));
	}
	sd_notify(0, "READY=1");
	return r;
}
