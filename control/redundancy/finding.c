/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/redundancy/finding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/health/address.h"
#include "control/health/bird_show.h"

static const struct {
	const char *name;
	enum finding_grade grade;
} kinds[] = {
	[FINDING_ALL_DOWN] = {"all-down", FINDING_DEAD},
	[FINDING_DOWN] = {"down", FINDING_BAD},
	[FINDING_LAME] = {"lame", FINDING_BAD},
	[FINDING_NO_UDP] = {"no-udp", FINDING_BAD},
	[FINDING_NO_TCP] = {"no-tcp", FINDING_BAD},
	[FINDING_NO_ADDRESS] = {"no-address", FINDING_BAD},
	[FINDING_SERIALS] = {"serials", FINDING_BAD},
	[FINDING_NS_SET] = {"ns-set", FINDING_BAD},
	[FINDING_ALIAS] = {"alias", FINDING_WEAK},
	[FINDING_ONE_SERVER] = {"one-server", FINDING_WEAK},
	[FINDING_SAME_PREFIX] = {"same-prefix", FINDING_WEAK},
	[FINDING_SAME_ORIGIN] = {"same-origin", FINDING_WEAK},
	[FINDING_SAME_SITE] = {"same-site", FINDING_WEAK},
	[FINDING_ONE_NODE] = {"one-node", FINDING_WEAK},
	[FINDING_FEW_PATHS] = {"few-paths", FINDING_WEAK},
	[FINDING_UNTESTED] = {"untested", FINDING_NOTE},
};

/* What the networks of others take as a route: no longer than this. */
#define PREFIX4 24
#define PREFIX6 48

struct judge {
	struct finding_list *list;
	const struct survey *survey;
	const struct finding_options *options;
	bool failed; /* out of memory */
};

const char *finding_name(enum finding_kind kind)
{
	return kinds[kind].name;
}

enum finding_grade finding_grade(enum finding_kind kind)
{
	return kinds[kind].grade;
}

enum finding_kind finding_parse(const char *name, size_t length)
{
	enum finding_kind kind = 0;

	while (kind < FINDING_KINDS && (strlen(kinds[kind].name) != length ||
					       strncmp(kinds[kind].name, name, length) != 0))
		kind++;
	return kind;
}

void finding_free(struct finding_list *list)
{
	free(list->items);
	list->items = NULL;
	list->count = 0;
}

static void __attribute__((format(printf, 3, 4)))
found(struct judge *judge, enum finding_kind kind, const char *format, ...)
{
	struct finding_list *list = judge->list;
	struct finding *longer;
	va_list args;

	if (judge->options->accepted & UINT32_C(1) << kind)
		return;
	longer = reallocarray(list->items, list->count + 1, sizeof(*longer));
	if (!longer) {
		judge->failed = true;
		return;
	}
	list->items = longer;
	longer += list->count++;
	longer->kind = kind;
	va_start(args, format);
	vsnprintf(longer->text, sizeof(longer->text), format, args);
	va_end(args);
	if (kinds[kind].grade > list->worst)
		list->worst = kinds[kind].grade;
}

/* ---- words ---- */

const char *finding_address(
	char text[static FINDING_ADDRESS], const struct sockaddr_storage *address)
{
	unsigned port = ntohs(address_port(address));
	char bare[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->ss_family, address_bytes(address), bare, sizeof(bare));
	if (port == 53)
		snprintf(text, FINDING_ADDRESS, "%s", bare);
	else
		snprintf(text, FINDING_ADDRESS, "%s#%u", bare, port % 65536);
	return text;
}

const char *finding_nsid(char text[static FINDING_NSID], const uint8_t *nsid, size_t size)
{
	char *to = text;

	for (size_t i = 0; i < size && i < REPLY_NSID; i++) {
		if (nsid[i] > ' ' && nsid[i] < 0x7f && nsid[i] != '\\')
			*to++ = (char)nsid[i];
		else
			to += sprintf(to, "\\x%02x", nsid[i]);
	}
	*to = '\0';
	return text;
}

void finding_site(
	char site[static FINDING_SITE], const regex_t *pattern, const uint8_t *nsid, size_t size)
{
	char text[FINDING_NSID];
	regmatch_t match[2];
	size_t which;

	finding_nsid(text, nsid, size);
	if (!pattern) {
		snprintf(site, FINDING_SITE, "%.70s", text);
		return;
	}
	site[0] = '\0';
	if (regexec(pattern, text, 2, match, 0) != 0)
		return;
	which = pattern->re_nsub > 0 && match[1].rm_so >= 0 ? 1 : 0;
	snprintf(site, FINDING_SITE, "%.*s", (int)(match[which].rm_eo - match[which].rm_so),
		text + match[which].rm_so);
}

