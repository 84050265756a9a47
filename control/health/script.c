/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs an operator's program over and over.
 */
#include "control/health/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/health/timer.h"

struct script {
	sd_event *loop;
	probe_result_fn *result;
	void *arg;
	char **command;
	struct span interval, timeout, phase;
	sd_event_source *next_timer, *timeout_timer;
	struct mono next_at, began;

	pid_t pid; /* 0: none runs */
	int pidfd, out;
	sd_event_source *end_io;
	bool late; /* it was killed for taking too long */
};

static void line_read(int fd, char *text, size_t size)
{
	ssize_t n = fd >= 0 ? read(fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	/* It is shown to people, in terminals. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

static void close_all(struct script *script)
{
	script->end_io = sd_event_source_disable_unref(script->end_io);
	if (script->pidfd >= 0)
		close(script->pidfd);
	if (script->out >= 0)
		close(script->out);
	script->pidfd = script->out = -1;
	script->pid = 0;
}

static void report(struct script *script, enum probe_outcome outcome, const char *detail)
{
	struct probe_result result = {.transport = QUERY_TCP,
		.outcome = outcome,
		.rcode = -1,
		.rtt = mono_since(mono_now(), script->began)};

	snprintf(result.detail, sizeof result.detail, "%s", detail);
	script->result(script->arg, &result);
}

static void finish(struct script *script, const siginfo_t *info)
{
	enum probe_outcome outcome = PROBE_BAD_CONTENT;
	char line[120], detail[160];

	line_read(script->out, line, sizeof line);
	if (script->late) {
		outcome = PROBE_TIMEOUT;
		snprintf(detail, sizeof detail, "not done in time%s%s", line[0] ? ": " : "", line);
	} else if (info->si_code != CLD_EXITED) {
		snprintf(detail, sizeof detail, "ended by signal %d%s%s", info->si_status,
			line[0] ? ": " : "", line);
	} else if (info->si_status == 126 || info->si_status == 127) {
		outcome = PROBE_ERROR;
		snprintf(detail, sizeof detail, "can't be run (exit code %d)%s%s", info->si_status,
			line[0] ? ": " : "", line);
	} else if (info->si_status != 0) {
		snprintf(detail, sizeof detail, "exit code %d%s%s", info->si_status,
			line[0] ? ": " : "", line);
	} else {
		outcome = PROBE_OK;
		detail[0] = '\0';
	}
	close_all(script);
	timer_off(script->timeout_timer);
	report(script, outcome, detail);
}

static int ended(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct script *script = arg;
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)script->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return 0;
	/* What it left behind in its group goes, too. */
	kill(-script->pid, SIGKILL);
	finish(script, &info);
	return 0;
}

static int timed_out(sd_event_source *source, uint64_t usec, void *arg)
{
	struct script *script = arg;

	if (!script->pid)
		return 0;
	script->late = true;
	kill(-script->pid, SIGKILL);
	return 0;
}

/* 0 or negative errno; *pid runs then, in a group of its own, with its output in `out`. */
static int spawn(char *const *command, int out, pid_t *pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	static char *const environment[] = {path, locale, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	/* The daemon blocks signals that it takes from the loop. */
	r = posix_spawnattr_setflags(&attributes,
		POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = r ? r : posix_spawnattr_setpgroup(&attributes, 0);
	r = r ? r : posix_spawnattr_setsigmask(&attributes, &none);
	r = r ? r : posix_spawnattr_setsigdefault(&attributes, &all);
	r = r ? r : posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	r = r ? r : posix_spawn_file_actions_adddup2(&actions, out, 1);
	r = r ? r : posix_spawn_file_actions_adddup2(&actions, out, 2);
	r = r ? r : posix_spawn(pid, command[0], &actions, &attributes, command, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -r;
}

static int run(struct script *script)
{
	int pipes[2], r;

	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	script->out = pipes[0];
	script->late = false;
	r = spawn(script->command, pipes[1], &script->pid);
	close(pipes[1]);
	if (r < 0)
		return r;
	script->pidfd = (int)syscall(SYS_pidfd_open, script->pid, 0);
	r = script->pidfd < 0 ? -errno
			      : sd_event_add_io(script->loop, &script->end_io, script->pidfd,
					EPOLLIN, ended, script);
	if (r >= 0)
		return 0;
	/* Nobody would hear of its end. */
	kill(-script->pid, SIGKILL);
	waitpid(script->pid, NULL, 0);
	return r;
}

static int due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct script *script = arg;
	struct mono now = mono_now();
	int r;

	script->next_at = mono_after(script->next_at, script->interval);
	if (mono_before(script->next_at, now))
		script->next_at = mono_after(now, script->interval);
	timer_set(script->next_timer, script->next_at);
	if (script->pid)
		return 0; /* killed, and not gone yet */
	script->began = now;
	timer_set(script->timeout_timer, mono_after(now, script->timeout));
	r = run(script);
	if (r < 0) {
		char detail[160];

		snprintf(detail, sizeof detail, "can't be run: %s", strerror(-r));
		timer_off(script->timeout_timer);
		close_all(script);
		report(script, PROBE_ERROR, detail);
	}
	return 0;
}

static int command_copy(struct script *script, const char *const *command)
{
	size_t count = 0;

	while (command[count])
		count++;
	script->command = calloc(count + 1, sizeof *script->command);
	if (!script->command)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		script->command[i] = strdup(command[i]);
		if (!script->command[i])
			return -ENOMEM;
	}
	return 0;
}

int script_new(struct script **out, sd_event *loop, const struct script_options *options,
	probe_result_fn *result, void *arg)
{
	struct script *script;
	int r;

	if (!options->command[0] || options->command[0][0] != '/' || options->timeout.ns <= 0 ||
		options->timeout.ns > options->interval.ns)
		return -EINVAL;
	script = calloc(1, sizeof *script);
	if (!script)
		return -ENOMEM;
	script->loop = sd_event_ref(loop);
	script->result = result;
	script->arg = arg;
	script->interval = options->interval;
	script->timeout = options->timeout;
	script->phase = options->phase;
	script->pidfd = script->out = -1;
	r = command_copy(script, options->command);
	if (r == 0)
		r = timer_new(loop, &script->next_timer, due, script);
	if (r == 0)
		r = timer_new(loop, &script->timeout_timer, timed_out, script);
	if (r < 0) {
		script_free(script);
		return r;
	}
	*out = script;
	return 0;
}

void script_free(struct script *script)
{
	if (!script)
		return;
	if (script->pid) {
		kill(-script->pid, SIGKILL);
		waitpid(script->pid, NULL, 0);
	}
	close_all(script);
	sd_event_source_disable_unref(script->next_timer);
	sd_event_source_disable_unref(script->timeout_timer);
	sd_event_unref(script->loop);
	for (char **word = script->command; word && *word; word++)
		free(*word);
	free(script->command);
	free(script);
}

void script_start(struct script *script)
{
	script->next_at = mono_after(mono_now(), script->phase);
	timer_set(script->next_timer, script->next_at);
}
