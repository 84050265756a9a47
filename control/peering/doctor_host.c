/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the host's files, sockets and interfaces say. */
#include "control/peering/doctor_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/interface_ask.h"
#include "control/interface_doubt.h"

/* Whoever may write there may hang BIRD, or do with it as he likes (bird.md). */
static void socket_look(struct visit *visit)
{
	const char *path = visit->config->routing.bird.socket;
	char *folder = strdupa(path), *slash = strrchr(folder, '/');
	struct stat file, above;

	if (stat(path, &file) < 0)
		return;
	if (slash == folder)
		slash++;
	*slash = '\0';
	if ((file.st_mode & S_IWOTH) && stat(folder, &above) == 0 && (above.st_mode & S_IXOTH))
		visit_remark(visit, DOCTOR_FAULT, "socket-open", path,
			"chmod o-rwx the socket, or its folder (BIRD makes it 0660 by default)",
			"everybody on this host may give BIRD orders, or hang it with a long line");
}

/* May BIRD's user enter or read it? Its main group alone is known. */
static bool bird_may(const struct visit *visit, const struct stat *stat, mode_t bits)
{
	mode_t shift = visit->bird_uid == stat->st_uid   ? 6
		       : visit->bird_gid == stat->st_gid ? 3
							 : 0;

	return visit->bird_uid == 0 || ((stat->st_mode >> shift) & bits) == bits;
}

/* BIRD reads state files as the user it runs as: each folder on the way must let it in. */
static void way_look(struct visit *visit, const char *path, const char *whole)
{
	char *part = strdupa(path), *slash;
	struct stat stat_buf;

	if (!visit->bird_pid)
		return;
	for (slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (stat(part, &stat_buf) < 0)
			return;
		if (!bird_may(visit, &stat_buf, S_IXOTH)) {
			visit_remark(visit, DOCTOR_FAULT, "state-dir-closed", part,
				"chmod 0755 it, or move routing.bird.state_dir",
				"BIRD (uid %u) can't get to %.100s: it takes every state file for "
				"missing, so a configure withdraws",
				visit->bird_uid, whole);
			return;
		}
		if (!slash)
			return;
		*slash = '/';
	}
}

static void state_file_look(struct visit *visit, const char *protocol)
{
	char path[4352];
	struct stat file;

	snprintf(path, sizeof(path), "%s/%s.conf", visit->config->routing.bird.state_dir, protocol);
	if (visit->bird_pid && stat(path, &file) == 0 && !bird_may(visit, &file, S_IROTH))
		visit_remark(visit, DOCTOR_FAULT, "state-file-closed", path, "chmod 0644 it",
			"BIRD (uid %u) can't read it: its next configure fails", visit->bird_uid);
}

static void state_dir_look(struct visit *visit)
{
	const struct config *config = visit->config;
	const char *path = config->routing.bird.state_dir;
	struct stat folder;

	if (stat(path, &folder) < 0) {
		if (errno != ENOENT)
			visit_remark(visit, DOCTOR_NOTE, "state-dir-unseen", path, "look as root",
				"%s", strerror(errno));
		return; /* anoded makes it */
	}
	if (!S_ISDIR(folder.st_mode)) {
		visit_remark(visit, DOCTOR_FAULT, "state-dir-odd", path, "remove it",
			"isn't a folder: no state can be written");
		return;
	}
	if (folder.st_mode & (S_IWOTH | S_IWGRP))
		visit_remark(visit, DOCTOR_FAULT, "state-dir-open", path, "chmod 0755 it",
			"others than its owner may write there, and BIRD includes what they write");
	way_look(visit, path, path);
	for (size_t i = 0; i < config->routing.prefixes_count; i++) {
		state_file_look(visit, config->routing.prefixes[i].protocol);
		if (config->routing.prefixes[i].drain_protocol)
			state_file_look(visit, config->routing.prefixes[i].drain_protocol);
	}
}

static void links_look(struct visit *visit)
{
	static const char *const names[INTERFACE_DOUBTS] = {
		[INTERFACE_NOT_FORWARDING4] = "forwarding",
		[INTERFACE_NOT_FORWARDING6] = "forwarding",
		[INTERFACE_VLAN_STRIPPED] = "rx-vlan-offload",
		[INTERFACE_VLAN_UNROUTED] = "vlan-route"};
	int asker = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; asker >= 0 && i < visit->config->interfaces_count; i++) {
		char text[INTERFACE_DOUBT_TEXT], where[64];
		struct interface interface;

		interface_ask(asker, visit->config->interfaces[i].name, &interface);
		snprintf(where, sizeof(where), "interface %s", visit->config->interfaces[i].name);
		if (!interface.ifindex)
			visit_remark(visit, DOCTOR_FAULT, "no-interface", where,
				"correct interfaces, or bring it up", "isn't there");
		for (int doubt = 0; doubt < INTERFACE_DOUBTS; doubt++) {
			const char *colon;

			if (!interface_doubt(
				    &interface, visit->config, (enum interface_doubt)doubt, text))
				continue;
			/* What comes of it, a colon, what to do. */
			colon = strrchr(text, ':');
			while (colon && colon > text && colon[1] != ' ')
				colon = memrchr(text, ':', (size_t)(colon - text));
			visit_remark(visit, DOCTOR_DOUBT, names[doubt], where,
				colon ? colon + 2 : "see what", "%.*s",
				colon ? (int)(colon - text) : (int)strlen(text), text);
		}
	}
	if (asker >= 0)
		close(asker);
}

static void config_look(struct visit *visit)
{
	static char doubts[CONFIG_DOUBTS][CONFIG_DOUBT_TEXT];
	size_t count = config_doubts(visit->config, doubts, CONFIG_DOUBTS);

	for (size_t i = 0; i < count; i++)
		visit_remark(visit, DOCTOR_DOUBT, "configuration", "anode.yaml", "correct the file",
			"%s", doubts[i]);
}

void visit_host(struct visit *visit)
{
	if (visit->config->routing.prefixes_count > 0) {
		socket_look(visit);
		state_dir_look(visit);
	}
	links_look(visit);
	config_look(visit);
}
