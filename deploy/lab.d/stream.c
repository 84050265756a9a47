// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * stream: a resolver that asks at a fixed rate, and says what it missed.
 *
 * In: an address, a rate, questions. Out: one JSON object on stdout, when the count or the time is
 * over or SIGINT/SIGTERM comes: how many queries were answered, lost or answered wrongly, in which
 * moments, by which node (NSID, RFC 5001), and how fast.
 *
 * A query is lost when no reply with its ID, its question and its address came within a second.
 * A reply that isn't NOERROR or NXDOMAIN counts as wrong. It never retries, needs no privilege,
 * and sends at most 10,000 queries a second for at most 600 seconds.
 *
 * Times are CLOCK_REALTIME in seconds (so that they compare with other tools' on this machine),
 * latencies and gaps come from CLOCK_MONOTONIC.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NSEC            1000000000ULL
#define REPLY_WAIT      NSEC
#define QUESTIONS_MAX   65536
#define RATE_MAX        10000
#define SECONDS_MAX     600
#define LOSSES_MAX      64
#define CHANGES_MAX     64
#define NODES_MAX       8
#define NODE_NAME       64
#define QUESTION_LENGTH (255 + 4)
#define HEADER_LENGTH   12
#define OPT_LENGTH      11
#define NSID_OPTION     3
#define TYPE_OPT        41

struct question {
	uint8_t wire[QUESTION_LENGTH];
	uint16_t length;
};

/* One for each query in flight, found by its ID. */
struct flight {
	uint64_t sent; /* monotonic ns; 0: free */
	double sent_at;
	const struct question *question;
};

struct loss {
	double from, to;
	uint64_t count;
};

struct change {
	double at;
	int node;
};

struct stream {
	int fd;
	int signals;
	struct sockaddr_storage server;
	socklen_t server_length;
	struct question *questions;
	size_t question_count;
	uint64_t interval; /* ns between two queries */
	uint64_t count;
	uint64_t duration; /* ns */
	bool nsid;

	struct flight flights[65536];
	uint64_t start, sent, oldest;
	double started_at;
	uint64_t answered, lost, wrong, strays;
	uint64_t last_reply, longest_gap;
	double longest_gap_at;
	uint64_t rcodes[16];
	uint32_t *latencies; /* us, one for each answer */
	struct loss losses[LOSSES_MAX];
	int loss_count;
	uint64_t last_lost; /* number of the query */
	struct change changes[CHANGES_MAX];
	int change_count;
	char nodes[NODES_MAX][NODE_NAME];
	uint64_t node_answers[NODES_MAX];
	int node_count;
};

static uint64_t now_monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC + (uint64_t)t.tv_nsec;
}

static double now_real(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- questions ---- */

static int type_parse(const char *text)
{
	static const struct {
		const char *name;
		int number;
	} types[] = {{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"HINFO", 13}, {"MX", 15},
		{"TXT", 16}, {"AAAA", 28}, {"DS", 43}, {"DNSKEY", 48}};
	char *end;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(text, types[i].name))
			return types[i].number;
	if (strncasecmp(text, "TYPE", 4))
		return -1;
	long number = strtol(text + 4, &end, 10);
	return *end || end == text + 4 || number < 1 || number > 65535 ? -1 : (int)number;
}

/* Escapes aren't understood: no name that the tests ask for needs one. */
static int question_parse(struct question *question, const char *name, const char *type)
{
	uint8_t *out = question->wire;
	int number = type_parse(type);

	if (number < 0 || !*name || strchr(name, '\\'))
		return -EINVAL;
	if (!strcmp(name, "."))
		name = "";
	while (*name) {
		size_t length = strcspn(name, ".");

		if (length < 1 || length > 63 || out + 1 + length >= question->wire + 255)
			return -EINVAL;
		*out++ = (uint8_t)length;
		memcpy(out, name, length);
		out += length;
		name += length;
		if (*name == '.')
			name++;
	}
	*out++ = 0;
	*out++ = (uint8_t)(number >> 8);
	*out++ = (uint8_t)number;
	*out++ = 0;
	*out++ = 1; /* IN */
	question->length = (uint16_t)(out - question->wire);
	return 0;
}

