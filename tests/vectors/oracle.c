/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks the core and a real server the same random questions about the zones of a vector file.
 * Whatever the core answers, the server must answer with the same rcode, flags and records; what
 * the core passes is only counted.
 *
 * - oracle nsd|knot PORT FILE...   for a server on 127.0.0.1 and ::1: a TAP line for each file,
 * without number
 * - oracle --world FILE, --free-port   see server.h
 *
 * The environment's ORACLE_QUESTIONS says how many questions a file gets (500), ORACLE_SEED where
 * the randomness begins. Questions are made from the zones' own names: these, names beside, below
 * and above them, in random letters.
 */
#include "reply.h"
#include "server.h"
#include "vector_run.h"

#include "control/zone/name.h"
#include "control/zone/zone.h"

#include <stdlib.h>
#include <string.h>

#define ZONES_MAX   16
#define SHOWN_MAX   5u
#define ROOM_SPARED 40u /* octets: an address record whose owner is compressed a little */

struct oracle {
	const struct server *server;
	struct plain_engine *engine;
	struct vector *vector;
	struct zone *zones[ZONES_MAX];
	size_t zone_count;
	uint64_t state; /* of the random numbers */
	unsigned asked, answered, wrong;
};

static uint32_t random_below(struct oracle *o, uint32_t limit)
{
	o->state ^= o->state << 13;
	o->state ^= o->state >> 7;
	o->state ^= o->state << 17;
	return (uint32_t)((o->state >> 32) * limit >> 32);
}

/* Puts a random label in front; the name stays as it is if there is no room. */
static void label_prepend(struct oracle *o, uint8_t name[255], uint8_t *size)
{
	static const char *const usual[] = {"x", "www", "*", "a", "ns", "_tcp"};
	const char *label = usual[random_below(o, 6)];
	size_t length = strlen(label);

	if (*size + length + 1 > 255)
		return;
	memmove(name + length + 1, name, *size);
	name[0] = (uint8_t)length;
	memcpy(name + 1, label, length);
	*size = (uint8_t)(*size + length + 1);
}

/* A name of some zone, and then perhaps another near it. */
static void name_choose(struct oracle *o, struct vector_question *q)
{
	const struct zone *zone = o->zones[random_below(o, (uint32_t)o->zone_count)];
	const struct zone_node *node = &zone->nodes[random_below(o, zone->node_count)];

	q->name_size = node->name_size;
	memcpy(q->name, node->name, node->name_size);
	switch (random_below(o, 10)) {
	case 0: /* below */
		for (uint32_t n = 1 + random_below(o, 4); n; n--)
			label_prepend(o, q->name, &q->name_size);
		break;
	case 1: /* beside: the last octet of the first label is another */
		if (q->name[0])
			q->name[q->name[0]] ^= (uint8_t)(1 + random_below(o, 15));
		break;
	case 2: /* above, and below that */
		if (q->name[0]) {
			q->name_size = (uint8_t)(q->name_size - 1 - q->name[0]);
			memmove(q->name, q->name + 1 + q->name[0], q->name_size);
			label_prepend(o, q->name, &q->name_size);
		}
		break;
	}
	for (uint32_t i = 0; i < q->name_size; i++)
		if (q->name[i] >= 'a' && q->name[i] <= 'z' && random_below(o, 4) == 0)
			q->name[i] ^= 0x20;
}

static void type_choose(struct oracle *o, struct vector_question *q)
{
	static const uint16_t usual[] = {
		1, 1, 28, 28, 2, 5, 6, 12, 15, 16, 33, 35, 39, 43, 48, 64, 65, 257, 65280};

	q->type = usual[random_below(o, sizeof(usual) / sizeof(*usual))];
	if (random_below(o, 2)) { /* one that the name has, if there is one */
		uint8_t folded[255];

		name_fold(folded, q->name, q->name_size);
		for (size_t i = 0; i < o->zone_count; i++) {
			const struct zone_node *node = zone_find(o->zones[i], folded);

			if (node && node->rrset_count)
				q->type = node->rrsets[random_below(o, node->rrset_count)].type;
		}
	}
}

static void question_choose(struct oracle *o, struct vector_case *c)
{
	static const uint16_t sizes[] = {0, 512, 1232, 1232, 4096};
	struct vector_question *q = &c->question;

	*c = (struct vector_case){.path = o->vector->path, .room = VECTOR_REPLY_MAX};
	*q = o->vector->cases[0].question; /* ends and class as any case has them */
	q->options = q->behind_ip = NULL;
	q->options_size = q->behind_ip_size = 0;
	q->edns_version = 0;
	q->edns_flags = 0;
	q->tag_count = 0;
	q->class = 1;
	q->id = (uint16_t)random_below(o, 65536);
	q->flags = random_below(o, 2) ? 0x0100 : 0;
	q->edns = random_below(o, 2);
	q->edns_size = sizes[random_below(o, 5)];
	name_choose(o, q);
	type_choose(o, q);
}

/* What a reply to the question may take, DNS octets. */
static size_t question_limit(const struct oracle *o, const struct vector_question *q)
{
	const struct vector_settings *s = &o->vector->settings;

	if (!q->edns || q->edns_size < 512)
		return 512;
	return q->edns_size < s->max_udp_size ? q->edns_size : s->max_udp_size;
}

/*
 * Additional records on which servers are known to differ (README.md) don't count; nor do those
 * that a server leaves out of an almost full reply, because it compresses names less well. `size`:
 * of the server's reply.
 */
static bool additional_counts(const struct oracle *o, const struct vector_case *c, size_t size)
{
	bool referral = !(c->flags & 0x0400);

	if (c->question.type == 64 || c->question.type == 65 ||
		size + ROOM_SPARED > question_limit(o, &c->question))
		return false;
	return o->server->kind != SERVER_NSD || referral || c->question.type == 2;
}

