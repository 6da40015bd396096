/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One question to libcurl: its handle, what has come of the answer, and what that means. */
#ifndef VPCGATE_CALL_H
#define VPCGATE_CALL_H

#include <curl/curl.h>
#include <sys/queue.h>
#include "discovery/client_ways.h"
#include "share/bytes.h"

struct vg_call {
	struct vg_client_call base;
	LIST_ENTRY(vg_call) entry; /* the client's */
	struct vg_client *client;
	vg_client_done *done;
	void *context;

	CURL *easy; /* its CURLOPT_PRIVATE is the call */
	struct curl_slist *headers;
	char *host, *ca;
	bool metadata;
	struct vg_bytes body;
	size_t header_bytes;
	bool body_too_large, headers_too_large, no_memory;
	char detail[CURL_ERROR_SIZE];
};

/* A handle that is ready to go. Errors as vg_client_ask(). */
int vg_call_new(const struct vg_client_question *question, struct vg_call **ret_call,
		struct vg_diag *diag);
void vg_call_free(struct vg_call *call);

/* Tells the one who asked how it went; `code` is libcurl's result. */
void vg_call_tell(struct vg_call *call, CURLcode code);

#endif
