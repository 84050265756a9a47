/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/overrides.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/folder.h"

#define FILE_BYTES (1u << 20)

struct kept {
	const char *prefix;
	enum policy_override_kind kind;
	const char *owner, *reason;
	uid_t uid;
	struct wall since;
	struct span left; /* INT64_MAX: until auto */
};

static double seconds(int64_t ns)
{
	return (double)(ns / 1000000) / 1000.0;
}

static json_t *entry_new(const struct health_prefix_status *status)
{
	const struct policy_override *o = status->override;
	struct span left = mono_since(o->until, mono_now());
	json_t *reason = json_string(o->reason);

	return json_pack("{s:s, s:s, s:s, s:I, s:o, s:f, s:o}", "prefix", status->prefix, "verb",
		policy_override_name(o->kind), "owner", o->owner, "uid",
		o->uid == (uid_t)-1 ? (json_int_t)-1 : (json_int_t)o->uid, "reason",
		reason ? reason : json_string(""), "since", seconds(o->since.ns), "until",
		o->until.ns == MONO_NEVER.ns ? json_null()
					     : json_real(seconds(wall_now().ns + left.ns)));
}

int overrides_write(const char *folder, const struct health *health)
{
	json_t *list = json_array();
	json_t *object = json_pack("{s:i, s:o}", "schema", 1, "overrides", list);
	char path[PATH_MAX], *text = NULL;
	int r = -ENOMEM;

	for (size_t i = 0; object && i < health_prefix_count(health); i++) {
		struct health_prefix_status status;

		health_prefix_status(health, i, &status);
		if (status.override && json_array_append_new(list, entry_new(&status)) < 0)
			goto out;
	}
	text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
	if (!text)
		goto out;
	r = -ENAMETOOLONG;
	if (snprintf(path, sizeof(path), "%s/overrides.json", folder) >= (int)sizeof(path))
		goto out;
	r = folder_make(folder);
	if (r == 0)
		r = folder_replace(path, text, strlen(text));
out:
	free(text);
	json_decref(object);
	return r;
}

/* What is left of it by the date, but no more than there was: clocks are set, too. */
static struct span left_of(double since, double until, double now)
{
	double left = until - now, length = until - since;

	if (left > length)
		left = length;
	return (struct span){left > 0 ? (int64_t)(left * 1000) * 1000000 : 0};
}

/* NULL, or what is wrong with it. */
static const char *entry_read(const json_t *object, struct kept *kept)
{
	const json_t *until = json_object_get(object, "until"), *uid;
	double since = json_number_value(json_object_get(object, "since"));
	const char *verb = json_string_value(json_object_get(object, "verb"));
	int kind = POLICY_ANNOUNCE;

	*kept = (struct kept){.prefix = json_string_value(json_object_get(object, "prefix")),
		.owner = json_string_value(json_object_get(object, "owner")),
		.reason = json_string_value(json_object_get(object, "reason")),
		.left = {INT64_MAX}};
	uid = json_object_get(object, "uid");
	if (!kept->prefix || !kept->owner || !kept->reason || !verb || !json_is_integer(uid))
		return "prefix, verb, owner, uid or reason is missing";
	while (kind <= POLICY_WITHDRAW &&
		strcmp(policy_override_name((enum policy_override_kind)kind), verb) != 0)
		kind++;
	if (kind > POLICY_WITHDRAW)
		return "an unknown verb";
	if (since < 0 || since > 9e9)
		return "since is no date";
	if (json_is_number(until) && json_number_value(until) >= since &&
		json_number_value(until) <= 9e9)
		kept->left = left_of(since, json_number_value(until), seconds(wall_now().ns));
	else if (!json_is_null(until))
		return "until is no date";
	kept->kind = (enum policy_override_kind)kind;
	kept->uid = json_integer_value(uid) < 0 ? (uid_t)-1 : (uid_t)json_integer_value(uid);
	kept->since = (struct wall){(int64_t)(since * 1000) * 1000000};
	return NULL;
}

/* All of it is read before any is put into force. */
static const char *list_read(const json_t *list, struct health *health)
{
	struct kept kept;
	const json_t *object;
	const char *wrong;
	size_t i;

	if (!json_is_array(list))
		return "no list of overrides";
	json_array_foreach(list, i, object)
	{
		wrong = entry_read(object, &kept);
		if (wrong)
			return wrong;
	}
	json_array_foreach(list, i, object)
	{
		/* A prefix that left the configuration takes its override along. */
		if (!entry_read(object, &kept) && kept.left.ns > 0)
			health_restore(health, kept.prefix, kept.kind, kept.owner, kept.uid,
				kept.reason, kept.left, kept.since);
	}
	return NULL;
}

/* A new, terminated buffer. */
static int file_read(const char *path, char **text, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;
	struct stat status;
	ssize_t n;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > (off_t)FILE_BYTES)
		r = -EFBIG;
	else
		*text = malloc((size_t)status.st_size + 1);
	if (r == 0 && !*text)
		r = -ENOMEM;
	if (r == 0) {
		n = read(fd, *text, (size_t)status.st_size);
		r = n < 0 ? -errno : 0;
		*length = n < 0 ? 0 : (size_t)n;
	}
	close(fd);
	return r;
}

int overrides_read(const char *folder, struct health *health, char *error, size_t error_size)
{
	json_t *object = NULL;
	char path[PATH_MAX], *text = NULL;
	const char *wrong = NULL;
	size_t length = 0;
	int r;

	if (snprintf(path, sizeof(path), "%s/overrides.json", folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	r = file_read(path, &text, &length);
	if (r == -ENOENT) {
		r = 0;
		goto out;
	}
	if (r < 0) {
		snprintf(error, error_size, "%s: %s", path, strerror(-r));
		goto out;
	}
	object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	wrong = object ? list_read(json_object_get(object, "overrides"), health) : "not JSON";
	if (wrong) {
		snprintf(error, error_size, "%s: %s", path, wrong);
		r = -EBADMSG;
	}
out:
	json_decref(object);
	free(text);
	return r;
}
