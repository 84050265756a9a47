/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The denial of existence of a signed zone: NSEC (RFC 4034 section 4) or NSEC3 (RFC 5155) records
 * with their signatures, as objects of the image in the order of its tree.
 *
 * In: a finished zone. Out: denials in the compilation, or none: a chain that doesn't hold together
 * can't prove anything, and what the servers then say differs.
 */
#include "control/zone/compile_parts.h"
#include "control/zone/octets.h"

#include "answer/sha1.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS_MAX                                                                             \
	100u           /* more make the compile step slow; validators refuse them (RFC 9276)       \
			*/
#define HASH_LABEL 32u /* octets of a hash in base32hex (RFC 5155 section 1.3) */
#define STAR_SIZE  2u

/* What can go wrong with a chain is not an error of the compile step. */
#define REFUSED (-EPROTO)

/* ---- objects ---- */

static int denial_append(struct making *m, const uint8_t *key, uint32_t key_len,
	const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *rrset = zone_rrset(node, type), *rrsig = zone_rrsig(node, type);
	struct image_denial *denial = (struct image_denial *)(void *)m->entry;
	uint32_t at = DENIAL_GROUP_AT(key_len);
	int size;

	if (!rrsig)
		return REFUSED;
	memset(m->entry, 0, at);
	denial->key_len = (uint16_t)key_len;
	if (type == RR_NSEC)
		denial->labels = node->labels - m->out->apex_labels;
	memcpy(denial->key, key, key_len);
	group_begin(m->group, zone_origin(m->zone), zone_origin(m->zone), false);
	group_fragment(m->group, 0);
	group_rrset(m->group, GROUP_AUTHORITY, node, rrset, rrset->ttl);
	group_rrset(m->group, GROUP_AUTHORITY, node, rrsig, rrsig->ttl);
	size = group_end(m->group, m->entry + at, sizeof(m->entry) - at);
	if (size < 0 || ((struct image_fragment *)(void *)(m->entry + at))->flags)
		return REFUSED; /* too large for a fragment */
	return compiled_append(
		m->out, m->entry, at + (uint32_t)size, &m->out->denials[m->out->denial_count++]);
}

/* The only record of the set, or false. */
static bool rdata_only(const struct zone_rrset *rrset, struct zone_rdata *rdata)
{
	*rdata = (struct zone_rdata){0};
	return rrset->count == 1 && zone_rdata_next(rrset, rdata);
}

/* ---- NSEC ---- */

/* image.md, "denial". Octets written. */
static uint32_t name_key(const uint8_t *name, unsigned labels, uint8_t key[IMAGE_KEY_MAX])
{
	uint32_t size = 0;

	while (labels--) {
		const uint8_t *label = name_skip(name, labels);

		for (unsigned i = 1; i <= *label; i++) {
			/* 0 ends a label: it and 1 are written behind a 1 */
			if (label[i] <= 1)
				key[size++] = 1;
			key[size++] = label[i] + (label[i] <= 1);
		}
		key[size++] = 0;
	}
	return size;
}

static int nsec_append(struct making *m, const struct zone_node *node)
{
	uint8_t key[IMAGE_KEY_MAX];
	uint32_t size = name_key(node->name, node->labels - m->out->apex_labels, key);

	return denial_append(m, key, size, node, RR_NSEC);
}

/* Reads the next name out of a node's NSEC. */
static bool nsec_next(const struct zone_rrset *nsec, uint8_t next[NAME_MAX_SIZE])
{
	struct rdata_name names[RDATA_MAX_NAMES];
	struct zone_rdata rdata;

	if (!rdata_only(nsec, &rdata) || rdata_names(RR_NSEC, rdata.data, rdata.size, names) != 1)
		return false;
	name_fold(next, rdata.data + names[0].offset, names[0].size);
	return true;
}

