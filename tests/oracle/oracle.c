/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Are the fast path's answers what real servers say?
 *
 *     oracle [--limit N] [--seed N] [--points N] [--loose NAME[:WHERE]]... WORLD NAME=ADDRESS...
 *
 * WORLD is a vector file with zones and one question, whose ends all questions have.
 * Each NAME is a server at that address, port 53, with the same zones. All of them and the XDP
 * program (by test runs, the plain host beside it) are asked the same questions, about N for each
 * zone. The fast path is asked once for each server, with the settings that the daemon's own
 * calibration finds when this one is the server behind us; then it must say what this one says, or
 * pass. A *loose* server is one that the fast path can't be told to be like, in all zones, in those
 * whose origin begins with a label, or for a class of questions: its differences are listed and no
 * fault. TAP with tables as comments. The script `run` makes the zones, starts the servers and
 * this.
 */
#include "calibration.h"
#include "compare.h"
#include "fast.h"
#include "flight.h"
#include "point.h"
#include "tally.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COPIED_FLAGS 0x0110 /* RD, CD */
#define LOOSE_MAX    16
#define READY_MS     60000 /* to load every zone */

/* The key of server cookies, as servers.sh tells it to BIND, in memory. */
static const uint8_t cookie_secret[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

struct oracle {
	struct vector *vector;
	struct question_zones zones;
	struct flight_server servers[TALLY_SERVERS_MAX];
	const char *names[TALLY_SERVERS_MAX];
	struct tally_loose loose[LOOSE_MAX];
	size_t loose_count;
	size_t server_count;
	uint64_t limit, seed;
	size_t points_max;

	struct question *questions;
	size_t count, room;
	struct flight_reply *replies; /* [server][question] */
	struct points points;         /* where servers differ */
	struct points faults;         /* where the fast path isn't like the server behind it */
	struct tally *tally;
	uint64_t plain_differs, unreadable;
	unsigned checks, failed;
};

static void case_make(struct vector_case *c, const struct vector_question *q, size_t i)
{
	*c = (struct vector_case){.path = "oracle", .room = VECTOR_ROOM, .question = *q};
	c->question.id = (uint16_t)(i % FLIGHT_BATCH);
}

static void query_make(struct flight_query *query, const struct vector_question *q, size_t i)
{
	uint8_t octets[VECTOR_FRAME_MAX];
	struct vector_case c;

	case_make(&c, q, i);
	query->size = vector_message_build(&c, octets);
	if (query->size > sizeof(query->octets))
		abort();
	memcpy(query->octets, octets, query->size);
}

static void check(struct oracle *o, bool ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++o->checks, what);
	o->failed += !ok;
}

static void question_keep(const struct question *question, void *arg)
{
	struct oracle *o = arg;

	if (o->count == o->room) {
		o->room = o->room ? o->room * 2 : 4096;
		o->questions = realloc(o->questions, o->room * sizeof(*o->questions));
		if (!o->questions)
			abort();
	}
	o->questions[o->count++] = *question;
}

static bool servers_ready(struct oracle *o)
{
	int64_t deadline = flight_now_ms() + READY_MS;
	bool all = true;

	for (size_t s = 0; s < o->server_count; s++) {
		for (size_t z = 0; z < o->zones.count; z++) {
			struct vector_question q = o->vector->cases[0].question;
			const uint8_t *origin = zone_origin(o->zones.list[z]);
			struct flight_query query;
			char text[NAME_TEXT_SIZE];

			q.name_size = (uint8_t)name_size(origin);
			memcpy(q.name, origin, q.name_size);
			q.type = 6;
			query_make(&query, &q, 0);
			if (flight_ready(&o->servers[s], &query, deadline))
				continue;
			printf("# %s doesn't answer for %s\n", o->names[s],
				name_to_text(text, origin));
			all = false;
		}
	}
	return all;
}

