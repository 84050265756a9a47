/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "churn_zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "answer/packet.h"
#include "tests/vectors/message.h"

#define PERIOD     16u /* a name changes once in so many versions */
#define EMPTIES    35u /* names that may be empty non-terminals: every fifth */
#define TEXT_ROOM  (CHURN_NAMES * 96u)
#define PROOFS_MAX 3

enum { WHO_ALWAYS = CHURN_NAMES, WHO_EMPTY };

static struct chain chain;

static uint32_t mix(uint32_t a, uint32_t b)
{
	uint64_t h = (a * 0x9e3779b97f4a7c15ull) ^ (b * 0xc2b2ae3d27d4eb4full);

	h ^= h >> 29;
	h *= 0xd6e8feb86659fd93ull;
	return (uint32_t)(h >> 32);
}

static uint32_t name_state(uint32_t name, uint32_t version)
{
	return mix(name, (version + mix(name, 7) % PERIOD) / PERIOD + version / UPHEAVAL * 1000003);
}

enum churn_kind churn_kind(uint32_t name, uint32_t version)
{
	uint32_t k = name_state(name, version) & 7;

	return k < 2 ? KIND_ABSENT : k == 2 ? KIND_CUT : KIND_HOST;
}

static uint32_t name_address(uint32_t name, uint32_t version)
{
	return 0x0a000000 | name_state(name, version) >> 8;
}

/* Every fifth has an empty non-terminal above. */
static int name_text(char *text, size_t size, uint32_t name)
{
	return name % 5 ? snprintf(text, size, "n%u", name)
			: snprintf(text, size, "n%u.e%u", name, name % EMPTIES);
}

