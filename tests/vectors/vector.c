/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A vector file, line by line: each line's first word has a function here.
 */
#include "vector_text.h"

#include "answer/reason.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const vector_server_names[SERVERS] = {"nsd", "knot"};

static const char *const rcode_names[24] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
	"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
	"NOTZONE", [16] = "BADVERS", [23] = "BADCOOKIE"};

const char *vector_reason_name(uint32_t reason)
{
	static const char *const names[REASON_COUNT] = {
#define R(symbol, name, text) [REASON_##symbol] = name,
		REASONS(R)
#undef R
	};

	return reason < REASON_COUNT ? names[reason] : NULL;
}

const char *vector_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

uint32_t vector_reason_find(const char *name)
{
	for (uint32_t i = 1; i < REASON_COUNT; i++)
		if (!strcmp(vector_reason_name(i), name))
			return i;
	return REASON_COUNT;
}

/* Where the parser is. */
struct vector_reader {
	struct vector_text text;
	struct vector *vector;
	struct vector_case *c; /* the case that lines belong to, or NULL */
};

static int zone_line(struct vector_reader *r)
{
	struct vector_text *t = &r->text;
	struct vector_zone *zones, *z;
	int directory = (int)(vector_file_name(t->path) - t->path);

	if (t->count < 3)
		return text_fault(t, "zone needs an origin and a file, or -");
	zones = realloc(r->vector->zones, (r->vector->zone_count + 1) * sizeof(*zones));
	if (!zones)
		return -ENOMEM;
	r->vector->zones = zones;
	z = &zones[r->vector->zone_count++];
	*z = (struct vector_zone){.origin = strdup(t->words[1]), .expires = 1000000};
	if (!z->origin)
		return -ENOMEM;
	if (strcmp(t->words[2], "-") &&
		asprintf(&z->path, "%.*szones/%s", directory, t->path, t->words[2]) < 0) {
		z->path = NULL;
		return -ENOMEM;
	}
	for (size_t i = 3; i < t->count; i++) {
		if (!strcmp(t->words[i], "pass")) {
			z->bypassed = true;
		} else if (!strcmp(t->words[i], "expires")) {
			if (text_number(t, t->words[++i], -INT32_MAX, INT32_MAX, &z->expires))
				return -EINVAL;
		} else {
			return text_fault(t, "'%s' is not a word of zone", t->words[i]);
		}
	}
	return 0;
}

static int setting_service(struct vector_reader *r, char **words)
{
	struct vector_settings *s = &r->vector->settings;

	for (; *words; words++) {
		struct vector_end *services =
			realloc(s->services, (s->service_count + 1) * sizeof(*services));

		if (!services)
			return -ENOMEM;
		s->services = services;
		if (s->service_count == VECTOR_SERVICES_MAX)
			return text_fault(
				&r->text, "more than %d service addresses", VECTOR_SERVICES_MAX);
		services[s->service_count] = (struct vector_end){0};
		if (text_end(&r->text, *words, &services[s->service_count]))
			return -EINVAL;
		s->service_count++;
	}
	return 0;
}

static int setting_copy(struct vector_reader *r, char **words)
{
	struct vector_settings *s = &r->vector->settings;

	s->copy_flags = 0;
	for (; *words; words++) {
		if (!strcmp(*words, "rd"))
			s->copy_flags |= 0x0100;
		else if (!strcmp(*words, "cd"))
			s->copy_flags |= 0x0010;
		else if (strcmp(*words, "none"))
			return text_fault(
				&r->text, "'%s' is not a flag that can be copied", *words);
	}
	return 0;
}

static int setting_image(struct vector_reader *r, char **words)
{
	struct vector_settings *s = &r->vector->settings;
	int64_t layout;

	if (*words && !strcmp(*words, "none")) {
		s->image_none = true;
		return 0;
	}
	if (!*words || strcmp(*words, "layout") ||
		text_number(&r->text, words[1], 1, UINT32_MAX, &layout))
		return text_fault(&r->text, "image is none or layout N");
	s->image_layout = (uint32_t)layout;
	return 0;
}

