/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zone files into a zone, through libzscanner.
 */
#include "control/zone/zone.h"

#include <errno.h>
#include <inttypes.h>
#include <libzscanner/scanner.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text_load {
	struct zone_builder *builder;
	char *reason;
	int error;
};

static void text_record(zs_scanner_t *scanner)
{
	struct text_load *load = scanner->process.data;
	struct zone_record record = {
		.owner = scanner->r_owner,
		.owner_size = (uint16_t)scanner->r_owner_length,
		.type = scanner->r_type,
		.class = scanner->r_class,
		.ttl = scanner->r_ttl,
		.rdata = scanner->r_data,
		.rdata_size = (uint16_t)scanner->r_data_length,
	};

	load->error = zone_builder_add(load->builder, &record);
	if (!load->error)
		return;
	snprintf(load->reason, ZONE_REASON_SIZE, "line %" PRIu64 ": %.480s", scanner->line_counter,
		zone_builder_reason(load->builder));
	scanner->state = ZS_STATE_STOP;
}

static void text_error(zs_scanner_t *scanner)
{
	struct text_load *load = scanner->process.data;

	load->error = -EBADMSG;
	snprintf(load->reason, ZONE_REASON_SIZE, "line %" PRIu64 ": %s", scanner->line_counter,
		zs_strerror(scanner->error.code));
	scanner->state = ZS_STATE_STOP;
}

static int text_read(struct zone **zone, const char *path, const char *text, size_t size,
	const char *origin, const struct zone_limits *limits, char reason[ZONE_REASON_SIZE])
{
	uint8_t name[NAME_MAX_SIZE];
	struct text_load load = {.reason = reason};
	zs_scanner_t *scanner = NULL;
	int error = -ENOMEM;

	reason[0] = '\0';
	if (name_from_text(name, origin) < 0) {
		snprintf(reason, ZONE_REASON_SIZE, "'%.200s' is not a domain name", origin);
		return -EINVAL;
	}
	scanner = malloc(sizeof(*scanner));
	if (!scanner)
		goto out;
	error = zone_builder_new(&load.builder, name, limits);
	if (error)
		goto out;
	if (zs_init(scanner, origin, RR_CLASS_IN, 3600)) {
		error = -EINVAL;
		snprintf(reason, ZONE_REASON_SIZE, "origin: %s", zs_strerror(scanner->error.code));
		goto out;
	}
	if ((path ? zs_set_input_file(scanner, path) : zs_set_input_string(scanner, text, size)) ||
		zs_set_processing(scanner, text_record, text_error, &load)) {
		error = scanner->error.code == ZS_FILE_ACCESS ? -EACCES : -ENOENT;
		snprintf(reason, ZONE_REASON_SIZE, "%.300s: %s", path ? path : "text",
			zs_strerror(scanner->error.code));
		goto out_scanner;
	}
	if (zs_parse_all(scanner) && !load.error)
		text_error(scanner);
	error = load.error;
	if (error)
		goto out_scanner;
	error = zone_builder_finish(load.builder, zone);
	if (error)
		snprintf(reason, ZONE_REASON_SIZE, "%s", zone_builder_reason(load.builder));
out_scanner:
	zs_deinit(scanner);
out:
	if (error == -ENOMEM)
		snprintf(reason, ZONE_REASON_SIZE, "out of memory");
	zone_builder_free(load.builder);
	free(scanner);
	return error;
}

int zone_text_load(struct zone **zone, const char *path, const char *origin,
	const struct zone_limits *limits, char reason[ZONE_REASON_SIZE])
{
	return text_read(zone, path, NULL, 0, origin, limits, reason);
}

int zone_text_parse(struct zone **zone, const char *text, size_t size, const char *origin,
	const struct zone_limits *limits, char reason[ZONE_REASON_SIZE])
{
	return text_read(zone, NULL, text, size, origin, limits, reason);
}
