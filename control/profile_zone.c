/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/profile_zone.h"

#include <errno.h>
#include <string.h>

#include "control/zone/message.h"

#define RCODE_YX     6
#define CLASS_CH     3
#define TYPE_ANY_RR  255
#define HEADER_RD    0x0100
#define HEADER_CD    0x0010
#define OPT_PLAIN    11 /* octets */
#define OUR_SIZE     1232
#define EDNS_DO_HIGH 0x80

/* What an answer holds, counted. */
struct heard {
	struct message message;
	uint16_t flags;                   /* of the header */
	unsigned answers, cnames, dnames; /* in the answer section */
	unsigned soas, ns, ds, authority; /* in the authority section */
	uint32_t soa_ttl;
	uint16_t answer_type;          /* of the first */
	bool one_type;                 /* no other in the answer */
	size_t ns_owner;               /* octets of the last NS's owner */
	uint8_t target[NAME_MAX_SIZE]; /* of the CNAME, folded */
	bool covered;                  /* an NSEC denies it */
	bool opt, options;             /* an OPT; with options, or an extended rcode */
	uint64_t order;    /* hash of the answer's RDATA, one after the other; never 0 */
	uint8_t text[256]; /* RDATA of the last answer, if not longer */
	size_t text_size;
	uint32_t ttl; /* of the last answer */
	uint16_t class;
};

static const char *const chaos_names[CHAOS_NAMES] = {[CHAOS_ID_SERVER] = "id.server.",
	[CHAOS_HOSTNAME_BIND] = "hostname.bind.",
	[CHAOS_VERSION_SERVER] = "version.server.",
	[CHAOS_VERSION_BIND] = "version.bind."};

/* By kind: the type asked for, whether EDNS is, and the points that the answer settles. */
static const struct {
	uint16_t type;
	bool edns;
	uint32_t passes, ways;
} kinds[SPECIMEN_KINDS] = {
	[SPECIMEN_ABSENT] = {RR_SOA, false, SETTINGS_SOA_PASS, SETTINGS_SOA_ZERO},
	[SPECIMEN_BARE] = {RR_SOA, false, SETTINGS_SOA_NODATA_PASS, SETTINGS_SOA_NODATA_ZERO},
	[SPECIMEN_LONG] = {RR_A, true, SETTINGS_YXDOMAIN_PASS | SETTINGS_YXDOMAIN_EDNS_PASS, 0},
	[SPECIMEN_DNAME] = {RR_A, false, SETTINGS_DNAME_PASS, 0},
	[SPECIMEN_DENIED] = {RR_A, true, SETTINGS_DNAME_NSEC_PASS, 0},
	[SPECIMEN_ALIAS_OUT] = {RR_A, false, SETTINGS_CHAINS_PASS, 0},
	[SPECIMEN_STAR_ALIAS] = {RR_CNAME, false, SETTINGS_STAR_CNAME_PASS, 0},
	[SPECIMEN_SECURE] = {RR_A, false, SETTINGS_DS_PASS, SETTINGS_DS_PLAIN},
	[SPECIMEN_GLUE] = {RR_A, false, 0, SETTINGS_GLUE_TC},
	[SPECIMEN_NESTED] = {RR_A, false, SETTINGS_NESTED_PASS, 0},
	[SPECIMEN_MANY] = {TYPE_ANY_RR, false, 0, SETTINGS_ANY_TC | SETTINGS_ANY_LOWEST},
	[SPECIMEN_PARAM] = {RR_NSEC3PARAM, false, SETTINGS_PARAM_PASS, 0},
	[SPECIMEN_SET] = {RR_A, false, 0, SETTINGS_ROTATE},
};

static size_t query_write(uint8_t *query, const uint8_t *name, size_t size, uint16_t type,
	uint16_t class, uint16_t id)
{
	memset(query, 0, MESSAGE_HEADER_SIZE);
	memcpy(query, &id, sizeof(id));
	query[5] = 1;
	memcpy(query + MESSAGE_HEADER_SIZE, name, size);
	size += MESSAGE_HEADER_SIZE;
	memcpy(query + size,
		(uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(class >> 8),
			(uint8_t) class},
		4);
	return size + 4;
}

