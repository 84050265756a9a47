/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare.h"

#include "control/zone/name.h"

#include <libknot/libknot.h>
#include <stdarg.h>
#include <string.h>

#define FLAG_AA       0x0400u
#define FLAG_TC       0x0200u
#define RCODE         0x000fu
#define KINDS_MAX     24
#define TYPE_NS_RR    2
#define TYPE_SIG_RR   46
#define OPTION_COOKIE 10

static const struct {
	uint16_t flag;
	const char *name;
} flags[] = {{0x8000, "QR"}, {0x7800, "opcode"}, {0x0400, "AA"}, {0x0200, "TC"}, {0x0100, "RD"},
	{0x0080, "RA"}, {0x0040, "Z"}, {0x0020, "AD"}, {0x0010, "CD"}};

/* The text so far. */
struct words {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *w, const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(w->text + w->size, COMPARE_TEXT - w->size, format, arguments);
	va_end(arguments);
	if (n > 0)
		w->size +=
			(size_t)n < COMPARE_TEXT - w->size ? (size_t)n : COMPARE_TEXT - 1 - w->size;
}

/* The types of records that one of two sections has alone. */
struct kinds {
	struct {
		uint16_t type, covered;
		bool minus, plus;
	} list[KINDS_MAX];
	size_t count;
	const struct message *base;
	bool additional; /* then the two kinds of it are told apart */
	bool glue, optional;
};

/* Is it glue of the delegation that the message refers to? */
static bool record_is_glue(const struct message *m, const struct record *record)
{
	const struct records *authority = &m->sections[SECTION_AUTHORITY];
	uint8_t owner[255], cut[255];

	if (m->flags & FLAG_AA || m->sections[SECTION_ANSWER].count ||
		(record->type != 1 && record->type != 28))
		return false;
	for (size_t i = 0; i < authority->count; i++) {
		if (authority->list[i].type != TYPE_NS_RR)
			continue;
		name_fold(owner, record->owner, record->owner_size);
		name_fold(cut, authority->list[i].owner, authority->list[i].owner_size);
		return name_within(owner, cut);
	}
	return false;
}

static void kind_add(char sign, const struct record *record, void *arg)
{
	struct kinds *k = arg;
	uint16_t covered = 0;
	size_t i = 0;

	if (k->additional) {
		bool glue = record_is_glue(k->base, record);

		k->glue |= glue;
		k->optional |= !glue;
	}
	if (record->type == TYPE_SIG_RR && record->rdata_size >= 2)
		covered = (uint16_t)(record->rdata[0] << 8 | record->rdata[1]);
	while (i < k->count && (k->list[i].type != record->type || k->list[i].covered != covered))
		i++;
	if (i == KINDS_MAX)
		return;
	if (i == k->count)
		k->list[k->count++].type = record->type;
	k->list[i].covered = covered;
	k->list[i].minus |= sign == '-';
	k->list[i].plus |= sign == '+';
}

static void type_say(struct words *w, uint16_t type)
{
	char name[20];

	if (knot_rrtype_to_string(type, name, sizeof(name)) < 0)
		snprintf(name, sizeof(name), "TYPE%u", type);
	say(w, "%s", name);
}

static void kinds_say(struct words *w, const char *section, const struct kinds *k)
{
	if (!k->count)
		return;
	say(w, "%s%s", w->size ? "; " : "", section);
	for (size_t i = 0; i < k->count; i++) {
		say(w, " %c",
			k->list[i].minus && k->list[i].plus ? '~'
			: k->list[i].plus                   ? '+'
							    : '-');
		type_say(w, k->list[i].type);
		if (k->list[i].covered) {
			say(w, "(");
			type_say(w, k->list[i].covered);
			say(w, ")");
		}
	}
}

static unsigned header_compare(
	struct words *w, const struct message *base, const struct message *other)
{
	unsigned parts = 0, changed = base->flags ^ other->flags;

	if (changed & RCODE) {
		say(w, "rcode %u, not %u", other->flags & RCODE, base->flags & RCODE);
		parts |= COMPARE_RCODE;
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!(changed & flags[i].flag))
			continue;
		say(w, "%s%c%s", w->size ? " " : "", other->flags & flags[i].flag ? '+' : '-',
			flags[i].name);
		parts |= COMPARE_FLAGS;
	}
	return parts;
}

