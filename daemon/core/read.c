/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "core/read.h"
#include "share/cleanup.h"

int vg_read_choice(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		   const struct vg_choice *choices, size_t n, const char *expected, int *ret_value)
{
	const char *text = vg_yaml_text(value);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(choices[i].text, text)) {
			*ret_value = choices[i].value;
			return 0;
		}
	}
	return vg_yaml_refuse(yaml, EINVAL, value, "%s: unknown setting '%.*s': write %s", key,
			      VG_YAML_QUOTED, text, expected);
}

int vg_read_ingress(struct vg_yaml *yaml, const yaml_node_t *value, enum vg_ingress *ret_ingress)
{
#define INGRESS_CHOICE(name, text, terraform) \
	{text, VG_INGRESS_##name}, {terraform, VG_INGRESS_##name},
	static const struct vg_choice choices[] = {VG_INGRESS_SETTINGS(INGRESS_CHOICE)};
#undef INGRESS_CHOICE
	int chosen = VG_INGRESS_INHERIT;
	int r;

	r = vg_read_choice(yaml, value, "ingress", choices, VG_ARRAY_SIZE(choices),
			   "all, internal or internal-and-cloud-load-balancing", &chosen);
	if (r < 0)
		return r;
	*ret_ingress = (enum vg_ingress)chosen;
	return 0;
}

int vg_read_attach(struct vg_yaml *yaml, const yaml_node_t *value, enum vg_attach_mode *ret_mode)
{
	static const struct vg_choice choices[] = {
		{"auto", VG_ATTACH_AUTO},
		{"native", VG_ATTACH_NATIVE},
		{"generic", VG_ATTACH_GENERIC},
	};
	int chosen = VG_ATTACH_INHERIT;
	int r;

	r = vg_read_choice(yaml, value, "attach", choices, VG_ARRAY_SIZE(choices),
			   "auto, native or generic", &chosen);
	if (r < 0)
		return r;
	*ret_mode = (enum vg_attach_mode)chosen;
	return 0;
}

int vg_read_bool(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, const char *yes,
		 const char *no, const char *expected, bool *ret_value)
{
	const struct vg_choice choices[] = {{yes, true}, {no, false}};
	int chosen = false;
	int r;

	r = vg_read_choice(yaml, value, key, choices, VG_ARRAY_SIZE(choices), expected, &chosen);
	if (r < 0)
		return r;
	*ret_value = chosen;
	return 0;
}

int vg_read_text(const yaml_node_t *value, struct vg_text *ret_text)
{
	char *copy = strdup(vg_yaml_text(value));

	if (!copy)
		return -ENOMEM;
	*ret_text = (struct vg_text){copy, vg_yaml_position(value)};
	return 0;
}

int vg_read_texts(struct vg_yaml *yaml, const yaml_node_t *list, const char *name,
		  const char *example, struct vg_text_list *into)
{
	const size_t n = vg_yaml_length(list);
	int r;

	into->given = true;
	into->at = vg_yaml_position(list);
	into->items = calloc(n ? n : 1, sizeof(*into->items));
	if (!into->items)
		return -ENOMEM;
	for (; into->n < n; into->n++) {
		const yaml_node_t *item = vg_yaml_item(yaml, list, into->n);

		if (!vg_yaml_is_text(item))
			return vg_yaml_refuse(yaml, EINVAL, item,
					      "%s: expected a list of single values: write `%s`",
					      name, example);
		r = vg_read_text(item, &into->items[into->n]);
		if (r < 0)
			return r;
	}
	return 0;
}

int vg_read_also_admit(struct vg_yaml *yaml, const yaml_node_t *list, struct vg_text_list *into)
{
	if (vg_yaml_length(list) > VG_MAX_ALSO_ADMIT)
		return vg_yaml_refuse(yaml, E2BIG, vg_yaml_item(yaml, list, VG_MAX_ALSO_ADMIT),
				      "also-admit: more than %u names: name each source set once",
				      VG_MAX_ALSO_ADMIT);
	return vg_read_texts(yaml, list, "also-admit", "also-admit: [iap]", into);
}

int vg_read_check_name(struct vg_yaml *yaml, const yaml_node_t *node, const char *what)
{
	const char *name = vg_yaml_text(node);
	const size_t n = strlen(name);

	if (n > 0 && n < VG_NAME_SIZE && name[0] != '-' && name[0] != '_' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n)
		return 0;
	return vg_yaml_refuse(yaml, EINVAL, node,
			      "'%.*s' can't name a %s: write 1 to %u of a-z, 0-9, '-' and '_', "
			      "beginning with a letter or digit",
			      VG_YAML_QUOTED, name, what, VG_NAME_SIZE - 1);
}

int vg_read_port(const char *text, unsigned *ret_port)
{
	const size_t digits = strspn(text, "0123456789");
	unsigned long port;

	if (!digits || digits > 5 || text[digits] || (text[0] == '0' && digits > 1))
		return -EINVAL;
	port = strtoul(text, NULL, 10);
	if (port > 65535)
		return -EINVAL;
	*ret_port = (unsigned)port;
	return 0;
}

/*
 * The number that `text` begins with, UINT_MAX where it is larger, and what follows it. -EINVAL
 * where there is none, or one with zeros in front.
 */
static int read_digits(const char *text, unsigned *ret_number, const char **ret_rest)
{
	const size_t digits = strspn(text, "0123456789");
	unsigned long long number;

	if (!digits || (text[0] == '0' && digits > 1))
		return -EINVAL;
	number = strtoull(text, NULL, 10);
	*ret_number = number < UINT_MAX ? (unsigned)number : UINT_MAX;
	*ret_rest = text + digits;
	return 0;
}

int vg_read_number(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, unsigned min,
		   unsigned max, unsigned *ret_number)
{
	const char *text = vg_yaml_text(value), *rest;
	unsigned number;

	if (read_digits(text, &number, &rest) < 0 || *rest)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "%s: '%.*s' is not a whole number: write one from %u to %u",
				      key, VG_YAML_QUOTED, text, min, max);
	if (number < min || number > max)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "%s: '%.*s' is out of range: write a number from %u to %u",
				      key, VG_YAML_QUOTED, text, min, max);
	*ret_number = number;
	return 0;
}