static int nsec_chain(struct making *m)
{
	const struct zone *zone = m->zone;
	uint8_t next[NAME_MAX_SIZE];
	int error = 0;

	memcpy(next, zone_origin(zone), zone->nodes[0].name_size);
	for (uint32_t i = 0; i < zone->node_count && !error; i++) {
		const struct zone_node *node = &zone->nodes[i];
		const struct zone_rrset *nsec = zone_rrset(node, RR_NSEC);
		bool named = !(node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3));

		if (!nsec && named && node->rrset_count)
			return REFUSED; /* a name that the chain leaves out */
		if (!nsec)
			continue;
		if (!named || !name_equal(node->name, next) || !nsec_next(nsec, next))
			return REFUSED;
		error = nsec_append(m, node);
	}
	if (!error && !name_equal(next, zone_origin(zone)))
		return REFUSED;
	return error;
}

/* ---- NSEC3 ---- */

static void sha1_digest(const uint8_t *bytes, uint32_t size, uint8_t digest[IMAGE_HASH_SIZE])
{
	uint8_t padded[NAME_MAX_SIZE + UINT8_MAX + 2 * SHA1_BLOCK] = {0};
	uint32_t state[5];
	uint64_t pairs[SHA1_PAIRS];
	uint32_t end = (size + 9 + SHA1_BLOCK - 1) / SHA1_BLOCK * SHA1_BLOCK;

	memcpy(padded, bytes, size);
	padded[size] = 0x80;
	octets_put_u16(padded + end - 2, size * 8);
	sha1_start(state);
	for (uint32_t at = 0; at < end; at += SHA1_BLOCK) {
		for (uint32_t i = 0; i < SHA1_BLOCK / 8; i++)
			pairs[i] = (uint64_t)octets_u32(padded + at + 8 * i) << 32 |
				   octets_u32(padded + at + 8 * i + 4);
		sha1_block(state, pairs);
	}
	for (uint32_t i = 0; i < 5; i++) {
		octets_put_u16(digest + 4 * i, state[i] >> 16);
		octets_put_u16(digest + 4 * i + 2, state[i] & 0xffff);
	}
}

/* RFC 5155 section 5. 'name' is folded. */
static void name_hash3(const struct zone_nsec3 *nsec3, const uint8_t *name, uint32_t size,
	uint8_t hash[IMAGE_HASH_SIZE])
{
	uint8_t bytes[NAME_MAX_SIZE + UINT8_MAX];

	memcpy(bytes, name, size);
	for (uint32_t i = 0;; i++) {
		if (nsec3->salt_size)
			memcpy(bytes + size, nsec3->salt, nsec3->salt_size);
		sha1_digest(bytes, size + nsec3->salt_size, hash);
		if (i == nsec3->iterations)
			return;
		size = IMAGE_HASH_SIZE;
		memcpy(bytes, hash, size);
	}
}

/* The hash that a folded label of base32hex stands for (RFC 4648 section 7), or false. */
static bool label_hash(const uint8_t *label, uint8_t hash[IMAGE_HASH_SIZE])
{
	uint64_t bits = 0;

	if (*label != HASH_LABEL)
		return false;
	for (uint32_t i = 1; i <= HASH_LABEL; i++) {
		uint8_t c = label[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'v')))
			return false;
		bits = bits << 5 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		if (i % 8)
			continue;
		for (uint32_t j = 0; j < 5; j++)
			hash[i / 8 * 5 - 5 + j] = (uint8_t)(bits >> (32 - 8 * j));
	}
	return true;
}

/* Of this chain? Its parameters say (RFC 5155 section 3.2). */
static bool rdata_ours(const struct zone_nsec3 *nsec3, const struct zone_rdata *rdata)
{
	return rdata->size >= 5u + nsec3->salt_size && rdata->data[0] == nsec3->algorithm &&
	       octets_u16(rdata->data + 2) == nsec3->iterations &&
	       rdata->data[4] == nsec3->salt_size &&
	       !(nsec3->salt_size && memcmp(rdata->data + 5, nsec3->salt, nsec3->salt_size));
}

