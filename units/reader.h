/* A unit file's text as a sequence of settings. inih splits a line into key and value; what a line is, which
 * number it has and which text is no unit file at all is decided here. */
#pragma once

#include "base/failure.h"

struct reader_line {
	const char *section; /* "" before the first heading */
	const char *key;     /* NULL: this is the section's heading */
	const char *value;   /* without white space around it; "" when empty */
	uint32_t line;	     /* 1-based; of a continued line, the first */
};

/* Returns 0 to go on; a negative errno ends the reading. */
typedef int (*reader_handler)(void *data, const struct reader_line *line, struct failure *failure);

enum {
	READER_MAX_LINE = 1 << 20,  /* bytes of a line with its continuations */
	READER_MAX_FILE = 16 << 20, /* bytes */
};

/* Reads TEXT of LENGTH bytes (NUL-terminated behind them). Refused, with the line's number in *RET_LINE and
 * -EINVAL: a NUL or another control character, text that is not UTF-8, a line longer than READER_MAX_LINE, a
 * line that is neither a heading, an assignment nor a comment. A byte order mark at the start and CR-LF line
 * ends are accepted. A handler's error is returned as it is, with the line it was called for. */
int reader_parse(const char *text, size_t length, reader_handler handler, void *data, uint32_t *ret_line,
		 struct failure *failure);