/* Batch by batch; -errno. */
static int servers_ask(struct oracle *o)
{
	static struct flight_query queries[FLIGHT_BATCH];
	static struct flight_reply replies[FLIGHT_BATCH * TALLY_SERVERS_MAX];

	o->replies = calloc(o->count * o->server_count, sizeof(*o->replies));
	if (!o->replies)
		abort();
	for (size_t from = 0; from < o->count; from += FLIGHT_BATCH) {
		size_t n = o->count - from < FLIGHT_BATCH ? o->count - from : FLIGHT_BATCH;
		int error;

		for (size_t i = 0; i < n; i++)
			query_make(&queries[i], &o->questions[from + i].q, i);
		error = flight_ask(o->servers, o->server_count, queries, n, replies);
		if (error)
			return error;
		for (size_t s = 0; s < o->server_count; s++)
			memcpy(&o->replies[s * o->count + from], &replies[s * n],
				n * sizeof(*replies));
	}
	return 0;
}

/* What all servers said to one question. */
struct opinions {
	struct message messages[TALLY_SERVERS_MAX];
	const struct message *said[TALLY_SERVERS_MAX]; /* NULL: nothing that can be read */
	bool agree;                                    /* all of them, in all that counts */
};

/* A server's reply as a message: NSD's FORMERR to malformed options is a header alone, which
 * message.h takes for no reply. False if it can't be read. */
static bool reply_parse(struct message *m, const struct flight_reply *reply)
{
	static const uint8_t nothing[8];
	char reason[200];

	*m = (struct message){0};
	if (!reply->octets)
		return false;
	if (reply->size != 12 || memcmp(reply->octets + 4, nothing, 8))
		return !message_read(m, reply->octets, reply->size, reason, sizeof(reason));
	m->flags = (uint16_t)(reply->octets[2] << 8 | reply->octets[3]);
	return true;
}

static void opinions_read(struct oracle *o, size_t i, struct opinions *opinions)
{
	char text[COMPARE_TEXT];

	opinions->agree = true;
	for (size_t s = 0; s < o->server_count; s++) {
		const struct flight_reply *reply = &o->replies[s * o->count + i];
		struct message *m = &opinions->messages[s];

		opinions->said[s] = reply_parse(m, reply) ? m : NULL;
		if (s && message_compare(opinions->said[0], opinions->said[s], text) & COMPARE_HARD)
			opinions->agree = false;
	}
}

static void opinions_free(struct oracle *o, struct opinions *opinions)
{
	for (size_t s = 0; s < o->server_count; s++)
		message_free(&opinions->messages[s]);
}

/* What is asked, what was said, what differs. */
static char *example_text(const struct question *question, const char *base_name,
	const struct message *base, const char *other_name, const struct message *other)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	fputs("ask ", to);
	question_print(&question->q, to);
	fprintf(to, "\n%s: ", base_name);
	message_summary_print(base, to);
	fprintf(to, "\n%s: ", other_name);
	message_summary_print(other, to);
	fputc('\n', to);
	message_differences_print(base, other, to);
	fclose(to);
	return text;
}

/* The server that most others agree with. */
static size_t opinions_majority(const struct oracle *o, const struct opinions *opinions)
{
	size_t best = 0, most = 0;
	char text[COMPARE_TEXT];

	for (size_t a = 0; a < o->server_count; a++) {
		size_t agree = 0;

		for (size_t b = 0; b < o->server_count; b++)
			agree += !message_compare(opinions->said[a], opinions->said[b], text);
		if (agree > most) {
			most = agree;
			best = a;
		}
	}
	return best;
}

/* Counts one kind of difference between a server and the one that most agree with. */
static void point_collect(struct oracle *o, const struct question *question,
	const struct opinions *opinions, size_t base, size_t server, const char *key)
{
	if (point_count(&o->points, key))
		point_example(&o->points, key,
			example_text(question, o->names[base], opinions->said[base],
				o->names[server], opinions->said[server]));
}

static void points_collect(struct oracle *o, size_t i)
{
	const struct question *question = &o->questions[i];
	char text[COMPARE_TEXT], key[COMPARE_TEXT + 80];
	struct opinions opinions;
	size_t base;

	opinions_read(o, i, &opinions);
	base = opinions_majority(o, &opinions);
	for (size_t s = 0; s < o->server_count; s++) {
		struct message alike;

		if (!opinions.said[s]) {
			o->unreadable++;
			continue;
		}
		/* What is copied from the query is a point of its own, in whatever reply. */
		alike = *opinions.said[s];
		if (opinions.said[base] &&
			(alike.flags ^ opinions.said[base]->flags) & COPIED_FLAGS) {
			snprintf(key, sizeof(key), "%s, any reply: copies other flags (RD, CD)",
				o->names[s]);
			point_collect(o, question, &opinions, base, s, key);
			alike.flags &= (uint16_t)~COPIED_FLAGS;
			alike.flags |= opinions.said[base]->flags & COPIED_FLAGS;
		}
		if (!message_compare(opinions.said[base], &alike, text))
			continue;
		snprintf(key, sizeof(key), "%s, %s%s: %s", o->names[s],
			question_class_names[question->class], question->dnssec ? " with DO" : "",
			text);
		point_collect(o, question, &opinions, base, s, key);
	}
	opinions_free(o, &opinions);
}

