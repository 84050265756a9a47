/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/compile_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COURTESY_TOGETHER 4u /* hosts whose addresses of both kinds are sent, or none, unsigned */

/* Signatures stand beside what they sign, denial in a tree of its own (image.md, "Signed zones").
 */
static bool type_kept(uint16_t type)
{
	return type != RR_RRSIG && type != RR_NSEC && type != RR_NSEC3;
}

/* Does the type name hosts whose addresses belong into the additional section? (RFC 1035 3.3, RFC
 * 2782) */
static bool type_has_additional(uint16_t type)
{
	return type == RR_NS || type == RR_MX || type == RR_SRV;
}

static int target_order(const void *a, const void *b)
{
	const struct zone_node *const *x = a, *const *y = b;

	return name_compare((*x)->name, (*y)->name, NULL);
}

/* What a wildcard gives a name that isn't there ('folded', and as it was written), or NULL. */
static const struct zone_node *target_synthesise(
	struct making *m, uint32_t place, const uint8_t *folded, const uint8_t *cased)
{
	const struct zone_node *encloser, *star;
	size_t size = name_size(folded);

	if (!name_within(folded, zone_origin(m->zone)))
		return NULL;
	encloser = zone_find_encloser(m->zone, folded);
	star = zone_wildcard(m->zone, encloser);
	if (!star)
		return NULL;
	m->synthesised[place] = *star;
	m->synthesised[place].name = memcpy(m->folded[place], folded, size);
	m->synthesised[place].cased = cased;
	m->synthesised[place].name_size = (uint8_t)size;
	m->synthesised[place].labels = (uint8_t)name_labels(folded);
	return &m->synthesised[place];
}

/*
 * The names of the zone that the RRset's names lead to, each once, in the zone's order. Names that
 * the zone doesn't hold, and those with neither address, are left out.
 */
static uint32_t targets_find(struct making *m, const struct zone_rrset *rrset, bool glue)
{
	struct zone_rdata at = {0};
	uint32_t count = 0;

	while (count < TARGETS_MAX && zone_rdata_next(rrset, &at)) {
		struct rdata_name names[RDATA_MAX_NAMES];
		uint8_t folded[NAME_MAX_SIZE];

		if (rdata_names(rrset->type, at.data, at.size, names) != 1)
			continue;
		const uint8_t *cased = at.data + names[0].offset;
		name_fold(folded, cased, names[0].size);
		const struct zone_node *node = zone_find(m->zone, folded);
		if (!node)
			node = target_synthesise(m, count, folded, cased);
		if (!node || (node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_CUT) && !glue))
			continue;
		if (!zone_rrset(node, RR_A) && !zone_rrset(node, RR_AAAA))
			continue;
		uint32_t i = 0;
		while (i < count && !name_equal(m->targets[i]->name, node->name))
			i++;
		if (i == count)
			m->targets[count++] = node;
	}
	qsort(m->targets, count, sizeof(m->targets[0]), target_order);
	return count;
}

static void address_add(struct making *m, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *rrset = zone_rrset(node, type);

	if (rrset)
		group_rrset(m->group, GROUP_ADDITIONAL, node, rrset, rrset->ttl);
}

/* Signatures of a set, in the fragment that was begun for them. */
static void signatures_add(struct making *m, enum group_section section,
	const struct zone_node *owner, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *rrsig = zone_rrsig(node, type);

	if (rrsig)
		group_rrset(m->group, section, owner, rrsig, rrsig->ttl);
}

/* Addresses of m->targets[] that are a courtesy: of all, or of those outside the delegation. */
static void courtesy_add(struct making *m, const struct zone_node *cut, uint32_t count,
	uint16_t type, bool signatures)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct zone_node *target = m->targets[i];

		if (cut && name_within(target->name, cut->name))
			continue;
		if (!signatures)
			address_add(m, target, type);
		else if (!(target->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_CUT)))
			/* addresses below a cut are the other zone's, whatever stands beside them
			 */
			signatures_add(m, GROUP_ADDITIONAL, target, target, type);
	}
}

/*
 * They are left out where they don't fit, many by their type: a resolver that gets one kind knows
 * where to ask.
 */
static void courtesy_render(struct making *m, const struct zone_node *cut, uint32_t count)
{
	static const uint16_t types[] = {RR_A, RR_AAAA};
	bool is_signed = m->out->flags & VERSION_SIGNED,
	     apart = is_signed || count > COURTESY_TOGETHER;

	for (unsigned first = 0; first < 2; first += apart ? 1 : 2) {
		unsigned end = apart ? first + 1 : 2;

		group_fragment(m->group, FRAGMENT_OPTIONAL);
		for (unsigned t = first; t < end; t++)
			courtesy_add(m, cut, count, types[t], false);
		group_fragment(m->group, FRAGMENT_OPTIONAL | FRAGMENT_DNSSEC);
		for (unsigned t = first; t < end && is_signed; t++)
			courtesy_add(m, cut, count, types[t], true);
	}
}

