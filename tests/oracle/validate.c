/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does a validating resolver accept the fast path's signed answers?
 *
 *     oracle_validate [--limit N] [--seed N] WORLD RELAY SERVER RESOLVER
 *
 * The last three are IPv4 addresses of loopback, port 53. A relay listens at RELAY and is a node in
 * small: the XDP program answers each query (by a test run), or SERVER does where it passes. The
 * resolver (unbound, started by `run` with trust anchors for all signed zones of the world) asks
 * the relay; this program asks the resolver what the fast path gives a signed answer to, and then
 * again without validation what it said SERVFAIL to. An answer that exists only without validation
 * is bogus, unless SERVER itself answers so. TAP, a line for each signed zone.
 */
#include "compare.h"
#include "fast.h"
#include "flight.h"
#include "question.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_MS   2000
#define READY_MS    20000
#define FLAG_RD     0x0100
#define FLAG_CD     0x0010
#define FLAG_AD     0x20 /* of the header's fourth octet */
#define RCODE_FAIL  2
#define MESSAGE_MAX 65536
#define OPT_SIZE    11

#define TYPE_CNAME_RR 5
#define TYPE_DNAME_RR 39

/* Shared with the relay's process. */
struct relayed {
	_Atomic uint64_t signed_fast, fast, passed;
};

struct relay {
	struct fast *fast;
	const struct vector_question *ends;
	int listens, server;
	struct relayed *relayed;
};

struct outcome {
	uint64_t asked, secure, insecure, unresolved, bogus, stripped, servers;
};

struct validate {
	struct fast *fast; /* the relay's process runs it */
	struct vector *vector;
	struct question_zones zones;
	struct flight_server resolver, server;
	struct relayed *relayed;
	uint64_t limit, seed;
	size_t zone; /* whose questions are kept */
	struct question *questions;
	size_t count, room;
};

/* Reads an ordinary query: one question, at most an OPT without options. False for others. */
static bool query_read(const uint8_t *m, size_t size, struct vector_question *q)
{
	size_t at = 12;

	if (size < 17 || m[4] || m[5] != 1 || m[6] || m[7] || m[8] || m[9] || m[10])
		return false;
	while (at < size && m[at] && m[at] < 64)
		at += m[at] + 1u;
	if (at + 5 > size || m[at] || at - 12 > 254)
		return false;
	at++;
	q->name_size = (uint8_t)(at - 12);
	memcpy(q->name, m + 12, q->name_size);
	q->type = (uint16_t)(m[at] << 8 | m[at + 1]);
	q->class = (uint16_t)(m[at + 2] << 8 | m[at + 3]);
	q->id = (uint16_t)(m[0] << 8 | m[1]);
	q->flags = (uint16_t)(m[2] << 8 | m[3]);
	at += 4;
	q->edns = m[11] == 1;
	if (!q->edns)
		return m[11] == 0 && at == size;
	if (size - at != OPT_SIZE || m[at] || m[at + 1] || m[at + 2] != 41)
		return false;
	q->edns_size = (uint16_t)(m[at + 3] << 8 | m[at + 4]);
	q->edns_version = m[at + 6];
	q->edns_flags = (uint16_t)(m[at + 7] << 8 | m[at + 8]);
	return true;
}

/* The message that answers the query, or 0 octets: nobody does. */
static size_t relay_answer(struct relay *r, uint8_t *message, size_t size)
{
	struct vector_case c = {.path = "relay", .room = VECTOR_ROOM, .question = *r->ends};
	struct pollfd wait = {.fd = r->server, .events = POLLIN};
	char error[VECTOR_ERROR_SIZE];
	struct fast_answer answer;
	uint8_t id[2] = {message[0], message[1]};
	ssize_t n;

	if (query_read(message, size, &c.question) && !fast_ask(r->fast, &c, &answer, error) &&
		answer.action == VECTOR_REPLIED) {
		r->relayed->fast++;
		r->relayed->signed_fast += c.question.edns && c.question.edns_flags & 0x8000;
		memcpy(message, answer.octets, answer.size);
		return answer.size;
	}
	r->relayed->passed++;
	if (send(r->server, message, size, 0) < 0)
		return 0;
	while (poll(&wait, 1, SERVER_MS) == 1) {
		n = recv(r->server, message, MESSAGE_MAX, 0);
		if (n >= 12 && !memcmp(message, id, 2))
			return (size_t)n;
	}
	return 0;
}