/* Is any of the records of this chain? */
static bool nsec3_ours(const struct zone *zone, const struct zone_rrset *rrset)
{
	struct zone_rdata rdata = {0};

	while (zone_rdata_next(rrset, &rdata)) {
		if (rdata_ours(&zone->nsec3, &rdata))
			return true;
	}
	return false;
}

/* The next hash of a record of this chain. */
static bool nsec3_next(const struct making *m, const struct zone_rrset *rrset,
	uint8_t next[IMAGE_HASH_SIZE], bool *opt_out)
{
	const struct zone_nsec3 *nsec3 = &m->zone->nsec3;
	uint32_t salt_end = 5u + nsec3->salt_size;
	struct zone_rdata rdata;

	if (!rdata_only(rrset, &rdata) || !rdata_ours(nsec3, &rdata) ||
		rdata.size < salt_end + 1 + IMAGE_HASH_SIZE || rdata.data[1] & ~1u ||
		rdata.data[salt_end] != IMAGE_HASH_SIZE)
		return false;
	memcpy(next, rdata.data + salt_end + 1, IMAGE_HASH_SIZE);
	*opt_out = rdata.data[1] & 1;
	return true;
}

/* The denials, and their hashes beside them. Those of another chain, which comes or goes, are left
 * out: servers prove with the one that the only NSEC3PARAM names. */
static int nsec3_list(struct making *m, bool opt_out[])
{
	const struct zone *zone = m->zone;
	uint8_t next[IMAGE_HASH_SIZE] = {0};
	uint32_t count = 0;
	int error = 0;

	for (uint32_t i = 0; i < zone->node_count && !error; i++) {
		const struct zone_node *node = &zone->nodes[i];
		const struct zone_rrset *rrset = zone_rrset(node, RR_NSEC3);

		if (!rrset)
			continue;
		if (!nsec3_ours(zone, rrset)) {
			m->out->flags |= VERSION_HASHED;
			continue;
		}
		if (node->labels != m->out->apex_labels + 1u ||
			!label_hash(node->name, m->hashes[count]) ||
			(count && memcmp(next, m->hashes[count], sizeof(next))) ||
			!nsec3_next(m, rrset, next, &opt_out[count]))
			return REFUSED;
		error = denial_append(m, m->hashes[count++], IMAGE_HASH_SIZE, node, RR_NSEC3);
	}
	if (!error && (!count || memcmp(next, m->hashes[0], sizeof(next))))
		return REFUSED;
	return error;
}

/* The place of the last hash at or before this one; the last of all covers what is before the
 * first. */
static uint32_t hash_place(const struct making *m, const uint8_t hash[IMAGE_HASH_SIZE], bool *match)
{
	uint32_t low = 0, high = m->out->denial_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(m->hashes[middle], hash, IMAGE_HASH_SIZE) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	low = (low ? low : m->out->denial_count) - 1;
	*match = !memcmp(m->hashes[low], hash, IMAGE_HASH_SIZE);
	return low;
}

/* May the chain leave the name out? RFC 5155 section 6, and erratum 3441 for empty non-terminals.
 */
static bool name_optional(const struct zone_node *node)
{
	return node->rrset_count == 0 || (node->flags & ZONE_NODE_CUT && !zone_rrset(node, RR_DS));
}

/* Has every name that needs one its NSEC3? */
static int nsec3_complete(const struct making *m, const bool opt_out[])
{
	const struct zone *zone = m->zone;

	for (uint32_t i = 0; i < zone->node_count; i++) {
		const struct zone_node *node = &zone->nodes[i];
		uint8_t hash[IMAGE_HASH_SIZE];
		bool match;

		if (node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3))
			continue;
		name_hash3(&zone->nsec3, node->name, node->name_size, hash);
		uint32_t place = hash_place(m, hash, &match);
		if (!match && !(opt_out[place] && name_optional(node)))
			return REFUSED;
	}
	return 0;
}

