/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Vectors: packets and what must come of them, read from files (README.md says how these look).
 *
 *     file ── vector_load ──▶ struct vector ─┬ vector_world_fill ──▶ image and settings of an
 * engine └ cases ── vector_packet_build ──▶ frame ──▶ (a host) └──── vector_check ◀── what the host
 * made of it
 *
 * A host is whatever runs the core: it brings a struct engine_memory and a way to run one frame.
 * One thread.
 */
#ifndef ANODE_TESTS_VECTOR_H
#define ANODE_TESTS_VECTOR_H

#include "record.h"
#include "message.h"

#include <netinet/in.h>

#include "shared/counters.h"
#include "shared/memory.h"

#define VECTOR_ERROR_SIZE   512
#define VECTOR_FRAME_MAX    4096  /* bytes of a frame that goes in */
#define VECTOR_REPLY_MAX    16384 /* bytes that a frame can grow to */
#define VECTOR_ROOM         3520  /* what a test run of the BPF program has */
#define VECTOR_IFINDEX      1
#define VECTOR_TAGS_MAX     4
#define VECTOR_SERVICES_MAX 512
#define VECTOR_OPTIONS_MAX  256 /* octets of a reply's options */

/* An address and port. */
struct vector_end {
	bool ipv6;
	uint8_t address[16]; /* network order; 4 octets of IPv4 */
	uint16_t port;       /* host order */
};

struct vector_zone {
	char *origin;
	char *path;      /* NULL: a pass apex */
	int64_t expires; /* seconds from now */
	bool bypassed;
};

struct vector_settings {
	uint16_t max_udp_size;
	uint16_t mtu;
	uint16_t copy_flags; /* of the DNS header, host order */
	int64_t lease;       /* seconds from now; INT64_MIN = none */
	bool hold, bypass, probe, fib;
	uint32_t server; /* of SETTINGS_PASSES and SETTINGS_WAYS */
	struct settings_chaos chaos[CHAOS_NAMES];
	struct settings_edns edns; /* without `wall` */
	int64_t time;              /* Unix time when the world is filled */
	bool image_none;
	uint32_t image_layout; /* 0 = the true one */
	struct vector_end *services;
	size_t service_count;
};

enum vector_place {
	PLACE_ETH,
	PLACE_VLAN,
	PLACE_IP,
	PLACE_UDP,
	PLACE_DNS,
	PLACE_QNAME,
	PLACE_QTYPE,
	PLACE_OPT,
	PLACE_END,
	PLACES
};

/* A change of the packet. */
struct vector_step {
	enum { STEP_POKE, STEP_CUT, STEP_GROW } kind;
	bool raw;
	enum vector_place place;
	int offset;
	unsigned cut;
	uint8_t *octets; /* owned */
	size_t size;
};

/* What `ask` says. Numbers in host order. */
struct vector_question {
	uint8_t name[255];
	uint8_t name_size;
	uint16_t type, class, id, flags;
	bool edns;
	uint16_t edns_size, edns_flags;
	uint8_t edns_version;
	uint8_t *options; /* owned, wire format */
	size_t options_size;
	struct vector_end from, to;
	uint16_t tags[VECTOR_TAGS_MAX], tag_types[VECTOR_TAGS_MAX];
	unsigned tag_count;
	uint8_t *behind_ip; /* owned: IPv4 options, or one IPv6 extension header without its first
			       octet */
	size_t behind_ip_size;
	uint8_t extension; /* number of the IPv6 extension header */
};

enum vector_server { SERVER_NSD, SERVER_KNOT, SERVERS };
enum vector_part {
	PART_RCODE = 1,
	PART_FLAGS = 2,
	PART_ANSWER = 4,
	PART_AUTHORITY = 8,
	PART_ADDITIONAL = 16
};

extern const char *const vector_server_names[SERVERS];

struct vector_case {
	const char *path; /* of the file */
	unsigned line;
	char *title;

	bool whole; /* `frame`: `octets` instead of `question` */
	uint8_t *octets;
	size_t size;
	struct vector_question question;
	struct vector_step *steps;
	size_t step_count;
	uint32_t room;

	bool replies;
	uint32_t reason;                   /* of a pass; REASON_COUNT = uncounted */
	uint16_t flags;                    /* of a reply: as in its header with rcode, without QR */
	struct records sections[SECTIONS]; /* sorted */
	bool opt, opt_do;
	uint16_t opt_size;
	uint8_t opt_rcode; /* the extended rcode's upper eight bits */
	uint8_t *options;  /* owned: the reply's, wire format; */
	size_t options_size;
	int64_t cookie_at;  /* of the new server cookie in `options`, whose bytes there are 0; -1 =
			       none */
	int64_t reply_size; /* DNS bytes; -1 = any */
	unsigned differs[SERVERS]; /* enum vector_part */
};

struct vector {
	char *path;
	struct vector_zone *zones;
	size_t zone_count;
	struct vector_settings settings;
	struct vector_case *cases;
	size_t case_count;
};

/* 0; or a negative errno with `path:line: what is wrong` in `error`. */
int vector_load(struct vector **vector, const char *path, char error[VECTOR_ERROR_SIZE]);
void vector_free(struct vector *vector);

/*
 * Fills an engine's memory with the vector's world. `now`: the time that the host tells the core
 * (CLOCK_MONOTONIC for a real one), ns. No reader may run meanwhile; what was there before is lost.
 * 0, or a negative errno with the reason in `error`.
 */
int vector_world_fill(const struct vector *vector, struct engine_memory *memory, uint64_t now,
	char error[VECTOR_ERROR_SIZE]);

/* Adds up the rows of an engine's counters. */
void vector_counters_sum(const struct engine_memory *memory, struct counters *sum);

/* A frame to run. */
struct vector_packet {
	uint8_t octets[VECTOR_FRAME_MAX];
	size_t size;
};

/* 0, or -EINVAL with a reason: a step that leads outside the packet. */
int vector_packet_build(
	const struct vector_case *c, struct vector_packet *packet, char error[VECTOR_ERROR_SIZE]);

/* Only the DNS message of the question, for a server; steps don't apply. Returns its size. */
size_t vector_message_build(const struct vector_case *c, uint8_t octets[VECTOR_FRAME_MAX]);

enum vector_action { VECTOR_PASSED, VECTOR_REPLIED, VECTOR_DROPPED };

/* What a host made of a packet. */
struct vector_outcome {
	enum vector_action action;
	const uint8_t *octets; /* the frame afterwards */
	size_t size;
	const struct counters *before, *after; /* sums over the rows */
};

/* Is the outcome what the case says? If not, writes what is wrong to `to`, readable, lines ended.
 */
bool vector_check(const struct vector *vector, const struct vector_case *c,
	const struct vector_packet *packet, const struct vector_outcome *outcome, FILE *to);

/* The same for a reply's message alone: the parts (enum vector_part) that differ; what differs goes
 * to `to`. */
unsigned vector_message_compare(const struct vector_case *c, const struct message *reply, FILE *to);

/* The last part of a path. */
const char *vector_file_name(const char *path);

/* The reason's name, or NULL; and back: REASON_COUNT if there is none. */
const char *vector_reason_name(uint32_t reason);
uint32_t vector_reason_find(const char *name);

#endif
