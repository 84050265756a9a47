/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For tests: a DNS server on a loopback address.
 */
#include "tests/unit/health/fake_dns.h"
#include "control/health/address.h"
#include "control/health/timer.h"
#include "tests/unit/health/must.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Turns a query into its reply, in place; the new length. Written from RFC 1035
 * by hand, so that it doesn't share a mistake with the library under test. */
static size_t answer(const struct fake_dns *dns, uint8_t *m, size_t len)
{
	static const uint8_t soa[] = {0xc0, 12, 0, 6, 0, 1, 0, 0, 14, 16, 0, 38, 3, 'n', 's', '1',
		0xc0, 12, 10, 'h', 'o', 's', 't', 'm', 'a', 's', 't', 'e', 'r', 0xc0, 12};
	size_t rdlen;

	m[2] = (uint8_t)(0x80 | (dns->no_authority ? 0 : 0x04) | (dns->truncated ? 0x02 : 0));
	m[3] = (uint8_t)dns->rcode;
	m[4] = 0, m[5] = 1;
	memset(m + 6, 0, 6);
	if (dns->wrong_id)
		m[0] ^= 0x55;
	if (dns->wrong_question)
		m[13] ^= 1;
	if (dns->not_a_reply)
		m[2] &= 0x7f;
	if (dns->no_question) {
		m[5] = 0;
		return 12;
	}
	if (dns->rcode || dns->no_record || dns->truncated)
		return len;
	if (dns->garbage) {
		m[7] = 3; /* three records, of which there are some bytes */
		memset(m + len, 0xff, 7);
		return len + 7;
	}
	m[7] = 1;
	memcpy(m + len, soa, sizeof soa);
	rdlen = sizeof soa - 12 + 20;
	m[len + 11] = (uint8_t)rdlen;
	len += sizeof soa;
	memset(m + len, 0, 20);
	m[len] = (uint8_t)(dns->serial >> 24);
	m[len + 1] = (uint8_t)(dns->serial >> 16);
	m[len + 2] = (uint8_t)(dns->serial >> 8);
	m[len + 3] = (uint8_t)dns->serial;
	return len + 20;
}

static int delay_due(sd_event_source *source, uint64_t usec, void *arg)
{
	struct fake_dns *dns = arg;

	while (dns->delayed_from != dns->delayed_to) {
		unsigned i = dns->delayed_from % 16;

		if (mono_before(mono_now(), dns->delayed[i].at)) {
			timer_set(source, dns->delayed[i].at);
			break;
		}
		sendto(dns->udp, dns->delayed[i].bytes, dns->delayed[i].len, 0,
			(struct sockaddr *)&dns->delayed[i].to, address_size(&dns->delayed[i].to));
		dns->delayed_from++;
	}
	return 0;
}

static void delay(
	struct fake_dns *dns, const uint8_t *bytes, size_t len, const struct sockaddr_storage *to)
{
	unsigned i = dns->delayed_to++ % 16;

	MUST(len <= sizeof dns->delayed[i].bytes && dns->delayed_to - dns->delayed_from <= 16);
	memcpy(dns->delayed[i].bytes, bytes, len);
	dns->delayed[i].len = len;
	dns->delayed[i].to = *to;
	dns->delayed[i].at = mono_after(mono_now(), span_ms(dns->delay_ms));
	timer_set(dns->delay_timer, dns->delayed[dns->delayed_from % 16].at);
}

static int udp_ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct fake_dns *dns = arg;
	struct sockaddr_storage from;
	socklen_t from_len = sizeof from;
	uint8_t m[1024], forged[1024];
	ssize_t n = recvfrom(fd, m, 512, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (n < 12)
		return 0;
	memcpy(&dns->ids[dns->udp_queries % 64], m, 2);
	dns->ports[dns->udp_queries % 64] = ((struct sockaddr_in *)&from)->sin_port;
	dns->udp_queries++;
	if (dns->silent)
		return 0;
	for (unsigned i = 0; i < dns->udp_forged; i++) {
		size_t len;

		memcpy(forged, m, (size_t)n);
		len = answer(dns, forged, (size_t)n);
		forged[0] ^= (uint8_t)(i + 1);
		sendto(fd, forged, len, 0, (struct sockaddr *)&from, from_len);
	}
	if (dns->delay_ms)
		delay(dns, m, answer(dns, m, (size_t)n), &from);
	else
		sendto(fd, m, answer(dns, m, (size_t)n), 0, (struct sockaddr *)&from, from_len);
	return 0;
}

