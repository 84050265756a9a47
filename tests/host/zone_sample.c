/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/host/zone_sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct sample {
	FILE *out;
	uint64_t random;
	uint32_t edition; /* of the name at hand: how often it changed */
};

static uint32_t draw(struct sample *s, uint32_t bound)
{
	s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(s->random >> 33) % bound;
}

/* A label of 'least' to 'most' letters that says 'number' too. */
static void label_draw(struct sample *s, char *to, uint32_t least, uint32_t most, uint32_t number)
{
	uint32_t size = least + draw(s, most - least + 1);

	for (uint32_t i = 0; i < size; i++)
		*to++ = (char)('a' + draw(s, 26));
	snprintf(to, 12, "%u", number);
}

static void delegation(struct sample *s, const char *name)
{
	uint32_t kind = draw(s, 16), provider = draw(s, 500) + s->edition;

	if (kind < 2) {
		for (unsigned i = 1; i <= 2; i++)
			fprintf(s->out, "%s NS ns%u.%s\nns%u.%s A 192.0.2.%u\n", name, i, name, i,
				name, (provider + i) % 256);
	} else {
		for (unsigned i = 1; i <= 2 + (kind == 2); i++)
			fprintf(s->out, "%s NS ns%u.provider%u.net.\n", name, i, provider % 500);
	}
	if (kind % 4 == 0)
		fprintf(s->out, "%s DS %u 13 2 %064x\n", name, draw(s, 65536), provider);
}

static void host(struct sample *s, const char *name, const char *before)
{
	uint32_t kind = draw(s, 20), value = draw(s, 1u << 16) + s->edition;

	if (kind < 12)
		fprintf(s->out, "%s A 10.1.%u.%u\n", name, value >> 8 & 255, value & 255);
	if (kind >= 9 && kind < 14)
		fprintf(s->out, "%s AAAA 2001:db8::%x\n", name, value & 0xffff);
	if (kind == 12 || kind == 13)
		fprintf(s->out, "%s AAAA 2001:db8:1::%x\n%s A 10.2.0.1\n%s A 10.2.0.2\n", name,
			value & 0xffff, name, name);
	if (kind == 14)
		fprintf(s->out, "%s CNAME %s\n", name, before);
	if (kind == 15)
		fprintf(s->out, "%s CNAME h%u.cdn.example.net.\n", name, value);
	if (kind == 16)
		fprintf(s->out,
			"%s MX 10 %s\n%s MX 20 mail.example.net.\n%s TXT \"v=spf1 -all %u\"\n",
			name, before, name, name, value);
	if (kind == 17)
		fprintf(s->out, "_sip._udp.%s SRV 0 5 5060 %s\n%s A 10.3.0.1\n", name, before,
			name);
	if (kind == 18)
		fprintf(s->out, "*.%s A 10.4.0.1\n", name);
	if (kind == 19)
		fprintf(s->out, "a.b.c.%s TXT \"deep %u\"\n", name, value);
}

static void zone_write(struct sample *s, enum zone_sample_kind kind, uint32_t names,
	uint32_t version, uint32_t changes)
{
	char before[64] = "ns1", name[64];

	fprintf(s->out,
		"$TTL 3600\n@ SOA ns1 hostmaster %u 7200 900 1209600 300\n@ NS ns1\n@ NS ns2\n"
		"ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\nns2 A 192.0.2.2\n",
		version);
	for (uint32_t i = 0; i < names; i++) {
		/* one name of each step changes from version to version, a different one each time
		 */
		uint32_t step = changes ? names / changes : 0;

		s->random = (uint64_t)i * 0x9e3779b97f4a7c15ull + 1;
		s->edition = step ? (version + step - i % step) / step : 0;
		label_draw(s, name, 3, 11, i);
		if (kind == ZONE_SAMPLE_TLD)
			delegation(s, name);
		else
			host(s, name, before);
		snprintf(before, sizeof(before), "%s", name);
	}
}

int zone_sample(struct zone **zone, enum zone_sample_kind kind, const char *origin, uint32_t names,
	uint32_t version, uint32_t changes)
{
	const struct zone_limits limits = {0};
	char reason[ZONE_REASON_SIZE];
	struct sample s = {0};
	char *text = NULL;
	size_t size = 0;
	int error;

	s.out = open_memstream(&text, &size);
	if (!s.out)
		return -ENOMEM;
	zone_write(&s, kind, names, version, changes);
	if (fclose(s.out))
		return -ENOMEM;
	error = zone_text_parse(zone, text, size, origin, &limits, reason);
	if (error)
		fprintf(stderr, "sample zone: %s\n", reason);
	free(text);
	return error;
}
