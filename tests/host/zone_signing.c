/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/zone_signing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <libdnssec/binary.h>
#include <libdnssec/error.h>
#include <libdnssec/nsec.h>

#include "tests/host/wire.h"

#define ALGORITHM      13u /* ECDSA P-256 with SHA-256 (RFC 6605) */
#define KEY_SIZE       64u
#define SIGNATURE_SIZE 64u
#define KEY_TAG        4711u
#define INCEPTION      1577836800u /* 2020 */
#define EXPIRATION     3155760000u /* 2070 */
#define TYPES_MAX      256u
#define RDATA_ROOM     (NAME_MAX_SIZE + 64u + TYPES_MAX * 34u)
#define HASH_LABEL     32u

/* A name of the chain. */
struct link {
	const struct zone_node *node;
	uint8_t hash[ZONE_SIGNING_HASH]; /* NSEC3 */
};

struct signer {
	const struct zone *zone;
	const struct zone_signing *how;
	struct zone_builder *builder;
	struct link *links;
	uint32_t count;
	uint32_t negative_ttl; /* of denials: RFC 9077 */
};

/* What a signature is made of. */
struct digest {
	uint64_t state;
};

static void digest_add(struct digest *digest, const void *octets, size_t size)
{
	const uint8_t *from = octets;

	for (size_t i = 0; i < size; i++)
		digest->state = (digest->state ^ from[i]) * 0x100000001b3ull;
}

static void digest_end(struct digest *digest, uint8_t signature[SIGNATURE_SIZE])
{
	for (uint32_t i = 0; i < SIGNATURE_SIZE; i += 8) {
		uint64_t word = digest->state += 0x9e3779b97f4a7c15ull;

		word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
		word = (word ^ word >> 27) * 0x94d049bb133111ebull;
		word ^= word >> 31;
		memcpy(signature + i, &word, sizeof(word));
	}
}

static int record_put(struct signer *s, const uint8_t *owner, size_t owner_size, uint16_t type,
	uint32_t ttl, const uint8_t *rdata, size_t size)
{
	return zone_builder_add(s->builder, &(struct zone_record){.owner = owner,
						    .owner_size = (uint16_t)owner_size,
						    .rdata = rdata,
						    .rdata_size = (uint16_t)size,
						    .ttl = ttl,
						    .type = type,
						    .class = RR_CLASS_IN});
}

/* Behind the set's RDATA: the owner, and the RRSIG's RDATA up to the signature. */
static void digest_finish(struct digest *digest, const uint8_t *owner, size_t owner_size,
	const uint8_t *head, size_t head_size, uint8_t signature[SIGNATURE_SIZE])
{
	digest_add(digest, owner, owner_size);
	digest_add(digest, head, head_size);
	digest_end(digest, signature);
}

bool zone_signing_covers(const uint8_t *owner, size_t owner_size, const uint8_t *rdata, size_t size,
	const uint8_t *rrsig, size_t rrsig_size)
{
	uint8_t signature[SIGNATURE_SIZE];
	struct digest digest = {0};

	if (rrsig_size <= SIGNATURE_SIZE)
		return false;
	rrsig_size -= SIGNATURE_SIZE;
	digest_add(&digest, rdata, size);
	digest_finish(&digest, owner, owner_size, rrsig, rrsig_size, signature);
	return !memcmp(rrsig + rrsig_size, signature, SIGNATURE_SIZE);
}

/* RFC 4034 section 3.1; `digest` has taken the set's RDATA. */
static int signature_put(struct signer *s, const uint8_t *owner, size_t owner_size, uint16_t type,
	uint32_t ttl, struct digest *digest)
{
	uint8_t rdata[18 + NAME_MAX_SIZE + SIGNATURE_SIZE], signature[SIGNATURE_SIZE];
	unsigned labels = name_labels(owner);
	struct wire w = {.bytes = rdata};

	if (owner[0] == 1 && owner[1] == '*')
		labels--;
	wire_put16(&w, type);
	wire_put8(&w, ALGORITHM);
	wire_put8(&w, (uint8_t)labels);
	wire_put32(&w, ttl);
	wire_put32(&w, EXPIRATION);
	wire_put32(&w, INCEPTION);
	wire_put16(&w, KEY_TAG);
	wire_put(&w, zone_origin(s->zone), s->zone->nodes[0].name_size);
	digest_finish(digest, owner, owner_size, rdata, w.size, signature);
	wire_put(&w, signature, sizeof(signature));
	return record_put(s, owner, owner_size, RR_RRSIG, ttl, rdata, w.size);
}

/* A set of one record that only signed zones have. */
static int made_put(struct signer *s, const uint8_t *owner, size_t owner_size, uint16_t type,
	uint32_t ttl, const struct wire *rdata)
{
	struct digest digest = {0};
	int error = record_put(s, owner, owner_size, type, ttl, rdata->bytes, rdata->size);

	digest_add(&digest, rdata->bytes, rdata->size);
	return error ? error : signature_put(s, owner, owner_size, type, ttl, &digest);
}