/* Until it is killed. */
static void relay_run(struct relay *r)
{
	static uint8_t message[MESSAGE_MAX];

	for (;;) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		ssize_t size = recvfrom(
			r->listens, message, sizeof(message), 0, (struct sockaddr *)&from, &length);
		size_t answer = size < 12 ? 0 : relay_answer(r, message, (size_t)size);

		if (answer)
			sendto(r->listens, message, answer, 0, (struct sockaddr *)&from, length);
	}
}

static int listen_at(const char *address)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* The relay's process; it ends with this one. Its pid or -1. */
static pid_t relay_start(struct validate *v, const char *listens, const char *server)
{
	struct relay r = {.ends = &v->vector->cases[0].question, .relayed = v->relayed};
	struct flight_server behind;
	char error[VECTOR_ERROR_SIZE];
	pid_t pid;

	r.listens = listen_at(listens);
	if (r.listens < 0 || flight_open(&behind, "server", server))
		return -1;
	r.server = behind.fd;
	if (fast_open(&v->fast, error) || fast_fill(v->fast, v->vector, error)) {
		fprintf(stderr, "oracle_validate: %s\n", error);
		return -1;
	}
	r.fast = v->fast;
	pid = fork();
	if (!pid) {
		if (!prctl(PR_SET_PDEATHSIG, SIGKILL))
			relay_run(&r);
		_exit(1);
	}
	flight_close(&behind);
	close(r.listens);
	return pid;
}

/* The question as the resolver asks the relay. */
static struct vector_case relay_case(const struct question *question)
{
	struct vector_case c = {.path = "validate", .room = VECTOR_ROOM, .question = question->q};

	c.question.id = 0; /* its place in a list of one */
	c.question.flags = FLAG_CD;
	c.question.edns_size = 1232;
	return c;
}

/* Would the fast path answer? */
static bool fast_answers(struct validate *v, const struct question *question)
{
	struct vector_case c = relay_case(question);
	char error[VECTOR_ERROR_SIZE];
	struct fast_answer answer;

	return !fast_ask(v->fast, &c, &answer, error) && answer.action == VECTOR_REPLIED;
}

/* Signed answers of the fast path that a validator can say something about: not what it would go on
 * to ask others for. */
static void question_keep(const struct question *question, void *arg)
{
	struct validate *v = arg;

	/* unbound takes the CNAME that a DNAME gives for an unsigned answer, if one of them is
	 * asked for */
	bool dname = question->class == CLASS_DNAME &&
		     (question->q.type == TYPE_CNAME_RR || question->q.type == TYPE_DNAME_RR);

	if (dname || !question->dnssec || question->zone != v->zone ||
		question->class == CLASS_META || question->class == CLASS_REFERRAL ||
		question->class == CLASS_OUTSIDE || !fast_answers(v, question))
		return;
	if (v->count == v->room) {
		v->room = v->room ? v->room * 2 : 1024;
		v->questions = realloc(v->questions, v->room * sizeof(*v->questions));
		if (!v->questions)
			abort();
	}
	v->questions[v->count++] = *question;
}

static void query_make(struct flight_query *query, const struct vector_case *c)
{
	uint8_t octets[VECTOR_FRAME_MAX];

	query->size = vector_message_build(c, octets);
	if (query->size > sizeof(query->octets))
		abort();
	memcpy(query->octets, octets, query->size);
}

/* Asks the resolver `count` of the questions; replies as in flight.h. */
static void resolver_ask(struct validate *v, const struct question *questions, size_t count,
	uint16_t flags, struct flight_reply *replies)
{
	static struct flight_query queries[FLIGHT_BATCH];

	for (size_t i = 0; i < count; i++) {
		struct vector_case c = {.path = "validate", .question = questions[i].q};

		c.question.id = (uint16_t)i;
		c.question.flags = flags;
		c.question.edns_size = 4096;
		query_make(&queries[i], &c);
	}
	if (flight_ask(&v->resolver, 1, queries, count, replies))
		abort();
}

