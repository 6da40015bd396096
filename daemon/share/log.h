/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Structured log lines on standard error: text for people and the journal, or JSON. */
#ifndef VPCGATE_LOG_H
#define VPCGATE_LOG_H

enum vg_log_level { VG_LOG_ERR, VG_LOG_WARN, VG_LOG_INFO, VG_LOG_DEBUG };
enum vg_log_format {
	VG_LOG_TEXT, /* "LEVEL: message"; "<N>message" (sd-daemon(3)) when the journal reads */
	VG_LOG_JSON, /* {"time": RFC 3339, "severity": Cloud Logging's, "message": ...} */
};

void vg_log_init(enum vg_log_level level, enum vg_log_format format);

void vg_log(enum vg_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs at `err` and returns `error`, a negative errno. */
int vg_log_err(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define vg_log_warn(...) vg_log(VG_LOG_WARN, __VA_ARGS__)
#define vg_log_info(...) vg_log(VG_LOG_INFO, __VA_ARGS__)
#define vg_log_debug(...) vg_log(VG_LOG_DEBUG, __VA_ARGS__)

#endif
