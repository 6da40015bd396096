/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "core/url.h"
#include "discovery/call.h"
#include "discovery/question.h"
#include "share/cleanup.h"

/* A server that sends less for so long is as good as gone. */
#define LOW_SPEED_BYTES 100L
#define LOW_SPEED_S 20L
/* How long parsed certificates are kept: as long as a changed file may go unnoticed. */
#define CA_CACHE_S 600L

static const struct vg_position nowhere;

static void headers_free(struct curl_slist *headers)
{
	for (struct curl_slist *header = headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(headers);
}

void vg_call_free(struct vg_call *call)
{
	if (!call)
		return;
	curl_easy_cleanup(call->easy);
	headers_free(call->headers);
	vg_bytes_done(&call->body);
	free(call->host);
	free(call->ca);
	free(call);
}

static void call_free_p(struct vg_call **call)
{
	vg_call_free(*call);
}

/* CURLOPT_WRITEFUNCTION: what is behind the decompression. Anything but `n` ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
	struct vg_call *call = context;

	(void)size; /* always 1 */
	if (n > VG_CLIENT_MAX_BYTES - call->body.length) {
		call->body_too_large = true;
		return 0;
	}
	if (vg_bytes_add(&call->body, bytes, n) < 0) {
		call->no_memory = true;
		return 0;
	}
	return n;
}

/* CURLOPT_HEADERFUNCTION: libcurl itself keeps as many as there come. */
static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
	struct vg_call *call = context;

	(void)bytes;
	(void)size;
	call->header_bytes += n;
	if (call->header_bytes > VG_CLIENT_MAX_HEADER_BYTES) {
		call->headers_too_large = true;
		return 0;
	}
	return n;
}

/* What each failure means to somebody who doesn't know libcurl. */
static const struct failure {
	CURLcode code;
	int error;
	const char *text;
} failures[] = {
	{CURLE_OUT_OF_MEMORY, ENOMEM, "no memory"},
	{CURLE_COULDNT_RESOLVE_HOST, EAGAIN, "its address can't be found: is DNS reachable?"},
	{CURLE_COULDNT_CONNECT, EAGAIN,
	 "no connection: is there a way to it (external address, Cloud NAT, Private Google Access)?"},
	{CURLE_OPERATION_TIMEDOUT, EAGAIN, "no whole answer in time"},
	{CURLE_GOT_NOTHING, EAGAIN, "closed the connection without an answer"},
	{CURLE_PARTIAL_FILE, EAGAIN, "closed the connection in the middle of its answer"},
	{CURLE_RECV_ERROR, EAGAIN, "the connection broke"},
	{CURLE_SEND_ERROR, EAGAIN, "the connection broke"},
	{CURLE_SSL_CONNECT_ERROR, EAGAIN, "no TLS connection"},
	{CURLE_PEER_FAILED_VERIFICATION, EPROTO,
	 "its certificate isn't trusted: another host's, or signed by an authority that isn't known"},
	{CURLE_WEIRD_SERVER_REPLY, EPROTO, "its answer isn't HTTP"},
	{CURLE_UNSUPPORTED_PROTOCOL, EPROTO, "its answer isn't HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, EPROTO, "its answer can't be decompressed"},
};

/* A time-out is told by what didn't come: the address, the connection, or the answer. */
static CURLcode waited_for(const struct vg_call *call)
{
	long request_bytes = 0;
	curl_off_t lookup_us = 0;

	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	curl_easy_getinfo(call->easy, CURLINFO_NAMELOOKUP_TIME_T, &lookup_us);
	if (request_bytes)
		return CURLE_OPERATION_TIMEDOUT;
	return lookup_us ? CURLE_COULDNT_CONNECT : CURLE_COULDNT_RESOLVE_HOST;
}

/* libcurl's own words hold names, numbers and what the server sent, and nothing of the question. */
static int explain_failure(const struct vg_call *call, CURLcode code, struct vg_diag *diag)
{
	if (call->body_too_large)
		return vg_diag_set(diag, EPROTO, NULL, nowhere,
				   "%s: its answer is larger than %u MiB", call->host,
				   VG_CLIENT_MAX_BYTES >> 20);
	if (call->headers_too_large)
		return vg_diag_set(diag, EPROTO, NULL, nowhere,
				   "%s: the headers of its answer are larger than %u KiB",
				   call->host, VG_CLIENT_MAX_HEADER_BYTES >> 10);
	if (call->no_memory)
		code = CURLE_OUT_OF_MEMORY;
	if (code == CURLE_OPERATION_TIMEDOUT)
		code = waited_for(call);
	if (code == CURLE_COULDNT_CONNECT && call->metadata)
		return vg_diag_set(diag, EAGAIN, NULL, nowhere,
				   "%s: no connection to the metadata server: is this a VM on "
				   "Google Cloud? (%s)",
				   call->host, call->detail);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return vg_diag_set(diag, EINVAL, NULL, nowhere,
				   "%s: the certificates in '%.255s' can't be read: write a file "
				   "with certificates in PEM format",
				   call->host, call->ca ?: "the system's file");
	for (size_t i = 0; i < VG_ARRAY_SIZE(failures); i++) {
		if (failures[i].code == code)
			return vg_diag_set(diag, failures[i].error, NULL, nowhere,
					   *call->detail ? "%s: %s (%s)" : "%s: %s", call->host,
					   failures[i].text, call->detail);
	}
	return vg_diag_set(diag, EAGAIN, NULL, nowhere, "%s: %s", call->host,
			   *call->detail ? call->detail : curl_easy_strerror(code));
}

/* The first header of that name, or NULL. */
static const char *header_of(const struct vg_call *call, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(call->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : NULL;
}

/*
 * Whatever listens on 169.254.169.254 elsewhere must not be believed. Nothing is taken from an
 * answer that tells to try again, which a proxy in between may give.
 */
static bool is_flavored(const struct vg_call *call, long status)
{
	const char *flavor = header_of(call, "Metadata-Flavor");

	return status == 429 || status >= 500 || (flavor && !strcmp(flavor, "Google"));
}

static unsigned retry_after(const struct vg_call *call)
{
	curl_off_t seconds = 0; /* libcurl has made them of a date */

	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0)
		return 0;
	return seconds < VG_CLIENT_MAX_RETRY_AFTER_S ? (unsigned)seconds
						     : VG_CLIENT_MAX_RETRY_AFTER_S;
}

/* Where a redirect leads: on the heap, or NULL. */
static char *redirect_host(const struct vg_call *call)
{
	const char *location = NULL;
	struct vg_url url;
	char wrong[1];

	curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
	if (!location || vg_url_parse(location, true, &url, wrong, sizeof(wrong)) < 0)
		return NULL;
	return strndup(url.host, url.host_length);
}

void vg_call_tell(struct vg_call *call, CURLcode code)
{
	struct vg_client_answer answer = {.text = "", .host = call->host, .body = ""};
	struct vg_diag diag = {};
	_cleanup_free_ char *redirect = NULL;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK) {
		answer.error = explain_failure(call, code, &diag);
	} else if (call->metadata && !is_flavored(call, status)) {
		answer.error = vg_diag_set(
			&diag, EPROTO, NULL, nowhere,
			"%s: its answer (HTTP status %ld) isn't that of Google's metadata server: is "
			"this a VM on Google Cloud?",
			call->host, status);
	} else {
		redirect = redirect_host(call);
		answer.status = (unsigned)status;
		answer.body = call->body.data ?: "";
		answer.length = call->body.length;
		answer.etag = header_of(call, "ETag");
		answer.redirect_host = redirect;
		answer.retry_after_s = retry_after(call);
	}
	answer.text = diag.text;
	call->done(call->context, &answer);
}

