/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every authoritative server of a zone says, seen from here: a zone and a
 * resolver (or a list of servers) in; one row for each address of each server
 * out. Judges nothing: see finding.h. Blocks; needs no daemon and no privilege.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "control/redundancy/reply.h"
#include "control/zone/name.h"

#define SURVEY_ADDRESSES 256 /* of all servers */
#define SURVEY_TEXT      160

/* Over one transport. From good to bad. */
enum survey_state {
	SURVEY_GOOD,     /* NOERROR, AA, the zone's SOA */
	SURVEY_LAME,     /* an answer without authority (RFC 1912 2.8) */
	SURVEY_REFUSED,  /* nobody listens there */
	SURVEY_SILENT,   /* no answer to any try */
	SURVEY_BROKEN,   /* something that isn't an answer */
	SURVEY_UNTESTED, /* this host has no way there */
};

const char *survey_state_name(enum survey_state state);

struct survey_answer {
	enum survey_state state;
	char text[64]; /* why it isn't good: "REFUSED", "not authoritative (AA is clear)" */
	unsigned tries;
	uint64_t rtt_us; /* 0: no answer */
	bool has_serial, truncated, no_edns;
	uint32_t serial;
	uint8_t nsid[REPLY_NSID];
	size_t nsid_size;
};

/* What BIRD knows about the way to an address. */
struct survey_path {
	bool known; /* a route by BGP, other than a default route */
	char prefix[INET6_ADDRSTRLEN + 4];
	uint32_t origin; /* AS; 0: our own */
	unsigned routes; /* to that prefix */
	unsigned paths;  /* of them with different AS paths */
	char best[96];   /* the best route's AS path, maybe cut */
};

struct survey_address {
	size_t server;                /* index */
	struct sockaddr_storage addr; /* with port */
	struct survey_answer udp, tcp;
	bool listed; /* it told the zone's NS records */
	uint8_t (*names)[NAME_MAX_SIZE];
	size_t names_count;
	struct survey_path path;
	bool ours; /* within a prefix that this node announces by its configuration */
};

struct survey_server {
	uint8_t name[NAME_MAX_SIZE]; /* folded */
	bool alias;                  /* the name is a CNAME's owner (RFC 2181 10.3) */
	size_t addresses;            /* how many it has */
};

struct survey {
	uint8_t zone[NAME_MAX_SIZE]; /* folded */
	struct survey_server *servers;
	size_t servers_count;
	struct survey_address *addresses;
	size_t addresses_count;
	bool given; /* servers were named by the caller, not found */
	bool cut;   /* there are more than SURVEY_ADDRESSES */
};

struct survey_options {
	struct sockaddr_storage resolver;     /* with port; AF_UNSPEC: servers are given */
	struct sockaddr_storage from4, from6; /* AF_UNSPEC: the kernel's choice */
	int family;                           /* AF_UNSPEC: both */
	uint64_t timeout_us;                  /* of each question with its retries */
	uint64_t grace_us; /* servers behind the newest serial are asked again after it */
};

/* An empty survey of that zone (a checked name). 0, -ENOMEM. */
int survey_new(struct survey **survey, const uint8_t *zone);
void survey_free(struct survey *survey);

/* Adds an address (with port) to the server of that name, a new one if need be;
 * NULL: only the name. 0, -ENOMEM; beyond SURVEY_ADDRESSES `cut` is set. */
int survey_add(struct survey *survey, const uint8_t *name, const struct sockaddr_storage *address);

/* Asks the resolver for the servers and their addresses. 0, or negative errno
 * with a line of text: -ENOENT: no such zone, -ETIMEDOUT, -ECONNREFUSED, -EPROTO:
 * the resolver said something else. */
int survey_find(
	struct survey *survey, const struct survey_options *options, char text[static SURVEY_TEXT]);

/* Asks all of them: SOA over UDP and TCP with NSID, NS over TCP, without EDNS where it isn't
 * understood. 0, -ENOMEM. */
int survey_ask(struct survey *survey, const struct survey_options *options);

/* Serials (RFC 1982): is `a` newer than `b`? */
bool survey_serial_newer(uint32_t a, uint32_t b);
