/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdint.h>
#include <string.h>
#include "core/trial.h"
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
	STAGED = 1 << 6,
	FILE_NAME = 1 << 7,
	LOGIN = 1 << 8,
	CONFIRM = 1 << 9,
	GENERATION = 1 << 10,
	DRY_RUN = 1 << 11,
	SESSION = 1 << 12,
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
	[VG_COMMAND_APPLY] = {"apply",
			      ACCEPT_SHRINK | STAGED | FILE_NAME | LOGIN | CONFIRM | DRY_RUN |
				      SESSION,
			      false},
	[VG_COMMAND_CONFIRM] = {"confirm", GENERATION, false},
	[VG_COMMAND_ROLLBACK] = {"rollback", GENERATION | LOGIN | DRY_RUN | SESSION, false},
	[VG_COMMAND_HISTORY] = {"history", GENERATION, true},
};
_Static_assert(VG_ARRAY_SIZE(commands) == VG_COMMAND_MAX, "a command is missing");

static int parse_command(json_t *json, enum vg_command *ret_command, struct vg_diag *diag)
{
	const char *text = json_string_value(json_object_get(json, "command"));
	char names[128] = "";
	size_t n = 0;

	if (!text)
		return REFUSE(diag, "the request has no \"command\"");
	for (size_t i = 0; i < VG_COMMAND_MAX; i++) {
		if (strcmp(commands[i].text, text) == 0) {
			*ret_command = i;
			return 0;
		}
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i == 0			? ""
				      : i + 1 == VG_COMMAND_MAX ? " and "
								: ", ",
				      commands[i].text);
	}
	return REFUSE(diag, "'%.64s' is no command; there are %s", text, names);
}

/* What a value may be, and where it goes. */
struct field {
	const char *key;
	enum argument bit;
	const char **text;
	bool *yes;
	__u64 *number;
	__u64 max; /* of a number, which is at least 1 */
};

static int parse_value(const struct field *field, const json_t *value, struct vg_diag *diag)
{
	const json_int_t number = json_integer_value(value);

	if (field->yes) {
		if (!json_is_boolean(value))
			return REFUSE(diag, "\"%s\" is true or false", field->key);
		*field->yes = json_is_true(value);
	} else if (field->number) {
		if (number < 1 || (__u64)number > field->max)
			return REFUSE(diag, "\"%s\" is a whole number from 1 to %llu", field->key,
				      field->max);
		*field->number = (__u64)number;
	} else {
		if (!json_is_string(value) || json_string_length(value) > VG_REQUEST_TEXT_MAX)
			return REFUSE(diag, "\"%s\" is a text of at most %d bytes", field->key,
				      VG_REQUEST_TEXT_MAX);
		*field->text = json_string_value(value);
	}
	return 0;
}

static int parse_argument(const char *key, const json_t *value, struct vg_request *request,
			  struct vg_diag *diag)
{
	const struct field fields[] = {
		{"address", ADDRESS, .text = &request->address},
		{"to", TO, .text = &request->to},
		{"port", PORT, .text = &request->port},
		{"interface", INTERFACE, .text = &request->interface},
		{"set", SET, .text = &request->set},
		{"accept_shrink", ACCEPT_SHRINK, .yes = &request->accept_shrink},
		{"staged", STAGED, .text = &request->staged},
		{"file", FILE_NAME, .text = &request->file},
		{"login", LOGIN, .text = &request->login},
		{"dry_run", DRY_RUN, .yes = &request->dry_run},
		{"session", SESSION, .text = &request->session},
		{"confirm_s", CONFIRM, .number = &request->confirm_s, .max = VG_TRIAL_MAX_S},
		{"generation", GENERATION, .number = &request->generation, .max = INT64_MAX},
	};

	for (size_t i = 0; i < VG_ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].key, key) == 0 &&
		    commands[request->command].takes & fields[i].bit)
			return parse_value(&fields[i], value, diag);
	}
	return REFUSE(diag, "'%.64s' is no argument of %s", key, commands[request->command].text);
}

/* What one argument can't tell alone. */
static int check_whole(const struct vg_request *request, struct vg_diag *diag)
{
	const char *staged = request->staged;

	if (request->command == VG_COMMAND_CHECK && !request->address)
		return REFUSE(diag, "check needs an \"address\"");
	if (request->command == VG_COMMAND_ROLLBACK && !request->generation)
		return REFUSE(diag, "rollback needs a \"generation\"");
	if (request->confirm_s && request->confirm_s < VG_TRIAL_MIN_S)
		return REFUSE(diag, "\"confirm_s\" is from %d to %d seconds", VG_TRIAL_MIN_S,
			      VG_TRIAL_MAX_S);
	if (request->confirm_s && request->accept_shrink)
		return REFUSE(diag, "what \"accept_shrink\" believes no trial takes back; apply "
				    "without \"confirm_s\"");
	/* Only a file beside the socket, and only of a name that vpcgate gives. */
	if (staged &&
	    (strncmp(staged, VG_WIRE_STAGED, strlen(VG_WIRE_STAGED)) != 0 || strchr(staged, '/')))
		return REFUSE(diag, "\"staged\" is the name of a file, " VG_WIRE_STAGED "*");
	return 0;
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
	r = check_whole(&request, diag);
	if (r < 0)
		return r;
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
	/* Others may not be allowed to read the config, and so no former one. */
	return !commands[request->command].reads ||
	       (request->command == VG_COMMAND_HISTORY && request->generation);
}

void vg_request_done(struct vg_request *request)
{
	json_decref(request->json);
	*request = (struct vg_request){0};
}
