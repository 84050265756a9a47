/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks a node (node.c) through a wire: a pair of datagram sockets, a frame a datagram.
 *
 *     client FILE OWN PEER
 *
 * In: the vector file whose world the node has, the sockets' paths. Each case's frame is sent; what
 * comes back must be byte for byte what the plain host makes of it, which must be what the vector
 * says; for a packet that passes, nothing may come. A second query with a known answer follows
 * each, so nobody waits for silence. TAP, and "# answered N" for the node.
 */
#include "tests/vectors/vector_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE  10 /* seconds, for a reply */
#define FRAME_MIN 14 /* bytes: the Ethernet header, without which the wire carries nothing */
#define FOLLOW_ID 0xfeed

struct client {
	int wire;
	struct plain_engine *plain;
	struct vector *vector;
	struct vector_run follow; /* the query with the known answer, run */
	unsigned long long answered;
	unsigned checks, failed;
	bool silent; /* it doesn't answer any more */
};

static int wire_open(const char *own, const char *peer)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX}, remote = local;
	struct timeval patience = {.tv_sec = PATIENCE};
	int fd;

	if (strlen(own) >= sizeof(local.sun_path) || strlen(peer) >= sizeof(remote.sun_path))
		return -ENAMETOOLONG;
	strcpy(local.sun_path, own);
	strcpy(remote.sun_path, peer);
	unlink(own);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) != 0 ||
		connect(fd, (struct sockaddr *)&remote, sizeof(remote)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static bool is_reply(const struct vector_run *run, const uint8_t *frame, size_t size)
{
	return run->outcome.action == VECTOR_REPLIED && size == run->outcome.size &&
	       memcmp(frame, run->outcome.octets, size) == 0;
}

/* Sends the case's frame and the one that follows; says what is wrong with what comes. */
static bool exchange(struct client *c, const struct vector_run *run, FILE *to)
{
	bool wanted = run->outcome.action == VECTOR_REPLIED, ok = true;
	static uint8_t frame[65536];

	if (c->silent) {
		fprintf(to, "not asked\n");
		return false;
	}
	if (send(c->wire, run->packet.octets, run->packet.size, 0) < 0 ||
		send(c->wire, c->follow.packet.octets, c->follow.packet.size, 0) < 0) {
		fprintf(to, "send: %s\n", strerror(errno));
		return false;
	}
	for (;;) {
		ssize_t size = recv(c->wire, frame, sizeof(frame), 0);

		if (size < 0) {
			fprintf(to, "not even the query that followed is answered: %s\n",
				strerror(errno));
			c->silent = true;
			return false;
		}
		if (is_reply(&c->follow, frame, (size_t)size))
			break;
		if (!wanted || !is_reply(run, frame, (size_t)size)) {
			fprintf(to, "%zd bytes came that nobody expected\n", size);
			ok = false;
			continue;
		}
		wanted = false;
		c->answered++;
	}
	c->answered++;
	if (wanted)
		fprintf(to, "no reply\n");
	return ok && !wanted;
}

static bool case_run(struct client *c, const struct vector_case *which, FILE *to)
{
	static struct vector_run run;
	char error[VECTOR_ERROR_SIZE];

	if (vector_run_case(&run, c->plain, which, error)) {
		fprintf(to, "%s\n", error);
		return false;
	}
	return vector_check(c->vector, which, &run.packet, &run.outcome, to) &&
	       exchange(c, &run, to);
}

/* Why the wire can't carry it, or NULL. */
static const char *refusal(const struct vector_case *which)
{
	struct vector_packet packet;
	char error[VECTOR_ERROR_SIZE];

	if (which->room != VECTOR_ROOM)
		return "an interface's room is what it is";
	if (!vector_packet_build(which, &packet, error) && packet.size < FRAME_MIN)
		return "no interface receives less than an Ethernet header";
	return NULL;
}

static void case_report(struct client *c, const struct vector_case *which)
{
	const char *skip = refusal(which);
	char *text = NULL, *save = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	bool ok = to && (skip || case_run(c, which, to));

	if (to)
		fclose(to);
	printf("%sok %u - %s, on the wire: %s%s%s\n", ok ? "" : "not ", ++c->checks,
		vector_file_name(which->path), which->title, skip ? " # SKIP " : "",
		skip ? skip : "");
	c->failed += !ok;
	for (char *line = strtok_r(text, "\n", &save); line && !ok;
		line = strtok_r(NULL, "\n", &save))
		printf("#   %s\n", line);
	free(text);
}

/* The first case that asks and is answered, with an ID of its own. */
static int follow_choose(struct client *c, char error[VECTOR_ERROR_SIZE])
{
	for (size_t i = 0; i < c->vector->case_count; i++) {
		struct vector_case copy = c->vector->cases[i];
		int err;

		if (copy.whole || !copy.replies)
			continue;
		copy.question.id = FOLLOW_ID;
		err = vector_run_case(&c->follow, c->plain, &copy, error);
		if (!err && c->follow.outcome.action == VECTOR_REPLIED)
			return 0;
	}
	snprintf(error, VECTOR_ERROR_SIZE, "no case is answered");
	return -ENOENT;
}

int main(int argc, char **argv)
{
	char error[VECTOR_ERROR_SIZE] = "no memory";
	struct client client = {.wire = -1};
	int result = 1;

	if (argc != 4) {
		fputs("Usage: client FILE OWN PEER\n", stderr);
		return 2;
	}
	if (plain_engine_new(&client.plain, 1, 20) || vector_load(&client.vector, argv[1], error) ||
		vector_world_fill(
			client.vector, plain_engine_memory(client.plain), VECTOR_NOW, error) ||
		follow_choose(&client, error)) {
		fprintf(stderr, "client: %s\n", error);
		goto out;
	}
	client.wire = wire_open(argv[2], argv[3]);
	if (client.wire < 0) {
		fprintf(stderr, "client: %s to %s: %s\n", argv[2], argv[3], strerror(-client.wire));
		goto out;
	}
	for (size_t i = 0; i < client.vector->case_count; i++)
		case_report(&client, &client.vector->cases[i]);
	printf("# answered %llu\n1..%u\n", client.answered, client.checks);
	result = client.failed != 0;
out:
	if (client.wire >= 0)
		close(client.wire);
	vector_free(client.vector);
	plain_engine_free(client.plain);
	return result;
}