/* "ns1.example.com. 192.0.2.1" */
static const char *row_text(
	const struct judge *judge, const struct survey_address *row, char text[static 128])
{
	char name[NAME_TEXT_SIZE], address[FINDING_ADDRESS];

	name_to_text(name, judge->survey->servers[row->server].name);
	snprintf(text, 128, "%.70s %s", name, finding_address(address, &row->addr));
	return text;
}

/* ---- each address ---- */

bool finding_up(const struct survey_address *row)
{
	return row->udp.state == SURVEY_GOOD || row->tcp.state == SURVEY_GOOD;
}

bool finding_untested(const struct survey_address *row)
{
	return row->udp.state == SURVEY_UNTESTED && row->tcp.state == SURVEY_UNTESTED;
}

static bool answers(const struct survey_answer *answer)
{
	return answer->state == SURVEY_GOOD || answer->state == SURVEY_LAME;
}

static void row_judge(struct judge *judge, const struct survey_address *row)
{
	const struct survey_answer *udp = &row->udp, *tcp = &row->tcp;
	char who[128];

	row_text(judge, row, who);
	if (finding_untested(row))
		found(judge, FINDING_UNTESTED, "%s wasn't asked: %s", who, udp->text);
	else if (udp->state == SURVEY_LAME || tcp->state == SURVEY_LAME)
		found(judge, FINDING_LAME, "%s %s%s", who,
			udp->state == SURVEY_LAME ? udp->text : tcp->text,
			udp->state == tcp->state    ? ""
			: udp->state == SURVEY_LAME ? " over UDP"
						    : " over TCP");
	else if (!answers(udp) && !answers(tcp))
		found(judge, FINDING_DOWN, "%s is down: %s over UDP, %s over TCP", who, udp->text,
			tcp->text);
	if (answers(udp) && !answers(tcp))
		found(judge, FINDING_NO_TCP, "%s doesn't answer over TCP: %s", who, tcp->text);
	if (answers(tcp) && !answers(udp))
		found(judge, FINDING_NO_UDP, "%s doesn't answer over UDP: %s", who, udp->text);
	if (row->path.known && row->path.paths < judge->options->paths_min)
		found(judge, FINDING_FEW_PATHS, "%s: %u AS path%s to %s, %u wanted", who,
			row->path.paths, row->path.paths == 1 ? "" : "s", row->path.prefix,
			judge->options->paths_min);
}

static void rows_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	size_t up = 0, tested = 0;

	for (size_t i = 0; i < survey->addresses_count; i++) {
		tested += !finding_untested(&survey->addresses[i]);
		up += finding_up(&survey->addresses[i]);
	}
	if (up == 0 && tested > 0)
		found(judge, FINDING_ALL_DOWN, "no server of the zone answers with authority");
	else if (survey->addresses_count == 0)
		found(judge, FINDING_ALL_DOWN, "no server of the zone has an address");
	for (size_t i = 0; i < survey->addresses_count; i++)
		row_judge(judge, &survey->addresses[i]);
}

/* ---- what they serve ---- */

static void serials_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	const struct survey_answer *newest = NULL, *answer;
	char who[128];

	for (size_t i = 0; i < survey->addresses_count * 2; i++) {
		answer = i % 2 ? &survey->addresses[i / 2].tcp : &survey->addresses[i / 2].udp;
		if (answer->has_serial && answer->state == SURVEY_GOOD &&
			(!newest || survey_serial_newer(answer->serial, newest->serial)))
			newest = answer;
	}
	for (size_t i = 0; newest && i < survey->addresses_count; i++) {
		const struct survey_address *row = &survey->addresses[i];

		answer = &row->udp;
		if (!answer->has_serial || answer->serial == newest->serial)
			answer = &row->tcp;
		if (answer->has_serial && answer->serial != newest->serial)
			found(judge, FINDING_SERIALS, "%s has serial %u, the newest is %u",
				row_text(judge, row, who), answer->serial, newest->serial);
	}
}

static bool listed(const struct survey_address *row, const uint8_t *name)
{
	for (size_t i = 0; i < row->names_count; i++) {
		if (name_equal(row->names[i], name))
			return true;
	}
	return false;
}

