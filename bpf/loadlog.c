/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What libbpf prints, kept until somebody asks: the end of the verifier's log, the kernel's netlink
 * message.
 *
 * libbpf has one print function for the whole process and no context for it, so there is one log:
 * one thread at a time. Nothing is printed from here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/libbpf.h>
#include "engine_parts.h"

#define TAIL_LINES 6

static struct {
	char tail[1024];
	char netlink[160];
	bool verifier; /* tail holds a verifier log: later warnings don't replace it */
} loadlog;

/* The last lines of text[0..length), at most what fits. */
static void loadlog_keep_tail(const char *text, size_t length)
{
	size_t start = length;
	int lines = 0;

	while (length && text[length - 1] == '\n')
		length--;
	for (start = length; start; start--) {
		if (length - start >= sizeof(loadlog.tail) - 1)
			break;
		if (text[start - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	}
	memcpy(loadlog.tail, text + start, length - start);
	loadlog.tail[length - start] = 0;
}

static void loadlog_take(char *text)
{
	static const char netlink[] = "Kernel error message: ";
	char *at;

	if ((at = strstr(text, netlink))) {
		at += sizeof(netlink) - 1;
		snprintf(loadlog.netlink, sizeof(loadlog.netlink), "%.*s", (int)strcspn(at, "\n"),
			at);
		return;
	}
	if ((at = strstr(text, "-- BEGIN PROG LOAD LOG --\n"))) {
		char *end = strstr(at, "-- END PROG LOAD LOG --");

		at = strchr(at, '\n') + 1;
		loadlog_keep_tail(at, end ? (size_t)(end - at) : strlen(at));
		loadlog.verifier = true;
		return;
	}
	if (!loadlog.verifier)
		loadlog_keep_tail(text, strlen(text));
}

static int loadlog_print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL;

	if (level == LIBBPF_DEBUG)
		return 0;
	if (vasprintf(&text, format, args) < 0)
		return 0;
	loadlog_take(text);
	free(text);
	return 0;
}

void loadlog_start(void)
{
	memset(&loadlog, 0, sizeof(loadlog));
	libbpf_set_print(loadlog_print);
}

const char *loadlog_tail(void)
{
	return loadlog.tail;
}

const char *loadlog_netlink(void)
{
	return loadlog.netlink;
}
