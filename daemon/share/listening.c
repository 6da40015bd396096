/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include "share/cleanup.h"
#include "share/listening.h"

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int make_address(const char *text, unsigned port, union address *address,
			socklen_t *ret_size)
{
	memset(address, 0, sizeof(*address));
	if (port > UINT16_MAX)
		return -EINVAL;
	if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
		address->in.sin_family = AF_INET;
		address->in.sin_port = htons((uint16_t)port);
		*ret_size = sizeof(address->in);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
		address->in6.sin6_family = AF_INET6;
		address->in6.sin6_port = htons((uint16_t)port);
		*ret_size = sizeof(address->in6);
		return 0;
	}
	return -EINVAL;
}

int vg_listening_open(const char *text, unsigned port, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	union address address;
	socklen_t length = 0;
	const int on = 1;
	int r;

	r = make_address(text, port, &address, &length);
	if (r < 0)
		return r;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* FREEBIND: the daemon may start before its address is there. */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on)) < 0 ||
	    bind(fd, &address.any, length) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_fd = VG_TAKE_FD(fd);
	return 0;
}

static bool option_is(int fd, int option, int wanted)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

/* Port 0 of `wanted` is any. */
static bool is_address(const union address *wanted, const union address *bound)
{
	if (wanted->any.sa_family != bound->any.sa_family)
		return false;
	if (wanted->any.sa_family == AF_INET)
		return wanted->in.sin_addr.s_addr == bound->in.sin_addr.s_addr &&
		       (!wanted->in.sin_port || wanted->in.sin_port == bound->in.sin_port);
	return memcmp(&wanted->in6.sin6_addr, &bound->in6.sin6_addr, sizeof(struct in6_addr)) ==
		       0 &&
	       (!wanted->in6.sin6_port || wanted->in6.sin6_port == bound->in6.sin6_port);
}

int vg_listening_check(int fd, const char *text, unsigned port,
		       char ret_name[VG_LISTENING_NAME_SIZE])
{
	union address wanted, bound = {};
	socklen_t length, bound_length = sizeof(bound);
	bool six;

	if (fd < 0 || make_address(text, port, &wanted, &length) < 0 ||
	    !option_is(fd, SO_TYPE, SOCK_STREAM) || !option_is(fd, SO_PROTOCOL, IPPROTO_TCP) ||
	    !option_is(fd, SO_ACCEPTCONN, 1) || getsockname(fd, &bound.any, &bound_length) < 0 ||
	    !is_address(&wanted, &bound))
		return -EPROTO;
	six = bound.any.sa_family == AF_INET6;
	snprintf(ret_name, VG_LISTENING_NAME_SIZE, six ? "[%s]:%u" : "%s:%u", text,
		 ntohs(six ? bound.in6.sin6_port : bound.in.sin_port));
	return 0;
}

void vg_listening_put(struct vg_message *message, const char *address, unsigned port)
{
	vg_message_put_text(message, address);
	vg_message_put_number(message, port);
}

int vg_listening_take(struct vg_fields *fields, const char **ret_address, unsigned *ret_port)
{
	*ret_address = vg_fields_text(fields);
	*ret_port = vg_fields_number(fields);
	return *ret_address ? vg_fields_end(fields) : -EPROTO;
}
