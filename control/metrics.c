/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/metrics.h"

#include <inttypes.h>

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

/* A label's value: backslash, quote and newline escaped (OpenMetrics, "Escaping"). */
static void label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

/* name{label="value"} */
static void sample(FILE *out, const char *name, const char *key, const char *value)
{
	fprintf(out, "%s{", name);
	label(out, key, value);
	fputs("} ", out);
}

static void number(FILE *out, uint64_t value)
{
	fprintf(out, "%" PRIu64 "\n", value);
}

static void queries_render(const struct ctl_engine *engine, FILE *out)
{
	static const char *const families[] = {"4", "6"};

	family(out, "anode_queries", "counter", "UDP queries to a service address.");
	for (size_t i = 0; i < engine->interfaces_count; i++) {
		for (size_t j = 0; j < 2; j++) {
			const struct ctl_path *path = &engine->interfaces[i].paths[j];
			const struct {
				const char *name;
				uint64_t value;
			} parts[] = {{"fast", path->fast}, {"passed", path->passed},
				{"dropped", path->dropped}};

			for (size_t k = 0; k < 3; k++) {
				fputs("anode_queries_total{", out);
				label(out, "iface", engine->interfaces[i].name);
				fprintf(out, ",family=\"%s\",path=\"%s\"} ", families[j],
					parts[k].name);
				number(out, parts[k].value);
			}
		}
	}
	family(out, "anode_answers", "counter", "Answers of the fast path.");
	for (size_t i = 0; i < engine->rcodes_count; i++) {
		sample(out, "anode_answers_total", "rcode", engine->rcodes[i].name);
		number(out, engine->rcodes[i].value);
	}
	family(out, "anode_passed", "counter", "Packets left to the kernel, by reason.");
	for (size_t i = 0; i < engine->reasons_count; i++) {
		sample(out, "anode_passed_total", "reason", engine->reasons[i].name);
		number(out, engine->reasons[i].value);
	}
}

static void fastpath_render(const struct ctl_engine *engine, FILE *out)
{
	family(out, "anode_fastpath_attached", "gauge", "The program is on the interface.");
	for (size_t i = 0; i < engine->interfaces_count; i++) {
		fputs("anode_fastpath_attached{", out);
		label(out, "iface", engine->interfaces[i].name);
		fputc(',', out);
		label(out, "mode", engine->interfaces[i].mode);
		fprintf(out, "} %d\n", engine->interfaces[i].attached);
	}
	family(out, "anode_fastpath_lease_seconds", "gauge",
		"Until the program passes everything.");
	fprintf(out, "anode_fastpath_lease_seconds %.3f\n", (double)engine->lease_left_us / 1e6);
	family(out, "anode_image_bytes", "gauge", "Memory of the answer image.");
	fprintf(out, "anode_image_bytes{use=\"all\"} %" PRIu64 "\n", engine->image_bytes);
	fprintf(out, "anode_image_bytes{use=\"used\"} %" PRIu64 "\n", engine->image_used);
	fprintf(out, "anode_image_bytes{use=\"quarantined\"} %" PRIu64 "\n",
		engine->image_quarantined);
}

static void serial_render(
	FILE *out, const char *zone, const char *where, bool known, uint32_t serial)
{
	if (!known)
		return;
	fputs("anode_zone_serial{", out);
	label(out, "zone", zone);
	fprintf(out, ",where=\"%s\"} %" PRIu32 "\n", where, serial);
}

static void zones_render(const struct ctl_snapshot *snapshot, FILE *out)
{
	size_t count =
		snapshot->zones_count < METRICS_ZONES ? snapshot->zones_count : METRICS_ZONES;

	family(out, "anode_zone_serial", "gauge",
		"SOA serial at the server, transferred, answered.");
	for (size_t i = 0; i < count; i++) {
		const struct ctl_zone *zone = &snapshot->zones[i];

		serial_render(out, zone->name, "server", zone->has_server, zone->serial_server);
		serial_render(out, zone->name, "mirror", zone->has_mirror, zone->serial_mirror);
		serial_render(out, zone->name, "fast", zone->has_fast, zone->serial_fast);
	}
	family(out, "anode_zone_age_seconds", "gauge", "Since the zone was published last.");
	for (size_t i = 0; i < count; i++) {
		const struct ctl_zone *zone = &snapshot->zones[i];

		if (!zone->published || zone->published > snapshot->now)
			continue;
		sample(out, "anode_zone_age_seconds", "zone", zone->name);
		fprintf(out, "%.3f\n", (double)(snapshot->now - zone->published) / 1e6);
	}
	family(out, "anode_zone_deadline_seconds", "gauge", "Until the zone passes by itself.");
	for (size_t i = 0; i < count; i++) {
		const struct ctl_zone *zone = &snapshot->zones[i];

		if (!zone->deadline)
			continue;
		sample(out, "anode_zone_deadline_seconds", "zone", zone->name);
		fprintf(out, "%.3f\n", ((double)zone->deadline - (double)snapshot->now) / 1e6);
	}
	family(out, "anode_zone_bypassed", "gauge", "The zone's queries pass.");
	for (size_t i = 0; i < count; i++) {
		sample(out, "anode_zone_bypassed", "zone", snapshot->zones[i].name);
		fprintf(out, "%d\n", !snapshot->zones[i].fast);
	}
}

static void routing_render(const struct ctl_snapshot *snapshot, FILE *out)
{
	family(out, "anode_health_up", "gauge", "The check is good.");
	for (size_t i = 0; i < snapshot->checks_count; i++) {
		sample(out, "anode_health_up", "check", snapshot->checks[i].name);
		fprintf(out, "%d\n", snapshot->checks[i].good);
	}
	/* 0.5: degraded, so that a mean over nodes still says something. */
	family(out, "anode_wanted", "gauge", "Wanted: 1 announced, 0.5 degraded, 0 withdrawn.");
	for (size_t i = 0; i < snapshot->prefixes_count; i++) {
		sample(out, "anode_wanted", "prefix", snapshot->prefixes[i].prefix);
		fprintf(out, "%g\n", 1 - 0.5 * snapshot->prefixes[i].wanted);
	}
	family(out, "anode_announced", "gauge", "Exported by BIRD, as it says: as anode_wanted.");
	for (size_t i = 0; i < snapshot->prefixes_count; i++) {
		if (!snapshot->prefixes[i].seen_known)
			continue;
		sample(out, "anode_announced", "prefix", snapshot->prefixes[i].prefix);
		fprintf(out, "%g\n", 1 - 0.5 * snapshot->prefixes[i].seen);
	}
	family(out, "anode_bird_up", "gauge", "BIRD answers.");
	fprintf(out, "anode_bird_up %d\n", snapshot->bird_up);
}

void metrics_render(const struct ctl_snapshot *snapshot, FILE *out)
{
	queries_render(&snapshot->engine, out);
	fastpath_render(&snapshot->engine, out);
	zones_render(snapshot, out);
	routing_render(snapshot, out);
	family(out, "anode_build", "info", "Version.");
	sample(out, "anode_build_info", "version", snapshot->version);
	fputs("1\n# EOF\n", out);
}
