/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The small JSON documents of Google's APIs that hold no ranges. Pure. */
#ifndef VPCGATE_REPLY_H
#define VPCGATE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define VG_REPLY_MAX_TOKEN 16384
#define VG_REPLY_MAX_PEERINGS 1000
#define VG_REPLY_NAME_SIZE 64

/*
 * {"access_token", "expires_in"}. -EINVAL: no such document, or a token that can't be in a header.
 * -ENOMEM. The token is the caller's, to be wiped.
 */
int vg_reply_token(const char *text, size_t length, char **ret_token, unsigned *ret_expires_s);

/* What an API says about a request that it refused; "" where it doesn't. */
struct vg_reply_error {
	char message[240];
	char reason
		[VG_REPLY_NAME_SIZE]; /* of google.rpc.ErrorInfo, or else of the first of `errors` */
};
void vg_reply_error(const char *text, size_t length, struct vg_reply_error *ret_error);

/*
 * Names of the peerings of a network that are in force, on the heap. -EINVAL: no network;
 * -E2BIG: more than VG_REPLY_MAX_PEERINGS; -ENOMEM.
 */
int vg_reply_peerings(const char *text, size_t length, char (**ret_names)[VG_REPLY_NAME_SIZE],
		      size_t *ret_n);

/* Is it the name of a resource of Compute Engine, [a-z]([-a-z0-9]*[a-z0-9])? of up to 63? */
bool vg_reply_is_name(const char *text);

/* As it can stand in a URL, on the heap; NULL without memory. */
char *vg_reply_escape(const char *text);

#endif
