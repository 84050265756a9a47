/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "tests/host/plain.h"
#include "answer/answer.h"
#include "tests/host/ask.h"
#include "tests/host/wire.h"
#include "dataset.h"

#define TTL       3600
#define NAME_SIZE 64
#define DS_DIGEST 32

const char *const question_names[QUESTIONS] = {
	[QUESTION_HIT] = "hit",
	[QUESTION_REFERRAL] = "referral",
	[QUESTION_NODATA] = "nodata",
	[QUESTION_NXDOMAIN] = "nxdomain",
	[QUESTION_WILDCARD] = "wildcard",
};

static void wire_put_label(struct wire *w, const char *label)
{
	wire_put8(w, (uint8_t)strlen(label));
	wire_put(w, label, strlen(label));
}

/* `kind`, a scrambled number and `end`: distinct for distinct numbers. */
static void wire_put_ended(struct wire *w, char kind, uint32_t number, char end)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t scrambled = number * 2654435761u;
	char label[11] = {kind};

	for (int i = 0; i < 8; i++)
		label[1 + i] = digits[scrambled >> (28 - 4 * i) & 15];
	label[9] = end;
	wire_put_label(w, label);
}

static void wire_put_numbered(struct wire *w, char kind, uint32_t number)
{
	wire_put_ended(w, kind, number, 0);
}

static void wire_put_origin(struct wire *w, uint32_t zone)
{
	char label[16];

	snprintf(label, sizeof(label), "z%u", zone);
	wire_put_label(w, label);
	wire_put_label(w, "bench");
	wire_put_label(w, "example");
	wire_put8(w, 0);
}

static uint32_t dataset_cuts(const struct dataset *d)
{
	return d->hosts / 4 ? d->hosts / 4 : 1;
}

/* ---- zones ---- */

static int add(struct zone_builder *builder, const struct wire *owner, uint16_t type,
	const struct wire *rdata)
{
	return zone_builder_add(builder, &(struct zone_record){.owner = owner->bytes,
						 .owner_size = (uint16_t)owner->size,
						 .rdata = rdata->bytes,
						 .rdata_size = (uint16_t)rdata->size,
						 .ttl = TTL,
						 .type = type,
						 .class = CLASS_IN});
}

static int add_address(struct zone_builder *builder, const struct wire *owner, uint32_t address)
{
	uint8_t bytes[4];
	struct wire rdata = {.bytes = bytes};

	wire_put32(&rdata, 0x0a000000 | (address & 0xffffff));
	return add(builder, owner, 1, &rdata);
}

/* SOA and NS at the apex, and the name server's address. */
static int add_apex(struct zone_builder *builder, uint32_t zone)
{
	uint8_t origin_bytes[NAME_SIZE], server_bytes[NAME_SIZE], soa_bytes[2 * NAME_SIZE + 20];
	struct wire origin = {.bytes = origin_bytes}, server = {.bytes = server_bytes},
		    soa = {.bytes = soa_bytes};
	int err;

	wire_put_origin(&origin, zone);
	wire_put_label(&server, "ns1");
	wire_put_origin(&server, zone);
	wire_put(&soa, server.bytes, server.size);
	wire_put_label(&soa, "hostmaster");
	wire_put_origin(&soa, zone);
	wire_put32(&soa, 1);
	wire_put32(&soa, 7200);
	wire_put32(&soa, 900);
	wire_put32(&soa, 1209600);
	wire_put32(&soa, 300);
	err = add(builder, &origin, TYPE_SOA, &soa);
	if (!err)
		err = add(builder, &origin, TYPE_NS, &server);
	if (!err)
		err = add_address(builder, &server, 1);
	return err;
}

/* RFC 4034 section 5.1 */
static int add_ds(struct zone_builder *builder, const struct wire *cut, uint32_t number)
{
	uint8_t bytes[4 + DS_DIGEST], digest[DS_DIGEST] = {0};
	struct wire rdata = {.bytes = bytes};

	memcpy(digest, &number, sizeof(number));
	wire_put16(&rdata, (uint16_t)number);
	wire_put8(&rdata, 13);
	wire_put8(&rdata, 2);
	wire_put(&rdata, digest, sizeof(digest));
	return add(builder, cut, RR_DS, &rdata);
}

