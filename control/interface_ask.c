/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/interface_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DUMP_SIZE 32768 /* what the kernel fills a message of a dump to, at most */

/* One question about one interface; false: the kernel doesn't say. */
static bool ioctl_ask(int asker, const char *name, unsigned long question, struct ifreq *answer)
{
	memset(answer, 0, sizeof(*answer));
	snprintf(answer->ifr_name, sizeof(answer->ifr_name), "%s", name);
	return ioctl(asker, question, answer) == 0;
}

/* ETHTOOL_GFLAGS needs no privilege, and says it of any driver. */
static bool vlan_offload_ask(int asker, const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = (void *)&flags;
	return ioctl(asker, SIOCETHTOOL, &request) == 0 && (flags.data & ETH_FLAG_RXVLAN);
}

/* The interface's own: it alone is what bpf_fib_lookup looks at, in both families. */
static bool forwarding_ask(const char *family, const char *name)
{
	char path[96], value = '0';
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/forwarding", family, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, &value, 1);
	close(fd);
	return n == 1 && value != '0';
}

/* The attribute of this type, at least so long, or NULL. */
static struct rtattr *attribute(struct rtattr *first, int length, unsigned short type, size_t least)
{
	for (struct rtattr *a = first; RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		if ((a->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(a) >= least)
			return a;
	}
	return NULL;
}

bool interface_vlan_message(struct nlmsghdr *message, uint32_t *parent, char name[static 16])
{
	struct ifinfomsg *link = NLMSG_DATA(message);
	int length = (int)message->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*link));
	struct rtattr *info, *kind, *below, *own;

	if (message->nlmsg_type != RTM_NEWLINK || length < 0)
		return false;
	info = attribute(IFLA_RTA(link), length, IFLA_LINKINFO, 1);
	below = attribute(IFLA_RTA(link), length, IFLA_LINK, sizeof(*parent));
	own = attribute(IFLA_RTA(link), length, IFLA_IFNAME, 1);
	/* Another namespace's index would be another interface here. */
	if (!info || !below || !own ||
		attribute(IFLA_RTA(link), length, IFLA_LINK_NETNSID, 0) != NULL)
		return false;
	kind = attribute(RTA_DATA(info), (int)RTA_PAYLOAD(info), IFLA_INFO_KIND, sizeof("vlan"));
	if (!kind || memcmp(RTA_DATA(kind), "vlan", sizeof("vlan")) != 0)
		return false;
	memcpy(parent, RTA_DATA(below), sizeof(*parent));
	snprintf(name, 16, "%.*s", (int)RTA_PAYLOAD(own), (char *)RTA_DATA(own));
	return true;
}

/* Counts those of a dump's message that stand on the interface; false: the dump is over. */
static bool vlans_count(void *bytes, size_t size, struct interface *found)
{
	struct nlmsghdr *message = bytes;
	int left = (int)size;

	for (; NLMSG_OK(message, (unsigned int)left); message = NLMSG_NEXT(message, left)) {
		uint32_t parent;
		char name[16];

		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return false;
		if (!interface_vlan_message(message, &parent, name) || parent != found->ifindex)
			continue;
		if (found->vlans++ == 0)
			memcpy(found->vlan, name, sizeof(found->vlan));
	}
	return true;
}

static void vlans_ask(struct interface *found)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} request = {.head = {.nlmsg_len = sizeof(request),
			     .nlmsg_type = RTM_GETLINK,
			     .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	_Alignas(struct nlmsghdr) char answer[DUMP_SIZE];
	const struct timeval patience = {.tv_sec = 1};
	int asker = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	if (asker < 0)
		return;
	setsockopt(asker, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (send(asker, &request, sizeof(request), 0) == (ssize_t)sizeof(request)) {
		do
			n = recv(asker, answer, sizeof(answer), 0);
		while (n > 0 && vlans_count(answer, (size_t)n, found));
	}
	close(asker);
}

/* IFF_RUNNING is the operational state, carrier included (netdevice(7)). */
void interface_ask(int asker, const char *name, struct interface *found)
{
	struct ifreq answer;

	memset(found, 0, sizeof(*found));
	snprintf(found->name, sizeof(found->name), "%s", name);
	if (!ioctl_ask(asker, name, SIOCGIFINDEX, &answer))
		return;
	found->ifindex = (uint32_t)answer.ifr_ifindex;
	if (ioctl_ask(asker, name, SIOCGIFMTU, &answer))
		found->mtu = (uint32_t)answer.ifr_mtu;
	if (ioctl_ask(asker, name, SIOCGIFHWADDR, &answer))
		memcpy(found->mac, answer.ifr_hwaddr.sa_data, sizeof(found->mac));
	if (ioctl_ask(asker, name, SIOCGIFFLAGS, &answer))
		found->carrier = (answer.ifr_flags & IFF_UP) && (answer.ifr_flags & IFF_RUNNING);
	found->forwards[0] = forwarding_ask("ipv4", name);
	found->forwards[1] = forwarding_ask("ipv6", name);
	found->vlan_offload = vlan_offload_ask(asker, name);
	vlans_ask(found);
}
