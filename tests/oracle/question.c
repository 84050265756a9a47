/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "question.h"

#include <errno.h>
#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX  96
#define ODD_RARELY 8 /* one question in so many of that kind is asked */

enum way { WAY_PLAIN, WAY_EDNS, WAY_DO, WAY_ODD, WAYS };

/* Types that are asked for everywhere. */
static const uint16_t usual_types[] = {
	1, 28, 15, 16, 2, 6, 43, 48, 5, 255, 46, 47, 51, 65400, 65, 257, 12, 33, 39, 50};

const char *const question_class_names[CLASSES] = {
#define C(symbol, name) [CLASS_##symbol] = name,
	QUESTION_CLASSES(C)
#undef C
};

/* How a question's name is made of an owner name. */
enum relation {
	ITSELF,
	BELOW,
	STAR_BELOW,
	FAR_BELOW,
	BESIDE_BEFORE,
	BESIDE_AFTER,
	ABOVE_BELOW,
	RELATIONS
};

struct walk {
	const struct question_zones *zones;
	size_t zone;
	uint64_t state;  /* of the random numbers */
	uint64_t chance; /* of a question to be asked, in 2^32 */
	uint64_t count;
	void (*ask)(const struct question *question, void *arg); /* NULL: count only */
	void *arg;
	struct vector_question q;
};

static uint32_t random_below(struct walk *w, uint32_t limit)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return (uint32_t)((w->state >> 32) * limit >> 32);
}

/* Puts a label in front. False if there is no room for it. */
static bool label_prepend(struct vector_question *q, const void *label, size_t length)
{
	if (q->name_size + length + 1 > 255)
		return false;
	memmove(q->name + length + 1, q->name, q->name_size);
	q->name[0] = (uint8_t)length;
	memcpy(q->name + 1, label, length);
	q->name_size = (uint8_t)(q->name_size + length + 1);
	return true;
}

static void label_remove(struct vector_question *q)
{
	size_t length = q->name[0] + 1u;

	q->name_size = (uint8_t)(q->name_size - length);
	memmove(q->name, q->name + length, q->name_size);
}

static bool random_prepend(struct walk *w)
{
	static const char *const usual[] = {"x", "www", "a", "ns", "*", "_tcp"};
	char label[12];

	if (random_below(w, 2)) {
		const char *text = usual[random_below(w, sizeof(usual) / sizeof(*usual))];

		return label_prepend(&w->q, text, strlen(text));
	}
	snprintf(label, sizeof(label), "r%u", random_below(w, 1000000));
	return label_prepend(&w->q, label, strlen(label));
}

/* Where the first label's last octet is one less or one more. */
static bool name_shift(struct vector_question *q, int by)
{
	if (!q->name[0])
		return false;
	q->name[q->name[0]] = (uint8_t)(q->name[q->name[0]] + by);
	return true;
}

/* False if there is no such name. */
static bool name_make(struct walk *w, const struct zone_node *node, enum relation relation)
{
	memcpy(w->q.name, node->cased, node->name_size);
	w->q.name_size = node->name_size;
	switch (relation) {
	case BELOW:
		return random_prepend(w);
	case STAR_BELOW:
		return label_prepend(&w->q, "*", 1);
	case FAR_BELOW:
		return random_prepend(w) && random_prepend(w) && random_prepend(w);
	case BESIDE_BEFORE:
		return name_shift(&w->q, -1);
	case BESIDE_AFTER:
		return name_shift(&w->q, 1);
	case ABOVE_BELOW:
		if (!w->q.name[0])
			return false;
		label_remove(&w->q);
		return random_prepend(w);
	default:
		return true;
	}
}

static const struct zone *zone_of(const struct walk *w, const uint8_t *folded, uint16_t type)
{
	const struct zone *found = NULL;

	for (size_t i = 0; i < w->zones->count; i++) {
		const struct zone *z = w->zones->list[i];
		bool parents = type == 43 && name_equal(folded, zone_origin(z));

		if (name_within(folded, zone_origin(z)) && !parents &&
			(!found || name_size(zone_origin(z)) > name_size(zone_origin(found))))
			found = z;
	}
	return found;
}

/* What a wildcard, or none, gives a name that doesn't exist. */
static enum question_class class_of_absent(
	const struct zone *zone, const struct zone_node *encloser, uint16_t type)
{
	const struct zone_node *star = zone_wildcard(zone, encloser);

	if (!star)
		return CLASS_NXDOMAIN;
	if (star->flags & ZONE_NODE_CUT)
		return CLASS_REFERRAL;
	if (zone_rrset(star, type))
		return CLASS_WILDCARD;
	return star->flags & ZONE_NODE_CNAME ? CLASS_WILDCARD_CNAME : CLASS_WILDCARD_NODATA;
}

