/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with a zone's servers, or weak: a survey in, findings out. The
 * sins are those of RFC 2182 (same place, same network, one server), RFC 1912
 * (lame) and RFC 7766 (no TCP). Pure.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/redundancy/survey.h"

enum finding_kind {
	FINDING_ALL_DOWN,    /* no server answers with authority */
	FINDING_DOWN,        /* an address answers over neither transport */
	FINDING_LAME,        /* it answers, but not as the zone's server */
	FINDING_NO_UDP,      /* it answers over TCP alone */
	FINDING_NO_TCP,      /* it answers over UDP alone */
	FINDING_NO_ADDRESS,  /* a server's name has none */
	FINDING_SERIALS,     /* they serve different versions of the zone */
	FINDING_NS_SET,      /* they name different servers */
	FINDING_ALIAS,       /* a server's name is an alias */
	FINDING_ONE_SERVER,  /* there is but one */
	FINDING_SAME_PREFIX, /* one route carries all of a family */
	FINDING_SAME_ORIGIN, /* one AS announces all of them */
	FINDING_SAME_SITE,   /* servers answer from the same site */
	FINDING_ONE_NODE,    /* one node answers for all of them */
	FINDING_FEW_PATHS,   /* fewer AS paths lead there than wanted */
	FINDING_UNTESTED,    /* this host could not ask */
	FINDING_KINDS
};

/* Ordered by what the exit code says. */
enum finding_grade {
	FINDING_NOTE, /* says nothing about the zone */
	FINDING_WEAK, /* works, against good advice */
	FINDING_BAD,  /* some queries get a wrong answer, or none */
	FINDING_DEAD, /* all */
};

struct finding {
	enum finding_kind kind;
	char text[240];
};

struct finding_list {
	struct finding *items;
	size_t count;
	enum finding_grade worst; /* FINDING_NOTE when there are none */
};

struct finding_options {
	const regex_t *site; /* what of an NSID names the site: group 1, or all that
				matches; NULL: the whole NSID */
	unsigned paths_min;  /* AS paths to each address, where BIRD knows any; 0: don't care */
	uint32_t accepted;   /* bits by kind: known, not to be found */
};

const char *finding_name(enum finding_kind kind); /* "no-tcp" */
enum finding_grade finding_grade(enum finding_kind kind);
/* FINDING_KINDS: no such name. */
enum finding_kind finding_parse(const char *name, size_t length);

/* 0, -ENOMEM. */
int finding_make(struct finding_list *list, const struct survey *survey,
	const struct finding_options *options);
void finding_free(struct finding_list *list);

/* The site that an NSID names, as text; "" : none. */
#define FINDING_SITE 72
void finding_site(
	char site[static FINDING_SITE], const regex_t *pattern, const uint8_t *nsid, size_t size);
/* Octets as text; those that aren't printable as \xNN. */
#define FINDING_NSID (REPLY_NSID * 4 + 1)
const char *finding_nsid(char text[static FINDING_NSID], const uint8_t *nsid, size_t size);
/* "192.0.2.1", "2001:db8::1#5300": with its port unless it is 53. */
#define FINDING_ADDRESS (INET6_ADDRSTRLEN + 8)
const char *finding_address(
	char text[static FINDING_ADDRESS], const struct sockaddr_storage *address);
/* Does this address answer with authority? */
bool finding_up(const struct survey_address *row);
bool finding_untested(const struct survey_address *row);