/* Each list of NS records against the names that were asked: the resolver's, or the caller's. */
static void names_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	char name[NAME_TEXT_SIZE], who[128];

	for (size_t i = 0; i < survey->addresses_count; i++) {
		const struct survey_address *row = &survey->addresses[i];
		const uint8_t *odd = NULL;
		bool missing = false;

		if (!row->listed || !finding_up(row))
			continue;
		for (size_t j = 0; !odd && j < survey->servers_count; j++) {
			if (!listed(row, survey->servers[j].name)) {
				odd = survey->servers[j].name;
				missing = true;
			}
		}
		for (size_t j = 0; !odd && j < row->names_count; j++) {
			bool asked = false;

			for (size_t k = 0; k < survey->servers_count; k++)
				asked |= name_equal(survey->servers[k].name, row->names[j]);
			if (!asked)
				odd = row->names[j];
		}
		if (odd)
			found(judge, FINDING_NS_SET, "%s %s %.80s as a server of the zone",
				row_text(judge, row, who), missing ? "doesn't name" : "also names",
				name_to_text(name, odd));
	}
}

/* ---- how far they are apart ---- */

static void servers_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	char name[NAME_TEXT_SIZE];

	for (size_t i = 0; i < survey->servers_count; i++) {
		name_to_text(name, survey->servers[i].name);
		if (survey->servers[i].addresses == 0)
			found(judge, FINDING_NO_ADDRESS, "%.100s has no address", name);
		if (survey->servers[i].alias)
			found(judge, FINDING_ALIAS, "%.100s is an alias (CNAME); RFC 2181 10.3",
				name);
	}
}

/* What carries this address through the network. */
static void row_prefix(const struct survey_address *row, struct bird_prefix *prefix)
{
	bool v4 = row->addr.ss_family == AF_INET;

	if (row->path.known && bird_prefix_parse(prefix, row->path.prefix) == 0)
		return;
	memset(prefix, 0, sizeof(*prefix));
	prefix->family = row->addr.ss_family;
	prefix->len = v4 ? PREFIX4 : PREFIX6;
	memcpy(prefix->addr, address_bytes(&row->addr), prefix->len / 8);
}

/* One family: all in one prefix, though there are several servers? False: one address is all
 * there is. */
static bool family_judge(struct judge *judge, int family)
{
	const struct survey *survey = judge->survey;
	const struct survey_address *first = NULL;
	bool several = false, spread = false, addresses = false;
	struct bird_prefix prefix, other;
	char text[BIRD_PREFIX_TEXT];

	for (size_t i = 0; i < survey->addresses_count; i++) {
		const struct survey_address *row = &survey->addresses[i];

		if (row->addr.ss_family != family)
			continue;
		if (!first) {
			first = row;
			row_prefix(row, &prefix);
			continue;
		}
		row_prefix(row, &other);
		several |= row->server != first->server;
		addresses |= memcmp(&row->addr, &first->addr, sizeof(row->addr)) != 0;
		spread |= !bird_prefix_equal(&prefix, &other);
	}
	if (several && addresses && !spread) {
		bird_prefix_format(&prefix, text);
		found(judge, FINDING_SAME_PREFIX,
			"all IPv%c addresses are in %s: one route carries all of them (RFC 2182 "
			"3.1)",
			family == AF_INET ? '4' : '6', text);
	}
	return addresses;
}

/* What wasn't asked doesn't count, for or against. */
static void origin_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	const struct survey_address *first = NULL;
	bool several = false;

	for (size_t i = 0; i < survey->addresses_count; i++) {
		const struct survey_address *row = &survey->addresses[i];

		if (finding_untested(row))
			continue;
		if (!row->path.known || (first && row->path.origin != first->path.origin))
			return;
		if (!first)
			first = row;
		several |= row->server != first->server;
	}
	if (several && first->path.origin)
		found(judge, FINDING_SAME_ORIGIN, "AS%u announces all servers (RFC 2182 3.1)",
			first->path.origin);
	else if (several)
		found(judge, FINDING_SAME_ORIGIN,
			"our own AS announces all servers (RFC 2182 3.1)");
}