static enum question_class class_of(const struct walk *w, const struct vector_question *q)
{
	uint8_t folded[255];
	const struct zone *zone;
	const struct zone_node *node, *cover;
	bool exact;

	name_fold(folded, q->name, q->name_size);
	zone = zone_of(w, folded, q->type);
	if (!zone)
		return CLASS_OUTSIDE;
	node = zone_find_encloser(zone, folded);
	exact = name_equal(node->name, folded);
	if (node->flags & ZONE_NODE_NSEC3)
		return CLASS_NSEC3_OWNER;
	cover = node->cover == ZONE_NONE ? NULL : &zone->nodes[node->cover];
	if (cover)
		return cover->flags & ZONE_NODE_CUT ? CLASS_REFERRAL : CLASS_DNAME;
	if (node->flags & ZONE_NODE_CUT)
		return exact && q->type == 43 ? CLASS_DS : CLASS_REFERRAL;
	if (q->type == 255 || q->type == 46 || q->type == 47 || q->type == 50)
		return CLASS_META;
	if (!exact && node->flags & ZONE_NODE_DNAME)
		return CLASS_DNAME;
	if (!exact)
		return class_of_absent(zone, node, q->type);
	if (zone_rrset(node, q->type))
		return CLASS_HIT;
	return node->flags & ZONE_NODE_CNAME ? CLASS_CNAME : CLASS_NODATA;
}

/* EDNS as few ask: versions, options. */
static void edns_draw(struct walk *w, struct vector_question *q)
{
	static uint8_t options[][40] = {
		{0, 3, 0, 0},                          /* NSID */
		{0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}, /* a client's cookie */
		{0, 10, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7,
			8},                           /* with a wrong one */
		{0, 10, 0, 7, 1, 2, 3, 4, 5, 6, 7},   /* malformed */
		{0, 8, 0, 7, 0, 1, 24, 0, 192, 0, 2}, /* ECS */
		{0, 12, 0, 4, 0, 0, 0, 0},            /* padding */
		{0, 11, 0, 0},                        /* keepalive */
		{0, 9, 0, 0},                         /* EXPIRE */
		{0, 19, 0, 0},                        /* ZONEVERSION */
		{0xfd, 0xe9, 0, 2, 1, 2},             /* nobody knows it */
		{0, 3, 0, 9, 1, 2},                   /* ends too early */
	};
	static const uint8_t sizes[] = {4, 12, 20, 11, 11, 8, 4, 4, 4, 6, 6};
	uint32_t which = random_below(w, sizeof(sizes) + 2);

	if (which < sizeof(sizes)) {
		q->options = options[which]; /* borrowed */
		q->options_size = sizes[which];
	} else {
		q->edns_version = which == sizeof(sizes) ? 1 : 255;
	}
}

/* The name at hand with one type, in one of four ways. */
static void question_give(struct walk *w, uint16_t type, unsigned way)
{
	static const uint16_t sizes[] = {1232, 512, 4096, 1232, 0, 800};
	struct question question = {
		.q = w->q, .zone = w->zone, .edns = way != WAY_PLAIN, .dnssec = way == WAY_DO};
	struct vector_question *q = &question.q;

	if (w->chance < UINT32_MAX && random_below(w, UINT32_MAX) >= w->chance)
		return;
	if (way == WAY_ODD && random_below(w, ODD_RARELY))
		return;
	w->count++;
	if (!w->ask)
		return;
	q->type = type;
	q->edns = way != WAY_PLAIN;
	q->edns_flags = way == WAY_DO ? 0x8000 : 0;
	q->edns_size = sizes[random_below(w, sizeof(sizes) / sizeof(*sizes))];
	q->flags =
		(uint16_t)((random_below(w, 2) ? 0x0100 : 0) | (random_below(w, 8) ? 0 : 0x0010) |
			   (random_below(w, 8) ? 0 : 0x0020));
	for (uint32_t i = random_below(w, 2) ? 0 : q->name_size; i < q->name_size; i++)
		if (q->name[i] >= 'a' && q->name[i] <= 'z' && random_below(w, 2))
			q->name[i] ^= 0x20;
	question.class = class_of(w, q);
	if (way == WAY_ODD) {
		edns_draw(w, q);
		question.class = CLASS_EDNS;
	}
	w->ask(&question, w->arg);
}

/* The types to ask a name for: the usual ones, and others that the owner name has. */
static size_t types_list(const struct zone_node *node, uint16_t types[TYPES_MAX])
{
	size_t count = sizeof(usual_types) / sizeof(*usual_types);

	memcpy(types, usual_types, sizeof(usual_types));
	for (uint32_t i = 0; i < node->rrset_count && count < TYPES_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known |= types[k] == node->rrsets[i].type;
		if (!known)
			types[count++] = node->rrsets[i].type;
	}
	return count;
}

