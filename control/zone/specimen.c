/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/specimen.h"

#include <string.h>

#define PLAIN_MAX     512   /* octets of an answer without EDNS (RFC 1035 2.3.4) */
#define RECORD_FIXED  10    /* octets of a record but for its owner and RDATA */
#define SMALL         300   /* octets of all that a name has, for an answer of 512 */
#define SET_MAX       8     /* records whose order is looked at */
#define HELD_MAX      10000 /* aliases whose targets are looked up */
#define SIGNATURE_MIN RR_DS /* types above it may be behind signatures and denials */

/* A label that nobody has. */
static const uint8_t label[] = {12, 'n', 'o', '-', 's', 'u', 'c', 'h', '-', 'n', 'a', 'm', 'e'};

static void name_set(struct specimen *to, const struct zone_node *node)
{
	to->name_size = node->name_size;
	memcpy(to->name, node->name, node->name_size);
}

/* The label below `parent`. False: too long. */
static bool name_below(struct specimen *to, const uint8_t *parent, size_t size)
{
	if (size + sizeof(label) > NAME_MAX_SIZE)
		return false;
	memcpy(to->name, label, sizeof(label));
	memcpy(to->name + sizeof(label), parent, size);
	to->name_size = (uint8_t)(size + sizeof(label));
	return true;
}

static void absent_find(struct specimen *to, const struct zone *zone)
{
	const struct zone_soa *soa = &zone->soa;
	const struct zone_node *apex = &zone->nodes[0];

	to->expect = soa->ttl < soa->minimum ? soa->ttl : soa->minimum;
	if (!to->expect || apex->flags & (ZONE_NODE_DNAME | ZONE_NODE_STAR_BELOW) ||
		!name_below(to, apex->name, apex->name_size) || zone_find(zone, to->name))
		to->name_size = 0;
}

/* A name of full length below the DNAME's owner, of labels as long as can be. */
static void long_make(struct specimen *to, const struct zone_node *node)
{
	size_t left = NAME_MAX_SIZE - node->name_size, at = 0;

	while (left > 1) {
		size_t size = left > 64 ? 64 : left;

		/* no label of one octet's room may be left over */
		if (left - size == 1)
			size--;
		to->name[at] = (uint8_t)(size - 1);
		memset(to->name + at + 1, 'a', size - 1);
		at += size;
		left -= size;
	}
	memcpy(to->name + at, node->name, node->name_size);
	to->name_size = (uint8_t)(at + node->name_size);
}

/*
 * Is what the DNAME makes denied by one NSEC, and the wildcard there by another one, which covers
 * the closest encloser as well? That is so where the encloser is an empty non-terminal and not all
 * below it comes behind the name; servers that take the encloser's NSEC for the name's show it only
 * there.
 */
static bool name_is_denied(const struct zone *zone, const struct zone_rdata *target)
{
	const struct zone_node *encloser, *before;
	struct specimen made;
	uint8_t star[NAME_MAX_SIZE] = {1, '*'};

	if (zone->denial != ZONE_NSEC || !name_below(&made, target->data, target->size))
		return false;
	name_fold(made.name, made.name, made.name_size);
	encloser = zone_find_encloser(zone, made.name);
	if (!encloser || encloser->name_size + 2 > NAME_MAX_SIZE)
		return false;
	memcpy(star + 2, encloser->name, encloser->name_size);
	before = zone_find_before(zone, made.name);
	return encloser->flags & ZONE_NODE_EMPTY && !zone_find(zone, made.name) &&
	       !(encloser->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_STAR_BELOW)) &&
	       before != encloser && before != zone_find_before(zone, star);
}

static void dname_look(struct specimen all[], const struct zone *zone, const struct zone_node *node)
{
	struct zone_rdata target = {0};
	bool star = node->flags & ZONE_NODE_WILDCARD;

	if (star || !(node->flags & ZONE_NODE_DNAME) || node->flags & ZONE_NODE_CUT ||
		!zone_rdata_next(zone_rrset(node, RR_DNAME), &target))
		return;
	if (!all[SPECIMEN_LONG].name_size && target.size > node->name_size &&
		node->name_size + 2 < NAME_MAX_SIZE)
		long_make(&all[SPECIMEN_LONG], node);
	if (!all[SPECIMEN_DNAME].name_size && target.size + sizeof(label) <= NAME_MAX_SIZE)
		name_below(&all[SPECIMEN_DNAME], node->name, node->name_size);
	if (!all[SPECIMEN_DENIED].name_size && name_is_denied(zone, &target))
		name_below(&all[SPECIMEN_DENIED], node->name, node->name_size);
}