static size_t opt_write(uint8_t *query, size_t size)
{
	static const uint8_t opt[OPT_PLAIN] = {0, 0, RR_OPT, OUR_SIZE >> 8, OUR_SIZE & 0xff};

	query[11] = 1;
	memcpy(query + size, opt, sizeof(opt));
	return size + sizeof(opt);
}

size_t profile_specimen_query(uint8_t query[static PROFILE_QUERY_MAX],
	const struct specimen *specimen, enum specimen_kind kind, uint16_t id)
{
	size_t size = query_write(
		query, specimen->name, specimen->name_size, kinds[kind].type, RR_CLASS_IN, id);

	if (!kinds[kind].edns)
		return size;
	size = opt_write(query, size);
	if (kind == SPECIMEN_DENIED)
		query[size - 4] = EDNS_DO_HIGH;
	return size;
}

size_t profile_chaos_query(
	uint8_t query[static PROFILE_QUERY_MAX], enum settings_chaos_name name, uint16_t id)
{
	uint8_t wire[NAME_MAX_SIZE];
	int size = name_from_text(wire, chaos_names[name]);
	size_t at = query_write(query, wire, (size_t)size, RR_TXT, CLASS_CH, id);

	query[2] = HEADER_RD >> 8;
	query[3] = HEADER_CD;
	return opt_write(query, at);
}

static void answer_count(struct heard *heard, const struct message_record *record)
{
	if (!heard->answers++) {
		heard->answer_type = record->type;
		heard->one_type = true;
	}
	heard->one_type &= record->type == heard->answer_type;
	if (record->type == RR_CNAME && record->rdata_size <= sizeof(heard->target)) {
		heard->cnames++;
		name_fold(heard->target, record->rdata, record->rdata_size);
	}
	heard->dnames += record->type == RR_DNAME;
	heard->ttl = record->ttl;
	heard->class = record->class;
	heard->text_size = 0;
	if (record->rdata_size <= sizeof(heard->text)) {
		heard->text_size = record->rdata_size;
		memcpy(heard->text, record->rdata, record->rdata_size);
	}
	for (size_t i = 0; i < record->rdata_size; i++)
		heard->order = (heard->order ^ record->rdata[i]) * 0x100000001b3u;
	heard->order |= 1;
}

/* RFC 4034 section 4.1.1: the last NSEC leads back to the apex. */
static bool nsec_covers(const struct message_record *record, const uint8_t *name)
{
	uint8_t owner[NAME_MAX_SIZE], next[NAME_MAX_SIZE];
	int size = name_check(record->rdata, record->rdata_size);

	if (size < 0)
		return false;
	name_fold(owner, record->owner, record->owner_size);
	name_fold(next, record->rdata, (size_t)size);
	return name_compare(owner, name, NULL) < 0 &&
	       (name_compare(name, next, NULL) < 0 || name_compare(next, owner, NULL) <= 0);
}

static void record_count(struct heard *heard, const struct message_record *record)
{
	if (record->section == MESSAGE_ANSWER) {
		answer_count(heard, record);
	} else if (record->section == MESSAGE_AUTHORITY) {
		heard->authority++;
		heard->ds += record->type == RR_DS;
		if (record->type == RR_SOA) {
			heard->soas++;
			heard->soa_ttl = record->ttl;
		} else if (record->type == RR_NSEC) {
			heard->covered |= heard->cnames && nsec_covers(record, heard->target);
		} else if (record->type == RR_NS) {
			heard->ns++;
			heard->ns_owner = record->owner_size;
		}
	} else if (record->type == RR_OPT) {
		heard->opt = true;
		heard->options = record->rdata_size || record->ttl >> 24;
	}
}

