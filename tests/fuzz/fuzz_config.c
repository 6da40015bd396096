/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry: any bytes as a config. Whatever they are, they are taken or refused with a
 * message, and nothing leaks. No file is read: each holds subnets where its name says so, and else
 * a prefix. Servers have answered with ranges for every use.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "core/policy.h"
#include "share/cleanup.h"

static const char subnets[] =
	"[{\"name\": \"a\", \"network\": \"n\", \"ipCidrRange\": \"10.0.0.0/16\","
	" \"purpose\": \"REGIONAL_MANAGED_PROXY\"}]";

static const char *text_of(const char *path)
{
	return strstr(path, "json") ? subnets : "192.0.2.1\n";
}

static int read_text(void *context, const char *path, char **ret_text, size_t *ret_length)
{
	(void)context;
	*ret_text = strdup(text_of(path));
	*ret_length = strlen(text_of(path));
	return *ret_text ? 0 : -ENOMEM;
}

static int read_lines(void *context, const char *path, vg_take_lines *take, void *to)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	const int r = read_text(context, path, &text, &length);

	return r < 0 ? r : take(to, text, length);
}

static int answer(void *context, const char *feed, const struct vg_listing **ret_listing,
		  __s64 *ret_read_s)
{
	static struct vg_listed items[VG_RANGE_USE_MAX];
	static struct vg_listing listing = {.items = items, .n = VG_RANGE_USE_MAX};

	(void)context;
	if (strstr(feed, "metadata"))
		return -ENODATA;
	for (int use = 0; use < VG_RANGE_USE_MAX; use++)
		items[use] =
			(struct vg_listed){.prefix = {{.hi = (10ULL + use) << 56, .family = 4}, 8},
					   .use = use,
					   .scope = VG_LISTING_NO_SCOPE};
	listing.shared = strstr(feed, "project");
	*ret_listing = &listing;
	*ret_read_s = 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vg_reader reader = {
		.read = read_text, .read_lines = read_lines, .answer = answer};
	_cleanup_(vg_config_free_p) struct vg_config *config = NULL;
	_cleanup_(vg_policy_free_p) struct vg_policy *policy = NULL;
	struct vg_diag diag = {};
	int r;

	r = vg_config_parse("fuzz.yaml", (const char *)data, size, &config, &diag);
	if (r == 0)
		r = vg_policy_build(config, &reader, &policy, &diag);
	if (r < 0 && !diag.text[0])
		abort();
	return 0;
}