static int rrset_put(
	struct signer *s, const struct zone_node *node, const struct zone_rrset *rrset, bool sign)
{
	struct zone_rdata at = {0};
	struct digest digest = {0};
	int error = 0;

	while (!error && zone_rdata_next(rrset, &at)) {
		error = record_put(
			s, node->cased, node->name_size, rrset->type, rrset->ttl, at.data, at.size);
		digest_add(&digest, at.data, at.size);
	}
	if (!error && sign)
		error = signature_put(
			s, node->cased, node->name_size, rrset->type, rrset->ttl, &digest);
	return error;
}

/* Delegations are the child's to sign (RFC 4035 section 2.2), but for their DS. */
static bool type_signed(const struct zone_node *node, uint16_t type)
{
	if (node->flags & ZONE_NODE_OCCLUDED)
		return false;
	return !(node->flags & ZONE_NODE_CUT) || type == RR_DS;
}

/* ---- bitmaps (RFC 4034 section 4.1.2) ---- */

static int types_order(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* The types of a name in the signed zone, ascending. */
static uint32_t types_list(
	const struct signer *s, const struct zone_node *node, uint16_t types[TYPES_MAX])
{
	bool nsec = s->how->denial == ZONE_NSEC, apex = node == s->zone->nodes, any = nsec;
	uint32_t count = 0;

	for (uint32_t i = 0; i < node->rrset_count && count < TYPES_MAX - 4; i++) {
		uint16_t type = node->rrsets[i].type;

		if (node->flags & ZONE_NODE_CUT && type != RR_NS && type != RR_DS)
			continue;
		types[count++] = type;
		any |= type_signed(node, type);
	}
	if (apex)
		types[count++] = RR_DNSKEY;
	if (apex && !nsec)
		types[count++] = RR_NSEC3PARAM;
	if (nsec)
		types[count++] = RR_NSEC;
	if (any)
		types[count++] = RR_RRSIG;
	qsort(types, count, sizeof(*types), types_order);
	return count;
}

static void bitmap_put(const struct signer *s, const struct zone_node *node, struct wire *w)
{
	uint16_t types[TYPES_MAX];
	uint32_t count = types_list(s, node, types);

	for (uint32_t i = 0; i < count;) {
		uint8_t bits[32] = {0}, window = (uint8_t)(types[i] >> 8), used = 0;

		for (; i < count && types[i] >> 8 == window; i++) {
			uint8_t low = (uint8_t)types[i];

			bits[low / 8] |= (uint8_t)(0x80 >> low % 8);
			used = (uint8_t)(low / 8 + 1);
		}
		wire_put8(w, window);
		wire_put8(w, used);
		wire_put(w, bits, used);
	}
}

/* ---- the chain ---- */

static bool node_linked(const struct signer *s, const struct zone_node *node)
{
	if (node->flags & ZONE_NODE_OCCLUDED)
		return false;
	if (s->how->denial == ZONE_NSEC)
		return node->rrset_count != 0;
	return !(s->how->opt_out && node->flags & ZONE_NODE_CUT && !zone_rrset(node, RR_DS));
}

int zone_signing_hash(const struct zone_signing *how, const uint8_t *name, size_t size,
	uint8_t hash[ZONE_SIGNING_HASH])
{
	const dnssec_binary_t in = {.size = size, .data = (uint8_t *)(uintptr_t)name};
	const dnssec_nsec3_params_t params = {.algorithm = DNSSEC_NSEC3_ALGORITHM_SHA1,
		.iterations = how->iterations,
		.salt = {.size = how->salt_size, .data = (uint8_t *)(uintptr_t)how->salt}};
	dnssec_binary_t out = {0};
	int error = dnssec_nsec3_hash(&in, &params, &out);

	if (error == DNSSEC_EOK && out.size == ZONE_SIGNING_HASH)
		memcpy(hash, out.data, ZONE_SIGNING_HASH);
	else
		error = error == DNSSEC_ENOMEM ? -ENOMEM : -EIO;
	dnssec_binary_free(&out);
	return error;
}

static int link_order(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return memcmp(x->hash, y->hash, sizeof(x->hash));
}

static int links_make(struct signer *s)
{
	int error = 0;

	s->links = calloc(s->zone->node_count, sizeof(*s->links));
	if (!s->links)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->zone->node_count && !error; i++) {
		const struct zone_node *node = &s->zone->nodes[i];
		struct link *link = &s->links[s->count];

		if (!node_linked(s, node))
			continue;
		link->node = node;
		s->count++;
		if (s->how->denial == ZONE_NSEC3)
			error = zone_signing_hash(s->how, node->name, node->name_size, link->hash);
	}
	if (s->how->denial == ZONE_NSEC3)
		qsort(s->links, s->count, sizeof(*s->links), link_order);
	return error;
}

static int nsec_put(struct signer *s, uint32_t which)
{
	const struct zone_node *node = s->links[which].node;
	const struct zone_node *next = s->links[(which + 1) % s->count].node;
	uint8_t rdata[RDATA_ROOM];
	struct wire w = {.bytes = rdata};

	wire_put(&w, next->name, next->name_size);
	bitmap_put(s, node, &w);
	return made_put(s, node->cased, node->name_size, RR_NSEC, s->negative_ttl, &w);
}