/* Must the resolver find it secure? Not what an alias may lead to, nor what opt-out leaves open. */
static bool must_be_secure(const struct question *question, enum zone_kind kind)
{
	return kind != ZONE_KIND_OPTOUT && question->class != CLASS_NSEC3_OWNER &&
	       question->class != CLASS_CNAME && question->class != CLASS_WILDCARD_CNAME &&
	       question->class != CLASS_DNAME;
}

static bool reply_failed(const struct flight_reply *reply)
{
	return !reply->octets || (reply->octets[3] & 15) == RCODE_FAIL;
}

/* Does the server itself say just that? Then it is between it and the validator: a few names with
 * several stars are too odd for some of them. */
static bool server_says_so(struct validate *v, const struct question *question)
{
	struct vector_case c = relay_case(question);
	struct message of_fast = {0}, of_server = {0};
	struct flight_query query;
	struct flight_reply reply;
	struct fast_answer answer;
	char error[VECTOR_ERROR_SIZE], text[COMPARE_TEXT];
	bool same = false;

	if (fast_ask(v->fast, &c, &answer, error) || answer.action != VECTOR_REPLIED ||
		message_read(&of_fast, answer.octets, answer.size, error, sizeof(error)))
		goto out;
	query_make(&query, &c);
	if (flight_ask(&v->server, 1, &query, 1, &reply))
		goto out;
	same = reply.octets &&
	       !message_read(&of_server, reply.octets, reply.size, error, sizeof(error)) &&
	       !(message_compare(&of_server, &of_fast, text) & COMPARE_HARD & ~COMPARE_FLAGS);
	flight_replies_free(&reply, 1);
out:
	message_free(&of_fast);
	message_free(&of_server);
	return same;
}

static void fault_say(const struct question *question, const char *what)
{
	printf("# %s: ask ", what);
	question_print(&question->q, stdout);
	putchar('\n');
}

/* An answer: is it as secure as it must be? */
static void answer_judge(struct validate *v, const struct question *question, enum zone_kind kind,
	const struct flight_reply *reply, struct outcome *outcome)
{
	bool secure = reply->octets[3] & FLAG_AD;

	outcome->secure += secure;
	outcome->insecure += !secure;
	if (secure || !must_be_secure(question, kind))
		return;
	if (server_says_so(v, question))
		outcome->servers++;
	else if (!outcome->stripped++)
		fault_say(question, "not secure");
}

/* A refusal: what does the resolver say without validation? */
static void refusal_judge(
	struct validate *v, const struct question *question, struct outcome *outcome)
{
	struct flight_reply unchecked;

	resolver_ask(v, question, 1, FLAG_RD | FLAG_CD, &unchecked);
	if (reply_failed(&unchecked))
		outcome->unresolved++;
	else if (server_says_so(v, question))
		outcome->servers++;
	else if (!outcome->bogus++)
		fault_say(question, "bogus");
	flight_replies_free(&unchecked, 1);
}

static void reply_judge(struct validate *v, const struct question *question, enum zone_kind kind,
	const struct flight_reply *reply, struct outcome *outcome)
{
	struct flight_reply again;

	outcome->asked++;
	if (!reply_failed(reply)) {
		answer_judge(v, question, kind, reply, outcome);
		return;
	}
	/* On a busy machine it may have waited in vain for a key. */
	resolver_ask(v, question, 1, FLAG_RD, &again);
	if (reply_failed(&again))
		refusal_judge(v, question, outcome);
	else
		answer_judge(v, question, kind, &again, outcome);
	flight_replies_free(&again, 1);
}

/* The signed zone's questions, answered by whoever. */
static struct outcome zone_validate(struct validate *v)
{
	static struct flight_reply replies[FLIGHT_BATCH];
	enum zone_kind kind = zone_kind(v->zones.list[v->zone]);
	struct outcome outcome = {0};

