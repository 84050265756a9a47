/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The values that stand in a configuration, a request or an option: text in,
 * a typed value out, or a sentence that says what a good one looks like.
 * Pure: no I/O, no name resolution, no locale. Any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A span of time: microseconds, as sd-event counts them. */
struct duration {
	uint64_t us;
};

/* An IP address: family AF_INET or AF_INET6, bytes in network order, those
 * past the family's length are zero (so that memcmp compares addresses). */
struct address {
	sa_family_t family;
	uint8_t bytes[16];
};

/* An address with a port (host order). */
struct endpoint {
	struct address address;
	uint16_t port;
};

/* A prefix; bits beyond `length` are zero. */
struct prefix {
	struct address address;
	uint8_t length;
};

/* A domain name (RFC 1035 3.1): lower case, absolute. `text` has no trailing
 * dot, but for the root, which is "."; `wire` is uncompressed. */
struct domain {
	char *text;
	uint8_t *wire;
	uint8_t wire_length;
};

/*
 * Parsers: NULL when `text` is good (and *value is set), else what is wrong, a
 * static string that completes "NAME: ". domain_parse allocates; its value is
 * freed with domain_free.
 */
/* "100ms", "1s", "5m", "1h", "2d", "1h30m"; a bare number has no meaning. */
const char *duration_parse(const char *text, struct duration *value);
/* "512MiB", "2GiB", "1500B", "1GB"; a bare number has no meaning. */
const char *size_parse(const char *text, uint64_t *value);
const char *number_parse(const char *text, uint64_t *value);
/* "50%", 0 to 100 */
const char *percent_parse(const char *text, uint32_t *value);
const char *bool_parse(const char *text, bool *value);
const char *address_parse(const char *text, struct address *value);
const char *prefix_parse(const char *text, struct prefix *value);
/* "127.0.0.1:9953", "[::1]:9953" */
const char *endpoint_parse(const char *text, struct endpoint *value);
const char *domain_parse(const char *text, struct domain *value);
/* "SOA", "TYPE65280" */
const char *rrtype_parse(const char *text, uint16_t *value);
void domain_free(struct domain *domain);

bool address_equal(const struct address *a, const struct address *b);
bool prefix_holds(const struct prefix *prefix, const struct address *address);
/* `name` is `zone` or stands below it. */
bool domain_within(const struct domain *name, const struct domain *zone);

/* The socket address of an address and a port (host order); the length used. */
socklen_t address_sockaddr(
	const struct address *address, uint16_t port, struct sockaddr_storage *storage);

/* Text forms into the caller's buffer, which they return. */
#define VALUE_TEXT (INET6_ADDRSTRLEN + 12)
const char *address_text(const struct address *address, char buffer[static VALUE_TEXT]);
const char *prefix_text(const struct prefix *prefix, char buffer[static VALUE_TEXT]);
const char *endpoint_text(const struct endpoint *endpoint, char buffer[static VALUE_TEXT]);
/* The largest unit that is exact: "90s", "1500ms", "2GiB". */
const char *duration_text(struct duration duration, char buffer[static VALUE_TEXT]);
const char *size_text(uint64_t bytes, char buffer[static VALUE_TEXT]);
