/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What outlives the daemon: overrides and history, read at the start and written as they change. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "control/daemon.h"
#include "control/history.h"
#include "control/log.h"
#include "control/overrides.h"

const char *daemon_folder(const struct daemon *daemon, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", daemon->config->state_dir, daemon->config->instance);
	return path;
}

void daemon_recall(struct daemon *daemon)
{
	char folder[PATH_MAX], error[PATH_MAX + 128] = "";

	daemon_folder(daemon, folder);
	history_recall(folder, daemon->health);
	if (overrides_read(folder, daemon->health, error, sizeof(error)) == 0) {
		waiting_end(&daemon->waiting, "overrides", "");
		return;
	}
	health_overrides_lost(daemon->health);
	waiting_begin(&daemon->waiting, "overrides", "", error);
	log_write(LOG_HEALTH_ERROR, "overrides", NULL,
		"%s: what people want isn't known, so nothing rises until `anodectl auto`", error);
}

void daemon_keep_overrides(void *arg)
{
	struct daemon *daemon = arg;
	char folder[PATH_MAX];
	int r;

	/* What can't be read may still be mended by hand. */
	if (!health_overrides_known(daemon->health))
		return;
	r = overrides_write(daemon_folder(daemon, folder), daemon->health);
	daemon->overrides_kept = r;
	if (r < 0)
		log_write(LOG_HEALTH_ERROR, "overrides", NULL,
			"%s/overrides.json: %s: overrides are in force, but a restart loses them",
			folder, strerror(-r));
	else
		waiting_end(&daemon->waiting, "overrides", "");
}

void daemon_keep_transition(void *arg, const struct health_transition *transition)
{
	struct daemon *daemon = arg;
	char folder[PATH_MAX];
	int r = history_add(daemon_folder(daemon, folder), transition);

	if (r < 0)
		log_write(LOG_TROUBLE, "history", NULL, "%s/history: %s", folder, strerror(-r));
}