/* The file's lines are "NAME TYPE", or as deploy/lab writes them "CASE NAME TYPE". */
static int questions_read(struct stream *stream, const char *path)
{
	char line[1024], word[3][512];
	int number = 0, ret = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		int words = sscanf(line, "%511s %511s %511s", word[0], word[1], word[2]);

		number++;
		if (words < 1 || word[0][0] == '#')
			continue;
		ret = words < 2 || stream->question_count == QUESTIONS_MAX
			      ? -EINVAL
			      : question_parse(&stream->questions[stream->question_count],
					word[words - 2], word[words - 1]);
		if (ret) {
			fprintf(stderr, "stream: %s:%d: not a question that can be asked\n", path,
				number);
			break;
		}
		stream->question_count++;
	}
	fclose(file);
	return ret;
}

/* ---- sending ---- */

/* When the Nth query is due; what was due while we slept is sent at once. */
static uint64_t stream_due(const struct stream *stream)
{
	return stream->start + stream->sent * stream->interval;
}

static bool stream_sending(const struct stream *stream, uint64_t now)
{
	return stream->sent < stream->count && now - stream->start < stream->duration;
}

static void loss_add(struct stream *stream, uint64_t number, double at)
{
	struct loss *loss;

	stream->lost++;
	/* Losses with no answered query between them are one window. */
	if (!stream->loss_count || number != stream->last_lost + 1) {
		if (stream->loss_count == LOSSES_MAX)
			return;
		stream->losses[stream->loss_count++] = (struct loss){.from = at};
	}
	loss = &stream->losses[stream->loss_count - 1];
	loss->to = at;
	loss->count++;
	stream->last_lost = number;
}

/* Queries grow old in the order they were sent. */
static void stream_expire(struct stream *stream, uint64_t now)
{
	for (; stream->oldest < stream->sent; stream->oldest++) {
		struct flight *flight = &stream->flights[stream->oldest & 0xffff];

		if (flight->sent && now - flight->sent < REPLY_WAIT)
			return;
		if (flight->sent)
			loss_add(stream, stream->oldest, flight->sent_at);
		flight->sent = 0;
	}
}

static int stream_send(struct stream *stream)
{
	uint8_t packet[HEADER_LENGTH + QUESTION_LENGTH + OPT_LENGTH + 4] = {0}, *out = packet;
	const struct question *question = &stream->questions[stream->sent % stream->question_count];
	uint16_t id = (uint16_t)stream->sent;
	struct flight *flight = &stream->flights[id];

	out[0] = (uint8_t)(id >> 8);
	out[1] = (uint8_t)id;
	out[5] = 1;  /* QDCOUNT */
	out[11] = 1; /* ARCOUNT */
	out += HEADER_LENGTH;
	memcpy(out, question->wire, question->length);
	out += question->length;
	/* OPT (RFC 6891): root owner, 1232 octets, no flags, maybe an empty NSID. */
	out[2] = TYPE_OPT;
	out[3] = 1232 >> 8;
	out[4] = 1232 & 0xff;
	if (stream->nsid) {
		out[10] = 4;
		out[12] = NSID_OPTION;
		out += 4;
	}
	out += OPT_LENGTH;

	flight->sent = now_monotonic();
	flight->sent_at = now_real();
	flight->question = question;
	stream->sent++;
	/* No route, or an ICMP error of an earlier query: this one is lost like any other. */
	if (sendto(stream->fd, packet, (size_t)(out - packet), 0,
		    (struct sockaddr *)&stream->server, stream->server_length) < 0 &&
		errno != ENETUNREACH && errno != EHOSTUNREACH && errno != ECONNREFUSED &&
		errno != ENOBUFS && errno != EAGAIN)
		return -errno;
	return 0;
}

/* ---- receiving ---- */