static int add_cut(
	struct zone_builder *builder, const struct dataset *d, uint32_t zone, uint32_t number)
{
	uint8_t cut_bytes[NAME_SIZE], server_bytes[NAME_SIZE];
	struct wire cut = {.bytes = cut_bytes}, server = {.bytes = server_bytes};
	int err;

	wire_put_numbered(&cut, 'd', number);
	wire_put_origin(&cut, zone);
	wire_put_label(&server, "ns1");
	wire_put(&server, cut.bytes, cut.size);
	err = add(builder, &cut, TYPE_NS, &server);
	if (!err && d->secure)
		err = add_ds(builder, &cut, number);
	if (!err)
		err = add_address(builder, &server, number);
	return err;
}

static int build_plain(const struct dataset *d, uint32_t zone, struct zone **built)
{
	uint8_t bytes[NAME_SIZE];
	struct wire origin = {.bytes = bytes};
	struct zone_builder *builder;
	int err;

	wire_put_origin(&origin, zone);
	err = zone_builder_new(&builder, origin.bytes, &(struct zone_limits){0});
	if (err)
		return err;
	err = add_apex(builder, zone);
	for (uint32_t i = 0; i < d->hosts && !err; i++) {
		uint8_t host_bytes[NAME_SIZE];
		struct wire host = {.bytes = host_bytes};

		if (d->wildcards)
			wire_put_label(&host, "*");
		wire_put_numbered(&host, 'h', i);
		wire_put_origin(&host, zone);
		err = add_address(builder, &host, i);
	}
	for (uint32_t i = 0; i < dataset_cuts(d) && !err; i++)
		err = add_cut(builder, d, zone, i);
	if (!err)
		err = zone_builder_finish(builder, built);
	zone_builder_free(builder);
	return err;
}

static int build_zone(const struct dataset *d, uint32_t zone, struct zone **built)
{
	struct zone *plain = NULL;
	int err = build_plain(d, zone, &plain);

	if (!err)
		err = zone_sign(built, plain, &d->signing);
	zone_free(plain);
	return err;
}

int dataset_publish(const struct dataset *d, struct image *image)
{
	int err = 0;

	for (uint32_t i = 0; i < d->zones && !err; i++) {
		struct compiled *compiled = NULL;
		struct zone *zone = NULL;

		err = build_zone(d, i, &zone);
		if (!err)
			err = compile_zone(&compiled, zone);
		if (!err)
			err = image_zone_add(image, zone_origin(zone));
		if (!err)
			err = image_zone_publish(image, compiled, UINT64_MAX, NULL);
		compiled_free(compiled);
		zone_free(zone);
	}
	return err ? err : image_settle(image);
}

/* ---- questions ---- */

static void put_question_name(
	const struct dataset *d, enum question question, uint64_t number, struct wire *w)
{
	uint32_t zone = (uint32_t)(number % d->zones), i = (uint32_t)(number / d->zones);

	switch (question) {
	case QUESTION_REFERRAL:
		wire_put_label(w, "www");
		wire_put_numbered(w, 'd', i % dataset_cuts(d));
		break;
	case QUESTION_NXDOMAIN: /* behind a host: all over the chain of denials */
		wire_put_ended(w, 'h', i % d->hosts, 'x');
		break;
	case QUESTION_WILDCARD:
		wire_put_label(w, "any");
		/* fallthrough */
	default:
		wire_put_numbered(w, 'h', i % d->hosts);
	}
	wire_put_origin(w, zone);
}

/* ---- cookies ---- */

static const uint64_t secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void dataset_settings(struct settings_area *area)
{
	struct settings_edns *edns = &area->block[0].edns;

	ask_settings(area);
	edns->cookie = EDNS_ANSWER;
	edns->wall = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < (int)SETTINGS_SECRETS; i++)
		memcpy(edns->secrets[i], secret, sizeof(secret));
}

