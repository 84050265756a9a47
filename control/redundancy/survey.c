/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/redundancy/survey.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/address.h"
#include "control/redundancy/exchange.h"
#include "control/zone/dns.h"
#include "control/zone/message.h"
#include "control/zone/rdata.h"

#define DNS_PORT 53

const char *survey_state_name(enum survey_state state)
{
	static const char *const names[] = {[SURVEY_GOOD] = "good",
		[SURVEY_LAME] = "lame",
		[SURVEY_REFUSED] = "refused",
		[SURVEY_SILENT] = "silent",
		[SURVEY_BROKEN] = "broken",
		[SURVEY_UNTESTED] = "untested"};

	return names[state];
}

bool survey_serial_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

int survey_new(struct survey **out, const uint8_t *zone)
{
	struct survey *survey = calloc(1, sizeof(*survey));

	*out = survey;
	if (!survey)
		return -ENOMEM;
	name_fold(survey->zone, zone, name_size(zone));
	return 0;
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	for (size_t i = 0; i < survey->addresses_count; i++)
		free(survey->addresses[i].names);
	free(survey->addresses);
	free(survey->servers);
	free(survey);
}

static int server_find(struct survey *survey, const uint8_t *name, size_t *index)
{
	struct survey_server *longer;

	for (size_t i = 0; i < survey->servers_count; i++) {
		if (name_equal(survey->servers[i].name, name)) {
			*index = i;
			return 0;
		}
	}
	longer = reallocarray(survey->servers, survey->servers_count + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	survey->servers = longer;
	memset(&longer[survey->servers_count], 0, sizeof(*longer));
	memcpy(longer[survey->servers_count].name, name, name_size(name));
	*index = survey->servers_count++;
	return 0;
}

int survey_add(struct survey *survey, const uint8_t *name, const struct sockaddr_storage *address)
{
	uint8_t folded[NAME_MAX_SIZE];
	struct survey_address *longer;
	size_t server;

	name_fold(folded, name, name_size(name));
	if (server_find(survey, folded, &server) < 0)
		return -ENOMEM;
	if (!address)
		return 0;
	for (size_t i = 0; i < survey->addresses_count; i++) {
		if (survey->addresses[i].server == server &&
			memcmp(&survey->addresses[i].addr, address, sizeof(*address)) == 0)
			return 0;
	}
	if (survey->addresses_count == SURVEY_ADDRESSES) {
		survey->cut = true;
		return 0;
	}
	longer = reallocarray(survey->addresses, survey->addresses_count + 1, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	survey->addresses = longer;
	longer += survey->addresses_count++;
	memset(longer, 0, sizeof(*longer));
	longer->server = server;
	longer->addr = *address;
	survey->servers[server].addresses++;
	return 0;
}

/* ---- finding them ---- */

static void resolver_ask(struct exchange *exchange, const struct survey_options *options,
	const uint8_t *name, uint16_t type)
{
	exchange->to = options->resolver;
	exchange->from = options->resolver.ss_family == AF_INET ? options->from4 : options->from6;
	exchange_ask(exchange, name, type, true, false);
}

/* Truncated answers are asked for again over TCP. */
static int resolver_run(struct exchange *list, size_t count, const struct survey_options *options)
{
	int r = exchange_run(list, count, options->timeout_us);

	for (size_t i = 0; r == 0 && i < count; i++) {
		struct exchange *exchange = &list[i];

		if (exchange->outcome != EXCHANGE_REPLY || !(exchange->reply[2] & 0x02))
			continue;
		free(exchange->reply);
		exchange->tcp = true;
		r = exchange_run(exchange, 1, options->timeout_us);
	}
	return r;
}

/* 0 with *reply filled in, or what is wrong with the resolver. */
static int resolver_read(
	const struct exchange *exchange, struct reply *reply, char text[static SURVEY_TEXT])
{
	int r;

	switch (exchange->outcome) {
	case EXCHANGE_SILENT:
		snprintf(text, SURVEY_TEXT, "the resolver doesn't answer");
		return -ETIMEDOUT;
	case EXCHANGE_REPLY:
		break;
	default:
		snprintf(text, SURVEY_TEXT, "the resolver can't be asked: %s",
			strerror(exchange->error));
		return -ECONNREFUSED;
	}
	r = reply_read(reply, exchange->reply, exchange->reply_size);
	if (r < 0) {
		snprintf(text, SURVEY_TEXT, "the resolver's answer can't be read");
		return r == -EBADMSG ? -EPROTO : r;
	}
	if (reply->rcode != RCODE_NOERROR && reply->rcode != RCODE_NXDOMAIN) {
		snprintf(
			text, SURVEY_TEXT, "the resolver answers %s", dns_rcode_text(reply->rcode));
		return -EPROTO;
	}
	return 0;
}

static int names_find(struct survey *survey, const struct survey_options *options,
	struct reply *reply, char text[static SURVEY_TEXT])
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	char zone[NAME_TEXT_SIZE];
	int r = -ENOMEM;

	if (!exchange)
		goto out;
	resolver_ask(exchange, options, survey->zone, RR_NS);
	r = resolver_run(exchange, 1, options);
	if (r == 0)
		r = resolver_read(exchange, reply, text);
	if (r == 0 && reply->names_count == 0) {
		snprintf(text, SURVEY_TEXT, "%.100s: %s", name_to_text(zone, survey->zone),
			reply->rcode == RCODE_NXDOMAIN ? "no such name"
						       : "no zone begins there (no NS records)");
		r = -ENOENT;
	}
	for (size_t i = 0; r == 0 && i < reply->names_count; i++)
		r = survey_add(survey, reply->names[i], NULL);
out:
	exchange_free(exchange, 1);
	return r;
}

static int addresses_take(struct survey *survey, size_t server, const struct reply *reply)
{
	int r = 0;

	survey->servers[server].alias |= reply->alias;
	for (size_t i = 0; r == 0 && i < reply->addresses_count; i++) {
		struct sockaddr_storage address = reply->addresses[i];

		if (address.ss_family == AF_INET)
			((struct sockaddr_in *)&address)->sin_port = htons(DNS_PORT);
		else
			((struct sockaddr_in6 *)&address)->sin6_port = htons(DNS_PORT);
		r = survey_add(survey, survey->servers[server].name, &address);
	}
	return r;
}

static int addresses_find(struct survey *survey, const struct survey_options *options,
	struct reply *reply, char text[static SURVEY_TEXT])
{
	size_t count = survey->servers_count * 2;
	struct exchange *list = calloc(count, sizeof(*list));
	int r = -ENOMEM;

	if (!list)
		goto out;
	for (size_t i = 0; i < count; i++)
		resolver_ask(
			&list[i], options, survey->servers[i / 2].name, i % 2 ? RR_AAAA : RR_A);
	r = resolver_run(list, count, options);
	for (size_t i = 0; r == 0 && i < count; i++) {
		/* One name that doesn't resolve is a finding, not the end. */
		if (resolver_read(&list[i], reply, text) == 0)
			r = addresses_take(survey, i / 2, reply);
	}
out:
	exchange_free(list, count);
	return r;
}

int survey_find(
	struct survey *survey, const struct survey_options *options, char text[static SURVEY_TEXT])
{
	struct reply *reply = malloc(sizeof(*reply));
	int r = -ENOMEM;

	snprintf(text, SURVEY_TEXT, "out of memory");
	if (reply)
		r = names_find(survey, options, reply, text);
	if (r == 0)
		r = addresses_find(survey, options, reply, text);
	free(reply);
	return r;
}

/* ---- asking them ---- */

/* What is asked of an address. */
enum question { ASK_UDP, ASK_TCP, ASK_NS, QUESTIONS };

static bool address_asked(const struct survey_address *row, const struct survey_options *options)
{
	return options->family == AF_UNSPEC || options->family == row->addr.ss_family;
}

static void address_ask(struct exchange *exchange, const struct survey *survey,
	const struct survey_address *row, const struct survey_options *options,
	enum question question, bool edns)
{
	exchange->to = row->addr;
	exchange->from = row->addr.ss_family == AF_INET ? options->from4 : options->from6;
	exchange->tcp = question != ASK_UDP;
	exchange_ask(exchange, survey->zone, question == ASK_NS ? RR_NS : RR_SOA, false, edns);
}

static void answer_judge(struct survey_answer *answer, const struct reply *reply)
{
	answer->state = SURVEY_LAME;
	if (reply->rcode != RCODE_NOERROR)
		snprintf(answer->text, sizeof(answer->text), "answers %s",
			dns_rcode_text(reply->rcode));
	else if (!reply->authoritative)
		snprintf(answer->text, sizeof(answer->text),
			"answers without authority (AA is clear)");
	else if (!reply->has_serial && !reply->truncated)
		snprintf(answer->text, sizeof(answer->text), "answers without the zone's SOA");
	else
		answer->state = SURVEY_GOOD;
}

static int answer_read(
	struct survey_answer *answer, const struct exchange *exchange, struct reply *reply)
{
	static const enum survey_state states[] = {[EXCHANGE_REFUSED] = SURVEY_REFUSED,
		[EXCHANGE_SILENT] = SURVEY_SILENT,
		[EXCHANGE_BROKEN] = SURVEY_BROKEN,
		[EXCHANGE_NO_ROUTE] = SURVEY_UNTESTED};
	int r;

	answer->tries = exchange->tries;
	answer->rtt_us = 0;
	answer->has_serial = false;
	answer->text[0] = '\0';
	if (exchange->outcome != EXCHANGE_REPLY) {
		answer->state = states[exchange->outcome];
		if (exchange->outcome == EXCHANGE_SILENT)
			snprintf(answer->text, sizeof(answer->text), "no answer to %u tries",
				exchange->tries);
		else
			snprintf(answer->text, sizeof(answer->text), "%s",
				strerror(exchange->error));
		return 0;
	}
	r = reply_read(reply, exchange->reply, exchange->reply_size);
	if (r == -ENOMEM)
		return r;
	answer->rtt_us = exchange->rtt_us;
	if (r < 0) {
		answer->state = SURVEY_BROKEN;
		snprintf(answer->text, sizeof(answer->text), "the answer is malformed");
		return 0;
	}
	answer->has_serial = reply->has_serial;
	answer->serial = reply->serial;
	answer->truncated = reply->truncated;
	answer->nsid_size = reply->nsid_size;
	memcpy(answer->nsid, reply->nsid, sizeof(answer->nsid));
	answer_judge(answer, reply);
	return 0;
}

/* A server that doesn't know EDNS is asked as a resolver would: without it. */
static int answer_take(struct survey_answer *answer, struct exchange *exchange,
	const struct survey *survey, const struct survey_address *row,
	const struct survey_options *options, struct reply *reply)
{
	int r = answer_read(answer, exchange, reply);
	unsigned rcode = exchange->outcome == EXCHANGE_REPLY ? exchange->reply[3] & 15U : 0;

	if (r < 0 || (rcode != RCODE_FORMERR && rcode != RCODE_NOTIMP))
		return r;
	free(exchange->reply);
	exchange->reply = NULL;
	address_ask(exchange, survey, row, options, exchange->tcp ? ASK_TCP : ASK_UDP, false);
	r = exchange_run(exchange, 1, options->timeout_us);
	if (r == 0)
		r = answer_read(answer, exchange, reply);
	answer->no_edns = true;
	return r;
}

static int names_take(
	struct survey_address *row, const struct exchange *exchange, struct reply *reply)
{
	row->listed = false;
	free(row->names);
	row->names = NULL;
	row->names_count = 0;
	if (exchange->outcome != EXCHANGE_REPLY ||
		reply_read(reply, exchange->reply, exchange->reply_size) < 0 ||
		reply->rcode != RCODE_NOERROR || !reply->authoritative || reply->truncated ||
		reply->names_cut)
		return 0;
	row->names = calloc(reply->names_count ? reply->names_count : 1, NAME_MAX_SIZE);
	if (!row->names)
		return -ENOMEM;
	memcpy(row->names, reply->names, reply->names_count * NAME_MAX_SIZE);
	row->names_count = reply->names_count;
	row->listed = true;
	return 0;
}

static void untested(struct survey_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->state = SURVEY_UNTESTED;
	snprintf(answer->text, sizeof(answer->text), "not asked: --family");
}

/* The rows of `wanted`, or all. */
static int rows_ask(struct survey *survey, const struct survey_options *options, const bool *wanted)
{
	size_t most = survey->addresses_count * QUESTIONS, count = 0;
	struct exchange *list = calloc(most ? most : 1, sizeof(*list));
	struct reply *reply = malloc(sizeof(*reply));
	int r = list && reply ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < survey->addresses_count; i++) {
		struct survey_address *row = &survey->addresses[i];

		for (enum question q = 0; q < QUESTIONS; q++) {
			if (address_asked(row, options) && (!wanted || wanted[i]))
				address_ask(&list[count++], survey, row, options, q, true);
		}
	}
	if (r == 0)
		r = exchange_run(list, count, options->timeout_us);
	count = 0;
	for (size_t i = 0; r == 0 && i < survey->addresses_count; i++) {
		struct survey_address *row = &survey->addresses[i];

		if (wanted && !wanted[i])
			continue;
		if (!address_asked(row, options)) {
			untested(&row->udp);
			untested(&row->tcp);
			continue;
		}
		r = answer_take(&row->udp, &list[count + ASK_UDP], survey, row, options, reply);
		if (r == 0)
			r = answer_take(
				&row->tcp, &list[count + ASK_TCP], survey, row, options, reply);
		if (r == 0)
			r = names_take(row, &list[count + ASK_NS], reply);
		count += QUESTIONS;
	}
	exchange_free(list, most);
	free(reply);
	return r;
}

