/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Samples (dataplane/shared/counters.h): what the core writes down of a query is what was asked, in
 * every case of some vector files; how often it does; and the moments at which a lease and a zone
 * end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vector_run.h"
#include "reply.h"

#include "answer/reason.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct world {
	struct vector *vector;
	struct plain_engine *engine;
	struct engine_memory *memory;
};

static void world_open(struct world *w, const char *name)
{
	char path[4096], error[VECTOR_ERROR_SIZE];

	snprintf(path, sizeof(path), "%s/%s", VECTORS, name);
	if (vector_load(&w->vector, path, error) || plain_engine_new(&w->engine, 4, 18))
		fail_msg("%s", error);
	w->memory = plain_engine_memory(w->engine);
	if (vector_world_fill(w->vector, w->memory, VECTOR_NOW, error))
		fail_msg("%s", error);
}

static void world_close(struct world *w)
{
	vector_free(w->vector);
	plain_engine_free(w->engine);
}

static void address_said(const struct vector_end *end, uint8_t said[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (end->ipv6) {
		memcpy(said, end->address, 16);
		return;
	}
	memcpy(said, mapped, sizeof(mapped));
	memcpy(said + 12, end->address, 4);
}

static void name_judge(const struct sample *s, const struct vector_question *q)
{
	assert_int_equal(s->name_len, q->name_size);
	for (size_t i = 0; i < sizeof(s->name); i++)
		assert_int_equal(s->name[i], i < q->name_size ? tolower(q->name[i]) : 0);
}

static void sample_judge(
	const struct sample *s, const struct vector_case *c, const struct vector_run *run)
{
	const struct vector_question *q = &c->question;
	const struct reply_frame query = {run->packet.octets, run->packet.size};
	const struct reply_frame frame = {run->outcome.octets, run->outcome.size};
	bool read_opt = q->edns && (c->replies || c->reason >= REASON_EDNS_VERSION);
	uint8_t source[16], target[16];
	unsigned flags = (q->to.ipv6 ? SAMPLE_IPV6 : 0), unread;
	struct reply reply = {0};

	address_said(&q->from, source);
	address_said(&q->to, target);
	assert_int_equal(s->when, VECTOR_NOW);
	assert_memory_equal(s->source, source, 16);
	assert_memory_equal(s->target, target, 16);
	assert_int_equal(ntohs(s->source_port.raw), q->from.port);
	assert_int_equal(s->qtype, q->type);
	assert_int_equal(s->iface, 0);
	assert_int_equal(s->reason, c->replies ? 0 : c->reason);
	name_judge(s, q);
	if (c->replies) {
		assert_true(reply_read(&reply, &query, &frame, false, stderr));
		flags |= reply.message.flags & 0x0200 ? SAMPLE_TC : 0;
	}
	if (read_opt)
		flags |= SAMPLE_EDNS | (q->edns_flags & 0x8000 ? SAMPLE_DO : 0);
	assert_int_equal(s->size, reply.dns_size);
	assert_int_equal(s->rcode, reply.message.flags & 15);
	/* an OPT that can't be read was perhaps read in part */
	unread = c->reason == REASON_OPT ? SAMPLE_EDNS | SAMPLE_DO : 0;
	assert_int_equal(s->flags & ~unread, flags & ~unread);
	reply_free(&reply);
}

/* Every query is sampled (the vectors' mask is 0) whose question was read; nothing else is. */
static void samples_of_file(const char *name)
{
	static struct vector_run run;
	char error[VECTOR_ERROR_SIZE];
	unsigned sampled = 0;
	struct world w;

	world_open(&w, name);
	/* what a slot held before doesn't show */
	memset(w.memory->samples, 0xa5, sizeof(*w.memory->samples));
	for (size_t i = 0; i < w.vector->case_count; i++) {
		const struct vector_case *c = &w.vector->cases[i];
		uint64_t before = w.memory->counters->samples;
		const struct sample *s = &w.memory->samples->slot[before % SAMPLES_PER_ROW];

		assert_int_equal(vector_run_case(&run, w.engine, c, error), 0);
		if (!c->replies && c->reason <= REASON_QNAME) {
			assert_int_equal(w.memory->counters->samples, before);
			continue;
		}
		assert_int_equal(w.memory->counters->samples, before + 1);
		assert_int_equal(s->seq, before + 1);
		if (!c->step_count)
			sample_judge(s, c, &run);
		sampled++;
	}
	assert_true(sampled);
	world_close(&w);
}

static void a_sample_is_what_was_asked(void **state)
{
	samples_of_file("many-zones.vec");
	samples_of_file("case.vec");
	samples_of_file("vlan.vec");
	samples_of_file("source.vec");
	samples_of_file("size.vec");
}

static void a_sample_of_a_query_that_passed_is_what_was_asked(void **state)
{
	samples_of_file("qclass-pass.vec");
	samples_of_file("qtype-pass.vec");
	samples_of_file("edns-pass.vec");
	samples_of_file("no-zone.vec");
	samples_of_file("cname-pass.vec");
	samples_of_file("zone-expired.vec");
}

/* Runs the first case of service.vec's kind so often. */
static void case_repeat(struct world *w, unsigned times)
{
	static struct vector_run run;
	char error[VECTOR_ERROR_SIZE];

	for (unsigned i = 0; i < times; i++)
		assert_int_equal(vector_run_case(&run, w->engine, &w->vector->cases[0], error), 0);
}

static void the_mask_says_how_often(void **state)
{
	struct world w;

	world_open(&w, "exact.vec");
	w.memory->settings->block[0].sample_mask = 15;
	case_repeat(&w, 160);
	assert_int_equal(w.memory->counters->samples, 10);
	w.memory->settings->block[0].sample_mask = ~0u;
	case_repeat(&w, 100);
	assert_int_equal(w.memory->counters->samples, 10);
	world_close(&w);
}

static void the_ring_goes_round(void **state)
{
	struct world w;

	world_open(&w, "exact.vec");
	case_repeat(&w, SAMPLES_PER_ROW + 3);
	for (unsigned i = 0; i < SAMPLES_PER_ROW; i++)
		assert_int_equal(
			w.memory->samples->slot[i].seq, i < 3 ? SAMPLES_PER_ROW + i + 1 : i + 1);
	world_close(&w);
}

static void a_probe_leaves_nothing(void **state)
{
	static const struct counters zeros;
	struct world w;

	world_open(&w, "probe.vec");
	case_repeat(&w, 10);
	assert_memory_equal(w.memory->counters, &zeros, sizeof(zeros));
	world_close(&w);
}

static enum vector_action action_at(struct world *w, uint64_t now)
{
	static struct vector_packet packet;
	static uint8_t octets[VECTOR_REPLY_MAX];
	char error[VECTOR_ERROR_SIZE];
	size_t size;

	assert_int_equal(vector_packet_build(&w->vector->cases[0], &packet, error), 0);
	size = packet.size;
	memcpy(octets, packet.octets, size);
	return (enum vector_action)plain_engine_run(w->engine, octets, &size, sizeof(octets), now);
}

/* A nanosecond before the end the first case of the file is answered, then it passes. */
static void end_judge(const char *name, uint64_t end, uint32_t reason)
{
	struct world w;

	world_open(&w, name);
	assert_int_equal(action_at(&w, end - 1), VECTOR_REPLIED);
	assert_int_equal(action_at(&w, end), VECTOR_PASSED);
	assert_int_equal(w.memory->counters->reasons[reason], 1);
	world_close(&w);
}

static void a_lease_ends_at_its_end(void **state)
{
	end_judge("exact.vec", VECTOR_NOW + 60000000000ull, REASON_LEASE); /* 60 s, as always */
}

static void a_zone_ends_at_its_deadline(void **state)
{
	end_judge("lease-hold.vec", VECTOR_NOW + 10000000000ull, REASON_ZONE_EXPIRED);
}

/* Without settings that it knows the core passes everything. */
static void settings_of_another_layout_pass(void **state)
{
	struct world w;

	world_open(&w, "exact.vec");
	w.memory->settings->layout++;
	assert_int_equal(action_at(&w, VECTOR_NOW), VECTOR_PASSED);
	w.memory->settings->layout--;
	w.memory->settings->magic = 0;
	assert_int_equal(action_at(&w, VECTOR_NOW), VECTOR_PASSED);
	world_close(&w);
}

static void the_active_block_of_settings_counts(void **state)
{
	struct world w;

	world_open(&w, "exact.vec");
	w.memory->settings->block[1] = w.memory->settings->block[0];
	w.memory->settings->block[1].flags = SETTINGS_BYPASS;
	assert_int_equal(action_at(&w, VECTOR_NOW), VECTOR_REPLIED);
	w.memory->settings->active = 1;
	assert_int_equal(action_at(&w, VECTOR_NOW), VECTOR_PASSED);
	assert_int_equal(w.memory->counters->reasons[REASON_BYPASS], 1);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_what_was_asked),
		cmocka_unit_test(a_sample_of_a_query_that_passed_is_what_was_asked),
		cmocka_unit_test(the_mask_says_how_often),
		cmocka_unit_test(the_ring_goes_round),
		cmocka_unit_test(a_probe_leaves_nothing),
		cmocka_unit_test(a_lease_ends_at_its_end),
		cmocka_unit_test(a_zone_ends_at_its_deadline),
		cmocka_unit_test(settings_of_another_layout_pass),
		cmocka_unit_test(the_active_block_of_settings_counts),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
