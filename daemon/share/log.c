/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "share/cleanup.h"
#include "share/log.h"

static const struct {
	const char *text;
	const char *severity; /* Cloud Logging's LogSeverity */
	char priority;	      /* sd-daemon(3) */
} levels[] = {
	[VG_LOG_ERR] = {"error", "ERROR", '3'},
	[VG_LOG_WARN] = {"warning", "WARNING", '4'},
	[VG_LOG_INFO] = {"info", "INFO", '6'},
	[VG_LOG_DEBUG] = {"debug", "DEBUG", '7'},
};

static enum vg_log_level log_level = VG_LOG_INFO;
static enum vg_log_format log_format = VG_LOG_TEXT;
static bool log_journal;

/* systemd names the journal's socket in JOURNAL_STREAM as DEVICE:INODE; ours may be redirected. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void vg_log_init(enum vg_log_level level, enum vg_log_format format)
{
	log_level = level;
	log_format = format;
	log_journal = stderr_is_journal();
}

/* A message is one line, whatever outside text it quotes. */
static void make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
}

static void make_ascii(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			*text = '?';
}

/*
 * The agents of Cloud Logging (GKE's, and the Ops Agent with a parser for JSON) take these three out of
 * an object: https://cloud.google.com/logging/docs/structured-logging, read 2026-11. Any other key
 * would stay in the payload, and a severity of another name would be taken for DEFAULT.
 */
static char *format_json(enum vg_log_level level, char *message)
{
	_cleanup_free_ char *json = NULL;
	json_auto_t *root = NULL;
	struct timespec now;
	char date[32], stamp[64], *line;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
	snprintf(stamp, sizeof(stamp), "%s.%06ldZ", date, now.tv_nsec / 1000);
	root = json_pack("{ss ss ss}", "time", stamp, "severity", levels[level].severity, "message",
			 message);
	if (!root) {
		/* Not UTF-8, as a file name may be. */
		make_ascii(message);
		root = json_pack("{ss ss ss}", "time", stamp, "severity", levels[level].severity,
				 "message", message);
	}
	json = root ? json_dumps(root, JSON_COMPACT) : NULL;
	if (!json || asprintf(&line, "%s\n", json) < 0)
		return NULL;
	return line;
}

static char *format_text(enum vg_log_level level, const char *message)
{
	char *line;
	int r;

	if (log_journal)
		r = asprintf(&line, "<%c>%s\n", levels[level].priority, message);
	else
		r = asprintf(&line, "%s: %s\n", levels[level].text, message);
	return r < 0 ? NULL : line;
}

/* One write a line, so that lines of several processes do not mix. */
static void write_line(const char *line)
{
	size_t left = strlen(line);
	ssize_t n;

	while (left) {
		n = write(STDERR_FILENO, line, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		line += n;
		left -= n;
	}
}

static void log_args(enum vg_log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_args(enum vg_log_level level, const char *format, va_list args)
{
	_cleanup_free_ char *message = NULL, *line = NULL;

	if (level > log_level)
		return;
	if (vasprintf(&message, format, args) < 0)
		message = NULL;
	if (message) {
		make_one_line(message);
		line = log_format == VG_LOG_JSON ? format_json(level, message)
						 : format_text(level, message);
	}
	write_line(line ? line : "error: no memory for a log message\n");
}

void vg_log(enum vg_log_level level, const char *format, ...)
{
	const int saved = errno;
	va_list args;

	va_start(args, format);
	log_args(level, format, args);
	va_end(args);
	errno = saved;
}

int vg_log_err(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_args(VG_LOG_ERR, format, args);
	va_end(args);
	return error;
}
