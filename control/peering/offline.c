/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/offline.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/health/bird.h"
#include "control/health/bird_answer.h"
#include "control/health/statefile.h"
#include "control/peering/view.h"

/* A lock is held for microseconds: this is a second of trying. */
#define TRIES  200
#define TRY_MS 5

struct offline {
	const struct offline_options *options;
	struct statefile files;
	char *text;
	size_t size;
	bool file_failed;
};

static bool meant(const struct offline_options *options, const struct config_prefix *prefix)
{
	if (options->family != AF_UNSPEC && options->family != prefix->prefix.address.family)
		return false;
	return !options->prefix ||
	       (options->prefix->length == prefix->prefix.length &&
		       address_equal(&options->prefix->address, &prefix->prefix.address));
}

static const struct config_prefix *prefix_next(const struct offline_options *options, size_t *index)
{
	const struct config *config = options->config;

	while (*index < config->routing.prefixes_count) {
		const struct config_prefix *prefix = &config->routing.prefixes[(*index)++];

		if (meant(options, prefix))
			return prefix;
	}
	return NULL;
}

/* ---- what is written down ---- */

/* Down by its absence, where it can't be written. */
static void file_lower(struct offline *offline, const char *protocol)
{
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && (r == -EAGAIN || r == -ESTALE); i++) {
		/* Whoever took the fence since means to live; a person's word is above it. */
		if (r == -ESTALE)
			statefile_claim(&offline->files);
		r = statefile_write(&offline->files, protocol, false, offline->options->reason);
		if (r == -EAGAIN)
			poll(NULL, 0, TRY_MS);
	}
	if (r < 0 && statefile_remove(&offline->files, protocol) < 0) {
		offline->file_failed = true;
		snprintf(offline->text, offline->size, "%s/%s.conf: %s", offline->files.dir,
			protocol, strerror(-r));
	}
}

static int files_lower(struct offline *offline)
{
	const struct offline_options *options = offline->options;
	const struct config_prefix *prefix;
	char owner[64];
	size_t index = 0;
	int r;

	snprintf(owner, sizeof(owner), "anodectl[%d]", (int)getpid());
	r = statefile_init(&offline->files, options->config->routing.bird.state_dir, owner);
	if (r < 0)
		return r;
	r = -EAGAIN;
	for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
		r = statefile_claim(&offline->files);
		if (r == -EAGAIN)
			poll(NULL, 0, TRY_MS);
	}
	while ((prefix = prefix_next(options, &index))) {
		file_lower(offline, prefix->protocol);
		if (prefix->drain_protocol)
			file_lower(offline, prefix->drain_protocol);
	}
	return 0;
}

/* ---- what BIRD is told ---- */

static void answer_line(void *arg, const struct bird_line *line)
{
	bird_answer_line(arg, line);
}

/* 0, what ended the conversation, or -EPROTO with BIRD's word. */
static int protocol_disable(struct offline *offline, struct view *view, const char *protocol)
{
	char command[BIRD_COMMAND_MAX];
	struct bird_answer answer;
	int r;

	bird_answer_begin(&answer, BIRD_DISABLE, NULL);
	snprintf(command, sizeof(command), "disable \"%s\"", protocol);
	r = bird_ask(view->bird, command, answer_line, &answer);
	if (r < 0 || answer.obeyed)
		return r;
	snprintf(offline->text, offline->size, "disable %s: BIRD says %s", protocol, answer.text);
	return answer.failure == BIRD_CODE_NO_PROTOCOL ? 0 : -EPROTO;
}

/* The drain first, so that peers get one withdrawal and no update before it. */
static int protocols_disable(struct offline *offline, struct view *view)
{
	const struct config_prefix *prefix;
	size_t index = 0;
	int r = 0, first = 0;

	while ((prefix = prefix_next(offline->options, &index))) {
		if (prefix->drain_protocol)
			r = protocol_disable(offline, view, prefix->drain_protocol);
		first = first ? first : r;
		r = protocol_disable(offline, view, prefix->protocol);
		first = first ? first : r;
	}
	return first;
}

/* ---- what peers get ---- */

/* 1: a peer is still sent some of it (text says what); 0: none is; or negative errno. */
static int exports_look(struct offline *offline, struct view *view)
{
	const struct config_prefix *prefix;
	char text[BIRD_PREFIX_TEXT];
	size_t index = 0;

	while ((prefix = prefix_next(offline->options, &index))) {
		struct bird_prefix wanted = {
			.family = prefix->prefix.address.family, .len = prefix->prefix.length};

		memcpy(wanted.addr, prefix->prefix.address.bytes, sizeof(wanted.addr));
		bird_prefix_format(&wanted, text);
		for (size_t i = 0; i < prefix->peers_count; i++) {
			struct exported_route route;
			int r = view_exported(view, &route, &wanted, prefix->peers[i]);

			if (r < 0)
				return r;
			if (!route.there)
				continue;
			snprintf(offline->text, offline->size, "%s still gets %s, from protocol %s",
				prefix->peers[i], text, route.from);
			return 1;
		}
	}
	return 0;
}

