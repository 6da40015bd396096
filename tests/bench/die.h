/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_BENCH_DIE_H
#define VPCGATE_BENCH_DIE_H

/* Says why on standard error, and ends the benchmark: a part of it alone would be no comparison. */
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

#endif
