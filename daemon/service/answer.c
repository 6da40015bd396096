/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>
#include "service/answer.h"
#include "service/attach.h"
#include "service/feed_report.h"
#include "service/preview.h"
#include "service/report.h"
#include "service/request.h"
#include "service/tuning.h"
#include "share/check.h"
#include "share/cleanup.h"
#include "share/set_ranges.h"
#include "share/wire.h"

static int answer_check(const struct vg_gate *gate, const struct vg_request *request,
			json_t **ret_json, struct vg_diag *diag)
{
	const struct vg_check check = {
		.address = request->address,
		.to = request->to,
		.port = request->port,
		.interface = request->interface,
	};
	int r;

	r = vg_check_json(gate->policy, &check, ret_json, diag);
	if (r < 0)
		return r;
	json_object_set_new(*ret_json, "generation", json_integer(gate->state.generation));
	return 0;
}

/* What becomes of settings goes into the log, and to whoever has asked. */
static void note_setting(void *context, bool failed, const char *text)
{
	vg_tuning_log.tell(NULL, failed, text);
	json_array_append_new(context, json_string(text));
}

static int answer_detach(struct vg_gate *gate, const struct vg_request *request, json_t **ret_json,
			 struct vg_diag *diag)
{
	_cleanup_free_ char(*names)[VG_NAME_SIZE] = NULL;
	json_auto_t *settings = json_array();
	const struct vg_tune_report report = {note_setting, settings};
	json_t *array;
	size_t n = 0;
	int r;

	r = vg_attach_detach(gate, request->interface, &names, &n, &report, diag);
	if (r < 0)
		return r;
	array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_string(names[i]));
	*ret_json = json_pack("{so sO}", "detached", array, "settings", settings);
	return *ret_json ? 0 : -ENOMEM;
}

static int answer_confirm(struct vg_daemon *daemon, __u64 generation, json_t **ret_json,
			  struct vg_diag *diag)
{
	const int r = vg_confirm_keep(daemon, generation, diag);

	if (r < 0)
		return r;
	*ret_json = json_pack("{sI}", "generation", (json_int_t)daemon->gate->state.generation);
	return *ret_json ? 0 : -ENOMEM;
}

static int answer_request(struct vg_daemon *daemon, const struct vg_request *request,
			  json_t **ret_json, struct vg_diag *diag)
{
	switch (request->command) {
	case VG_COMMAND_STATUS:
		return vg_status_json(daemon, ret_json, diag);
	case VG_COMMAND_CHECK:
		return answer_check(daemon->gate, request, ret_json, diag);
	case VG_COMMAND_DETACH:
		return answer_detach(daemon->gate, request, ret_json, diag);
	case VG_COMMAND_CONFIRM:
		return answer_confirm(daemon, request->generation, ret_json, diag);
	case VG_COMMAND_HISTORY:
		return vg_report_history(daemon, request->generation, ret_json, diag);
	default: /* VG_COMMAND_APPLY, VG_COMMAND_ROLLBACK: vg_answer(); VG_COMMAND_RANGES: vg_answer_write() */
		return -EINVAL;
	}
}

static char *dump_line(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT), *line;
	size_t length;

	if (!text)
		return NULL;
	length = strlen(text);
	line = realloc(text, length + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	strcpy(line + length, "\n");
	return line;
}

static char *write_answer(const json_t *json, int result, const struct vg_diag *diag)
{
	json_auto_t *envelope = NULL;

	if (result < 0)
		envelope = json_pack("{si sb ss}", "version", VG_WIRE_VERSION, "ok", 0, "error",
				     *diag->text ? diag->text : strerror(-result));
	else
		envelope = json_pack("{si sb}", "version", VG_WIRE_VERSION, "ok", 1);
	if (!envelope || (json && json_object_update(envelope, (json_t *)json) < 0))
		return NULL;
	return dump_line(envelope);
}

bool vg_answer_is_long(const struct vg_daemon *daemon, const char *text, size_t length)
{
	struct vg_request request = {0};
	bool is_long;

	is_long = vg_request_parse(text, length, &request, NULL) >= 0 && daemon->started &&
		  request.command == VG_COMMAND_RANGES;
	vg_request_done(&request);
	return is_long;
}

void vg_answer_write(const struct vg_daemon *daemon, const char *text, size_t length, FILE *out)
{
	struct vg_request request = {0};
	_cleanup_free_ char *head = NULL, *refusal = NULL;
	struct vg_diag diag = {0};
	int r;

	if (asprintf(&head, "{\"version\":%d,\"ok\":true,", VG_WIRE_VERSION) < 0)
		return;
	r = vg_request_parse(text, length, &request, &diag);
	if (r >= 0) {
		vg_feed_report_date_origins(daemon->discovery, daemon->gate->policy);
		r = vg_ranges_write(daemon->gate->policy, request.set, head, out, &diag);
	}
	refusal = r < 0 ? write_answer(NULL, r, &diag) : NULL;
	fputs(refusal ?: "}\n", out);
	vg_request_done(&request);
}