/* edns FEATURE ACTION: what the local server does with it. */
static int setting_edns(struct vector_reader *r, char **words)
{
	static const char *const actions[] = {"pass", "ignore", "answer", "require"};
	struct settings_edns *edns = &r->vector->settings.edns;
	static const struct {
		const char *word;
		size_t at;
	} features[] = {{"version", offsetof(struct settings_edns, version)},
		{"nsid", offsetof(struct settings_edns, nsid)},
		{"subnet", offsetof(struct settings_edns, subnet)},
		{"cookie", offsetof(struct settings_edns, cookie)}};
	int action = words[0] && words[1] ? text_choice(words[1], actions, 4) : -1;

	for (size_t i = 0; action >= 0 && i < sizeof(features) / sizeof(*features); i++) {
		if (strcmp(words[0], features[i].word))
			continue;
		((uint8_t *)edns)[features[i].at] = (uint8_t)action;
		if (words[2] && !strcmp(words[2], "do"))
			edns->version_do = 1;
		return 0;
	}
	return text_fault(&r->text,
		"edns is version, nsid, subnet or cookie, and pass, ignore, answer or require");
}

/* Octets of a secret that has just so many. */
static int secret_read(struct vector_text *t, const char *hex, void *secret)
{
	uint8_t *octets = NULL;
	size_t size = 0;
	int result = text_hex(t, hex, &octets, &size);

	if (!result && size != sizeof(uint64_t[2]))
		result = text_fault(t, "a secret has 16 octets");
	if (!result)
		memcpy(secret, octets, size);
	free(octets);
	return result;
}

static int setting_secrets(struct vector_reader *r, char **words)
{
	struct settings_edns *edns = &r->vector->settings.edns;

	if (secret_read(&r->text, words[0], edns->secrets[0]))
		return -EINVAL;
	return secret_read(&r->text, words[0] && words[1] ? words[1] : words[0], edns->secrets[1]);
}

static int setting_nsid(struct vector_reader *r, const char *text)
{
	if (!text || settings_nsid(&r->vector->settings.edns, text, strlen(text)))
		return text_fault(&r->text, "nsid is a text of 1 to %u octets", SETTINGS_NSID_MAX);
	return 0;
}

/* What the local server does where servers differ; 0: no such word. */
static uint32_t server_flag(const char *word)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} flags[] = {{"chains_pass", SETTINGS_CHAINS_PASS},
		{"yxdomain_pass", SETTINGS_YXDOMAIN_PASS},
		{"yxdomain_edns_pass", SETTINGS_YXDOMAIN_EDNS_PASS},
		{"dname_pass", SETTINGS_DNAME_PASS}, {"soa_pass", SETTINGS_SOA_PASS},
		{"soa_zero", SETTINGS_SOA_ZERO}, {"soa_nodata_pass", SETTINGS_SOA_NODATA_PASS},
		{"soa_nodata_zero", SETTINGS_SOA_NODATA_ZERO},
		{"star_cname_pass", SETTINGS_STAR_CNAME_PASS}, {"ds_pass", SETTINGS_DS_PASS},
		{"ds_plain", SETTINGS_DS_PLAIN}, {"nested_pass", SETTINGS_NESTED_PASS},
		{"param_pass", SETTINGS_PARAM_PASS}, {"dname_nsec_pass", SETTINGS_DNAME_NSEC_PASS},
		{"glue_tc", SETTINGS_GLUE_TC}, {"any_tc", SETTINGS_ANY_TC},
		{"any_lowest", SETTINGS_ANY_LOWEST}, {"rotate", SETTINGS_ROTATE}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(word, flags[i].word))
			return flags[i].flag;
	return 0;
}

/* chaos NAME RCODE TTL [aa] [TEXT]; of an error there is no text. */
static int setting_chaos(struct vector_reader *r, char **words)
{
	static const char *const names[CHAOS_NAMES] = {
		"id.server", "hostname.bind", "version.server", "version.bind"};
	int name = words[0] ? text_choice(words[0], names, CHAOS_NAMES) : -1;
	struct settings_chaos *chaos = &r->vector->settings.chaos[name < 0 ? 0 : name];
	int64_t rcode, ttl;
	size_t size;

	if (name < 0 || !words[1] || !words[2] || text_number(&r->text, words[1], 0, 15, &rcode) ||
		text_number(&r->text, words[2], 0, INT32_MAX, &ttl))
		return text_fault(&r->text, "chaos is a name, an rcode, a TTL, [aa] and a text");
	words += 3;
	*chaos = (struct settings_chaos){
		.action = EDNS_ANSWER, .rcode = (uint8_t)rcode, .ttl = (uint32_t)ttl};
	if (words[0] && !strcmp(words[0], "aa")) {
		chaos->authoritative = 1;
		words++;
	}
	size = words[0] ? strlen(words[0]) : 0;
	if (size > SETTINGS_CHAOS_MAX)
		return text_fault(&r->text, "a text of at most %u octets", SETTINGS_CHAOS_MAX);
	memcpy(chaos->text, words[0] ? words[0] : "", size);
	chaos->length = (uint8_t)size;
	return 0;
}