static void zone_walk(struct walk *w)
{
	const struct zone *zone = w->zones->list[w->zone];
	uint16_t types[TYPES_MAX];

	for (uint32_t n = 0; n < zone->node_count; n++) {
		const struct zone_node *node = &zone->nodes[n];
		size_t type_count = types_list(node, types);

		for (int relation = 0; relation < RELATIONS; relation++) {
			/* Owners of NSEC3 are many, and no names: fewer questions about them. */
			if (node->flags & ZONE_NODE_NSEC3 && relation > BELOW)
				break;
			if (!name_make(w, node, (enum relation)relation))
				continue;
			for (size_t t = 0; t < type_count * WAYS; t++)
				question_give(w, types[t / WAYS], t % WAYS);
		}
	}
}

uint64_t questions_walk(const struct question_zones *zones, const struct vector_question *ends,
	uint64_t seed, uint64_t limit, void (*ask)(const struct question *question, void *arg),
	void *arg)
{
	struct walk w = {.zones = zones, .arg = arg, .q = *ends};
	uint64_t asked = 0;

	w.q.options = w.q.behind_ip = NULL;
	w.q.options_size = w.q.behind_ip_size = 0;
	for (w.zone = 0; w.zone < zones->count; w.zone++) {
		w.state = 0x9e3779b97f4a7c15ull ^ (seed + 1) * 0xc2b2ae3d27d4eb4full;
		w.ask = NULL;
		w.count = 0;
		w.chance = UINT32_MAX;
		zone_walk(&w);
		w.ask = ask;
		w.chance = w.count > limit ? (limit << 32) / w.count : UINT32_MAX;
		w.count = 0;
		zone_walk(&w);
		asked += w.count;
	}
	return asked;
}

int question_zones_load(
	struct question_zones *zones, const struct vector *vector, char error[VECTOR_ERROR_SIZE])
{
	char reason[ZONE_REASON_SIZE];

	*zones = (struct question_zones){0};
	for (size_t i = 0; i < vector->zone_count; i++) {
		const struct vector_zone *z = &vector->zones[i];
		int result;

		if (!z->path)
			continue;
		if (zones->count == QUESTION_ZONES_MAX)
			return -E2BIG;
		result = zone_text_load(&zones->list[zones->count], z->path, z->origin,
			&(struct zone_limits){0}, reason);
		if (result) {
			snprintf(error, VECTOR_ERROR_SIZE, "%.200s: %.200s", z->path, reason);
			return result;
		}
		zones->count++;
	}
	return 0;
}

enum zone_kind zone_kind(const struct zone *zone)
{
	if (zone->denial != ZONE_NSEC3)
		return zone->denial == ZONE_NSEC ? ZONE_KIND_NSEC : ZONE_KIND_UNSIGNED;
	for (uint32_t i = 0; i < zone->node_count; i++) {
		const struct zone_rrset *set = zone_rrset(&zone->nodes[i], 50);

		/* RDATA follows its length; flags are the second octet (RFC 5155 section 3.2) */
		if (set && zone->nodes[i].flags & ZONE_NODE_NSEC3) {
			struct zone_rdata at = {0};

			if (zone_rdata_next(set, &at) && at.size > 1 && at.data[1] & 1)
				return ZONE_KIND_OPTOUT;
		}
	}
	return ZONE_KIND_NSEC3;
}

void question_zones_free(struct question_zones *zones)
{
	for (size_t i = 0; i < zones->count; i++)
		zone_free(zones->list[i]);
	zones->count = 0;
}

void question_print(const struct vector_question *q, FILE *to)
{
	char name[NAME_TEXT_SIZE], type[20];

	if (knot_rrtype_to_string(q->type, type, sizeof(type)) < 0)
		snprintf(type, sizeof(type), "TYPE%u", q->type);
	fprintf(to, "%s %s%s%s%s", name_to_text(name, q->name), type,
		q->flags & 0x0100 ? " +rd" : "", q->flags & 0x0010 ? " +cd" : "",
		q->flags & 0x0020 ? " +ad" : "");
	if (q->edns)
		fprintf(to, " edns %u%s", q->edns_size, q->edns_flags ? " +do" : "");
	if (q->edns_version)
		fprintf(to, " version %u", q->edns_version);
	if (q->options_size)
		fprintf(to, " option %u, %u octets", q->options[0] << 8 | q->options[1],
			q->options[2] << 8 | q->options[3]);
}