/* Reads all of it, if it answers this question. */
static int heard_read(struct heard *heard, const uint8_t *answer, size_t size, const uint8_t *name,
	uint16_t type, uint16_t class)
{
	static struct message_record record; /* the loop thread's; too large for a stack */
	uint8_t folded[NAME_MAX_SIZE];
	int r;

	*heard = (struct heard){.order = 0xcbf29ce484222325u};
	r = message_open(&heard->message, answer, size);
	if (r < 0)
		return r;
	name_fold(folded, name, name_size(name));
	if (!heard->message.response || heard->message.opcode || !heard->message.has_question ||
		!name_equal(heard->message.question, folded) ||
		heard->message.question_type != type || heard->message.question_class != class)
		return -EBADMSG;
	heard->flags = (uint16_t)(answer[2] << 8 | answer[3]);
	while ((r = message_next(&heard->message, &record)) > 0)
		record_count(heard, &record);
	return r;
}

/* Authoritative, whole. */
static bool is_good(const struct heard *heard)
{
	return heard->message.authoritative && !heard->message.truncated;
}

/* One CNAME and nothing that would mean that it was followed. The zone's own NS may stand beside
 * it. */
static bool is_alias_alone(const struct heard *heard)
{
	return is_good(heard) && heard->message.rcode == RCODE_NOERROR && heard->answers == 1 &&
	       heard->cnames == 1 && !heard->soas && heard->authority == heard->ns;
}

/* Nothing but a delegation. */
static bool is_referral(const struct heard *heard)
{
	return !heard->message.authoritative && !heard->message.truncated &&
	       heard->message.rcode == RCODE_NOERROR && !heard->answers && heard->ns &&
	       !heard->soas;
}

static void absent_tell(const struct heard *heard, enum specimen_kind kind, uint32_t ttl,
	struct settings_profile *told)
{
	uint8_t rcode = kind == SPECIMEN_ABSENT ? RCODE_NXDOMAIN : RCODE_NOERROR;

	if (!is_good(heard) || heard->answers || heard->soas != 1 ||
		heard->message.rcode != rcode || (heard->soa_ttl && heard->soa_ttl != ttl))
		return;
	told->settled |= kinds[kind].passes;
	told->ways |= heard->soa_ttl ? 0 : kinds[kind].ways;
}

static void long_tell(const struct heard *heard, struct settings_profile *told)
{
	if (!is_good(heard) || heard->message.rcode != RCODE_YX || heard->answers != 1 ||
		heard->dnames != 1 || heard->authority || !heard->opt)
		return;
	told->settled |= SETTINGS_YXDOMAIN_PASS;
	told->settled |= heard->options ? 0 : SETTINGS_YXDOMAIN_EDNS_PASS;
}

static void any_tell(const struct heard *heard, uint32_t lowest, struct settings_profile *told)
{
	if (heard->message.rcode != RCODE_NOERROR || !heard->message.authoritative ||
		heard->authority)
		return;
	if (heard->message.truncated)
		told->ways |= heard->answers ? 0 : SETTINGS_ANY_TC;
	else if (heard->one_type && heard->answer_type == lowest)
		told->ways |= SETTINGS_ANY_LOWEST;
}

void profile_specimen_forget(struct settings_profile *told, enum specimen_kind kind)
{
	told->settled &= ~kinds[kind].passes;
	told->ways &= ~kinds[kind].ways;
}

void profile_specimen_join(struct settings_profile *told, const struct settings_profile *one,
	enum specimen_kind kind, bool first)
{
	uint32_t passes = kinds[kind].passes, ways = kinds[kind].ways;

	if (first) {
		profile_specimen_forget(told, kind);
		told->settled |= one->settled & passes;
		told->ways |= one->ways & ways;
	} else if ((told->ways ^ one->ways) & ways) {
		profile_specimen_forget(told, kind);
	} else {
		told->settled &= one->settled | ~passes;
	}
}

/* A server that can't or won't answer, answers for another zone than the specimen's, or has no room
 * for it, tells nothing. */
static bool is_telling(const struct heard *heard, enum specimen_kind kind)
{
	bool cut = kind == SPECIMEN_SECURE || kind == SPECIMEN_GLUE || kind == SPECIMEN_NESTED;
	bool roomy = kind == SPECIMEN_GLUE || kind == SPECIMEN_MANY;
	uint8_t rcode = heard->message.rcode;

	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN && rcode != RCODE_YX)
		return false;
	return heard->message.authoritative != cut && (roomy || !heard->message.truncated);
}