/* A kind of number that is written with a unit. */
struct quantity {
	const char *name, *units_text;
	struct unit {
		const char *name;
		unsigned factor;
	} units[4]; /* largest first; those that are left have no name */
};

static const struct quantity duration = {
	"duration", "s, m, h or d", {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
static const struct quantity size = {
	"size", "KiB, MiB or GiB", {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}};
static const struct quantity percentage = {"percentage", "%", {{"%", 1}}};

/* 0 where there is no such unit. */
static unsigned unit_factor(const struct quantity *quantity, const char *name)
{
	for (size_t i = 0; i < VG_ARRAY_SIZE(quantity->units) && quantity->units[i].name; i++) {
		if (!strcmp(name, quantity->units[i].name))
			return quantity->units[i].factor;
	}
	return 0;
}

#define QUANTITY_TEXT_SIZE 16

/* In the largest unit that it is a multiple of. */
static const char *quantity_text(const struct quantity *quantity, __u64 number, char *out)
{
	const struct unit *unit = quantity->units;

	while (number % unit->factor)
		unit++;
	snprintf(out, QUANTITY_TEXT_SIZE, "%llu%s", number / unit->factor, unit->name);
	return out;
}

/* -EINVAL: not such a number. */
static int parse_quantity(const struct quantity *quantity, const char *text, __u64 *ret_number)
{
	unsigned digits, factor;
	const char *rest;

	if (read_digits(text, &digits, &rest) < 0 || !(factor = unit_factor(quantity, rest)))
		return -EINVAL;
	*ret_number = (__u64)digits * factor;
	return 0;
}

int vg_duration_parse(const char *text, unsigned *ret_s)
{
	__u64 seconds;

	if (parse_quantity(&duration, text, &seconds) < 0)
		return -EINVAL;
	*ret_s = seconds < UINT_MAX ? (unsigned)seconds : UINT_MAX;
	return 0;
}

static int read_quantity(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
			 const struct quantity *quantity, __u64 min, __u64 max, __u64 *ret_number)
{
	char least[QUANTITY_TEXT_SIZE], most[QUANTITY_TEXT_SIZE];
	const char *text = vg_yaml_text(value);
	__u64 number;

	quantity_text(quantity, min, least);
	quantity_text(quantity, max, most);
	if (parse_quantity(quantity, text, &number) < 0)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "%s: '%.*s' is not a %s: write a whole number followed by "
				      "%s, from %s to %s",
				      key, VG_YAML_QUOTED, text, quantity->name,
				      quantity->units_text, least, most);
	if (number < min || number > max)
		return vg_yaml_refuse(yaml, EINVAL, value,
				      "%s: '%.*s' is out of range: write a %s from %s to %s", key,
				      VG_YAML_QUOTED, text, quantity->name, least, most);
	*ret_number = number;
	return 0;
}

int vg_read_duration(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		     unsigned min_s, unsigned max_s, unsigned *ret_s)
{
	__u64 seconds = 0;
	const int r = read_quantity(yaml, value, key, &duration, min_s, max_s, &seconds);

	if (r < 0)
		return r;
	*ret_s = (unsigned)seconds;
	return 0;
}

int vg_read_percent(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		    unsigned *ret_percent)
{
	__u64 percent = 0;
	const int r = read_quantity(yaml, value, key, &percentage, 0, 100, &percent);

	if (r < 0)
		return r;
	*ret_percent = (unsigned)percent;
	return 0;
}

int vg_read_size(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, __u64 min,
		 __u64 max, __u64 *ret_bytes)
{
	return read_quantity(yaml, value, key, &size, min, max, ret_bytes);
}

const char *vg_size_text(__u64 bytes, char *out)
{
	return quantity_text(&size, bytes, out);
}