static void fault_collect(struct oracle *o, size_t server, const struct question *question,
	const struct opinions *opinions, const struct message *of_fast, const char *text)
{
	char key[COMPARE_TEXT + 200];

	snprintf(key, sizeof(key), "%s behind%s, %s: %s", o->names[server],
		opinions->agree ? " (all servers agree)" : "",
		question_class_names[question->class], text);
	if (point_count(&o->faults, key))
		point_example(&o->faults, key,
			example_text(question, o->names[server], opinions->said[server],
				"the fast path", of_fast));
}

static enum verdict verdict_reach(struct oracle *o, size_t server, const struct question *question,
	const struct opinions *opinions, const struct message *of_fast)
{
	char text[COMPARE_TEXT];
	unsigned parts = message_compare(opinions->said[server], of_fast, text);

	if (parts)
		fault_collect(o, server, question, opinions, of_fast, text);
	if (parts & COMPARE_HARD)
		return opinions->agree ? VERDICT_WRONG_ALL : VERDICT_WRONG;
	if (parts)
		return VERDICT_OPTIONAL;
	return opinions->agree ? VERDICT_SAME_ALL : VERDICT_SAME_BEHIND;
}

static void fast_judge(struct oracle *o, struct fast *fast, size_t server, size_t i)
{
	const struct question *question = &o->questions[i];
	char error[VECTOR_ERROR_SIZE], reason[200];
	struct message m = {0};
	struct opinions opinions;
	struct fast_answer answer;
	struct vector_case c;
	enum verdict verdict = VERDICT_PASSED;

	case_make(&c, &question->q, i);
	opinions_read(o, i, &opinions);
	if (fast_ask(fast, &c, &answer, error)) {
		fault_collect(o, server, question, &opinions, NULL, error);
		verdict = VERDICT_WRONG_ALL;
	} else if (answer.action == VECTOR_DROPPED) {
		fault_collect(o, server, question, &opinions, NULL, "dropped");
		verdict = VERDICT_WRONG_ALL;
	} else if (answer.action == VECTOR_REPLIED) {
		if (message_read(&m, answer.octets, answer.size, reason, sizeof(reason)))
			verdict = VERDICT_WRONG_ALL;
		else
			verdict = verdict_reach(o, server, question, &opinions, &m);
	}
	o->plain_differs += answer.plain_differs;
	tally_add(o->tally, server, question, verdict, answer.reason);
	message_free(&m);
	opinions_free(o, &opinions);
}

/* The settings under which the fast path stands before this server: what the daemon measures. */
static int settings_fit(struct oracle *o, size_t server, char error[VECTOR_ERROR_SIZE])
{
	struct vector_settings *s = &o->vector->settings;

	int result;

	s->time = time(NULL);
	result = calibration_fill(s, &o->zones, &o->servers[server], cookie_secret, error);
	if (!result) {
		printf("# calibrated %s: ", o->names[server]);
		calibration_print(s, stdout);
		putchar('\n');
	}
	return result;
}

static int fast_compare(struct oracle *o)
{
	char error[VECTOR_ERROR_SIZE];
	struct fast *fast;
	int result = fast_open(&fast, error);

	for (size_t s = 0; s < o->server_count && !result; s++) {
		result = settings_fit(o, s, error);
		if (!result)
			result = fast_fill(fast, o->vector, error);
		for (size_t i = 0; i < o->count && !result; i++)
			fast_judge(o, fast, s, i);
	}
	if (result)
		fprintf(stderr, "oracle: %s\n", error);
	fast_close(fast);
	return result;
}