static int client_ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct fake_dns *dns = arg;
	uint8_t m[1024], out[1026];
	ssize_t n = recv(fd, m, sizeof m, MSG_DONTWAIT);
	size_t len;

	if (n <= 2) {
		for (int i = 0; i < FAKE_DNS_CLIENTS; i++) {
			if (dns->clients[i] != fd)
				continue;
			dns->client_io[i] = sd_event_source_disable_unref(dns->client_io[i]);
			close(fd);
			dns->clients[i] = -1;
		}
		return 0;
	}
	dns->tcp_queries++;
	if (dns->silent || dns->silent_tcp)
		return 0;
	len = answer(dns, m + 2, (size_t)n - 2);
	memcpy(out + 2, m + 2, len);
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)len;
	len += 2;
	if (dns->tcp_split && dns->tcp_split < len)
		len = dns->tcp_split;
	send(fd, out, len, MSG_NOSIGNAL);
	return 0;
}

static int tcp_ready(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct fake_dns *dns = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (client < 0)
		return 0;
	dns->tcp_connections++;
	for (int i = 0; i < FAKE_DNS_CLIENTS; i++) {
		if (dns->clients[i] >= 0)
			continue;
		dns->clients[i] = client;
		MUST(sd_event_add_io(dns->loop, &dns->client_io[i], client, EPOLLIN, client_ready,
			     dns) >= 0);
		return 0;
	}
	close(client);
	return 0;
}

/* A socket at the server's address; -1 if somebody else has the port there. */
static int bound(const struct fake_dns *dns, int type)
{
	int one = 1, fd = socket(dns->address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0);
	if (bind(fd, (const struct sockaddr *)&dns->address, address_size(&dns->address)) == 0)
		return fd;
	MUST(errno == EADDRINUSE);
	close(fd);
	return -1;
}

/*
 * Takes a port that is free for UDP and TCP, and keeps it while the server is stopped: nobody else,
 * and no probe as its source, may get it meanwhile. The keepers answer nobody: the one for TCP
 * doesn't listen, the one for UDP hears its peer alone, which doesn't exist.
 */
static void port_keep(struct fake_dns *dns)
{
	struct sockaddr_storage nobody, any = dns->address;
	socklen_t len = sizeof dns->address;

	for (int tries = 0; tries < 100; tries++) {
		dns->address = any;
		dns->keep_udp = bound(dns, SOCK_DGRAM);
		MUST(dns->keep_udp >= 0);
		MUST(getsockname(dns->keep_udp, (struct sockaddr *)&dns->address, &len) == 0);
		dns->keep_tcp = bound(dns, SOCK_STREAM);
		if (dns->keep_tcp >= 0)
			break;
		close(dns->keep_udp);
	}
	MUST(dns->keep_tcp >= 0);
	nobody = dns->address;
	((struct sockaddr_in *)&nobody)->sin_port = htons(1); /* at the same place for IPv6 */
	MUST(connect(dns->keep_udp, (struct sockaddr *)&nobody, address_size(&nobody)) == 0);
}

static void bind_both(struct fake_dns *dns)
{
	dns->udp = bound(dns, SOCK_DGRAM);
	dns->tcp = bound(dns, SOCK_STREAM);
	MUST(dns->udp >= 0 && dns->tcp >= 0);
	MUST(listen(dns->tcp, 16) == 0);
	MUST(sd_event_add_io(dns->loop, &dns->udp_io, dns->udp, EPOLLIN, udp_ready, dns) >= 0);
	MUST(timer_new(dns->loop, &dns->delay_timer, delay_due, dns) == 0);
	MUST(sd_event_add_io(dns->loop, &dns->tcp_io, dns->tcp, EPOLLIN, tcp_ready, dns) >= 0);
	for (int i = 0; i < FAKE_DNS_CLIENTS; i++)
		dns->clients[i] = -1;
}

void fake_dns_start(struct fake_dns *dns, sd_event *loop, int family)
{
	dns->loop = loop;
	memset(&dns->address, 0, sizeof dns->address);
	dns->address.ss_family = (sa_family_t)family;
	if (family == AF_INET)
		((struct sockaddr_in *)&dns->address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&dns->address)->sin6_addr = in6addr_loopback;
	port_keep(dns);
	bind_both(dns);
}

void fake_dns_stop(struct fake_dns *dns)
{
	if (!dns->loop || dns->udp < 0)
		return;
	dns->udp_io = sd_event_source_disable_unref(dns->udp_io);
	dns->tcp_io = sd_event_source_disable_unref(dns->tcp_io);
	dns->delay_timer = sd_event_source_disable_unref(dns->delay_timer);
	close(dns->udp);
	close(dns->tcp);
	dns->udp = dns->tcp = -1;
	for (int i = 0; i < FAKE_DNS_CLIENTS; i++) {
		struct linger reset = {.l_onoff = 1};

		if (dns->clients[i] < 0)
			continue;
		dns->client_io[i] = sd_event_source_disable_unref(dns->client_io[i]);
		setsockopt(dns->clients[i], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(dns->clients[i]);
		dns->clients[i] = -1;
	}
}

void fake_dns_again(struct fake_dns *dns)
{
	bind_both(dns);
}

void fake_dns_end(struct fake_dns *dns)
{
	if (!dns->loop)
		return;
	fake_dns_stop(dns);
	close(dns->keep_udp);
	close(dns->keep_tcp);
}