int churn_zone(struct zone **zone, uint32_t version, char reason[ZONE_REASON_SIZE])
{
	char *text = malloc(TEXT_ROOM), owner[32];
	struct zone *plain = NULL;
	size_t at = 0;
	int err;

	if (!text)
		return -ENOMEM;
	at += (size_t)snprintf(text, TEXT_ROOM,
		"@ 3600 IN SOA ns1 host %u 7200 900 1209600 300\n@ 3600 IN NS ns1\n"
		"ns1 3600 IN A 192.0.2.1\n",
		version);
	for (uint32_t i = 0; i < CHURN_NAMES; i++) {
		uint32_t a = name_address(i, version);
		enum churn_kind kind = churn_kind(i, version);

		if (kind == KIND_ABSENT)
			continue;
		name_text(owner, sizeof(owner), i);
		if (kind == KIND_CUT)
			at += (size_t)snprintf(
				text + at, TEXT_ROOM - at, "%s 60 NS ns.%s\nns.", owner, owner);
		at += (size_t)snprintf(text + at, TEXT_ROOM - at, "%s 60 A %u.%u.%u.%u\n", owner,
			a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
	}
	err = zone_text_parse(&plain, text, at, CHURN_ORIGIN, &(struct zone_limits){0}, reason);
	if (!err)
		err = zone_sign(zone, plain, &chain.signing);
	zone_free(plain);
	free(text);
	return err;
}

/* ---- the chain ---- */

/* Is there anything below the empty non-terminal "e<number>"? */
static bool empty_exists(uint32_t number, uint32_t version)
{
	for (uint32_t name = number; name < CHURN_NAMES; name += EMPTIES)
		if (churn_kind(name, version) != KIND_ABSENT)
			return true;
	return false;
}

static bool who_exists(uint32_t who, uint32_t version, void *nothing)
{
	bool nsec3 = chain.signing.denial == ZONE_NSEC3;

	if (who < CHURN_NAMES && nsec3 && chain.signing.opt_out)
		return churn_kind(who, version) == KIND_HOST;
	if (who < CHURN_NAMES)
		return churn_kind(who, version) != KIND_ABSENT;
	return who == WHO_ALWAYS || (nsec3 && empty_exists(who - WHO_EMPTY, version));
}

static int point_add(const char *label, uint32_t who)
{
	uint8_t name[NAME_MAX_SIZE];
	char text[80];

	snprintf(text, sizeof(text), "%s%s" CHURN_ORIGIN, label, *label ? "." : "");
	return name_from_text(name, text) < 0 ? -EINVAL : chain_add(&chain, name, who);
}

int churn_zone_open(const struct zone_signing *signing)
{
	char label[32];
	int err;

	chain = (struct chain){.signing = *signing, .exists = who_exists};
	if (name_from_text(chain.origin, CHURN_ORIGIN) < 0)
		return -EINVAL;
	err = point_add("", WHO_ALWAYS);
	if (!err)
		err = point_add("ns1", WHO_ALWAYS);
	for (uint32_t i = 0; i < CHURN_NAMES && !err; i++) {
		name_text(label, sizeof(label), i);
		err = point_add(label, i);
	}
	for (uint32_t e = 0; e < EMPTIES && !err; e += 5) {
		snprintf(label, sizeof(label), "e%u", e);
		err = point_add(label, WHO_EMPTY + e);
	}
	chain_sort(&chain);
	return err;
}

void churn_zone_close(void)
{
	chain_free(&chain);
}

/* ---- replies ---- */

void churn_question_name(struct churn_question *q)
{
	char text[64] = CHURN_ORIGIN;

	if (q->name != CHURN_APEX) {
		int length = name_text(text, sizeof(text), q->name);

		snprintf(text + length, sizeof(text) - (size_t)length, "." CHURN_ORIGIN);
	}
	q->qname_size = (size_t)name_from_text(q->qname, text);
}

static uint32_t load32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static enum churn_kind question_kind(const struct churn_question *q, uint32_t version)
{
	return q->name == CHURN_APEX ? KIND_APEX : churn_kind(q->name, version);
}

/* Of the unsigned zone. The layout is the core's: names that repeat are pointers. */
static bool plain_is(
	const struct churn_question *q, uint32_t version, const uint8_t *dns, size_t size)
{
	uint16_t flags = (uint16_t)(dns[2] << 8 | dns[3]);
	uint16_t answers = dns[7], authority = dns[9], additional = dns[11];
	enum churn_kind kind = question_kind(q, version);
	const uint8_t *first = dns + sizeof(struct dns) + q->qname_size + 4, *end = dns + size;

	if (dns[6] || dns[8] || dns[10] || end < first + 16)
		return false;
	if (kind == KIND_APEX) /* SOA of the apex, its last 20 octets are numbers */
		return flags == (DNS_QR | DNS_AA) && answers == 1 && load32(end - 20) == version;
	if (kind == KIND_CUT)
		return flags == DNS_QR && answers == 0 && authority == 1 && additional == 1 &&
		       load32(end - 4) == name_address(q->name, version);
	if (kind == KIND_HOST && q->type == 1)
		return flags == (DNS_QR | DNS_AA) && answers == 1 && authority == 0 &&
		       end == first + 16 && load32(end - 4) == name_address(q->name, version);
	return flags == (DNS_QR | DNS_AA | (kind == KIND_ABSENT ? RCODE_NXDOMAIN : 0)) &&
	       answers == 0 && authority == 1 && load32(end - 20) == version;
}

static const struct record *record_find(
	const struct records *records, const uint8_t *owner, size_t size, uint16_t type)
{
	for (size_t i = 0; i < records->count; i++) {
		const struct record *r = &records->list[i];

		if (r->type == type && r->owner_size == size && !memcmp(r->owner, owner, size))
			return r;
	}
	return NULL;
}

/* The record, and a signature over it. */
static const struct record *record_signed(
	const struct records *records, const uint8_t *owner, size_t size, uint16_t type)
{
	const struct record *r = record_find(records, owner, size, type);

	for (size_t i = 0; r && i < records->count; i++) {
		const struct record *s = &records->list[i];

		if (s->type == RR_RRSIG && s->owner_size == size &&
			!memcmp(s->owner, owner, size) && s->rdata_size > 2 &&
			(s->rdata[0] << 8 | s->rdata[1]) == type &&
			zone_signing_covers(
				owner, size, r->rdata, r->rdata_size, s->rdata, s->rdata_size))
			return r;
	}
	return NULL;
}

/* The points whose denials a reply must hold, each once. */
struct proofs {
	const struct chain_point *points[PROOFS_MAX];
	size_t count;
};

static void proof_add(struct proofs *proofs, const uint8_t *name, uint32_t version)
{
	const struct chain_point *point = chain_of(&chain, name, version);

	for (size_t i = 0; i < proofs->count; i++)
		if (proofs->points[i] == point)
			return;
	proofs->points[proofs->count++] = point;
}

/* RFC 4035 section 3.1.3, RFC 5155 section 7.2. */
static void proofs_choose(struct proofs *proofs, const struct churn_question *q,
	enum churn_kind kind, uint32_t version)
{
	const uint8_t *encloser = name_skip(q->qname, 1), *closer = q->qname;
	uint8_t star[NAME_MAX_SIZE + 2] = {1, '*'};
	bool nsec3 = chain.signing.denial == ZONE_NSEC3;

	if (q->name % 5 == 0 && !empty_exists(q->name % EMPTIES, version)) {
		closer = encloser;
		encloser = name_skip(encloser, 1);
	}
	memcpy(star + 2, encloser, name_size(encloser));
	if (kind == KIND_ABSENT) {
		if (nsec3)
			proof_add(proofs, encloser, version);
		proof_add(proofs, nsec3 ? closer : q->qname, version);
		proof_add(proofs, star, version);
	} else {
		if (kind == KIND_CUT && nsec3 && chain.signing.opt_out)
			proof_add(proofs, encloser, version);
		proof_add(proofs, q->qname, version);
	}
}

static bool proofs_are(
	const struct proofs *proofs, const struct records *authority, uint32_t version)
{
	uint16_t type = chain.signing.denial == ZONE_NSEC ? RR_NSEC : RR_NSEC3;

	for (size_t i = 0; i < proofs->count; i++) {
		uint8_t owner[NAME_MAX_SIZE];
		const struct record *r;

		if (!proofs->points[i])
			return false;
		r = record_signed(authority, owner,
			(size_t)chain_owner(&chain, proofs->points[i], owner), type);
		if (!r || !chain_leads(&chain, proofs->points[i], version, r->rdata, r->rdata_size))
			return false;
	}
	return true;
}

static bool soa_is(const struct records *records, uint32_t version)
{
	const struct record *soa =
		record_signed(records, chain.origin, name_size(chain.origin), RR_SOA);

	return soa && load32(soa->rdata + soa->rdata_size - 20) == version;
}

static bool negative_is(const struct message *m, const struct churn_question *q,
	enum churn_kind kind, uint32_t version)
{
	const struct records *authority = &m->sections[SECTION_AUTHORITY];
	struct proofs proofs = {0};

	proofs_choose(&proofs, q, kind, version);
	return m->flags == (DNS_QR | DNS_AA | (kind == KIND_ABSENT ? RCODE_NXDOMAIN : 0)) &&
	       m->sections[SECTION_ANSWER].count == 0 && authority->count == 2 + 2 * proofs.count &&
	       soa_is(authority, version) && proofs_are(&proofs, authority, version);
}

static bool referral_is(const struct message *m, const struct churn_question *q, uint32_t version)
{
	const struct records *authority = &m->sections[SECTION_AUTHORITY],
			     *additional = &m->sections[SECTION_ADDITIONAL];
	struct proofs proofs = {0};

	proofs_choose(&proofs, q, KIND_CUT, version);
	return m->flags == DNS_QR && m->sections[SECTION_ANSWER].count == 0 &&
	       authority->count == 1 + 2 * proofs.count &&
	       record_find(authority, q->qname, q->qname_size, RR_NS) &&
	       proofs_are(&proofs, authority, version) && additional->count == 1 &&
	       load32(additional->list[0].rdata) == name_address(q->name, version);
}

static bool host_is(const struct message *m, const struct churn_question *q, uint32_t version)
{
	const struct records *answer = &m->sections[SECTION_ANSWER];
	const struct record *a = record_signed(answer, q->qname, q->qname_size, RR_A);

	return m->flags == (DNS_QR | DNS_AA) && answer->count == 2 &&
	       m->sections[SECTION_AUTHORITY].count == 0 && a &&
	       load32(a->rdata) == name_address(q->name, version);
}

static bool signed_is(const struct message *m, const struct churn_question *q, uint32_t version)
{
	enum churn_kind kind = question_kind(q, version);

	if (kind == KIND_APEX)
		return m->flags == (DNS_QR | DNS_AA) && m->sections[SECTION_ANSWER].count == 2 &&
		       soa_is(&m->sections[SECTION_ANSWER], version);
	if (kind == KIND_CUT)
		return referral_is(m, q, version);
	if (kind == KIND_HOST && q->type == RR_A)
		return host_is(m, q, version);
	return negative_is(m, q, kind, version);
}

bool churn_reply_is(
	const struct churn_question *q, uint32_t version, const uint8_t *dns, size_t size)
{
	struct message m;
	char error[200];
	bool is;

	if (chain.signing.denial == ZONE_UNSIGNED)
		return plain_is(q, version, dns, size);
	is = !message_read(&m, dns, size, error, sizeof(error)) && signed_is(&m, q, version);
	message_free(&m);
	return is;
}
