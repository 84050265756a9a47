/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/doctor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIRD_CONF "/etc/bird/bird.conf"

const char *doctor_grade_name(enum doctor_grade grade)
{
	static const char *const names[] = {
		[DOCTOR_NOTE] = "note", [DOCTOR_DOUBT] = "doubt", [DOCTOR_FAULT] = "fault"};

	return names[grade];
}

void doctor_free(struct doctor *doctor)
{
	free(doctor->remarks);
	doctor->remarks = NULL;
	doctor->count = 0;
}

void visit_remark(struct visit *visit, enum doctor_grade grade, const char *name, const char *where,
	const char *cure, const char *format, ...)
{
	struct doctor *doctor = visit->doctor;
	struct doctor_remark *longer =
		reallocarray(doctor->remarks, doctor->count + 1, sizeof(*longer));
	va_list args;

	if (!longer) {
		visit->failed = true;
		return;
	}
	doctor->remarks = longer;
	longer += doctor->count++;
	longer->grade = grade;
	snprintf(longer->name, sizeof(longer->name), "%s", name);
	snprintf(longer->where, sizeof(longer->where), "%s", where);
	snprintf(longer->cure, sizeof(longer->cure), "%s", cure);
	va_start(args, format);
	vsnprintf(longer->what, sizeof(longer->what), format, args);
	va_end(args);
	if (grade > doctor->worst)
		doctor->worst = grade;
}

bool visit_ours(const struct visit *visit, const char *protocol)
{
	for (size_t i = 0; i < visit->config->routing.prefixes_count; i++) {
		const struct config_prefix *prefix = &visit->config->routing.prefixes[i];

		if (strcmp(prefix->protocol, protocol) == 0 ||
			(prefix->drain_protocol && strcmp(prefix->drain_protocol, protocol) == 0))
			return true;
	}
	return false;
}

void visit_prefix(const struct config_prefix *prefix, struct bird_prefix *out)
{
	memset(out, 0, sizeof(*out));
	out->family = prefix->prefix.address.family;
	out->len = prefix->prefix.length;
	memcpy(out->addr, prefix->prefix.address.bytes, sizeof(out->addr));
}

/* "-c FILE" of the running BIRD; what it doesn't say is the package's default. */
static void conf_find(struct visit *visit, const char *given, char *path, size_t size)
{
	char name[64], bytes[4096];
	ssize_t n = 0;
	int fd;

	snprintf(path, size, "%s", given ? given : BIRD_CONF);
	if (given || !visit->bird_pid)
		return;
	snprintf(name, sizeof(name), "/proc/%d/cmdline", (int)visit->bird_pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, bytes, sizeof(bytes) - 1);
	if (fd >= 0)
		close(fd);
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(bytes + at) + 1) {
		bytes[n] = '\0';
		if (strcmp(bytes + at, "-c") == 0 && at + 3 < n)
			snprintf(path, size, "%s", bytes + at + 3);
		else if (strncmp(bytes + at, "-c", 2) == 0 && bytes[at + 2])
			snprintf(path, size, "%s", bytes + at + 2);
	}
}

/* The socket tells who opened it, and BIRD was root then: /proc knows who it is now. */
static void bird_user_find(struct visit *visit)
{
	char name[64], line[256];
	FILE *status;

	if (bird_ask_peer(visit->view.bird, &visit->bird_pid, &visit->bird_uid, &visit->bird_gid) <
		0)
		visit->bird_pid = 0;
	snprintf(name, sizeof(name), "/proc/%d/status", (int)visit->bird_pid);
	status = visit->bird_pid > 0 ? fopen(name, "re") : NULL;
	while (status && fgets(line, sizeof(line), status)) {
		unsigned effective;

		if (sscanf(line, "Uid: %*u %u", &effective) == 1)
			visit->bird_uid = effective;
		if (sscanf(line, "Gid: %*u %u", &effective) == 1)
			visit->bird_gid = effective;
	}
	if (status)
		fclose(status);
}

static void view_take(struct visit *visit, uint64_t timeout_us)
{
	const char *socket = visit->config->routing.bird.socket;
	int r = view_open(&visit->view, socket, (struct span){(int64_t)timeout_us * 1000});

	visit->has_view = r == 0;
	if (visit->view.bird) {
		snprintf(visit->doctor->bird, sizeof(visit->doctor->bird), "%s",
			bird_ask_version(visit->view.bird));
		bird_user_find(visit);
	}
	if (r == -EACCES || r == -EPERM)
		visit_remark(visit, DOCTOR_FAULT, "bird-denied", socket,
			"be in the group that the socket belongs to, or look as root",
			"may not be opened by this user: BIRD isn't looked at");
	else if (r == -ETIMEDOUT)
		visit_remark(visit, DOCTOR_FAULT, "bird-silent", socket,
			"is BIRD stopped (SIGSTOP, a debugger), or out of processor time?",
			"BIRD doesn't answer: what it announced stands, and can't be withdrawn");
	else if (r < 0)
		visit_remark(visit, DOCTOR_FAULT, "bird-gone", socket,
			"start BIRD, or correct routing.bird.socket", "can't be asked: %s",
			strerror(-r));
}

int doctor_look(struct doctor *doctor, const struct doctor_options *options)
{
	struct visit visit = {.doctor = doctor, .config = options->config};
	int r;

	memset(doctor, 0, sizeof(*doctor));
	if (options->config->routing.prefixes_count > 0) {
		view_take(&visit, options->timeout_us);
		conf_find(&visit, options->bird_conf, doctor->bird_conf, sizeof(doctor->bird_conf));
		r = birdconf_read(
			&visit.conf, doctor->bird_conf, options->config->routing.bird.state_dir);
		visit.has_conf = r == 0;
		if (r < 0)
			visit_remark(&visit, DOCTOR_NOTE, "bird-conf-unread", doctor->bird_conf,
				"name it with --bird-conf, or look as root",
				"can't be read (%s): includes, graceful restart and loops "
				"aren't looked at there",
				strerror(-r));
		if (visit.has_view)
			visit_bird(&visit);
		if (visit.has_conf)
			visit_conf(&visit);
	}
	visit_host(&visit);
	birdconf_free(&visit.conf);
	view_close(&visit.view);
	return visit.failed ? -ENOMEM : 0;
}
