/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "core/url.h"

#define HTTPS "https://"
#define HTTP "http://"
#define QUOTED 64

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define REFUSE(out, size, ...) (snprintf(out, size, __VA_ARGS__), -EINVAL)

/* ":PORT" or nothing, `n` bytes of it. */
static bool is_port(const char *text, size_t n)
{
	unsigned port = 0;

	if (!n)
		return true;
	if (text[0] != ':' || n < 2 || n > 6)
		return false;
	for (size_t i = 1; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

bool vg_url_address(const struct vg_url *url, struct vg_address *ret_address)
{
	char host[VG_PREFIX_TEXT_SIZE];

	if (url->host_length >= sizeof(host))
		return false;
	memcpy(host, url->host, url->host_length);
	host[url->host_length] = '\0';
	return vg_address_parse(host, ret_address) == 0;
}

/* HOST or HOST:PORT, `n` bytes of it. */
static bool parse_authority(const char *text, size_t n, struct vg_url *url)
{
	const char *bracket = text[0] == '[' ? memchr(text, ']', n) : NULL;
	struct vg_address address;
	size_t used;

	if (bracket) {
		url->host = text + 1;
		url->host_length = (size_t)(bracket - text) - 1;
		used = url->host_length + 2;
		return vg_url_address(url, &address) && address.family == 6 &&
		       is_port(text + used, n - used);
	}
	used = strspn(text, LETTERS DIGITS "-._");
	url->host = text;
	url->host_length = used < n ? used : n;
	return url->host_length > 0 && is_port(text + url->host_length, n - url->host_length);
}

int vg_url_parse(const char *text, bool http_too, struct vg_url *ret_url, char *reterr_text,
		 size_t reterr_size)
{
	const bool http = !strncmp(text, HTTP, strlen(HTTP));
	const char *authority = text + (http ? strlen(HTTP) : strlen(HTTPS));
	struct vg_url url;
	size_t n;

	if (http && !http_too)
		return REFUSE(reterr_text, reterr_size,
			      "'%.*s' could be changed on its way here: write https://", QUOTED,
			      text);
	if (!http && strncmp(text, HTTPS, strlen(HTTPS)) != 0)
		return REFUSE(reterr_text, reterr_size,
			      "'%.*s' is not a URL: write %s" HTTPS "HOST", QUOTED, text,
			      http_too ? HTTP "HOST or " : "");
	if (strlen(text) > VG_URL_MAX_BYTES)
		return REFUSE(reterr_text, reterr_size, "a URL of more than %d characters",
			      VG_URL_MAX_BYTES);
	for (const char *c = text; *c; c++) {
		if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c))
			return REFUSE(reterr_text, reterr_size,
				      "'%.*s' has a character in it that no URL may have: write it "
				      "as %%%02x",
				      QUOTED, text, (unsigned)(unsigned char)*c);
	}
	n = strcspn(authority, "/?#");
	if (memchr(authority, '@', n))
		return REFUSE(reterr_text, reterr_size,
			      "a user or password in a URL shows in logs: write " HTTPS "%.*s",
			      QUOTED, (const char *)memrchr(authority, '@', n) + 1);
	if (!parse_authority(authority, n, &url))
		return REFUSE(reterr_text, reterr_size,
			      "'%.*s' names no host: write " HTTPS "HOST or " HTTPS "HOST:PORT",
			      QUOTED, text);
	url.path = authority + n;
	*ret_url = url;
	return 0;
}