int profile_specimen_answer(const uint8_t *answer, size_t size, const struct specimen *specimen,
	enum specimen_kind kind, uint64_t *order, struct settings_profile *told)
{
	struct heard heard;
	int r = heard_read(&heard, answer, size, specimen->name, kinds[kind].type, RR_CLASS_IN);

	if (r < 0)
		return r;
	if (!is_telling(&heard, kind))
		return -EAGAIN;
	switch (kind) {
	case SPECIMEN_ABSENT:
	case SPECIMEN_BARE:
		absent_tell(&heard, kind, specimen->expect, told);
		break;
	case SPECIMEN_LONG:
		long_tell(&heard, told);
		break;
	case SPECIMEN_DNAME:
		if (is_good(&heard) && heard.dnames && heard.cnames)
			told->settled |= SETTINGS_DNAME_PASS;
		break;
	case SPECIMEN_DENIED:
		if (is_good(&heard) && heard.message.rcode == RCODE_NXDOMAIN && heard.dnames &&
			heard.covered)
			told->settled |= SETTINGS_DNAME_NSEC_PASS;
		break;
	case SPECIMEN_GLUE:
		if (!heard.message.rcode && !heard.answers && heard.ns && heard.message.truncated)
			told->ways |= SETTINGS_GLUE_TC;
		break;
	case SPECIMEN_ALIAS_OUT:
		if (is_alias_alone(&heard))
			told->settled |= SETTINGS_CHAINS_PASS;
		break;
	case SPECIMEN_STAR_ALIAS:
		if (is_alias_alone(&heard))
			told->settled |= SETTINGS_STAR_CNAME_PASS;
		break;
	case SPECIMEN_SECURE:
		if (is_referral(&heard)) {
			told->settled |= SETTINGS_DS_PASS;
			told->ways |= heard.ds ? SETTINGS_DS_PLAIN : 0;
		}
		break;
	case SPECIMEN_NESTED:
		if (is_referral(&heard) && heard.ns_owner == specimen->expect)
			told->settled |= SETTINGS_NESTED_PASS;
		break;
	case SPECIMEN_MANY:
		any_tell(&heard, specimen->expect, told);
		break;
	case SPECIMEN_PARAM:
		if (is_good(&heard) && heard.answers && heard.one_type &&
			heard.answer_type == RR_NSEC3PARAM && heard.ttl == specimen->expect)
			told->settled |= SETTINGS_PARAM_PASS;
		break;
	case SPECIMEN_SET:
		if (*order && heard.order != *order)
			told->ways |= SETTINGS_ROTATE;
		*order = heard.order;
		break;
	case SPECIMEN_KINDS:
		break;
	}
	return 0;
}

/* One string in one record, or an error and nothing else; with the flags that the core would set.
 * Anything else is the server's. */
int profile_chaos_answer(const uint8_t *answer, size_t size, enum settings_chaos_name name,
	struct settings_profile *told)
{
	struct settings_chaos *chaos = &told->chaos[name];
	uint8_t wire[NAME_MAX_SIZE];
	struct heard heard;
	unsigned length;
	int r;

	*chaos = (struct settings_chaos){.action = EDNS_PASS};
	name_from_text(wire, chaos_names[name]);
	r = heard_read(&heard, answer, size, wire, RR_TXT, CLASS_CH);
	if (r < 0)
		return r;
	if ((heard.flags & 0x03f0) != (told->copy_flags & (HEADER_RD | HEADER_CD)) || !heard.opt ||
		heard.options || heard.authority)
		return 0;
	if (heard.message.rcode) {
		chaos->action = heard.answers ? EDNS_PASS : EDNS_ANSWER;
	} else {
		length = heard.text_size ? heard.text[0] : 0;
		if (heard.answers != 1 || heard.answer_type != RR_TXT || heard.class != CLASS_CH ||
			!length || length > SETTINGS_CHAOS_MAX || heard.text_size != length + 1)
			return 0;
		chaos->action = EDNS_ANSWER;
		chaos->length = (uint8_t)length;
		memcpy(chaos->text, heard.text + 1, length);
		chaos->ttl = heard.ttl;
	}
	chaos->rcode = heard.message.rcode;
	chaos->authoritative = heard.message.authoritative;
	return 0;
}