/* Aliases: into another zone, or a wildcard's. */
static void alias_look(struct specimen all[], const struct zone *zone, const struct zone_node *node,
	specimen_held *held, void *arg, unsigned *looked)
{
	const struct zone_node *above =
		node->parent == ZONE_NONE ? NULL : zone->nodes + node->parent;
	struct specimen *star = &all[SPECIMEN_STAR_ALIAS];
	struct zone_rdata target = {0};
	uint8_t folded[NAME_MAX_SIZE];

	if (!(node->flags & ZONE_NODE_CNAME) ||
		!zone_rdata_next(zone_rrset(node, RR_CNAME), &target))
		return;
	if (node->flags & ZONE_NODE_WILDCARD) {
		if (!star->name_size && above && name_below(star, above->name, above->name_size) &&
			zone_find(zone, star->name))
			star->name_size = 0;
		return;
	}
	if (all[SPECIMEN_ALIAS_OUT].name_size || *looked == HELD_MAX)
		return;
	name_fold(folded, target.data, target.size);
	if (name_within(folded, zone_origin(zone)))
		return;
	++*looked;
	if (held(arg, folded))
		name_set(&all[SPECIMEN_ALIAS_OUT], node);
}

/* Do all name servers fit into an answer of 512 octets, and some addresses below the cut, but not
 * all of them? However names are compressed. */
static bool glue_is_parted(const struct zone *zone, const struct zone_node *node)
{
	const struct zone_rrset *ns = zone_rrset(node, RR_NS);
	uint32_t longest = 16 + node->name_size, least = longest;
	struct zone_rdata at = {0};

	while (zone_rdata_next(ns, &at)) {
		uint8_t folded[NAME_MAX_SIZE];
		const struct zone_node *host;

		name_fold(folded, at.data, at.size);
		host = name_within(folded, node->name) ? zone_find(zone, folded) : NULL;
		longest += RECORD_FIXED + 2 + at.size;
		least += RECORD_FIXED + 4;
		for (uint32_t i = 0; host && i < host->rrset_count; i++) {
			const struct zone_rrset *set = &host->rrsets[i];

			if (set->type == RR_A || set->type == RR_AAAA)
				least += set->count * (RECORD_FIXED + 2) + set->size;
		}
	}
	return longest + RECORD_FIXED + 16 + 64 < PLAIN_MAX && least > PLAIN_MAX;
}

/* Delegations to zones that the server doesn't hold itself: else it answers for these. */
static void cut_look(struct specimen all[], const struct zone *zone, const struct zone_node *node,
	specimen_held *held, void *arg)
{
	size_t origin = zone->nodes[0].name_size;

	if (node->flags & ZONE_NODE_WILDCARD ||
		(all[SPECIMEN_SECURE].name_size && all[SPECIMEN_GLUE].name_size &&
			all[SPECIMEN_NESTED].name_size))
		return;
	if (held(arg, node->name) != origin)
		return;
	if (!all[SPECIMEN_SECURE].name_size && zone_rrset(node, RR_DS) &&
		zone->denial != ZONE_UNSIGNED)
		name_set(&all[SPECIMEN_SECURE], node);
	if (!all[SPECIMEN_GLUE].name_size && glue_is_parted(zone, node))
		name_set(&all[SPECIMEN_GLUE], node);
	if (all[SPECIMEN_NESTED].name_size)
		return;
	for (const struct zone_node *n = node + 1; n < zone->nodes + node->end; n++) {
		if (!zone_rrset(n, RR_NS) || held(arg, n->name) != origin)
			continue;
		name_set(&all[SPECIMEN_NESTED], n);
		all[SPECIMEN_NESTED].expect = node->name_size;
		return;
	}
}

/*
 * Does an answer to ANY with the lowest type say that it is always the lowest? NSD has types that
 * it likes better: one of these must be there and not be the lowest.
 */
static bool lowest_tells(const struct zone_node *node)
{
	static const uint16_t liked[] = {RR_SOA, RR_A, RR_AAAA, RR_MX, RR_PTR};
	bool other = false;

	for (uint32_t i = 0; i < sizeof(liked) / sizeof(liked[0]); i++) {
		if (node->rrsets[0].type == liked[i])
			return false;
		other |= zone_rrset(node, liked[i]) != NULL;
	}
	return other;
}

/* A name without SOA, a set's order, and which type ANY gets; with the lowest type if that tells.
 */
