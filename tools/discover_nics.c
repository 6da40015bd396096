/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The NICs of this machine, as the kernel tells. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/route.h>
#include <string.h>
#include <sys/socket.h>
#include "share/cleanup.h"
#include "share/file.h"
#include "share/nic_settings.h"
#include "tools/discover.h"

#define ETHERNET_BYTES 6

static void free_addresses_p(struct ifaddrs **addresses)
{
	if (*addresses)
		freeifaddrs(*addresses);
}

/* ---- what the kernel says ---- */

/* The NIC of that name among the `n`, or NULL. */
static struct vg_host_nic *find_nic(struct vg_host_nic *nics, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(nics[i].name, name))
			return &nics[i];
	}
	return NULL;
}

static void take_link(const struct ifaddrs *item, struct vg_host_nic *nic)
{
	const struct sockaddr_ll *link = (const struct sockaddr_ll *)(const void *)item->ifa_addr;
	const unsigned char *b = link->sll_addr;

	*nic = (struct vg_host_nic){.index = (unsigned)link->sll_ifindex};
	snprintf(nic->name, sizeof(nic->name), "%s", item->ifa_name);
	if (link->sll_halen == ETHERNET_BYTES)
		snprintf(nic->mac, sizeof(nic->mac), "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1],
			 b[2], b[3], b[4], b[5]);
}

static void take_address(const struct ifaddrs *item, struct vg_host_nic *nic)
{
	const void *address = item->ifa_addr;
	const struct in_addr *ipv4 = &((const struct sockaddr_in *)address)->sin_addr;
	const struct in6_addr *ipv6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

	if (item->ifa_addr->sa_family == AF_INET && !*nic->address4)
		inet_ntop(AF_INET, ipv4, nic->address4, sizeof(nic->address4));
	if (item->ifa_addr->sa_family == AF_INET6 && !*nic->address6 &&
	    !IN6_IS_ADDR_LINKLOCAL(ipv6))
		inet_ntop(AF_INET6, ipv6, nic->address6, sizeof(nic->address6));
}

static int by_index(const void *a, const void *b)
{
	const struct vg_host_nic *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

/* Below /proc, which is the network namespace's; NULL where it can't be read. */
static char *read_routes(const char *path)
{
	char *text = NULL;
	size_t length;

	return vg_file_read(path, &text, &length) < 0 ? NULL : text;
}

int vg_host_nics_read(struct vg_host_nic **ret_nics, size_t *ret_n)
{
	_cleanup_(free_addresses_p) struct ifaddrs *addresses = NULL;
	_cleanup_free_ struct vg_host_nic *nics = NULL;
	_cleanup_free_ char *route = NULL, *ipv6_route = NULL;
	size_t n = 0;

	if (getifaddrs(&addresses) < 0)
		return -errno;
	for (const struct ifaddrs *item = addresses; item; item = item->ifa_next)
		n++;
	nics = calloc(n + 1, sizeof(*nics));
	if (!nics)
		return -ENOMEM;
	n = 0;
	for (const struct ifaddrs *item = addresses; item; item = item->ifa_next) {
		if (item->ifa_addr && item->ifa_addr->sa_family == AF_PACKET &&
		    !(item->ifa_flags & IFF_LOOPBACK) && !find_nic(nics, n, item->ifa_name))
			take_link(item, &nics[n++]);
	}
	qsort(nics, n, sizeof(*nics), by_index);
	for (const struct ifaddrs *item = addresses; item; item = item->ifa_next) {
		struct vg_host_nic *nic = find_nic(nics, n, item->ifa_name);

		if (item->ifa_addr && nic)
			take_address(item, nic);
	}
	for (size_t i = 0; i < n; i++)
		vg_nic_facts_read(nics[i].index, &nics[i].facts, &nics[i].device);
	route = read_routes("/proc/net/route");
	ipv6_route = read_routes("/proc/net/ipv6_route");
	vg_host_nics_routes(nics, n, route, ipv6_route);
	*ret_nics = VG_TAKE_PTR(nics);
	*ret_n = n;
	return 0;
}

/* ---- which of them have a default route ---- */

static bool is_default4(const char *line, char *ret_name)
{
	unsigned long destination, mask;
	unsigned flags;

	return sscanf(line, "%15s %lx %*s %x %*s %*s %*s %lx", ret_name, &destination, &flags,
		      &mask) == 4 &&
	       !destination && !mask && flags & RTF_UP && !(flags & RTF_REJECT);
}

static bool is_default6(const char *line, char *ret_name)
{
	unsigned length, flags;
	char destination[33];

	return sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x %15s", destination, &length, &flags,
		      ret_name) == 4 &&
	       !length && !destination[strspn(destination, "0")] && flags & RTF_UP &&
	       !(flags & RTF_REJECT);
}

static void note_routes(struct vg_host_nic *nics, size_t n, const char *text,
			bool (*is_default)(const char *line, char *ret_name))
{
	char name[IF_NAMESIZE];

	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct vg_host_nic *nic;

		line += *line == '\n';
		nic = is_default(line, name) ? find_nic(nics, n, name) : NULL;
		if (nic)
			nic->default_route = true;
	}
}

void vg_host_nics_routes(struct vg_host_nic *nics, size_t n, const char *route,
			 const char *ipv6_route)
{
	note_routes(nics, n, route, is_default4);
	note_routes(nics, n, ipv6_route, is_default6);
}
