/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What BIRD's `show` lines mean: one line of text in, a struct out. Pure. A
 * line that isn't understood is -EBADMSG and tells nothing: "not known" is
 * never taken for "not there".
 */
#ifndef ANODE_HEALTH_BIRD_SHOW_H
#define ANODE_HEALTH_BIRD_SHOW_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

/* Longest name of a protocol, with its NUL (BIRD's SYM_MAX_LEN is 64). */
#define BIRD_NAME_MAX 65

/* An IP prefix, host bits zero. */
struct bird_prefix {
	int family;       /* AF_INET, AF_INET6 */
	uint8_t addr[16]; /* network byte order; the first 4 for AF_INET */
	unsigned len;     /* bits */
};

#define BIRD_PREFIX_TEXT (INET6_ADDRSTRLEN + 4)

/* "203.0.113.0/24". -EINVAL: not a prefix, or bits beyond its length are set. */
int bird_prefix_parse(struct bird_prefix *prefix, const char *text);
void bird_prefix_format(const struct bird_prefix *prefix, char text[BIRD_PREFIX_TEXT]);
bool bird_prefix_equal(const struct bird_prefix *a, const struct bird_prefix *b);
/* addr: as many bytes as the family has, network byte order */
bool bird_prefix_holds(const struct bird_prefix *prefix, int family, const void *addr);

/* May the text name a protocol, a peer, and so a state file? Letters, digits,
 * `_`, and after the first letter also `-.:`. No quote, no slash, no pattern. */
bool bird_name_valid(const char *name);

/* A 1002 line of `show protocols`. */
struct bird_protocol_line {
	char name[BIRD_NAME_MAX];
	char type[16];
	bool up;
	bool established; /* BGP: the session stands */
};
int bird_protocol_parse(struct bird_protocol_line *out, const char *text);

/* A 1007 line of `show route PREFIX exported PEER`: -ENOENT if the line is
 * about another prefix or no route's first line, else the protocol that the
 * exported route comes from. */
int bird_route_parse(
	char protocol[BIRD_NAME_MAX], const char *text, const struct bird_prefix *prefix);

/* Any 1007 line of `show route PREFIX`: the protocol that a route, best or not,
 * comes from. -ENOENT: not a route's first line. */
int bird_origin_parse(char protocol[BIRD_NAME_MAX], const char *text);

/* "BIRD 2.0.12 ready." -> "2.0.12". -EBADMSG: something else greets. */
int bird_version_parse(char version[32], const char *text);

/* A line of `show status`: 1, and the time in *ms, if it is "Last reboot on
 * DATE" (*reboot set) or "Last reconfiguration on DATE"; 0: another line, or a
 * date that isn't in BIRD's default format ("2026-11-22 22:55:49.253"). The
 * zero of *ms means nothing: BIRD derives dates from the present wall clock, so
 * they move with it, and by a millisecond for no reason. Only differences of
 * two dates of one reply say something. */
int bird_date_parse(const char *text, bool *reboot, int64_t *ms);

#endif