static void question_print(const struct vector_case *c, FILE *to)
{
	char name[NAME_TEXT_SIZE];

	fprintf(to, "asked %s TYPE%u", name_to_text(name, c->question.name), c->question.type);
	if (c->question.edns)
		fprintf(to, " edns %u", c->question.edns_size);
	fputc('\n', to);
}

/* Both replies at hand: are they the same? */
static bool replies_agree(const struct oracle *o, struct vector_case *c,
	const struct message *of_core, const uint8_t *octets, size_t size, FILE *to)
{
	struct message of_server;
	char reason[200];
	unsigned differs = 0;

	c->flags = of_core->flags & 0x7fff;
	memcpy(c->sections, of_core->sections, sizeof(c->sections)); /* borrowed */
	if (message_read(&of_server, octets, size, reason, sizeof(reason))) {
		fprintf(to, "the server's reply is malformed: %s\n", reason);
		differs = 1;
	} else {
		differs = vector_message_compare(c, &of_server, to);
	}
	if (!additional_counts(o, c, size))
		differs &= ~(unsigned)PART_ADDITIONAL;
	message_free(&of_server);
	memset(c->sections, 0, sizeof(c->sections));
	return !differs;
}

/* False if they disagree; what is wrong goes to `to`. */
static bool question_ask(struct oracle *o, struct vector_case *c, FILE *to)
{
	static struct vector_run run;
	static uint8_t octets[SERVER_REPLY_MAX];
	char error[VECTOR_ERROR_SIZE];
	struct reply_frame query, frame;
	struct reply reply = {0};
	ssize_t size;
	bool ok;

	question_print(c, to);
	if (vector_run_case(&run, o->engine, c, error)) {
		fprintf(to, "%s\n", error);
		return false;
	}
	o->asked++;
	if (run.outcome.action == VECTOR_PASSED)
		return true;
	o->answered++;
	query = (struct reply_frame){run.packet.octets, run.packet.size};
	frame = (struct reply_frame){run.outcome.octets, run.outcome.size};
	size = server_ask(o->server, c, octets);
	if (size < 0)
		fprintf(to, "the server doesn't reply\n");
	ok = run.outcome.action == VECTOR_REPLIED && size >= 0 &&
	     reply_read(&reply, &query, &frame, false, to) &&
	     replies_agree(o, c, &reply.message, octets, (size_t)size, to);
	reply_free(&reply);
	return ok;
}

static bool world_load(struct oracle *o, const char *path, char error[VECTOR_ERROR_SIZE])
{
	char reason[ZONE_REASON_SIZE];

	if (vector_load(&o->vector, path, error) || plain_engine_new(&o->engine, 16, 20))
		return false;
	o->vector->settings.lease = 1000000;
	o->vector->settings.chains_pass = o->server->kind == SERVER_NSD;
	if (vector_world_fill(o->vector, plain_engine_memory(o->engine), VECTOR_NOW, error))
		return false;
	for (size_t i = 0; i < o->vector->zone_count && o->zone_count < ZONES_MAX; i++) {
		const struct vector_zone *z = &o->vector->zones[i];

		if (z->path && zone_text_load(&o->zones[o->zone_count++], z->path, z->origin,
				       &(struct zone_limits){0}, reason)) {
			o->zone_count--;
			snprintf(error, VECTOR_ERROR_SIZE, "%.200s: %.200s", z->path, reason);
			return false;
		}
	}
	return o->zone_count;
}

static unsigned environment_number(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void questions_ask(struct oracle *o)
{
	unsigned count = environment_number("ORACLE_QUESTIONS", 500);

	for (unsigned i = 0; i < count; i++) {
		struct vector_case c;
		char *text = NULL, *save = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		bool ok;

		if (!to)
			abort();
		question_choose(o, &c);
		ok = question_ask(o, &c, to);
		fclose(to);
		o->wrong += !ok;
		for (char *line = strtok_r(text, "\n", &save); line && !ok && o->wrong <= SHOWN_MAX;
			line = strtok_r(NULL, "\n", &save))
			printf("#   %s\n", line);
		free(text);
	}
}

static bool file_ask(const struct server *server, const char *path)
{
	struct oracle o = {.server = server,
		.state = 0x9e3779b97f4a7c15ull + environment_number("ORACLE_SEED", 0)};
	char error[VECTOR_ERROR_SIZE] = "out of memory";
	bool ok = world_load(&o, path, error);

	if (ok)
		questions_ask(&o);
	else
		printf("#   %s\n", error);
	ok = ok && !o.wrong && o.answered;
	printf("%sok - %s %s: %u random questions, %u answered, %u not as the server does\n",
		ok ? "" : "not ", vector_server_names[server->kind], vector_file_name(path),
		o.asked, o.answered, o.wrong);
	for (size_t i = 0; i < o.zone_count; i++)
		zone_free(o.zones[i]);
	plain_engine_free(o.engine);
	vector_free(o.vector);
	return ok;
}

int main(int argc, char **argv)
{
	int kind = argc > 3 ? server_kind(argv[1]) : -1;
	struct server server;
	bool ok = true;

	if (kind < 0) {
		int status = server_options(argc, argv);

		if (status < 0)
			fputs("Usage: oracle --free-port | --world FILE | nsd|knot PORT FILE...\n",
				stderr);
		return status < 0 ? 2 : status;
	}
	if (server_open(&server, (enum vector_server)kind, (uint16_t)strtoul(argv[2], NULL, 10))) {
		puts("not ok - sockets on loopback");
		return 1;
	}
	for (int i = 3; i < argc; i++)
		ok &= file_ask(&server, argv[i]);
	server_close(&server);
	return !ok;
}