/* The NSID of a reply as text, or "unnamed". Walks the records with every step checked. */
static void reply_node(const uint8_t *reply, size_t length, size_t at, char node[NODE_NAME])
{
	unsigned records = 0;

	strcpy(node, "unnamed");
	for (int i = 6; i < 12; i += 2)
		records += (unsigned)reply[i] << 8 | reply[i + 1];
	for (; records && at < length; records--) {
		while (at < length && reply[at] && reply[at] < 0xc0)
			at += 1U + reply[at];
		if (at >= length)
			return;
		at += reply[at] ? 2 : 1;
		if (at + 10 > length)
			return;
		unsigned type = (unsigned)reply[at] << 8 | reply[at + 1];
		size_t end = at + 10 + ((size_t)reply[at + 8] << 8 | reply[at + 9]);
		at += 10;
		if (end > length)
			return;
		while (type == TYPE_OPT && at + 4 <= end) {
			unsigned code = (unsigned)reply[at] << 8 | reply[at + 1];
			size_t size = (size_t)reply[at + 2] << 8 | reply[at + 3];

			at += 4;
			if (at + size > end)
				return;
			if (code == NSID_OPTION && size > 0) {
				if (size > NODE_NAME - 1)
					size = NODE_NAME - 1;
				for (size_t i = 0; i < size; i++)
					node[i] = (char)(isgraph(reply[at + i]) ? reply[at + i]
										: '?');
				node[size] = 0;
				return;
			}
			at += size;
		}
		at = end;
	}
}

static void stream_count_node(struct stream *stream, const char *name)
{
	int node = 0;

	while (node < stream->node_count && strcmp(stream->nodes[node], name))
		node++;
	if (node == NODES_MAX)
		return;
	if (node == stream->node_count)
		strcpy(stream->nodes[stream->node_count++], name);
	stream->node_answers[node]++;
	if (stream->change_count < CHANGES_MAX &&
		(!stream->change_count || stream->changes[stream->change_count - 1].node != node))
		stream->changes[stream->change_count++] =
			(struct change){.at = now_real(), .node = node};
}

static bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;

		return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	const struct sockaddr_in6 *x = (const void *)a, *y = (const void *)b;

	return x->sin6_port == y->sin6_port && !memcmp(&x->sin6_addr, &y->sin6_addr, 16);
}

/* A gap ends with a reply, or with the last query. */
static void gap_end(struct stream *stream, uint64_t now)
{
	uint64_t before = stream->last_reply ? stream->last_reply : stream->start;

	if (now > before && now - before > stream->longest_gap) {
		stream->longest_gap = now - before;
		stream->longest_gap_at = now_real();
	}
}

static void stream_reply(struct stream *stream, const uint8_t *reply, size_t length)
{
	struct flight *flight;
	char node[NODE_NAME];
	uint64_t now = now_monotonic();

	if (length < HEADER_LENGTH || !(reply[2] & 0x80)) {
		stream->strays++;
		return;
	}
	flight = &stream->flights[(unsigned)reply[0] << 8 | reply[1]];
	/* The question must come back octet by octet: servers preserve its case. */
	if (!flight->sent || length < HEADER_LENGTH + (size_t)flight->question->length ||
		memcmp(reply + HEADER_LENGTH, flight->question->wire, flight->question->length)) {
		stream->strays++;
		return;
	}
	gap_end(stream, now);
	stream->last_reply = now;
	stream->rcodes[reply[3] & 15]++;
	if ((reply[3] & 15) != 0 && (reply[3] & 15) != 3)
		stream->wrong++;
	stream->latencies[stream->answered++] = (uint32_t)((now - flight->sent) / 1000);
	flight->sent = 0;
	reply_node(reply, length, HEADER_LENGTH + (size_t)flight->question->length, node);
	stream_count_node(stream, node);
}

static int stream_receive(struct stream *stream)
{
	uint8_t reply[4096];
	struct sockaddr_storage from;

	for (;;) {
		socklen_t from_length = sizeof(from);
		ssize_t length = recvfrom(stream->fd, reply, sizeof(reply), MSG_DONTWAIT,
			(struct sockaddr *)&from, &from_length);

		if (length < 0)
			return errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED ||
					       errno == EHOSTUNREACH
				       ? 0
				       : -errno;
		if (address_equal(&from, &stream->server))
			stream_reply(stream, reply, (size_t)length);
		else
			stream->strays++;
	}
}

