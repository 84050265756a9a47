/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Do a real server and the core take each other's cookies (RFC 9018)?
 *
 *     ask_cookie NAME PORT SECRET [SECRET]
 *
 * A server on 127.0.0.1 and ::1 that has the first secret makes a cookie: the core must take it.
 * The core makes one: the server must take it, which one sees in that a spoiled one fares worse.
 * With two secrets the core has the other one first, as while secrets roll. TAP lines without
 * numbers; starts nothing.
 */
#include "server.h"

#include "tests/host/plain.h"
#include "answer/answer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COOKIE_AT    (12 + 1 + 4 + 11 + 4) /* in a query for the root */
#define READY_TRIES  150
#define TRY_MS       200
#define TIME_PASSED  100 /* seconds: an age that no server renews a cookie at, but BIND */
#define REPLY_COOKIE 24

static const uint8_t client[COOKIE_CLIENT] = {0x24, 0x64, 0xc4, 0xab, 0xcf, 0x10, 0xc9, 0x57};

/* What the server said. */
struct said {
	unsigned rcode; /* with OPT's bits */
	bool cookied;
	uint8_t cookie[REPLY_COOKIE];
};

/* The cookie is the last thing in the message: its OPT holds nothing else, and is last. */
static void said_read(struct said *said, const uint8_t *reply, size_t size)
{
	struct message m;
	char error[200];

	*said = (struct said){.rcode = ~0u};
	if (!message_read(&m, reply, size, error, sizeof(error)) && m.opt) {
		said->rcode = (m.flags & DNS_RCODE) | m.opt_ttl >> 24 << 4;
		said->cookied = m.opt_octets == 4 + REPLY_COOKIE && m.opt_options[1] == 10;
		if (said->cookied)
			memcpy(said->cookie, m.opt_options + 4, REPLY_COOKIE);
	}
	message_free(&m);
}

/* Asks for the root's SOA until an answer comes. */
static bool cookie_ask(int fd, const uint8_t *cookie, size_t size, struct said *said)
{
	static uint16_t id;
	uint8_t query[COOKIE_AT + 40] = {[5] = 1, [11] = 1, [14] = TYPE_SOA, [16] = CLASS_IN};
	uint8_t reply[4096];
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	const uint8_t opt[] = {0, 0, TYPE_OPT, 4, 0xd0, 0, 0, 0, 0, 0, (uint8_t)(4 + size), 0, 10,
		0, (uint8_t)size};

	query[1] = (uint8_t)++id;
	memcpy(query + COOKIE_AT - sizeof(opt), opt, sizeof(opt));
	memcpy(query + COOKIE_AT, cookie, size);
	for (int i = 0; i < READY_TRIES; i++) {
		ssize_t got;

		got = -1;
		if (send(fd, query, COOKIE_AT + size, 0) > 0 && poll(&wait, 1, TRY_MS) == 1)
			got = recv(fd, reply, sizeof(reply), 0);
		if (got < 0)
			usleep(100000); /* refused: it is starting */
		if (got > 12 && reply[1] == query[1]) {
			said_read(said, reply, (size_t)got);
			return true;
		}
	}
	return false;
}

static bool check(bool good, const char *name, bool ipv6, const char *what)
{
	printf("%sok - %s over %s: %s\n", good ? "" : "not ", name, ipv6 ? "IPv6" : "IPv4", what);
	return good;
}

static void query_fill(struct query *q, bool ipv6)
{
	static const uint8_t here[16] = {[15] = 1}, four[4] = {127, 0, 0, 1};

	memset(q, 0, sizeof(*q));
	q->flags = ipv6 ? QUERY_IPV6 : 0;
	memcpy(q->client, ipv6 ? here : four, ipv6 ? 16 : 4);
}

/* A cookie of the core's, with the server's secret. */
static void core_make(
	struct query *q, const struct settings_edns *edns, u32 secret, uint8_t *cookie)
{
	u64 first, second = cookie_second((u32)time(NULL) - TIME_PASSED);

	memcpy(&first, client, sizeof(first));
	cookie_hash(q, first, second, edns->secrets[secret][0], edns->secrets[secret][1]);
	memcpy(cookie, &first, 8);
	memcpy(cookie + 8, &second, 8);
	memcpy(cookie + 16, &q->hash, 8);
}

/* BIND always sends a new one; but it was told to refuse those without a good one. */
static bool taken(const struct said *said, const uint8_t *cookie, bool renews)
{
	return said->rcode != RCODE_BADCOOKIE && said->cookied &&
	       (renews || !memcmp(said->cookie, cookie, REPLY_COOKIE));
}

static int family_try(const char *name, int fd, bool ipv6, const struct settings *s, u32 secret)
{
	bool renews = !strcmp(name, "bind");
	uint8_t cookie[REPLY_COOKIE];
	struct query q;
	struct said said;
	int failed = 0;

	query_fill(&q, ipv6);
	if (!cookie_ask(fd, client, sizeof(client), &said))
		return !check(false, name, ipv6, "it answers");
	failed += !check(
		said.cookied && cookie_verify(&q, s, said.cookie, (u32)time(NULL)) == secret + 1,
		name, ipv6, "the core takes the server's cookie, and knows its secret");
	said.cookie[REPLY_COOKIE - 1] ^= 1;
	failed += !check(!cookie_verify(&q, s, said.cookie, (u32)time(NULL)), name, ipv6,
		"the core doesn't take it spoiled");
	core_make(&q, &s->edns, secret, cookie);
	failed += !check(
		cookie_ask(fd, cookie, sizeof(cookie), &said) && taken(&said, cookie, renews), name,
		ipv6, "the server takes the core's cookie");
	cookie[REPLY_COOKIE - 1] ^= 1;
	failed += !check(
		cookie_ask(fd, cookie, sizeof(cookie), &said) && !taken(&said, cookie, renews),
		name, ipv6, "the server doesn't take it spoiled");
	return failed;
}

/* 32 hexadecimal digits. */
static bool secret_read(const char *text, u64 secret[2])
{
	uint8_t octets[16];

	for (size_t i = 0; i < sizeof(octets); i++)
		if (sscanf(text + 2 * i, "%2hhx", &octets[i]) != 1)
			return false;
	memcpy(secret, octets, sizeof(octets));
	return true;
}

int main(int argc, char **argv)
{
	static struct settings settings;
	u32 secret = argc == 5 ? 1 : 0; /* place of the server's */
	struct server server;
	int failed = 0;

	if (argc < 4 || argc > 5 || !secret_read(argv[3], settings.edns.secrets[1]) ||
		!secret_read(argv[argc - 1], settings.edns.secrets[0])) {
		fputs("Usage: ask_cookie NAME PORT SECRET [SECRET]\n", stderr);
		return 2;
	}
	if (server_open(&server, SERVER_NSD, (uint16_t)strtoul(argv[2], NULL, 10))) {
		puts("not ok - sockets on loopback");
		return 1;
	}
	for (int i = 0; i < 2; i++)
		failed += family_try(argv[1], server.fds[i], i == 1, &settings, secret);
	server_close(&server);
	return failed != 0;
}
