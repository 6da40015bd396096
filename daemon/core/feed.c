/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/feed.h"
#include "core/nearest.h"
#include "core/ranges.h"
#include "core/url.h"
#include "share/cleanup.h"

#define FILE_SCHEME "file:"
#define GOOGLE_SCHEME "google:"
#define GCP_SCHEME "gcp:"

#define QUOTED 64
/* RFC 1035, as Compute Engine names its resources; the domain before a project's name is longer. */
#define MAX_NAME 63
#define MAX_PROJECT 253

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static const struct {
	const char *name;
	enum vg_feed_kind kind;
} gcp_feeds[] = {
	{"subnets", VG_FEED_SUBNETS},
	{"metadata", VG_FEED_METADATA},
	{"forwarded-ips", VG_FEED_FORWARDED_IPS},
	{"connectors", VG_FEED_CONNECTORS},
	{"peering-routes", VG_FEED_PEERING_ROUTES},
};

#define LISTS (1u << VG_FEED_FILE | 1u << VG_FEED_URL | 1u << VG_FEED_PUBLISHED)
#define NETWORKS (1u << VG_FEED_SUBNETS | 1u << VG_FEED_CONNECTORS | 1u << VG_FEED_PEERING_ROUTES)

static const struct parameter {
	const char *name;
	unsigned kinds; /* bit i: feeds of that kind have it */
	size_t member;	/* of struct vg_feed */
} parameters[] = {
	{"network", NETWORKS, offsetof(struct vg_feed, network)},
	{"project", NETWORKS, offsetof(struct vg_feed, project)},
	{"scope", LISTS, offsetof(struct vg_feed, scope)},
	{"service", LISTS, offsetof(struct vg_feed, service)},
};

/* A feed while it is read, and where an error goes. */
struct reading {
	const char *text;
	struct vg_feed feed;
	char *reterr_text;
	size_t reterr_size;
};

static int __attribute__((format(printf, 2, 3)))
refuse(const struct reading *reading, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reading->reterr_text, reading->reterr_size, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static bool has_scheme(const char *text, const char *scheme)
{
	return !strncmp(text, scheme, strlen(scheme));
}

/* [a-z]([-a-z0-9]*[a-z0-9])? */
static bool is_name(const char *text)
{
	const size_t n = strlen(text);

	return n > 0 && n <= MAX_NAME && strchr(LOWER, text[0]) && text[n - 1] != '-' &&
	       strspn(text, LOWER DIGITS "-") == n;
}

static bool is_project(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strlen(text) > MAX_PROJECT)
		return false;
	if (strspn(text, DIGITS) == strlen(text))
		return true;
	if (!colon)
		return is_name(text);
	return colon > text && strspn(text, LOWER DIGITS "-.") == (size_t)(colon - text) &&
	       is_name(colon + 1);
}

static int check_value(const struct reading *reading, const struct parameter *parameter,
		       const char *value)
{
	if (!*value)
		return refuse(reading, "%s= is empty: write a value or leave it out",
			      parameter->name);
	if (parameter->member == offsetof(struct vg_feed, network) && !is_name(value))
		return refuse(reading,
			      "'%.*s' can't be a network: write its short name, such as default",
			      QUOTED, value);
	if (parameter->member == offsetof(struct vg_feed, project) && !is_project(value))
		return refuse(reading,
			      "'%.*s' can't be a project: write its ID or number, such as "
			      "my-project or example.com:my-project",
			      QUOTED, value);
	return 0;
}

/* One that this kind of feed doesn't have. */
static int refuse_parameter(const struct reading *reading, const char *name, size_t length)
{
	char known[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < VG_ARRAY_SIZE(parameters); i++) {
		if (parameters[i].kinds >> reading->feed.kind & 1)
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
						 used ? " and " : "", parameters[i].name);
	}
	if (!used)
		return refuse(reading, "'%.*s' takes no parameters: remove what follows it",
			      (int)strcspn(reading->text, "?"), reading->text);
	return refuse(reading, "unknown parameter '%.*s': there are %s",
		      length < QUOTED ? (int)length : QUOTED, name, known);
}

/* NAME=VALUE, `length` bytes of it. */
static int read_parameter(struct reading *reading, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	const size_t name = equals ? (size_t)(equals - text) : length;
	_cleanup_free_ char *value = NULL;
	size_t i = 0;
	char **member;
	int r;

	while (i < VG_ARRAY_SIZE(parameters) &&
	       (!(parameters[i].kinds >> reading->feed.kind & 1) ||
		strlen(parameters[i].name) != name || memcmp(parameters[i].name, text, name) != 0))
		i++;
	if (i == VG_ARRAY_SIZE(parameters))
		return refuse_parameter(reading, text, name);
	member = (char **)((char *)&reading->feed + parameters[i].member);
	if (*member)
		return refuse(reading, "%s is given twice: keep one", parameters[i].name);
	value = equals ? strndup(equals + 1, length - name - 1) : strdup("");
	if (!value)
		return -ENOMEM;
	r = check_value(reading, &parameters[i], value);
	if (r < 0)
		return r;
	*member = VG_TAKE_PTR(value);
	return 0;
}

/* Behind `?` or `#`: NAME=VALUE&NAME=VALUE. */
static int read_parameters(struct reading *reading, const char *text)
{
	size_t length;
	int r;

	for (;; text += length + 1) {
		length = strcspn(text, "&");
		r = read_parameter(reading, text, length);
		if (r < 0 || !text[length])
			return r;
	}
}