static int setting_line(struct vector_reader *r)
{
	struct vector_text *t = &r->text;
	struct vector_settings *s = &r->vector->settings;
	const char *word = t->words[1] ? t->words[1] : "";
	char **arguments = t->words + (t->words[1] ? 2 : 1);
	int64_t number;
	int result = 0;

	if (!strcmp(word, "max_udp_size") || !strcmp(word, "mtu")) {
		result = text_number(t, arguments[0], 0, 65535, &number);
		*(word[1] == 'a' ? &s->max_udp_size : &s->mtu) = (uint16_t)number;
	} else if (!strcmp(word, "copy")) {
		result = setting_copy(r, arguments);
	} else if (!strcmp(word, "lease")) {
		s->lease = INT64_MIN;
		if (!arguments[0] || strcmp(arguments[0], "none"))
			result = text_number(t, arguments[0], -INT32_MAX, INT32_MAX, &s->lease);
	} else if (!strcmp(word, "hold")) {
		s->hold = true;
	} else if (!strcmp(word, "bypass")) {
		s->bypass = true;
	} else if (server_flag(word)) {
		s->server |= server_flag(word);
	} else if (!strcmp(word, "chaos")) {
		result = setting_chaos(r, arguments);
	} else if (!strcmp(word, "probe")) {
		s->probe = true;
	} else if (!strcmp(word, "fib")) {
		s->fib = true;
	} else if (!strcmp(word, "edns")) {
		result = setting_edns(r, arguments);
	} else if (!strcmp(word, "nsid")) {
		result = setting_nsid(r, arguments[0]);
	} else if (!strcmp(word, "secrets")) {
		result = setting_secrets(r, arguments);
	} else if (!strcmp(word, "time")) {
		result = text_number(t, arguments[0], 0, UINT32_MAX, &s->time);
	} else if (!strcmp(word, "service")) {
		result = setting_service(r, arguments);
	} else if (!strcmp(word, "image")) {
		result = setting_image(r, arguments);
	} else {
		result = text_fault(t, "'%s' is not a setting", word);
	}
	return result;
}

/* What was read of a case must be a whole. */
static int case_finish(struct vector_reader *r)
{
	struct vector_case *c = r->c;

	if (!c)
		return 0;
	r->c = NULL;
	r->text.line = c->line;
	if (!c->whole && !c->question.name_size)
		return text_fault(&r->text, "the case has no packet (ask or frame)");
	if (!c->replies && !c->reason)
		return text_fault(&r->text, "the case expects nothing (say or pass)");
	for (int s = 0; s < SECTIONS; s++)
		records_sort(&c->sections[s]);
	return 0;
}

static int case_line(struct vector_reader *r)
{
	struct vector *v = r->vector;
	struct vector_case *cases;
	unsigned line = r->text.line;
	int result = case_finish(r);

	if (result)
		return result;
	r->text.line = line;
	if (!*r->text.rest)
		return text_fault(&r->text, "a case needs a title");
	cases = realloc(v->cases, (v->case_count + 1) * sizeof(*cases));
	if (!cases)
		return -ENOMEM;
	v->cases = cases;
	r->c = &cases[v->case_count++];
	*r->c = (struct vector_case){.path = v->path,
		.line = line,
		.room = VECTOR_ROOM,
		.reply_size = -1,
		.cookie_at = -1};
	r->c->title = strdup(r->text.rest);
	return r->c->title ? 0 : -ENOMEM;
}

static int ask_line(struct vector_reader *r)
{
	if (r->c->whole || r->c->question.name_size)
		return text_fault(&r->text, "a second packet in one case");
	return vector_ask_read(&r->text, r->c);
}

static int frame_line(struct vector_reader *r)
{
	if (r->c->question.name_size || r->c->step_count)
		return text_fault(&r->text, "frame comes first, and without ask");
	r->c->whole = true;
	return text_hex(&r->text, r->text.words[1], &r->c->octets, &r->c->size);
}

static int step_line(struct vector_reader *r)
{
	return vector_step_read(&r->text, r->c);
}

static int room_line(struct vector_reader *r)
{
	int64_t room;
	int result = text_number(&r->text, r->text.words[1], 0, VECTOR_REPLY_MAX, &room);

	r->c->room = (uint32_t)room;
	return result;
}

static int pass_line(struct vector_reader *r)
{
	const char *word = r->text.words[1] ? r->text.words[1] : "";

	r->c->reason = vector_reason_find(word);
	if (r->c->replies)
		return text_fault(&r->text, "the packet can't both pass and be answered");
	if (r->vector->settings.probe != !strcmp(word, "uncounted"))
		return text_fault(
			&r->text, "under setting probe it is 'pass uncounted', otherwise a reason");
	if (r->c->reason == REASON_COUNT && !r->vector->settings.probe)
		return text_fault(&r->text, "'%s' is not in reason.h", word);
	return 0;
}