/* RFC 5155 sections 3.2 and 4.2, up to the salt. */
static void params_put(const struct zone_signing *how, uint8_t flags, struct wire *w)
{
	wire_put8(w, DNSSEC_NSEC3_ALGORITHM_SHA1);
	wire_put8(w, flags);
	wire_put16(w, how->iterations);
	wire_put8(w, how->salt_size);
	if (how->salt_size)
		wire_put(w, how->salt, how->salt_size);
}

/* RFC 4648 section 7, in small letters. */
static void base32hex_put(struct wire *w, const uint8_t hash[ZONE_SIGNING_HASH])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";

	wire_put8(w, HASH_LABEL);
	for (uint32_t i = 0; i < HASH_LABEL; i++) {
		uint32_t bit = i * 5, two = (uint32_t)hash[bit / 8] << 8;

		if (bit / 8 + 1 < ZONE_SIGNING_HASH)
			two |= hash[bit / 8 + 1];
		wire_put8(w, (uint8_t)digits[two >> (11 - bit % 8) & 31]);
	}
}

int zone_signing_owner(
	uint8_t owner[NAME_MAX_SIZE], const uint8_t hash[ZONE_SIGNING_HASH], const uint8_t *origin)
{
	struct wire w = {.bytes = owner};
	size_t size = name_size(origin);

	if (size + HASH_LABEL + 1 > NAME_MAX_SIZE)
		return -ENAMETOOLONG;
	base32hex_put(&w, hash);
	wire_put(&w, origin, size);
	return (int)w.size;
}

static int nsec3_put(struct signer *s, uint32_t which)
{
	const struct link *link = &s->links[which], *next = &s->links[(which + 1) % s->count];
	uint8_t rdata[RDATA_ROOM + UINT8_MAX], owner[NAME_MAX_SIZE];
	int owner_size = zone_signing_owner(owner, link->hash, zone_origin(s->zone));
	struct wire w = {.bytes = rdata};

	if (owner_size < 0)
		return owner_size;
	params_put(s->how, s->how->opt_out, &w);
	wire_put8(&w, ZONE_SIGNING_HASH);
	wire_put(&w, next->hash, sizeof(next->hash));
	bitmap_put(s, link->node, &w);
	return made_put(s, owner, (size_t)owner_size, RR_NSEC3, s->negative_ttl, &w);
}

static int apex_put(struct signer *s)
{
	const struct zone_node *apex = s->zone->nodes;
	uint8_t rdata[4 + KEY_SIZE + UINT8_MAX];
	struct wire key = {.bytes = rdata}, params = {.bytes = rdata};
	struct digest digest = {0};
	int error;

	wire_put16(&key, 257);
	wire_put8(&key, 3);
	wire_put8(&key, ALGORITHM);
	digest_end(&digest, rdata + key.size);
	key.size += KEY_SIZE;
	error = made_put(s, apex->name, apex->name_size, RR_DNSKEY, s->zone->soa.ttl, &key);
	if (error || s->how->denial != ZONE_NSEC3)
		return error;
	params_put(s->how, 0, &params);
	return made_put(s, apex->name, apex->name_size, RR_NSEC3PARAM, 0, &params);
}

static int node_put(struct signer *s, const struct zone_node *node)
{
	int error = 0;

	for (uint32_t i = 0; i < node->rrset_count && !error; i++) {
		const struct zone_rrset *rrset = &node->rrsets[i];

		error = rrset_put(s, node, rrset, type_signed(node, rrset->type));
	}
	return error;
}

static int zone_put(struct signer *s)
{
	const struct zone *zone = s->zone;
	int error = apex_put(s);

	for (uint32_t i = 0, met = 0; i < zone->node_count && !error; i++) {
		const struct zone_node *node = &zone->nodes[i];

		error = node_put(s, node);
		if (s->how->denial == ZONE_NSEC && !error && met < s->count &&
			s->links[met].node == node)
			error = nsec_put(s, met++);
	}
	for (uint32_t i = 0; i < s->count && s->how->denial == ZONE_NSEC3 && !error; i++)
		error = nsec3_put(s, i);
	return error;
}

int zone_sign(struct zone **signed_zone, struct zone *plain, const struct zone_signing *how)
{
	const struct zone_limits none = {0};
	struct signer s = {.zone = plain, .how = how};
	int error;

	if (how->denial == ZONE_UNSIGNED) {
		*signed_zone = zone_hold(plain);
		return 0;
	}
	s.negative_ttl = plain->soa.ttl < plain->soa.minimum ? plain->soa.ttl : plain->soa.minimum;
	error = zone_builder_new(&s.builder, zone_origin(plain), &none);
	if (!error)
		error = links_make(&s);
	if (!error)
		error = zone_put(&s);
	if (!error)
		error = zone_builder_finish(s.builder, signed_zone);
	zone_builder_free(s.builder);
	free(s.links);
	return error;
}