/* The options by their codes and sizes; a server cookie's octets are its own. */
static void options_say(struct words *w, const struct message *m)
{
	size_t size = m->opt_octets < MESSAGE_OPTIONS_MAX ? m->opt_octets : MESSAGE_OPTIONS_MAX;

	if (!size)
		say(w, " none");
	for (size_t at = 0; at + 4 <= size;) {
		unsigned code = (unsigned)m->opt_options[at] << 8 | m->opt_options[at + 1];
		unsigned length = (unsigned)m->opt_options[at + 2] << 8 | m->opt_options[at + 3];

		say(w, " %u/%u", code, length);
		at += 4 + length;
	}
}

static bool options_differ(const struct message *a, const struct message *b)
{
	size_t size = a->opt_octets < MESSAGE_OPTIONS_MAX ? a->opt_octets : MESSAGE_OPTIONS_MAX;

	if (a->opt_octets != b->opt_octets)
		return true;
	for (size_t at = 0; at + 4 <= size;) {
		unsigned code = (unsigned)a->opt_options[at] << 8 | a->opt_options[at + 1];
		unsigned length = (unsigned)a->opt_options[at + 2] << 8 | a->opt_options[at + 3];
		size_t judged = code == OPTION_COOKIE ? 4 : 4 + length;

		if (judged > size - at || memcmp(a->opt_options + at, b->opt_options + at, judged))
			return true;
		at += 4 + length;
	}
	return false;
}

static unsigned edns_compare(
	struct words *w, const struct message *base, const struct message *other)
{
	const char *before = w->size ? "; " : "";

	if (base->opt != other->opt)
		say(w, "%s%s", before, other->opt ? "+OPT" : "-OPT");
	else if (base->opt_ttl != other->opt_ttl)
		say(w, "%sOPT flags %08x, not %08x", before, other->opt_ttl, base->opt_ttl);
	else if (base->opt_size != other->opt_size)
		say(w, "%sOPT size %u, not %u", before, other->opt_size, base->opt_size);
	else if (options_differ(base, other)) {
		say(w, "%soptions", before);
		options_say(w, other);
		say(w, ", not");
		options_say(w, base);
	} else {
		return 0;
	}
	return COMPARE_EDNS;
}

unsigned message_compare(
	const struct message *base, const struct message *other, char text[COMPARE_TEXT])
{
	static const unsigned section_parts[SECTIONS] = {COMPARE_ANSWER, COMPARE_AUTHORITY, 0};
	struct words w = {.text = text};
	unsigned parts = 0;

	*text = '\0';
	if (!base || !other) {
		say(&w, "%s", !base && !other ? "" : other ? "a reply" : "no reply");
		return base || other ? COMPARE_NONE : 0;
	}
	parts = header_compare(&w, base, other);
	/* Another rcode means other records: one kind of difference, not one for each of them. */
	for (int s = 0; s < SECTIONS && !((base->flags | other->flags) & FLAG_TC) &&
			!(parts & COMPARE_RCODE);
		s++) {
		struct kinds k = {.base = base, .additional = s == SECTION_ADDITIONAL};

		if (!records_walk(&base->sections[s], &other->sections[s], kind_add, &k))
			continue;
		kinds_say(&w, k.glue ? "glue" : section_names[s], &k);
		parts |= section_parts[s] | (k.glue ? COMPARE_GLUE : 0) |
			 (k.optional ? COMPARE_OPTIONAL : 0);
	}
	return parts | edns_compare(&w, base, other);
}

void message_differences_print(const struct message *base, const struct message *other, FILE *to)
{
	static const struct message nothing;

	for (int s = 0; s < SECTIONS; s++)
		records_differ(&(base ? base : &nothing)->sections[s],
			&(other ? other : &nothing)->sections[s], section_names[s], to);
}

void message_summary_print(const struct message *message, FILE *to)
{
	if (!message) {
		fputs("nothing", to);
		return;
	}
	fprintf(to, "rcode %u", message->flags & RCODE);
	for (size_t i = 1; i < sizeof(flags) / sizeof(*flags); i++)
		if (message->flags & flags[i].flag)
			fprintf(to, " %s", flags[i].name);
	fprintf(to, ", %zu+%zu+%zu records", message->sections[0].count, message->sections[1].count,
		message->sections[2].count);
	if (message->opt)
		fprintf(to, ", OPT %u %08x", message->opt_size, message->opt_ttl);
}
