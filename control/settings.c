/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/settings.h"

#include <errno.h>
#include <string.h>

#include "answer/packet.h"

#define SEED_TRIES 64

_Static_assert(COOKIE_SECRETS == SETTINGS_SECRETS && COOKIE_SECRET == sizeof(u64[2]),
	"the engine has room for the secrets");
_Static_assert(CONFIG_MAX_ADDRESSES <= SETTINGS_ADDRESSES / 2, "every address finds a slot");
_Static_assert(CONFIG_MAX_INTERFACES < SETTINGS_IFACES, "every interface has a place, lo as well");

/* IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
static void address_words(const struct address *address, u64 word[2])
{
	uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};

	if (address->family == AF_INET)
		memcpy(bytes + 12, address->bytes, 4);
	else
		memcpy(bytes, address->bytes, 16);
	memcpy(word, bytes, 16);
}

/*
 * Puts the address into the first slot from its own on whose address stands
 * nearer to its own, which moves on (Robin Hood): at half load this keeps every
 * address among the slots that a reader looks at, where plain probing doesn't.
 * False: one of them isn't.
 */
static bool address_place(struct settings *settings, const struct address *address)
{
	struct settings_address carried = {.used = 1};
	u32 distance = 0, slot;

	address_words(address, carried.word);
	slot = settings_slot(settings->address_seed, carried.word[0], carried.word[1]);
	for (; distance < SETTINGS_PROBES; distance++, slot = (slot + 1) % SETTINGS_ADDRESSES) {
		struct settings_address *place = &settings->addresses[slot], moved = *place;
		u32 theirs;

		if (!moved.used) {
			*place = carried;
			return true;
		}
		theirs = (slot - settings_slot(
					 settings->address_seed, moved.word[0], moved.word[1])) %
			 SETTINGS_ADDRESSES;
		if (theirs >= distance)
			continue;
		*place = carried;
		carried = moved;
		distance = theirs;
	}
	return false;
}

static bool addresses_place(struct settings *settings, const struct config *config)
{
	memset(settings->addresses, 0, sizeof(settings->addresses));
	settings->filter = 0;
	for (size_t i = 0; i < config->service.addresses_count; i++) {
		u64 word[2];

		if (!address_place(settings, &config->service.addresses[i]))
			return false;
		address_words(&config->service.addresses[i], word);
		settings->filter |= 1ull << settings_filter_bit(word[0], word[1]);
	}
	return true;
}

static int links_fill(struct settings *settings, const struct config *config,
	const struct settings_link *links, size_t count)
{
	if (count > SETTINGS_IFACES)
		return -ENOSPC;
	for (size_t i = 0; i < count; i++) {
		struct settings_iface *place = &settings->ifaces[i];

		place->ifindex = links[i].ifindex;
		place->mtu = links[i].mtu > UINT16_MAX ? UINT16_MAX : (u16)links[i].mtu;
		memcpy(place->mac, links[i].mac, sizeof(place->mac));
		if (links[i].probe)
			place->flags |= IFACE_PROBE;
		else if (config->fastpath.reply == CONFIG_REPLY_FIB)
			place->flags |= IFACE_FIB;
	}
	return 0;
}

int settings_fill(struct settings *settings, const struct config *config,
	const struct settings_profile *profile, const struct settings_link *links, size_t count,
	bool bypass)
{
	memset(settings, 0, sizeof(*settings));
	if (bypass)
		settings->flags |= SETTINGS_BYPASS;
	if (config->fastpath.lease_end == CONFIG_LEASE_END_HOLD)
		settings->flags |= SETTINGS_HOLD;
	settings->flags |= SETTINGS_PASSES & ~profile->settled;
	settings->flags |= SETTINGS_WAYS & profile->ways;
	memcpy(settings->chaos, profile->chaos, sizeof(settings->chaos));
	settings->max_udp_size = (u16)config->fastpath.max_udp_size;
	settings->copy_flags = profile->copy_flags;
	settings->sample_mask = 0xff;
	for (u64 seed = 1; seed <= SEED_TRIES; seed++) {
		settings->address_seed = seed * 0x9e3779b97f4a7c15ull;
		if (addresses_place(settings, config))
			return links_fill(settings, config, links, count);
	}
	return -ENOSPC;
}

static void secrets_fill(struct settings_edns *edns, const struct cookie_secrets *secrets)
{
	for (size_t i = 0; i < SETTINGS_SECRETS; i++) {
		size_t from = i < secrets->count ? i : 0;

		memcpy(edns->secrets[i], secrets->keys[from], COOKIE_SECRET);
	}
}

bool settings_fill_edns(struct settings *settings, const struct config *config,
	const struct settings_profile_edns *profile, const struct cookie_secrets *secrets,
	uint64_t wall)
{
	struct settings_edns *edns = &settings->edns;
	const struct address *client = &profile->client;
	const char *name = config->fastpath.nsid;
	bool ours;

	edns->wall = wall;
	edns->version = profile->version;
	edns->version_do = profile->version_do;
	edns->subnet = profile->subnet;
	edns->nsid = profile->nsid;
	if (name && settings_nsid(edns, name, strlen(name)) == 0)
		edns->nsid = EDNS_ANSWER;
	else if (profile->nsid == EDNS_ANSWER &&
		 settings_nsid(edns, profile->nsid_text, profile->nsid_length) != 0)
		edns->nsid = EDNS_PASS;
	edns->cookie = profile->cookie;
	if (profile->cookie != EDNS_ANSWER && profile->cookie != EDNS_REQUIRE)
		return true;
	ours = secrets->count &&
	       (profile->adopted || cookie_is_ours(secrets, profile->made, client->bytes,
					    client->family == AF_INET ? 4 : 16));
	if (ours)
		secrets_fill(edns, secrets);
	else
		edns->cookie = EDNS_PASS;
	return ours;
}