/* The rows that are behind the newest serial; how many. */
static size_t rows_behind(const struct survey *survey, bool *behind)
{
	const struct survey_answer *newest = NULL;
	size_t count = 0;

	for (size_t i = 0; i < survey->addresses_count * 2; i++) {
		const struct survey_address *row = &survey->addresses[i / 2];
		const struct survey_answer *answer = i % 2 ? &row->tcp : &row->udp;

		if (answer->has_serial &&
			(!newest || survey_serial_newer(answer->serial, newest->serial)))
			newest = answer;
	}
	for (size_t i = 0; i < survey->addresses_count; i++) {
		const struct survey_address *row = &survey->addresses[i];

		behind[i] = newest &&
			    ((row->udp.has_serial && row->udp.serial != newest->serial) ||
				    (row->tcp.has_serial && row->tcp.serial != newest->serial));
		count += behind[i];
	}
	return count;
}

int survey_ask(struct survey *survey, const struct survey_options *options)
{
	bool *behind = calloc(survey->addresses_count + 1, sizeof(*behind));
	int r = behind ? rows_ask(survey, options, NULL) : -ENOMEM;

	/* A change takes a moment to reach all of them. */
	if (r == 0 && options->grace_us && rows_behind(survey, behind)) {
		poll(NULL, 0, (int)(options->grace_us / 1000));
		r = rows_ask(survey, options, behind);
	}
	free(behind);
	return r;
}