static int stream_run(struct stream *stream)
{
	struct pollfd fds[2] = {
		{.fd = stream->fd, .events = POLLIN}, {.fd = stream->signals, .events = POLLIN}};
	uint64_t now, wake;
	int ret;

	stream->start = now_monotonic();
	stream->started_at = now_real();
	for (;;) {
		now = now_monotonic();
		stream_expire(stream, now);
		if (fds[1].revents)
			stream->count = stream->sent;
		if (!stream_sending(stream, now) && stream->oldest == stream->sent) {
			gap_end(stream, stream_due(stream));
			return 0;
		}
		wake = now + REPLY_WAIT / 100;
		if (stream_sending(stream, now)) {
			while (stream_due(stream) <= now && stream_sending(stream, now)) {
				ret = stream_send(stream);
				if (ret)
					return ret;
			}
			if (stream_due(stream) < wake)
				wake = stream_due(stream);
		}
		struct timespec wait = {
			.tv_sec = 0, .tv_nsec = (long)(wake > now ? wake - now : 0)};
		/* Once asked to end, the signal stays readable: don't look at it again. */
		if (ppoll(fds, fds[1].revents ? 1 : 2, &wait, NULL) < 0 && errno != EINTR)
			return -errno;
		ret = stream_receive(stream);
		if (ret)
			return ret;
	}
}

/* ---- the report ---- */

static int latency_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static json_t *latency_json(struct stream *stream)
{
	uint64_t n = stream->answered;

	if (!n)
		return json_null();
	qsort(stream->latencies, n, sizeof(*stream->latencies), latency_compare);
	return json_pack("{s:I, s:I, s:I}", "p50", (json_int_t)stream->latencies[(n - 1) / 2],
		"p99", (json_int_t)stream->latencies[(n - 1) * 99 / 100], "max",
		(json_int_t)stream->latencies[n - 1]);
}

static json_t *losses_json(const struct stream *stream)
{
	json_t *losses = json_array();

	for (int i = 0; i < stream->loss_count; i++)
		json_array_append_new(
			losses, json_pack("{s:f, s:f, s:I}", "from", stream->losses[i].from, "to",
					stream->losses[i].to, "count",
					(json_int_t)stream->losses[i].count));
	return losses;
}

static int stream_print(struct stream *stream)
{
	static const char *const rcodes[16] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
		"NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "11",
		"12", "13", "14", "15"};
	json_t *by_rcode = json_object(), *by_node = json_object(), *changes = json_array();
	json_t *report;
	int ret;

	for (int i = 0; i < 16; i++)
		if (stream->rcodes[i])
			json_object_set_new(
				by_rcode, rcodes[i], json_integer((json_int_t)stream->rcodes[i]));
	for (int i = 0; i < stream->node_count; i++)
		json_object_set_new(by_node, stream->nodes[i],
			json_integer((json_int_t)stream->node_answers[i]));
	for (int i = 0; i < stream->change_count; i++)
		json_array_append_new(
			changes, json_pack("{s:f, s:s}", "at", stream->changes[i].at, "node",
					 stream->nodes[stream->changes[i].node]));
	report = json_pack("{s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:o, s:o, s:o, s:o}",
		"started", stream->started_at, "ended", now_real(), "sent",
		(json_int_t)stream->sent, "answered", (json_int_t)stream->answered, "lost",
		(json_int_t)stream->lost, "wrong", (json_int_t)stream->wrong, "strays",
		(json_int_t)stream->strays, "longest_gap_ms", (double)stream->longest_gap / 1e6,
		"longest_gap_ended", stream->longest_gap_at, "losses", losses_json(stream),
		"rcodes", by_rcode, "nodes", by_node, "changes", changes, "latency_us",
		latency_json(stream));
	ret = report ? json_dumpf(report, stdout, JSON_REAL_PRECISION(16) | JSON_COMPACT) : -1;
	json_decref(report);
	puts("");
	return ret || fflush(stdout) ? -EIO : 0;
}

/* ---- the command line ---- */

static int server_parse(struct stream *stream, const char *text, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&stream->server;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&stream->server;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		stream->server_length = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		stream->server_length = sizeof(*v6);
		return 0;
	}
	return -EINVAL;
}

static int number_parse(const char *text, double low, double high, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return *end || end == text || !(*out >= low && *out <= high) ? -EINVAL : 0;
}

