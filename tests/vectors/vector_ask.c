/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of a vector that make its packet: `ask` with its words, and the steps that change it.
 */
#include "vector_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *word;
	uint16_t flag;
} header_flags[] = {{"+qr", 0x8000}, {"+aa", 0x0400}, {"+tc", 0x0200}, {"+rd", 0x0100},
	{"+ra", 0x0080}, {"+z", 0x0040}, {"+ad", 0x0020}, {"+cd", 0x0010}};

static const struct vector_end client_ipv4 = {.address = {198, 51, 100, 7}, .port = 40000};
static const struct vector_end client_ipv6 = {
	.ipv6 = true, .address = {0x20, 0x01, 0x0d, 0xb8, [5] = 7, [15] = 7}, .port = 40000};
static const struct vector_end service_ipv4 = {.address = {192, 0, 2, 53}, .port = 53};
static const struct vector_end service_ipv6 = {
	.ipv6 = true, .address = {0x20, 0x01, 0x0d, 0xb8, [15] = 0x53}, .port = 53};

/* A word that takes one number into a field of 8 or 16 bits. */
static int number_read(struct vector_text *t, const char *word, int64_t max, uint16_t *field)
{
	int64_t value;
	int result = text_number(t, word, 0, max, &value);

	if (!result)
		*field = (uint16_t)value;
	return result;
}

int vector_option_read(
	struct vector_text *t, uint8_t **octets, size_t *size, const char *code, const char *hex)
{
	size_t start = *size;
	uint16_t number;
	char head[9];

	if (number_read(t, code, 65535, &number))
		return -EINVAL;
	snprintf(head, sizeof(head), "%04x0000", number);
	if (text_hex(t, head, octets, size) || text_hex(t, hex, octets, size))
		return -EINVAL;
	(*octets)[start + 2] = (uint8_t)((*size - start - 4) >> 8);
	(*octets)[start + 3] = (uint8_t)(*size - start - 4);
	return 0;
}

static int tag_read(struct vector_text *t, struct vector_question *q, const char *word)
{
	char *slash = word ? strchr(word, '/') : NULL;
	unsigned n = q->tag_count;

	if (n == VECTOR_TAGS_MAX)
		return text_fault(t, "more than %d tags", VECTOR_TAGS_MAX);
	q->tag_types[n] = 0x8100;
	if (slash) {
		q->tag_types[n] = (uint16_t)strtoul(slash + 1, NULL, 16);
		*slash = '\0';
	}
	q->tag_count++;
	return number_read(t, word, 65535, &q->tags[n]);
}

/* What stands between the IP header and UDP: options of IPv4, or an IPv6 extension header. */
static int behind_ip_read(
	struct vector_text *t, struct vector_question *q, const char *word, bool ipv6)
{
	int result = text_hex(t, word, &q->behind_ip, &q->behind_ip_size);

	if (result)
		return result;
	if (ipv6 ? q->behind_ip_size % 8 != 7 : q->behind_ip_size % 4 || q->behind_ip_size > 40)
		return text_fault(t, "%s",
			ipv6 ? "an extension header needs a multiple of 8 octets, the first of "
			       "which is set"
			     : "IPv4 options are a multiple of 4 octets, up to 40");
	return 0;
}