static int say_line(struct vector_reader *r)
{
	static const char *const names[] = {"aa", "tc", "rd", "ra", "z", "ad", "cd"};
	static const uint16_t flags[] = {0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010};
	struct vector_text *t = &r->text;
	int rcode = -1;

	for (int i = 0; t->words[1] && i < 24; i++)
		if (rcode_names[i] && !strcmp(t->words[1], rcode_names[i]))
			rcode = i;
	if (rcode < 0)
		return text_fault(t, "say needs an rcode such as NOERROR");
	if (r->c->reason || r->c->replies)
		return text_fault(t, "a second expectation in one case");
	r->c->replies = true;
	r->c->flags = (uint16_t)(rcode & 15);
	r->c->opt_rcode = (uint8_t)(rcode >> 4);
	for (size_t i = 2; i < t->count; i++) {
		int flag = text_choice(t->words[i], names, sizeof(names) / sizeof(*names));

		if (flag < 0)
			return text_fault(t, "'%s' is not a header flag", t->words[i]);
		r->c->flags |= flags[flag];
	}
	return 0;
}

static int record_line(struct vector_reader *r)
{
	int section = text_choice(r->text.words[0], section_names, SECTIONS);
	char reason[200];
	int result =
		records_add_text(&r->c->sections[section], r->text.rest, reason, sizeof(reason));

	return result == -EINVAL ? text_fault(&r->text, "%s", reason) : result;
}

static int opt_line(struct vector_reader *r)
{
	const char *word = r->text.words[1] ? r->text.words[2] : NULL;
	int64_t size;

	if (text_number(&r->text, r->text.words[1], 0, 65535, &size))
		return -EINVAL;
	if (word && strcmp(word, "do"))
		return text_fault(&r->text, "'%s' is not a flag of OPT", word);
	r->c->opt = true;
	r->c->opt_size = (uint16_t)size;
	r->c->opt_do = word != NULL;
	return 0;
}

/* option CODE HEX, or of a cookie `new` CLIENT: what the server adds to it has to verify. */
static int option_line(struct vector_reader *r)
{
	struct vector_case *c = r->c;
	struct vector_text *t = &r->text;
	bool made = t->words[1] && t->words[2] && !strcmp(t->words[2], "new");

	if (!c->opt)
		return text_fault(t, "option comes after opt");
	if (vector_option_read(t, &c->options, &c->options_size, t->words[1],
		    t->words[made ? 3 : 1 + (t->words[1] != NULL)]))
		return -EINVAL;
	if (!made)
		return 0;
	if (c->cookie_at >= 0)
		return text_fault(t, "a second new cookie");
	c->cookie_at = (int64_t)c->options_size;
	if (text_hex(t, "00000000000000000000000000000000", &c->options, &c->options_size))
		return -EINVAL;
	c->options[c->cookie_at - 9] = 24; /* the option's length */
	return 0;
}

static int size_line(struct vector_reader *r)
{
	return text_number(&r->text, r->text.words[1], 12, 65535, &r->c->reply_size);
}