static int stream_open(struct stream *stream)
{
	int size = 1 << 20;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	stream->signals = signalfd(-1, &set, SFD_CLOEXEC);
	stream->fd = socket(stream->server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (stream->fd < 0 || stream->signals < 0)
		return -errno;
	setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static void usage(FILE *out)
{
	fputs("Usage: stream -s ADDRESS [-p PORT] [-r RATE] [-t SECONDS] [-c COUNT] [-n]\n"
	      "              -f FILE | NAME TYPE\n"
	      "  -s ADDRESS   whom to ask, IPv4 or IPv6\n"
	      "  -p PORT      53\n"
	      "  -r RATE      queries a second, 1 to 10000 (500)\n"
	      "  -t SECONDS   how long at most, up to 600 (10)\n"
	      "  -c COUNT     how many at most\n"
	      "  -n           ask for the node's name (NSID)\n"
	      "  -f FILE      questions, a line each: NAME TYPE; asked in turn\n"
	      "Exit: 0 reported (whatever the result), 1 failed, 2 usage.\n",
		out);
}

struct options {
	const char *server, *file;
	double port, rate, seconds, count;
	bool help;
};

static int options_parse(struct options *o, struct stream *stream, int argc, char **argv)
{
	int option, ret = 0;

	while (!ret && (option = getopt(argc, argv, "s:p:r:t:c:f:nh")) != -1) {
		switch (option) {
		case 's':
			o->server = optarg;
			break;
		case 'p':
			ret = number_parse(optarg, 1, 65535, &o->port);
			break;
		case 'r':
			ret = number_parse(optarg, 1, RATE_MAX, &o->rate);
			break;
		case 't':
			ret = number_parse(optarg, 0.001, SECONDS_MAX, &o->seconds);
			break;
		case 'c':
			ret = number_parse(optarg, 1, 1e9, &o->count);
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			stream->nsid = true;
			break;
		case 'h':
			o->help = true;
			return 0;
		default:
			return -EINVAL;
		}
	}
	if (ret || !o->server || (o->file ? optind != argc : optind + 2 != argc))
		return -EINVAL;
	return server_parse(stream, o->server, (uint16_t)o->port);
}

static int questions_set(struct stream *stream, const struct options *o, char **words)
{
	int ret;

	stream->questions = calloc(QUESTIONS_MAX, sizeof(*stream->questions));
	if (!stream->questions)
		return -ENOMEM;
	if (o->file)
		ret = questions_read(stream, o->file);
	else
		ret = question_parse(
			&stream->questions[stream->question_count++], words[0], words[1]);
	return !ret && !stream->question_count ? -ENODATA : ret;
}

int main(int argc, char **argv)
{
	struct options o = {.port = 53, .rate = 500, .seconds = 10, .count = 1e9};
	struct stream *stream = calloc(1, sizeof(*stream));
	int ret;

	if (!stream)
		return 1;
	stream->fd = stream->signals = -1;
	ret = options_parse(&o, stream, argc, argv);
	if (ret || o.help) {
		usage(ret ? stderr : stdout);
		ret = ret ? 2 : 0;
		goto out;
	}
	ret = questions_set(stream, &o, argv + optind);
	if (ret) {
		fprintf(stderr, "stream: no questions: %s\n", strerror(-ret));
		ret = 1;
		goto out;
	}
	stream->interval = (uint64_t)((double)NSEC / o.rate);
	stream->duration = (uint64_t)(o.seconds * (double)NSEC);
	stream->count =
		(uint64_t)(o.count < o.rate * o.seconds + 1 ? o.count : o.rate * o.seconds + 1);
	stream->latencies = calloc(stream->count, sizeof(*stream->latencies));
	ret = stream->latencies ? stream_open(stream) : -ENOMEM;
	if (!ret)
		ret = stream_run(stream);
	if (!ret)
		ret = stream_print(stream);
	if (ret) {
		fprintf(stderr, "stream: %s\n", strerror(-ret));
		ret = 1;
	}
out:
	if (stream->fd >= 0)
		close(stream->fd);
	if (stream->signals >= 0)
		close(stream->signals);
	free(stream->latencies);
	free(stream->questions);
	free(stream);
	return ret;
}
