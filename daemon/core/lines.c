/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include "core/lines.h"
#include "core/shapes.h"
#include "share/cleanup.h"

int vg_lines_prefix(const char *text, const char *or_else, const struct vg_place *place,
		    struct vg_prefix *ret_prefix, struct vg_diag *diag)
{
	static const struct vg_prefix mapped = {{.lo = 0xffff00000000, .family = 6}, 96};
	char wrong[VG_DIAG_TEXT_SIZE];
	struct vg_prefix prefix;
	int r;

	r = vg_prefix_parse(text, &prefix, wrong, sizeof(wrong));
	if (r == -EINVAL)
		return vg_diag_set(diag, EINVAL, place->file, place->at, "%s%s", wrong, or_else);
	if (r < 0)
		return vg_diag_set(diag, EINVAL, place->file, place->at, "%s", wrong);
	if (prefix.length >= mapped.length && vg_prefix_contains(&mapped, &prefix.address))
		return vg_diag_set(diag, EINVAL, place->file, place->at,
				   "%s is IPv4-mapped, which is never on the wire: write the IPv4 "
				   "prefix",
				   text);
	*ret_prefix = prefix;
	return 0;
}

/* strspn() and strcspn() are slow where words are short, and there may be a million lines. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *skip_blanks(char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

static char *skip_word(char *text)
{
	while (*text && !is_blank(*text))
		text++;
	return text;
}

/* A file on its way to who takes its prefixes. */
struct lines {
	vg_take_prefix *take;
	void *to;
	struct vg_place place;
	bool begun; /* something other than blanks was met */
	bool json;
	int refused; /* the errno of a line that is wrong */
	struct vg_diag *diag;
};

/* One line, changed in place: at most one prefix, then perhaps a comment. */
static int take_line(struct lines *lines, char *line)
{
	char *word = skip_blanks(line), *end, *rest;
	struct vg_place *place = &lines->place;
	struct vg_prefix prefix;
	int r;

	*strchrnul(word, '#') = '\0';
	if (!*word)
		return 0;
	end = skip_word(word);
	rest = skip_blanks(end);
	if (*rest) {
		place->at.column = (unsigned)(rest - line) + 1;
		return vg_diag_set(lines->diag, EINVAL, place->file, place->at,
				   "a second word: write one prefix a line, comments behind '#'");
	}
	*end = '\0';
	place->at.column = (unsigned)(word - line) + 1;
	r = vg_lines_prefix(word, "", place, &prefix, lines->diag);
	if (r < 0)
		return r;
	return lines->take(lines->to, &prefix, place);
}

static int take_lines(void *to, char *text, size_t length)
{
	struct lines *lines = to;
	struct vg_place *place = &lines->place;
	char *line = text, *end = text + length;
	int r = 0;

	if (place->at.line == 1 && length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		line += 3;
	if (!lines->begun) {
		lines->json = vg_shape_is_json(line, (size_t)(end - line));
		if (lines->json)
			return -ECANCELED;
		lines->begun = line + strspn(line, " \t\r\n") < end;
	}
	for (; r == 0 && line < end; place->at.line++) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *line_end = newline ? newline : end;
		const char *nul = memchr(line, '\0', (size_t)(line_end - line));

		if (nul) {
			place->at.column = (unsigned)(nul - line) + 1;
			r = vg_diag_set(lines->diag, EINVAL, place->file, place->at,
					"a NUL byte: write text, one prefix a line");
			break;
		}
		*line_end = '\0';
		r = take_line(lines, line);
		line = line_end + 1;
	}
	lines->refused = r;
	return r;
}

int vg_lines_read(const struct vg_reader *reader, const char *path, const struct vg_place *entry,
		  vg_take_prefix *take, void *to, bool *ret_json, struct vg_diag *diag)
{
	struct lines lines = {.take = take, .to = to, .place = {path, {1, 1}}, .diag = diag};
	int r;

	r = reader->read_lines(reader->context, path, take_lines, &lines);
	if (lines.json)
		r = 0;
	if (r < 0 && r != -ENOMEM && !lines.refused)
		return vg_diag_set(diag, -r, entry->file, entry->at,
				   "can't read '%.255s': %s: make it readable or remove the entry",
				   path, strerror(-r));
	if (r < 0)
		return r;
	*ret_json = lines.json;
	return 0;
}