/* A good one for the client that ask_frame() is. */
static void put_cookie(struct wire *w, uint64_t client_cookie)
{
	static const uint8_t client[4] = ASK_CLIENT;
	uint64_t second = cookie_second((uint32_t)time(NULL));
	struct query q = {0};

	memcpy(q.client, client, sizeof(client));
	cookie_hash(&q, client_cookie, second, secret[0], secret[1]);
	wire_put16(w, 10);
	wire_put16(w, COOKIE_SIZE);
	wire_put(w, &client_cookie, 8);
	wire_put(w, &second, 8);
	wire_put(w, &q.hash, 8);
}

void dataset_question(const struct dataset *d, const struct asking *asking, uint64_t number,
	struct core_packet *packet)
{
	uint8_t bytes[NAME_SIZE], options[COOKIE_OPTION];
	struct wire name = {.bytes = bytes}, option = {.bytes = options};

	put_question_name(d, asking->question, number, &name);
	if (asking->cookie)
		put_cookie(&option, number);
	packet->length = (u8)ask_frame(&(struct ask){.name = name.bytes,
					       .name_size = name.size,
					       .type = asking->question == QUESTION_NODATA ? 28 : 1,
					       .id = (uint16_t)number,
					       .port = (uint16_t)(1024 + number % 60000),
					       .ipv6 = asking->ipv6,
					       .edns = true,
					       .options = option.bytes,
					       .options_size = option.size},
		packet->frame, sizeof(packet->frame));
}

/* What stands in the header of a reply to each question; of signed zones the least and the most
 * denials that it comes with (one may serve for two). */
static const struct {
	uint16_t flags, answers, authority, additional;
	uint16_t nsec_least, nsec_most, nsec3_least, nsec3_most;
} replies[QUESTIONS] = {
	[QUESTION_HIT] = {DNS_QR | DNS_AA, 1, 0, 1, 0, 0, 0, 0},
	[QUESTION_REFERRAL] = {DNS_QR, 0, 1, 2, 1, 1, 1, 2},
	[QUESTION_NODATA] = {DNS_QR | DNS_AA, 0, 1, 1, 1, 1, 1, 1},
	[QUESTION_NXDOMAIN] = {DNS_QR | DNS_AA | RCODE_NXDOMAIN, 0, 1, 1, 1, 2, 2, 3},
	[QUESTION_WILDCARD] = {DNS_QR | DNS_AA, 1, 0, 1, 1, 1, 1, 1},
};

/* Sets come with one signature each, but for a delegation; proofs with one each. */
static bool counts_fit(
	const struct dataset *d, enum question question, uint16_t answers, uint16_t authority)
{
	uint32_t signatures = d->signing.denial != ZONE_UNSIGNED;
	uint32_t plain = replies[question].authority, least = replies[question].nsec_least,
		 most = replies[question].nsec_most;

	if (d->signing.denial == ZONE_NSEC3) {
		least = replies[question].nsec3_least;
		most = replies[question].nsec3_most;
	}
	if (!signatures)
		least = most = 0;
	if (question != QUESTION_REFERRAL)
		plain <<= signatures;
	return answers == replies[question].answers << signatures &&
	       authority >= plain + 2 * least && authority <= plain + 2 * most;
}

bool dataset_reply_fits(
	const struct dataset *d, const struct asking *asking, const uint8_t *frame, size_t size)
{
	size_t at = ask_message_at(asking->ipv6);
	const uint8_t *dns = frame + at;

	if (size < at + sizeof(struct dns) + COOKIE_OPTION)
		return false;
	/* the OPT is last */
	if (asking->cookie && memcmp(frame + size - COOKIE_OPTION, (uint8_t[]){0, 10, 0, 24}, 4))
		return false;
	return (dns[2] << 8 | dns[3]) == replies[asking->question].flags &&
	       (dns[10] << 8 | dns[11]) == replies[asking->question].additional &&
	       counts_fit(d, asking->question, (uint16_t)(dns[6] << 8 | dns[7]),
		       (uint16_t)(dns[8] << 8 | dns[9]));
}
