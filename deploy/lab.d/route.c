// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * route: when a router's forwarding changes, to the millisecond.
 *
 * In: prefixes, and the network namespace it runs in. Out: a JSON line on stdout for each prefix's
 * route as it is now, then one for each change of it in the kernel's table, with the time
 * (CLOCK_REALTIME, seconds) and the device that packets now take, null for none; until SIGINT,
 * SIGTERM or the end of the given time.
 *
 * What is measured is the moment at which the kernel has changed its table, because that decides
 * where packets go: the router's BGP decision and its hand-over to the kernel are included. The
 * time is taken when the notification is read, some 0.1 ms later. Only the main table's routes of
 * exactly these prefixes count; a route with several next hops is shown with its first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PREFIXES_MAX 16

struct prefix {
	const char *text;
	uint8_t family, length;
	uint8_t address[16];
};

struct watch {
	int fd;
	struct prefix prefixes[PREFIXES_MAX];
	int count;
};

static int prefix_parse(struct prefix *prefix, const char *text)
{
	char address[INET6_ADDRSTRLEN], *end;
	size_t size = strcspn(text, "/");
	long length;

	if (size >= sizeof(address) || !text[size])
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = 0;
	prefix->text = text;
	prefix->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	length = strtol(text + size + 1, &end, 10);
	if (*end || end == text + size + 1 || length < 0 ||
		length > (prefix->family == AF_INET6 ? 128 : 32))
		return -EINVAL;
	prefix->length = (uint8_t)length;
	return inet_pton(prefix->family, address, prefix->address) == 1 ? 0 : -EINVAL;
}

static const struct prefix *prefix_find(
	const struct watch *watch, const struct rtmsg *route, const void *destination)
{
	for (int i = 0; destination && i < watch->count; i++) {
		const struct prefix *prefix = &watch->prefixes[i];

		if (prefix->family == route->rtm_family && prefix->length == route->rtm_dst_len &&
			!memcmp(prefix->address, destination, prefix->family == AF_INET6 ? 16 : 4))
			return prefix;
	}
	return NULL;
}

static void watch_message(const struct watch *watch, struct nlmsghdr *header)
{
	struct rtmsg *route = NLMSG_DATA(header);
	const void *destination = NULL;
	const struct prefix *prefix;
	char device[IF_NAMESIZE + 2] = "null", name[IF_NAMESIZE];
	int length = (int)RTM_PAYLOAD(header);
	unsigned index = 0;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if ((header->nlmsg_type != RTM_NEWROUTE && header->nlmsg_type != RTM_DELROUTE) ||
		route->rtm_table != RT_TABLE_MAIN)
		return;
	for (struct rtattr *a = RTM_RTA(route); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		if (a->rta_type == RTA_DST)
			destination = RTA_DATA(a);
		if (a->rta_type == RTA_OIF)
			memcpy(&index, RTA_DATA(a), sizeof(index));
		if (a->rta_type == RTA_MULTIPATH && RTA_PAYLOAD(a) >= sizeof(struct rtnexthop))
			index = (unsigned)((struct rtnexthop *)RTA_DATA(a))->rtnh_ifindex;
	}
	prefix = prefix_find(watch, route, destination);
	if (!prefix)
		return;
	if (header->nlmsg_type == RTM_NEWROUTE && if_indextoname(index, name))
		snprintf(device, sizeof(device), "\"%s\"", name);
	printf("{\"at\": %lld.%06ld, \"prefix\": \"%s\", \"device\": %s}\n", (long long)now.tv_sec,
		now.tv_nsec / 1000, prefix->text, device);
	fflush(stdout);
}

static int watch_open(struct watch *watch)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};

	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (watch->fd < 0 || bind(watch->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

/* Asks for the table as it is; one family after the other, as netlink does one dump at a time. */
static int watch_dump(const struct watch *watch, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct rtmsg route;
	} request = {.header = {.nlmsg_len = sizeof(request),
			     .nlmsg_type = RTM_GETROUTE,
			     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.route = {.rtm_family = family}};

	return send(watch->fd, &request, sizeof(request), 0) < 0 ? -errno : 0;
}

/* 1 when a dump has ended, 0 to go on. */
static int watch_receive(const struct watch *watch)
{
	static _Alignas(struct nlmsghdr) uint8_t buffer[32768];
	ssize_t length = recv(watch->fd, buffer, sizeof(buffer), 0);
	int done = 0;

	if (length < 0)
		return errno == EINTR ? 0 : -errno;
	for (struct nlmsghdr *h = (void *)buffer; NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
		if (h->nlmsg_type == NLMSG_DONE)
			done = 1;
		else
			watch_message(watch, h);
	}
	return done;
}

int main(int argc, char **argv)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct watch watch = {.fd = -1};
	struct timespec now, end;
	double seconds = 600;
	size_t dumps = 0;
	sigset_t set;
	int ret = argc < 3 ? -EINVAL : 0;

	if (!ret)
		seconds = strtod(argv[1], NULL);
	for (int i = 2; !ret && i < argc; i++)
		ret = i - 2 == PREFIXES_MAX || seconds <= 0 || seconds > 3600
			      ? -EINVAL
			      : prefix_parse(&watch.prefixes[watch.count++], argv[i]);
	if (ret) {
		fputs("Usage: route SECONDS PREFIX...\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;

	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	ret = fds[1].fd < 0 ? -errno : watch_open(&watch);
	fds[0].fd = watch.fd;
	if (!ret)
		ret = watch_dump(&watch, families[dumps++]);
	while (ret >= 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end.tv_sec || fds[1].revents)
			break;
		if (poll(fds, 2, 100) < 0 && errno != EINTR)
			ret = -errno;
		if (ret >= 0 && fds[0].revents)
			ret = watch_receive(&watch);
		if (ret == 1 && dumps < sizeof(families))
			ret = watch_dump(&watch, families[dumps++]);
	}
	if (ret < 0)
		fprintf(stderr, "route: %s\n", strerror(-ret));
	if (watch.fd >= 0)
		close(watch.fd);
	return ret < 0;
}
