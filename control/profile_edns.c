/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/profile_edns.h"

#include <errno.h>
#include <string.h>

#include "answer/packet.h"

#define OPT_FIXED  11
#define NSID       3
#define SUBNET     8
#define COOKIE     10
#define COOKIE_OUR 24 /* RFC 9018's, with the client's part */

/* The OPT of an answer, and what was said besides. */
struct heard {
	uint16_t flags; /* of the header */
	uint16_t rcode; /* the extended one */
	bool does;      /* DO */
	uint16_t answers;
	const uint8_t *options;
	size_t size;
};

static uint16_t number(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

size_t profile_edns_query(
	uint8_t opt[static PROFILE_OPT_MAX], enum profile_ask ask, const uint8_t cookie[8])
{
	static const uint8_t head[OPT_FIXED] = {0, 0, TYPE_OPT, 0x04, 0xd0};
	static const uint8_t options[] = {0, NSID, 0, 0, 0, SUBNET, 0, 4, 0, 1, 0, 0};
	size_t size = OPT_FIXED;

	memcpy(opt, head, OPT_FIXED);
	if (ask == PROFILE_ASK_OPTIONS) {
		memcpy(opt + size, options, sizeof(options));
		size += sizeof(options);
	} else if (ask == PROFILE_ASK_COOKIE) {
		memcpy(opt + size, (uint8_t[]){0, COOKIE, 0, 8}, 4);
		memcpy(opt + size + 4, cookie, 8);
		size += 12;
	} else if (ask == PROFILE_ASK_VERSION) {
		opt[6] = 1;
		opt[7] = EDNS_DO >> 8;
	}
	opt[OPT_FIXED - 1] = (uint8_t)(size - OPT_FIXED);
	return size;
}

/* Behind a name; 0 if it ends beyond `size`. */
static size_t name_end(const uint8_t *message, size_t at, size_t size)
{
	for (; at < size && message[at]; at += message[at] + 1u)
		if (message[at] >= 0xc0)
			return at + 2 <= size ? at + 2 : 0;
	return at < size ? at + 1 : 0;
}

/* Every record up to the OPT. */
static int answer_read(const uint8_t *answer, size_t size, struct heard *heard)
{
	size_t at = sizeof(struct dns), records;

	*heard = (struct heard){0};
	if (size < at)
		return -EBADMSG;
	heard->flags = number(answer + 2);
	heard->answers = number(answer + 6);
	records = (size_t)heard->answers + number(answer + 8) + number(answer + 10);
	if (number(answer + 4) != 1 || !(at = name_end(answer, at, size)))
		return -EBADMSG;
	at += 4;
	for (; records; records--) {
		size_t fixed = name_end(answer, at, size), length;

		if (!fixed || fixed + 10 > size)
			return -EBADMSG;
		length = number(answer + fixed + 8);
		if (length > size - fixed - 10)
			return -EBADMSG;
		if (number(answer + fixed) == TYPE_OPT) {
			heard->rcode =
				(uint16_t)(answer[fixed + 4] << 4 | (heard->flags & DNS_RCODE));
			heard->does = answer[fixed + 6] & EDNS_DO >> 8;
			heard->options = answer + fixed + 10;
			heard->size = length;
			return 0;
		}
		at = fixed + 10 + length;
	}
	return -EBADMSG;
}

/* The option's octets and their number, or NULL. `others`: how many other options there are. */
static const uint8_t *option_find(
	const struct heard *heard, uint16_t code, size_t *length, size_t *others)
{
	const uint8_t *found = NULL;

	*others = 0;
	for (size_t at = 0; at + 4 <= heard->size;) {
		size_t n = number(heard->options + at + 2);

		if (n > heard->size - at - 4)
			return NULL;
		if (number(heard->options + at) == code) {
			found = heard->options + at + 4;
			*length = n;
		} else {
			++*others;
		}
		at += 4 + n;
	}
	return found;
}

static bool is_answer(const struct heard *heard)
{
	return heard->rcode == RCODE_NOERROR && heard->flags & DNS_AA && heard->answers;
}

static void options_tell(const struct heard *heard, struct settings_profile_edns *told)
{
	size_t length = 0, others;
	const uint8_t *nsid = option_find(heard, NSID, &length, &others);

	told->nsid = told->subnet = EDNS_PASS;
	if (!is_answer(heard))
		return;
	told->nsid = EDNS_IGNORE;
	if (nsid) {
		told->nsid = length && length <= SETTINGS_NSID_MAX ? EDNS_ANSWER : EDNS_PASS;
		told->nsid_length = told->nsid == EDNS_ANSWER ? (uint8_t)length : 0;
		memcpy(told->nsid_text, nsid, told->nsid_length);
	}
	told->subnet = others ? EDNS_PASS : EDNS_IGNORE;
}

static void cookie_tell(const struct heard *heard, const uint8_t cookie[8],
	const struct address *client, struct settings_profile_edns *told)
{
	size_t length = 0, others;
	const uint8_t *made = option_find(heard, COOKIE, &length, &others);

	told->cookie = EDNS_PASS;
	told->adopted = false;
	if (!made && is_answer(heard)) {
		told->cookie = EDNS_IGNORE;
	} else if (made && length == COOKIE_OUR && memcmp(made, cookie, 8) == 0) {
		memcpy(told->made, made, COOKIE_OUR);
		told->client = *client;
		if (is_answer(heard))
			told->cookie = EDNS_ANSWER;
		else if (heard->rcode == RCODE_BADCOOKIE && !(heard->flags & DNS_AA) &&
			 !heard->answers)
			told->cookie = EDNS_REQUIRE;
	}
}

static void version_tell(const struct heard *heard, struct settings_profile_edns *told)
{
	bool plain = heard->rcode == RCODE_BADVERS && !(heard->flags & DNS_AA) && !heard->answers &&
		     heard->size == 0;

	told->version = plain ? EDNS_ANSWER : EDNS_PASS;
	told->version_do = plain && heard->does;
}

int profile_edns_answer(const uint8_t *answer, size_t size, enum profile_ask ask,
	const uint8_t cookie[8], const struct address *client, struct settings_profile_edns *told)
{
	struct heard heard;
	int r = answer_read(answer, size, &heard);

	if (r < 0)
		return r;
	if (ask == PROFILE_ASK_OPTIONS)
		options_tell(&heard, told);
	else if (ask == PROFILE_ASK_COOKIE)
		cookie_tell(&heard, cookie, client, told);
	else if (ask == PROFILE_ASK_VERSION)
		version_tell(&heard, told);
	return 0;
}