static int exports_await(struct offline *offline, struct view *view)
{
	struct mono until = mono_after(mono_now(), offline->options->settle);
	int r = exports_look(offline, view);

	while (r == 1 && mono_before(mono_now(), until)) {
		poll(NULL, 0, 20);
		r = exports_look(offline, view);
	}
	return r;
}

static enum offline_end bird_lower(struct offline *offline)
{
	const struct offline_options *options = offline->options;
	const char *socket = options->config->routing.bird.socket;
	enum offline_end end = OFFLINE_STANDS;
	struct view view;
	int r = view_open(&view, socket, options->timeout);

	if (r == -ENOENT || r == -ECONNREFUSED) {
		end = offline->file_failed ? OFFLINE_FAILED : OFFLINE_BIRD_GONE;
		if (!offline->file_failed)
			snprintf(offline->text, offline->size,
				"%s: no BIRD there; it comes back withdrawn", socket);
		goto out;
	}
	if (r == 0)
		r = protocols_disable(offline, &view);
	if (r == 0 || r == -EPROTO) {
		int seen = exports_await(offline, &view);

		r = seen == 0 ? r : seen;
	}
	if (r == 0)
		end = OFFLINE_WITHDRAWN;
	else if (r < 0 && r != -EPROTO)
		snprintf(offline->text, offline->size,
			"%s: %s: the state files say withdrawn, what BIRD sends stands", socket,
			strerror(-r));
out:
	view_close(&view);
	return end;
}

enum offline_end offline_withdraw(const struct offline_options *options, char *text, size_t size)
{
	struct offline offline = {.options = options, .text = text, .size = size};
	size_t index = 0;

	text[0] = '\0';
	if (!prefix_next(options, &index))
		return OFFLINE_NO_PREFIX;
	if (files_lower(&offline) < 0)
		offline.file_failed = true;
	return bird_lower(&offline);
}

/* "anycast4.conf" -> "anycast4", or NULL. */
static char *protocol_of(const char *file)
{
	size_t length = strlen(file);
	char *name;

	if (length <= 5 || length >= BIRD_NAME_MAX + 5 || strcmp(file + length - 5, ".conf") != 0)
		return NULL;
	name = strndup(file, length - 5);
	if (name && bird_name_valid(name))
		return name;
	free(name);
	return NULL;
}

/* Every state file is a prefix with one protocol. */
static int prefixes_guess(struct config *config, DIR *folder)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		char *name = protocol_of(entry->d_name);
		struct config_prefix *longer;

		if (!name)
			continue;
		longer = reallocarray(config->routing.prefixes, config->routing.prefixes_count + 1,
			sizeof(*longer));
		if (!longer) {
			free(name);
			return -ENOMEM;
		}
		config->routing.prefixes = longer;
		longer[config->routing.prefixes_count++] = (struct config_prefix){.protocol = name};
	}
	return config->routing.prefixes_count ? 0 : -ENOENT;
}

int offline_guess(struct config **out, const char *state_dir, const char *bird_socket,
	const char *control_socket)
{
	struct config *config = calloc(1, sizeof(*config));
	DIR *folder = NULL;
	int r = -ENOMEM;

	*out = NULL;
	if (!config)
		return -ENOMEM;
	config->routing.bird.state_dir = strdup(state_dir);
	config->routing.bird.socket = strdup(bird_socket);
	config->control.socket = strdup(control_socket);
	if (config->routing.bird.state_dir && config->routing.bird.socket &&
		config->control.socket) {
		folder = opendir(state_dir);
		r = folder ? prefixes_guess(config, folder) : -errno;
	}
	if (folder)
		closedir(folder);
	if (r == 0)
		*out = config;
	else
		config_free(config);
	return r;
}

bool offline_announced(const struct config *config)
{
	struct statefile files;

	if (statefile_init(&files, config->routing.bird.state_dir, "anodectl") < 0)
		return true;
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &config->routing.prefixes[i];
		bool up;

		/* What can't be read may be up. */
		if (statefile_read(&files, prefix->protocol, &up) < 0 || up)
			return true;
		if (prefix->drain_protocol &&
			(statefile_read(&files, prefix->drain_protocol, &up) < 0 || up))
			return true;
	}
	return false;
}
