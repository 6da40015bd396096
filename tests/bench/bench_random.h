/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef VPCGATE_BENCH_BENCH_RANDOM_H
#define VPCGATE_BENCH_BENCH_RANDOM_H
#include "tests/bench/choice.h"
#include "tests/bench/frames.h"
void bench_random(const struct choice *choice);
#endif
