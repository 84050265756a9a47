/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/peering/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/health/bird.h"

static void protocols_line(void *arg, const struct bird_line *line)
{
	protocol_list_line(arg, line);
}

static void bfd_line(void *arg, const struct bird_line *line)
{
	bfd_list_line(arg, line);
}

static void status_line(void *arg, const struct bird_line *line)
{
	bool *dated = arg, reboot;
	int64_t ms;

	*dated |= bird_date_parse(line->text, &reboot, &ms) == 1;
}

int view_open(struct view *view, const char *socket, struct span timeout)
{
	int r;

	memset(view, 0, sizeof(*view));
	r = bird_ask_open(&view->bird, socket, timeout);
	if (r == 0)
		r = bird_ask(view->bird, "show status", status_line, &view->dated);
	if (r == 0)
		r = bird_ask(view->bird, "show protocols all", protocols_line, &view->protocols);
	/* Without the protocol `bfd` that is an error, and no session is what it means. */
	if (r == 0)
		r = bird_ask(view->bird, "show bfd sessions", bfd_line, &view->bfd);
	return r == 0 && view->protocols.failed ? -EPROTO : r;
}

void view_close(struct view *view)
{
	bird_ask_close(view->bird);
	protocol_list_free(&view->protocols);
	view->bird = NULL;
}

static void route_line(void *arg, const struct bird_line *line)
{
	exported_line(arg, line);
}

int view_exported(struct view *view, struct exported_route *route, const struct bird_prefix *prefix,
	const char *peer)
{
	char command[BIRD_COMMAND_MAX], text[BIRD_PREFIX_TEXT];

	bird_prefix_format(prefix, text);
	snprintf(command, sizeof(command), "show route %s exported '%s' all", text, peer);
	exported_begin(route, prefix);
	return bird_ask(view->bird, command, route_line, route);
}

int view_filtered(
	struct view *view, const struct bird_prefix *prefix, const char *peer, bool *filtered)
{
	char command[BIRD_COMMAND_MAX], text[BIRD_PREFIX_TEXT];
	struct exported_route route;
	int r;

	bird_prefix_format(prefix, text);
	snprintf(command, sizeof(command), "show route %s noexport '%s'", text, peer);
	exported_begin(&route, prefix);
	r = bird_ask(view->bird, command, route_line, &route);
	*filtered = route.there;
	return r;
}

struct each {
	view_route_fn *route;
	void *arg;
};

static void each_line(void *arg, const struct bird_line *line)
{
	const struct each *each = arg;
	char word[BIRD_PREFIX_TEXT], from[BIRD_NAME_MAX];
	size_t length = strcspn(line->text, " \t");
	struct bird_prefix prefix;

	if (line->code != BIRD_CODE_ROUTE || length == 0 || length >= sizeof(word))
		return;
	memcpy(word, line->text, length);
	word[length] = '\0';
	if (bird_prefix_parse(&prefix, word) == 0 &&
		bird_route_parse(from, line->text, &prefix) == 0)
		each->route(each->arg, &prefix, from);
}

int view_each_exported(struct view *view, const char *peer, view_route_fn *route, void *arg)
{
	char command[BIRD_COMMAND_MAX];
	struct each each = {route, arg};

	snprintf(command, sizeof(command), "show route exported '%s'", peer);
	return bird_ask(view->bird, command, each_line, &each);
}
