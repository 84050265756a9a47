/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checksum.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

uint32_t checksum_add(uint32_t sum, const uint8_t *octets, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += (uint32_t)octets[i] << (i % 2 ? 0 : 8);
	return checksum_fold(sum);
}

uint16_t checksum_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t checksum_pseudo(const uint8_t *addresses, size_t addresses_size, size_t udp_size)
{
	return checksum_add((uint32_t)udp_size + IPPROTO_UDP, addresses, addresses_size);
}

static void checksum_store(uint8_t *at, uint32_t sum)
{
	uint16_t checksum = (uint16_t)~checksum_fold(sum);

	at[0] = (uint8_t)(checksum >> 8);
	at[1] = (uint8_t)checksum;
}

void checksum_write(uint8_t *frame, size_t size, size_t ip, size_t udp, bool ipv6)
{
	uint8_t *header = frame + ip + offsetof(struct iphdr, check);
	uint8_t *datagram = frame + udp + offsetof(struct udphdr, check);
	const uint8_t *addresses =
		frame + ip +
		(ipv6 ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr));

	if (!ipv6) {
		memset(header, 0, 2);
		checksum_store(header, checksum_add(0, frame + ip, udp - ip));
	}
	memset(datagram, 0, 2);
	checksum_store(datagram, checksum_add(checksum_pseudo(addresses, ipv6 ? 32 : 8, size - udp),
					 frame + udp, size - udp));
	if (!datagram[0] && !datagram[1]) /* 0 would say that there is none (RFC 768) */
		memset(datagram, 0xff, 2);
}
