/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The judge: is what a host made of a packet what the case says? What every reply must be is
 * reply.c's.
 */
#include "vector.h"

#include "fault.h"
#include "reply.h"

#include "answer/reason.h"
#include "control/cookie.h"

#include <inttypes.h>
#include <string.h>

#define DNS_QR_BIT      0x8000u
#define DNS_TC_BIT      0x0200u
#define EDNS_DO_BIT     0x8000u
#define COOKIE_PATIENCE 60 /* seconds between the world and the reply */

/* One judgement. */
struct judge {
	const struct vector_case *c;
	struct faults faults;
};

static void flags_print(uint16_t flags, FILE *to)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {{0x0400, "aa"}, {0x0200, "tc"}, {0x0100, "rd"}, {0x0080, "ra"}, {0x0040, "z"},
		{0x0020, "ad"}, {0x0010, "cd"}};

	fprintf(to, "opcode %u, rcode %u", flags >> 11 & 15, flags & 15);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (flags & names[i].bit)
			fprintf(to, " %s", names[i].name);
	fputc('\n', to);
}

unsigned vector_message_compare(const struct vector_case *c, const struct message *reply, FILE *to)
{
	uint16_t flags = reply->flags & (uint16_t)~DNS_QR_BIT;
	unsigned differs = 0;

	if ((flags & 15) != (c->flags & 15))
		differs |= PART_RCODE;
	if (flags >> 4 != c->flags >> 4)
		differs |= PART_FLAGS;
	if (differs) {
		fputs("- ", to);
		flags_print(c->flags, to);
		fputs("+ ", to);
		flags_print(flags, to);
	}
	for (int s = 0; s < SECTIONS; s++)
		if (records_differ(&c->sections[s], &reply->sections[s], section_names[s], to))
			differs |= (unsigned)PART_ANSWER << s;
	return differs;
}

static void octets_print(const char *sign, const uint8_t *octets, size_t size, FILE *to)
{
	fputs(sign, to);
	for (size_t i = 0; i < size; i++)
		fprintf(to, "%02x", octets[i]);
	fputc('\n', to);
}

/* Octet for octet, but for a cookie that the server made: that one has to be as RFC 9018 says. */
static void options_judge(struct judge *j, const struct vector *vector, const struct message *m)
{
	const struct vector_case *c = j->c;
	uint8_t expected[VECTOR_OPTIONS_MAX];
	const struct vector_end *from = &c->question.from;

	if (c->options_size > sizeof(expected)) {
		fault_say(&j->faults, "more options than the judge can hold");
		return;
	}
	if (c->options_size)
		memcpy(expected, c->options, c->options_size);
	if (c->cookie_at >= 0 && m->opt_octets == c->options_size) {
		uint8_t *cookie = expected + c->cookie_at;
		const uint8_t *made = m->opt_options + c->cookie_at;
		uint32_t when = (uint32_t)made[4] << 24 | (uint32_t)made[5] << 16 |
				(uint32_t)made[6] << 8 | made[7];

		if ((int64_t)when < vector->settings.time ||
			(int64_t)when > vector->settings.time + COOKIE_PATIENCE)
			fault_say(&j->faults, "OPT: a cookie of the time %" PRIu32, when);
		cookie[0] = 1;
		memcpy(cookie + 4, made + 4, 4);
		if (cookie_sign(cookie, from->address, from->ipv6 ? 16 : 4,
			    (const uint8_t *)vector->settings.edns.secrets[0]))
			fault_say(&j->faults, "the crypto library has no SipHash");
	}
	if (m->opt_octets == c->options_size &&
		(!c->options_size || !memcmp(m->opt_options, expected, c->options_size)))
		return;
	fault_say(&j->faults, "OPT: other options");
	octets_print("- ", expected, c->options_size, j->faults.to);
	octets_print("+ ", m->opt_options,
		m->opt_octets < MESSAGE_OPTIONS_MAX ? m->opt_octets : MESSAGE_OPTIONS_MAX,
		j->faults.to);
}

static void opt_judge(struct judge *j, const struct vector *vector, const struct message *m)
{
	const struct vector_case *c = j->c;

	if (c->opt != m->opt)
		fault_say(
			&j->faults, m->opt ? "an OPT that wasn't expected" : "the OPT is missing");
	if (!c->opt || !m->opt)
		return;
	if (m->opt_size != c->opt_size)
		fault_say(&j->faults, "OPT: size %u, not %u", m->opt_size, c->opt_size);
	if (m->opt_ttl != ((uint32_t)c->opt_rcode << 24 | (c->opt_do ? EDNS_DO_BIT : 0)))
		fault_say(&j->faults,
			"OPT: extended rcode, version and flags %08" PRIx32
			", %02x and DO was%s expected",
			m->opt_ttl, c->opt_rcode, c->opt_do ? "" : " not");
	options_judge(j, vector, m);
}

