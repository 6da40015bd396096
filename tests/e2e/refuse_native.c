/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For LD_PRELOAD: a kernel that refuses native XDP. bpf_link_create() in driver mode fails with the
 * errno numbered $VG_REFUSE_ERRNO, in every mode where $VG_REFUSE_ALL is set; the rest is libbpf's.
 */
#include <bpf/bpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>

int bpf_link_create(int program, int target, enum bpf_attach_type type,
		    const struct bpf_link_create_opts *opts)
{
	const char *refusal = getenv("VG_REFUSE_ERRNO");
	int (*real)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *) =
		dlsym(RTLD_NEXT, "bpf_link_create");

	if (refusal && type == BPF_XDP &&
	    ((opts->flags & XDP_FLAGS_DRV_MODE) || getenv("VG_REFUSE_ALL"))) {
		errno = (int)strtol(refusal, NULL, 10);
		return -errno;
	}
	return real(program, target, type, opts);
}