/* A word with its arguments; returns how many words it took, or a negative errno. */
static int word_read(struct vector_text *t, struct vector_question *q, char **w)
{
	uint16_t number;

	for (size_t i = 0; i < sizeof(header_flags) / sizeof(*header_flags); i++) {
		if (!strcmp(w[0], header_flags[i].word)) {
			q->flags |= header_flags[i].flag;
			return 1;
		}
	}
	if (!strcmp(w[0], "+do")) {
		q->edns_flags |= 0x8000;
		return 1;
	}
	if (!strcmp(w[0], "+ipv6")) {
		q->from = client_ipv6;
		q->to = service_ipv6;
		return 1;
	}
	if (!strcmp(w[0], "opcode") || !strcmp(w[0], "rcode")) {
		if (number_read(t, w[1], 15, &number))
			return -EINVAL;
		q->flags |= (uint16_t)(w[0][0] == 'o' ? number << 11 : number);
		return 2;
	}
	if (!strcmp(w[0], "class"))
		return number_read(t, w[1], 65535, &q->class) ? -EINVAL : 2;
	if (!strcmp(w[0], "id"))
		return number_read(t, w[1], 65535, &q->id) ? -EINVAL : 2;
	if (!strcmp(w[0], "edns")) {
		q->edns = true;
		return number_read(t, w[1], 65535, &q->edns_size) ? -EINVAL : 2;
	}
	if (!strcmp(w[0], "flags"))
		return number_read(t, w[1], 65535, &q->edns_flags) ? -EINVAL : 2;
	if (!strcmp(w[0], "version")) {
		if (number_read(t, w[1], 255, &number))
			return -EINVAL;
		q->edns_version = (uint8_t)number;
		return 2;
	}
	if (!strcmp(w[0], "option") && w[1])
		return vector_option_read(t, &q->options, &q->options_size, w[1], w[2]) ? -EINVAL
											: 3;
	if (!strcmp(w[0], "from") || !strcmp(w[0], "to")) {
		struct vector_end *end = w[0][0] == 'f' ? &q->from : &q->to;
		bool was = end->ipv6;

		if (text_end(t, w[1], end))
			return -EINVAL;
		if (end->ipv6 != was) { /* the other end follows */
			if (w[0][0] == 'f')
				q->to = end->ipv6 ? service_ipv6 : service_ipv4;
			else
				q->from = end->ipv6 ? client_ipv6 : client_ipv4;
		}
		return 2;
	}
	if (!strcmp(w[0], "vlan"))
		return tag_read(t, q, w[1]) ? -EINVAL : 2;
	if (!strcmp(w[0], "ip_options"))
		return behind_ip_read(t, q, w[1], false) ? -EINVAL : 2;
	if (!strcmp(w[0], "extension") && w[1]) {
		if (number_read(t, w[1], 255, &number) || behind_ip_read(t, q, w[2], true))
			return -EINVAL;
		q->extension = (uint8_t)number;
		return 3;
	}
	return text_fault(t, "'%s' is not a word of ask", w[0]);
}

int vector_ask_read(struct vector_text *t, struct vector_case *c)
{
	struct vector_question *q = &c->question;

	q->class = 1;
	q->id = 4660;
	q->from = client_ipv4;
	q->to = service_ipv4;
	if (text_name(t, t->words[1], q->name, &q->name_size) ||
		text_type(t, t->words[1] ? t->words[2] : NULL, &q->type))
		return -EINVAL;
	for (size_t i = 3; i < t->count;) {
		int taken = word_read(t, q, &t->words[i]);

		if (taken < 0)
			return taken;
		i += (size_t)taken;
	}
	if (q->from.ipv6 != q->to.ipv6)
		return text_fault(t, "one end is IPv4, the other IPv6");
	if (!q->edns && (q->edns_flags || q->edns_version || q->options_size))
		return text_fault(t, "+do, flags, version and option go with edns SIZE");
	return 0;
}

/* PLACE[+N|-N] */
static int place_read(struct vector_text *t, char *word, bool whole, struct vector_step *s)
{
	static const char *const names[PLACES] = {
		"eth", "vlan", "ip", "udp", "dns", "qname", "qtype", "opt", "end"};
	size_t length = word ? strcspn(word, "+-") : 0;
	int64_t offset = 0;
	int place;
	char sign;

	if (!word)
		return text_fault(t, "poke needs a place and octets");
	sign = word[length];
	word[length] = '\0';
	place = text_choice(word, names, PLACES);
	if (place < 0)
		return text_fault(t, "'%s' is not a place in a packet", word);
	if (sign && text_number(t, word + length + 1, 0, VECTOR_FRAME_MAX, &offset))
		return -EINVAL;
	if (whole && place != PLACE_ETH && place != PLACE_END)
		return text_fault(t, "in a frame only eth and end are known");
	s->place = (enum vector_place)place;
	s->offset = (int)(sign == '-' ? -offset : offset);
	return 0;
}

int vector_step_read(struct vector_text *t, struct vector_case *c)
{
	char **w = t->words;
	struct vector_step *s;
	int64_t number = 0;
	int result;

	s = realloc(c->steps, (c->step_count + 1) * sizeof(*s));
	if (!s)
		return -ENOMEM;
	c->steps = s;
	s += c->step_count++;
	*s = (struct vector_step){.raw = !strcmp(w[0], "raw")};
	w += s->raw;
	if (!w[0])
		return text_fault(t, "raw what?");
	if (!s->raw && c->whole)
		return text_fault(t, "a frame's bytes change only by raw steps");
	if (!strcmp(w[0], "poke")) {
		s->kind = STEP_POKE;
		result = place_read(t, w[1], c->whole, s);
		return result ? result : text_hex(t, w[2], &s->octets, &s->size);
	}
	if (!strcmp(w[0], "grow")) {
		s->kind = STEP_GROW;
		return text_hex(t, w[1], &s->octets, &s->size);
	}
	if (!strcmp(w[0], "cut")) {
		s->kind = STEP_CUT;
		result = text_number(t, w[1], 1, VECTOR_FRAME_MAX, &number);
		s->cut = (unsigned)number;
		return result;
	}
	return text_fault(t, "'%s' is not a change of a packet", w[0]);
}
