/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <endian.h>
#include <linux/rtnetlink.h>
#include <netlink/cache.h>
#include <netlink/route/link.h>
#include <search.h>
#include <string.h>
#include <sys/socket.h>
#include "share/netlink.h"
#include "service/routes.h"
#include "service/seedlist.h"
#include "share/cleanup.h"

struct known {
	struct vg_address address, source; /* source.family 0: from nowhere in particular */
	struct vg_way route;
};

struct vg_routes {
	struct nl_sock *socket;
	unsigned *filtered;
	size_t n_filtered;
	void *known; /* tsearch(3) */
};

static bool has(const unsigned *set, size_t n, unsigned ifindex)
{
	for (size_t i = 0; i < n; i++) {
		if (set[i] == ifindex)
			return true;
	}
	return false;
}

size_t vg_routes_spread(const struct vg_stacked_link *links, size_t n_links, unsigned *set,
			size_t n)
{
	size_t before;

	/* Ends after one round for each layer of the stack. */
	do {
		before = n;
		for (size_t i = 0; i < n_links; i++) {
			const struct vg_stacked_link *link = &links[i];

			if (link->lower && has(set, n, link->lower) && !has(set, n, link->ifindex))
				set[n++] = link->ifindex;
			if (link->master && has(set, n, link->ifindex) &&
			    !has(set, n, link->master))
				set[n++] = link->master;
		}
	} while (n != before);
	return n;
}

/* The other end of a veth also counts as its lower link, which it isn't. */
static unsigned lower_of(struct rtnl_link *link)
{
	static const char *const kinds[] = {"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"};
	const char *kind = rtnl_link_get_type(link);
	int elsewhere;

	if (!kind || rtnl_link_get_link_netnsid(link, &elsewhere) >= 0)
		return 0;
	for (size_t i = 0; i < VG_ARRAY_SIZE(kinds); i++) {
		if (strcmp(kind, kinds[i]) == 0)
			return rtnl_link_get_link(link);
	}
	return 0;
}

static void cache_free_p(struct nl_cache **cache)
{
	nl_cache_free(*cache);
}

static int read_links(struct nl_sock *socket, struct vg_stacked_link **ret_links, size_t *ret_n)
{
	_cleanup_(cache_free_p) struct nl_cache *cache = NULL;
	struct vg_stacked_link *links;
	struct nl_object *object;
	size_t n = 0;

	if (rtnl_link_alloc_cache(socket, AF_UNSPEC, &cache) < 0)
		return -EIO;
	links = calloc(nl_cache_nitems(cache) + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	for (object = nl_cache_get_first(cache); object; object = nl_cache_get_next(object)) {
		struct rtnl_link *link = (struct rtnl_link *)object;

		links[n++] = (struct vg_stacked_link){
			.ifindex = rtnl_link_get_ifindex(link),
			.lower = lower_of(link),
			.master = rtnl_link_get_master(link),
		};
	}
	*ret_links = links;
	*ret_n = n;
	return 0;
}

static int find_filtered(struct vg_routes *routes, const unsigned *ifindexes, size_t n)
{
	_cleanup_free_ struct vg_stacked_link *links = NULL;
	size_t n_links;
	int r;

	r = read_links(routes->socket, &links, &n_links);
	if (r < 0)
		return r;
	routes->filtered = calloc(n + n_links + 1, sizeof(*routes->filtered));
	if (!routes->filtered)
		return -ENOMEM;
	if (n)
		memcpy(routes->filtered, ifindexes, n * sizeof(*ifindexes));
	routes->n_filtered = vg_routes_spread(links, n_links, routes->filtered, n);
	return 0;
}

int vg_routes_open(const unsigned *ifindexes, size_t n, struct vg_routes **ret_routes)
{
	_cleanup_(vg_routes_close_p) struct vg_routes *routes = calloc(1, sizeof(*routes));
	int r;

	if (!routes)
		return -ENOMEM;
	r = vg_netlink_open(NETLINK_ROUTE, &routes->socket);
	if (r >= 0)
		r = find_filtered(routes, ifindexes, n);
	if (r < 0)
		return r;
	*ret_routes = VG_TAKE_PTR(routes);
	return 0;
}

void vg_routes_close_p(struct vg_routes **routes)
{
	if (!*routes)
		return;
	tdestroy((*routes)->known, free);
	free((*routes)->filtered);
	nl_socket_free((*routes)->socket);
	free(*routes);
}

static int compare_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	const int order = vg_seeds_compare_addresses(&x->address, &y->address);

	return order ? order : vg_seeds_compare_addresses(&x->source, &y->source);
}