/*
 * A referral: the delegation's NS, and addresses. Those of servers inside the delegated zone must
 * come along (RFC 9471 section 3.1); those of others in this zone are a courtesy. In a signed zone
 * the proof comes between the NS and the addresses.
 */
static void referral_render(
	struct making *m, const struct zone_node *node, const struct zone_rrset *ns)
{
	uint32_t count = targets_find(m, ns, true);

	group_fragment(m->group, 0);
	group_rrset(m->group, GROUP_AUTHORITY, NULL, ns, ns->ttl);
	if (m->out->flags & VERSION_SIGNED)
		group_fragment(m->group, 0);
	for (uint32_t i = 0; i < count; i++) {
		if (!name_within(m->targets[i]->name, node->name))
			continue;
		address_add(m, m->targets[i], RR_A);
		address_add(m, m->targets[i], RR_AAAA);
	}
	courtesy_render(m, node, count);
}

static bool target_inside(const struct making *m, const struct zone_rrset *alias)
{
	uint8_t folded[NAME_MAX_SIZE];
	struct zone_rdata at = {0};

	if (!zone_rdata_next(alias, &at))
		return false;
	name_fold(folded, at.data, at.size);
	return name_within(folded, zone_origin(m->zone));
}

static void answer_render(
	struct making *m, const struct zone_node *node, const struct zone_rrset *rrset)
{
	bool target =
		(rrset->type == RR_CNAME || rrset->type == RR_DNAME) && target_inside(m, rrset);

	group_fragment(m->group, target ? FRAGMENT_TARGET : 0);
	group_rrset(m->group, GROUP_ANSWER, NULL, rrset, rrset->ttl);
	group_fragment(m->group, FRAGMENT_DNSSEC);
	signatures_add(m, GROUP_ANSWER, NULL, node, rrset->type);
	if (!type_has_additional(rrset->type))
		return;
	/* The zone's own servers may live below a cut of it: a priming answer needs their glue (RFC
	 * 8109 4.2). */
	uint32_t count = targets_find(m, rrset, rrset->type == RR_NS);
	courtesy_render(m, NULL, count);
}

/* The groups of an entry behind its types. Its size, or -EFBIG: the layout can't hold it. */
static int groups_render(struct making *m, const struct zone_node *node, struct image_entry *entry)
{
	bool cut = node->flags & ZONE_NODE_CUT;
	uint32_t types = 0, kept[IMAGE_TYPES_MAX];

	for (uint32_t i = 0; i < node->rrset_count; i++) {
		uint16_t type = node->rrsets[i].type;
		/* At a cut, all but the delegation itself is the other zone's (RFC 1034 4.2.1). */
		if (!type_kept(type) || (cut && type != RR_NS && type != RR_DS))
			continue;
		if (types == IMAGE_TYPES_MAX)
			return -EFBIG;
		kept[types++] = i;
	}
	struct image_type *slots =
		(struct image_type *)(void *)(m->entry + ENTRY_TYPES_AT(entry->key_len));
	uint32_t used = ENTRY_HASHES_AT(entry->key_len, types);

	/* Their place is known only now; so they are made here. */
	if (m->hashed) {
		entry->flags |= ENTRY_HASHED;
		hashes_write(m, node, (struct image_hashes *)(void *)(m->entry + used));
		used += ENTRY_HASHES_SIZE(entry->flags);
	}

	for (uint32_t i = 0; i < types; i++) {
		const struct zone_rrset *rrset = &node->rrsets[kept[i]];

		group_begin(m->group, node->name, zone_origin(m->zone),
			node->flags & ZONE_NODE_WILDCARD);
		if (cut && rrset->type == RR_NS)
			referral_render(m, node, rrset);
		else
			answer_render(m, node, rrset);
		int size = group_end(m->group, m->entry + used, sizeof(m->entry) - used);
		if (size < 0)
			return -EFBIG;
		slots[i] = (struct image_type){rrset->type, (uint16_t)(used / 4)};
		used += (uint32_t)size;
	}
	entry->types = (uint8_t)types;
	return (int)used;
}

/* Does a cut lie below this one? The zone must not hold it, and servers differ on what it is. */
static bool cut_nested(const struct making *m, const struct zone_node *cut)
{
	for (uint32_t i = zone_index(m->zone, cut) + 1; i < cut->end; i++)
		if (zone_rrset(&m->zone->nodes[i], RR_NS))
			return true;
	return false;
}

static uint8_t entry_flags(const struct making *m, const struct zone_node *node)
{
	uint8_t flags = 0;

	if (node == m->zone->nodes)
		flags |= ENTRY_APEX;
	if (node->flags & ZONE_NODE_CUT)
		flags |= ENTRY_CUT | (cut_nested(m, node) ? ENTRY_NESTED : 0);
	if (node->flags & ZONE_NODE_STAR_BELOW)
		flags |= ENTRY_WILDCARD;
	if (node->flags & ZONE_NODE_DNAME)
		flags |= ENTRY_DNAME;
	if (node->flags & ZONE_NODE_CNAME)
		flags |= ENTRY_CNAME;
	return flags;
}

