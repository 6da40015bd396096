/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* URLs that a config may name: checked for what is commonly mistyped, not fetched. */
#ifndef VPCGATE_URL_H
#define VPCGATE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include "core/prefix.h"

#define VG_URL_MAX_BYTES 2048

/* Points into the text. */
struct vg_url {
	const char *host; /* a name or an address, without the brackets of one of IPv6 */
	size_t host_length;
	const char *path; /* and all behind it; "" where there is none */
};

/*
 * SCHEME://HOST[:PORT][/...] in printable ASCII; https alone unless `http_too`. -EINVAL: it is none,
 * or has a user or password in it; `reterr_text` says what is wrong, and what would be right.
 */
int vg_url_parse(const char *text, bool http_too, struct vg_url *ret_url, char *reterr_text,
		 size_t reterr_size);

/* Is the host an address rather than a name? */
bool vg_url_address(const struct vg_url *url, struct vg_address *ret_address);

#endif