static void data_look(struct specimen all[], const struct zone_node *node, uint32_t ttl)
{
	const struct zone_rrset *a = zone_rrset(node, RR_A);
	struct specimen *many = &all[SPECIMEN_MANY], *set = &all[SPECIMEN_SET];
	struct specimen *bare = &all[SPECIMEN_BARE];
	uint32_t types = 0, size = 0;

	if (node->flags & ZONE_NODE_WILDCARD || !node->rrset_count)
		return;
	if (!bare->name_size && ttl && !zone_rrset(node, RR_SOA)) {
		name_set(bare, node);
		bare->expect = ttl;
	}
	if (a && a->count >= 2 && a->count <= SET_MAX && a->count > set->expect) {
		name_set(set, node);
		set->expect = a->count;
	}
	if (many->name_size && many->expect)
		return;
	for (uint32_t i = 0; i < node->rrset_count; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		types += rrset->type < SIGNATURE_MIN;
		size += rrset->size + rrset->count * (uint32_t)(12 + node->name_size);
	}
	if (types < 2 || size > SMALL || (many->name_size && !lowest_tells(node)))
		return;
	name_set(many, node);
	many->expect = lowest_tells(node) ? node->rrsets[0].type : 0;
}

void specimens_collect(struct specimen specimens[static SPECIMEN_KINDS], const struct zone *zone,
	specimen_held *held, void *arg)
{
	const struct zone_rrset *param = zone_rrset(&zone->nodes[0], RR_NSEC3PARAM);
	unsigned looked = 0;

	memset(specimens, 0, SPECIMEN_KINDS * sizeof(*specimens));
	absent_find(&specimens[SPECIMEN_ABSENT], zone);
	if (param) {
		name_set(&specimens[SPECIMEN_PARAM], &zone->nodes[0]);
		specimens[SPECIMEN_PARAM].expect = param->ttl;
	}
	for (uint32_t i = 0; i < zone->node_count; i++) {
		const struct zone_node *node = &zone->nodes[i];

		if (node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_CLASH | ZONE_NODE_NSEC3))
			continue;
		dname_look(specimens, zone, node);
		alias_look(specimens, zone, node, held, arg, &looked);
		if (node->flags & ZONE_NODE_CUT)
			cut_look(specimens, zone, node, held, arg);
		else if (!(node->flags & ZONE_NODE_CNAME))
			data_look(specimens, node, specimens[SPECIMEN_ABSENT].expect);
	}
}

static bool specimen_same(const struct specimen *a, const struct specimen *b)
{
	return a->name_size == b->name_size && a->expect == b->expect &&
	       !memcmp(a->name, b->name, a->name_size);
}

/* Among what other zones have shown: one that shows less gives way. */
static struct specimen *row_choose(struct specimen_shelf *shelf, uint32_t zone,
	enum specimen_kind kind, const struct specimen *new)
{
	for (size_t i = 0; i < SPECIMEN_SHELF; i++)
		if (shelf->rows[kind][i].specimen.name_size && shelf->rows[kind][i].zone == zone)
			return &shelf->rows[kind][i].specimen;
	for (size_t i = 0; i < SPECIMEN_SHELF && new; i++) {
		struct specimen *old = &shelf->rows[kind][i].specimen;

		if (old->name_size &&
			!(kind == SPECIMEN_MANY && old->expect == RR_A && new->expect != RR_A))
			continue;
		shelf->rows[kind][i].zone = zone;
		return old;
	}
	return NULL;
}

void specimen_shelf_put(struct specimen_shelf *shelf, uint32_t zone,
	const struct specimen specimens[SPECIMEN_KINDS])
{
	static const struct specimen none;

	for (int kind = 0; kind < SPECIMEN_KINDS; kind++) {
		const struct specimen *new =
			specimens &&specimens[kind].name_size ? &specimens[kind] : NULL;
		struct specimen *old = row_choose(shelf, zone, (enum specimen_kind)kind, new);

		if (!old || specimen_same(old, new ? new : &none))
			continue;
		*old = new ? *new : none;
		shelf->number++;
	}
}

const struct specimen *specimen_shelf_find(
	const struct specimen_shelf *shelf, enum specimen_kind kind, unsigned row)
{
	for (size_t i = 0; shelf && i < SPECIMEN_SHELF; i++)
		if (shelf->rows[kind][i].specimen.name_size && row-- == 0)
			return &shelf->rows[kind][i].specimen;
	return NULL;
}