static void network_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	bool apart4 = family_judge(judge, AF_INET), apart6 = family_judge(judge, AF_INET6);

	if (survey->servers_count < 2)
		found(judge, FINDING_ONE_SERVER, "the zone has one server (RFC 2182 5)");
	else if (survey->addresses_count > 0 && !apart4 && !apart6)
		found(judge, FINDING_ONE_SERVER,
			"all names of servers lead to one address (RFC 2182 3.1)");
	origin_judge(judge);
}

/* Does a server answer from that site, or node? */
static bool server_at(
	const struct judge *judge, size_t server, const regex_t *pattern, const char *site)
{
	const struct survey *survey = judge->survey;
	char other[FINDING_SITE];

	for (size_t i = 0; i < survey->addresses_count * 2; i++) {
		const struct survey_address *row = &survey->addresses[i / 2];
		const struct survey_answer *answer = i % 2 ? &row->tcp : &row->udp;

		if (row->server != server || answer->nsid_size == 0)
			continue;
		finding_site(other, pattern, answer->nsid, answer->nsid_size);
		if (strcmp(other, site) == 0)
			return true;
	}
	return false;
}

/* Counts the servers at a site; `text`: their names. */
static size_t site_count(
	const struct judge *judge, const regex_t *pattern, const char *site, char text[static 128])
{
	size_t count = 0, used = 0;
	char name[NAME_TEXT_SIZE];

	text[0] = '\0';
	for (size_t i = 0; i < judge->survey->servers_count; i++) {
		if (!server_at(judge, i, pattern, site))
			continue;
		count++;
		name_to_text(name, judge->survey->servers[i].name);
		if (used + strlen(name) + 3 < 128)
			used += (size_t)snprintf(
				text + used, 128 - used, "%s%s", used ? ", " : "", name);
	}
	return count;
}

/* Did an answer before this one name it? Then it was judged. */
static bool site_seen(
	const struct survey *survey, size_t at, const regex_t *pattern, const char *site)
{
	char other[FINDING_SITE];

	for (size_t i = 0; i < at; i++) {
		const struct survey_address *row = &survey->addresses[i / 2];
		const struct survey_answer *answer = i % 2 ? &row->tcp : &row->udp;

		if (answer->nsid_size == 0)
			continue;
		finding_site(other, pattern, answer->nsid, answer->nsid_size);
		if (strcmp(other, site) == 0)
			return true;
	}
	return false;
}

static void sites_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	const regex_t *pattern = judge->options->site;
	char node[FINDING_SITE], site[FINDING_SITE], names[128];

	for (size_t i = 0; survey->servers_count > 1 && i < survey->addresses_count * 2; i++) {
		const struct survey_address *row = &survey->addresses[i / 2];
		const struct survey_answer *answer = i % 2 ? &row->tcp : &row->udp;
		size_t count;

		if (answer->nsid_size == 0)
			continue;
		finding_site(node, NULL, answer->nsid, answer->nsid_size);
		if (!site_seen(survey, i, NULL, node) &&
			site_count(judge, NULL, node, names) == survey->servers_count)
			found(judge, FINDING_ONE_NODE,
				"one node, NSID %s, answers for every server of the zone", node);
		finding_site(site, pattern, answer->nsid, answer->nsid_size);
		if (site[0] == '\0' || site_seen(survey, i, pattern, site))
			continue;
		count = site_count(judge, pattern, site, names);
		/* One node at all of them has been said. */
		if (count > 1 && !(count == survey->servers_count && strcmp(site, node) == 0))
			found(judge, FINDING_SAME_SITE, "site %s answers for %s (RFC 2182 3.1)",
				site, names);
	}
}

static void ours_judge(struct judge *judge)
{
	const struct survey *survey = judge->survey;
	bool ours = survey->addresses_count > 0 && survey->servers_count > 1;

	for (size_t i = 0; i < survey->addresses_count; i++)
		ours &= survey->addresses[i].ours;
	if (ours)
		found(judge, FINDING_ONE_NODE,
			"this node's configuration announces every server of the zone: when it "
			"attracts resolvers and fails, they have no other to ask");
}

int finding_make(struct finding_list *list, const struct survey *survey,
	const struct finding_options *options)
{
	struct judge judge = {list, survey, options, false};

	memset(list, 0, sizeof(*list));
	rows_judge(&judge);
	serials_judge(&judge);
	names_judge(&judge);
	servers_judge(&judge);
	network_judge(&judge);
	sites_judge(&judge);
	ours_judge(&judge);
	if (!judge.failed)
		return 0;
	finding_free(list);
	return -ENOMEM;
}