static int differs_line(struct vector_reader *r)
{
	static const char *const parts[] = {"rcode", "flags", "answer", "authority", "additional"};
	struct vector_text *t = &r->text;
	int server = text_choice(t->words[1], vector_server_names, SERVERS);
	char *save = NULL;

	if (server < 0 || t->count < 4)
		return text_fault(t, "differs needs nsd or knot, the parts, and why");
	for (char *p = strtok_r(t->words[2], ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		int part = text_choice(p, parts, sizeof(parts) / sizeof(*parts));

		if (part < 0)
			return text_fault(t, "'%s' is not a part of a reply", p);
		r->c->differs[server] |= 1u << part;
	}
	return 0;
}

enum line_place { IN_WORLD, IN_CASE, IN_REPLY, ANYWHERE };

static const struct {
	const char *word;
	enum line_place place;
	int (*read)(struct vector_reader *r);
} line_kinds[] = {
	{"zone", IN_WORLD, zone_line},
	{"setting", IN_WORLD, setting_line},
	{"case", ANYWHERE, case_line},
	{"ask", IN_CASE, ask_line},
	{"frame", IN_CASE, frame_line},
	{"poke", IN_CASE, step_line},
	{"cut", IN_CASE, step_line},
	{"grow", IN_CASE, step_line},
	{"raw", IN_CASE, step_line},
	{"room", IN_CASE, room_line},
	{"pass", IN_CASE, pass_line},
	{"say", IN_CASE, say_line},
	{"answer", IN_REPLY, record_line},
	{"authority", IN_REPLY, record_line},
	{"additional", IN_REPLY, record_line},
	{"opt", IN_REPLY, opt_line},
	{"option", IN_REPLY, option_line},
	{"size", IN_REPLY, size_line},
	{"differs", IN_REPLY, differs_line},
};

static int line_read(struct vector_reader *r, char *line)
{
	struct vector_text *t = &r->text;
	char *save = NULL;
	char *copy;
	int result = 0;

	line += strspn(line, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return 0;
	copy = strdup(line);
	if (!copy)
		return -ENOMEM;
	t->rest = line + strcspn(line, " \t");
	t->rest += strspn(t->rest, " \t");
	t->count = 0;
	for (char *w = strtok_r(copy, " \t", &save); w && !result;
		w = strtok_r(NULL, " \t", &save)) {
		if (t->count + 1 == WORDS_MAX)
			result = text_fault(t, "more than %d words", WORDS_MAX);
		else
			t->words[t->count++] = w;
	}
	t->words[t->count] = NULL;
	for (size_t i = 0; !result && i < sizeof(line_kinds) / sizeof(*line_kinds); i++) {
		if (strcmp(t->words[0], line_kinds[i].word))
			continue;
		if (line_kinds[i].place == IN_WORLD && r->vector->case_count)
			result = text_fault(t, "%s comes before the first case", t->words[0]);
		else if (line_kinds[i].place != IN_WORLD && line_kinds[i].place != ANYWHERE &&
			 !r->c)
			result = text_fault(t, "%s belongs into a case", t->words[0]);
		else if (line_kinds[i].place == IN_REPLY && !r->c->replies)
			result = text_fault(t, "%s goes with say", t->words[0]);
		else
			result = line_kinds[i].read(r);
		free(copy);
		return result;
	}
	if (!result)
		result = text_fault(t, "'%s' is not a word of a vector", t->words[0]);
	free(copy);
	return result;
}

static int services_default(struct vector_reader *r)
{
	char ipv4[] = "192.0.2.53", ipv6[] = "2001:db8::53";
	char *words[] = {ipv4, ipv6, NULL};

	return r->vector->settings.service_count ? 0 : setting_service(r, words);
}

int vector_load(struct vector **vector, const char *path, char error[VECTOR_ERROR_SIZE])
{
	struct vector_reader r = {.text = {.path = path, .error = error}};
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	int result = -ENOMEM;

	error[0] = '\0';
	if (!file) {
		result = -errno;
		snprintf(error, VECTOR_ERROR_SIZE, "%.200s: %s", path, strerror(errno));
		goto out;
	}
	r.vector = calloc(1, sizeof(*r.vector));
	if (!r.vector || !(r.vector->path = strdup(path)))
		goto out;
	r.vector->settings = (struct vector_settings){
		.max_udp_size = 1232, .mtu = 1500, .copy_flags = 0x0100, .lease = 60};
	result = 0;
	while (!result && getline(&line, &size, file) >= 0) {
		r.text.line++;
		result = line_read(&r, line);
	}
	if (!result)
		result = case_finish(&r);
	if (!result)
		result = services_default(&r);
	if (!result && !r.vector->case_count)
		result = text_fault(&r.text, "no case in the file");
out:
	if (result == -ENOMEM)
		snprintf(error, VECTOR_ERROR_SIZE, "%.200s: out of memory", path);
	if (file)
		fclose(file);
	free(line);
	if (result) {
		vector_free(r.vector);
		r.vector = NULL;
	}
	*vector = r.vector;
	return result;
}

static void case_free(struct vector_case *c)
{
	for (size_t i = 0; i < c->step_count; i++)
		free(c->steps[i].octets);
	for (int s = 0; s < SECTIONS; s++)
		records_free(&c->sections[s]);
	free(c->steps);
	free(c->title);
	free(c->octets);
	free(c->options);
	free(c->question.options);
	free(c->question.behind_ip);
}

void vector_free(struct vector *vector)
{
	if (!vector)
		return;
	for (size_t i = 0; i < vector->zone_count; i++) {
		free(vector->zones[i].origin);
		free(vector->zones[i].path);
	}
	for (size_t i = 0; i < vector->case_count; i++)
		case_free(&vector->cases[i]);
	free(vector->zones);
	free(vector->cases);
	free(vector->settings.services);
	free(vector->path);
	free(vector);
}
