/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/request.h"
#include "share/cleanup.h"
#include "share/wire.h"

static const struct vg_position nowhere;

#define REFUSE(diag, ...) vg_diag_set(diag, EINVAL, NULL, nowhere, __VA_ARGS__)

/* Bits of the arguments that a command takes. */
enum argument {
	ADDRESS = 1 << 0,
	TO = 1 << 1,
	PORT = 1 << 2,
	INTERFACE = 1 << 3,
	SET = 1 << 4,
	ACCEPT_SHRINK = 1 << 5,
};

static const struct {
	const char *text;
	unsigned takes;
	bool reads; /* changes nothing: for all who may connect */
} commands[] = {
	[VG_COMMAND_STATUS] = {"status", 0, true},
	[VG_COMMAND_CHECK] = {"check", ADDRESS | TO | PORT | INTERFACE, true},
	[VG_COMMAND_RANGES] = {"ranges", SET, true},
	[VG_COMMAND_DETACH] = {"detach", INTERFACE, false},
	[VG_COMMAND_APPLY] = {"apply", ACCEPT_SHRINK, false},
};
_Static_assert(VG_ARRAY_SIZE(commands) == VG_COMMAND_MAX, "a command is missing");

static int parse_command(json_t *json, enum vg_command *ret_command, struct vg_diag *diag)
{
	const char *text = json_string_value(json_object_get(json, "command"));

	if (!text)
		return REFUSE(diag, "the request has no \"command\"");
	for (size_t i = 0; i < VG_COMMAND_MAX; i++) {
		if (strcmp(commands[i].text, text) != 0)
			continue;
		*ret_command = i;
		return 0;
	}
	return REFUSE(diag,
		      "'%.64s' is no command; there are status, check, ranges, detach and apply",
		      text);
}

static int parse_accept_shrink(const json_t *value, struct vg_request *request,
			       struct vg_diag *diag)
{
	if (!json_is_boolean(value))
		return REFUSE(diag, "\"accept_shrink\" is true or false");
	request->accept_shrink = json_is_true(value);
	return 0;
}

static int parse_argument(const char *key, const json_t *value, struct vg_request *request,
			  struct vg_diag *diag)
{
	const struct {
		const char *key;
		enum argument bit;
		const char **field;
	} arguments[] = {
		{"address", ADDRESS, &request->address},
		{"to", TO, &request->to},
		{"port", PORT, &request->port},
		{"interface", INTERFACE, &request->interface},
		{"set", SET, &request->set},
	};

	if (strcmp(key, "accept_shrink") == 0 && commands[request->command].takes & ACCEPT_SHRINK)
		return parse_accept_shrink(value, request, diag);

	for (size_t i = 0; i < VG_ARRAY_SIZE(arguments); i++) {
		if (strcmp(arguments[i].key, key) != 0)
			continue;
		if (!(commands[request->command].takes & arguments[i].bit))
			break;
		if (!json_is_string(value) || json_string_length(value) > VG_REQUEST_TEXT_MAX)
			return REFUSE(diag, "\"%s\" is a text of at most %d bytes", key,
				      VG_REQUEST_TEXT_MAX);
		*arguments[i].field = json_string_value(value);
		return 0;
	}
	return REFUSE(diag, "'%.64s' is no argument of %s", key, commands[request->command].text);
}

int vg_request_parse(const char *text, size_t length, struct vg_request *ret_request,
		     struct vg_diag *diag)
{
	struct vg_request request = {0};
	json_auto_t *json = NULL;
	json_t *version, *value;
	const char *key;
	int r;

	json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json))
		return REFUSE(diag, "a request is one JSON object on one line");
	version = json_object_get(json, "version");
	if (!json_is_integer(version) || json_integer_value(version) != VG_WIRE_VERSION)
		return REFUSE(diag,
			      "vpcgated " VG_VERSION " speaks \"version\": %d of the protocol",
			      VG_WIRE_VERSION);
	r = parse_command(json, &request.command, diag);
	if (r < 0)
		return r;
	json_object_foreach(json, key, value) {
		if (strcmp(key, "version") == 0 || strcmp(key, "command") == 0)
			continue;
		r = parse_argument(key, value, &request, diag);
		if (r < 0)
			return r;
	}
	if (request.command == VG_COMMAND_CHECK && !request.address)
		return REFUSE(diag, "check needs an \"address\"");
	request.json = VG_TAKE_PTR(json);
	*ret_request = request;
	return 0;
}

const char *vg_request_name(const struct vg_request *request)
{
	return commands[request->command].text;
}

bool vg_request_writes(const struct vg_request *request)
{
	return !commands[request->command].reads;
}

void vg_request_done(struct vg_request *request)
{
	json_decref(request->json);
	*request = (struct vg_request){0};
}