char *vg_answer_applied(const struct vg_daemon *daemon, size_t accepted, int result,
			const struct vg_diag *diag)
{
	static const struct vg_position nowhere;
	json_auto_t *json = NULL;
	struct vg_diag both = {0};

	if (result >= 0)
		json = json_pack("{sI sI so}", "generation",
				 (json_int_t)daemon->gate->state.generation, "accepted",
				 (json_int_t)accepted, "trial", vg_confirm_json(daemon));
	else if (accepted)
		vg_diag_set(
			&both, -result, NULL, nowhere,
			"%.800s; answers of feeds that were held back are believed all the same",
			diag->text);
	return write_answer(json, result, *both.text ? &both : diag);
}

/* apply and rollback. */
static void change_of(const struct vg_request *request, const struct ucred *peer,
		      struct vg_change *ret_change)
{
	const bool rollback = request->command == VG_COMMAND_ROLLBACK;

	*ret_change = (struct vg_change){
		.cause = rollback ? VG_CAUSE_ROLLBACK : VG_CAUSE_APPLY,
		.accept_shrink = request->accept_shrink,
		.confirm_s = (unsigned)request->confirm_s,
		.restores = request->generation,
	};
	strcpy(ret_change->staged, request->staged ?: "");
	strcpy(ret_change->file, request->file ?: "");
	vg_change_set_actor(ret_change, peer->uid, peer->pid, request->login);
}

/* What is wrong with a config goes out as one text, as after a reload. */
static int answer_preview(const struct vg_daemon *daemon, const struct ucred *peer,
			  const struct vg_request *request, json_t **ret_json, struct vg_diag *diag)
{
	static const struct vg_position nowhere;
	char text[VG_GATE_ERROR_SIZE];
	struct vg_diag wrong = {0};
	struct vg_change change;
	int r;

	change_of(request, peer, &change);
	r = vg_preview(daemon, &change, request->session, ret_json, &wrong);
	return r < 0 ? vg_diag_set(diag, -r, NULL, nowhere, "%s", vg_gate_describe(&wrong, r, text))
		     : 0;
}

static char *answer_change(struct vg_daemon *daemon, const struct ucred *peer, uint64_t ticket,
			   const struct vg_request *request, bool *ret_later)
{
	struct vg_applicant applicant = {.ticket = ticket};
	struct vg_diag diag = {0};
	struct vg_change change;
	int r;

	change_of(request, peer, &change);
	r = vg_apply_change(daemon, &change, &diag);
	applicant.accepted = daemon->apply.accepted;
	if (r != -EINPROGRESS)
		return vg_answer_applied(daemon, applicant.accepted, r, &diag);
	vg_apply_wait(daemon, &applicant);
	*ret_later = true;
	return NULL;
}

static int refuse_reader(const struct vg_request *request, json_t **ret_json, struct vg_diag *diag)
{
	static const struct vg_position nowhere;
	const char *name = vg_request_name(request);

	*ret_json = json_pack("{sb}", "denied", 1);
	return vg_diag_set(diag, EPERM, NULL, nowhere,
			   "%s %s, which is for root: run `sudo vpcgate %s`", name,
			   request->command == VG_COMMAND_HISTORY ? "shows a config"
								  : "changes the filter",
			   name);
}

/* There is no policy in force that an answer could be about. */
static int refuse_early(const struct vg_daemon *daemon, struct vg_diag *diag)
{
	static const struct vg_position nowhere;
	const struct vg_feed *feed =
		vg_discovery_unanswered(daemon->discovery, daemon->gate->next.policy, NULL);

	return vg_diag_set(
		diag, EAGAIN, NULL, nowhere,
		"vpcgated is starting: it waits for the first answer of %.64s, for up to "
		"%d s",
		feed ? feed->text : "feeds", VG_APPLY_WAIT_US / 1000000);
}

char *vg_answer(struct vg_daemon *daemon, const struct ucred *peer, uint64_t ticket,
		const char *text, size_t length, bool *ret_later)
{
	json_auto_t *json = NULL;
	struct vg_request request = {0};
	struct vg_diag diag = {0};
	char *line = NULL;
	int r;

	r = vg_request_parse(text, length, &request, &diag);
	if (r >= 0 && vg_request_writes(&request) && !vg_control_may_write(peer))
		r = refuse_reader(&request, &json, &diag);
	else if (r >= 0 && !daemon->started)
		r = refuse_early(daemon, &diag);
	else if (r >= 0 && request.dry_run)
		r = answer_preview(daemon, peer, &request, &json, &diag);
	else if (r >= 0 &&
		 (request.command == VG_COMMAND_APPLY || request.command == VG_COMMAND_ROLLBACK))
		line = answer_change(daemon, peer, ticket, &request, ret_later);
	else if (r >= 0)
		r = answer_request(daemon, &request, &json, &diag);
	vg_request_done(&request);
	return line || *ret_later ? line : write_answer(json, r, &diag);
}