int compiled_append(
	struct compiled *out, const uint8_t *from, uint32_t size, struct compiled_entry *at)
{
	uint32_t units = (size + IMAGE_UNIT - 1) / IMAGE_UNIT;
	size_t padded = (size_t)units * IMAGE_UNIT;

	if (out->room - out->size < padded) {
		size_t room = out->room * 2 + IMAGE_ENTRY_MAX;
		uint8_t *bytes = realloc(out->bytes, room);
		if (!bytes)
			return -ENOMEM;
		out->bytes = bytes;
		out->room = room;
	}
	memcpy(out->bytes + out->size, from, size);
	memset(out->bytes + out->size + size, 0, padded - size);
	*at = (struct compiled_entry){(uint32_t)(out->size / IMAGE_UNIT), units};
	out->size += padded;
	return 0;
}

static int entry_compile(struct making *m, const struct zone_node *node)
{
	struct image_entry *entry = (struct image_entry *)(void *)m->entry;
	struct compiled *out = m->out;
	uint32_t key_len = node->name_size - out->apex_size;
	int size = -EFBIG;

	memset(m->entry, 0, ENTRY_TYPES_AT(key_len));
	entry->key_len = (uint8_t)key_len;
	entry->labels = (uint8_t)(node->labels - out->apex_labels);
	entry->flags = entry_flags(m, node);
	memcpy(entry->key, node->name, key_len);
	if (!(node->flags & ZONE_NODE_CLASH) && (node->flags & (ZONE_NODE_CUT | ZONE_NODE_DNAME)) !=
							(ZONE_NODE_CUT | ZONE_NODE_DNAME))
		size = groups_render(m, node, entry);
	if (size < 0) {
		entry->flags = (uint8_t)((entry->flags | ENTRY_PASS) & ~ENTRY_HASHED);
		entry->types = 0;
		size = (int)ENTRY_TYPES_AT(key_len);
		out->passed++;
	}
	if ((entry->flags & (ENTRY_CUT | ENTRY_NESTED | ENTRY_PASS)) == (ENTRY_CUT | ENTRY_NESTED))
		out->flags |= VERSION_NESTED;
	if (entry->labels > out->max_labels)
		out->max_labels = entry->labels;
	return compiled_append(out, m->entry, (uint32_t)size, &out->entries[out->count++]);
}

/* RFC 2308 section 3: the SOA of a negative answer has the least of its TTL and its minimum field;
 * so have its signatures. */
static int negative_compile(struct making *m)
{
	const struct zone_soa *soa = &m->zone->soa;
	const struct zone_node *apex = &m->zone->nodes[0];
	const struct zone_rrset *rrsig = zone_rrsig(apex, RR_SOA);
	uint32_t ttl = soa->ttl < soa->minimum ? soa->ttl : soa->minimum;
	int size;

	group_begin(m->group, zone_origin(m->zone), zone_origin(m->zone), false);
	group_fragment(m->group, 0);
	group_rrset(m->group, GROUP_AUTHORITY, NULL, zone_rrset(apex, RR_SOA), ttl);
	group_fragment(m->group, FRAGMENT_DNSSEC);
	if (rrsig)
		group_rrset(m->group, GROUP_AUTHORITY, NULL, rrsig, ttl);
	size = group_end(m->group, m->entry, sizeof(m->entry));
	if (size < 0)
		return size;
	return compiled_append(m->out, m->entry, (uint32_t)size, &m->out->negative);
}

static int zone_compile(struct making *m)
{
	const struct zone *zone = m->zone;
	struct compiled *out = m->out;
	int error;

	out->serial = zone->soa.serial;
	out->wire_size = zone->wire_size;
	out->apex_size = zone->nodes[0].name_size;
	out->apex_labels = zone->nodes[0].labels;
	memcpy(out->apex, zone_origin(zone), out->apex_size);
	if (zone->denial != ZONE_UNSIGNED || zone->has_rrsig)
		out->flags |= VERSION_SIGNED;
	error = denial_compile(m);
	if (!error)
		error = negative_compile(m);
	for (uint32_t i = 0; i < zone->node_count && !error; i++) {
		const struct zone_node *node = &zone->nodes[i];
		if (!(node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3)))
			error = entry_compile(m, node);
	}
	return error;
}

int compile_zone(struct compiled **compiled, const struct zone *zone)
{
	struct making *m = calloc(1, sizeof(*m));
	int error = -ENOMEM;

	if (!m)
		return -ENOMEM;
	m->zone = zone;
	m->out = calloc(1, sizeof(*m->out));
	if (!m->out || group_new(&m->group))
		goto out;
	m->out->entries = calloc(zone->node_count, sizeof(*m->out->entries));
	if (!m->out->entries)
		goto out;
	error = zone_compile(m);
	if (error)
		goto out;
	*compiled = m->out;
	m->out = NULL;
out:
	compiled_free(m->out);
	group_free(m->group);
	free(m->hashes);
	free(m);
	return error;
}

void compiled_free(struct compiled *compiled)
{
	if (!compiled)
		return;
	free(compiled->bytes);
	free(compiled->entries);
	free(compiled->denials);
	free(compiled);
}
