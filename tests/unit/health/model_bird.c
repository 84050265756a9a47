/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: what BIRD does behind its socket.
 */
#include "tests/unit/health/model_bird.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/statefile.h"

const char *const model_bird_names[PROTOS] = {
	"anycast4", "anycast4_drain", "anycast6", "anycast6_drain"};

void model_bird_init(struct model_bird *bird, const char *state_dir)
{
	memset(bird, 0, sizeof *bird);
	bird->state_dir = state_dir;
	bird->edge_up = true;
}

bool model_bird_file_up(const struct model_bird *bird, int proto)
{
	struct statefile files;
	bool up;

	if (statefile_init(&files, bird->state_dir, "bird") < 0 ||
		statefile_read(&files, model_bird_names[proto], &up) < 0)
		abort();
	return up;
}

void model_bird_configure(struct model_bird *bird)
{
	for (int i = 0; i < PROTOS; i++)
		bird->up[i] = model_bird_file_up(bird, i);
	bird->configured++;
}

static const char *bird_switch(struct model_bird *bird, const char *command)
{
	bool up = command[0] == 'e';

	snprintf(bird->trace + strlen(bird->trace), sizeof bird->trace - strlen(bird->trace), "%s;",
		command);
	if (bird->deny)
		return "8007 Access denied\n";
	for (int i = 0; i < PROTOS; i++) {
		char quoted[80];

		snprintf(quoted, sizeof quoted, "%sable \"%s\"", up ? "en" : "dis",
			model_bird_names[i]);
		if (strcmp(command, quoted) != 0 || bird->absent[i])
			continue;
		snprintf(bird->reply, sizeof bird->reply, "%s%s: %s%sabled\n0000 \n",
			bird->up[i] == up ? up ? "0010-" : "0008-"
			: up              ? "0011-"
					  : "0009-",
			model_bird_names[i], bird->up[i] == up ? "already " : "",
			up ? "en" : "dis");
		bird->up[i] = up;
		return bird->reply;
	}
	return "8003 No protocols match\n";
}

/* All routes of a prefix, the best one first, as BIRD prints them. */
static const char *origins(struct model_bird *bird, int main)
{
	static const char net[] = "203.0.113.0/24       ", blank[] = "                     ";
	size_t n = (size_t)snprintf(bird->reply, sizeof bird->reply, "1007-Table master4:\n");
	unsigned routes = 0;

	for (int i = main; i <= main + 1; i++)
		if (bird->up[i])
			n += (size_t)snprintf(bird->reply + n, sizeof bird->reply - n,
				" %s blackhole [%s 22:55:48.356] * (200)\n", routes++ ? blank : net,
				model_bird_names[i]);
	if (bird->sibling && bird->edge_up && main == MAIN4)
		n += (size_t)snprintf(bird->reply + n, sizeof bird->reply - n,
			" %s unicast [edge1 22:55:48.356] (100) [AS65054i]\n"
			" \tvia 192.0.2.254 on eth0\n",
			routes++ ? blank : net);
	if (!routes)
		return "8001 Network not found\n";
	snprintf(bird->reply + n, sizeof bird->reply - n, "0000 \n");
	return bird->reply;
}

const char *model_bird_reply(void *arg, const char *command)
{
	struct model_bird *bird = arg;
	const char *from = NULL;
	size_t n = 0;
	int main;

	if (strncmp(command, "enable", 6) == 0 || strncmp(command, "disable", 7) == 0)
		return bird_switch(bird, command);
	if (strcmp(command, "show status") == 0) {
		unsigned wander = bird->asked++ % 2;

		snprintf(bird->reply, sizeof bird->reply,
			"1000-BIRD 2.0.12\n1011-Router ID is 192.0.2.1\n Hostname is node\n"
			" Last reboot on 2026-11-22 00:00:00.%03u\n"
			" Last reconfiguration on 2026-11-22 00:00:%02u.%03u\n"
			"0013 Daemon is up and running\n",
			500 - wander, bird->configured % 60, 500 + wander);
		return bird->reply;
	}
	if (strcmp(command, "show protocols") == 0) {
		n = (size_t)snprintf(bird->reply, sizeof bird->reply,
			"2002-Name       Proto      Table      State  Since         Info\n");
		for (int i = 0; i < PROTOS; i++)
			if (!bird->absent[i])
				n += (size_t)snprintf(bird->reply + n, sizeof bird->reply - n,
					"1002-%s Static     master4    %s   22:55:48.994  \n",
					model_bird_names[i], bird->up[i] ? "up" : "down");
		snprintf(bird->reply + n, sizeof bird->reply - n,
			" edge1      BGP        ---        %s     22:55:26.708  %s\n0000 \n",
			bird->edge_up ? "up" : "start", bird->edge_up ? "Established" : "Active");
		return bird->reply;
	}
	if (strncmp(command, "show route ", 11) == 0 && !strstr(command, " exported "))
		return origins(bird, strstr(command, "203.0.113.0/24") ? MAIN4 : MAIN6);
	if (strncmp(command, "show route ", 11) != 0 || !strstr(command, " exported 'edge1'"))
		return "9001 syntax error\n";
	if (!bird->edge_up)
		return "9001 No valid tables\n";
	main = strstr(command, "203.0.113.0/24") ? MAIN4 : MAIN6;
	if (bird->up[main])
		from = model_bird_names[main];
	else if (bird->up[main + 1])
		from = model_bird_names[main + 1];
	else if (main == MAIN4)
		from = bird->foreign;
	if (!from)
		return "8001 Network not found\n";
	snprintf(bird->reply, sizeof bird->reply,
		"1007-Table master4:\n %s       blackhole [%s 22:55:48.356] * (200)\n0000 \n",
		main == MAIN4 ? "203.0.113.0/24" : "2001:db8:53::/48", from);
	return bird->reply;
}
