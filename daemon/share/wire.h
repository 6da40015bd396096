/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The control socket's messages: one JSON object a line each way, then the connection is closed.
 *   request  {"version": 1, "command": "status" | "check" | "ranges" | ..., ...}
 *   answer   {"version": 1, "ok": true, ...}  or  {"version": 1, "ok": false, "error": "text"};
 *            with "denied": true if it is the peer's user who may not do it
 *
 * status   no arguments. Answer:
 *   "daemon": {"version", "pid", "started_s", "config"}
 *   "policy": {"generation", "published_s", "enforcement": "enforce" | "monitor", "sets", "services",
 *              "prefixes4", "prefixes6", "table_bytes", "table_bytes_max", "publish": {"parse_us",
 *              "compile_us", "load_us": CPU time that it took to put it in force}}
 *   "reloads": {"succeeded", "failed", "last_error": text or null, "last_error_s"}
 *   "refreshes": {"succeeded", "failed", "last_error": text or null}: policies with other ranges of
 *              files and feeds, of the same config
 *   "exporter": "ADDRESS:PORT" or null
 *   "flows": {"open", "max": room of each IP version, "opened", "expired", "evicted", "full"}, or null
 *              where replies are not tracked
 *   "feeds": [{"feed": text of the entry, "state": "fresh" | "saved": not confirmed since the start |
 *              "unread": no answer yet | "held": a newer answer is held back | "failing",
 *              "read_s": when the answer in force was last confirmed, "age_s", "ranges": of it,
 *              "error": why the last question failed, "note": what the answer leaves out, "held",
 *              "store_error", "answers", "failures": since the start}]; what isn't known, and all but
 *              the first two of a file, is null
 *   "interfaces": [{"name", "known_as": the name that the config has, where the NIC is called
 *              otherwise by now, or null, "ifindex", "state": "attached" | "absent" | "failed" | "detached",
 *              "mode": "native" | "generic" or null, "ingress", "adopted",
 *              "recorder": are flows that leave by it recorded, "program_id",
 *              "lost": how often somebody took the filter off,
 *              "reason": why generic, failed, detached or absent, or why not all of it is filtered, or
 *              null,
 *              "obstacles": what is in the way of native mode: [{"text", "command": what removes it,
 *              or null}],
 *              "tuned": what was changed for native mode, and is put back at detach: [{"setting",
 *              "before", "now"}],
 *              "pass": {"packets", "bytes", "packets_per_second"}, "drop": alike, "would_drop": alike}]
 *   "trial": as of history
 *   "hints": [text]
 * check    "address", and optionally "to", "port" ("tcp/443", "icmp"), "interface". Answer: what
 *          vg_check_json() makes (share/check.h), with "generation".
 * ranges   optionally "set". Answer: what vg_ranges_json() makes (share/set_ranges.h): "sets": [{"name",
 *          "ranges": [{"prefix", "origin", "page"}], "origins": [{"origin", "count", "read_s" or
 *          null, "unread": a server has not answered yet}]}].
 * detach   optionally "interface"; all without it. Answer: "detached": [names], "settings": [text]:
 *          what became of settings that were changed for native mode.
 * apply    optionally "accept_shrink": believe all answers of feeds that are held back; "staged": the
 *          config is in the file of that name beside the socket, a copy of "file", instead of being the
 *          config as it is now; "confirm_s": on trial for so many seconds; "login": who asks, for the
 *          history. The answer may take some seconds, while new feeds are asked: "generation",
 *          "accepted": how many answers were believed, "trial"; or the error that the config is
 *          refused with. No trial takes back what "accept_shrink" believes: not with "confirm_s".
 *          With "dry_run" nothing comes into force; "session" is a connection from outside, "REMOTE
 *          PORT LOCAL PORT". Answer: "generation", "changes": as of history, and
 *   "connections": {"open": TCP connections with other hosts, "unjudged": of those, not looked at for
 *              lack of time, "refused": those that pass now and would not then, "list":
 *              [{"remote", "remote_port", "local", "local_port", "inbound", "interface", "reason",
 *              "service": or null}], the first 100}; or null if that can't be known
 *   "session": as of that list, where the session would be refused, or null
 *   "sources": [{"interface", "source": or null for no set, "packets": that have passed so far by the
 *              interface's setting, which would refuse them then}]
 *   "unanswered": a new feed that has no answer yet, without which the config is refused, or null
 * confirm  optionally "generation": the one that is meant, should another be on trial by now. Answer:
 *          "generation".
 * rollback "generation": whose config comes back; optionally "login", "dry_run", "session". Answer: as of
 *          apply.
 * history  optionally "generation". Answer:
 *   "config": path of the config
 *   "trial": {"generation", "back", "duration_s", "left_s", "error": why what should be back is not, or
 *            null}, or null where nothing waits to be confirmed
 *   "rollback": the generation that `vpcgate rollback` goes to, or null
 *   "error": why the last entries are not on disk yet, or null
 *   "entries": [{"generation", "follows": the entry before, or 0, "time_s", "cause": "start" | "reload" |
 *            "apply" | "rollback" | "return", "by": {"uid", "pid", "comm", "login"} or null, "file",
 *            "restores", "trial": {"confirmed",
 *            "duration_s", "deadline_us", "boot_id", "back"} or null, "changes": {"sets": [{"name",
 *            "change": "new" | "gone" | "changed", "added", "removed", "added_prefixes": the first 20,
 *            "removed_prefixes"}], "services": [{"name", "before", "after"}], "settings": alike} or
 *            null}], oldest first
 *   with "generation" also "text": the config of that entry, which is then the only one
 *
 * status, check, ranges and history without "generation" are for all who may connect; the rest for root
 * and the daemon's own user.
 */
#ifndef VPCGATE_WIRE_H
#define VPCGATE_WIRE_H

#include <jansson.h>
#include "core/diag.h"

#define VG_SOCKET_DEFAULT "/run/vpcgate/control.sock"
#define VG_WIRE_VERSION 1
#define VG_WIRE_STAGED "apply."	   /* what the name of a staged file begins with */
#define VG_WIRE_REQUEST_MAX 65536u /* bytes, the newline included */
#define VG_WIRE_ANSWER_MAX (256u << 20)

/*
 * Sends `request` (its reference is kept by the caller; "version" is added) and waits up to
 * `timeout_ms` for the answer. 0: an answer with "ok": true, owned by the caller. -ECONNREFUSED or
 * -ENOENT: no daemon listens; -EACCES: the socket is closed to this user; -ETIMEDOUT; -EPROTO: not
 * an answer; -EPERM: "denied"; -EREMOTEIO: "ok" is false for another reason. `diag` says which.
 */
int vg_wire_call(const char *socket_path, json_t *request, int timeout_ms, json_t **ret_answer,
		 struct vg_diag *diag);

#endif