/* Appends "NAME: VALUE", or VALUE where it has a name already. */
static int add_header(struct vg_call *call, const char *name, const char *value)
{
	_cleanup_free_ char *text = NULL;
	struct curl_slist *longer;

	if (asprintf(&text, "%s%s%s", name, *name ? ": " : "", value) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	longer = curl_slist_append(call->headers, text);
	explicit_bzero(text, strlen(text));
	if (!longer)
		return -ENOMEM;
	call->headers = longer;
	return 0;
}

static int add_headers(struct vg_call *call, const struct vg_client_question *question)
{
	int r = 0;

	for (size_t i = 0; r == 0 && question->headers && question->headers[i]; i++)
		r = add_header(call, "", question->headers[i]);
	if (r == 0 && question->etag)
		r = add_header(call, "If-None-Match", question->etag);
	if (r == 0 && question->metadata)
		r = add_header(call, "Metadata-Flavor", "Google");
	return r;
}

static int set_ca_text(CURL *easy, const char *text)
{
	struct curl_blob blob = {(char *)text, strlen(text), CURL_BLOB_COPY};

	return curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
}

/* Everything that libcurl would take from the environment or the answer is switched off. */
static int set_ways(struct vg_call *call, const struct vg_client_question *question)
{
	CURL *easy = call->easy;
	int failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_URL, question->url);
	failed |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
				   question->metadata ? "http,https" : "https");
	failed |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	failed |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	failed |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	failed |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	failed |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	failed |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S);
	if (question->ca_text)
		failed |= set_ca_text(easy, question->ca_text);
	else if (call->ca)
		failed |= curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca);
	/* Where there is a folder besides, libcurl parses the file for each connection: 20 ms. */
	if (call->ca || curl_version_info(CURLVERSION_NOW)->cainfo)
		failed |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	failed |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "vpcgate/" VG_VERSION);
	failed |= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	failed |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	return failed ? -ENOMEM : 0;
}

static int set_limits(struct vg_call *call, const struct vg_client_question *question)
{
	const long timeout_ms = question->timeout_ms ?: VG_CLIENT_TIMEOUT_MS;
	CURL *easy = call->easy;
	int failed = 0;

	failed |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	failed |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	failed |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
				   timeout_ms < VG_CLIENT_CONNECT_MS ? timeout_ms
								     : VG_CLIENT_CONNECT_MS);
	if (!question->metadata) { /* which may be silent for a minute until something changes */
		failed |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
		failed |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S);
	}
	failed |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	failed |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->detail);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	failed |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	failed |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	return failed ? -ENOMEM : 0;
}

int vg_call_new(const struct vg_client_question *question, struct vg_call **ret_call,
		struct vg_diag *diag)
{
	_cleanup_(call_free_p) struct vg_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return -ENOMEM;
	r = vg_question_check(question, &call->host, diag);
	if (r >= 0)
		r = add_headers(call, question);
	if (r < 0)
		return r;
	call->metadata = question->metadata;
	call->easy = curl_easy_init();
	if (question->ca)
		call->ca = strdup(question->ca);
	if (!call->easy || (question->ca && !call->ca))
		return -ENOMEM;
	r = set_ways(call, question);
	if (r == 0)
		r = set_limits(call, question);
	if (r < 0)
		return r;
	*ret_call = VG_TAKE_PTR(call);
	return 0;
}