	v->count = 0;
	questions_walk(
		&v->zones, &v->vector->cases[0].question, v->seed, v->limit, question_keep, v);
	for (size_t from = 0; from < v->count; from += FLIGHT_BATCH) {
		size_t n = v->count - from < FLIGHT_BATCH ? v->count - from : FLIGHT_BATCH;

		resolver_ask(v, v->questions + from, n, FLAG_RD, replies);
		for (size_t i = 0; i < n; i++)
			reply_judge(v, &v->questions[from + i], kind, &replies[i], &outcome);
		flight_replies_free(replies, n);
	}
	return outcome;
}

/* Counts into *failed; returns the number of checks. */
static unsigned zones_validate(struct validate *v, unsigned *failed)
{
	unsigned checks = 0;

	for (v->zone = 0; v->zone < v->zones.count; v->zone++) {
		const struct zone *zone = v->zones.list[v->zone];
		uint64_t fast = v->relayed->signed_fast, passed = v->relayed->passed;
		char origin[NAME_TEXT_SIZE];
		struct outcome o;
		bool ok;

		if (zone->denial == ZONE_UNSIGNED)
			continue;
		o = zone_validate(v);
		ok = !o.bogus && !o.stripped && (!o.asked || o.secure || o.insecure);
		*failed += !ok;
		printf("%sok %u - %s: a validator finds %" PRIu64 " of %" PRIu64
		       " answers secure, %" PRIu64 " insecure (%" PRIu64 " shouldn't be), %" PRIu64
		       " unresolved, %" PRIu64 " bogus (and %" PRIu64 " just as the server's own "
		       "answer); %" PRIu64 " queries answered by the fast "
		       "path, %" PRIu64 " passed%s\n",
			ok ? "" : "not ", ++checks, name_to_text(origin, zone_origin(zone)),
			o.secure, o.asked, o.insecure, o.stripped, o.unresolved, o.bogus, o.servers,
			v->relayed->signed_fast - fast, v->relayed->passed - passed,
			o.asked ? "" : " # SKIP the fast path gives no signed answers here");
	}
	return checks;
}

/* The resolver answers at all: it has just been started. */
static bool resolver_ready(struct validate *v)
{
	struct vector_case c = {.path = "validate", .question = v->vector->cases[0].question};
	struct flight_query query;

	c.question.flags = FLAG_RD;
	query_make(&query, &c);
	return flight_ready(&v->resolver, &query, flight_now_ms() + READY_MS);
}

static int validate_run(struct validate *v, char **addresses)
{
	pid_t relay = relay_start(v, addresses[0], addresses[1]);
	unsigned checks = 0, failed = 0;

	if (relay > 0 && !flight_open(&v->resolver, "resolver", addresses[2]) &&
		!flight_open(&v->server, "server", addresses[1]) && resolver_ready(v))
		checks = zones_validate(v, &failed);
	else
		printf("not ok %u - the relay and the resolver answer\n", ++checks);
	printf("1..%u\n", checks);
	if (relay > 0) {
		kill(relay, SIGKILL);
		waitpid(relay, NULL, 0);
	}
	return failed || relay <= 0 || !checks;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"limit", required_argument, NULL, 'l'},
		{"seed", required_argument, NULL, 's'}, {0}};
	struct validate v = {.limit = 500, .resolver.fd = -1, .server.fd = -1};
	char error[VECTOR_ERROR_SIZE] = "";
	int option, result = 1;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'l')
			v.limit = strtoull(optarg, NULL, 10);
		else if (option == 's')
			v.seed = strtoull(optarg, NULL, 10);
		else
			optind = argc;
	}
	if (argc - optind != 4) {
		fputs("Usage: oracle_validate [--limit N] [--seed N] WORLD RELAY SERVER RESOLVER\n",
			stderr);
		return 2;
	}
	v.relayed = mmap(NULL, sizeof(*v.relayed), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v.relayed != MAP_FAILED && !vector_load(&v.vector, argv[optind], error) &&
		v.vector->case_count && !question_zones_load(&v.zones, v.vector, error))
		result = validate_run(&v, argv + optind + 1);
	else
		fprintf(stderr, "oracle_validate: %s\n", error);
	fast_close(v.fast);
	flight_close(&v.resolver);
	flight_close(&v.server);
	free(v.questions);
	question_zones_free(&v.zones);
	vector_free(v.vector);
	return result;
}
