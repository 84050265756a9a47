/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/zone/transfer.h"

#include "control/zone/axfr.h"

#include <stdlib.h>

struct transfer {
	struct stream *stream;
	struct axfr *axfr;
	struct monotime began;
};

int transfer_open(struct transfer **out, const struct stream_options *options,
	const uint8_t *origin, struct key *key, const struct zone_limits *limits,
	struct zone_fault *fault)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));
	uint8_t query[DNS_QUERY_MAX_SIZE];
	int error;

	if (!transfer || axfr_new(&transfer->axfr, origin, key, limits)) {
		error = zone_fault_set(fault, ZONE_FAULT_SYSTEM, "out of memory");
		goto out;
	}
	transfer->began = monotime_now();
	int size = axfr_query(transfer->axfr, query);
	if (size < 0) {
		error = zone_fault_set(fault, ZONE_FAULT_NO_KEY, "the query can't be signed");
		goto out;
	}
	error = stream_open(&transfer->stream, options, query, (size_t)size, fault);
	if (error)
		goto out;
	*out = transfer;
	transfer = NULL;
out:
	transfer_free(transfer);
	return error;
}

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	stream_free(transfer->stream);
	axfr_free(transfer->axfr);
	free(transfer);
}

int transfer_fd(const struct transfer *transfer)
{
	return stream_fd(transfer->stream);
}

short transfer_events(const struct transfer *transfer)
{
	return stream_events(transfer->stream);
}

struct monotime transfer_deadline(const struct transfer *transfer)
{
	return stream_deadline(transfer->stream);
}

uint64_t transfer_memory(const struct transfer *transfer)
{
	return axfr_memory(transfer->axfr);
}

void transfer_figures(const struct transfer *transfer, struct transfer_figures *figures)
{
	*figures = (struct transfer_figures){
		.took = monotime_since(transfer->began, monotime_now()),
		.octets = stream_octets(transfer->stream),
		.messages = axfr_messages(transfer->axfr),
	};
}

int transfer_step(struct transfer *transfer, struct zone **zone, struct zone_fault *fault)
{
	int result = stream_step(transfer->stream, axfr_message, transfer->axfr, fault);

	if (result <= 0)
		return result;
	int error = axfr_finish(transfer->axfr, zone, fault);
	return error ? error : 1;
}

int transfer_run(struct zone **zone, const struct stream_options *options, const uint8_t *origin,
	struct key *key, const struct zone_limits *limits, int cancel_fd,
	struct transfer_figures *figures, struct zone_fault *fault)
{
	struct transfer *transfer;
	int error = transfer_open(&transfer, options, origin, key, limits, fault);

	if (error)
		return error;
	error = stream_run(transfer->stream, axfr_message, transfer->axfr, cancel_fd, fault);
	if (error > 0)
		error = axfr_finish(transfer->axfr, zone, fault);
	if (figures)
		transfer_figures(transfer, figures);
	transfer_free(transfer);
	return error;
}
