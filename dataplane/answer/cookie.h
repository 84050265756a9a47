/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-or-later */
/*
 * DNS cookies (RFC 7873) with interoperable server cookies (RFC 9018).
 *
 * In: a query's COOKIE option, the settings' secrets, the time. Out: the reply's option; without a
 * valid cookie BADCOOKIE, where the local server wants it so. Servers that share a secret take each
 * other's cookies.
 *
 *     client cookie 8 | version 1 | reserved 3 | Unix time 4 | SipHash-2-4 of all before and the
 * client's address 8
 */
#ifndef ANODE_ANSWER_COOKIE_H
#define ANODE_ANSWER_COOKIE_H

#include "sum.h"
#include "packet.h"

#define COOKIE_CLIENT  8u
#define COOKIE_SIZE    24u /* with the server's part as RFC 9018 has it */
#define COOKIE_OPTION  (4u + COOKIE_SIZE)
#define COOKIE_VERSION 1u
/* seconds, RFC 9018 section 4.3 */
#define COOKIE_AGE_MAX   3600
#define COOKIE_AGE_RENEW 1800
#define COOKIE_AHEAD_MAX 300

/* RFC 7873 section 4: a client's alone, or with 8 to 32 octets of a server's. */
INLINE int cookie_well_formed(u32 length)
{
	return length == COOKIE_CLIENT || (length >= 16 && length <= 40);
}

/* SipHash: a fast short-input PRF (Aumasson, Bernstein 2012). */
struct sip {
	u64 v0, v1, v2, v3;
};

INLINE u64 sip_turn(u64 x, u32 by)
{
	return x << by | x >> (64 - by);
}

INLINE void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = sip_turn(s->v1, 13) ^ s->v0;
	s->v0 = sip_turn(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = sip_turn(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = sip_turn(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = sip_turn(s->v1, 17) ^ s->v2;
	s->v2 = sip_turn(s->v2, 32);
}

INLINE void sip_word(struct sip *s, u64 word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/*
 * hash = that of a cookie for q->client: `first` is the client's cookie, `second` the eight octets
 * behind it. All as they stand in memory.
 */
STEP int cookie_hash(struct query *q, u64 first, u64 second, u64 key0, u64 key1)
{
	struct sip s = {key0 ^ 0x736f6d6570736575ull, key1 ^ 0x646f72616e646f6dull,
		key0 ^ 0x6c7967656e657261ull, key1 ^ 0x7465646279746573ull};

	if (!q)
		return REASON_INTERNAL;
	sip_word(&s, first);
	sip_word(&s, second);
	if (q->flags & QUERY_IPV6) {
		sip_word(&s, q->client[0]);
		sip_word(&s, q->client[1]);
		sip_word(&s, 32ull << 56);
	} else {
		sip_word(&s, 20ull << 56 | q->client[0]);
	}
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	q->hash = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return STEP_NEXT;
}

/* client = the query's source. */
INLINE int cookie_client(PACKET *p, struct query *q)
{
	const u8 *ip;

	if (q->flags & QUERY_IPV6) {
		ip = packet_view(p, q->ip_at, sizeof(struct ipv6));
		if (!ip)
			return REASON_INTERNAL;
		q->client[0] = word_load64(ip + AT(ipv6, source));
		q->client[1] = word_load64(ip + AT(ipv6, source) + 8);
		return STEP_NEXT;
	}
	ip = packet_view(p, q->ip_at, sizeof(struct ipv4));
	if (!ip)
		return REASON_INTERNAL;
	q->client[0] = word_load32(ip + AT(ipv4, source));
	return STEP_NEXT;
}

/* The octets behind a client's cookie, without the hash, of a server cookie made at `now`. */
INLINE u64 cookie_second(u32 now)
{
	return COOKIE_VERSION | (u64)be32_of(now).raw << 32;
}

/*
 * Is it one of ours? RFC 9018 section 4.3; the time counts in serial arithmetic. The reserved
 * octets are only hashed: other versions of the servers may use them. Number of its secret from 1,
 * 0 = no.
 */
INLINE u32 cookie_verify(struct query *q, const struct settings *s, const u8 *cookie, u32 now)
{
	u64 first = word_load64(cookie), second = word_load64(cookie + 8),
	    hash = word_load64(cookie + 16);
	s32 age = (s32)(now - be32_get((be32){second >> 32}));

	if ((second & 0xff) != COOKIE_VERSION || age > COOKIE_AGE_MAX || age < -COOKIE_AHEAD_MAX)
		return 0;
	for (u32 i = 0; i < SETTINGS_SECRETS; i++) {
		if (cookie_hash(q, first, second, s->edns.secrets[i][0], s->edns.secrets[i][1]))
			return 0;
		if (q->hash == hash)
			return age <= COOKIE_AGE_RENEW ? i + 1 : SETTINGS_SECRETS + 1;
	}
	return 0;
}

/* Put the reply's cookie behind the options that are there. */
INLINE void cookie_render(struct query *q, u64 first, u64 second, u64 hash)
{
	u32 at = q->options_length, head = be16_of(10).raw | (u32)be16_of(COOKIE_SIZE).raw << 16;
	u8 *place;
	u64 sum;

	OPAQUE(at);
	at &= 127;
	if (at > sizeof(q->options) - COOKIE_OPTION)
		return;
	place = q->options + at;
	word_store32(place, head);
	word_store64(place + 4, first);
	word_store64(place + 12, second);
	word_store64(place + 20, hash);
	sum = sum_word(sum_word(sum_word(head, first), second), hash);
	q->options_sum += (u32)sum_fold(sum_shift(sum, at));
	q->options_length = at + COOKIE_OPTION;
}

/*
 * The answer to the option at cookie_at. A cookie that is good, young and made with the first
 * secret is sent back; otherwise the client gets a new one.
 */
STEP int cookie_answer(PACKET *p, struct query *q)
{
	const struct settings *s = settings_get(p);
	const u8 *cookie;
	u64 first, second;
	u32 now, secret = 0;

	if (!q || !s || cookie_client(p, q))
		return REASON_INTERNAL;
	now = (u32)((q->now + s->edns.wall) / 1000000000u);
	cookie = packet_view(p, q->cookie_at + 4u, COOKIE_CLIENT);
	if (!cookie)
		return REASON_INTERNAL;
	first = word_load64(cookie);
	second = cookie_second(now);
	if (q->cookie_length == COOKIE_SIZE) {
		cookie = packet_view(p, q->cookie_at + 4u, COOKIE_SIZE);
		if (!cookie)
			return REASON_INTERNAL;
		secret = cookie_verify(q, s, cookie, now);
		if (secret == 1)
			second = word_load64(cookie + 8);
	}
	if (secret == 0 && s->edns.cookie == EDNS_REQUIRE) {
		q->flags |= QUERY_ERROR;
		q->error = RCODE_BADCOOKIE;
	}
	/* after the first secret's match, `hash` is the cookie's own */
	if (secret != 1 &&
		cookie_hash(q, first, second, s->edns.secrets[0][0], s->edns.secrets[0][1]))
		return REASON_INTERNAL;
	cookie_render(q, first, second, q->hash);
	return STEP_NEXT;
}

#endif
