/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer's entry: any bytes as a request of the control socket. Whatever they are, they are taken
 * or refused with a message, and nothing leaks.
 */
#include <stdbool.h>
#include <stdint.h>
#include "service/request.c"

static void expect(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vg_request request = {0};
	struct vg_diag diag = {0};
	int r;

	r = vg_request_parse((const char *)data, size, &request, &diag);
	if (r < 0) {
		expect(!request.json && diag.text[0]);
		return 0;
	}
	expect(request.command < VG_COMMAND_MAX);
	expect(request.command != VG_COMMAND_CHECK || request.address);
	expect(!request.address || request.command == VG_COMMAND_CHECK);
	expect(!request.accept_shrink || request.command == VG_COMMAND_APPLY);
	expect(!request.set || strlen(request.set) <= VG_REQUEST_TEXT_MAX);
	vg_request_done(&request);
	return 0;
}
