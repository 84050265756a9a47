/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/log_limit.h"

#define FIELDS_MAX 16

static const struct {
	enum log_level level;
	bool limited;
	const char *id;
} log_events[LOG_EVENT_COUNT] = {
#define LOG_EVENT_ROW(name, level, limited, id) [LOG_##name] = {LOG_LEVEL_##level, limited, id},
	LOG_EVENTS(LOG_EVENT_ROW)
#undef LOG_EVENT_ROW
};

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int level_priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static struct {
	pthread_mutex_t lock;
	bool open, journal;
	enum log_level level;
	struct log_limit limit;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_INFO};

/* stderr is the stream that systemd connected to the journal: sd_journal(3),
 * "Automatic upgrade"; the variable is "device:inode". */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(enum log_level level)
{
	pthread_mutex_lock(&sink.lock);
	sink.level = level;
	sink.journal = stderr_is_journal();
	sink.open = true;
	pthread_mutex_unlock(&sink.lock);
}

static bool field_add(struct iovec *vector, int *count, const char *name, const char *value)
{
	char *text;

	if (*count == FIELDS_MAX || asprintf(&text, "%s=%s", name, value) < 0)
		return false;
	vector[(*count)++] = (struct iovec){text, strlen(text)};
	return true;
}

static bool journal_write(
	enum log_event event, const char *subject, const struct log_field *fields, const char *text)
{
	struct iovec vector[FIELDS_MAX];
	char priority[4];
	bool good;
	int count = 0;

	snprintf(priority, sizeof(priority), "%d", level_priorities[log_events[event].level]);
	good = field_add(vector, &count, "MESSAGE", text) &&
	       field_add(vector, &count, "PRIORITY", priority) &&
	       field_add(vector, &count, "MESSAGE_ID", log_events[event].id) &&
	       field_add(vector, &count, "SYSLOG_IDENTIFIER", "anoded");
	if (good && subject)
		good = field_add(vector, &count, "ANODE_SUBJECT", subject);
	for (; good && fields && fields->name; fields++)
		good = field_add(vector, &count, fields->name, fields->value);
	if (good)
		good = sd_journal_sendv(vector, count) == 0;
	while (count > 0)
		free(vector[--count].iov_base);
	return good;
}

/* One write per line, so that the lines of threads don't mix. */
static void stderr_write(enum log_event event, const char *text)
{
	uint64_t now = clock_wall_us();
	time_t seconds = (time_t)(now / 1000000);
	char line[LOG_TEXT + 64], date[32];
	struct tm tm;
	int length;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	length = snprintf(line, sizeof(line), "%s.%03uZ %s: %s\n", date,
		(unsigned int)(now / 1000 % 1000), level_names[log_events[event].level], text);
	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		return; /* nobody is left to be told */
}

static void line_write(
	enum log_event event, const char *subject, const struct log_field *fields, const char *text)
{
	if (!sink.journal || !journal_write(event, subject, fields, text))
		stderr_write(event, text);
}

void log_write(enum log_event event, const char *subject, const struct log_field *fields,
	const char *format, ...)
{
	char text[LOG_TEXT];
	bool pass = true;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Texts quote what came from outside: one line stays one line. */
	for (char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	pthread_mutex_lock(&sink.lock);
	if (log_events[event].level > sink.level)
		pass = false;
	else if (sink.open && log_events[event].limited)
		pass = log_limit_pass(
			&sink.limit, event, subject ? subject : "", text, clock_monotonic_us());
	pthread_mutex_unlock(&sink.lock);
	if (pass)
		line_write(event, subject, fields, text);
}

void log_flush(void)
{
	struct log_repeat repeat;
	char text[LOG_TEXT];
	bool due;

	do {
		pthread_mutex_lock(&sink.lock);
		due = log_limit_due(&sink.limit, clock_monotonic_us(), &repeat);
		pthread_mutex_unlock(&sink.lock);
		if (!due)
			break;
		snprintf(text, sizeof(text), "%.440s (%u more like this in %u s)", repeat.last,
			repeat.counted, (unsigned int)(LOG_WINDOW_US / 1000000));
		line_write((enum log_event)repeat.kind, repeat.subject[0] ? repeat.subject : NULL,
			NULL, text);
	} while (due);
}