static int put_address(struct nl_msg *message, int attribute, const struct vg_address *address)
{
	const __be64 bytes[2] = {htobe64(address->hi), htobe64(address->lo)};

	return nla_put(message, attribute, address->family == 4 ? 4 : 16, bytes);
}

static struct nl_msg *question(const struct vg_address *address, const struct vg_address *source,
			       unsigned arrival)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	const struct rtmsg header = {
		.rtm_family = address->family == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = address->family == 4 ? 32 : 128,
		.rtm_src_len = !source		      ? 0
			       : address->family == 4 ? 32
						      : 128,
	};

	message = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	if (!message || nlmsg_append(message, (void *)&header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
	    put_address(message, RTA_DST, address) < 0 ||
	    (source && put_address(message, RTA_SRC, source) < 0) ||
	    (arrival && nla_put_u32(message, RTA_IIF, arrival) < 0))
		return NULL;
	return VG_TAKE_PTR(message);
}

struct reply {
	const struct vg_routes *routes;
	struct vg_way route;
};

static int read_route(const struct nlmsghdr *header, void *context)
{
	struct nlattr *attributes[RTA_MAX + 1];
	struct reply *reply = context;
	const struct rtmsg *route;

	/* libnl reads headers through pointers that aren't const. */
	if (header->nlmsg_type != RTM_NEWROUTE ||
	    nlmsg_parse((struct nlmsghdr *)header, sizeof(*route), attributes, RTA_MAX, NULL) < 0)
		return 0;
	route = nlmsg_data(header);
	if (attributes[RTA_OIF] && nla_len(attributes[RTA_OIF]) >= (int)sizeof(__u32))
		reply->route.ifindex = nla_get_u32(attributes[RTA_OIF]);
	if (route->rtm_type == RTN_LOCAL)
		reply->route.side = VG_SIDE_LOCAL;
	else if (route->rtm_type == RTN_UNICAST && reply->route.ifindex)
		reply->route.side = has(reply->routes->filtered, reply->routes->n_filtered,
					reply->route.ifindex)
					    ? VG_SIDE_OUTSIDE
					    : VG_SIDE_INSIDE;
	return 0;
}

static int ask(struct vg_routes *routes, const struct vg_address *address,
	       const struct vg_address *source, unsigned arrival, struct vg_way *ret_route)
{
	_cleanup_(vg_netlink_message_p) struct nl_msg *message = NULL;
	struct reply reply = {.routes = routes};
	int r;

	message = question(address, source, arrival);
	if (!message)
		return -ENOMEM;
	r = vg_netlink_ask(routes->socket, message, read_route, &reply);
	if (r == -ENOMEM || r == -EIO)
		return r;
	/* Whatever else the kernel says means that there is no route. */
	*ret_route = reply.route;
	return 0;
}

int vg_routes_find(struct vg_routes *routes, const struct vg_address *address,
		   const struct vg_address *source, unsigned arrival, struct vg_way *ret_route)
{
	_cleanup_free_ struct known *known = calloc(1, sizeof(*known));
	const struct known *const *found;
	int r;

	if (!known)
		return -ENOMEM;
	known->address = *address;
	if (source)
		known->source = *source;
	found = tfind(known, &routes->known, compare_known);
	if (found) {
		*ret_route = (*found)->route;
		return 0;
	}
	r = ask(routes, address, source, arrival, &known->route);
	if (r < 0)
		return r;
	*ret_route = known->route;
	if (!tsearch(known, &routes->known, compare_known))
		return -ENOMEM;
	VG_TAKE_PTR(known);
	return 0;
}
