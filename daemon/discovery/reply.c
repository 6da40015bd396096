/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "discovery/reply.h"
#include "share/cleanup.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UNRESERVED LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "-._~"

#define DAY_S 86400

bool vg_reply_is_name(const char *text)
{
	const size_t n = strlen(text);

	return n > 0 && n < VG_REPLY_NAME_SIZE && strchr(LOWER, text[0]) && text[n - 1] != '-' &&
	       strspn(text, LOWER DIGITS "-") == n;
}

char *vg_reply_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *escaped = malloc(3 * strlen(text) + 1), *out = escaped;

	for (const unsigned char *c = (const unsigned char *)text; escaped && *c; c++) {
		if (strchr(UNRESERVED, *c)) {
			*out++ = (char)*c;
		} else {
			*out++ = '%';
			*out++ = hex[*c >> 4];
			*out++ = hex[*c & 0xf];
		}
	}
	if (escaped)
		*out = '\0';
	return escaped;
}

static bool is_token(const char *text)
{
	const size_t n = strlen(text);

	if (!n || n > VG_REPLY_MAX_TOKEN)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return true;
}

int vg_reply_token(const char *text, size_t length, char **ret_token, unsigned *ret_expires_s)
{
	json_auto_t *root = json_loadb(text, length, 0, NULL);
	const json_t *token = json_object_get(root, "access_token"),
		     *expires = json_object_get(root, "expires_in");
	const char *value = json_string_value(token);
	const json_int_t expires_s = json_integer_value(expires);
	int r = 0;

	if (!value)
		return -EINVAL;
	if (!is_token(value) || !json_is_integer(expires) || expires_s < 0) {
		r = -EINVAL;
	} else {
		*ret_token = strdup(value);
		*ret_expires_s = (unsigned)(expires_s < DAY_S ? expires_s : DAY_S);
		r = *ret_token ? 0 : -ENOMEM;
	}
	/* Not what the parser has freed by now, but what it leaves in this document. */
	explicit_bzero((char *)value, json_string_length(token));
	return r;
}

/* The first "reason" in a list of details, or NULL. */
static const char *reason_of(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *reason = json_object_get(json_array_get(list, i), "reason");

		if (json_is_string(reason))
			return json_string_value(reason);
	}
	return NULL;
}

void vg_reply_error(const char *text, size_t length, struct vg_reply_error *ret_error)
{
	json_auto_t *root = json_loadb(text, length, 0, NULL);
	const json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *reason = reason_of(json_object_get(error, "details"));

	if (!reason)
		reason = reason_of(json_object_get(error, "errors"));
	snprintf(ret_error->message, sizeof(ret_error->message), "%s", message ?: "");
	snprintf(ret_error->reason, sizeof(ret_error->reason), "%s", reason ?: "");
}

int vg_reply_peerings(const char *text, size_t length, char (**ret_names)[VG_REPLY_NAME_SIZE],
		      size_t *ret_n)
{
	json_auto_t *root = json_loadb(text, length, 0, NULL);
	const json_t *peerings = json_object_get(root, "peerings");
	const size_t size = json_array_size(peerings);
	_cleanup_free_ char(*names)[VG_REPLY_NAME_SIZE] = NULL;
	size_t n = 0;

	/* A network without any has no such member. */
	if (!json_is_string(json_object_get(root, "name")) ||
	    (peerings && !json_is_array(peerings)))
		return -EINVAL;
	if (size > VG_REPLY_MAX_PEERINGS)
		return -E2BIG;
	names = calloc(size + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const json_t *item = json_array_get(peerings, i);
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *state = json_string_value(json_object_get(item, "state"));

		if (!name || !state || !vg_reply_is_name(name))
			return -EINVAL;
		if (!strcmp(state, "ACTIVE"))
			strcpy(names[n++], name);
	}
	*ret_names = VG_TAKE_PTR(names);
	*ret_n = n;
	return 0;
}
