/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a real server the questions of a vector file's answered cases, and compares what it says.
 *
 * - ask_server nsd|knot PORT FILE...   for a server on 127.0.0.1 and ::1: TAP lines without numbers
 * - ask_server --world FILE, --free-port   see server.h
 *
 * It sends one UDP query at a time and waits for its reply; it starts nothing.
 */
#include "server.h"

#include <stdlib.h>
#include <string.h>

/* True if the server agrees as far as the file says that it does. What is wrong goes to `to`. */
static bool reply_judge(const struct vector_case *c, enum vector_server server,
	const uint8_t *reply, size_t size, FILE *to)
{
	unsigned known = c->differs[server], found;
	struct message m;
	char reason[200];
	bool ok = false;

	if (message_read(&m, reply, size, reason, sizeof(reason))) {
		fprintf(to, "its reply is malformed: %s\n", reason);
		goto out;
	}
	found = vector_message_compare(c, &m, to);
	if (found & ~known)
		fprintf(to, "and that wasn't known (- expected, + said)\n");
	if (known & ~found)
		fprintf(to, "the file says that they differ in more than they do\n");
	ok = found == known;
out:
	message_free(&m);
	return ok;
}

static bool case_ask(const struct vector_case *c, const struct server *server, FILE *to)
{
	static uint8_t reply[SERVER_REPLY_MAX];
	ssize_t size = server_ask(server, c, reply);

	if (size < 0) {
		fprintf(to, "no reply\n");
		return false;
	}
	return reply_judge(c, server->kind, reply, (size_t)size, to);
}

static int file_ask(const char *path, const struct server *server)
{
	char error[VECTOR_ERROR_SIZE];
	struct vector *vector = NULL;
	int failed = 0;

	if (vector_load(&vector, path, error)) {
		printf("not ok - %s\n", error);
		return 1;
	}
	for (size_t i = 0; i < vector->case_count; i++) {
		const struct vector_case *c = &vector->cases[i];
		char *text = NULL, *save = NULL;
		size_t size = 0;
		FILE *to;
		bool ok;

		if (!server_can_ask(vector, c))
			continue;
		to = open_memstream(&text, &size);
		if (!to)
			return 1;
		ok = case_ask(c, server, to);
		fclose(to);
		printf("%sok - %s %s: %s\n", ok ? "" : "not ", vector_server_names[server->kind],
			vector_file_name(path), c->title);
		for (char *line = strtok_r(text, "\n", &save); line && !ok;
			line = strtok_r(NULL, "\n", &save))
			printf("#   %s\n", line);
		if (!ok)
			printf("#   %s:%u\n", path, c->line);
		failed += !ok;
		free(text);
	}
	vector_free(vector);
	return failed;
}

int main(int argc, char **argv)
{
	int kind = argc > 3 ? server_kind(argv[1]) : -1, failed = 0;
	struct server server;

	if (kind < 0) {
		int status = server_options(argc, argv);

		if (status < 0)
			fputs("Usage: ask_server --free-port | --world FILE | nsd|knot PORT "
			      "FILE...\n",
				stderr);
		return status < 0 ? 2 : status;
	}
	if (server_open(&server, (enum vector_server)kind, (uint16_t)strtoul(argv[2], NULL, 10))) {
		puts("not ok - sockets on loopback");
		return 1;
	}
	for (int i = 3; i < argc; i++)
		failed += file_ask(argv[i], &server);
	server_close(&server);
	return failed != 0;
}
