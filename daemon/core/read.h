/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Readers of single values of a config, shared by those of its parts. All refuse with the position
 * of the value. -EINVAL, -E2BIG over a limit, -ENOMEM.
 */
#ifndef VPCGATE_READ_H
#define VPCGATE_READ_H

#include "core/config.h"
#include "core/yaml.h"

/* A config while it is read, with what is counted over all of it. */
struct vg_draft {
	struct vg_config *config;
	size_t n_entries;      /* of all sources */
	size_t n_differences;  /* among those */
	size_t n_destinations; /* `to` of all services */
};

struct vg_choice {
	const char *text;
	int value;
};

/* One of `choices`; `expected` lists them for people. */
int vg_read_choice(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		   const struct vg_choice *choices, size_t n, const char *expected, int *ret_value);
int vg_read_bool(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, const char *yes,
		 const char *no, const char *expected, bool *ret_value);
int vg_read_ingress(struct vg_yaml *yaml, const yaml_node_t *value, enum vg_ingress *ret_ingress);
int vg_read_attach(struct vg_yaml *yaml, const yaml_node_t *value, enum vg_attach_mode *ret_mode);

/* Copies of a text and of a list of texts; what they say is the caller's business. */
int vg_read_text(const yaml_node_t *value, struct vg_text *ret_text);
int vg_read_texts(struct vg_yaml *yaml, const yaml_node_t *list, const char *name,
		  const char *example, struct vg_text_list *into);
int vg_read_also_admit(struct vg_yaml *yaml, const yaml_node_t *list, struct vg_text_list *into);

/* Names of sets and services become metric labels and counter slots. */
int vg_read_check_name(struct vg_yaml *yaml, const yaml_node_t *node, const char *what);

/* Decimal digits alone; -EINVAL otherwise or past 65535. */
int vg_read_port(const char *text, unsigned *ret_port);

/* A whole number from `min` to `max`. */
int vg_read_number(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, unsigned min,
		   unsigned max, unsigned *ret_number);
/* A whole number followed by s, m, h or d: from `min_s` to `max_s` seconds. */
int vg_read_duration(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		     unsigned min_s, unsigned max_s, unsigned *ret_s);
/* A whole number followed by KiB, MiB or GiB: from `min` to `max` bytes, both multiples of 1 KiB. */
int vg_read_size(struct vg_yaml *yaml, const yaml_node_t *value, const char *key, __u64 min,
		 __u64 max, __u64 *ret_bytes);

/* A whole number followed by %: from 0% to 100%. */
int vg_read_percent(struct vg_yaml *yaml, const yaml_node_t *value, const char *key,
		    unsigned *ret_percent);

/* The entries of a source set. `name` and `example` are for messages. */
int vg_read_entries(struct vg_yaml *yaml, struct vg_draft *draft, const yaml_node_t *list,
		    const char *name, const char *example, struct vg_config_source *source);

/* What holds where a config says nothing of replies. */
struct vg_replies vg_replies_default(void);
/* `replies`, into the vg_draft behind `into`. */
int vg_read_replies(struct vg_yaml *yaml, const yaml_node_t *value, void *into);

/* `limits`, into the vg_draft behind `into`. */
int vg_read_limits(struct vg_yaml *yaml, const yaml_node_t *map, void *into);

/* `discovery`, into the vg_draft behind `into`. */
int vg_read_discovery(struct vg_yaml *yaml, const yaml_node_t *map, void *into);

/* `services`, into the vg_draft behind `into`. */
int vg_read_services(struct vg_yaml *yaml, const yaml_node_t *list, void *into);

#endif