static void oracle_report(struct oracle *o)
{
	char text[300];

	o->checks +=
		tally_checks(o->tally, o->checks + 1, o->loose, o->loose_count, &o->failed, stdout);
	snprintf(text, sizeof(text),
		"every question to the XDP program and to the plain host: the same bytes (%zu "
		"questions, %llu differ)",
		o->count, (unsigned long long)o->plain_differs);
	check(o, !o->plain_differs, text);
	snprintf(text, sizeof(text), "every server replies to every question (%llu did not)",
		(unsigned long long)o->unreadable);
	check(o, !o->unreadable, text);
	tally_tables(o->tally, stdout);
	printf("#\n# the fast path and the server behind it, %zu kinds of differences:\n",
		points_kinds(&o->faults));
	points_print(&o->faults, o->points_max, "# ", stdout);
	printf("#\n# servers among themselves, %zu kinds of differences from most of them:\n",
		points_kinds(&o->points));
	points_print(&o->points, o->points_max, "# ", stdout);
	printf("#\n# %zu questions, %llu comparisons of the fast path with a server\n", o->count,
		(unsigned long long)tally_comparisons(o->tally));
}

static int oracle_run(struct oracle *o)
{
	int result = 0;

	if (!servers_ready(o)) {
		check(o, false, "every server answers for every zone");
		return 1;
	}
	questions_walk(
		&o->zones, &o->vector->cases[0].question, o->seed, o->limit, question_keep, o);
	if (!o->count || tally_new(&o->tally, &o->zones, o->names, o->server_count) ||
		servers_ask(o))
		return 1;
	for (size_t i = 0; i < o->count; i++)
		points_collect(o, i);
	result = fast_compare(o);
	if (!result)
		oracle_report(o);
	printf("1..%u\n", o->checks);
	return result || o->failed;
}

static int usage(void)
{
	fputs("Usage: oracle [--limit N] [--seed N] [--points N] [--loose NAME[:WHERE]]... WORLD "
	      "NAME=ADDRESS...\n",
		stderr);
	return 2;
}

/* NAME=ADDRESS: a server to ask. */
static int server_add(struct oracle *o, char *argument)
{
	char *equals = strchr(argument, '=');
	struct flight_server *server = &o->servers[o->server_count];

	if (!equals || o->server_count == TALLY_SERVERS_MAX)
		return -1;
	*equals = '\0';
	if (flight_open(server, argument, equals + 1))
		return -1;
	o->names[o->server_count++] = server->name;
	return 0;
}

/* NAME or NAME:WHERE */
static struct tally_loose loose_read(char *argument)
{
	char *colon = strchr(argument, ':');

	if (colon)
		*colon++ = '\0';
	return (struct tally_loose){argument, colon};
}

static void oracle_free(struct oracle *o)
{
	if (o->replies)
		flight_replies_free(o->replies, o->count * o->server_count);
	free(o->replies);
	free(o->questions);
	points_free(&o->points);
	points_free(&o->faults);
	tally_free(o->tally);
	for (size_t s = 0; s < o->server_count; s++)
		flight_close(&o->servers[s]);
	question_zones_free(&o->zones);
	vector_free(o->vector);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"limit", required_argument, NULL, 'l'},
		{"seed", required_argument, NULL, 's'}, {"points", required_argument, NULL, 'p'},
		{"loose", required_argument, NULL, 'o'}, {0}};
	struct oracle o = {.limit = 2000, .points_max = 40};
	char error[VECTOR_ERROR_SIZE];
	int option, result;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'l')
			o.limit = strtoull(optarg, NULL, 10);
		else if (option == 's')
			o.seed = strtoull(optarg, NULL, 10);
		else if (option == 'p')
			o.points_max = strtoull(optarg, NULL, 10);
		else if (option == 'o' && o.loose_count < LOOSE_MAX)
			o.loose[o.loose_count++] = loose_read(optarg);
		else
			return usage();
	}
	if (argc - optind < 2)
		return usage();
	for (int i = optind + 1; i < argc; i++)
		if (server_add(&o, argv[i]))
			return usage();
	if (vector_load(&o.vector, argv[optind], error) || !o.vector->case_count ||
		question_zones_load(&o.zones, o.vector, error)) {
		fprintf(stderr, "oracle: %s\n", error);
		return 1;
	}
	result = oracle_run(&o);
	oracle_free(&o);
	return result;
}