static int nsec3_chain(struct making *m)
{
	bool *opt_out = calloc(m->zone->node_count, sizeof(*opt_out));
	int error = -ENOMEM;

	m->hashes = calloc(m->zone->node_count, sizeof(*m->hashes));
	if (!m->hashes || !opt_out)
		goto out;
	error = nsec3_list(m, opt_out);
	if (!error)
		error = nsec3_complete(m, opt_out);
	m->hashed = !error;
out:
	free(opt_out);
	return error;
}

/* Does a child of the wildcard, a hidden one too, come no later than "*" would (RFC 4034 section
 * 6.1)? The first one stands right behind it. */
static bool star_has_before(const struct zone *zone, const struct zone_node *star)
{
	const struct zone_node *child = star + 1;
	const uint8_t *label = child->name;

	return child < zone->nodes + zone->node_count && name_within(child->name, star->name) &&
	       (label[0] == 0 || label[1] < '*' || (label[0] == 1 && label[1] == '*'));
}

void hashes_write(const struct making *m, const struct zone_node *node, struct image_hashes *to)
{
	uint8_t star[STAR_SIZE + NAME_MAX_SIZE] = {1, '*'};
	bool match;

	memset(to, 0, offsetof(struct image_hashes, star));
	name_hash3(&m->zone->nsec3, node->name, node->name_size, to->own);
	hash_place(m, to->own, &match);
	to->flags = match ? HASHES_MATCH : 0;
	if (node->name[0] == 1 && node->name[1] == '*' && star_has_before(m->zone, node))
		to->flags |= HASHES_BEFORE;
	if (node->flags & ZONE_NODE_CUT)
		return;
	memset(to->star, 0, sizeof(to->star));
	if (node->name_size + STAR_SIZE > NAME_MAX_SIZE)
		return; /* no name is below this one */
	memcpy(star + STAR_SIZE, node->name, node->name_size);
	name_hash3(&m->zone->nsec3, star, node->name_size + STAR_SIZE, to->star);
}

/* ---- which chain ---- */

/* NSEC3PARAMs that are for use: more than one, and servers choose differently. */
static bool params_clear(const struct zone *zone)
{
	const struct zone_rrset *param = zone_rrset(&zone->nodes[0], RR_NSEC3PARAM);

	return param && param->count == 1 && zone->nsec3.iterations <= ITERATIONS_MAX &&
	       !zone_rrset(&zone->nodes[0], RR_NSEC);
}

/* Does a chain of NSEC3 records, whole or not, stand in the zone? */
static bool zone_is_hashed(const struct zone *zone)
{
	for (uint32_t i = 0; i < zone->node_count; i++)
		if (zone->nodes[i].flags & ZONE_NODE_NSEC3)
			return true;
	return false;
}

int denial_compile(struct making *m)
{
	const struct zone *zone = m->zone;
	struct compiled *out = m->out;
	int error = REFUSED;

	if (zone->denial != ZONE_NSEC3 && zone_is_hashed(zone))
		out->flags |= VERSION_HASHED;
	if (zone->denial == ZONE_UNSIGNED)
		return 0;
	out->denials = calloc(zone->node_count, sizeof(*out->denials));
	if (!out->denials)
		return -ENOMEM;
	if (zone->denial == ZONE_NSEC)
		error = nsec_chain(m);
	else if (params_clear(zone))
		error = nsec3_chain(m);
	if (error) {
		if (zone->denial == ZONE_NSEC3)
			out->flags |= VERSION_HASHED;
		out->denial_count = 0;
		out->size = 0; /* nothing else was made so far */
		return error == REFUSED ? 0 : error;
	}
	out->flags |= zone->denial == ZONE_NSEC ? VERSION_NSEC : VERSION_NSEC3;
	if (zone->denial == ZONE_NSEC3) {
		out->iterations = zone->nsec3.iterations;
		out->salt_size = zone->nsec3.salt_size;
		if (out->salt_size)
			memcpy(out->salt, zone->nsec3.salt, out->salt_size);
	}
	return 0;
}