/* Leaves what the counters must know of the reply. */
static void reply_judge(struct judge *j, const struct vector *vector,
	const struct vector_packet *packet, const struct vector_outcome *o, struct reply *reply)
{
	const struct reply_frame query = {packet->octets, packet->size},
				 frame = {o->octets, o->size};

	if (!reply_read(reply, &query, &frame, vector->settings.fib, j->faults.to)) {
		j->faults.any = true;
		return;
	}
	if (vector_message_compare(j->c, &reply->message, j->faults.to))
		j->faults.any = true;
	opt_judge(j, vector, &reply->message);
	if (j->c->reply_size >= 0 && (size_t)j->c->reply_size != reply->dns_size)
		fault_say(&j->faults, "%zu octets of DNS, not %" PRId64, reply->dns_size,
			j->c->reply_size);
}

/* Is a packet that passed so a query (UDP, service address, port 53) in the eyes of the counters?
 * -1: either. */
static int reason_is_query(uint32_t reason)
{
	if (reason == REASON_SOURCE || reason == REASON_UDP_BAD)
		return reason == REASON_SOURCE ? -1 : 1;
	return reason >= REASON_LEASE;
}

static void counter_judge(
	struct judge *j, const char *name, uint64_t before, uint64_t after, uint64_t grown)
{
	if (after - before != grown)
		fault_say(&j->faults, "counter %s grew by %" PRIu64 ", not by %" PRIu64, name,
			after - before, grown);
}

/* Every number of the counters but the clock and the samples has just one value that is right. */
static void counters_judge(struct judge *j, const struct vector *vector,
	const struct vector_outcome *o, const struct reply *reply)
{
	const struct counters *b = o->before, *a = o->after;
	bool counted = !vector->settings.probe;
	bool replied = counted && o->action == VECTOR_REPLIED;
	uint16_t flags = reply->message.flags;
	int passed = counted && !replied ? reason_is_query(j->c->reason) : 0;
	uint64_t b_passed = 0, a_passed = 0;

	for (uint32_t i = 1; i < REASON_COUNT; i++)
		counter_judge(j, vector_reason_name(i), b->reasons[i], a->reasons[i],
			counted && !j->c->replies && i == j->c->reason);
	for (unsigned i = 0; i < COUNTERS_RCODES; i++)
		counter_judge(j, "of an rcode", b->rcodes[i], a->rcodes[i],
			replied && i == ((flags & 15u) | j->c->opt_rcode << 4));
	for (unsigned i = 0; i < SETTINGS_IFACES; i++) {
		for (unsigned f = 0; f < 2; f++) {
			counter_judge(j, f ? "fast/IPv6" : "fast/IPv4", b->paths[i][f].fast,
				a->paths[i][f].fast, replied && i == 0 && f == reply->ipv6);
			counter_judge(
				j, "dropped", b->paths[i][f].dropped, a->paths[i][f].dropped, 0);
			b_passed += b->paths[i][f].passed;
			a_passed += a->paths[i][f].passed;
		}
	}
	if (passed >= 0)
		counter_judge(j, "passed", b_passed, a_passed, (uint64_t)passed);
	else if (a_passed - b_passed > 1)
		fault_say(&j->faults, "counter passed grew by more than one");
	counter_judge(j, "answered_bytes", b->answered_bytes, a->answered_bytes,
		replied ? reply->dns_size : 0);
	counter_judge(j, "truncated", b->truncated, a->truncated, replied && flags & DNS_TC_BIT);
}

/* What was counted for a packet that wasn't expected to pass, or not so. */
static void reasons_print(const struct vector_outcome *o, FILE *to)
{
	for (uint32_t i = 1; i < REASON_COUNT; i++)
		if (o->after->reasons[i] != o->before->reasons[i])
			fprintf(to, "+ pass %s\n", vector_reason_name(i));
}

bool vector_check(const struct vector *vector, const struct vector_case *c,
	const struct vector_packet *packet, const struct vector_outcome *outcome, FILE *to)
{
	struct judge j = {.c = c, .faults = {.to = to}};
	struct reply reply = {0};

	if (outcome->action == VECTOR_DROPPED) {
		fault_say(&j.faults, "the packet was dropped");
		reasons_print(outcome, to);
		return false;
	}
	if (outcome->action != (c->replies ? VECTOR_REPLIED : VECTOR_PASSED)) {
		fault_say(&j.faults, c->replies
					     ? "the packet passed, a reply was expected"
					     : "the packet was answered, it was expected to pass");
		reasons_print(outcome, to);
		return false;
	}
	if (!c->replies && (outcome->size != packet->size ||
				   memcmp(outcome->octets, packet->octets, packet->size)))
		fault_say(&j.faults, "a packet that passes was changed");
	if (c->replies)
		reply_judge(&j, vector, packet, outcome, &reply);
	counters_judge(&j, vector, outcome, &reply);
	reply_free(&reply);
	return !j.faults.any;
}