/* Takes `length` bytes of `text` for its place, and parameters from what is left. */
static int read_place(struct reading *reading, enum vg_feed_kind kind, const char *text,
		      size_t length)
{
	reading->feed.kind = kind;
	reading->feed.place = strndup(text, length);
	if (!reading->feed.place)
		return -ENOMEM;
	return text[length] ? read_parameters(reading, text + length + 1) : 0;
}

static int read_file(struct reading *reading, const char *path)
{
	const size_t length = strcspn(path, "?");

	if (!length)
		return refuse(reading, "file: needs a path: write file:/etc/vpcgate/office.txt");
	return read_place(reading, VG_FEED_FILE, path, length);
}

static int read_url(struct reading *reading)
{
	const size_t length = strcspn(reading->text, "#");
	struct vg_feed *feed = &reading->feed;
	struct vg_url url;
	int r;

	r = read_place(reading, VG_FEED_URL, reading->text, length);
	if (r < 0)
		return r;
	r = vg_url_parse(feed->place, false, &url, reading->reterr_text, reading->reterr_size);
	if (r < 0)
		return r;
	if (url.path[0] != '/')
		return refuse(reading, "'%.*s' has no path: write https://HOST/PATH", QUOTED,
			      feed->place);
	return 0;
}

static int read_google(struct reading *reading, const char *name)
{
	const size_t length = strcspn(name, "?");
	const bool goog = length == 4 && !memcmp(name, "goog", length);
	const bool cloud = length == 5 && !memcmp(name, "cloud", length);

	if (!goog && !cloud)
		return -ENOENT;
	if (goog && name[length])
		return refuse(reading,
			      "google:goog has no scopes and services: write google:goog "
			      "alone, or google:cloud%.*s",
			      QUOTED, name + length);
	return read_place(reading, VG_FEED_PUBLISHED, name, length);
}

static int read_gcp(struct reading *reading, const char *text)
{
	const size_t length = strcspn(text, "?");
	_cleanup_free_ char *name = strndup(text, length);
	size_t nearest = 0;

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < VG_ARRAY_SIZE(gcp_feeds); i++) {
		if (vg_edit_distance(name, gcp_feeds[i].name) <
		    vg_edit_distance(name, gcp_feeds[nearest].name))
			nearest = i;
	}
	if (strcmp(name, gcp_feeds[nearest].name) != 0)
		return refuse(reading,
			      "unknown feed '" GCP_SCHEME "%.*s': did you mean '" GCP_SCHEME "%s'?",
			      QUOTED, name, gcp_feeds[nearest].name);
	reading->feed.kind = gcp_feeds[nearest].kind;
	return text[length] ? read_parameters(reading, text + length + 1) : 0;
}

static int check_text(const struct reading *reading)
{
	if (strlen(reading->text) > VG_FEED_MAX_BYTES)
		return refuse(reading, "a feed of more than %d characters", VG_FEED_MAX_BYTES);
	for (const char *c = reading->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return refuse(reading, "a control character in '%.*s': remove it", QUOTED,
				      reading->text);
	}
	return 0;
}

static int read_text(struct reading *reading)
{
	const char *text = reading->text;
	int r;

	r = check_text(reading);
	if (r < 0)
		return r;
	if (has_scheme(text, FILE_SCHEME))
		return read_file(reading, text + strlen(FILE_SCHEME));
	if (has_scheme(text, GOOGLE_SCHEME))
		return read_google(reading, text + strlen(GOOGLE_SCHEME));
	if (has_scheme(text, GCP_SCHEME))
		return read_gcp(reading, text + strlen(GCP_SCHEME));
	return read_url(reading);
}

static int parse(const char *text, struct vg_feed *ret_feed, char *reterr_text, size_t reterr_size)
{
	struct reading reading = {
		.text = text, .reterr_text = reterr_text, .reterr_size = reterr_size};
	int r = read_text(&reading);

	if (r == 0) {
		reading.feed.text = strdup(text);
		r = reading.feed.text ? 0 : -ENOMEM;
	}
	if (r < 0)
		vg_feed_done(&reading.feed);
	else
		*ret_feed = reading.feed;
	return r;
}

/* Most entries are plain prefixes, and there may be a million. */
int vg_feed_parse(const char *text, struct vg_feed *ret_feed, char *reterr_text, size_t reterr_size)
{
	if ((*text >= '0' && *text <= '9') ||
	    (!has_scheme(text, FILE_SCHEME) && !has_scheme(text, GOOGLE_SCHEME) &&
	     !has_scheme(text, GCP_SCHEME) && !has_scheme(text, "https:") &&
	     !has_scheme(text, "http:")))
		return -ENOENT;
	return parse(text, ret_feed, reterr_text, reterr_size);
}

void vg_feed_done(struct vg_feed *feed)
{
	free(feed->text);
	free(feed->place);
	free(feed->network);
	free(feed->project);
	free(feed->scope);
	free(feed->service);
	*feed = (struct vg_feed){};
}

bool vg_feed_is_remote(const struct vg_feed *feed)
{
	return feed->kind != VG_FEED_FILE;
}

bool vg_feed_needs_replies(const struct vg_feed *feed)
{
	return vg_feed_is_remote(feed) && feed->kind != VG_FEED_METADATA &&
	       feed->kind != VG_FEED_FORWARDED_IPS;
}
